//! Heads: where one ends, and whether it can be read in one way only.
//!
//! Before `httparse` sees a head, its lines were found and each ends in CRLF; after it, what decides where the body ends was
//! checked to be said once (RFC 9112, sections 2.2, 3, 5 and 6). Whatever two readers could read differently is refused: a
//! message that means one thing here and another thing behind a proxy is how requests are smuggled.
//!
//! May use: `session`, `httparse`, `memchr`.

use std::mem::MaybeUninit;

use httparse::Header;

use super::{
    body::Framing,
    fields::{Fields, is_token},
    status::Bad,
    target::is_authority,
};

/// The longest head, its last empty line included.
pub(super) const MOST_HEAD: usize = 32 * 1024;
/// The most fields of a head.
pub(super) const MOST_FIELDS: usize = 100;
/// The longest first line; "at minimum, request-line lengths of 8000 octets" are to be supported (RFC 9112, section 3).
pub(super) const MOST_LINE: usize = 8 * 1024;
/// The longest name of a method that is known anywhere has 17 letters.
const MOST_METHOD: usize = 24;

const BARE_LF: Bad = Bad::request("bare_lf", "a line of the head ends in LF alone, and not in CRLF");
const NO_REQUEST: Bad = Bad::request("no_request", "this does not begin as a request does: METHOD TARGET HTTP/1.1");
const LONG_TARGET: Bad = Bad::new(414, "target_too_long", "the first line has more than 8 KiB");
const LONG_HEAD: Bad = Bad::new(431, "head_too_long", "the head has more than 32 KiB");
const MANY_FIELDS: Bad = Bad::new(431, "too_many_fields", "the head has more than 100 fields");
const BAD_LENGTH: Bad = Bad::request("bad_length", "Content-Length is not one plain number");
const TWO_LENGTHS: Bad = Bad::request("two_lengths", "Content-Length is there more than once");
const TWO_FRAMINGS: Bad = Bad::request("two_framings", "Content-Length and Transfer-Encoding are both there");
const BAD_REASON: Bad = Bad::request("bad_reason", "the reason phrase holds a control character");
const BAD_CODING: Bad = Bad::request("bad_coding", "Transfer-Encoding does not end in one 'chunked'");

/// Finds the end of a head, in whatever pieces it comes: each byte is searched once.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Finder {
    scanned: usize,
    line_from: usize,
    /// Past the first line.
    beyond_first: bool,
}

impl Finder {
    /// The length of the head at the start of `data`, its empty line included; `None` when it is not all there.
    pub(super) fn find(&mut self, data: &[u8]) -> Result<Option<usize>, Bad> {
        let most = data.len().min(MOST_HEAD);
        for at in memchr::memchr_iter(b'\n', &data[self.scanned.min(most)..most]) {
            let at = self.scanned + at;
            let line = &data[self.line_from..at];
            if !self.beyond_first && line.len() > MOST_LINE {
                return Err(LONG_TARGET);
            }
            match line {
                [.., b'\r'] => {}
                _ => return Err(BARE_LF),
            }
            if line.len() == 1 {
                *self = Self::default();
                return Ok(Some(at + 1));
            }
            (self.line_from, self.beyond_first) = (at + 1, true);
        }
        self.scanned = most;
        if !self.beyond_first && most > MOST_LINE {
            return Err(LONG_TARGET);
        }
        if most == MOST_HEAD { Err(LONG_HEAD) } else { Ok(None) }
    }

    /// Has something of a head come?
    pub(super) fn begun(&self) -> bool {
        self.scanned > 0
    }
}

/// Can this be the beginning of a request? Told as early as possible: who speaks TLS here, or anything else, need not wait.
pub(super) fn may_begin(data: &[u8]) -> Result<(), Bad> {
    if data.first() == Some(&0x16) {
        return Err(Bad::request("tls", "a TLS handshake came, and this is plain HTTP"));
    }
    let method = data.iter().take(MOST_METHOD + 1).take_while(|byte| is_token(**byte)).count();
    match data.get(method) {
        _ if method > MOST_METHOD => Err(Bad::new(501, "unknown_method", "no method has a name as long as that")),
        Some(b' ') if method > 0 => Ok(()),
        Some(_) => Err(NO_REQUEST),
        None => Ok(()),
    }
}

/// Room for the fields of a head, not yet filled.
pub(super) type Room<'a> = [MaybeUninit<Header<'a>>; MOST_FIELDS];

