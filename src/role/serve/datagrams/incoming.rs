//! What has come to a desk: who it is from, whether it may be answered, and which session hears it.

use std::{
    net::IpAddr,
    sync::atomic::Ordering::Relaxed,
    task::{Context, Poll},
    time::Instant,
};

use super::Desk;
use crate::{
    role::{
        Way,
        serve::{
            guard::{Guard, Judgement, never_answered},
            log::Entry,
            peers::Peer,
        },
    },
    session::{Closed, Cx, Endpoint, Input, Joined, Watch},
    transport::Arrival,
};

impl Desk {
    /// Reads what has come; tells whether there may be more.
    pub(super) fn receive(&mut self, cx: &mut Context<'_>) -> bool {
        if self.draining {
            return false;
        }
        let Some(mut batch) = self.batch.take() else { return false };
        let read = self.socket.poll_recv(cx, &mut batch);
        if matches!(read, Poll::Ready(Ok(()))) {
            let now = Instant::now();
            // Before they are answered: whoever has an answer finds its question counted.
            let came = batch.arrivals().map(|arrival| arrival.datagrams.count() as u64).sum();
            self.server.counts.datagrams_in.fetch_add(came, Relaxed);
            for arrival in batch.arrivals() {
                self.arrived(&arrival, now);
            }
        }
        self.batch = Some(batch);
        // An error is an earlier answer's that was refused: it concerns a peer that is gone, and is taken off by reading it.
        read.is_ready()
    }

    /// What a session can take at once it is given at once.
    fn arrived(&mut self, arrival: &Arrival<'_>, now: Instant) {
        let mut rest = arrival.datagrams;
        loop {
            rest = rest.after(self.heard_joined(arrival.peer, rest, now));
            let Some(one) = rest.iter().next() else { return };
            self.heard(arrival.peer, arrival.local, one, now);
            rest = rest.after(1);
        }
    }

    /// Offers all of these to the session of a peer that is known; tells how many it took.
    fn heard_joined(&mut self, from: &Endpoint, datagrams: Joined<'_>, now: Instant) -> usize {
        if datagrams.count() == 0 || self.server.plan.protocol.echoes || self.server.log.hex() {
            return 0;
        }
        let Some(peer) = self.peers.get_mut(from) else { return 0 };
        let taken = peer.session.joined(datagrams, &mut Cx::new(&peer.facts, &mut self.out));
        let messages = std::mem::take(&mut self.out.messages);
        if taken > 0 {
            let bytes = datagrams.iter().take(taken).map(|one| one.len() as u64).sum();
            peer.last = now;
            peer.traffic.messages += messages;
            peer.traffic.bytes_in += bytes;
            peer.traffic.first_byte.get_or_insert(now);
            self.server.counts.messages.fetch_add(messages, Relaxed);
            self.server.counts.bytes_in.fetch_add(bytes, Relaxed);
        }
        taken
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
        self.server.counts.mutes.fetch_add(u64::from(news), Relaxed);
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
}
