//! The loop guard: two servers that answer each other's answers would never stop.
//!
//! One forged datagram between two echo servers starts a storm (CERT VU#417980). So eight datagrams in a row from one peer that
//! look like a loop, each within a quarter of a second of our last reply, mute this peer for a second: with the other server's
//! eight answers and the forged one, that is a loop of 17. What looks like a loop:
//!
//! - one of our own last replies, where the answer is made of the question (`echo`, `processed`);
//! - anything with data in it, where the answer is the same whatever was asked (`chargen`, `daytime`): a client of these asks
//!   with an empty datagram, and another server's answer is never empty.
//!
//! A person who sends the same line again and again is slower than that; `bench` numbers its datagrams.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::SocketAddr,
    time::{Duration, Instant},
};

/// So many in a row are a loop.
const IN_A_ROW: u32 = 8;
/// A datagram later than this after our reply is no echo of it.
const WITHIN: Duration = Duration::from_millis(250);
/// A peer is muted for this long.
const MUTED: Duration = Duration::from_secs(1);
/// So many of our last replies are remembered: as many may circle at once.
const REMEMBERED: usize = 16;
/// Of a long datagram, so much from its start and its end is compared.
const COMPARED: usize = 1024;
/// Ports below this belong to services, never to clients: an answer to one may be a loop (as in BSD's inetd).
const SERVICES_END: u16 = 1024;

/// What to do with a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    Answer,
    /// The peer is muted, from now on.
    Mute,
    /// The peer is muted still.
    Muted,
}

/// The guard of one peer.
#[derive(Debug)]
pub struct Guard {
    /// Any question gets the same answer.
    deaf: bool,
    replies: [u64; REMEMBERED],
    replied: usize,
    last_reply: Option<Instant>,
    in_a_row: u32,
    muted_until: Option<Instant>,
}

impl Guard {
    /// `deaf`: the answers do not depend on the questions.
    #[must_use]
    pub fn new(deaf: bool) -> Self {
        Self { deaf, replies: [0; REMEMBERED], replied: 0, last_reply: None, in_a_row: 0, muted_until: None }
    }

    /// A datagram has come.
    pub fn judge(&mut self, datagram: &[u8], now: Instant) -> Judgement {
        if self.muted_until.is_some_and(|until| now < until) {
            return Judgement::Muted;
        }
        self.muted_until = None;
        let soon = self.last_reply.is_some_and(|at| now.saturating_duration_since(at) < WITHIN);
        self.in_a_row = if soon && self.suspicious(datagram) { self.in_a_row + 1 } else { 0 };
        if self.in_a_row < IN_A_ROW {
            return Judgement::Answer;
        }
        self.in_a_row = 0;
        self.muted_until = Some(now + MUTED);
        Judgement::Mute
    }

    fn suspicious(&self, datagram: &[u8]) -> bool {
        if self.deaf {
            return !datagram.is_empty();
        }
        let known = self.replied.min(REMEMBERED);
        self.replies[..known].contains(&fingerprint(datagram))
    }

    /// We have replied.
    pub fn replied(&mut self, datagram: &[u8], now: Instant) {
        self.replies[self.replied % REMEMBERED] = fingerprint(datagram);
        self.replied += 1;
        self.last_reply = Some(now);
    }
}

/// Must an echo-like protocol stay silent to this address: a service's port, or our own socket?
pub fn never_answered(peer: &SocketAddr, ours: &SocketAddr) -> bool {
    peer.port() < SERVICES_END || (peer.port() == ours.port() && (peer.ip() == ours.ip() || peer.ip().is_loopback()))
}

fn fingerprint(datagram: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    datagram.len().hash(&mut hasher);
    datagram[..datagram.len().min(COMPARED)].hash(&mut hasher);
    datagram[datagram.len() - datagram.len().min(COMPARED)..].hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many of `datagrams`, which come again and again a millisecond apart, get an answer.
    fn answered(guard: &mut Guard, datagrams: &[&[u8]], start: Instant) -> usize {
        let mut answered = 0;
        for (n, datagram) in datagrams.iter().cycle().take(100).enumerate() {
            let now = start + Duration::from_millis(n as u64);
            if guard.judge(datagram, now) == Judgement::Answer {
                answered += 1;
                guard.replied(datagram, now);
            }
        }
        answered
    }

    #[test]
    fn a_loop_is_muted_and_forgiven() {
        let start = Instant::now();
        for (deaf, circling, expected) in [
            (false, &[b"x".as_slice()] as &[&[u8]], 8),
            (false, &[b"x", b"y", b"z"], 10),
            (true, &[b"a", b"b"], 8),
            (true, &[b""], 100),
        ] {
            let mut guard = Guard::new(deaf);
            assert_eq!(answered(&mut guard, circling, start), expected, "{deaf} {circling:?}");
            assert_eq!(guard.judge(b"x", start + Duration::from_secs(3)), Judgement::Answer);
        }
    }

    #[test]
    fn a_person_and_a_numbered_load_are_answered() {
        let (mut slow, mut numbered, start) = (Guard::new(false), Guard::new(false), Instant::now());
        for n in 0..100_u32 {
            let at = start + Duration::from_secs(u64::from(n));
            assert_eq!(slow.judge(b"hello", at), Judgement::Answer);
            slow.replied(b"hello", at);
            assert_eq!(numbered.judge(&n.to_be_bytes(), start), Judgement::Answer);
            numbered.replied(&n.to_be_bytes(), start);
        }
    }

    #[test]
    fn services_and_ourselves_are_never_answered() {
        let ours: SocketAddr = "127.0.0.1:9000".parse().unwrap();
        for (peer, silent) in
            [("127.0.0.1:7", true), ("10.0.0.1:1023", true), ("127.0.0.1:9000", true), ("10.0.0.1:9000", false)]
        {
            assert_eq!(never_answered(&peer.parse().unwrap(), &ours), silent, "{peer}");
        }
    }
}
