//! What the connections of one worker share. One thread owns it all: no locks, and nothing is shared with other workers.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

mod ends;
mod tuned;

use self::tuned::Pause;
pub(super) use super::request::Request;
use super::{
    down::Down,
    idle::Idle,
    job::Job,
    lane::{self, Lane},
    usage::Usage,
};
use crate::{
    bench::{
        failure::Failure,
        load::{Next, Schedule, Shape, Worker, gaps::Gaps},
        stats::{Counters, Recorder, Tally},
    },
    os,
};

/// The state of one worker.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) job: Arc<Job>,
    /// Where its conversations are, if they may be.
    pub(super) lane: Option<Rc<Lane>>,
    pub(super) down: Down,
    recorder: RefCell<Recorder>,
    /// What is due, and in open loop also what was due and nobody has taken yet: its times follow from the schedule, so
    /// nothing is kept for it, however much it is.
    schedule: RefCell<Schedule>,
    /// Open loop: who is told when all that was due is taken.
    pacer: RefCell<Option<Waker>>,
    idle: RefCell<Idle>,
    /// By place: how many of its requests were answered rightly, of those that count.
    answered: RefCell<Vec<u64>>,
    /// What is to be said again.
    returned: RefCell<VecDeque<Request>>,
    /// When the next connection may be opened, where there is a rate for that.
    gaps: Option<RefCell<Gaps>>,
    /// Connections that were opened, where each request has one.
    opened: Cell<usize>,
    worker: Worker,
    /// When this worker was made.
    made: Instant,
    begun: Cell<bool>,
    start: Cell<Instant>,
    measured_from: Cell<Instant>,
    stops_at: Cell<Option<Instant>>,
    /// Open loop: nothing will become due any more.
    closing: Cell<bool>,
    pub(super) usage: Usage,
    last_answer: Cell<Instant>,
    /// When the last request ended, in whatever way.
    last_end: Cell<Instant>,
    pause: Pause,
}

impl Work {
    pub(super) fn new(job: Arc<Job>, (index, of): (u64, u64), places: usize, recorder: Recorder, now: Instant) -> Self {
        let shape = Shape { until: job.shard.until(job.shape.until, (index, of)), ..job.shape.clone() };
        let worker = job.shard.worker(index, of);
        let down = Down::new(places, job.reconnect || job.datagrams());
        let schedule = Schedule::new(shape, worker, job.in_flight.unwrap_or(usize::MAX));
        let gaps = job.connect_rate.map(|rate| RefCell::new(Gaps::new(rate, worker)));
        let lane = lane::is_for(&job).then(|| Lane::new(places).ok()).flatten().map(Rc::new);
        Self {
            job,
            lane,
            down,
            gaps,
            opened: Cell::new(0),
            worker,
            made: now,
            recorder: RefCell::new(recorder),
            schedule: RefCell::new(schedule),
            pacer: RefCell::default(),
            idle: RefCell::new(Idle::new(places)),
            answered: RefCell::new(vec![0; places]),
            returned: RefCell::default(),
            begun: Cell::new(false),
            start: Cell::new(now),
            measured_from: Cell::new(now),
            stops_at: Cell::new(None),
            closing: Cell::new(false),
            usage: Usage::default(),
            last_answer: Cell::new(now),
            last_end: Cell::new(now),
            pause: Pause::default(),
        }
    }

    /// Everybody begins at the same moment. Told by whoever hears of it first.
    pub(super) fn begin(&self, start: Instant) {
        self.start.set(start);
        self.begun.set(true);
        self.measured_from.set(start + self.job.shape.measured_from());
        self.stops_at.set(self.job.shape.stops_at().map(|at| start + at));
    }

    /// The number of a connection among those of all workers.
    #[inline]
    pub(super) fn number(&self, place: usize) -> usize {
        self.worker.index as usize + place * self.worker.of as usize
    }

    /// Whose address of ours connection `number` has: its own, or all in turn where each request has a connection.
    pub(super) fn turn_of(&self, number: usize) -> usize {
        self.opened.set(self.opened.get().wrapping_add(usize::from(self.job.reconnect)));
        if self.job.reconnect { self.number(self.opened.get()) } else { number }
    }

    /// When the next connection may be opened; each who asks has a turn of its own. `None`: at once.
    pub(super) fn connect_turn(&self, now: Instant) -> Option<Instant> {
        let turn = self.gaps.as_ref()?.borrow_mut().turn(now.saturating_duration_since(self.made));
        self.made.checked_add(turn)
    }

