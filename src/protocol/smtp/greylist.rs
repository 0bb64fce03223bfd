//! Greylisting (RFC 6647): who was never seen with this sender and recipient is asked to come again.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    session::{Cx, Endpoint},
    values::read,
};

/// Who, from whom, to whom: what a keyed hash makes of them, which takes the same room however long the addresses are.
type Triple = u64;

/// Triples that are remembered, in less than 4 MiB; then the oldest is forgotten.
const MOST: usize = 64 * 1024;

/// Shared by all sessions of a server.
#[derive(Debug)]
pub(super) struct Greylist {
    /// How long one has to wait before coming again.
    wait: Duration,
    keys: RandomState,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    first: HashMap<Triple, Duration>,
    order: VecDeque<Triple>,
}

impl Greylist {
    /// `true`, or how long to wait; `None`: `false`.
    pub(super) fn read(text: &str) -> Result<Option<Self>, String> {
        let wait = match text {
            "false" => return Ok(None),
            "true" => Duration::ZERO,
            text => read::duration(text).map_err(|_| "neither true nor false nor a time, such as 30s".to_owned())?,
        };
        Ok(Some(Self { wait, keys: RandomState::new(), seen: Mutex::default() }))
    }

    /// May this recipient be taken now?
    pub(super) fn lets_in(&self, from: &str, to: &str, cx: &Cx<'_>) -> bool {
        let ip: Option<IpAddr> = match &cx.facts.peer {
            Endpoint::Ip(address) => Some(address.ip().to_canonical()),
            _ => None,
        };
        let triple: Triple = self.keys.hash_one((ip, from.to_ascii_lowercase(), to.to_ascii_lowercase()));
        let now = (cx.facts.steady_clock)();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = seen.first.get(&triple) {
            return now.saturating_sub(*first) >= self.wait;
        }
        if seen.order.len() >= MOST
            && let Some(oldest) = seen.order.pop_front()
        {
            seen.first.remove(&oldest);
        }
        seen.order.push_back(triple);
        seen.first.insert(triple, now);
        false
    }
}
