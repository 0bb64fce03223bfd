//! Protocols that people write: a script in Lua 5.4 that defines any of `server.open`, `server.input`, `client.submit`,
//! `client.input` and their like, over the same contract as every other protocol.
//!
//! A script has a [`Protocol`] row like every protocol, made when its name is typed, so that all that reads rows works for it.
//! What it does is bounded in steps, time and memory (`limits.rs`); an error ends the session in which it happened, and no
//! other. Each thread has a Lua state of its own, so sessions of a script stay on the thread that began them.
//!
//! May use: `session`, `protocol`, `values`, mlua. Never: files (the text of the script is handed in), any clock but the driver's.

mod awaited;
mod connection;
mod fault;
mod input;
mod limits;
pub mod pattern;
mod row;
mod session;
mod state;
mod strings;
mod turn;

use std::{
    path::Path,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use super::{Param, Params, Protocol};
use crate::session::Violation;

/// Bytes of a script, at most.
pub const LONGEST: usize = 1024 * 1024;
/// Longer names are cut by Lua in the middle, so only the last part of such a path is told.
const LONGEST_NAME: usize = 50;

static SCRIPTS: AtomicU64 = AtomicU64::new(1);

/// The text of a script.
#[derive(Debug)]
pub struct Script {
    id: u64,
    /// As it was typed.
    path: String,
    /// As it is told in errors.
    file: String,
    source: Vec<u8>,
    /// Set when its row is made.
    declared: OnceLock<Declared>,
}

/// The parameters of a script.
#[derive(Debug, Default)]
struct Declared {
    params: &'static [Param],
    /// All of them, as they are without `-p`.
    defaults: Params,
}

impl Script {
    /// Where it is, as it was typed.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// A script that can't be used: what is wrong, and what to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    pub sentence: String,
    pub hint: String,
}

impl From<Violation> for Unusable {
    fn from(violation: Violation) -> Self {
        let hint = "examples/README.md shows how a script is written, step by step";
        Self { sentence: violation.sentence, hint: hint.into() }
    }
}

/// Is it a script that this names, and not a protocol of the table?
#[must_use]
pub fn is_script(name: &str) -> bool {
    is_script_file(name) || name.contains('/')
}

/// Does it say that it is one by its ending?
#[must_use]
pub fn is_script_file(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == "lua")
}

/// The row of a script. It stays for as long as the program runs. `clock` holds the script's first run to its time.
///
/// # Errors
/// [`Unusable`]: it does not parse, its first run fails, or what it says of itself makes no sense.
pub fn row(path: &str, source: Vec<u8>, clock: fn() -> Duration) -> Result<&'static Protocol, Unusable> {
    if source.len() > LONGEST {
        let sentence = format!("{path} is longer than 1 MiB, which is the most for a script");
        return Err(Unusable { sentence, hint: "is it a script at all?".into() });
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let file = if path.len() > LONGEST_NAME { name } else { path.trim_start_matches("./") };
    let script = Script {
        id: SCRIPTS.fetch_add(1, Relaxed),
        path: path.into(),
        file: file.into(),
        source,
        declared: OnceLock::new(),
    };
    row::of(name.strip_suffix(".lua").unwrap_or(name), script, clock)
}

#[cfg(test)]
mod tests;
