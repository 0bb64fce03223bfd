//! What was typed, made into a validated plan, and given to the role that does it.
//!
//! One file for each subcommand (`Args` to plan), `flags` for groups that several share. Arguments are parsed before any
//! runtime exists: the roles build their own. What is wrong with a command line is told by `usage` in one sentence, with
//! the tables of [`hints`].
//!
//! May use: everything below.

mod bench;
mod bench_bulk;
mod bench_live;
mod bench_load;
mod bench_one_way;
mod bench_run;
mod bench_shape;
mod compare;
mod completions;
mod data;
mod explain;
mod flags;
pub mod hints;
mod man;
mod merge;
mod protocols;
mod report;
mod screen;
mod secrets;
mod send;
mod serve;
mod serve_named;
mod target;
mod typed_params;
mod usage;
mod values;

use std::{
    ffi::OsString,
    io::{self, Write as _},
};

use anstream::ColorChoice;
use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum, error::ErrorKind};

use crate::{
    error::{Exit, Trouble, reason},
    os,
    role::{
        self,
        serve::{LogForm, ServePlan},
    },
};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "netproto",
    version,
    about = "Serve, talk and load network protocols",
    styles = screen::STYLES,
    override_help = screen::first(),
    disable_help_flag = true,
    disable_help_subcommand = true,
    args_override_self = true,
    max_term_width = 80
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Colours: auto (on a terminal), always, never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Other",
        hide_default_value = true,
        hide_possible_values = true
    )]
    color: Color,
    /// Show this
    #[arg(short, long, global = true, action = clap::ArgAction::Help, help_heading = "Other")]
    help: Option<bool>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer on all that a protocol rides on
    Serve(Box<serve_named::Serve>),
    /// Answer TCP clients
    ServeTcp(Box<serve::ServeTcp>),
    /// Answer datagrams
    ServeUdp(Box<serve::ServeUdp>),
    /// Answer on a Unix socket
    ServeUnix(Box<serve::ServeUnix>),
    /// Send, print the answer
    Send(Box<send::Send>),
    /// Load a server, report
    Bench(Box<bench::Bench>),
    /// Compare runs of bench
    Compare(compare::Compare),
    /// Add up runs of several machines
    Merge(merge::Merge),
    /// Show, or draw, what bench -J wrote
    Report(report::Report),
    /// List protocols, framings, parameters
    Protocols(protocols::Protocols),
    /// Tell how a protocol works
    Explain(explain::Explain),
    /// Print the completions of a shell
    Completions(completions::Completions),
    /// Print or write the manual pages
    Man(man::Pages),
    /// Show help
    #[command(hide = true)]
    Help { command: Option<String> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    fn apply(self) {
        let choice = match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        };
        choice.write_global();
    }

    /// `--color` on a command line that can't be parsed, or that only asks for help.
    fn glimpsed(args: &[String]) -> Self {
        let before = args.split(|arg| arg == "--").next().unwrap_or_default();
        let next = |at: usize| before.get(at + 1).map(String::as_str);
        let value = |(at, arg): (usize, &String)| match arg.strip_prefix("--color")? {
            "" => next(at).map(str::to_owned),
            rest => rest.strip_prefix('=').map(str::to_owned),
        };
        let last = before.iter().enumerate().filter_map(value).next_back();
        last.and_then(|value| <Self as ValueEnum>::from_str(&value, false).ok()).unwrap_or(Self::Auto)
    }
}

/// Parses the command line (with the program's name first) and does what it says.
///
/// # Errors
/// Whatever went wrong, as a [`crate::error::Trouble`] where it could be foreseen.
pub fn run(args: &[OsString]) -> anyhow::Result<Exit> {
    match Cli::try_parse_from(args) {
        Ok(cli) => {
            cli.color.apply();
            dispatch(cli.command, args)
        }
        Err(error) => not_run(&error, args),
    }
}

fn dispatch(command: Option<Command>, args: &[OsString]) -> anyhow::Result<Exit> {
    match command {
        // Someone who looks around gets the first screen; a script that lost its command does not go on.
        None => print(&screen::first().ansi().to_string()).map(|_| Exit::Usage),
        Some(Command::Help { command: None }) => print(&screen::first().ansi().to_string()),
        Some(Command::Help { command: Some(name) }) => run(&["netproto".into(), name.into(), "--help".into()]),
        Some(Command::Serve(args)) => serve(args.plans(serve::activated())?),
        Some(Command::ServeTcp(args)) => serve(vec![args.plan(serve::activated())?]),
        Some(Command::ServeUdp(args)) => serve(vec![args.plan(serve::activated())?]),
        Some(Command::ServeUnix(args)) => serve(vec![args.plan(serve::activated())?]),
        Some(Command::Send(args)) => {
            let plan = args.plan()?;
            secrets::warn(Some(plan.protocol), &plan.setup.params, Some(&plan.target));
            role::send::run(&plan)
        }
        Some(Command::Bench(bench)) => {
            let plan = bench.plan(retyped(args))?;
            stdout_for("the report")?;
            secrets::warn(plan.protocol, &plan.setup.params, plan.target.as_ref());
            crate::bench::run(plan)
        }
        Some(Command::Compare(args)) => {
            let plan = args.plan()?;
            stdout_for("the comparison")?;
            Ok(crate::bench::compare::run(&plan)?)
        }
        Some(Command::Merge(merge)) => {
            let plan = merge.plan(retyped(args))?;
            stdout_for("the report")?;
            Ok(crate::bench::merge::run(&plan)?)
        }
        Some(Command::Report(args)) => {
            let plan = args.plan()?;
            stdout_for("the report")?;
            Ok(crate::bench::again::run(&plan)?)
        }
        Some(Command::Protocols(args)) => print(&args.text()?),
        Some(Command::Explain(args)) => print(&args.text()?),
        Some(Command::Completions(args)) => print(&args.script()?),
        Some(Command::Man(args)) => args.write(),
    }
}

fn serve(plans: Vec<ServePlan>) -> anyhow::Result<Exit> {
    if plans.iter().any(|plan| plan.log.form == LogForm::Json) {
        stdout_for("the log")?;
    }
    role::serve::run(plans)
}

/// # Errors
/// There is no standard output that `what` could go to.
fn stdout_for(what: &str) -> Result<(), Trouble> {
    if os::stdout_was_closed() {
        return Err(Trouble::failed(format!("standard output is closed: there is no place for {what}"))
            .hint("> FILE writes it to a file, > /dev/null throws it away"));
    }
    Ok(())
}

/// Help and version are no errors; everything else is.
fn not_run(error: &clap::Error, args: &[OsString]) -> anyhow::Result<Exit> {
    let typed: Vec<String> = args.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    Color::glimpsed(&typed).apply();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return print(&error.render().ansi().to_string());
    }
    let mut tool = Cli::command();
    tool.build();
    Err(usage::Wrong::new(error, &tool, &typed).trouble().into())
}

/// Prints to stdout; styles are taken off where they don't belong.
fn print(text: &str) -> anyhow::Result<Exit> {
    stdout_for("what was asked for")?;
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(Exit::Done),
        // Whoever reads it had enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(error.into()),
        Err(error) => Err(Trouble::failed(format!("could not write to standard output: {}", reason(&error))).into()),
    }
}

/// The command line as it could be typed again.
fn retyped(args: &[OsString]) -> String {
    let words = args.iter().enumerate().map(|(at, arg)| match at {
        0 => "netproto".into(),
        _ => quoted(&arg.to_string_lossy()),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// In single quotes, if a POSIX shell would read it as something else.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests;
