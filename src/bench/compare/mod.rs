//! Comparing runs: each figure's change, and whether it is more than chance.
//!
//! May use: record, results, report's way to stdout, `error`.

mod blocks;
pub mod differs;
mod draws;
pub mod figure;
mod json;
pub mod judge;
pub mod limit;
mod text;

use std::path::PathBuf;

use self::{
    differs::{Differs, differs, doubts},
    figure::Figure,
    judge::Row,
    limit::Limit,
};
use super::{
    record::{Document, measured::What},
    report,
};
use crate::{
    error::{Exit, Trouble},
    values::show,
};

/// How often both runs are drawn anew.
const DRAWINGS: usize = 2000;

/// A whole `compare` command, validated.
#[derive(Debug, Clone)]
pub struct ComparePlan {
    /// The one that all others are compared with.
    pub before: PathBuf,
    pub after: Vec<PathBuf>,
    pub limits: Vec<Limit>,
    /// One JSON document on stdout in place of the text.
    pub json: bool,
}

/// One record compared with another.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// What the later one is called.
    pub name: String,
    pub rows: Vec<Row>,
    pub differs: Vec<Differs>,
    pub doubts: Vec<String>,
    /// A sentence for each limit that was missed.
    pub missed: Vec<String>,
}

/// Does what the plan says.
///
/// # Errors
/// [`Trouble`]: a file that is no report of `bench -J`, a stdout that can't be written.
pub fn run(plan: &ComparePlan) -> Result<Exit, Trouble> {
    let before = Document::open(&plan.before)?;
    let name = show::path(&plan.before);
    if is_in_vain(&before) {
        return Err(Trouble::failed(format!("in {name} nothing was answered rightly, so nothing can be compared with it"))
            .hint("its report says why; take a run that worked"));
    }
    let records = plan.after.iter().map(|path| Ok((show::path(path), Document::open(path)?)));
    let records = records.collect::<Result<Vec<_>, Trouble>>()?;
    let other = records.iter().find(|(_, document)| document.kind() != before.kind());
    if let Some((after, document)) = other {
        let (kind, other) = (before.kind(), document.kind());
        return Err(Trouble::failed(format!("{name} is a run of {kind}, and {after} one of {other}"))
            .hint("runs of one kind can be compared"));
    }
    let compared: Vec<_> =
        records.iter().map(|(after, record)| compare((&name, &before), (after, record), &plan.limits)).collect();
    report::say(&if plan.json {
        json::document(&name, &compared)
    } else {
        compared.iter().map(|compared| text::table((&name, &before), compared)).collect::<Vec<_>>().join("\n")
    })?;
    let missed = compared.iter().any(|compared| !compared.missed.is_empty());
    Ok(if missed { Exit::LimitMissed } else { Exit::Done })
}

/// Did nothing come of it?
fn is_in_vain(document: &Document) -> bool {
    match document {
        Document::Requests(record) => record.all.totals.counters.right == 0,
        Document::Measured(run) => match &run.what {
            What::Bulk(bulk) => bulk.bits_per_second <= 0.0,
            What::OneWay(one_way) => one_way.rate <= 0.0,
        },
    }
}

/// The figures of two of a kind.
fn figures(before: &Document, after: &Document) -> Vec<Figure> {
    match (before, after) {
        (Document::Requests(before), Document::Requests(after)) => {
            let mut figures = Figure::USUAL.to_vec();
            if before.all.about.datagrams || after.all.about.datagrams {
                figures.push(Figure::Loss);
            }
            figures
        }
        (Document::Measured(run), _) | (_, Document::Measured(run)) => match &run.what {
            What::Bulk(_) => vec![Figure::Bits],
            What::OneWay(_) => vec![Figure::Datagrams, Figure::Loss],
        },
    }
}

/// Compares one record with another of its kind, each with the name it goes by.
#[must_use]
pub fn compare(before: (&str, &Document), after: (&str, &Document), limits: &[Limit]) -> Comparison {
    let mut figures = figures(before.1, after.1);
    let same = |one: Figure, other: Figure| one == other || (one.is_rate() && other.is_rate());
    for figure in limits.iter().map(|limit| limit.figure) {
        if !figures.iter().any(|known| same(*known, figure)) {
            figures.push(figure);
        }
    }
    let rows = judge::rows(before.1, after.1, &figures, DRAWINGS);
    let of = |figure: Figure| rows.iter().find(|row| same(row.figure, figure));
    let missed = limits.iter().filter_map(|limit| limit.judge(of(limit.figure)?)).collect();
    let doubts = [before, after].into_iter().flat_map(|(name, record)| doubts(name, record)).collect();
    Comparison { name: after.0.to_owned(), rows, differs: differs(before.1, after.1), doubts, missed }
}
