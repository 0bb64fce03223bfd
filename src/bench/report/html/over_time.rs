//! What charts over time have in common: the course as steps, letters beside the curves, and words for each moment.
//!
//! May use: chart, course, scale, series.

use super::{
    chart::{Mark, Readout, Step},
    course::Moment,
    scale::Scale,
    series::Series,
};
use crate::values::show;

/// More curves than these have no room for their words.
const READ_OUT: usize = 3;

/// What is drawn of a moment, if it has that.
pub type Figure<'a> = &'a dyn Fn(&Moment) -> Option<f64>;

/// One figure of each moment as steps from `low` on; `None`: there is none at that moment.
#[must_use]
pub fn steps(course: &[Moment], x: Scale, y: Scale, (low, high): (Figure<'_>, Figure<'_>)) -> Vec<Option<Step>> {
    let step = |moment: &Moment| {
        let (low, high) = (low(moment)?, high(moment)?);
        Some(Step { from: x.at(moment.from), to: x.at(moment.to), low: y.at(low), high: y.at(high) })
    };
    course.iter().map(step).collect()
}

/// The same, from the ground.
#[must_use]
pub fn from_ground(course: &[Moment], x: Scale, y: Scale, figure: &dyn Fn(&Moment) -> Option<f64>) -> Vec<Option<Step>> {
    steps(course, x, y, (&|_: &Moment| Some(y.low()), figure))
}

/// Letters beside the curves, where there are several: each at another place.
#[must_use]
pub fn marks(all: &[Series<'_>], x: Scale, y: Scale, figure: &dyn Fn(&Moment) -> Option<f64>) -> Vec<Mark> {
    let count = all.len();
    let mark = |(at, series): (usize, &Series<'_>)| {
        let wanted = series.seconds() * (at + 1) as f64 / (count + 1) as f64;
        let near = |moment: &&Moment| (f64::midpoint(moment.from, moment.to) - wanted).abs();
        let there = series.course.iter().filter(|moment| figure(moment).is_some());
        let moment = there.min_by(|a, b| near(a).total_cmp(&near(b)))?;
        let (x, y) = (x.at(f64::midpoint(moment.from, moment.to)), y.at(figure(moment)?));
        Some(Mark { x, y, class: series.class, letter: series.letter })
    };
    if count < 2 { Vec::new() } else { all.iter().enumerate().filter_map(mark).collect() }
}

/// `4.25 s · 119,840/s`; the moments are those of the first run.
#[must_use]
pub fn readouts(all: &[Series<'_>], x: Scale, words: &dyn Fn(&Moment) -> String) -> Vec<Readout> {
    let Some((first, others)) = all.split_first().filter(|(_, others)| others.len() < READ_OUT) else { return Vec::new() };
    let readout = |moment: &Moment| {
        let middle = f64::midpoint(moment.from, moment.to);
        let mut text = format!("{} · {}", time(moment.to), words(moment));
        for other in others {
            let there = other.course.iter().find(|other| other.from <= middle && middle < other.to);
            text.push_str(" · ");
            text.push_str(&there.map_or("-".into(), words));
        }
        Readout { from: x.at(moment.from), to: x.at(moment.to), text }
    };
    first.course.iter().map(readout).collect()
}

/// A moment, to the hundredth; closer to the start in smaller units.
#[must_use]
pub fn time(seconds: f64) -> String {
    match seconds {
        ..=0.0 => "0 s".into(),
        ..0.1 => show::nanos((seconds * 1e9) as u64),
        _ => format!("{seconds:.2} s"),
    }
}

/// A line of the legend for each run, where there are several.
#[must_use]
pub fn legend(all: &[Series<'_>]) -> Vec<(String, String)> {
    let line = |series: &Series<'_>| (format!("line {}", series.class), series.label());
    if all.len() < 2 { Vec::new() } else { all.iter().map(line).collect() }
}
