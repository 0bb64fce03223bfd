//! The reports of the load generator: what they say of results that are known, and that the JSON keeps its promise.

#[path = "report/shapes.rs"]
mod shapes;
#[path = "report/starved.rs"]
mod starved;

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use base64::Engine as _;
use hdrhistogram::{
    Histogram,
    serialization::{
        Deserializer,
        interval_log::{IntervalLogIterator, LogEntry},
    },
};
use netproto::bench::{
    Arrivals, ReportPlan,
    failure::Failure,
    limit::Limit,
    report::{Files, csv, generator, hdr, interval::Interval, json, spread, text},
    results::{About, Generator, Model, Results},
    shard::Shard,
    stats::Tally,
};
use netproto::{os::Machine, protocol::Answers};
use serde_json::Value;

const MS: u64 = 1_000_000;

/// `count` values, evenly from `from` to `to` nanoseconds.
fn values(count: u64, from: u64, to: u64) -> impl Iterator<Item = u64> {
    (0..count).map(move |at| from + (to - from) * at / count)
}

fn about() -> About {
    About {
        transport: "tcp",
        target: "127.0.0.1:8080".into(),
        protocol: "processed",
        datagrams: false,
        answers: Answers::Each,
        connections: 64,
        threads: 2,
        in_flight: Some(1),
        reconnect: false,
        repeats: false,
        model: Model::Closed,
        course: None,
        connect_rate: None,
        timeout: Duration::from_secs(10),
        spin: false,
        ramp: Duration::ZERO,
        omit: Duration::ZERO,
        seed: 7,
        shard: Shard::WHOLE,
        command: "netproto bench tcp localhost:8080 -c 64".into(),
    }
}

fn closed_loop() -> Results {
    let mut totals = Tally::default();
    for ns in values(60_000, 300_000, 700_000).chain(values(1000, 700_000, 4_700_000)) {
        totals.right(ns, None);
    }
    totals.counters.sent = 61_000;
    totals.counters.bytes_sent = 61_000 * 64;
    totals.counters.bytes_received = 61_000 * 75;
    totals.counters.connects = 64;
    for ns in values(64, 30_000, 90_000) {
        totals.connect.saturating_record(ns);
    }
    let duration = Duration::from_millis(500);
    let started_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let generator = Generator {
        cpu_percent: 88.0,
        busiest_percent: 45.0,
        starved_percent: 0.0,
        stood_still: Duration::ZERO,
        saturated: false,
    };
    let answered = vec![61_000 / 64; 64];
    let (silence, pieces, server, interrupted) = (Duration::ZERO, Vec::new(), None, false);
    let (quiet, over_time, outages, held) = (Duration::ZERO, Vec::new(), Vec::new(), None);
    let machine = Some(Machine { host: "one".into(), kernel: "Linux 6.18.0 x86_64".into(), cpus: 2, cpu: None });
    Results {
        about: about(),
        started_at,
        duration,
        silence,
        quiet,
        over_time,
        outages,
        changes: Vec::new(),
        held,
        totals,
        generator,
        server,
        answered,
        interrupted,
        machine,
        pieces,
    }
}

/// 200,000 datagrams: 198,702 right, 1,203 lost, 95 late.
fn open_loop_with_trouble() -> Results {
    let mut totals = Tally::default();
    for ns in values(195_000, MS, 1_430_000).chain(values(3702, 1_950_000, 102 * MS)) {
        totals.right(ns, Some(ns.min(4 * MS)));
        totals.send_lag.saturating_record(ns / 100);
    }
    totals.failed_times(Failure::TimedOut, 1298);
    totals.failed_times(Failure::Late, 95);
    totals.counters.sent = 200_000;
    totals.counters.datagrams_received = 198_797;
    let model = Model::Open { rate: 20_000.0, arrivals: Arrivals::Constant };
    let (transport, target) = ("udp", "192.0.2.7:9000".into());
    let (connections, in_flight, timeout) = (1, None, Duration::from_secs(1));
    let about =
        About { transport, target, protocol: "echo", datagrams: true, connections, in_flight, model, timeout, ..about() };
    Results { about, totals, duration: Duration::from_secs(10), ..closed_loop() }
}

