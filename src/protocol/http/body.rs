//! Where a body ends: by its length, by its last chunk, or by the end of the connection (RFC 9112, sections 6 and 7).
//!
//! May use: `session`, `httparse`.

use super::{fields::is_token, status::Bad};
use crate::session::Input;

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none.
    #[default]
    None,
    Length(u64),
    Chunked,
    /// Whatever comes until the peer closes.
    UntilClose,
}

impl Framing {
    /// How a person is told.
    pub(super) fn told(self) -> &'static str {
        match self {
            Self::None => "no body",
            Self::Length(_) => "Content-Length",
            Self::Chunked => "the last chunk",
            Self::UntilClose => "the close of the connection",
        }
    }

    /// Snake case, for machines.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Length(_) => "content_length",
            Self::Chunked => "chunked",
            Self::UntilClose => "close",
        }
    }
}

/// The longest line before a chunk: 16 digits, and extensions.
const MOST_CHUNK_LINE: usize = 1024;
/// The most bytes of extensions of a message: a byte a chunk with a long extension each is an attack.
const MOST_EXTENSIONS: usize = 16 * 1024;
/// The most bytes of trailers.
const MOST_TRAILERS: usize = 8 * 1024;

const BAD_SIZE: Bad = Bad::request("bad_chunk_size", "a chunk's size is not 1 to 16 hexadecimal digits");
const BAD_LINE: Bad = Bad::request("bad_chunk", "the line before a chunk is malformed");
const BAD_END: Bad = Bad::request("bad_chunk_end", "a chunk is not as long as its size says");
const LONG_LINE: Bad = Bad::request("chunk_line_too_long", "the line before a chunk has more than 1 KiB");
const LONG_EXTENSIONS: Bad = Bad::request("chunk_extensions_too_long", "the chunks' extensions have more than 16 KiB");
const BAD_TRAILER: Bad = Bad::request("bad_trailer", "a trailer is malformed");
const LONG_TRAILERS: Bad = Bad::new(431, "trailers_too_long", "the trailers have more than 8 KiB");
const TOO_LONG: Bad = Bad::new(413, "body_too_long", "the body is longer than is taken here");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// So much is left.
    Length(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailers,
    UntilClose,
    Done,
}

/// What comes next of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    Data(&'a [u8]),
    /// More has to come.
    More,
    Done,
}

/// Takes a body apart, in whatever pieces it comes.
#[derive(Debug)]
pub(super) struct Decoder {
    state: State,
    /// The most bytes of payload.
    most: u64,
    /// Bytes of payload so far, those of the chunk that has begun included.
    declared: u64,
    extensions: usize,
    /// The trailers as they came.
    trailers: Vec<u8>,
}

impl Decoder {
    /// # Errors
    /// It says itself that it is too long.
    pub(super) fn new(framing: Framing, most: u64) -> Result<Self, Bad> {
        let state = match framing {
            Framing::None | Framing::Length(0) => State::Done,
            Framing::Length(length) if length > most => return Err(TOO_LONG),
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::ChunkSize,
            Framing::UntilClose => State::UntilClose,
        };
        Ok(Self { state, most, declared: 0, extensions: 0, trailers: Vec::new() })
    }

    pub(super) fn done(&self) -> bool {
        self.state == State::Done
    }

    /// Is the end of the connection its end?
    pub(super) fn until_close(&self) -> bool {
        self.state == State::UntilClose
    }

    /// The trailers, each checked, with their line ends.
    pub(super) fn trailers(&self) -> &[u8] {
        &self.trailers
    }

