//! `--repeat`: how much several runs differ. One run is an anecdote; the spread says how far to believe it.
//!
//! May use: results.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{
    bench::{results::Results, shown},
    values::show,
};

/// Median, range and sample standard deviation of one figure over all runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
    pub stddev: f64,
}

impl Spread {
    /// `None` without a value.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let n = values.len();
        let median = f64::midpoint(values[(n - 1) / 2], values[n / 2]);
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let stddev = if n > 1 { (squares / (n - 1) as f64).sqrt() } else { 0.0 };
        Some(Self { median, min, max, stddev })
    }

    fn scaled(self, by: f64) -> Self {
        Self { median: self.median * by, min: self.min * by, max: self.max * by, stddev: self.stddev * by }
    }
}

/// A figure that is compared between runs.
struct Figure {
    label: &'static str,
    /// In JSON.
    name: &'static str,
    of: fn(&Results) -> Option<f64>,
    shown: fn(f64) -> String,
    /// From what `of` gives to what JSON has.
    json: f64,
}

fn latency(results: &Results, percentile: f64) -> Option<f64> {
    let latency = &results.totals.latency;
    (!latency.is_empty()).then(|| latency.value_at_percentile(percentile) as f64)
}

fn ns(value: f64) -> String {
    show::nanos(value as u64)
}

const FIGURES: [Figure; 6] = [
    Figure {
        label: "requests",
        name: "requests_per_second",
        of: |results| Some(results.rate()),
        shown: shown::per_second,
        json: 1.0,
    },
    Figure { label: "p50", name: "p50_us", of: |results| latency(results, 50.0), shown: ns, json: 1e-3 },
    Figure { label: "p99", name: "p99_us", of: |results| latency(results, 99.0), shown: ns, json: 1e-3 },
    Figure { label: "p99.9", name: "p99_9_us", of: |results| latency(results, 99.9), shown: ns, json: 1e-3 },
    Figure { label: "max", name: "max_us", of: |results| latency(results, 100.0), shown: ns, json: 1e-3 },
    Figure {
        label: "failures",
        name: "failures",
        of: |results| Some(results.totals.counters.failed() as f64),
        shown: |count| show::grouped(count as u64),
        json: 1.0,
    },
];

/// The spread of each figure, for JSON; empty for a single run.
#[must_use]
pub fn figures(runs: &[Results]) -> Vec<(&'static str, Spread)> {
    if runs.len() < 2 {
        return Vec::new();
    }
    let of = |figure: &Figure| {
        let spread = Spread::of(runs.iter().filter_map(figure.of).collect())?;
        Some((figure.name, spread.scaled(figure.json)))
    };
    FIGURES.iter().filter_map(of).collect()
}

/// The table of the text report; empty for a single run.
#[must_use]
pub fn table(runs: &[Results]) -> String {
    let mut text = String::new();
    if runs.len() < 2 {
        return text;
    }
    let _ = writeln!(
        text,
        "\n  {:<9}{:>12}{:>12}{:>12}{:>12}",
        shown::counted(runs.len() as u64, "run"),
        "median",
        "min",
        "max",
        "stddev"
    );
    for figure in &FIGURES {
        if let Some(spread) = Spread::of(runs.iter().filter_map(figure.of).collect()) {
            let [median, min, max, stddev] = [spread.median, spread.min, spread.max, spread.stddev].map(figure.shown);
            let _ = writeln!(text, "  {:<9}{median:>12}{min:>12}{max:>12}{stddev:>12}", figure.label);
        }
    }
    text
}

/// One run among several, as it ends.
#[must_use]
pub fn line(run: u32, of: u32, results: &Results) -> String {
    let shown = |figure: &Figure| (figure.of)(results).map_or("-".into(), figure.shown);
    let [requests, p50, p99, ..] = &FIGURES;
    format!(
        "run {run} of {of}  {:>12}  p50 {:>7}  p99 {:>7}  {} failed\n",
        shown(requests),
        shown(p50),
        shown(p99),
        show::grouped(results.totals.counters.failed()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_range_and_deviation() {
        assert_eq!(Spread::of(vec![]), None);
        assert_eq!(Spread::of(vec![3.0]), Some(Spread { median: 3.0, min: 3.0, max: 3.0, stddev: 0.0 }));
        let spread = Spread::of(vec![4.0, 1.0, 3.0, 2.0]).expect("values");
        assert_eq!((spread.median, spread.min, spread.max), (2.5, 1.0, 4.0));
        assert!((spread.stddev - (5.0f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(Spread::of(vec![9.0, 1.0, 5.0]).map(|spread| spread.median), Some(5.0));
    }
}
