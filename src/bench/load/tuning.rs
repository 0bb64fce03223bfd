//! What a person changes while a run goes on: the rate of an open loop, and whether the load is paused.
//!
//! A pause stops the clock of the run: nothing becomes due in it, and the run ends that much later. A new rate is a new schedule
//! from that moment on ([`Curve::then`]).
//!
//! May use: load's shape and curve. No clock: it is told the time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Shape, course, curve::Curve};

/// From a change of the rate to when it counts: long enough for every worker to hear of it.
const NOTICE: Duration = Duration::from_millis(5);
/// `+` makes the rate so many times as high; `-` takes that back.
pub const STEP: f64 = 1.1;
/// Requests per second that can be asked for.
const MOST: f64 = 1e9;
const LEAST: f64 = 1e-3;

/// What workers follow.
#[derive(Debug, Clone, Default)]
pub struct Tuned {
    /// `None`: closed loop.
    pub curve: Option<Arc<Curve>>,
    /// Since when the load is paused.
    pub paused_at: Option<Instant>,
    /// How long it was in pauses that are over.
    pub paused_for: Duration,
}

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum What {
    /// Requests per second from then on; of a shape, at that moment.
    Rate(f64),
    /// For so long.
    Paused(Duration),
    /// The run was ended.
    Ended,
}

/// A change, and when: since the measured time began, pauses left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    pub at: Duration,
    pub what: What,
}

/// Why nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    NotBegun,
    ClosedLoop,
    OutOfRange,
    OnlyKept,
}

impl Refused {
    /// For the screen.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NotBegun => "the run has not begun",
            Self::ClosedLoop => "a closed loop has no rate: it asks as fast as replies come (-r sets one)",
            Self::OutOfRange => "no rate is that high or that low",
            Self::OnlyKept => "--hold only keeps connections: there is no load to change",
        }
    }
}

/// A run that can be changed.
#[derive(Debug)]
pub struct Tuning {
    shape: Shape,
    /// Connections are only kept.
    hold: bool,
    start: Option<Instant>,
    tuned: Tuned,
    changes: Vec<Change>,
}

impl Tuning {
    #[must_use]
    pub fn new(shape: Shape, hold: bool) -> Self {
        let tuned = Tuned { curve: shape.curve.clone(), ..Tuned::default() };
        Self { shape, hold, start: None, tuned, changes: Vec::new() }
    }

    pub fn begin(&mut self, start: Instant) {
        self.start = Some(start);
    }

    #[must_use]
    pub fn tuned(&self) -> &Tuned {
        &self.tuned
    }

    /// The shape as it has become.
    #[must_use]
    pub fn shape(&self) -> Shape {
        Shape { curve: self.tuned.curve.clone(), ..self.shape.clone() }
    }

    /// How long the run has lasted, its pauses left out. `None`: it has not begun.
    #[must_use]
    pub fn lasted(&self, now: Instant) -> Option<Duration> {
        let now = self.tuned.paused_at.map_or(now, |at| at.min(now));
        let lasted = now.checked_duration_since(self.start?)?;
        Some(lasted.saturating_sub(self.tuned.paused_for))
    }

    /// The same of its measured time.
    #[must_use]
    pub fn measured(&self, now: Instant) -> Duration {
        self.lasted(now).unwrap_or_default().saturating_sub(self.shape.measured_from())
    }

