//! A fuzz target: see `invariants.rs` for what must hold.

#![no_main]

#[path = "../invariants.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| invariants::patterns(data));
