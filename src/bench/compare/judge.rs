//! Is there a difference? Each figure's change from one record to another, with the interval that chance alone would move it in.
//!
//! Both records are drawn anew many times (`draws`); the change between drawings spreads as the change between runs would, had
//! they been made again. The interval holds 99 % of it, not the usual 95: several figures are looked at, and when nothing has
//! changed, any of them should say so in fewer than one comparison of ten. It is widened by what few independent blocks do not tell
//! of their own spread (Student's t in place of the normal distribution).
//!
//! May use: figure, draws, record, `fastrand`.

use super::{
    draws::{Sum, Urn},
    figure::Figure,
};
use crate::bench::record::Document;

/// Percent of the changes that chance would make lie within the interval.
pub const CONFIDENCE: f64 = 99.0;
/// Of the standard normal distribution, at the end of such an interval.
const NORMAL: f64 = 2.575_829;
/// Intervals that a run must have.
pub const FEWEST: usize = 8;
/// Answers beyond a percentile, for it to be more than the luck of a few.
const FEWEST_BEYOND: f64 = 20.0;
/// What lies beyond a percentile must come from so many intervals: one stall is no distribution.
const FEWEST_MOMENTS: f64 = 4.0;
/// Histograms have three digits: less is no change.
const GRAIN_PERCENT: f64 = 0.2;
/// The same two files have the same intervals.
const SEED: u64 = 2026;

/// What is to be said of a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    NoDifference,
    Better,
    Worse,
    /// It can't be told, and why.
    Untold(String),
}

impl Verdict {
    /// For JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::NoDifference => "no_difference_shown",
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Untold(_) => "not_judged",
        }
    }
}

/// A figure and its change.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub figure: Figure,
    pub before: Option<f64>,
    pub after: Option<f64>,
    /// Percent of what it was; points, where it is a share.
    pub change: Option<f64>,
    /// The change lies between these, as far as chance goes.
    pub interval: Option<(f64, f64)>,
    pub verdict: Verdict,
}

/// Two records, ready to be drawn from.
struct Pair<'a> {
    records: [&'a Document; 2],
    urns: [Urn; 2],
    sums: [Sum; 2],
}

/// Judges each of the figures, from `drawings` drawings.
#[must_use]
pub fn rows(before: &Document, after: &Document, figures: &[Figure], drawings: usize) -> Vec<Row> {
    let urns = [Urn::of(before), Urn::of(after)];
    let sums = [urns[0].all(), urns[1].all()];
    let pair = Pair { records: [before, after], urns, sums };
    let untold: Vec<_> = figures.iter().map(|figure| pair.untold(*figure)).collect();
    let changes =
        if untold.iter().all(Option::is_some) { vec![Vec::new(); figures.len()] } else { pair.changes(figures, drawings) };
    let stretch = pair.stretch();
    let row = |((figure, untold), changes): ((&Figure, _), Vec<f64>)| pair.row(*figure, untold, &changes, stretch);
    figures.iter().zip(untold).zip(changes).map(row).collect()
}

