//! When to send: schedules as pure values, without a clock in them.
//!
//! A [`Schedule`] is asked with the time since the start and answers: now, at that time, when an answer has come, or never
//! again. What it calls *due* is the intended time of a request, and latency counts from there: a generator that was held
//! up by a slow server does not hide the waiting (coordinated omission).
//!
//! A run is three stretches in a row: the ramp, the omitted warm-up, and the measured time, which alone counts.
//!
//! May use: core and std data types, `fastrand`, `values`.

pub mod course;
pub mod curve;
pub mod gaps;
pub mod tuning;

use std::{sync::Arc, time::Duration};

use self::curve::Curve;
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
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// When requests by all workers are due; `None`: closed loop.
    pub curve: Option<Arc<Curve>>,
    pub arrivals: Arrivals,
    pub ramp: Duration,
    pub omit: Duration,
    pub until: Until,
    pub seed: u64,
}

impl Shape {
    #[must_use]
    pub fn open_loop(&self) -> bool {
        self.curve.is_some()
    }

    /// When the measured time begins.
    #[must_use]
    #[inline]
    pub fn measured_from(&self) -> Duration {
        self.ramp + self.omit
    }

    /// When sending stops, if that is a matter of time.
    #[must_use]
    #[inline]
    pub fn stops_at(&self) -> Option<Duration> {
        match self.until {
            Until::Duration(duration) => Some(self.measured_from() + duration),
            Until::Requests(_) => None,
        }
    }

    /// Open loop: how many requests should have become due between two moments of the measured time, by all workers.
    #[must_use]
    pub fn asked(&self, from: Duration, to: Duration) -> Option<f64> {
        let (curve, begins) = (self.curve.as_ref()?, self.measured_from());
        let most = match self.until {
            Until::Duration(_) => f64::INFINITY,
            Until::Requests(requests) => curve.due_by(begins) + requests as f64,
        };
        let by = |at| curve.due_by(begins + at).min(most);
        Some(by(to) - by(from))
    }

    /// Open loop: how long before `to`, in the measured time, the last request was due: so long, silence is nobody's fault.
    #[must_use]
    pub fn quiet(&self, to: Duration) -> Option<Duration> {
        let (curve, to) = (self.curve.as_ref()?, self.measured_from() + to);
        let count = curve.due_by(to).ceil();
        let last = if count >= 1.0 { curve.time_of(count - 1.0) } else { Duration::ZERO };
        Some(to.saturating_sub(last))
    }

    /// When connection `index` of `of` opens: all at once, or in closed loop spread over the ramp.
    #[must_use]
    pub fn connect_at(&self, index: usize, of: usize) -> Duration {
        if self.open_loop() { Duration::ZERO } else { self.ramp.mul_f64(index as f64 / of.max(1) as f64) }
    }
}

/// The schedule of one worker.
#[derive(Debug, Clone)]
pub struct Schedule {
    shape: Shape,
    /// In closed loop: requests on their way at most.
    slots: usize,
    pace: Pace,
    /// Open loop: when the next request is due.
    due: Duration,
    /// Measured requests that are still to be sent.
    left: Option<u64>,
}

#[derive(Debug, Clone)]
enum Pace {
    Closed,
    /// `k` requests of this worker were sent. Worker `index` of `of` sends those numbered `index + k * of`, so the sum of
    /// all workers is the asked rate exactly.
    Constant {
        worker: Worker,
        k: u64,
    },
    /// Gaps with an exponential distribution, on the axis of the count, so that any curve can be followed. The sum of independent
    /// Poisson processes is one with the sum of their rates.
    Poisson {
        of: u64,
        count: f64,
        random: fastrand::Rng,
    },
}

