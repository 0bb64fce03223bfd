//! Records of runs that never were, and files of them: for what compares and merges.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use netproto::{
    bench::{
        report::json,
        results::{About, Generator, Model, Results},
        shard::Shard,
        stats::Tally,
    },
    os::Machine,
    protocol::Answers,
};

use super::{netproto, report::hold_against_the_schema};

/// How often what is kept is cut.
pub const TICK: Duration = Duration::from_millis(250);

/// A run in which nothing happened, at a time of its own.
pub fn nothing(seed: u64) -> Results {
    let about = About {
        transport: "tcp",
        target: "127.0.0.1:8080".into(),
        protocol: "echo",
        datagrams: false,
        answers: Answers::Each,
        connections: 8,
        threads: 1,
        in_flight: Some(1),
        reconnect: false,
        repeats: false,
        model: Model::Closed,
        timeout: Duration::from_secs(10),
        spin: false,
        connect_rate: None,
        course: None,
        ramp: Duration::ZERO,
        omit: Duration::ZERO,
        seed: 0,
        shard: Shard::WHOLE,
        command: "netproto bench tcp localhost:8080 -c 8 -J".into(),
    };
    Results {
        about,
        started_at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seed),
        duration: Duration::ZERO,
        silence: Duration::ZERO,
        totals: Tally::default(),
        generator: Generator {
            cpu_percent: 50.0,
            busiest_percent: 50.0,
            starved_percent: 0.0,
            stood_still: Duration::ZERO,
            saturated: false,
        },
        quiet: Duration::ZERO,
        over_time: Vec::new(),
        outages: Vec::new(),
        changes: Vec::new(),
        held: None,
        server: None,
        answered: Vec::new(),
        interrupted: false,
        machine: Some(Machine { host: "one".into(), kernel: "Linux 6.18.0 x86_64".into(), cpus: 2, cpu: None }),
        pieces: Vec::new(),
    }
}

/// A file of this test program's own.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}.json", env!("CARGO_CRATE_NAME")))
}

/// Writes what `bench -J` would.
pub fn write(name: &str, runs: &[Results]) -> PathBuf {
    let text = json::result(&Results::together(runs).unwrap(), runs, &[], None, false);
    hold_against_the_schema(&serde_json::from_str(&text).unwrap());
    fs::write(path(name), text).unwrap();
    path(name)
}

/// Exit code, stdout and stderr.
pub fn ran(args: &[&str]) -> (Option<i32>, String, String) {
    let output = netproto(args).run();
    (Some(output.code), output.text(), output.stderr.clone())
}

/// As an argument.
pub fn typed(path: &Path) -> &str {
    path.to_str().unwrap()
}
