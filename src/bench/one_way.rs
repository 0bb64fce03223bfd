//! One way: datagrams as fast as they go, or at a rate, which nobody answers one by one. What is asked, and what has come of it.
//!
//! May use: measured, `protocol`'s count of the other end, `hdrhistogram`.

use std::time::Duration;

use hdrhistogram::Histogram;

pub use super::measured::Failure;
use super::{
    measured::{About, Piece},
    shard::Shard,
};
use crate::protocol::perf::View;

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct OneWayPlan {
    /// Bytes of a datagram.
    pub length: usize,
    pub time: Option<Duration>,
    /// Datagrams, of all sockets together; `None`: as many as go in the time.
    pub count: Option<u64>,
    /// Datagrams per second, of all sockets together; `None`: as many as go.
    pub rate: Option<f64>,
    /// Many may leave in one call.
    pub joins: bool,
}

impl OneWayPlan {
    /// How many one of `sockets` sends.
    #[must_use]
    pub fn share(&self, socket: usize, sockets: usize) -> Option<u64> {
        let share = Shard { index: socket as u64, of: sockets as u64 };
        self.count.map(|count| share.part(count))
    }
}

/// What one end has counted; the other's numbers where it told them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counts {
    pub sent: u64,
    pub view: Option<View>,
    /// Times that the system told that nothing listens there.
    pub unreachable: u64,
}

impl Counts {
    /// Each datagram once, the changed ones left out.
    #[must_use]
    pub fn received(&self) -> Option<u64> {
        self.view.map(|view| view.received_blocks)
    }

    /// What never came, not even changed.
    #[must_use]
    pub fn lost(&self) -> Option<u64> {
        self.view.map(|view| self.sent.saturating_sub(view.received_blocks + view.corrupt + view.astray))
    }

    /// What had not come when later ones came: all that is known of loss while more is on its way.
    #[must_use]
    pub fn missing(&self) -> Option<u64> {
        self.view.map(|view| view.expected.saturating_sub(view.received_blocks + view.corrupt))
    }

    fn and(&self, other: &Self) -> Self {
        let view = match (self.view, other.view) {
            (Some(a), Some(b)) => Some(together(&a, &b)),
            (a, b) => a.or(b),
        };
        Self { sent: self.sent + other.sent, view, unreachable: self.unreachable + other.unreachable }
    }

    /// What came between two looks.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let then = before.view.unwrap_or_default();
        let less = |now: u64, then: u64| now.saturating_sub(then);
        let view = self.view.map(|now| View {
            received_bytes: less(now.received_bytes, then.received_bytes),
            received_blocks: less(now.received_blocks, then.received_blocks),
            expected: less(now.expected, then.expected),
            duplicated: less(now.duplicated, then.duplicated),
            reordered: less(now.reordered, then.reordered),
            corrupt: less(now.corrupt, then.corrupt),
            late: less(now.late, then.late),
            astray: less(now.astray, then.astray),
            ..now
        });
        let unreachable = less(self.unreachable, before.unreachable);
        Self { sent: less(self.sent, before.sent), view, unreachable }
    }

    #[must_use]
    pub fn sum<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        all.fold(Self::default(), |sum, one| sum.and(one))
    }
}

/// Counts are added; of what is a time, the longest stands for all.
fn together(a: &View, b: &View) -> View {
    View {
        received_bytes: a.received_bytes + b.received_bytes,
        received_blocks: a.received_blocks + b.received_blocks,
        received_ns: a.received_ns.max(b.received_ns),
        cpu_ns: a.cpu_ns.max(b.cpu_ns),
        wall_ns: a.wall_ns.max(b.wall_ns),
        expected: a.expected + b.expected,
        duplicated: a.duplicated + b.duplicated,
        reordered: a.reordered + b.reordered,
        jitter_ns: a.jitter_ns.max(b.jitter_ns),
        astray: a.astray + b.astray,
        corrupt: a.corrupt + b.corrupt,
        late: a.late + b.late,
        joined: a.joined.max(b.joined),
        delay_p50_ns: a.delay_p50_ns.max(b.delay_p50_ns),
        delay_p90_ns: a.delay_p90_ns.max(b.delay_p90_ns),
        delay_p99_ns: a.delay_p99_ns.max(b.delay_p99_ns),
        delay_p999_ns: a.delay_p999_ns.max(b.delay_p999_ns),
        delay_max_ns: a.delay_max_ns.max(b.delay_max_ns),
        ..*a
    }
}

