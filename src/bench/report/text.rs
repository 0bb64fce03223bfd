//! The report that a person reads: one glance first, detail after, a plain sentence for whatever went wrong and what to try.
//! 80 columns. Colours are written freely; `anstream` takes them away where they are not wanted.
//!
//! May use: results, bars, owo-colors.

use std::fmt::Write as _;

use hdrhistogram::Histogram;
use owo_colors::{OwoColorize as _, Style};

use super::{bars, changes, held, outages, over_time};
use crate::{
    bench::{
        Arrivals,
        failure::Failure,
        fairness::Fairness,
        limit::Missed,
        load::course::Course,
        results::{About, Model, Results, Server},
        shown,
    },
    protocol::Answers,
    values::show,
};

/// Letters of a shape as typed that are shown: it stands on one line.
const SHAPE: usize = 48;

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const RIGHT: Style = Style::new().green();
pub(super) const WRONG: Style = Style::new().red();

/// The whole report of one run, or of several together.
#[must_use]
pub fn report(results: &Results) -> String {
    let mut text = headline(results);
    text.push('\n');
    text.push_str(&match &results.held {
        Some(held) => held::glance(results, held),
        None => glance(results),
    });
    text.push_str(&changes::told(results));
    text.push_str(&over_time::table(results));
    if !results.totals.latency.is_empty() {
        text.push('\n');
        text.push_str(&latencies(results));
        text.push('\n');
        text.push_str(&bars::chart(&results.totals.latency));
    }
    text.push_str(&uneven(results));
    text.push_str(&why(results));
    text.push_str(&outages::told(results));
    text
}

/// `bench tcp 127.0.0.1:8080 · processed · 64 connections · closed loop · 10.0 s`
fn headline(results: &Results) -> String {
    let name = format!("bench {} {}", results.about.transport, results.about.target);
    wrapped(&name, &parts(results))
}

/// What was run, in a few words each.
#[must_use]
pub fn parts(results: &Results) -> Vec<String> {
    let about = &results.about;
    let mut parts = what(about);
    parts.push(shown::seconds(results.duration));
    if results.interrupted {
        parts.push("interrupted".into());
    }
    parts
}

/// The protocol, the connections and the load.
#[must_use]
pub fn what(about: &About) -> Vec<String> {
    let noun = if about.datagrams { "socket" } else { "connection" };
    let model = match about.model {
        Model::Closed => "closed loop".into(),
        Model::Hold => "hold".into(),
        Model::Open { arrivals, .. } if about.course.is_some() => shape(about.course.as_ref(), arrivals),
        Model::Open { rate, arrivals } => format!("{}/s {}", shown::number(rate), arrivals.name()),
    };
    vec![about.protocol.to_owned(), shown::counted(about.connections as u64, noun), model]
}

/// `stages 10s:1k,30s:5k,10s:0`, cut where it is long.
fn shape(course: Option<&Course>, arrivals: Arrivals) -> String {
    let Some(course) = course else { return String::new() };
    let name = course.kind.name();
    let typed: String = course.text.chars().take(SHAPE).collect();
    let cut = if typed.len() < course.text.len() { "..." } else { "" };
    let poisson = if arrivals == Arrivals::Poisson { " poisson" } else { "" };
    format!("{name} {typed}{cut}{poisson}")
}

/// The parts after one another; on a new line where the 80th column would be passed.
pub(super) fn wrapped(name: &str, parts: &[String]) -> String {
    let (mut text, mut width) = (name.style(BOLD).to_string(), name.chars().count());
    for part in parts {
        let more = part.chars().count() + 3;
        if width + more > 80 {
            text.push_str("\n  ");
            width = 2;
        } else {
            text.push_str(" · ");
            width += 3;
        }
        text.push_str(part);
        width += more - 3;
    }
    text + "\n"
}

pub(super) fn row(text: &mut String, label: &str, rest: &str) {
    let _ = writeln!(text, "  {label:<9}{rest}");
}

/// What was done, how fast, and how much of it failed.
fn glance(results: &Results) -> String {
    let mut text = String::new();
    let counters = &results.totals.counters;
    let beside = match results.about.model {
        Model::Open { rate, .. } if results.about.course.is_some() || !results.over_time.is_empty() => {
            format!("asked {}, the mean", shown::per_second(rate))
        }
        Model::Open { rate, .. } => format!("asked {}/s", shown::number(rate)),
        Model::Closed | Model::Hold => match results.about.answers {
            Answers::Never => "sent; this protocol never answers".into(),
            Answers::Unknown => "any reply is right".into(),
            _ => "every reply checked".into(),
        },
    };
    let figures = format!("{:>13} {:>14}", show::grouped(counters.right), shown::per_second(results.rate()));
    row(&mut text, "requests", &format!("{figures}      {beside}"));
    // Where each request has a connection of its own, so has each login.
    let logins = logins(results).filter(|_| results.about.reconnect);
    if let Some(logins) = logins {
        let rate = shown::per_second(logins as f64 / results.duration.as_secs_f64().max(1e-9));
        row(&mut text, "logins", &format!("{:>13} {rate:>14}", show::grouped(logins)));
    }
    if results.about.datagrams && results.about.answers != Answers::Never {
        row(&mut text, "datagrams", &format!("    {}", datagrams(results)));
    }
    let bytes = |count, bits| format!("{:>13} {:>14}", show::bytes(count), show::bits_per_second(bits));
    row(&mut text, "sent", &bytes(counters.bytes_sent, results.bits_sent_per_second()));
    row(&mut text, "received", &bytes(counters.bytes_received, results.bits_received_per_second()));
    let failed = format!("{:>13}", show::grouped(counters.failed()));
    if counters.failed() == 0 {
        row(&mut text, "failures", &failed.style(RIGHT).to_string());
    } else {
        let share = format!(" {:>14}", shown::percent(results.failed_percent()));
        row(&mut text, "failures", &format!("{}{share}", failed.style(WRONG)));
    }
    if let Some(server) = &results.server {
        row(&mut text, "server", &watched(server, counters.right));
    }
    text
}

