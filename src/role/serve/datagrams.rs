//! Serving over datagrams: one socket carries the sessions of many peers.
//!
//! A peer is remembered from its first datagram until it is silent for a while, or until there are too many: then one that
//! has long been silent is forgotten. What the socket can't take now waits; while it waits, nothing more is read.

mod incoming;

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use super::{
    Server,
    log::Entry,
    outbox::Outbox,
    peers::{LARGER, Peers},
};
use crate::{
    role::{
        STREAMS_ONLY, Way,
        stop::{Phase, Waiter},
        timers::Timers,
        yield_to_all,
    },
    session::{Closed, Cx, Effect, EffectId, Endpoint, Front, Out, Outcome, Session, Violation},
    transport::{Batch, PacketServer},
};

/// How long a silent peer is remembered, without `-i`.
const REMEMBERED: Duration = Duration::from_secs(60);
/// The same for the one peer of `-1`, whose silence ends the server.
const REMEMBERED_ONCE: Duration = Duration::from_secs(5);
/// The silent are looked for no more often than this.
const SWEEP: Duration = Duration::from_millis(100);
/// What the session of one datagram may queue before it is thrown away, in bytes.
const MOST_QUEUED: usize = 1024 * 1024;

/// What a timer is for.
enum Due {
    /// A session asked for it. `born` tells the peer from another that came later from the same address.
    Wake {
        peer: Endpoint,
        born: u64,
        id: EffectId,
    },
    Sweep,
}

/// One socket and the conversations it carries.
pub(super) struct Desk {
    server: Arc<Server>,
    socket: PacketServer,
    ours: Endpoint,
    peers: Peers,
    timers: Timers<Due>,
    /// Peers welcomed so far.
    born: u64,
    /// The silent are looked for at some time that is set.
    sweeping: bool,
    outbox: Outbox,
    out: Out,
    batch: Option<Batch>,
    draining: bool,
    /// A session has been at work for long: other tasks come first.
    rests: bool,
    loop_said: bool,
    /// Are answers bounded by what came? (What a script says of itself may be wrong.)
    bounded: bool,
}

impl Desk {
    pub(super) fn new(server: Arc<Server>, socket: PacketServer) -> Self {
        let default = if server.plan.once { REMEMBERED_ONCE } else { REMEMBERED };
        let row = server.plan.protocol;
        let bounded =
            row.script.is_some() && !(row.amplifies || server.plan.allow_amplification || socket.local().is_local());
        let remembered = server.plan.idle_timeout.unwrap_or(default);
        Self {
            ours: socket.local().clone(),
            server,
            outbox: Outbox::new(&socket),
            socket,
            peers: Peers::new(remembered),
            timers: Timers::default(),
            born: 0,
            sweeping: false,
            out: Out::default(),
            batch: Some(Batch::new()),
            draining: false,
            rests: false,
            loop_said: false,
            bounded,
        }
    }

    /// Serves until stopped.
    pub(super) async fn serve(mut self) {
        let mut stop = self.server.stop.waiter();
        std::future::poll_fn(|cx| self.poll(cx, &mut stop)).await;
        self.forget_all();
    }

    /// Ready when the server has ended.
    fn poll(&mut self, cx: &mut Context<'_>, stop: &mut Waiter) -> Poll<()> {
        loop {
            match stop.poll(cx) {
                Poll::Ready(Phase::Now) => return Poll::Ready(()),
                Poll::Ready(_) => self.draining = true,
                Poll::Pending => {}
            }
            let moved = self.outbox.flush(&self.socket, cx, |to, error| self.server.unsent(to, error))
                | self.wake(cx)
                | (self.outbox.is_empty() && self.receive(cx));
            self.outbox.deliver(&self.socket, |to, error| self.server.unsent(to, error));
            if self.draining && self.outbox.is_empty() && !self.peers.busy() {
                return Poll::Ready(());
            }
            if !moved {
                return Poll::Pending;
            }
            if std::mem::take(&mut self.rests) {
                yield_to_all(cx);
                return Poll::Pending;
            }
        }
    }

