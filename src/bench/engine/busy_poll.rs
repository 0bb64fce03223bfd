//! Busy polling: to look for what has come again and again, instead of sleeping until it comes.
//!
//! Whoever sleeps has to be woken, and on one machine that is work for the other end, several microseconds on the core of a server
//! that may be the limit already. So a worker that has nothing to do looks for a moment longer before it sleeps: only where that
//! has been of use, and for a share of its core at most. `--spin` never sleeps.

use std::{
    num::NonZero,
    thread::available_parallelism,
    time::{Duration, Instant},
};

/// How long it looks, which is about what being woken costs both ends.
pub(super) const MOMENT: Duration = Duration::from_micros(8);
/// Of a core, the most that looking takes on the whole.
const SHARE: f64 = 0.25;
/// The most that is saved up of that, in seconds.
const SAVED: f64 = 0.001;
/// After looking in vain, again and again, the most times that it sleeps at once.
const MOST_SKIPPED: u32 = 64;

/// Never lets the runtime sleep: between turns it looks for what came, and asks again at once. Waking up is then no part of a
/// latency, and a whole core is used.
pub(super) async fn spin() {
    loop {
        tokio::task::yield_now().await;
    }
}

/// Is there a core for the other end while this one looks?
pub(super) fn leaves_a_core(threads: usize) -> bool {
    threads < available_parallelism().map_or(1, NonZero::get)
}

/// Whether looking is worth its while.
pub(super) struct Worth {
    /// What may still be spent, in seconds; below zero, what was spent too much.
    credit: f64,
    since: Instant,
    /// So many sleeps come first.
    skip: u32,
    /// So many are to be after the next time in vain.
    skips: u32,
}

impl Worth {
    pub(super) fn from(since: Instant) -> Self {
        Self { credit: 0.0, since, skip: 0, skips: 1 }
    }

    /// Asked before each sleep.
    pub(super) fn it_is(&mut self, now: Instant) -> bool {
        let earned = SHARE * now.saturating_duration_since(self.since).as_secs_f64();
        (self.credit, self.since) = ((self.credit + earned).min(SAVED), now);
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.credit > 0.0
    }

    pub(super) fn tried(&mut self, took: Duration, found: bool) {
        self.credit -= took.as_secs_f64();
        if found {
            self.skips = 1;
        } else {
            self.skip = self.skips;
            self.skips = (2 * self.skips).min(MOST_SKIPPED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Duration = Duration::from_micros(20);

    /// Of so many sleeps, `GAP` after each other, before how many it looks, when each time takes this.
    fn looks(sleeps: u32, took: Duration, found: bool) -> u32 {
        let mut now = Instant::now();
        let mut worth = Worth::from(now);
        let mut looks = 0;
        for _ in 0..sleeps {
            now += GAP;
            if worth.it_is(now) {
                worth.tried(took, found);
                looks += 1;
            }
        }
        looks
    }

    #[test]
    fn what_is_of_use_is_done_as_far_as_its_share_goes() {
        assert_eq!(looks(1000, GAP.mul_f64(0.9 * SHARE), true), 1000);
        let of_all = f64::from(looks(1000, GAP, true)) / 1000.0;
        assert!((of_all - SHARE).abs() < 0.01, "{of_all}");
    }

    #[test]
    fn what_is_in_vain_is_hardly_ever_tried() {
        let tried = looks(10_000, MOMENT, false);
        assert!((100..=170).contains(&tried), "{tried} of 10,000");
    }

    #[test]
    fn what_is_saved_up_has_a_bound() {
        let mut worth = Worth::from(Instant::now());
        assert!(worth.it_is(worth.since + Duration::from_secs(3600)));
        assert!((worth.credit - SAVED).abs() < 1e-9);
        worth.tried(Duration::from_secs_f64(2.0 * SAVED), true);
        assert!(!worth.it_is(worth.since));
    }
}
