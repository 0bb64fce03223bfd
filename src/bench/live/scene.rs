//! All that a picture shows, and the whole screen: head, charts, what went wrong, keys. Pure: the same scene is the same picture.
//!
//! May use: charts, moments, view, `values`, ratatui's buffer.

use std::time::Duration;

use ratatui_core::{buffer::Buffer, layout::Rect};

use super::{
    charts,
    moments::Seen,
    paint::{Ink, Paint, Sheet},
    view::View,
};
use crate::{
    bench::{Until, failure::Failure, shown},
    values::show,
};

/// Smaller than this nothing can be read.
const LEAST: (u16, u16) = (60, 16);
/// From so many rows on there is room for a line between the parts; and where the charts have so many, for the failures below them.
const ROOMY: u16 = 30;
const TALL: u16 = 34;

/// What is known before the run.
#[derive(Debug, Clone)]
pub struct Head {
    /// `bench tcp 127.0.0.1:8080`
    pub name: String,
    /// What is run, in a few words each.
    pub parts: Vec<String>,
    pub until: Until,
    pub timeout: Duration,
    pub hold: bool,
}

impl Head {
    /// What a kind of failure is called.
    #[must_use]
    pub fn failure(&self, kind: &str) -> String {
        let known = Failure::ALL.into_iter().find(|known| known.name() == kind);
        known.map_or_else(|| kind.replace('_', " "), |known| known.sentence(self.timeout))
    }
}

/// Where the run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Connecting,
    /// The warm-up, with how much of it is left.
    WarmingUp,
    Running,
    Paused,
    Ending,
}

/// One picture.
pub struct Scene<'a> {
    pub head: &'a Head,
    pub seen: &'a Seen,
    pub view: &'a View,
    pub stage: Stage,
    /// Of the measured time.
    pub elapsed: Duration,
    /// The rate that is asked for now; `None`: closed loop.
    pub rate: Option<f64>,
    /// Requests that are due between two moments of the measured time, in seconds.
    pub asked: &'a dyn Fn(f64, f64) -> Option<f64>,
}

