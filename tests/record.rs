//! What `-J` keeps of a run: it comes back as it was, and each file that is something else says what it is.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, SystemTime};

use netproto::{
    bench::{
        Arrivals,
        failure::Failure,
        outage::Outage,
        packed::Packed,
        record::{Keeper, Made, Record},
        report::json,
        results::{About, Generator, Model, Results},
        shard::Shard,
        stats::Tally,
    },
    os::Machine,
};
use serde_json::Value;
use support::{
    record::{TICK, nothing},
    report::hold_against_the_schema,
};

fn about(seed: u64) -> About {
    About {
        transport: "udp",
        datagrams: true,
        connections: 3,
        threads: 2,
        in_flight: None,
        repeats: true,
        model: Model::Open { rate: 428.5, arrivals: Arrivals::Poisson },
        timeout: Duration::from_secs(1),
        ramp: Duration::from_millis(500),
        seed,
        shard: Shard { index: 1, of: 3 },
        command: "netproto bench udp localhost:8080 -r 428.5".into(),
        ..nothing(seed).about
    }
}

/// An open loop over datagrams in which everything happens that can be counted.
fn run(seed: u64) -> Results {
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut totals, mut keeper) = (Tally::default(), Keeper::new(TICK));
    for tick in 0..8 {
        let mut tally = Tally::default();
        for _ in 0..random.u64(50..100) {
            let ns = random.u64(200_000..3_000_000);
            tally.right(ns, Some(ns / 2));
            tally.send_lag.saturating_record(ns / 100);
        }
        tally.failed_as(Failure::TimedOut, None);
        tally.failed_times(Failure::TimedOut, 4);
        tally.failed_times(Failure::Late, 2);
        tally.failed_as(Failure::Corrupted, Some("expected \"a\\x1b\", got \"b\"".into()));
        tally.connect.saturating_record(50_000);
        tally.phases.record("body", 1000 + u64::from(tick));
        tally.phases.record("body", 0);
        let counters = &mut tally.counters;
        (counters.sent, counters.bytes_sent, counters.bytes_received) = (107, 6400, 6300);
        (counters.connects, counters.peer_closes, counters.datagrams_received) = (1, 2, 99);
        (counters.duplicated, counters.reordered, counters.unsolicited, counters.unreachable) = (3, 4, 5, 6);
        keeper.take(tick, &tally);
        keeper.complete(tick + 1);
        totals.add(&tally);
    }
    Results {
        about: about(seed),
        started_at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_250),
        duration: TICK * 8,
        silence: Duration::from_millis(7),
        totals,
        generator: Generator {
            cpu_percent: 88.125,
            busiest_percent: 45.5,
            starved_percent: 3.25,
            stood_still: TICK,
            saturated: true,
        },
        machine: Some(Machine {
            host: "one".into(),
            kernel: "Linux 6.18.0 x86_64".into(),
            cpus: 2,
            cpu: Some("A Processor".into()),
        }),
        pieces: keeper.end(TICK * 8),
        outages: vec![Outage { from: TICK, to: TICK * 3, connections: 2, over: true }],
        ..nothing(seed)
    }
}

fn written(runs: &[Results]) -> String {
    let text = json::result(&Results::together(runs).unwrap(), runs, &[], None, false);
    hold_against_the_schema(&serde_json::from_str(&text).unwrap());
    text
}

#[track_caller]
fn same(read: &Results, was: &Results) {
    assert_eq!(read.about, was.about);
    assert_eq!((read.started_at, read.duration, read.silence), (was.started_at, was.duration, was.silence));
    assert_eq!((read.generator, read.interrupted, &read.machine), (was.generator, was.interrupted, &was.machine));
    assert_eq!(read.totals.counters, was.totals.counters);
    assert_eq!(read.totals.examples, was.totals.examples);
    let histograms = |tally: &Tally| {
        let phases = tally.phases.seen().map(|phase| (phase.name.to_owned(), phase.times.clone(), phase.together));
        let all = [&tally.latency, &tally.as_sent, &tally.connect, &tally.send_lag].map(Clone::clone);
        (all, phases.collect::<Vec<_>>())
    };
    assert_eq!(histograms(&read.totals), histograms(&was.totals));
    assert_eq!((&read.pieces, &read.outages), (&was.pieces, &was.outages));
}