impl Pair<'_> {
    /// Why nothing can be told of a figure's change.
    fn untold(&self, figure: Figure) -> Option<String> {
        if figure == Figure::Max {
            return Some("one value".into());
        }
        if self.records.iter().any(|record| value(figure, record).is_none()) {
            return Some("not measured".into());
        }
        if self.urns.iter().any(|urn| urn.fewest() < FEWEST) {
            return Some("too few intervals".into());
        }
        let few = |percentile| self.sums.iter().any(|sum| sum.beyond(percentile) < FEWEST_BEYOND);
        let rare = |percentile| self.urns.iter().any(|urn| urn.moments(percentile) < FEWEST_MOMENTS);
        match figure {
            Figure::Percentile(percentile) if few(percentile) => Some("too few replies".into()),
            Figure::Percentile(percentile) if rare(percentile) => Some("of few moments".into()),
            _ => None,
        }
    }

    /// The changes of each figure that chance makes.
    fn changes(&self, figures: &[Figure], drawings: usize) -> Vec<Vec<f64>> {
        let mut random = fastrand::Rng::with_seed(SEED);
        let mut drawn = [self.urns[0].empty(), self.urns[1].empty()];
        let mut changes = vec![Vec::with_capacity(drawings); figures.len()];
        for _ in 0..drawings {
            for (urn, sum) in self.urns.iter().zip(&mut drawn) {
                urn.draw(&mut random, sum);
            }
            for (figure, changes) in figures.iter().zip(&mut changes) {
                changes.extend(self.change(*figure, &drawn));
            }
        }
        for changes in &mut changes {
            changes.sort_unstable_by(f64::total_cmp);
        }
        changes
    }

    /// From one sum to the other: the logarithm of the ratio, in which up and down are alike; of shares the difference.
    fn change(&self, figure: Figure, [before, after]: &[Sum; 2]) -> Option<f64> {
        let before = before.figure(figure, &self.urns[0])?;
        let after = after.figure(figure, &self.urns[1])?;
        if figure.is_share() {
            return Some(after - before);
        }
        (before > 0.0 && after > 0.0).then(|| (after / before).ln())
    }

    /// By how much an interval must be wider for want of independent blocks.
    fn stretch(&self) -> f64 {
        let [before, after] = self.urns.each_ref().map(Urn::independent);
        let all = before + after;
        let free = (all - 2.0).max(2.0);
        student(free) / NORMAL * (all / free).sqrt()
    }

    fn row(&self, figure: Figure, untold: Option<String>, changes: &[f64], stretch: f64) -> Row {
        let [before, after] = self.records.map(|record| value(figure, record));
        let told = |change: f64| if figure.is_share() { change } else { 100.0 * change.exp_m1() };
        let middle = self.change(figure, &self.sums);
        let row = Row { figure, before, after, change: middle.map(told), interval: None, verdict: Verdict::NoDifference };
        let (untold, middle) = match (untold, middle) {
            (Some(why), _) => (Some(why), 0.0),
            (None, Some(middle)) if !changes.is_empty() => (None, middle),
            _ => (Some("not measured".into()), 0.0),
        };
        if let Some(why) = untold {
            let plain = before.zip(after).and_then(|(before, after)| plain(figure, before, after));
            return Row { change: row.change.or(plain), verdict: Verdict::Untold(why), ..row };
        }
        let outside = (1.0 - CONFIDENCE / 100.0) / 2.0;
        let at = |share: f64| changes[((changes.len() - 1) as f64 * share).round() as usize];
        let down = stretch * (middle - at(outside)).max(0.0);
        let up = stretch * (at(1.0 - outside) - middle).max(0.0);
        let (low, high) = (told(middle - down), told(middle + up));
        Row { interval: Some((low, high)), verdict: verdict(figure, told(middle), (low, high)), ..row }
    }
}

fn value(figure: Figure, document: &Document) -> Option<f64> {
    match document {
        Document::Requests(record) => figure.of(&record.all),
        Document::Measured(run) => figure.of_measured(run),
    }
}

/// Without anything to draw from.
fn plain(figure: Figure, before: f64, after: f64) -> Option<f64> {
    if figure.is_share() {
        return Some(after - before);
    }
    (before > 0.0).then(|| 100.0 * (after / before - 1.0))
}

fn verdict(figure: Figure, change: f64, (low, high): (f64, f64)) -> Verdict {
    let grain = if figure.is_share() { 0.0 } else { GRAIN_PERCENT };
    if change.abs() <= grain || (low <= 0.0 && high >= 0.0) {
        Verdict::NoDifference
    } else if (change > 0.0) == figure.grows_better() {
        Verdict::Better
    } else {
        Verdict::Worse
    }
}

/// Student's t at the end of the interval, for so many degrees of freedom (Abramowitz and Stegun, 26.7.5).
fn student(free: f64) -> f64 {
    let z = NORMAL;
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    z + first / free + second / free.powi(2) + third / free.powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_blocks_need_wider_intervals() {
        for (free, t) in [(5.0, 4.032), (10.0, 3.169), (30.0, 2.750), (1e9, NORMAL)] {
            assert!((student(free) - t).abs() < 0.03, "{free}: {} is not {t}", student(free));
        }
    }

    #[test]
    fn which_way_is_worse() {
        let of = |figure, change, interval| verdict(figure, change, interval).word();
        assert_eq!(of(Figure::Rate, -5.0, (-6.0, -4.0)), "worse");
        assert_eq!(of(Figure::Rate, 5.0, (4.0, 6.0)), "better");
        assert_eq!(of(Figure::Mean, 5.0, (4.0, 6.0)), "worse");
        assert_eq!(of(Figure::Mean, 5.0, (-1.0, 6.0)), "no_difference_shown");
        assert_eq!(of(Figure::Mean, 0.1, (0.09, 0.11)), "no_difference_shown", "less than the grain");
        assert_eq!(of(Figure::Errors, 0.1, (0.09, 0.11)), "worse", "of requests that failed each counts");
    }
}
