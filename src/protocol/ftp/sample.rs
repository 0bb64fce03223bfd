//! What is served without a root: one small file, for a first try and for loading the protocol itself.

use std::{any::Any, path::Path, sync::Arc, time::SystemTime};

use crate::session::{Draft, Entry, FileError, FileKind, FileReader, FileWriter, Files, Stat};

/// The one file.
const NAME: &str = "hello";
const TEXT: &[u8] = b"hello from netproto\n";

/// A folder with one file that nobody can change.
#[derive(Debug)]
pub(super) struct Sample;

#[derive(Debug)]
struct Text;

fn stat(kind: FileKind) -> Stat {
    let size = if kind == FileKind::File { TEXT.len() as u64 } else { 0 };
    Stat { kind, size, modified: SystemTime::UNIX_EPOCH }
}

impl FileReader for Text {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<usize, FileError> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(TEXT.len());
        let piece = &TEXT[from..];
        let n = piece.len().min(into.len());
        into[..n].copy_from_slice(&piece[..n]);
        Ok(n)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Files for Sample {
    fn stat(&self, name: &Path) -> Result<Stat, FileError> {
        match name.to_str() {
            Some(".") => Ok(stat(FileKind::Folder)),
            Some(NAME) => Ok(stat(FileKind::File)),
            _ => Err(FileError::NotFound),
        }
    }

    fn open(&self, name: &Path) -> Result<(Arc<dyn FileReader>, Stat), FileError> {
        match self.stat(name)? {
            stat if stat.kind == FileKind::File => Ok((Arc::new(Text), stat)),
            _ => Err(FileError::IsAFolder),
        }
    }

    fn list(&self, name: &Path) -> Result<Vec<Entry>, FileError> {
        match self.stat(name)?.kind {
            FileKind::Folder => Ok(vec![Entry { name: NAME.into(), stat: stat(FileKind::File) }]),
            _ => Err(FileError::NotAFolder),
        }
    }

    fn create(&self, _: &Draft<'_>) -> Result<Box<dyn FileWriter>, FileError> {
        Err(FileError::NotAllowed)
    }

    fn append(&self, _: &Path, _: &'static [u8]) -> Result<Box<dyn FileWriter>, FileError> {
        Err(FileError::NotAllowed)
    }

    fn rename(&self, _: &Path, _: &Path) -> Result<(), FileError> {
        Err(FileError::NotAllowed)
    }

    fn remove(&self, _: &Path) -> Result<(), FileError> {
        Err(FileError::NotAllowed)
    }

    fn make_folder(&self, _: &Path) -> Result<(), FileError> {
        Err(FileError::NotAllowed)
    }

    fn remove_folder(&self, _: &Path) -> Result<(), FileError> {
        Err(FileError::NotAllowed)
    }

    fn set_modified(&self, _: &Path, _: SystemTime) -> Result<(), FileError> {
        Err(FileError::NotAllowed)
    }

    fn unique(&self) -> String {
        "1".into()
    }
}
