//! The one seam between systems: what Linux does in its own way, with a portable fallback of the same shape.
//!
//! Everything else in the crate is written once for all systems. The portable side is also built on Linux with
//! `RUSTFLAGS="--cfg netproto_portable"`, so that it can be checked without another machine.
//!
//! May use: libc, rustix, socket2, quinn-udp, tokio. Nothing of ours.

use std::{
    os::fd::{AsRawFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use tokio::io::{Interest, unix::AsyncFd};

#[cfg(all(target_os = "linux", not(netproto_portable)))]
mod linux;
#[cfg(all(target_os = "linux", not(netproto_portable)))]
mod linux_answer;
#[cfg(all(target_os = "linux", not(netproto_portable)))]
mod linux_bulk;
#[cfg(all(target_os = "linux", not(netproto_portable)))]
mod linux_pages;
#[cfg(all(target_os = "linux", not(netproto_portable)))]
mod linux_stdout;
#[cfg(all(target_os = "linux", not(netproto_portable)))]
mod linux_tcp_info;
#[cfg(all(target_os = "linux", not(netproto_portable)))]
mod linux_ticker;
#[cfg(any(not(target_os = "linux"), netproto_portable))]
mod other;

#[cfg(all(target_os = "linux", not(netproto_portable)))]
pub use {
    linux::*,
    linux_answer::{JOINS_SENT, answer, send_joined},
    linux_bulk::{DROPS_RECEIVED, PACES, drop_received, memory_file, pace},
    linux_pages::give_back_start_up,
    linux_stdout::stdout_was_closed,
    linux_tcp_info::tcp_info,
    linux_ticker::Ticker,
};

#[cfg(any(not(target_os = "linux"), netproto_portable))]
pub use other::*;

/// What the kernel knows of a TCP connection. What it doesn't say is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpInfo {
    /// Smoothed round-trip time (RFC 6298).
    pub rtt: Duration,
    pub rtt_var: Duration,
    pub min_rtt: Option<Duration>,
    /// Segments sent again, in the connection's whole life.
    pub retransmits: u32,
    /// Segments thought lost just now.
    pub lost: u32,
    /// Congestion window, in segments.
    pub cwnd: u32,
    /// What the peer lets us send, and what we let it: bytes beyond what is acknowledged.
    pub send_window: Option<u32>,
    pub recv_window: Option<u32>,
    /// `None`: the slow start has not ended (RFC 5681).
    pub slow_start_threshold: Option<u32>,
    /// Bytes of a full segment that we send, and that we get.
    pub send_mss: u32,
    pub recv_mss: u32,
    pub path_mtu: u32,
    /// Bytes that the peer has acknowledged, and that came from it.
    pub bytes_acked: Option<u64>,
    pub bytes_received: Option<u64>,
    /// Bytes per second, as last measured.
    pub delivery_rate: Option<u64>,
}

impl TcpInfo {
    /// The congestion window in bytes.
    #[must_use]
    pub fn cwnd_bytes(&self) -> u64 {
        u64::from(self.cwnd) * u64::from(self.send_mss)
    }
}

/// What a process has used, with those that it started and that still run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessUsage {
    pub cpu: Duration,
    /// In memory now.
    pub rss_bytes: u64,
}

/// What a measurement ran on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Machine {
    /// As it calls itself.
    pub host: String,
    /// `Linux 6.18.0 x86_64`
    pub kernel: String,
    /// Cores that this process may use.
    pub cpus: usize,
    /// What kind they are, where the system says.
    pub cpu: Option<String>,
}

/// This one.
#[must_use]
pub fn machine() -> Machine {
    let names = rustix::system::uname();
    let [system, release, hardware] =
        [names.sysname(), names.release(), names.machine()].map(|name| name.to_string_lossy().into_owned());
    Machine {
        host: names.nodename().to_string_lossy().into_owned(),
        kernel: format!("{system} {release} {hardware}"),
        cpus: std::thread::available_parallelism().map_or(1, usize::from),
        cpu: cpu_model(),
    }
}

/// The longest path that a Unix socket's address can hold, in bytes, its final NUL not counted.
pub const MAX_SOCKET_PATH: usize = size_of::<libc::sockaddr_un>() - std::mem::offset_of!(libc::sockaddr_un, sun_path) - 1;

/// CPU time that the calling thread has used.
#[must_use]
pub fn thread_cpu_time() -> Duration {
    clock(rustix::time::ClockId::ThreadCPUTime)
}

