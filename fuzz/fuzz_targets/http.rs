//! A fuzz target: heads, chunks and whole conversations of `http`, both ends. See `invariants.rs` for what must hold.

#![no_main]

#[path = "../invariants.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| invariants::sessions_of("http", data));
