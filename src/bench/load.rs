//! When to send: schedules as pure values, without a clock in them.
//!
//! A [`Schedule`] is asked with the time since the start and answers: now, at that time, when an answer has come, or never
//! again. What it calls *due* is the intended time of a request, and latency counts from there: a generator that was held
//! up by a slow server does not hide the waiting (coordinated omission).
//!
//! A run is three stretches in a row: the ramp, the omitted warm-up, and the measured time, which alone counts.
//!
//! May use: core and std data types, `fastrand`.

use std::time::Duration;

use super::{Arrivals, Until};

/// What a [`Schedule`] answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Send one, which was due at this time since the start. Asking again asks for the next one.
    Now(Duration),
    /// Nothing is due before this time since the start.
    At(Duration),
    /// Nothing may be sent before an answer has come.
    Wait,
    /// Nothing will be sent any more.
    Done,
}

/// One worker among several: number `index` of `of`, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worker {
    pub index: u64,
    pub of: u64,
}

/// The whole of what a schedule needs to know, the same for every worker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Requests per second by all workers; `None`: closed loop.
    pub rate: Option<f64>,
    pub arrivals: Arrivals,
    pub ramp: Duration,
    pub omit: Duration,
    pub until: Until,
    pub seed: u64,
}

impl Shape {
    /// When the measured time begins.
    #[must_use]
    pub fn measured_from(&self) -> Duration {
        self.ramp + self.omit
    }

    /// When sending stops, if that is a matter of time.
    #[must_use]
    pub fn stops_at(&self) -> Option<Duration> {
        match self.until {
            Until::Duration(duration) => Some(self.measured_from() + duration),
            Until::Requests(_) => None,
        }
    }

    /// How many requests should have become due by all workers at `at`, as the ramp (its rate rises as a straight line) and
    /// then the steady rate have it.
    #[must_use]
    pub fn due_by(&self, at: Duration, rate: f64) -> f64 {
        let (at, ramp) = (at.as_secs_f64(), self.ramp.as_secs_f64());
        if at < ramp { rate * at * at / (2.0 * ramp) } else { rate * (at - ramp / 2.0) }
    }

    /// When the request before which `count` others are due is due: the inverse of [`Self::due_by`].
    fn time_of(&self, count: f64, rate: f64) -> Duration {
        let ramp = self.ramp.as_secs_f64();
        let in_ramp = rate * ramp / 2.0;
        let seconds = if count < in_ramp { (2.0 * ramp * count / rate).sqrt() } else { ramp / 2.0 + count / rate };
        // Saturates at u64::MAX nanoseconds, which is centuries away.
        Duration::from_nanos((seconds * 1e9).round() as u64)
    }

    /// When connection `index` of `of` opens: all at once, or in closed loop spread over the ramp.
    #[must_use]
    pub fn connect_at(&self, index: usize, of: usize) -> Duration {
        match self.rate {
            Some(_) => Duration::ZERO,
            None => self.ramp.mul_f64(index as f64 / of.max(1) as f64),
        }
    }
}

/// The schedule of one worker.
#[derive(Debug, Clone)]
pub struct Schedule {
    shape: Shape,
    /// In closed loop: requests on their way at most.
    slots: usize,
    pace: Pace,
    /// Measured requests that are still to be sent.
    left: Option<u64>,
}

#[derive(Debug, Clone)]
enum Pace {
    Closed,
    /// `k` requests of this worker were sent. Worker `index` of `of` sends those numbered `index + k * of`, so the sum of
    /// all workers is the asked rate exactly.
    Constant {
        rate: f64,
        worker: Worker,
        k: u64,
    },
    /// Gaps with an exponential distribution. The sum of independent Poisson processes is one with the sum of their rates.
    Poisson {
        rate: f64,
        of: u64,
        count: f64,
        random: fastrand::Rng,
    },
}

impl Schedule {
    /// `slots`: in closed loop, how many requests may be on their way at once, of those that the caller counts.
    #[must_use]
    pub fn new(shape: Shape, worker: Worker, slots: usize) -> Self {
        let pace = match (shape.rate, shape.arrivals) {
            (None, _) => Pace::Closed,
            (Some(rate), Arrivals::Constant) => Pace::Constant { rate, worker, k: 0 },
            (Some(rate), Arrivals::Poisson) => {
                let mut random = fastrand::Rng::with_seed(shape.seed.wrapping_add(worker.index));
                let count = gap(&mut random) * worker.of as f64;
                Pace::Poisson { rate, of: worker.of, count, random }
            }
        };
        let left = match shape.until {
            Until::Duration(_) => None,
            Until::Requests(all) => Some(all / worker.of + u64::from(worker.index < all % worker.of)),
        };
        Self { shape, slots, pace, left }
    }

