//! Who speaks and listens in one conversation of the load generator: takes requests as they become due, times the answers,
//! gives up on those that do not come.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Instant,
};

use bytes::{Bytes, BytesMut};
use tokio::time::Sleep;

use super::work::{Request, Work};
use crate::{
    bench::{
        failure::Failure,
        stats::{Counters, Tally},
    },
    error::Trouble,
    protocol::Answers,
    role::{Quit, Said, Sink, Source, Way, stop::Waiter},
    session::{Closed, Event, Mismatch, Verdict},
    transport,
    values::show::quoted,
};

/// Datagrams sent in a row before those that came are read: answers must not overflow the socket's buffer meanwhile.
const BURST: u32 = 16;
/// Datagrams read in a row before sending goes on.
const READS: u32 = 64;
/// Bytes of a wrong answer that are shown.
const SHOWN: usize = 24;

/// One end of one conversation.
pub(super) struct Party {
    work: Rc<Work>,
    place: usize,
    /// What was said: requests from number `first` on, settled ones emptied.
    awaited: VecDeque<Option<Request>>,
    first: u64,
    in_flight: usize,
    /// Taken before the connection was made.
    taken: Option<Request>,
    /// The protocol could not take it yet.
    held: Option<(u64, Bytes)>,
    forgotten: VecDeque<u64>,
    /// Said and not answerable: done when all of it is written.
    unwritten: VecDeque<Request>,
    room: BytesMut,
    /// When the last answer came, or the conversation began: since then there was room for another request.
    free: Instant,
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
    /// Something was answered.
    answered: bool,
}

/// Datagrams: sending and reading in turn.
#[derive(Debug, Default)]
struct Turns {
    burst: u32,
    reads: u32,
    reading: bool,
    heard: bool,
}

/// How to go on after a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Over,
    /// A new connection; `worked`: the last one was of use.
    Again {
        worked: bool,
    },
}

