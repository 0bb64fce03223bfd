//! The peers that a datagram server remembers, each with its conversation; one that has long been silent is forgotten first.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    time::{Duration, Instant, SystemTime},
};

use super::guard::Guard;
use crate::{
    role::Traffic,
    session::{Endpoint, Facts, Rides, Session, Watch},
};

/// Bytes of headers that each datagram has at least.
const HEADERS: usize = 28;
/// Where answers are bounded, they may be so many times as large as what came.
pub(super) const LARGER: usize = 3;
/// What a peer may have saved up, in bytes.
const MOST_CREDIT: usize = 256 * 1024;

/// One peer's conversation.
pub(super) struct Peer {
    pub(super) session: Box<dyn Session>,
    pub(super) facts: Facts,
    /// The address of ours that it speaks to: answers come from there, on hosts with several too.
    pub(super) ours: Option<IpAddr>,
    pub(super) traffic: Traffic,
    pub(super) last: Instant,
    /// Which peer of this server it is, counted from the first.
    pub(super) born: u64,
    pub(super) guard: Guard,
    /// Bytes that it may still be answered with, where that is bounded.
    pub(super) credit: usize,
}

impl Peer {
    /// One who has come `now`, as the so-and-so-manyeth, to one of our addresses.
    pub(super) fn new(
        session: Box<dyn Session>,
        guard: Guard,
        (local, ours, peer): (Endpoint, Option<IpAddr>, Endpoint),
        watch: Watch,
        (now, born): (Instant, u64),
    ) -> Self {
        let max_datagram = Facts::max_datagram_to(&peer);
        let (rides, wall_clock) = (Rides::Datagrams, SystemTime::now);
        let facts = Facts { rides, local, peer, max_datagram, wall_clock, watch, said_before: 0 };
        Self { session, facts, ours, traffic: Traffic::new(now), last: now, born, guard, credit: 0 }
    }

    /// So many bytes have come from it.
    pub(super) fn asked(&mut self, bytes: usize) {
        self.credit = (self.credit + LARGER * (bytes + HEADERS)).min(MOST_CREDIT);
    }

    /// May an answer of so many bytes go to it, where answers are bounded? Then it counts.
    pub(super) fn may_be_told(&mut self, bytes: usize) -> bool {
        let left = self.credit.checked_sub(bytes + HEADERS);
        self.credit = left.unwrap_or(self.credit);
        left.is_some()
    }
}

/// All of them.
pub(super) struct Peers {
    known: HashMap<Endpoint, Peer>,
    /// Each peer once, by when it was last looked at, oldest first. A peer that spoke since moves back when it is met here:
    /// cheaper than moving it with each datagram.
    order: VecDeque<(Endpoint, Instant)>,
    /// How long a silent peer is remembered.
    remembered: Duration,
}

impl Peers {
    pub(super) fn new(remembered: Duration) -> Self {
        Self { known: HashMap::new(), order: VecDeque::new(), remembered }
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn get_mut(&mut self, peer: &Endpoint) -> Option<&mut Peer> {
        self.known.get_mut(peer)
    }

    pub(super) fn contains(&self, peer: &Endpoint) -> bool {
        self.known.contains_key(peer)
    }

    pub(super) fn insert(&mut self, endpoint: Endpoint, peer: Peer) {
        self.order.push_back((endpoint.clone(), peer.last));
        self.known.insert(endpoint, peer);
    }

    pub(super) fn remove(&mut self, peer: &Endpoint) -> Option<Peer> {
        self.known.remove(peer)
    }

    /// Does any of them wait for an answer?
    pub(super) fn busy(&self) -> bool {
        self.known.values().any(|peer| peer.session.busy())
    }

    pub(super) fn all(&self) -> Vec<Endpoint> {
        self.known.keys().cloned().collect()
    }

    /// When the next of them may have been silent for too long.
    pub(super) fn next_silent(&self) -> Option<Instant> {
        self.order.front().map(|(_, looked)| *looked + self.remembered)
    }

    /// One who has been silent for too long and is owed nothing.
    pub(super) fn silent(&mut self, now: Instant) -> Option<Endpoint> {
        while let Some((_, looked)) = self.order.front()
            && now.duration_since(*looked) >= self.remembered
        {
            let (peer, _) = self.order.pop_front()?;
            match self.known.get(&peer) {
                None => {}
                Some(known) if known.session.busy() => self.order.push_back((peer, now)),
                Some(known) if now.duration_since(known.last) < self.remembered => self.order.push_back((peer, known.last)),
                Some(_) => return Some(peer),
            }
        }
        None
    }

    /// One to make room: not heard since it was last met here, and owed nothing if there is any such. (An exact order would
    /// take a move with each datagram.)
    pub(super) fn oldest(&mut self) -> Option<Endpoint> {
        let mut busy = None;
        for _ in 0..=self.order.len() {
            let (peer, looked) = self.order.pop_front()?;
            match self.known.get(&peer) {
                Some(known) if known.last > looked => self.order.push_back((peer, known.last)),
                Some(known) if known.session.busy() && busy.is_none() => busy = Some(peer),
                Some(known) if known.session.busy() => self.order.push_back((peer, looked)),
                Some(_) => {
                    self.order.extend(busy.map(|peer| (peer, looked)));
                    return Some(peer);
                }
                None => {}
            }
        }
        busy
    }
}
