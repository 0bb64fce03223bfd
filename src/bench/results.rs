//! What a run has shown: the numbers that all reports and limits read.
//!
//! May use: stats, failure, record's pieces.

use std::time::{Duration, SystemTime};

use super::{
    Arrivals,
    failure::Failure,
    fairness::Fairness,
    load::{course::Course, tuning::Change},
    outage::Outage,
    over_time::Stretch,
    record::Piece,
    shard::Shard,
    stats::Tally,
};
use crate::{os::Machine, protocol::Answers};

/// When requests were sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Model {
    /// As soon as an answer was there.
    Closed,
    /// At this rate, whatever the server did.
    Open { rate: f64, arrivals: Arrivals },
    /// None were: connections were only kept.
    Hold,
}

impl Model {
    /// For JSON: `closed`, `hold`, the name of a course, or that of the arrivals where the rate is always the same.
    #[must_use]
    pub fn name(self, course: Option<&Course>) -> &'static str {
        match (self, course) {
            (Self::Closed, _) => "closed",
            (Self::Hold, _) => "hold",
            (Self::Open { .. }, Some(course)) => course.kind.name(),
            (Self::Open { arrivals, .. }, None) => arrivals.name(),
        }
    }

    #[must_use]
    pub fn arrivals(self) -> Option<Arrivals> {
        match self {
            Self::Closed | Self::Hold => None,
            Self::Open { arrivals, .. } => Some(arrivals),
        }
    }

    #[must_use]
    pub fn rate_asked(self) -> Option<f64> {
        match self {
            Self::Closed | Self::Hold => None,
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
    /// What the rate did over time; `None`: it stayed the same.
    pub course: Option<Course>,
    /// Connections opened per second, at most.
    pub connect_rate: Option<f64>,
    pub timeout: Duration,
    /// Workers never sleep.
    pub spin: bool,
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
    /// The same of the thread that had least time left: what it merely looked before sleeping is time left.
    pub busiest_percent: f64,
    /// How long that one had something to do, and no core.
    pub starved_percent: f64,
    /// Nothing at all was done for so long: it was stopped, or the machine suspended.
    pub stood_still: Duration,
    pub saturated: bool,
}

/// The server's process, watched from beside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Server {
    pub pid: u32,
    /// CPU time that it used, and the time that this took.
    pub cpu: Duration,
    pub wall: Duration,
    /// The most that it had in memory.
    pub memory_bytes: u64,
    /// It did not live to the end of the run.
    pub ended: bool,
}

impl Server {
    /// 100 is one core.
    #[must_use]
    pub fn cpu_percent(&self) -> f64 {
        if self.wall.is_zero() { 0.0 } else { 100.0 * self.cpu.as_secs_f64() / self.wall.as_secs_f64() }
    }

    fn add(&mut self, other: &Self) {
        self.cpu += other.cpu;
        self.wall += other.wall;
        self.memory_bytes = self.memory_bytes.max(other.memory_bytes);
        self.ended |= other.ended;
    }
}

/// Connections that were only kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    pub opened: u64,
    /// Those that were still there in the end.
    pub lasted: u64,
    /// Resident memory that all but the first took, in bytes, where the system tells.
    pub memory: Option<u64>,
    /// Was the server in this process, so that the memory is that of both ends?
    pub both_ends: bool,
    /// Addresses of ours that they began from.
    pub sources: usize,
}

impl Held {
    /// Resident memory of one, in bytes.
    #[must_use]
    pub fn memory_each(&self) -> Option<u64> {
        self.memory?.checked_div(self.opened.saturating_sub(1))
    }
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
    /// Open loop: from the last request that was due to the end of that time.
    pub quiet: Duration,
    pub totals: Tally,
    /// Where the rate changed: what was asked and achieved in each of a few stretches.
    pub over_time: Vec<Stretch>,
    /// When connections had no server.
    pub outages: Vec<Outage>,
    /// What was changed while it ran.
    pub changes: Vec<Change>,
    /// Where connections were only kept.
    pub held: Option<Held>,
    pub generator: Generator,
    /// `None`: nobody asked to watch it.
    pub server: Option<Server>,
    /// Right answers on each connection.
    pub answered: Vec<u64>,
    pub interrupted: bool,
    /// Where the generator ran. `None`: in several places.
    pub machine: Option<Machine>,
    /// The course of it, where that was kept.
    pub pieces: Vec<Piece>,
}

