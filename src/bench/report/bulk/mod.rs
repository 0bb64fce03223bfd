//! The report of `bench --bulk`, and its interval lines: text for a person, 80 columns.
//!
//! May use: `bench::bulk`, owo-colors.

pub mod json;

use std::fmt::Write as _;

use owo_colors::{OwoColorize as _, Style};

use super::text;
use crate::{
    bench::{
        bulk::{BulkPlan, Count, Figures, Flow, Interval, Moved, Results, Stream},
        limit::Missed,
        shown,
    },
    values::show,
};

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
/// Each stream has lines of its own while there are no more than these.
const MOST_STREAMS: usize = 8;

/// The whole report.
#[must_use]
pub fn report(results: &Results, missed: &[Missed], detail: bool) -> String {
    let mut text = headline(results);
    text.push('\n');
    for (label, flow, who) in [("up", results.up(), ["we", "the server"]), ("down", results.down(), ["the server", "we"])] {
        if let Some(flow) = flow {
            way(&mut text, label, &flow, who);
        }
    }
    let block = show::bytes(results.plan.block.into());
    let blocks = show::grouped(results.bytes().div_ceil(results.plan.block.into()));
    row(&mut text, "blocks", &format!("{blocks:>13} {:>14}", format!("of {block}")));
    if let Some(percent) = results.server_cpu_percent {
        row(&mut text, "cpu", &format!("{:>11.0} % here {:>12.0} % server", results.cpu_percent, percent));
    } else {
        row(&mut text, "cpu", &format!("{:>11.0} % here", results.cpu_percent));
    }
    if let Some(figures) = results.figures() {
        row(&mut text, "tcp", &format!("    {}", tcp(&figures)));
    }
    row(&mut text, "how", &format!("    {}", means(results)).style(DIM).to_string());
    if let Some(who) = results.paced_by {
        row(&mut text, "paced", &format!("    by the {who}").style(DIM).to_string());
    }
    text.push_str(&table(results));
    if detail {
        let about = &results.about;
        let _ = writeln!(text, "\n  detail   threads {}, time-out {}", about.threads, shown::span(about.timeout));
    }
    text.push_str(&warnings(results));
    text.push_str(&text::missed(missed));
    text
}

/// `bench tcp 127.0.0.1:8080 · perf · bulk up · 2 streams · 10.0 s`
fn headline(results: &Results) -> String {
    let (about, plan) = (&results.about, &results.plan);
    let mut parts = vec![
        about.protocol.to_owned(),
        format!("bulk {}", plan.way()),
        shown::counted(results.streams.len() as u64, "stream"),
    ];
    if let Some(rate) = plan.rate {
        parts.push(format!("{} asked", show::bits_per_second(rate)));
    }
    parts.push(shown::seconds(results.duration));
    if results.interrupted {
        parts.push("interrupted".into());
    }
    text::wrapped(&format!("bench {} {}", about.transport, about.target), &parts)
}

fn row(text: &mut String, label: &str, rest: &str) {
    let _ = writeln!(text, "  {label:<9}{rest}");
}

/// One way: as received, where that is known, in the first line.
fn way(text: &mut String, label: &str, flow: &Flow, [from, to]: [&str; 2]) {
    let line =
        |count: &Count| format!("{:>13} {:>14}", show::bytes(count.bytes), show::bits_per_second(count.bits_per_second()));
    match (&flow.received, &flow.sent) {
        (Some(received), Some(sent)) => {
            row(text, label, &format!("{}      as {to} received it", line(received).style(BOLD)));
            row(text, "", &format!("{}      as {from} sent it", line(sent)));
        }
        (Some(received), None) => {
            row(text, label, &format!("{}      as {to} received it: one view only", line(received).style(BOLD)));
        }
        (None, Some(sent)) => {
            row(text, label, &format!("{}      as {from} sent it: one view only", line(sent).style(BOLD)));
        }
        (None, None) => row(text, label, "            0"),
    }
}

