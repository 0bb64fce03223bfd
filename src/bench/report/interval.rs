//! One interval of a run, as all formats show it.
//!
//! May use: stats.

use std::time::Duration;

use crate::{
    bench::{shown, stats::Tally},
    values::show,
};

/// What happened from `from` to `to`, both measured from the start of the measured time.
#[derive(Debug)]
pub struct Interval<'a> {
    /// Which run of `--repeat`, from 1.
    pub run: u32,
    /// From the moment that stands at the head of the files to the start of this run's measured time.
    pub after: Duration,
    pub from: Duration,
    pub to: Duration,
    pub tally: &'a Tally,
    /// Open loop: requests that were due in it.
    pub asked: Option<f64>,
}

impl Interval<'_> {
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.to.saturating_sub(self.from)
    }

    #[must_use]
    pub fn open_loop(&self) -> bool {
        self.asked.is_some()
    }

    #[must_use]
    pub fn rate(&self) -> f64 {
        self.per_second(self.tally.counters.right as f64)
    }

    /// So many in it, as a rate.
    #[must_use]
    pub fn per_second(&self, count: f64) -> f64 {
        let seconds = self.duration().as_secs_f64();
        if seconds > 0.0 { count / seconds } else { 0.0 }
    }

    /// A percentile of the latency in nanoseconds, if there was a right answer.
    #[must_use]
    pub fn percentile(&self, percentile: f64) -> Option<u64> {
        let latency = &self.tally.latency;
        (!latency.is_empty()).then(|| latency.value_at_percentile(percentile))
    }

    /// The line of `-i`, in columns that stay where they are; 80 with a rate of millions.
    #[must_use]
    pub fn line(&self) -> String {
        let latency = |percentile| self.percentile(percentile).map_or("-".into(), show::nanos);
        format!(
            "{:>6.2} s {:>11} {:>10} right {:>7} failed  p50 {:>7}  p99 {:>7}",
            self.to.as_secs_f64(),
            shown::per_second(self.rate()),
            show::grouped(self.tally.counters.right),
            show::grouped(self.tally.counters.failed()),
            latency(50.0),
            latency(99.0),
        )
    }
}
