//! A connected byte stream, of whatever kind.
//!
//! May use: poller, tokio, socket2, `os`, `session::Endpoint`.

use std::{
    fs::File,
    io::{self, IoSlice},
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::{TcpStream, UnixStream},
};

use super::poller::{Polled, Poller, Ready};
use crate::{os, session::Endpoint};

/// A connected stream socket.
#[derive(Debug)]
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// TCP, looked after by a [`Poller`].
    Polled(Polled),
}

/// The most of a file that one call sends, so that one peer with a fast reader does not hold up the others.
const SEND_FILE: u64 = 1024 * 1024;

/// The same call on either kind that a runtime looks after, and another one on what a poller does.
macro_rules! either {
    ($stream:expr, $socket:ident => $call:expr, $polled:ident => $other:expr) => {
        match $stream {
            Stream::Tcp($socket) => $call,
            Stream::Unix($socket) => $call,
            Stream::Polled($polled) => $other,
        }
    };
}

/// Sends what the system sends by itself, when there is room for it.
macro_rules! when_writable {
    ($socket:ident, $cx:ident => $send:expr) => {
        loop {
            match $socket.poll_write_ready($cx) {
                Poll::Pending => break Poll::Pending,
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => {}
            }
            match $socket.try_io(Interest::WRITABLE, || $send) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => break Poll::Ready(done),
            }
        }
    };
}

impl Stream {
    /// Has `poller` look after it from now on, under a `number`, where it is one of TCP; gives what may be tried then.
    ///
    /// # Errors
    /// The system can't do it.
    pub fn polled_by(self, poller: &Poller, number: usize) -> io::Result<(Self, Option<Arc<Ready>>)> {
        let Self::Tcp(socket) = self else { return Ok((self, None)) };
        let stream = poller.take_in(socket.into_std()?, number)?;
        let ready = stream.ready();
        Ok((Self::Polled(stream), Some(ready)))
    }

    /// Its socket, if that is one of TCP.
    fn tcp(&self) -> Option<SockRef<'_>> {
        match self {
            Self::Tcp(socket) => Some(SockRef::from(socket)),
            Self::Polled(polled) => Some(SockRef::from(polled.socket())),
            Self::Unix(_) => None,
        }
    }

    #[must_use]
    pub fn local(&self) -> Endpoint {
        match self {
            Self::Tcp(socket) => socket.local_addr().map_or(Endpoint::Unnamed, Endpoint::Ip),
            Self::Unix(socket) => socket.local_addr().map_or(Endpoint::Unnamed, |name| unix_endpoint(name.as_pathname())),
            Self::Polled(polled) => polled.socket().local_addr().map_or(Endpoint::Unnamed, Endpoint::Ip),
        }
    }

    /// [`Endpoint::Unnamed`] when the peer has none, or the connection is over already.
    #[must_use]
    pub fn peer(&self) -> Endpoint {
        match self {
            Self::Tcp(socket) => socket.peer_addr().map_or(Endpoint::Unnamed, Endpoint::Ip),
            Self::Unix(socket) => socket.peer_addr().map_or(Endpoint::Unnamed, |name| unix_endpoint(name.as_pathname())),
            Self::Polled(polled) => polled.socket().peer_addr().map_or(Endpoint::Unnamed, Endpoint::Ip),
        }
    }

    /// Reads what is there, without waiting.
    ///
    /// # Errors
    /// As reading does; nothing is there ([`io::ErrorKind::WouldBlock`]).
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        either!(self, socket => socket.try_read(buffer), polled => io::Read::read(&mut polled.socket(), buffer))
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
            Self::Polled(polled) => {
                let send = |socket: &_| os::send_file(socket, file, from, length.min(SEND_FILE));
                os::SENDS_FILES.then(|| polled.poll_send(cx, send))
            }
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
        match self {
            Self::Tcp(socket) => Some(when_writable!(socket, cx => os::send_file(socket, file, 0, length))),
            Self::Unix(socket) => Some(when_writable!(socket, cx => os::send_file(socket, file, 0, length))),
            Self::Polled(_) => None,
        }
    }

    /// Has the kernel send no faster than this; `false`: it can't.
    #[must_use]
    pub fn pace(&self, bytes_per_second: u64) -> bool {
        self.tcp().is_some_and(|socket| os::PACES && os::pace(&socket, bytes_per_second).is_ok())
    }

    /// Has TCP wait for full segments (RFC 9293, section 3.7.4) where it did not, or no more. Tells whether that changed anything.
    #[must_use]
    pub fn gather(&self, on: bool) -> bool {
        let differs = |socket: &SockRef<'_>| socket.tcp_nodelay().is_ok_and(|nodelay| nodelay == on);
        self.tcp().is_some_and(|socket| differs(&socket) && socket.set_tcp_nodelay(!on).is_ok())
    }

    /// What the kernel knows of this connection, where it tells.
    #[must_use]
    pub fn tcp_info(&self) -> Option<os::TcpInfo> {
        os::tcp_info(&self.tcp()?)
    }

    /// Has it end in a reset when it is dropped.
    pub fn cut(&self) {
        if let Some(socket) = self.tcp() {
            let _ = socket.set_linger(Some(Duration::ZERO));
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
            Self::Polled(polled) => Ok(Detached::Tcp(polled.into_socket())),
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
    os::SENDS_FILES.then(|| when_writable!(socket, cx => os::send_file(socket, file, from, length.min(SEND_FILE))))
}

/// The address of a Unix socket from its path, if it has one.
pub(super) fn unix_endpoint(path: Option<&Path>) -> Endpoint {
    path.map_or(Endpoint::Unnamed, |path| Endpoint::Unix(path.to_owned()))
}

impl AsyncRead for Stream {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Polled(polled) => polled.poll_read(cx, buffer),
            others => others.read(cx, buffer),
        }
    }
}

/// What a runtime does is long. Kept out of line, it leaves the way through a poller short enough to become part of whoever goes it.
impl Stream {
    #[inline(never)]
    fn read(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(self, socket => Pin::new(socket).poll_read(cx, buffer), polled => polled.poll_read(cx, buffer))
    }

    #[inline(never)]
    fn write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, socket => Pin::new(socket).poll_write(cx, bytes), polled => polled.poll_write(cx, bytes))
    }
}

impl AsyncWrite for Stream {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Polled(polled) => polled.poll_write(cx, bytes),
            others => others.write(cx, bytes),
        }
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, runs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), socket => Pin::new(socket).poll_write_vectored(cx, runs), polled => polled.poll_write_vectored(cx, runs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), socket => Pin::new(socket).poll_flush(cx), _polled => Poll::Ready(Ok(())))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), socket => Pin::new(socket).poll_shutdown(cx), polled => Poll::Ready(polled.shutdown()))
    }
}
