//! Socket flags, set on sockets: each that fails or does not apply is named in a clear error, none is passed over.
//!
//! DSCP is RFC 2474, multicast groups RFC 1112 and RFC 3493 section 5.2, keep-alive RFC 9293 section 3.8.4.
//!
//! May use: socket2, `os`, `session::Rides`, `error`, `values`.

use std::{io, net::IpAddr, time::Duration};

use socket2::{InterfaceIndexOrAddress, SockRef, TcpKeepalive};

use super::{Scheme, SocketFlags};
use crate::{
    error::{Exit, Trouble, reason},
    os,
    session::Rides,
    values::show::{grouped, quoted},
};

/// What a datagram socket's buffer is raised to, as far as the system allows, when no flag says otherwise. That is the
/// receiver's with UDP, where the usual 208 KiB lose much of a burst; with Unix datagrams it is the sender's, which holds all
/// that its receivers have not yet read. Memory is taken only while datagrams wait.
const DATAGRAM_BUFFER: usize = 4 * 1024 * 1024;

/// Refuses flags that mean nothing to this kind of socket.
pub(super) fn check(scheme: Scheme, flags: &SocketFlags) -> Result<(), Trouble> {
    let (ip, tcp, udp) = (!scheme.is_unix(), scheme == Scheme::Tcp, scheme == Scheme::Udp);
    for (name, given, applies) in [
        ("--dscp", flags.dscp.is_some(), ip),
        ("--ttl", flags.ttl.is_some(), ip),
        ("--interface", flags.interface.is_some(), ip),
        ("--mss", flags.mss.is_some(), tcp),
        ("--congestion", flags.congestion.is_some(), tcp),
        ("--keepalive", flags.keepalive.is_some(), tcp),
        ("--broadcast", flags.broadcast, udp),
        ("--join", !flags.join.is_empty(), udp),
    ] {
        if given && !applies {
            return Err(
                Trouble::usage(format!("{name} does not apply to {scheme} sockets")).hint(format!("leave out {name}"))
            );
        }
    }
    if let Some(group) = flags.join.iter().find(|group| !group.is_multicast()) {
        return Err(Trouble::usage(format!("could not join {group}: it is no multicast group"))
            .hint("groups are 224.0.0.0 to 239.255.255.255, and ff00::/8"));
    }
    match flags.keepalive {
        Some(idle) if idle < Duration::from_secs(1) => {
            Err(Trouble::usage("--keepalive is at least 1 second").hint("as in --keepalive 30s"))
        }
        _ => Ok(()),
    }
}

/// Sets the flags on a fresh socket, before it is bound, connected or listening. The receive buffer must be known by then,
/// as it decides the window scale (RFC 7323, section 2.3).
pub(super) fn prepare(socket: &SockRef<'_>, scheme: Scheme, ipv6: bool, flags: &SocketFlags) -> Result<(), Trouble> {
    buffers(socket, scheme, flags)?;
    if scheme.is_unix() {
        return Ok(());
    }
    ip(socket, ipv6, flags)?;
    match scheme.rides() {
        Rides::Stream => tcp(socket, flags),
        Rides::Datagrams => datagrams(socket, ipv6, flags),
    }
}

/// Sets again what not every system hands down from a listener.
pub(super) fn accepted(socket: &SockRef<'_>, ipv6: bool, flags: &SocketFlags) -> Result<(), Trouble> {
    if os::ACCEPTED_INHERIT_FLAGS {
        return Ok(());
    }
    let _ = socket.set_out_of_band_inline(true);
    ip(socket, ipv6, flags)?;
    tcp(socket, flags)
}

fn buffers(socket: &SockRef<'_>, scheme: Scheme, flags: &SocketFlags) -> Result<(), Trouble> {
    if let Some(size) = flags.send_buffer {
        done("--send-buffer", size, socket.set_send_buffer_size(size))?;
        enough("--send-buffer", size, socket.send_buffer_size())?;
    } else if scheme == Scheme::Unixgram {
        let _ = socket.set_send_buffer_size(DATAGRAM_BUFFER); // as far as it goes
    }
    if let Some(size) = flags.recv_buffer {
        done("--recv-buffer", size, socket.set_recv_buffer_size(size))?;
        enough("--recv-buffer", size, socket.recv_buffer_size())?;
    } else if scheme == Scheme::Udp {
        let _ = socket.set_recv_buffer_size(DATAGRAM_BUFFER); // as far as it goes
    }
    Ok(())
}

/// Linux takes any size and silently gives less.
fn enough(name: &str, asked: usize, got: io::Result<usize>) -> Result<(), Trouble> {
    let got = got.map_err(|error| failed(name, asked, &error))? / if os::BUFFERS_ARE_DOUBLED { 2 } else { 1 };
    if got >= asked {
        return Ok(());
    }
    let (asked, got) = (grouped(asked as u64), grouped(got as u64));
    let trouble = Trouble::failed(format!("could not set {name} to {asked} bytes: the system allows {got}"));
    Err(trouble.hint(format!("{name} {}, or raise the system's limit", got.replace(',', ""))))
}

