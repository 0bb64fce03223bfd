//! What one worker makes of changes while it runs: pauses, which stop the clock of the run, and new rates.

use std::{
    cell::{Cell, RefCell},
    future::{pending, poll_fn},
    task::{Poll, Waker},
    time::{Duration, Instant},
};

use super::Work;
use crate::bench::load::tuning::Tuned;

/// Whether the load is paused, and how long it was.
#[derive(Debug, Default)]
pub(super) struct Pause {
    at: Cell<Option<Instant>>,
    lasted: Cell<Duration>,
    /// Who waits for its end.
    waiting: RefCell<Vec<Waker>>,
}

impl Work {
    #[inline]
    pub(in crate::bench::engine) fn is_paused(&self) -> bool {
        self.pause.at.get().is_some()
    }

    /// From the start to `now`, pauses left out.
    #[inline]
    pub(in crate::bench::engine) fn since(&self, now: Instant) -> Duration {
        let now = self.pause.at.get().map_or(now, |at| at.min(now));
        now.saturating_duration_since(self.start.get())
    }

    /// Does as was told. All that counts from the start moves on by the pauses that are over.
    pub(in crate::bench::engine) fn follow(&self, tuned: &Tuned) {
        if let Some(curve) = &tuned.curve {
            self.schedule.borrow_mut().follow(curve.clone());
        }
        let moved = tuned.paused_for.saturating_sub(self.pause.lasted.replace(tuned.paused_for));
        for moment in [&self.start, &self.measured_from, &self.last_answer, &self.last_end] {
            moment.set(moment.get() + moved);
        }
        self.stops_at.set(self.stops_at.get().map(|at| at + moved));
        self.usage.leave_out(moved);
        self.down.leave_out(moved);
        self.pause.at.set(tuned.paused_at);
        if !self.is_paused() {
            self.wake_all();
            self.pause.waiting.take().into_iter().for_each(Waker::wake);
        }
    }

    /// Until the load is not paused.
    pub(in crate::bench::engine) async fn goes_on(&self) {
        poll_fn(|cx| {
            if self.is_paused() {
                self.pause.waiting.borrow_mut().push(cx.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Until a moment that each pause puts off.
    pub(in crate::bench::engine) async fn reaches(&self, moment: impl Fn() -> Instant) {
        loop {
            let at = moment();
            tokio::time::sleep_until(at.into()).await;
            self.goes_on().await;
            if moment() == at {
                return;
            }
        }
    }

    /// Until sending stops, if that is a matter of time.
    pub(in crate::bench::engine) async fn stops(&self) {
        match self.stops_at() {
            Some(at) => self.reaches(|| self.stops_at().unwrap_or(at)).await,
            None => pending().await,
        }
    }
}
