//! `-J` and `--json-stream`. The form is promised in `schemas/bench.schema.json`, and a test holds real output against it:
//! snake case, the unit in the name, what was asked beside what was achieved.
//!
//! May use: results, interval, packed, `serde`, `hdrhistogram`.

mod course;
mod ends;
mod latency;
mod shaped;

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use self::{
    course::Kept,
    ends::{Fairness, Machine, Server},
    latency::{Lag, Latency, Phase, packed},
};
use super::{
    curve,
    interval::Interval,
    spread::{self, Spread},
};
use crate::bench::{
    Arrivals,
    failure::Failure,
    find::Curve,
    limit::Missed,
    packed::Packed,
    results::Results,
    shard::Shard,
    stats::{Counters, Tally},
};

/// Raised when a field changes its meaning or goes away; not when one is added.
pub const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    /// `result`, in a stream of objects only.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    netproto_version: &'static str,
    command: &'a str,
    #[serde(flatten)]
    run: Run<'a>,
    limits_missed: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    find_max: Option<curve::Document<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    runs: Vec<Run<'a>>,
    /// Of several machines together: each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    machines: Vec<Part<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    spread: BTreeMap<&'static str, Spread>,
}

/// One of those that were merged.
#[derive(Serialize)]
struct Part<'a> {
    command: &'a str,
    #[serde(flatten)]
    run: Run<'a>,
}

#[derive(Serialize)]
struct Run<'a> {
    target: &'a str,
    transport: &'static str,
    protocol: &'static str,
    answers: &'static str,
    repeats: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<Machine<'a>>,
    started_at: String,
    duration_s: f64,
    silence_s: f64,
    interrupted: bool,
    connections: usize,
    threads: usize,
    reconnect: bool,
    timeout_s: f64,
    load: Load<'a>,
    #[serde(flatten)]
    numbers: Numbers,
    bits_sent_per_second: f64,
    bits_received_per_second: f64,
    failure_percent: f64,
    connect_us: Option<Latency>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    phases: Vec<Phase>,
    connects: u64,
    peer_closes: u64,
    generator: Generator,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Server>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fairness: Option<Fairness>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    examples: BTreeMap<&'static str, &'a str>,
    /// Base64 of an HdrHistogram, V2, in nanoseconds: the latencies.
    histogram: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    histogram_uncorrected: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    histogram_connect: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    intervals: Vec<Kept>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    over_time: Vec<shaped::Part>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outages: Vec<shaped::Outage>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<shaped::Event>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<shaped::Held>,
}

/// What a run and an interval have in common.
#[derive(Serialize)]
struct Numbers {
    requests: u64,
    requests_sent: u64,
    requests_per_second: f64,
    bytes_sent: u64,
    bytes_received: u64,
    failures: Failures,
    latency_us: Option<Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_uncorrected_us: Option<Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    datagrams: Option<Datagrams>,
}

#[derive(Serialize)]
struct Load<'a> {
    model: &'static str,
    /// As typed; null: the rate stayed the same, or there was none.
    shape: Option<&'a str>,
    arrivals: Option<&'static str>,
    /// Of a shape the mean.
    rate_asked: Option<f64>,
    /// Requests that left, per second.
    rate_achieved: f64,
    /// On one connection; null: no limit.
    in_flight: Option<usize>,
    connect_rate_asked: Option<f64>,
    ramp_s: f64,
    omit_s: f64,
    seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<String>,
}