/// Time since any moment, the same for the whole process; it never steps.
#[must_use]
pub fn steady_clock() -> Duration {
    clock(rustix::time::ClockId::Monotonic)
}

/// CPU time that the whole process has used.
#[must_use]
pub fn process_cpu_time() -> Duration {
    clock(rustix::time::ClockId::ProcessCPUTime)
}

fn clock(id: rustix::time::ClockId) -> Duration {
    Duration::try_from(rustix::time::clock_gettime(id)).unwrap_or_default()
}

/// What came from standard input within a time: so many bytes, or `None`. None at all (0): nothing will come any more.
///
/// # Errors
/// The system's.
pub fn typed(bytes: &mut [u8], within: Duration) -> std::io::Result<Option<usize>> {
    use rustix::{
        event::{PollFd, PollFlags, Timespec, poll},
        io::Errno,
    };
    let input = rustix::stdio::stdin();
    let within = Timespec::try_from(within).ok();
    match poll(&mut [PollFd::new(&input, PollFlags::IN)], within.as_ref()) {
        Ok(0) | Err(Errno::INTR) => return Ok(None),
        told => told.map(drop)?,
    }
    match rustix::io::read(input, bytes) {
        Err(Errno::INTR | Errno::AGAIN) => Ok(None),
        read => Ok(Some(read?)),
    }
}

/// What a shell sends to stop a program on its terminal, and to let it go on.
#[must_use]
pub fn terminal_stop() -> tokio::signal::unix::SignalKind {
    tokio::signal::unix::SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw())
}

#[must_use]
pub fn goes_on() -> tokio::signal::unix::SignalKind {
    tokio::signal::unix::SignalKind::from_raw(rustix::process::Signal::CONT.as_raw())
}

/// Stops this process until somebody lets it go on.
pub fn stop_here() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
}

/// Lets this process open as many files and sockets as it may. Gives the soft and the hard limit after that;
/// `u64::MAX` stands for no limit.
pub fn raise_nofile_limit() -> (u64, u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let before = getrlimit(Resource::Nofile);
    if before.current != before.maximum {
        // macOS says "unlimited" and then refuses more than OPEN_MAX, which is 10,240.
        for current in [before.maximum, Some(10_240)] {
            let wanted = Rlimit { current, maximum: before.maximum };
            let lower = current.is_some_and(|n| before.current.is_none_or(|now| n <= now));
            if lower || setrlimit(Resource::Nofile, wanted).is_ok() {
                break;
            }
        }
    }
    let now = getrlimit(Resource::Nofile);
    (now.current.unwrap_or(u64::MAX), now.maximum.unwrap_or(u64::MAX))
}

/// Does this error say that datagrams can't be sent joined, here or to there? One by one they may be.
#[must_use]
pub fn refuses_joined(error: &std::io::Error) -> bool {
    let known = [libc::EIO, libc::EMSGSIZE, libc::EINVAL, libc::ENOPROTOOPT, libc::EOPNOTSUPP];
    error.kind() == std::io::ErrorKind::Unsupported || error.raw_os_error().is_some_and(|code| known.contains(&code))
}

/// May the destination be at fault: the way there takes no packets so long, or there is no such port?
#[must_use]
pub fn concerns_destination(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMSGSIZE | libc::EINVAL))
}

/// Has the network's queue no room now?
#[must_use]
pub fn has_no_buffers(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOBUFS)
}

/// Tells when the descriptor of `owner` has something to be read. Must be called inside a runtime.
///
/// # Errors
/// The system can't watch it.
#[allow(unsafe_code)]
pub fn watch(owner: &impl AsRawFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: it is open while its owner is lent.
    let fd = unsafe { BorrowedFd::borrow_raw(owner.as_raw_fd()) }.try_clone_to_owned()?;
    // SAFETY: the descriptor is owned by the `AsyncFd` from here on, and never given away or closed before it, which is what
    // `register` asks for.
    unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }.map_err(std::io::Error::from)
}

/// The number of a network interface; `None` when there is none of this name.
#[must_use]
#[allow(unsafe_code)]
pub fn interface_index(name: &str) -> Option<std::num::NonZeroU32> {
    let name = std::ffi::CString::new(name).ok()?;
    // SAFETY: reads a NUL-terminated text that lives through the call. No crate in use wraps this for all systems.
    std::num::NonZeroU32::new(unsafe { libc::if_nametoindex(name.as_ptr()) })
}

#[cfg(test)]
mod tests;
