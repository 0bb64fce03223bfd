//! Streams that one thread looks after by itself: it asks the system for all at once which of them have something to read, and is
//! told their numbers.
//!
//! What a runtime does whenever something comes (find who waits for it, put its task in a queue, poll that, have it wait anew) costs
//! about as much as the answer to a short message. A thread that has nothing but conversations can go without.
//!
//! May use: mio, rustix, tokio (`ReadBuf`).

use std::{
    cell::RefCell,
    io::{self, IoSlice, Write as _},
    net::Shutdown,
    os::fd::{AsRawFd, RawFd},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use mio::{Events, Interest, Registry, Token, net::TcpStream};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use tokio::io::ReadBuf;

/// Readiness that is told at once.
const AT_ONCE: usize = 1024;
/// Calls on one stream in a row; then others come first.
const IN_A_ROW: u32 = 64;

/// Where streams are looked after.
#[derive(Debug)]
pub struct Poller {
    /// What was told last, kept for its room.
    polled: RefCell<(mio::Poll, Events)>,
    registry: Registry,
    fd: RawFd,
}

impl Poller {
    /// # Errors
    /// The system has no more descriptors.
    pub fn new() -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        let (registry, fd) = (poll.registry().try_clone()?, poll.as_raw_fd());
        Ok(Self { polled: RefCell::new((poll, Events::with_capacity(AT_ONCE))), registry, fd })
    }

    /// Takes in a connected socket that does not block, under a `number`.
    ///
    /// # Errors
    /// The system can't take it.
    pub fn take_in(&self, socket: std::net::TcpStream, number: usize) -> io::Result<Polled> {
        let mut socket = TcpStream::from_std(socket);
        self.registry.register(&mut socket, Token(number), Interest::READABLE | Interest::WRITABLE)?;
        Ok(Polled { socket, ready: Arc::default() })
    }

    /// Waits so long at most until something has come, or there is room to write again, and tells of each. Gives how many there were.
    ///
    /// # Errors
    /// As polling does; an interruption is none.
    pub fn look(&self, wait: Duration, mut each: impl FnMut(usize, News)) -> io::Result<usize> {
        let (poll, events) = &mut *self.polled.borrow_mut();
        match poll.poll(events, Some(wait)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        let mut many = 0;
        for event in &*events {
            many += 1;
            let ended = event.is_read_closed() || event.is_error();
            each(
                event.token().0,
                News { readable: event.is_readable() || ended, writable: event.is_writable() || ended, ended },
            );
        }
        Ok(many)
    }
}

impl AsRawFd for Poller {
    fn as_raw_fd(&self) -> RawFd {
        self.fd
    }
}

/// What is known of one stream anew.
#[derive(Debug, Clone, Copy)]
pub struct News {
    readable: bool,
    writable: bool,
    /// The peer has said all, or the connection is broken: so it stays.
    ended: bool,
}

/// What may be tried. Told by whoever looks, and taken back by what was tried in vain.
#[derive(Debug, Default)]
pub struct Ready {
    readable: AtomicBool,
    /// There was no room to write.
    full: AtomicBool,
    ended: AtomicBool,
    /// Calls in a row.
    calls: AtomicU32,
}

impl Ready {
    /// Tells whether there is room to write where there was none.
    #[inline]
    pub fn note(&self, news: News) -> bool {
        self.calls.store(0, Relaxed);
        if news.readable {
            self.readable.store(true, Relaxed);
        }
        if news.ended {
            self.ended.store(true, Relaxed);
        }
        if !news.writable || !self.full.load(Relaxed) {
            return false;
        }
        self.full.store(false, Relaxed);
        true
    }

    #[must_use]
    #[inline]
    pub fn is_readable(&self) -> bool {
        self.readable.load(Relaxed)
    }

    /// May one more call be made? Else whoever asks is polled again, after others.
    #[inline]
    fn may_call(&self, cx: &mut Context<'_>) -> bool {
        let calls = self.calls.load(Relaxed);
        if calls < IN_A_ROW {
            self.calls.store(calls + 1, Relaxed);
            return true;
        }
        self.calls.store(0, Relaxed);
        cx.waker().wake_by_ref();
        false
    }

    /// All that had come was read: what comes next is told, but for the end, which is told once.
    #[inline]
    fn drained(&self) {
        if !self.ended.load(Relaxed) {
            self.readable.store(false, Relaxed);
        }
    }
}

/// A stream that a [`Poller`] looks after. Whoever finds that it can't go on is not woken: whoever looks polls it again.
#[derive(Debug)]
pub struct Polled {
    socket: TcpStream,
    ready: Arc<Ready>,
}

impl Polled {
    #[must_use]
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// What may be tried, for whoever looks.
    #[must_use]
    pub fn ready(&self) -> Arc<Ready> {
        self.ready.clone()
    }

    #[inline]
    pub(super) fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.ready.is_readable() || !self.ready.may_call(cx) {
            return Poll::Pending;
        }
        let room = buffer.initialize_unfilled();
        // The system's own calls: those of the C library are points where a thread can be cancelled, which costs.
        match recv(&self.socket, &mut *room, RecvFlags::empty()).map_err(io::Error::from) {
            Ok((n, _)) => {
                if n < room.len() {
                    self.ready.drained();
                }
                buffer.advance(n);
                Poll::Ready(Ok(()))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.ready.readable.store(false, Relaxed);
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Does what writes to the socket, while there is room.
    #[inline]
    pub(super) fn poll_send(
        &self,
        cx: &mut Context<'_>,
        send: impl FnOnce(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if self.ready.full.load(Relaxed) || !self.ready.may_call(cx) {
            return Poll::Pending;
        }
        match send(&self.socket) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.ready.full.store(true, Relaxed);
                Poll::Pending
            }
            done => Poll::Ready(done),
        }
    }

    #[inline]
    pub(super) fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_send(cx, |socket| Ok(send(socket, bytes, SendFlags::NOSIGNAL)?))
    }

    pub(super) fn poll_write_vectored(&self, cx: &mut Context<'_>, runs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.poll_send(cx, |mut socket| socket.write_vectored(runs))
    }

    pub(super) fn shutdown(&self) -> io::Result<()> {
        self.socket.shutdown(Shutdown::Write)
    }

    pub(super) fn into_socket(self) -> std::net::TcpStream {
        self.socket.into()
    }
}
