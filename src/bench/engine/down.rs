//! Which connections of one worker have no server now, and since when.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use crate::bench::outage::Outages;

#[derive(Debug, Clone, Copy)]
struct Lost {
    since: Instant,
    /// In a row: one alone is a failure, and no outage.
    failures: u32,
    /// When the connection was made on which nothing has failed yet.
    made: Option<Instant>,
}

/// By place.
#[derive(Debug)]
pub(super) struct Down {
    /// An answer anywhere tells that there is a server for all: what a place says next is on a connection of its own, or on none.
    all_at_once: bool,
    places: RefCell<Vec<Option<Lost>>>,
    count: Cell<usize>,
    outages: RefCell<Outages>,
}

impl Down {
    pub(super) fn new(places: usize, all_at_once: bool) -> Self {
        Self { all_at_once, places: RefCell::new(vec![None; places]), count: Cell::new(0), outages: RefCell::default() }
    }

    /// A connection could not be made, or was lost with what it was asked, or had no answer.
    pub(super) fn lost(&self, place: usize, since: Instant) {
        let lost = &mut self.places.borrow_mut()[place];
        if let Some(lost) = lost {
            (lost.failures, lost.made) = (lost.failures + 1, None);
        } else {
            *lost = Some(Lost { since, failures: 1, made: None });
            self.count.set(self.count.get() + 1);
        }
    }

    /// A connection was made. Whether it is of use is not known yet.
    pub(super) fn made(&self, place: usize, now: Instant) {
        if let Some(lost) = &mut self.places.borrow_mut()[place] {
            lost.made = Some(now);
        }
    }

    /// An answer came.
    pub(super) fn back(&self, place: usize, now: Instant, number: impl Fn(usize) -> usize) {
        if self.count.get() == 0 {
            return;
        }
        let mut places = self.places.borrow_mut();
        let which = if self.all_at_once { 0..places.len() } else { place..place + 1 };
        for place in which {
            if let Some(lost) = places[place].take() {
                self.count.set(self.count.get() - 1);
                self.keep(lost, lost.made.unwrap_or(now), number(place), true);
            }
        }
    }

    fn keep(&self, lost: Lost, to: Instant, number: usize, over: bool) {
        if lost.failures > 1 {
            self.outages.borrow_mut().add(number, lost.since, to, over);
        }
    }

    /// A pause is no time of the run: what was before it moves on, as all that counts from the start.
    pub(super) fn leave_out(&self, pause: Duration) {
        for lost in self.places.borrow_mut().iter_mut().flatten() {
            lost.since += pause;
            lost.made = lost.made.map(|at| at + pause);
        }
        self.outages.borrow_mut().leave_out(pause);
    }

    /// The run is over.
    pub(super) fn end(&self, now: Instant, number: impl Fn(usize) -> usize) -> Outages {
        for (place, lost) in self.places.borrow_mut().iter_mut().enumerate() {
            if let Some(lost) = lost.take() {
                self.keep(lost, lost.made.unwrap_or(now), number(place), lost.made.is_some());
            }
        }
        self.outages.take()
    }
}
