//! The thread that draws and hears keys: no worker, and a few pictures a second.
//!
//! May use: the rest of live, load's tuning, role's stop, `os`. Reads the clock.

use std::time::{Duration, Instant};

use super::{
    Shared,
    keys::{self, Key},
    scene::{Scene, Stage},
    screen::Screen,
    view::{Act, View},
};
use crate::{
    bench::{
        Until,
        load::tuning::{Refused, STEP, Tuning},
        shown,
    },
    os,
    role::stop::Phase,
};

/// From picture to picture.
const EACH: Duration = Duration::from_millis(125);
/// What is said stays for so long.
const NOTE: Duration = Duration::from_secs(4);

pub(super) struct Watch<'a> {
    shared: &'a Shared,
    screen: Screen,
    view: View,
    noted: Instant,
    /// Nobody presses keys any more.
    deaf: bool,
}

/// Until the run is over.
pub(super) fn run(shared: &Shared, screen: Screen) {
    let (view, noted) = (View::default(), Instant::now());
    let mut watch = Watch { shared, screen, view, noted, deaf: false };
    let mut next = Instant::now();
    while !shared.is_over() {
        watch.signals();
        let now = Instant::now();
        if now >= next {
            watch.draw(now);
            next = now + EACH;
        }
        watch.hear(next.saturating_duration_since(Instant::now()));
    }
}

impl Watch<'_> {
    fn hear(&mut self, most: Duration) {
        if self.deaf {
            return std::thread::sleep(most);
        }
        let mut bytes = [0; 256];
        let keys = match os::typed(&mut bytes, most) {
            Ok(Some(0)) | Err(_) => {
                self.deaf = true;
                return;
            }
            Ok(Some(length)) => keys::read(&bytes[..length]),
            Ok(None) => return,
        };
        for key in keys {
            self.press(key);
        }
    }

    fn press(&mut self, key: Key) {
        let now = Instant::now();
        let Some(act) = self.view.press(key) else {
            self.noted = now;
            return;
        };
        let controls = &self.shared.controls;
        let rate = match act {
            Act::Pause => return self.say(controls.change(|tuning| tuning.pause(!tuning.is_paused(), now).map(|()| None))),
            Act::Faster => controls.change(|tuning| tuning.times(STEP, now)),
            Act::Slower => controls.change(|tuning| tuning.times(1.0 / STEP, now)),
            Act::Rate(rate) => controls.change(|tuning| tuning.set(rate, now)),
            Act::Quit => {
                let _ = controls.change(|tuning| {
                    tuning.quit(now);
                    Ok(())
                });
                self.shared.stop.advance(Phase::Finish);
                return;
            }
            Act::Interrupt => {
                self.shared.stop.advance(Phase::Finish);
                return;
            }
            Act::Suspend => return self.suspend(now),
        };
        self.say(rate.map(|rate| Some(format!("asks for {} from now on", shown::per_second(rate)))));
    }

    fn say(&mut self, said: Result<Option<String>, Refused>) {
        self.view.note = said.unwrap_or_else(|why| Some(why.words().into()));
        self.noted = Instant::now();
    }

    /// Who is not there to send is not late: it is a pause.
    fn suspend(&mut self, now: Instant) {
        let controls = &self.shared.controls;
        let pauses = !controls.see(Tuning::is_paused) && controls.change(|tuning| tuning.pause(true, now)).is_ok();
        let shared = self.shared;
        shared.goes_on_again();
        if self.screen.suspend(|| shared.goes_on_again() || shared.is_over()).is_err() {
            self.deaf = true;
        }
        if pauses {
            let now = Instant::now();
            let _ = controls.change(|tuning| tuning.pause(false, now));
        }
    }

    /// What other processes, or a shell, did to us.
    fn signals(&mut self) {
        if self.shared.asked_to_stop() {
            self.suspend(Instant::now());
        }
        if self.shared.goes_on_again() {
            let _ = self.screen.take();
        }
    }

    fn draw(&mut self, now: Instant) {
        if now.saturating_duration_since(self.noted) > NOTE {
            self.view.note = None;
        }
        let shared = self.shared;
        let (elapsed, rate, stage, shape) = shared.controls.see(|tuning| {
            let rate = tuning.rate(now).filter(|_| tuning.lasted(now).is_some());
            (tuning.measured(now), rate, stage(shared, tuning, now), tuning.shape())
        });
        let limit = match shared.head.until {
            Until::Duration(duration) => duration,
            Until::Requests(_) => Duration::MAX,
        };
        let time = |seconds: f64| Duration::from_secs_f64(seconds.max(0.0));
        let view = &self.view;
        // A terminal that is gone is no reason to stop measuring; nor is one that takes its time: nothing is locked while it does.
        let _ = self.screen.draw(|buffer, paint| {
            let scene = Scene {
                head: &shared.head,
                seen: &shared.seen(),
                view,
                stage,
                elapsed: elapsed.min(limit),
                rate,
                asked: &|from, to| shape.asked(time(from), time(to)),
            };
            scene.draw(buffer, paint);
        });
    }
}

fn stage(shared: &Shared, tuning: &Tuning, now: Instant) -> Stage {
    let Some(lasted) = tuning.lasted(now) else { return Stage::Connecting };
    let shape = tuning.shape();
    let over = shape.stops_at().is_some_and(|at| lasted >= at) || shared.stop.phase() != Phase::Running;
    match lasted {
        _ if over => Stage::Ending,
        _ if tuning.is_paused() => Stage::Paused,
        lasted if lasted < shape.measured_from() => Stage::WarmingUp,
        _ => Stage::Running,
    }
}