#[test]
fn what_is_read_is_what_was_written() {
    let was = run(1);
    assert_eq!(was.pieces.len(), 8);
    let read = Record::read(&written(std::slice::from_ref(&was)), "run.json").unwrap();
    assert_eq!((read.made, read.parts.len(), read.version.as_str()), (Made::Once, 0, env!("CARGO_PKG_VERSION")));
    same(&read.all, &was);
    let mut sum = Packed::default();
    for piece in &read.all.pieces {
        sum.add(&piece.latency);
    }
    assert_eq!(sum, Packed::of(&was.totals.latency), "the intervals are the whole");
}

#[test]
fn repeats_come_back_each_with_its_course() {
    let runs = [run(1), run(2), run(3)];
    let read = Record::read(&written(&runs), "run.json").unwrap();
    assert_eq!((read.made, read.runs().len()), (Made::InTurn, 3));
    for (read, was) in read.parts.iter().zip(&runs) {
        same(read, was);
    }
    same(&read.all, &Results::together(&runs).unwrap());
    assert_eq!((read.all.pieces.len(), read.all.pieces[23].to), (24, TICK * 24), "one after another");
}

fn told(text: &str) -> (String, String) {
    let trouble = Record::read(text, "run.json").expect_err("it is wrong");
    (trouble.sentence, trouble.hint.unwrap_or_default())
}

#[test]
fn each_wrong_file_says_what_it_is() {
    let text = written(&[run(1)]);
    for (text, sentence) in [
        (String::new(), "run.json is empty"),
        ("bench tcp 127.0.0.1:8080 · processed · 50 connections\n".into(), "run.json is a report for people, not JSON"),
        ("hello\n".into(), "run.json is not JSON: expected value at line 1 column 1"),
        ("{\"a\": 1}".into(), "run.json is JSON, but no report of netproto bench"),
        ("[]".into(), "run.json is JSON, but no report of netproto bench"),
        (
            "{\"type\":\"interval\",\"run\":1}\n{\"type\":\"result\"}\n".into(),
            "run.json is a stream of objects (--json-stream), not one document",
        ),
        (text[..text.len() / 2].into(), "run.json ends in the middle: cut off within a string at line 1 column "),
        (
            text.replace("\"schema_version\":1", "\"schema_version\":7"),
            "run.json has form 7 of the report, and this netproto knows forms up to 1",
        ),
    ] {
        let (said, hint) = told(&text);
        assert!(said.starts_with(sentence), "{said}");
        assert!(!hint.is_empty() && !said.contains('\n') && !said.ends_with('.'), "{said}: {hint}");
    }
    assert!(told(&text.replace("\"schema_version\":1", "\"schema_version\":7")).1.contains("netproto 0.1.0 wrote it"));
}

#[test]
fn what_is_wrong_within_is_named_by_its_place() {
    let document: Value = serde_json::from_str(&written(&[run(1)])).unwrap();
    let spoiled = |at: &str, with: Value| {
        let mut document = document.clone();
        *document.pointer_mut(at).unwrap() = with;
        told(&document.to_string()).0
    };
    for (at, with, clause) in [
        ("/requests", "many".into(), "requests is no count"),
        ("/requests", Value::Null, "requests is missing"),
        ("/requests", (-1).into(), "requests is no count"),
        ("/duration_s", (-1.0).into(), "duration_s is no length of time"),
        ("/load/model", "chaos".into(), "load.model is none that this netproto knows"),
        ("/started_at", "today".into(), "started_at is no time"),
        ("/intervals/3/requests", Value::Null, "intervals[3].requests is missing"),
        ("/intervals/3/from_s", 0.0.into(), "its intervals overlap at 0.000 s"),
        ("/intervals/3/to_s", 0.0.into(), "an interval ends at 0.000 s, before it begins"),
        ("/intervals", 5.into(), "intervals is no list"),
        ("/histogram", "AAAA".into(), "the histogram histogram is broken: it is no HdrHistogram"),
        ("/intervals/2/histogram", "%".into(), "the histogram intervals[2].histogram is broken: it is no base64"),
        ("/generator/histogram_send_lag", 5.into(), "generator.histogram_send_lag is no text"),
    ] {
        let said = spoiled(at, with);
        assert!(said.starts_with("run.json is no whole report of bench -J: ") && said.contains(clause), "{at}: {said}");
    }
}

#[test]
fn what_a_file_says_is_only_shown() {
    let text = written(&[run(1)]).replace("127.0.0.1:8080", "evil\\u001b[2J\\u202eback");
    let read = Record::read(&text, "run.json").unwrap();
    assert_eq!(read.all.about.target, "evil\\x1b[2J\\u{202e}back");
}