    pub(super) fn take<'a>(&mut self, input: &mut Input<'a>) -> Result<Step<'a>, Bad> {
        loop {
            match self.state {
                State::Done => return Ok(Step::Done),
                State::UntilClose => return Ok(data(input.everything())),
                State::Length(left) => {
                    let (step, left) = piece(input, left);
                    self.state = if left == 0 { State::Done } else { State::Length(left) };
                    return Ok(step);
                }
                State::ChunkData(left) => {
                    let (step, left) = piece(input, left);
                    self.state = if left == 0 { State::ChunkEnd } else { State::ChunkData(left) };
                    return Ok(step);
                }
                State::ChunkSize => match line(input, MOST_CHUNK_LINE, LONG_LINE, BAD_LINE)? {
                    None => return Ok(Step::More),
                    Some(line) => self.begin_chunk(line)?,
                },
                State::ChunkEnd => match input.exactly(2) {
                    None => return Ok(Step::More),
                    Some(b"\r\n") => self.state = State::ChunkSize,
                    Some(_) => return Err(BAD_END),
                },
                State::Trailers => match line(input, MOST_TRAILERS, LONG_TRAILERS, BAD_TRAILER)? {
                    None => return Ok(Step::More),
                    Some([]) => self.state = State::Done,
                    Some(line) => self.trailer(line)?,
                },
            }
        }
    }

    /// RFC 9112, section 7.1: the size, then extensions, which mean nothing here (7.1.1).
    fn begin_chunk(&mut self, line: &[u8]) -> Result<(), Bad> {
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (size, extensions) = line.split_at(digits);
        if !(1..=16).contains(&digits) {
            return Err(BAD_SIZE);
        }
        let size = std::str::from_utf8(size).ok().and_then(|text| u64::from_str_radix(text, 16).ok()).ok_or(BAD_SIZE)?;
        // White space before the semicolon is "bad", and to be taken all the same.
        match extensions.trim_ascii() {
            [] if extensions.is_empty() => {}
            [b';', rest @ ..] if rest.iter().all(|byte| *byte == b'\t' || !byte.is_ascii_control()) => {
                self.extensions += extensions.len();
            }
            [b';', ..] => return Err(BAD_LINE),
            _ => return Err(BAD_SIZE),
        }
        if self.extensions > MOST_EXTENSIONS {
            return Err(LONG_EXTENSIONS);
        }
        self.declared = self.declared.checked_add(size).filter(|all| *all <= self.most).ok_or(TOO_LONG)?;
        self.state = if size == 0 { State::Trailers } else { State::ChunkData(size) };
        Ok(())
    }

    fn trailer(&mut self, line: &[u8]) -> Result<(), Bad> {
        let name = line.iter().take_while(|byte| is_token(**byte)).count();
        let value = match line[name..] {
            [b':', ref value @ ..] if name > 0 => value,
            _ => return Err(BAD_TRAILER),
        };
        if value.iter().any(|byte| *byte != b'\t' && byte.is_ascii_control()) {
            return Err(BAD_TRAILER);
        }
        if self.trailers.len() + line.len() > MOST_TRAILERS {
            return Err(LONG_TRAILERS);
        }
        self.trailers.extend_from_slice(line);
        self.trailers.extend_from_slice(b"\r\n");
        Ok(())
    }
}

fn data(bytes: &[u8]) -> Step<'_> {
    if bytes.is_empty() { Step::More } else { Step::Data(bytes) }
}

/// What there is of `left` bytes, and how much is left then.
fn piece<'a>(input: &mut Input<'a>, left: u64) -> (Step<'a>, u64) {
    let length = input.rest().len().min(usize::try_from(left).unwrap_or(usize::MAX));
    (data(input.exactly(length).unwrap_or_default()), left - length as u64)
}

