//! Values as people type them ([`read`]), and as they are shown back ([`show`]).
//!
//! May use: core and std data types. Used by all.

pub mod read;
pub mod show;