pub(super) const fn room<'a>() -> Room<'a> {
    [const { MaybeUninit::uninit() }; MOST_FIELDS]
}

/// The head of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    /// HTTP/1.1, and not 1.0
    pub(super) newer: bool,
    pub(super) fields: Fields<'a>,
    pub(super) framing: Framing,
    /// The connection stays open for another one.
    pub(super) stays: bool,
    /// The client waits for a word before it sends the body.
    pub(super) expects: bool,
}

impl<'a> Request<'a> {
    /// Reads a whole head, as [`Finder`] has found it.
    pub(super) fn read(head: &'a [u8], room: &'a mut Room<'a>) -> Result<Self, Bad> {
        first_line(head)?;
        let mut parsed = httparse::Request::new(&mut []);
        match parsed.parse_with_uninit_headers(head, room) {
            Ok(httparse::Status::Complete(length)) if length == head.len() => {}
            Ok(_) => return Err(Bad::request("bad_head", "the head can't be read")),
            Err(error) => return Err(refused(error)),
        }
        let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version) else {
            return Err(NO_REQUEST);
        };
        let (newer, fields) = (minor == 1, Fields(parsed.headers));
        let said = Said::gather(fields);
        let framing = said.request_framing(newer)?;
        if said.hosts > 1 || (newer && said.hosts == 0) || !is_authority(said.host) {
            // RFC 9112, section 3.2: "A server MUST respond with a 400".
            return Err(Bad::request("no_host", "a request has exactly one Host, and that is one"));
        }
        Ok(Self { method, target, newer, fields, framing, stays: said.stays(newer), expects: said.expects(newer)? })
    }
}

/// The version decides whether the rest can be understood at all; httparse tells no wrong one from a malformed one.
fn first_line(head: &[u8]) -> Result<(), Bad> {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or(head);
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let (Some([_, ..]), Some(target), Some(version), None) = (method, target, version, words.next()) else {
        return Err(NO_REQUEST);
    };
    if target.is_empty() || !target.iter().all(u8::is_ascii_graphic) {
        return Err(Bad::request("bad_target", "the target holds what must be percent-encoded"));
    }
    match version {
        b"HTTP/1.1" | b"HTTP/1.0" => Ok(()),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] | b"HTTP/2" | b"HTTP/3" => {
            Err(Bad::new(505, "bad_version", "this is HTTP/1.1"))
        }
        _ => Err(NO_REQUEST),
    }
}

fn refused(error: httparse::Error) -> Bad {
    match error {
        httparse::Error::TooManyHeaders => MANY_FIELDS,
        httparse::Error::HeaderName => Bad::request(
            "bad_field_name",
            "a header's name has a space or another stray character in it or before its colon, or a line is folded",
        ),
        httparse::Error::HeaderValue => Bad::request("bad_field_value", "a header's value holds a control character"),
        httparse::Error::Status => Bad::request("bad_status", "the status is no three digits"),
        httparse::Error::Version => Bad::request("bad_version", "this is not HTTP/1.0 or HTTP/1.1"),
        httparse::Error::NewLine | httparse::Error::Token => Bad::request("bad_head", "the head can't be read"),
    }
}

/// What a head says of its body and its connection.
#[derive(Debug, Default)]
struct Said<'a> {
    length: Option<&'a [u8]>,
    lengths: usize,
    encoded: bool,
    /// Of the transfer codings: how many, how many are `chunked`, and whether the last is.
    codings: usize,
    chunked: usize,
    chunked_last: bool,
    hosts: usize,
    host: &'a [u8],
    close: bool,
    keep_alive: bool,
    expect: Option<&'a [u8]>,
}

impl<'a> Said<'a> {
    fn gather(fields: Fields<'a>) -> Self {
        let mut said = Self::default();
        for field in fields.0 {
            let is = |name: &str| field.name.eq_ignore_ascii_case(name);
            // By length first: most fields are none of these.
            match field.name.len() {
                4 if is("host") => {
                    said.host = field.value;
                    said.hosts += 1;
                }
                6 if is("expect") => said.expect = Some(field.value),
                10 if is("connection") => said.connection(field.value),
                14 if is("content-length") => {
                    said.length = Some(field.value);
                    said.lengths += 1;
                }
                17 if is("transfer-encoding") => said.coded(field.value),
                _ => {}
            }
        }
        said
    }

