//! What a person sees of the command line: every help text, every usage error, held in `tests/snapshots/`; and what happens
//! when nobody listens to standard output.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "support/commands.rs"]
mod commands;
mod snapshot;

use std::{
    fmt::Write as _,
    process::{Command, Output, Stdio},
};

use commands::COMMANDS;
use netproto::bench::limit::Limit;
use snapshot::{fresh, stale};

fn netproto(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netproto"));
    command.args(args).env("COLUMNS", "80").stdin(Stdio::null());
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "LISTEN_FDS", "LISTEN_PID"] {
        command.env_remove(name);
    }
    command
}

fn run(args: &[&str]) -> Output {
    netproto(args).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Standard output of a run that went well and said nothing else.
#[track_caller]
fn printed(args: &[&str]) -> String {
    let output = run(args);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{args:?}");
    text(&output.stdout).into()
}

#[test]
fn help_is_as_held_and_fits_80_columns() {
    let mut wrong = Vec::new();
    for command in COMMANDS {
        let help = printed(&[command, "--help"]);
        assert_eq!(help, printed(&[command, "-h"]), "one help, not two");
        assert_eq!(help, printed(&["help", command]));
        wrong.extend(
            help.lines().filter(|line| line.chars().count() > 80).map(|line| format!("{command}: too wide: {line}")),
        );
        wrong.extend(stale(&format!("tests/snapshots/help/{command}.txt"), &help));
    }
    let first = printed(&["--help"]);
    wrong.extend(first.lines().filter(|line| line.chars().count() > 80).map(|line| format!("too wide: {line}")));
    wrong.extend(stale("tests/snapshots/help/netproto.txt", &first));
    fresh(&wrong);
}

/// Also where nobody says how wide a line may be: in a pipe, in a pager, in a mail.
#[test]
fn every_screen_fits_80_columns() {
    let mut wrong = Vec::new();
    let mut look = |args: &[&str]| {
        let output = netproto(args).env_remove("COLUMNS").output().unwrap();
        let wide = |line: &&str| line.chars().count() > 80;
        wrong.extend(text(&output.stdout).lines().filter(wide).map(|line| format!("{args:?}: too wide: {line}")));
    };
    for command in COMMANDS {
        look(&[command, "--help"]);
    }
    look(&["protocols"]);
    for row in netproto::protocol::ALL {
        look(&["protocols", row.name]);
        look(&["explain", row.name]);
    }
    fresh(&wrong);
}

#[test]
fn the_first_screen_comes_without_a_command_too() {
    let bare = run(&[]);
    assert_eq!((text(&bare.stdout), text(&bare.stderr)), (printed(&["--help"]).as_str(), ""));
    assert_eq!(bare.status.code(), Some(2), "a script that lost its command does not go on");
    assert_eq!(printed(&["help"]), printed(&["--help"]));
    assert_eq!(printed(&["--version"]), concat!("netproto ", env!("CARGO_PKG_VERSION"), "\n"));
}

/// What `--fail-if` takes left of the comparison.
#[test]
fn help_names_every_limit() {
    let help = printed(&["bench", "--help"]);
    let limits = help.lines().find_map(|line| line.strip_prefix("Limits: ")).unwrap();
    let listed: Vec<_> = limits.split(|letter: char| letter.is_whitespace() || ",;()".contains(letter)).collect();
    for name in ["p50", "mean", "min", "max", "errors", "loss", "rate"] {
        assert!(
            Limit::parse(&format!("{name}>1%")).is_ok() || Limit::parse(&format!("{name}>1s")).is_ok() || name == "rate"
        );
        assert!(listed.iter().any(|word| word.trim_end_matches('.') == name), "no {name} in: {limits}");
    }
}

#[test]
fn protocols_are_listed() {
    let mut wrong: Vec<String> = stale("tests/snapshots/protocols.txt", &printed(&["protocols"])).into_iter().collect();
    wrong.extend(stale("tests/snapshots/protocols-processed.txt", &printed(&["protocols", "processed"])));
    wrong.extend(stale("tests/snapshots/protocols-chargen.txt", &printed(&["protocols", "chargen"])));
    wrong.extend(stale("tests/snapshots/protocols-dns.txt", &printed(&["protocols", "dns"])));
    fresh(&wrong);
    let all: serde_json::Value = serde_json::from_str(&printed(&["protocols", "-J"])).unwrap();
    assert_eq!(all["protocols"].as_array().unwrap().len(), netproto::protocol::ALL.len());
    let one: serde_json::Value = serde_json::from_str(&printed(&["protocols", "-J", "echo"])).unwrap();
    assert_eq!((one["name"].as_str(), one["port"].as_u64()), (Some("echo"), Some(7)));
}

#[test]
fn every_protocol_is_explained_in_80_columns() {
    let mut wrong = Vec::new();
    for row in netproto::protocol::ALL {
        let told = printed(&["explain", row.name]);
        wrong.extend(told.lines().filter(|line| line.chars().count() > 80).map(|line| format!("too wide: {line}")));
        wrong.extend(stale(&format!("tests/snapshots/explain/{}.txt", row.name), &told));
        let json: serde_json::Value = serde_json::from_str(&printed(&["explain", "-J", row.name])).unwrap();
        assert_eq!((json["schema_version"].as_u64(), json["name"].as_str()), (Some(1), Some(row.name)));
        let picture = json["messages"][0]["picture"].as_array().unwrap();
        assert!(picture.iter().all(|line| told.contains(line.as_str().unwrap())), "one picture, not two: {json}");
        for list in ["messages", "states", "courses", "limits", "sections"] {
            assert!(!json[list].as_array().unwrap().is_empty(), "{}: no {list}", row.name);
        }
    }
    fresh(&wrong);
}

/// Wrong command lines, by the file that holds what they get.
const WRONG: &[(&str, &[&[&str]])] = &[
    (
        "commands",
        &[
            &["sned"],
            &["serve", "8080"],
            &["client"],
            &["perf"],
            &["relay", "1", "2"],
            &["list"],
            &["8080"],
            &["localhost:8080"],
            &["zzz"],
            &["--verbose"],
            &["-p", "8080"],
            &["--color", "pink", "send"],
            &["--color"],
            &["help", "sned"],
        ],
    ),
    (
        "serve",
        &[
            &["serve-tcp"],
            &["serve-udp"],
            &["serve-unix"],
            &["serve"],
            &["serve", "ehco", "8080"],
            &["serve", "raw", "8080"],
            &["serve", "processed"],
            &["serve", "echo", "udp://:8080"],
            &["serve", "echo", "http://:8080"],
            &["serve", "echo", "8080", "-P", "echo"],
            &["serve", "echo", "-p", "8080"],
            &["serve", "echo", "8080", "-u"],
            &["serve-tcp", "echo://:8080"],
            &["serve-tcp", "8080", "9090"],
            &["serve-tcp", "udp://:8080"],
            &["serve-tcp", "0", "-p", "8080"],
            &["serve-tcp", "0", "-p", "dealy=1s"],
            &["serve-tcp", "0", "-p", "delay=soon"],
            &["serve-tcp", "0", "-P", "htpp"],
            &["serve-tcp", "0", "-P", "ehco"],
            &["serve-tcp", "0", "-P", "raw"],
            &["serve-tcp", "0", "-P", "qotd", "--framing", "lines"],
            &["serve-tcp", "0", "--framing", "linse"],
            &["serve-tcp", "0", "--framing", "delimiter:"],
            &["serve-tcp", "0", "--max-frame", "1K"],
            &["serve-tcp", "0", "--idle-timout", "1s"],
            &["serve-tcp", "0", "-m", "0"],
            &["serve-tcp", "0", "-t", "1M"],
            &["serve-tcp", "0", "-i"],
            &["serve-tcp", "0", "-i", "10q"],
            &["serve-tcp", "0", "-i", "0"],
            &["serve-tcp", "0", "--dscp", "64"],
            &["serve-tcp", "0", "--ttl", "0"],
            &["serve-tcp", "0", "--mss", "9"],
            &["serve-tcp", "0", "-4", "-6"],
            &["serve-tcp", "0", "-v", "-q"],
            &["serve-tcp", "0", "-x=1"],
            &["serve-tcp", "0", "-e", "/bin/cat"],
            &["serve-tcp", "-l", "8080"],
            &["serve-tcp", "-u", "8080"],
            &["serve-tcp", "0", "-w", "3"],
            &["serve-udp", "0", "-m", "3"],
            &["serve-udp", "0", "--join", "10.0.0.1"],
            &["serve-unix", "/tmp/s", "--max-peers", "3"],
            &["serve-unix", "/tmp/s", "--datagram", "-m", "3"],
        ],
    ),
    (
        "send",
        &[
            &["send"],
            &["send", "udp"],
            &["send", "unix"],
            &["send", "echo"],
            &["send", "processed", "localhost"],
            &["send", "echo", "udp"],
            &["send", "processed", "tcp", "localhost:1"],
            &["send", "echo", "unix", "/tmp/s"],
            &["bench", "echo", "udp"],
            &["send", "ehco", "localhost:1", "x"],
            &["send", "ehco://localhost:1", "x"],
            &["send", "gopher://localhost:1", "x"],
            &["send", "echo://localhost/a", "x"],
            &["send", "echo", "localhost:1", "x", "-P", "discard"],
            &["send", "discard", "echo://localhost:1", "x"],
            &["send", "localhost"],
            &["send", "tcp", "localhost", "8080", "hi"],
            &["send", "localhost", "8080"],
            &["send", "-p", "8080", "localhost"],
            &["send", "udp", "tcp://localhost:1"],
            &["send", "localhost:1", "x", "--datagram"],
            &["send", "localhost:1", r"\q"],
            &["send", "localhost:1", "x", "-"],
            &["send", "localhost:1", "x", "-f", "file"],
            &["send", "localhost:1", "-5"],
            &["send", "localhost:1", "x", "-P", "daytime"],
            &["send", "localhost:1", "x", "-P", "discard", "--expect", "y"],
            &["send", "localhost:1", "x", "--expect", "a", "--expect-hex", "0a"],
            &["send", "localhost:1", "x", "--expect-hex", "0g"],
            &["send", "localhost:1", "x", "--expect-re", "("],
            &["send", "localhost:1", "x", "-s", "nowhere"],
            &["send", "localhost:1", "x", "-4", "-s", "::1"],
            &["send", "localhost:1", "x", "-z"],
            &["send", "udp", "localhost:1", "-z"],
            &["send", "udp", "localhost:1", "x", "--mss", "1400"],
            &["send", "localhost:1", "x", "-u"],
            &["send", "localhost:1", "x", "-c", "3"],
            &["send", "localhost:1", "x", "-L"],
            &["send", "localhost:1", "x", "-w", "-1"],
            &["send", "localhost:1", "x", "--tiemout", "1s"],
            &["send", "tcp", "localhost:1", "hi", "--retry-delay", "1s"],
            &["send", "localhost:1", "hi", "--interval=1s", "--retry", "2"],
            &["send", "-z", "localhost:1", "--interval", "1s"],
        ],
    ),
    (
        "bench",
        &[
            &["bench"],
            &["bench", "raw"],
            &["bench", "ehco", "localhost:1"],
            &["bench", "echo", "-P", "discard"],
            &["bench", "tcp", "-R"],
            &["bench", "tcp", "-P", "8"],
            &["bench", "tcp", "-t", "10s"],
            &["bench", "tcp", "-w", "256K"],
            &["bench", "tcp", "-c", "0"],
            &["bench", "tcp", "-t", "1025"],
            &["bench", "tcp", "-n", "2m"],
            &["bench", "tcp", "-n", "1.5"],
            &["bench", "tcp", "-d", "1parsec"],
            &["bench", "tcp", "-d", "1s", "-n", "5"],
            &["bench", "tcp", "-r", "fast"],
            &["bench", "tcp", "-r", "0"],
            &["bench", "tcp", "-r", "1k", "-b", "1M"],
            &["bench", "tcp", "-l", "0"],
            &["bench", "tcp", "-l", "64Q"],
            &["bench", "udp", "-l", "7"],
            &["bench", "udp", "127.0.0.1:1", "-l", "65508"],
            &["bench", "udp", "-l", "65497"],
            &["bench", "tcp", "--framing", "int8", "-l", "300"],
            &["bench", "tcp", "-P", "raw"],
            &["bench", "tcp", "localhost:1", "-p", "delay=1s"],
            &["bench", "tcp", "--arrivals", "posson"],
            &["bench", "tcp", "--arrivals", "poisson"],
            &["bench", "tcp", "-P", "chargen", "-r", "1k"],
            &["bench", "tcp", "-P", "daytime", "-l", "9"],
            &["bench", "udp", "--reconnect"],
            &["bench", "tcp", "--reconnect", "--in-flight", "2"],
            &["bench", "tcp", "--fail-if", "p99"],
            &["bench", "tcp", "--fail-if", "beauty<1"],
            &["bench", "tcp", "-J", "--json-stream"],
            &["bench", "tcp", "--shard", "4/3"],
            &["bench", "tcp", "--shard", "2"],
            &["bench", "tcp", "-c", "2", "--shard", "3/3"],
            &["bench", "tcp", "-n", "2", "--shard", "3/3"],
            &["bench", "tcp", "--start-at", "noon"],
            &["bench", "tcp", "--start-at", "1700000000.x"],
        ],
    ),
    (
        "more",
        &[
            &["protocols", "ehco"],
            &["protocols", "echo", "discard"],
            &["explain"],
            &["explain", "ehco"],
            &["explain", "echo", "discard"],
            &["completions"],
            &["completions", "csh"],
            &["completions", "bsh"],
            &["completions", "tcsh"],
            &["compare", "a.json"],
            &["compare", "-", "-"],
            &["compare", "a.json", "b.json", "--fail-if", "p99>5ms"],
            &["compare", "a.json", "b.json", "--fail-if", "p99 worse"],
            &["compare", "a.json", "b.json", "--fail-if", "max worse 5%"],
            &["merge", "a.json"],
            &["merge", "a.json", "a.json"],
            &["report"],
            &["report", "a.json", "a.json"],
            &["report", "a.json", "--html", "a.json"],
            &["man", "send"],
            &["man", "--dir"],
        ],
    ),
];

#[test]
fn usage_errors_are_one_sentence_and_a_hint() {
    let mut wrong = Vec::new();
    for (name, lines) in WRONG {
        let mut told = String::new();
        for args in *lines {
            let output = run(args);
            let stderr = text(&output.stderr);
            assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{args:?}: {stderr}");
            assert!(stderr.starts_with("netproto: "), "{args:?}: {stderr}");
            assert_eq!(stderr.lines().filter(|line| line.starts_with("hint: ")).count(), 1, "{args:?}: {stderr}");
            assert_eq!(stderr.lines().count(), 2, "{args:?}: {stderr}");
            assert!(stderr.lines().all(|line| line.chars().count() <= 80), "{args:?}: {stderr}");
            writeln!(told, "$ netproto {}\n{stderr}", args.join(" ")).unwrap();
        }
        wrong.extend(stale(&format!("tests/snapshots/usage/{name}.txt"), &told));
    }
    fresh(&wrong);
}

#[test]
fn arguments_that_are_no_text_are_told_of() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let output = netproto(&["serve-tcp"]).arg(OsStr::from_bytes(b"\xff:1")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("not UTF-8"), "{}", text(&output.stderr));
    let output = netproto(&["serve-tcp", "0", "-P"]).arg(OsStr::from_bytes(b"\xff")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("not UTF-8"), "{}", text(&output.stderr));
}

