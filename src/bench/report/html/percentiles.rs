//! The chart of latency by percentile: each nine has as much room as the one before, so that the rare and slow are seen. Beside it, in an
//! open loop, the latency as a closed loop would have it: what lies between the two is what waiting politely hides.
//!
//! May use: chart, scale, series, `hdrhistogram`.

use hdrhistogram::Histogram;

use super::{
    chart::{Chart, Readout, curve},
    scale::{Axis, Scale},
    series::Series,
};
use crate::values::show;

/// Points of a curve.
const POINTS: u32 = 240;
/// Strips that tell their values.
const STRIPS: u32 = 48;

/// How many nines a share has: 0.99 has two.
fn nines(share: f64) -> f64 {
    -(1.0 - share).log10()
}

fn share(nines: f64) -> f64 {
    1.0 - 10f64.powf(-nines)
}

/// As far as so many values tell anything: the last place is the slowest of them.
fn reach(count: u64) -> f64 {
    (count.max(2) as f64).log10()
}

/// The chart of these runs. `None`: there was no right reply.
#[must_use]
pub fn chart(all: &[Series<'_>]) -> Option<Chart> {
    let all: Vec<_> = all.iter().filter(|series| !series.run.totals.latency.is_empty()).collect();
    let reach = all.iter().map(|series| reach(series.run.totals.latency.len())).reduce(f64::max)?;
    let x = Scale::to(reach);
    let y = scale(&all);
    let open = all.iter().any(|series| !series.run.totals.as_sent.is_empty());
    let mut chart = Chart {
        id: "percentiles".into(),
        title: "Latency by percentile".into(),
        says: says(open),
        x: axis(x),
        y: y.latencies(7),
        ..Chart::default()
    };
    for series in &all {
        let totals = &series.run.totals;
        if !totals.as_sent.is_empty() {
            chart.paths.push((format!("line thin {}", series.class), curve(&points(&totals.as_sent, x, y))));
        }
        chart.paths.push((format!("line {}", series.class), curve(&points(&totals.latency, x, y))));
    }
    if all.len() > 1 {
        let line = |series: &&Series<'_>| (format!("line {}", series.class), series.label());
        chart.legend = all.iter().map(line).collect();
    }
    if open {
        let (plain, thin) = if all.len() > 1 { ("line plain", "line thin plain") } else { ("line s0", "line thin s0") };
        chart.legend.push((plain.into(), "from when due (corrected)".into()));
        chart.legend.push((thin.into(), "as sent (uncorrected)".into()));
    }
    chart.readouts = readouts(&all, x);
    Some(chart)
}

fn says(open: bool) -> String {
    let both = " Corrected counts from when each request was due; uncorrected from when it left, which is all that a closed loop sees.";
    format!("To the right ever rarer: each step is ten times as rare.{}", if open { both } else { "" })
}

fn scale(all: &[&Series<'_>]) -> Scale {
    let totals = || all.iter().flat_map(|series| [&series.run.totals.latency, &series.run.totals.as_sent]);
    let some = || totals().filter(|histogram| !histogram.is_empty());
    let low = some().map(|histogram| histogram.value_at_quantile(0.02)).min().unwrap_or(1);
    let high = some().map(Histogram::max).max().unwrap_or(1);
    Scale::log(low as f64, high as f64)
}

/// `50 %`, `90 %`, `99 %`, ...
fn axis(x: Scale) -> Axis {
    let last = (x.high() + 1e-9).floor() as usize;
    let labels = ["90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %", "99.99999 %"];
    // So far out they would stand on each other.
    let every = if last > 5 { 2 } else { 1 };
    let ticks = labels.iter().enumerate().take(last).filter(|(at, _)| (last - 1 - at).is_multiple_of(every));
    let mut axis: Vec<_> = ticks.map(|(at, label)| (x.at((at + 1) as f64), (*label).to_owned())).collect();
    if last <= 4 {
        axis.insert(0, (x.at(nines(0.5)), "50 %".into()));
    }
    Axis { ticks: axis }
}

fn points(histogram: &Histogram<u64>, x: Scale, y: Scale) -> Vec<(f64, f64)> {
    let last = reach(histogram.len());
    let point = |at: u32| {
        let nines = last * f64::from(at) / f64::from(POINTS);
        let value = if at == POINTS { histogram.max() } else { histogram.value_at_quantile(share(nines)) };
        (x.at(nines), y.at(value as f64))
    };
    let mut points: Vec<_> = (0..=POINTS).map(point).collect();
    // A stretch that looks flat needs its ends only.
    let same = |a: (f64, f64), b: (f64, f64)| (a.1 - b.1).abs() < 1e-4;
    let flat = |points: &[(f64, f64)], at: usize| {
        at > 0 && at + 1 < points.len() && same(points[at - 1], points[at]) && same(points[at], points[at + 1])
    };
    let kept: Vec<bool> = (0..points.len()).map(|at| !flat(&points, at)).collect();
    let mut kept = kept.into_iter();
    points.retain(|_| kept.next().unwrap_or(true));
    points
}

/// `p99.2 · 1.20 ms · as sent 0.90 ms`
fn readouts(all: &[&Series<'_>], x: Scale) -> Vec<Readout> {
    if all.len() > 3 {
        return Vec::new();
    }
    let readout = |at: u32| {
        let (from, to) = (f64::from(at) / f64::from(STRIPS), f64::from(at + 1) / f64::from(STRIPS));
        let nines = f64::midpoint(from, to) * x.high();
        let mut text = format!("p{}", percentile(nines));
        for series in all {
            let totals = &series.run.totals;
            let at = |histogram: &Histogram<u64>| show::nanos(histogram.value_at_quantile(share(nines)));
            text.push_str(" · ");
            text.push_str(&at(&totals.latency));
            if !totals.as_sent.is_empty() && all.len() == 1 {
                text.push_str(" · as sent ");
                text.push_str(&at(&totals.as_sent));
            }
        }
        Readout { from, to, text }
    };
    (0..STRIPS).map(readout).collect()
}

/// With as many decimals as the nines need: `50`, `99.2`, `99.997`.
fn percentile(nines: f64) -> String {
    let decimals = (nines - 0.7).ceil().max(0.0) as usize;
    format!("{:.decimals$}", 100.0 * share(nines))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::stats::histogram;

    #[test]
    fn each_nine_has_the_same_room() {
        let x = Scale::to(4.0);
        let ticks = axis(x).ticks;
        assert_eq!(
            ticks.iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>(),
            ["50 %", "90 %", "99 %", "99.9 %", "99.99 %"]
        );
        assert!((ticks[1].0 - 0.25).abs() < 1e-9 && (ticks[4].0 - 1.0).abs() < 1e-9);
        for nines in [0.2, 0.3, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 9.0] {
            assert!(axis(Scale::to(nines)).ticks.len() <= 5, "{nines}");
        }
        for (place, text) in [(nines(0.5), "50"), (1.0, "90.0"), (2.0, "99.00"), (2.1, "99.21"), (4.5, "99.9968")] {
            assert_eq!(percentile(place), text);
        }
    }

    #[test]
    fn a_curve_ends_at_the_slowest_and_never_falls() {
        let mut latency = histogram();
        (1..=1000u64).for_each(|n| latency.saturating_record(n * 1000));
        let (x, y) = (Scale::to(3.0), Scale::log(1e3, 1e6));
        let points = points(&latency, x, y);
        assert!(points[0].0.abs() < 1e-9);
        assert!((points[points.len() - 1].0 - 1.0).abs() < 1e-9 && points[points.len() - 1].1 > 0.999);
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1));
        let mut one = histogram();
        one.saturating_record(5000);
        assert_eq!(super::points(&one, x, y).len(), 2, "a flat line is two points");
    }
}
