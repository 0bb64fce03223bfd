//! What a person reads of connections that were only kept.
//!
//! May use: results, text, owo-colors.

use owo_colors::OwoColorize as _;

use super::text::{BOLD, DIM, RIGHT, WRONG, columns, figures, row};
use crate::{
    bench::{
        results::{Held, Results},
        shown,
    },
    values::show,
};

/// How many were opened and lasted, what they take, and how long each took to open.
pub(super) fn glance(results: &Results, held: &Held) -> String {
    let mut text = String::new();
    let count = |n: u64| format!("{:>13}", show::grouped(n));
    let asked = results.about.connections as u64;
    let from = match held.sources {
        1 => String::new(),
        sources => format!(", from {} addresses", show::grouped(sources as u64)),
    };
    row(&mut text, "opened", &format!("{}      of {}{from}", count(held.opened), show::grouped(asked)));
    row(&mut text, "held", &format!("{}      to the end", count(held.lasted)));
    if let (Some(all), Some(each)) = (held.memory, held.memory_each()) {
        let whose = if held.both_ends { "resident, both ends are here" } else { "resident, in this process" };
        let each = format!("{} each", show::bytes(each));
        row(&mut text, "memory", &format!("{:>13} {each:>14}      {whose}", show::bytes(all)));
    }
    let failed = results.totals.counters.failed();
    let figure = count(failed);
    row(&mut text, "failures", &if failed == 0 { figure.style(RIGHT).to_string() } else { figure.style(WRONG).to_string() });
    if !results.totals.connect.is_empty() {
        text.push('\n');
        let labels = columns(|(name, _)| name.into()) + &format!("{:>9}", "mean");
        row(&mut text, "connect", &labels.style(DIM).to_string());
        let connect = &results.totals.connect;
        let figures = figures(connect) + &format!("{:>9}", show::nanos(connect.mean() as u64));
        row(&mut text, "", &figures.style(BOLD).to_string());
    }
    if let Some(rate) = results.about.connect_rate {
        row(&mut text, "asked", &format!("  {} connections, at most", shown::per_second(rate)));
    }
    text
}
