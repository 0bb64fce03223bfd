//! The generator itself as the limit: what of this machine was used up, and what to try.
//!
//! May use: results, owo-colors.

use owo_colors::OwoColorize as _;

use super::text::WRONG;
use crate::bench::{
    results::{Model, Results},
    shown,
};

/// What a thread waits less for a core is no concern; what it waits longer, more threads would wait as well.
const SHOWN_STARVED: f64 = 5.0;
const STARVED: f64 = 20.0;

/// Says when the generator itself was the limit, and what to do where `hints` are wanted; nothing otherwise.
#[must_use]
pub fn saturation(results: &Results, hints: bool) -> String {
    if !results.generator.saturated {
        return String::new();
    }
    let about = &results.about;
    let busiest = results.generator.busiest_percent.min(100.0);
    let thread = format!("one thread at {busiest:.0} %{}", starved(results));
    let what = match about.model {
        Model::Open { rate, .. } => {
            let (asked, sent) = (shown::number(rate), shown::per_second(results.rate_sent()));
            format!("{asked}/s asked, {sent} sent,\n    {thread}")
        }
        Model::Closed | Model::Hold => thread,
    };
    let mark = "!".style(WRONG);
    let hint = if hints { format!("    hint: {}\n", advice(results)) } else { String::new() };
    format!("\n  {mark} this machine was the limit: {what}\n{hint}")
}

/// `, and without a core for 40 %`
pub(super) fn starved(results: &Results) -> String {
    match results.generator.starved_percent {
        percent if percent < SHOWN_STARVED => String::new(),
        percent => format!(", and without a core for {percent:.0} %"),
    }
}

fn advice(results: &Results) -> String {
    let about = &results.about;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if results.generator.starved_percent > STARVED {
        return "give it a core of its own, or share the work with another machine".into();
    }
    let mut tries = Vec::new();
    if about.threads < cores && about.threads < about.connections {
        tries.push(format!("add threads (-t {})", (about.threads * 2).min(cores)));
    }
    if !about.datagrams && about.in_flight == Some(1) && !about.reconnect {
        tries.push("batch (--in-flight 8)".into());
    }
    tries.push("share the work with another machine".into());
    tries.join(", or ")
}
