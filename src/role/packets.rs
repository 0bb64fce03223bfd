//! The driver for datagrams, client end: one socket, one session.
//!
//! What is said together leaves in one call, where the system can (UDP GSO). A datagram that the socket can't take now waits; one that
//! it refuses is the sink's to judge ([`Sink::survives`]). The server end, where one socket carries many sessions, is
//! [`super::serve`]'s.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use super::{Handed, Quit, STREAMS_ONLY, Sink, Source, Terms, Traffic, Way, joint::Joint, pool, timers::Timers};
use crate::{
    os,
    session::{Closed, Cx, Effect, EffectId, Event, Facts, Front, Input, Out, Outcome, Session, Violation},
    transport::PacketClient,
};

/// What is said in a row before it is sent, and what is heard in a row before anything is said: so many.
const AT_ONCE: usize = 64;
/// No more is said in a row than this, in bytes.
const MOST_SAID: usize = 64 * 1024;

/// One conversation over datagrams. A future that ends with how it ended.
pub struct DrivePackets<P> {
    socket: PacketClient,
    session: Box<dyn Session>,
    party: P,
    facts: Facts,
    terms: Terms,
    traffic: Traffic,
    out: Box<Out>,
    /// The datagram at the front of the queue, put together from its pieces; lent and reused.
    datagram: Vec<u8>,
    /// What leaves next.
    joint: Joint,
    joins: bool,
    /// The source had no more to say when it was asked last: what was said is sent and others are heard before it is asked again.
    hushed: bool,
    timers: Timers<EffectId>,
    last_any: Instant,
    opened: bool,
    source_ended: bool,
    refused: bool,
}

enum Turn {
    Again,
    Wait,
    Over(Closed),
}

impl<P: Source + Sink> DrivePackets<P> {
    pub fn new(socket: PacketClient, session: Box<dyn Session>, party: P, facts: Facts, terms: Terms) -> Self {
        let now = Instant::now();
        Self {
            joins: terms.joins && socket.joins(),
            joint: Joint::default(),
            hushed: false,
            socket,
            session,
            party,
            facts,
            terms,
            traffic: Traffic::new(now),
            out: Box::default(),
            datagram: Vec::new(),
            timers: Timers::default(),
            last_any: now,
            opened: false,
            source_ended: false,
            refused: false,
        }
    }

    pub fn party(&mut self) -> &mut P {
        &mut self.party
    }

    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    pub fn into_parts(self) -> (PacketClient, P) {
        (self.socket, self.party)
    }

