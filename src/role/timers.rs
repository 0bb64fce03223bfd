//! The times one conversation waits for: its limits, and the wakes that its session asked for. One timer serves them all,
//! and it is made when the first is needed.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use tokio::time::Sleep;

use crate::session::EffectId;

/// Wakes, and the timer.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// By time, then in the order asked for.
    wakes: BinaryHeap<Reverse<(Instant, u64, EffectId)>>,
    asked: u64,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timers {
    pub(super) fn wake(&mut self, at: Instant, id: EffectId) {
        self.asked += 1;
        self.wakes.push(Reverse((at, self.asked, id)));
    }

    /// The first wake that is due.
    pub(super) fn due(&mut self, now: Instant) -> Option<EffectId> {
        let Reverse((at, _, _)) = self.wakes.peek()?;
        if *at > now {
            return None;
        }
        self.wakes.pop().map(|Reverse((_, _, id))| id)
    }

    /// Ready when `limit` or the first wake has come. The timer is moved only when it would ring too late; when it rings too
    /// early, which is what a limit that moves on with each message makes it do, it is set anew.
    pub(super) fn poll(&mut self, limit: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        let wake = self.wakes.peek().map(|Reverse((at, _, _))| *at);
        let Some(next) = limit.into_iter().chain(wake).min() else { return Poll::Pending };
        let next = tokio::time::Instant::from_std(next);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(next)));
        if sleep.deadline() > next {
            sleep.as_mut().reset(next);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if sleep.deadline() >= next {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(next);
        }
        Poll::Pending
    }
}
