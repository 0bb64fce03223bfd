//! A `serve-*` command, validated: what `cli` makes and this role runs.

use std::time::Duration;

use crate::{
    protocol::{Protocol, Setup},
    transport::{Family, SocketFlags, Target},
};

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogForm {
    Text,
    /// One JSON object a line, on stdout.
    Json,
}

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPlan {
    pub form: LogForm,
    /// 0: nothing for each connection, 1: a line for each connection, 2: every message too.
    pub verbose: u8,
    /// No hints, no summary; ready lines and errors still.
    pub quiet: bool,
    /// Ready lines: who waits for the server reads them; and who was refused. Not for a server that lives inside another
    /// command.
    pub ready: bool,
    /// Every byte, as a hex dump.
    pub hex: bool,
    /// Interval lines.
    pub stats: Option<Duration>,
}

/// A whole `serve-*` command, validated.
#[derive(Debug, Clone)]
pub struct ServePlan {
    pub protocol: &'static Protocol,
    pub setup: Setup,
    /// What stands before the address on the command line: `serve-tcp`, `serve echo`.
    pub command: String,
    pub listen: Target,
    pub family: Option<Family>,
    pub flags: SocketFlags,
    /// Worker threads; `None`: as many as there are cores, less one.
    pub threads: Option<usize>,
    pub max_connections: Option<usize>,
    pub max_connections_per_peer: Option<usize>,
    pub idle_timeout: Option<Duration>,
    /// Until the first complete message.
    pub handshake_timeout: Option<Duration>,
    /// One client, then exit.
    pub once: bool,
    /// How long the busy may take to finish after a stop.
    pub grace: Duration,
    /// Datagrams: peers remembered at most; one that has long been silent makes room for a new one.
    pub max_peers: usize,
    /// Answer from non-loopback addresses although the answers amplify.
    pub allow_amplification: bool,
    pub loop_guard: bool,
    /// Where its figures can be asked for; of several plans that are served together, the first one's.
    pub metrics: Option<Target>,
    pub log: LogPlan,
}
