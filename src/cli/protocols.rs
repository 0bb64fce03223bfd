//! `protocols`: what is in the table, for people and as JSON.

use std::fmt::Write as _;

use clap::Args;
use serde_json::{Value, json};

use super::values::{FRAMINGS, Named};
use crate::protocol::{ALL, Answers, AnswersBy, ParamKind, Protocol};

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

fn all() -> String {
    let mut text = String::from("Protocols (-P NAME)\n");
    for row in ALL {
        let port = row.port.map_or_else(String::new, |port| port.to_string());
        let _ = writeln!(text, "  {:<10} {:>5}  {}", row.name, port, row.about);
    }
    text.push_str("\nFramings (--framing NAME)\n");
    for (name, about) in FRAMINGS {
        let _ = writeln!(text, "  {name:<14}  {about}");
    }
    text.push_str("\nnetproto protocols NAME tells all about one.\n");
    text
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
    let AnswersBy { stream, datagrams } = row.answers;
    line("streams", told(stream));
    line("datagrams", told(datagrams));
    line("data", if row.takes_data { "what you say" } else { "none" });
    line("framing", if row.framed { "any" } else { "its own" });
    if row.server.is_none() {
        line("server", "none");
    }
    if row.amplifies {
        line("careful", "answers are larger than what they answer (--allow-amplification)");
    }
    for (at, param) in row.params.iter().enumerate() {
        let heading = if at == 0 { "\nParameters (-p KEY=VALUE)\n" } else { "" };
        let _ = writeln!(text, "{heading}  {}={}  {}", param.name, param.default, param.help);
    }
    text
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
        "framings": FRAMINGS.iter().map(|(name, about)| json!({ "name": name, "about": about })).collect::<Vec<_>>(),
    })
}

fn object(row: &Protocol) -> Value {
    json!({
        "name": row.name,
        "about": row.about,
        "spec": row.spec,
        "port": row.port,
        "answers": { "stream": word(row.answers.stream), "datagrams": word(row.answers.datagrams) },
        "takes_data": row.takes_data,
        "amplifies": row.amplifies,
        "framed": row.framed,
        "has_server": row.server.is_some(),
        "params": row.params.iter().map(|param| json!({
            "name": param.name,
            "kind": match param.kind { ParamKind::Duration => "duration", ParamKind::Text => "text" },
            "default": param.default,
            "help": param.help,
        })).collect::<Vec<_>>(),
    })
}

fn word(answers: Answers) -> &'static str {
    match answers {
        Answers::Each => "each",
        Answers::Unknown => "unknown",
        Answers::OnceThenClose => "once_then_close",
        Answers::Endless => "endless",
        Answers::Never => "never",
    }
}
