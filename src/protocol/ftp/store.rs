//! A file being written: under a temporary name until it is whole and on disk. What was interrupted stays there, to be gone on
//! with.

use std::sync::Arc;

use super::names::Name;
use crate::session::{Draft, FileError, FileKind, FileReader, FileWriter, Files};

/// Bytes copied in one step from the file that is gone on with.
const STEP: usize = 1024 * 1024;

/// Where writing begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    New,
    /// After so many bytes of what there is.
    At(u64),
    /// After all there is.
    End,
}

/// What there is of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct There {
    /// Under its name.
    pub(super) whole: Option<u64>,
    /// Under its temporary name.
    pub(super) part: Option<u64>,
}

impl There {
    pub(super) fn look(files: &dyn Files, name: &Name) -> Self {
        let size =
            |name: &Name| files.stat(name.path()).ok().filter(|stat| stat.kind == FileKind::File).map(|stat| stat.size);
        Self { whole: size(name), part: size(&name.temporary("")) }
    }
}

/// A file being written.
#[derive(Debug)]
pub(super) struct Store {
    writer: Box<dyn FileWriter>,
    /// What is still to be copied from the file of this name, which is gone on with.
    base: Option<(Arc<dyn FileReader>, u64)>,
    /// Its temporary name is the one that is looked for when somebody goes on with it.
    found: bool,
}

impl Store {
    /// Begins to write `name`.
    pub(super) fn begin(files: &dyn Files, name: &Name, start: Start) -> Result<Self, FileError> {
        if files.stat(name.path()).is_ok_and(|stat| stat.kind != FileKind::File) {
            return Err(FileError::IsAFolder);
        }
        let there = There::look(files, name);
        let less = || FileError::Failed("there is less of it than that".into());
        let at = match start {
            Start::New => 0,
            Start::At(at) => at,
            Start::End => there.whole.or(there.part).unwrap_or(0),
        };
        if at == 0 {
            return fresh(files, name);
        }
        let whole = there.whole.is_some_and(|size| size >= at);
        if there.part == Some(at) && start != Start::End || !whole {
            let part = there.part.filter(|size| *size >= at).ok_or_else(less)?;
            return Ok(Self { writer: draft(files, name, "", Some(at.min(part)))?, base: None, found: true });
        }
        let (reader, _) = files.open(name.path())?;
        Ok(Self { base: Some((reader, at)), ..fresh(files, name)? })
    }

    /// Copies some of the file that is gone on with. `false`: that is done.
    pub(super) fn copy(&mut self) -> Result<bool, FileError> {
        let Some((reader, until)) = &self.base else { return Ok(false) };
        let from = self.writer.length();
        let mut piece = vec![0; usize::try_from(until - from).unwrap_or(STEP).min(STEP)];
        let read = reader.read_at(from, &mut piece)?;
        if read == 0 && from < *until {
            return Err(FileError::Failed("the file became shorter".into()));
        }
        self.writer.append(&piece[..read])?;
        if self.writer.length() >= *until {
            self.base = None;
        }
        Ok(self.base.is_some())
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.writer.append(bytes)
    }

    pub(super) fn length(&self) -> u64 {
        self.writer.length()
    }

    /// To be committed.
    pub(super) fn done(self) -> Box<dyn FileWriter> {
        self.writer
    }

    /// Interrupted: what there is stays, hidden, unless there is nothing, or nobody would find it again.
    pub(super) fn keep(self) {
        if self.writer.length() > 0 && self.base.is_none() && self.found {
            // What can't be kept is gone, and the client sends it again.
            let _ = self.writer.keep();
        }
    }
}

/// From the first byte on. What an earlier writer has left is overwritten; beside one who is still at it, under a name of its own.
fn fresh(files: &dyn Files, name: &Name) -> Result<Store, FileError> {
    let begun = match draft(files, name, "", None) {
        Err(FileError::Exists) => draft(files, name, "", Some(0)),
        begun => begun,
    };
    // Or somebody has just finished.
    let taken = matches!(begun, Err(FileError::Exists | FileError::NotFound));
    let writer = if taken { draft(files, name, &files.unique(), None)? } else { begun? };
    Ok(Store { writer, base: None, found: !taken })
}

fn draft(files: &dyn Files, name: &Name, unique: &str, resumed_at: Option<u64>) -> Result<Box<dyn FileWriter>, FileError> {
    let temporary = name.temporary(unique);
    files.create(&Draft { temporary: temporary.path(), name: name.path(), resumed_at, replaces: true, private: false })
}
