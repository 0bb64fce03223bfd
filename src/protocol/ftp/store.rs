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
    /// Begins to write `name`. Whoever goes on with something is its only writer: [`FileError::Exists`] when another is at it.
    pub(super) fn begin(files: &dyn Files, name: &Name, start: Start) -> Result<Self, FileError> {
        if files.stat(name.path()).is_ok_and(|stat| stat.kind != FileKind::File) {
            return Err(FileError::IsAFolder);
        }
        let There { whole, part } = There::look(files, name);
        match start {
            Start::New | Start::At(0) => Self::fresh(files, name),
            Start::At(at) if part == Some(at) || whole.is_none_or(|size| size < at) => {
                part.filter(|size| *size >= at).ok_or_else(less)?;
                Ok(Self::found(draft(files, name, "", Some(at), true)?))
            }
            Start::At(at) => Self::over(files, name, Some(at)),
            Start::End if whole.is_some() => Self::over(files, name, None),
            // What stands there when this is whole has come from somebody else.
            Start::End => match part.filter(|size| *size > 0) {
                Some(at) => Ok(Self::found(draft(files, name, "", Some(at), false)?)),
                None => Ok(Self::found(sole(files, name, false)?)),
            },
        }
    }

    fn found(writer: Box<dyn FileWriter>) -> Self {
        Self { writer, base: None, found: true }
    }

    /// From the first byte on: beside one who is still at it, under a name of its own.
    fn fresh(files: &dyn Files, name: &Name) -> Result<Self, FileError> {
        match sole(files, name, true) {
            Err(FileError::Exists) => {
                let writer = draft(files, name, &files.unique(), None, true)?;
                Ok(Self { writer, base: None, found: false })
            }
            begun => Ok(Self::found(begun?)),
        }
    }

    /// After so many bytes of the whole file, or all of them. It must be the same one when this takes its place.
    fn over(files: &dyn Files, name: &Name, until: Option<u64>) -> Result<Self, FileError> {
        let (reader, stat) = files.open(name.path())?;
        let until = until.unwrap_or(stat.size);
        if stat.size < until {
            return Err(less());
        }
        let mut writer = sole(files, name, true)?;
        writer.only_over(&*reader)?;
        Ok(Self { base: Some((reader, until)), ..Self::found(writer) })
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

fn less() -> FileError {
    FileError::Failed("there is less of it than that".into())
}

/// The one writer that has the usual temporary name. What an earlier one has left there is overwritten.
fn sole(files: &dyn Files, name: &Name, replaces: bool) -> Result<Box<dyn FileWriter>, FileError> {
    match draft(files, name, "", None, replaces) {
        Err(FileError::Exists) => match draft(files, name, "", Some(0), replaces) {
            // Somebody has just finished.
            Err(FileError::NotFound) => Err(FileError::Exists),
            begun => begun,
        },
        begun => begun,
    }
}

fn draft(
    files: &dyn Files,
    name: &Name,
    unique: &str,
    resumed_at: Option<u64>,
    replaces: bool,
) -> Result<Box<dyn FileWriter>, FileError> {
    let temporary = name.temporary(unique);
    files.create(&Draft { temporary: temporary.path(), name: name.path(), resumed_at, replaces, private: false })
}
