//! The five charts: what a moment, a latency or a failure is drawn as. The same that the page of `--html` has.
//!
//! May use: moments, plot, paint, scales, `values`.

use ratatui_core::layout::Rect;

use super::{
    cells::Cells,
    moments::Moment,
    paint::{Ink, Sheet},
    plot::{Dots, Frame, inside},
    scene::Scene,
};
use crate::{
    bench::report::html::scale::{Axis, Scale},
    values::show,
};

/// Shares of the heat map that have a letter of their own.
const SHADES: [char; 8] = ['░', '░', '▒', '▒', '▓', '▓', '█', '█'];
/// Percentiles that have a tick: the share of those above, as a power of ten.
const TICKS: [(f64, &str); 6] =
    [(0.0, "0 %"), (1.0, "90 %"), (2.0, "99 %"), (3.0, "99.9 %"), (4.0, "99.99 %"), (5.0, "99.999 %")];

/// Ticks that have room on an axis so high, or so wide.
fn few(length: u16, each: u16) -> usize {
    usize::from(length / each.max(1)).clamp(2, 8)
}

/// Chart number `number`, from 0.
pub fn draw(number: usize, sheet: &mut Sheet<'_>, area: Rect, scene: &Scene<'_>) {
    match number {
        0 if scene.head.hold => held(sheet, area, scene),
        0 => rate(sheet, area, scene),
        1 => latency(sheet, area, scene),
        2 => percentiles(sheet, area, scene),
        3 => heat(sheet, area, scene),
        _ => failures(sheet, area, scene),
    }
}

/// One moment for each column of dots.
fn columns(area: Rect, scene: &Scene<'_>) -> Vec<Option<Moment>> {
    scene.seen.columns(usize::from(inside(area).width) * 2, scene.until())
}

fn times(area: Rect, scene: &Scene<'_>) -> Axis {
    Scale::to(scene.until()).times(few(area.width, 10))
}

fn most(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, f64::max)
}

fn rate(sheet: &mut Sheet<'_>, area: Rect, scene: &Scene<'_>) {
    let columns = columns(area, scene);
    let right = |moment: &Moment| moment.per_second(moment.right);
    let width = scene.until() / columns.len().max(1) as f64;
    let asked: Vec<_> = (0..columns.len())
        .map(|column| {
            let (from, to) = (column as f64 * width, (column + 1) as f64 * width);
            (scene.asked)(from, to).filter(|_| columns[column].is_some()).map(|count| count / width)
        })
        .collect();
    let highest = most(columns.iter().flatten().map(right).chain(asked.iter().flatten().copied()));
    let y = Scale::from_zero(highest, few(area.height, 3));
    let open = asked.iter().any(Option::is_some);
    let legend = [('┈', Ink::Asked, "asked"), ('━', Ink::Right, "right")];
    let frame = Frame {
        number: 1,
        title: "throughput",
        legend: &legend[usize::from(!open)..],
        x: times(area, scene),
        y: y.counts(few(area.height, 3)),
    };
    let mut dots = Dots::on(frame.draw(sheet, area));
    dots.dotted(&asked.iter().map(|asked| asked.map(|asked| y.at(asked))).collect::<Vec<_>>(), Ink::Asked);
    dots.line(
        &columns.iter().map(|moment| moment.as_ref().map(|moment| y.at(right(moment)))).collect::<Vec<_>>(),
        Ink::Right,
    );
    dots.draw(sheet);
}

/// Connections that are kept.
fn held(sheet: &mut Sheet<'_>, area: Rect, scene: &Scene<'_>) {
    let mut open = 0u64;
    let counts: Vec<_> = columns(area, scene)
        .iter()
        .scan(0.0, |last, moment| {
            Some(moment.as_ref().map(|moment| {
                if moment.to > *last {
                    *last = moment.to;
                    open = (open + moment.connects + moment.unsent).saturating_sub(moment.failed);
                }
                open as f64
            }))
        })
        .collect();
    let y = Scale::from_zero(most(counts.iter().flatten().copied()), few(area.height, 3));
    let frame =
        Frame { number: 1, title: "connections kept", legend: &[], x: times(area, scene), y: y.counts(few(area.height, 3)) };
    let mut dots = Dots::on(frame.draw(sheet, area));
    dots.line(&counts.iter().map(|count| count.map(|count| y.at(count))).collect::<Vec<_>>(), Ink::Right);
    dots.draw(sheet);
}

/// Of all latencies that were seen. `None` before the first.
fn latencies(scene: &Scene<'_>) -> Option<Scale> {
    let low = scene.seen.latency.quantile(0.0)?;
    let sent = scene.seen.as_sent.quantile(0.0).unwrap_or(low);
    Some(Scale::log(low.min(sent), (scene.seen.longest as f64).max(low)))
}

fn nothing(sheet: &mut Sheet<'_>, area: Rect, frame: &Frame<'_>, scene: &Scene<'_>) {
    let plot = frame.draw(sheet, area);
    let words = if scene.head.hold { "--hold asks for nothing" } else { "no right reply yet" };
    let column = plot.width.saturating_sub(words.len() as u16) / 2;
    sheet.text(plot, (column, plot.height / 2), words, Ink::Faint);
}

