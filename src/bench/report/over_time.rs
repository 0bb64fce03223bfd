//! What was asked and what was achieved over time, as a table for a person.
//!
//! May use: results, owo-colors.

use std::fmt::Write as _;

use hdrhistogram::Histogram;
use owo_colors::OwoColorize as _;

use super::text::{BOLD, DIM};
use crate::{
    bench::{over_time::Stretch, results::Results, shown},
    values::show,
};

/// One row for each stretch; nothing where the rate did not change.
pub(super) fn table(results: &Results) -> String {
    if results.over_time.is_empty() {
        return String::new();
    }
    let head = format!("{:<17}{:>11} {:>11} {:>11} {:>9} {:>9}", "over time", "asked", "sent", "right", "p50", "p99");
    let mut text = format!("\n  {}\n", head.style(DIM));
    for stretch in &results.over_time {
        let _ = writeln!(text, "  {}", row(stretch));
    }
    text
}

fn row(stretch: &Stretch) -> String {
    let counters = &stretch.tally.counters;
    let rate = |count: f64| shown::per_second(stretch.per_second(count));
    let span = format!("{:>6.2} - {:>6.2} s", stretch.from.as_secs_f64(), stretch.to.as_secs_f64());
    let right = format!("{:>11}", rate(counters.right as f64));
    let figure = |percentile| latency(&stretch.tally.latency, percentile);
    format!(
        "{span} {:>11} {:>11} {} {:>9} {:>9}",
        rate(stretch.asked),
        rate(counters.sent as f64),
        right.style(BOLD),
        figure(50.0),
        figure(99.0),
    )
}

fn latency(latency: &Histogram<u64>, percentile: f64) -> String {
    if latency.is_empty() { "-".into() } else { show::nanos(latency.value_at_percentile(percentile)) }
}
