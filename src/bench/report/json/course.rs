//! The course of a run within `-J`: what happened in each short interval, with its histograms.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Datagrams, seconds};
use crate::bench::record::Piece;

/// One interval.
#[derive(Serialize)]
pub(super) struct Kept {
    from_s: f64,
    to_s: f64,
    requests: u64,
    requests_sent: u64,
    bytes_sent: u64,
    bytes_received: u64,
    connects: u64,
    peer_closes: u64,
    /// Those that there were.
    failures: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    datagrams: Option<Datagrams>,
    #[serde(skip_serializing_if = "Option::is_none")]
    histogram: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    histogram_uncorrected: Option<String>,
}

impl Kept {
    pub(super) fn of(piece: &Piece, datagrams: bool) -> Self {
        let counters = &piece.counters;
        let mut failures = counters.by_kind();
        failures.retain(|_, count| *count > 0);
        failures.insert("total", counters.failed());
        Self {
            from_s: seconds(piece.from),
            to_s: seconds(piece.to),
            requests: counters.right,
            requests_sent: counters.sent,
            bytes_sent: counters.bytes_sent,
            bytes_received: counters.bytes_received,
            connects: counters.connects,
            peer_closes: counters.peer_closes,
            failures,
            datagrams: datagrams.then(|| Datagrams::of(counters)),
            histogram: (!piece.latency.is_empty()).then(|| piece.latency.base64()),
            histogram_uncorrected: (!piece.as_sent.is_empty()).then(|| piece.as_sent.base64()),
        }
    }
}
