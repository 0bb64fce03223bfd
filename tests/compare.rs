//! Comparing: against noise that is known, and with files as people have them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;

use netproto::bench::{
    compare::{
        self, Comparison,
        figure::Figure,
        judge::{self, Row, Verdict},
        limit::Limit,
    },
    failure::Failure,
    packed::Packed,
    record::{Document, Keeper, Piece, Record},
    results::Results,
    stats::Tally,
};
use serde_json::Value;
use support::record::{TICK, nothing, path, ran, typed, write};

/// A run as machines make them: its speed wanders, so that a slow interval is followed by a slow one.
struct Noise {
    /// What an interval keeps of the one before.
    keeps: f64,
    /// By how much the pace wanders, of itself.
    wanders: f64,
    /// How much slower all of it is.
    slower: f64,
    /// Requests of an interval, about.
    requests: f64,
    failures: u64,
    ticks: u32,
}

const USUAL: Noise = Noise { keeps: 0.6, wanders: 0.05, slower: 0.0, requests: 600.0, failures: 0, ticks: 40 };

fn normal(random: &mut fastrand::Rng) -> f64 {
    (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (std::f64::consts::TAU * random.f64()).cos()
}

impl Noise {
    fn tally(&self, pace: f64, random: &mut fastrand::Rng) -> Tally {
        let mut tally = Tally::default();
        for _ in 0..(self.requests * (-pace).exp() / (1.0 + self.slower)) as u64 {
            let tail = if random.u32(..100) == 0 { 1.0 - 3.0 * (1.0 - random.f64()).ln() } else { 1.0 };
            let us = 400.0 * (1.0 + self.slower) * (pace + 0.15 * normal(random)).exp() * tail;
            // In steps of 1 %, so that few values make the test fast.
            tally.right(((us.ln() * 100.0).round() / 100.0).exp() as u64 * 1000, None);
        }
        let failures = if self.failures > 0 { random.u64(..=2 * self.failures) } else { 0 };
        tally.failed_times(Failure::ClosedEarly, failures);
        tally.counters.sent = tally.counters.right + failures;
        tally
    }

    fn run(&self, seed: u64) -> Results {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut totals, mut pieces) = (Tally::default(), Vec::new());
        let mut pace = self.wanders * normal(&mut random);
        for tick in 0..self.ticks {
            let tally = self.tally(pace, &mut random);
            pace = self.keeps * pace + self.wanders * (1.0 - self.keeps * self.keeps).sqrt() * normal(&mut random);
            let (latency, as_sent) = (Packed::of(&tally.latency), Packed::default());
            let (from, to) = (TICK * tick, TICK * (tick + 1));
            pieces.push(Piece { from, to, counters: tally.counters.clone(), latency, as_sent });
            totals.add(&tally);
        }
        let duration = TICK * self.ticks;
        Results { totals, duration, pieces, ..nothing(seed) }
    }

    fn record(&self, seed: u64) -> Record {
        Record::of(&[self.run(seed)], Vec::new()).unwrap()
    }
}

fn document(record: &Record) -> Document {
    Document::Requests(Box::new(record.clone()))
}

fn judged(before: &Record, after: &Record, figures: &[Figure], drawings: usize) -> Vec<Row> {
    judge::rows(&document(before), &document(after), figures, drawings)
}

fn compared(before: (&str, &Record), after: (&str, &Record), limits: &[Limit]) -> Comparison {
    compare::compare((before.0, &document(before.1)), (after.0, &document(after.1)), limits)
}

fn flagged(rows: &[Row]) -> Vec<Figure> {
    let flags = |row: &&Row| matches!(row.verdict, Verdict::Better | Verdict::Worse);
    rows.iter().filter(flags).map(|row| row.figure).collect()
}

/// In how many of 100 comparisons of a thing with itself any figure is said to differ.
fn false_alarms(noise: &Noise) -> usize {
    let differ = |trial: &u64| {
        let (before, after) = (noise.record(2 * trial), noise.record(2 * trial + 1));
        !flagged(&judged(&before, &after, &Figure::USUAL, 200)).is_empty()
    };
    (0..100).filter(differ).count()
}

#[test]
fn comparing_a_thing_with_itself_hardly_ever_finds_a_difference() {
    let alarms = false_alarms(&Noise { failures: 1, ..USUAL });
    assert!(alarms <= 10, "{alarms} of 100 comparisons found a difference");
}