    /// The rate that is asked for; `None`: closed loop.
    #[must_use]
    pub fn rate(&self, now: Instant) -> Option<f64> {
        Some(self.tuned.curve.as_ref()?.rate_at(self.lasted(now).unwrap_or_default()))
    }

    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.tuned.paused_at.is_some()
    }

    fn may_change(&self, now: Instant) -> Result<(), Refused> {
        match self.lasted(now) {
            _ if self.hold => Err(Refused::OnlyKept),
            None => Err(Refused::NotBegun),
            Some(_) => Ok(()),
        }
    }

    /// Stops the clock of the run, or lets it go on.
    ///
    /// # Errors
    /// Why there is nothing to pause.
    pub fn pause(&mut self, pause: bool, now: Instant) -> Result<(), Refused> {
        self.may_change(now)?;
        match self.tuned.paused_at {
            None if pause => self.tuned.paused_at = Some(now),
            Some(at) if !pause => {
                let lasted = now.saturating_duration_since(at);
                self.changes.push(Change { at: self.measured(now), what: What::Paused(lasted) });
                self.tuned.paused_for += lasted;
                self.tuned.paused_at = None;
            }
            _ => {}
        }
        Ok(())
    }

    /// The run ends, because somebody wants it to.
    pub fn quit(&mut self, now: Instant) {
        self.changes.push(Change { at: self.measured(now), what: What::Ended });
    }

    /// From now on so many times the rate; a shape stays a shape.
    ///
    /// # Errors
    /// Why it can't be.
    pub fn times(&mut self, by: f64, now: Instant) -> Result<f64, Refused> {
        self.follow(now, |curve, at| curve.rest(at, by))
    }

    /// From now on this rate.
    ///
    /// # Errors
    /// Why it can't be.
    pub fn set(&mut self, rate: f64, now: Instant) -> Result<f64, Refused> {
        self.follow(now, |_, _| course::steady(rate, Duration::ZERO))
    }

    fn follow(&mut self, now: Instant, other: impl FnOnce(&Curve, Duration) -> Curve) -> Result<f64, Refused> {
        self.may_change(now)?;
        let curve = self.tuned.curve.clone().ok_or(Refused::ClosedLoop)?;
        let at = self.lasted(now).unwrap_or_default() + NOTICE;
        let curve = curve.then(at, &other(&curve, at));
        let rate = curve.rate_at(at);
        // A shape may stand at nothing just now.
        if rate > MOST || (rate > 0.0 && rate < LEAST) {
            return Err(Refused::OutOfRange);
        }
        self.tuned.curve = Some(Arc::new(curve));
        self.changes.push(Change { at: at.saturating_sub(self.shape.measured_from()), what: What::Rate(rate) });
        Ok(rate)
    }

    /// All that was changed, in turn. A pause in which the run ended is over then.
    #[must_use]
    pub fn changes(&self, now: Instant) -> Vec<Change> {
        let unended = self
            .tuned
            .paused_at
            .map(|at| Change { at: self.measured(now), what: What::Paused(now.saturating_duration_since(at)) });
        // What was changed in a pause counts from its end on.
        let mut changes: Vec<_> = self.changes.iter().copied().chain(unended).enumerate().collect();
        changes.sort_unstable_by_key(|(at, change)| (change.what == What::Ended, change.at, *at));
        changes.into_iter().map(|(_, change)| change).collect()
    }

    /// Was the rate changed?
    #[must_use]
    pub fn changed_rate(&self) -> bool {
        self.changes.iter().any(|change| matches!(change.what, What::Rate(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{
        Arrivals, Until,
        load::{Next, Schedule, Worker},
    };

    fn shape(curve: Option<Curve>) -> Shape {
        let (zero, until) = (Duration::ZERO, Until::Duration(Duration::from_secs(10)));
        Shape { curve: curve.map(Arc::new), arrivals: Arrivals::Constant, ramp: zero, omit: zero, until, seed: 0 }
    }

    fn begun(curve: Option<Curve>) -> (Tuning, impl Fn(u64) -> Instant) {
        let start = Instant::now();
        let mut tuning = Tuning::new(shape(curve), false);
        tuning.begin(start);
        (tuning, move |ms| start + Duration::from_millis(ms))
    }

    #[test]
    fn a_pause_stops_the_clock() {
        let (mut tuning, at) = begun(Some(course::steady(1000.0, Duration::ZERO)));
        assert_eq!(tuning.pause(true, at(2000)), Ok(()));
        assert_eq!(tuning.lasted(at(7000)), Some(Duration::from_secs(2)));
        assert_eq!(
            tuning.changes(at(3000)),
            [Change { at: Duration::from_secs(2), what: What::Paused(Duration::from_secs(1)) }]
        );
        assert_eq!(tuning.pause(false, at(7000)), Ok(()));
        assert_eq!(tuning.lasted(at(8000)), Some(Duration::from_secs(3)));
        assert_eq!(tuning.changes(at(9000)).len(), 1);
        assert!(!tuning.changed_rate());
    }

    #[test]
    fn changes_are_told_in_the_order_in_which_they_count() {
        let (mut tuning, at) = begun(Some(course::steady(1000.0, Duration::ZERO)));
        let whats = |tuning: &Tuning| tuning.changes(at(9000)).iter().map(|change| change.what).collect::<Vec<_>>();
        assert_eq!((tuning.pause(true, at(2000)), tuning.set(50.0, at(3000))), (Ok(()), Ok(50.0)));
        tuning.quit(at(9000));
        assert_eq!(whats(&tuning), [What::Paused(Duration::from_secs(7)), What::Rate(50.0), What::Ended]);
        assert_eq!((tuning.pause(false, at(4000)), tuning.set(60.0, at(5000))), (Ok(()), Ok(60.0)));
        let pause = What::Paused(Duration::from_secs(2));
        assert_eq!(whats(&tuning), [pause, What::Rate(50.0), What::Rate(60.0), What::Ended]);
    }

    #[test]
    fn a_rate_begins_at_once_and_what_was_due_stays_due() {
        let (mut tuning, at) = begun(Some(course::steady(1000.0, Duration::ZERO)));
        assert_eq!(tuning.set(5000.0, at(995)), Ok(5000.0));
        assert!((tuning.times(STEP, at(1995)).expect("a rate") - 5500.0).abs() < 1e-6);
        let asked = |from, to| tuning.shape().asked(Duration::from_secs(from), Duration::from_secs(to)).expect("open loop");
        for (from, to, wanted) in [(0, 1, 1000.0), (1, 2, 5000.0), (2, 3, 5500.0), (0, 3, 11_500.0)] {
            assert!((asked(from, to) - wanted).abs() < 1e-6, "{from} to {to}: {}", asked(from, to));
        }
        let whats: Vec<_> = tuning.changes(at(3000)).iter().map(|change| change.at).collect();
        assert_eq!(whats, [Duration::from_secs(1), Duration::from_secs(2)]);
        assert!(tuning.changed_rate());
    }

    #[test]
    fn two_workers_that_hear_of_it_late_still_send_all_of_it() {
        let (mut tuning, at) = begun(Some(course::steady(1000.0, Duration::ZERO)));
        assert_eq!(tuning.set(3000.0, at(995)), Ok(3000.0));
        let mut sent = 0;
        for index in 0..2 {
            let mut schedule =
                Schedule::new(shape(Some(course::steady(1000.0, Duration::ZERO))), Worker { index, of: 2 }, 1);
            let mut take = |schedule: &mut Schedule, until: u64| {
                while let Next::Now(_) = schedule.next(Duration::from_millis(until), 0) {
                    sent += 1;
                }
            };
            take(&mut schedule, 1002 + index);
            schedule.follow(tuning.tuned().curve.clone().expect("open loop"));
            take(&mut schedule, 1999);
        }
        assert!((3997..=4000).contains(&sent), "{sent}");
    }

    #[test]
    fn what_can_not_be_changed_says_why() {
        let (mut closed, at) = begun(None);
        assert_eq!(closed.times(STEP, at(1)), Err(Refused::ClosedLoop));
        assert_eq!(closed.pause(true, at(1)), Ok(()));
        let mut hold = Tuning::new(shape(None), true);
        hold.begin(at(0));
        assert_eq!(hold.pause(true, at(1)), Err(Refused::OnlyKept));
        let mut early = Tuning::new(shape(Some(course::steady(1.0, Duration::ZERO))), false);
        assert_eq!((early.set(2.0, at(1)), early.lasted(at(1))), (Err(Refused::NotBegun), None));
        early.begin(at(0));
        assert_eq!(early.set(1e10, at(1)), Err(Refused::OutOfRange));
        assert!(!early.changed_rate());
    }
}