impl Scene<'_> {
    /// The end of the time axis, in seconds.
    #[must_use]
    pub fn until(&self) -> f64 {
        match self.head.until {
            Until::Duration(duration) => duration.as_secs_f64(),
            Until::Requests(_) => {
                let known = self.seen.moments.last().map_or(0.0, |moment| moment.to);
                // Half as much again, whenever it is full: the axis does not move at each step.
                let mut until = 10.0;
                while until < known {
                    until *= 1.5;
                }
                until
            }
        }
    }

    fn done(&self) -> f64 {
        match self.head.until {
            Until::Duration(duration) => self.elapsed.as_secs_f64() / duration.as_secs_f64().max(1e-9),
            Until::Requests(requests) => self.seen.counters.ended() as f64 / requests.max(1) as f64,
        }
    }

    /// Draws all of it.
    pub fn draw(&self, buffer: &mut Buffer, paint: Paint) {
        let area = buffer.area;
        let mut sheet = Sheet { buffer, paint };
        if area.width < LEAST.0 || area.height < LEAST.1 {
            return too_small(&mut sheet, area);
        }
        self.draw_head(&mut sheet, Rect { height: 4, ..area });
        let gap = u16::from(area.height >= ROOMY);
        let middle = Rect { y: area.y + 4 + gap, height: area.height - 6 - 2 * gap, ..area };
        match self.view.alone {
            Some(chart) => charts::draw(chart, &mut sheet, middle, self),
            None => self.draw_all(&mut sheet, middle),
        }
        self.draw_failures(&mut sheet, Rect { y: area.bottom() - 2, height: 1, ..area });
        self.draw_foot(&mut sheet, Rect { y: area.bottom() - 1, height: 1, ..area });
        if self.view.help {
            help(&mut sheet, area);
        }
    }

    /// Four charts, and where there is room for it the fifth below them. Where nothing is asked, no reply is drawn.
    fn draw_all(&self, sheet: &mut Sheet<'_>, area: Rect) {
        let below = if area.height >= TALL { area.height / 5 } else { 0 };
        if below > 0 {
            charts::draw(4, sheet, Rect { y: area.bottom() - below, height: below, ..area }, self);
        }
        if self.head.hold {
            return charts::draw(0, sheet, Rect { height: area.height - below, ..area }, self);
        }
        let (half, left) = ((area.height - below) / 2, area.width / 2);
        let second = area.height - below - half;
        for (number, x, width, y, height) in [
            (0, area.x, left, area.y, half),
            (1, area.x + left, area.width - left, area.y, half),
            (2, area.x, left, area.y + half, second),
            (3, area.x + left, area.width - left, area.y + half, second),
        ] {
            charts::draw(number, sheet, Rect { x, y, width, height }, self);
        }
    }

    fn draw_head(&self, sheet: &mut Sheet<'_>, area: Rect) {
        let behind = sheet.text(area, (1, 0), &self.head.name, Ink::Strong);
        sheet.text(area, (behind, 0), &format!(" · {}", self.head.parts.join(" · ")), Ink::Plain);
        let (word, ink) = self.stage();
        let behind = sheet.text(area, (1, 1), word, ink);
        let time = match self.head.until {
            Until::Duration(duration) => format!("{:.1} s of {}", self.elapsed.as_secs_f64(), shown::span(duration)),
            Until::Requests(requests) => {
                format!("{:.1} s, {} of {}", self.elapsed.as_secs_f64(), self.seen.counters.ended(), show::grouped(requests))
            }
        };
        let behind = sheet.text(area, (behind + 2, 1), &time, Ink::Plain) + 2;
        let width = area.width.saturating_sub(behind + 1);
        let full = (self.done().clamp(0.0, 1.0) * f64::from(width)) as u16;
        sheet.text(area, (behind, 1), &"━".repeat(full.into()), Ink::Right);
        sheet.text(area, (behind + full, 1), &"─".repeat((width - full).into()), Ink::Faint);
        row_of(sheet, Rect { y: area.y + 2, height: 1, ..area }, &self.figures());
        row_of(sheet, Rect { y: area.y + 3, height: 1, ..area }, &self.latencies());
    }

    fn stage(&self) -> (&'static str, Ink) {
        match self.stage {
            Stage::Connecting => ("◌ connecting", Ink::Plain),
            Stage::WarmingUp => ("◌ warming up", Ink::Plain),
            Stage::Running => ("● running", Ink::Right),
            Stage::Paused => (" ‖ paused ", Ink::Notice),
            Stage::Ending => ("○ ending", Ink::Plain),
        }
    }

    /// What happens just now.
    fn figures(&self) -> Vec<Figure> {
        let counters = &self.seen.counters;
        let failed = if counters.failed() > 0 { Ink::Wrong } else { Ink::Strong };
        let failed = ("failed", show::grouped(counters.failed()), failed);
        let cpu = ("generator cpu", format!("{:.0} %", self.seen.cpu_percent), Ink::Strong);
        if self.head.hold {
            let kept = (counters.connects + counters.unsent).saturating_sub(counters.failed());
            return vec![("connections kept", show::grouped(kept), Ink::Strong), failed, cpu];
        }
        let now = self.seen.moments.last().map_or(0.0, |moment| moment.per_second(moment.right));
        let asked = self.rate.map(|rate| ("asked", shown::per_second(rate), Ink::Strong));
        let rest = [
            ("right", shown::per_second(now), Ink::Strong),
            failed,
            ("in flight", show::grouped(counters.in_flight()), Ink::Strong),
            cpu,
        ];
        asked.into_iter().chain(rest).collect()
    }

    /// So far.
    fn latencies(&self) -> Vec<Figure> {
        let seen = self.seen;
        if seen.latency.count() == 0 {
            return Vec::new();
        }
        let names = ["latency p50", "p90", "p99", "p99.9"];
        let figures = names.into_iter().zip(seen.percentiles).map(|(name, ns)| (name, show::nanos(ns), Ink::Strong));
        figures.chain([("max", show::nanos(seen.longest), Ink::Strong)]).collect()
    }

    /// What went wrong, the most frequent first.
    fn draw_failures(&self, sheet: &mut Sheet<'_>, area: Rect) {
        let mut kinds: Vec<_> = self.seen.failures.iter().map(|(name, count)| (*name, *count)).collect();
        kinds.sort_unstable_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
        if kinds.is_empty() {
            let behind = sheet.text(area, (1, 0), "failures", Ink::Faint);
            sheet.text(area, (behind + 1, 0), "none", Ink::Right);
            return;
        }
        let mut column = sheet.text(area, (1, 0), "failures", Ink::Faint) + 1;
        for (kind, count) in kinds {
            column = sheet.text(area, (column, 0), &show::grouped(count), Ink::Wrong);
            column = sheet.text(area, (column + 1, 0), &self.head.failure(kind), Ink::Plain) + 2;
        }
    }

    /// What is being typed, or was said, or can be pressed.
    fn draw_foot(&self, sheet: &mut Sheet<'_>, area: Rect) {
        if let Some(typed) = &self.view.typed {
            let behind = sheet.text(area, (1, 0), "requests per second: ", Ink::Strong);
            let behind = sheet.text(area, (behind, 0), &format!("{typed}▏"), Ink::Plain);
            sheet.text(area, (behind + 2, 0), "Enter takes it, Esc leaves it", Ink::Faint);
            return;
        }
        if let Some(note) = &self.view.note {
            sheet.text(area, (1, 0), note, Ink::Strong);
            return;
        }
        let pause = if self.stage == Stage::Paused { "go on" } else { "pause" };
        let keys = [
            ("space", pause),
            ("+ -", "rate"),
            ("r", "type a rate"),
            ("tab 1-5", "one chart"),
            ("?", "keys"),
            ("q", "quit"),
        ];
        let mut column = 1;
        for (key, does) in &keys[if self.head.hold { 3 } else { 0 }..] {
            column = sheet.text(area, (column, 0), key, Ink::Strong);
            column = sheet.text(area, (column + 1, 0), does, Ink::Faint) + 2;
        }
    }
}

