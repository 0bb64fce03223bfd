//! `explain`: a protocol in words and pictures, from its row, for people and as JSON.

use std::fmt::Write as _;

use clap::Args;
use serde_json::{Value, json};

use super::{protocols::wrapped, values::Named};
use crate::{error::Trouble, protocol::Protocol};

#[derive(Debug, Args)]
#[command(
    override_usage = "netproto explain [OPTIONS] NAME",
    after_help = "Examples:
  netproto explain time        its messages, states, limits and RFC
  netproto explain -J chargen  the same for a program"
)]
pub struct Explain {
    /// The protocol; `netproto protocols` lists them
    #[arg(value_parser = Named::protocol(), hide_possible_values = true)]
    name: Option<&'static Protocol>,
    /// As one JSON document
    #[arg(short = 'J', long)]
    json: bool,
}

impl Explain {
    /// # Errors
    /// No protocol was named.
    pub fn text(&self) -> anyhow::Result<String> {
        let row = self.name.ok_or_else(|| {
            Trouble::usage("explain needs the name of a protocol").hint("such as echo; `netproto protocols` lists them")
        })?;
        Ok(if self.json { serde_json::to_string_pretty(&document(row))? + "\n" } else { told(row) })
    }
}

/// Columns of the names of things.
const NAME: usize = 12;

fn told(row: &Protocol) -> String {
    let explained = row.explained;
    let mut text = format!("{}: {}\n", row.name, row.about);
    for layout in explained.layout {
        let _ = writeln!(text, "\nMessages, {}", layout.way);
        for line in layout.picture.lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    text.push_str("\nStates\n");
    explained.states.iter().for_each(|(state, what)| entry(&mut text, state, what));
    for course in explained.courses {
        let _ = writeln!(text, "\nOver {}", course.over);
        entry(&mut text, "begins", course.begins);
        entry(&mut text, "ends", course.ends);
    }
    text.push_str("\nLimits\n");
    for limit in explained.limits {
        let _ = writeln!(text, "  {}", wrapped(limit, 2));
    }
    text.push_str("\nWritten in\n");
    explained.sections.iter().for_each(|(place, what)| entry(&mut text, place, what));
    if let Some(port) = row.port {
        let _ = writeln!(text, "\nKnown by port {port}. `netproto protocols {}` tells the rest.", row.name);
    }
    text
}

fn entry(text: &mut String, name: &str, what: &str) {
    let _ = writeln!(text, "  {name:<NAME$}  {}", wrapped(what, NAME + 4));
}

fn document(row: &Protocol) -> Value {
    let explained = row.explained;
    let pairs = |pairs: &[(&str, &str)], first: &str, second: &str| {
        pairs.iter().map(|(a, b)| json!({ first: a, second: b })).collect::<Vec<_>>()
    };
    json!({
        "schema_version": 1,
        "name": row.name,
        "about": row.about,
        "spec": row.spec,
        "port": row.port,
        "messages": explained.layout.iter().map(|layout| json!({
            "way": layout.way, "picture": layout.picture.lines().collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "states": pairs(explained.states, "state", "what"),
        "courses": explained.courses.iter().map(|course| json!({
            "over": course.over, "begins": course.begins, "ends": course.ends,
        })).collect::<Vec<_>>(),
        "limits": explained.limits,
        "sections": pairs(explained.sections, "place", "what"),
    })
}
