//! `protocols`: what is in the table, for people and as JSON.

use std::fmt::Write as _;

use clap::Args;
use serde_json::{Value, json};

use super::values::Named;
use crate::{
    protocol::{ALL, Answers, Ends, Param, ParamKind, Protocol, Takes, framing},
    session::Rides,
};

#[derive(Debug, Args)]
#[command(
    override_usage = "netproto protocols [OPTIONS] [NAME]",
    after_help = "Examples:
  netproto protocols            all of them, and the framings
  netproto protocols processed  one, with its parameters"
)]
pub struct Protocols {
    /// Tell all about this one
    #[arg(value_parser = Named::protocol(), hide_possible_values = true)]
    name: Option<&'static Protocol>,
    /// As one JSON document
    #[arg(short = 'J', long)]
    json: bool,
}

impl Protocols {
    /// # Errors
    /// None in practice: the JSON of a table.
    pub fn text(&self) -> anyhow::Result<String> {
        let text = match (self.name, self.json) {
            (Some(row), false) => one(row),
            (None, false) => all(),
            (Some(row), true) => serde_json::to_string_pretty(&object(row))? + "\n",
            (None, true) => serde_json::to_string_pretty(&document())? + "\n",
        };
        Ok(text)
    }
}

/// Columns before the last one.
const INDENT: usize = 33;
const WIDTH: usize = 80;

fn all() -> String {
    let mut text = String::from("Protocols (-P NAME)\n  NAME       PORT  ANSWERS       ABOUT\n");
    for row in ALL {
        let port = row.port.map_or_else(String::new, |port| port.to_string());
        let about = wrapped(&format!("{} ({})", row.about, row.spec), INDENT);
        let _ = writeln!(text, "  {:<9}  {port:>4}  {:<12}  {about}", row.name, answers(row));
    }
    text.push_str("\nFramings (--framing NAME)\n  NAME             LIMIT, BYTES  ABOUT\n");
    for row in framing::ALL {
        let max = row.max.map_or_else(String::new, |max| crate::values::show::grouped(max as u64));
        let _ = writeln!(text, "  {:<15}  {max:<12}  {}", row.name, wrapped(row.about, INDENT));
    }
    text.push_str("\n`netproto protocols NAME` tells all about one, with its parameters.\n");
    text
}

/// In short; what differs over streams and datagrams has a slash.
fn answers(row: &Protocol) -> String {
    let short = |rides: &Rides| match row.answers.over(*rides) {
        Answers::Each => "each",
        Answers::Unknown => "any",
        Answers::OnceThenClose => "once",
        Answers::Endless => "endless",
        Answers::Never => "never",
    };
    let mut each: Vec<_> = row.rides.iter().map(short).collect();
    each.dedup();
    each.join("/")
}

/// Goes on `indent` columns further in.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = vec![String::new()];
    // The number of an RFC stays with it.
    for word in text.replace("RFC ", "RFC\u{a0}").split(' ') {
        let line = lines.last_mut().filter(|line| line.is_empty() || line.len() + 1 + word.len() <= WIDTH - indent);
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.into()),
        }
    }
    lines.join(&format!("\n{:indent$}", "")).replace('\u{a0}', " ")
}

fn one(row: &Protocol) -> String {
    let mut text = format!("{}: {}\n\n", row.name, row.about);
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<10}  {value}");
    };
    line("defined in", row.spec);
    if let Some(port) = row.port {
        line("port", &port.to_string());
    }
    for rides in row.rides {
        line(carrier(*rides), told(row.answers.over(*rides)));
    }
    line("data", said(row));
    line("framing", if row.framed { "any" } else { "its own" });
    if row.server.is_none() {
        line("server", "none");
    }
    if row.amplifies {
        line("careful", "answers are larger than what they answer (--allow-amplification)");
    }
    let mut params = |heading: &str, ends: Ends| {
        let mut heading = Some(heading);
        for param in row.params.iter().filter(|param| param.ends == ends) {
            if let Some(heading) = heading.take() {
                let _ = writeln!(text, "\n{heading}");
            }
            parameter(&mut text, param);
        }
    };
    params("Parameters of the server (-p KEY=VALUE)", Ends::Server);
    // Those of a script are no flags: they are known when it is read.
    let flags = row.script.is_none();
    let both = "Parameters of both ends (-p KEY=VALUE; of the client --KEY VALUE, too)";
    params(if flags { both } else { "Parameters (-p KEY=VALUE)" }, Ends::Both);
    params("Parameters of the client (-p KEY=VALUE, or --KEY VALUE)", Ends::Client);
    text
}

fn parameter(text: &mut String, param: &Param) {
    let form = format!("{}={}", param.name, param.kind.placeholder());
    let repeatable = if param.many { "; repeatable" } else { "" };
    // What is longer than its column takes a line of its own.
    let gap = if form.len() > 16 { format!("\n{:20}", "") } else { format!("{:1$}", "", 18 - form.len()) };
    let _ = writeln!(text, "  {form}{gap}{}", wrapped(&format!("{}{repeatable}", param.help), 20));
    if !param.default.is_empty() && !matches!(param.kind, ParamKind::Switch) {
        let _ = writeln!(text, "  {:16}  default: {}", "", param.default);
    }
}

/// What the client says, in short.
fn said(row: &Protocol) -> &'static str {
    match row.takes {
        Takes::Nothing => "none",
        Takes::Bytes => "what you say",
        Takes::Words(form) => form.usage,
        Takes::Optional { usage } | Takes::Piped { usage } => usage,
    }
}

fn carrier(rides: Rides) -> &'static str {
    match rides {
        Rides::Stream => "streams",
        Rides::Datagrams => "datagrams",
    }
}

fn told(answers: Answers) -> &'static str {
    match answers {
        Answers::Each => "each message is answered",
        Answers::Unknown => "whatever the server does",
        Answers::OnceThenClose => "answers once and closes",
        Answers::Endless => "sends without being asked, and without end",
        Answers::Never => "nothing is answered",
    }
}

fn document() -> Value {
    json!({
        "schema_version": 1,
        "protocols": ALL.iter().map(|row| object(row)).collect::<Vec<_>>(),
        "framings": framing::ALL.iter().map(|row| json!({ "name": row.name, "about": row.about, "max": row.max })).collect::<Vec<_>>(),
    })
}

fn object(row: &Protocol) -> Value {
    json!({
        "name": row.name,
        "about": row.about,
        "spec": row.spec,
        "port": row.port,
        "rides": row.rides.iter().map(|rides| carrier(*rides)).collect::<Vec<_>>(),
        "answers": { "stream": row.answers.stream.word(), "datagrams": row.answers.datagrams.word() },
        "takes_data": row.takes_data(),
        "amplifies": row.amplifies,
        "framed": row.framed,
        "has_server": row.server.is_some(),
        "params": row.params.iter().map(|param| json!({
            "name": param.name,
            "kind": param.kind.word(),
            "ends": match param.ends { Ends::Server => "server", Ends::Client => "client", Ends::Both => "both" },
            "many": param.many,
            "default": param.default,
            "help": param.help,
        })).collect::<Vec<_>>(),
    })
}