    /// What to do at `now`, measured from the start, with `in_flight` requests on their way. [`Next::Now`] counts as sent.
    pub fn next(&mut self, now: Duration, in_flight: usize) -> Next {
        let next = self.peek(now, in_flight);
        if let Next::Now(due) = next {
            self.take(due);
        }
        next
    }

    /// The same, when nothing is sent.
    #[must_use]
    pub fn peek(&self, now: Duration, in_flight: usize) -> Next {
        if self.left == Some(0) {
            return Next::Done;
        }
        let stops_at = self.shape.stops_at().unwrap_or(Duration::MAX);
        let due = self.due(now);
        if due >= stops_at || (self.closed() && now >= stops_at) {
            return Next::Done;
        }
        if due > now {
            return Next::At(due);
        }
        if self.closed() && in_flight >= self.slots {
            return Next::Wait;
        }
        Next::Now(due)
    }

    /// Open loop: leaves out what is due before `until`. Gives how many of those would have counted. Takes no longer for many
    /// than for few.
    pub fn skip(&mut self, until: Duration) -> u64 {
        let until = until.min(self.shape.stops_at().unwrap_or(Duration::MAX));
        self.leap(until.min(self.shape.measured_from()));
        let counted = self.leap(until).min(self.left.unwrap_or(u64::MAX));
        if let Some(left) = &mut self.left {
            *left -= counted;
        }
        counted
    }

    /// Ends it. Gives how many of a count were still to be sent.
    pub fn give_up(&mut self) -> u64 {
        self.left.as_mut().map_or(0, std::mem::take)
    }

    /// Goes on to the first request that is due at `to` or later. Gives how many were passed.
    fn leap(&mut self, to: Duration) -> u64 {
        let Some(rate) = self.shape.rate.filter(|_| self.due(Duration::ZERO) < to) else { return 0 };
        let (shape, all) = (self.shape, self.shape.due_by(to, rate));
        match &mut self.pace {
            Pace::Closed => 0,
            Pace::Constant { worker, k, .. } => {
                let due = |k: u64| shape.time_of((worker.index + k * worker.of) as f64, rate);
                let mut next = ((all - worker.index as f64) / worker.of as f64).max(*k as f64) as u64;
                // Times are rounded to nanoseconds: the division may be one off.
                while next > *k && due(next - 1) >= to {
                    next -= 1;
                }
                while due(next) < to {
                    next += 1;
                }
                next - std::mem::replace(k, next)
            }
            Pace::Poisson { of, count, random, .. } => {
                let mut passed = 0;
                let expected = (all - *count) / *of as f64;
                if expected > FEW {
                    // What is due later does not depend on what was due before: many are drawn at once.
                    passed = (expected + expected.sqrt() * normal(random)).max(0.0) as u64;
                    *count = all;
                }
                while shape.time_of(*count, rate) < to {
                    passed += 1;
                    *count += gap(random) * *of as f64;
                }
                passed
            }
        }
    }

    fn closed(&self) -> bool {
        matches!(self.pace, Pace::Closed)
    }

    /// When the next request is due.
    fn due(&self, now: Duration) -> Duration {
        match &self.pace {
            Pace::Closed => now,
            Pace::Constant { rate, worker, k } => self.shape.time_of((worker.index + k * worker.of) as f64, *rate),
            Pace::Poisson { rate, count, .. } => self.shape.time_of(*count, *rate),
        }
    }

    fn take(&mut self, due: Duration) {
        match &mut self.pace {
            Pace::Closed => {}
            Pace::Constant { k, .. } => *k += 1,
            Pace::Poisson { of, count, random, .. } => *count += gap(random) * *of as f64,
        }
        if due >= self.shape.measured_from()
            && let Some(left) = &mut self.left
        {
            *left -= 1;
        }
    }
}

/// A Poisson count of so many expected is as good as normal.
const FEW: f64 = 1e4;

/// A number with the standard normal distribution (Box and Muller).
fn normal(random: &mut fastrand::Rng) -> f64 {
    (2.0 * gap(random)).sqrt() * (std::f64::consts::TAU * random.f64()).cos()
}

