//! Files below a root as answers: whole, in ranges, or not at all because the client has them.
//!
//! May use: `session`, `bytes`.

use std::{fmt::Write as _, path::Path, sync::Arc};

use bytes::Bytes;

use super::{
    answer::{Answer, HTML, Part},
    conditions::{Verdict, Version},
    head::Request,
    listing, mime,
    range::{Piece, Ranges},
    target::{self, Name},
};
use crate::session::{Facts, FileError, FileReader, Files, Stat};

/// A piece of at most so many bytes is read at once, so that it leaves together with its head; a longer one is poured.
const READ_AT_ONCE: u64 = 32 * 1024;
/// No file system that people use has longer names.
const LONGEST_PART: usize = 255;
/// No system opens longer ones, an index at the end included.
const LONGEST_NAME: usize = 4096 - "/index.html".len() - 1;
const INDEX: &str = "index.html";
pub(super) const ALLOWED: &str = "GET, HEAD, OPTIONS";

/// What is served, and the file that was asked for last. Requests that came together are answered from one look at it: all of
/// them were under way when it was opened, so none of them could know of a later state.
#[derive(Debug)]
pub(super) struct Folder {
    root: Arc<dyn Files>,
    last: Option<(String, Opened)>,
}

impl Folder {
    pub(super) fn new(root: Arc<dyn Files>) -> Self {
        Self { root, last: None }
    }

    /// What is asked from now on is looked up anew.
    pub(super) fn forget(&mut self) {
        self.last = None;
    }

    fn open(&mut self, name: &str) -> Result<&mut Opened, FileError> {
        let known = match self.last.take() {
            Some(known) if known.0 == name => known,
            _ => {
                let (file, stat) = self.root.open(Path::new(name))?;
                (name.into(), Opened { file, stat, whole: None })
            }
        };
        Ok(&mut self.last.insert(known).1)
    }

    /// Answers GET or HEAD of `name`.
    pub(super) fn answer(&mut self, name: &Name<'_>, query: Option<&str>, request: &Request<'_>, facts: &Facts) -> Answer {
        if name.name.len() > LONGEST_NAME || name.name.split('/').any(|part| part.len() > LONGEST_PART) {
            return refused(&FileError::NotFound);
        }
        if !name.folder {
            return match self.open(&name.name) {
                Ok(opened) => whole_or_part(opened, &name.name, request, facts),
                Err(FileError::IsAFolder) => with_slash(&name.name, query),
                Err(error) => refused(&error),
            };
        }
        let index = if name.name.is_empty() { INDEX.into() } else { format!("{}/{INDEX}", name.name) };
        match self.open(&index) {
            Ok(opened) => whole_or_part(opened, INDEX, request, facts),
            Err(FileError::NotFound | FileError::IsAFolder) => list(&*self.root, &name.name),
            Err(error) => refused(&error),
        }
    }
}

/// A file that was looked up.
#[derive(Debug)]
struct Opened {
    file: Arc<dyn FileReader>,
    stat: Stat,
    /// All of it, once it was read at once.
    whole: Option<Bytes>,
}

impl Opened {
    fn part(&mut self, piece: Piece) -> Result<Part, FileError> {
        if piece.length > READ_AT_ONCE {
            return Ok(Part::File(self.file.clone(), piece));
        }
        if piece.length < self.stat.size {
            return self.read(piece).map(Part::Bytes);
        }
        let whole = match self.whole.take() {
            Some(whole) => whole,
            None => self.read(piece)?,
        };
        self.whole = Some(whole.clone());
        Ok(Part::Bytes(whole))
    }

    fn read(&self, piece: Piece) -> Result<Bytes, FileError> {
        let mut bytes = vec![0; piece.length as usize];
        let mut got = 0;
        while got < bytes.len() {
            match self.file.read_at(piece.from + got as u64, &mut bytes[got..])? {
                0 => return Err(FileError::Failed("it became shorter while it was read".into())),
                n => got += n,
            }
        }
        Ok(bytes.into())
    }
}

