//! Pick or write a protocol once; serve it, talk it, load it. Over TCP and UDP, with honest latencies and checked replies.
//!
//! The map of the house, from the bottom up:
//!
//! - [`session`]: the contract. Bytes in, bytes out, effects and events; no I/O.
//! - [`protocol`]: what is said. One file for each protocol, and the table of them all.
//! - [`transport`]: how bytes travel. Sockets, their flags, resolving and connecting.
//! - [`role`]: who speaks when. The two drivers, and server and client made of them.
//! - [`mod@bench`]: the load generator. Schedules, the engine, the reports.
//! - [`cli`]: what was typed, made into a validated plan.
//!
//! Under them all [`os`], the one place that knows which system this is. Beside them [`values`] (durations, sizes and escapes
//! as people type them) and [`error`] (a sentence, a hint, an exit code), which all may use.

pub mod bench;
pub mod cli;
pub mod error;
pub mod files;
pub mod os;
pub mod protocol;
pub mod role;
pub mod session;
pub mod transport;
pub mod values;
