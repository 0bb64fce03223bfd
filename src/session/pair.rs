//! Two sessions back to back, or one alone, without sockets or time: how protocols are tested.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;

use super::{
    ChannelAsk, ChannelId, ChannelNews, Closed, Cx, Effect, EffectId, Event, Facts, Front, Input, Joined, NotNow, Out,
    Outcome, Rides, Session, Violation,
    pair_channels::{Channels, piece_of},
};

/// One of two ends, or one alone.
pub struct End {
    session: Box<dyn Session>,
    /// What the session is told of its surroundings; a test may change it.
    pub facts: Facts,
    out: Out,
    inbox: Vec<u8>,
    arrived: VecDeque<Vec<u8>>,
    partial: Vec<u8>,
    scanned: usize,
    now: Duration,
    wakes: Vec<(Duration, EffectId)>,
    finished: bool,
    peer_closed: bool,
    eof_told: bool,
    /// What was reported so far.
    pub events: Vec<Event>,
    /// All bytes said so far; datagrams one after the other.
    pub said: Vec<u8>,
    /// The datagrams said so far.
    pub datagrams: Vec<Vec<u8>>,
    /// Over datagrams: what was wrong with some that came. The conversation went on.
    pub violations: Vec<Violation>,
    /// It has closed its half in good order: it says no more.
    pub closing: bool,
    /// How it ended, when it has.
    pub ended: Option<Closed>,
    /// What was asked of channels and has not happened yet. Two ends back to back do it; alone, a test does.
    pub channel_asks: VecDeque<(ChannelId, ChannelAsk)>,
}

/// What leaves an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move {
    Bytes(Vec<u8>),
    Datagram(Vec<u8>),
    Close,
}

/// A client and a server with nothing between them. Bytes move in pieces of `chunk`, datagrams whole. Time passes at once:
/// wakes happen in order of their time when nothing else is left to do.
pub struct Pair {
    pub client: End,
    pub server: End,
    chunk: usize,
    pub(super) channels: Channels,
}

impl End {
    /// A session that sends without end must not keep a round from ending.
    const MOVES_A_ROUND: usize = 4096;
    /// Nor must it fill memory.
    const BYTES_A_ROUND: usize = 256 * 1024;
    /// The most that is made up at once.
    const GENERATED: usize = 64 * 1024;

    /// One end, opened.
    #[must_use]
    pub fn new(session: Box<dyn Session>, rides: Rides) -> Self {
        let mut end = Self {
            session,
            facts: Facts::in_memory(rides),
            out: Out::default(),
            inbox: Vec::new(),
            arrived: VecDeque::new(),
            partial: Vec::new(),
            scanned: 0,
            now: Duration::ZERO,
            wakes: Vec::new(),
            finished: false,
            peer_closed: false,
            eof_told: false,
            events: Vec::new(),
            said: Vec::new(),
            datagrams: Vec::new(),
            violations: Vec::new(),
            closing: false,
            ended: None,
            channel_asks: VecDeque::new(),
        };
        end.call(|session, cx| {
            session.open(cx);
            Ok(())
        });
        end
    }

