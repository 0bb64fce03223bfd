//! Folders that were made, as far as they are not on disk yet: a name is there for good only when the folder that holds it is
//! synchronised, and so are the names of the folders on the way to it.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use cap_std::fs::Dir;

/// Of one root.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// The folders that hold new ones.
    parents: Mutex<Vec<PathBuf>>,
}

impl Made {
    /// A folder of this name is new.
    pub(super) fn add(&self, name: &Path) {
        let parent = name.parent().unwrap_or(Path::new("")).to_owned();
        let mut parents = self.parents.lock().unwrap_or_else(PoisonError::into_inner);
        if !parents.contains(&parent) {
            parents.push(parent);
        }
    }

    /// Puts them on disk. Whoever comes second waits for the first: what both promise hangs on it.
    pub(super) fn sync(&self, root: &Dir) -> io::Result<()> {
        let mut parents = self.parents.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(parent) = parents.last() {
            match sync_folder(root, parent) {
                // It is gone again.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                synced => synced?,
            }
            parents.pop();
        }
        Ok(())
    }
}

/// Names in a folder are on disk when it is; the root itself is the empty name.
pub(super) fn sync_folder(root: &Dir, folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    root.open(folder)?.into_std().sync_all()
}
