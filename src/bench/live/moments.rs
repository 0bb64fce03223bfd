//! The course of a run as the screen shows it, in bounded memory: neighbours are joined when there are too many.
//!
//! May use: cells, stats, `hdrhistogram`.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use hdrhistogram::Histogram;

use super::cells::Cells;
use crate::bench::stats::{Counters, Slice, Tally};

/// Moments at most: two minutes in quarters of a second.
const MOST: usize = 512;

/// Percentiles that are told to three digits.
pub const PERCENTILES: [f64; 4] = [50.0, 90.0, 99.0, 99.9];

/// A stretch of the measured time, in seconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moment {
    pub from: f64,
    pub to: f64,
    pub right: u64,
    pub failed: u64,
    pub connects: u64,
    /// Of the failed, those that never had a connection.
    pub unsent: u64,
    pub latency: Cells,
    /// The longest latency, in nanoseconds.
    pub longest: u64,
}

impl Moment {
    #[must_use]
    pub fn per_second(&self, count: u64) -> f64 {
        count as f64 / (self.to - self.from).max(1e-9)
    }

    fn count(&mut self, tally: &Tally) {
        self.right += tally.counters.right;
        self.failed += tally.counters.failed();
        self.connects += tally.counters.connects;
        self.unsent += tally.counters.unsent;
        self.latency.add_all(&tally.latency);
        self.longest = self.longest.max(tally.latency.max());
    }

    /// Takes in what follows it.
    pub fn join(&mut self, next: &Self) {
        self.to = next.to;
        self.right += next.right;
        self.failed += next.failed;
        self.connects += next.connects;
        self.unsent += next.unsent;
        self.latency.add(&next.latency);
        self.longest = self.longest.max(next.longest);
    }
}

/// CPU time of one worker.
#[derive(Debug, Clone, Copy, Default)]
struct Used {
    before: Duration,
    /// Of its last tick.
    last: Duration,
}

/// What has been seen of a run.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    tick: Duration,
    /// Stretches that some workers still count; the first is number `done`.
    open: VecDeque<Moment>,
    done: u32,
    /// Ticks of each moment.
    per: u32,
    used: Vec<Used>,
    pub moments: Vec<Moment>,
    /// Of all that was counted.
    pub counters: Counters,
    pub latency: Cells,
    pub as_sent: Cells,
    pub longest: u64,
    /// Those of [`PERCENTILES`], in nanoseconds.
    pub percentiles: [u64; PERCENTILES.len()],
    /// What went wrong, by its name, and how often.
    pub failures: BTreeMap<&'static str, u64>,
    /// What one of them looked like, fit to be shown.
    pub example: Option<String>,
    /// 100 is one core.
    pub cpu_percent: f64,
}

impl Seen {
    /// So many workers hand over every `tick`.
    #[must_use]
    pub fn new(tick: Duration, workers: usize) -> Self {
        Self { tick, per: 1, used: vec![Used::default(); workers], ..Self::default() }
    }

    /// Takes what a worker counted in tick `number`.
    pub fn take(&mut self, number: u32, slice: &Slice) {
        let at = number.saturating_sub(self.done) as usize;
        while self.open.len() <= at {
            self.open.push_back(Moment::default());
        }
        self.open[at].count(&slice.tally);
        self.as_sent.add_all(&slice.tally.as_sent);
        self.counters.add(&slice.tally.counters);
        if let Some((_, example)) = slice.tally.examples.last() {
            self.example = Some(example.lines().next().unwrap_or_default().to_owned());
        }
        if let Some(used) = self.used.get_mut(slice.worker).filter(|_| slice.tick.is_some()) {
            // The first tells of what was before it, too.
            used.last = if used.before.is_zero() { Duration::ZERO } else { slice.cpu.saturating_sub(used.before) };
            used.before = slice.cpu;
        }
    }

    /// So many ticks are complete, and all latencies so far are these.
    pub fn complete(&mut self, ticks: u32, latency: &Histogram<u64>) {
        while self.done < ticks {
            let mut moment = self.open.pop_front().unwrap_or_default();
            let tick = self.tick.as_secs_f64();
            (moment.from, moment.to) = (f64::from(self.done) * tick, f64::from(self.done + 1) * tick);
            self.done += 1;
            self.latency.add(&moment.latency);
            self.longest = self.longest.max(moment.longest);
            self.put(moment);
        }
        self.percentiles = PERCENTILES.map(|percentile| latency.value_at_percentile(percentile));
        self.failures = self.counters.by_kind();
        self.failures.retain(|_, count| *count > 0);
        let used: Duration = self.used.iter().map(|used| used.last).sum();
        self.cpu_percent = 100.0 * used.as_secs_f64() / self.tick.as_secs_f64().max(1e-9);
    }

