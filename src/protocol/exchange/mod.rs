//! One shape for `processed`, `echo` and `discard`: what comes in is answered with a prefix and the same bytes again, or not
//! at all. Any framing goes around it, streams and datagrams carry it, and the client checks every answer.
//!
//! May use: `session`, `protocol::framing`, `protocol::{Setup, Param, ParamKind}`.

mod client;
mod numbered;
mod outstanding;
mod pieces;
mod server;

pub(super) use client::Client;
pub(super) use outstanding::Outstanding;
pub(super) use server::Server;

use super::{Param, ParamKind};

/// What a server says to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// This, then the message.
    Answer { prefix: &'static [u8] },
    /// Nothing.
    Silence,
}

impl Rule {
    /// What stands before the data in an answer.
    fn prefix(self) -> &'static [u8] {
        match self {
            Self::Answer { prefix } => prefix,
            Self::Silence => b"",
        }
    }
}

/// `-p delay=DURATION`
pub(super) const DELAY: Param =
    Param::server("delay", ParamKind::Duration, "0", "answer after this long, to try time-outs and drains");
