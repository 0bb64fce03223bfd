//! What stands on the page as figures: cards for one run, columns for several, and the course as a table for whom no chart helps.
//!
//! May use: markup, series, course, results.

use hdrhistogram::Histogram;

use super::{errors, markup::Markup, over_time, series::Series};
use crate::{
    bench::{failure::Failure, report::measured::Card, results::Results, shown},
    protocol::Answers,
    values::show,
};

const PERCENTILES: [(&str, f64); 5] = [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9), ("max", 100.0)];

/// A table with the names of its columns and, first in each row, of its rows. It scrolls by itself where it is too wide.
pub fn table(page: &mut Markup, caption: &str, head: &[&str], rows: &[Vec<String>]) {
    page.open("div", &[("class", "wide"), ("tabindex", "0"), ("role", "region"), ("aria-label", caption)]);
    page.open("table", &[]);
    page.element("caption", &[], caption);
    page.open("thead", &[]);
    page.open("tr", &[]);
    for name in head {
        page.element("th", &[("scope", "col")], name);
    }
    page.close("tr");
    page.close("thead");
    page.open("tbody", &[]);
    for row in rows {
        page.open("tr", &[]);
        for (at, cell) in row.iter().enumerate() {
            match at {
                0 => page.element("th", &[("scope", "row")], cell),
                _ => page.element("td", &[], cell),
            }
        }
        page.close("tr");
    }
    page.close("tbody");
    page.close("table");
    page.close("div");
    page.ours("\n");
}

fn figure(histogram: &Histogram<u64>, percentile: f64) -> String {
    if histogram.is_empty() { "-".into() } else { show::nanos(histogram.value_at_percentile(percentile)) }
}

/// The figures of one run that one looks at first.
fn glance(run: &Results) -> Vec<Card> {
    let counters = &run.totals.counters;
    let asked = run.about.model.rate_asked().map(|rate| format!("asked {}/s", shown::number(rate)));
    let in_all = format!("{} in all", show::grouped(counters.right));
    let mut cards = vec![("right replies", shown::rate(run.rate()), asked.unwrap_or(in_all))];
    let (latency, as_sent) = (&run.totals.latency, &run.totals.as_sent);
    if !latency.is_empty() {
        for (name, percentile) in [PERCENTILES[0], PERCENTILES[2]] {
            let beside = match (percentile, as_sent.is_empty()) {
                (_, false) => format!("as sent {}", figure(as_sent, percentile)),
                (50.0, true) => format!("mean {}", show::nanos(latency.mean() as u64)),
                _ => format!("max {}", figure(latency, 100.0)),
            };
            cards.push((name, figure(latency, percentile), beside));
        }
    }
    if run.about.datagrams && run.about.answers != Answers::Never {
        let of = format!("{} of {} sent", shown::share(run.loss_percent()), show::grouped(counters.sent));
        cards.push(("lost", show::grouped(run.lost()), of));
    }
    let failed = match (counters.failed(), run.about.answers) {
        (0, Answers::Each | Answers::OnceThenClose) => "every reply was checked".into(),
        (0, _) => "none".into(),
        _ => format!("{} of all", shown::percent(run.failed_percent())),
    };
    cards.push(("failures", show::grouped(counters.failed()), failed));
    let received = format!("{} received", show::bits_per_second(run.bits_received_per_second()));
    cards.push(("sent", show::bits_per_second(run.bits_sent_per_second()), received));
    cards
}

/// The first look at one run.
pub fn cards(page: &mut Markup, run: &Results) {
    look(page, &glance(run), run.totals.counters.failed() > 0);
}

/// Figures beside each other. Failures stand out where there are any.
pub fn look(page: &mut Markup, cards: &[Card], failed: bool) {
    page.open("dl", &[("class", "cards")]);
    for (name, value, beside) in cards {
        let bad = *name == "failures" && failed;
        page.open("div", &[("class", if bad { "bad" } else { "" })]);
        page.element("dt", &[], name);
        page.element("dd", &[("class", "big")], value);
        page.element("dd", &[], beside);
        page.close("div");
    }
    page.close("dl");
    page.ours("\n");
}

