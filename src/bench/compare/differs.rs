//! In what two runs differ beside their figures: a comparison of two things that are not the same says so.
//!
//! May use: results, record, shown.

use super::judge::FEWEST;
use crate::{
    bench::{
        record::{Made, Record},
        results::{About, Model, Results},
        shown,
    },
    os::Machine,
};

/// One thing that is not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differs {
    pub what: &'static str,
    pub before: String,
    pub after: String,
}

/// What was done differently.
#[must_use]
pub fn differs(before: &Record, after: &Record) -> Vec<Differs> {
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
        ("host", |run| machine(run, |machine| machine.host.clone())),
        ("kernel", |run| machine(run, |machine| machine.kernel.clone())),
    ];
    let told = |(what, of): (&'static str, Told)| Differs { what, before: of(&before.all), after: of(&after.all) };
    let runs = Differs { what: "runs", before: runs(before), after: runs(after) };
    let version = Differs { what: "netproto", before: before.version.clone(), after: after.version.clone() };
    let all = of.into_iter().map(told).chain([runs, version]);
    all.filter(|differs| differs.before != differs.after).collect()
}

/// `closed loop`, `20,000/s constant`
fn load(about: &About) -> String {
    match about.model {
        Model::Closed => "closed loop".into(),
        model @ Model::Open { .. } => {
            format!("{}/s {}", shown::number(model.rate_asked().unwrap_or_default()), model.name())
        }
    }
}

fn machine(run: &Results, of: fn(&Machine) -> String) -> String {
    run.machine.as_ref().map_or("several".into(), of)
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
pub fn doubts(name: &str, record: &Record) -> Vec<String> {
    let all = &record.all;
    let pieces = record.runs().iter().map(|run| run.pieces.len()).min().unwrap_or(0);
    let pieces = if record.made == Made::AtOnce { all.pieces.len() } else { pieces };
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
    if all.generator.saturated {
        doubts.push(format!("in {name} the generator was the limit: its figures are not the server's"));
    }
    if all.interrupted {
        doubts.push(format!("{name} was interrupted"));
    }
    doubts
}