/// A line that ends in CRLF, without that.
fn line<'a>(input: &mut Input<'a>, most: usize, too_long: Bad, malformed: Bad) -> Result<Option<&'a [u8]>, Bad> {
    match input.until(b"\n", most, "line") {
        Err(_) => Err(too_long),
        Ok(None) => Ok(None),
        Ok(Some(line)) => line.strip_suffix(b"\r").filter(|line| !line.contains(&b'\r')).ok_or(malformed).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a body comes to, cut into pieces of this size; and what is left behind it.
    fn decode(framing: Framing, most: u64, bytes: &[u8], size: usize) -> Result<(Vec<u8>, Vec<u8>, usize), &'static str> {
        let mut decoder = Decoder::new(framing, most).map_err(|bad| bad.name)?;
        let (mut left, mut scanned, mut payload) = (Vec::new(), 0, Vec::new());
        for piece in bytes.chunks(size) {
            left.extend_from_slice(piece);
            let mut input = Input::stream(&left, &mut scanned);
            while let Step::Data(data) = decoder.take(&mut input).map_err(|bad| bad.name)? {
                payload.extend_from_slice(data);
            }
            let taken = input.taken();
            left.drain(..taken);
        }
        if decoder.done() { Ok((payload, decoder.trailers().to_vec(), left.len())) } else { Err("more") }
    }

    #[test]
    fn chunks_are_read_in_any_pieces() {
        let bytes = b"5;a=\"b c\"\r\nhello\r\n00F \t;x\r\n, this is chunks\r\n0\r\nA: b\r\nC:\r\n\r\nnext";
        let wanted = Ok((b"hello, this is chunks"[..20].to_vec(), b"A: b\r\nC:\r\n".to_vec(), 4));
        let bytes = String::from_utf8(bytes.to_vec()).unwrap().replace(", this is chunks", ", this is chunk");
        for size in [1, 2, 3, 7, 1000] {
            assert_eq!(decode(Framing::Chunked, 100, bytes.as_bytes(), size), wanted, "{size}");
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        let long = format!("1;{}\r\n", "x".repeat(2000));
        let many = format!("1;{}\r\na\r\n", "x".repeat(900)).repeat(20);
        for (bytes, name) in [
            ("g\r\n", "bad_chunk_size"),
            ("-1\r\n", "bad_chunk_size"),
            ("+1\r\n", "bad_chunk_size"),
            ("0x1\r\n", "bad_chunk_size"),
            (" 1\r\n", "bad_chunk_size"),
            ("1 \r\n", "bad_chunk_size"),
            ("\r\n", "bad_chunk_size"),
            ("1\n", "bad_chunk"),
            ("1\r\r\n", "bad_chunk"),
            ("1;a\0\r\n", "bad_chunk"),
            ("00000000000000001\r\n", "bad_chunk_size"),
            ("ffffffffffffffff\r\n", "body_too_long"),
            ("65\r\n", "body_too_long"),
            ("1\r\nab\r\n", "bad_chunk_end"),
            ("1\r\na\n0\r\n\r\n", "bad_chunk_end"),
            ("0\r\nA b\r\n\r\n", "bad_trailer"),
            ("0\r\n: b\r\n\r\n", "bad_trailer"),
            ("0\r\nA: b\n\r\n", "bad_trailer"),
            ("0\r\n A: folded\r\n\r\n", "bad_trailer"),
            ("0\r\nA: \0\r\n\r\n", "bad_trailer"),
            (&long, "chunk_line_too_long"),
            (&many, "chunk_extensions_too_long"),
            ("1\r\na", "more"),
        ] {
            for size in [1, 4096] {
                let most = if name == "chunk_extensions_too_long" { 1000 } else { 100 };
                assert_eq!(decode(Framing::Chunked, most, bytes.as_bytes(), size), Err(name), "{bytes:?} in {size}");
            }
        }
    }

    #[test]
    fn a_length_is_a_length() {
        assert_eq!(decode(Framing::Length(3), 3, b"abcd", 9), Ok((b"abc".to_vec(), vec![], 1)));
        assert_eq!(decode(Framing::Length(4), 3, b"abcd", 9), Err("body_too_long"));
        assert_eq!(decode(Framing::None, 0, b"abcd", 9), Ok((vec![], vec![], 4)));
    }
}
