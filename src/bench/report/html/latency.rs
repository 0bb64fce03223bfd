//! The chart of latency over time: half of the replies, most, nearly all, and the slowest, by magnitude.
//!
//! May use: chart, `over_time`, series.

use super::{
    chart::{Chart, band, line},
    course::{Latencies, Moment},
    over_time,
    scale::Scale,
    series::{Series, seconds},
};
use crate::values::show;

type Figure = fn(&Latencies) -> f64;

/// Bands, from the nearest to the furthest.
const BANDS: [(&str, Figure, Figure); 3] = [
    ("fill b0 s0", |latencies| latencies.p50, |latencies| latencies.p90),
    ("fill b1 s0", |latencies| latencies.p90, |latencies| latencies.p99),
    ("fill b2 s0", |latencies| latencies.p99, |latencies| latencies.max),
];

fn p50(moment: &Moment) -> Option<f64> {
    moment.latencies.map(|latencies| latencies.p50)
}

fn p99(moment: &Moment) -> Option<f64> {
    moment.latencies.map(|latencies| latencies.p99)
}

/// The chart of these runs. `None`: there was no right reply.
#[must_use]
pub fn chart(all: &[Series<'_>]) -> Option<Chart> {
    let y = scale(all)?;
    let x = Scale::to(seconds(all));
    let words: &dyn Fn(&Moment) -> String = if all.len() == 1 { &in_full } else { &in_short };
    let mut chart = Chart {
        id: "latency".into(),
        title: "Latency over time".into(),
        says: says(all),
        x: x.times(6),
        y: y.latencies(7),
        marks: over_time::marks(all, x, y, &p50),
        readouts: over_time::readouts(all, x, words),
        ..Chart::default()
    };
    if let [only] = all {
        bands(&mut chart, only, x, y);
    } else {
        lines(&mut chart, all, x, y);
    }
    Some(chart)
}

/// One run: half of it as a line, the rest as bands above that.
fn bands(chart: &mut Chart, only: &Series<'_>, x: Scale, y: Scale) {
    for (class, low, high) in BANDS.iter().rev() {
        let low = |moment: &Moment| moment.latencies.as_ref().map(low);
        let high = |moment: &Moment| moment.latencies.as_ref().map(high);
        chart.paths.push(((*class).into(), band(&over_time::steps(&only.course, x, y, (&low, &high)))));
    }
    chart.paths.push(("line s0".into(), line(&over_time::from_ground(&only.course, x, y, &p50))));
    let lines = [("line s0", "p50"), (BANDS[0].0, "to p90"), (BANDS[1].0, "to p99"), (BANDS[2].0, "to max")];
    chart.legend = lines.map(|(class, words)| (class.to_owned(), words.to_owned())).to_vec();
}

/// Several: two lines of each.
fn lines(chart: &mut Chart, all: &[Series<'_>], x: Scale, y: Scale) {
    for series in all {
        let line_of = |figure: over_time::Figure<'_>| line(&over_time::from_ground(&series.course, x, y, figure));
        chart.paths.push((format!("line {}", series.class), line_of(&p50)));
        chart.paths.push((format!("line thin {}", series.class), line_of(&p99)));
    }
    chart.legend = over_time::legend(all);
    chart.legend.push(("line plain".into(), "p50".into()));
    chart.legend.push(("line thin plain".into(), "p99".into()));
}

/// From the fastest half to the slowest reply of any interval.
fn scale(all: &[Series<'_>]) -> Option<Scale> {
    let of = |figure: Figure| {
        all.iter()
            .flat_map(move |series| series.course.iter().filter_map(move |moment| moment.latencies.as_ref().map(figure)))
    };
    let low = of(|latencies| latencies.p50).reduce(f64::min)?;
    let highest: Figure = if all.len() == 1 { |latencies| latencies.max } else { |latencies| latencies.p99 };
    Some(Scale::log(low, of(highest).fold(low, f64::max)))
}

fn in_full(moment: &Moment) -> String {
    let Some(latencies) = moment.latencies else { return "no right reply".into() };
    let [p50, p99, max] = [latencies.p50, latencies.p99, latencies.max].map(nanos);
    format!("p50 {p50} · p99 {p99} · max {max}")
}

fn in_short(moment: &Moment) -> String {
    moment.latencies.map_or("-".into(), |latencies| format!("{} / {}", nanos(latencies.p50), nanos(latencies.p99)))
}

fn nanos(ns: f64) -> String {
    show::nanos(ns as u64)
}

fn says(all: &[Series<'_>]) -> String {
    let open = all.iter().any(Series::open_loop);
    let from = if open { "Of right replies, from when each request was due" } else { "Of right replies" };
    let worst = all.iter().flat_map(|series| series.course.iter().map(move |moment| (series, moment)));
    let worst = worst.filter_map(|(series, moment)| Some((series, moment, moment.latencies?.max)));
    let worst = worst.max_by(|(_, _, a), (_, _, b)| a.total_cmp(b));
    let worst = worst.map_or(String::new(), |(series, moment, max)| {
        let who = if all.len() > 1 { format!(" in {}", series.letter) } else { String::new() };
        format!(
            " The slowest, {}, ended within {} to {}{who}.",
            nanos(max),
            over_time::time(moment.from),
            over_time::time(moment.to)
        )
    });
    format!("{from}, by magnitude.{worst}")
}
