//! Reads a document of `bench -J` back. What can't be read says why: every wrong file has a sentence of its own.
//!
//! May use: results, packed, `serde_json`, `humantime`.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::{
    Document, Made, Piece, Record, measured,
    node::{Node, Wrong, shown},
};
use crate::{
    bench::{
        Arrivals,
        failure::Failure,
        load::{
            course::{self, Course},
            tuning::{Change, What},
        },
        merge,
        outage::Outage,
        report::json::SCHEMA_VERSION,
        results::{About, Generator, Model, Results, Server},
        shard::Shard,
        stats::{Counters, Tally, add},
    },
    error::Trouble,
    os::Machine,
    protocol::Answers,
};

const HOW: &str = "bench -J writes what can be read, as in: bench tcp HOST:PORT -J > run.json";

pub(super) fn not_json(name: &str, why: &str) -> Trouble {
    Trouble::failed(format!("{name} is not JSON: {why}")).hint(HOW)
}

impl Document {
    /// Reads a document of `bench -J`. `name` is what it is called when it is wrong.
    ///
    /// # Errors
    /// [`Trouble`] saying what is wrong with it.
    pub fn read(text: &str, name: &str) -> Result<Self, Trouble> {
        let document: Value = serde_json::from_str(text).map_err(|error| unreadable(text, name, &error))?;
        ours(&document, name)?;
        let node = Node::root(&document);
        let read = match document["mode"].as_str() {
            Some("bulk" | "one_way") => measured::run(&node).map(|run| Self::Measured(Box::new(run))),
            _ => whole(&node).map(|record| Self::Requests(Box::new(record))),
        };
        read.map_err(|wrong| {
            Trouble::failed(format!("{name} is no whole report of bench -J: {wrong}"))
                .hint("run it again, or take another file")
        })
    }
}

impl Record {
    /// As [`Document::read`], of a run of requests.
    ///
    /// # Errors
    /// [`Trouble`] saying what is wrong with it.
    pub fn read(text: &str, name: &str) -> Result<Self, Trouble> {
        Document::read(text, name)?.requests(name)
    }
}

/// What a text that is no JSON document is.
fn unreadable(text: &str, name: &str, error: &serde_json::Error) -> Trouble {
    let begin = text.trim_start();
    if begin.is_empty() {
        return Trouble::failed(format!("{name} is empty"))
            .hint("bench -J writes its document at the end of the run; did that end?");
    }
    let first = begin.lines().next().unwrap_or_default();
    if serde_json::from_str::<Value>(first).is_ok_and(|value| value["type"] == "interval") {
        return Trouble::failed(format!("{name} is a stream of objects (--json-stream), not one document")).hint(HOW);
    }
    if begin.starts_with("bench ") {
        return Trouble::failed(format!("{name} is a report for people, not JSON")).hint(HOW);
    }
    if error.is_eof() {
        return Trouble::failed(format!("{name} ends in the middle: {}", told(error)))
            .hint("it was cut off when it was written or copied; take the whole file");
    }
    not_json(name, &told(error))
}

fn told(error: &serde_json::Error) -> String {
    error.to_string().replace("EOF while parsing", "cut off within")
}

/// Did `bench` write it, in a form that is known here?
fn ours(document: &Value, name: &str) -> Result<(), Trouble> {
    let foreign = || Trouble::failed(format!("{name} is JSON, but no report of netproto bench")).hint(HOW);
    let version = document["netproto_version"].as_str().ok_or_else(foreign)?;
    let form = document["schema_version"].as_u64().ok_or_else(foreign)?;
    if document.get("comparisons").is_some() {
        return Err(Trouble::failed(format!("{name} is a comparison, not a run")).hint(HOW));
    }
    if form > u64::from(SCHEMA_VERSION) {
        let sentence = format!("{name} has form {form} of the report, and this netproto knows forms up to {SCHEMA_VERSION}");
        return Err(
            Trouble::failed(sentence).hint(format!("netproto {version} wrote it: read it with that, or a later one"))
        );
    }
    document.get("target").map(|_| ()).ok_or_else(foreign)
}

fn whole(document: &Node<'_>) -> Result<Record, Wrong> {
    let command = &document.shown("command")?;
    let read = |name: &str| document.list(name)?.iter().map(|node| run(node, command)).collect::<Result<Vec<_>, _>>();
    let (turns, machines) = (read("runs")?, read("machines")?);
    let (made, parts) = match (turns.is_empty(), machines.is_empty()) {
        (true, true) => (Made::Once, Vec::new()),
        (_, true) => (Made::InTurn, turns),
        (_, false) => (Made::AtOnce, machines),
    };
    let mut all = run(document, command)?;
    match made {
        Made::Once => {}
        Made::InTurn => all.pieces = Results::together(&parts).map(|all| all.pieces).unwrap_or_default(),
        Made::AtOnce => all.pieces = merge::course(&parts),
    }
    let version = document.shown("netproto_version")?;
    let limits_missed = document.list("limits_missed")?.iter().map(Node::as_shown).collect::<Result<_, _>>()?;
    Ok(Record { version, made, all, parts, limits_missed })
}

