//! Looks at the sockets while they run: shows progress, and writes an interval when it is over.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{gauge::Gauge, worker::Shared};
use crate::{
    bench::{
        ReportPlan, Until,
        engine::beat::Beat,
        measured::Course,
        one_way::{Counts, Interval, OneWayPlan},
        progress::Progress,
        report::{Count, Files, Told, one_way as shown, say},
        shown as words,
    },
    error::Trouble,
    role::metrics::Kind,
    values::show,
};

pub(super) struct Looks<'a> {
    report: &'a ReportPlan,
    files: &'a mut Files,
    told: Told,
    gauges: Vec<Arc<Gauge>>,
    plan: OneWayPlan,
    progress: Progress,
    beat: Beat,
    /// Up to where intervals were written, and up to where the course was kept.
    written: Cut,
    kept: Cut,
    course: Course<Interval>,
}

/// A moment of the measured time, and what was counted by then.
#[derive(Default)]
struct Cut {
    at: Duration,
    counts: Counts,
}

impl<'a> Looks<'a> {
    pub(super) fn begin(
        report: &'a ReportPlan,
        files: &'a mut Files,
        shared: &Shared,
        (from, protocol): (Instant, &'static str),
    ) -> Self {
        let until = shared.plan.time.map_or(Until::Requests(1), Until::Duration);
        let looks = Self {
            report,
            files,
            told: Told {
                transport: shared.peer.scheme.name(),
                protocol,
                target: shared.peer.address.to_string(),
                mode: "one_way",
                connections: shared.gauges.len(),
            },
            gauges: shared.gauges.clone(),
            plan: shared.plan.clone(),
            progress: Progress::begin(report.quiet, until, from),
            beat: Beat::new(from, shared.plan.time, report.interval),
            written: Cut::default(),
            kept: Cut::default(),
            course: Course::default(),
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
        let now = self.beat.wait().await;
        let so_far = self.beat.so_far(now);
        if let Some(to) = self.beat.interval_ended(so_far) {
            self.write(to)?;
        }
        if self.beat.tick_ended(so_far) {
            let piece = self.keep(so_far);
            self.show(so_far, &piece);
        }
        self.beat.look_again(now);
        Ok(())
    }

    fn counts(&self) -> Counts {
        let all: Vec<Counts> = self.gauges.iter().map(|gauge| gauge.counts()).collect();
        Counts::sum(all.iter())
    }

    /// Writes the interval that goes on until `to`.
    fn write(&mut self, to: Duration) -> Result<(), Trouble> {
        let interval = self.written.interval(to, self.counts(), self.plan.length);
        self.files.one_way_interval(&interval)?;
        if self.report.json_stream {
            return self.progress.beside(|| say(&shown::json::interval(&interval)));
        }
        if self.wants_lines() {
            self.progress.say(&shown::interval_line(&interval));
        }
        Ok(())
    }

    /// Keeps what was counted until `to`.
    fn keep(&mut self, to: Duration) -> Interval {
        let piece = self.kept.interval(to, self.counts(), self.plan.length);
        self.course.push(piece.clone());
        self.count();
        piece
    }

    /// Tells whoever asks meanwhile.
    fn count(&self) {
        let counts = &self.kept.counts;
        let view = counts.view.unwrap_or_default();
        let count = |kind, name, help, value| Count { kind, name, help, value };
        let sent = "Datagrams that were sent.";
        let mut told = vec![count(Kind::Counter, "netproto_bench_sent_datagrams_total", sent, counts.sent)];
        if let (Some(received), Some(missing)) = (counts.received(), counts.missing()) {
            let came = "Datagrams that came, each once, as the server counted.";
            let late = "Datagrams that had not come when later ones had: they may be on their way.";
            told.extend([
                count(Kind::Counter, "netproto_bench_received_datagrams_total", came, received),
                count(
                    Kind::Counter,
                    "netproto_bench_duplicated_datagrams_total",
                    "Datagrams that came again.",
                    view.duplicated,
                ),
                count(Kind::Counter, "netproto_bench_reordered_datagrams_total", "Those out of order.", view.reordered),
                count(
                    Kind::Counter,
                    "netproto_bench_corrupted_datagrams_total",
                    "Datagrams that were changed.",
                    view.corrupt,
                ),
                count(Kind::Gauge, "netproto_bench_missing_datagrams", late, missing),
            ]);
        }
        self.files.count(|| self.told.clone(), &told);
    }

    fn show(&mut self, so_far: Duration, piece: &Interval) {
        let (counts, seconds) = (self.kept.counts, so_far.as_secs_f64());
        let done = match (self.plan.time, self.plan.count) {
            (Some(time), _) => seconds / time.as_secs_f64(),
            (None, wanted) => counts.sent as f64 / wanted.unwrap_or(u64::MAX) as f64,
        };
        let rate = words::per_second(piece.per_second(piece.counts.sent));
        let missing = counts.missing().map_or_else(String::new, |many| format!("  {} missing", show::grouped(many)));
        let sent = show::grouped(counts.sent);
        self.progress.show(done, format!("{seconds:.1} s  {rate}  {sent} sent{missing}"));
    }

    /// All is over, which took `lasted`: writes the interval that had begun, if any. Gives the course.
    pub(super) fn end(mut self, lasted: Duration) -> Result<Vec<Interval>, Trouble> {
        self.progress.end();
        let to = self.beat.within(lasted);
        if to > self.kept.at {
            self.keep(to);
        }
        if to > self.written.at {
            self.write(to)?;
        }
        Ok(self.course.end())
    }
}

impl Cut {
    /// What was counted since this, until `to`, when it is `counts` in all: there it stands from now on.
    fn interval(&mut self, to: Duration, counts: Counts, length: usize) -> Interval {
        let before = std::mem::replace(self, Self { at: to, counts });
        Interval { from: before.at, to, counts: counts.since(&before.counts), length }
    }
}
