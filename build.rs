//! Has the linker make the program smaller, where it can: the relocations packed (a twentieth of it), and functions that came out the
//! same kept once (a hundredth). Elsewhere it is built as ever.

#![allow(clippy::print_stdout, reason = "so it speaks to cargo")]

use std::{
    env,
    path::PathBuf,
    process::{Command, Stdio},
};

/// Functions, not data: keys that are known by their address stay apart. lld and gold can do it.
const ALIKE_ONCE: &str = "-Wl,--icf=all";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |key: &str, value: &str| env::var(key).is_ok_and(|given| given == value);
    let at_home = env::var("HOST").is_ok_and(|host| is("TARGET", &host));
    if !at_home || !is("CARGO_CFG_TARGET_OS", "linux") {
        return;
    }
    if is("CARGO_CFG_TARGET_ENV", "gnu") && packed_is_read() {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    if links_with(ALIKE_ONCE).unwrap_or_default() {
        println!("cargo::rustc-link-arg-bins={ALIKE_ONCE}");
    }
}

/// Does the C library of this system read packed relocations? glibc does since 2.36 (2022).
fn packed_is_read() -> bool {
    let version = || {
        let said = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
        let text = String::from_utf8(said.stdout).ok()?;
        let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.split('.').next()?.parse::<u32>().ok()?))
    };
    version().is_some_and(|version| version >= (2, 36))
}

/// Does the linker know this option? A program that does nothing is linked with it.
fn links_with(option: &str) -> Option<bool> {
    let made = PathBuf::from(env::var_os("OUT_DIR")?).join("linked");
    let source = made.with_extension("rs");
    std::fs::write(&source, "fn main() {}\n").ok()?;
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let mut command = Command::new(env::var_os("RUSTC")?);
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut chosen = std::ffi::OsString::from("linker=");
        chosen.push(linker);
        command.arg("-C").arg(chosen);
    }
    let status = command
        .args(flags.split('\x1f').filter(|flag| !flag.is_empty()))
        .args(["-C", &format!("link-arg={option}"), "-o"])
        .args([&made, &source])
        .stderr(Stdio::null())
        .status();
    Some(status.ok()?.success())
}
