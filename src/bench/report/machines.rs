//! `merge`: what each machine had in the whole.
//!
//! May use: results, record's measured runs, shown.

use std::fmt::Write as _;

use hdrhistogram::Histogram;

use crate::{
    bench::{
        record::measured::{Measured, What},
        results::Results,
        shard::Shard,
        shown,
    },
    values::show,
};

/// The most of a host's name that is shown.
const WIDTH: usize = 20;

/// A line for each, and which of them were the limit.
#[must_use]
pub fn table(runs: &[Results]) -> String {
    let mut text = format!("\n  {:<WIDTH$}{:>13}{:>14}{:>10}{:>12}\n", "machines", "requests", "", "p99", "failures");
    for run in runs {
        let counters = &run.totals.counters;
        let _ = writeln!(
            text,
            "  {:<WIDTH$}{:>13}{:>14}{:>10}{:>12}",
            name(run),
            show::grouped(counters.right),
            shown::per_second(run.rate()),
            p99(&run.totals.latency),
            show::grouped(counters.failed()),
        );
    }
    for run in runs.iter().filter(|run| run.generator.saturated) {
        let busiest = run.generator.busiest_percent.min(100.0);
        let _ = writeln!(text, "\n  ! {} was the limit itself: one thread at {busiest:.0} %", name(run));
    }
    text
}

/// The same, of runs that only measured.
#[must_use]
pub fn measured(runs: &[Measured]) -> String {
    let lost = if runs.iter().any(|run| matches!(run.what, What::Bulk(_))) { "retransmits" } else { "lost" };
    let mut text = format!("\n  {:<WIDTH$}{:>16}{lost:>14}{:>8}{:>12}\n", "machines", "", "cpu", "failures");
    for run in runs {
        let (rate, lost) = match &run.what {
            What::Bulk(bulk) => (show::bits_per_second(bulk.bits_per_second), bulk.retransmits),
            What::OneWay(one_way) => (shown::per_second(one_way.rate), one_way.lost),
        };
        let host = run.machine.as_ref().map_or("several", |machine| machine.host.as_str());
        let _ = writeln!(
            text,
            "  {:<WIDTH$}{rate:>16}{:>14}{:>8}{:>12}",
            host.chars().take(WIDTH).collect::<String>(),
            lost.map_or("-".into(), show::grouped),
            format!("{:.0} %", run.cpu_percent),
            show::grouped(run.failures),
        );
    }
    text
}

fn p99(latency: &Histogram<u64>) -> String {
    if latency.is_empty() { "-".into() } else { show::nanos(latency.value_at_percentile(99.0)) }
}

/// `host-a 1/3`
fn name(run: &Results) -> String {
    let shard = run.about.shard;
    let shard = if shard == Shard::WHOLE { String::new() } else { format!(" {shard}") };
    let host = run.machine.as_ref().map_or("several", |machine| machine.host.as_str());
    let host: String = host.chars().take(WIDTH - shard.len().min(WIDTH)).collect();
    host + &shard
}
