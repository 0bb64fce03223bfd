//! `merge`: what was typed, made into a [`MergePlan`].

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::{bench::merge::MergePlan, error::Trouble, values::show};

#[derive(Debug, Args)]
#[command(
    override_usage = "netproto merge [OPTIONS] FILE FILE...",
    after_help = "Examples:
  netproto bench tcp HOST:PORT -r 90k --shard 1/3 --start-at 14:00 -J > 1.json
  netproto merge 1.json 2.json 3.json
  netproto merge -J 1.json 2.json 3.json > all.json"
)]
pub struct Merge {
    /// Reports of bench -J, of runs at the same time
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// As one JSON document, which can be merged again
    #[arg(short = 'J', long)]
    json: bool,
    /// Only the report: no warnings
    #[arg(short, long)]
    quiet: bool,
}

impl Merge {
    /// `command` is what was typed, for the report.
    ///
    /// # Errors
    /// Fewer than two files were named, or one twice.
    pub fn plan(&self, command: String) -> Result<MergePlan, Trouble> {
        if self.files.len() < 2 {
            return Err(Trouble::usage("merge needs two reports of bench -J or more").hint("as in: merge a.json b.json"));
        }
        let twice = self.files.iter().enumerate().find(|(at, file)| self.files[..*at].contains(file));
        if let Some((_, file)) = twice {
            return Err(Trouble::usage(format!("{} is named twice: it would count twice", show::path(file)))
                .hint("name each file once"));
        }
        Ok(MergePlan { files: self.files.clone(), json: self.json, quiet: self.quiet, command })
    }
}