fn ip(socket: &SockRef<'_>, ipv6: bool, flags: &SocketFlags) -> Result<(), Trouble> {
    if let Some(dscp) = flags.dscp {
        // The upper six bits of the byte; the lower two are ECN's (RFC 3168, section 5).
        let byte = u32::from(dscp) << 2;
        done("--dscp", dscp, if ipv6 { socket.set_tclass_v6(byte) } else { socket.set_tos_v4(byte) })?;
    }
    if let Some(ttl) = flags.ttl {
        let hops = u32::from(ttl);
        done("--ttl", ttl, if ipv6 { socket.set_unicast_hops_v6(hops) } else { socket.set_ttl_v4(hops) })?;
    }
    if let Some(name) = &flags.interface {
        bind_device(socket, name)?;
    }
    Ok(())
}

fn bind_device(socket: &SockRef<'_>, name: &str) -> Result<(), Trouble> {
    let known = interface(name)?;
    os::bind_device(socket, name).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => {
            failed("--interface", name, &error).hint("it needs root, or the capability CAP_NET_RAW")
        }
        _ => failed("--interface", format!("{name} (number {known})"), &error),
    })
}

fn interface(name: &str) -> Result<u32, Trouble> {
    os::interface_index(name).map(Into::into).ok_or_else(|| {
        Trouble::usage(format!("there is no interface {}", quoted(name.as_bytes(), 40))).hint("`ip link` lists them")
    })
}

fn tcp(socket: &SockRef<'_>, flags: &SocketFlags) -> Result<(), Trouble> {
    // Off is the system's default (RFC 9293, section 3.7.4).
    if flags.nodelay {
        done("--nodelay", "on", socket.set_tcp_nodelay(true))?;
    }
    if let Some(mss) = flags.mss {
        done("--mss", mss, socket.set_tcp_mss(mss.into()))?;
    }
    if let Some(name) = &flags.congestion {
        os::set_congestion(socket, name).map_err(|error| congestion(name, &error))?;
    }
    if let Some(idle) = flags.keepalive {
        let shown = humantime::format_duration(idle);
        done("--keepalive", shown, socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(idle)))?;
    }
    Ok(())
}

fn congestion(name: &str, error: &io::Error) -> Trouble {
    let name = quoted(name.as_bytes(), 40);
    let known = os::congestion_algorithms().join(", ");
    match error.kind() {
        io::ErrorKind::NotFound if !known.is_empty() => {
            Trouble::usage(format!("unknown congestion algorithm {name}")).hint(format!("this machine has {known}"))
        }
        io::ErrorKind::PermissionDenied => failed("--congestion", name, error).hint("this one is root's to choose"),
        _ => failed("--congestion", name, error),
    }
}

fn datagrams(socket: &SockRef<'_>, ipv6: bool, flags: &SocketFlags) -> Result<(), Trouble> {
    // IPv6 has no broadcast (RFC 4291, section 2).
    if flags.broadcast && !ipv6 {
        done("--broadcast", "on", socket.set_broadcast(true))?;
    }
    // Datagrams to groups have a limit of their own, 1 by default (RFC 1112, section 6.1). Which interface they leave by
    // needs nothing more: the socket is bound to it.
    if let Some(ttl) = flags.ttl {
        let hops = u32::from(ttl);
        done("--ttl", ttl, if ipv6 { socket.set_multicast_hops_v6(hops) } else { socket.set_multicast_ttl_v4(hops) })?;
    }
    Ok(())
}

/// Joins the groups of this socket's family, on one interface if it is named.
pub(super) fn join(socket: &SockRef<'_>, ipv6: bool, groups: &[IpAddr], via: Option<&str>) -> Result<(), Trouble> {
    let index = via.map_or(Ok(0), interface)?;
    for group in groups.iter().filter(|group| group.is_ipv6() == ipv6) {
        let joined = match group {
            IpAddr::V4(group) => socket.join_multicast_v4_n(group, &InterfaceIndexOrAddress::Index(index)),
            IpAddr::V6(group) => socket.join_multicast_v6(group, index),
        };
        joined.and_then(|()| os::only_own_groups(socket, ipv6)).map_err(|error| {
            Trouble::failed(format!("could not join {group}: {}", reason(&error)))
                .hint("--interface NAME says on which network, when none leads there by itself")
        })?;
    }
    Ok(())
}

fn done(name: &str, value: impl std::fmt::Display, result: io::Result<()>) -> Result<(), Trouble> {
    result.map_err(|error| failed(name, value, &error))
}

fn failed(name: &str, value: impl std::fmt::Display, error: &io::Error) -> Trouble {
    let exit = if error.kind() == io::ErrorKind::InvalidInput { Exit::Usage } else { Exit::Failed };
    Trouble::new(exit, format!("could not set {name} {value}: {}", reason(error)))
}
