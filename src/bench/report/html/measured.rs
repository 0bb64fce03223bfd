//! The page of runs that only measured: bytes of `--bulk`, or datagrams of `--one-way`. One, or several of a kind laid over one another.
//!
//! May use: record's measured runs, chart, markup, setup, tables.

use super::{
    NO_INTERVALS,
    chart::{Chart, Readout, Step, band, line},
    framed, grid,
    markup::Markup,
    measured_title, noted, over_time,
    scale::{Axis, Scale},
    series::CLASSES,
    setup, tables,
};
use crate::{
    bench::{
        record::measured::{Bulk, Measured, Moment, What},
        report::measured::{Card, cards, of, parts},
        shown,
    },
    values::show,
};

/// A run, and what it is called among others.
pub type Named<'a> = (&'a str, &'a Measured);

/// The page of these runs, all of one kind.
#[must_use]
pub fn page(runs: &[Named<'_>]) -> String {
    let title = title(runs);
    framed(&title, |page| {
        page.open("header", &[]);
        page.element("h1", &[], &title);
        for (name, run) in runs {
            let who = if runs.len() > 1 { format!("{name}: {} · ", of(run)) } else { String::new() };
            page.element("p", &[], &format!("{who}{}", parts(run).join(" · ")));
        }
        page.close("header");
        page.ours("\n");
        noted(page, &notes(runs));
        match runs {
            [(_, only)] => tables::look(page, &cards(only), only.failures > 0),
            _ => columns(page, runs),
        }
        grid(page, &charts(runs));
        for (name, run) in runs {
            setup::write(page, &run.command, &chosen(run), &measured_title(name, runs.len()));
        }
        for (at, (name, run)) in runs.iter().enumerate().filter(|(_, (_, run))| !run.course.is_empty()) {
            let who = if runs.len() > 1 { format!(", {} {name}", letter(at)) } else { String::new() };
            course(page, run, &who);
        }
    })
}

fn title(runs: &[Named<'_>]) -> String {
    match runs {
        [] => "no run".into(),
        [(_, only)] => of(only),
        [(_, first), rest @ ..] => {
            let same = rest.iter().all(|(_, other)| of(other) == of(first));
            format!("{}: {} runs", if same { of(first) } else { "bench".into() }, runs.len())
        }
    }
}

fn letter(at: usize) -> char {
    char::from(b'A' + (at % 26) as u8)
}

fn notes(runs: &[Named<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    for (name, run) in runs {
        let who = if runs.len() > 1 { format!("{name}: ") } else { String::new() };
        notes.extend(run.failed.iter().chain(&run.limits_missed).map(|missed| format!("{who}{missed}")));
        if run.interrupted {
            notes.push(format!("{who}it was interrupted"));
        }
    }
    if runs.iter().any(|(_, run)| run.course.is_empty()) {
        notes.push(NO_INTERVALS.into());
    }
    notes
}

/// The first look at several: a column for each.
fn columns(page: &mut Markup, runs: &[Named<'_>]) {
    let all: Vec<Vec<Card>> = runs.iter().map(|(_, run)| cards(run)).collect();
    let labels: Vec<String> = runs.iter().enumerate().map(|(at, (name, _))| format!("{} {name}", letter(at))).collect();
    let head: Vec<&str> = [""].into_iter().chain(labels.iter().map(String::as_str)).collect();
    let mut names: Vec<&'static str> = Vec::new();
    for (name, ..) in all.iter().flatten() {
        if !names.contains(name) {
            names.push(name);
        }
    }
    let cell = |cards: &Vec<Card>, name| cards.iter().find(|card| card.0 == name).map_or("-".into(), |card| card.1.clone());
    let row = |name: &&'static str| {
        [(*name).to_owned()].into_iter().chain(all.iter().map(|cards| cell(cards, *name))).collect::<Vec<_>>()
    };
    tables::table(page, "Figures", &head, &names.iter().map(row).collect::<Vec<_>>());
}

/// One curve: a value for each interval, where there is one.
struct Curve {
    class: &'static str,
    label: String,
    steps: Vec<(f64, f64, Option<f64>)>,
}

type Of<'a> = &'a dyn Fn(&Moment) -> Option<f64>;

impl Curve {
    fn of(run: &Measured, at: usize, label: &str, figure: Of<'_>) -> Self {
        let step = |moment: &Moment| (moment.from.as_secs_f64(), moment.to.as_secs_f64(), figure(moment));
        Self { class: CLASSES[at % CLASSES.len()], label: label.into(), steps: run.course.iter().map(step).collect() }
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        self.steps.iter().filter_map(|step| step.2)
    }
}

/// What a chart shows, and how a value of it is written.
struct Shows {
    id: &'static str,
    title: &'static str,
    says: &'static str,
    words: fn(f64) -> String,
    axis: fn(&Scale) -> Axis,
}

fn rate(count: u64, moment: &Moment) -> f64 {
    count as f64 / moment.duration().as_secs_f64().max(1e-9)
}

fn bits(bytes: u64, moment: &Moment) -> f64 {
    rate(bytes, moment) * 8.0
}

/// Of one run each way, or each view, has a curve; of several each run has one.
fn curves(runs: &[Named<'_>], parts: &[(&str, Of<'_>)], whole: Of<'_>) -> Vec<Curve> {
    if let [(_, only)] = runs {
        return parts.iter().enumerate().map(|(at, (label, of))| Curve::of(only, at, label, of)).collect();
    }
    let curve = |(at, (name, run)): (usize, &Named<'_>)| Curve::of(run, at, &format!("{} {name}", letter(at)), whole);
    runs.iter().enumerate().map(curve).collect()
}

fn charts(runs: &[Named<'_>]) -> Vec<Chart> {
    match runs.first().map(|(_, run)| &run.what) {
        Some(What::Bulk(bulk)) => bulk_charts(runs, bulk),
        Some(What::OneWay(_)) => one_way_charts(runs),
        None => Vec::new(),
    }
}

fn bulk_charts(runs: &[Named<'_>], first: &Bulk) -> Vec<Chart> {
    let up = |moment: &Moment| Some(bits(moment.out, moment));
    let down = |moment: &Moment| Some(bits(moment.back.unwrap_or_default(), moment));
    let both = |moment: &Moment| Some(bits(moment.out + moment.back.unwrap_or_default(), moment));
    let ways: [(&str, Of<'_>); 2] = [("up", &up), ("down", &down)];
    let ways: Vec<_> = ways.into_iter().filter(|(name, _)| first.direction == "both" || first.direction == *name).collect();
    let throughput = Shows {
        id: "throughput",
        title: "Throughput over time",
        says: "Bits per second that crossed our end",
        words: show::bits_per_second,
        axis: |scale| scale.counts(5),
    };
    let again = Shows {
        id: "retransmits",
        title: "Retransmits over time",
        says: "Segments per second that were sent again",
        words: shown::rate,
        axis: |scale| scale.counts(5),
    };
    let trip = Shows {
        id: "rtt",
        title: "Round trip over time",
        says: "As TCP smooths it",
        words: |ns| show::nanos(ns as u64),
        axis: |scale| scale.latencies(5),
    };
    let resent = |moment: &Moment| moment.lost.map(|many| rate(many, moment));
    let rtt = |moment: &Moment| moment.rtt.map(|rtt| rtt.as_nanos() as f64);
    [
        throughput.chart(curves(runs, &ways, &both)),
        trip.chart(curves(runs, &[("round trip", &rtt)], &rtt)),
        again.chart(curves(runs, &[("retransmits", &resent)], &resent)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn one_way_charts(runs: &[Named<'_>]) -> Vec<Chart> {
    let sent = |moment: &Moment| Some(rate(moment.out, moment));
    let received = |moment: &Moment| moment.back.map(|many| rate(many, moment));
    let came = |moment: &Moment| received(moment).or(sent(moment));
    let missing = |moment: &Moment| moment.lost.map(|many| rate(many, moment));
    let datagrams = Shows {
        id: "throughput",
        title: "Datagrams over time",
        says: "Per second, as received where that is known",
        words: shown::rate,
        axis: |scale| scale.counts(5),
    };
    let lost = Shows {
        id: "missing",
        title: "Missing over time",
        says: "Datagrams per second that had not come when later ones had",
        words: shown::rate,
        axis: |scale| scale.counts(5),
    };
    [
        datagrams.chart(curves(runs, &[("received", &received), ("sent", &sent)], &came)),
        lost.chart(curves(runs, &[("missing", &missing)], &missing)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Shows {
    /// `None`: there is nothing to show, or nothing but zeros.
    fn chart(&self, curves: Vec<Curve>) -> Option<Chart> {
        let curves: Vec<_> = curves.into_iter().filter(|curve| curve.values().next().is_some()).collect();
        let end = curves.iter().flat_map(|curve| &curve.steps).map(|step| step.1).fold(0.0, f64::max);
        let most = curves.iter().flat_map(Curve::values).fold(0.0, f64::max);
        let first = curves.first().filter(|_| most > 0.0)?;
        let (x, y) = (Scale::to(end), Scale::from_zero(most, 5));
        let mut chart = Chart {
            id: self.id.into(),
            title: self.title.into(),
            says: self.says(&curves),
            x: x.times(6),
            y: (self.axis)(&y),
            readouts: self.readouts(first, &curves[1..], x),
            ..Chart::default()
        };
        for curve in &curves {
            let place = |(from, to, value): &(f64, f64, Option<f64>)| {
                value.map(|value| Step { from: x.at(*from), to: x.at(*to), low: 0.0, high: y.at(value) })
            };
            let steps: Vec<_> = curve.steps.iter().map(place).collect();
            if curves.len() == 1 {
                chart.paths.push((format!("fill soft {}", curve.class), band(&steps)));
            } else {
                chart.legend.push((format!("line {}", curve.class), curve.label.clone()));
            }
            chart.paths.push((format!("line {}", curve.class), line(&steps)));
        }
        Some(chart)
    }

    /// `Bits per second: 40 Gbit/s to 58 Gbit/s.`
    fn says(&self, curves: &[Curve]) -> String {
        let said = curves.iter().map(|curve| {
            let (least, most) = (curve.values().fold(f64::INFINITY, f64::min), curve.values().fold(0.0, f64::max));
            let who = if curves.len() > 1 { format!("{}: ", curve.label) } else { String::new() };
            format!("{who}{} to {}", (self.words)(least), (self.words)(most))
        });
        format!("{}. {}.", self.says, said.collect::<Vec<_>>().join("; "))
    }

    fn readouts(&self, first: &Curve, others: &[Curve], x: Scale) -> Vec<Readout> {
        let words = |value: Option<f64>| value.map_or("-".into(), self.words);
        let readout = |(from, to, value): &(f64, f64, Option<f64>)| {
            let middle = f64::midpoint(*from, *to);
            let mut text = format!("{} · {}", over_time::time(*to), words(*value));
            for other in others.iter().take(2) {
                let there = other.steps.iter().find(|step| step.0 <= middle && middle < step.1);
                text.push_str(" · ");
                text.push_str(&words(there.and_then(|step| step.2)));
            }
            Readout { from: x.at(*from), to: x.at(*to), text }
        };
        first.steps.iter().map(readout).collect()
    }
}

/// One line for each thing that was chosen or found.
fn chosen(run: &Measured) -> Vec<(&'static str, String)> {
    let of = match &run.what {
        What::Bulk(bulk) => [("streams", run.connections as u64), ("bytes of a block", bulk.block_bytes)],
        What::OneWay(one_way) => [("sockets", run.connections as u64), ("bytes of a datagram", one_way.length_bytes)],
    };
    let mut lines = vec![("target", format!("{} {}", run.transport, run.target)), ("protocol", run.protocol.clone())];
    lines.extend(of.map(|(name, many)| (name, show::grouped(many))));
    lines.push(("threads", run.threads.to_string()));
    lines.push(("began", run.began.clone()));
    lines.push(("measured for", shown::seconds(run.duration)));
    let machines = run.machine.iter().chain(run.machines.iter().filter_map(|run| run.machine.as_ref()));
    lines.extend(setup::machines(machines));
    lines.push(("measured by", format!("netproto {}", run.version)));
    lines
}

/// The course in figures.
fn course(page: &mut Markup, run: &Measured, who: &str) {
    let count = |many: Option<u64>| many.map_or("-".into(), show::grouped);
    let head: &[&str] = match &run.what {
        What::Bulk(_) => &["to", "up", "down", "retransmits", "round trip"],
        What::OneWay(_) => &["to", "sent", "received", "missing"],
    };
    let row = |moment: &Moment| {
        let mut row = match &run.what {
            What::Bulk(_) => {
                let way = |bytes| show::bits_per_second(bits(bytes, moment));
                let rtt = moment.rtt.map_or("-".into(), show::duration);
                vec![way(moment.out), way(moment.back.unwrap_or_default()), count(moment.lost), rtt]
            }
            What::OneWay(_) => vec![show::grouped(moment.out), count(moment.back), count(moment.lost)],
        };
        row.insert(0, over_time::time(moment.to.as_secs_f64()));
        row
    };
    page.open("details", &[]);
    page.element("summary", &[], &format!("The course in figures{who}"));
    let rows: Vec<_> = run.course.iter().map(row).collect();
    tables::table(page, "Each interval, to its end", head, &rows);
    page.close("details");
    page.ours("\n");
}
