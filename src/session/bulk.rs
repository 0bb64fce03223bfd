//! Bulk: bytes that mean nothing, which the driver makes and throws away by the fastest means there is. No session sees them.

use std::time::Duration;

use super::EffectId;

/// Bytes to be said, whatever they are. They stand in the queue among the others; how many are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generate {
    pub id: EffectId,
    pub bytes: u64,
    /// As many are handed to the system at once.
    pub block: usize,
    /// Without copying them into the kernel, where it can.
    pub zero_copy: bool,
    /// No faster than this.
    pub bits_per_second: Option<u64>,
}

/// The next bytes that come are thrown away; how many are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swallow {
    pub id: EffectId,
    pub bytes: u64,
    /// In the kernel, where it can: they are never copied out.
    pub blind: bool,
    /// As many are read at once, where they are copied.
    pub at_once: usize,
}

/// What the system knows of the connection, at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Link {
    /// Segments sent again since the beginning.
    pub retransmits: u64,
    pub rtt: Duration,
    /// The congestion window.
    pub cwnd_bytes: u64,
}