/// `0 retransmits, rtt 41.2 us, cwnd 1.21 MiB, window 3.00 MiB`, as far as it is known.
fn tcp(figures: &Figures) -> String {
    let parts = [
        figures.retransmits.map(|many| format!("{} retransmits", show::grouped(many))),
        figures.rtt.map(|rtt| format!("rtt {}", show::duration(rtt))),
        figures.cwnd_bytes.map(|bytes| format!("cwnd {}", show::bytes(bytes))),
        figures.window_bytes.map(|bytes| format!("window {}", show::bytes(bytes))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What the bytes went through: figures without it mean little.
fn means(results: &Results) -> String {
    let plan = &results.plan;
    let sends = if plan.zero_copy { "sent without a copy (sendfile)" } else { "plain writes" };
    let takes = if plan.skip_copy { "dropped in the receiver's kernel" } else { "read" };
    format!("{sends}, {takes}")
}

/// Each stream, where there are several.
fn table(results: &Results) -> String {
    if results.streams.len() < 2 {
        return String::new();
    }
    let head =
        format!("{:>6} {:>5} {:>12} {:>12} {:>14} {:>7} {:>9}", "stream", "way", "sent", "received", "rate", "retr", "rtt");
    let mut text = format!("\n  {}\n", head.style(DIM));
    for (at, stream) in results.streams.iter().enumerate() {
        for (way, flow) in [("up", stream.up), ("down", stream.down)] {
            let Some(flow) = flow else { continue };
            let _ = writeln!(text, "  {:>6} {way:>5} {}", at + 1, stream_row(&flow, stream));
        }
    }
    text
}

fn stream_row(flow: &Flow, stream: &Stream) -> String {
    let bytes = |count: Option<Count>| count.map_or_else(|| "-".into(), |count| show::bytes(count.bytes));
    let figure = |of: fn(&Figures) -> Option<String>| stream.figures.as_ref().and_then(of).unwrap_or_else(|| "-".into());
    format!(
        "{:>12} {:>12} {:>14} {:>7} {:>9}",
        bytes(flow.sent),
        bytes(flow.received),
        show::bits_per_second(flow.count().bits_per_second()),
        figure(|figures| figures.retransmits.map(show::grouped)),
        figure(|figures| figures.rtt.map(show::duration)),
    )
}

/// Whatever went wrong, a sentence each.
fn warnings(results: &Results) -> String {
    let mut lines = Vec::new();
    for (at, stream) in results.streams.iter().enumerate() {
        let Some(failure) = &stream.failure else { continue };
        lines.push(format!("stream {}: {}", at + 1, failure.sentence));
        lines.extend(failure.hint.map(|hint| format!("  hint: {hint}")));
    }
    if results.fell_silent() {
        let (silence, duration) = (show::duration(results.silence), show::duration(results.duration));
        lines.push(format!("nothing moved in the last {silence} of {duration}"));
    }
    text::warned(&lines)
}

/// The names of what interval lines have.
#[must_use]
pub fn interval_head(streams: usize) -> String {
    let stream = if streams > 1 { "stream " } else { "" };
    format!(
        "{:>8} {stream}{:>12} {:>4}  {:>8}  {:>5}  {:>7}  {:>8}  {:>8}",
        "until", "rate", "way", "bytes", "retr", "rtt", "cwnd", "window"
    )
}

/// The lines of `-i`: of each stream while there are few, and of all.
#[must_use]
pub fn interval_lines(interval: &Interval, plan: &BulkPlan) -> String {
    let mut lines = Vec::new();
    let mut add = |name: &str, moved: &Moved| {
        for (way, bytes, wanted) in [("up", moved.up, plan.up), ("down", moved.down, plan.down)] {
            if wanted {
                lines.push(interval_line(interval, name, way, bytes, moved.figures.as_ref()));
            }
        }
    };
    match &interval.streams[..] {
        [one] => add("", one),
        many => {
            for (at, one) in many.iter().enumerate().take_while(|_| many.len() <= MOST_STREAMS) {
                add(&format!("{:>6} ", at + 1), one);
            }
            add("   sum ", &interval.sum());
        }
    }
    lines.join("\n")
}

fn interval_line(interval: &Interval, name: &str, way: &str, bytes: u64, figures: Option<&Figures>) -> String {
    let figure = |of: fn(&Figures) -> Option<String>| figures.and_then(of).unwrap_or_else(|| "-".into());
    format!(
        "{:>6.2} s {name}{:>12} {way:>4}  {:>8}  {:>5}  {:>7}  {:>8}  {:>8}",
        interval.to.as_secs_f64(),
        show::bits_per_second(interval.bits_per_second(bytes)),
        show::bytes(bytes),
        figure(|figures| figures.retransmits.map(show::grouped)),
        figure(|figures| figures.rtt.map(show::duration)),
        figure(|figures| figures.cwnd_bytes.map(show::bytes)),
        figure(|figures| figures.window_bytes.map(show::bytes)),
    )
}
