//! Several generators' runs as one: what they did at the same time, added up. Histograms are added bucket by bucket, so nothing is
//! lost.
//!
//! May use: results, record, report.

mod measured;

use std::{
    io::{self, Write as _},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use super::{
    record::{Document, Made, Measured, Piece, Record},
    report::{self, json, machines, text},
    results::{About, Model, Results},
    shard::Shard,
    shown,
};
use crate::{
    error::{Exit, Trouble},
    os::Machine,
    values::show,
};

/// Starts that are further apart than this were not meant to be the same.
const TOGETHER: Duration = Duration::from_secs(1);
/// Targets that are named; how many more there are is told.
const NAMED: usize = 3;

/// A whole `merge` command, validated.
#[derive(Debug, Clone)]
pub struct MergePlan {
    pub files: Vec<PathBuf>,
    /// One JSON document on stdout in place of the text.
    pub json: bool,
    pub quiet: bool,
    /// What was typed, for the report.
    pub command: String,
}

/// Does what the plan says.
///
/// # Errors
/// [`Trouble`]: a file that is no report of `bench -J`, reports of different kinds, the same run twice, a stdout that can't be written.
pub fn run(plan: &MergePlan) -> Result<Exit, Trouble> {
    let documents = plan.files.iter().map(|path| Document::open(path)).collect::<Result<Vec<_>, _>>()?;
    let kinds = distinct(documents.iter().map(|document| document.kind().into()));
    if let [one, other, ..] = &kinds[..] {
        return Err(Trouble::failed(format!("runs of {one} and of {other} can't be one report"))
            .hint("merge those of the same kind, and the others apart"));
    }
    let (mut records, mut measured) = (Vec::new(), Vec::new());
    for document in documents {
        match document {
            Document::Requests(record) => records.push(*record),
            Document::Measured(run) => measured.push(*run),
        }
    }
    let text = if measured.is_empty() { requests(plan, records)? } else { measures(plan, measured)? };
    report::say(&text)?;
    Ok(Exit::Done)
}

/// The report of runs of requests.
fn requests(plan: &MergePlan, records: Vec<Record>) -> Result<String, Trouble> {
    let runs: Vec<_> = records.into_iter().flat_map(machines_of).collect();
    refuse_twice(&runs)?;
    plan.warn(&doubts(&runs));
    let Some(all) = at_once(&runs, plan.command.clone()) else { return Ok(String::new()) };
    Ok(if plan.json {
        json::merged(&all, &runs)
    } else {
        [text::report(&all), machines::table(&runs), text::silence(&all)].concat()
    })
}

/// The report of runs that only measured.
fn measures(plan: &MergePlan, runs: Vec<Measured>) -> Result<String, Trouble> {
    let apart = |run: Measured| if run.machines.is_empty() { vec![run] } else { run.machines };
    let runs: Vec<_> = runs.into_iter().flat_map(apart).collect();
    if let Some((_, twice)) =
        runs.iter().enumerate().find(|(at, run)| runs[..*at].iter().any(|other| other.document == run.document))
    {
        return Err(comes_twice(twice.machine.as_ref()));
    }
    plan.warn(&measured::doubts(&runs));
    let document = measured::at_once(&runs, &plan.command).to_string() + "\n";
    if plan.json {
        return Ok(document);
    }
    match Document::read(&document, "the merged report")? {
        Document::Measured(all) => Ok(report::measured::words(&all)),
        Document::Requests(_) => unreachable!("it was made of runs that only measured"),
    }
}

impl MergePlan {
    fn warn(&self, doubts: &[String]) {
        for doubt in doubts.iter().filter(|_| !self.quiet) {
            // Nobody may be reading: the report is what was asked for.
            let _ = writeln!(io::stderr(), "warning: {doubt}");
        }
    }
}

fn comes_twice(machine: Option<&Machine>) -> Trouble {
    let host = machine.map_or("one machine", |machine| machine.host.as_str());
    Trouble::failed(format!("the same run of {host} comes twice: it would count twice"))
        .hint("name each report once; a merged one holds those that it was made of")
}

/// What is merged already is taken apart again.
fn machines_of(record: Record) -> Vec<Results> {
    match record.made {
        Made::AtOnce => record.parts,
        Made::Once | Made::InTurn => vec![record.all],
    }
}

/// The same run under two names would count twice, and nobody would see it.
fn refuse_twice(runs: &[Results]) -> Result<(), Trouble> {
    let key = |run: &Results| (run.started_at, run.machine.clone(), run.about.clone(), run.totals.counters.clone());
    for (at, run) in runs.iter().enumerate() {
        if runs[..at].iter().any(|other| key(other) == key(run) && other.totals.latency == run.totals.latency) {
            return Err(comes_twice(run.machine.as_ref()));
        }
    }
    Ok(())
}

/// What does not belong together, in sentences.
#[must_use]
pub fn doubts(runs: &[Results]) -> Vec<String> {
    type Told = fn(&About) -> String;
    let mut doubts = Vec::new();
    let same: [(&str, Told); 5] = [
        ("transports", |about| about.transport.into()),
        ("protocols", |about| about.protocol.into()),
        ("targets", |about| about.target.clone()),
        ("kinds of load", |about| about.model.name(about.course.as_ref()).into()),
        ("time-outs", |about| shown::span(about.timeout)),
    ];
    for (what, told) in same {
        doubts.extend(different(what, runs.iter().map(|run| told(&run.about))));
    }
    doubts.extend(apart(runs.iter().map(|run| run.started_at)));
    doubts.extend(missing_shards(runs));
    doubts
}

/// They did not begin at the same time.
fn apart(starts: impl Iterator<Item = SystemTime> + Clone) -> Option<String> {
    let apart = starts.clone().max()?.duration_since(starts.min()?).unwrap_or_default();
    (apart > TOGETHER).then(|| {
        format!("they began {} apart, and rates are added as if they had run at the same time", show::duration(apart))
    })
}

fn different(what: &str, values: impl Iterator<Item = String>) -> Option<String> {
    let values = distinct(values);
    (values.len() > 1).then(|| format!("they have different {what}: {}", listed(&values)))
}

/// Shards that are not there, or are there twice.
fn missing_shards(runs: &[Results]) -> Option<String> {
    let shards: Vec<Shard> = runs.iter().map(|run| run.about.shard).filter(|shard| *shard != Shard::WHOLE).collect();
    let of = shards.first()?.of;
    if shards.len() < runs.len() || shards.iter().any(|shard| shard.of != of) {
        return Some("not all are shards of the same load".into());
    }
    let count = |index| shards.iter().filter(|shard| shard.index == index).count();
    if let Some(index) = (0..of).find(|index| count(*index) > 1) {
        return Some(format!("shard {} is there {} times", Shard { index, of }, count(index)));
    }
    let missing: Vec<_> = (0..of).filter(|index| count(*index) == 0).map(|index| Shard { index, of }.to_string()).collect();
    let noun = if missing.len() == 1 { "shard" } else { "shards" };
    (!missing.is_empty()).then(|| format!("{noun} {} missing: the report is of a part of the load", listed(&missing)))
}

fn distinct(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut distinct = Vec::new();
    for value in values {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    distinct
}

fn listed(values: &[String]) -> String {
    let more = values.len().saturating_sub(NAMED);
    let named = values[..values.len() - more].join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}

/// All as one. `None` without a run.
#[must_use]
pub fn at_once(runs: &[Results], command: String) -> Option<Results> {
    let (first, rest) = runs.split_first()?;
    let mut all = Results { machine: None, pieces: course(runs), ..first.clone() };
    for run in rest {
        all.started_at = all.started_at.min(run.started_at);
        all.duration = all.duration.max(run.duration);
        // It is silent when all are.
        all.silence = all.silence.min(run.silence);
        all.outages.extend_from_slice(&run.outages);
        all.totals.add(&run.totals);
        all.interrupted |= run.interrupted;
        all.generator.saturated |= run.generator.saturated;
        all.generator.cpu_percent += run.generator.cpu_percent;
        all.generator.busiest_percent = all.generator.busiest_percent.max(run.generator.busiest_percent);
        all.generator.stood_still = all.generator.stood_still.max(run.generator.stood_still);
        all.generator.starved_percent = all.generator.starved_percent.max(run.generator.starved_percent);
    }
    all.about = about(runs, &first.about, command);
    Some(all)
}

fn about(runs: &[Results], first: &About, command: String) -> About {
    let abouts = || runs.iter().map(|run| &run.about);
    let targets = distinct(abouts().map(|about| about.target.clone()));
    let in_flight = abouts().map(|about| about.in_flight).max_by_key(|most| most.unwrap_or(usize::MAX)).flatten();
    let rate: f64 = abouts().filter_map(|about| about.model.rate_asked()).sum();
    let model = match first.model {
        // A third three times is a whole.
        Model::Open { arrivals, .. } => Model::Open { rate: (rate * 1e6).round() / 1e6, arrivals },
        other => other,
    };
    About {
        target: listed(&targets),
        connections: abouts().map(|about| about.connections).sum(),
        threads: abouts().map(|about| about.threads).sum(),
        in_flight,
        reconnect: abouts().any(|about| about.reconnect),
        repeats: abouts().any(|about| about.repeats),
        timeout: abouts().map(|about| about.timeout).max().unwrap_or_default(),
        datagrams: abouts().any(|about| about.datagrams),
        shard: Shard::WHOLE,
        model,
        command,
        ..first.clone()
    }
}

/// The course of all: what happened at the same time since each began to measure is one piece.
///
/// A piece can't be cut, so the longest ones decide: the pieces of the others are added where their middle lies.
#[must_use]
pub fn course(runs: &[Results]) -> Vec<Piece> {
    let length = |run: &Results| run.pieces.first().map(Piece::duration).unwrap_or_default();
    let Some(longest) = runs.iter().max_by_key(|run| (length(run), run.pieces.len())) else { return Vec::new() };
    if runs.iter().any(|run| run.pieces.is_empty()) {
        return Vec::new();
    }
    let mut course = longest.pieces.clone();
    for run in runs.iter().filter(|run| !std::ptr::eq(*run, longest)) {
        for piece in &run.pieces {
            let middle = piece.from + piece.duration() / 2;
            let at = course.partition_point(|whole| whole.to <= middle);
            match course.get_mut(at) {
                Some(whole) => {
                    let (from, to) = (whole.from, whole.to);
                    whole.join(piece);
                    (whole.from, whole.to) = (from, to);
                }
                None => course.push(piece.clone()),
            }
        }
    }
    course
}