/// What the server's process took: of a core, for each request, and of memory.
fn watched(server: &Server, requests: u64) -> String {
    let cpu = format!("{:.0} % of a core", server.cpu_percent());
    let each = match requests {
        0 => String::new(),
        _ => format!("{} each", show::nanos((server.cpu.as_nanos() / u128::from(requests)) as u64)),
    };
    let ended = if server.ended { "  ended meanwhile" } else { "" };
    format!("{cpu:>17} {each:>14}  {} in memory{ended}", show::bytes(server.memory_bytes))
}

/// Says when some connections had much more than others.
fn uneven(results: &Results) -> String {
    match results.fairness() {
        Some(fairness) if fairness.is_uneven(results.totals.counters.right, results.answered.len()) => {
            let mark = "!".style(WRONG);
            format!("\n  {mark} connections were served unevenly:\n    {}\n", spread(&fairness, results))
        }
        _ => String::new(),
    }
}

fn spread(fairness: &Fairness, results: &Results) -> String {
    let rate = |count: u64| shown::per_second(count as f64 / results.duration.as_secs_f64().max(1e-9));
    let (slowest, fastest) = (rate(fairness.fewest), rate(fairness.most));
    format!("slowest {slowest}, fastest {fastest}, Jain's index {:.3}", fairness.jain_index)
}

/// How often a phase of this name was done.
fn logins(results: &Results) -> Option<u64> {
    results.totals.phases.seen().find(|phase| phase.name == "login").map(|phase| phase.times.len() + phase.together)
}

/// `200,000 sent  198,702 right  1,203 lost  95 late  0 duplicated`
fn datagrams(results: &Results) -> String {
    let counters = &results.totals.counters;
    let mut parts = vec![
        (counters.sent, "sent"),
        (counters.right, "right"),
        (results.lost(), "lost"),
        (counters.failures(Failure::Late), "late"),
        (counters.duplicated, "duplicated"),
    ];
    // Rare ones only when they are there: the line ends at 80.
    let rare = [
        (counters.reordered, "reordered"),
        (counters.failures(Failure::Corrupted), "corrupted"),
        (counters.unsolicited, "unasked"),
    ];
    parts.extend(rare.into_iter().filter(|(count, _)| *count > 0));
    let mut lines = vec![String::new()];
    for (count, name) in parts {
        let part = format!("{} {name}", show::grouped(count));
        if lines.last().is_some_and(|line| line.len() + part.len() > 62) {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            let gap = if line.is_empty() { "" } else { "  " };
            let _ = write!(line, "{gap}{part}");
        }
    }
    lines.join("\n               ")
}

const PERCENTILES: [(&str, f64); 5] = [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9), ("max", 100.0)];

fn latencies(results: &Results) -> String {
    let mut text = String::new();
    let totals = &results.totals;
    let open_loop = results.about.model.rate_asked().is_some();
    let mut head = columns(|(name, _)| name.into());
    if !open_loop {
        let _ = write!(head, "{:>9}", "mean");
    }
    row(&mut text, "latency", &head.style(DIM).to_string());
    if open_loop {
        let intended = figures(&totals.latency);
        row(&mut text, "intended", &format!("{}  {}", intended.style(BOLD), "from when each was due".style(DIM)));
        row(&mut text, "as sent", &format!("{}  {}", figures(&totals.as_sent), "what closed loops show".style(DIM)));
    } else {
        let figures = figures(&totals.latency) + &format!("{:>9}", show::nanos(totals.latency.mean() as u64));
        row(&mut text, "", &figures.style(BOLD).to_string());
    }
    if results.about.reconnect && !totals.connect.is_empty() {
        row(&mut text, "connect", &figures(&totals.connect));
    }
    for phase in totals.phases.seen() {
        let together = || "    together with the one before".style(DIM).to_string();
        row(&mut text, phase.name, &if phase.times.is_empty() { together() } else { figures(&phase.times) });
    }
    text
}