    fn call(&mut self, f: impl FnOnce(&mut dyn Session, &mut Cx<'_>) -> Result<(), Violation>) {
        if self.ended.is_some() {
            return;
        }
        let mut cx = Cx::new(&self.facts, &mut self.out);
        let result = f(&mut *self.session, &mut cx);
        let result = self.out.outcome(result);
        self.events.append(&mut self.out.events);
        let again = self.out.again.take();
        match result {
            Err(violation) if self.facts.rides == Rides::Datagrams => self.violations.push(violation),
            Err(violation) => self.end(Closed::Violated(violation)),
            Ok(()) => {}
        }
        if let Some(id) = again.filter(|_| self.ended.is_none()) {
            self.resume(id, Outcome::Woken);
        }
    }

    fn end(&mut self, how: Closed) {
        self.session.closed(&how);
        self.ended = Some(how.or(self.session.fault()));
    }

    /// Offers bytes of a stream; none: what was left untaken, again. As a driver does, it reads no more once the session has
    /// closed.
    pub fn offer(&mut self, bytes: &[u8]) {
        if self.closing {
            return;
        }
        self.inbox.extend_from_slice(bytes);
        while !self.out.input_paused && !self.inbox.is_empty() && self.ended.is_none() {
            match self.swallow() {
                Some(id) => self.call(|session, cx| session.resume(id, Outcome::Swallowed, cx)),
                None if self.inbox.is_empty() => {}
                None => {
                    self.offer_inbox();
                    if self.out.swallow.is_none() {
                        return;
                    }
                }
            }
        }
    }

    /// Throws away what is to be thrown away; gives its name when that was all of it.
    fn swallow(&mut self) -> Option<EffectId> {
        let swallow = self.out.swallow.as_mut()?;
        let n = usize::try_from(swallow.bytes).unwrap_or(usize::MAX).min(self.inbox.len());
        self.inbox.drain(..n);
        swallow.bytes -= n as u64;
        let done = (swallow.bytes == 0).then_some(swallow.id)?;
        self.out.swallow = None;
        Some(done)
    }

    fn offer_inbox(&mut self) {
        let (mut inbox, mut scanned) = (std::mem::take(&mut self.inbox), self.scanned);
        let mut taken = 0;
        self.call(|session, cx| {
            let mut input = Input::stream(&inbox, &mut scanned);
            let result = session.input(&mut input, cx);
            taken = input.taken();
            result
        });
        inbox.drain(..taken);
        (self.inbox, self.scanned) = (inbox, scanned);
    }

    /// Offers one datagram.
    pub fn offer_datagram(&mut self, bytes: &[u8]) {
        if self.closing {
            return;
        }
        let mut scanned = 0;
        self.call(|session, cx| session.input(&mut Input::datagram(bytes, &mut scanned), cx));
    }

    /// Datagrams have come together; tells how many were taken at once.
    pub fn offer_joined(&mut self, datagrams: Joined<'_>) -> usize {
        self.session.joined(datagrams, &mut Cx::new(&self.facts, &mut self.out))
    }

    /// Tells that the peer will send no more, once what came before is taken.
    pub fn offer_eof(&mut self) {
        self.peer_closed = true;
        if self.closing {
            self.eof_told = true;
        } else if !self.out.input_paused && !self.eof_told {
            self.eof_told = true;
            let rest = std::mem::take(&mut self.inbox);
            self.call(|session, cx| session.eof(&rest, cx));
        }
    }

    /// Bytes that came and were not taken.
    #[must_use]
    pub fn untaken(&self) -> usize {
        self.inbox.len()
    }

    /// Bytes said and not yet moved on.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.out.unsent()
    }

    /// The next thing that leaves this end, bytes in pieces of `chunk` at most. Effects that concern only itself happen on
    /// the way.
    pub fn leave(&mut self, chunk: usize) -> Option<Move> {
        while !self.closing {
            match self.out.front() {
                Front::Empty => break,
                Front::Bytes(bytes) => {
                    let piece = bytes[..bytes.len().min(chunk)].to_vec();
                    self.out.advance(piece.len());
                    self.said.extend_from_slice(&piece);
                    if self.facts.rides == Rides::Stream {
                        return Some(Move::Bytes(piece));
                    }
                    self.partial.extend_from_slice(&piece);
                }
                Front::Pour(pour) => {
                    let piece = piece_of(pour, chunk);
                    self.out.advance(piece.len());
                    self.said.extend_from_slice(&piece);
                    return Some(Move::Bytes(piece));
                }
                Front::Generate(generate) => {
                    let n = usize::try_from(generate.bytes).unwrap_or(usize::MAX).min(chunk).min(Self::GENERATED);
                    let piece = vec![b'x'; n];
                    self.said.extend_from_slice(&piece);
                    if let Some(id) = self.out.generated(n as u64) {
                        self.resume(id, Outcome::Generated(None));
                    }
                    return Some(Move::Bytes(piece));
                }
                Front::EndDatagram => {
                    self.out.end_datagram();
                    let datagram = std::mem::take(&mut self.partial);
                    assert!(datagram.len() <= self.facts.max_datagram, "a datagram of {} bytes", datagram.len());
                    self.datagrams.push(datagram.clone());
                    return Some(Move::Datagram(datagram));
                }
                Front::Effect => {
                    let moved = self.out.take_effect().and_then(|effect| self.happen(effect));
                    if moved.is_some() {
                        return moved;
                    }
                }
            }
        }
        None
    }

