//! How many took how long, in rows of equal ratio: coarser than a histogram, and small enough to be kept for every moment.
//!
//! May use: `hdrhistogram`.

use hdrhistogram::Histogram;

/// Rows of each magnitude: one is less than 6 % above the one before.
const ROWS: f64 = 40.0;

/// Counts by row, the lowest first; only those that are not empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cells(Vec<(i32, u64)>);

/// The row of a latency in nanoseconds.
fn row(ns: f64) -> i32 {
    (ns.max(1.0).log10() * ROWS).floor() as i32
}

/// The middle of a row, in nanoseconds.
fn middle(row: i32) -> f64 {
    10f64.powf((f64::from(row) + 0.5) / ROWS)
}

impl Cells {
    pub fn add_all(&mut self, histogram: &Histogram<u64>) {
        if histogram.is_empty() {
            return;
        }
        let mut more = Self::default();
        for value in histogram.iter_recorded() {
            let row = row(value.value_iterated_to() as f64);
            match more.0.last_mut() {
                Some((last, count)) if *last == row => *count += value.count_at_value(),
                _ => more.0.push((row, value.count_at_value())),
            }
        }
        self.add(&more);
    }

    pub fn add(&mut self, other: &Self) {
        for (row, count) in &other.0 {
            match self.0.binary_search_by_key(row, |(row, _)| *row) {
                Ok(at) => self.0[at].1 += count,
                Err(at) => self.0.insert(at, (*row, *count)),
            }
        }
    }

    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// The latency that so large a share does not pass. `None`: there is none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let wanted = ((self.count() as f64 * share).ceil() as u64).max(1);
        let mut passed = 0;
        let found = self.0.iter().find(|(_, count)| {
            passed += count;
            passed >= wanted
        });
        found.map(|(row, _)| middle(*row))
    }

    /// The middle of each row in nanoseconds, and its count.
    pub fn rows(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.0.iter().map(|(row, count)| (middle(*row), *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::stats::Tally;

    #[test]
    fn percentiles_are_within_three_percent() {
        let mut tally = Tally::default();
        for us in 1..=1000 {
            tally.right(us * 1000, None);
        }
        let mut cells = Cells::default();
        cells.add_all(&tally.latency);
        assert_eq!(cells.count(), 1000);
        for share in [0.1, 0.5, 0.9, 0.99, 1.0] {
            let found = cells.quantile(share).expect("some");
            assert!((found / (share * 1e6) - 1.0).abs() < 0.031, "{share}: {found}");
        }
        let mut twice = cells.clone();
        twice.add(&cells);
        assert_eq!((twice.count(), twice.quantile(0.5)), (2000, cells.quantile(0.5)));
        assert_eq!(Cells::default().quantile(0.5), None);
    }
}
