//! Are there enough descriptors, and enough ports? Said before anything is sent, with the command that makes it so.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::job::Peer;
use crate::{
    bench::BenchPlan,
    error::Trouble,
    os,
    session::{Endpoint, Rides},
    values::show,
};

/// Descriptors that a process needs beside its connections.
const SPARE_DESCRIPTORS: u64 = 64;
/// Ports of one address that are used, of those that there are: others need some, and the last ones are found slowly.
const SHARE: f64 = 0.9;
/// Addresses of loopback that take turns where each request has a connection of its own: ports of one are soon all waiting
/// (TIME-WAIT; RFC 9293, section 3.3.2), and a free one is found slowly.
const FOR_MANY: u32 = 64;
/// The ports that a system can hand out, at most: those above 1023.
const MOST_PORTS: u64 = 64_512;

pub(super) fn check_descriptors(plan: &BenchPlan) -> Result<(), Trouble> {
    let (limit, _) = os::raise_nofile_limit();
    // Our own server has the other ends.
    let ends = if plan.target.is_some() { 1 } else { 2 };
    let needed = plan.connections as u64 * ends + SPARE_DESCRIPTORS;
    if needed <= limit {
        return Ok(());
    }
    let most = limit.saturating_sub(SPARE_DESCRIPTORS) / ends;
    let without = if most > 0 { format!("\nwithout that: -c {most}") } else { String::new() };
    let (connections, limit) = (show::grouped(plan.connections as u64), show::grouped(limit));
    Err(Trouble::failed(format!("{connections} connections need more open files than the {limit} that are allowed"))
        .hint(raising(needed, os::most_descriptors()) + &without))
}

/// The command that allows so many to what is started from this shell.
fn raising(needed: u64, most: Option<u64>) -> String {
    let raise = format!("sudo prlimit --pid $$ --nofile={needed}:{needed}");
    match most {
        Some(most) if most < needed => format!("sudo sysctl -w fs.nr_open={needed} && {raise}"),
        Some(_) => raise,
        None => format!("ulimit -n {needed}"),
    }
}

/// The addresses of ours that connections begin from in turn; none: the usual one has ports enough. On loopback over IPv4 all of
/// 127.0.0.0/8 is ours, so there it is seen to.
///
/// # Errors
/// There are not enough ports.
pub(super) fn sources(plan: &BenchPlan, peer: &Peer) -> Result<Vec<SocketAddr>, Trouble> {
    let given = plan.sources.clone();
    let (Endpoint::Ip(to), Rides::Stream, Some((low, high))) = (&peer.address, peer.rides(), os::port_range()) else {
        return Ok(given);
    };
    let ports = u64::from(high.saturating_sub(low)) + 1;
    let wanted = plan.connections as u64;
    match (enough(*to, wanted, ports, plan), given.is_empty()) {
        (Enough::Yes, _) => Ok(given),
        (Enough::With(sources), true) => Ok(sources),
        _ => Err(too_few(wanted, ports, (given.len() as u64).max(1), *to)),
    }
}

enum Enough {
    Yes,
    /// With these.
    With(Vec<SocketAddr>),
    No,
}

fn enough(to: SocketAddr, wanted: u64, ports: u64, plan: &BenchPlan) -> Enough {
    let addresses = (plan.sources.len() as u64).max(1);
    let ours = plan.dial.source.is_none() && matches!(to.ip(), IpAddr::V4(ip) if ip.is_loopback());
    let least = if plan.reconnect && ours && plan.sources.is_empty() { FOR_MANY } else { 1 };
    if least == 1 && wanted as f64 <= ports as f64 * SHARE * addresses as f64 {
        return Enough::Yes;
    }
    if ours {
        let needed = ((wanted as f64 / (ports as f64 * SHARE)).ceil() as u32).max(least);
        return Enough::With((0..needed).map(on_loopback).collect());
    }
    // Beyond the share, all of it may do.
    if wanted <= ports * addresses { Enough::Yes } else { Enough::No }
}

/// 127.0.0.1, 127.0.0.2, and so on through 127.0.x.y.
fn on_loopback(n: u32) -> SocketAddr {
    let first = u32::from(Ipv4Addr::LOCALHOST);
    SocketAddr::new(Ipv4Addr::from(first.saturating_add(n)).into(), 0)
}

fn too_few(wanted: u64, ports: u64, addresses: u64, to: SocketAddr) -> Trouble {
    let (connections, all) = (show::grouped(wanted), show::grouped(ports * addresses));
    let of = if addresses == 1 { "one source address has".into() } else { format!("{addresses} source addresses have") };
    let trouble = Trouble::failed(format!("{connections} connections to {to} need more ports than the {all} that {of}"));
    let more = "-s A,B takes several addresses of this machine in turn";
    if ports < MOST_PORTS && wanted <= MOST_PORTS * addresses {
        let command = "sudo sysctl -w net.ipv4.ip_local_port_range='1024 65535'";
        return trouble.hint(format!("{command}\n{more}"));
    }
    trouble.hint(more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_has_addresses_for_all() {
        let shown = |n| on_loopback(n).to_string();
        assert_eq!(
            [shown(0), shown(1), shown(254), shown(255)],
            ["127.0.0.1:0", "127.0.0.2:0", "127.0.0.255:0", "127.0.1.0:0"]
        );
    }

    #[test]
    fn commands_that_raise_limits() {
        assert_eq!(raising(5000, Some(1_048_576)), "sudo prlimit --pid $$ --nofile=5000:5000");
        assert!(raising(5000, Some(4096)).starts_with("sudo sysctl -w fs.nr_open=5000 && sudo prlimit"));
        let to = "192.0.2.7:80".parse().expect("an address");
        let hint = |wanted, addresses| format!("{:?}", too_few(wanted, 28_232, addresses, to));
        assert!(hint(40_000, 1).contains("ip_local_port_range"));
        assert!(!hint(100_000, 1).contains("ip_local_port_range") && hint(100_000, 2).contains("ip_local_port_range"));
    }
}
