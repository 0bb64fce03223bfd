//! The load generator.
//!
//! May use: role, protocol, transport, session, `os`, `error`, `values`. Never: cli, clap; colours only in report/text.rs.

pub mod again;
pub mod compare;
mod engine;
pub mod failure;
pub mod limit;
pub mod load;
pub mod merge;
pub mod packed;
mod phases;
mod progress;
pub mod record;
pub mod report;
pub mod results;
pub mod shard;
mod shown;
pub mod start;
pub mod stats;

pub use engine::run;

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;

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

/// What each request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Load {
    /// A pattern of so many bytes, numbered over datagrams.
    Length(usize),
    /// These messages in turn: DATA arguments, or one file.
    Messages(Vec<Bytes>),
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
    /// Requests per second; `None`: closed loop.
    pub rate: Option<f64>,
    pub arrivals: Arrivals,
    /// Per connection; `None`: one, and over datagrams in open loop as many as are due.
    pub in_flight: Option<usize>,
    pub ramp: Duration,
    pub omit: Duration,
    /// `None`: 1 s over datagrams, 10 s over streams.
    pub timeout: Option<Duration>,
    pub repeat: u32,
    /// A new connection for each request.
    pub reconnect: bool,
    pub seed: u64,
    /// Which of several generators this is.
    pub shard: shard::Shard,
    /// `None`: at once.
    pub start_at: Option<start::StartAt>,
    /// The `--fail-if` texts' parsed form.
    pub limits: Vec<limit::Limit>,
    pub report: ReportPlan,
    /// What was typed, for the report.
    pub command: String,
}
