//! Looks at the streams while they run: shows progress, and writes an interval when it is over.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Gauge, TICK, worker::Shared};
use crate::{
    bench::{
        ReportPlan, Until,
        bulk::{BulkPlan, Figures, Interval, Moved},
        progress::Progress,
        report::{Files, bulk as shown, say},
    },
    error::Trouble,
    values::show,
};

/// Intervals that are wanted when no length was given.
const INTERVAL: Duration = Duration::from_secs(1);

pub(super) struct Looks<'a> {
    report: &'a ReportPlan,
    files: &'a mut Files,
    gauges: Vec<Arc<Gauge>>,
    plan: BulkPlan,
    progress: Progress,
    /// When the measured time begins.
    from: Instant,
    /// Intervals that are over.
    over: u32,
    interval: Duration,
    /// Of each stream, when the interval began.
    before: Vec<Before>,
    /// Bytes of all, when progress was last shown.
    shown: (Instant, u64),
    next: Instant,
}

#[derive(Debug, Clone, Copy, Default)]
struct Before {
    sent: u64,
    received: u64,
    retransmits: u64,
}

impl<'a> Looks<'a> {
    pub(super) fn begin(report: &'a ReportPlan, files: &'a mut Files, shared: &Shared, from: Instant) -> Self {
        let until = shared.plan.time.map_or(Until::Requests(1), Until::Duration);
        let interval = report.interval.unwrap_or(INTERVAL).max(Duration::from_millis(1));
        let looks = Self {
            report,
            files,
            gauges: shared.gauges.clone(),
            plan: shared.plan.clone(),
            progress: Progress::begin(report.quiet, until, from),
            from,
            over: 0,
            interval,
            before: vec![Before::default(); shared.gauges.len()],
            shown: (from, 0),
            next: from,
        };
        if looks.wants_lines() {
            looks.progress.say(&shown::interval_head(looks.gauges.len()));
        }
        looks
    }

    fn wants_lines(&self) -> bool {
        self.report.interval.is_some() && !self.report.quiet && !self.report.json_stream
    }

    fn wants_intervals(&self) -> bool {
        self.report.interval.is_some() || self.report.json_stream || self.report.csv.is_some()
    }

    /// Waits for the next look, and looks.
    pub(super) async fn next(&mut self) -> Result<(), Trouble> {
        tokio::time::sleep_until(self.next.into()).await;
        let now = Instant::now();
        if self.next == self.from {
            // What crossed before the measured time is not counted.
            for at in 0..self.gauges.len() {
                self.before[at] = self.now(at);
            }
            self.shown = (now, self.bytes());
        }
        let to = self.interval * (self.over + 1);
        if now >= self.from + to {
            self.write(to)?;
        }
        self.show(now);
        let due = self.from + self.interval * (self.over + 1);
        self.next = due.min(now + TICK).max(now + Duration::from_micros(100));
        Ok(())
    }

    fn now(&self, at: usize) -> Before {
        let gauge = &self.gauges[at];
        let (sent, received) = gauge.so_far();
        Before { sent, received, retransmits: gauge.last_info().map_or(0, |info| info.retransmits.into()) }
    }

    fn bytes(&self) -> u64 {
        self.gauges.iter().map(|gauge| gauge.so_far()).map(|(sent, received)| sent + received).sum()
    }

    /// Writes the interval that goes on until `to`.
    fn write(&mut self, to: Duration) -> Result<(), Trouble> {
        let from = self.interval * self.over;
        self.over += 1;
        let streams: Vec<Moved> = (0..self.gauges.len()).map(|at| self.moved(at)).collect();
        // After the end there is only waiting for what the server has counted.
        let late = self.plan.time.is_some_and(|time| from >= time);
        if late || !self.wants_intervals() {
            return Ok(());
        }
        let interval = Interval { from, to, streams };
        self.files.bulk_interval(&interval)?;
        if self.report.json_stream {
            return self.progress.beside(|| say(&shown::json::interval(&interval)));
        }
        if self.wants_lines() {
            self.progress.say(&shown::interval_lines(&interval, &self.plan));
        }
        Ok(())
    }

    fn moved(&mut self, at: usize) -> Moved {
        let (now, before) = (self.now(at), self.before[at]);
        self.before[at] = now;
        let figures = self.gauges[at].last_info().map(|info| Figures {
            retransmits: self.plan.up.then(|| now.retransmits.saturating_sub(before.retransmits)),
            ..Figures::ours(&info, self.plan.up)
        });
        Moved { up: now.sent - before.sent, down: now.received - before.received, figures }
    }

    fn show(&mut self, now: Instant) {
        let (since, before) = self.shown;
        let (passed, bytes) = (now.saturating_duration_since(since), self.bytes());
        if passed < TICK {
            return;
        }
        self.shown = (now, bytes);
        let rate = (bytes - before) as f64 * 8.0 / passed.as_secs_f64();
        let so_far = now.saturating_duration_since(self.from);
        let done = match (self.plan.time, self.plan.bytes) {
            (Some(time), _) => so_far.as_secs_f64() / time.as_secs_f64(),
            (None, wanted) => bytes as f64 / wanted.unwrap_or(u64::MAX) as f64,
        };
        let seconds = so_far.as_secs_f64();
        self.progress.show(done, format!("{seconds:.1} s  {}  {}", show::bits_per_second(rate), show::bytes(bytes)));
    }

    /// All is over: writes the interval that had begun, if any.
    pub(super) fn end(mut self) -> Result<(), Trouble> {
        self.progress.end();
        let passed = Instant::now().saturating_duration_since(self.from);
        let to = self.plan.time.map_or(passed, |time| time.min(passed));
        if to > self.interval * self.over && self.next > self.from { self.write(to) } else { Ok(()) }
    }
}