    fn connection(&mut self, value: &[u8]) {
        for option in super::fields::members(value) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    fn coded(&mut self, value: &[u8]) {
        self.encoded = true;
        for coding in super::fields::members(value) {
            self.chunked_last = coding.eq_ignore_ascii_case(b"chunked");
            self.chunked += usize::from(self.chunked_last);
            self.codings += 1;
        }
    }

    /// RFC 9112, section 9.3.
    fn stays(&self, newer: bool) -> bool {
        !self.close && (newer || self.keep_alive)
    }

    fn expects(&self, newer: bool) -> Result<bool, Bad> {
        match self.expect {
            // "A server that receives a 100-continue expectation in an HTTP/1.0 request MUST ignore that expectation"
            // (RFC 9110, section 10.1.1).
            Some(value) if newer && value.trim_ascii().eq_ignore_ascii_case(b"100-continue") => Ok(true),
            Some(_) if newer => Err(Bad::new(417, "unknown_expectation", "only 100-continue can be expected")),
            _ => Ok(false),
        }
    }

    /// RFC 9112, section 6.3, for requests.
    fn request_framing(&self, newer: bool) -> Result<Framing, Bad> {
        if self.encoded {
            return self.chunked(newer).map(|()| Framing::Chunked);
        }
        match self.content_length()? {
            None | Some(0) => Ok(Framing::None),
            Some(length) => Ok(Framing::Length(length)),
        }
    }

    fn chunked(&self, newer: bool) -> Result<(), Bad> {
        if self.lengths > 0 {
            return Err(TWO_FRAMINGS);
        }
        if !newer {
            return Err(Bad::request("coding_in_1_0", "HTTP/1.0 has no Transfer-Encoding"));
        }
        if !self.chunked_last || self.chunked != 1 {
            return Err(BAD_CODING);
        }
        if self.codings > 1 {
            return Err(Bad::new(501, "unknown_coding", "of transfer codings only chunked is known"));
        }
        Ok(())
    }

    fn content_length(&self) -> Result<Option<u64>, Bad> {
        let Some(value) = self.length else { return Ok(None) };
        if self.lengths > 1 {
            return Err(TWO_LENGTHS);
        }
        if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            return Err(BAD_LENGTH);
        }
        // All digits, so it is only too many of them.
        let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        number.map(Some).ok_or(Bad::new(413, "body_too_long", "no body is as long as that"))
    }
}

/// Is the status of this answer one? httparse has one error for it and for the reason behind it.
fn has_status(head: &[u8]) -> bool {
    let status = head.get("HTTP/1.1 ".len()..).unwrap_or_default();
    status.len() > 3 && status[..3].iter().all(u8::is_ascii_digit) && matches!(status[3], b' ' | b'\r')
}

/// The head of an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Response<'a> {
    pub(super) status: u16,
    pub(super) reason: &'a str,
    pub(super) newer: bool,
    pub(super) fields: Fields<'a>,
    pub(super) framing: Framing,
    pub(super) stays: bool,
}

impl<'a> Response<'a> {
    /// Reads a whole head; `bodiless`: whatever it says, no body follows, since HEAD was asked.
    pub(super) fn read(head: &'a [u8], room: &'a mut Room<'a>, bodiless: bool) -> Result<Self, Bad> {
        let mut parsed = httparse::Response::new(&mut []);
        let parsed_length = httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, head, room);
        match parsed_length {
            Ok(httparse::Status::Complete(length)) if length == head.len() => {}
            Ok(_) => return Err(Bad::request("bad_head", "the head can't be read")),
            Err(httparse::Error::Status) if has_status(head) => return Err(BAD_REASON),
            Err(error) => return Err(refused(error)),
        }
        let (Some(status), Some(minor)) = (parsed.code.filter(|code| *code >= 100), parsed.version) else {
            return Err(Bad::request("bad_status", "the status is no three digits from 100 on"));
        };
        let (newer, fields) = (minor == 1, Fields(parsed.headers));
        let said = Said::gather(fields);
        let framing = if bodiless || super::status::bodiless(status) {
            Framing::None
        } else if said.encoded {
            said.chunked(newer)?;
            Framing::Chunked
        } else {
            said.content_length()?.map_or(Framing::UntilClose, Framing::Length)
        };
        let stays = said.stays(newer) && framing != Framing::UntilClose;
        Ok(Self { status, reason: parsed.reason.unwrap_or_default(), newer, fields, framing, stays })
    }
}
