//! Has the linker pack the relocations of the program, a twentieth of its size, where the system that builds it can load that:
//! glibc reads them since 2.36 (2022). Elsewhere it is built as ever.

#![allow(clippy::print_stdout, reason = "so it speaks to cargo")]

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |key: &str, value: &str| env::var(key).is_ok_and(|given| given == value);
    let at_home = env::var("HOST").is_ok_and(|host| is("TARGET", &host));
    if at_home && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") && packed_is_read() {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Does the C library of this system read packed relocations?
fn packed_is_read() -> bool {
    let version = || {
        let said = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
        let text = String::from_utf8(said.stdout).ok()?;
        let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.split('.').next()?.parse::<u32>().ok()?))
    };
    version().is_some_and(|version| version >= (2, 36))
}
