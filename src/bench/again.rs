//! `report`: the report of runs that were measured before, from what `bench -J` wrote: as text, or as a page.
//!
//! May use: record, report.

use std::path::PathBuf;

use super::{
    ReportPlan,
    limit::Missed,
    record::{Made, Record},
    report::{self, html, machines, whole::Whole},
};
use crate::{
    error::{Exit, Trouble},
    values::show,
};

/// A whole `report` command, validated.
#[derive(Debug, Clone)]
pub struct AgainPlan {
    pub files: Vec<PathBuf>,
    pub html: Option<PathBuf>,
    pub quiet: bool,
    pub verbose: u8,
}

/// Runs a whole `report` command.
///
/// # Errors
/// [`Trouble`]: a file that can't be read, a page that can't be written.
pub fn run(plan: &AgainPlan) -> Result<Exit, Trouble> {
    let read = |path: &PathBuf| Record::open(path);
    let records = plan.files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    match &plan.html {
        Some(path) => {
            let page = Whole::create(path, "the folder must exist and be writable")?;
            let called = names(&plan.files);
            let named = records.iter().zip(&called).map(|(record, name)| html::Named { name, record });
            page.put(&html::page(&named.collect::<Vec<_>>()))?;
        }
        None => told(plan, &records)?,
    }
    Ok(Exit::Done)
}

/// One after another, each under its name where there are several.
fn told(plan: &AgainPlan, records: &[Record]) -> Result<(), Trouble> {
    let form = ReportPlan { quiet: plan.quiet, verbose: plan.verbose, ..ReportPlan::default() };
    for (at, (record, path)) in records.iter().zip(&plan.files).enumerate() {
        if records.len() > 1 {
            let gap = if at > 0 { "\n" } else { "" };
            report::say(&format!("{gap}{}\n\n", show::path(path)))?;
        }
        report::say(&words(&form, record))?;
    }
    Ok(())
}

fn words(form: &ReportPlan, record: &Record) -> String {
    let missed: Vec<_> = record.limits_missed.iter().map(|sentence| Missed { sentence: sentence.clone() }).collect();
    let in_turn = if record.made == Made::InTurn { &record.parts[..] } else { &[] };
    let mut text = report::words(form, &record.all, in_turn, &missed);
    if record.made == Made::AtOnce {
        text.push_str(&machines::table(&record.parts));
    }
    text
}

/// As short as tells them apart: the files' own names, or their whole paths.
fn names(files: &[PathBuf]) -> Vec<String> {
    let short: Vec<String> = files
        .iter()
        .map(|path| show::escaped(path.file_name().unwrap_or(path.as_os_str()).as_encoded_bytes(), false))
        .collect();
    let alike = short.iter().enumerate().any(|(at, name)| short[..at].contains(name));
    if alike { files.iter().map(|path| show::path(path)).collect() } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_files_apart() {
        let of = |paths: &[&str]| names(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(of(&["runs/a.json", "/tmp/b.json"]), ["a.json", "b.json"]);
        assert_eq!(of(&["before/run.json", "after/run.json"]), ["before/run.json", "after/run.json"]);
        assert_eq!(of(&["-"]), ["-"]);
    }
}
