//! The load generator.
//!
//! May use: role, protocol, transport, session, `os`, `error`, `values`. Never: cli, clap; colours only in report/text.rs.

pub mod again;
pub mod bulk;
pub mod compare;
mod engine;
pub mod failure;
pub mod fairness;
pub mod find;
pub mod limit;
pub mod live;
pub mod load;
pub mod measured;
pub mod merge;
pub mod one_way;
pub mod outage;
pub mod over_time;
pub mod packed;
mod phases;
mod progress;
pub mod record;
pub mod report;
pub mod results;
pub mod shard;
mod shown;
pub mod sizes;
pub mod start;
pub mod stats;
pub mod template;

pub use engine::run;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use bytes::Bytes;

use self::{load::course::Course, sizes::Sizes, template::Template};
use crate::{
    protocol::{Protocol, Setup},
    transport::{Dial, Scheme, Target},
};

/// When requests of an open loop are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    Constant,
    Poisson,
}

impl Arrivals {
    /// The one of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Constant, Self::Poisson].into_iter().find(|arrivals| arrivals.name() == name)
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Poisson => "poisson",
        }
    }
}

/// What each request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Load {
    /// A pattern of so many bytes, numbered over datagrams.
    Length(usize),
    /// The same, of lengths that vary.
    Sizes(Sizes),
    /// These messages in turn: DATA arguments, one file, or the lines of one.
    Messages(Vec<Bytes>),
    /// The same, with places that are filled anew for each request.
    Templates(Vec<Template>),
}

/// When a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    Duration(Duration),
    Requests(u64),
}

/// What is written, and where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportPlan {
    /// One JSON document on stdout in place of the text.
    pub json: bool,
    /// One JSON object for each interval, and the result, on stdout.
    pub json_stream: bool,
    pub csv: Option<PathBuf>,
    /// HdrHistogram interval log.
    pub hdr: Option<PathBuf>,
    /// One page with charts.
    pub html: Option<PathBuf>,
    /// Interval lines.
    pub interval: Option<Duration>,
    /// Where figures can be asked for while it runs.
    pub metrics: Option<Target>,
    pub quiet: bool,
    pub verbose: u8,
}

impl ReportPlan {
    /// Does what is written show the course of the run?
    #[must_use]
    pub fn keeps_course(&self) -> bool {
        self.json || self.html.is_some()
    }
}

/// A whole `bench` command, validated.
#[derive(Debug, Clone)]
pub struct BenchPlan {
    /// `None`: probe the target once (`Processed: ` + data, else echo).
    pub protocol: Option<&'static Protocol>,
    pub setup: Setup,
    pub scheme: Scheme,
    /// `None`: start our own server in this process.
    pub target: Option<Target>,
    pub dial: Dial,
    pub connections: usize,
    /// `None`: as many as there are cores, less one for a server on this machine.
    pub threads: Option<usize>,
    /// Of all shards together, as are the connections and the rate.
    pub until: Until,
    pub load: Load,
    /// Requests per second, of a `course` the mean; `None`: closed loop.
    pub rate: Option<f64>,
    /// What the rate does over time; `None`: it stays as it is.
    pub course: Option<Course>,
    pub arrivals: Arrivals,
    /// Per connection; `None`: one, and over datagrams in open loop as many as are due.
    pub in_flight: Option<usize>,
    pub ramp: Duration,
    pub omit: Duration,
    /// `None`: 1 s over datagrams, 10 s over streams.
    pub timeout: Option<Duration>,
    /// Look for the highest rate that meets this.
    pub find: Option<find::Goal>,
    /// Workers never sleep: a core each, and shorter waits.
    pub spin: bool,
    /// Datagrams that are due together leave in one call.
    pub joins: bool,
    /// The server's process on this machine, to be watched.
    pub server_pid: Option<u32>,
    pub repeat: u32,
    /// A new connection for each request.
    pub reconnect: bool,
    /// Connections opened per second, at most.
    pub connect_rate: Option<f64>,
    /// Only open connections and keep them.
    pub hold: bool,
    /// Addresses of ours that connections begin from in turn, where there are several.
    pub sources: Vec<SocketAddr>,
    pub seed: u64,
    /// Which of several generators this is.
    pub shard: shard::Shard,
    /// `None`: at once.
    pub start_at: Option<start::StartAt>,
    /// The `--fail-if` texts' parsed form.
    pub limits: Vec<limit::Limit>,
    pub report: ReportPlan,
    /// Show it on the whole terminal, and hear keys.
    pub live: bool,
    /// Bytes in place of requests.
    pub bulk: Option<bulk::BulkPlan>,
    /// Datagrams that nobody answers one by one.
    pub one_way: Option<one_way::OneWayPlan>,
    /// What was typed, for the report.
    pub command: String,
}
