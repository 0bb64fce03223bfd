//! Greylisting (RFC 6647): who was never seen with this sender and recipient is asked to come again.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use crate::{
    session::{Cx, Endpoint},
    values::read,
};

/// Who, from whom, to whom.
type Triple = (Option<IpAddr>, String, String);

/// Triples that are remembered; then the oldest is forgotten.
const MOST: usize = 64 * 1024;

/// Shared by all sessions of a server.
#[derive(Debug)]
pub(super) struct Greylist {
    /// How long one has to wait before coming again.
    wait: Duration,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    first: HashMap<Triple, SystemTime>,
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
        Ok(Some(Self { wait, seen: Mutex::default() }))
    }

    /// May this recipient be taken now?
    pub(super) fn lets_in(&self, from: &str, to: &str, cx: &Cx<'_>) -> bool {
        let ip = match &cx.facts.peer {
            Endpoint::Ip(address) => Some(address.ip()),
            _ => None,
        };
        let triple = (ip, from.to_ascii_lowercase(), to.to_ascii_lowercase());
        let now = (cx.facts.wall_clock)();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = seen.first.get(&triple) {
            return now.duration_since(*first).is_ok_and(|since| since >= self.wait);
        }
        if seen.order.len() >= MOST
            && let Some(oldest) = seen.order.pop_front()
        {
            seen.first.remove(&oldest);
        }
        seen.order.push_back(triple.clone());
        seen.first.insert(triple, now);
        false
    }
}
