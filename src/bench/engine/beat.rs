//! When a run that only measures is looked at: to keep its course, to show progress, and at the end of each interval.

use std::time::{Duration, Instant};

/// How often progress is shown, and the course kept.
pub(super) const TICK: Duration = Duration::from_millis(250);
/// Intervals that are wanted when no length was given.
const INTERVAL: Duration = Duration::from_secs(1);
/// Looks are no closer than this, however late one is.
const CLOSEST: Duration = Duration::from_micros(100);

pub(super) struct Beat {
    /// When the measured time begins.
    pub(super) from: Instant,
    /// How long it is to be; `None`: as long as it takes.
    time: Option<Duration>,
    interval: Duration,
    /// Intervals that are over.
    over: u32,
    next: Instant,
}

impl Beat {
    pub(super) fn new(from: Instant, time: Option<Duration>, interval: Option<Duration>) -> Self {
        let interval = interval.unwrap_or(INTERVAL).max(Duration::from_millis(1));
        Self { from, time, interval, over: 0, next: from }
    }

    /// Until the next look.
    pub(super) async fn wait(&self) -> Instant {
        tokio::time::sleep_until(self.next.into()).await;
        Instant::now()
    }

    /// Was nothing looked at yet?
    pub(super) fn is_first(&self) -> bool {
        self.next == self.from
    }

    /// How much of the measured time has passed.
    pub(super) fn so_far(&self, now: Instant) -> Duration {
        self.within(now.saturating_duration_since(self.from))
    }

    pub(super) fn within(&self, passed: Duration) -> Duration {
        self.time.map_or(passed, |time| time.min(passed))
    }

    /// When the interval ends that goes on. `None`: the time is over, and there is only waiting for what the server has counted.
    pub(super) fn interval_ends(&self) -> Option<Duration> {
        let begins = self.interval * self.over;
        self.time.is_none_or(|time| begins < time).then(|| self.within(self.interval * (self.over + 1)))
    }

    /// It has ended.
    pub(super) fn interval_is_over(&mut self) {
        self.over += 1;
    }

    /// Looked at `now`: the next look is at the end of the interval, or a tick later.
    pub(super) fn look_again(&mut self, now: Instant) {
        let due = self.interval_ends().map_or(now + TICK, |at| self.from + at);
        self.next = due.min(now + TICK).max(now + CLOSEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_end_with_the_time_and_looks_go_on() {
        let (from, ms) = (Instant::now(), Duration::from_millis);
        let mut beat = Beat::new(from, Some(ms(700)), Some(ms(300)));
        let mut ends = Vec::new();
        while let Some(end) = beat.interval_ends() {
            ends.push(end);
            beat.interval_is_over();
        }
        assert_eq!(ends, [ms(300), ms(600), ms(700)]);
        assert_eq!(beat.so_far(from + ms(900)), ms(700));
        assert!(beat.is_first());
        beat.look_again(from + ms(900));
        assert_eq!(beat.next, from + ms(900) + TICK);
        let mut open = Beat::new(from, None, Some(ms(100)));
        open.look_again(from + ms(10));
        assert_eq!((open.next, open.so_far(from + ms(900))), (from + ms(100), ms(900)));
    }
}
