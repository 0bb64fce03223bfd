//! A stop that many tasks wait for: first *finish*, then *now*. Waiting costs a task one atomic read a turn.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Waker},
};

/// How urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Running,
    /// Take nothing new, finish what is on its way.
    Finish,
    /// End at once.
    Now,
}

/// The switch. Clones are the same switch.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    phase: AtomicU8,
    waiting: Mutex<Waiting>,
}

/// The wakers of those who wait, in places that are used again.
#[derive(Debug, Default)]
struct Waiting {
    places: Vec<Option<Waker>>,
    free: Vec<usize>,
}

impl Stop {
    #[must_use]
    #[inline]
    pub fn phase(&self) -> Phase {
        match self.0.phase.load(Ordering::Acquire) {
            0 => Phase::Running,
            1 => Phase::Finish,
            _ => Phase::Now,
        }
    }

    /// Moves on to `phase`, never back, and wakes all who wait. Tells whether it was not there before.
    pub fn advance(&self, phase: Phase) -> bool {
        let moved = self.0.phase.fetch_max(phase as u8, Ordering::AcqRel) < phase as u8;
        let waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for waker in waiting.places.iter().flatten() {
            waker.wake_by_ref();
        }
        moved
    }

    /// A place to wait in.
    #[must_use]
    pub fn waiter(&self) -> Waiter {
        Waiter { stop: self.clone(), seen: Phase::Running, place: None }
    }

    /// Waits until the phase is at least `phase`.
    pub async fn reached(&self, phase: Phase) {
        let mut waiter = self.waiter();
        while std::future::poll_fn(|cx| waiter.poll(cx)).await < phase {}
    }
}

/// One who waits. Belongs to one task.
#[derive(Debug)]
pub struct Waiter {
    stop: Stop,
    seen: Phase,
    place: Option<(usize, Waker)>,
}

impl Waiter {
    /// The next phase, when it has come.
    #[inline]
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Phase> {
        let news = |seen: Phase, stop: &Stop| Some(stop.phase()).filter(|phase| *phase > seen);
        if news(self.seen, &self.stop).is_none() {
            if self.place.as_ref().is_some_and(|(_, waker)| waker.will_wake(cx.waker())) {
                return Poll::Pending;
            }
            self.wait(cx.waker());
        }
        // Looked at once more after taking the place: a stop in between must not be missed.
        match news(self.seen, &self.stop) {
            Some(phase) => {
                self.seen = phase;
                Poll::Ready(phase)
            }
            None => Poll::Pending,
        }
    }

    fn wait(&mut self, waker: &Waker) {
        let mut waiting = self.stop.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let at = match &self.place {
            Some((at, _)) => *at,
            None => waiting.free.pop().unwrap_or_else(|| {
                waiting.places.push(None);
                waiting.places.len() - 1
            }),
        };
        waiting.places[at] = Some(waker.clone());
        self.place = Some((at, waker.clone()));
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Some((at, _)) = self.place.take() {
            let mut waiting = self.stop.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.places[at] = None;
            waiting.free.push(at);
        }
    }
}
