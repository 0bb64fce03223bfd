//! The report of `bench --one-way`, and its interval lines: text for a person, 80 columns.
//!
//! May use: `bench::one_way`, owo-colors.

pub mod json;

use std::fmt::Write as _;

use owo_colors::{OwoColorize as _, Style};

use super::text;
use crate::{
    bench::{
        limit::Missed,
        one_way::{Counts, Interval, Results, Socket},
        shown,
    },
    protocol::perf::View,
    values::show,
};

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
/// Each socket has a line of its own while there are no more than these.
const MOST_SOCKETS: usize = 16;

/// The whole report.
#[must_use]
pub fn report(results: &Results, missed: &[Missed], detail: bool) -> String {
    let mut text = headline(results);
    text.push('\n');
    let counts = results.counts();
    crossed(&mut text, results, &counts);
    if let Some(view) = &counts.view {
        arrived(&mut text, results, &counts, view);
    }
    row(&mut text, "gaps", &gaps(results));
    row(&mut text, "cpu", &cpu(results));
    row(&mut text, "how", &means(results).style(DIM).to_string());
    text.push_str(&table(results));
    if detail {
        let about = &results.about;
        let _ = writeln!(text, "\n  detail   threads {}, time-out {}", about.threads, shown::span(about.timeout));
    }
    text.push_str(&warnings(results, &counts));
    text.push_str(&text::missed(missed));
    text
}

/// `bench udp 127.0.0.1:8080 · perf · one way · 64 bytes · 1 socket · 10.0 s`
fn headline(results: &Results) -> String {
    let (about, plan) = (&results.about, &results.plan);
    let mut parts = vec![
        about.protocol.to_owned(),
        "one way".to_owned(),
        shown::counted(plan.length as u64, "byte"),
        shown::counted(results.sockets.len() as u64, "socket"),
    ];
    if let Some(rate) = plan.rate {
        parts.push(format!("{} asked", shown::per_second(rate)));
    }
    parts.push(shown::seconds(results.duration));
    if results.interrupted {
        parts.push("interrupted".into());
    }
    text::wrapped(&format!("bench {} {}", about.transport, about.target), &parts)
}

fn row(text: &mut String, label: &str, rest: &str) {
    let _ = writeln!(text, "  {label:<10}  {rest}");
}

/// What was sent, and what came of it.
fn crossed(text: &mut String, results: &Results, counts: &Counts) {
    let line = |many: u64, rate: f64| {
        let bits = show::bits_per_second(rate * results.plan.length as f64 * 8.0);
        format!("{:>15} {:>14} {bits:>12}", show::grouped(many), shown::per_second(rate))
    };
    let sent = line(counts.sent, results.sent_rate());
    let Some(received) = counts.received() else {
        return row(text, "sent", &format!("{}  one view only", sent.style(BOLD)));
    };
    row(text, "sent", &sent);
    let bold = line(received, results.rate());
    row(text, "received", &format!("{}  as the server counted", bold.style(BOLD)));
}

fn arrived(text: &mut String, results: &Results, counts: &Counts, view: &View) {
    let count = |many: u64| format!("{:>15}", show::grouped(many));
    let share = results.loss_percent().unwrap_or_default();
    row(text, "lost", &format!("{} {:>14}", count(counts.lost().unwrap_or_default()), shown::percent(share)));
    for (label, many) in
        [("duplicated", view.duplicated), ("reordered", view.reordered), ("late", view.late), ("corrupt", view.corrupt)]
    {
        row(text, label, &count(many));
    }
    if view.astray > 0 {
        row(text, "astray", &format!("{}  too far from the others to be told apart", count(view.astray)));
    }
    row(text, "jitter", &format!("{:>15}  RFC 3550", show::nanos(view.jitter_ns)));
    let delay = [
        ("p50", view.delay_p50_ns),
        ("p90", view.delay_p90_ns),
        ("p99", view.delay_p99_ns),
        ("p99.9", view.delay_p999_ns),
        ("max", view.delay_max_ns),
    ];
    if results.one_clock() && view.delay_max_ns > 0 {
        let parts: Vec<_> = delay.iter().map(|(name, ns)| format!("{name} {}", show::nanos(*ns))).collect();
        row(text, "delay", &parts.join("  "));
        row(text, "", &"one way: both ends read the same clock".style(DIM).to_string());
    }
}