#[derive(Serialize)]
struct Failures {
    total: u64,
    #[serde(flatten)]
    by_kind: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct Datagrams {
    sent: u64,
    received: u64,
    lost: u64,
    duplicated: u64,
    reordered: u64,
    late: u64,
    corrupted: u64,
    unsolicited: u64,
    unreachable: u64,
    /// Of a whole run only: an interval's losses are of datagrams that were sent before it.
    loss_percent: Option<f64>,
}

#[derive(Serialize)]
struct Generator {
    cpu_percent: f64,
    busiest_thread_percent: f64,
    starved_percent: f64,
    stood_still_s: f64,
    /// Open loop only.
    send_lag_us: Option<Lag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    histogram_send_lag: Option<String>,
    saturated: bool,
    spin: bool,
}

#[derive(Serialize)]
struct Slice {
    schema_version: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    run: u32,
    from_s: f64,
    to_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_asked: Option<f64>,
    rate_achieved: f64,
    #[serde(flatten)]
    numbers: Numbers,
}

/// Three decimals: nanoseconds, in microseconds.
pub(in crate::bench) fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

pub(super) fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e6
}

impl Datagrams {
    fn of(counters: &Counters) -> Self {
        let lost = counters.failures(Failure::TimedOut);
        Self {
            sent: counters.sent,
            received: counters.datagrams_received,
            lost,
            duplicated: counters.duplicated,
            reordered: counters.reordered,
            late: counters.failures(Failure::Late),
            corrupted: counters.failures(Failure::Corrupted),
            unsolicited: counters.unsolicited,
            unreachable: counters.unreachable,
            loss_percent: None,
        }
    }
}

impl Numbers {
    fn of(tally: &Tally, rate: f64, open_loop: bool, datagrams: bool) -> Self {
        let counters = &tally.counters;
        Self {
            requests: counters.right,
            requests_sent: counters.sent,
            requests_per_second: rounded(rate),
            bytes_sent: counters.bytes_sent,
            bytes_received: counters.bytes_received,
            failures: Failures { total: counters.failed(), by_kind: counters.by_kind() },
            latency_us: Latency::of(&tally.latency),
            latency_uncorrected_us: if open_loop { Latency::of(&tally.as_sent) } else { None },
            datagrams: datagrams.then(|| Datagrams::of(counters)),
        }
    }
}

impl Generator {
    fn of(results: &Results, open_loop: bool) -> Self {
        let (generator, lag) = (&results.generator, &results.totals.send_lag);
        Self {
            cpu_percent: rounded(generator.cpu_percent),
            busiest_thread_percent: rounded(generator.busiest_percent),
            starved_percent: rounded(generator.starved_percent),
            stood_still_s: seconds(generator.stood_still),
            send_lag_us: open_loop.then(|| Lag::of(lag)),
            histogram_send_lag: packed(lag),
            saturated: generator.saturated,
            spin: results.about.spin,
        }
    }
}

impl<'a> Run<'a> {
    /// Several together: each has its own course.
    fn all(results: &'a Results) -> Self {
        Self { intervals: Vec::new(), ..Self::of(results) }
    }

