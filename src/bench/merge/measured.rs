//! Runs that only measured (`--bulk`, `--one-way`) as one: their documents, field by field.
//!
//! What counts is added up. Of what is a time or a worst case the greatest stands for all, as it does for the streams or sockets of one
//! run. What one of them does not know, nobody knows of all.
//!
//! May use: merge, record's measured runs, report, shown, `values`, humantime.

use serde_json::{Map, Value};

use super::{apart, different, distinct, listed};
use crate::{
    bench::{
        record::measured::{Measured, What},
        report::{self, json::rounded},
        shown,
    },
    values::show,
};

/// Fields of which the greatest stands for all ...
const GREATEST: [&str; 15] = [
    "schema_version",
    "duration_s",
    "duration_asked_s",
    "timeout_s",
    "omit_s",
    "block_bytes",
    "length_bytes",
    "jitter_us",
    "p50",
    "p90",
    "p99",
    "p99_9",
    "max",
    "gso",
    "gro",
];
/// ... and the least: they are silent when all are.
const LEAST: &str = "silence_s";
/// ... and the mean, by streams.
const MEAN: &str = "rtt_us";
/// What is so when it is so of all; else one is enough.
const OF_ALL: &str = "views_equal";

/// One value of several, and how many streams or sockets it is of.
#[derive(Clone, Copy)]
struct Of<'a> {
    value: &'a Value,
    many: f64,
}

/// The document of all.
#[must_use]
pub fn at_once(runs: &[Measured], command: &str) -> Value {
    let documents: Vec<_> = runs.iter().map(|run| Of { value: &run.document, many: run.connections as f64 }).collect();
    let mut all = object(&documents);
    let lists = |name: &str| documents.iter().flat_map(|of| list(of.value, name)).cloned().collect::<Vec<_>>();
    for (name, unit) in [("streams", "stream"), ("sockets", "socket")] {
        if all.contains_key(name) {
            all.insert(name.into(), numbered(lists(name), unit));
        }
    }
    for (name, value) in [
        ("command", command.into()),
        ("machine", Value::Null),
        ("target", listed(&distinct(runs.iter().map(|run| run.target.clone()))).into()),
        ("cpu", cpu(runs)),
        ("intervals", course(&documents).into()),
        ("limits_missed", lists("limits_missed").into()),
        ("machines", runs.iter().map(|run| run.document.clone()).collect()),
    ] {
        all.insert(name.into(), value);
    }
    if let Some(Value::Object(datagrams)) = all.get_mut("datagrams")
        && let (Some(lost), Some(sent)) = (datagrams["lost"].as_f64(), datagrams["sent"].as_f64())
    {
        datagrams.insert("loss_percent".into(), rounded(100.0 * lost / sent.max(1.0)).into());
    }
    all.remove("type");
    all.into()
}

/// What does not belong together, in sentences.
#[must_use]
pub fn doubts(runs: &[Measured]) -> Vec<String> {
    type Told = fn(&Measured) -> String;
    let same: [(&str, Told); 4] = [
        ("transports", |run| run.transport.clone()),
        ("protocols", |run| run.protocol.clone()),
        ("targets", |run| run.target.clone()),
        ("loads", |run| match &run.what {
            What::Bulk(bulk) => format!("{} in blocks of {}", bulk.direction, show::bytes(bulk.block_bytes)),
            What::OneWay(one_way) => shown::counted(one_way.length_bytes, "byte"),
        }),
    ];
    let different = same.into_iter().filter_map(|(what, told)| different(what, runs.iter().map(told)));
    let starts = runs.iter().filter_map(|run| humantime::parse_rfc3339(&run.began).ok());
    different.chain(apart(starts)).collect()
}

fn list<'a>(document: &'a Value, name: &str) -> &'a [Value] {
    document[name].as_array().map_or(&[], Vec::as_slice)
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or_default()
}

