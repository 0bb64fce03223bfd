//! When datagrams are due at a rate: one after the other, as far apart as the rate says. Pure.
//!
//! May use: std alone.

use std::time::Duration;

/// The longest time whose datagrams leave together.
const TOGETHER: f64 = 0.001;

/// Of one worker.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    rate: f64,
    /// Workers take turns: this one begins so many datagrams later.
    phase: f64,
    taken: u64,
}

impl Pace {
    /// Worker `index` of `of`, which sends `rate` datagrams a second.
    pub(super) fn new(rate: f64, index: usize, of: usize) -> Self {
        Self { rate, phase: index as f64 / of.max(1) as f64, taken: 0 }
    }

    /// How many are due `since` the beginning and were not taken.
    pub(super) fn due(&self, since: Duration) -> u64 {
        let due = since.as_secs_f64() * self.rate - self.phase;
        if due < 0.0 { 0 } else { (due as u64 + 1).saturating_sub(self.taken) }
    }

    /// When the next is due.
    pub(super) fn next(&self) -> Duration {
        Duration::try_from_secs_f64((self.taken as f64 + self.phase) / self.rate).unwrap_or(Duration::MAX)
    }

    pub(super) fn took(&mut self, many: u64) {
        self.taken += many;
    }

    /// How many of those that are due leave in one call, where `sockets` take turns.
    pub(super) fn together(&self, due: u64, sockets: usize) -> u64 {
        let sockets = sockets.max(1) as f64;
        let most = (self.rate * TOGETHER / sockets).max(1.0);
        ((due as f64 / sockets).ceil().min(most) as u64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_datagram_is_due_at_its_time_and_not_before() {
        let mut pace = Pace::new(1000.0, 0, 1);
        assert_eq!((pace.due(Duration::ZERO), pace.next()), (1, Duration::ZERO));
        pace.took(1);
        assert_eq!((pace.due(MS * 99 / 100), pace.due(MS * 101 / 100), pace.next()), (0, 1, MS));
        pace.took(1);
        assert_eq!(pace.due(MS * 1000), 999);
        let second = Pace::new(1000.0, 1, 2);
        assert_eq!((second.due(MS * 4 / 10), second.due(MS * 6 / 10), second.next()), (0, 1, MS / 2));
    }

    #[test]
    fn only_what_is_due_within_a_millisecond_leaves_together() {
        assert_eq!(Pace::new(1000.0, 0, 1).together(64, 1), 1);
        assert_eq!(Pace::new(50_000.0, 0, 1).together(3, 1), 3);
        assert_eq!(Pace::new(50_000.0, 0, 1).together(64, 1), 50);
        assert_eq!(Pace::new(1e6, 0, 1).together(800, 4), 200);
        assert_eq!(Pace::new(1e6, 0, 1).together(3, 4), 1);
    }
}
