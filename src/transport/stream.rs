//! A connected byte stream, of whatever kind.
//!
//! May use: tokio, socket2, `os`, `session::Endpoint`.

use std::{
    io::{self, IoSlice},
    path::Path,
    pin::Pin,
    task::{Context, Poll},
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};

use crate::{os, session::Endpoint};

/// A connected stream socket.
#[derive(Debug)]
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

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
