//! What is written about a run, and where: one file for each format.
//!
//! Files are opened before the run, so that a bad path fails in second 0 and not after an hour.
//!
//! May use: results, stats, record; colours only in [`text`].

pub mod bars;
pub mod bulk;
mod changes;
pub mod csv;
pub mod curve;
pub mod generator;
pub mod hdr;
mod held;
pub mod html;
pub mod interval;
pub mod json;
pub mod machines;
pub mod measured;
mod metrics;
pub mod one_way;
mod outages;
mod over_time;
pub mod spread;
pub mod text;
pub mod whole;

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

pub use self::metrics::{Count, Told};
use self::{interval::Interval, metrics::Board, whole::Whole};
use super::{
    ReportPlan,
    find::Curve,
    limit::Missed,
    record::{Document, Record},
    results::{About, Results},
    stats::Tally,
};
use crate::{
    error::{Trouble, reason},
    values::show,
};

/// What to tell of a path that can't be written.
const IN_VAIN: &str = "nothing was sent; the folder must exist and be writable";

/// The files that results go to, open; and where they can be asked for meanwhile.
#[derive(Debug, Default)]
pub struct Files {
    csv: Option<Sheet>,
    hdr: Option<Sheet>,
    metrics: Option<Board>,
    html: Option<Whole>,
}

#[derive(Debug)]
struct Sheet {
    name: String,
    writer: BufWriter<File>,
}

impl Sheet {
    fn create(path: &Path) -> Result<Self, Trouble> {
        let name = show::path(path);
        let file = File::create(path).map_err(|error| {
            Trouble::failed(format!("could not open {name} for the results: {}", reason(&error))).hint(IN_VAIN)
        })?;
        Ok(Self { name, writer: BufWriter::new(file) })
    }

    /// Writes, and makes sure that it has arrived: a full disk is noticed here.
    fn write(&mut self, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<(), Trouble> {
        write(&mut self.writer).and_then(|()| self.writer.flush()).map_err(|error| unwritten(&self.name, &error))
    }
}

fn unwritten(name: &str, error: &io::Error) -> Trouble {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room and run it again; the results are incomplete"
        }
        _ => "the results are incomplete",
    };
    Trouble::failed(format!("could not write the results to {name}: {}", reason(error))).hint(hint)
}

impl Files {
    /// Opens all that the plan names.
    ///
    /// # Errors
    /// [`Trouble`] naming the path that cannot be written, or the address that can't be bound.
    pub fn open(plan: &ReportPlan) -> Result<Self, Trouble> {
        let open = |path: &Option<_>| path.as_deref().map(Sheet::create).transpose();
        let html = plan.html.as_deref().map(|path| Whole::create(path, IN_VAIN)).transpose()?;
        let (csv, hdr) = (open(&plan.csv)?, open(&plan.hdr)?);
        Ok(Self { csv, hdr, html, metrics: plan.metrics.as_ref().map(Board::open).transpose()? })
    }

    /// A run begins.
    pub fn begin_run(&self, run: u32, about: impl FnOnce() -> About) {
        if let Some(board) = &self.metrics {
            board.begin(run, about());
        }
    }

    /// The run has counted so much.
    pub fn update(&self, total: &Tally) {
        if let Some(board) = &self.metrics {
            board.update(total);
        }
    }

    /// A run that only measures has counted so much.
    pub fn count(&self, about: impl FnOnce() -> Told, counts: &[Count]) {
        if let Some(board) = &self.metrics {
            board.count(about, counts);
        }
    }

    /// Writes the heads of the files.
    ///
    /// # Errors
    /// [`Trouble`] naming the file.
    pub fn begin(&mut self, head: &hdr::Head<'_>) -> Result<(), Trouble> {
        if let Some(sheet) = &mut self.csv {
            sheet.write(csv::head)?;
        }
        if let Some(sheet) = &mut self.hdr {
            sheet.write(|out| hdr::head(out, head))?;
        }
        Ok(())
    }

    /// Writes the heads of the files, for bulk.
    ///
    /// # Errors
    /// [`Trouble`] naming the file.
    pub fn begin_bulk(&mut self) -> Result<(), Trouble> {
        self.csv.as_mut().map_or(Ok(()), |sheet| sheet.write(bulk::json::csv_head))
    }

    /// Writes one interval of bulk.
    ///
    /// # Errors
    /// [`Trouble`] naming the file.
    pub fn bulk_interval(&mut self, interval: &super::bulk::Interval) -> Result<(), Trouble> {
        self.csv.as_mut().map_or(Ok(()), |sheet| sheet.write(|out| bulk::json::csv_rows(out, interval)))
    }

