//! The driver for byte streams: one loop in which a session meets a transport.
//!
//! One write for each read, many messages in a read, no flush for a message. Flow control is always on: reading stops while
//! too much is unsent ([`Terms::high_water`]), so memory is bounded whatever the peer does; and an idle conversation holds no
//! buffer. The clock is read here and not in the session.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Quit, Said, Sink, Source, Terms, Traffic, Way, pool, timers::Timers};
use crate::{
    session::{Closed, Cx, Effect, Event, Facts, Front, Input, Out, Outcome, Session, Violation},
    transport::Stream,
};

/// After our close, how long and how much of the peer's is still read and thrown away: a socket closed over unread bytes
/// resets the connection, and the reset can overtake our last answer.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: u64 = 1024 * 1024;
/// Runs of bytes handed to one vectored write.
const RUNS: usize = 16;

/// A stream that can be ended with a reset.
pub trait Wire: AsyncRead + AsyncWrite + Unpin {
    /// Makes the coming drop a reset, where the transport has such a thing.
    fn reset_on_drop(&self) {}
}

impl Wire for Stream {
    fn reset_on_drop(&self) {
        self.set_zero_linger();
    }
}

impl Wire for tokio::io::DuplexStream {}

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
    terms: Terms,
    traffic: Traffic,
    out: Option<Box<Out>>,
    left: Vec<u8>,
    scanned: usize,
    timers: Timers,
    last_in: Instant,
    last_any: Instant,
    paused_since: Option<Instant>,
    closed: Option<Closed>,
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
    input_paused: bool,
}

/// What one step of the loop came to.
enum Turn {
    Again,
    Wait,
    Over(Closed),
}

