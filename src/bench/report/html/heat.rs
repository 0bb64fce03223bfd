//! The heat map: for each moment, how many replies took how long. What an average over time and a percentile over all hide is seen at
//! once: two modes, a stall, a slow rise.
//!
//! May use: chart, course, scale, series.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    chart::Chart,
    course::{Moment, row_begin},
    over_time,
    scale::Scale,
    series::{Series, seconds},
};
use crate::values::show;

/// Shades; the class of the faintest is `h1`.
const SHADES: usize = 8;
/// Columns at most: finer ones nobody sees.
const COLUMNS: usize = 128;

/// Replies per second of each row, in one column.
struct Column {
    from: f64,
    to: f64,
    rows: BTreeMap<i32, f64>,
}

/// A map for each run, all with the same axes and shades.
#[must_use]
pub fn charts(all: &[Series<'_>]) -> Vec<Chart> {
    let columns: Vec<_> = all.iter().map(|series| columns(&series.course)).collect();
    let cells = || columns.iter().flatten().flat_map(|column| column.rows.iter());
    let rows = cells().map(|(row, _)| *row);
    let (Some(lowest), Some(highest)) = (rows.clone().min(), rows.max()) else { return Vec::new() };
    let y = Scale::log(row_begin(lowest), row_begin(highest + 1));
    let x = Scale::to(seconds(all));
    let (faint, full) = cells().fold((f64::INFINITY, 0.0), |(low, high), (_, rate)| (rate.min(low), rate.max(high)));
    let shades = Scale::log(1.0, (full / faint).max(10.0));
    let shade = |rate: f64| 1 + (shades.at(rate / faint) * (SHADES - 1) as f64).round() as usize;
    let one = |(series, columns): (&Series<'_>, &Vec<Column>)| Chart {
        id: format!("heat-{}", series.letter),
        title: if all.len() > 1 { format!("Heat map of latency, {}", series.label()) } else { "Heat map of latency".into() },
        says: "The stronger the colour, the more replies took so long at that time, by magnitude.".into(),
        x: x.times(6),
        y: y.latencies(7),
        paths: paths(columns, x, y, &shade)
            .into_iter()
            .map(|(at, path)| (format!("h{at} {}", series.class), path))
            .collect(),
        readouts: over_time::readouts(std::slice::from_ref(series), x, &most),
        ..Chart::default()
    };
    all.iter().zip(&columns).filter(|(_, columns)| !columns.is_empty()).map(one).collect()
}

/// Neighbours are one column where there are too many.
fn columns(course: &[Moment]) -> Vec<Column> {
    let per = course.len().div_ceil(COLUMNS).max(1);
    let column = |moments: &[Moment]| {
        let (from, to) = (moments.first()?.from, moments.last()?.to);
        let mut rows = BTreeMap::new();
        for (row, count) in moments.iter().flat_map(|moment| &moment.cells) {
            *rows.entry(*row).or_insert(0.0) += *count as f64 / (to - from).max(1e-9);
        }
        Some(Column { from, to, rows })
    };
    course.chunks(per).filter_map(column).collect()
}

/// One path for each shade. What stands on one another in a column is one rectangle.
fn paths(columns: &[Column], x: Scale, y: Scale, shade: &dyn Fn(f64) -> usize) -> BTreeMap<usize, String> {
    let mut paths: BTreeMap<usize, String> = BTreeMap::new();
    let place = |share: f64| (share * 1000.0).round() as i64;
    for column in columns {
        let (from, to) = (place(x.at(column.from)), place(x.at(column.to)));
        let mut rows = column.rows.iter().map(|(row, rate)| (*row, shade(*rate))).peekable();
        while let Some((first, shade)) = rows.next() {
            let mut last = first;
            while let Some((row, _)) = rows.next_if(|next| *next == (last + 1, shade)) {
                last = row;
            }
            let top = 1000 - place(y.at(row_begin(last + 1)));
            let bottom = 1000 - place(y.at(row_begin(first)));
            let _ = write!(paths.entry(shade).or_default(), "M{from} {top}H{to}V{bottom}H{from}Z");
        }
    }
    paths
}

/// The fullest row of a moment.
fn most(moment: &Moment) -> String {
    let fullest = moment.cells.iter().max_by_key(|(_, count)| *count);
    fullest.map_or("no right reply".into(), |(at, count)| {
        let [from, to] = [*at, *at + 1].map(|row| show::nanos(row_begin(row).round() as u64));
        format!("most: {} within {from} to {to}", show::grouped(*count))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(at: u32, cells: &[(i32, u64)]) -> Moment {
        let from = f64::from(at);
        let cells = cells.to_vec();
        Moment { from, to: from + 1.0, right: 0, rate: 0.0, failures: Vec::new(), failed: 0, latencies: None, cells }
    }

    #[test]
    fn columns_are_joined_and_lose_nothing() {
        let course: Vec<_> = (0..256).map(|at| moment(at, &[(3, 10), (5, 2)])).collect();
        let columns = columns(&course);
        assert_eq!((columns.len(), columns[127].to), (128, 256.0));
        assert!((columns[0].rows[&3] - 10.0).abs() < 1e-9, "a rate stays a rate");
    }

    #[test]
    fn rows_of_one_shade_are_one_rectangle() {
        let columns = columns(&[moment(0, &[(0, 5), (1, 5), (2, 9), (4, 5)]), moment(1, &[])]);
        let (x, y) = (Scale::to(2.0), Scale::log(1.0, 10.0));
        let paths = paths(&columns, x, y, &|rate| if rate > 6.0 { 2 } else { 1 });
        assert_eq!(paths[&1], "M0 833H500V1000H0ZM0 583H500V667H0Z");
        assert_eq!(paths[&2], "M0 750H500V833H0Z");
    }
}