#[test]
fn a_closed_stdout_ends_quietly() {
    for args in [&["--help"][..], &["bench", "--help"], &["protocols"], &["completions", "bash"], &["man"], &["--version"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = netproto(args).stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{args:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_stdout_is_an_error() {
    for args in [&["--help"][..], &["protocols"], &["completions", "bash"], &["man"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = netproto(args).stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert_eq!(
            text(&output.stderr),
            "netproto: could not write to standard output: no space left on device\n",
            "{args:?}"
        );
    }
}

#[test]
fn colour_is_for_terminals_and_who_asks() {
    let escape = |args: &[&str]| run(args).stdout.contains(&0x1b) || run(args).stderr.contains(&0x1b);
    assert!(!escape(&["--help"]) && !escape(&["sned"]) && !escape(&["bench", "-h"]));
    assert!(escape(&["--color", "always", "--help"]) && escape(&["sned", "--color=always"]));
    assert!(escape(&["bench", "--color=always", "-h"]));
    let silenced = netproto(&["--help"]).env("NO_COLOR", "1").env("CLICOLOR_FORCE", "0").output().unwrap();
    assert!(!silenced.stdout.contains(&0x1b));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_stderr_changes_no_exit_code() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert_eq!(netproto(&["sned"]).stderr(full).status().unwrap().code(), Some(2));
}