    /// It is the last one, or the last one is not full and grows.
    fn put(&mut self, moment: Moment) {
        let full = self.tick.as_secs_f64() * (f64::from(self.per) - 0.5);
        match self.moments.last_mut() {
            Some(last) if last.to - last.from < full => last.join(&moment),
            _ => self.moments.push(moment),
        }
        if self.moments.len() > MOST {
            self.join();
        }
    }

    /// Half as many, each twice as long. What is left over goes on growing.
    fn join(&mut self) {
        self.per *= 2;
        let pairs = self.moments.chunks(2).map(|pair| {
            let mut joined = pair[0].clone();
            if let Some(next) = pair.get(1) {
                joined.join(next);
            }
            joined
        });
        self.moments = pairs.collect();
    }

    /// One moment for each of `columns` that the time up to `to` is cut into; `None` where nothing is known yet.
    #[must_use]
    pub fn columns(&self, columns: usize, to: f64) -> Vec<Option<Moment>> {
        let width = to / columns.max(1) as f64;
        let mut at = 0;
        let column = |number: usize| {
            let (begins, ends) = (number as f64 * width, (number + 1) as f64 * width);
            let first = at;
            while self.moments.get(at).is_some_and(|moment| moment.to <= ends + 1e-9) {
                at += 1;
            }
            // Those that end in it; otherwise the one that it lies in.
            let within = self.moments[first..at].iter().filter(|moment| moment.to > begins + 1e-9);
            let joined = within.fold(None, |joined: Option<Moment>, moment| match joined {
                None => Some(moment.clone()),
                Some(mut joined) => {
                    joined.join(moment);
                    Some(joined)
                }
            });
            joined.or_else(|| self.moments.get(at).filter(|moment| moment.from <= begins + 1e-9).cloned())
        };
        (0..columns).map(column).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(250);

    fn slice(worker: usize, tick: u32, right: u64) -> Slice {
        let mut tally = Box::<Tally>::default();
        (0..right).for_each(|n| tally.right(1_000_000 + n, None));
        Slice { worker, tick: Some(tick), cpu: Duration::from_millis(50) * (tick + 1), tally }
    }

    #[test]
    fn ticks_of_all_workers_are_moments() {
        let mut seen = Seen::new(TICK, 2);
        for (worker, tick, right) in [(0, 0, 3), (0, 1, 5), (1, 0, 4)] {
            seen.take(tick, &slice(worker, tick, right));
        }
        seen.complete(1, &slice(0, 0, 3).tally.latency);
        assert_eq!(seen.moments.len(), 1);
        assert_eq!((seen.moments[0].right, seen.counters.right, seen.latency.count()), (7, 12, 7));
        seen.take(1, &slice(1, 1, 6));
        seen.complete(2, &slice(0, 0, 3).tally.latency);
        assert_eq!((seen.moments[1].right, seen.moments[1].from, seen.moments[1].to), (11, 0.25, 0.5));
        // 50 ms of each worker in a quarter of a second.
        assert!((seen.cpu_percent - 40.0).abs() < 1e-6, "{}", seen.cpu_percent);
    }

    #[test]
    fn a_long_run_is_joined_and_columns_find_everything() {
        let mut seen = Seen::new(TICK, 1);
        let ticks = 5 * MOST as u32;
        for tick in 0..ticks {
            seen.take(tick, &slice(0, tick, 1));
            seen.complete(tick + 1, &Tally::default().latency);
            assert!(seen.moments.len() <= MOST);
        }
        let to = f64::from(ticks) * 0.25;
        for columns in [1, 7, 80] {
            let columns = seen.columns(columns, to);
            let right: u64 = columns.iter().flatten().map(|moment| moment.right).sum();
            assert_eq!(right, u64::from(ticks), "{} columns", columns.len());
        }
        assert!(seen.columns(4000, to).iter().all(Option::is_some));
        let twice = seen.columns(10, 2.0 * to);
        assert!(twice[..5].iter().all(Option::is_some) && twice[5..].iter().all(Option::is_none));
    }
}
