//! Bulk: as many bytes as go through, in place of requests. What is asked, and what has come of it.
//!
//! May use: `protocol`'s count of the other end, `os`'s TCP figures, `values`.

use std::time::Duration;

pub use super::measured::Failure;
use super::{
    measured::{About, Piece},
    shard::Shard,
};
use crate::{os::TcpInfo, protocol::perf::View};

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkPlan {
    pub up: bool,
    pub down: bool,
    /// Each way, all streams together; `None`: as many as go in the time.
    pub bytes: Option<u64>,
    pub time: Option<Duration>,
    pub block: u32,
    pub zero_copy: bool,
    pub skip_copy: bool,
    /// Bits per second each way, all streams together.
    pub rate: Option<f64>,
}

impl BulkPlan {
    /// The share of one of `streams`.
    #[must_use]
    pub fn share(&self, stream: usize, streams: usize) -> (Option<u64>, Option<u64>) {
        let share = Shard { index: stream as u64, of: streams as u64 };
        let bytes = self.bytes.map(|bytes| share.part(bytes));
        (bytes, self.rate.map(|rate| ((rate / streams as f64) as u64).max(1)))
    }

    #[must_use]
    pub fn way(&self) -> &'static str {
        match (self.up, self.down) {
            (true, true) => "both",
            (true, false) => "up",
            _ => "down",
        }
    }
}

/// Bytes, and the time that they took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Count {
    pub bytes: u64,
    pub took: Duration,
}

impl Count {
    #[must_use]
    pub fn bits_per_second(&self) -> f64 {
        let seconds = self.took.as_secs_f64();
        if seconds > 0.0 { self.bytes as f64 * 8.0 / seconds } else { 0.0 }
    }

    /// All of them, in the time of the slowest.
    fn together(counts: impl Iterator<Item = Option<Self>>) -> Option<Self> {
        let add = |sum: Self, one: Self| Self { bytes: sum.bytes + one.bytes, took: sum.took.max(one.took) };
        counts.flatten().reduce(add)
    }
}

/// One way of one stream, or of all.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Flow {
    /// As the sender counted, and as the receiver did; `None`: nobody told.
    pub sent: Option<Count>,
    pub received: Option<Count>,
}

impl Flow {
    /// As received, where that is known.
    #[must_use]
    pub fn count(&self) -> Count {
        self.received.or(self.sent).unwrap_or_default()
    }

    /// Do the two views agree? `None`: there is only one.
    #[must_use]
    pub fn agrees(&self) -> Option<bool> {
        Some(self.sent?.bytes == self.received?.bytes)
    }

    fn together(flows: impl Iterator<Item = Option<Self>> + Clone) -> Option<Self> {
        flows.clone().flatten().next()?;
        let (sent, received) = (flows.clone().map(|flow| flow?.sent), flows.map(|flow| flow?.received));
        Some(Self { sent: Count::together(sent), received: Count::together(received) })
    }
}

/// What is known of a connection. Who only receives knows little of it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figures {
    /// The sender's.
    pub retransmits: Option<u64>,
    pub rtt: Option<Duration>,
    pub cwnd_bytes: Option<u64>,
    /// How much the receiver lets come.
    pub window_bytes: Option<u64>,
}

impl Figures {
    /// As our end knows it, which sends, or only receives.
    #[must_use]
    pub fn ours(info: &TcpInfo, sends: bool) -> Self {
        Self {
            retransmits: sends.then_some(info.retransmits.into()),
            rtt: sends.then_some(info.rtt),
            cwnd_bytes: sends.then_some(info.cwnd_bytes()),
            window_bytes: if sends { info.send_window } else { info.recv_window }.map(Into::into),
        }
    }

    /// As the other end told, which sends.
    #[must_use]
    pub fn theirs(view: &View, window_bytes: Option<u64>) -> Self {
        Self {
            retransmits: Some(view.retransmits),
            rtt: Some(Duration::from_nanos(view.rtt_ns)),
            cwnd_bytes: Some(view.cwnd_bytes),
            window_bytes,
        }
    }

    /// Of several connections: all that was sent again, the mean round trip, the windows together.
    #[must_use]
    pub fn together(all: impl Iterator<Item = Self>) -> Option<Self> {
        let all: Vec<_> = all.collect();
        let many = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let sum = |of: fn(&Self) -> Option<u64>| all.iter().map(of).sum();
        let rtts: Option<Duration> = all.iter().map(|one| one.rtt).try_fold(Duration::ZERO, |sum, rtt| Some(sum + rtt?));
        (many > 0).then(|| Self {
            retransmits: sum(|one| one.retransmits),
            rtt: rtts.map(|rtts| rtts / many),
            cwnd_bytes: sum(|one| one.cwnd_bytes),
            window_bytes: sum(|one| one.window_bytes),
        })
    }
}

