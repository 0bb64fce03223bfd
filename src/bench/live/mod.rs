//! `--live`: a run on the whole terminal, with the charts of the page and keys that change it.
//!
//! What is drawn is what the reporter has added up at the last tick, and what draws is a thread of its own: workers know nothing of it.
//! They follow the [`Controls`], where a key changes the rate or pauses the load. A picture is a pure function of a scene.
//!
//! May use: load, stats, the scales of the page's charts, ratatui, role's stop, `os`, tokio.

mod cells;
mod charts;
pub mod controls;
mod keys;
mod moments;
mod paint;
mod plot;
pub mod scene;
mod screen;
#[cfg(test)]
mod tests;
mod view;
mod watch;

pub use screen::check;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use tokio::{
    signal::unix::{SignalKind, signal},
    task::AbortHandle,
};

use self::{controls::Controls, moments::Seen, scene::Head, screen::Screen};
use super::stats::{Slice, Tally};
use crate::{
    error::{Trouble, reason},
    os,
    role::stop::{Phase, Stop},
};

/// What the drawing thread and the others share.
struct Shared {
    head: Head,
    controls: Controls,
    stop: Stop,
    seen: Mutex<Seen>,
    over: AtomicBool,
    /// Somebody sent SIGTSTP, or SIGCONT.
    stops: AtomicBool,
    continues: AtomicBool,
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    fn asked_to_stop(&self) -> bool {
        self.stops.swap(false, Ordering::AcqRel)
    }

    fn goes_on_again(&self) -> bool {
        self.continues.swap(false, Ordering::AcqRel)
    }
}

/// What the reporter tells the screen.
#[derive(Clone)]
pub struct Feed(Arc<Shared>);

impl Feed {
    /// What a worker counted in tick `number`.
    pub fn take(&self, number: u32, slice: &Slice) {
        self.0.seen().take(number, slice);
    }

    /// So many ticks are complete, and all that was counted so far is `total`.
    pub fn complete(&self, ticks: u32, total: &Tally) {
        self.0.seen().complete(ticks, &total.latency);
    }

    #[must_use]
    pub fn controls(&self) -> &Controls {
        &self.0.controls
    }
}

/// The screen of one run; it is given back when this is dropped.
pub struct Live {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    signals: AbortHandle,
}

impl Live {
    /// So many workers hand over every `tick`.
    ///
    /// # Errors
    /// [`Trouble`]: the terminal can't be used.
    pub fn begin(controls: Controls, head: Head, stop: Stop, (tick, workers): (Duration, usize)) -> Result<Self, Trouble> {
        let (over, stops, continues) = Default::default();
        let seen = Mutex::new(Seen::new(tick, workers));
        let shared = Arc::new(Shared { head, controls, stop, seen, over, stops, continues });
        let screen = Screen::open()?;
        let watched = shared.clone();
        let thread = std::thread::Builder::new()
            .name("live".into())
            .spawn(move || watch::run(&watched, screen))
            .map_err(|error| Trouble::failed(format!("could not start a thread: {}", reason(&error))))?;
        let signals = tokio::spawn(signals(shared.clone())).abort_handle();
        Ok(Self { shared, thread: Some(thread), signals })
    }

    #[must_use]
    pub fn feed(&self) -> Feed {
        Feed(self.shared.clone())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.signals.abort();
        self.shared.over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Passes on what a shell does with jobs, and that the terminal is gone: what was measured is still told. Ctrl-Z itself is a key.
async fn signals(shared: Arc<Shared>) {
    let kinds = (signal(os::terminal_stop()), signal(os::goes_on()));
    let ends = (signal(SignalKind::hangup()), signal(SignalKind::quit()));
    let ((Ok(mut stops), Ok(mut continues)), (Ok(mut hangups), Ok(mut quits))) = (kinds, ends) else { return };
    loop {
        tokio::select! {
            told = async { tokio::select! { told = hangups.recv() => told, told = quits.recv() => told } } => match told {
                Some(()) => {
                    shared.stop.advance(Phase::Finish);
                }
                None => return,
            },
            told = stops.recv() => match told {
                Some(()) => shared.stops.store(true, Ordering::Release),
                None => return,
            },
            told = continues.recv() => match told {
                Some(()) => shared.continues.store(true, Ordering::Release),
                None => return,
            },
        }
    }
}