    /// Calls a session, then sends what it queued.
    fn call(&mut self, to: &Endpoint, now: Instant, f: impl FnOnce(&mut dyn Session, &mut Cx<'_>) -> Result<(), Violation>) {
        let Some(peer) = self.peers.get_mut(to) else { return };
        let result = f(&mut *peer.session, &mut Cx::new(&peer.facts, &mut self.out));
        let result = self.out.outcome(result);
        self.rests |= std::mem::take(&mut self.out.rests);
        let messages = std::mem::take(&mut self.out.messages);
        peer.traffic.messages += messages;
        self.server.counts.messages.fetch_add(messages, Relaxed);
        for event in self.out.events.drain(..) {
            self.server.tell(to, event);
        }
        if let Err(violation) = result {
            self.server.counts.dropped.fetch_add(1, Relaxed);
            self.server.tell_fault(to, &violation);
            if self.server.log.connections() && violation.hint.is_none() {
                self.server.log.say(&Entry::Warning { what: format!("{to}: {violation}"), hint: None });
            }
        }
        self.flush(to, now);
    }

    /// Sends what the session of `to` has queued, and does its effects.
    fn flush(&mut self, to: &Endpoint, now: Instant) {
        let mut pieces = Vec::new();
        loop {
            match self.out.front() {
                Front::Empty => return,
                Front::Bytes(bytes) => {
                    let n = bytes.len();
                    if pieces.len() + n <= MOST_QUEUED {
                        pieces.extend_from_slice(bytes);
                    }
                    self.out.advance(n);
                }
                Front::EndDatagram => {
                    self.out.end_datagram();
                    self.answer(to, std::mem::take(&mut pieces), now);
                }
                Front::Pour(_) | Front::Generate(_) => return self.forget_with(to, &Closed::Failed(STREAMS_ONLY.into())),
                Front::Effect => match self.out.take_effect() {
                    Some(Effect::Close) => return self.forget_with(to, &Closed::ByUs),
                    Some(Effect::Wake(id, after)) => self.wake_later(to, id, now + after),
                    Some(Effect::Commit(..) | Effect::Channel(..)) => {
                        return self.forget_with(to, &Closed::Failed(STREAMS_ONLY.into()));
                    }
                    // Datagrams have no queue that drains: a session that sends without end has no place here.
                    Some(Effect::Drained(_)) | None => {}
                },
            }
        }
    }

    /// Throws away what it would still say, and forgets it.
    fn forget_with(&mut self, to: &Endpoint, how: &Closed) {
        self.out.clear();
        self.forget(to, how);
    }

    fn answer(&mut self, to: &Endpoint, datagram: Vec<u8>, now: Instant) {
        let Some(peer) = self.peers.get_mut(to) else { return };
        if self.bounded && !peer.may_be_told(datagram.len()) {
            return self.amplified(to);
        }
        if self.server.plan.protocol.echoes {
            peer.guard.replied(&datagram, now);
        }
        peer.traffic.bytes_out += datagram.len() as u64;
        let from = peer.ours;
        self.server.counts.datagrams_out.fetch_add(1, Relaxed);
        self.server.counts.bytes_out.fetch_add(datagram.len() as u64, Relaxed);
        self.wire(to, Way::Out, &datagram);
        self.outbox.send(&self.socket, (to, from), datagram, |to, error| self.server.unsent(to, error));
    }

    /// Drops an answer that is much larger than what came.
    fn amplified(&self, to: &Endpoint) {
        self.server.counts.dropped.fetch_add(1, Relaxed);
        let name = self.server.plan.protocol.name;
        let sentence = format!("{name} answers with more than {LARGER} times what came: dropped");
        let hint = "amplifies = true in the script and --allow-amplification, or serve it on loopback (a bare port)";
        self.server.tell_fault(to, &Violation::ours("amplifies", sentence, hint));
    }

    /// Wakes the sessions whose time has come, until one takes long.
    fn wake(&mut self, cx: &mut Context<'_>) -> bool {
        if self.timers.poll(None, cx).is_pending() {
            return false;
        }
        let now = Instant::now();
        while !self.rests
            && let Some(due) = self.timers.due(now)
        {
            match due {
                Due::Sweep => self.sweep(now),
                Due::Wake { peer, born, id } if self.peers.get_mut(&peer).is_some_and(|known| known.born == born) => {
                    self.call(&peer, now, |session, cx| session.resume(id, Outcome::Woken, cx));
                }
                Due::Wake { .. } => {}
            }
        }
        true
    }

    fn wake_later(&mut self, to: &Endpoint, id: EffectId, at: Instant) {
        // Never at once: who asks for that again and again is not alone here.
        let at = at + Duration::from_nanos(1);
        if let Some(peer) = self.peers.get_mut(to) {
            self.timers.wake(at, Due::Wake { peer: to.clone(), born: peer.born, id });
        }
    }

    /// Sets the time at which the silent are looked for, while there is anybody.
    fn sweep_later(&mut self, now: Instant) {
        if !self.sweeping
            && let Some(at) = self.peers.next_silent()
        {
            self.sweeping = true;
            self.timers.wake(at.max(now + SWEEP), Due::Sweep);
        }
    }

    /// Forgets the silent.
    fn sweep(&mut self, now: Instant) {
        self.sweeping = false;
        while let Some(peer) = self.peers.silent(now) {
            self.forget(&peer, &Closed::TimedOut("idle"));
            if self.server.plan.once {
                self.server.stop.advance(Phase::Finish);
            }
        }
        self.sweep_later(now);
    }

    fn forget(&mut self, peer: &Endpoint, how: &Closed) {
        let Some(mut known) = self.peers.remove(peer) else { return };
        known.session.closed(how);
        if let Some(fault) = known.session.fault() {
            self.server.tell_fault(peer, &fault);
        }
        self.server.counts.open.fetch_sub(1, Relaxed);
        if self.server.log.connections() {
            self.server.log.say(&Entry::closed(peer, how, &known.traffic));
        }
    }

    fn forget_all(&mut self) {
        for peer in self.peers.all() {
            self.forget(&peer, &Closed::Stopped);
        }
    }

    fn wire(&self, peer: &Endpoint, way: Way, bytes: &[u8]) {
        let log = &self.server.log;
        if log.hex() {
            log.say(&Entry::Dump { peer: peer.to_string(), way, offset: 0, bytes: bytes.into() });
        } else if way == Way::Out && log.messages() {
            log.say(&Entry::Message { peer: peer.to_string(), way, bytes: bytes.into() });
        }
    }
}
