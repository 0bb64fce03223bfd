//! Parse, run, print the error, exit code.

// The one place where errors are printed.
#![allow(clippy::print_stderr)]

use std::{io, process::ExitCode};

use anstream::eprintln;
use netproto::error::{Exit, Trouble, reason};
use owo_colors::OwoColorize as _;

fn main() -> ExitCode {
    let exit = netproto::cli::run(std::env::args_os().collect()).unwrap_or_else(|error| told(&error));
    ExitCode::from(exit as u8)
}

/// Says what went wrong. Whoever closed our stdout has heard enough, and is no error; a peer that closed is told of in a
/// [`Trouble`].
fn told(error: &anyhow::Error) -> Exit {
    let trouble = error.downcast_ref::<Trouble>();
    if trouble.is_none() && error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(is_closed_pipe) {
        return Exit::Done;
    }
    let links: Vec<String> =
        error.chain().map(|cause| cause.downcast_ref().map_or_else(|| cause.to_string(), reason)).collect();
    eprintln!("{} {}", "netproto:".bold(), links.join(": "));
    let Some(trouble) = trouble else { return Exit::Failed };
    if let Some(detail) = &trouble.detail {
        eprintln!("{}", detail.trim_end());
    }
    for line in trouble.hint.iter().flat_map(|hint| hint.lines()) {
        eprintln!("{} {line}", "hint:".yellow());
    }
    trouble.exit
}

fn is_closed_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}
