//! An answer of the server: its status, its fields, its body; and how it is written.
//!
//! May use: `session`, `bytes`.

use std::{fmt::Write as _, sync::Arc};

use bytes::Bytes;

use super::{
    range::Piece,
    status::{self, Bad},
};
use crate::session::{Cx, FileReader, Pour};

/// A piece of a body.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Bytes(Bytes),
    File(Arc<dyn FileReader>, Piece),
}

impl Part {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(_, piece) => piece.length,
        }
    }

    pub(super) fn write(self, cx: &mut Cx<'_>) {
        match self {
            Self::Bytes(bytes) => cx.write_shared(&bytes),
            Self::File(file, Piece { from, length }) => cx.pour(Pour { file, from, length }),
        }
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Lines, each with its end.
    fields: String,
    body: Vec<Part>,
}

/// How an answer is sent, whatever it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner<'a> {
    /// HEAD was asked: the head alone.
    pub(super) head_only: bool,
    /// The request was of HTTP/1.1.
    pub(super) newer: bool,
    /// The connection stays open.
    pub(super) stays: bool,
    /// In chunks; and with a trailer?
    pub(super) chunked: bool,
    pub(super) trailers: bool,
    pub(super) date: &'a str,
    /// Fields of the user's, as lines.
    pub(super) fields: &'a str,
}

/// The type of plain text.
pub(super) const TEXT: &str = "text/plain; charset=utf-8";
pub(super) const HTML: &str = "text/html; charset=utf-8";
pub(super) const JSON: &str = "application/json";

impl Answer {
    pub(super) fn new(status: u16) -> Self {
        Self { status, fields: String::new(), body: Vec::new() }
    }

    /// One with a line of text that says what the status means here.
    pub(super) fn told(status: u16, why: &str) -> Self {
        Self::new(status).body(TEXT, format!("{status} {}: {why}\n", status::phrase(status)))
    }

    pub(super) fn bad(bad: Bad) -> Self {
        Self::told(bad.status, bad.why)
    }

    pub(super) fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.reserve(name.len() + value.len() + 4);
        for part in [name, ": ", value, "\r\n"] {
            self.fields.push_str(part);
        }
        self
    }

    pub(super) fn body(mut self, kind: &str, body: impl Into<Bytes>) -> Self {
        self.body.push(Part::Bytes(body.into()));
        self.field("Content-Type", kind)
    }

    pub(super) fn part(mut self, part: Part) -> Self {
        self.body.push(part);
        self
    }

    /// Bytes of its body.
    pub(super) fn length(&self) -> u64 {
        self.body.iter().map(Part::length).sum()
    }

    /// Our fields, and those that were typed; of the same name, what was typed counts.
    fn write_fields(&self, manner: &Manner<'_>, head: &mut String) {
        let usual = ["Server: netproto\r\n", "Date: ", manner.date, "\r\n"];
        if manner.fields.is_empty() {
            usual.into_iter().chain([self.fields.as_str()]).for_each(|part| head.push_str(part));
            return;
        }
        // What divides the parts of a body is told by its type alone.
        let in_parts = |line: &str| self.fields.contains("multipart/") && same_name(line, "Content-Type");
        let typed = |line: &str| manner.fields.lines().any(|typed| same_name(typed, line)) && !in_parts(line);
        let usual = [usual[0], &usual[1..].concat()].concat();
        for line in usual.split_inclusive('\n').chain(self.fields.split_inclusive('\n')).filter(|line| !typed(line)) {
            head.push_str(line);
        }
        manner.fields.split_inclusive('\n').filter(|line| !in_parts(line)).for_each(|line| head.push_str(line));
    }

    pub(super) fn write(self, manner: Manner<'_>, cx: &mut Cx<'_>) {
        let length = self.length();
        let bodiless = status::bodiless(self.status);
        // "A server MUST NOT send a response containing Transfer-Encoding unless the corresponding request indicates HTTP/1.1"
        // (RFC 9112, section 6.1).
        let chunked = manner.chunked && manner.newer && !bodiless && length > 0;
        let mut head = String::with_capacity(256);
        let _ = write!(head, "HTTP/1.1 {} {}\r\n", self.status, status::phrase(self.status));
        self.write_fields(&manner, &mut head);
        let trailers = chunked && manner.trailers;
        match chunked {
            true if trailers => head.push_str("Transfer-Encoding: chunked\r\nTrailer: X-Body-Length\r\n"),
            true => head.push_str("Transfer-Encoding: chunked\r\n"),
            // RFC 9110, section 8.6: no Content-Length in a 204, and in a 304 only the one of a 200.
            false if bodiless => {}
            false => {
                let _ = write!(head, "Content-Length: {length}\r\n");
            }
        }
        head.push_str(match (manner.stays, manner.newer) {
            (true, true) => "\r\n",
            (true, false) => "Connection: keep-alive\r\n\r\n",
            (false, _) => "Connection: close\r\n\r\n",
        });
        cx.write(head.as_bytes());
        if manner.head_only || bodiless {
            return;
        }
        for part in self.body {
            if chunked {
                chunks(&part, cx);
            } else {
                part.write(cx);
            }
        }
        if chunked {
            let trailer = if trailers { format!("X-Body-Length: {length}\r\n") } else { String::new() };
            cx.write(format!("0\r\n{trailer}\r\n").as_bytes());
        }
    }
}

/// Is this line a field of the same name as that one?
fn same_name(line: &str, other: &str) -> bool {
    let name = |line: &str| line.split(':').next().unwrap_or_default().len();
    let (a, b) = (name(line), name(other));
    line[..a].eq_ignore_ascii_case(&other[..b])
}

/// The most bytes of a chunk, as long as that makes no more than so many chunks.
const CHUNK: u64 = 16 * 1024;
const MOST_CHUNKS: u64 = 4096;

/// A part in chunks (RFC 9112, section 7.1), without the last one.
pub(super) fn chunks(part: &Part, cx: &mut Cx<'_>) {
    let (all, mut at) = (part.length(), 0);
    let size = CHUNK.max(all.div_ceil(MOST_CHUNKS));
    while at < all {
        let length = size.min(all - at);
        cx.write(format!("{length:x}\r\n").as_bytes());
        match part {
            Part::Bytes(bytes) => cx.write_shared(&bytes.slice(at as usize..(at + length) as usize)),
            Part::File(file, piece) => cx.pour(Pour { file: file.clone(), from: piece.from + at, length }),
        }
        cx.write(b"\r\n");
        at += length;
    }
}
