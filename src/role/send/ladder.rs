//! Draws a [`Trace`] as a ladder: us at the left, the peer at the right, who said what between, when and how long after at
//! the edge. 80 columns, no colours; whatever was said is escaped, and takes exactly the columns that it seems to.
//!
//! Pure: a record in, lines out.

use std::fmt::Write as _;

use super::trace::{LeftOut, Step, Trace, What};
use crate::{
    role::Way,
    values::show::{self, bytes, escaped, grouped},
};

/// Before the lane of ours.
const MARGIN: usize = 21;
/// Between the two lanes.
const INSIDE: usize = 80 - MARGIN - 2;
/// The longest address over a lane.
const ADDRESS: usize = 24;

/// All of it, under a first line of `title`.
pub(super) fn draw(title: &str, trace: &Trace) -> String {
    let mut text = format!("{}\n", fit(&narrow(title), 80));
    let (us, peer) = trace.ends.as_ref().map_or_else(Default::default, |(us, peer)| (us.to_string(), peer.to_string()));
    let (us, peer) = (format!("us {}", fit(&narrow(&us), ADDRESS)), format!("{} peer", fit(&narrow(&peer), ADDRESS)));
    let (us, peer) = (us.trim_end(), peer.trim_start());
    let gap = INSIDE + 2 - us.chars().count() - peer.chars().count();
    let _ = writeln!(text, "{:>9} {:>9}  {us}{:gap$}{peer}", "time", "gap", "");
    let mut before = None;
    for step in &trace.first {
        row(&mut text, step, before, trace);
        before = Some(step.at);
    }
    if trace.left_out.steps > 0 {
        left_out(&mut text, &trace.left_out);
        before = None;
    }
    for step in &trace.last {
        row(&mut text, step, before, trace);
        before = Some(step.at);
    }
    text
}

fn row(text: &mut String, step: &Step, before: Option<std::time::Duration>, trace: &Trace) {
    let gap = before.map(|before| step.at.saturating_sub(before)).filter(|gap| !gap.is_zero());
    let gap = gap.map_or_else(String::new, |gap| format!("+{}", show::duration(gap)));
    let _ = writeln!(text, "{:>9} {gap:>9}  {}", show::duration(step.at), rung(step, trace));
}

/// From lane to lane.
fn rung(step: &Step, trace: &Trace) -> String {
    let size = match step.what {
        What::Data | What::Beside(_) => bytes(step.bytes),
        _ => String::new(),
    };
    match (step.what, step.way) {
        (What::Over, _) => bottom(step, trace),
        (_, Some(Way::Out)) => {
            let said = said(step, INSIDE - 9 - size.len());
            let size = if size.is_empty() { size } else { format!(" {size} ") };
            format!("├─ {said} {}{size}─▶│", line(INSIDE - 5 - wide(&said) - size.len()))
        }
        (_, Some(Way::In)) => {
            let said = said(step, INSIDE - 9 - size.len());
            let size = if size.is_empty() { size } else { format!(" {size} ") };
            format!("│◀─{size}{} {said} ─┤", line(INSIDE - 5 - wide(&said) - size.len()))
        }
        (_, None) => format!("│ {:<width$} │", said(step, INSIDE - 2), width = INSIDE - 2),
    }
}

/// Closes the ladder: how it ended, and what had crossed until then.
fn bottom(step: &Step, trace: &Trace) -> String {
    let total = match (trace.sent, trace.received) {
        (0, 0) => String::new(),
        (sent, received) => format!(" {} sent · {} received ", bytes(sent), bytes(received)),
    };
    let said = said(step, INSIDE - 6 - wide(&total));
    format!("╰─ {said} {}{total}─╯", line(INSIDE - 4 - wide(&said) - wide(&total)))
}

fn left_out(text: &mut String, left_out: &LeftOut) {
    let LeftOut { steps, sent, received, .. } = left_out;
    let words = format!("{} steps left out: {} sent, {} received", grouped(*steps), bytes(*sent), bytes(*received));
    let _ = writeln!(text, "{:MARGIN$}┊ {:<width$} ┊", "", fit(&words, INSIDE - 2), width = INSIDE - 2);
}

fn line(columns: usize) -> String {
    "─".repeat(columns)
}

fn wide(text: &str) -> usize {
    text.chars().count()
}