    pub(super) fn start(&self) -> Instant {
        self.start.get()
    }

    pub(super) fn measured_from(&self) -> Instant {
        self.measured_from.get()
    }

    pub(super) fn stops_at(&self) -> Option<Instant> {
        self.stops_at.get()
    }

    /// Something was answered, or was written that has no answer.
    pub(super) fn heard_at(&self, now: Instant) {
        self.last_answer.set(now);
        self.last_end.set(now);
    }

    /// A request ended without an answer.
    pub(super) fn ended_at(&self, now: Instant) {
        self.last_end.set(now);
    }

    pub(super) fn last_answer(&self) -> Instant {
        self.last_answer.get()
    }

    /// Did anything come yet?
    pub(super) fn has_heard(&self) -> bool {
        self.last_answer.get() > self.made
    }

    pub(super) fn last_end(&self) -> Instant {
        self.last_end.get()
    }

    pub(super) fn open_loop(&self) -> bool {
        self.job.shape.open_loop()
    }

    /// Counts, if `measured`.
    #[inline]
    pub(super) fn count(&self, measured: bool, count: impl FnOnce(&mut Tally)) {
        if measured {
            count(&mut self.recorder.borrow_mut().tally);
        }
    }

    /// Counts what belongs to no request, once measuring has begun.
    pub(super) fn note(&self, count: impl FnOnce(&mut Counters)) {
        self.count(self.usage.has_begun(), |tally| count(&mut tally.counters));
    }

    /// The next request for `place`, which has `in_flight` on their way; `None`: nothing more will be sent. The clock is read
    /// only where `now` is not known.
    #[inline]
    pub(super) fn poll_request(
        &self,
        cx: &mut Context<'_>,
        place: usize,
        in_flight: usize,
        now: Option<Instant>,
    ) -> Poll<Option<Request>> {
        if self.is_paused() {
            self.idle.borrow_mut().enter(place, cx.waker());
            return Poll::Pending;
        }
        if let Some(request) = self.take_returned() {
            return Poll::Ready(Some(request));
        }
        if self.open_loop() {
            return self.poll_queue(cx, place);
        }
        let now = now.unwrap_or_else(Instant::now);
        match self.next_of_closed_loop(in_flight, now) {
            Next::Now(_) => Poll::Ready(Some(self.leaves(now, now))),
            Next::At(_) | Next::Wait => Poll::Pending,
            Next::Done => Poll::Ready(None),
        }
    }

    #[inline]
    fn next_of_closed_loop(&self, in_flight: usize, now: Instant) -> Next {
        self.schedule.borrow_mut().next(self.since(now), in_flight)
    }

    fn poll_queue(&self, cx: &mut Context<'_>, place: usize) -> Poll<Option<Request>> {
        match self.take_due(Instant::now()) {
            Some(request) => Poll::Ready(Some(request)),
            None if self.closing.get() => Poll::Ready(None),
            None => {
                self.idle.borrow_mut().enter(place, cx.waker());
                Poll::Pending
            }
        }
    }

    /// The oldest that is due. What has waited for longer than the time-out has failed.
    fn take_due(&self, now: Instant) -> Option<Request> {
        if self.closing.get() {
            return None;
        }
        self.expire(now);
        let next = self.schedule.borrow_mut().next(self.since(now), 0);
        match self.next_due(now) {
            Next::Now(_) => self.wake(),
            _ => self.caught_up(),
        }
        let Next::Now(due) = next else { return None };
        Some(self.leaves(self.start.get() + due, now))
    }

    /// The run has begun, and nothing is left to be said.
    pub(super) fn has_said_all(&self, now: Instant) -> bool {
        let done = || self.closing.get() || (self.next_due(now) == Next::Done && self.returned.borrow().is_empty());
        self.begun.get() && done()
    }

    /// What comes next, of all that is due or will be.
    pub(super) fn next_due(&self, now: Instant) -> Next {
        self.schedule.borrow().peek(self.since(now), 0)
    }

    #[inline]
    fn leaves(&self, due: Instant, sent: Instant) -> Request {
        let measured = due >= self.measured_from.get();
        if measured && !self.usage.has_begun() {
            self.usage.begin(sent);
        }
        Request { due, sent, measured, again: false }
    }

