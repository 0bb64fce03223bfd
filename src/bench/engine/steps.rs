//! Times the steps on the way to an answer, as a session reports them.

use std::time::Instant;

use super::{awaited::Awaited, work::Work};

/// Of one conversation.
pub(super) struct Steps {
    /// When the last one was done, or the conversation began.
    last: Instant,
}

impl Steps {
    pub(super) fn from(now: Instant) -> Self {
        Self { last: now }
    }

    /// A step on the way to the answer of `seq` is done. It began with the one before, or when its request left, if that was
    /// later; those that come before any request, such as a greeting, began with the conversation.
    pub(super) fn done(&mut self, name: &'static str, seq: u64, awaited: &Awaited, work: &Work, now: Instant) {
        let request = awaited.get(seq);
        let from = request.map_or(self.last, |request| request.sent.max(self.last));
        let measured = awaited.measures() && request.is_none_or(|request| request.measured);
        let took = now.saturating_duration_since(from);
        self.last = now;
        work.count(measured, |tally| tally.phases.record(name, u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)));
    }
}