/// What a step has to say in at most so many columns; data in quotes, so that it is not taken for words of ours.
fn said(step: &Step, columns: usize) -> String {
    let text = narrow(&escaped(&step.head, false));
    if step.what != What::Data {
        return fit(&text, columns);
    }
    let text = text.replace('"', "\\\"");
    if !step.cut && wide(&text) + 2 <= columns {
        return format!("\"{text}\"");
    }
    format!("\"{}\"...", text.chars().take(columns.saturating_sub(5)).collect::<String>())
}

/// Cut to so many columns.
fn fit(text: &str, columns: usize) -> String {
    if wide(text) <= columns {
        return text.to_owned();
    }
    format!("{}...", text.chars().take(columns.saturating_sub(3)).collect::<String>())
}

/// One column for each letter: those that take none or two, are written from right to left, or could pass for a part of the
/// ladder, are escaped. Latin, Greek and Cyrillic stay.
fn narrow(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut text, letter| {
        match u32::from(letter) {
            0x20..=0x7e | 0xa0..=0xac | 0xae..=0x2ff | 0x370..=0x482 | 0x48a..=0x52f => text.push(letter),
            code => {
                let _ = write!(text, "\\u{{{code:x}}}");
            }
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::session::{Endpoint, Rides};

    fn widths(text: &str) -> Vec<usize> {
        text.lines().skip(2).map(wide).collect()
    }

    #[test]
    fn whatever_is_said_the_lanes_stay_where_they_are() {
        let mut trace = Trace::new(Instant::now());
        let hostile = "\u{1b}[2J\"│◀─ 1 B\u{202e}\u{4e2d}\u{1f600}e\u{301}\0\\".as_bytes();
        let long = "ö".repeat(60);
        for said in [&b""[..], b"hello", hostile, long.as_bytes(), &[0xff; 40], &[b'x'; 5000]] {
            trace.wire(Way::Out, said.len(), said);
            trace.wire(Way::In, said.len(), said);
        }
        trace.ended(Way::In);
        trace.closed("x".repeat(200));
        trace.ends = Some((Endpoint::Unnamed, Endpoint::Unix("/very/long".repeat(20).into())));
        let drawn = draw(&"title ".repeat(30), &trace);
        assert!(drawn.lines().all(|line| wide(line) <= 80), "{drawn}");
        assert_eq!(widths(&drawn), vec![80; 14], "{drawn}");
        assert!(!drawn.contains(['\u{1b}', '\u{202e}', '\0', '\u{4e2d}', '\u{301}']), "{drawn}");
        assert!(drawn.contains("\\x1b[2J\\\"\\u{2502}"), "{drawn}");
        assert!(drawn.contains(&format!("\"{}", "ö".repeat(30))), "{drawn}");
    }

    #[test]
    fn of_many_steps_the_first_and_the_last_are_kept() {
        let mut trace = Trace::new(Instant::now());
        for n in 0..1000_u32 {
            let said = n.to_string();
            trace.wire(if n % 2 == 0 { Way::Out } else { Way::In }, said.len(), said.as_bytes());
        }
        trace.closed("closed by us".into());
        let drawn = draw("title", &trace);
        // 1,000 pieces and the end, of which 16 and 16 stay: 0 to 15, and 985 to 999.
        for (part, is_there) in [("\"15\"", true), ("\"16\"", false), ("\"984\"", false), ("\"985\"", true)] {
            assert_eq!(drawn.contains(part), is_there, "{part}\n{drawn}");
        }
        assert!(drawn.contains("969 steps left out: 1.38 KiB sent, 1.38 KiB received"), "{drawn}");
        assert_eq!(widths(&drawn), vec![80; 33], "{drawn}");
        let json = trace.json();
        let steps = json.as_array().unwrap();
        assert_eq!((steps.len(), &steps[16]["event"], &steps[16]["steps"]), (33, &"left_out".into(), &969.into()));
        let bytes: u64 = steps.iter().filter_map(|step| step["bytes"].as_u64()).sum();
        let left_out = steps[16]["bytes_sent"].as_u64().unwrap() + steps[16]["bytes_received"].as_u64().unwrap();
        assert_eq!(bytes + left_out, trace.sent + trace.received, "nothing is lost in the count");
    }

    #[test]
    fn an_exchange_that_never_began_says_why() {
        let mut trace = Trace::new(Instant::now().checked_sub(Duration::from_secs(1)).unwrap());
        trace.unbegun("tcp localhost:1", Rides::Stream, "connection refused");
        let drawn = draw("title", &trace);
        assert!(drawn.contains("├─ connect tcp localhost:1 ───"), "{drawn}");
        assert!(drawn.contains("+1.00 s  ╰─ connection refused ───"), "{drawn}");
    }
}