    /// The same of `--one-way`.
    ///
    /// # Errors
    /// [`Trouble`] naming the file.
    pub fn begin_one_way(&mut self) -> Result<(), Trouble> {
        self.csv.as_mut().map_or(Ok(()), |sheet| sheet.write(one_way::json::csv_head))
    }

    /// Writes one interval of `--one-way`.
    ///
    /// # Errors
    /// [`Trouble`] naming the file.
    pub fn one_way_interval(&mut self, interval: &super::one_way::Interval) -> Result<(), Trouble> {
        self.csv.as_mut().map_or(Ok(()), |sheet| sheet.write(|out| one_way::json::csv_row(out, interval)))
    }

    /// Writes one interval.
    ///
    /// # Errors
    /// [`Trouble`] naming the file.
    pub fn interval(&mut self, interval: &Interval<'_>) -> Result<(), Trouble> {
        if let Some(sheet) = &mut self.csv {
            sheet.write(|out| csv::row(out, interval))?;
        }
        if let Some(sheet) = &mut self.hdr {
            sheet.write(|out| hdr::row(out, interval))?;
        }
        Ok(())
    }
}

/// Writes to stdout; a reader that has gone away ends this quietly.
///
/// # Errors
/// [`Trouble`] when stdout cannot be written, as on a full disk.
pub fn say(text: &str) -> Result<(), Trouble> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritten("standard output", &error)),
        _ => Ok(()),
    }
}

/// A line between what was said of each run and what is said of all.
///
/// # Errors
/// [`Trouble`] when stdout cannot be written.
pub fn separate(plan: &ReportPlan) -> Result<(), Trouble> {
    if plan.json || plan.json_stream || plan.quiet { Ok(()) } else { say("\n") }
}

/// Writes what `--find-max` came to, and `best`, the run at the rate that was found.
///
/// # Errors
/// [`Trouble`] when stdout cannot be written.
pub fn found(plan: &ReportPlan, files: Files, curve: &Curve, best: &Results, missed: &[Missed]) -> Result<(), Trouble> {
    let runs = std::slice::from_ref(best);
    if plan.json || plan.json_stream {
        let said = say(&json::result(best, runs, missed, Some(curve), plan.json_stream));
        return said.and(drawn(files, runs, missed));
    }
    let mut text = curve::report(curve, best);
    if plan.verbose > 0 {
        text.push('\n');
        text.push_str(&text::report(best));
        text.push_str(&text::detail(best));
    }
    text.push_str(&text::missed(missed));
    say(&text).and(drawn(files, runs, missed))
}

/// Writes the final report of all runs in the form the plan asks for, and the page.
///
/// # Errors
/// [`Trouble`] when stdout or the page cannot be written; one of them does not keep the other from being written.
pub fn finish(plan: &ReportPlan, files: Files, runs: &[Results], missed: &[Missed]) -> Result<(), Trouble> {
    let Some(all) = Results::together(runs) else { return Ok(()) };
    let said = if plan.json || plan.json_stream {
        say(&json::result(&all, runs, missed, None, plan.json_stream))
    } else {
        say(&words(plan, &all, runs, missed))
    };
    said.and(drawn(files, runs, missed))
}

/// Writes the report of a run that only measured, as `document` or as `text`, and the page of it.
///
/// # Errors
/// As [`finish`].
pub fn measured(plan: &ReportPlan, files: Files, document: &str, text: impl FnOnce() -> String) -> Result<(), Trouble> {
    let said = if plan.json || plan.json_stream { say(document) } else { say(&text()) };
    said.and(files.html.map_or(Ok(()), |page| match Document::read(document, "this run")? {
        Document::Measured(run) => page.put(&html::measured::page(&[("this run", &run)])),
        Document::Requests(_) => Ok(()),
    }))
}

/// The page, where one is wanted.
fn drawn(files: Files, runs: &[Results], missed: &[Missed]) -> Result<(), Trouble> {
    files.html.map_or(Ok(()), |page| draw(page, runs, missed))
}

fn draw(page: Whole, runs: &[Results], missed: &[Missed]) -> Result<(), Trouble> {
    let missed = missed.iter().map(|missed| missed.sentence.clone()).collect();
    let Some(record) = Record::of(runs, missed) else { return Ok(()) };
    page.put(&html::page(&[html::Named { name: "this run", record: &record }]))
}

/// The report for people.
#[must_use]
pub fn words(plan: &ReportPlan, all: &Results, runs: &[Results], missed: &[Missed]) -> String {
    let mut text = text::report(all);
    if plan.verbose > 0 {
        text.push_str(&text::detail(all));
    }
    text.push_str(&spread::table(runs));
    text.push_str(&text::silence(all));
    text.push_str(&generator::saturation(all, !plan.quiet));
    text.push_str(&text::missed(missed));
    text
}