    fn call(&mut self, f: impl FnOnce(&mut dyn Session, &mut Cx<'_>) -> Result<(), Violation>) -> Turn {
        let result = f(&mut *self.session, &mut Cx::new(&self.facts, &mut self.out));
        let result = self.out.outcome(result);
        let messages = std::mem::take(&mut self.out.messages);
        if messages > 0 {
            self.traffic.messages += messages;
            self.party.heard(messages);
        }
        if !self.out.events.is_empty() {
            let now = Instant::now();
            for event in self.out.events.drain(..) {
                self.refused &= !matches!(event, Event::Ready);
                self.party.event(event, now);
            }
        }
        match result {
            Ok(()) => Turn::Again,
            Err(violation) if self.party.overlooks(&violation) => Turn::Again,
            Err(violation) => Turn::Over(Closed::Violated(violation)),
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Turn {
        if !std::mem::replace(&mut self.opened, true) {
            return self.call(|session, cx| {
                session.open(cx);
                Ok(())
            });
        }
        let steps = [Self::quit, Self::flush, Self::say, Self::read, Self::time];
        for step in steps {
            match step(self, cx) {
                Turn::Wait => {}
                turn => return turn,
            }
        }
        Turn::Wait
    }

    fn quit(&mut self, cx: &mut Context<'_>) -> Turn {
        match self.party.poll_quit(cx) {
            Poll::Ready(Quit::Now(how)) => Turn::Over(how),
            Poll::Ready(Quit::Finish | Quit::WhenIdle) if self.is_all_said() => Turn::Over(Closed::ByUs),
            Poll::Ready(_) | Poll::Pending => Turn::Wait,
        }
    }

    fn is_all_said(&self) -> bool {
        self.out.is_empty() && self.joint.many() == 0
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Turn {
        loop {
            match self.out.front() {
                Front::Bytes(bytes) => {
                    let n = bytes.len();
                    self.datagram.extend_from_slice(bytes);
                    self.out.advance(n);
                }
                Front::EndDatagram if self.joint.many() == 0 || self.joins && self.joint.takes(self.datagram.len()) => {
                    self.joint.push(&self.datagram);
                    self.datagram.clear();
                    self.out.end_datagram();
                }
                front => {
                    let is_over = matches!(front, Front::Empty);
                    match self.send(cx) {
                        Poll::Pending => return Turn::Wait,
                        Poll::Ready(Err(error)) => return Turn::Over(failed(&error)),
                        Poll::Ready(Ok(())) if is_over => return Turn::Wait,
                        Poll::Ready(Ok(())) => {}
                    }
                    if let Some(turn) = self.act() {
                        return turn;
                    }
                }
            }
        }
    }

    /// Does the effect that stands first.
    fn act(&mut self) -> Option<Turn> {
        match self.out.front() {
            Front::Pour(_) | Front::Generate(_) => return Some(Turn::Over(Closed::Failed(STREAMS_ONLY.into()))),
            Front::Effect => {}
            _ => return None,
        }
        Some(match self.out.take_effect()? {
            Effect::Close => Turn::Over(Closed::ByUs),
            Effect::Drained(id) => self.call(|session, cx| session.resume(id, Outcome::Drained, cx)),
            Effect::Commit(..) | Effect::Channel(..) => Turn::Over(Closed::Failed(STREAMS_ONLY.into())),
            Effect::Wake(id, after) => {
                self.timers.wake(Instant::now() + after, id);
                return None;
            }
        })
    }

    /// Sends what was put together. One that the socket refuses, and that the party survives, is gone.
    fn send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut apart = false;
        while self.joint.many() > 0 {
            let segment = self.joint.segment().filter(|_| self.joins && !apart);
            let first = self.joint.each().next().unwrap_or_default();
            let sent = match segment {
                Some(segment) => self.socket.try_send_joined(self.joint.bytes(), segment),
                None => self.socket.try_send(first).map(drop),
            };
            match sent {
                Ok(()) => self.sent(segment.is_some()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => match self.socket.poll_send_ready(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Ready(Ok(())) => {}
                },
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Then they leave one by one, those that did not leave now first.
                Err(error) if segment.is_some() && os::refuses_joined(&error) => self.joins = false,
                Err(error) if !self.party.survives(&error) => return Poll::Ready(Err(error)),
                // None of these has left, and it may concern one of them, or an earlier one.
                Err(_) if segment.is_some() => apart = true,
                Err(_) => self.joint.shift(),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// All that was put together has left, or the first of it.
    fn sent(&mut self, all: bool) {
        let left = if all { self.joint.many() } else { 1 };
        for datagram in self.joint.each().take(left) {
            self.traffic.bytes_out += datagram.len() as u64;
            self.party.wire(Way::Out, datagram);
        }
        if all {
            self.joint.clear();
        } else {
            self.joint.shift();
        }
        if self.terms.silence.is_some() {
            self.last_any = Instant::now();
        }
    }

    fn say(&mut self, cx: &mut Context<'_>) -> Turn {
        let mut turn = Turn::Wait;
        if !self.is_all_said() || std::mem::take(&mut self.hushed) {
            return turn;
        }
        for _ in 0..if self.joins { AT_ONCE } else { 1 } {
            if self.source_ended || self.refused || self.out.unsent() > MOST_SAID {
                break;
            }
            let Poll::Ready(said) = self.party.poll_say(cx) else {
                self.hushed = matches!(turn, Turn::Again);
                break;
            };
            let mut handed = Handed::Taken;
            turn = self.call(|session, cx| {
                handed = said.hand(session, cx);
                Ok(())
            });
            handed.settle(&mut self.party, &mut self.source_ended, &mut self.refused);
            // What nothing is awaited for counts as done when it has left: so it leaves before more is said.
            if matches!(turn, Turn::Over(_)) || !self.party.awaits() {
                break;
            }
        }
        turn
    }

    /// Hears what has come; where more is awaited, that too, before anything is said.
    fn read(&mut self, cx: &mut Context<'_>) -> Turn {
        for heard in 0..AT_ONCE {
            match self.read_one(cx) {
                Turn::Again if self.joins && self.party.awaits() => {}
                Turn::Wait if heard > 0 => break,
                turn => return turn,
            }
        }
        Turn::Again
    }

    fn read_one(&mut self, cx: &mut Context<'_>) -> Turn {
        if self.party.poll_room(cx).is_pending() {
            return Turn::Wait;
        }
        pool::with_scratch(|scratch| match self.socket.poll_recv(cx, scratch) {
            Poll::Pending => Turn::Wait,
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted || self.party.survives(&error) => {
                Turn::Again
            }
            Poll::Ready(Err(error)) => Turn::Over(failed(&error)),
            Poll::Ready(Ok(n)) => self.received(&scratch[..n]),
        })
    }

    fn received(&mut self, datagram: &[u8]) -> Turn {
        let now = Instant::now();
        self.last_any = now;
        self.traffic.first_byte.get_or_insert(now);
        self.traffic.bytes_in += datagram.len() as u64;
        self.party.wire(Way::In, datagram);
        let mut scanned = 0;
        self.call(|session, cx| session.input(&mut Input::datagram(datagram, &mut scanned), cx))
    }

    fn time(&mut self, cx: &mut Context<'_>) -> Turn {
        let limit = self.terms.silence.filter(|_| self.party.awaits()).map(|limit| self.last_any + limit);
        if self.timers.poll(limit, cx).is_pending() {
            return Turn::Wait;
        }
        let now = Instant::now();
        if limit.is_some_and(|at| at <= now) {
            return Turn::Over(Closed::TimedOut("nothing came"));
        }
        match self.timers.due(now) {
            Some(id) => self.call(|session, cx| session.resume(id, Outcome::Woken, cx)),
            None => Turn::Again,
        }
    }
}

fn failed(error: &io::Error) -> Closed {
    Closed::Failed(crate::error::reason(error))
}

impl<P: Source + Sink + Unpin> Future for DrivePackets<P> {
    type Output = Closed;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Closed> {
        let this = self.get_mut();
        // What woke us may be what the source waited for.
        this.hushed = false;
        loop {
            match this.turn(cx) {
                Turn::Again => {}
                Turn::Wait => return Poll::Pending,
                Turn::Over(how) => {
                    this.session.closed(&how);
                    return Poll::Ready(how.or(this.session.fault()));
                }
            }
        }
    }
}
