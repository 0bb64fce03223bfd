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
                // Times are rounded to nanoseconds, and a rate is at most one for each: the division may be one off.
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
mod tests;
