//! When there was no server, or no generator, in sentences.
//!
//! May use: results, owo-colors.

use std::fmt::Write as _;

use owo_colors::OwoColorize as _;

use super::text::WRONG;
use crate::{
    bench::{outage::Outage, results::Results},
    values::show,
};

/// So many are told; of the others, how many there were.
const TOLD: usize = 3;

/// A line for each of the first few.
pub(super) fn told(results: &Results) -> String {
    let mut text = String::new();
    for (at, sentence) in sentences(results).into_iter().enumerate() {
        let gap = if at == 0 { "\n" } else { "" };
        let _ = writeln!(text, "{gap}  {} {sentence}", "!".style(WRONG));
    }
    text
}

/// `4 of 4 connections had no answer from 1.02 s on, the last of them for 2.2 s`: each has a time of its own.
pub(super) fn sentences(results: &Results) -> Vec<String> {
    let (all, outages) = (results.about.connections, &results.outages);
    let noun = if results.about.datagrams { "socket" } else { "connection" };
    let plural = if all == 1 { "" } else { "s" };
    let sentence = |outage: &Outage| {
        let from = outage.from.as_secs_f64();
        let lasted = if outage.over {
            format!("for {}", show::duration(outage.to.saturating_sub(outage.from)))
        } else {
            "to the end".into()
        };
        let last = if outage.connections > 1 { "the last of them " } else { "" };
        format!("{} of {all} {noun}{plural} had no answer from {from:.2} s on, {last}{lasted}", outage.connections.min(all))
    };
    let mut sentences: Vec<_> = outages.iter().take(TOLD).map(sentence).collect();
    if outages.len() > TOLD {
        sentences.push(format!("and {} times more", outages.len() - TOLD));
    }
    if !results.generator.stood_still.is_zero() {
        let time = show::duration(results.generator.stood_still);
        sentences.push(format!("the generator stood still for {time}: what was late meanwhile was its own fault"));
    }
    sentences
}
