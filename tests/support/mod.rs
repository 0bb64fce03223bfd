//! Runs the built `netproto` for the end-to-end tests: processes with bounded waits, whose output is drained all the time.
//!
//! Everything waits for a line, an answer or an exit, and fails with the whole output when that does not come within
//! [`PATIENCE`]. What only the kernel knows (a link is up, a descriptor is free) is asked for until it is so.
#![allow(dead_code, unused_imports, reason = "each test file uses a part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod capture;
mod commands;
pub mod markup;
pub mod net;
pub mod network;
pub mod peer;
pub mod proc;
mod process;
pub mod pty;
pub mod record;
pub mod relay;
pub mod report;
mod server;
pub mod terminal;
pub mod wire;

use std::time::Duration;

pub use capture::Capture;
pub use commands::COMMANDS;
pub use network::Network;
pub use peer::peer;
pub use process::{Output, Process, Run, netproto};
pub use server::Server;

/// How long anything may take that should take no time: longer than any busy machine needs, shorter than a person waits.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes that look random, and are the same each time.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// All 256 bytes, and what a terminal, a log or a C string would trip over.
pub fn nasty() -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..=255).collect();
    bytes.extend_from_slice(b"\x1b]0;owned\x07\x1b[2J\x1b[31m\r\n2026-01-01 forged line\r\n\x9b31m%n%s{}\xc2\x9b");
    bytes.extend_from_slice("\u{202e}gnp.exe\u{2066}\u{200b}\u{feff}\u{2028}".as_bytes());
    bytes.extend_from_slice(b"\xff\xfe\xc0\xaf\xed\xa0\x80");
    bytes
}

/// A folder of our own, gone with the test.
pub struct Folder(std::path::PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("netproto-{name}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &std::path::Path {
        &self.0
    }

    pub fn join(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// A file of these bytes.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
