//! Who waits for something to say.

use std::{collections::VecDeque, task::Waker};

/// Those who wait for something to say, in the order in which they came, so that the load is even.
#[derive(Debug, Default)]
pub(super) struct Idle {
    wakers: VecDeque<(usize, Waker)>,
    /// By place: is it in the queue?
    waits: Vec<bool>,
}

impl Idle {
    /// Nobody waits; there are so many places.
    pub(super) fn new(places: usize) -> Self {
        Self { wakers: VecDeque::new(), waits: vec![false; places] }
    }

    /// Does anybody wait?
    pub(super) fn any(&self) -> bool {
        !self.wakers.is_empty()
    }

    pub(super) fn enter(&mut self, place: usize, waker: &Waker) {
        if !std::mem::replace(&mut self.waits[place], true) {
            self.wakers.push_back((place, waker.clone()));
        }
    }

    pub(super) fn wake(&mut self, most: usize) {
        for _ in 0..most.min(self.wakers.len()) {
            if let Some((place, waker)) = self.wakers.pop_front() {
                self.waits[place] = false;
                waker.wake();
            }
        }
    }

    pub(super) fn leave(&mut self, place: usize) {
        if std::mem::take(&mut self.waits[place]) {
            self.wakers.retain(|(waiting, _)| *waiting != place);
        }
    }
}
