//! Where messages go: a Maildir, an mbox file, both, or nowhere. A message is appended as it comes, and is there when it has been
//! committed; before that nobody sees it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    lines::{Fed, Lines, Unix},
    mbox::{APART, Quoter},
    name,
};
use crate::{
    protocol::{Params, Place},
    session::{Draft, FileError, FileWriter, Files},
};

/// Bytes that are gathered before they are written.
const GATHERED: usize = 64 * 1024;
/// So much of a message's beginning is kept to find its subject.
const HEAD: usize = 4 * 1024;

/// The places messages are put into.
#[derive(Debug)]
pub(super) struct Stores {
    maildir: Option<Arc<dyn Files>>,
    mbox: Option<Place>,
}

/// One copy of a message under way.
struct Copy {
    writer: Box<dyn FileWriter>,
    /// As a person reads it in the log.
    place: String,
    /// For mbox.
    quoter: Option<Quoter>,
}

/// One message under way.
pub(super) struct Delivery {
    copies: Vec<Copy>,
    /// Text that is not written yet, with LF at the end of lines.
    text: Vec<u8>,
    lines: Lines,
    unix: Unix,
    /// As it came, with CRLF (RFC 1870, section 5).
    pub(super) size: u64,
    head: Option<Vec<u8>>,
    /// Why it can't be kept: what follows is thrown away.
    pub(super) failure: Option<FileError>,
    pub(super) too_large: bool,
}

impl Stores {
    pub(super) fn of(params: &Params) -> Self {
        if params.switch(name::DISCARD) {
            return Self { maildir: None, mbox: None };
        }
        let maildir = params.place(name::MAILDIR).map(|place| place.files.clone());
        Self { maildir, mbox: params.place(name::MBOX).cloned() }
    }

    /// Are messages thrown away?
    pub(super) fn discards(&self) -> bool {
        self.maildir.is_none() && self.mbox.is_none()
    }

    /// Begins a message in each place, with these lines before it; `from` is what an mbox file has before that.
    pub(super) fn begin(&self, trace: &str, from: &str, keeps_head: bool) -> Result<Delivery, FileError> {
        let mut copies = Vec::new();
        if let Some(maildir) = &self.maildir {
            copies.push(maildir_copy(&**maildir)?);
        }
        if let Some(mbox) = &self.mbox {
            let mut writer = mbox.files.append(&mbox.name, APART)?;
            writer.append(from.as_bytes())?;
            copies.push(Copy { writer, place: format!("mbox {}", mbox.name.display()), quoter: Some(Quoter::default()) });
        }
        let text = if copies.is_empty() { Vec::new() } else { trace.as_bytes().to_vec() };
        Ok(Delivery {
            copies,
            text,
            lines: Lines::default(),
            unix: Unix::default(),
            size: 0,
            head: keeps_head.then(Vec::new),
            failure: None,
            too_large: false,
        })
    }
}

/// "Delivered" is what has a name in `new`; it is written in `tmp` (as the Maildir manual says).
fn maildir_copy(maildir: &dyn Files) -> Result<Copy, FileError> {
    maildir.sweep(Path::new("tmp"));
    let name = maildir.unique();
    let (temporary, name) = (PathBuf::from(format!("tmp/{name}")), PathBuf::from(format!("new/{name}")));
    let draft = Draft { temporary: &temporary, name: &name, resumed_at: None, replaces: true, private: true };
    let writer = match maildir.create(&draft) {
        Err(FileError::NotFound) => {
            make_folders(maildir)?;
            maildir.create(&draft)?
        }
        created => created?,
    };
    Ok(Copy { writer, place: format!("maildir {}", name.display()), quoter: None })
}

/// `tmp` comes last: where it is, the others are.
fn make_folders(maildir: &dyn Files) -> Result<(), FileError> {
    for folder in ["cur", "new", "tmp"] {
        match maildir.make_folder(Path::new(folder)) {
            Ok(()) | Err(FileError::Exists) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Delivery {
    /// Bytes of DATA came.
    pub(super) fn data(&mut self, bytes: &[u8], most: u64) -> Fed {
        let from = self.text.len();
        let fed = self.lines.feed(bytes, &mut self.text);
        let new = &self.text[from..];
        self.size += (new.len() + memchr::memchr_iter(b'\n', new).count()) as u64;
        self.came(from, most);
        fed
    }

    /// Bytes of a chunk came.
    pub(super) fn chunk(&mut self, bytes: &[u8], most: u64) {
        let from = self.text.len();
        self.unix.feed(bytes, &mut self.text);
        self.size += bytes.len() as u64;
        self.came(from, most);
    }

    /// What `text` holds from `from` on is new.
    fn came(&mut self, from: usize, most: u64) {
        if let Some(head) = &mut self.head {
            let new = &self.text[from..];
            head.extend_from_slice(&new[..new.len().min(HEAD - head.len())]);
        }
        self.too_large |= self.size > most;
        if self.too_large || self.failure.is_some() || self.copies.is_empty() {
            // What can't be kept takes no room on the disk, either.
            self.copies.clear();
            self.text.clear();
        } else if self.text.len() >= GATHERED {
            self.write();
        }
    }

    fn write(&mut self) {
        let mut safe = Vec::new();
        for copy in &mut self.copies {
            let text = match &mut copy.quoter {
                Some(quoter) => {
                    quoter.feed(&self.text, &mut safe);
                    &safe
                }
                None => &self.text,
            };
            if let Err(error) = copy.writer.append(text) {
                self.failure.get_or_insert(error);
            }
        }
        self.text.clear();
        if self.failure.is_some() {
            self.copies.clear();
        }
    }

    /// The longest line of DATA so far.
    pub(super) fn longest_line(&self) -> usize {
        self.lines.longest
    }

    /// It is complete: what is to be committed, and where each will be.
    pub(super) fn end(&mut self) -> (Vec<Box<dyn FileWriter>>, Vec<String>) {
        self.unix.end(&mut self.text);
        self.write();
        for copy in &mut self.copies {
            if let Some(quoter) = &mut copy.quoter {
                let mut rest = Vec::new();
                quoter.end(&mut rest);
                if let Err(error) = copy.writer.append(&rest) {
                    self.failure.get_or_insert(error);
                }
            }
        }
        if self.failure.is_some() {
            self.copies.clear();
        }
        self.copies.drain(..).map(|copy| (copy.writer, copy.place)).unzip()
    }

    /// What its Subject field says, on one line.
    pub(super) fn subject(&self) -> Option<String> {
        let head = String::from_utf8_lossy(self.head.as_deref()?).into_owned();
        let mut subject: Option<String> = None;
        for line in head.lines().take_while(|line| !line.is_empty()) {
            match &mut subject {
                // A line that begins with white space belongs to the one before (RFC 5322, section 2.2.3).
                Some(subject) if line.starts_with([' ', '\t']) => subject.push_str(line),
                Some(_) => break,
                None => {
                    let field = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("subject"));
                    subject = field.map(|(_, value)| value.trim_start().to_owned());
                }
            }
        }
        subject
    }
}
