//! The driver for byte streams: one loop in which a session meets a transport.
//!
//! One write for each read, many messages in a read, no flush for a message. Flow control is always on: reading stops while
//! too much is unsent ([`Terms::high_water`]), so memory is bounded whatever the peer does; and an idle conversation holds no
//! buffer. The clock is read here and not in the session.

mod beside;
mod bulk;
mod hear;
mod input;
mod output;
mod pour;
mod say;
mod wire;

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use self::{beside::Beside, bulk::Bulk};
pub use self::{hear::Heard, wire::Wire};
use super::{Quit, Sink, Source, Terms, Traffic, pool, timers::Timers};
use crate::session::{Closed, Cx, EffectId, Event, Facts, Leaving, Out, Outcome, Session, Violation};

/// After our close, how long and how much of the peer's is still read and thrown away: a socket closed over unread bytes
/// resets the connection, and the reset can overtake our last answer.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: u64 = 64 * 1024 * 1024;

/// Where the conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// Our half is closed or closing; the session has nothing more to say.
    Closing,
    /// All is sent. What the peer still sends is thrown away until it closes too.
    Lingering,
}

/// One conversation. A future that ends with how it ended.
pub struct Drive<W, P> {
    wire: W,
    session: Box<dyn Session>,
    party: P,
    facts: Facts,
    terms: Arc<Terms>,
    traffic: Traffic,
    out: Option<Box<Out>>,
    left: Vec<u8>,
    scanned: usize,
    timers: Option<Box<Timers<EffectId>>>,
    beside: Option<Box<Beside>>,
    bulk: Option<Box<Bulk>>,
    last_in: Instant,
    last_any: Instant,
    paused_since: Option<Instant>,
    closed: Option<Box<Closed>>,
    /// Count of bytes at which lingering ends.
    linger_until: u64,
    stage: Stage,
    flags: Flags,
}

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    opened: bool,
    peer_ended: bool,
    source_ended: bool,
    refused: bool,
    half_closed: bool,
    winding: bool,
    /// The session has had its last word.
    left: bool,
    input_paused: bool,
    /// A client: the peer takes nothing more, but may have answered before that.
    unheard: bool,
    /// The session has been at work for long: others come first.
    rests: bool,
    /// The session reported something.
    reported: bool,
    /// There may be more to say than was said last.
    more: bool,
    /// It is over, as [`Drive::closed`] says; who polls next is told.
    over: bool,
    /// The session takes input again: what it left is to be offered without waiting for more.
    offer_again: bool,
}

/// What one step of the loop came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Again,
    Wait,
    /// It is over, as [`Drive::closed`] says.
    Over,
}

impl<W: Wire, P: Source + Sink> Drive<W, P> {
    pub fn new(wire: W, session: Box<dyn Session>, party: P, facts: Facts, terms: impl Into<Arc<Terms>>) -> Self {
        let now = Instant::now();
        Self {
            wire,
            session,
            party,
            facts,
            terms: terms.into(),
            traffic: Traffic::new(now),
            out: None,
            left: Vec::new(),
            scanned: 0,
            timers: None,
            beside: None,
            bulk: None,
            last_in: now,
            last_any: now,
            paused_since: None,
            closed: None,
            linger_until: 0,
            stage: Stage::Open,
            flags: Flags::default(),
        }
    }

    pub fn party(&mut self) -> &mut P {
        &mut self.party
    }

    pub fn wire(&self) -> &W {
        &self.wire
    }

    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// The transport and the party, for another conversation or a last look.
    pub fn into_parts(self) -> (W, P) {
        (self.wire, self.party)
    }

