//! In what two runs differ beside their figures: a comparison of two things that are not the same says so.
//!
//! May use: results, record, shown.

use super::judge::FEWEST;
use crate::{
    bench::{
        record::{Document, Made, Measured, Record, measured::What},
        results::{About, Model, Results},
        shown,
    },
    os::Machine,
    values::show,
};

/// One thing that is not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differs {
    pub what: &'static str,
    pub before: String,
    pub after: String,
}

/// What was done differently; of two of a kind.
#[must_use]
pub fn differs(before: &Document, after: &Document) -> Vec<Differs> {
    let all = match (before, after) {
        (Document::Requests(before), Document::Requests(after)) => between(before, after),
        (Document::Measured(before), Document::Measured(after)) => between_measured(before, after),
        _ => Vec::new(),
    };
    all.into_iter().filter(|differs| differs.before != differs.after).collect()
}

fn between_measured(before: &Measured, after: &Measured) -> Vec<Differs> {
    type Told = fn(&Measured) -> String;
    let of: [(&'static str, Told); 11] = [
        ("asked", |run| run.asked.map_or("as many as go".into(), |rate| format!("{}/s", shown::number(rate)))),
        ("warm-up", |run| shown::span(run.omit)),
        ("transport", |run| run.transport.clone()),
        ("protocol", |run| run.protocol.clone()),
        ("target", |run| run.target.clone()),
        ("connections", |run| shown::number(run.connections as f64)),
        ("threads", |run| shown::number(run.threads as f64)),
        ("load", |run| match &run.what {
            What::Bulk(bulk) => format!("{}, blocks of {}", bulk.direction, show::bytes(bulk.block_bytes)),
            What::OneWay(one_way) => shown::counted(one_way.length_bytes, "byte"),
        }),
        ("host", |run| told(run.machine.as_ref(), |machine| machine.host.clone())),
        ("kernel", |run| told(run.machine.as_ref(), |machine| machine.kernel.clone())),
        ("netproto", |run| run.version.clone()),
    ];
    of.into_iter().map(|(what, of)| Differs { what, before: of(before), after: of(after) }).collect()
}

fn between(before: &Record, after: &Record) -> Vec<Differs> {
    type Told = fn(&Results) -> String;
    let of: [(&'static str, Told); 11] = [
        ("transport", |run| run.about.transport.into()),
        ("protocol", |run| run.about.protocol.into()),
        ("target", |run| run.about.target.clone()),
        ("connections", |run| shown::number(run.about.connections as f64)),
        ("threads", |run| shown::number(run.about.threads as f64)),
        ("load", |run| load(&run.about)),
        ("in flight", |run| run.about.in_flight.map_or("no limit".into(), |most| shown::number(most as f64))),
        ("time-out", |run| shown::span(run.about.timeout)),
        ("reconnect", |run| if run.about.reconnect { "yes" } else { "no" }.into()),
        ("host", |run| told(run.machine.as_ref(), |machine| machine.host.clone())),
        ("kernel", |run| told(run.machine.as_ref(), |machine| machine.kernel.clone())),
    ];
    let told = |(what, of): (&'static str, Told)| Differs { what, before: of(&before.all), after: of(&after.all) };
    let runs = Differs { what: "runs", before: runs(before), after: runs(after) };
    let version = Differs { what: "netproto", before: before.version.clone(), after: after.version.clone() };
    of.into_iter().map(told).chain([runs, version]).collect()
}

/// `closed loop`, `20,000/s constant`
fn load(about: &About) -> String {
    match about.model {
        Model::Closed => "closed loop".into(),
        Model::Hold => "connections kept".into(),
        model @ Model::Open { rate, .. } => format!("{}/s {}", shown::number(rate), model.name(about.course.as_ref())),
    }
}

fn told(machine: Option<&Machine>, of: fn(&Machine) -> String) -> String {
    machine.map_or("several".into(), of)
}

fn runs(record: &Record) -> String {
    match record.made {
        Made::Once => "1".into(),
        Made::InTurn => record.parts.len().to_string(),
        Made::AtOnce => format!("{} at once", record.parts.len()),
    }
}

/// What of one record makes its figures worth less, in sentences.
#[must_use]
pub fn doubts(name: &str, document: &Document) -> Vec<String> {
    let (pieces, saturated, interrupted) = match document {
        Document::Requests(record) => (pieces(record), record.all.generator.saturated, record.all.interrupted),
        Document::Measured(run) => (run.course.len(), false, run.interrupted),
    };
    let mut doubts = Vec::new();
    if pieces < FEWEST {
        let has = match pieces {
            0 => "no intervals".into(),
            _ => shown::counted(pieces as u64, "interval"),
        };
        doubts.push(format!(
            "{name} has {has}, and it takes {FEWEST} to tell chance from change:\n    a run of 2 s or more, with bench -J"
        ));
    }
    if saturated {
        doubts.push(format!("in {name} the generator was the limit: its figures are not the server's"));
    }
    if interrupted {
        doubts.push(format!("{name} was interrupted"));
    }
    doubts
}

/// The fewest intervals of a run; what several did at the same time is one course.
fn pieces(record: &Record) -> usize {
    let fewest = record.runs().iter().map(|run| run.pieces.len()).min().unwrap_or(0);
    if record.made == Made::AtOnce { record.all.pieces.len() } else { fewest }
}