/// Each field of the objects among them.
fn object(all: &[Of<'_>]) -> Map<String, Value> {
    let mut fields = Map::new();
    for of in all {
        for name in of.value.as_object().into_iter().flat_map(Map::keys) {
            if !fields.contains_key(name) {
                let have = all.iter().filter_map(|of| Some(Of { value: of.value.get(name)?, ..*of })).collect::<Vec<_>>();
                fields.insert(name.clone(), field(name, &have));
            }
        }
    }
    fields
}

/// One field, of those that have it.
fn field(name: &str, all: &[Of<'_>]) -> Value {
    let values = || all.iter().map(|of| of.value);
    let Some(first) = values().next().filter(|_| !values().any(Value::is_null)) else { return Value::Null };
    match first {
        Value::Object(_) => object(all).into(),
        Value::Bool(_) if name == OF_ALL => values().all(|value| value.as_bool() == Some(true)).into(),
        Value::Bool(_) => values().any(|value| value.as_bool() == Some(true)).into(),
        Value::Number(_) => figure(name, all),
        Value::String(_) if name == "started_at" => values().filter_map(Value::as_str).min().into(),
        Value::String(_) if values().any(|value| value != first) && name == "direction" => "both".into(),
        Value::String(_) if values().any(|value| value != first) && name == "views" => "ours".into(),
        other => other.clone(),
    }
}

fn figure(name: &str, all: &[Of<'_>]) -> Value {
    let values = || all.iter().map(|of| of.value);
    let amounts = || values().filter_map(Value::as_f64);
    let chosen = |wanted: f64| values().find(|value| value.as_f64() == Some(wanted)).cloned().unwrap_or_default();
    if GREATEST.contains(&name) {
        return chosen(amounts().fold(0.0, f64::max));
    }
    if name == LEAST {
        return chosen(amounts().fold(f64::INFINITY, f64::min));
    }
    if name == MEAN {
        let weighed = all.iter().filter_map(|of| Some(of.value.as_f64()? * of.many)).sum::<f64>();
        return rounded(weighed / all.iter().map(|of| of.many).sum::<f64>().max(1.0)).into();
    }
    match values().map(Value::as_u64).sum::<Option<u64>>() {
        Some(count) => count.into(),
        None => rounded(amounts().sum()).into(),
    }
}

/// All in a row, numbered anew from 1.
fn numbered(mut all: Vec<Value>, unit: &str) -> Value {
    for (at, one) in all.iter_mut().enumerate() {
        one[unit] = (at + 1).into();
    }
    all.into()
}

/// The generators' together; a server that several of them loaded is one, and the most that it told.
fn cpu(runs: &[Measured]) -> Value {
    let mut servers: Vec<(&str, Option<f64>)> = Vec::new();
    for run in runs {
        let told = run.server_cpu_percent;
        match servers.iter_mut().find(|(target, _)| *target == run.target) {
            Some((_, most)) => *most = most.zip(told).map(|(most, told)| most.max(told)),
            None => servers.push((&run.target, told)),
        }
    }
    let servers = servers.into_iter().map(|(_, most)| most).sum();
    report::bulk::json::cpu(runs.iter().map(|run| run.cpu_percent).sum(), servers)
}

/// The course of all: what happened at the same time since each began to measure is one piece. A piece can't be cut, so the longest ones
/// decide: the pieces of the others are added where their middle lies.
fn course(documents: &[Of<'_>]) -> Vec<Value> {
    let courses: Vec<_> = documents.iter().map(|of| (list(of.value, "intervals"), of.many)).collect();
    let length = |course: &[Value]| course.first().map_or(0.0, |piece| number(piece, "to_s") - number(piece, "from_s"));
    let longest =
        |(at, (course, _)): &(usize, &(&[Value], f64))| ((length(course) * 1e6) as u64, course.len(), usize::MAX - at);
    let Some((at, (first, many))) = courses.iter().enumerate().max_by_key(longest) else { return Vec::new() };
    if courses.iter().any(|(course, _)| course.is_empty()) {
        return Vec::new();
    }
    let mut pieces: Vec<Vec<Of<'_>>> = first.iter().map(|value| vec![Of { value, many: *many }]).collect();
    for (course, many) in courses.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, course)| *course) {
        for value in course {
            let middle = f64::midpoint(number(value, "from_s"), number(value, "to_s"));
            let at = pieces.partition_point(|piece| number(piece[0].value, "to_s") <= middle);
            if at == pieces.len() {
                pieces.push(Vec::new());
            }
            pieces[at].push(Of { value, many });
        }
    }
    pieces.iter().map(|piece| joined(piece)).collect()
}

/// What happened in the time of the first of them.
fn joined(all: &[Of<'_>]) -> Value {
    let mut piece = object(all);
    let whole = all[0].value;
    let lasted = |value: &Value| number(value, "to_s") - number(value, "from_s");
    let bits: f64 = all.iter().map(|of| number(of.value, "bits_per_second") * lasted(of.value)).sum();
    piece.insert("bits_per_second".into(), rounded(bits / lasted(whole).max(1e-6)).into());
    for name in ["from_s", "to_s"] {
        piece.insert(name.into(), whole[name].clone());
    }
    piece.into()
}
