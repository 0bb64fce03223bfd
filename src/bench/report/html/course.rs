//! The course of a run, unpacked once for all charts.
//!
//! May use: record's pieces, results.

use crate::bench::{record::Piece, results::Results};

/// Rows of the heat map for each magnitude.
const ROWS: f64 = 12.0;

/// Latencies of one interval, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latencies {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
}

/// One interval, in seconds and figures per second.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    pub from: f64,
    pub to: f64,
    pub right: u64,
    pub rate: f64,
    /// Failures by kind, those that there were.
    pub failures: Vec<(&'static str, u64)>,
    pub failed: u64,
    /// `None` without a right answer.
    pub latencies: Option<Latencies>,
    /// How many latencies lie in which row.
    pub cells: Vec<(i32, u64)>,
}

impl Moment {
    fn of(piece: &Piece) -> Self {
        let latency = piece.latency.unpacked();
        let at = |percentile| latency.value_at_percentile(percentile) as f64;
        let latencies = (!latency.is_empty()).then(|| Latencies {
            p50: at(50.0),
            p90: at(90.0),
            p99: at(99.0),
            max: latency.max() as f64,
        });
        let mut cells: Vec<(i32, u64)> = Vec::new();
        for value in latency.iter_recorded() {
            let row = row(value.value_iterated_to() as f64);
            match cells.last_mut() {
                Some((last, count)) if *last == row => *count += value.count_at_value(),
                _ => cells.push((row, value.count_at_value())),
            }
        }
        let seconds = piece.duration().as_secs_f64().max(1e-9);
        let (right, failed) = (piece.counters.right, piece.counters.failed());
        let failures = piece.counters.by_kind().into_iter().filter(|(_, count)| *count > 0).collect();
        let (from, to) = (piece.from.as_secs_f64(), piece.to.as_secs_f64());
        Self { from, to, right, rate: right as f64 / seconds, failures, failed, latencies, cells }
    }

    #[must_use]
    pub fn seconds(&self) -> f64 {
        (self.to - self.from).max(1e-9)
    }
}

/// The row of the heat map that a latency belongs to.
#[must_use]
pub fn row(ns: f64) -> i32 {
    (ns.max(1.0).log10() * ROWS).floor() as i32
}

/// Where a row begins, in nanoseconds.
#[must_use]
pub fn row_begin(row: i32) -> f64 {
    10f64.powf(f64::from(row) / ROWS)
}

/// The whole course. Empty where none was kept.
#[must_use]
pub fn course(run: &Results) -> Vec<Moment> {
    run.pieces.iter().map(Moment::of).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bench::{
        packed::Packed,
        stats::{Counters, Tally},
    };

    #[test]
    fn rows_hold_what_belongs_to_them() {
        for ns in [1.0, 999.0, 1e3, 1234.0, 5e6, 3.6e12] {
            let row = row(ns);
            assert!(row_begin(row) <= ns * 1.000_001 && ns < row_begin(row + 1) * 1.000_001, "{ns} in {row}");
        }
    }

    #[test]
    fn an_interval_is_rates_and_rows() {
        let mut tally = Tally::default();
        for ns in [1_000_000, 1_000_100, 9_000_000] {
            tally.right(ns, None);
        }
        let (from, to) = (Duration::from_millis(500), Duration::from_secs(1));
        let latency = Packed::of(&tally.latency);
        let piece = Piece { from, to, counters: tally.counters, latency, as_sent: Packed::default() };
        let moment = Moment::of(&piece);
        assert!((moment.rate - 6.0).abs() < 1e-9 && moment.failures.is_empty());
        assert_eq!(moment.cells, [(row(1e6), 2), (row(9e6), 1)]);
        let silent = Moment::of(&Piece { counters: Counters::default(), latency: Packed::default(), ..piece });
        assert_eq!((silent.latencies, silent.cells.len(), silent.right), (None, 0, 0));
    }
}
