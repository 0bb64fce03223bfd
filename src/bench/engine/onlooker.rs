//! The screen of a run (`--live`), and what its keys did to the run.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    job::Job,
    planned::{self, about},
};
use crate::{
    bench::{
        BenchPlan,
        live::{Live, controls::Controls, scene::Head},
        load::{
            Shape,
            tuning::{Change, Tuning},
        },
        report::text,
        results::Model,
    },
    error::Trouble,
    role::stop::Stop,
};

/// Controls and screen, where there are any.
pub(super) struct Onlooker {
    pub(super) controls: Option<Controls>,
    live: Option<Live>,
}

impl Onlooker {
    pub(super) fn of(plan: &BenchPlan) -> Self {
        let controls = plan.live.then(|| Controls::new(planned::shape(plan), plan.hold));
        Self { controls, live: None }
    }

    /// # Errors
    /// [`Trouble`]: the terminal can't be used.
    pub(super) fn open(&mut self, plan: &BenchPlan, job: &Arc<Job>, stop: &Stop) -> Result<(), Trouble> {
        let Some(controls) = &self.controls else { return Ok(()) };
        let about = about(plan, job, &job.shape, Duration::ZERO);
        let head = Head {
            name: format!("bench {} {}", about.transport, about.target),
            parts: text::what(&about),
            until: plan.until,
            timeout: job.timeout,
            hold: about.model == Model::Hold,
        };
        self.live = Some(Live::begin(controls.clone(), head, stop.clone(), (job.tick, job.threads))?);
        Ok(())
    }

    pub(super) fn begin(&self, start: Instant) {
        if let Some(controls) = &self.controls {
            let _ = controls.change(|tuning| {
                tuning.begin(start);
                Ok(())
            });
        }
    }

    pub(super) fn screen(&self) -> Option<&Live> {
        self.live.as_ref()
    }

    /// The run is over: the terminal is given back.
    pub(super) fn close(&mut self) {
        self.live = None;
    }

    /// When it ended and when its measured time began, as if there had been no pauses: `now` and `from` by the clock.
    pub(super) fn clock(&self, now: Instant, from: Instant) -> (Instant, Instant) {
        let Some(controls) = &self.controls else { return (now, from) };
        controls.see(|tuning| {
            let tuned = tuning.tuned();
            (tuned.paused_at.map_or(now, |at| at.min(now)), from + tuned.paused_for)
        })
    }

    /// The shape as it has become.
    pub(super) fn shape(&self, job: &Job) -> Shape {
        self.controls.as_ref().map_or_else(|| job.shape.clone(), |controls| controls.see(Tuning::shape))
    }

    pub(super) fn changes(&self, now: Instant) -> Vec<Change> {
        self.controls.as_ref().map(|controls| controls.see(|tuning| tuning.changes(now))).unwrap_or_default()
    }
}