    fn happen(&mut self, effect: Effect) -> Option<Move> {
        match effect {
            Effect::Close => {
                self.closing = true;
                return Some(Move::Close);
            }
            Effect::Wake(id, after) => self.wakes.push((self.now + after, id)),
            // What was queued before it has left.
            Effect::Drained(id) => self.resume(id, Outcome::Drained),
            Effect::Commit(id, file) => self.resume(id, Outcome::Committed(file.commit())),
            Effect::Channel(id, ask) => self.channel_asks.push_back((id, ask)),
        }
        None
    }

    /// Tells what became of a channel, as a driver would.
    pub fn channel(&mut self, id: ChannelId, news: ChannelNews) {
        if !self.closing {
            self.call(|session, cx| session.channel(id, news, cx));
            self.offer(&[]);
        }
    }

    fn resume(&mut self, id: EffectId, outcome: Outcome) {
        if self.closing {
            return;
        }
        self.call(|session, cx| session.resume(id, outcome, cx));
        self.offer(&[]);
        if self.peer_closed {
            self.offer_eof();
        }
    }

    fn first_wake(&self) -> Option<Duration> {
        self.wakes.iter().map(|(at, _)| *at).min()
    }

    /// Lets time pass until the first wake; tells whether there was one.
    pub fn wake(&mut self) -> bool {
        let Some(first) = (0..self.wakes.len()).min_by_key(|at| self.wakes[*at].0) else { return false };
        let (at, id) = self.wakes.remove(first);
        self.now = self.now.max(at);
        self.resume(id, Outcome::Woken);
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

    /// Moves what is queued to `other`; tells whether anything happened.
    fn flush(&mut self, other: &mut End, chunk: usize) -> bool {
        let (mut moved, until) = (false, self.said.len() + Self::BYTES_A_ROUND);
        for _ in 0..Self::MOVES_A_ROUND {
            if self.said.len() >= until {
                break;
            }
            match self.leave(chunk) {
                None => {
                    other.peer_closed |= self.finished;
                    break;
                }
                Some(Move::Bytes(piece)) => other.offer(&piece),
                Some(Move::Datagram(datagram)) => other.arrived.push_back(datagram),
                Some(Move::Close) => other.peer_closed = true,
            }
            moved = true;
        }
        moved
    }

    /// Hears what has arrived beside bytes; tells whether anything had.
    fn hear(&mut self) -> bool {
        let arrived = std::mem::take(&mut self.arrived);
        for datagram in &arrived {
            self.offer_datagram(datagram);
        }
        let ends = self.peer_closed && !self.eof_told && !self.out.input_paused;
        if ends {
            self.offer_eof();
        }
        ends || !arrived.is_empty()
    }
}

impl Pair {
    /// Opens both ends. `chunk` is the most bytes that move at once over streams.
    #[must_use]
    pub fn new(client: Box<dyn Session>, server: Box<dyn Session>, rides: Rides, chunk: usize) -> Self {
        assert!(chunk > 0, "bytes must move");
        Self { server: End::new(server, rides), client: End::new(client, rides), chunk, channels: Channels::default() }
    }

    /// Runs until nothing more happens, at most `steps` rounds; tells whether it came to rest.
    pub fn run(&mut self, steps: usize) -> bool {
        !(0..steps).all(|_| self.step())
    }

    /// The client will say no more, and closes its half when all is sent.
    pub fn finish(&mut self) {
        self.client.finished = true;
    }

    fn step(&mut self) -> bool {
        let mut moved = self.client.flush(&mut self.server, self.chunk);
        moved |= self.server.flush(&mut self.client, self.chunk);
        moved |= self.client.hear();
        moved |= self.server.hear();
        moved |= self.route();
        moved || self.wake_first()
    }

    /// One clock for both: whoever is first wakes.
    fn wake_first(&mut self) -> bool {
        let (client, server) = (self.client.first_wake(), self.server.first_wake());
        let end = match (client, server) {
            (Some(client), Some(server)) if server < client => &mut self.server,
            (Some(_), _) => &mut self.client,
            _ => &mut self.server,
        };
        let woken = end.wake();
        let now = self.client.now.max(self.server.now);
        (self.client.now, self.server.now) = (now, now);
        woken
    }
}