/// One socket, when it is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Socket {
    pub counts: Counts,
    /// Both ends read the same clock, as far as could be told.
    pub one_clock: bool,
    /// The most datagrams that left in one call.
    pub joined: u64,
    /// Why they left one by one from some time on.
    pub parted: Option<String>,
    pub failure: Option<Failure>,
}

/// All of it.
#[derive(Debug, Clone)]
pub struct Results {
    pub plan: OneWayPlan,
    pub about: About,
    pub duration: Duration,
    pub sockets: Vec<Socket>,
    /// In short intervals.
    pub course: Vec<Interval>,
    /// Nanoseconds between calls that sent, on each socket.
    pub gaps: Histogram<u64>,
    /// CPU of our threads, in percent of a core, and the server's.
    pub cpu_percent: f64,
    pub server_cpu_percent: Option<f64>,
    pub interrupted: bool,
}

impl Results {
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts::sum(self.sockets.iter().map(|socket| &socket.counts))
    }

    /// The time that what was received, or was sent at least, took.
    fn seconds(&self) -> f64 {
        let received = self.counts().view.map_or(Duration::ZERO, |view| view.received_in());
        self.duration.max(received).as_secs_f64().max(1e-9)
    }

    /// Datagrams per second, as received where that is known.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let counts = self.counts();
        counts.received().unwrap_or(counts.sent) as f64 / self.seconds()
    }

    #[must_use]
    pub fn sent_rate(&self) -> f64 {
        self.counts().sent as f64 / self.duration.as_secs_f64().max(1e-9)
    }

    #[must_use]
    pub fn bits_per_second(&self) -> f64 {
        self.rate() * self.plan.length as f64 * 8.0
    }

    /// Of what was sent, where that is known.
    #[must_use]
    pub fn loss_percent(&self) -> Option<f64> {
        let counts = self.counts();
        counts.lost().map(|lost| 100.0 * lost as f64 / counts.sent.max(1) as f64)
    }

    #[must_use]
    pub fn one_clock(&self) -> bool {
        self.sockets.iter().all(|socket| socket.one_clock)
    }

    #[must_use]
    pub fn joined(&self) -> u64 {
        self.sockets.iter().map(|socket| socket.joined).max().unwrap_or_default()
    }

    #[must_use]
    pub fn parted(&self) -> Option<&str> {
        self.sockets.iter().find_map(|socket| socket.parted.as_deref())
    }

    /// Who sees to how fast it goes; `None`: nobody does.
    #[must_use]
    pub fn paced_by(&self) -> Option<&'static str> {
        let by_server = self.about.two_views.then_some("server");
        if self.plan.rate.is_some() { Some("timer") } else { by_server }
    }

    /// Sockets that failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.sockets.iter().filter(|socket| socket.failure.is_some()).count() as u64
    }
}

/// From `from` to `to`, both from the start of the measured time.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    pub from: Duration,
    pub to: Duration,
    pub counts: Counts,
    pub length: usize,
}

impl Interval {
    #[must_use]
    pub fn per_second(&self, count: u64) -> f64 {
        count as f64 / self.to.saturating_sub(self.from).as_secs_f64().max(1e-9)
    }

    #[must_use]
    pub fn bits_per_second(&self) -> f64 {
        let count = self.counts.received().unwrap_or(self.counts.sent);
        self.per_second(count) * self.length as f64 * 8.0
    }
}

impl Piece for Interval {
    fn lasted(&self) -> Duration {
        self.to.saturating_sub(self.from)
    }

    fn join(&mut self, next: &Self) {
        self.to = next.to;
        self.counts = self.counts.and(&next.counts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_come_is_lost_and_what_was_changed_is_not() {
        let view = View { received_blocks: 90, corrupt: 4, duplicated: 7, ..View::default() };
        let one = Counts { sent: 100, view: Some(view), unreachable: 0 };
        assert_eq!((one.received(), one.lost()), (Some(90), Some(6)));
        let both = Counts::sum([one, one].iter());
        assert_eq!((both.sent, both.received(), both.lost()), (200, Some(180), Some(12)));
        let since = both.since(&one);
        assert_eq!((since.sent, since.lost(), since.view.unwrap().duplicated), (100, Some(6), 7));
        assert_eq!(Counts { sent: 5, ..Counts::default() }.lost(), None);
    }
}
