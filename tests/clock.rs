//! The clock on the wall is set, an hour on or an hour back, while a run goes on: what is measured and what is limited goes by
//! one that nobody sets.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{collections::BTreeSet, time::Duration};

use support::{
    Folder, PATIENCE, Process, Server, netproto, peer,
    report::{count, hold_against_the_schema, number},
};

/// A clock on the wall that goes as far wrong as a file says, in seconds, once that is there; others go right.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *at) {
    int result = (int)syscall(SYS_clock_gettime, id, at);
    int file = id == CLOCK_REALTIME ? open(getenv("CLOCK_IS_OFF_BY"), O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        char text[32] = {0};
        if (read(file, text, sizeof text - 1) > 0) at->tv_sec += atol(text);
        close(file);
    }
    return result;
}
"#;

/// A clock that can be set, for programs that are run with it.
struct Clock {
    folder: Folder,
    library: String,
}

impl Clock {
    fn new(name: &str) -> Option<Self> {
        let gcc = peer("gcc")?;
        let folder = Folder::new(name);
        let (source, library) = (folder.file("shim.c", SHIM), folder.join("shim.so"));
        gcc.args(&["-shared", "-fPIC", "-O1", "-o", &library, &source]).run().code(0);
        Some(Self { folder, library })
    }

    fn run(&self, args: &[&str]) -> Process {
        let off = self.folder.join("off");
        netproto(args).env("LD_PRELOAD", &self.library).env("CLOCK_IS_OFF_BY", off).spawn()
    }

    fn set(&self, off_by: &str) {
        // Whole or not at all: it may be read meanwhile.
        let whole = self.folder.file("next", off_by);
        std::fs::rename(whole, self.folder.join("off")).unwrap();
    }
}

/// The clock does go wrong, or nothing here would be tested.
#[test]
fn the_clock_can_be_set() {
    let Some(clock) = Clock::new("clock-set") else { return };
    let hour = |off_by| {
        clock.set(off_by);
        let mut server = clock.run(&["serve-tcp", "127.0.0.1:0", "-P", "time", "-1", "-J"]);
        let line = server.stdout.line(PATIENCE, "listening").unwrap();
        server.signal(rustix::process::Signal::INT);
        server.wait().code(0);
        let at: serde_json::Value = serde_json::from_str(&line).unwrap();
        at["time"].as_str().unwrap().to_owned()
    };
    let all: BTreeSet<_> = ["-360000", "0", "360000"].map(hour).into();
    assert_eq!(all.iter().map(|time| &time[..10]).collect::<BTreeSet<_>>().len(), 3, "{all:?}");
}

#[test]
fn a_run_measures_the_same_whatever_the_clock_is_set_to() {
    let Some(clock) = Clock::new("clock-run") else { return };
    let server = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", "echo"]);
    for (off_by, load) in [("3600", &["-r", "200"][..]), ("-3600", &["-r", "200"]), ("3600", &[]), ("-3600", &[])] {
        clock.set("0");
        let target = server.at();
        let args = ["bench", "tcp", &target, "-P", "echo", "-c", "2", "-d", "1500ms", "-i", "100ms", "--json-stream"];
        let mut run = clock.run(&[&args[..], load].concat());
        run.stdout.line(PATIENCE, "\"from_s\":0.4").unwrap_or_else(|| panic!("{}", run.said()));
        clock.set(off_by);
        let output = run.wait_within(Duration::from_secs(20));
        let mut lines = output.code(0).json_lines();
        let report = lines.pop().unwrap();
        hold_against_the_schema(&report);
        assert!((number(&report, "/duration_s") - 1.5).abs() < 1e-6, "{output}");
        assert_eq!(count(&report, "/failures/total"), 0, "{output}");
        assert!(number(&report, "/latency_us/max") < 1.5e6, "{output}");
        assert!(number(&report, "/generator/stood_still_s") < 0.5, "{output}");
        assert!(report.get("outages").is_none(), "{output}");
        let ends: Vec<_> = lines.iter().map(|piece| number(piece, "/to_s")).collect();
        assert!(ends.is_sorted() && ends.last().is_some_and(|end| (end - 1.5).abs() < 1e-6), "{ends:?}");
        if !load.is_empty() {
            assert_eq!(count(&report, "/requests"), 300, "{output}");
        }
    }
}
