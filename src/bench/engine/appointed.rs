//! A run that begins at a time that was set (`--start-at`): waits for it, and makes its connections shortly before.

use std::{
    io::{self, Write as _},
    time::{Duration, Instant, SystemTime},
};

use crate::{
    bench::BenchPlan,
    error::Trouble,
    role::stop::{Phase, Stop},
    values::show,
};

/// Connections are made so long before: early enough for thousands, and too late for a server to find them idle.
const BEFORE: Duration = Duration::from_secs(3);
/// To be so late is nobody's concern.
const UNNOTICED: Duration = Duration::from_millis(10);

/// When the first run begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Appointed {
    at: Option<SystemTime>,
    quiet: bool,
}

impl Appointed {
    /// # Errors
    /// [`Trouble`]: that time is past.
    pub(super) fn of(plan: &BenchPlan) -> Result<Self, Trouble> {
        let at = plan.start_at.as_ref().map(|at| at.moment(SystemTime::now())).transpose()?;
        Ok(Self { at, quiet: plan.report.quiet })
    }

    /// The runs after the first begin when they can.
    pub(super) fn next(self) -> Self {
        Self { at: None, ..self }
    }

    fn say(self, line: &str) {
        if !self.quiet {
            // Nobody may be reading any more: that is no reason to stop.
            let _ = writeln!(io::stderr(), "{line}");
        }
    }

    /// Until it is time to connect.
    pub(super) async fn wait(self, stop: &Stop) {
        let Some(left) = self.at.and_then(|at| at.duration_since(SystemTime::now()).ok()) else { return };
        self.say(&format!("starts in {}", show::duration(left)));
        // The clock may be set meanwhile: it is asked again.
        while let Some(left) = self.left().and_then(|left| left.checked_sub(BEFORE)).filter(|left| !left.is_zero()) {
            tokio::select! {
                () = tokio::time::sleep(left.min(BEFORE)) => {}
                () = stop.reached(Phase::Finish) => return,
            }
        }
    }

    fn left(self) -> Option<Duration> {
        self.at.and_then(|at| at.duration_since(SystemTime::now()).ok())
    }

    /// When all begin, who are ready now and need `countdown` to hear of it.
    pub(super) fn start(self, countdown: Duration) -> Instant {
        let soon = Instant::now() + countdown;
        let Some(at) = self.at else { return soon };
        let late = SystemTime::now().duration_since(at).unwrap_or_default();
        if late > UNNOTICED {
            self.say(&format!("starts {} late: the connections took longer", show::duration(late)));
        }
        soon.max(Instant::now() + self.left().unwrap_or_default())
    }
}
