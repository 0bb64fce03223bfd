//! `compare`: what was typed, made into a [`ComparePlan`].

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::{
    bench::compare::{ComparePlan, limit::Limit},
    error::Trouble,
};

#[derive(Debug, Args)]
#[command(
    override_usage = "netproto compare [OPTIONS] BEFORE AFTER...",
    after_help = "Examples:
  netproto bench tcp localhost:8080 -J > before.json
  netproto bench tcp localhost:8080 -J > after.json
  netproto compare before.json after.json
  netproto compare before.json after.json --fail-if 'p99 worse 5%'

Figures: rate, mean, p50, p99.9 (any percentile), errors, loss."
)]
pub struct Compare {
    /// Reports of bench -J; the first is compared with each other
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// Exit code 4 if so, as in 'p99 worse 5%'; repeatable
    #[arg(long, value_name = "CHANGE", value_parser = Limit::parse)]
    fail_if: Vec<Limit>,
    /// As one JSON document
    #[arg(short = 'J', long)]
    json: bool,
}

impl Compare {
    /// # Errors
    /// Fewer than two files were named.
    pub fn plan(&self) -> Result<ComparePlan, Trouble> {
        let (before, after) = match self.files.as_slice() {
            [before, after @ ..] if !after.is_empty() => (before.clone(), after.to_vec()),
            _ => {
                return Err(Trouble::usage("compare needs two reports of bench -J or more")
                    .hint("as in: compare before.json after.json"));
            }
        };
        if self.files.iter().filter(|file| file.as_os_str() == "-").count() > 1 {
            return Err(Trouble::usage("standard input (-) can be read once").hint("name a file in place of one of them"));
        }
        Ok(ComparePlan { before, after, limits: self.fail_if.clone(), json: self.json })
    }
}
