//! Merging and sharing: several generators are one, to the bit and to the request.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use netproto::bench::{
    Arrivals,
    compare::{
        figure::Figure,
        judge::{self, Verdict},
    },
    merge,
    packed::Packed,
    record::{Document, Keeper, Made, Record},
    results::{Model, Results},
    shard::Shard,
    stats::Tally,
};
use serde_json::Value;
use support::{
    record::{TICK, nothing, path, ran, typed, write},
    report::hold_against_the_schema,
};

/// One stream of latencies, dealt out to as many recorders as there are, with counters beside.
fn dealt(among: usize) -> Vec<Results> {
    let mut random = fastrand::Rng::with_seed(99);
    let mut hands: Vec<_> = (0..among).map(|_| (Tally::default(), Keeper::new(TICK))).collect();
    for tick in 0..12 {
        let mut tallies = vec![Tally::default(); among];
        for n in 0..500 {
            let ns = (300_000.0 * (1.0 - random.f64()).powf(-0.7)) as u64;
            let tally = &mut tallies[n % among];
            tally.right(ns, Some(ns / 2));
            tally.send_lag.saturating_record(ns / 9);
            tally.connect.saturating_record(ns / 3);
            tally.phases.record("body", ns / 5);
            tally.counters.sent += 1;
        }
        for ((totals, keeper), tally) in hands.iter_mut().zip(&tallies) {
            totals.add(tally);
            keeper.take(tick, tally);
            keeper.complete(tick + 1);
        }
    }
    let result = |(index, (totals, keeper)): (usize, (Tally, Keeper))| {
        let mut run = Results { totals, duration: TICK * 12, pieces: keeper.end(TICK * 12), ..nothing(1) };
        run.about.model = Model::Open { rate: 2000.0 / among as f64, arrivals: Arrivals::Constant };
        run.about.shard = Shard { index: index as u64, of: among as u64 };
        run
    };
    hands.into_iter().enumerate().map(result).collect()
}

fn document(record: Record) -> Document {
    Document::Requests(Box::new(record))
}

#[test]
fn one_stream_split_and_merged_is_the_same_bit_for_bit() {
    let whole = dealt(1).pop().unwrap();
    let packed = |tally: &Tally| {
        let body = tally.phases.seen().next().unwrap().times.clone();
        [&tally.latency, &tally.as_sent, &tally.send_lag, &tally.connect, &body].map(Packed::of)
    };
    for among in [2, 3, 7] {
        let parts = dealt(among);
        let files: Vec<_> = parts
            .iter()
            .enumerate()
            .map(|(at, part)| write(&format!("part-{among}-{at}"), std::slice::from_ref(part)))
            .collect();
        let merged = |files: &[&Path], into: &str| {
            let args: Vec<_> = ["merge", "-J"].into_iter().chain(files.iter().map(|file| typed(file))).collect();
            let (code, text, _) = ran(&args);
            assert_eq!(code, Some(0), "{text}");
            hold_against_the_schema(&serde_json::from_str(&text).unwrap());
            fs::write(path(into), &text).unwrap();
            Record::read(&text, "merged").unwrap()
        };
        // All at once, and some first.
        let files: Vec<_> = files.iter().map(PathBuf::as_path).collect();
        let all = merged(&files, &format!("all-{among}"));
        let some = merged(&files[..2], &format!("some-{among}"));
        assert_eq!(some.parts.len(), 2);
        let some = path(&format!("some-{among}"));
        let again = if among > 2 { merged(&[&[some.as_path()][..], &files[2..]].concat(), "again") } else { all.clone() };
        for record in [all, again] {
            assert_eq!((record.made, record.parts.len()), (Made::AtOnce, among));
            assert_eq!(packed(&record.all.totals), packed(&whole.totals), "{among} parts");
            assert_eq!(record.all.totals.counters, whole.totals.counters);
            assert_eq!(record.all.about.model, whole.about.model);
            assert_eq!(record.all.pieces, whole.pieces, "interval by interval");
            let rows = judge::rows(
                &document(Record::of(std::slice::from_ref(&whole), Vec::new()).unwrap()),
                &document(record),
                &Figure::USUAL,
                100,
            );
            assert!(rows.iter().all(|row| !matches!(row.verdict, Verdict::Better | Verdict::Worse)), "{rows:?}");
        }
    }
}

