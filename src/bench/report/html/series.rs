//! A run on the page: its letter, its colour, and what was made of its course.
//!
//! May use: course, results, record.

use super::course::{Moment, course};
use crate::bench::{
    record::{Made, Record},
    results::Results,
};

/// Runs that one page overlays: more could not be told apart.
pub const MOST: usize = 8;

pub const CLASSES: [&str; MOST] = ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"];

/// One run, or several that count as one.
#[derive(Debug)]
pub struct Series<'a> {
    pub letter: char,
    /// Of its colour.
    pub class: &'static str,
    pub name: String,
    pub run: &'a Results,
    pub course: Vec<Moment>,
}

/// A record, and what it is called among others.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    pub name: &'a str,
    pub record: &'a Record,
}

/// What a page shows. The runs of `--repeat` are laid over one another, where there is nothing else to show.
#[must_use]
pub fn all<'a>(records: &[Named<'a>]) -> Vec<Series<'a>> {
    let one = |at: usize, name: String, run: &'a Results| Series {
        letter: char::from(b'A' + (at % 26) as u8),
        class: CLASSES[at % MOST],
        name,
        run,
        course: course(run),
    };
    match records {
        [only] if only.record.made == Made::InTurn && only.record.parts.len() <= MOST => {
            let named = |(at, run): (usize, &'a Results)| one(at, format!("run {}", at + 1), run);
            only.record.parts.iter().enumerate().map(named).collect()
        }
        _ => records.iter().enumerate().map(|(at, named)| one(at, named.name.to_owned(), &named.record.all)).collect(),
    }
}

impl Series<'_> {
    /// `A before.json`
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} {}", self.letter, self.name)
    }

    #[must_use]
    pub fn seconds(&self) -> f64 {
        let run = self.run.duration.as_secs_f64();
        self.course.last().map_or(run, |moment| moment.to.max(run))
    }

    #[must_use]
    pub fn open_loop(&self) -> bool {
        self.run.about.model.rate_asked().is_some()
    }
}

/// The longest of them.
#[must_use]
pub fn seconds(all: &[Series<'_>]) -> f64 {
    all.iter().map(Series::seconds).fold(0.0, f64::max)
}