/// A name, its value, and how that is written.
type Figure = (&'static str, String, Ink);

/// One after another: what has no room is left out.
fn row_of(sheet: &mut Sheet<'_>, area: Rect, figures: &[Figure]) {
    let mut column = 1;
    for (name, value, ink) in figures {
        let width = (name.len() + 1 + value.chars().count()) as u16;
        if column + width > area.width {
            return;
        }
        column = sheet.text(area, (column, 0), name, Ink::Faint);
        column = sheet.text(area, (column + 1, 0), value, *ink) + 2;
    }
}

fn too_small(sheet: &mut Sheet<'_>, area: Rect) {
    let words = format!("too small: {}x{} at least, and it is {}x{}", LEAST.0, LEAST.1, area.width, area.height);
    let row = area.height / 2;
    let column = area.width.saturating_sub(words.len() as u16) / 2;
    sheet.text(area, (column, row.saturating_sub(1)), &words, Ink::Strong);
    let goes_on = "the run goes on; q ends it";
    sheet.text(area, (area.width.saturating_sub(goes_on.len() as u16) / 2, row), goes_on, Ink::Plain);
}

const KEYS: [(&str, &str); 10] = [
    ("space", "pause the load, or go on: no pause is counted"),
    ("+  up", "10 % more requests per second"),
    ("-  down", "10 % fewer"),
    ("r", "type a rate, as in: r 5k Enter"),
    ("1 - 5", "one chart alone; again: all"),
    ("tab", "the next chart"),
    ("0  Esc", "all charts"),
    ("q", "end the run now, and report"),
    ("Ctrl-C", "the same, as an interruption (exit code 130)"),
    ("Ctrl-Z", "pause, and back to the shell; fg comes back"),
];

fn help(sheet: &mut Sheet<'_>, area: Rect) {
    let (width, height) = (60, KEYS.len() as u16 + 4);
    let x = area.x + area.width.saturating_sub(width) / 2;
    let y = area.y + area.height.saturating_sub(height) / 2;
    let inside = Rect { x, y, width: width.min(area.width), height };
    sheet.clear(inside);
    let line = "─".repeat(usize::from(inside.width) - 2);
    sheet.text(inside, (0, 0), &format!("╭{line}╮"), Ink::Faint);
    for row in 1..height - 1 {
        sheet.text(inside, (0, row), "│", Ink::Faint);
        sheet.text(inside, (inside.width - 1, row), "│", Ink::Faint);
    }
    sheet.text(inside, (0, height - 1), &format!("╰{line}╯"), Ink::Faint);
    sheet.text(inside, (2, 0), " keys ", Ink::Strong);
    for (row, (key, does)) in KEYS.iter().enumerate() {
        sheet.text(inside, (3, row as u16 + 2), key, Ink::Strong);
        sheet.text(inside, (13, row as u16 + 2), does, Ink::Plain);
    }
}