/// One gap of a Poisson process of rate 1, by inversion.
fn gap(random: &mut fastrand::Rng) -> f64 {
    // 1 - f64() lies in (0, 1]: its logarithm is finite.
    -(1.0 - random.f64()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Worker = Worker { index: 0, of: 1 };

    fn shape(rate: Option<f64>, until: Until) -> Shape {
        Shape { rate, arrivals: Arrivals::Constant, ramp: Duration::ZERO, omit: Duration::ZERO, until, seed: 1 }
    }

    fn seconds(s: f64) -> Duration {
        Duration::from_secs_f64(s)
    }

    /// Runs in virtual time, where every wait ends exactly when it should: all intended times.
    fn all(mut load: Schedule) -> Vec<Duration> {
        let (mut now, mut times) = (Duration::ZERO, Vec::new());
        loop {
            match load.next(now, 0) {
                Next::Now(due) => times.push(due),
                Next::At(at) => {
                    assert!(at > now, "time must pass");
                    now = at;
                }
                Next::Wait => panic!("nothing to wait for"),
                Next::Done => return times,
            }
        }
    }

    #[test]
    fn a_constant_rate_by_the_table() {
        // (rate, requests sent before, now) -> what it says
        for (rate, sent, now, next) in [
            (1.0, 0, 0.0, Next::Now(seconds(0.0))),
            (1.0, 1, 0.0, Next::At(seconds(1.0))),
            (1.0, 1, 0.1, Next::At(seconds(1.0))),
            (1.0, 1, 1.0, Next::Now(seconds(1.0))),
            (1.0, 1, 1.9, Next::Now(seconds(1.0))),
            (1.0, 2, 1.0, Next::At(seconds(2.0))),
            (1.0, 10, 11.0, Next::Done),
            (1.0, 9, 1e3, Next::Now(seconds(9.0))),
            (2.0, 1, 0.1, Next::At(seconds(0.5))),
            (1e6, 1000, 0.0, Next::At(seconds(0.001))),
            (0.5, 1, 1.0, Next::At(seconds(2.0))),
            (0.05, 1, 1.0, Next::Done),
        ] {
            let mut load = Schedule::new(shape(Some(rate), Until::Duration(seconds(10.0))), ONE, 0);
            for _ in 0..sent {
                assert!(matches!(load.next(seconds(1e6), 0), Next::Now(_)), "{rate} {sent}");
            }
            assert_eq!(load.next(seconds(now), 1_000_000), next, "{rate}/s, {sent} sent, at {now} s");
        }
    }

    #[test]
    fn late_callers_get_every_request_with_its_own_time() {
        let mut load = Schedule::new(shape(Some(1000.0), Until::Duration(seconds(1.0))), ONE, 0);
        for k in 0..100 {
            assert_eq!(load.next(seconds(0.0995), 0), Next::Now(Duration::from_millis(k)));
        }
        assert_eq!(load.next(seconds(0.0995), 0), Next::At(seconds(0.1)));
    }

    #[test]
    fn the_sum_of_all_workers_is_exact() {
        for of in [1, 2, 3, 7] {
            let shape = shape(Some(333.0), Until::Duration(seconds(10.0)));
            let mut times: Vec<_> = (0..of).flat_map(|index| all(Schedule::new(shape, Worker { index, of }, 0))).collect();
            times.sort();
            let one = all(Schedule::new(shape, ONE, 0));
            assert_eq!(times, one, "{of} workers");
            assert_eq!(one.len(), 3330);
        }
    }

    #[test]
    fn a_long_fast_run_keeps_its_rate() {
        let shape = shape(Some(1e6), Until::Duration(seconds(1e5)));
        // The last of 10^11 requests: a thousandth of a microsecond off would be 100 us by adding intervals up.
        assert_eq!(shape.time_of(1e11 - 1.0, 1e6), Duration::from_micros(99_999_999_999));
    }

    #[test]
    fn the_ramp_is_a_straight_line() {
        let shape = Shape { ramp: seconds(4.0), ..shape(Some(100.0), Until::Duration(seconds(2.0))) };
        let times = all(Schedule::new(shape, ONE, 0));
        assert_eq!(times.len(), 200 + 200);
        // Halfway through the ramp a quarter of its requests were due; each is where `due_by` says.
        assert_eq!(times.iter().filter(|due| **due < seconds(2.0)).count(), 50);
        assert_eq!(times.iter().filter(|due| **due < seconds(4.0)).count(), 200);
        for (k, due) in times.iter().enumerate() {
            assert!((shape.due_by(*due, 100.0) - k as f64).abs() < 1e-4, "{k}");
        }
        assert_eq!(times[300], seconds(5.0));
    }

    #[test]
    fn warm_up_is_sent_and_does_not_count() {
        let until = Until::Requests(10);
        let shape = Shape { omit: seconds(1.0), ..shape(Some(5.0), until) };
        let times = all(Schedule::new(shape, ONE, 0));
        assert_eq!(times.len(), 15);
        assert_eq!(times.iter().filter(|due| **due >= shape.measured_from()).count(), 10);
        assert_eq!(shape.stops_at(), None);
    }

    #[test]
    fn poisson_has_its_rate_its_spread_and_its_seed() {
        let shape = Shape {
            arrivals: Arrivals::Poisson,
            ramp: seconds(10.0),
            ..shape(Some(1000.0), Until::Duration(seconds(100.0)))
        };
        let times = |index| all(Schedule::new(shape, Worker { index, of: 2 }, 0));
        let (a, b) = (times(0), times(1));
        assert_eq!(a, times(0), "the same seed gives the same run");
        assert_ne!(a, b, "workers differ");
        let steady: Vec<f64> = a.iter().chain(&b).map(Duration::as_secs_f64).filter(|s| *s >= 10.0).collect();
        // 100,000 expected, standard deviation 316: six of them either way.
        assert!((steady.len() as f64 - 1e5).abs() < 1900.0, "{}", steady.len());
        let gaps: Vec<f64> = a.windows(2).map(|w| w[1].as_secs_f64() - w[0].as_secs_f64()).skip(10_000).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let deviation = (gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
        assert!((deviation / mean - 1.0).abs() < 0.05, "exponential gaps vary as much as their mean: {deviation} {mean}");
    }

    #[test]
    fn leaving_out_is_as_if_they_had_been_asked_for() {
        let until = Until::Duration(seconds(3.0));
        for (ramp, omit, of) in [(0.0, 0.0, 1), (0.0, 0.5, 3), (1.0, 0.25, 2)] {
            let constant = Shape { ramp: seconds(ramp), omit: seconds(omit), ..shape(Some(777.0), until) };
            for shape in [constant, Shape { arrivals: Arrivals::Poisson, ..constant }] {
                let new = || Schedule::new(shape, Worker { index: of - 1, of }, 0);
                let times = all(new());
                for to in [0.0, 0.3, 1.0, 1.234_567, 2.9] {
                    let to = seconds(to);
                    let mut load = new();
                    let counted = times.iter().filter(|due| **due < to && **due >= shape.measured_from()).count();
                    assert_eq!(load.skip(to), counted as u64, "{shape:?} {to:?}");
                    assert_eq!(load.skip(to), 0);
                    assert_eq!(all(load)[0], *times.iter().find(|due| **due >= to).expect("more"), "{shape:?} {to:?}");
                }
            }
        }
    }

    #[test]
    fn a_leap_over_many_ends_at_once() {
        let until = Until::Duration(seconds(1e4));
        for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
            let mut load = Schedule::new(Shape { arrivals, ..shape(Some(1e9), until) }, ONE, 0);
            let counted = load.skip(seconds(1e3)) as f64;
            // Six standard deviations either way.
            assert!((counted - 1e12).abs() < 6e6, "{arrivals:?} {counted}");
            assert!(matches!(load.peek(seconds(1e3) + Duration::from_micros(1), 0), Next::Now(_)));
        }
        let mut load = Schedule::new(shape(Some(1e9), Until::Requests(1000)), ONE, 0);
        assert_eq!((load.skip(seconds(1.0)), load.peek(seconds(1.0), 0)), (1000, Next::Done));
    }

    #[test]
    fn a_closed_loop_waits_for_answers() {
        let mut load = Schedule::new(shape(None, Until::Duration(seconds(1.0))), ONE, 2);
        assert_eq!(load.next(seconds(0.2), 0), Next::Now(seconds(0.2)));
        assert_eq!(load.next(seconds(0.2), 1), Next::Now(seconds(0.2)));
        assert_eq!(load.next(seconds(0.3), 2), Next::Wait);
        assert_eq!(load.next(seconds(0.4), 1), Next::Now(seconds(0.4)));
        assert_eq!(load.next(seconds(1.0), 0), Next::Done);
    }

    #[test]
    fn a_count_is_divided_among_workers() {
        for (all, of) in [(10, 3), (2, 4), (1_000_003, 7)] {
            let sent: u64 = (0..of)
                .map(|index| {
                    let mut load = Schedule::new(shape(None, Until::Requests(all)), Worker { index, of }, 1);
                    std::iter::from_fn(|| matches!(load.next(seconds(0.0), 0), Next::Now(_)).then_some(())).count() as u64
                })
                .sum();
            assert_eq!(sent, all);
        }
    }

    #[test]
    fn connections_open_over_the_ramp_in_closed_loop_only() {
        let closed = Shape { ramp: seconds(10.0), ..shape(None, Until::Requests(1)) };
        assert_eq!(closed.connect_at(0, 5), seconds(0.0));
        assert_eq!(closed.connect_at(3, 5), seconds(6.0));
        let open = Shape { rate: Some(1.0), ..closed };
        assert_eq!(open.connect_at(3, 5), seconds(0.0));
    }
}
