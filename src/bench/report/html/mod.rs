//! `--html`: one page that holds all it shows. Pure: records in, text out; it loads nothing from anywhere, and runs nothing.
//!
//! One file for each chart of a run of requests (`rate`, `latency`, `percentiles`, `heat`, `errors`), `measured` for runs of bytes and
//! of datagrams; `chart` draws them, `scale` knows where, `markup` escapes. The charts are SVG that stretches, with letters that don't;
//! what they show stands beside them in words.
//!
//! May use: results, record, `hdrhistogram`, `humantime`, `values`.

mod chart;
mod course;
mod errors;
mod heat;
mod latency;
mod markup;
pub mod measured;
mod over_time;
mod percentiles;
mod rate;
pub mod scale;
mod series;
mod setup;
mod tables;

pub use series::{MOST, Named};

use self::{chart::Chart, markup::Markup, series::Series};
use super::{generator, outages, text};
use crate::{
    bench::{record::Record, results::Results, shown},
    values::show,
};

const STYLE: &str = include_str!("page.css");
/// Nothing is loaded and nothing is run, whatever stands in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// The page of these records: one, or several laid over one another.
#[must_use]
pub fn page(records: &[Named<'_>]) -> String {
    let all = series::all(records);
    framed(&title(records), |page| {
        top(page, records);
        noted(page, &notes(records, &all));
        match &all[..] {
            [only] => tables::cards(page, only.run),
            _ => tables::columns(page, &all),
        }
        charts(page, &all);
        figures(page, &all);
        for named in records {
            let title = measured_title(named.name, records.len());
            setup::write(page, &named.record.all.about.command, &setup::lines(named.record), &title);
        }
        for series in &all {
            tables::course(page, series, all.len() > 1);
        }
    })
}

fn measured_title(name: &str, of: usize) -> String {
    if of > 1 { format!("How {name} was measured") } else { "How it was measured".into() }
}

/// What every page has around what it shows.
fn framed(title: &str, shows: impl FnOnce(&mut Markup)) -> String {
    let mut page = Markup::default();
    head(&mut page, title);
    page.open("body", &[]);
    page.open("main", &[]);
    shows(&mut page);
    page.close("main");
    page.element("footer", &[], concat!("drawn by netproto ", env!("CARGO_PKG_VERSION")));
    page.close("body");
    page.close("html");
    page.ours("\n");
    page.into_text()
}

fn head(page: &mut Markup, title: &str) {
    page.ours("<!DOCTYPE html>\n");
    page.open("html", &[("lang", "en")]);
    page.open("head", &[]);
    page.empty("meta", &[("charset", "utf-8")]);
    page.empty("meta", &[("http-equiv", "Content-Security-Policy"), ("content", POLICY)]);
    page.empty("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
    page.empty("meta", &[("name", "color-scheme"), ("content", "light dark")]);
    page.empty("meta", &[("name", "generator"), ("content", concat!("netproto ", env!("CARGO_PKG_VERSION")))]);
    page.empty("link", &[("rel", "icon"), ("href", "data:,")]);
    page.element("title", &[], title);
    page.open("style", &[]);
    page.ours(STYLE);
    page.close("style");
    page.close("head");
    page.ours("\n");
}

/// `bench tcp 127.0.0.1:8080`
fn name(run: &Results) -> String {
    format!("bench {} {}", run.about.transport, run.about.target)
}

fn title(records: &[Named<'_>]) -> String {
    match records {
        [] => "no run".into(),
        [only] => name(&only.record.all),
        [first, rest @ ..] => {
            let of = name(&first.record.all);
            let same = rest.iter().all(|other| name(&other.record.all) == of);
            format!("{}: {} runs", if same { of.as_str() } else { "bench" }, records.len())
        }
    }
}

fn top(page: &mut Markup, records: &[Named<'_>]) {
    page.open("header", &[]);
    page.element("h1", &[], &title(records));
    for named in records {
        let run = &named.record.all;
        let mut parts = text::parts(run);
        if records.len() > 1 {
            parts.insert(0, format!("{}: {}", named.name, name(run)));
        }
        let count = named.record.parts.len();
        if count > 1 {
            parts.push(shown::counted(count as u64, "run"));
        }
        page.element("p", &[], &parts.join(" · "));
    }
    page.close("header");
    page.ours("\n");
}

/// What must not be overlooked.
fn notes(records: &[Named<'_>], all: &[Series<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    for named in records {
        let who = if records.len() > 1 { format!("{}: ", named.name) } else { String::new() };
        notes.extend(doubts(named.record).into_iter().map(|note| format!("{who}{note}")));
    }
    if all.iter().any(|series| series.course.is_empty()) {
        notes.push(NO_INTERVALS.into());
    }
    notes
}

const NO_INTERVALS: &str = "the report has no intervals, so the charts over time are empty or left out";

fn noted(page: &mut Markup, notes: &[String]) {
    if notes.is_empty() {
        return;
    }
    page.open("ul", &[("class", "notes")]);
    for note in notes {
        page.element("li", &[], note);
    }
    page.close("ul");
    page.ours("\n");
}

fn doubts(record: &Record) -> Vec<String> {
    let run = &record.all;
    let mut doubts = record.limits_missed.clone();
    if run.totals.counters.right == 0 {
        doubts.push("there was not one right reply".into());
    }
    if run.fell_silent() {
        let (silence, duration) = (show::duration(run.silence), show::duration(run.duration));
        doubts.push(format!("the last {silence} of {duration} had no reply at all"));
    }
    doubts.extend(outages::sentences(run));
    if run.generator.saturated {
        let busiest = run.generator.busiest_percent.min(100.0);
        doubts.push(format!("the generator itself was the limit: one thread at {busiest:.0} %{}", generator::starved(run)));
    }
    if run.interrupted {
        doubts.push("it was interrupted".into());
    }
    doubts
}

fn charts(page: &mut Markup, all: &[Series<'_>]) {
    let mut charts: Vec<Chart> = Vec::new();
    if all.iter().any(|series| !series.course.is_empty()) {
        charts.push(rate::chart(all));
    }
    charts.extend(latency::chart(all));
    charts.extend(percentiles::chart(all));
    let heat = heat::charts(all);
    // Several maps stand beside each other, for the eye to compare.
    let apart = if heat.len() > 1 {
        heat
    } else {
        charts.extend(heat);
        Vec::new()
    };
    charts.extend(errors::chart(all));
    grid(page, &charts);
    grid(page, &apart);
}

fn grid(page: &mut Markup, charts: &[Chart]) {
    if charts.is_empty() {
        return;
    }
    page.open("div", &[("class", "charts")]);
    for chart in charts {
        chart.write(page);
    }
    page.close("div");
    page.ours("\n");
}

fn figures(page: &mut Markup, all: &[Series<'_>]) {
    let named = all.len() > 1;
    for series in all {
        tables::latencies(page, series, named);
    }
    tables::datagrams(page, all);
    for series in all {
        tables::failures(page, series, named);
    }
}
