//! Latencies within `-J`: in microseconds, and the histograms that they were read from.

use hdrhistogram::Histogram;
use serde::Serialize;

use super::rounded;
use crate::bench::{packed::Packed, phases::Phase as Timed, stats::Tally};

/// A step on the way to the answer.
#[derive(Serialize)]
pub(super) struct Phase {
    name: &'static str,
    /// Null where none has a time of its own.
    latency_us: Option<Latency>,
    /// How often it came in one piece with the step before it.
    together: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    histogram: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Lag {
    p50: f64,
    p99: f64,
    max: f64,
}

#[derive(Serialize)]
pub(super) struct Latency {
    count: u64,
    min: f64,
    mean: f64,
    stddev: f64,
    p50: f64,
    p75: f64,
    p90: f64,
    p95: f64,
    p99: f64,
    p99_9: f64,
    p99_99: f64,
    max: f64,
}

impl Latency {
    pub(super) fn of(histogram: &Histogram<u64>) -> Option<Self> {
        let at = |percentile| us(histogram.value_at_percentile(percentile) as f64);
        (!histogram.is_empty()).then(|| Self {
            count: histogram.len(),
            min: us(histogram.min() as f64),
            mean: us(histogram.mean()),
            stddev: us(histogram.stdev()),
            p50: at(50.0),
            p75: at(75.0),
            p90: at(90.0),
            p95: at(95.0),
            p99: at(99.0),
            p99_9: at(99.9),
            p99_99: at(99.99),
            max: us(histogram.max() as f64),
        })
    }
}

impl Phase {
    pub(super) fn all(tally: &Tally) -> Vec<Self> {
        let phase = |phase: &Timed| Self {
            name: phase.name,
            latency_us: Latency::of(&phase.times),
            together: phase.together,
            histogram: packed(&phase.times),
        };
        tally.phases.seen().map(phase).collect()
    }
}

impl Lag {
    pub(super) fn of(histogram: &Histogram<u64>) -> Self {
        let at = |percentile| us(histogram.value_at_percentile(percentile) as f64);
        Self { p50: at(50.0), p99: at(99.0), max: us(histogram.max() as f64) }
    }
}

fn us(ns: f64) -> f64 {
    rounded(ns / 1e3)
}

/// Nothing where nothing was recorded.
pub(super) fn packed(histogram: &Histogram<u64>) -> Option<String> {
    (!histogram.is_empty()).then(|| Packed::of(histogram).base64())
}
