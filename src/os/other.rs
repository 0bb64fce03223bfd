//! The portable side of the seam: what POSIX and the crates give everywhere, and a plain answer where they give nothing.
//!
//! May use: socket2, quinn-udp, tokio. Nothing of ours.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    os::fd::{AsFd, BorrowedFd},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use quinn_udp::{Transmit, UdpSocketState};
use socket2::SockRef;

use super::{ProcessUsage, TcpInfo};

/// Whether accepted connections have their listener's flags differs from system to system: they are set again.
pub const ACCEPTED_INHERIT_FLAGS: bool = false;

/// A buffer's size is reported as it was asked. (Linux, when this side is built there, reports twice that, which
/// passes the same check.)
pub const BUFFERS_ARE_DOUBLED: bool = false;

/// Files go through our memory: each system that has a faster way has its own.
pub const SENDS_FILES: bool = false;

pub fn send_file(_: impl AsFd, _: &std::fs::File, _: u64, _: u64) -> io::Result<usize> {
    Err(unsupported())
}

/// What comes is read and forgotten: throwing it away in the kernel is Linux's.
pub const DROPS_RECEIVED: bool = false;

pub fn drop_received(_: impl AsFd, _: &mut [u8]) -> io::Result<usize> {
    Err(unsupported())
}

/// Sending at a rate is left to a timer.
pub const PACES: bool = false;

pub fn pace(_: &SockRef<'_>, _: u64) -> io::Result<()> {
    Err(unsupported())
}

/// A file without a name is Linux's.
pub fn memory_file(_: &[u8]) -> io::Result<std::fs::File> {
    Err(unsupported())
}

fn unsupported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "this system has no such option")
}

/// Binding to an interface is Linux's.
pub fn bind_device(_: &SockRef<'_>, _: &str) -> io::Result<()> {
    Err(unsupported())
}

/// Choosing the algorithm is Linux's and FreeBSD's.
pub fn set_congestion(_: &SockRef<'_>, _: &str) -> io::Result<()> {
    Err(unsupported())
}

/// None that could be chosen.
#[must_use]
pub fn congestion_algorithms() -> Vec<String> {
    Vec::new()
}

/// Elsewhere the port is chosen when binding.
pub fn choose_port_late(_: &SockRef<'_>) -> io::Result<()> {
    Ok(())
}

/// Elsewhere a socket hears only the groups that it joined.
pub fn only_own_groups(_: &SockRef<'_>, _: bool) -> io::Result<()> {
    Ok(())
}

/// quinn-udp forbids fragments where it can; datagrams over the path's MTU are then refused with "message too long".
pub fn allow_fragments(_: &SockRef<'_>, _: &SocketAddr) -> io::Result<()> {
    Ok(())
}

/// Datagrams of one length are sent one by one.
pub const JOINS_SENT: bool = false;

/// Sends one datagram, or several of `segment` bytes each where quinn-udp can; `from` this address of ours.
pub fn answer(
    socket: BorrowedFd<'_>,
    state: &UdpSocketState,
    to: SocketAddr,
    from: Option<IpAddr>,
    bytes: &[u8],
    segment: Option<u16>,
) -> io::Result<()> {
    let segment_size = segment.map(usize::from);
    let transmit = Transmit { destination: to, ecn: None, contents: bytes, segment_size, src_ip: from };
    state.try_send((&socket).into(), &transmit)
}

pub fn send_joined(_: BorrowedFd<'_>, _: &[u8], _: u16) -> io::Result<()> {
    Err(unsupported())
}

/// There is no portable way to ask.
#[must_use]
pub fn tcp_info(_: &SockRef<'_>) -> Option<TcpInfo> {
    None
}

/// Of other processes nothing is known.
pub const TELLS_OF_PROCESSES: bool = false;

/// There is no portable way to ask.
#[must_use]
pub fn usage_of(_: u32) -> Option<ProcessUsage> {
    None
}
/// Elsewhere it would be the whole process that gives way.
pub fn give_way() {}

/// There is no portable way to ask.
#[must_use]
pub fn thread_waited() -> Option<std::time::Duration> {
    None
}

/// There is no portable way to ask.
#[must_use]
pub fn rss_bytes() -> Option<u64> {
    None
}

/// There is no portable way to ask.
#[must_use]
pub fn port_range() -> Option<(u16, u16)> {
    None
}

/// There is no portable way to ask.
#[must_use]
pub fn most_descriptors() -> Option<u64> {
    None
}

/// A one-shot timer that is set again and again: the runtime's own, with its grain of a millisecond.
pub struct Ticker {
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Ticker {
    pub fn new() -> io::Result<Self> {
        Ok(Self { sleep: None })
    }

    /// Ticks once at `at`, or at once when that has passed. Replaces what was set before.
    pub fn set_at(&mut self, at: Instant) {
        self.sleep = Some(Box::pin(tokio::time::sleep_until(at.into())));
    }

    /// Ready once for each [`Self::set_at`], when its time has come.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(sleep) = &mut self.sleep else { return Poll::Pending };
        ready!(sleep.as_mut().poll(cx));
        self.sleep = None;
        Poll::Ready(())
    }
}

/// Nothing is given back here: how a mapping drops its pages differs from system to system.
pub fn give_back_start_up() {}

/// Not known here: what is missing is as `/dev/null`.
#[must_use]
pub fn stdout_was_closed() -> bool {
    false
}

/// Each system has its own way of telling the kind of its processors.
#[must_use]
pub fn cpu_model() -> Option<String> {
    None
}
