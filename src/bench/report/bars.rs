//! A small bar histogram of latencies. Rows are steps of the logarithm, since latencies spread over magnitudes.
//!
//! May use: `hdrhistogram`, owo-colors.

use std::fmt::Write as _;

use hdrhistogram::Histogram;
use owo_colors::OwoColorize as _;

use crate::{bench::shown, values::show};

/// The longest bar, in columns.
const WIDTH: f64 = 44.0;
/// Rows at most, beside the first and the last, which hold all that is smaller or greater.
const ROWS: usize = 10;
/// Steps for each doubling; the first that needs few enough rows is taken.
const STEPS: [f64; 6] = [8.0, 4.0, 2.0, 1.0, 0.5, 0.25];

/// The bars, each with its lower edge, or nothing for too few values to be worth a picture.
#[must_use]
pub fn chart(latency: &Histogram<u64>) -> String {
    if latency.len() < 10 {
        return String::new();
    }
    let bounds = bounds(latency);
    let counts = counts(latency, &bounds);
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let mut text = format!("  {:>11}\n", "from".dimmed());
    for (at, count) in counts.iter().enumerate() {
        if *count == 0 && (at == 0 || at == bounds.len()) {
            continue;
        }
        let label = match at {
            0 => format!("< {}", label(bounds[0])),
            _ if at == bounds.len() => format!("> {}", label(bounds[at - 1])),
            _ => label(bounds[at - 1]),
        };
        let share = 100.0 * *count as f64 / latency.len() as f64;
        let bar = bar(*count as f64 / most as f64 * WIDTH);
        let padding = " ".repeat((WIDTH as usize + 1).saturating_sub(bar.chars().count()));
        let _ = writeln!(text, "  {label:>11}  {}{padding} {:>8}", bar.cyan(), shown::percent(share));
    }
    text
}

/// Where one row ends and the next begins.
fn bounds(latency: &Histogram<u64>) -> Vec<u64> {
    // Doublings of a microsecond, which read better than those of a nanosecond.
    let low = latency.value_at_quantile(0.005).max(1) as f64 / 1e3;
    let high = latency.value_at_quantile(0.995).max(2) as f64 / 1e3;
    let steps = |per_doubling: f64| {
        let (first, last) = ((low.log2() * per_doubling).floor(), (high.log2() * per_doubling).ceil());
        (first as i64..=last as i64).map(move |step| ((step as f64 / per_doubling).exp2() * 1e3).round() as u64)
    };
    let fits = |per_doubling: &&f64| steps(**per_doubling).count() <= ROWS;
    let mut bounds: Vec<u64> = steps(*STEPS.iter().find(fits).unwrap_or(&0.125)).collect();
    bounds.dedup();
    bounds
}

/// How many values lie below the first bound, between each two, and above the last.
fn counts(latency: &Histogram<u64>, bounds: &[u64]) -> Vec<u64> {
    let mut counts = vec![0; bounds.len() + 1];
    for value in latency.iter_recorded() {
        let row = bounds.partition_point(|bound| *bound <= value.value_iterated_to());
        counts[row] += value.count_at_value();
    }
    counts
}

fn label(ns: u64) -> String {
    show::nanos(ns)
}

/// A bar of so many columns, to the eighth.
pub(super) fn bar(columns: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (columns * 8.0).round() as usize;
    if eighths == 0 && columns > 0.0 {
        return EIGHTHS[1].into();
    }
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_exact_to_the_eighth() {
        for (columns, text) in [(0.0, ""), (0.01, "▏"), (0.5, "▌"), (1.0, "█"), (2.9, "██▉"), (3.99, "████")]
        {
            assert_eq!(bar(columns), text, "{columns}");
        }
    }

    #[test]
    fn every_value_is_in_one_row() {
        for spread in [1.001, 1.5, 4.0, 1e3, 1e6] {
            let mut latency = Histogram::<u64>::new_with_bounds(1, 3_600_000_000_000, 3).expect("bounds");
            for step in 0..1000 {
                latency.saturating_record((50_000.0 * f64::powf(spread, f64::from(step) / 1000.0)) as u64);
            }
            let bounds = bounds(&latency);
            assert!((2..=ROWS).contains(&bounds.len()), "{spread}: {bounds:?}");
            assert_eq!(counts(&latency, &bounds).iter().sum::<u64>(), 1000);
            assert!(chart(&latency).lines().count() <= ROWS + 2);
        }
    }
}