#[test]
fn a_change_that_is_there_is_found_and_its_size_is_within_the_interval() {
    let (mut found, mut within) = (0, 0);
    for trial in 0..20 {
        let slower = Noise { slower: 0.3, ..USUAL };
        let rows = judged(&USUAL.record(1000 + trial), &slower.record(2000 + trial), &Figure::USUAL, 400);
        let row = |figure| rows.iter().find(|row| row.figure == figure).unwrap();
        let p50 = row(Figure::Percentile(50.0));
        let (low, high) = p50.interval.unwrap();
        within += usize::from(low < 30.0 && high > 30.0);
        found += usize::from(p50.verdict == Verdict::Worse && row(Figure::Rate).verdict == Verdict::Worse);
        assert_eq!(row(Figure::Errors).verdict, Verdict::NoDifference);
        assert_eq!(row(Figure::Max).verdict, Verdict::Untold("one value".into()));
    }
    assert!(found >= 18, "found {found} of 20");
    assert!(within >= 18, "the interval held it {within} times of 20");
}

#[test]
fn more_failures_are_worse_and_fewer_better() {
    let (few, many) = (Noise { failures: 2, ..USUAL }, Noise { failures: 30, ..USUAL });
    let of = |rows: &[Row]| rows.iter().find(|row| row.figure == Figure::Errors).unwrap().verdict.clone();
    assert_eq!(of(&judged(&few.record(1), &many.record(2), &[Figure::Errors], 400)), Verdict::Worse);
    assert_eq!(of(&judged(&many.record(1), &few.record(2), &[Figure::Errors], 400)), Verdict::Better);
}

#[test]
fn repeats_differ_by_more_than_their_intervals() {
    // Each run has a pace of its own: within it nothing tells how far the next will be off.
    let runs = |from: u64| {
        let run = |seed| Noise { slower: 0.1 * fastrand::Rng::with_seed(seed).f64(), ..USUAL }.run(seed);
        Record::of(&(from..from + 5).map(run).collect::<Vec<_>>(), Vec::new()).unwrap()
    };
    let alarms = (0..20).filter(|trial| {
        let rows = judged(&runs(100 * trial), &runs(100 * trial + 50), &Figure::USUAL, 400);
        !flagged(&rows).is_empty()
    });
    let alarms = alarms.count();
    assert!(alarms <= 2, "{alarms} of 20");
}

#[test]
fn what_can_not_be_told_says_why_and_fails_a_limit() {
    let whole = USUAL.record(1);
    let mut without = USUAL.record(2);
    without.all.pieces.clear();
    let mut single = USUAL.record(3);
    single.all.pieces.truncate(1);
    let limits = [Limit::parse("p99 worse 5%").unwrap()];
    for (after, doubt) in [(&without, "b.json has no intervals"), (&single, "b.json has 1 interval, and it takes 8")] {
        let compared = compared(("a.json", &whole), ("b.json", after), &limits);
        assert!(compared.doubts[0].starts_with(doubt), "{:?}", compared.doubts);
        assert!(compared.rows.iter().all(|row| row.interval.is_none() && row.change.is_some()), "{:?}", compared.rows);
        assert_eq!(compared.missed, ["p99 can't be judged: too few intervals; the limit was 5 %"]);
    }
    let rows = judged(&whole, &USUAL.record(4), &[Figure::Percentile(99.99)], 100);
    assert_eq!(rows[0].verdict, Verdict::Untold("too few replies".into()));
    // One stall in ten seconds: who can tell when the next one is?
    let mut stalled = USUAL.run(5);
    let mut tally = Tally::default();
    (0..400).for_each(|_| tally.right(90_000_000, None));
    let mut keeper = Keeper::new(TICK);
    keeper.take(0, &tally);
    let stall = keeper.end(TICK);
    stalled.totals.add(&tally);
    stalled.pieces[20].latency.add(&stall[0].latency);
    let stalled = Record::of(&[stalled], Vec::new()).unwrap();
    let rows = judged(&whole, &stalled, &[Figure::Percentile(99.0)], 100);
    assert_eq!(rows[0].verdict, Verdict::Untold("of few moments".into()));
}

