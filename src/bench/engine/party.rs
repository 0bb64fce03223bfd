//! Who speaks and listens in one conversation of the load generator: takes requests as they become due, times the answers,
//! gives up on those that do not come.

mod hears;

use std::{
    collections::VecDeque,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Instant,
};

use bytes::{Bytes, BytesMut};
use tokio::time::Sleep;

use super::{
    awaited::Awaited,
    steps::Steps,
    turns::Turns,
    work::{Request, Work},
};
use crate::{
    bench::failure::Failure,
    protocol::Answers,
    role::{Quit, Said, Source, stop::Waiter},
    session::{Closed, Verdict, Violation},
};

/// One end of one conversation.
pub(super) struct Party {
    work: Rc<Work>,
    place: usize,
    awaited: Awaited,
    /// Taken before the connection was made.
    taken: Option<Request>,
    /// The protocol could not take it yet.
    held: Option<(u64, Bytes)>,
    /// What was said on earlier connections in this place.
    said_before: u64,
    said: u64,
    forgotten: VecDeque<u64>,
    /// Said and not answerable: done when all of it is written.
    unwritten: VecDeque<Request>,
    room: BytesMut,
    /// When the last answer came, or the conversation began: since then there was room for another request.
    free: Instant,
    steps: Steps,
    /// The clock, as last read and not yet used for sending.
    now: Option<Instant>,
    highest: Option<u64>,
    timer: Option<Pin<Box<Sleep>>>,
    armed: bool,
    stop: Waiter,
    state: State,
    turns: Turns,
}

#[derive(Debug, Default)]
struct State {
    /// Nothing more will be said.
    over: bool,
    timed_out: bool,
    /// Something came.
    heard: bool,
    /// Something was answered.
    answered: bool,
    /// Something is to be said again.
    returned: bool,
    /// Streams: so many bytes came that answer nothing.
    unasked: usize,
}

/// How to go on after a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Over,
    /// A new connection; the last one was of use.
    Worked,
    /// A new connection; the last one was of none, since all that was said on it was waited for in vain ...
    TimedOut,
    /// ... or for another reason.
    Failed,
}

impl Party {
    pub(super) fn new(work: Rc<Work>, place: usize, taken: Option<Request>, said_before: u64, now: Instant) -> Self {
        let stop = work.job.stop.waiter();
        Self {
            work,
            place,
            awaited: Awaited::default(),
            taken,
            held: None,
            said_before,
            said: 0,
            forgotten: VecDeque::new(),
            unwritten: VecDeque::new(),
            room: BytesMut::new(),
            free: now,
            steps: Steps::from(now),
            now: None,
            highest: None,
            timer: None,
            armed: false,
            stop,
            state: State::default(),
            turns: Turns::default(),
        }
    }

    fn datagrams(&self) -> bool {
        self.work.job.datagrams()
    }

    fn silent(&self) -> bool {
        self.work.job.answers == Answers::Never
    }

    /// The next request, if there is one and room for it.
    #[inline]
    fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<Option<Request>> {
        if let Some(mut request) = self.taken.take() {
            request.sent = Instant::now();
            return Poll::Ready(Some(request));
        }
        if self.work.job.reconnect {
            return Poll::Ready(None);
        }
        if self.work.job.in_flight.is_some_and(|most| self.awaited.count() >= most) {
            return Poll::Pending;
        }
        self.work.poll_request(cx, self.place, self.awaited.count(), self.now.take())
    }

    #[inline]
    fn said(&mut self, request: Request, cx: &mut Context<'_>) -> (u64, Bytes) {
        if self.work.open_loop() {
            self.work.lag(&request, self.free);
        }
        let seq = self.awaited.push(request);
        self.turns.said();
        self.work.sent(&request);
        if !self.armed {
            self.arm(request.sent, cx);
        }
        self.said += 1;
        (seq, self.work.job.body(self.work.number(self.place), seq, self.said_before, &mut self.room))
    }

    /// Sets the timer to when `sent` will have been too long ago. One timer serves a whole conversation: when it rings, it is
    /// set to what is oldest then.
    fn arm(&mut self, sent: Instant, cx: &mut Context<'_>) {
        let at = tokio::time::Instant::from_std(sent + self.work.job.timeout);
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        self.armed = true;
        if timer.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }

    /// The timer rang: gives up on what is too old.
    fn rang(&mut self, cx: &mut Context<'_>) {
        let now = Instant::now();
        self.armed = false;
        let too_old = |request: &Request| now.saturating_duration_since(request.sent) >= self.work.job.timeout;
        while self.unwritten.front().is_some_and(too_old)
            && let Some(request) = self.unwritten.pop_front()
        {
            self.work.count(request.measured, |tally| tally.failed(Failure::TimedOut));
            self.state.timed_out = true;
        }
        while let Some((seq, request)) = self.awaited.give_up_if(too_old) {
            self.work.count(request.measured, |tally| tally.failed(Failure::TimedOut));
            self.state.timed_out = true;
            self.lost(request.sent);
            self.forgotten.push_back(seq);
        }
        self.work.ended_at(now);
        let oldest = self.unwritten.front().or(self.awaited.front()).map(|request| request.sent);
        if let Some(sent) = oldest {
            self.arm(sent, cx);
        }
    }

    #[inline]
    fn answered(&mut self, seq: u64, verdict: &Verdict, now: Instant) {
        let Some(request) = self.awaited.settle(seq) else { return self.late(seq) };
        if self.silent() {
            return self.unwritten.push_back(request);
        }
        (self.free, self.now) = (now, Some(now));
        self.work.heard_at(now);
        self.work.down.back(self.place, now, |place| self.work.number(place));
        if self.datagrams() {
            self.order(seq);
        }
        let waited = now.saturating_duration_since(request.sent);
        match verdict {
            Verdict::Right if waited > self.work.job.timeout => {
                self.work.count(request.measured, |tally| {
                    tally.failed(Failure::TimedOut);
                    tally.failed(Failure::Late);
                });
            }
            Verdict::Right => {
                self.state.answered = true;
                self.work.right(self.place, &request, now, waited);
            }
            Verdict::Wrong(mismatch) => {
                self.state.answered = true;
                let kind = if self.datagrams() && mismatch.why.is_none() { Failure::Corrupted } else { Failure::WrongReply };
                self.work.count(request.measured, |tally| tally.wrong(kind, mismatch));
            }
        }
    }

    /// What was `sent` then has no answer: since then, or since the last answer here; of datagrams, anywhere. One answer tells that
    /// there is a server for all.
    fn lost(&self, sent: Instant) {
        let heard = if self.datagrams() { self.work.last_answer() } else { self.free };
        self.work.down.lost(self.place, sent.max(heard));
    }

    /// Reordered is what comes after a later one (RFC 4737, section 3).
    fn order(&mut self, seq: u64) {
        match self.highest {
            Some(highest) if seq < highest => self.work.note(|counters| counters.reordered += 1),
            _ => self.highest = Some(seq),
        }
    }

    /// An answer to what was given up; to the warm-up, it counts no more than that did.
    fn late(&self, seq: u64) {
        self.work.count(self.awaited.was_measured(seq), |tally| tally.counters.late());
    }

    /// The peer answers no more here, and leaves this one to be asked again.
    fn returned(&mut self, seq: u64) {
        if let Some(request) = self.awaited.settle(seq) {
            self.state.returned = true;
            self.work.give_back(request);
        }
    }

    /// All that was said on connections in this place.
    pub(super) fn said_so_far(&self) -> u64 {
        self.said_before + self.said
    }

    /// What was said without an answer to await is written now.
    fn written(&mut self) {
        self.work.heard_at(Instant::now());
        while let Some(request) = self.unwritten.pop_front() {
            self.state.answered = true;
            self.work.right_unanswered(self.place, &request);
        }
    }

