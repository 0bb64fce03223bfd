//! What `send` says: arguments, a file, or standard input as it comes.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::sync::mpsc::{self, error::TryRecvError};

use super::plan::{Data, SendPlan};
use crate::{
    error::{Trouble, reason},
    protocol::{Form, framing::Kind},
    session::{Endpoint, Facts, Rides},
    values::show,
};

/// Bytes read at once from a file or standard input.
const CHUNK: usize = 64 * 1024;
/// The most of standard input that is held as the data of one request, in bytes.
const LONGEST_REQUEST: u64 = 256 * 1024 * 1024;
/// How long a read of a pipe or a terminal takes at most, as far as we wait for it: it may have nothing for us, ever.
const READING: Duration = Duration::from_millis(20);
/// The same of a file, which answers as soon as the machine lets it.
const READING_FILE: Duration = Duration::from_secs(10);
/// Chunks read ahead of what the peer takes.
const AHEAD: usize = 2;

/// Whence the messages come.
pub(super) enum Script {
    Messages(VecDeque<Bytes>),
    /// Pieces of a stream, read by a thread of its own: a blocked read must hold up nothing else.
    Chunks {
        pieces: mpsc::Receiver<io::Result<(u64, Bytes)>>,
        /// Taken only to see whether there is one.
        seen: Option<io::Result<(u64, Bytes)>>,
        /// In which line the last message stood; 0: it is none.
        line: u64,
        /// How long a read of what is there takes at most, as far as we wait for it.
        reading: Duration,
    },
}

