//! A whole `send` command, validated: what `cli` makes and this role runs.

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;

use crate::{
    error::Trouble,
    protocol::{Protocol, Setup},
    session::Elsewhere,
    transport::{Dial, Scheme, Target, Use},
};

/// How long nothing may come over datagrams, without `-w`.
pub(super) const PACKET_SILENCE: Duration = Duration::from_secs(1);
/// How long connecting may take, where datagrams led to a stream and nobody has said.
const ASIDE: Duration = Duration::from_secs(5);

/// Where the data comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Arguments: each is one message.
    Messages(Vec<Bytes>),
    /// A file: one message over datagrams, pieces of a stream otherwise.
    File(PathBuf),
    Stdin,
    /// The protocol's client says nothing of its own.
    None,
}

/// What the answer must be.
#[derive(Debug, Clone)]
pub enum Expect {
    /// These bytes (`--expect`, `--expect-hex`); a final line end that only one side has is forgiven for text.
    Bytes {
        wanted: Bytes,
        text: bool,
    },
    Regex(regex::bytes::Regex),
}

/// How answers are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShowPlan {
    pub output: Option<PathBuf>,
    pub hex: bool,
    pub json: bool,
    pub quiet: bool,
    /// 0, 1: timing breakdown, 2: every piece too.
    pub verbose: u8,
    /// Never escape, also on a terminal.
    pub raw: bool,
    /// Draw each exchange as a ladder.
    pub trace: bool,
}

/// A whole `send` command, validated.
#[derive(Debug, Clone)]
pub struct SendPlan {
    pub protocol: &'static Protocol,
    pub setup: Setup,
    pub target: Target,
    pub dial: Dial,
    pub data: Data,
    /// LF becomes CRLF.
    pub crlf: bool,
    /// How long nothing may arrive; `None`: 1 s over datagrams, no limit over streams.
    pub timeout: Option<Duration>,
    /// Ends after so many answers.
    pub replies: Option<u64>,
    /// Half-close at the end of input.
    pub shutdown: bool,
    pub expect: Option<Expect>,
    /// Connect, say nothing, close (`-z`).
    pub connect_only: bool,
    /// Repeat the whole exchange so often (`-n`).
    pub count: u64,
    pub interval: Duration,
    pub retry: u32,
    pub retry_delay: Duration,
    pub show: ShowPlan,
}

impl SendPlan {
    /// Exchanges of one round: one for each line of a list.
    pub(super) fn turns(&self) -> u64 {
        if self.connect_only { 1 } else { self.setup.params.turns().1 }
    }

    /// Exchanges in all.
    pub(super) fn exchanges(&self) -> u64 {
        self.count.saturating_mul(self.turns())
    }

    /// The same, where we were sent.
    ///
    /// # Errors
    /// There is no such place.
    pub(super) fn sent(&self, elsewhere: Elsewhere) -> Result<Self, Trouble> {
        let mut plan = self.clone();
        if let Some(rides) = elsewhere.rides {
            plan.target.scheme = plan.target.scheme.over(rides);
            // Who waited for so long over datagrams does not wait for ever now.
            plan.timeout.get_or_insert(PACKET_SILENCE);
            plan.dial.timeout.get_or_insert(ASIDE);
        }
        if let Some(authority) = elsewhere.authority {
            let port = Use::Connect(self.protocol.port);
            plan.target = Target::parse(
                &format!("{}://{authority}", Scheme::Tcp.over(plan.target.scheme.rides())),
                Scheme::Tcp,
                port,
            )?;
            plan.setup.goal.foreign |= authority != self.setup.goal.authority;
            plan.setup.goal.authority = authority;
        }
        if let Some(path) = elsewhere.path {
            (plan.setup.goal.path, plan.setup.goal.sent) = (path, true);
        }
        plan.setup.goal.bare |= elsewhere.bare;
        Ok(plan)
    }
}