    /// The conversation is over: what is still awaited has failed.
    pub(super) fn ended(mut self, how: &Closed) -> After {
        self.work.leave(self.place);
        if *how == Closed::Stopped {
            return After::Over;
        }
        if self.state.returned {
            self.work.note(|counters| counters.peer_closes += 1);
        }
        if let Some((seq, _)) = self.held.take() {
            // It was never said.
            self.returned(seq);
        }
        let (kind, example) = self.failure(how);
        let failed: Vec<_> =
            self.taken.take().into_iter().chain(self.unwritten.drain(..)).chain(self.awaited.drain()).collect();
        if failed.is_empty() && self.state.unasked > 0 {
            // It belongs to no request: one more reply, and a wrong one.
            self.work.count(self.awaited.measures(), |tally| tally.failed_as(kind, example.clone()));
        } else if failed.is_empty() && matches!(how, Closed::ByPeer | Closed::Reset) && !self.state.over {
            self.work.note(|counters| counters.peer_closes += 1);
        }
        if let Some(sent) = failed.iter().map(|request| request.sent).min() {
            self.work.ended_at(Instant::now());
            if !matches!(kind, Failure::WrongReply | Failure::Violation | Failure::OwnFault) {
                self.lost(sent);
            }
        }
        for request in failed {
            self.work.count(request.measured, |tally| tally.failed_as(kind, example.clone()));
        }
        match &self.state {
            State { over: true, returned: false, .. } if !self.work.job.reconnect => After::Over,
            State { answered: true, .. } => After::Worked,
            State { timed_out: true, .. } => After::TimedOut,
            _ => After::Failed,
        }
    }

    /// What has become of those that are awaited, with an example.
    fn failure(&self, how: &Closed) -> (Failure, Option<String>) {
        match how {
            _ if self.state.timed_out => (Failure::TimedOut, None),
            _ if self.state.unasked > 0 => (Failure::WrongReply, Some(unasked(self.state.unasked))),
            Closed::ByUs | Closed::Stopped => (Failure::Broken, None),
            Closed::TimedOut(_) => (Failure::TimedOut, None),
            Closed::ByPeer => (Failure::ClosedEarly, None),
            Closed::Reset => (Failure::Reset, None),
            Closed::Violated(violation) => (Failure::by(violation), Some(violation.sentence.clone())),
            Closed::Failed(reason) => (Failure::Broken, Some(reason.clone())),
        }
    }

    fn unsolicited(&mut self, bytes: usize) {
        self.work.note(|counters| counters.unsolicited += 1);
        if !self.datagrams() {
            self.state.unasked += bytes;
        }
    }
}

fn unasked(bytes: usize) -> String {
    format!("{bytes} bytes came that nothing was asked for")
}

impl Source for Party {
    fn poll_say(&mut self, cx: &mut Context<'_>) -> Poll<Said> {
        if !self.unwritten.is_empty() {
            self.written();
        }
        if self.datagrams() && self.turns.must_read(cx) {
            return Poll::Pending;
        }
        if let Some(seq) = self.forgotten.pop_front() {
            return Poll::Ready(Said::Forget(seq));
        }
        if let Some((seq, body)) = self.held.take() {
            return Poll::Ready(Said::Message(seq, body));
        }
        match self.poll_request(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => {
                self.state.over = true;
                Poll::Ready(Said::End)
            }
            Poll::Ready(Some(request)) => {
                let (seq, body) = self.said(request, cx);
                Poll::Ready(Said::Message(seq, body))
            }
        }
    }

    fn refused(&mut self, seq: u64, body: Bytes) {
        self.held = Some((seq, body));
    }

    fn awaits(&self) -> bool {
        self.awaited.count() > 0
    }

    #[inline]
    fn poll_quit(&mut self, cx: &mut Context<'_>) -> Poll<Quit> {
        if self.stop.poll(cx).is_ready() {
            return Poll::Ready(Quit::Now(Closed::Stopped));
        }
        if self.armed && self.timer.as_ref().is_some_and(|timer| timer.is_elapsed()) {
            self.rang(cx);
            if self.state.timed_out && !self.datagrams() {
                // On a stream, what follows could be the answer that is no longer awaited.
                return Poll::Ready(Quit::Now(Closed::TimedOut("no reply")));
            }
        }
        if self.state.unasked > 0 {
            // Nothing after it can be told any more.
            return Poll::Ready(Quit::Now(Closed::Violated(Violation::new("unasked", unasked(self.state.unasked)))));
        }
        if self.state.over && self.awaited.count() == 0 {
            return Poll::Ready(Quit::Now(Closed::ByUs));
        }
        Poll::Pending
    }
}
