//! What the JSON has only of some runs: those whose rate changed, those that lost their server, and those that only kept
//! connections.
//!
//! May use: json, `outage`, `over_time`, results, `serde`.

use serde::Serialize;

use super::{Latency, rounded, seconds};
use crate::bench::{
    load::tuning::{Change, What},
    outage,
    over_time::Stretch,
    results,
};

/// A stretch of a run whose rate changed.
#[derive(Serialize)]
pub(super) struct Part {
    from_s: f64,
    to_s: f64,
    rate_asked: f64,
    rate_achieved: f64,
    requests_per_second: f64,
    failures_total: u64,
    latency_us: Option<Latency>,
}

/// When connections had no server.
#[derive(Serialize)]
pub(super) struct Outage {
    from_s: f64,
    to_s: f64,
    connections: usize,
    over: bool,
}

/// Connections that were only kept.
#[derive(Serialize)]
pub(super) struct Held {
    opened: u64,
    lasted: u64,
    /// Null: the system does not tell.
    memory_bytes: Option<u64>,
    memory_bytes_per_connection: Option<u64>,
    /// The server was in this process.
    both_ends: bool,
    source_addresses: usize,
}

/// What somebody changed while the run went on.
#[derive(Serialize)]
pub(super) struct Event {
    at_s: f64,
    change: &'static str,
    /// From then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_asked: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lasted_s: Option<f64>,
}

impl Event {
    pub(super) fn of(change: &Change) -> Self {
        let (name, rate_asked, lasted_s) = match change.what {
            What::Rate(rate) => ("rate", Some(rounded(rate)), None),
            What::Paused(lasted) => ("pause", None, Some(seconds(lasted))),
            What::Ended => ("end", None, None),
        };
        Self { at_s: seconds(change.at), change: name, rate_asked, lasted_s }
    }
}

impl Part {
    pub(super) fn of(stretch: &Stretch) -> Self {
        let counters = &stretch.tally.counters;
        let rate = |count: f64| rounded(stretch.per_second(count));
        Self {
            from_s: seconds(stretch.from),
            to_s: seconds(stretch.to),
            rate_asked: rate(stretch.asked),
            rate_achieved: rate(counters.sent as f64),
            requests_per_second: rate(counters.right as f64),
            failures_total: counters.failed(),
            latency_us: Latency::of(&stretch.tally.latency),
        }
    }
}

impl Outage {
    pub(super) fn of(outage: &outage::Outage) -> Self {
        let outage::Outage { from, to, connections, over } = *outage;
        Self { from_s: seconds(from), to_s: seconds(to), connections, over }
    }
}

impl Held {
    pub(super) fn of(held: &results::Held) -> Self {
        Self {
            opened: held.opened,
            lasted: held.lasted,
            memory_bytes: held.memory,
            memory_bytes_per_connection: held.memory_each(),
            both_ends: held.both_ends,
            source_addresses: held.sources,
        }
    }
}
