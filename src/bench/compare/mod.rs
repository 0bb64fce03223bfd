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
use super::{record::Record, report};
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
    let before = Record::open(&plan.before)?;
    let name = show::path(&plan.before);
    if before.all.totals.counters.right == 0 {
        return Err(Trouble::failed(format!("in {name} nothing was answered rightly, so nothing can be compared with it"))
            .hint("its report says why; take a run that worked"));
    }
    let records = plan.after.iter().map(|path| Ok((show::path(path), Record::open(path)?)));
    let records = records.collect::<Result<Vec<_>, Trouble>>()?;
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

/// Compares one record with another, each with the name it goes by.
#[must_use]
pub fn compare(before: (&str, &Record), after: (&str, &Record), limits: &[Limit]) -> Comparison {
    let mut figures = Figure::USUAL.to_vec();
    if before.1.all.about.datagrams || after.1.all.about.datagrams {
        figures.push(Figure::Loss);
    }
    let wanted = limits.iter().map(|limit| limit.figure).filter(|figure| !Figure::USUAL.contains(figure));
    for figure in wanted {
        if !figures.contains(&figure) {
            figures.push(figure);
        }
    }
    let rows = judge::rows(before.1, after.1, &figures, DRAWINGS);
    let of = |figure: Figure| rows.iter().find(|row| row.figure == figure);
    let missed = limits.iter().filter_map(|limit| limit.judge(of(limit.figure)?)).collect();
    let doubts = [before, after].into_iter().flat_map(|(name, record)| doubts(name, record)).collect();
    Comparison { name: after.0.to_owned(), rows, differs: differs(before.1, after.1), doubts, missed }
}
