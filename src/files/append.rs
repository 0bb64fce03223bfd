//! What is to stand at the end of a file: gathered, and put there in one piece, on disk when that is said.

use std::{
    fs::File,
    io::{self, Seek as _, Write as _},
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use cap_std::fs::{Dir, MetadataExt as _, OpenOptions, OpenOptionsExt as _};
use rustix::fs::FlockOperation;

use super::{journal::Journal, made::sync_folder, told};
use crate::session::{FileError, FileWriter};

/// So much is gathered in memory, in bytes; more goes into a file without a name.
const IN_MEMORY: usize = 256 * 1024;
/// Of a piece's beginning so much is remembered, in bytes.
const BEGINNING: usize = 32;
/// Tries to get hold of a file that others move away each time.
const TRIES: usize = 16;

/// Device and number: what a file is, whatever its name.
pub(super) type Identity = (u64, u64);

/// What those who append below one root know of each other: one at a time does, and this file has its name on disk.
pub(super) type Turn = Arc<Mutex<Option<Identity>>>;

/// One piece under way.
#[derive(Debug)]
pub(super) struct Appended {
    folder: Arc<Dir>,
    name: PathBuf,
    /// What a file that holds something ends in before this is appended.
    apart: &'static [u8],
    turn: Turn,
    spool: Option<File>,
    held: Vec<u8>,
    length: u64,
    /// How it begins.
    begins: Vec<u8>,
}

impl Appended {
    pub(super) fn begin(folder: &Arc<Dir>, name: &Path, apart: &'static [u8], turn: Turn) -> io::Result<Self> {
        // What can't be opened is told now and not when all has come. It is opened again then: it may be another by that time.
        match open(folder, name, false) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        Ok(Self {
            folder: folder.clone(),
            name: name.into(),
            apart,
            turn,
            spool: None,
            held: Vec::new(),
            length: 0,
            begins: Vec::new(),
        })
    }

    fn gather(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = BEGINNING - self.begins.len();
        self.begins.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.held.extend_from_slice(bytes);
        self.length += bytes.len() as u64;
        if self.held.len() > IN_MEMORY {
            if self.spool.is_none() {
                self.spool = Some(nameless(&self.folder)?);
            }
            if let Some(spool) = &mut self.spool {
                spool.write_all(&self.held)?;
            }
            self.held.clear();
        }
        Ok(())
    }

    fn put(&mut self) -> io::Result<()> {
        let turn = self.turn.clone();
        let mut named = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = self.claim()?;
        let metadata = file.metadata()?;
        let identity = (metadata.dev(), metadata.ino());
        let journal = Journal::open(&self.folder, &self.name)?;
        if let Some(journal) = &journal {
            journal.mend(&file, identity)?;
        }
        let before = file.metadata()?.len();
        let missing = missing(&file, before, self.apart)?;
        if *named != Some(identity) {
            // Both names, before they are relied on.
            sync_folder(&self.folder, self.name.parent().unwrap_or(Path::new("")))?;
            *named = Some(identity);
        }
        if let Some(journal) = &journal {
            let from = before + missing.len() as u64;
            journal.note(identity, before, (from, from + self.length), &self.begins)?;
        }
        let written = self.write(&mut file, missing).and_then(|()| file.sync_data());
        if written.is_err() {
            // A piece of it must not stay.
            let _ = file.set_len(before);
        }
        if let Some(journal) = &journal {
            journal.over();
        }
        written
    }

    /// The file that has the name now, locked: other processes that append to it wait, or we for them. (Where there are no
    /// locks, there are none.)
    fn claim(&self) -> io::Result<File> {
        for _ in 0..TRIES {
            let file = open(&self.folder, &self.name, true)?;
            let _ = rustix::fs::flock(&file, FlockOperation::LockExclusive);
            let ours = file.metadata()?;
            let same = |named: cap_std::fs::Metadata| (named.dev(), named.ino()) == (ours.dev(), ours.ino());
            if self.folder.metadata(&self.name).is_ok_and(same) {
                return Ok(file);
            }
        }
        Err(io::Error::other("it is replaced again and again"))
    }

    fn write(&mut self, file: &mut File, missing: &[u8]) -> io::Result<()> {
        file.write_all(missing)?;
        if let Some(spool) = &mut self.spool {
            spool.rewind()?;
            io::copy(spool, file)?;
        }
        file.write_all(&self.held)
    }
}

/// Takes off what another process left of a piece when it was killed; gives how many bytes that were. While somebody appends, the
/// file is in good hands.
pub(super) fn mend(folder: &Dir, name: &Path) -> io::Result<Option<u64>> {
    if !Journal::is_there(folder, name) {
        return Ok(None);
    }
    let file = match open(folder, name, false) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(None);
    }
    let metadata = file.metadata()?;
    let journal = Journal::open(folder, name)?;
    journal.map_or(Ok(None), |journal| journal.mend(&file, (metadata.dev(), metadata.ino())))
}

fn open(folder: &Dir, name: &Path, create: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(create).mode(0o600);
    Ok(folder.open_with(name, &options)?.into_std())
}

/// How much of `apart` the file, of this length, does not end in yet. Whoever was killed while appending has left a piece that
/// must not swallow what comes next.
fn missing<'a>(file: &File, length: u64, apart: &'a [u8]) -> io::Result<&'a [u8]> {
    if length == 0 {
        return Ok(&[]);
    }
    let mut end = vec![0; apart.len().min(usize::try_from(length).unwrap_or(usize::MAX))];
    let from = length - end.len() as u64;
    file.read_exact_at(&mut end, from)?;
    let there = (0..=end.len()).rev().find(|n| end.ends_with(&apart[..*n])).unwrap_or(0);
    Ok(&apart[there..])
}

/// A file that goes with its descriptor.
fn nameless(folder: &Dir) -> io::Result<File> {
    let name = format!(".netproto-{:016x}", fastrand::u64(..));
    let mut options = OpenOptions::new();
    let file = folder.open_with(&name, options.read(true).write(true).create_new(true).mode(0o600))?.into_std();
    folder.remove_file(&name)?;
    Ok(file)
}

impl FileWriter for Appended {
    fn append(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.gather(bytes).map_err(|error| told(&error))
    }

    fn length(&self) -> u64 {
        self.length
    }

    fn commit(mut self: Box<Self>) -> Result<(), FileError> {
        self.put().map_err(|error| told(&error))
    }

    fn keep(self: Box<Self>) -> Result<(), FileError> {
        Ok(())
    }
}