impl<W: Wire, P: Source + Sink> Drive<W, P> {
    pub fn new(wire: W, session: Box<dyn Session>, party: P, facts: Facts, terms: Terms) -> Self {
        let now = Instant::now();
        Self {
            wire,
            session,
            party,
            facts,
            terms,
            traffic: Traffic::new(now),
            out: None,
            left: Vec::new(),
            scanned: 0,
            timers: Timers::default(),
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

    pub fn facts(&self) -> &Facts {
        &self.facts
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
        self.flags.input_paused = out.input_paused;
        let messages = std::mem::take(&mut out.messages);
        if messages > 0 {
            self.traffic.messages += messages;
            self.party.heard(messages);
        }
        if !out.events.is_empty() {
            let now = Instant::now();
            for event in out.events.drain(..) {
                self.flags.refused &= !matches!(event, Event::Ready);
                self.party.event(event, now);
            }
        }
        match result {
            Ok(()) => Turn::Again,
            Err(violation) => self.close(Closed::Violated(violation)),
        }
    }

    /// Begins the end: what is queued is still sent, nothing else is said.
    fn close(&mut self, how: Closed) -> Turn {
        self.closed.get_or_insert(how);
        self.stage = Stage::Closing;
        Turn::Again
    }

    fn unsent(&self) -> usize {
        self.out.as_ref().map_or(0, |out| out.unsent())
    }

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
        let steps = [Self::quit, Self::flush, Self::end_of_output, Self::say, Self::read, Self::time];
        for step in steps {
            match step(self, cx) {
                Turn::Wait => {}
                turn => return turn,
            }
        }
        self.wind_up()
    }

    fn quit(&mut self, cx: &mut Context<'_>) -> Turn {
        match self.party.poll_quit(cx) {
            Poll::Pending => Turn::Wait,
            Poll::Ready(Quit::Now(how)) => Turn::Over(how),
            Poll::Ready(Quit::Finish) if self.stage == Stage::Open => self.close(Closed::ByUs),
            Poll::Ready(Quit::Finish) => Turn::Wait,
            Poll::Ready(Quit::WhenIdle) => {
                self.flags.winding = true;
                Turn::Again
            }
        }
    }

    /// Told to stop, and nothing has come, is owed or is queued: then it is over.
    fn wind_up(&mut self) -> Turn {
        let idle = self.idle_out() && !self.session.busy();
        if self.flags.winding && (idle || self.stage == Stage::Lingering) {
            return Turn::Over(self.closed.take().unwrap_or(Closed::Stopped));
        }
        Turn::Wait
    }

    /// Sends what is queued and does the effects among it, in order.
    fn flush(&mut self, cx: &mut Context<'_>) -> Turn {
        while let Some(out) = &mut self.out {
            match out.front() {
                Front::Empty => {
                    self.out.take().map_or((), pool::give_out);
                    break;
                }
                Front::EndDatagram => out.pop(),
                Front::Effect(effect) => {
                    out.pop();
                    return self.happen(effect);
                }
                Front::Bytes(_) => match write(&mut self.wire, out, cx, &mut self.party) {
                    Poll::Pending => return Turn::Wait,
                    Poll::Ready(Err(error)) => return self.broken(&error),
                    Poll::Ready(Ok(n)) => self.sent(n),
                },
            }
        }
        Turn::Wait
    }

    fn sent(&mut self, n: usize) {
        self.traffic.bytes_out += n as u64;
        if self.terms.idle.is_some() {
            self.last_any = Instant::now();
        }
        if self.paused_since.is_some() && self.unsent() <= self.terms.low_water {
            let since = self.paused_since.take();
            self.traffic.paused += since.map_or(Duration::ZERO, |since| since.elapsed());
        }
    }

    fn happen(&mut self, effect: Effect) -> Turn {
        if self.stage != Stage::Open {
            return Turn::Again;
        }
        match effect {
            Effect::Close => {
                let how = if self.flags.peer_ended { Closed::ByPeer } else { Closed::ByUs };
                self.close(how)
            }
            Effect::Abort => {
                self.wire.reset_on_drop();
                Turn::Over(Closed::ByUs)
            }
            Effect::Wake(id, after) => {
                self.timers.wake(Instant::now() + after, id);
                Turn::Again
            }
            Effect::Drained(id) => self.call(|session, cx| session.resume(id, Outcome::Drained, cx)),
        }
    }

    /// All is sent: closes our half where that is due, and lingers or ends.
    fn end_of_output(&mut self, cx: &mut Context<'_>) -> Turn {
        let half = self.flags.source_ended && self.terms.half_close && !self.flags.half_closed;
        if !self.idle_out() || !(self.stage == Stage::Closing || half) {
            return Turn::Wait;
        }
        match Pin::new(&mut self.wire).poll_shutdown(cx) {
            Poll::Pending => return Turn::Wait,
            Poll::Ready(Err(error)) if error.kind() != io::ErrorKind::NotConnected => return self.broken(&error),
            Poll::Ready(_) => self.flags.half_closed = true,
        }
        if self.stage == Stage::Open {
            return Turn::Again;
        }
        if self.flags.peer_ended {
            return Turn::Over(self.closed.take().unwrap_or(Closed::ByUs));
        }
        self.stage = Stage::Lingering;
        self.last_in = Instant::now();
        self.linger_until = self.traffic.bytes_in + LINGER_BYTES;
        Turn::Again
    }

    fn say(&mut self, cx: &mut Context<'_>) -> Turn {
        let may = self.stage == Stage::Open && !self.flags.source_ended && !self.flags.refused && !self.flags.winding;
        if !may || self.unsent() > self.terms.low_water {
            return Turn::Wait;
        }
        match self.party.poll_say(cx) {
            Poll::Pending => Turn::Wait,
            Poll::Ready(Said::End) => {
                self.flags.source_ended = true;
                Turn::Again
            }
            Poll::Ready(Said::Forget(seq)) => {
                self.session.forget(seq);
                Turn::Again
            }
            Poll::Ready(Said::Message(seq, body)) => {
                let mut refused = false;
                let turn = self.call(|session, cx| {
                    refused = session.submit(seq, &body, cx).is_err();
                    Ok(())
                });
                if refused {
                    self.flags.refused = true;
                    self.party.refused(seq, body);
                }
                turn
            }
        }
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Turn {
        if self.flags.peer_ended || (self.stage == Stage::Open && self.held_back(cx)) || self.stage == Stage::Closing {
            return Turn::Wait;
        }
        pool::with_scratch(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            match Pin::new(&mut self.wire).poll_read(cx, &mut buffer) {
                Poll::Pending => Turn::Wait,
                Poll::Ready(Err(error)) => self.broken(&error),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => self.eof(),
                Poll::Ready(Ok(())) => self.received(buffer.filled()),
            }
        })
    }

    /// Is reading held back, by the peer that does not read, by the session, or by who listens?
    fn held_back(&mut self, cx: &mut Context<'_>) -> bool {
        if self.unsent() > self.terms.high_water && self.paused_since.is_none() {
            self.paused_since = Some(Instant::now());
            self.traffic.pauses += 1;
        }
        self.paused_since.is_some() || self.flags.input_paused || self.party.poll_room(cx).is_pending()
    }

    fn received(&mut self, bytes: &[u8]) -> Turn {
        self.traffic.bytes_in += bytes.len() as u64;
        if self.stage == Stage::Lingering {
            return match self.traffic.bytes_in > self.linger_until {
                true => Turn::Over(self.closed.take().unwrap_or(Closed::ByUs)),
                false => Turn::Again,
            };
        }
        if self.traffic.first_byte.is_none() || self.terms.idle.is_some() || self.terms.silence.is_some() {
            let now = Instant::now();
            self.traffic.first_byte.get_or_insert(now);
            (self.last_in, self.last_any) = (now, now);
        }
        self.party.wire(Way::In, bytes);
        if self.left.is_empty() {
            let (turn, taken) = self.offer(bytes);
            self.left.extend_from_slice(&bytes[taken..]);
            return turn;
        }
        let mut left = std::mem::take(&mut self.left);
        left.extend_from_slice(bytes);
        let (turn, taken) = self.offer(&left);
        left.drain(..taken);
        if !left.is_empty() {
            self.left = left;
        }
        turn
    }

    /// Offers bytes to the session; tells how many it took.
    fn offer(&mut self, bytes: &[u8]) -> (Turn, usize) {
        let (mut scanned, mut taken) = (self.scanned, 0);
        let turn = self.call(|session, cx| {
            let mut input = Input::stream(bytes, &mut scanned);
            let result = session.input(&mut input, cx);
            taken = input.taken();
            result
        });
        self.scanned = scanned;
        (turn, taken)
    }

    fn eof(&mut self) -> Turn {
        self.flags.peer_ended = true;
        if self.stage == Stage::Lingering {
            return Turn::Over(self.closed.take().unwrap_or(Closed::ByUs));
        }
        let rest = std::mem::take(&mut self.left);
        self.call(|session, cx| session.eof(&rest, cx))
    }

    fn broken(&mut self, error: &io::Error) -> Turn {
        if let Some(how) = self.closed.take() {
            return Turn::Over(how);
        }
        Turn::Over(match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => Closed::Reset,
            _ => Closed::Failed(crate::error::reason(error)),
        })
    }

