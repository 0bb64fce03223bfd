//! Files being written: nobody sees one under its name before it is whole and on disk.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use cap_std::fs::{Dir, MetadataExt as CapMetadata, OpenOptions, OpenOptionsExt};
use rustix::fs::FlockOperation;

use super::{
    made::{Made, sync_folder},
    told,
};
use crate::session::{Draft, FileError, FileWriter};

/// A new file, under its temporary name.
#[derive(Debug)]
pub(super) struct Drafted {
    folder: Arc<Dir>,
    file: File,
    temporary: PathBuf,
    name: PathBuf,
    length: u64,
    replaces: bool,
    made: Arc<Made>,
    /// The temporary name stands for nothing any more, or is to stay.
    settled: bool,
}

impl Drafted {
    pub(super) fn begin(folder: Arc<Dir>, draft: &Draft<'_>, made: Arc<Made>) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).mode(if draft.private { 0o600 } else { 0o644 });
        match draft.resumed_at {
            None => options.create_new(true),
            // A pipe in its place must not hold the thread.
            Some(_) => options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed()),
        };
        let mut file = folder.open_with(draft.temporary, &options)?.into_std();
        claim(&folder, draft.temporary, &file)?;
        let length = draft.resumed_at.unwrap_or(0);
        if draft.resumed_at.is_some() {
            if file.metadata()?.len() < length {
                return Err(io::Error::other("there is less of it than that"));
            }
            file.set_len(length)?;
            file.seek(SeekFrom::Start(length))?;
        }
        // Who may read what is replaced, and nobody else, may read what takes its place.
        if let Ok(replaced) = folder.symlink_metadata(draft.name)
            && replaced.is_file()
        {
            let permissions = CapMetadata::mode(&replaced) & 0o777;
            file.set_permissions(std::fs::Permissions::from_mode(permissions))?;
        }
        let (temporary, name) = (draft.temporary.into(), draft.name.into());
        Ok(Self { folder, file, temporary, name, length, replaces: draft.replaces, made, settled: false })
    }

    fn put(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        if self.replaces {
            self.folder.rename(&self.temporary, &self.folder, &self.name)?;
        } else {
            self.folder.hard_link(&self.temporary, &self.folder, &self.name)?;
            self.folder.remove_file(&self.temporary)?;
        }
        self.settled = true;
        sync_folder(&self.folder, self.name.parent().unwrap_or(Path::new("")))?;
        self.made.sync(&self.folder)
    }
}

/// One writer at a time: whoever holds the lock, which goes with the process at the latest. The name must stand for the file
/// still when it is locked; another writer may just have finished it.
fn claim(folder: &Dir, temporary: &Path, file: &File) -> io::Result<()> {
    let taken = || io::Error::from(io::ErrorKind::AlreadyExists);
    rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive).map_err(|_| taken())?;
    let (ours, named) = (file.metadata()?, folder.symlink_metadata(temporary)?);
    let same = (ours.dev(), ours.ino()) == (CapMetadata::dev(&named), CapMetadata::ino(&named));
    if same { Ok(()) } else { Err(taken()) }
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
        if !self.settled {
            let _ = self.folder.remove_file(&self.temporary);
        }
    }
}
