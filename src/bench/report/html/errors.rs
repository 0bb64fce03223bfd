//! The chart of failures over time: of one run by kind, one on top of the other; of several all kinds together.
//!
//! May use: chart, `over_time`, series, failure.

use super::{
    chart::{Chart, Step, band, line},
    course::Moment,
    over_time,
    scale::Scale,
    series::{Series, seconds},
};
use crate::{
    bench::{failure::Failure, results::Results},
    values::show,
};

/// Kinds that have a colour of their own.
const KINDS: usize = 5;

#[allow(clippy::unnecessary_wraps, reason = "as figures that may be missing")]
fn failed(moment: &Moment) -> Option<f64> {
    Some(moment.failed as f64 / moment.seconds())
}

/// What went wrong in a run, the most frequent first.
#[must_use]
pub fn kinds(run: &Results) -> Vec<(&'static str, u64)> {
    let counted = run.totals.counters.by_kind().into_iter().filter(|(_, count)| *count > 0);
    let mut kinds: Vec<_> = counted.collect();
    kinds.sort_unstable_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    kinds
}

/// `no reply within 1 s`, or what the protocol calls it.
#[must_use]
pub fn words(kind: &str, run: &Results) -> String {
    let known = Failure::ALL.into_iter().find(|known| known.name() == kind);
    known.map_or_else(|| kind.replace('_', " "), |known| known.sentence(run.about.timeout))
}

/// The chart of these runs. `None`: nothing failed, or nobody knows when.
#[must_use]
pub fn chart(all: &[Series<'_>]) -> Option<Chart> {
    let most = all.iter().flat_map(|series| series.course.iter().filter_map(failed)).fold(0.0, f64::max);
    if most <= 0.0 {
        return None;
    }
    let (x, y) = (Scale::to(seconds(all)), Scale::from_zero(most, 5));
    let mut chart = Chart {
        id: "failures".into(),
        title: "Failures over time".into(),
        says: says(all),
        x: x.times(6),
        y: y.counts(5),
        marks: over_time::marks(all, x, y, &failed),
        readouts: over_time::readouts(all, x, &|moment| format!("{} failed", show::grouped(moment.failed))),
        legend: over_time::legend(all),
        ..Chart::default()
    };
    if let [only] = all {
        by_kind(&mut chart, only, x, y);
        return Some(chart);
    }
    for series in all {
        let steps = over_time::from_ground(&series.course, x, y, &failed);
        chart.paths.push((format!("line {}", series.class), line(&steps)));
    }
    Some(chart)
}

/// Each kind stands on those that are more frequent.
fn by_kind(chart: &mut Chart, series: &Series<'_>, x: Scale, y: Scale) {
    let kinds = kinds(series.run);
    let mut ground = vec![0.0; series.course.len()];
    for (at, group) in groups(&kinds).into_iter().enumerate() {
        let of = |moment: &Moment| {
            let counts = moment.failures.iter().filter(|(kind, _)| group.contains(kind));
            counts.map(|(_, count)| *count).sum::<u64>() as f64 / moment.seconds()
        };
        let steps = series.course.iter().zip(&mut ground).map(|(moment, ground)| {
            let (low, high) = (*ground, *ground + of(moment));
            *ground = high;
            (high > low).then(|| Step { from: x.at(moment.from), to: x.at(moment.to), low: y.at(low), high: y.at(high) })
        });
        let class = format!("fill e{at}");
        chart.paths.push((class.clone(), band(&steps.collect::<Vec<_>>())));
        let label = if group.len() == 1 { words(group[0], series.run) } else { "other failures".into() };
        chart.legend.push((class, label));
    }
}

/// The most frequent ones alone, all others together.
fn groups(kinds: &[(&'static str, u64)]) -> Vec<Vec<&'static str>> {
    let names: Vec<_> = kinds.iter().map(|(kind, _)| *kind).collect();
    if names.len() <= KINDS {
        return names.into_iter().map(|name| vec![name]).collect();
    }
    let (alone, together) = names.split_at(KINDS - 1);
    alone.iter().map(|name| vec![*name]).chain([together.to_vec()]).collect()
}

fn says(all: &[Series<'_>]) -> String {
    let said = all.iter().map(|series| {
        let count = show::grouped(series.run.totals.counters.failed());
        if all.len() > 1 { format!("{}: {count}", series.letter) } else { format!("{count} in all") }
    });
    format!(
        "Failed requests per second, each when it was noticed; what was still awaited at the end is in the last interval. {}.",
        said.collect::<Vec<_>>().join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_kinds_share_a_colour() {
        let kinds: Vec<(&str, u64)> = ["a", "b", "c", "d", "e"].into_iter().map(|name| (name, 1)).collect();
        assert_eq!(groups(&kinds).len(), KINDS);
        let more = [&kinds[..], &[("f", 1), ("g", 1)]].concat();
        assert_eq!(groups(&more), [vec!["a"], vec!["b"], vec!["c"], vec!["d"], vec!["e", "f", "g"]]);
        assert!(groups(&[]).is_empty());
    }
}
