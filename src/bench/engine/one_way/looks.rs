//! Looks at the sockets while they run: shows progress, and writes an interval when it is over.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{gauge::Gauge, worker::Shared};
use crate::{
    bench::{
        ReportPlan, Until,
        one_way::{Counts, Interval, OneWayPlan},
        progress::Progress,
        report::{Files, one_way as shown, say},
        shown as words,
    },
    error::Trouble,
    values::show,
};

/// Intervals that are wanted when no length was given, and how often progress is shown.
const INTERVAL: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(250);

pub(super) struct Looks<'a> {
    report: &'a ReportPlan,
    files: &'a mut Files,
    gauges: Vec<Arc<Gauge>>,
    plan: OneWayPlan,
    progress: Progress,
    /// When the measured time begins.
    from: Instant,
    /// Intervals that are over.
    over: u32,
    interval: Duration,
    /// When the interval began.
    before: Counts,
    shown: (Instant, Counts),
    next: Instant,
}

impl<'a> Looks<'a> {
    pub(super) fn begin(report: &'a ReportPlan, files: &'a mut Files, shared: &Shared) -> Self {
        let from = Instant::now() + shared.omit;
        let until = shared.plan.time.map_or(Until::Requests(1), Until::Duration);
        let looks = Self {
            report,
            files,
            gauges: shared.gauges.clone(),
            plan: shared.plan.clone(),
            progress: Progress::begin(report.quiet, until, from),
            from,
            over: 0,
            interval: report.interval.unwrap_or(INTERVAL).max(Duration::from_millis(1)),
            before: Counts::default(),
            shown: (from, Counts::default()),
            next: from,
        };
        if looks.wants_lines() {
            looks.progress.say(shown::INTERVAL_HEAD);
        }
        looks
    }

    fn wants_lines(&self) -> bool {
        self.report.interval.is_some() && !self.report.quiet && !self.report.json_stream
    }

    /// Waits for the next look, and looks.
    pub(super) async fn next(&mut self) -> Result<(), Trouble> {
        tokio::time::sleep_until(self.next.into()).await;
        let now = Instant::now();
        let to = self.interval * (self.over + 1);
        if now >= self.from + to {
            self.write(to)?;
        }
        self.show(now);
        let due = self.from + self.interval * (self.over + 1);
        self.next = due.min(now + TICK).max(now + Duration::from_micros(100));
        Ok(())
    }

    fn counts(&self) -> Counts {
        let all: Vec<Counts> = self.gauges.iter().map(|gauge| gauge.counts()).collect();
        Counts::sum(all.iter())
    }

    /// Writes the interval that goes on until `to`.
    fn write(&mut self, to: Duration) -> Result<(), Trouble> {
        let from = self.interval * self.over;
        self.over += 1;
        let now = self.counts();
        let counts = now.since(&std::mem::replace(&mut self.before, now));
        // After the end there is only waiting for what the server has counted.
        if self.plan.time.is_some_and(|time| from >= time) {
            return Ok(());
        }
        let interval = Interval { from, to, counts, length: self.plan.length };
        self.files.one_way_interval(&interval)?;
        if self.report.json_stream {
            return self.progress.beside(|| say(&shown::json::interval(&interval)));
        }
        if self.wants_lines() {
            self.progress.say(&shown::interval_line(&interval));
        }
        Ok(())
    }

    fn show(&mut self, now: Instant) {
        let (since, before) = self.shown;
        let passed = now.saturating_duration_since(since);
        if passed < TICK {
            return;
        }
        let counts = self.counts();
        self.shown = (now, counts);
        let rate = counts.since(&before).sent as f64 / passed.as_secs_f64();
        let seconds = now.saturating_duration_since(self.from).as_secs_f64();
        let done = match (self.plan.time, self.plan.count) {
            (Some(time), _) => seconds / time.as_secs_f64(),
            (None, wanted) => counts.sent as f64 / wanted.unwrap_or(u64::MAX) as f64,
        };
        let missing = counts.missing().map_or_else(String::new, |many| format!("  {} missing", show::grouped(many)));
        let sent = show::grouped(counts.sent);
        self.progress.show(done, format!("{seconds:.1} s  {}  {sent} sent{missing}", words::per_second(rate)));
    }

    /// All is over, which took `lasted`: writes the interval that had begun, if any.
    pub(super) fn end(mut self, lasted: Duration) -> Result<(), Trouble> {
        self.progress.end();
        let to = self.plan.time.map_or(lasted, |time| time.min(lasted));
        if to > self.interval * self.over { self.write(to) } else { Ok(()) }
    }
}