/// A name that lives as long as the process: those of what is measured here are in its tables, and a file is read once.
fn kept(name: String) -> &'static str {
    String::leak(name)
}

fn run(node: &Node<'_>, command: &str) -> Result<Results, Wrong> {
    let started = node.get("started_at")?;
    let started_at: SystemTime = humantime::parse_rfc3339(started.as_text()?).map_err(|_| "started_at is no time")?;
    let duration = node.seconds("duration_s")?;
    let about = about(node, command, duration)?;
    let generator = node.get("generator")?;
    let generator = Generator {
        cpu_percent: generator.number("cpu_percent")?,
        busiest_percent: generator.number("busiest_thread_percent")?,
        starved_percent: generator.find("starved_percent").map_or(Ok(0.0), |_| generator.number("starved_percent"))?,
        stood_still: generator.find("stood_still_s").map_or(Ok(Duration::ZERO), |_| generator.seconds("stood_still_s"))?,
        saturated: generator.flag("saturated")?,
    };
    let pieces = node.list("intervals")?.iter().map(piece).collect::<Result<Vec<_>, _>>()?;
    in_turn(pieces.iter().map(|piece| (piece.from, piece.to)))?;
    Ok(Results {
        about,
        started_at,
        duration,
        silence: node.seconds("silence_s")?,
        totals: totals(node)?,
        generator,
        interrupted: node.flag("interrupted")?,
        quiet: Duration::ZERO,
        // What the course above tells is not told twice, and connections that were kept are those of one run.
        over_time: Vec::new(),
        outages: node.list("outages")?.iter().map(outage).collect::<Result<_, _>>()?,
        changes: node.list("changes")?.iter().map(change).collect::<Result<_, _>>()?,
        held: None,
        server: node.find("server").map(|node| server(&node, duration)).transpose()?,
        // How requests were spread is told of one run, and not of what is read again.
        answered: Vec::new(),
        machine: node.find("machine").map(|node| machine(&node)).transpose()?,
        pieces,
    })
}

fn about(node: &Node<'_>, command: &str, duration: Duration) -> Result<About, Wrong> {
    let load = node.get("load")?;
    let course = course(&load, duration)?;
    let model = model(&load, course.is_some())?;
    let answers = node.find("answers").map_or(Ok("each"), |node| node.as_text())?;
    Ok(About {
        transport: kept(node.shown("transport")?),
        target: node.shown("target")?,
        protocol: kept(node.shown("protocol")?),
        datagrams: node.find("datagrams").is_some(),
        answers: Answers::of_word(answers).ok_or("answers is none that this netproto knows")?,
        connections: node.size("connections")?,
        threads: node.size("threads")?,
        in_flight: load.find("in_flight").map(|_| load.size("in_flight")).transpose()?,
        reconnect: node.flag("reconnect")?,
        repeats: node.flag_if("repeats")?,
        model,
        timeout: node.seconds("timeout_s")?,
        spin: node.get("generator")?.flag_if("spin")?,
        connect_rate: load.find("connect_rate_asked").map(|_| load.number("connect_rate_asked")).transpose()?,
        course,
        ramp: load.seconds("ramp_s")?,
        omit: load.seconds("omit_s")?,
        seed: load.count("seed")?,
        shard: load.find("shard").map_or(Ok(Shard::WHOLE), |shard| Shard::parse(shard.as_text()?))?,
        command: node.find("command").map_or(Ok(command.to_owned()), |_| node.shown("command"))?,
    })
}

/// What the rate did over time, where it did not stay the same.
fn course(load: &Node<'_>, duration: Duration) -> Result<Option<Course>, Wrong> {
    let Some(shape) = load.find("shape") else { return Ok(None) };
    let text = shape.as_text()?;
    let course = match load.text("model")? {
        "stages" => course::stages(text),
        "steps" => course::steps(text).map(|steps| steps.over(duration)),
        "sine" => course::sine(text),
        "burst" => course::burst(text),
        _ => Err("its model has none".into()),
    };
    course.map(Some).map_err(|why| format!("load.shape is none that this netproto knows: {why}"))
}

fn model(load: &Node<'_>, shaped: bool) -> Result<Model, Wrong> {
    let name = load.text("model")?;
    let arrivals = load.find("arrivals").map(|arrivals| arrivals.as_text().map(str::to_owned)).transpose()?;
    let arrivals = if shaped { arrivals.unwrap_or_default() } else { name.to_owned() };
    match (name, Arrivals::of_name(&arrivals)) {
        ("closed", _) => Ok(Model::Closed),
        ("hold", _) => Ok(Model::Hold),
        (_, Some(arrivals)) => Ok(Model::Open { rate: load.number("rate_asked")?, arrivals }),
        _ => Err("load.model is none that this netproto knows".into()),
    }
}

fn outage(node: &Node<'_>) -> Result<Outage, Wrong> {
    Ok(Outage {
        from: node.seconds("from_s")?,
        to: node.seconds("to_s")?,
        connections: node.size("connections")?,
        over: node.flag("over")?,
    })
}

