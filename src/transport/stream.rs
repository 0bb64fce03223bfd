//! A connected byte stream, of whatever kind.
//!
//! May use: tokio, socket2, `os`, `session::Endpoint`.

use std::{
    fs::File,
    io::{self, IoSlice},
    path::Path,
    pin::Pin,
    task::{Context, Poll},
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::{TcpStream, UnixStream},
};

use crate::{os, session::Endpoint};

/// A connected stream socket.
#[derive(Debug)]
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// The most of a file that one call sends, so that one peer with a fast reader does not hold up the others.
const SEND_FILE: u64 = 1024 * 1024;

/// The same call on either kind.
macro_rules! either {
    ($stream:expr, $socket:ident => $call:expr) => {
        match $stream {
            Stream::Tcp($socket) => $call,
            Stream::Unix($socket) => $call,
        }
    };
}

impl Stream {
    #[must_use]
    pub fn local(&self) -> Endpoint {
        match self {
            Self::Tcp(socket) => socket.local_addr().map_or(Endpoint::Unnamed, Endpoint::Ip),
            Self::Unix(socket) => socket.local_addr().map_or(Endpoint::Unnamed, |name| unix_endpoint(name.as_pathname())),
        }
    }

    /// [`Endpoint::Unnamed`] when the peer has none, or the connection is over already.
    #[must_use]
    pub fn peer(&self) -> Endpoint {
        match self {
            Self::Tcp(socket) => socket.peer_addr().map_or(Endpoint::Unnamed, Endpoint::Ip),
            Self::Unix(socket) => socket.peer_addr().map_or(Endpoint::Unnamed, |name| unix_endpoint(name.as_pathname())),
        }
    }

    /// Reads what is there, without waiting.
    ///
    /// # Errors
    /// As reading does; nothing is there ([`io::ErrorKind::WouldBlock`]).
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        either!(self, socket => socket.try_read(buffer))
    }

    /// As [`poll_send_file`].
    pub fn poll_send_file(
        &self,
        cx: &mut Context<'_>,
        file: &File,
        from: u64,
        length: u64,
    ) -> Option<Poll<io::Result<usize>>> {
        match self {
            Self::Tcp(socket) => poll_send_file(socket, cx, file, from, length),
            Self::Unix(_) => None,
        }
    }

    /// Throws away received bytes in the kernel, at most as many as `room` has. `None`: this kind of socket, or system, can't.
    pub fn poll_drop(&self, cx: &mut Context<'_>, room: &mut [u8]) -> Option<Poll<io::Result<usize>>> {
        let Self::Tcp(socket) = self else { return None };
        if !os::DROPS_RECEIVED {
            return None;
        }
        loop {
            match socket.poll_read_ready(cx) {
                Poll::Pending => return Some(Poll::Pending),
                Poll::Ready(Err(error)) => return Some(Poll::Ready(Err(error))),
                Poll::Ready(Ok(())) => {}
            }
            match socket.try_io(Interest::READABLE, || os::drop_received(socket, room)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Some(Poll::Ready(done)),
            }
        }
    }

    /// Sends the first bytes of a file in memory, on any kind of socket. `None`: this system can't, read and write.
    pub fn poll_send_memory(&self, cx: &mut Context<'_>, file: &File, length: u64) -> Option<Poll<io::Result<usize>>> {
        if !os::SENDS_FILES {
            return None;
        }
        loop {
            match either!(self, socket => socket.poll_write_ready(cx)) {
                Poll::Pending => return Some(Poll::Pending),
                Poll::Ready(Err(error)) => return Some(Poll::Ready(Err(error))),
                Poll::Ready(Ok(())) => {}
            }
            let sent = either!(self, socket => socket.try_io(Interest::WRITABLE, || os::send_file(socket, file, 0, length)));
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Some(Poll::Ready(done)),
            }
        }
    }

    /// Has the kernel send no faster than this; `false`: it can't.
    #[must_use]
    pub fn pace(&self, bytes_per_second: u64) -> bool {
        match self {
            Self::Tcp(socket) => os::PACES && os::pace(&SockRef::from(socket), bytes_per_second).is_ok(),
            Self::Unix(_) => false,
        }
    }

    /// Has TCP wait for full segments (RFC 9293, section 3.7.4) where it did not, or no more. Tells whether that changed anything.
    #[must_use]
    pub fn gather(&self, on: bool) -> bool {
        match self {
            Self::Tcp(socket) => socket.nodelay().is_ok_and(|nodelay| nodelay == on) && socket.set_nodelay(!on).is_ok(),
            Self::Unix(_) => false,
        }
    }

    /// What the kernel knows of this connection, where it tells.
    #[must_use]
    pub fn tcp_info(&self) -> Option<os::TcpInfo> {
        match self {
            Self::Tcp(socket) => os::tcp_info(&SockRef::from(socket)),
            Self::Unix(_) => None,
        }
    }
}

/// A connected stream socket that belongs to no runtime, so that another thread can take it.
#[derive(Debug)]
pub enum Detached {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

impl Stream {
    /// Takes it out of its runtime.
    ///
    /// # Errors
    /// The runtime does not let it go.
    pub fn detach(self) -> io::Result<Detached> {
        match self {
            Self::Tcp(socket) => socket.into_std().map(Detached::Tcp),
            Self::Unix(socket) => socket.into_std().map(Detached::Unix),
        }
    }
}

impl Detached {
    /// In the runtime that it will live in.
    ///
    /// # Errors
    /// The runtime does not take it.
    pub fn attach(self) -> io::Result<Stream> {
        match self {
            Self::Tcp(socket) => TcpStream::from_std(socket).map(Stream::Tcp),
            Self::Unix(socket) => UnixStream::from_std(socket).map(Stream::Unix),
        }
    }
}

/// Sends a piece of a file from the page cache, as much as the socket takes at once. `None`: this system can't, read and write.
pub fn poll_send_file(
    socket: &TcpStream,
    cx: &mut Context<'_>,
    file: &File,
    from: u64,
    length: u64,
) -> Option<Poll<io::Result<usize>>> {
    if !os::SENDS_FILES {
        return None;
    }
    loop {
        match socket.poll_write_ready(cx) {
            Poll::Pending => return Some(Poll::Pending),
            Poll::Ready(Err(error)) => return Some(Poll::Ready(Err(error))),
            Poll::Ready(Ok(())) => {}
        }
        match socket.try_io(Interest::WRITABLE, || os::send_file(socket, file, from, length.min(SEND_FILE))) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            done => return Some(Poll::Ready(done)),
        }
    }
}

/// The address of a Unix socket from its path, if it has one.
pub(super) fn unix_endpoint(path: Option<&Path>) -> Endpoint {
    path.map_or(Endpoint::Unnamed, |path| Endpoint::Unix(path.to_owned()))
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), socket => Pin::new(socket).poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), socket => Pin::new(socket).poll_write(cx, bytes))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, runs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), socket => Pin::new(socket).poll_write_vectored(cx, runs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), socket => Pin::new(socket).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), socket => Pin::new(socket).poll_shutdown(cx))
    }
}
