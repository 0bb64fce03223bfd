//! The chart of throughput: right replies per second over time, beside what was asked for.
//!
//! May use: chart, `over_time`, series.

use super::{
    chart::{Chart, across, band, line},
    course::Moment,
    over_time,
    scale::Scale,
    series::{Series, seconds},
};
use crate::bench::shown;

#[allow(clippy::unnecessary_wraps, reason = "as figures that may be missing")]
fn rate(moment: &Moment) -> Option<f64> {
    Some(moment.rate)
}

/// The chart of these runs.
#[must_use]
pub fn chart(all: &[Series<'_>]) -> Chart {
    let asked = asked(all);
    let rates = all.iter().flat_map(|series| series.course.iter().map(|moment| moment.rate));
    let x = Scale::to(seconds(all));
    let y = Scale::from_zero(rates.chain(asked).fold(0.0, f64::max), 5);
    let mut chart = Chart {
        id: "throughput".into(),
        title: "Throughput over time".into(),
        says: says(all),
        x: x.times(6),
        y: y.counts(5),
        marks: over_time::marks(all, x, y, &rate),
        readouts: over_time::readouts(all, x, &|moment| shown::rate(moment.rate)),
        legend: over_time::legend(all),
        ..Chart::default()
    };
    for series in all {
        let steps = over_time::from_ground(&series.course, x, y, &rate);
        if all.len() == 1 {
            chart.paths.push((format!("fill soft {}", series.class), band(&steps)));
        }
        chart.paths.push((format!("line {}", series.class), line(&steps)));
    }
    if let Some(asked) = asked {
        chart.paths.push(("line asked".into(), across(y.at(asked))));
        if all.len() == 1 {
            chart.legend.push(("line s0".into(), "right replies".into()));
        }
        chart.legend.push(("line asked".into(), format!("asked: {}/s", shown::number(asked))));
    }
    chart
}

/// The rate that was asked for, where all had the same.
fn asked(all: &[Series<'_>]) -> Option<f64> {
    let first = all.first()?.run.about.model.rate_asked()?;
    all.iter().all(|series| series.run.about.model.rate_asked() == Some(first)).then_some(first)
}

fn says(all: &[Series<'_>]) -> String {
    let said = all.iter().map(|series| {
        let rates = || series.course.iter().map(|moment| moment.rate);
        let (least, most) = (rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max));
        let who = if all.len() > 1 { format!("{}: ", series.letter) } else { String::new() };
        let mean = shown::rate(series.run.rate());
        match series.course.len() {
            0 | 1 => format!("{who}{mean}"),
            _ => format!("{who}{mean}, from {} to {}", shown::rate(least), shown::rate(most)),
        }
    });
    format!("Right replies per second. {}.", said.collect::<Vec<_>>().join("; "))
}
