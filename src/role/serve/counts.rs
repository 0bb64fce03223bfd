//! What a server has counted: all its conversations together.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use super::log::{Entry, Stats};
use crate::{
    role::{Traffic, Way},
    session::Rides,
};

/// Counters that all conversations add to when they end; while they run, only when interval lines are wanted.
#[derive(Debug, Default)]
pub struct Counts {
    pub open: AtomicUsize,
    pub connections: AtomicU64,
    pub messages: AtomicU64,
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
    pub pauses: AtomicU64,
    pub paused_ns: AtomicU64,
    pub resets: AtomicU64,
    pub refused: AtomicU64,
    pub dropped: AtomicU64,
    /// Datagrams that came, and answers that went.
    pub datagrams_in: AtomicU64,
    pub datagrams_out: AtomicU64,
    /// Times that the loop guard muted a peer.
    pub mutes: AtomicU64,
}

impl Counts {
    /// Adds what one conversation did, less what was `counted` already while it ran.
    pub fn add(&self, traffic: &Traffic, counted: &Counted) {
        self.messages.fetch_add(traffic.messages - counted.messages, Relaxed);
        self.bytes_in.fetch_add(traffic.bytes_in - counted.bytes_in, Relaxed);
        self.bytes_out.fetch_add(traffic.bytes_out - counted.bytes_out, Relaxed);
    }

    /// Reading one of them is held back, or was for so long. Pauses are few: they are counted when they happen.
    pub fn paused(&self, took: Option<Duration>) {
        match took {
            None => self.pauses.fetch_add(1, Relaxed),
            Some(took) => self.paused_ns.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed),
        };
    }

    /// As it stands.
    #[must_use]
    pub fn now(&self) -> Stats {
        Stats {
            open: self.open.load(Relaxed),
            connections: self.connections.load(Relaxed),
            messages: self.messages.load(Relaxed),
            bytes_in: self.bytes_in.load(Relaxed),
            bytes_out: self.bytes_out.load(Relaxed),
            pauses: self.pauses.load(Relaxed),
            paused: Duration::from_nanos(self.paused_ns.load(Relaxed)),
            dropped: self.dropped.load(Relaxed),
            seconds: 0.0,
        }
    }
}

/// All that was counted over each carrier, added up, and how many came over which.
#[must_use]
pub fn summary(all: &[(Rides, &Counts)], took: Duration) -> Entry {
    let sum = |one: fn(&Counts) -> &AtomicU64| all.iter().map(|(_, counts)| one(counts).load(Relaxed)).sum();
    Entry::Summary {
        stats: Stats { seconds: took.as_secs_f64(), ..together(all.iter().map(|(_, counts)| *counts)) },
        came: all.iter().map(|(rides, counts)| (*rides, counts.connections.load(Relaxed))).collect(),
        resets: sum(|counts| &counts.resets),
        refused: sum(|counts| &counts.refused),
    }
}

/// As it stands, over every carrier.
#[must_use]
pub fn together<'a>(all: impl Iterator<Item = &'a Counts>) -> Stats {
    all.map(Counts::now).fold(Stats::default(), |sum, one| Stats {
        open: sum.open + one.open,
        connections: sum.connections + one.connections,
        messages: sum.messages + one.messages,
        bytes_in: sum.bytes_in + one.bytes_in,
        bytes_out: sum.bytes_out + one.bytes_out,
        pauses: sum.pauses + one.pauses,
        paused: sum.paused + one.paused,
        dropped: sum.dropped + one.dropped,
        seconds: 0.0,
    })
}

/// What a running conversation has added to the counts already.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counted {
    pub messages: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
}

impl Counted {
    /// Counts bytes, here and among `all`; tells how many went this way before them.
    pub fn wire(&mut self, way: Way, n: u64, all: &Counts) -> u64 {
        let (mine, all) = match way {
            Way::In => (&mut self.bytes_in, &all.bytes_in),
            Way::Out => (&mut self.bytes_out, &all.bytes_out),
        };
        all.fetch_add(n, Relaxed);
        std::mem::replace(mine, *mine + n)
    }
}

/// What happened between two looks.
#[must_use]
pub fn between(before: &Stats, after: &Stats, took: Duration) -> Stats {
    Stats {
        open: after.open,
        connections: after.connections - before.connections,
        messages: after.messages - before.messages,
        bytes_in: after.bytes_in - before.bytes_in,
        bytes_out: after.bytes_out - before.bytes_out,
        pauses: after.pauses - before.pauses,
        paused: after.paused.saturating_sub(before.paused),
        dropped: after.dropped - before.dropped,
        seconds: took.as_secs_f64(),
    }
}