fn list(root: &dyn Files, name: &str) -> Answer {
    let folder = Path::new(if name.is_empty() { "." } else { name });
    match root.list(folder) {
        Ok(entries) => {
            let left_out = root.left_out(folder).map_or(0, |names| names.len());
            Answer::new(200).body(HTML, listing::page(name, entries, left_out))
        }
        Err(error) => refused(&error),
    }
}

/// What is relative in a folder's page begins with the folder: so its address ends in a slash.
fn with_slash(name: &str, query: Option<&str>) -> Answer {
    // Made of the cleaned name: what was typed as `//host/` must not lead to another host.
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    let location = format!("/{}/{query}", target::encode(name));
    Answer::told(301, "a folder's address ends in a slash").field("Location", &location)
}

fn refused(error: &FileError) -> Answer {
    match error {
        FileError::NotFound | FileError::NotAFolder => Answer::told(404, "there is no such file"),
        FileError::Outside => Answer::told(403, "it is a link that is absolute or leads out of what is served"),
        FileError::NotAllowed => Answer::told(403, "it may not be read"),
        _ => Answer::told(500, "it can't be read"),
    }
}

fn whole_or_part(opened: &mut Opened, name: &str, request: &Request<'_>, facts: &Facts) -> Answer {
    let version = Version::of(&opened.stat, (facts.wall_clock)());
    let size = opened.stat.size;
    let kind = mime::of(name);
    let whole = Piece { from: 0, length: size };
    let ranges = match version.check(request.fields) {
        Verdict::Failed => return Answer::told(412, "it is not in the state that was asked for"),
        Verdict::NotModified => return versioned(Answer::new(304), &version),
        // "A server MUST ignore a Range header field received with a request method that is unrecognized or for which range
        // handling is not defined": it is for GET (RFC 9110, section 14.2).
        Verdict::Go { ranges } if ranges && request.method == "GET" => request.fields.first("range"),
        Verdict::Go { .. } => None,
    };
    match ranges.map_or(Ranges::Ignored, |value| Ranges::read(value, size)) {
        Ranges::Ignored => match opened.part(whole) {
            Ok(part) => versioned(Answer::new(200).field("Content-Type", kind), &version).part(part),
            Err(error) => refused(&error),
        },
        Ranges::Unsatisfiable => {
            Answer::told(416, "the file has no such bytes").field("Content-Range", &format!("bytes */{size}"))
        }
        Ranges::Pieces(pieces) => {
            let answer = versioned(Answer::new(206), &version);
            let answer = match pieces[..] {
                [piece] => {
                    let answer = answer.field("Content-Type", kind).field("Content-Range", &piece.told(size));
                    opened.part(piece).map(|part| answer.part(part))
                }
                _ => several(answer, opened, &pieces, kind),
            };
            answer.unwrap_or_else(|error| refused(&error))
        }
    }
}

fn versioned(answer: Answer, version: &Version) -> Answer {
    answer.field("Last-Modified", &version.modified.to_string()).field("ETag", &version.etag).field("Accept-Ranges", "bytes")
}

/// RFC 9110, section 14.6.
fn several(mut answer: Answer, opened: &mut Opened, pieces: &[Piece], kind: &str) -> Result<Answer, FileError> {
    let size = opened.stat.size;
    // No part of a file is known to be free of it; but each has its length, and whoever guesses it gains nothing by it.
    let boundary =
        format!("netproto-{size:x}-{:x}", pieces.iter().fold(0, |all: u64, piece| all ^ piece.from.rotate_left(9)));
    answer = answer.field("Content-Type", &format!("multipart/byteranges; boundary={boundary}"));
    let mut between = String::new();
    for piece in pieces {
        let told = piece.told(size);
        let _ = write!(between, "--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: {told}\r\n\r\n");
        answer = answer.part(Part::Bytes(std::mem::take(&mut between).into())).part(opened.part(*piece)?);
        between.push_str("\r\n");
    }
    let _ = write!(between, "--{boundary}--\r\n");
    Ok(answer.part(Part::Bytes(between.into())))
}
