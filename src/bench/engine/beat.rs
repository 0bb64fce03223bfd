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
    from: Instant,
    /// How long it is to be; `None`: as long as it takes.
    time: Option<Duration>,
    intervals: Every,
    ticks: Every,
    next: Instant,
}

/// Stretches of one length, one after the other.
struct Every {
    length: Duration,
    over: u32,
}

impl Every {
    fn new(length: Duration) -> Self {
        Self { length, over: 0 }
    }

    /// When the one ends that goes on; the last with the time. `None`: the time is over.
    fn ends(&self, time: Option<Duration>) -> Option<Duration> {
        let (begins, ends) = (self.length * self.over, self.length * (self.over + 1));
        match time {
            Some(time) => (begins < time).then(|| time.min(ends)),
            None => Some(ends),
        }
    }

    /// The one that has ended by then; those that nobody looked at in time are over with it.
    fn ended(&mut self, so_far: Duration, time: Option<Duration>) -> Option<Duration> {
        let mut last = None;
        while let Some(end) = self.ends(time).filter(|end| so_far >= *end) {
            last = Some(end);
            self.over += 1;
        }
        last
    }
}

impl Beat {
    pub(super) fn new(from: Instant, time: Option<Duration>, interval: Option<Duration>) -> Self {
        let interval = interval.unwrap_or(INTERVAL).max(Duration::from_millis(1));
        Self { from, time, intervals: Every::new(interval), ticks: Every::new(TICK), next: from }
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

    /// The interval that has ended by then, if one has: up to when it is to be told.
    pub(super) fn interval_ended(&mut self, so_far: Duration) -> Option<Duration> {
        self.intervals.ended(so_far, self.time)
    }

    /// Is it time to keep the course?
    pub(super) fn tick_ended(&mut self, so_far: Duration) -> bool {
        self.ticks.ended(so_far, self.time).is_some()
    }

    /// Looked at `now`: the next look is when something ends. When the time is over there is only waiting for what the server has
    /// counted.
    pub(super) fn look_again(&mut self, now: Instant) {
        let ends = [&self.intervals, &self.ticks].into_iter().filter_map(|every| every.ends(self.time)).min();
        let due = ends.map_or(now + TICK, |at| self.from + at);
        self.next = due.max(now + CLOSEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_end_with_the_time_and_looks_go_on() {
        let (from, ms) = (Instant::now(), Duration::from_millis);
        let mut beat = Beat::new(from, Some(ms(700)), Some(ms(300)));
        let ends: Vec<_> = [299, 300, 610, 699, 700, 900].map(|at| beat.interval_ended(beat.so_far(from + ms(at)))).into();
        assert_eq!(ends, [None, Some(ms(300)), Some(ms(600)), None, Some(ms(700)), None]);
        assert!(
            beat.tick_ended(ms(251)) && !beat.tick_ended(ms(499)) && beat.tick_ended(ms(700)) && !beat.tick_ended(ms(700))
        );
        assert_eq!(beat.so_far(from + ms(900)), ms(700));
        assert!(beat.is_first());
        beat.look_again(from + ms(900));
        assert_eq!(beat.next, from + ms(900) + TICK);
        let mut open = Beat::new(from, None, Some(ms(400)));
        open.look_again(from + ms(10));
        assert_eq!((open.next, open.so_far(from + ms(900))), (from + TICK, ms(900)));
        // One that was held up tells all that has passed at once.
        assert_eq!((open.interval_ended(ms(900)), open.interval_ended(ms(900))), (Some(ms(800)), None));
    }
}