fn nothing_right() -> Results {
    let mut totals = Tally::default();
    totals.failed_as(Failure::WrongReply, Some("expected \"a\", got \"b\"".into()));
    totals.failed_times(Failure::Refused, 12_345);
    totals.failed_times(Failure::NotSent, 7);
    Results { totals, interrupted: true, ..closed_loop() }
}

fn saturated() -> Results {
    let mut results = closed_loop();
    results.about.model = Model::Open { rate: 200_000.0, arrivals: Arrivals::Poisson };
    for ns in values(1000, 2 * MS, 90 * MS) {
        results.totals.as_sent.saturating_record(ns);
        results.totals.send_lag.saturating_record(ns);
    }
    results.generator.busiest_percent = 99.6;
    results.generator.saturated = results.is_saturated();
    results
}

fn all() -> [Results; 6] {
    [closed_loop(), open_loop_with_trouble(), nothing_right(), saturated(), shapes::shaped(), shapes::kept()]
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn a_person_reads_80_columns() {
    for results in all() {
        let text = text::report(&results)
            + &generator::saturation(&results, true)
            + &spread::table(&[results.clone(), results.clone()]);
        for line in plain(&text).lines() {
            assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
            assert_eq!(line, line.trim_end(), "nothing trails");
        }
    }
    let mut fast = closed_loop();
    fast.totals.counters.right = 1_234_567;
    fast.totals.failed_times(Failure::TimedOut, 1_234_567);
    let line = interval(&fast).line();
    assert!(line.contains("1,234,567/s") && line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
}

#[test]
fn the_closed_loop_in_one_glance() {
    let text = plain(&text::report(&closed_loop()));
    for part in [
        "bench tcp 127.0.0.1:8080 · processed · 64 connections · closed loop · 0.50 s\n",
        "  requests        61,000      122,000/s      every reply checked\n",
        "  sent          3.72 MiB    62.5 Mbit/s\n",
        "  failures             0\n",
        "  latency        p50      p90      p99    p99.9      max     mean\n",
        "█",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
    assert!(!text.contains("why") && !text.contains('!'), "nothing went wrong:\n{text}");
}

#[test]
fn the_open_loop_shows_both_latencies_and_why_requests_failed() {
    let text = plain(&text::report(&open_loop_with_trouble()));
    for part in [
        "bench udp 192.0.2.7:9000 · echo · 1 socket · 20,000/s constant · 10.0 s\n",
        "  requests       198,702       19,870/s      asked 20,000/s\n",
        "200,000 sent  198,702 right  1,203 lost  95 late  0 duplicated\n",
        "  failures         1,298         0.65 %\n",
        "\n  why\n        1,203  no reply within 1 s\n           95  late reply, after its time-out: not counted as right\n",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
    let row = |label: &str| text.lines().find(|line| line.trim_start().starts_with(label)).map(str::to_owned);
    assert!(row("intended").is_some_and(|row| row.contains("102 ms")), "{text}");
    assert!(row("as sent").is_some_and(|row| row.contains("4.00 ms") && !row.contains("102 ms")), "{text}");
}

#[test]
fn failures_are_explained_and_an_interrupted_run_says_so() {
    let text = plain(&text::report(&nothing_right()));
    for part in [
        "interrupted\n",
        "12,345  connection refused: nothing listens there\n",
        "1  wrong reply\n",
        "expected \"a\", got \"b\"\n",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
    assert!(!text.contains("latency"), "nothing was measured:\n{text}");
    let mut deaf = open_loop_with_trouble();
    deaf.totals.counters.unreachable = 1203;
    deaf.totals.failed_times(Failure::NotSent, 7);
    let text = plain(&text::report(&deaf));
    for part in [
        "1,203  no reply within 1 s\n               nothing listens there: ICMP port unreachable, 1,203 times\n",
        "7  due, but never sent: no connection was free in time\n               hint: more connections (-c)\n",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
}

#[test]
fn a_server_that_fell_silent_is_told_of() {
    assert_eq!(text::silence(&closed_loop()), "");
    let duration = Duration::from_secs(10);
    let silent = Results { silence: Duration::from_millis(1300), duration, ..closed_loop() };
    assert_eq!(plain(&text::silence(&silent)), "\n  ! the last 1.30 s of 10.0 s had no reply at all\n");
    // At one request in two seconds a second without a reply is nothing.
    let mut slow = silent.clone();
    slow.about.model = Model::Open { rate: 0.5, arrivals: Arrivals::Constant };
    assert_eq!(text::silence(&slow), "");
}

#[test]
fn the_generator_admits_that_it_was_the_limit() {
    let text = plain(&generator::saturation(&saturated(), true));
    assert!(
        text.contains("! this machine was the limit: 200,000/s asked, 122,000/s sent,\n    one thread at 100 %\n"),
        "{text}"
    );
    assert!(text.contains("hint: ") && text.contains("--in-flight 8"), "{text}");
    assert_eq!(generator::saturation(&closed_loop(), true), "");
    // A slow server that makes requests wait is not our fault: the thread is idle and the lag is small.
    let mut slow = open_loop_with_trouble();
    slow.totals.counters.sent /= 2;
    slow.generator.busiest_percent = 30.0;
    assert!(!slow.is_saturated());
}

#[test]
fn the_json_is_as_the_schema_promises() {
    let schema: Value = serde_json::from_str(include_str!("../schemas/bench.schema.json")).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
    let check = |text: &str| {
        let value: Value = serde_json::from_str(text).expect("JSON");
        let errors: Vec<_> =
            validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
        value
    };
    for results in all() {
        check(&json::result(&results, std::slice::from_ref(&results), &[], None, false));
        check(&json::interval(&interval(&results), results.about.datagrams));
    }
    let runs = [closed_loop(), closed_loop()];
    let together = Results::together(&runs).expect("runs");
    let value = check(&json::result(&together, &runs, &[], None, true));
    assert_eq!(value["runs"].as_array().map(Vec::len), Some(2));
    assert_eq!(value["requests"], 122_000);
    assert_eq!(value["requests_per_second"], 122_000.0, "twice the requests in twice the time");
    assert_eq!(value["spread"]["requests_per_second"]["stddev"], 0.0);
    assert_eq!(value["type"], "result");

    let mut spoiled = value;
    spoiled["latency_us"]["p50"] = "fast".into();
    assert!(!validator.is_valid(&spoiled), "the schema rejects something");
}

fn interval(results: &Results) -> Interval<'_> {
    Interval {
        run: 1,
        after: Duration::ZERO,
        from: Duration::from_secs(1),
        to: Duration::from_secs(2),
        tally: &results.totals,
        asked: results.about.model.rate_asked(),
    }
}

#[test]
fn the_schema_names_every_kind_of_failure() {
    let schema: Value = serde_json::from_str(include_str!("../schemas/bench.schema.json")).expect("the schema is JSON");
    let required = schema["$defs"]["failures"]["required"].as_array().expect("a list").clone();
    let promised: BTreeSet<_> = required.iter().filter_map(Value::as_str).filter(|name| *name != "total").collect();
    assert_eq!(promised, Failure::ALL.iter().map(|kind| kind.name()).collect());
}

#[test]
fn the_numbers_of_the_json_agree() {
    let results = open_loop_with_trouble();
    let text = json::result(&results, std::slice::from_ref(&results), &[], None, false);
    let value: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value["failures"]["total"], 1298);
    assert_eq!((&value["failures"]["timed_out"], &value["failures"]["late"]), (&1203.into(), &95.into()));
    assert_eq!((&value["datagrams"]["lost"], &value["datagrams"]["late"]), (&1203.into(), &95.into()));
    assert_eq!((&value["load"]["rate_asked"], &value["load"]["rate_achieved"]), (&20_000.0.into(), &20_000.0.into()));
    let max = |name: &str| value[name]["max"].as_f64().expect("a number");
    assert!(max("latency_us") > 100_000.0 && max("latency_uncorrected_us") < 4_100.0);

    let bytes =
        base64::engine::general_purpose::STANDARD.decode(value["histogram"].as_str().expect("text")).expect("base64");
    let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).expect("V2");
    assert_eq!(histogram.len(), 198_702);
    assert_eq!(histogram.value_at_quantile(0.99), results.totals.latency.value_at_quantile(0.99));
}

#[test]
fn intervals_as_rows_and_as_a_log() {
    let results = open_loop_with_trouble();
    let (mut sheet, mut log) = (Vec::new(), Vec::new());
    csv::head(&mut sheet).expect("written");
    csv::row(&mut sheet, &interval(&results)).expect("written");
    csv::row(&mut sheet, &interval(&nothing_right())).expect("written");
    let sheet = String::from_utf8(sheet).expect("text");
    let widths: BTreeSet<_> = sheet.lines().map(|line| line.split(',').count()).collect();
    assert_eq!(widths.len(), 1, "every row has every column:\n{sheet}");
    assert!(sheet.lines().nth(1).is_some_and(|row| row.starts_with("1,1.000,2.000,198702,198702.0,1298,")), "{sheet}");
    let column = |name: &str| {
        let at = sheet.lines().next().and_then(|head| head.split(',').position(|column| column == name)).expect(name);
        let cells = sheet.lines().skip(1).map(|row| row.split(',').nth(at).expect("a cell").to_owned());
        cells.collect::<Vec<_>>()
    };
    assert_eq!(
        (column("lost"), column("late")),
        (vec!["1203".into(), "0".into()], vec!["95".into(), "0".into()]),
        "{sheet}"
    );

    hdr::head(&mut log, &hdr::Head { command: "netproto bench", started_at: results.started_at }).expect("written");
    hdr::row(&mut log, &interval(&results)).expect("written");
    assert!(log.starts_with(b"#[Histogram log format version 1.3]\n"));
    let entries: Vec<_> = IntervalLogIterator::new(&log).map(|entry| entry.expect("a valid line")).collect();
    let intervals: Vec<_> = entries
        .iter()
        .filter_map(|entry| if let LogEntry::Interval(interval) = entry { Some(interval) } else { None })
        .collect();
    assert_eq!(intervals.len(), 2);
    assert_eq!(intervals[0].start_timestamp(), Duration::from_secs(1));
    assert_eq!(intervals[1].tag().map(|tag| tag.as_str().to_owned()), Some("as_sent".into()));
}

#[test]
fn a_missed_limit_says_by_how_much() {
    let results = open_loop_with_trouble();
    for (text, sentence) in [
        ("p50>1s", None),
        ("max>=50ms", Some("max is 102 ms, the limit was 50 ms")),
        ("loss>0.5%", Some("loss is 0.60 %, the limit was 0.5 %")),
        ("loss>1%", None),
        ("errors>0.6%", Some("share of errors is 0.65 %, the limit was 0.6 %")),
        ("errors>=1298", Some("errors are 1,298, the limit was 1,298")),
        ("errors>1298", None),
        ("rate<20k", Some("rate is 19,870/s, the limit was 20,000/s")),
    ] {
        let missed = Limit::parse(text).expect(text).judge(&results);
        assert_eq!(missed.as_ref().map(|missed| missed.sentence.as_str()), sentence, "{text}");
    }
    let dead = Limit::parse("p99>1h").expect("a limit").judge(&nothing_right()).expect("a dead server is not a fast one");
    assert_eq!(dead.sentence, "p99 was not measured: not one right reply; the limit was 3,600 s");
    assert!(plain(&text::missed(&[dead])).starts_with("\n  ! p99 was not"));
}

#[test]
fn a_bad_path_fails_before_the_run_and_a_full_disk_clearly() {
    let plan = ReportPlan { csv: Some("/no/such/folder/a.csv".into()), ..ReportPlan::default() };
    let trouble = Files::open(&plan).expect_err("no such folder");
    assert_eq!(trouble.sentence, "could not open /no/such/folder/a.csv for the results: no such file or directory");
    let full = std::path::PathBuf::from("/dev/full");
    if full.exists() {
        let mut files = Files::open(&ReportPlan { hdr: Some(full), ..ReportPlan::default() }).expect("it opens");
        let trouble = files.begin(&hdr::Head { command: "", started_at: SystemTime::UNIX_EPOCH }).expect_err("full");
        assert_eq!(trouble.sentence, "could not write the results to /dev/full: no space left on device");
        assert!(trouble.hint.is_some_and(|hint| hint.contains("make room")));
    }
}
