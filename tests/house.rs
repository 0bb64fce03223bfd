//! The rules of the house, held by a test: who may use whom, what a file looks like, where `unsafe` and clocks may be.
//!
//! The rules themselves are the tables in `house/rules.rs`. Each check is also shown a bad snippet, so that it is known to
//! be able to fail. A breach is told as `file:line: what`.

// A test that cannot read the sources should say so at once.
#![allow(clippy::unwrap_used)]

#[path = "house/paths.rs"]
mod paths;
#[path = "house/rules.rs"]
mod rules;
#[path = "house/tokens.rs"]
mod tokens;

use std::{fs, path::Path};

use rules::{Breach, File};

/// Every Rust file under these folders, as (path from the root, text).
fn sources(folders: &[&str]) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut waiting: Vec<_> = folders.iter().map(|folder| root.join(folder)).filter(|folder| folder.is_dir()).collect();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Every dependency of Cargo.toml, as it is written in code.
fn known_crates() -> Vec<String> {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let mut in_dependencies = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = line.ends_with("dependencies]");
        } else if let Some((name, _)) = line.split_once('=').filter(|_| in_dependencies) {
            names.push(name.trim().replace('-', "_"));
        }
    }
    names
}

fn protocol_names() -> Vec<&'static str> {
    netproto::protocol::ALL.iter().map(|protocol| protocol.name).collect()
}

