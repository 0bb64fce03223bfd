//! Files being written: nobody sees one under its name before it is whole and on disk.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use cap_std::fs::{Dir, Metadata, MetadataExt as CapMetadata, OpenOptions, OpenOptionsExt};
use rustix::fs::FlockOperation;

use super::{OpenFile, made::Made, told};
use crate::session::{Draft, FileError, FileReader, FileWriter};

/// A new file, under its temporary name.
#[derive(Debug)]
pub(super) struct Drafted {
    root: Arc<Dir>,
    /// Both names begin here.
    place: Place,
    file: File,
    length: u64,
    replaces: bool,
    /// What alone may stand under the name when this takes its place.
    over: Option<Whole>,
    made: Arc<Made>,
    /// The temporary name stands for nothing any more, or is to stay.
    settled: bool,
}

/// Where a file is written, and where it is to be.
#[derive(Debug)]
struct Place {
    folder: Arc<Dir>,
    temporary: PathBuf,
    name: PathBuf,
    /// Both are in one folder, which is held: whatever it is called meanwhile, they are in it.
    beside: bool,
}

/// What a file is, whatever its name: device and number; and how long it was.
type Whole = ((u64, u64), u64);

impl Place {
    fn of(root: &Arc<Dir>, draft: &Draft<'_>) -> io::Result<Self> {
        let (temporary, name) = (draft.temporary, draft.name);
        let beside = temporary.parent() == name.parent();
        match (temporary.parent(), temporary.file_name(), name.file_name()) {
            (Some(parent), Some(temporary), Some(name)) if beside && !parent.as_os_str().is_empty() => {
                let folder = Arc::new(root.open_dir(parent)?);
                Ok(Self { folder, temporary: temporary.into(), name: name.into(), beside })
            }
            _ => Ok(Self { folder: root.clone(), temporary: temporary.into(), name: name.into(), beside }),
        }
    }

    /// The folder of the name; the one that is held itself is `.`.
    fn parent(&self) -> &Path {
        self.name.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Does the temporary name stand for this file still?
    fn holds(&self, file: &File) -> io::Result<bool> {
        is_named(&self.folder, &self.temporary, file)
    }
}

impl Drafted {
    pub(super) fn begin(root: Arc<Dir>, draft: &Draft<'_>, made: Arc<Made>) -> io::Result<Self> {
        let place = Place::of(&root, draft)?;
        let mut options = OpenOptions::new();
        options.write(true).mode(if draft.private { 0o600 } else { 0o644 });
        match draft.resumed_at {
            None => options.create_new(true),
            // A pipe in its place must not hold the thread.
            Some(_) => options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed()),
        };
        let mut file = place.folder.open_with(&place.temporary, &options)?.into_std();
        claim(&place.folder, &place.temporary, &file)?;
        let length = draft.resumed_at.unwrap_or(0);
        if draft.resumed_at.is_some() {
            if file.metadata()?.len() < length {
                return Err(io::Error::other("there is less of it than that"));
            }
            file.set_len(length)?;
            file.seek(SeekFrom::Start(length))?;
        }
        // Who may read what is replaced, and nobody else, may read what takes its place.
        if let Ok(replaced) = place.folder.symlink_metadata(&place.name)
            && replaced.is_file()
        {
            let permissions = CapMetadata::mode(&replaced) & 0o777;
            file.set_permissions(std::fs::Permissions::from_mode(permissions))?;
        }
        Ok(Self { root, place, file, length, replaces: draft.replaces, over: None, made, settled: false })
    }

    fn put(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        let parent = self.place.folder.open(self.place.parent())?.into_std();
        self.take_name(&parent)?;
        self.settled = true;
        parent.sync_all()?;
        self.made.sync(&self.root)
    }

    /// Looks at what stands under both names, and takes the one: in between nobody else does, of those who take this lock. (Where
    /// there are no locks, there are none. Whoever writes elsewhere than beside its name has a name that nobody else has.)
    fn take_name(&self, parent: &File) -> io::Result<()> {
        if self.place.beside {
            let _ = rustix::fs::flock(parent, FlockOperation::LockExclusive);
        }
        let taken = self.rename();
        if self.place.beside {
            let _ = rustix::fs::flock(parent, FlockOperation::Unlock);
        }
        taken
    }

    fn rename(&self) -> io::Result<()> {
        let Place { folder, temporary, name, .. } = &self.place;
        if !self.place.holds(&self.file)? {
            return Err(io::Error::other("what was written of it is there no more"));
        }
        if let Some(whole) = self.over
            && !folder.symlink_metadata(name).is_ok_and(|there| named(&there) == whole)
        {
            return Err(io::Error::other("it was changed by somebody else meanwhile"));
        }
        if self.replaces {
            return folder.rename(temporary, folder, name);
        }
        match folder.hard_link(temporary, folder, name) {
            Ok(()) => folder.remove_file(temporary),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists || folder.symlink_metadata(name).is_ok() => {
                Err(io::ErrorKind::AlreadyExists.into())
            }
            // Not every file system has two names for one file.
            Err(_) => folder.rename(temporary, folder, name),
        }
    }
}

/// One writer at a time: whoever holds the lock, which goes with the process at the latest. The name must stand for the file
/// still when it is locked; another writer may just have finished it.
fn claim(folder: &Dir, temporary: &Path, file: &File) -> io::Result<()> {
    let taken = || io::Error::from(io::ErrorKind::AlreadyExists);
    rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive).map_err(|_| taken())?;
    if is_named(folder, temporary, file)? { Ok(()) } else { Err(taken()) }
}

fn is_named(folder: &Dir, name: &Path, file: &File) -> io::Result<bool> {
    let there = folder.symlink_metadata(name)?;
    Ok(opened(file)?.0 == named(&there).0)
}

fn opened(file: &File) -> io::Result<Whole> {
    let metadata = file.metadata()?;
    Ok(((metadata.dev(), metadata.ino()), metadata.len()))
}

fn named(metadata: &Metadata) -> Whole {
    ((CapMetadata::dev(metadata), CapMetadata::ino(metadata)), metadata.len())
}

/// Removes what a writer has left behind; not what one is at.
pub(super) fn remove_left(root: &Dir, temporary: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    // A pipe in its place must not hold the thread.
    options.write(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let file = root.open_with(temporary, &options)?.into_std();
    claim(root, temporary, &file)?;
    root.remove_file(temporary)
}

impl FileWriter for Drafted {
    fn append(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.file.write_all(bytes).map_err(|error| told(&error))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn length(&self) -> u64 {
        self.length
    }

    fn only_over(&mut self, whole: &dyn FileReader) -> Result<(), FileError> {
        let whole = whole.as_any().downcast_ref::<OpenFile>().ok_or(FileError::NotAllowed)?;
        let whole = opened(whole.file()).map_err(|error| told(&error))?;
        let there = self.place.folder.symlink_metadata(&self.place.name).map_err(|error| told(&error))?;
        // Of a link it is the link that is replaced, and what it leads to stays.
        if there.is_file() && named(&there) != whole {
            return Err(FileError::Exists);
        }
        self.over = Some(named(&there));
        Ok(())
    }

    fn commit(mut self: Box<Self>) -> Result<(), FileError> {
        self.put().map_err(|error| told(&error))
    }

    fn keep(mut self: Box<Self>) -> Result<(), FileError> {
        self.settled = true;
        Ok(())
    }
}

impl Drop for Drafted {
    fn drop(&mut self) {
        if !self.settled && self.place.holds(&self.file).unwrap_or(false) {
            let _ = self.place.folder.remove_file(&self.place.temporary);
        }
    }
}
