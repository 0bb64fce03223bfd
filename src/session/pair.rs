//! Two sessions back to back, without sockets or time: how protocols are tested.

use std::time::Duration;

use bytes::Bytes;

use super::{Closed, Cx, Effect, Event, Facts, Front, Input, NotNow, Out, Outcome, Rides, Session, Violation};

/// One of two ends.
pub struct End {
    session: Box<dyn Session>,
    facts: Facts,
    out: Out,
    inbox: Vec<u8>,
    datagrams: Vec<Vec<u8>>,
    partial: Vec<u8>,
    scanned: usize,
    wakes: Vec<(Duration, super::EffectId)>,
    closing: bool,
    peer_closed: bool,
    eof_given: bool,
    /// What was reported so far.
    pub events: Vec<Event>,
    /// All bytes said so far; datagrams one after the other.
    pub said: Vec<u8>,
    /// How it ended, when it has.
    pub ended: Option<Closed>,
}

/// A client and a server with nothing between them. Bytes move in pieces of `chunk`, datagrams whole. Time passes at once:
/// wakes happen in order of their time when nothing else is left to do.
pub struct Pair {
    pub client: End,
    pub server: End,
    chunk: usize,
}

impl End {
    /// A session that sends without end must not keep a round from ending.
    const MOVES_A_ROUND: usize = 4096;

    fn new(session: Box<dyn Session>, rides: Rides) -> Self {
        Self {
            session,
            facts: Facts::in_memory(rides),
            out: Out::default(),
            inbox: Vec::new(),
            datagrams: Vec::new(),
            partial: Vec::new(),
            scanned: 0,
            wakes: Vec::new(),
            closing: false,
            peer_closed: false,
            eof_given: false,
            events: Vec::new(),
            said: Vec::new(),
            ended: None,
        }
    }

    fn call(&mut self, f: impl FnOnce(&mut dyn Session, &mut Cx<'_>) -> Result<(), Violation>) {
        if self.ended.is_some() {
            return;
        }
        let mut cx = Cx::new(&self.facts, &mut self.out);
        let result = f(&mut *self.session, &mut cx);
        self.events.append(&mut self.out.events);
        if let Err(violation) = result {
            self.end(Closed::Violated(violation));
        }
    }

    fn end(&mut self, how: Closed) {
        self.session.closed(&how);
        self.ended = Some(how);
    }

    /// Offers bytes of a stream.
    pub fn offer(&mut self, bytes: &[u8]) {
        self.inbox.extend_from_slice(bytes);
        let (inbox, mut scanned) = (std::mem::take(&mut self.inbox), self.scanned);
        let mut taken = 0;
        self.call(|session, cx| {
            let mut input = Input::stream(&inbox, &mut scanned);
            let result = session.input(&mut input, cx);
            taken = input.taken();
            result
        });
        self.scanned = scanned;
        self.inbox = inbox[taken..].to_vec();
    }

    /// Offers one datagram.
    pub fn offer_datagram(&mut self, bytes: &[u8]) {
        let mut scanned = 0;
        self.call(|session, cx| session.input(&mut Input::datagram(bytes, &mut scanned), cx));
    }

    /// Tells that the peer will send no more.
    pub fn offer_eof(&mut self) {
        if !std::mem::replace(&mut self.eof_given, true) {
            let rest = std::mem::take(&mut self.inbox);
            self.call(|session, cx| session.eof(&rest, cx));
        }
    }

    /// Moves what is queued to `other`, effects included; tells whether anything happened.
    fn flush(&mut self, other: &mut End, chunk: usize) -> bool {
        let mut moved = false;
        for _ in 0..Self::MOVES_A_ROUND {
            if self.closing || self.ended.is_some() {
                break;
            }
            match self.out.front() {
                Front::Empty => break,
                Front::Bytes(bytes) => {
                    let piece = bytes[..bytes.len().min(chunk)].to_vec();
                    self.out.advance(piece.len());
                    self.said.extend_from_slice(&piece);
                    match self.facts.rides {
                        Rides::Stream => other.offer(&piece),
                        Rides::Datagrams => self.partial.extend_from_slice(&piece),
                    }
                }
                Front::EndDatagram => {
                    self.out.pop();
                    other.datagrams.push(std::mem::take(&mut self.partial));
                }
                Front::Effect(effect) => {
                    self.out.pop();
                    self.happen(effect, other);
                }
            }
            moved = true;
        }
        moved
    }

    fn happen(&mut self, effect: Effect, other: &mut End) {
        match effect {
            Effect::Close => {
                self.closing = true;
                other.peer_closed = true;
            }
            Effect::Abort => {
                self.end(Closed::ByUs);
                other.end(Closed::Reset);
            }
            Effect::Wake(id, after) => self.wakes.push((after, id)),
            Effect::Drained(id) => self.call(|session, cx| session.resume(id, Outcome::Drained, cx)),
        }
    }

    fn wake_first(&mut self) -> bool {
        let Some(first) = (0..self.wakes.len()).min_by_key(|at| self.wakes[*at].0) else { return false };
        let (_, id) = self.wakes.remove(first);
        self.call(|session, cx| session.resume(id, Outcome::Woken, cx));
        true
    }

    /// Submits, as a client's source would.
    ///
    /// # Errors
    /// [`NotNow`], as the session says.
    pub fn submit(&mut self, seq: u64, body: &[u8]) -> Result<(), NotNow> {
        let mut result = Ok(());
        self.call(|session, cx| {
            result = session.submit(seq, &Bytes::copy_from_slice(body), cx);
            Ok(())
        });
        result
    }

    /// Stops awaiting the answer to `seq`.
    pub fn forget(&mut self, seq: u64) {
        self.session.forget(seq);
    }

    #[must_use]
    pub fn busy(&self) -> bool {
        self.session.busy()
    }
}

impl Pair {
    /// Opens both ends. `chunk` is the most bytes that move at once over streams.
    #[must_use]
    pub fn new(client: Box<dyn Session>, server: Box<dyn Session>, rides: Rides, chunk: usize) -> Self {
        assert!(chunk > 0, "bytes must move");
        let mut pair = Self { client: End::new(client, rides), server: End::new(server, rides), chunk };
        for end in [&mut pair.server, &mut pair.client] {
            end.call(|session, cx| {
                session.open(cx);
                Ok(())
            });
        }
        pair
    }

    /// Runs until nothing more happens, at most `steps` rounds; tells whether it came to rest.
    pub fn run(&mut self, steps: usize) -> bool {
        !(0..steps).all(|_| self.step())
    }

    /// The client will say no more.
    pub fn finish(&mut self) {
        self.server.peer_closed = true;
    }

    fn step(&mut self) -> bool {
        let mut moved = self.client.flush(&mut self.server, self.chunk);
        moved |= self.server.flush(&mut self.client, self.chunk);
        for end in [&mut self.client, &mut self.server] {
            for datagram in std::mem::take(&mut end.datagrams) {
                end.offer_datagram(&datagram);
                moved = true;
            }
            if end.peer_closed && !end.eof_given {
                end.offer_eof();
                moved = true;
            }
        }
        moved || self.client.wake_first() || self.server.wake_first()
    }
}
