//! A fuzz target: see `zones.rs` for what must hold.

#![no_main]

#[path = "../zones.rs"]
mod zones;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    zones::zones(data);
});
