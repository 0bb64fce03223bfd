//! What Linux has for bulk: bytes from a file in memory, bytes thrown away in the kernel, and a pace.
//!
//! May use: libc, rustix, socket2. Nothing of ours.

use std::{
    fs::File,
    io::{self, Write as _},
    os::fd::{AsFd, AsRawFd as _},
};

use rustix::{
    fs::{MemfdFlags, memfd_create},
    net::{RecvFlags, recv},
};
use socket2::SockRef;

/// TCP throws away what it received without copying it (tcp(7), `MSG_TRUNC`).
pub const DROPS_RECEIVED: bool = true;

/// Throws away at most as many received bytes as `room` has; what is in it stays as it is. 0 at the end.
pub fn drop_received(socket: impl AsFd, room: &mut [u8]) -> io::Result<usize> {
    let (got, _) = recv(socket, room, RecvFlags::TRUNC | RecvFlags::DONTWAIT)?;
    Ok(got)
}

/// The kernel spreads what is sent over TCP evenly (socket(7), `SO_MAX_PACING_RATE`).
pub const PACES: bool = true;

/// Unsent bytes that the socket takes in at a pace: what is queued there would have to go before the end can be told.
const UNSENT_AT_A_PACE: libc::c_int = 128 * 1024;

/// Sends no faster than this.
#[allow(unsafe_code)]
pub fn pace(socket: &SockRef<'_>, bytes_per_second: u64) -> io::Result<()> {
    let set = |level, name, value: *const libc::c_void, length: usize| {
        // SAFETY: reads `length` bytes of a value that lives through the call. socket2 and rustix do not wrap these options.
        let done = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, value, length as libc::socklen_t) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    let unsent = UNSENT_AT_A_PACE;
    set(libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT, (&raw const unsent).cast(), size_of_val(&unsent))?;
    set(libc::SOL_SOCKET, libc::SO_MAX_PACING_RATE, (&raw const bytes_per_second).cast(), size_of_val(&bytes_per_second))
}

/// A file of these bytes that is nowhere on disk.
pub fn memory_file(bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create("netproto", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    Ok(file)
}
