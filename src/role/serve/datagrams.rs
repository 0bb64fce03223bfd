//! Serving over datagrams: one socket carries the sessions of many peers.
//!
//! A peer is remembered from its first datagram until it is silent for a while, or until there are too many: then one that
//! has long been silent is forgotten. What the socket can't take now waits; while it waits, nothing more is read.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use super::{
    Server,
    guard::{Guard, Judgement, never_answered},
    log::Entry,
    outbox::Outbox,
    peers::{LARGER, Peer, Peers},
};
use crate::{
    role::{
        STREAMS_ONLY, Way,
        stop::{Phase, Waiter},
        timers::Timers,
        yield_to_all,
    },
    session::{Closed, Cx, Effect, EffectId, Endpoint, Front, Input, Out, Outcome, Session, Violation, Watch},
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
            socket,
            peers: Peers::new(remembered),
            timers: Timers::default(),
            born: 0,
            sweeping: false,
            outbox: Outbox::default(),
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

    /// Reads what has come; tells whether there may be more.
    fn receive(&mut self, cx: &mut Context<'_>) -> bool {
        if self.draining {
            return false;
        }
        let Some(mut batch) = self.batch.take() else { return false };
        let read = self.socket.poll_recv(cx, &mut batch);
        if matches!(read, Poll::Ready(Ok(()))) {
            let now = Instant::now();
            for datagram in batch.iter() {
                self.heard(datagram.peer, datagram.local, datagram.bytes, now);
            }
        }
        self.batch = Some(batch);
        // An error is an earlier answer's that was refused: it concerns a peer that is gone, and is taken off by reading it.
        read.is_ready()
    }

    fn heard(&mut self, from: &Endpoint, ours: Option<IpAddr>, datagram: &[u8], now: Instant) {
        if self.unanswerable(from) || !self.admit(from, ours, now) {
            self.server.counts.dropped.fetch_add(1, Relaxed);
            return;
        }
        let guarded = self.server.plan.loop_guard && self.server.plan.protocol.echoes;
        let Some(peer) = self.peers.get_mut(from) else { return };
        peer.last = now;
        peer.asked(datagram.len());
        if guarded {
            match peer.guard.judge(datagram, now) {
                Judgement::Answer => {}
                Judgement::Mute => return self.muted(from, true),
                Judgement::Muted => return self.muted(from, false),
            }
        }
        peer.traffic.bytes_in += datagram.len() as u64;
        peer.traffic.first_byte.get_or_insert(now);
        self.server.counts.bytes_in.fetch_add(datagram.len() as u64, Relaxed);
        self.wire(from, Way::In, datagram);
        let mut scanned = 0;
        self.call(from, now, |session, cx| session.input(&mut Input::datagram(datagram, &mut scanned), cx));
    }

    /// Would an answer to this address start a loop?
    fn unanswerable(&self, from: &Endpoint) -> bool {
        let plan = &self.server.plan;
        match (from, &self.ours) {
            (Endpoint::Ip(peer), Endpoint::Ip(ours)) => {
                plan.loop_guard && plan.protocol.echoes && never_answered(peer, ours)
            }
            (Endpoint::Unnamed, _) => true,
            _ => false,
        }
    }

    fn muted(&mut self, peer: &Endpoint, news: bool) {
        self.server.counts.dropped.fetch_add(1, Relaxed);
        if news && !std::mem::replace(&mut self.loop_said, true) {
            self.server.log.say(&Entry::Warning {
                what: format!("{peer} sends what looks like a server's answers: a loop; muted for a second"),
                hint: Some("if that is meant, --no-loop-guard answers all the same".into()),
            });
        }
    }

    /// Is this peer known, or may it be? Makes room for it.
    fn admit(&mut self, from: &Endpoint, ours: Option<IpAddr>, now: Instant) -> bool {
        if self.peers.contains(from) {
            return true;
        }
        let server = self.server.clone();
        if server.plan.once && !server.is_first(from) {
            return false;
        }
        while self.peers.len() >= server.plan.max_peers.max(1) {
            let Some(oldest) = self.peers.oldest() else { break };
            self.forget(&oldest, &Closed::TimedOut("forgotten for a newer peer"));
        }
        self.welcome(from, ours, now);
        true
    }

    fn welcome(&mut self, from: &Endpoint, ours: Option<IpAddr>, now: Instant) {
        let server = &self.server;
        server.counts.open.fetch_add(1, Relaxed);
        server.counts.connections.fetch_add(1, Relaxed);
        if server.log.connections() {
            server.log.say(&Entry::Connected { peer: from.to_string() });
        }
        let watch = Watch { messages: server.log.messages(), records: server.log.records(), ..Watch::default() };
        self.born += 1;
        let (session, guard) = ((server.make)(&server.plan.setup), Guard::new(server.plan.protocol.amplifies));
        let addresses = (self.ours.clone(), ours, from.clone());
        self.peers.insert(from.clone(), Peer::new(session, guard, addresses, watch, (now, self.born)));
        self.sweep_later(now);
        self.call(from, now, |session, cx| {
            session.open(cx);
            Ok(())
        });
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
                Front::Pour(_) => return self.forget_with(to, &Closed::Failed(STREAMS_ONLY.into())),
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
        self.server.counts.bytes_out.fetch_add(datagram.len() as u64, Relaxed);
        self.wire(to, Way::Out, &datagram);
        if let Err(error) = self.outbox.send(&self.socket, to, from, datagram) {
            self.server.unsent(to, &error);
        }
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