/// One stream, when it is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    pub up: Option<Flow>,
    pub down: Option<Flow>,
    pub figures: Option<Figures>,
    /// What the other end counted.
    pub theirs: Option<View>,
    pub failure: Option<Failure>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    pub plan: BulkPlan,
    pub about: About,
    /// Who sees to a bit rate, where one was asked for.
    pub paced_by: Option<&'static str>,
    pub duration: Duration,
    pub streams: Vec<Stream>,
    /// In short intervals; in each, all streams as one.
    pub course: Vec<Interval>,
    /// CPU of our threads, in percent of a core, and the server's.
    pub cpu_percent: f64,
    pub server_cpu_percent: Option<f64>,
    /// From the last byte to the end of the measured time.
    pub silence: Duration,
    pub interrupted: bool,
}

impl Results {
    /// Shorter silences are nobody's concern: looks are a quarter of a second apart.
    const SILENCE: Duration = Duration::from_millis(750);

    #[must_use]
    pub fn up(&self) -> Option<Flow> {
        Flow::together(self.streams.iter().map(|stream| stream.up))
    }

    #[must_use]
    pub fn down(&self) -> Option<Flow> {
        Flow::together(self.streams.iter().map(|stream| stream.down))
    }

    /// Both ways, as received where that is known.
    #[must_use]
    pub fn bits_per_second(&self) -> f64 {
        [self.up(), self.down()].iter().flatten().map(|flow| flow.count().bits_per_second()).sum()
    }

    #[must_use]
    pub fn bytes(&self) -> u64 {
        [self.up(), self.down()].iter().flatten().map(|flow| flow.count().bytes).sum()
    }

    #[must_use]
    pub fn figures(&self) -> Option<Figures> {
        Figures::together(self.streams.iter().filter_map(|stream| stream.figures))
    }

    /// Did nothing move for longer than is usual before the end?
    #[must_use]
    pub fn fell_silent(&self) -> bool {
        self.plan.time.is_some() && self.silence > Self::SILENCE && self.silence * 20 > self.duration
    }

    /// Streams that failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.streams.iter().filter(|stream| stream.failure.is_some()).count() as u64
    }
}

/// One stream in one interval, or all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moved {
    pub up: u64,
    pub down: u64,
    /// Segments sent again are those of the interval.
    pub figures: Option<Figures>,
}

impl Moved {
    /// With what followed: of what is a state, the later one stands.
    fn join(&mut self, next: &Self) {
        (self.up, self.down) = (self.up + next.up, self.down + next.down);
        let again = |figures: Option<Figures>| figures.and_then(|figures| figures.retransmits);
        let retransmits =
            again(self.figures).map_or(again(next.figures), |many| again(next.figures).map(|more| many + more));
        self.figures = next.figures.map(|figures| Figures { retransmits, ..figures }).or(self.figures);
    }
}

/// What crossed our end from `from` to `to`, both from the start of the measured time.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    pub from: Duration,
    pub to: Duration,
    pub streams: Vec<Moved>,
}

impl Interval {
    #[must_use]
    pub fn sum(&self) -> Moved {
        Moved {
            up: self.streams.iter().map(|one| one.up).sum(),
            down: self.streams.iter().map(|one| one.down).sum(),
            figures: Figures::together(self.streams.iter().filter_map(|one| one.figures)),
        }
    }

    #[must_use]
    pub fn bits_per_second(&self, bytes: u64) -> f64 {
        Count { bytes, took: self.to.saturating_sub(self.from) }.bits_per_second()
    }
}

impl Piece for Interval {
    fn lasted(&self) -> Duration {
        self.to.saturating_sub(self.from)
    }

    fn join(&mut self, next: &Self) {
        self.to = next.to;
        for (one, next) in self.streams.iter_mut().zip(&next.streams) {
            one.join(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        let plan = BulkPlan {
            up: true,
            down: false,
            bytes: Some(10),
            time: None,
            block: 1,
            zero_copy: false,
            skip_copy: false,
            rate: Some(9.0),
        };
        let shares: Vec<_> = (0..3).map(|stream| plan.share(stream, 3)).collect();
        assert_eq!(shares, [(Some(4), Some(3)), (Some(3), Some(3)), (Some(3), Some(3))]);
    }

    #[test]
    fn the_slowest_stream_is_the_time_of_all() {
        let count = |bytes, seconds| Some(Count { bytes, took: Duration::from_secs(seconds) });
        let all = Count::together([count(10, 1), None, count(20, 2)].into_iter()).unwrap();
        assert_eq!((all.bytes, all.bits_per_second()), (30, 120.0));
        let flow = Flow { sent: count(10, 1), received: count(9, 1) };
        assert_eq!((flow.agrees(), flow.count().bytes), (Some(false), 9));
        assert_eq!(Flow { sent: count(10, 1), received: None }.agrees(), None);
    }
}
