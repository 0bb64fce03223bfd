//! What is typed becomes these plans, or these sentences: the ways of asking, and what all commands share.

mod bench;
mod rides;
mod send;
mod serve;

use std::{fmt::Debug, net::Ipv4Addr, time::Duration};

use super::*;
use crate::{
    bench::{Arrivals, BenchPlan, Load, Until, shard::Shard, start::StartAt},
    error::Trouble,
    protocol::Framing,
    role::{
        send::{Data, Expect, SendPlan},
        serve::{LogForm, ServePlan},
    },
    transport::{Family, Host, Place, Scheme, Target},
};

/// A line without anything to quote.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn command(line: &[&str]) -> Result<Command, Trouble> {
    let args: Vec<OsString> = std::iter::once("netproto").chain(line.iter().copied()).map(OsString::from).collect();
    match Cli::try_parse_from(&args) {
        Ok(cli) => Ok(cli.command.expect("a command was typed")),
        Err(error) => Err(not_run(&error, &args).unwrap_err().downcast().expect("a usage error is a Trouble")),
    }
}

fn serve_plan(line: &[&str]) -> Result<ServePlan, Trouble> {
    match command(line)? {
        Command::ServeTcp(args) => args.plan(false),
        Command::ServeUdp(args) => args.plan(false),
        Command::ServeUnix(args) => args.plan(false),
        other => panic!("{other:?}"),
    }
}

fn send_plan(line: &[&str]) -> Result<SendPlan, Trouble> {
    match command(&[&["send"], line].concat())? {
        Command::Send(args) => args.plan(),
        other => panic!("{other:?}"),
    }
}

fn bench_plan(line: &[&str]) -> Result<BenchPlan, Trouble> {
    match command(&[&["bench"], line].concat())? {
        Command::Bench(args) => args.plan("typed".into()),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused<T: Debug>(plan: Result<T, Trouble>, sentence: &str) {
    let trouble = plan.expect_err(sentence);
    assert_eq!(trouble.exit, Exit::Usage, "{trouble}");
    assert!(trouble.sentence.contains(sentence), "{:?} lacks {sentence:?}", trouble.sentence);
    assert!(trouble.hint.is_some(), "{trouble} has no hint");
}

fn at(scheme: Scheme, host: Host, port: u16) -> Target {
    Target { scheme, place: Place::Net { host, port } }
}

fn localhost(scheme: Scheme) -> Target {
    at(scheme, Host::Name("localhost".into()), 8080)
}

fn path(scheme: Scheme, path: &str) -> Target {
    Target { scheme, place: Place::Path(path.into()) }
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn later_flags_win() {
    assert!(!serve_plan(&["serve-tcp", "0", "-1", "-k"]).unwrap().once);
    assert!(serve_plan(&["serve-tcp", "0", "-k", "-1"]).unwrap().once);
    assert!(serve_plan(&["serve-tcp", "0", "--no-nodelay", "--nodelay"]).unwrap().flags.nodelay);
    assert_eq!(serve_plan(&["serve-tcp", "0", "-m", "1", "-m", "2"]).unwrap().max_connections, Some(2));
    assert!(send_plan(&["h:1", "x", "--no-shutdown", "-N"]).unwrap().shutdown);
    assert!(!send_plan(&["h:1", "x", "-N", "--no-shutdown"]).unwrap().shutdown);
}

#[test]
fn a_command_line_can_be_typed_again() {
    let args = ["/bin/netproto", "bench", "tcp", "--fail-if", "p99>2ms", "it's", ""].map(OsString::from);
    assert_eq!(retyped(&args), r"netproto bench tcp --fail-if 'p99>2ms' 'it'\''s' ''");
}

#[test]
fn colour_is_glimpsed_before_parsing() {
    let glimpsed = |line: &[&str]| Color::glimpsed(&line.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(glimpsed(&["send", "--color", "never", "--help"]), Color::Never);
    assert_eq!(glimpsed(&["--color=always", "-h"]), Color::Always);
    assert_eq!(glimpsed(&["send", "--", "--color=always"]), Color::Auto);
    assert_eq!(glimpsed(&["--color", "pink"]), Color::Auto);
}

#[test]
fn every_value_has_an_example() {
    let mut tool = Cli::command();
    tool.build();
    for command in tool.get_subcommands() {
        for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values() && arg.get_long().is_some()) {
            let name = arg.get_value_names().expect("a flag with a value names it")[0].as_str();
            let chosen = !arg.get_possible_values().is_empty() && arg.get_id() != "protocol" && arg.get_id() != "framing";
            assert!(chosen || usage::has_example(name), "{} {name}", command.get_name());
        }
    }
}

/// clap tells only what is missing; who reads it has typed the other one.
#[test]
fn a_flag_that_needs_another_is_named_with_it() {
    for (line, sentence, hint) in [
        ("send tcp h:1 hi --retry-delay 1s", "--retry-delay needs --retry", "for example: --retry 8 --retry-delay 10s"),
        ("send tcp h:1 hi --interval 1s", "--interval needs -n", "for example: -n 8 --interval 10s"),
        ("send h:1 --interval=1s --retry-delay=1s -n2", "--retry-delay needs --retry", "--retry 8 --retry-delay 10s"),
    ] {
        let trouble = command(&words(line)).expect_err(line);
        assert_eq!(trouble.sentence, sentence, "{line}");
        assert!(trouble.hint.as_deref().is_some_and(|told| told.ends_with(hint)), "{line}: {:?}", trouble.hint);
    }
}

/// Each flag alone: whichever needs another says so.
#[test]
fn no_flag_that_needs_another_is_left_to_clap() {
    let mut cli = Cli::command();
    cli.build();
    let mut needy = 0;
    for sub in cli.get_subcommands().filter(|sub| sub.get_name() != "help") {
        for arg in sub.get_arguments().filter(|arg| arg.get_long().is_some_and(|long| long != "help")) {
            let line: Vec<String> = std::iter::once(sub.get_name().to_owned()).chain(usage::alone(arg)).collect();
            let line: Vec<&str> = line.iter().map(String::as_str).collect();
            let Err(trouble) = command(&line) else { continue };
            assert!(!trouble.sentence.contains("not provided"), "{line:?}: {}", trouble.sentence);
            needy += usize::from(trouble.sentence.contains(" needs "));
        }
    }
    assert!(needy >= 2, "only {needy} were found");
}
