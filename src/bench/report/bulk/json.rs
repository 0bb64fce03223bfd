//! `-J` and `--json-stream` of `bench --bulk`, as `schemas/bench.schema.json` has them, and `--csv`.
//!
//! Built of plain values: what is written once a run need not be compiled for each of its parts.
//!
//! May use: `bench::bulk`, `serde_json`, humantime.

use std::{
    io::{self, Write},
    time::Duration,
};

use serde_json::{Map, Value};

use crate::bench::{
    bulk::{Count, Figures, Flow, Interval, Moved, Results, Stream},
    limit::Missed,
    measured::About,
    report::json::{SCHEMA_VERSION, rounded, seconds},
};

pub(in crate::bench::report) fn us(duration: Duration) -> f64 {
    rounded(duration.as_secs_f64() * 1e6)
}

/// An object being made.
#[derive(Default)]
pub(in crate::bench::report) struct Object(pub Map<String, Value>);

impl Object {
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.put(name, value.into());
    }

    #[inline(never)]
    fn put(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    pub fn line(self) -> String {
        Value::Object(self.0).to_string() + "\n"
    }
}

fn counted(count: Option<Count>) -> Value {
    let Some(count) = count else { return Value::Null };
    let mut object = Object::default();
    object.set("bytes", count.bytes);
    object.set("duration_s", seconds(count.took));
    object.set("bits_per_second", rounded(count.bits_per_second()));
    object.0.into()
}

fn way(flow: Flow) -> Value {
    let mut object = Object::default();
    object.set("bits_per_second", rounded(flow.count().bits_per_second()));
    object.set("sent", counted(flow.sent));
    object.set("received", counted(flow.received));
    object.set("views_equal", flow.agrees());
    object.0.into()
}

/// What is known of connections. Null: it is not.
fn link(object: &mut Object, figures: Option<Figures>) {
    let figures = figures.unwrap_or_default();
    object.set("retransmits", figures.retransmits);
    object.set("rtt_us", figures.rtt.map(us));
    object.set("cwnd_bytes", figures.cwnd_bytes);
    object.set("recv_window_bytes", figures.window_bytes);
}

/// Of one stream, or of all: as received, where that is known, and both ways.
fn numbers(object: &mut Object, (up, down): (Option<Flow>, Option<Flow>), figures: Option<Figures>, block: u32) {
    let counts = || [up, down].into_iter().flatten().map(|flow| flow.count());
    object.set("bits_per_second", rounded(counts().map(|count| count.bits_per_second()).sum()));
    object.set("blocks", counts().map(|count| count.bytes.div_ceil(block.into())).sum::<u64>());
    link(object, figures);
    for (name, flow) in [("up", up), ("down", down)] {
        if let Some(flow) = flow {
            object.set(name, way(flow));
        }
    }
}

fn stream((at, stream): (usize, &Stream), block: u32) -> Value {
    let mut object = Object::default();
    object.set("stream", at + 1);
    numbers(&mut object, (stream.up, stream.down), stream.figures, block);
    object.set("failure", stream.failure.as_ref().map(|failure| failure.sentence.clone()));
    object.0.into()
}

fn load(results: &Results) -> Value {
    let (about, plan) = (&results.about, &results.plan);
    let mut object = Object::default();
    object.set("direction", plan.way());
    object.set("bytes_asked", plan.bytes);
    object.set("duration_asked_s", plan.time.map(seconds));
    object.set("omit_s", seconds(about.omit));
    object.set("block_bytes", plan.block);
    object.set("bits_per_second_asked", plan.rate);
    object.set("paced_by", results.paced_by);
    object.set("zero_copy", plan.zero_copy);
    object.set("skip_copy", plan.skip_copy);
    object.set("views", if about.two_views { "both" } else { "ours" });
    object.0.into()
}

pub(in crate::bench::report) fn document(mode: &str, kind: Option<&str>) -> Object {
    let mut object = Object::default();
    object.set("schema_version", SCHEMA_VERSION);
    object.set("mode", mode);
    if let Some(kind) = kind {
        object.set("type", kind);
    }
    object
}