/// The first look at several: a column for each.
pub fn columns(page: &mut Markup, all: &[Series<'_>]) {
    let labels: Vec<String> = all.iter().map(Series::label).collect();
    let head: Vec<&str> = [""].into_iter().chain(labels.iter().map(String::as_str)).collect();
    let row = |name: &str, of: &dyn Fn(&Results) -> String| {
        [name.to_owned()].into_iter().chain(all.iter().map(|series| of(series.run))).collect::<Vec<_>>()
    };
    let mut rows = vec![
        row("right replies", &|run| show::grouped(run.totals.counters.right)),
        row("per second", &|run| shown::rate(run.rate())),
    ];
    if all.iter().any(Series::open_loop) {
        rows.push(row("asked", &|run| {
            run.about
                .model
                .rate_asked()
                .map_or("as fast as replies come".into(), |rate| format!("{}/s", shown::number(rate)))
        }));
    }
    for (name, percentile) in PERCENTILES {
        rows.push(row(name, &|run| figure(&run.totals.latency, percentile)));
    }
    rows.push(row("failures", &|run| show::grouped(run.totals.counters.failed())));
    rows.push(row("failures of all", &|run| shown::share(run.failed_percent())));
    if all.iter().any(|series| series.run.about.datagrams) {
        rows.push(row("lost", &|run| if run.about.datagrams { show::grouped(run.lost()) } else { "-".into() }));
    }
    rows.push(row("cpu of the generator", &|run| format!("{:.0} % of a core", run.generator.cpu_percent)));
    table(page, "Figures", &head, &rows);
}

/// All latencies of a run.
pub fn latencies(page: &mut Markup, series: &Series<'_>, named: bool) {
    let totals = &series.run.totals;
    let mut rows = Vec::new();
    let mut push = |name: &str, histogram: &Histogram<u64>| {
        if !histogram.is_empty() {
            let figures = PERCENTILES.iter().map(|(_, percentile)| figure(histogram, *percentile));
            rows.push([name.to_owned()].into_iter().chain(figures).chain([show::nanos(histogram.mean() as u64)]).collect());
        }
    };
    push(if series.open_loop() { "from when due" } else { "latency" }, &totals.latency);
    push("as sent", &totals.as_sent);
    push("connect", &totals.connect);
    totals.phases.seen().for_each(|phase| push(phase.name, &phase.times));
    push("sent too late by", &totals.send_lag);
    if !rows.is_empty() {
        let caption = if named { format!("Latencies, {}", series.label()) } else { "Latencies".into() };
        table(page, &caption, &["", "p50", "p90", "p99", "p99.9", "max", "mean"], &rows);
    }
}

/// How requests failed, with an example of each.
pub fn failures(page: &mut Markup, series: &Series<'_>, named: bool) {
    let run = series.run;
    let ended = run.totals.counters.ended().max(1) as f64;
    let row = |(kind, count): (&'static str, u64)| {
        let example = Failure::ALL.into_iter().find(|known| known.name() == kind).and_then(|kind| run.totals.example(kind));
        let of_all = shown::share(100.0 * count as f64 / ended);
        vec![errors::words(kind, run), show::grouped(count), of_all, example.unwrap_or_default().to_owned()]
    };
    let mut rows: Vec<_> = errors::kinds(run).into_iter().map(row).collect();
    let mut head = vec!["", "count", "of all", "for example"];
    if rows.iter().all(|row| row.last().is_some_and(String::is_empty)) {
        head.pop();
        for row in &mut rows {
            row.truncate(head.len());
        }
    }
    if !rows.is_empty() {
        let caption = if named { format!("Failures, {}", series.label()) } else { "Failures".into() };
        table(page, &caption, &head, &rows);
    }
}

/// What became of datagrams.
pub fn datagrams(page: &mut Markup, all: &[Series<'_>]) {
    let row = |series: &&Series<'_>| {
        let counters = &series.run.totals.counters;
        let figures = [
            counters.sent,
            counters.right,
            series.run.lost(),
            counters.failures(Failure::Late),
            counters.duplicated,
            counters.reordered,
            counters.failures(Failure::Corrupted),
            counters.unsolicited,
        ];
        [if all.len() > 1 { series.label() } else { "datagrams".into() }]
            .into_iter()
            .chain(figures.map(show::grouped))
            .collect::<Vec<_>>()
    };
    let asked = |series: &&Series<'_>| series.run.about.datagrams && series.run.about.answers != Answers::Never;
    let rows: Vec<_> = all.iter().filter(asked).map(|series| row(&series)).collect();
    if !rows.is_empty() {
        let head = ["", "sent", "right", "lost", "late", "duplicated", "reordered", "damaged", "unasked"];
        table(page, "Datagrams", &head, &rows);
    }
}

/// The course in figures.
pub fn course(page: &mut Markup, series: &Series<'_>, named: bool) {
    if series.course.is_empty() {
        return;
    }
    let rows = series.course.iter().map(|moment| {
        let latency = |figure: Option<f64>| figure.map_or("-".into(), |ns| show::nanos(ns as u64));
        vec![
            over_time::time(moment.to),
            shown::rate(moment.rate),
            latency(moment.latencies.map(|latencies| latencies.p50)),
            latency(moment.latencies.map(|latencies| latencies.p99)),
            latency(moment.latencies.map(|latencies| latencies.max)),
            show::grouped(moment.failed),
        ]
    });
    let title = if named { format!("The course in figures, {}", series.label()) } else { "The course in figures".into() };
    page.open("details", &[]);
    page.element("summary", &[], &title);
    table(
        page,
        "Each interval, to its end",
        &["to", "right replies", "p50", "p99", "max", "failed"],
        &rows.collect::<Vec<_>>(),
    );
    page.close("details");
    page.ours("\n");
}
