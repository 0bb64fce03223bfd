//! `-J` and `--json-stream` of `bench --one-way`, as `schemas/bench.schema.json` has them, and `--csv`.
//!
//! May use: `bench::one_way`, bulk's objects, `serde_json`, humantime.

use std::io::{self, Write};

use serde_json::Value;

use crate::bench::{
    limit::Missed,
    one_way::{Counts, Interval, Results, Socket},
    report::{
        bulk::json::{Object, cpu, document, head, sentences, times},
        json::{rounded, seconds},
    },
};

fn us(ns: u64) -> f64 {
    rounded(ns as f64 / 1e3)
}

/// The counts of the receiver, where it told them.
fn datagrams(counts: &Counts, lost: Option<u64>, loss_percent: Option<f64>) -> Value {
    let mut object = Object::default();
    object.set("sent", counts.sent);
    object.set("received", counts.received());
    object.set("lost", lost);
    let view = counts.view.as_ref();
    object.set("duplicated", view.map(|view| view.duplicated));
    object.set("reordered", view.map(|view| view.reordered));
    object.set("late", view.map(|view| view.late));
    object.set("corrupted", view.map(|view| view.corrupt));
    object.set("astray", view.map(|view| view.astray));
    object.set("unreachable", counts.unreachable);
    object.set("loss_percent", loss_percent.map(rounded));
    object.0.into()
}

fn load(results: &Results) -> Value {
    let plan = &results.plan;
    let mut object = Object::default();
    object.set("length_bytes", plan.length);
    object.set("datagrams_asked", plan.count);
    object.set("duration_asked_s", plan.time.map(seconds));
    object.set("omit_s", seconds(results.about.omit));
    object.set("rate_asked", plan.rate.map(rounded));
    object.set("paced_by", results.paced_by());
    object.set("views", if results.about.two_views { "both" } else { "ours" });
    object.0.into()
}

fn batching(results: &Results) -> Value {
    let mut object = Object::default();
    object.set("gso", results.joined());
    object.set("gro", results.counts().view.map(|view| view.joined));
    object.set("refused", results.parted());
    object.0.into()
}

fn delay(results: &Results) -> Value {
    let Some(view) = results.counts().view.filter(|view| results.one_clock() && view.delay_max_ns > 0) else {
        return Value::Null;
    };
    let mut object = Object::default();
    for (name, ns) in [
        ("p50", view.delay_p50_ns),
        ("p90", view.delay_p90_ns),
        ("p99", view.delay_p99_ns),
        ("p99_9", view.delay_p999_ns),
        ("max", view.delay_max_ns),
    ] {
        object.set(name, us(ns));
    }
    object.0.into()
}

fn gaps(results: &Results) -> Value {
    let gaps = &results.gaps;
    if gaps.is_empty() {
        return Value::Null;
    }
    let mut object = Object::default();
    object.set("p50", us(gaps.value_at_percentile(50.0)));
    object.set("p99", us(gaps.value_at_percentile(99.0)));
    object.set("max", us(gaps.max()));
    object.0.into()
}

fn socket((at, socket): (usize, &Socket)) -> Value {
    let counts = &socket.counts;
    let mut object = Object::default();
    object.set("socket", at + 1);
    let share = counts.lost().map(|lost| 100.0 * lost as f64 / counts.sent.max(1) as f64);
    object.set("datagrams", datagrams(counts, counts.lost(), share));
    object.set("failure", socket.failure.as_ref().map(|failure| failure.sentence.clone()));
    object.0.into()
}

/// The result, as one line.
#[must_use]
pub fn result(results: &Results, missed: &[Missed], in_stream: bool) -> String {
    let mut object = head("one_way", in_stream, &results.about);
    object.set("duration_s", seconds(results.duration));
    object.set("interrupted", results.interrupted);
    object.set("connections", results.sockets.len());
    object.set("load", load(results));
    let counts = results.counts();
    object.set("bits_per_second", rounded(results.bits_per_second()));
    object.set("rate", rounded(results.rate()));
    object.set("rate_sent", rounded(results.sent_rate()));
    object.set("datagrams", datagrams(&counts, counts.lost(), results.loss_percent()));
    object.set("jitter_us", counts.view.map(|view| us(view.jitter_ns)));
    object.set("delay_us", delay(results));
    object.set("gaps_us", gaps(results));
    object.set("batching", batching(results));
    object.set("cpu", cpu(results.cpu_percent, results.server_cpu_percent));
    object.set("failures", results.failed());
    object.set("sockets", results.sockets.iter().enumerate().map(socket).collect::<Vec<_>>());
    object.set("intervals", results.course.iter().map(moment).collect::<Vec<_>>());
    object.set("limits_missed", sentences(missed));
    object.line()
}

fn piece(object: &mut Object, interval: &Interval) {
    times(object, interval.from, interval.to);
    object.set("bits_per_second", rounded(interval.bits_per_second()));
    object.set("datagrams", datagrams(&interval.counts, interval.counts.missing(), None));
}

fn moment(interval: &Interval) -> Value {
    let mut object = Object::default();
    piece(&mut object, interval);
    object.0.into()
}

/// One interval, as one line.
#[must_use]
pub fn interval(interval: &Interval) -> String {
    let mut object = document("one_way", Some("interval"));
    object.set("run", 1);
    piece(&mut object, interval);
    object.line()
}

/// The names of the columns of `--csv`.
///
/// # Errors
/// As writing does.
pub fn csv_head(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "run,from_s,to_s,sent,received,missing,duplicated,reordered,corrupted,bits_per_second")
}

/// One interval. What is not known is empty.
///
/// # Errors
/// As writing does.
pub fn csv_row(out: &mut impl Write, interval: &Interval) -> io::Result<()> {
    let (from, to, counts) = (interval.from.as_secs_f64(), interval.to.as_secs_f64(), &interval.counts);
    write!(out, "1,{from:.3},{to:.3},{}", counts.sent)?;
    let view = counts.view;
    for known in [
        counts.received(),
        counts.missing(),
        view.map(|view| view.duplicated),
        view.map(|view| view.reordered),
        view.map(|view| view.corrupt),
    ] {
        write!(out, ",{}", known.map_or_else(String::new, |known| known.to_string()))?;
    }
    writeln!(out, ",{:.0}", interval.bits_per_second())
}