#[test]
fn a_limit_fails_by_what_is_shown() {
    let (before, slower) = (USUAL.record(1), Noise { slower: 0.3, ..USUAL }.record(2));
    let missed =
        |text: &str, after: &Record| compared(("a", &before), ("b", after), &[Limit::parse(text).unwrap()]).missed.pop();
    let told = missed("p50 worse 5%", &slower).unwrap();
    assert!(told.starts_with("p50 is ") && told.ends_with(" % worse, the limit was 5 %"), "{told}");
    assert!(missed("rate worse 5%", &slower).is_some());
    assert_eq!(missed("p50 worse 90%", &slower), None, "worse, and not by so much");
    assert_eq!(missed("p50 worse 0%", &USUAL.record(3)), None, "no difference is shown");
    assert!(missed("p95 worse 5%", &slower).is_some(), "any percentile can be judged");
}

#[test]
fn a_person_reads_what_changed() {
    let before = write("before", &[USUAL.run(1)]);
    let mut slower = Noise { slower: 0.3, failures: 3, ..USUAL }.run(2);
    slower.about.target = "192.0.2.7:8080".into();
    let after = write("after", &[slower]);
    let (code, text, error) = ran(&["compare", typed(&before), typed(&after), "--fail-if", "p99 worse 5%"]);
    assert_eq!((code, error.as_str()), (Some(4), ""), "{text}");
    for part in
        ["  requests ", "  p99.9", "worse", "\n  target       127.0.0.1:8080                  192.0.2.7:8080\n", "! p99 is "]
    {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
    let lines = text.lines().skip(1);
    assert!(lines.clone().all(|line| line.chars().count() <= 80 && line == line.trim_end()), "{text}");
    let (code, text, _) = ran(&["compare", typed(&before), typed(&before)]);
    assert_eq!((code, text.matches("no difference shown").count()), (Some(0), 7), "{text}");
    assert!(!text.contains("differs"), "{text}");
}

#[test]
fn a_program_reads_the_same() {
    let (before, after) =
        (write("j-before", &[USUAL.run(1)]), write("j-after", &[USUAL.run(2), USUAL.run(3), USUAL.run(4)]));
    let (code, text, _) =
        ran(&["compare", "-J", typed(&before), typed(&after), typed(&before), "--fail-if", "rate worse 50%"]);
    assert_eq!(code, Some(0), "{text}");
    let document: Value = serde_json::from_str(&text).unwrap();
    let schema: Value = serde_json::from_str(include_str!("../schemas/compare.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
    assert_eq!(document["comparisons"].as_array().map(Vec::len), Some(2));
    assert_eq!(document["comparisons"][0]["differs"][0]["what"], "runs");
    let mut spoiled = document;
    spoiled["comparisons"][0]["figures"][0]["verdict"] = "great".into();
    assert!(!validator.is_valid(&spoiled), "the schema rejects something");
}

#[test]
fn what_is_no_report_is_refused_by_name() {
    let good = write("good", &[USUAL.run(1)]);
    let dead = write("dead", &[nothing(1)]);
    let newer = path("newer");
    fs::write(&newer, fs::read_to_string(&good).unwrap().replacen("\"schema_version\":1", "\"schema_version\":2", 1))
        .unwrap();
    let text = path("text");
    fs::write(&text, "bench tcp 127.0.0.1:8080 · echo\n").unwrap();
    for (args, code, sentence) in [
        (vec!["compare", typed(&good), typed(&newer)], 1, "has form 2 of the report"),
        (vec!["compare", typed(&good), typed(&text)], 1, "is a report for people, not JSON"),
        (vec!["compare", typed(&good), "/nowhere.json"], 1, "could not read /nowhere.json: no such file or directory"),
        (vec!["compare", typed(&dead), typed(&good)], 1, "nothing was answered rightly"),
        (vec!["compare", typed(&good)], 2, "compare needs two reports of bench -J or more"),
        (vec!["compare", "-", "-"], 2, "standard input (-) can be read once"),
        (vec!["compare", typed(&good), typed(&good), "--fail-if", "p99>5ms"], 2, "no < or > here: write FIGURE worse SHARE"),
        (vec!["merge", typed(&good)], 2, "merge needs two reports of bench -J or more"),
        (vec!["merge", typed(&good), typed(&good)], 2, "is named twice"),
        (vec!["merge", typed(&good), typed(&newer)], 1, "has form 2 of the report"),
    ] {
        let (exit, _, error) = ran(&args);
        assert_eq!(exit, Some(code), "{args:?}: {error}");
        assert!(error.contains(sentence) && error.contains("\nhint: "), "{args:?}: {error}");
    }
    // A dead server is no good one.
    let (code, text, _) = ran(&["compare", typed(&good), typed(&dead), "--fail-if", "p99 worse 5%"]);
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("p99 can't be judged: not measured"), "{text}");
}