/// What was changed while it ran.
fn change(node: &Node<'_>) -> Result<Change, Wrong> {
    let what = match node.text("change")? {
        "rate" => What::Rate(node.number("rate_asked")?),
        "pause" => What::Paused(node.seconds("lasted_s")?),
        "end" => What::Ended,
        _ => return Err("a change is none that this netproto knows".into()),
    };
    Ok(Change { at: node.seconds("at_s")?, what })
}

fn server(node: &Node<'_>, duration: Duration) -> Result<Server, Wrong> {
    Ok(Server {
        pid: node.count("pid")? as u32,
        cpu: duration.mul_f64((node.number("cpu_percent")? / 100.0).clamp(0.0, 1e6)),
        wall: duration,
        memory_bytes: node.count("memory_bytes")?,
        ended: node.flag("ended")?,
    })
}

pub(super) fn machine(node: &Node<'_>) -> Result<Machine, Wrong> {
    Ok(Machine {
        host: node.shown("host")?,
        kernel: node.shown("kernel")?,
        cpus: node.size("cpus")?,
        cpu: node.find("cpu").map(|cpu| cpu.as_shown()).transpose()?,
    })
}

fn totals(node: &Node<'_>) -> Result<Tally, Wrong> {
    let mut tally = Tally { counters: counters(node)?, ..Tally::default() };
    let generator = node.get("generator")?;
    for (to, name, from) in [
        (&mut tally.latency, "histogram", node),
        (&mut tally.as_sent, "histogram_uncorrected", node),
        (&mut tally.connect, "histogram_connect", node),
        (&mut tally.send_lag, "histogram_send_lag", &generator),
    ] {
        add(to, &from.histogram(name)?.unpacked());
    }
    for phase in node.list("phases")? {
        tally.phases.put(kept(phase.shown("name")?), &phase.histogram("histogram")?.unpacked(), phase.count("together")?);
    }
    if let Some(examples) = node.find("examples") {
        for (name, text) in examples.members()? {
            let text = examples.member(name, text).as_shown()?;
            tally.examples.extend(failure(name).map(|kind| (kind, text)));
        }
    }
    Ok(tally)
}

fn failure(name: &str) -> Option<Failure> {
    Failure::ALL.into_iter().find(|kind| kind.name() == name)
}

/// Of a run, or of an interval.
fn counters(node: &Node<'_>) -> Result<Counters, Wrong> {
    let mut counters = Counters::default();
    counters.right = node.count("requests")?;
    counters.sent = node.count("requests_sent")?;
    counters.bytes_sent = node.count("bytes_sent")?;
    counters.bytes_received = node.count("bytes_received")?;
    counters.connects = node.count_if("connects")?;
    counters.peer_closes = node.count_if("peer_closes")?;
    if let Some(datagrams) = node.find("datagrams") {
        counters.datagrams_received = datagrams.count("received")?;
        counters.duplicated = datagrams.count("duplicated")?;
        counters.reordered = datagrams.count("reordered")?;
        counters.unsolicited = datagrams.count("unsolicited")?;
        counters.unreachable = datagrams.count_if("unreachable")?;
    }
    let failures = node.get("failures")?;
    for (name, count) in failures.members()?.iter().filter(|(name, _)| *name != "total") {
        let count = failures.member(name, count).as_count()?;
        let kind = failure(name);
        counters.told(kind.unwrap_or(Failure::WrongReply), count);
        if kind.is_none() {
            // A wrong reply of a kind that the protocol has a name for.
            counters.named(kept(shown(name)), count);
        }
    }
    Ok(counters)
}

/// Intervals that are kept, at most: a run has 256, and what many machines did together as many for each.
const MOST_INTERVALS: usize = 1 << 16;

/// Each interval comes after the one before, and there are no more than can be.
pub(super) fn in_turn(intervals: impl Iterator<Item = (Duration, Duration)>) -> Result<(), Wrong> {
    let (mut last, mut many) = (Duration::ZERO, 0);
    for (from, to) in intervals {
        if from < last {
            return Err(format!("its intervals overlap at {:.3} s", from.as_secs_f64()));
        }
        (last, many) = (to, many + 1);
    }
    if many > MOST_INTERVALS { Err(format!("it has {many} intervals, which no run has")) } else { Ok(()) }
}

/// From when to when an interval lasts.
pub(super) fn times(node: &Node<'_>) -> Result<(Duration, Duration), Wrong> {
    let (from, to) = (node.seconds("from_s")?, node.seconds("to_s")?);
    if to < from {
        return Err(format!("an interval ends at {:.3} s, before it begins", to.as_secs_f64()));
    }
    Ok((from, to))
}

fn piece(node: &Node<'_>) -> Result<Piece, Wrong> {
    let (from, to) = times(node)?;
    let (latency, as_sent) = (node.histogram("histogram")?, node.histogram("histogram_uncorrected")?);
    Ok(Piece { from, to, counters: counters(node)?, latency, as_sent })
}