/// `p50 9.98 us  p99 31.2 us  max 1.02 ms`, between calls that sent.
fn gaps(results: &Results) -> String {
    let gaps = &results.gaps;
    if gaps.is_empty() {
        return "-".into();
    }
    let at = |percentile| show::nanos(gaps.value_at_percentile(percentile));
    format!("p50 {}  p99 {}  max {}  between calls that sent", at(50.0), at(99.0), show::nanos(gaps.max()))
}

fn cpu(results: &Results) -> String {
    let here = format!("{:.0} % here", results.cpu_percent);
    results.server_cpu_percent.map_or(here.clone(), |percent| format!("{here}  {percent:.0} % server"))
}

/// What the datagrams went through: figures without it mean little.
fn means(results: &Results) -> String {
    let on = |many: u64| if many > 1 { many.to_string() } else { "off".to_owned() };
    let mut how = format!("gso={}", on(results.joined()));
    if let Some(view) = results.counts().view {
        how.push_str(if view.joined > 1 { " gro=on" } else { " gro=off" });
    }
    how.push_str(match results.paced_by() {
        Some("server") => ", paced by what the server has counted",
        Some(_) => ", paced by a timer",
        None => ", not paced",
    });
    how
}

/// Each socket, where there are several.
fn table(results: &Results) -> String {
    if results.sockets.len() < 2 || results.sockets.len() > MOST_SOCKETS {
        return String::new();
    }
    let head = format!(
        "{:>6} {:>13} {:>13} {:>9} {:>8} {:>8} {:>8}",
        "socket", "sent", "received", "lost", "dup", "reord", "corrupt"
    );
    let mut text = format!("\n  {}\n", head.style(DIM));
    for (at, socket) in results.sockets.iter().enumerate() {
        let _ = writeln!(text, "  {}", socket_row(at + 1, socket));
    }
    text
}

fn socket_row(number: usize, socket: &Socket) -> String {
    let counts = &socket.counts;
    let known = |many: Option<u64>| many.map_or_else(|| "-".into(), show::grouped);
    let of = |one: fn(&View) -> u64| known(counts.view.as_ref().map(one));
    format!(
        "{number:>6} {:>13} {:>13} {:>9} {:>8} {:>8} {:>8}",
        show::grouped(counts.sent),
        known(counts.received()),
        known(counts.lost()),
        of(|view| view.duplicated),
        of(|view| view.reordered),
        of(|view| view.corrupt),
    )
}

/// Whatever went wrong, a sentence each.
fn warnings(results: &Results, counts: &Counts) -> String {
    let mut lines = Vec::new();
    for (at, socket) in results.sockets.iter().enumerate().take(MOST_SOCKETS) {
        let Some(failure) = &socket.failure else { continue };
        lines.push(format!("socket {}: {}", at + 1, failure.sentence));
        lines.extend(failure.hint.map(|hint| format!("  hint: {hint}")));
    }
    if counts.unreachable > 0 {
        lines.push(format!("the system told {} times that nothing listens there", show::grouped(counts.unreachable)));
    }
    if let Some(why) = results.parted() {
        lines.push(format!("one datagram in each call: many were refused ({why}), and sent again"));
    }
    text::warned(&lines)
}

/// The names of what interval lines have.
pub const INTERVAL_HEAD: &str = "   until       sent/s   received/s           rate   missing   dup  reord corrupt";

/// A line of `-i`.
#[must_use]
pub fn interval_line(interval: &Interval) -> String {
    let counts = &interval.counts;
    let known = |many: Option<u64>| many.map_or_else(|| "-".into(), show::grouped);
    let of = |one: fn(&View) -> u64| known(counts.view.as_ref().map(one));
    let per_second = |many: u64| show::grouped(interval.per_second(many).round() as u64);
    format!(
        "{:>6.2} s {:>12} {:>12} {:>14} {:>9} {:>5} {:>6} {:>7}",
        interval.to.as_secs_f64(),
        per_second(counts.sent),
        counts.received().map_or_else(|| "-".into(), per_second),
        show::bits_per_second(interval.bits_per_second()),
        known(counts.missing()),
        of(|view| view.duplicated),
        of(|view| view.reordered),
        of(|view| view.corrupt),
    )
}
