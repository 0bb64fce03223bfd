//! A comparison as a person reads it. 80 columns.
//!
//! May use: the rest of compare, owo-colors.

use std::fmt::Write as _;

use owo_colors::{OwoColorize as _, Style};

use super::{
    Comparison,
    figure::Figure,
    judge::{CONFIDENCE, Row, Verdict},
};
use crate::{
    bench::{record::Document, shown},
    values::show,
};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RIGHT: Style = Style::new().green();
const WRONG: Style = Style::new().red();
/// The most of a value that is shown where two differ.
const WIDTH: usize = 30;

/// All of it.
pub(super) fn table((name, before): (&str, &Document), compared: &Comparison) -> String {
    let mut text = format!("{}\n", format!("compare {name} with {}", compared.name).style(BOLD));
    let _ = writeln!(text, "  {}\n", of(before));
    let head = format!("{:<9}{:>12}{:>12}{:>9}{:>16}", "", "before", "after", "change", interval_head());
    let _ = writeln!(text, "  {}", head.style(DIM));
    for row in &compared.rows {
        text.push_str(&line(row));
    }
    if !compared.differs.is_empty() {
        let _ = writeln!(text, "\n  {}", format!("{:<13}{:<32}{}", "differs", "before", "after").style(DIM));
        for differs in &compared.differs {
            let [before, after] = [&differs.before, &differs.after].map(|value| cut(value));
            let _ = writeln!(text, "  {:<13}{before:<32}{after}", differs.what);
        }
    }
    for (at, sentence) in compared.doubts.iter().chain(&compared.missed).enumerate() {
        let gap = if at == 0 { "\n" } else { "" };
        let _ = writeln!(text, "{gap}  {} {sentence}", "!".style(WRONG));
    }
    text
}

/// What the earlier one was.
fn of(document: &Document) -> String {
    let (transport, target, protocol, duration) = match document {
        Document::Requests(record) => {
            let about = &record.all.about;
            (about.transport, &about.target, about.protocol, record.all.duration)
        }
        Document::Measured(run) => (run.transport.as_str(), &run.target, run.protocol.as_str(), run.duration),
    };
    format!("{transport} {target} · {protocol} · {}", shown::seconds(duration))
}

fn interval_head() -> String {
    format!("{CONFIDENCE:.0} % sure")
}

fn cut(value: &str) -> String {
    if value.chars().count() <= WIDTH {
        return value.to_owned();
    }
    value.chars().take(WIDTH - 3).chain("...".chars()).collect()
}

fn line(row: &Row) -> String {
    let figure = row.figure;
    let label = if figure == Figure::Rate { "requests".into() } else { figure.to_string() };
    let value = |value: Option<f64>| value.map_or("-".into(), |value| figure.shown(value));
    let unit = if figure.is_share() { "pt" } else { "%" };
    let change = row.change.map_or(String::new(), |change| format!("{} {unit}", signed(change)));
    let interval = row.interval.map_or(String::new(), |(low, high)| format!("{} to {}", signed(low), signed(high)));
    let verdict = match &row.verdict {
        Verdict::NoDifference => "no difference shown".style(DIM).to_string(),
        Verdict::Better => "better".style(RIGHT).to_string(),
        Verdict::Worse => "worse".style(WRONG).to_string(),
        Verdict::Untold(why) => why.style(DIM).to_string(),
    };
    let (before, after) = (value(row.before), value(row.after));
    format!("  {label:<9}{before:>12}{after:>12}{change:>9}{interval:>16} {verdict}\n")
}

/// With its sign, unless it is shown as nothing.
fn signed(change: f64) -> String {
    let shown = match change.abs() {
        size if size >= 99.95 => show::grouped(size.round() as u64),
        size if size >= 9.995 => format!("{size:.0}"),
        size => format!("{size:.1}"),
    };
    match shown.trim_start_matches(['0', '.']) {
        "" => shown,
        _ if change < 0.0 => format!("-{shown}"),
        _ => format!("+{shown}"),
    }
}
