//! What one socket shows of itself while it runs, to be read from another thread.
//!
//! May use: `bench::one_way`.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::{bench::one_way::Counts, protocol::perf::View};

#[derive(Debug, Default)]
pub(super) struct Gauge {
    sent: AtomicU64,
    unreachable: AtomicU64,
    /// What the server told last.
    view: Mutex<Option<View>>,
}

impl Gauge {
    pub(super) fn sent(&self, all: u64, unreachable: u64) {
        self.sent.store(all, Relaxed);
        self.unreachable.store(unreachable, Relaxed);
    }

    pub(super) fn view(&self, view: Option<View>) {
        *self.view.lock().unwrap_or_else(PoisonError::into_inner) = view;
    }

    pub(super) fn counts(&self) -> Counts {
        let view = *self.view.lock().unwrap_or_else(PoisonError::into_inner);
        Counts { sent: self.sent.load(Relaxed), view, unreachable: self.unreachable.load(Relaxed) }
    }
}
