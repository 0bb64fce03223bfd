//! What a server tells: `-v`, `-q`, `-x`, `-J`, `--stats`, `--metrics`.

use std::time::Duration;

use clap::Args;

use crate::{
    cli::{target, values},
    role::serve::{LogForm, LogPlan},
    transport::Target,
};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct LogArgs {
    /// A line for each client; -vv: for each message too
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// No hints and no summary
    #[arg(short, long)]
    pub quiet: bool,
    /// Dump every byte in hex
    #[arg(short = 'x', long)]
    pub hex: bool,
    /// Log lines as JSON objects, on stdout
    #[arg(short = 'J', long)]
    pub json: bool,
    /// Print totals every so often, as in 1s
    #[arg(long, value_name = "TIME", value_parser = values::some_time)]
    pub stats: Option<Duration>,
    /// Figures for Prometheus, at ADDR/metrics
    #[arg(long, value_name = "ADDR", value_parser = target::metrics)]
    pub metrics: Option<Target>,
}

impl LogArgs {
    pub fn plan(&self) -> LogPlan {
        LogPlan {
            form: if self.json { LogForm::Json } else { LogForm::Text },
            verbose: self.verbose,
            quiet: self.quiet,
            ready: true,
            hex: self.hex,
            stats: self.stats,
        }
    }
}
