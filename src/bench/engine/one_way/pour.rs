//! Sends from all sockets of a worker: as fast as the server tells that it comes, or as its pace says.

use std::{
    future::poll_fn,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use super::{
    line::{Line, Sent},
    pace::Pace,
    worker::Shared,
};
use crate::{
    bench::{shown, stats},
    error::{Trouble, reason},
    os::Ticker,
    role::stop::{Phase, Waiter},
};

/// Calls in a row, before anything else is looked at; and of those that send one datagram each.
const AT_ONCE: usize = 32;
const SINGLES_AT_ONCE: usize = 256;
/// How often the server is asked, where nothing else asks it.
const TICK: Duration = Duration::from_millis(25);
/// What was due at the end is still sent when it is so much later.
const LATE: Duration = Duration::from_millis(2);

pub(super) struct Pour<'a> {
    pub(super) shared: &'a Shared,
    pub(super) lines: Vec<Line>,
    gaps: Histogram<u64>,
    ticker: Ticker,
    stop: Waiter,
    stopped: bool,
    index: usize,
    /// Whose turn it is.
    turn: usize,
    next_tick: Instant,
    /// The system takes no more now.
    full: bool,
}

impl<'a> Pour<'a> {
    pub(super) fn new(shared: &'a Shared, index: usize, lines: Vec<Line>) -> Result<Self, Trouble> {
        let ticker =
            Ticker::new().map_err(|error| Trouble::failed(format!("could not make a timer: {}", reason(&error))))?;
        Ok(Self {
            stop: shared.stop.waiter(),
            shared,
            lines,
            gaps: stats::histogram(),
            ticker,
            stopped: false,
            index,
            turn: 0,
            next_tick: Instant::now(),
            full: false,
        })
    }

    pub(super) fn into_parts(self) -> (Vec<Line>, Histogram<u64>) {
        (self.lines, self.gaps)
    }

    /// What was sent so far is not counted.
    pub(super) fn anew(&mut self) {
        self.lines.iter_mut().for_each(Line::anew);
        self.gaps.reset();
    }

    pub(super) fn all_answered(&self) -> bool {
        self.lines.iter().all(|line| line.answered.is_some())
    }

    fn pace(&self) -> Option<Pace> {
        let share = self.lines.len() as f64 / self.shared.gauges.len() as f64;
        self.shared.plan.rate.map(|rate| Pace::new(rate * share, self.index, self.shared.threads))
    }

    /// Sends until the time is over, all was sent, or it is to stop.
    pub(super) async fn run(&mut self, time: Option<Duration>) {
        let (from, mut pace) = (Instant::now(), self.pace());
        let ends = time.and_then(|time| from.checked_add(time));
        for line in &mut self.lines {
            line.heard_now();
        }
        while !self.stopped && self.lines.iter().any(|line| line.left() > 0) {
            let now = Instant::now();
            let over = ends.is_some_and(|ends| now >= ends);
            if over && (pace.is_none() || ends.is_some_and(|ends| now > ends + LATE)) {
                return;
            }
            if now >= self.next_tick {
                self.tick(now, pace.is_some());
            }
            let (sent, next) = match &mut pace {
                None => (self.fast(), self.next_tick),
                Some(pace) => {
                    let since = now.saturating_duration_since(from);
                    let last = time.map(|time| time.saturating_sub(Duration::from_nanos(1)));
                    let sent = self.due(pace, last.map_or(since, |last| since.min(last)));
                    (sent, from.checked_add(pace.next()).unwrap_or(self.next_tick))
                }
            };
            if over && sent == 0 {
                return;
            }
            let next = ends.map_or(next, |ends| next.min(ends)).min(self.next_tick);
            self.pause(sent == 0 || next > now && pace.is_some(), next).await;
        }
    }

