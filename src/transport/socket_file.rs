//! The file of a Unix socket: made when binding, removed afterwards, and never somebody else's.
//!
//! What a dead server left behind is removed; what is in use, or is no socket at all, is left alone.
//!
//! May use: socket2, `session::Rides`, `error`.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use socket2::{Domain, SockAddr, Socket, Type};

use super::{Scheme, bind::not_bound, connect::trouble_inside};
use crate::{
    error::{Trouble, reason},
    session::Rides,
    values::show,
};

/// Removes the file when dropped, if it is still the one that was made. Must be dropped before its socket: as long as that
/// is open, no other file can have the same number.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    made: (u64, u64),
}

impl SocketFile {
    /// Binds `path` with `bind`, which must leave a socket that answers, after clearing away what a dead server left there.
    pub(super) fn claim<T>(scheme: Scheme, path: &Path, bind: impl Fn() -> io::Result<T>) -> Result<(T, Self), Trouble> {
        // Two servers that start at once must not take each other's fresh socket for a dead one.
        let lock = Lock::of_folder(path);
        let bound = match bind() {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                clear(scheme, path, lock.as_ref()).and_then(|()| bind())
            }
            other => other,
        };
        let socket = bound.map_err(|error| explained(scheme, path, error))?;
        let file = Self::made_at(path).map_err(|error| explained(scheme, path, error))?;
        Ok((socket, file))
    }

    /// The file that was just made there.
    pub(super) fn made_at(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), made: number(path)? })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if number(&self.path).is_ok_and(|now| now == self.made) {
            let _ = fs::remove_file(&self.path); // nobody is left to be told
        }
    }
}

fn number(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

/// Removes the file if it is a socket that nobody serves.
fn clear(scheme: Scheme, path: &Path, lock: Option<&Lock>) -> io::Result<()> {
    let refuse = |why: &str, hint: &str| {
        let sentence = format!("could not bind {scheme} {}: {why}", show::path(path));
        Err(trouble_inside(Trouble::failed(sentence).hint(hint)))
    };
    match fs::symlink_metadata(path) {
        Ok(file) if !file.file_type().is_socket() => {
            return refuse("a file that is no socket has this name", "it was left alone; choose another path");
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        _ => {}
    }
    match probe(scheme, path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && lock.is_some() => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            refuse("a socket is there that nobody serves", "another server may be starting; if none is, remove the file")
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            refuse(&reason(&error), "a socket of another user is there; choose another path")
        }
        // It answers, or is too busy to: in use.
        _ => refuse("address already in use", "another process serves there; choose another path"),
    }
}

/// Does somebody serve there? Without waiting: a full backlog is an answer too.
fn probe(scheme: Scheme, path: &Path) -> io::Result<()> {
    let kind = if scheme.rides() == Rides::Stream { Type::STREAM } else { Type::DGRAM };
    let socket = Socket::new(Domain::UNIX, kind, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

fn explained(scheme: Scheme, path: &Path, error: io::Error) -> Trouble {
    let kind = error.kind();
    // Port 1024 stands for: not a matter of a low port.
    let trouble = not_bound(scheme, &show::path(path), 1024, error);
    match (kind, &trouble.hint) {
        (io::ErrorKind::NotFound, None) => trouble.hint("its folder does not exist"),
        (io::ErrorKind::PermissionDenied, None) => trouble.hint("this user may not write to its folder"),
        _ => trouble,
    }
}

/// Holds the folder while a socket in it is examined and made.
struct Lock(#[expect(dead_code, reason = "closing the file ends the lock")] File);

impl Lock {
    /// `None` when it is held for longer than any server takes to start: then somebody else uses it for something else.
    fn of_folder(path: &Path) -> Option<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = File::open(folder).ok()?;
        for _ in 0..50 {
            match folder.try_lock() {
                Ok(()) => return Some(Self(folder)),
                Err(fs::TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(2)),
                Err(fs::TryLockError::Error(_)) => return None,
            }
        }
        None
    }
}
