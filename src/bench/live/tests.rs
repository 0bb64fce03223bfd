//! Pictures of runs that are the same each time, held against files: `BLESS=1 cargo test --lib live` writes them anew.

#[path = "../../../tests/snapshot/mod.rs"]
mod snapshot;

use std::time::Duration;

use ratatui_core::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::{Color, Modifier},
};

use super::{
    moments::Seen,
    paint::Paint,
    scene::{Head, Scene, Stage},
    view::View,
};
use crate::bench::{
    Until,
    failure::Failure,
    stats::{Slice, Tally},
};

const TICK: Duration = Duration::from_millis(250);

/// So many ticks of about 1,000 replies a second, with a stall in the middle.
fn seen(ticks: u32, open_loop: bool, failing: bool) -> Seen {
    let mut seen = Seen::new(TICK, 1);
    let mut random = fastrand::Rng::with_seed(7);
    let mut all = Tally::default();
    for tick in 0..ticks {
        let mut tally = Box::<Tally>::default();
        let stalls = tick % 16 == 9;
        for n in 0..if stalls { 100 } else { 250 + tick } {
            let took = 60_000 + (-(1.0 - random.f64()).ln() * 40_000.0) as u64;
            let waited = if stalls { u64::from(n) * 200_000 } else { 0 };
            tally.right(took + waited, open_loop.then_some(took));
        }
        tally.counters.sent = 250;
        if failing && tick > ticks / 2 {
            tally.failed_times(Failure::Refused, 7);
            tally.failed_as(Failure::WrongReply, Some("got \"no\" in place of \"yes\"".into()));
            tally.counters.unsent = 7;
        }
        all.add(&tally);
        seen.take(tick, &Slice { worker: 0, tick: Some(tick), cpu: Duration::from_millis(10) * (tick + 1), tally });
        seen.complete(tick + 1, &all.latency);
    }
    seen
}

fn head(open_loop: bool) -> Head {
    let model = if open_loop { "1,000/s constant" } else { "closed loop" };
    Head {
        name: "bench tcp 127.0.0.1:8080".into(),
        parts: ["echo", "4 connections", model].map(String::from).to_vec(),
        until: Until::Duration(Duration::from_secs(10)),
        timeout: Duration::from_secs(10),
        hold: false,
    }
}

/// One picture: what a terminal of this size shows.
fn picture((width, height): (u16, u16), scene: &Scene<'_>, colours: bool) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    scene.draw(&mut buffer, Paint { colours });
    buffer
}

fn text(picture: &Buffer) -> String {
    let rows = picture.content.chunks(picture.area.width.into());
    rows.map(|row| row.iter().map(Cell::symbol).collect::<String>().trim_end().to_owned() + "\n").collect()
}

fn with_scene<T>(seen: &Seen, view: &View, stage: Stage, open_loop: bool, look: impl FnOnce(&Scene<'_>) -> T) -> T {
    let asked = |from: f64, to: f64| open_loop.then_some(1000.0 * (to - from));
    let elapsed = seen.moments.last().map_or(0.0, |moment| moment.to);
    look(&Scene {
        head: &head(open_loop),
        seen,
        view,
        stage,
        elapsed: Duration::from_secs_f64(elapsed),
        rate: open_loop.then_some(1000.0),
        asked: &asked,
    })
}

#[test]
fn pictures_are_as_they_were() {
    let all = View::default();
    let alone = |chart| View { alone: Some(chart), ..View::default() };
    let help = View { help: true, ..View::default() };
    let typing = View { alone: Some(4), typed: Some("5k".into()), ..View::default() };
    let pictures = [
        ("running-80x24", (80, 24), &seen(24, true, false), &all, Stage::Running, true),
        ("failing-160x50", (160, 50), &seen(32, true, true), &all, Stage::Running, true),
        ("closed-paused-80x24", (80, 24), &seen(16, false, false), &all, Stage::Paused, false),
        ("heat-80x24", (80, 24), &seen(40, true, false), &alone(3), Stage::Running, true),
        ("failures-typing-80x24", (80, 24), &seen(24, true, true), &typing, Stage::Running, true),
        ("help-80x24", (80, 24), &seen(4, true, false), &help, Stage::Running, true),
        ("connecting-60x16", (60, 16), &seen(0, true, false), &all, Stage::Connecting, true),
        ("too-small-50x10", (50, 10), &seen(4, true, false), &all, Stage::Running, true),
    ];
    let stale = pictures.into_iter().filter_map(|(name, size, seen, view, stage, open)| {
        let shown = with_scene(seen, view, stage, open, |scene| text(&picture(size, scene, true)));
        snapshot::stale(&format!("tests/snapshots/live/{name}.txt"), &shown)
    });
    snapshot::fresh(&stale.collect::<Vec<_>>());
}

#[test]
fn colours_are_the_terminals_own_or_none() {
    let seen = seen(24, true, true);
    for chart in [None, Some(0), Some(1), Some(2), Some(3), Some(4)] {
        let view = View { alone: chart, ..View::default() };
        let [with, without] = [true, false]
            .map(|colours| with_scene(&seen, &view, Stage::Running, true, |scene| picture((160, 50), scene, colours)));
        assert_eq!(text(&with), text(&without), "nothing is told by colour alone");
        let own = |colour: Color| {
            matches!(
                colour,
                Color::Reset | Color::Red | Color::Green | Color::Yellow | Color::Blue | Color::Magenta | Color::Cyan
            )
        };
        assert!(with.content.iter().all(|cell| own(cell.fg) && cell.bg == Color::Reset));
        assert!(with.content.iter().any(|cell| cell.fg != Color::Reset));
        assert!(without.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
        // Letters keep the terminal's own colour but where they warn or are marks.
        let letters = with.content.iter().filter(|cell| cell.symbol().chars().all(char::is_alphabetic));
        assert!(letters.filter(|cell| cell.modifier.contains(Modifier::DIM)).all(|cell| cell.fg == Color::Reset));
    }
}

#[test]
fn what_only_keeps_connections_awaits_no_reply() {
    let (seen, head) = (seen(0, false, false), Head { hold: true, ..head(false) });
    let of = |view: View| {
        with_scene(&seen, &view, Stage::Running, false, |scene| {
            text(&picture((80, 24), &Scene { head: &head, ..*scene }, true))
        })
    };
    let all = of(View::default());
    assert!(all.contains("1 connections kept") && !all.contains("heat map") && !all.contains("rate"), "{all}");
    let alone = of(View { alone: Some(3), ..View::default() });
    assert!(alone.contains("--hold asks for nothing"), "{alone}");
}

#[test]
fn every_size_can_be_drawn() {
    let seen = seen(12, true, true);
    for view in [View::default(), View { alone: Some(3), help: true, ..View::default() }] {
        for width in (1..200).step_by(13) {
            for height in (1..80).step_by(5) {
                with_scene(&seen, &view, Stage::Running, true, |scene| picture((width, height), scene, true));
            }
        }
    }
}

#[test]
fn what_a_peer_said_is_not_obeyed() {
    let mut seen = seen(4, true, true);
    seen.example = Some("\u{1b}[2J\u{9b}31m\u{7}\u{202e}x".into());
    let view = View { alone: Some(4), ..View::default() };
    let shown = with_scene(&seen, &view, Stage::Running, true, |scene| text(&picture((80, 24), scene, true)));
    assert!(!shown.chars().any(|letter| letter != '\n' && letter.is_control()), "{shown:?}");
}