#[test]
fn what_does_not_belong_together_is_told() {
    let mut runs = dealt(3);
    assert!(merge::doubts(&runs).is_empty());
    runs[1].started_at += Duration::from_secs(90);
    runs[2].about.protocol = "http";
    let shard = runs[2].about.shard;
    runs[2].about.shard = runs[0].about.shard;
    let doubts = merge::doubts(&runs);
    for part in ["different protocols: echo, http", "began 90.0 s apart", "shard 1/3 is there 2 times"] {
        assert!(doubts.iter().any(|doubt| doubt.contains(part)), "{part}: {doubts:?}");
    }
    runs[2].about.shard = shard;
    runs.remove(1);
    assert!(merge::doubts(&runs).iter().any(|doubt| doubt == "shard 2/3 missing: the report is of a part of the load"));
}

#[test]
fn a_merged_report_in_80_columns() {
    let files: Vec<_> =
        dealt(3).iter().enumerate().map(|(at, run)| write(&format!("m-{at}"), std::slice::from_ref(run))).collect();
    let names: Vec<_> = files.iter().map(|file| typed(file)).collect();
    let (code, text, error) = ran(&[&["merge"][..], names.as_slice()].concat());
    assert_eq!((code, error.as_str()), (Some(0), ""), "{text}");
    for part in ["24 connections · 2,000/s constant", "  requests         6,000        2,000/s", "one 1/3", "one 3/3"] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80 && line == line.trim_end()), "{text}");
    // The same run under another name.
    fs::copy(&files[0], path("m-copy")).unwrap();
    let (code, _, error) = ran(&["merge", names[0], typed(&path("m-copy"))]);
    assert!(code == Some(1) && error.contains("the same run of one comes twice"), "{error}");
    let (_, _, error) = ran(&["merge", names[0], names[1]]);
    assert_eq!(error, "warning: shard 3/3 missing: the report is of a part of the load\n");
}

#[test]
fn shards_of_a_real_run_are_all_of_it() {
    let mut files = Vec::new();
    for shard in 1..=3 {
        let (shard, into) = (format!("{shard}/3"), path(&format!("real-{shard}")));
        let (code, text, error) =
            ran(&["bench", "tcp", "-c", "5", "-r", "2k", "-n", "1000", "--shard", &shard, "--start-at", "+100ms", "-J"]);
        assert_eq!(code, Some(0), "{error}");
        assert!(error.contains("starts in "), "{error}");
        let document: Value = serde_json::from_str(&text).unwrap();
        hold_against_the_schema(&document);
        assert_eq!(document["load"]["shard"], shard);
        fs::write(&into, text).unwrap();
        files.push(into);
    }
    let names: Vec<_> = files.iter().map(|file| typed(file)).collect();
    let (code, text, _) = ran(&[&["merge", "-J", "-q"][..], names.as_slice()].concat());
    let all: Value = serde_json::from_str(&text).unwrap();
    let failed = all["failures"]["total"].as_u64().unwrap();
    assert_eq!((code, all["requests"].as_u64().unwrap() + failed, &all["connections"]), (Some(0), 1000, &5.into()));
    assert_eq!(all["load"]["rate_asked"], 2000.0);
    let sent: Vec<_> = (0..3).map(|at| all["machines"][at]["requests_sent"].as_u64().unwrap()).collect();
    assert_eq!(sent, [334, 333, 333]);
}

#[test]
fn a_run_begins_when_it_is_told_and_never_in_the_past() {
    let before = SystemTime::now();
    let (code, text, error) = ran(&["bench", "tcp", "-c", "1", "-n", "10", "--start-at", "+1s", "-J", "-q"]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let read = Record::read(&text, "run").unwrap();
    let waited = read.all.started_at.duration_since(before).unwrap();
    assert!(waited >= Duration::from_millis(999), "{waited:?}");
    let (code, _, error) = ran(&["bench", "tcp", "--start-at", "1700000000"]);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("--start-at 1700000000 is past: that was ") && error.contains("hint: "), "{error}");
}