impl Party {
    pub(super) fn new(work: Rc<Work>, place: usize, taken: Option<Request>, now: Instant) -> Self {
        let stop = work.job.stop.waiter();
        Self {
            work,
            place,
            awaited: VecDeque::new(),
            first: 0,
            in_flight: 0,
            taken,
            held: None,
            forgotten: VecDeque::new(),
            unwritten: VecDeque::new(),
            room: BytesMut::new(),
            free: now,
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
    fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<Option<Request>> {
        if let Some(mut request) = self.taken.take() {
            request.sent = Instant::now();
            return Poll::Ready(Some(request));
        }
        if self.work.job.reconnect {
            return Poll::Ready(None);
        }
        if self.work.job.in_flight.is_some_and(|most| self.in_flight >= most) {
            return Poll::Pending;
        }
        self.work.poll_request(cx, self.place, self.in_flight, self.now.take())
    }

    fn said(&mut self, request: Request, cx: &mut Context<'_>) -> (u64, Bytes) {
        if self.work.open_loop() {
            self.work.lag(&request, self.free);
        }
        let seq = self.first + self.awaited.len() as u64;
        self.awaited.push_back(Some(request));
        self.in_flight += 1;
        self.turns.burst += 1;
        self.work.sent(&request);
        if !self.armed && !self.silent() {
            self.arm(request.sent, cx);
        }
        (seq, self.work.job.body(seq, &mut self.room))
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
        while let Some(front) = self.awaited.front() {
            match front {
                Some(request) if now.saturating_duration_since(request.sent) < self.work.job.timeout => {
                    return self.arm(request.sent, cx);
                }
                Some(request) => {
                    self.work.count(request.measured, |tally| tally.failed(Failure::TimedOut));
                    self.in_flight -= 1;
                    self.state.timed_out = true;
                    self.forgotten.push_back(self.first);
                }
                None => {}
            }
            self.awaited.pop_front();
            self.first += 1;
        }
    }

    /// Takes `seq` off the list, if it is still awaited.
    fn settle(&mut self, seq: u64) -> Option<Request> {
        let at = usize::try_from(seq.checked_sub(self.first)?).ok()?;
        let request = self.awaited.get_mut(at)?.take()?;
        self.in_flight -= 1;
        while matches!(self.awaited.front(), Some(None)) {
            self.awaited.pop_front();
            self.first += 1;
        }
        Some(request)
    }

    fn answered(&mut self, seq: u64, verdict: &Verdict, now: Instant) {
        let Some(request) = self.settle(seq) else { return self.late() };
        if self.silent() {
            return self.unwritten.push_back(request);
        }
        (self.free, self.now) = (now, Some(now));
        if self.datagrams() {
            self.order(seq);
        }
        match verdict {
            Verdict::Right if now.saturating_duration_since(request.sent) > self.work.job.timeout => {
                self.work.count(request.measured, |tally| {
                    tally.failed(Failure::TimedOut);
                    tally.failed(Failure::Late);
                });
            }
            Verdict::Right => {
                self.state.answered = true;
                self.work.right(&request, now);
            }
            Verdict::Wrong(mismatch) => {
                self.state.answered = true;
                let kind = if self.datagrams() { Failure::Corrupted } else { Failure::WrongReply };
                self.work.count(request.measured, |tally| tally.failed_as(kind, Some(described(mismatch))));
            }
        }
    }

    /// Reordered is what comes after a later one (RFC 4737, section 3).
    fn order(&mut self, seq: u64) {
        match self.highest {
            Some(highest) if seq < highest => self.work.note(|counters| counters.reordered += 1),
            _ => self.highest = Some(seq),
        }
    }

    fn late(&self) {
        self.work.note(Counters::late);
    }

    /// What was said without an answer to await is written now.
    fn written(&mut self) {
        self.work.heard_at(Instant::now());
        while let Some(request) = self.unwritten.pop_front() {
            self.state.answered = true;
            self.work.count(request.measured, Tally::right_unanswered);
        }
    }

    /// Datagrams: is it time to read instead?
    fn must_read(&mut self, cx: &mut Context<'_>) -> bool {
        let turns = &mut self.turns;
        if turns.reading {
            if std::mem::take(&mut turns.heard) && turns.reads < READS {
                turns.reads += 1;
                return true;
            }
            *turns = Turns::default();
        }
        if turns.burst < BURST {
            return false;
        }
        (turns.reading, turns.heard) = (true, false);
        // Comes back here when all that has come is read.
        cx.waker().wake_by_ref();
        true
    }

    /// The conversation is over: what is still awaited has failed.
    pub(super) fn ended(mut self, how: &Closed) -> After {
        self.work.leave(self.place);
        let (kind, example) = match how {
            _ if self.state.timed_out => (Failure::TimedOut, None),
            Closed::ByUs | Closed::Stopped => (Failure::Broken, None),
            Closed::TimedOut(_) => (Failure::TimedOut, None),
            Closed::ByPeer => (Failure::ClosedEarly, None),
            Closed::Reset => (Failure::Reset, None),
            Closed::Violated(violation) => (Failure::Violation, Some(violation.sentence.clone())),
            Closed::Failed(reason) => (Failure::Broken, Some(reason.clone())),
        };
        if *how == Closed::Stopped {
            return After::Over;
        }
        let failed: Vec<_> = self.taken.take().into_iter().chain(self.awaited.drain(..).flatten()).collect();
        let by_peer = matches!(how, Closed::ByPeer | Closed::Reset);
        if failed.is_empty() && by_peer && !self.state.over {
            self.work.note(|counters| counters.peer_closes += 1);
        }
        for request in failed {
            self.work.count(request.measured, |tally| tally.failed_as(kind, example.clone()));
        }
        let more = !self.state.over || self.work.job.reconnect;
        if more { After::Again { worked: self.state.answered } } else { After::Over }
    }
}

fn described(mismatch: &Mismatch) -> String {
    let from = mismatch.at.saturating_sub(SHOWN / 2);
    let piece = |side: &[u8]| quoted(&side[from.min(side.len())..], SHOWN);
    format!("expected {}, got {}", piece(&mismatch.expected), piece(&mismatch.got))
}

impl Source for Party {
    fn poll_say(&mut self, cx: &mut Context<'_>) -> Poll<Said> {
        if !self.unwritten.is_empty() {
            self.written();
        }
        if self.datagrams() && self.must_read(cx) {
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
        if self.state.over && self.in_flight == 0 {
            return Poll::Ready(Quit::Now(Closed::ByUs));
        }
        Poll::Pending
    }
}

impl Sink for Party {
    fn event(&mut self, event: Event, now: Instant) {
        match event {
            Event::Answered { seq, verdict } => self.answered(seq, &verdict, now),
            Event::Late { .. } => self.late(),
            Event::Duplicate { .. } => self.work.note(|counters| counters.duplicated += 1),
            Event::Unsolicited { .. } => self.work.note(|counters| counters.unsolicited += 1),
            Event::Refused { why, .. } => {
                let hint = "-l changes the length, --framing and --max-frame what is possible";
                self.work.job.give_up(Trouble::usage(format!("the message can't be sent: {why}")).hint(hint));
            }
            Event::Body(_) | Event::Message(_) | Event::Ready => {}
        }
    }

    fn wire(&mut self, way: Way, bytes: &[u8]) {
        let n = bytes.len() as u64;
        match way {
            Way::Out => self.work.note(|counters| counters.bytes_sent += n),
            Way::In => {
                self.turns.heard = true;
                if !self.turns.reading {
                    self.turns.burst = 0;
                }
                let datagram = u64::from(self.datagrams());
                self.work.note(|counters| {
                    counters.bytes_received += n;
                    counters.datagrams_received += datagram;
                });
            }
        }
    }

    /// A datagram that did not leave, or found nobody, is one without an answer: the run goes on.
    fn survives(&mut self, error: &io::Error) -> bool {
        use io::ErrorKind::{ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable};
        match error.kind() {
            ConnectionRefused | ConnectionReset | HostUnreachable | NetworkUnreachable => {
                self.work.note(|counters| counters.unreachable += 1);
                true
            }
            // The interface's queue is full: lost here, as it would be lost there.
            _ => transport::is_exhausted(error),
        }
    }
}
