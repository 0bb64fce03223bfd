//! Files on disk, below a root that cannot be left: what is behind [`crate::session::Files`].
//!
//! The root is held open, and each name is resolved below it by the kernel where it can (`openat2` with `RESOLVE_BENEATH`), so
//! neither `..` nor a symbolic link leads out, whatever happens to the tree meanwhile. That is the work of `cap-std`.
//!
//! May use: cap-std, fastrand, rustix, `session`, `values`, `error`.

mod append;
mod journal;
mod made;
mod read;
mod root;
mod sweep;
mod write;

pub use read::OpenFile;
pub use root::Root;

#[cfg(test)]
mod tests;

use std::io;

use crate::session::FileError;

/// The system's error, in the contract's terms.
fn told(error: &io::Error) -> FileError {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::NotFound => FileError::NotFound,
        // A link that leads round to itself leads nowhere.
        _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => FileError::NotFound,
        // A name that leads out is refused by cap-std as not permitted, without an error of the system.
        Kind::PermissionDenied if error.raw_os_error().is_none() => FileError::Outside,
        Kind::CrossesDevices => FileError::Outside,
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem => FileError::NotAllowed,
        Kind::AlreadyExists => FileError::Exists,
        Kind::NotADirectory => FileError::NotAFolder,
        Kind::IsADirectory => FileError::IsAFolder,
        Kind::DirectoryNotEmpty => FileError::NotEmpty,
        Kind::StorageFull | Kind::QuotaExceeded => FileError::Full,
        _ => FileError::Failed(crate::error::reason(error)),
    }
}