    /// Calls the session, then hands on what it reported.
    fn call(&mut self, f: impl FnOnce(&mut dyn Session, &mut Cx<'_>) -> Result<(), Violation>) -> Turn {
        let out = self.out.get_or_insert_with(pool::take_out);
        out.input_paused = self.flags.input_paused;
        let result = f(&mut *self.session, &mut Cx::new(&self.facts, out));
        let result = out.outcome(result);
        self.flags.offer_again |= self.flags.input_paused && !out.input_paused;
        self.flags.input_paused = out.input_paused;
        let swallow = out.swallow.take();
        self.flags.rests |= std::mem::take(&mut out.rests);
        if let Some(id) = out.again.take() {
            self.timers.get_or_insert_default().wake(Instant::now(), id);
        }
        let messages = std::mem::take(&mut out.messages);
        if messages > 0 {
            self.traffic.messages += messages;
            self.party.heard(messages);
        }
        if !out.events.is_empty() {
            self.flags.reported = true;
            let now = Instant::now();
            for event in out.events.drain(..) {
                self.flags.refused &= !matches!(event, Event::Ready);
                self.party.event(event, now);
            }
        }
        if let Some(swallow) = swallow {
            self.begin_to_swallow(swallow);
        }
        match result {
            Ok(()) => Turn::Again,
            Err(violation) => self.close(Closed::Violated(violation)),
        }
    }

    /// Begins the end: what is queued is still sent, nothing else is said.
    fn close(&mut self, how: Closed) -> Turn {
        self.closed.get_or_insert_with(|| Box::new(how));
        self.stage = Stage::Closing;
        Turn::Again
    }

    /// Bytes that were said and not yet taken by the transport.
    #[inline]
    pub fn unsent(&self) -> usize {
        self.out.as_ref().map_or(0, |out| out.unsent())
    }

    #[inline]
    fn idle_out(&self) -> bool {
        self.out.as_ref().is_none_or(|out| out.is_empty())
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Turn {
        if !std::mem::replace(&mut self.flags.opened, true) {
            return self.call(|session, cx| {
                session.open(cx);
                Ok(())
            });
        }
        // Written out rather than looped over: this is what every message goes through.
        macro_rules! or_else_next {
            ($($step:ident),*) => {
                $(match self.$step(cx) {
                    Turn::Wait => {}
                    turn => return turn,
                })*
            };
        }
        or_else_next!(quit, flush, end_of_output, say, read, hear_beside, time);
        self.wind_up()
    }

    #[inline]
    fn quit(&mut self, cx: &mut Context<'_>) -> Turn {
        match self.party.poll_quit(cx) {
            Poll::Ready(Quit::Now(how)) => self.over(how),
            Poll::Ready(Quit::Finish) if self.stage == Stage::Open => {
                self.leave(Leaving::Done);
                if self.session.busy() && !self.flags.peer_ended { Turn::Wait } else { self.close(Closed::ByUs) }
            }
            Poll::Ready(Quit::Finish) | Poll::Pending => Turn::Wait,
            Poll::Ready(Quit::WhenIdle) => {
                self.flags.winding = true;
                Turn::Again
            }
        }
    }

    /// The session may say a last word, once.
    fn leave(&mut self, why: Leaving) {
        if self.stage == Stage::Open && !std::mem::replace(&mut self.flags.left, true) {
            // The word is said, whatever becomes of it: it is over all the same.
            let _ = self.call(|session, cx| {
                session.leave(why, cx);
                Ok(())
            });
        }
    }

    /// Told to stop, and nothing has come, is owed or is queued: then it is over.
    fn wind_up(&mut self) -> Turn {
        if self.flags.winding && self.idle_out() && !self.session.busy() && !self.flags.left {
            self.leave(Leaving::Stopped);
            if !self.idle_out() {
                return self.close(Closed::Stopped);
            }
        }
        let idle = self.idle_out() && !self.session.busy();
        if self.flags.winding && (idle || self.stage == Stage::Lingering) {
            return self.over_as_begun(Closed::Stopped);
        }
        Turn::Wait
    }

    fn broken(&mut self, error: &io::Error) -> Turn {
        self.over_as_begun(match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => Closed::Reset,
            _ => Closed::Failed(crate::error::reason(error)),
        })
    }

    /// The next time something is too late, and what.
    fn limit(&self) -> Option<(Instant, &'static str)> {
        if self.stage == Stage::Lingering {
            return Some((self.last_in + LINGER, "lingered"));
        }
        if !self.terms.limited() {
            return None;
        }
        let handshake = self.terms.handshake.filter(|_| self.traffic.messages == 0);
        let limits = [
            (self.traffic.opened, handshake, "no complete message in time"),
            // Whoever waits for our answer is not idle.
            (self.last_any, self.terms.idle.filter(|_| !self.session.busy()), "idle"),
            (self.last_in, self.terms.silence, "nothing came"),
        ];
        limits.into_iter().filter_map(|(from, limit, what)| Some((from + limit?, what))).min()
    }

    fn time(&mut self, cx: &mut Context<'_>) -> Turn {
        let limit = self.limit();
        if limit.is_none() && self.timers.is_none() {
            return Turn::Wait;
        }
        let timers = self.timers.get_or_insert_default();
        if timers.poll(limit.map(|(at, _)| at), cx).is_pending() {
            return Turn::Wait;
        }
        let now = Instant::now();
        if let Some((at, what)) = limit
            && at <= now
        {
            if self.stage == Stage::Open && self.idle_out() {
                self.leave(Leaving::Idle);
                if !self.idle_out() {
                    return self.close(Closed::TimedOut(what));
                }
            }
            return self.over_as_begun(Closed::TimedOut(what));
        }
        match self.timers.as_mut().and_then(|timers| timers.due(now)) {
            Some(id) if self.stage == Stage::Open => self.call(|session, cx| session.resume(id, Outcome::Woken, cx)),
            _ => Turn::Again,
        }
    }

    /// It is over at once, in this way.
    fn over(&mut self, how: Closed) -> Turn {
        self.closed = Some(Box::new(how));
        Turn::Over
    }

    /// It is over, as its end was begun; else in this way.
    fn over_as_begun(&mut self, otherwise: Closed) -> Turn {
        self.closed.get_or_insert_with(|| Box::new(otherwise));
        Turn::Over
    }

    fn finish(&mut self) -> Closed {
        let how = self.closed.take().map_or(Closed::ByUs, |how| *how);
        self.resume_reading();
        self.session.closed(&how);
        how.or(self.session.fault())
    }
}

impl<W: Wire, P: Source + Sink + Unpin> Future for Drive<W, P> {
    type Output = Closed;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Closed> {
        let this = self.get_mut();
        if this.flags.over {
            return Poll::Ready(this.finish());
        }
        loop {
            match this.turn(cx) {
                Turn::Again if std::mem::take(&mut this.flags.rests) => {
                    super::yield_to_all(cx);
                    return Poll::Pending;
                }
                Turn::Again => {}
                Turn::Wait => return Poll::Pending,
                Turn::Over => return Poll::Ready(this.finish()),
            }
        }
    }
}