    /// The peer did not answer `request`, and said so: it is said again, unless sending is over by then.
    pub(super) fn give_back(&self, request: Request) {
        self.returned.borrow_mut().push_back(Request { again: true, ..request });
    }

    #[inline]
    fn take_returned(&self) -> Option<Request> {
        let mut returned = self.returned.borrow_mut();
        if returned.is_empty() {
            return None;
        }
        let now = Instant::now();
        if self.stops_at().is_some_and(|at| now >= at) {
            return None;
        }
        // It waits as long as it takes since it was due; a reply in time is one in time for this attempt.
        returned.pop_front().map(|request| Request { sent: now, ..request })
    }

    /// `request` leaves: from now on it is the other end's.
    #[inline]
    pub(super) fn sent(&self, request: &Request) {
        self.count(request.measured && !request.again, |tally| tally.counters.sent += 1);
    }

    /// Since when nothing was answered; never, where the run ends by the clock.
    pub(super) fn silent_for(&self, now: Instant) -> Duration {
        if self.stops_at.get().is_some() || self.open_loop() {
            return Duration::ZERO;
        }
        now.saturating_duration_since(self.last_answer.get().max(self.start.get()))
    }

    /// A connection was made, for warm-up or to be `measured`.
    pub(super) fn connected(&self, measured: bool, took: Duration) {
        self.count(measured, |tally| {
            tally.counters.connects += 1;
            tally.connect.saturating_record(nanos(took));
        });
    }

    /// A right answer to `request` came, at `place`, so long after it was sent.
    #[inline]
    pub(super) fn right(&self, place: usize, request: &Request, now: Instant, waited: Duration) {
        let since_due = if request.due == request.sent { waited } else { now.saturating_duration_since(request.due) };
        let (latency, as_sent) = (nanos(since_due), self.open_loop().then(|| nanos(waited)));
        self.count(request.measured, |tally| tally.right(latency, as_sent));
        self.answered.borrow_mut()[place] += u64::from(request.measured);
    }

    /// `request`, to which there is no answer, was written at `place`.
    pub(super) fn right_unanswered(&self, place: usize, request: &Request) {
        self.count(request.measured, Tally::right_unanswered);
        self.answered.borrow_mut()[place] += u64::from(request.measured);
    }

    /// How many were right at each place.
    pub(super) fn answered(&self) -> Vec<u64> {
        self.answered.borrow().clone()
    }

    /// How late `request` left by our own fault. That it waited until the connection was free, at `free`, is the server's fault, but
    /// only where no other connection was free.
    pub(super) fn lag(&self, request: &Request, free: Instant) {
        let others_free = self.idle.borrow().any();
        let from = if others_free { request.due } else { request.due.max(free) };
        let lag = nanos(request.sent.saturating_duration_since(from));
        self.count(request.measured, |tally| tally.send_lag.saturating_record(lag));
    }

    /// Open loop: wakes one for what is due. Whoever takes it wakes the next, while there is more.
    pub(super) fn wake(&self) {
        self.idle.borrow_mut().wake(1);
    }

    pub(super) fn wake_all(&self) {
        self.idle.borrow_mut().wake(usize::MAX);
    }

    fn caught_up(&self) {
        if let Some(pacer) = self.pacer.borrow_mut().take() {
            pacer.wake();
        }
    }

    /// Open loop: until nothing that was due is left.
    pub(super) async fn all_taken(&self) {
        std::future::poll_fn(|cx| match self.next_due(Instant::now()) {
            Next::Now(_) => {
                *self.pacer.borrow_mut() = Some(cx.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(()),
        })
        .await;
    }

    /// This place takes no more. Whoever was woken in its stead is another.
    pub(super) fn leave(&self, place: usize) {
        self.idle.borrow_mut().leave(place);
        self.wake();
    }

    /// Open loop: fails what has waited for longer than the time-out.
    pub(super) fn expire(&self, now: Instant) {
        if let Some(too_old) = self.since(now).checked_sub(self.job.timeout) {
            self.leave_out(too_old, Failure::TimedOut);
        }
    }

    /// Open loop: nothing more becomes due.
    pub(super) fn close(&self) {
        self.closing.set(true);
        self.wake_all();
    }

    pub(super) fn hand_over(&self, tick: u32) {
        self.recorder.borrow_mut().hand_over(tick, os::thread_cpu_time());
    }

    /// Hands over what there is, for good.
    pub(super) fn finish(&self) {
        self.recorder.borrow_mut().finish();
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
