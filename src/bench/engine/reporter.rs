//! Gathers what the workers count: adds it up, shows progress, writes intervals as they are complete.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::{
    bench::{
        ReportPlan,
        live::Feed,
        load::{Shape, course::Course, tuning::Tuning},
        over_time::{OverTime, Stretch},
        progress::Progress,
        record::{Keeper, Piece},
        report::{Files, interval::Interval, json, say},
        stats::{Giver, Slice, Tally},
    },
    error::Trouble,
};

/// Intervals that are wanted when no length was given.
const INTERVAL: Duration = Duration::from_secs(1);
/// How often workers hand over, at least.
const TICK: Duration = Duration::from_millis(250);

/// How the measured time is cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    pub(super) tick: Duration,
    /// Ticks in an interval.
    per: u32,
    interval: Duration,
}

impl Cut {
    pub(super) fn of(plan: &ReportPlan) -> Self {
        let interval = plan.interval.unwrap_or(INTERVAL).max(Duration::from_millis(1));
        let per = interval.as_nanos().div_ceil(TICK.as_nanos()).clamp(1, 1 << 20) as u32;
        Self { tick: interval / per, per, interval }
    }
}

/// What a run is called in its intervals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    pub(super) run: u32,
    /// How long after the files' beginning its measured time began.
    pub(super) after: Duration,
    pub(super) datagrams: bool,
}

pub(super) struct Reporter<'a> {
    plan: &'a ReportPlan,
    files: &'a mut Files,
    names: Names,
    cut: Cut,
    givers: Vec<Giver>,
    /// Ticks delivered by each worker; `None`: it has ended.
    delivered: Vec<Option<u32>>,
    /// Intervals that are not complete; the first is number `written`.
    open: VecDeque<Tally>,
    /// Intervals that were written, to be used again.
    spare: Vec<Tally>,
    written: u32,
    /// Ticks of which progress was shown.
    seen: u32,
    total: Tally,
    /// The course of the run, where the report shows it.
    keeper: Option<Keeper>,
    shape: &'a Shape,
    /// Where the rate changes, or may.
    over_time: Option<OverTime>,
    /// A screen that shows it.
    live: Option<Feed>,
    progress: Progress,
}

impl<'a> Reporter<'a> {
    pub(super) fn begin(
        (plan, files): (&'a ReportPlan, &'a mut Files),
        names: Names,
        cut: Cut,
        givers: Vec<Giver>,
        (shape, course): (&'a Shape, Option<&Course>),
        (measured_from, live): (Instant, Option<Feed>),
    ) -> Self {
        let delivered = vec![Some(0); givers.len()];
        let progress = Progress::begin(plan.quiet || live.is_some(), shape.until, measured_from);
        let changes = course.is_some() || (live.is_some() && shape.open_loop());
        let over_time = changes.then(|| OverTime::begin(course, shape, cut.tick));
        let (open, total) = (VecDeque::new(), Tally::default());
        let keeper = plan.keeps_course().then(|| Keeper::new(cut.tick));
        Self {
            plan,
            files,
            names,
            cut,
            givers,
            delivered,
            open,
            spare: Vec::new(),
            written: 0,
            seen: 0,
            total,
            keeper,
            shape,
            over_time,
            live,
            progress,
        }
    }

    /// The shape as it has become.
    fn shape(&self) -> Shape {
        self.live.as_ref().map_or_else(|| self.shape.clone(), |live| live.controls().see(Tuning::shape))
    }

    fn wants_intervals(&self) -> bool {
        let plan = self.plan;
        plan.interval.is_some() || plan.json_stream || plan.csv.is_some() || plan.hdr.is_some()
    }

    /// Takes what a worker counted.
    pub(super) fn take(&mut self, slice: Slice) -> Result<(), Trouble> {
        let number = slice.tick.or(self.delivered[slice.worker]).unwrap_or(0);
        if let Some(live) = &self.live {
            live.take(number, &slice);
        }
        let Slice { worker, tick, tally, .. } = slice;
        self.total.add(&tally);
        if let Some(over_time) = &mut self.over_time {
            over_time.take(number, &tally);
        }
        if self.wants_intervals() {
            let at = (number / self.cut.per).saturating_sub(self.written) as usize;
            while self.open.len() <= at {
                self.open.push_back(self.spare.pop().unwrap_or_default());
            }
            self.open[at].add(&tally);
        }
        if let Some(keeper) = &mut self.keeper {
            keeper.take(number, &tally);
        }
        self.delivered[worker] = tick.map(|tick| tick + 1);
        self.givers[worker].give(tally);
        self.complete()
    }

    /// Writes the intervals that all workers have delivered.
    fn complete(&mut self) -> Result<(), Trouble> {
        let Some(ticks) = self.delivered.iter().flatten().min().copied() else { return Ok(()) };
        if ticks > self.seen {
            self.seen = ticks;
            self.progress.update(&self.total);
            if let Some(live) = &self.live {
                live.complete(ticks, &self.total);
            }
            if let Some(keeper) = &mut self.keeper {
                keeper.complete(ticks);
            }
            self.files.update(&self.total);
        }
        while (self.written + 1) * self.cut.per <= ticks {
            self.write(self.cut.interval * (self.written + 1))?;
        }
        Ok(())
    }

    fn write(&mut self, to: Duration) -> Result<(), Trouble> {
        let from = self.cut.interval * self.written;
        self.written += 1;
        if !self.wants_intervals() {
            return Ok(());
        }
        let mut tally = self.open.pop_front().or_else(|| self.spare.pop()).unwrap_or_default();
        self.show(from, to, &tally)?;
        tally.clear();
        self.spare.push(tally);
        Ok(())
    }

    fn show(&mut self, from: Duration, to: Duration, tally: &Tally) -> Result<(), Trouble> {
        let Names { run, after, datagrams } = self.names;
        let interval = Interval { run, after, from, to, tally, asked: self.shape().asked(from, to) };
        self.files.interval(&interval)?;
        if self.plan.json_stream {
            return self.progress.beside(|| say(&json::interval(&interval, datagrams)));
        }
        if self.plan.interval.is_some() && !self.plan.quiet && self.live.is_none() {
            self.progress.say(&interval.line());
        }
        Ok(())
    }

    /// All workers have ended after `duration`: writes what is left and gives the total, its course, and what there is to tell of
    /// stretches.
    pub(super) fn end(mut self, duration: Duration) -> Result<(Tally, Vec<Piece>, Vec<Stretch>), Trouble> {
        self.progress.end();
        self.files.update(&self.total);
        while !self.open.is_empty() {
            let from = self.cut.interval * self.written;
            let full = self.cut.interval * (self.written + 1);
            // The last one takes what came after the end, too.
            let to = if self.open.len() == 1 { duration.max(from) } else { full };
            if self.open.len() == 1 && to <= from && self.open[0].counters.ended() == 0 {
                break;
            }
            self.write(to)?;
        }
        let shape = self.shape();
        let pieces = self.keeper.map(|keeper| keeper.end(duration)).unwrap_or_default();
        let over_time = self.over_time.map(|over_time| over_time.along(shape).end(duration)).unwrap_or_default();
        Ok((self.total, pieces, over_time))
    }
}
