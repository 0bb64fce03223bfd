//! Flags that several commands share, one file for each group.

pub mod log;
pub mod params;
pub mod protocol;
pub mod socket;
