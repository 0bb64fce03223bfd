//! What is kept of a run: its results, and the course of them in short intervals with their histograms. `-J` writes it, and what
//! reads it back (comparing, merging, drawing) sees the same as who measured it.
//!
//! May use: results, stats, packed.

mod keep;
pub mod measured;
mod node;
mod read;

pub use self::{keep::Keeper, measured::Measured};

use std::{io::Read as _, path::Path, time::Duration};

use super::{packed::Packed, results::Results, stats::Counters};
use crate::{
    error::{Trouble, reason},
    values::show,
};

/// More than this is no report of ours.
const LARGEST: u64 = 1 << 30;

/// One interval of a run, kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Both from the start of the measured time.
    pub from: Duration,
    pub to: Duration,
    pub counters: Counters,
    /// Of right answers, from when each request was due.
    pub latency: Packed,
    /// From when each request left. Open loop only.
    pub as_sent: Packed,
}

impl Piece {
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.to.saturating_sub(self.from)
    }

    /// Takes in what follows it, or what happened at the same time elsewhere.
    pub fn join(&mut self, other: &Self) {
        self.from = self.from.min(other.from);
        self.to = self.to.max(other.to);
        self.counters.add(&other.counters);
        self.latency.add(&other.latency);
        self.as_sent.add(&other.as_sent);
    }
}

/// How the runs of a record belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// There is one.
    Once,
    /// One after another (`--repeat`).
    InTurn,
    /// At the same time, by several generators (`merge`).
    AtOnce,
}

/// A document of `bench -J`.
#[derive(Debug, Clone)]
pub struct Record {
    /// Of the netproto that wrote it.
    pub version: String,
    pub made: Made,
    /// All runs together; its pieces are those of all.
    pub all: Results,
    /// Each run; none where there is only one.
    pub parts: Vec<Results>,
    /// A sentence for each limit that was missed.
    pub limits_missed: Vec<String>,
}

/// A document of `bench -J`, of whichever kind.
#[derive(Debug, Clone)]
pub enum Document {
    /// Of requests.
    Requests(Box<Record>),
    /// Of bytes, or of datagrams that nobody answers.
    Measured(Box<Measured>),
}

impl Document {
    /// Reads a file that `bench -J` wrote; `-` is standard input.
    ///
    /// # Errors
    /// [`Trouble`] naming the file and what is wrong with it.
    pub fn open(path: &Path) -> Result<Self, Trouble> {
        let (text, name) = contents(path)?;
        Self::read(&text, &name)
    }

    /// What kind of run it is of: `requests`, or the option that measures.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Requests(_) => "requests",
            Self::Measured(run) => run.what.option(),
        }
    }

    /// The run of requests that `name` has to be.
    ///
    /// # Errors
    /// [`Trouble`]: it is of another kind.
    pub fn requests(self, name: &str) -> Result<Record, Trouble> {
        match self {
            Self::Requests(record) => Ok(*record),
            Self::Measured(run) => {
                let option = run.what.option();
                Err(Trouble::failed(format!("{name} is of a run with {option}, and this takes runs of requests"))
                    .hint("report and compare read it"))
            }
        }
    }
}

impl Record {
    /// What was just measured. `None` without a run.
    #[must_use]
    pub fn of(runs: &[Results], limits_missed: Vec<String>) -> Option<Self> {
        let (made, parts) = if runs.len() > 1 { (Made::InTurn, runs.to_vec()) } else { (Made::Once, Vec::new()) };
        let version = env!("CARGO_PKG_VERSION").into();
        Some(Self { version, made, all: Results::together(runs)?, parts, limits_missed })
    }

    /// Each run, where there is only one as well.
    #[must_use]
    pub fn runs(&self) -> &[Results] {
        if self.parts.is_empty() { std::slice::from_ref(&self.all) } else { &self.parts }
    }

    /// As [`Document::open`], of a run of requests.
    ///
    /// # Errors
    /// [`Trouble`] naming the file and what is wrong with it.
    pub fn open(path: &Path) -> Result<Self, Trouble> {
        let (text, name) = contents(path)?;
        Self::read(&text, &name)
    }
}

/// The text of a file, and what it is called.
fn contents(path: &Path) -> Result<(String, String), Trouble> {
    let stdin = path.as_os_str() == "-";
    let name = if stdin { "standard input".into() } else { show::path(path) };
    let unread = |error: &std::io::Error| Trouble::failed(format!("could not read {name}: {}", reason(error)));
    let mut bytes = Vec::new();
    let read = if stdin {
        std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| unread(&error).hint("it takes files that bench -J wrote, as in: bench tcp -J > run.json"))?;
    if bytes.len() as u64 > LARGEST {
        return Err(Trouble::failed(format!("{name} is larger than 1 GiB: that is no report of bench -J")));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok((text, name)),
        Err(_) => Err(read::not_json(&name, "it is no text")),
    }
}
