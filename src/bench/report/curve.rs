//! `--find-max`: the curve from rate to latency, as a table with a plot and as JSON, and what the limit was.
//!
//! May use: find, results, owo-colors, `serde`.

use std::fmt::Write as _;

use owo_colors::{OwoColorize as _, Style};
use serde::Serialize;

use super::bars::bar;
use crate::{
    bench::{
        find::{Curve, LimitedBy, Next, Probe},
        results::Results,
        shown,
    },
    values::show,
};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const WRONG: Style = Style::new().red();

/// Columns of the plot.
const WIDTH: f64 = 16.0;

fn time(ns: Option<u64>) -> String {
    ns.map_or_else(|| "-".into(), show::nanos)
}

/// What is said of a probe when it is over: `32,000/s  p99 1.21 ms  met`.
#[must_use]
pub fn line(probe: &Probe) -> String {
    let verdict = probe.missed.as_deref().unwrap_or("met");
    format!("{:>12}  p99 {:>8}  {verdict}", shown::per_second(probe.rate), time(probe.p99))
}

/// The table and the plot, and what the search came to.
#[must_use]
pub fn report(curve: &Curve, best: &Results) -> String {
    format!("{}\n{}{}", heading(curve, best), conclusion(curve, best), table(curve))
}

fn heading(curve: &Curve, best: &Results) -> String {
    let about = &best.about;
    let noun = if about.datagrams { "socket" } else { "connection" };
    let connections = shown::counted(about.connections as u64, noun);
    let name = format!("find-max {} {}", about.transport, about.target);
    let limits: Vec<_> = curve.goal.limits.iter().map(|limit| limit.text.as_str()).collect();
    format!("{} · {} · {connections}\n  {}\n", name.style(BOLD), about.protocol, limits.join(", "))
}

fn conclusion(curve: &Curve, best: &Results) -> String {
    let mut text = String::new();
    let _ = match curve.end {
        Some(Next::Found { rate, .. }) => writeln!(text, "  highest rate  {}", shown::per_second(rate).style(BOLD)),
        Some(Next::Nothing { missed }) => {
            writeln!(text, "  {} no rate was met, down to {}", "!".style(WRONG), shown::per_second(missed))
        }
        Some(Next::Probe(_)) | None => writeln!(text, "  interrupted before the rate was found"),
    };
    if let Some(missed) = curve.lowest_missed() {
        let why = missed.missed.as_deref().unwrap_or_default();
        let _ = writeln!(text, "  not met       {}: {why}", shown::per_second(missed.rate));
    }
    if curve.end.is_some() {
        let _ = writeln!(text, "  limited by    {}", limit(curve, best));
    }
    text
}

fn limit(curve: &Curve, best: &Results) -> String {
    let busiest = curve.lowest_missed().map_or(0.0, |probe| probe.busiest_percent.min(100.0));
    match curve.limited_by() {
        LimitedBy::Server => format!("the server; this machine's busiest thread was at {busiest:.0} %"),
        LimitedBy::Generator => format!(
            "this machine: one thread at {busiest:.0} %\n                hint: add threads (-t {}), or share the work with another machine",
            best.about.threads + 1
        ),
        LimitedBy::Connections => {
            let more = show::grouped(best.about.connections as u64 * 4);
            format!("the connections: all were waiting for answers\n                hint: -c {more} may reach more")
        }
        LimitedBy::Nothing => "nothing: the search ended first".into(),
    }
}

/// By rate; of a rate that was probed again, the last time.
fn rows(curve: &Curve) -> Vec<&Probe> {
    let mut rows: Vec<&Probe> = Vec::new();
    for probe in curve.probes.iter().rev() {
        if rows.iter().all(|row| row.rate.total_cmp(&probe.rate).is_ne()) {
            rows.push(probe);
        }
    }
    rows.sort_unstable_by(|a, b| a.rate.total_cmp(&b.rate));
    rows
}

fn table(curve: &Curve) -> String {
    let rows = rows(curve);
    let p99s = || rows.iter().filter_map(|row| row.p99);
    let (low, high) = (p99s().min().unwrap_or(1).max(1) as f64, p99s().max().unwrap_or(1).max(1) as f64);
    let head = format!("{:>11} {:>11} {:>9} {:>9} {:>9} {:>8}", "asked", "right/s", "p50", "p99", "p99.9", "failed");
    let mut text = format!("\n{}  {}\n", head.style(DIM), "p99 (log scale)".style(DIM));
    for row in rows {
        let (asked, achieved) = (show::three_digits(row.rate), show::three_digits(row.achieved));
        let (p50, p99, p99_9, failed) = (time(row.p50), time(row.p99), time(row.p99_9), show::grouped(row.failed));
        let figures = format!("{asked:>11} {achieved:>11} {p50:>9} {p99:>9} {p99_9:>9} {failed:>8}");
        // One column for the least, so that each row has a bar.
        let share = row.p99.map(|p99| ((p99.max(1) as f64 / low).ln() / (high / low).ln().max(1e-9)).min(1.0));
        let bar = share.map_or_else(String::new, |share| bar(1.0 + share * (WIDTH - 1.0)));
        let _ = match row.missed {
            None => writeln!(text, "{figures}  {}", bar.cyan()),
            Some(_) => writeln!(text, "{figures}  {}", bar.red()),
        };
    }
    text
}

/// In JSON.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    limits: Vec<&'a str>,
    /// Null: no rate was met, or it was interrupted.
    rate: Option<f64>,
    /// The lowest rate that was not met.
    not_met: Option<f64>,
    limited_by: Option<&'static str>,
    probes: Vec<Row<'a>>,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    rate_asked: f64,
    requests_per_second: f64,
    failures: u64,
    p50_us: Option<f64>,
    p99_us: Option<f64>,
    p99_9_us: Option<f64>,
    busiest_thread_percent: f64,
    saturated: bool,
    met: bool,
    why_not: Option<&'a str>,
}

impl<'a> Document<'a> {
    #[must_use]
    pub fn of(curve: &'a Curve) -> Self {
        let rate = match curve.end {
            Some(Next::Found { rate, .. }) => Some(rate),
            _ => None,
        };
        Self {
            limits: curve.goal.limits.iter().map(|limit| limit.text.as_str()).collect(),
            rate,
            not_met: curve.lowest_missed().map(|probe| probe.rate),
            limited_by: curve.end.map(|_| curve.limited_by().name()),
            probes: curve.probes.iter().map(Row::of).collect(),
        }
    }
}

impl<'a> Row<'a> {
    fn of(probe: &'a Probe) -> Self {
        let us = |ns: Option<u64>| ns.map(|ns| ns as f64 / 1e3);
        Self {
            rate_asked: probe.rate,
            requests_per_second: (probe.achieved * 1e3).round() / 1e3,
            failures: probe.failed,
            p50_us: us(probe.p50),
            p99_us: us(probe.p99),
            p99_9_us: us(probe.p99_9),
            busiest_thread_percent: (probe.busiest_percent * 1e3).round() / 1e3,
            saturated: probe.saturated,
            met: probe.missed.is_none(),
            why_not: probe.missed.as_deref(),
        }
    }
}