    /// The next time something is too late, and what.
    fn limit(&self) -> Option<(Instant, &'static str)> {
        if self.stage == Stage::Lingering {
            return Some((self.last_in + LINGER, "lingered"));
        }
        let handshake = self.terms.handshake.filter(|_| self.traffic.messages == 0);
        let limits = [
            (self.traffic.opened, handshake, "no complete message in time"),
            (self.last_any, self.terms.idle, "idle"),
            (self.last_in, self.terms.silence, "nothing came"),
        ];
        limits.into_iter().filter_map(|(from, limit, what)| Some((from + limit?, what))).min()
    }

    fn time(&mut self, cx: &mut Context<'_>) -> Turn {
        let limit = self.limit();
        if self.timers.poll(limit.map(|(at, _)| at), cx).is_pending() {
            return Turn::Wait;
        }
        let now = Instant::now();
        if let Some((at, what)) = limit
            && at <= now
        {
            return Turn::Over(self.closed.take().unwrap_or(Closed::TimedOut(what)));
        }
        match self.timers.due(now) {
            Some(id) if self.stage == Stage::Open => self.call(|session, cx| session.resume(id, Outcome::Woken, cx)),
            _ => Turn::Again,
        }
    }

    fn finish(&mut self, how: Closed) -> Closed {
        if let Some(since) = self.paused_since.take() {
            self.traffic.paused += since.elapsed();
        }
        self.session.closed(&how);
        how
    }
}

/// Writes what may be written together. Most often that is one run, and then a plain write does.
fn write<W: Wire>(wire: &mut W, out: &mut Out, cx: &mut Context<'_>, sink: &mut impl Sink) -> Poll<io::Result<usize>> {
    let mut runs: [&[u8]; RUNS] = [&[]; RUNS];
    let n = match out.runs(&mut runs) {
        1 => Pin::new(wire).poll_write(cx, runs[0]),
        many => {
            let slices = runs.map(IoSlice::new);
            Pin::new(wire).poll_write_vectored(cx, &slices[..many])
        }
    };
    let Poll::Ready(Ok(n)) = n else { return n };
    let mut rest = n;
    for run in runs {
        let piece = &run[..run.len().min(rest)];
        rest -= piece.len();
        if !piece.is_empty() {
            sink.wire(Way::Out, piece);
        }
    }
    out.advance(n);
    Poll::Ready(if n == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(n) })
}

impl<W: Wire, P: Source + Sink + Unpin> Future for Drive<W, P> {
    type Output = Closed;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Closed> {
        let this = self.get_mut();
        loop {
            match this.turn(cx) {
                Turn::Again => {}
                Turn::Wait => return Poll::Pending,
                Turn::Over(how) => return Poll::Ready(this.finish(how)),
            }
        }
    }
}
