//! Parse, run, print the error, exit code.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use netproto::error::{Exit, Trouble, reason};
use owo_colors::OwoColorize as _;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    let exit = netproto::cli::run(&args).unwrap_or_else(|error| {
        // Whom should we tell that standard error can't be written?
        let _ = tell(&error, &mut anstream::stderr().lock());
        exit_of(&error)
    });
    ExitCode::from(exit as u8)
}

/// Whoever closed our stdout has heard enough: that is no failure, and nothing is said. A peer that closed is told of in a
/// [`Trouble`]; one without a sentence has been told already.
fn is_quiet(error: &anyhow::Error) -> bool {
    let closed_pipe = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    match error.downcast_ref::<Trouble>() {
        Some(trouble) => trouble.sentence.is_empty(),
        None => error.chain().filter_map(|cause| cause.downcast_ref()).any(closed_pipe),
    }
}

fn exit_of(error: &anyhow::Error) -> Exit {
    match error.downcast_ref::<Trouble>() {
        Some(trouble) => trouble.exit,
        None if is_quiet(error) => Exit::Done,
        None => Exit::Failed,
    }
}

fn tell(error: &anyhow::Error, out: &mut impl Write) -> io::Result<()> {
    if is_quiet(error) {
        return Ok(());
    }
    let said = |cause: &(dyn std::error::Error + 'static)| cause.downcast_ref().map_or_else(|| cause.to_string(), reason);
    let links: Vec<String> = error.chain().map(said).collect();
    writeln!(out, "{} {}", "netproto:".bold(), links.join(": "))?;
    let Some(trouble) = error.downcast_ref::<Trouble>() else { return Ok(()) };
    if let Some(detail) = &trouble.detail {
        writeln!(out, "{}", detail.trim_end())?;
    }
    for line in trouble.hint.iter().flat_map(|hint| hint.lines()) {
        writeln!(out, "{} {line}", "hint:".yellow())?;
    }
    Ok(())
}