    fn of(results: &'a Results) -> Self {
        let (about, tally) = (&results.about, &results.totals);
        let open_loop = about.model.rate_asked().is_some();
        let mut numbers = Numbers::of(tally, results.rate(), open_loop, about.datagrams);
        if let Some(datagrams) = &mut numbers.datagrams {
            datagrams.loss_percent = Some(rounded(results.loss_percent()));
        }
        Self {
            target: &about.target,
            transport: about.transport,
            protocol: about.protocol,
            answers: about.answers.word(),
            repeats: about.repeats,
            machine: results.machine.as_ref().map(Machine::of),
            started_at: humantime::format_rfc3339_millis(results.started_at).to_string(),
            duration_s: seconds(results.duration),
            silence_s: seconds(results.silence),
            interrupted: results.interrupted,
            connections: about.connections,
            threads: about.threads,
            reconnect: about.reconnect,
            timeout_s: seconds(about.timeout),
            load: Load {
                model: about.model.name(about.course.as_ref()),
                shape: about.course.as_ref().map(|course| course.text.as_str()),
                arrivals: about.model.arrivals().map(Arrivals::name),
                rate_asked: about.model.rate_asked(),
                rate_achieved: rounded(results.rate_sent()),
                in_flight: about.in_flight,
                connect_rate_asked: about.connect_rate,
                ramp_s: seconds(about.ramp),
                omit_s: seconds(about.omit),
                seed: about.seed,
                shard: (about.shard != Shard::WHOLE).then(|| about.shard.to_string()),
            },
            numbers,
            bits_sent_per_second: rounded(results.bits_sent_per_second()),
            bits_received_per_second: rounded(results.bits_received_per_second()),
            failure_percent: rounded(results.failed_percent()),
            connect_us: Latency::of(&tally.connect),
            phases: Phase::all(tally),
            connects: tally.counters.connects,
            peer_closes: tally.counters.peer_closes,
            generator: Generator::of(results, open_loop),
            server: results.server.map(|server| Server::of(&server, tally.counters.right)),
            fairness: results.fairness().map(Fairness::of),
            examples: by_name(tally.examples.iter().map(|(kind, text)| (kind.name(), text.as_str()))),
            histogram: Packed::of(&tally.latency).base64(),
            histogram_uncorrected: packed(&tally.as_sent),
            histogram_connect: packed(&tally.connect),
            intervals: results.pieces.iter().map(|piece| Kept::of(piece, about.datagrams)).collect(),
            over_time: results.over_time.iter().map(shaped::Part::of).collect(),
            outages: results.outages.iter().map(shaped::Outage::of).collect(),
            changes: results.changes.iter().map(shaped::Event::of).collect(),
            held: results.held.as_ref().map(shaped::Held::of),
        }
    }
}

fn line(value: &impl Serialize) -> String {
    match serde_json::to_string(value) {
        Ok(text) => text + "\n",
        Err(_) => unreachable!("plain structures with string keys"),
    }
}

/// The result, as one line: of the only run, or of all of them together, with each beside it.
#[must_use]
pub fn result(all: &Results, runs: &[Results], missed: &[Missed], curve: Option<&Curve>, in_stream: bool) -> String {
    line(&Document {
        schema_version: SCHEMA_VERSION,
        kind: in_stream.then_some("result"),
        netproto_version: env!("CARGO_PKG_VERSION"),
        command: &all.about.command,
        run: if runs.len() > 1 { Run::all(all) } else { Run::of(all) },
        limits_missed: missed.iter().map(|missed| missed.sentence.as_str()).collect(),
        find_max: curve.map(curve::Document::of),
        runs: if runs.len() > 1 { runs.iter().map(Run::of).collect() } else { Vec::new() },
        machines: Vec::new(),
        spread: by_name(spread::figures(runs).into_iter()),
    })
}

/// One by one: to build such a map at once takes a sort of its own, which the program has no room for.
fn by_name<V>(all: impl Iterator<Item = (&'static str, V)>) -> BTreeMap<&'static str, V> {
    let mut map = BTreeMap::new();
    map.extend(all);
    map
}

/// Several machines' runs together, and each of them.
#[must_use]
pub fn merged(all: &Results, machines: &[Results]) -> String {
    line(&Document {
        schema_version: SCHEMA_VERSION,
        kind: None,
        netproto_version: env!("CARGO_PKG_VERSION"),
        command: &all.about.command,
        run: Run::all(all),
        limits_missed: Vec::new(),
        find_max: None,
        runs: Vec::new(),
        machines: machines.iter().map(|run| Part { command: &run.about.command, run: Run::of(run) }).collect(),
        spread: BTreeMap::new(),
    })
}

/// One interval, as one line.
#[must_use]
pub fn interval(interval: &Interval<'_>, datagrams: bool) -> String {
    line(&Slice {
        schema_version: SCHEMA_VERSION,
        kind: "interval",
        run: interval.run,
        from_s: seconds(interval.from),
        to_s: seconds(interval.to),
        rate_asked: interval.asked.map(|asked| rounded(interval.per_second(asked))),
        rate_achieved: rounded(interval.per_second(interval.tally.counters.sent as f64)),
        numbers: Numbers::of(interval.tally, interval.rate(), interval.open_loop(), datagrams),
    })
}