impl Script {
    /// Opens what `plan` names. A file that is not there fails here, before anything is sent.
    pub(super) fn open(plan: &SendPlan) -> Result<Self, Trouble> {
        let whole = plan.target.scheme.rides() == Rides::Datagrams && !terminal(&plan.data);
        let words = plan.protocol.form().is_some();
        let by_line = words || plan.setup.framing.kind != Kind::Raw;
        // A framing of lines takes either line end, and so do messages of words; to all others a CR is data.
        let drop_cr = words || plan.setup.framing.kind == Kind::Lines;
        let mut reading = READING;
        let reader: Box<dyn Read + Send> = match &plan.data {
            Data::None => return Ok(Self::Messages(VecDeque::from([Bytes::new()]))),
            Data::Messages(messages) => {
                let messages = messages.iter().map(|message| crlf(plan.crlf, message));
                return Ok(Self::Messages(messages.collect()));
            }
            Data::File(path) => {
                let file = File::open(path).map_err(|error| unreadable(plan, &error))?;
                if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
                    reading = READING_FILE;
                }
                Box::new(file)
            }
            Data::Stdin => Box::new(io::stdin()),
        };
        if whole && !by_line {
            return Ok(Self::Messages(VecDeque::from([crlf(plan.crlf, &one_datagram(plan, reader)?)])));
        }
        if plan.protocol.data_is_optional() {
            return Ok(Self::Messages(VecDeque::from([crlf(plan.crlf, &one_request(plan, reader)?)])));
        }
        let (chunks, script) = mpsc::channel(AHEAD);
        let form = plan.protocol.form();
        let rest = BytesMut::new();
        let mut pieces = Pieces { reader, crlf: plan.crlf, by_line, drop_cr, form, lines: 0, rest, scanned: 0, last: 0 };
        std::thread::Builder::new()
            .name("input".into())
            .spawn(move || while pieces.next().is_some_and(|piece| chunks.blocking_send(piece).is_ok()) {})
            .map_err(|error| Trouble::failed(format!("could not start a thread: {}", reason(&error))))?;
        Ok(Self::Chunks { pieces: script, seen: None, line: 0, reading })
    }

    /// The next message; `None` when there is no more.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        match self {
            Self::Messages(messages) => Poll::Ready(messages.pop_front().map(Ok)),
            Self::Chunks { pieces, seen, line, .. } => match seen.take() {
                Some(seen) => Poll::Ready(Some(seen)),
                None => pieces.poll_recv(cx),
            }
            .map(|piece| {
                piece.map(|piece| {
                    piece.map(|(at, message)| {
                        *line = at;
                        message
                    })
                })
            }),
        }
    }

    /// Where the last message stood, if it was a line.
    pub(super) fn line(&self) -> Option<u64> {
        match self {
            Self::Chunks { line, .. } if *line > 0 => Some(*line),
            _ => None,
        }
    }

    /// Is there more of what was typed?
    pub(super) fn holds_more(&self) -> bool {
        matches!(self, Self::Messages(messages) if !messages.is_empty())
    }

    /// The same once more, where what was read can be said again.
    pub(super) fn repeatable(&self) -> Option<Self> {
        match self {
            Self::Messages(messages) => Some(Self::Messages(messages.clone())),
            Self::Chunks { .. } => None,
        }
    }

    /// Is there something that was not said? What may come later, from a terminal or a pipe that is still open, does not count.
    pub(super) fn has_more(&mut self) -> bool {
        let (chunks, seen, reading) = match self {
            Self::Messages(messages) => return !messages.is_empty(),
            Self::Chunks { seen: Some(_), .. } => return true,
            Self::Chunks { pieces, seen, reading, .. } => (pieces, seen, *reading),
        };
        let until = Instant::now() + reading;
        loop {
            match chunks.try_recv() {
                Ok(piece) => {
                    // It may yet be said, in another conversation.
                    *seen = Some(piece);
                    return true;
                }
                Err(TryRecvError::Disconnected) => return false,
                Err(TryRecvError::Empty) if Instant::now() >= until => return false,
                // A piece may be on its way from the thread that reads.
                Err(TryRecvError::Empty) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

/// Does a person type the messages?
pub(super) fn terminal(data: &Data) -> bool {
    *data == Data::Stdin && io::IsTerminal::is_terminal(&io::stdin())
}

/// The input can't be read: which, and why.
pub(super) fn unreadable(plan: &SendPlan, error: &io::Error) -> Trouble {
    let name = match &plan.data {
        Data::File(path) => show::path(path),
        _ => "standard input".into(),
    };
    Trouble::failed(format!("could not read {name}: {}", reason(error)))
}

/// All of it as the data of one request, which has a length before it has a body; or an error that names the limit.
fn one_request(plan: &SendPlan, reader: impl Read) -> Result<Bytes, Trouble> {
    let mut bytes = Vec::new();
    reader.take(LONGEST_REQUEST + 1).read_to_end(&mut bytes).map_err(|error| unreadable(plan, &error))?;
    if bytes.len() as u64 > LONGEST_REQUEST {
        return Err(Trouble::failed(format!(
            "standard input has more than {}, the most that is held",
            show::bytes(LONGEST_REQUEST)
        ))
        .hint("a file may be as long as it likes: -f FILE"));
    }
    Ok(bytes.into())
}

/// All of it as one datagram, or an error that names the limit.
fn one_datagram(plan: &SendPlan, reader: impl Read) -> Result<Bytes, Trouble> {
    let max = Facts::MAX_UDP_IPV6;
    let mut bytes = Vec::new();
    reader.take(max as u64 + 1).read_to_end(&mut bytes).map_err(|error| unreadable(plan, &error))?;
    if bytes.len() > max {
        return Err(Trouble::failed(format!("the input has more than {max} bytes, the most that fits a datagram"))
            .hint("send it over tcp, or in pieces"));
    }
    Ok(bytes.into())
}

/// What a protocol's answer leaves for the data of one datagram to `peer`.
pub(super) fn check_fits(plan: &SendPlan, peer: &Endpoint, message: &Bytes) -> Result<(), Trouble> {
    let fits = Facts::max_datagram_to(peer) - plan.protocol.overhead();
    if message.len() <= fits {
        return Ok(());
    }
    let name = plan.protocol.name;
    Err(Trouble::usage(format!(
        "a message of {} bytes does not fit: {name} takes at most {fits} in a datagram here",
        message.len()
    ))
    .hint("send it over tcp, or in pieces"))
}

/// LF becomes CRLF where that is asked for, and stays CRLF where it was.
fn crlf(asked: bool, message: &Bytes) -> Bytes {
    if !asked {
        return message.clone();
    }
    let mut last = 0;
    to_crlf(message, &mut last).into()
}

fn to_crlf(bytes: &[u8], last: &mut u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 16);
    for byte in bytes {
        if *byte == b'\n' && *last != b'\r' {
            out.push(b'\r');
        }
        out.push(*byte);
        *last = *byte;
    }
    out
}

/// Cuts what is read into messages: as it comes, or by line where a framing will put its own ends.
struct Pieces {
    reader: Box<dyn Read + Send>,
    crlf: bool,
    by_line: bool,
    drop_cr: bool,
    /// Messages are words: not each line is one.
    form: Option<Form>,
    /// So many were read.
    lines: u64,
    /// Read and not yet handed on.
    rest: BytesMut,
    /// So much of it holds no line end.
    scanned: usize,
    last: u8,
}

impl Pieces {
    /// The next, with the number of its line.
    fn next(&mut self) -> Option<io::Result<(u64, Bytes)>> {
        loop {
            let piece = match self.piece()? {
                Ok(piece) => piece,
                Err(error) => return Some(Err(error)),
            };
            self.lines += u64::from(self.by_line);
            if self.form.is_none_or(|form| form.is_message(&piece)) {
                return Some(Ok((self.lines, piece)));
            }
        }
    }

    fn piece(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            if let Some(line) = self.line() {
                return Some(Ok(line));
            }
            let from = self.rest.len();
            self.rest.resize(from + CHUNK, 0);
            let read = self.reader.read(&mut self.rest[from..]);
            self.rest.truncate(from + *read.as_ref().unwrap_or(&0));
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Some(Err(error)),
                Ok(0) if self.rest.is_empty() => return None,
                Ok(n) if n > 0 && self.by_line => {}
                Ok(_) => return Some(Ok(self.all())),
            }
        }
    }

    fn all(&mut self) -> Bytes {
        self.scanned = 0;
        let piece = if self.crlf && !self.by_line {
            to_crlf(&self.rest, &mut self.last).into()
        } else if self.rest.len() > CHUNK / 2 {
            return self.rest.split().freeze();
        } else {
            // In a buffer of its own size: what awaits its answer is to take no more memory than it is counted for.
            Bytes::copy_from_slice(&self.rest)
        };
        self.rest.clear();
        piece
    }

    fn line(&mut self) -> Option<Bytes> {
        let end = memchr::memchr(b'\n', &self.rest[self.scanned..]).filter(|_| self.by_line);
        let Some(end) = end.map(|at| self.scanned + at) else {
            self.scanned = self.rest.len();
            return None;
        };
        let line = &self.rest[..end];
        let line = Bytes::copy_from_slice(line.strip_suffix(b"\r").filter(|_| self.drop_cr).unwrap_or(line));
        self.rest.advance(end + 1);
        self.scanned = 0;
        Some(line)
    }
}