impl Schedule {
    /// `slots`: in closed loop, how many requests may be on their way at once, of those that the caller counts.
    #[must_use]
    pub fn new(shape: Shape, worker: Worker, slots: usize) -> Self {
        let pace = match shape.arrivals {
            _ if !shape.open_loop() => Pace::Closed,
            Arrivals::Constant => Pace::Constant { worker, k: 0 },
            Arrivals::Poisson => {
                let mut random = fastrand::Rng::with_seed(shape.seed.wrapping_add(worker.index));
                let count = gap(&mut random) * worker.of as f64;
                Pace::Poisson { of: worker.of, count, random }
            }
        };
        let left = match shape.until {
            Until::Duration(_) => None,
            Until::Requests(all) => Some(all / worker.of + u64::from(worker.index < all % worker.of)),
        };
        let mut schedule = Self { shape, slots, pace, due: Duration::ZERO, left };
        schedule.look_up();
        schedule
    }

    /// Goes on along another curve, the same for all workers: made by [`Curve::then`], it says the same of what was due before.
    /// So the rate is replaced while a run goes on, and what waits keeps the times at which it was due.
    pub fn follow(&mut self, curve: Arc<Curve>) {
        self.shape.curve = Some(curve);
        self.look_up();
    }

    /// What to do at `now`, measured from the start, with `in_flight` requests on their way. [`Next::Now`] counts as sent.
    #[inline]
    pub fn next(&mut self, now: Duration, in_flight: usize) -> Next {
        let next = self.peek(now, in_flight);
        if let Next::Now(due) = next {
            self.take(due);
        }
        next
    }

    /// The same, when nothing is sent.
    #[must_use]
    #[inline]
    pub fn peek(&self, now: Duration, in_flight: usize) -> Next {
        if self.left == Some(0) {
            return Next::Done;
        }
        let stops_at = self.shape.stops_at().unwrap_or(Duration::MAX);
        let due = self.due(now);
        // `Duration::MAX`: the curve is over.
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
        if self.due >= to {
            return 0;
        }
        let Some(curve) = self.shape.curve.clone() else { return 0 };
        let passed = match &mut self.pace {
            Pace::Closed => 0,
            Pace::Constant { worker, k } => {
                let due = |k: u64| curve.time_of((worker.index + k * worker.of) as f64);
                let share = (curve.due_by(to) - worker.index as f64) / worker.of as f64;
                let mut next = (share.max(0.0) as u64).max(*k);
                // Times are rounded to nanoseconds, and a rate is at most one for each: the division may be one off.
                while next > *k && due(next - 1) >= to {
                    next -= 1;
                }
                while due(next) < to {
                    next += 1;
                }
                next - std::mem::replace(k, next)
            }
            Pace::Poisson { of, count, random } => {
                let all = curve.due_by(to);
                let mut passed = 0;
                let expected = (all - *count) / *of as f64;
                if expected > FEW {
                    // What is due later does not depend on what was due before: many are drawn at once.
                    passed = (expected + expected.sqrt() * normal(random)).max(0.0) as u64;
                    *count = all;
                }
                while curve.time_of(*count) < to {
                    passed += 1;
                    *count += gap(random) * *of as f64;
                }
                passed
            }
        };
        self.look_up();
        passed
    }

    fn closed(&self) -> bool {
        matches!(self.pace, Pace::Closed)
    }

    /// When the next request is due.
    fn due(&self, now: Duration) -> Duration {
        if self.closed() { now } else { self.due }
    }

    /// Finds out when the next request is due.
    #[inline]
    fn look_up(&mut self) {
        let count = match &self.pace {
            Pace::Closed => return,
            Pace::Constant { worker, k } => (worker.index + k * worker.of) as f64,
            Pace::Poisson { count, .. } => *count,
        };
        self.due = self.shape.curve.as_ref().map_or(Duration::MAX, |curve| curve.time_of(count));
    }

    #[inline]
    fn take(&mut self, due: Duration) {
        match &mut self.pace {
            Pace::Closed => {}
            Pace::Constant { k, .. } => *k += 1,
            Pace::Poisson { of, count, random } => *count += gap(random) * *of as f64,
        }
        self.look_up();
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