/// Holds every file to a check, and fails with all breaches at once.
#[track_caller]
fn hold(folders: &[&str], check: impl Fn(&File<'_>) -> Vec<Breach>) {
    let files = sources(folders);
    assert!(files.iter().any(|(path, _)| path == "src/lib.rs"), "the sources were not found");
    let breaches: Vec<String> =
        files.iter().flat_map(|(path, text)| check(&File { path, text })).map(|breach| breach.to_string()).collect();
    assert!(breaches.is_empty(), "{} breaches of the house rules:\n{}", breaches.len(), breaches.join("\n"));
}

/// What a check says of one snippet.
fn told(path: &str, text: &str, check: impl Fn(&File<'_>) -> Vec<Breach>) -> Vec<String> {
    check(&File { path, text }).iter().map(ToString::to_string).collect()
}

#[test]
fn modules_use_only_what_their_room_may() {
    let known = known_crates();
    assert!(known.iter().any(|name| name == "tokio"), "Cargo.toml was not read: {known:?}");
    hold(&["src"], |file| rules::imports(file, &known));
}

#[test]
fn pure_modules_see_no_socket_file_or_printer() {
    hold(&["src"], rules::purity);
}

#[test]
fn clocks_are_read_in_few_places() {
    hold(&["src"], rules::clocks);
}

#[test]
fn files_are_short_named_and_documented() {
    hold(&["src", "tests"], rules::shape);
}

#[test]
fn unsafe_lives_in_os() {
    hold(&["src", "tests"], rules::safety);
}

#[test]
fn the_tables_allow_only_what_is_done() {
    let sources = sources(&["src"]);
    let files: Vec<_> = sources.iter().map(|(path, text)| File { path, text }).collect();
    assert_eq!(rules::unused(&files), [""; 0]);
    let none = rules::unused(&[File { path: "src/session/x.rs", text: "use bytes::Bytes; use super::super::values;" }]);
    for told in
        ["session does not use memchr", "role does not use session", "src/bench/report/bars.rs does not use owo_colors"]
    {
        assert!(none.iter().any(|said| said == told), "{told}: {none:?}");
    }
    assert!(none.contains(&"src/os/ reads no clock".to_owned()));
    assert!(!none.iter().any(|said| said == "session does not use bytes" || said == "session does not use values"));
}

#[test]
fn no_decision_by_a_protocol_name() {
    let names = protocol_names();
    hold(&["src"], |file| rules::names_in_decisions(file, &names));
}

#[test]
fn imports_can_fail() {
    let known = known_crates();
    let check = |file: &File<'_>| rules::imports(file, &known);
    let cases = [
        ("src/session/x.rs", "use tokio::net::TcpStream;", "src/session/x.rs:1: session may not use the crate tokio"),
        ("src/session/x.rs", "\nuse super::super::role;", "src/session/x.rs:2: session may not use crate::role"),
        ("src/session/mod.rs", "use super::role::serve;", "src/session/mod.rs:1: session may not use crate::role"),
        (
            "src/protocol/x.rs",
            "fn f() { crate::transport::open() }",
            "src/protocol/x.rs:1: protocol may not use crate::transport",
        ),
        (
            "src/protocol/x.rs",
            "use crate::{session::Cx,\n  cli::Args};",
            "src/protocol/x.rs:2: protocol may not use crate::cli",
        ),
        (
            "src/protocol/x.rs",
            "#[derive(clap::Parser)] struct A;",
            "src/protocol/x.rs:1: protocol may not use the crate clap",
        ),
        ("src/transport/x.rs", "use {crate::bench};", "src/transport/x.rs:1: transport may not use crate::bench"),
        (
            "src/transport/x.rs",
            "mod a { mod b { use super::super::super::super::role::x; } }",
            "src/transport/x.rs:1: transport may not use crate::role",
        ),
        ("src/role/x.rs", "use owo_colors::OwoColorize as _;", "src/role/x.rs:1: role may not use the crate owo_colors"),
        (
            "src/bench/engine.rs",
            "use owo_colors::OwoColorize;",
            "src/bench/engine.rs:1: bench may not use the crate owo_colors",
        ),
        ("src/bench/x.rs", "use crate::cli;", "src/bench/x.rs:1: bench may not use crate::cli"),
        ("src/values/x.rs", "use crate::session::Cx;", "src/values/x.rs:1: values may not use crate::session"),
        ("src/attic/x.rs", "", "src/attic/x.rs:1: is in no room of the table in tests/house/rules.rs"),
    ];
    for (path, text, expected) in cases {
        assert_eq!(told(path, text, check), [expected], "{text}");
    }
}

#[test]
fn imports_that_are_allowed_pass() {
    let known = known_crates();
    let check = |file: &File<'_>| rules::imports(file, &known);
    let cases = [
        ("src/session/x.rs", "use super::Event; use bytes::Bytes; use std::net::SocketAddr;"),
        ("src/session/x.rs", "// use tokio::net;\nconst A: &str = \"crate::role::x\"; /* crate::role::x */"),
        (
            "src/session/x.rs",
            "const A: &str = r#\"crate::role\"::x\"#; const B: char = '\"'; const C: &'static str = \"\\\"\";",
        ),
        ("src/session/x.rs", "#[cfg(test)]\nmod tests { use tokio::net; fn f(a: [u8; 2]) { crate::role::x() } }"),
        ("src/protocol/x.rs", "mod inner { use super::super::ALL; use crate::session::Cx; }"),
        ("src/bench/report/text.rs", "use owo_colors::OwoColorize;"),
        ("src/cli/x.rs", "use clap::Parser; use crate::{bench, role};"),
        ("src/main.rs", "fn main() { netproto::cli::run() }"),
    ];
    for (path, text) in cases {
        assert_eq!(told(path, text, check), [""; 0], "{text}");
    }
}

#[test]
fn purity_can_fail() {
    let cases = [
        ("use std::net::{IpAddr, TcpStream};", "session is pure and may not use std::net::TcpStream"),
        ("use std::fs;", "session is pure and may not use std::fs"),
        ("use std::{io::{self, stdout}};", "session is pure and may not use std::io::stdout"),
        ("fn f() { std::process::exit(1) }", "session is pure and may not use std::process::exit"),
        ("fn f() { println!(\"x\") }", "session is pure and may not use println"),
        ("async fn f() {}", "session is pure and may not use async"),
    ];
    for (text, expected) in cases {
        assert_eq!(told("src/session/x.rs", text, rules::purity), [format!("src/session/x.rs:1: {expected}")], "{text}");
        assert_eq!(told("src/cli/x.rs", text, rules::purity), [""; 0], "{text}");
    }
}

#[test]
fn clocks_can_fail() {
    let text = "fn f(t: Instant) { let _ = SystemTime::now(); t.elapsed(); std::time::Instant::now(); }";
    let found = told("src/bench/stats.rs", text, rules::clocks);
    assert_eq!(
        found,
        [
            "src/bench/stats.rs:1: reads a clock: SystemTime::now",
            "src/bench/stats.rs:1: reads a clock: Instant::now",
            "src/bench/stats.rs:1: reads a clock: elapsed()",
        ]
    );
    assert_eq!(told("src/bench/engine/pace.rs", text, rules::clocks), [""; 0]);
    assert_eq!(told("src/bench/engines.rs", text, rules::clocks).len(), 3);
}

#[test]
fn shape_can_fail() {
    assert_eq!(told("src/x.rs", "use a;", rules::shape), ["src/x.rs:1: does not begin with a module doc (//!)"]);
    assert_eq!(told("src/x.rs", "#![no_main]\n\n//! x", rules::shape), [""; 0]);
    let long = "//! x\n".repeat(rules::MOST_LINES + 1);
    assert_eq!(told("src/x.rs", &long, rules::shape), ["src/x.rs:401: has 401 lines, at most 400 are allowed"]);
    for (path, part) in [("src/utils.rs", "utils"), ("src/role/conn_manager.rs", "manager"), ("src/common/mod.rs", "common")]
    {
        assert_eq!(told(path, "//! x", rules::shape), [format!("{path}:1: a name that says nothing: {part}")]);
    }
    assert_eq!(told("src/role/commons.rs", "//! x", rules::shape), [""; 0]);
}

#[test]
fn safety_can_fail() {
    let text = "// unsafe\n#[allow(unsafe_code)]\nfn f() { unsafe {} }";
    let expected = ["src/role/x.rs:2: unsafe_code outside src/os", "src/role/x.rs:3: unsafe outside src/os"];
    assert_eq!(told("src/role/x.rs", text, rules::safety), expected);
    assert_eq!(told("src/os/x.rs", text, rules::safety), [""; 0]);
}

#[test]
fn decisions_by_name_can_fail() {
    let check = |file: &File<'_>| rules::names_in_decisions(file, &["echo", "time"]);
    let bad = [
        "fn f() { match n { \"echo\" => 1, _ => 2 } }",
        "fn f() { match n { \"echo\" | \"other\" => 1, _ => 2 } }",
        "fn f() { match n { \"echo\" if x => 1, _ => 2 } }",
        "fn f() { if p.name == \"echo\" {} }",
        "fn f() { if \"echo\" != p.name {} }",
        "fn f() { matches!(row.name, \"echo\") }",
        "fn f() { std::matches!((row.name, x), (\"echo\", _)) }",
        "fn f() { p.name.eq(\"echo\") }",
        "fn f() { [\"echo\"].contains(&p.name) }",
    ];
    for text in bad {
        let expected = ["src/cli/x.rs:1: decides by the name of a protocol: \"echo\""];
        assert_eq!(told("src/cli/x.rs", text, check), expected, "{text}");
        assert_eq!(told("src/protocol/x.rs", text, check), [""; 0], "{text}");
    }
    let good = "fn f() { find(\"echo\"); find((x, \"echo\")); [\"echo\"].len(); match n { \"echoes\" => 1 } } #[cfg(test)] fn g(a: [u8; 2]) { n == \"echo\" }";
    assert_eq!(told("src/cli/x.rs", good, check), [""; 0]);
}