fn latency(sheet: &mut Sheet<'_>, area: Rect, scene: &Scene<'_>) {
    let legend = [('━', Ink::Middle, "p50"), ('━', Ink::High, "p99"), ('━', Ink::Longest, "max")];
    let x = times(area, scene);
    let mut frame = Frame { number: 2, title: "latency", legend: &legend, x, y: Axis::default() };
    let Some(y) = latencies(scene) else { return nothing(sheet, area, &frame, scene) };
    frame.y = y.latencies(few(area.height, 2));
    let mut dots = Dots::on(frame.draw(sheet, area));
    let columns = columns(area, scene);
    let mut line = |ink, of: &dyn Fn(&Moment) -> Option<f64>| {
        let heights = columns.iter().map(|moment| moment.as_ref().and_then(of).map(|ns| y.at(ns)));
        dots.line(&heights.collect::<Vec<_>>(), ink);
    };
    line(Ink::Longest, &|moment| (moment.longest > 0).then_some(moment.longest as f64));
    line(Ink::High, &|moment| moment.latency.quantile(0.99));
    line(Ink::Middle, &|moment| moment.latency.quantile(0.5));
    dots.draw(sheet);
}

fn percentiles(sheet: &mut Sheet<'_>, area: Rect, scene: &Scene<'_>) {
    let open = scene.seen.as_sent.count() > 0;
    let legend = [('━', Ink::High, "corrected"), ('┈', Ink::Right, "as sent")];
    let count = scene.seen.latency.count();
    let powers = (count.max(10) as f64).log10().ceil().clamp(1.0, 5.0);
    let ticks = TICKS.iter().filter(|(power, _)| *power <= powers).map(|(power, label)| (power / powers, (*label).into()));
    let mut frame = Frame {
        number: 3,
        title: "percentiles",
        legend: if open { &legend } else { &[] },
        x: Axis { ticks: ticks.collect() },
        y: Axis::default(),
    };
    let Some(y) = latencies(scene) else { return nothing(sheet, area, &frame, scene) };
    frame.y = y.latencies(few(area.height, 2));
    let mut dots = Dots::on(frame.draw(sheet, area));
    let columns = dots.columns();
    let heights = |cells: &Cells| {
        let share = |column: usize| 1.0 - 10f64.powf(-powers * column as f64 / columns.max(2).saturating_sub(1) as f64);
        (0..columns).map(|column| cells.quantile(share(column)).map(|ns| y.at(ns))).collect::<Vec<_>>()
    };
    if open {
        dots.dotted(&heights(&scene.seen.as_sent), Ink::Right);
    }
    dots.line(&heights(&scene.seen.latency), Ink::High);
    dots.draw(sheet);
}

fn heat(sheet: &mut Sheet<'_>, area: Rect, scene: &Scene<'_>) {
    let legend = [('░', Ink::Heat(1), "few"), ('▓', Ink::Heat(4), "some"), ('█', Ink::Heat(7), "many")];
    let x = times(area, scene);
    let mut frame = Frame { number: 4, title: "heat map", legend: &legend, x, y: Axis::default() };
    let Some(y) = latencies(scene) else { return nothing(sheet, area, &frame, scene) };
    frame.y = y.latencies(few(area.height, 2));
    let plot = frame.draw(sheet, area);
    let columns = scene.seen.columns(usize::from(plot.width), scene.until());
    let last = f64::from(plot.height.saturating_sub(1));
    let rows = |moment: &Moment| {
        let mut rows = vec![0.0; usize::from(plot.height)];
        for (ns, count) in moment.latency.rows() {
            if let Some(row) = rows.get_mut((y.at(ns) * last).round() as usize) {
                *row += moment.per_second(count);
            }
        }
        rows
    };
    let columns: Vec<_> = columns.iter().map(|moment| moment.as_ref().map(rows)).collect();
    let top = most(columns.iter().flatten().flatten().copied());
    for (column, rows) in columns.iter().enumerate() {
        for (row, many) in rows.iter().flatten().enumerate().filter(|(_, many)| **many > 0.0) {
            let shade = shade(*many / top.max(1e-9));
            let (x, y) = (plot.x + column as u16, plot.bottom() - 1 - row as u16);
            sheet.letter(x, y, SHADES[usize::from(shade)], Ink::Heat(shade));
        }
    }
}

/// Of a share of the most, by magnitude: a thousandth is seen.
fn shade(share: f64) -> u8 {
    ((1.0 + share.log10() / 3.0).clamp(0.0, 1.0) * (SHADES.len() - 1) as f64).round() as u8
}

fn failures(sheet: &mut Sheet<'_>, area: Rect, scene: &Scene<'_>) {
    let columns = columns(area, scene);
    let failed = |moment: &Moment| moment.per_second(moment.failed);
    let y = Scale::from_zero(most(columns.iter().flatten().map(failed)), few(area.height, 3));
    let total = format!("{} in all", show::grouped(scene.seen.counters.failed()));
    let frame = Frame {
        number: 5,
        title: "failures per second",
        legend: &[('━', Ink::Wrong, &total)],
        x: times(area, scene),
        y: y.counts(few(area.height, 3)),
    };
    let plot = frame.draw(sheet, area);
    let mut dots = Dots::on(plot);
    dots.line(
        &columns.iter().map(|moment| moment.as_ref().map(|moment| y.at(failed(moment)))).collect::<Vec<_>>(),
        Ink::Wrong,
    );
    dots.draw(sheet);
    let mut row = 0;
    for (kind, count) in &scene.seen.failures {
        let words = format!(" {} {} ", show::grouped(*count), scene.head.failure(kind));
        sheet.text(plot, (2, row), &words, Ink::Plain);
        row += 1;
    }
    if let Some(example) = &scene.seen.example {
        sheet.text(plot, (2, row), &format!(" for example: {example} "), Ink::Faint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_are_by_magnitude() {
        assert_eq!([shade(1.0), shade(0.1), shade(0.01), shade(0.001), shade(1e-9)], [7, 5, 2, 0, 0]);
        assert_eq!((few(9, 3), few(3, 3), few(200, 10)), (3, 2, 8));
    }
}
