//! What was asked and what was achieved over time, in a few stretches of a run whose rate changes.
//!
//! May use: load, stats.

use std::time::Duration;

use super::{
    Until,
    load::{Shape, course::Course},
    stats::Tally,
};

/// Stretches, at most: what fits a screen.
const MOST: usize = 12;

/// One stretch of the measured time.
#[derive(Debug, Clone)]
pub struct Stretch {
    pub from: Duration,
    pub to: Duration,
    /// Requests that were due in it.
    pub asked: f64,
    pub tally: Tally,
}

impl Stretch {
    /// So many of it as a rate.
    #[must_use]
    pub fn per_second(&self, count: f64) -> f64 {
        let seconds = self.to.saturating_sub(self.from).as_secs_f64();
        if seconds > 0.0 { count / seconds } else { 0.0 }
    }
}

/// Gathers the stretches of one run.
#[derive(Debug)]
pub struct OverTime {
    shape: Shape,
    tick: Duration,
    /// Ticks of the measured time, as far as it is known before.
    ticks: u64,
    tallies: Vec<Tally>,
}

impl OverTime {
    /// `tick` is how often workers hand over. Equal parts of the course have as many stretches each.
    #[must_use]
    pub fn begin(course: Option<&Course>, shape: &Shape, tick: Duration) -> Self {
        let ticks = (lasts(shape).as_nanos().div_ceil(tick.as_nanos().max(1)) as u64).max(1);
        let parts = course.and_then(|course| course.kind.equal_parts()).filter(|parts| *parts <= MOST).unwrap_or(1);
        let rows = rows(ticks, parts);
        Self { shape: shape.clone(), tick, ticks, tallies: vec![Tally::default(); rows] }
    }

    /// What was counted in tick `number`. What comes after the end belongs to the last stretch.
    pub fn take(&mut self, number: u32, tally: &Tally) {
        let rows = self.tallies.len();
        let row = u64::from(number) * rows as u64 / self.ticks;
        self.tallies[usize::try_from(row).unwrap_or(usize::MAX).min(rows - 1)].add(tally);
    }

    /// The rate has become another than it was when the run began.
    #[must_use]
    pub fn along(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// The run is over after `duration`.
    #[must_use]
    pub fn end(self, duration: Duration) -> Vec<Stretch> {
        let rows = self.tallies.len() as u64;
        let begins = |row: u64| self.tick * u32::try_from((row * self.ticks).div_ceil(rows)).unwrap_or(u32::MAX);
        let mut stretches: Vec<Stretch> = Vec::new();
        for (row, tally) in self.tallies.into_iter().enumerate() {
            let row = row as u64;
            let (from, to) = (begins(row), if row + 1 == rows { duration } else { begins(row + 1).min(duration) });
            if from < to {
                let asked = self.shape.asked(from, to).unwrap_or(0.0);
                stretches.push(Stretch { from, to, asked, tally });
            } else if let Some(last) = stretches.last_mut() {
                last.tally.add(&tally);
            }
        }
        stretches
    }
}

/// As many rows as fit and are alike: the same for each of so many equal parts, and of as many ticks each, if that is possible.
fn rows(ticks: u64, parts: usize) -> usize {
    let most = usize::try_from(ticks).unwrap_or(MOST).min(MOST);
    let alike = |rows: &usize| ticks.is_multiple_of(*rows as u64) && rows.is_multiple_of(parts);
    let least = if parts > 1 { parts } else { MOST / 2 };
    (least..=most).rev().find(alike).unwrap_or(if parts > 1 { parts.min(most) } else { most })
}

/// How long the measured time will be, if all goes as asked.
fn lasts(shape: &Shape) -> Duration {
    match (shape.until, &shape.curve) {
        (Until::Duration(duration), _) => duration,
        (Until::Requests(requests), Some(curve)) => {
            let last = curve.due_by(shape.measured_from()) + requests as f64;
            curve.time_of(last).saturating_sub(shape.measured_from())
        }
        (Until::Requests(_), None) => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::bench::{Arrivals, load::course};

    fn over_time(course: &Course, seconds: u64) -> OverTime {
        let zero = Duration::ZERO;
        let until = Until::Duration(Duration::from_secs(seconds));
        let curve = Some(Arc::new(course.kind.curve(zero, zero)));
        let shape = Shape { curve, arrivals: Arrivals::Constant, ramp: zero, omit: zero, until, seed: 0 };
        OverTime::begin(Some(course), &shape, Duration::from_millis(250))
    }

    fn counted(right: u64) -> Tally {
        let mut tally = Tally::default();
        (0..right).for_each(|_| tally.right(1000, None));
        tally
    }

    #[test]
    fn steps_have_stretches_of_their_own() {
        let course = course::steps("10,20,50").expect("steps").over(Duration::from_secs(12));
        let mut over_time = over_time(&course, 12);
        (0..48).for_each(|tick| over_time.take(tick, &counted(u64::from(tick / 16 + 1))));
        let stretches = over_time.end(Duration::from_secs(12));
        let asked: Vec<_> = stretches.iter().map(|stretch| stretch.asked.round() as u64).collect();
        assert_eq!(asked, [10, 10, 10, 10, 20, 20, 20, 20, 50, 50, 50, 50]);
        let right: Vec<_> = stretches.iter().map(|stretch| stretch.tally.counters.right).collect();
        assert_eq!(right, [4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12]);
        assert_eq!((stretches[11].to, stretches[4].per_second(20.0)), (Duration::from_secs(12), 20.0));
    }

    #[test]
    fn stretches_are_alike_where_they_can_be() {
        for (ticks, parts, wanted) in
            [(40, 1, 10), (20, 1, 10), (41, 1, 12), (2, 1, 2), (1, 1, 1), (120, 3, 12), (16, 3, 3), (2, 3, 2), (36, 4, 12)]
        {
            assert_eq!(rows(ticks, parts), wanted, "{ticks} ticks, {parts} parts");
        }
    }

    #[test]
    fn nothing_is_lost_where_a_run_is_short_or_cut_off() {
        let course = course::stages("3s:100").expect("stages");
        for (planned, took) in [(3, 3.0), (3, 1.1), (1, 0.1), (3, 0.0)] {
            let mut over_time = over_time(&course, planned);
            (0..20).for_each(|tick| over_time.take(tick, &counted(1)));
            let stretches = over_time.end(Duration::from_secs_f64(took));
            let right: u64 = stretches.iter().map(|stretch| stretch.tally.counters.right).sum();
            assert_eq!(right, if took > 0.0 { 20 } else { 0 });
            assert!(stretches.windows(2).all(|pair| pair[0].to == pair[1].from));
        }
    }
}
