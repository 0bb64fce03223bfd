//! What a session may know of its surroundings.

use std::{
    fmt,
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use crate::values::show;

/// What carries the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rides {
    Stream,
    Datagrams,
}

/// One end's address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Endpoint {
    Ip(SocketAddr),
    /// A Unix socket's path.
    Unix(PathBuf),
    /// A Unix socket without a name, a pipe, memory.
    Unnamed,
}

impl Endpoint {
    /// Can only this machine reach it?
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Ip(address) => address.ip().is_loopback(),
            Self::Unix(_) | Self::Unnamed => true,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            // A peer chooses its own path, line ends and terminal escapes included.
            Self::Unix(path) => f.write_str(&show::path(path)),
            Self::Unnamed => f.write_str("unnamed"),
        }
    }
}

/// Which events are worth their cost to whoever listens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Watch {
    /// [`super::Event::Body`]
    pub bodies: bool,
    /// [`super::Event::Message`]
    pub messages: bool,
    /// [`super::Event::Talk`]
    pub talk: bool,
    /// [`super::Event::Record`]
    pub records: bool,
}

/// What a session may know of its surroundings.
#[derive(Debug, Clone)]
pub struct Facts {
    pub rides: Rides,
    pub local: Endpoint,
    pub peer: Endpoint,
    /// The largest datagram that can be sent, in bytes of payload. No meaning over streams.
    pub max_datagram: usize,
    /// The wall clock, for protocols that tell the time. The driver's, so that tests can stop it.
    pub wall_clock: fn() -> SystemTime,
    /// A clock that never steps, from any moment on.
    pub steady_clock: fn() -> Duration,
    /// CPU time that this end has used, all its conversations together.
    pub cpu_clock: fn() -> Duration,
    pub watch: Watch,
    /// What a client has said in earlier conversations, of which this one is a continuation: for whoever asks for different
    /// things in turn.
    pub said_before: u64,
}

impl Facts {
    /// The largest UDP payload over IPv4: 65,535 less 20 bytes of IP header and 8 of UDP (RFC 768, RFC 791).
    pub const MAX_UDP_IPV4: usize = 65_507;
    /// The largest UDP payload over IPv6 without jumbograms: 65,535 less 8 (RFC 8200, section 3).
    pub const MAX_UDP_IPV6: usize = 65_527;

    /// The largest datagram that can go to `peer`. Unix sockets could take more; with IPv4's limit
    /// answers are the same over both, and one buffer takes any of them.
    #[must_use]
    pub fn max_datagram_to(peer: &Endpoint) -> usize {
        match peer {
            Endpoint::Ip(SocketAddr::V6(_)) => Self::MAX_UDP_IPV6,
            _ => Self::MAX_UDP_IPV4,
        }
    }

    /// For sessions in memory: no addresses, and the epoch for a clock.
    #[must_use]
    pub fn in_memory(rides: Rides) -> Self {
        Self {
            rides,
            local: Endpoint::Unnamed,
            peer: Endpoint::Unnamed,
            max_datagram: Self::MAX_UDP_IPV4,
            wall_clock: || SystemTime::UNIX_EPOCH,
            steady_clock: || Duration::ZERO,
            cpu_clock: || Duration::ZERO,
            watch: Watch { bodies: true, messages: true, talk: false, records: false },
            said_before: 0,
        }
    }
}