pub(super) fn figures(histogram: &Histogram<u64>) -> String {
    columns(|(_, percentile)| show::nanos(histogram.value_at_percentile(percentile)))
}

/// One column for each percentile.
pub(super) fn columns(of: impl Fn((&'static str, f64)) -> String) -> String {
    PERCENTILES.into_iter().fold(String::new(), |mut text, percentile| {
        let _ = write!(text, "{:>9}", of(percentile));
        text
    })
}

/// How requests failed, the most frequent first, what each count counts; and other things worth knowing.
fn why(results: &Results) -> String {
    let counters = &results.totals.counters;
    let mut kinds: Vec<_> =
        Failure::ALL.iter().map(|kind| (counters.failures(*kind), *kind)).filter(|(count, _)| *count > 0).collect();
    kinds.sort_unstable_by_key(|(count, kind)| (std::cmp::Reverse(*count), *kind as usize));
    let mut lines = String::new();
    for (count, kind) in kinds {
        let count = format!("{:>11}", show::grouped(count));
        let _ = writeln!(lines, "  {}  {}", count.style(WRONG), kind.sentence(results.about.timeout));
        let more = [results.totals.example(kind).map(str::to_owned), explained(kind, results)];
        for line in more.iter().flatten().flat_map(|text| text.lines()) {
            let _ = writeln!(lines, "               {}", line.style(DIM));
        }
        for (name, count) in counters.named.iter().filter(|_| kind == Failure::WrongReply) {
            let count = show::grouped(*count);
            let _ = writeln!(lines, "               {}", format!("{name} {count}").style(DIM));
        }
    }
    // One request on a connection, and then it is closed: that is what was asked for.
    if counters.peer_closes > 0 && !results.about.reconnect {
        let closes = show::grouped(counters.peer_closes);
        let _ = writeln!(lines, "  {closes:>11}  idle connection closed by the peer, and made anew");
    }
    if lines.is_empty() { lines } else { format!("\n  why\n{lines}") }
}

/// What is known beyond the count, or what to try.
fn explained(kind: Failure, results: &Results) -> Option<String> {
    let about = &results.about;
    match kind {
        Failure::TimedOut if results.totals.counters.unreachable > 0 => {
            let told = shown::counted(results.totals.counters.unreachable, "time");
            Some(format!("nothing listens there: ICMP port unreachable, {told}"))
        }
        Failure::TimedOut if about.repeats => {
            Some("hint: a loop guard may be silent to what repeats; -l N says something new\neach time, serve-udp --no-loop-guard answers all the same".into())
        }
        Failure::NotSent if about.reconnect || about.in_flight.is_none() => Some("hint: more connections (-c)".into()),
        Failure::NotSent => Some("hint: more connections (-c), or more on each (--in-flight)".into()),
        _ => None,
    }
}

/// What else there is to know: how the run was set up, and how the generator kept up.
#[must_use]
pub fn detail(results: &Results) -> String {
    let (about, totals) = (&results.about, &results.totals);
    let in_flight = about.in_flight.map_or_else(|| "no limit".into(), |most| show::grouped(most as u64));
    let mut text = format!(
        "\n  detail   threads {}{}, in flight {in_flight}, time-out {}, seed {}\n",
        about.threads,
        if about.spin { ", spinning" } else { "" },
        shown::span(about.timeout),
        about.seed
    );
    row(&mut text, "cpu", &format!("{:.0} % of a core", results.generator.cpu_percent));
    if let Some(fairness) = results.fairness() {
        row(&mut text, "each", &spread(&fairness, results));
    }
    for (name, histogram) in [("connect", &totals.connect), ("send lag", &totals.send_lag)] {
        if !histogram.is_empty() {
            let figure = |percentile| show::nanos(histogram.value_at_percentile(percentile));
            let (p50, p99, max) = (figure(50.0), figure(99.0), figure(100.0));
            row(&mut text, name, &format!("p50 {p50}, p99 {p99}, max {max}"));
        }
    }
    text
}

/// Says when the server fell silent before the end.
#[must_use]
pub fn silence(results: &Results) -> String {
    if !results.fell_silent() {
        return String::new();
    }
    let (silence, duration) = (show::duration(results.silence), show::duration(results.duration));
    format!("\n  {} the last {silence} of {duration} had no reply at all\n", "!".style(WRONG))
}

/// Whatever went wrong, a line each; what begins with two spaces belongs to the line before it.
pub(super) fn warned(lines: &[String]) -> String {
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        let gap = if at == 0 { "\n" } else { "" };
        let _ = match line.strip_prefix("  ") {
            Some(hint) => writeln!(text, "    {hint}"),
            None => writeln!(text, "{gap}  {} {line}", "!".style(WRONG)),
        };
    }
    text
}

/// The limits that were missed, one line each.
#[must_use]
pub fn missed(missed: &[Missed]) -> String {
    let mut text = String::new();
    for (at, missed) in missed.iter().enumerate() {
        let gap = if at == 0 { "\n" } else { "" };
        let _ = writeln!(text, "{gap}  {} {}", "!".style(WRONG), missed.sentence);
    }
    text
}
