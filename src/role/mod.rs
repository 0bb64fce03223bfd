//! Who speaks when: the drivers, and the roles that are made of them.
//!
//! May use: protocol, transport, session, `error`, `values`. Never: bench, cli, clap, colours.

pub mod send;
pub mod serve;