/// What the document of a result begins with: what was run, where and when.
pub(in crate::bench::report) fn head(mode: &str, in_stream: bool, about: &About) -> Object {
    let mut object = document(mode, in_stream.then_some("result"));
    for (name, value) in [
        ("netproto_version", env!("CARGO_PKG_VERSION")),
        ("command", about.command.as_str()),
        ("target", about.target.as_str()),
        ("transport", about.transport),
        ("protocol", about.protocol),
        ("started_at", humantime::format_rfc3339_millis(about.started_at).to_string().as_str()),
    ] {
        object.set(name, value);
    }
    let mut machine = Object::default();
    machine.set("host", about.machine.host.as_str());
    machine.set("kernel", about.machine.kernel.as_str());
    machine.set("cpus", about.machine.cpus);
    machine.set("cpu", about.machine.cpu.as_deref());
    object.set("machine", machine.0);
    object.set("threads", about.threads);
    object.set("timeout_s", seconds(about.timeout));
    object
}

/// What used how much of the cores, in percent of one.
pub(in crate::bench) fn cpu(here: f64, server: Option<f64>) -> Value {
    let mut object = Object::default();
    object.set("generator_percent", rounded(here));
    object.set("server_percent", server.map(rounded));
    object.0.into()
}

/// A sentence for each limit.
pub(in crate::bench::report) fn sentences(missed: &[Missed]) -> Value {
    missed.iter().map(|missed| missed.sentence.clone()).collect::<Vec<_>>().into()
}

/// The result, as one line.
#[must_use]
pub fn result(results: &Results, missed: &[Missed], in_stream: bool) -> String {
    let mut object = head("bulk", in_stream, &results.about);
    object.set("duration_s", seconds(results.duration));
    object.set("silence_s", seconds(results.silence));
    object.set("interrupted", results.interrupted);
    object.set("connections", results.streams.len());
    object.set("load", load(results));
    numbers(&mut object, (results.up(), results.down()), results.figures(), results.plan.block);
    object.set("cpu", cpu(results.cpu_percent, results.server_cpu_percent));
    object.set("failures", results.failed());
    let streams = results.streams.iter().enumerate();
    object.set("streams", streams.map(|one| stream(one, results.plan.block)).collect::<Vec<_>>());
    object.set("intervals", results.course.iter().map(moment).collect::<Vec<_>>());
    object.set("limits_missed", sentences(missed));
    object.line()
}

/// What crossed our end.
fn piece(object: &mut Object, moved: &Moved, interval: &Interval) {
    object.set("bits_per_second", rounded(interval.bits_per_second(moved.up + moved.down)));
    object.set("bytes_up", moved.up);
    object.set("bytes_down", moved.down);
    link(object, moved.figures);
}

pub(in crate::bench::report) fn times(object: &mut Object, from: Duration, to: Duration) {
    object.set("from_s", seconds(from));
    object.set("to_s", seconds(to));
}

/// Of the course: all streams together.
fn moment(interval: &Interval) -> Value {
    let mut object = Object::default();
    times(&mut object, interval.from, interval.to);
    piece(&mut object, &interval.sum(), interval);
    object.0.into()
}

/// One interval, as one line.
#[must_use]
pub fn interval(interval: &Interval) -> String {
    let mut object = document("bulk", Some("interval"));
    object.set("run", 1);
    times(&mut object, interval.from, interval.to);
    piece(&mut object, &interval.sum(), interval);
    let stream = |moved: &Moved| {
        let mut object = Object::default();
        piece(&mut object, moved, interval);
        Value::Object(object.0)
    };
    object.set("streams", interval.streams.iter().map(stream).collect::<Vec<_>>());
    object.line()
}

/// The names of the columns of `--csv`.
///
/// # Errors
/// As writing does.
pub fn csv_head(out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "run,from_s,to_s,stream,bytes_up,bytes_down,bits_per_second,retransmits,rtt_us,cwnd_bytes,recv_window_bytes"
    )
}

/// One interval: a row for each stream. What is not known is empty.
///
/// # Errors
/// As writing does.
pub fn csv_rows(out: &mut impl Write, interval: &Interval) -> io::Result<()> {
    let (from, to) = (interval.from.as_secs_f64(), interval.to.as_secs_f64());
    for (at, moved) in interval.streams.iter().enumerate() {
        let rate = interval.bits_per_second(moved.up + moved.down);
        write!(out, "1,{from:.3},{to:.3},{},{},{},{rate:.0}", at + 1, moved.up, moved.down)?;
        let figures = moved.figures.unwrap_or_default();
        for known in [figures.retransmits.map(|many| many as f64), figures.rtt.map(us)] {
            write!(out, ",{}", known.map_or_else(String::new, |known| known.to_string()))?;
        }
        for known in [figures.cwnd_bytes, figures.window_bytes] {
            write!(out, ",{}", known.map_or_else(String::new, |known| known.to_string()))?;
        }
        writeln!(out)?;
    }
    Ok(())
}
