//! How fast connections may be opened: no two closer together than the rate has it. Pure, as schedules are.
//!
//! May use: core and std data types.

use std::time::Duration;

use super::Worker;

/// So much may be made up for: timers are as coarse, and their error must not add up.
const ARREARS: Duration = Duration::from_millis(5);

/// Turns at a steady rate, of one worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gaps {
    each: Duration,
    next: Duration,
}

impl Gaps {
    /// `rate` is that of all workers together; each begins a little after the one before.
    #[must_use]
    pub fn new(rate: f64, worker: Worker) -> Self {
        let times = |n: u64| Duration::try_from_secs_f64(n as f64 / rate).unwrap_or(Duration::MAX);
        Self { each: times(worker.of), next: times(worker.index) }
    }

    /// Takes the next turn. Gives its time; it may lie before `now`, but not by more than a timer's error.
    pub fn turn(&mut self, now: Duration) -> Duration {
        let turn = self.next.max(now.saturating_sub(ARREARS));
        self.next = turn.saturating_add(self.each);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_take_turns_at_the_rate_of_all() {
        let turns = |index| {
            let mut gaps = Gaps::new(1000.0, Worker { index, of: 4 });
            (0..250).map(|_| gaps.turn(Duration::ZERO)).collect::<Vec<_>>()
        };
        let mut all: Vec<_> = (0..4).flat_map(turns).collect();
        all.sort();
        assert_eq!(all, (0..1000).map(Duration::from_millis).collect::<Vec<_>>());
    }

    #[test]
    fn a_pause_is_not_made_up_for() {
        let mut gaps = Gaps::new(100.0, Worker { index: 0, of: 1 });
        let ms = Duration::from_millis;
        assert_eq!([gaps.turn(ms(0)), gaps.turn(ms(11)), gaps.turn(ms(12))], [ms(0), ms(10), ms(20)]);
        // Nobody asked for a second: then the first comes at once, and the rest at the rate again.
        assert_eq!([gaps.turn(ms(1020)), gaps.turn(ms(1020)), gaps.turn(ms(1020))], [ms(1015), ms(1025), ms(1035)]);
    }
}