impl Results {
    /// Above this a thread has no time left.
    const BUSY_PERCENT: f64 = 95.0;
    /// Busy and waiting for a core together: who did less had time.
    const IDLE_PERCENT: f64 = 10.0;
    /// Who waits longer for a core is not master of its time.
    const STARVED_PERCENT: f64 = 25.0;
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
        // Whoever never sleeps is always busy.
        let Generator { busiest_percent, starved_percent, .. } = self.generator;
        let busy = busiest_percent + starved_percent > Self::BUSY_PERCENT && !self.about.spin;
        let lag = |quantile| self.totals.send_lag.value_at_quantile(quantile);
        let late = lag(0.5) > Self::HIGH_LAG_NS;
        // Much of what the slowest show is our own.
        let slow = lag(0.99) > Self::HIGH_LAG_NS && 2 * lag(0.99) > self.totals.latency.value_at_quantile(0.99);
        // Who had hardly anything to do was not held up by this machine, but by a server that is gone.
        let at_work = busiest_percent + starved_percent > Self::IDLE_PERCENT;
        let starved = at_work && slow && 2.0 * starved_percent > busiest_percent;
        let without_core = starved_percent > Self::STARVED_PERCENT;
        match self.about.model {
            Model::Closed => busy,
            Model::Hold => false,
            Model::Open { rate, .. } => {
                let behind = self.rate_sent() < rate * Self::KEPT_UP;
                let unsent = self.totals.counters.failures(Failure::NotSent) > 0;
                (at_work && behind && late) || (busy && (behind || late)) || starved || (without_core && (behind || unsent))
            }
        }
    }

    /// How right answers were spread over connections; where each request has a connection of its own, there is nothing to tell.
    #[must_use]
    pub fn fairness(&self) -> Option<Fairness> {
        if self.about.reconnect { None } else { Fairness::of(&self.answered) }
    }

    /// Did the server fall silent before the end? So long that neither the rate nor the slowest reply explains it.
    #[must_use]
    pub fn fell_silent(&self) -> bool {
        if self.held.is_some() {
            return false;
        }
        let gap = self.about.model.rate_asked().map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate));
        let slowest = Duration::from_nanos(self.totals.latency.max());
        let answered = self.about.answers != Answers::Never && self.totals.counters.right > 0;
        answered && self.silence.saturating_sub(self.quiet) > Self::SILENCE.max(10 * gap).max(3 * slowest)
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
            all.outages.extend(run.outages.iter().map(|outage| outage.later(all.duration)));
            all.duration += run.duration;
            if run.silence.saturating_sub(run.quiet) > all.silence.saturating_sub(all.quiet) {
                (all.silence, all.quiet) = (run.silence, run.quiet);
            }
            all.silence = all.silence.max(run.silence);
            all.totals.add(&run.totals);
            all.interrupted |= run.interrupted;
            for (sum, count) in all.answered.iter_mut().zip(&run.answered) {
                *sum += count;
            }
            if let (Some(server), Some(other)) = (&mut all.server, &run.server) {
                server.add(other);
            }
            all.generator.saturated |= run.generator.saturated;
            all.generator.cpu_percent += run.generator.cpu_percent;
            all.generator.busiest_percent = all.generator.busiest_percent.max(run.generator.busiest_percent);
            all.generator.stood_still += run.generator.stood_still;
            all.generator.starved_percent = all.generator.starved_percent.max(run.generator.starved_percent);
        }
        if !rest.is_empty() {
            // Stretches, changes and what was held are those of one run: each has its own.
            all.over_time.clear();
            all.changes.clear();
            all.held = None;
        }
        all.generator.cpu_percent /= runs.len() as f64;
        Some(all)
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}