    /// A round of all sockets, each as much as may be on its way.
    fn fast(&mut self) -> u64 {
        let (mut all, mut idle) = (0, 0);
        let singles = self.lines.iter().any(|line| line.batch() == 1);
        let most = if singles { SINGLES_AT_ONCE } else { AT_ONCE };
        for _ in 0..most.max(self.lines.len()) {
            let at = self.turn;
            self.turn = (at + 1) % self.lines.len();
            let line = &mut self.lines[at];
            let room = if self.shared.plain { u64::MAX } else { line.flow.room(line.sent) };
            // Full calls, but for the last.
            let many = if room >= line.batch() || room >= line.left() { room } else { 0 };
            let sent = line.send(many, &mut self.gaps);
            if !self.shared.plain && line.flow.asks(line.sent) {
                line.ask(false);
            }
            match sent {
                Sent::Some(0) | Sent::Failed => {
                    idle += 1;
                    if idle == self.lines.len() {
                        break;
                    }
                }
                Sent::Some(sent) => (all, idle) = (all + sent, 0),
                Sent::Full => {
                    self.full = true;
                    break;
                }
            }
        }
        all
    }

    /// What is due, in turns.
    fn due(&mut self, pace: &mut Pace, since: Duration) -> u64 {
        let (mut due, mut all) = (pace.due(since), 0);
        let together = pace.together(due, self.lines.len());
        for _ in 0..AT_ONCE {
            if due == 0 {
                break;
            }
            let many = together.min(due);
            let at = self.turn;
            self.turn = (at + 1) % self.lines.len();
            let line = &mut self.lines[at];
            // What one that has failed, or has sent its share, would have sent is not made up for by others.
            let taken = match line.send(many, &mut self.gaps) {
                Sent::Full => {
                    self.full = true;
                    break;
                }
                Sent::Some(0) | Sent::Failed => many,
                Sent::Some(sent) => sent,
            };
            pace.took(taken);
            (due, all) = (due - taken, all + taken);
        }
        all
    }

    /// Asks where nobody asked for a while, and gives up on who has not answered for long.
    fn tick(&mut self, now: Instant, paced: bool) {
        self.next_tick = now + TICK;
        if self.shared.plain {
            return;
        }
        let timeout = self.shared.timeout;
        for line in self.lines.iter_mut().filter(|line| line.left() > 0) {
            if !paced && line.silent_for(timeout) {
                let sentence = format!("the server has not answered for {}", shown::span(timeout));
                line.failed(sentence, Some("-w sets how long to wait, as in -w 5s; -r and -b send all the same"), true);
            } else if line.silent_for(TICK) && line.has_news() {
                line.ask(false);
            }
        }
    }

    /// Waits until something has come, there is room, or until `next`; or only gives others their turn.
    async fn pause(&mut self, waits: bool, next: Instant) {
        let full = std::mem::take(&mut self.full);
        if !waits && !full {
            tokio::task::yield_now().await;
            return poll_fn(|cx| {
                self.look(cx);
                Poll::Ready(())
            })
            .await;
        }
        self.ticker.set_at(next);
        let heard = self.heard();
        poll_fn(|cx| {
            self.look(cx);
            let room = full && self.lines.iter().any(|line| line.poll_room(cx).is_ready());
            let ready = self.stopped || room || self.heard() != heard || self.ticker.poll_tick(cx).is_ready();
            if ready { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn heard(&self) -> u64 {
        self.lines.iter().fold(0, |sum, line| sum.wrapping_add(line.heard_ns))
    }

    /// Hears what has come.
    fn look(&mut self, cx: &mut Context<'_>) {
        self.stopped |= self.stop.poll(cx).is_ready();
        for line in &mut self.lines {
            let _ = line.poll_hear(cx);
        }
    }

    /// Waits until all sockets take something.
    pub(super) async fn room(&mut self) {
        for line in &self.lines {
            poll_fn(|cx| line.poll_room(cx)).await;
        }
    }

    /// Hears until `enough`, or `until`; false when it is to end at once.
    pub(super) async fn hear(&mut self, until: Instant, enough: impl Fn(&Self) -> bool) -> bool {
        self.ticker.set_at(until);
        poll_fn(|cx| {
            self.look(cx);
            let over = self.shared.stop.phase() == Phase::Now || enough(self) || self.ticker.poll_tick(cx).is_ready();
            if over { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        self.shared.stop.phase() != Phase::Now
    }
}
