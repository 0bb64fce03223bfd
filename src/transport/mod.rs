//! How bytes travel: TCP, UDP and Unix sockets. A transport never sees a message.
//!
//! May use: tokio, mio, socket2, quinn-udp, listenfd, rustix, fastrand, humantime, `session` (`Endpoint`, `Facts`, `Joined`, `Rides`), `os`,
//! `error`, `values`. Never: protocol, role, bench, cli, clap.

mod batch;
mod bind;
mod connect;
mod flags;
mod listen;
mod packet_client;
mod packets;
mod poller;
mod race;
mod resolve;
mod side;
mod socket_file;
mod stream;
mod target;

pub use batch::{Arrival, Batch};
pub use connect::{Route, addresses, connect, connect_to};
pub use listen::{Listener, inherited, is_exhausted, listen};
pub use packet_client::{PacketClient, not_reached, packets_to};
pub use packets::{PacketServer, bind, inherited_packets};
pub use poller::{News, Poller, Ready};
pub use race::Attempt;
pub use resolve::Resolved;
pub use side::{dial_beside, listen_beside};
pub use stream::{Detached, Stream, poll_send_file};
pub use target::Use;

#[cfg(test)]
mod tests;

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

/// What carries the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    Tcp,
    Udp,
    Unix,
    /// Unix datagram sockets.
    Unixgram,
}

/// A place to connect to, or to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub scheme: Scheme,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Net { host: Host, port: u16 },
    Path(PathBuf),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    Name(String),
    Ip(IpAddr),
    /// A bare port: loopback, IPv4 and IPv6.
    Loopback,
    /// `:8080`, `*:8080`: every address.
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

/// Socket flags, for every role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketFlags {
    pub nodelay: bool,
    /// Bytes.
    pub send_buffer: Option<usize>,
    pub recv_buffer: Option<usize>,
    /// The six bits (RFC 2474): 0 to 63.
    pub dscp: Option<u8>,
    pub ttl: Option<u8>,
    /// Bytes.
    pub mss: Option<u16>,
    pub congestion: Option<String>,
    /// Idle time before the first probe.
    pub keepalive: Option<Duration>,
    pub interface: Option<String>,
    pub broadcast: bool,
    /// Multicast groups to join.
    pub join: Vec<IpAddr>,
}

impl Default for SocketFlags {
    fn default() -> Self {
        Self {
            nodelay: true,
            send_buffer: None,
            recv_buffer: None,
            dscp: None,
            ttl: None,
            mss: None,
            congestion: None,
            keepalive: None,
            interface: None,
            broadcast: false,
            join: Vec::new(),
        }
    }
}

/// How to reach a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dial {
    /// Our own address; port 0 is chosen by the system.
    pub source: Option<SocketAddr>,
    pub family: Option<Family>,
    /// For all attempts together.
    pub timeout: Option<Duration>,
    pub flags: SocketFlags,
    /// The protocol that was named, if there is a server of it: where nothing listens a hint says how to serve it.
    pub speaks: Option<&'static str>,
}

/// The wall clock, for those who may not read one themselves.
#[must_use]
pub fn wall_clock() -> std::time::SystemTime {
    std::time::SystemTime::now()
}
