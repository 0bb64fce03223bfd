//! What Linux does in its own way: socket options, and the process's memory.
//!
//! May use: libc, rustix, socket2. Nothing of ours.

use std::{
    fs, io,
    net::SocketAddr,
    os::fd::{AsFd, AsRawFd},
    time::Duration,
};

use socket2::SockRef;

use super::ProcessUsage;

/// Accepted connections have the flags that were set on their listener.
pub const ACCEPTED_INHERIT_FLAGS: bool = true;

/// A buffer's size is reported as twice what was asked, the kernel's own needs being counted in (socket(7)).
pub const BUFFERS_ARE_DOUBLED: bool = true;

/// A file goes to a socket without passing through our memory.
pub const SENDS_FILES: bool = true;

/// Sends at most `length` bytes of `file` from `from` on (`sendfile`); 0 at the end of the file.
pub fn send_file(socket: impl AsFd, file: &fs::File, mut from: u64, length: u64) -> io::Result<usize> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    Ok(rustix::fs::sendfile(socket, file, Some(&mut from), length)?)
}

/// Binds the socket to an interface (`SO_BINDTODEVICE`).
pub fn bind_device(socket: &SockRef<'_>, name: &str) -> io::Result<()> {
    socket.bind_device(Some(name.as_bytes()))
}

pub fn set_congestion(socket: &SockRef<'_>, name: &str) -> io::Result<()> {
    socket.set_tcp_congestion(name.as_bytes())
}

/// The congestion algorithms that the kernel has loaded.
#[must_use]
pub fn congestion_algorithms() -> Vec<String> {
    let listed = fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control").unwrap_or_default();
    listed.split_whitespace().map(str::to_owned).collect()
}

/// A source port of 0 is chosen when connecting and not when binding, so that the same port serves many peers: without
/// this one source address has 28,000 connections at most, to all servers together.
pub fn choose_port_late(socket: &SockRef<'_>) -> io::Result<()> {
    set_option(socket, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, 1)
}

/// Only the groups that this socket joined, not those of the whole machine (ip(7), `IP_MULTICAST_ALL`).
pub fn only_own_groups(socket: &SockRef<'_>, ipv6: bool) -> io::Result<()> {
    if ipv6 { socket.set_multicast_all_v6(false) } else { socket.set_multicast_all_v4(false) }
}

/// Lets IP fragment what is larger than the path's MTU, which is how datagrams up to 65,507 bytes travel. Needed after
/// quinn-udp has set a socket up, which forbids it as QUIC needs (RFC 9000, section 14).
pub fn allow_fragments(socket: &SockRef<'_>, local: &SocketAddr) -> io::Result<()> {
    // Set on IPv6 sockets too, where the IPv4 value counts for nothing.
    set_option(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_WANT)?;
    if local.is_ipv6() {
        set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_WANT)?;
        set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_DONTFRAG, 0)?;
    }
    Ok(())
}

#[allow(unsafe_code)]
fn set_option(socket: &SockRef<'_>, level: i32, name: i32, value: libc::c_int) -> io::Result<()> {
    // SAFETY: reads one int that lives through the call. socket2 and rustix do not wrap these options.
    let done = unsafe {
        let length = size_of::<libc::c_int>() as libc::socklen_t;
        libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), length)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The first and the last of the ports that are handed out to connections.
#[must_use]
pub fn port_range() -> Option<(u16, u16)> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ports = range.split_whitespace().map_while(|port| port.parse().ok());
    Some((ports.next()?, ports.next()?))
}

/// As many descriptors as a process may ever be allowed to have.
#[must_use]
pub fn most_descriptors() -> Option<u64> {
    fs::read_to_string("/proc/sys/fs/nr_open").ok()?.trim().parse().ok()
}

/// The calling thread leaves the processors to all others that want them (nice(2): on Linux this is a thread's own).
pub fn give_way() {
    // Refused or not, it goes on.
    let _ = rustix::process::nice(10);
}

/// For how long the calling thread could have run and had no core (Documentation/scheduler/sched-stats.rst).
#[must_use]
pub fn thread_waited() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
}

/// Bytes of this process that are in memory.
#[must_use]
pub fn rss_bytes() -> Option<u64> {
    rss_of("self")
}

/// Other processes can be looked at.
pub const TELLS_OF_PROCESSES: bool = true;

/// Processes of a family that are looked at, at most.
const FAMILY: usize = 1024;

/// What `pid` and those that it started use (proc(5)). `None`: there is no such process.
#[must_use]
pub fn usage_of(pid: u32) -> Option<ProcessUsage> {
    let mut family = vec![pid];
    let mut usage = ProcessUsage { cpu: cpu_of(pid)?, rss_bytes: rss_of(&pid.to_string())? };
    let mut at = 0;
    while at < family.len() && family.len() < FAMILY {
        for child in children_of(family[at]) {
            usage.cpu += cpu_of(child).unwrap_or_default();
            usage.rss_bytes += rss_of(&child.to_string()).unwrap_or_default();
            family.push(child);
        }
        at += 1;
    }
    Some(usage)
}

/// Those that a process has started, by each of its threads.
fn children_of(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let listed = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    listed.flat_map(|text| text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

/// User and system time: fields 14 and 15 of `/proc/PID/stat`, in clock ticks.
fn cpu_of(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a name, in brackets, and may hold anything.
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let ticks = ticks()? + ticks()?;
    Some(Duration::from_secs(ticks) / u32::try_from(rustix::param::clock_ticks_per_second()).ok()?)
}

fn rss_of(pid: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix("kB")?.trim();
    Some(kibibytes.parse::<u64>().ok()? * 1024)
}

/// What kind of processor this is.
#[must_use]
pub fn cpu_model() -> Option<String> {
    let told = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = told.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, model)| model.trim().to_owned()).filter(|model| !model.is_empty())
}
