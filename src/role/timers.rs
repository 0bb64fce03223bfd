//! The times that conversations wait for: limits, and the wakes that sessions asked for. One timer serves them all, and it is
//! made when the first is needed.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use tokio::time::Sleep;

/// Wakes, each with what it is for, and the timer.
#[derive(Debug)]
pub(super) struct Timers<K> {
    wakes: BinaryHeap<Reverse<Wake<K>>>,
    asked: u64,
    sleep: Option<Pin<Box<Sleep>>>,
}

/// One wake. They come by time, then in the order asked for.
#[derive(Debug)]
struct Wake<K> {
    at: Instant,
    asked: u64,
    key: K,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self { wakes: BinaryHeap::new(), asked: 0, sleep: None }
    }
}

impl<K> Timers<K> {
    pub(super) fn wake(&mut self, at: Instant, key: K) {
        self.asked += 1;
        self.wakes.push(Reverse(Wake { at, asked: self.asked, key }));
    }

    /// The first wake that is due.
    pub(super) fn due(&mut self, now: Instant) -> Option<K> {
        if self.wakes.peek()?.0.at > now {
            return None;
        }
        self.wakes.pop().map(|Reverse(wake)| wake.key)
    }

    /// Ready when `limit` or the first wake has come. The timer is moved only when it would ring too late; when it rings too
    /// early, which is what a limit that moves on with each message makes it do, it is set anew.
    pub(super) fn poll(&mut self, limit: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        let wake = self.wakes.peek().map(|Reverse(wake)| wake.at);
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

impl<K> Ord for Wake<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.asked).cmp(&(other.at, other.asked))
    }
}

impl<K> PartialOrd for Wake<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> PartialEq for Wake<K> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<K> Eq for Wake<K> {}
