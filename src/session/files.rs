//! Files as a session knows them: below one root that cannot be left, by names relative to it. What is behind the traits,
//! a folder on disk or a test's memory, a session never learns.
//!
//! Looking, opening, reading and appending happen at once, inside the call: they meet the page cache, as in the event loops of
//! the web servers people use. What waits for the disk itself, [`FileWriter::commit`], and what is as long as the peer is slow,
//! sending a whole file, are effects: [`super::Cx::commit`] and [`super::Cx::pour`].

use std::{any::Any, fmt, path::Path, sync::Arc, time::SystemTime};

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    File,
    Folder,
    /// A device, a pipe, a socket: never opened.
    Other,
}

/// What is known of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    pub kind: FileKind,
    /// In bytes.
    pub size: u64,
    pub modified: SystemTime,
}

/// One name of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub stat: Stat,
}

/// Why a file can't be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileError {
    NotFound,
    /// The system does not permit it.
    NotAllowed,
    /// The name leads out of the root.
    Outside,
    Exists,
    NotAFolder,
    IsAFolder,
    NotEmpty,
    /// No room on the disk, or over a quota.
    Full,
    /// Anything else, in the system's words.
    Failed(String),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "no such file",
            Self::NotAllowed => "permission denied",
            Self::Outside => "the name leads out of the root",
            Self::Exists => "it exists already",
            Self::NotAFolder => "not a folder",
            Self::IsAFolder => "it is a folder",
            Self::NotEmpty => "the folder is not empty",
            Self::Full => "no space left on device",
            Self::Failed(why) => why,
        })
    }
}

impl std::error::Error for FileError {}

/// A root and all that is below it. Names are relative, of normal components only, divided by `/`; the root itself is `.`.
pub trait Files: Send + Sync + fmt::Debug {
    /// What stands under this name; links are followed as far as they stay inside.
    fn stat(&self, name: &Path) -> Result<Stat, FileError>;

    /// Opens a regular file to read.
    fn open(&self, name: &Path) -> Result<(Arc<dyn FileReader>, Stat), FileError>;

    /// The names in a folder, in order, without `.` and `..`; those that lead out or vanish meanwhile are left out.
    fn list(&self, name: &Path) -> Result<Vec<Entry>, FileError>;

    /// What `list` leaves out or nobody can send, and why, one sentence each: for who must not lose something without a word.
    fn left_out(&self, name: &Path) -> Result<Vec<String>, FileError> {
        let _ = name;
        Ok(Vec::new())
    }

    /// A new file that has its name only when it is committed.
    fn create(&self, draft: &Draft<'_>) -> Result<Box<dyn FileWriter>, FileError>;

    /// Appends to the end of a file, made if it is missing, when it is committed: all at once, and never between the pieces
    /// that another writer of this process appends. `apart` is what a file that holds something ends in before that, and is
    /// put there as far as it is missing.
    fn append(&self, name: &Path, apart: &'static [u8]) -> Result<Box<dyn FileWriter>, FileError>;

    /// Takes the place of what stood under `to`.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError>;

    /// Removes a file.
    fn remove(&self, name: &Path) -> Result<(), FileError>;

    /// Removes what a writer has left under its temporary name; [`FileError::Exists`] when one is at it.
    fn remove_draft(&self, temporary: &Path) -> Result<(), FileError> {
        self.remove(temporary)
    }

    fn make_folder(&self, name: &Path) -> Result<(), FileError>;

    /// Removes an empty folder.
    fn remove_folder(&self, name: &Path) -> Result<(), FileError>;

    fn set_modified(&self, name: &Path, to: SystemTime) -> Result<(), FileError>;

    /// Removes from a folder what processes left there that were killed while they wrote: files under made-up names, see
    /// [`Self::unique`], which nobody is writing. Done once for a root.
    fn sweep(&self, folder: &Path) {
        let _ = folder;
    }

    /// A piece of a name that no other file of this machine was given: letters, digits and full stops.
    fn unique(&self) -> String;
}

/// A file that is to be: nobody sees it under its name before it is whole.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// Where it is written meanwhile: in the same file system, best in the same folder.
    pub temporary: &'a Path,
    pub name: &'a Path,
    /// Goes on with what `temporary` holds, cut to so many bytes. `None`: `temporary` must not exist. [`FileError::Exists`]
    /// when another writer is at it.
    pub resumed_at: Option<u64>,
    /// May something stand under `name` already? Then it is replaced.
    pub replaces: bool,
    /// Nobody but its owner may read it.
    pub private: bool,
}

/// A file open to read.
pub trait FileReader: Send + Sync + fmt::Debug {
    /// Reads from `offset` on, as much as there is at once; 0 at the end.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<usize, FileError>;

    /// For a driver that knows a faster way to send it.
    fn as_any(&self) -> &dyn Any;
}

/// A file being written. Dropped before it is committed or kept, it was never there.
pub trait FileWriter: Send + fmt::Debug {
    fn append(&mut self, bytes: &[u8]) -> Result<(), FileError>;

    /// Bytes that it holds.
    fn length(&self) -> u64;

    /// When it is committed, this must be what stands under its name still, and as long as now: what somebody else has put there
    /// meanwhile is not replaced.
    fn only_over(&mut self, whole: &dyn FileReader) -> Result<(), FileError> {
        let _ = whole;
        Err(FileError::NotAllowed)
    }

    /// On disk, under its name: the file is synchronised, then named, then the folder is synchronised. Waits for the disk, so a
    /// session leaves it to the driver: [`super::Cx::commit`].
    fn commit(self: Box<Self>) -> Result<(), FileError>;

    /// Leaves what was written under its temporary name, to go on with later.
    fn keep(self: Box<Self>) -> Result<(), FileError>;
}
