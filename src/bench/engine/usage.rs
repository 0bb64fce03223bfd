//! What one worker's thread has used since measuring began.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use crate::os;

/// How a thread spent its time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used {
    pub(super) cpu: Duration,
    /// Of that, it merely looked whether there is something to do.
    pub(super) looked: Duration,
    /// It had something to do, and no core.
    pub(super) waited: Duration,
    pub(super) wall: Duration,
    /// It did nothing at all for so long: stopped, or suspended with the machine.
    pub(super) still: Duration,
}

impl Used {
    fn percent(self, part: Duration) -> f64 {
        if self.wall.is_zero() { 0.0 } else { 100.0 * part.as_secs_f64() / self.wall.as_secs_f64() }
    }

    /// Of the time that it had, how much it was at work, and how much it waited for a core.
    pub(super) fn percents(self) -> (f64, f64) {
        (self.percent(self.cpu.saturating_sub(self.looked)), self.percent(self.waited))
    }

    /// Of the time that it had, how much it ran.
    pub(super) fn cpu_percent(self) -> f64 {
        self.percent(self.cpu)
    }
}

/// The clocks of the calling thread, when measuring began; and what is seen in between.
#[derive(Debug, Default)]
pub(super) struct Usage {
    began: Cell<Option<(Duration, Duration, Instant)>>,
    still: Cell<Duration>,
    looked: Cell<Duration>,
}

impl Usage {
    pub(super) fn has_begun(&self) -> bool {
        self.began.get().is_some()
    }

    pub(super) fn begin(&self, now: Instant) {
        self.began.set(Some((os::thread_cpu_time(), os::thread_waited().unwrap_or_default(), now)));
    }

    /// A pause is no time that it had.
    pub(super) fn leave_out(&self, pause: Duration) {
        self.began.set(self.began.get().map(|(cpu, waited, at)| (cpu, waited, at + pause)));
    }

    /// Nothing was done here for `time`.
    pub(super) fn stood_still(&self, time: Duration) {
        if self.has_begun() {
            self.still.set(self.still.get() + time);
        }
    }

    /// `time` was spent looking whether there is something to do.
    pub(super) fn looked(&self, time: Duration) {
        if self.has_begun() {
            self.looked.set(self.looked.get() + time);
        }
    }

    pub(super) fn so_far(&self, now: Instant) -> Used {
        let Some((cpu, waited, at)) = self.began.get() else { return Used::default() };
        Used {
            cpu: os::thread_cpu_time().saturating_sub(cpu),
            looked: self.looked.get(),
            waited: os::thread_waited().unwrap_or_default().saturating_sub(waited),
            wall: now.saturating_duration_since(at),
            still: self.still.get(),
        }
    }
}
