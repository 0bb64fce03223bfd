//! What a run has shown: the numbers that all reports and limits read.
//!
//! May use: stats, failure, record's pieces.

use std::time::{Duration, SystemTime};

use super::{Arrivals, failure::Failure, record::Piece, shard::Shard, stats::Tally};
use crate::{os::Machine, protocol::Answers};

/// When requests were sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Model {
    /// As soon as an answer was there.
    Closed,
    /// At this rate, whatever the server did.
    Open { rate: f64, arrivals: Arrivals },
}

impl Model {
    /// For JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { arrivals: Arrivals::Constant, .. } => "constant",
            Self::Open { arrivals: Arrivals::Poisson, .. } => "poisson",
        }
    }

    /// The other way.
    #[must_use]
    pub fn of_name(name: &str, rate: Option<f64>) -> Option<Self> {
        let open = |arrivals| rate.map(|rate| Self::Open { rate, arrivals });
        let all = [Some(Self::Closed), open(Arrivals::Constant), open(Arrivals::Poisson)];
        all.into_iter().flatten().find(|model| model.name() == name)
    }

    #[must_use]
    pub fn rate_asked(self) -> Option<f64> {
        match self {
            Self::Closed => None,
            Self::Open { rate, .. } => Some(rate),
        }
    }
}

/// What was run: known before the first request.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// `tcp`, `udp`, `unix`, ...
    pub transport: &'static str,
    /// The address spoken to, as it is shown.
    pub target: String,
    pub protocol: &'static str,
    pub datagrams: bool,
    /// Where there are none to await, a completed write counts, and there is no latency.
    pub answers: Answers,
    pub connections: usize,
    pub threads: usize,
    /// Requests on their way on one connection, at most; `None`: no limit.
    pub in_flight: Option<usize>,
    pub reconnect: bool,
    /// Datagrams that repeat, and answers that are the same bytes: what a server with a loop guard falls silent to.
    pub repeats: bool,
    pub model: Model,
    pub timeout: Duration,
    pub ramp: Duration,
    pub omit: Duration,
    pub seed: u64,
    /// Which of several generators: all that is said here is of its part.
    pub shard: Shard,
    /// What was typed.
    pub command: String,
}

/// Was the generator itself the limit?
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Generator {
    /// CPU time of all worker threads by elapsed time: 100 is one core.
    pub cpu_percent: f64,
    /// The same of the thread that used most.
    pub busiest_percent: f64,
    pub saturated: bool,
}

/// One run, or several together.
#[derive(Debug, Clone)]
pub struct Results {
    pub about: About,
    pub started_at: SystemTime,
    /// The measured time: what rates divide by.
    pub duration: Duration,
    /// From the last reply to the end of that time.
    pub silence: Duration,
    pub totals: Tally,
    pub generator: Generator,
    pub interrupted: bool,
    /// Where the generator ran. `None`: in several places.
    pub machine: Option<Machine>,
    /// The course of it, where that was kept.
    pub pieces: Vec<Piece>,
}

impl Results {
    /// Above this a thread has no time left.
    const BUSY_PERCENT: f64 = 95.0;
    /// Below this share of the asked rate, requests did not leave as asked.
    const KEPT_UP: f64 = 0.99;
    /// Requests that leave later than this, half of them, are late.
    const HIGH_LAG_NS: u64 = 1_000_000;

    /// Shorter silences are nobody's concern.
    const SILENCE: Duration = Duration::from_millis(500);

    fn per_second(&self, count: u64) -> f64 {
        let seconds = self.duration.as_secs_f64();
        if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
    }

    /// Right replies per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.per_second(self.totals.counters.right)
    }

    /// Requests that left, per second.
    #[must_use]
    pub fn rate_sent(&self) -> f64 {
        self.per_second(self.totals.counters.sent)
    }

    #[must_use]
    pub fn bits_sent_per_second(&self) -> f64 {
        8.0 * self.per_second(self.totals.counters.bytes_sent)
    }

    #[must_use]
    pub fn bits_received_per_second(&self) -> f64 {
        8.0 * self.per_second(self.totals.counters.bytes_received)
    }

    /// Failed requests, of all.
    #[must_use]
    pub fn failed_percent(&self) -> f64 {
        let counters = &self.totals.counters;
        percent(counters.failed(), counters.ended())
    }

    /// Datagrams that nothing came back for.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.totals.counters.failures(Failure::TimedOut)
    }

    /// Datagrams lost, of those sent.
    #[must_use]
    pub fn loss_percent(&self) -> f64 {
        percent(self.lost(), self.totals.counters.sent)
    }

    /// Did the generator fail to do as asked, for lack of CPU? A busy thread alone is the limit in closed loop; in open loop
    /// only when requests left late or not at all.
    #[must_use]
    pub fn is_saturated(&self) -> bool {
        let busy = self.generator.busiest_percent > Self::BUSY_PERCENT;
        let late = self.totals.send_lag.value_at_quantile(0.5) > Self::HIGH_LAG_NS;
        match self.about.model {
            Model::Closed => busy,
            Model::Open { rate, .. } => {
                let behind = self.rate_sent() < rate * Self::KEPT_UP;
                (behind && late) || (busy && (behind || late))
            }
        }
    }

    /// Did the server fall silent before the end? So long that neither the rate nor the slowest reply explains it.
    #[must_use]
    pub fn fell_silent(&self) -> bool {
        let gap = self.about.model.rate_asked().map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate));
        let slowest = Duration::from_nanos(self.totals.latency.max());
        let answered = self.about.answers != Answers::Never && self.totals.counters.right > 0;
        answered && self.silence > Self::SILENCE.max(10 * gap).max(3 * slowest)
    }

    /// Several runs as one: their sum. `None` without a run.
    #[must_use]
    pub fn together(runs: &[Self]) -> Option<Self> {
        let (first, rest) = runs.split_first()?;
        let mut all = first.clone();
        for run in rest {
            let shifted =
                |piece: &Piece| Piece { from: all.duration + piece.from, to: all.duration + piece.to, ..piece.clone() };
            all.pieces.extend(run.pieces.iter().map(shifted));
            all.duration += run.duration;
            all.silence = all.silence.max(run.silence);
            all.totals.add(&run.totals);
            all.interrupted |= run.interrupted;
            all.generator.saturated |= run.generator.saturated;
            all.generator.cpu_percent += run.generator.cpu_percent;
            all.generator.busiest_percent = all.generator.busiest_percent.max(run.generator.busiest_percent);
        }
        all.generator.cpu_percent /= runs.len() as f64;
        Some(all)
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}
