//! A file open to read.

use std::{any::Any, fs::File, os::unix::fs::FileExt};

use super::told;
use crate::session::{FileError, FileReader};

/// A regular file of a root, open to read.
#[derive(Debug)]
pub struct OpenFile(pub(super) File);

impl OpenFile {
    /// For a driver that hands it to the kernel.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.0
    }
}

impl FileReader for OpenFile {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<usize, FileError> {
        self.0.read_at(into, offset).map_err(|error| told(&error))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
