//! What becomes of requests that never left, each counted once.

use std::time::{Duration, Instant};

use super::{Request, Work};
use crate::bench::{failure::Failure, load::Next};

impl Work {
    /// A connection could not be made: the request that it was for has failed. `false`: there is nothing more to do.
    pub(in crate::bench::engine) fn fail_connect(
        &self,
        taken: Option<Request>,
        kind: Failure,
        example: Option<String>,
        now: Instant,
    ) -> bool {
        if self.is_paused() && taken.is_none() {
            return !self.closing.get();
        }
        let request = match (taken.or_else(|| self.take_returned()), self.open_loop()) {
            (Some(request), _) => Some(request),
            (None, true) => self.take_due(now),
            (None, false) => match self.next_of_closed_loop(0, now) {
                Next::Now(_) => Some(self.leaves(now, now)),
                _ => return false,
            },
        };
        if let Some(request) = request {
            self.ended_at(now);
            self.count(request.measured, |tally| {
                tally.failed_as(kind, example);
                // What is said again has left before.
                tally.counters.unsent += u64::from(!request.again);
            });
        }
        !self.closing.get()
    }

    /// Closed loop: what is left of a count is not sent any more.
    pub(in crate::bench::engine) fn fail_rest(&self) {
        for request in self.returned.borrow_mut().drain(..) {
            self.count(request.measured, |tally| tally.failed_times(Failure::GivenUp, 1));
        }
        let rest = self.schedule.borrow_mut().give_up();
        self.fail_unsent(Failure::GivenUp, rest);
    }

    pub(in crate::bench::engine) fn leave_out(&self, until: Duration, kind: Failure) {
        let counted = self.schedule.borrow_mut().skip(until);
        self.fail_unsent(kind, counted);
    }

    /// Open loop: nothing more is sent: what is still waiting was not, nor what is left of a count.
    pub(in crate::bench::engine) fn drop_rest(&self) {
        if self.stops_at().is_some() {
            self.leave_out(Duration::MAX, Failure::NotSent);
        } else {
            let rest = self.schedule.borrow_mut().give_up();
            self.fail_unsent(Failure::NotSent, rest);
        }
        self.close();
    }

    fn fail_unsent(&self, kind: Failure, times: u64) {
        self.count(times > 0, |tally| {
            tally.failed_times(kind, times);
            tally.counters.unsent += times;
        });
    }
}
