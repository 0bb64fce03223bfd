//! `report`: the report of runs that were measured before, from what `bench -J` wrote: as text, or as a page.
//!
//! May use: record, report.

use std::path::PathBuf;

use super::{
    ReportPlan,
    limit::Missed,
    record::{Document, Made, Record},
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
    let read = |path: &PathBuf| Document::open(path);
    let documents = plan.files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    match &plan.html {
        Some(path) if path.as_os_str() == "-" => report::say(&drawn(&documents, &names(&plan.files))?)?,
        Some(path) => {
            let page = Whole::create(path, "the folder must exist and be writable")?;
            page.put(&drawn(&documents, &names(&plan.files))?)?;
        }
        None => told(plan, &documents)?,
    }
    Ok(Exit::Done)
}

/// The page of runs of one kind.
fn drawn(documents: &[Document], called: &[String]) -> Result<String, Trouble> {
    let first = documents.first().map(Document::kind).unwrap_or_default();
    if let Some((other, name)) = documents.iter().zip(called).find(|(document, _)| document.kind() != first) {
        let (other, of) = (other.kind(), &called[0]);
        return Err(Trouble::usage(format!("{of} is a run of {first}, and {name} one of {other}: one page shows one kind"))
            .hint("draw a page of each kind"));
    }
    let (mut requests, mut measured) = (Vec::new(), Vec::new());
    for (document, name) in documents.iter().zip(called) {
        match document {
            Document::Requests(record) => requests.push(html::Named { name, record }),
            Document::Measured(run) => measured.push((name.as_str(), &**run)),
        }
    }
    Ok(if measured.is_empty() { html::page(&requests) } else { html::measured::page(&measured) })
}

/// One after another, each under its name where there are several.
fn told(plan: &AgainPlan, documents: &[Document]) -> Result<(), Trouble> {
    let form = ReportPlan { quiet: plan.quiet, verbose: plan.verbose, ..ReportPlan::default() };
    for (at, (document, path)) in documents.iter().zip(&plan.files).enumerate() {
        if documents.len() > 1 {
            let gap = if at > 0 { "\n" } else { "" };
            report::say(&format!("{gap}{}\n\n", show::path(path)))?;
        }
        report::say(&match document {
            Document::Requests(record) => words(&form, record),
            Document::Measured(run) => report::measured::words(run),
        })?;
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
