//! Looks at the streams while they run: shows progress, and writes an interval when it is over.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Gauge, worker::Shared};
use crate::{
    bench::{
        ReportPlan, Until,
        bulk::{BulkPlan, Figures, Interval, Moved},
        engine::beat::Beat,
        measured::Course,
        progress::Progress,
        report::{Count, Files, Told, bulk as shown, say},
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
    plan: BulkPlan,
    progress: Progress,
    beat: Beat,
    /// Up to where intervals were written, and up to where the course was kept.
    written: Cut,
    kept: Cut,
    course: Course<Interval>,
}

/// A moment of the measured time, and what each stream had moved by then.
struct Cut {
    at: Duration,
    streams: Vec<Before>,
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
        let looks = Self {
            report,
            files,
            told: Told {
                transport: shared.peer.scheme.name(),
                protocol: shared.protocol.name,
                target: shared.peer.address.to_string(),
                mode: "bulk",
                connections: shared.gauges.len(),
            },
            gauges: shared.gauges.clone(),
            plan: shared.plan.clone(),
            progress: Progress::begin(report.quiet, until, from),
            beat: Beat::new(from, shared.plan.time, report.interval),
            written: Cut::at_start(shared.gauges.len()),
            kept: Cut::at_start(shared.gauges.len()),
            course: Course::default(),
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
        let now = self.beat.wait().await;
        if self.beat.is_first() {
            // What crossed before the measured time is not counted.
            for cut in [&mut self.written, &mut self.kept] {
                cut.interval(Duration::ZERO, &self.gauges, &self.plan);
            }
        }
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

    /// Writes the interval that goes on until `to`.
    fn write(&mut self, to: Duration) -> Result<(), Trouble> {
        let interval = self.written.interval(to, &self.gauges, &self.plan);
        if !self.wants_intervals() {
            return Ok(());
        }
        self.files.bulk_interval(&interval)?;
        if self.report.json_stream {
            return self.progress.beside(|| say(&shown::json::interval(&interval)));
        }
        if self.wants_lines() {
            self.progress.say(&shown::interval_lines(&interval, &self.plan));
        }
        Ok(())
    }

    /// Keeps what moved until `to`.
    fn keep(&mut self, to: Duration) -> Interval {
        let piece = self.kept.interval(to, &self.gauges, &self.plan);
        let piece = Interval { streams: vec![piece.sum()], ..piece };
        self.course.push(piece.clone());
        self.count();
        piece
    }

    /// Tells whoever asks meanwhile.
    fn count(&self) {
        let sum = |of: fn(&Before) -> u64| self.kept.streams.iter().map(of).sum();
        let count = |name, help, value| Count { kind: Kind::Counter, name, help, value };
        let counts = [
            count("netproto_bench_sent_bytes_total", "Bytes that were sent.", sum(|stream| stream.sent)),
            count("netproto_bench_received_bytes_total", "Bytes that came.", sum(|stream| stream.received)),
            count("netproto_bench_retransmits_total", "Segments that were sent again.", sum(|stream| stream.retransmits)),
        ];
        self.files.count(|| self.told.clone(), &counts);
    }

    fn show(&mut self, so_far: Duration, piece: &Interval) {
        let moved = piece.sum();
        let rate = piece.bits_per_second(moved.up + moved.down);
        let bytes: u64 = self.kept.streams.iter().map(|stream| stream.sent + stream.received).sum();
        let done = match (self.plan.time, self.plan.bytes) {
            (Some(time), _) => so_far.as_secs_f64() / time.as_secs_f64(),
            (None, wanted) => bytes as f64 / wanted.unwrap_or(u64::MAX) as f64,
        };
        let seconds = so_far.as_secs_f64();
        self.progress.show(done, format!("{seconds:.1} s  {}  {}", show::bits_per_second(rate), show::bytes(bytes)));
    }

    /// All is over: writes the interval that had begun, if any. Gives the course.
    pub(super) fn end(mut self) -> Result<Vec<Interval>, Trouble> {
        self.progress.end();
        if !self.beat.is_first() {
            let to = self.beat.so_far(Instant::now());
            if to > self.kept.at {
                self.keep(to);
            }
            if to > self.written.at {
                self.write(to)?;
            }
        }
        Ok(self.course.end())
    }
}

impl Cut {
    fn at_start(streams: usize) -> Self {
        Self { at: Duration::ZERO, streams: vec![Before::default(); streams] }
    }

    /// What moved since this, until `to`: there it stands from now on.
    fn interval(&mut self, to: Duration, gauges: &[Arc<Gauge>], plan: &BulkPlan) -> Interval {
        let streams = self.streams.iter_mut().zip(gauges).map(|(before, gauge)| before.moved(gauge, plan)).collect();
        Interval { from: std::mem::replace(&mut self.at, to), to, streams }
    }
}

impl Before {
    fn moved(&mut self, gauge: &Gauge, plan: &BulkPlan) -> Moved {
        let ((sent, received), info) = (gauge.so_far(), gauge.last_info());
        let now = Self { sent, received, retransmits: info.map_or(0, |info| info.retransmits.into()) };
        let before = std::mem::replace(self, now);
        let figures = info.map(|info| Figures {
            retransmits: plan.up.then(|| now.retransmits.saturating_sub(before.retransmits)),
            ..Figures::ours(&info, plan.up)
        });
        Moved { up: sent - before.sent, down: received - before.received, figures }
    }
}
