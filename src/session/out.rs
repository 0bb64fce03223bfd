//! What a session may know and do: [`Cx`], and the one ordered queue behind it, [`Out`].

use std::{
    collections::VecDeque,
    fmt,
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use bytes::Bytes;

use super::{Event, Violation};
use crate::values::show;

/// What carries the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rides {
    Stream,
    Datagrams,
}

/// One end's address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Endpoint {
    Ip(SocketAddr),
    /// A Unix socket's path.
    Unix(PathBuf),
    /// A Unix socket without a name, a pipe, memory.
    Unnamed,
}

impl Endpoint {
    /// Can only this machine reach it?
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Ip(address) => address.ip().is_loopback(),
            Self::Unix(_) | Self::Unnamed => true,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            // A peer chooses its own path, line ends and terminal escapes included.
            Self::Unix(path) => f.write_str(&show::path(path)),
            Self::Unnamed => f.write_str("unnamed"),
        }
    }
}

/// Which events are worth their cost to whoever listens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Watch {
    /// [`Event::Body`]
    pub bodies: bool,
    /// [`Event::Message`]
    pub messages: bool,
}

/// What a session may know of its surroundings.
#[derive(Debug, Clone)]
pub struct Facts {
    pub rides: Rides,
    pub local: Endpoint,
    pub peer: Endpoint,
    /// The largest datagram that can be sent, in bytes of payload. No meaning over streams.
    pub max_datagram: usize,
    /// The wall clock, for protocols that tell the time. The driver's, so that tests can stop it.
    pub wall_clock: fn() -> SystemTime,
    pub watch: Watch,
}

impl Facts {
    /// The largest UDP payload over IPv4: 65,535 less 20 bytes of IP header and 8 of UDP (RFC 768, RFC 791).
    pub const MAX_UDP_IPV4: usize = 65_507;
    /// The largest UDP payload over IPv6 without jumbograms: 65,535 less 8 (RFC 8200, section 3).
    pub const MAX_UDP_IPV6: usize = 65_527;

    /// The largest datagram that can go to `peer`. Unix sockets could take more; with IPv4's limit
    /// answers are the same over both, and one buffer takes any of them.
    #[must_use]
    pub fn max_datagram_to(peer: &Endpoint) -> usize {
        match peer {
            Endpoint::Ip(SocketAddr::V6(_)) => Self::MAX_UDP_IPV6,
            _ => Self::MAX_UDP_IPV4,
        }
    }

    /// For sessions in memory: no addresses, and the epoch for a clock.
    #[must_use]
    pub fn in_memory(rides: Rides) -> Self {
        Self {
            rides,
            local: Endpoint::Unnamed,
            peer: Endpoint::Unnamed,
            max_datagram: Self::MAX_UDP_IPV4,
            wall_clock: || SystemTime::UNIX_EPOCH,
            watch: Watch { bodies: true, messages: true },
        }
    }
}

/// Names one effect of one session; its outcome comes back under this. The session chooses it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EffectId(pub u64);

/// What a session asks the driver to do. They stand in the queue among the bytes and happen in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Send what is queued, then end the stream in good order.
    Close,
    /// Call [`super::Session::resume`] with [`super::Outcome::Woken`] after this long.
    Wake(EffectId, Duration),
    /// Call [`super::Session::resume`] with [`super::Outcome::Drained`] when all that was queued before this has been sent: the
    /// way to send without end at the pace of the peer.
    Drained(EffectId),
}

#[derive(Debug, PartialEq, Eq)]
enum Mark {
    Shared(Bytes),
    EndDatagram,
    Effect(Effect),
}

/// What stands first in the queue.
#[derive(Debug, PartialEq, Eq)]
pub enum Front<'a> {
    /// Bytes to send; tell how many were taken with [`Out::advance`].
    Bytes(&'a [u8]),
    /// The datagram whose bytes came before is complete.
    EndDatagram,
    Effect(Effect),
    Empty,
}

/// One ordered queue of bytes, datagram ends and effects, so that pipelined answers never overtake each other; and, beside
/// it, the events. Own bytes lie in one piece, whatever stands between them is kept by position: the common case, a few
/// bytes and nothing else, costs one copy and no allocation when the driver reuses the queue.
#[derive(Debug, Default)]
pub struct Out {
    own: Vec<u8>,
    sent: usize,
    marks: VecDeque<(usize, Mark)>,
    shared: usize,
    /// What was reported since the driver last looked.
    pub events: Vec<Event>,
    /// Whole messages that came from the peer, counted.
    pub messages: u64,
    /// The session wants no input for now.
    pub input_paused: bool,
    /// The session can't go on.
    pub failed: Option<Box<Violation>>,
}

impl Out {
    /// Bytes queued and not yet sent.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.own.len() - self.sent + self.shared
    }

    /// Nothing is queued: no bytes, no effects. (Events and counts do not count.)
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sent == self.own.len() && self.marks.is_empty()
    }

    /// Bytes of memory that the queue itself holds.
    #[must_use]
    pub fn capacity(&self) -> usize {
        let marks = self.marks.capacity() * size_of::<(usize, Mark)>();
        self.own.capacity() + marks + self.events.capacity() * size_of::<Event>()
    }

    /// What is to be done next.
    #[must_use]
    pub fn front(&self) -> Front<'_> {
        match self.marks.front() {
            Some((at, _)) if *at > self.sent => Front::Bytes(&self.own[self.sent..*at]),
            Some((_, Mark::Shared(bytes))) => Front::Bytes(bytes),
            Some((_, Mark::EndDatagram)) => Front::EndDatagram,
            Some((_, Mark::Effect(effect))) => Front::Effect(*effect),
            None if self.sent < self.own.len() => Front::Bytes(&self.own[self.sent..]),
            None => Front::Empty,
        }
    }

    /// All there is to write, when that is one run and nothing stands in it: the common case.
    #[must_use]
    pub fn only_run(&self) -> Option<&[u8]> {
        self.marks.is_empty().then(|| &self.own[self.sent..])
    }

    /// Runs of bytes that may be written together, at most `runs.len()`; gives how many were set.
    pub fn runs<'a>(&'a self, runs: &mut [&'a [u8]]) -> usize {
        let (mut at, mut n) = (self.sent, 0);
        let mut push = |run: &'a [u8]| {
            if !run.is_empty() && n < runs.len() {
                runs[n] = run;
                n += 1;
            }
            n < runs.len()
        };
        for (mark_at, mark) in &self.marks {
            let room = push(&self.own[at..*mark_at]);
            at = *mark_at;
            match mark {
                Mark::Shared(bytes) if room && push(bytes) => {}
                _ => return n,
            }
        }
        push(&self.own[at..]);
        n
    }

    /// `n` bytes from the front of [`Self::runs`] were sent.
    pub fn advance(&mut self, mut n: usize) {
        while n > 0 {
            let own = self.marks.front().map_or(self.own.len(), |(at, _)| *at) - self.sent;
            let step = own.min(n);
            self.sent += step;
            n -= step;
            if n == 0 {
                break;
            }
            let Some((_, Mark::Shared(bytes))) = self.marks.front_mut() else { unreachable!("more sent than queued") };
            let step = bytes.len().min(n);
            bytes::Buf::advance(bytes, step);
            self.shared -= step;
            n -= step;
            if bytes.is_empty() {
                self.marks.pop_front();
            }
        }
        self.tidy();
    }

    /// Takes the [`Front::EndDatagram`] or [`Front::Effect`] that stands first.
    pub fn pop(&mut self) {
        if matches!(self.front(), Front::EndDatagram | Front::Effect(..)) {
            self.marks.pop_front();
        }
        self.tidy();
    }

    /// Throws away all that is queued.
    pub fn clear(&mut self) {
        self.own.clear();
        self.marks.clear();
        (self.sent, self.shared) = (0, 0);
    }

    /// Forgets what was sent: at once when that was all, else when it is the larger part of a large buffer.
    fn tidy(&mut self) {
        if self.sent == self.own.len() && self.marks.is_empty() {
            self.own.clear();
            self.sent = 0;
        } else if self.sent > 64 * 1024 && self.sent > self.own.len() / 2 {
            self.own.drain(..self.sent);
            for (at, _) in &mut self.marks {
                *at -= self.sent;
            }
            self.sent = 0;
        }
    }

    /// How a call ended: as it said itself, or with what was reported by [`Cx::fail`].
    ///
    /// # Errors
    /// Either.
    pub fn outcome(&mut self, result: Result<(), Violation>) -> Result<(), Violation> {
        let failed = self.failed.take();
        result.and_then(|()| failed.map_or(Ok(()), |violation| Err(*violation)))
    }

    fn mark(&mut self, mark: Mark) {
        self.marks.push_back((self.own.len(), mark));
    }

    fn effect(&mut self, effect: Effect) {
        self.mark(Mark::Effect(effect));
    }
}

/// What a session may know and do while it is called.
pub struct Cx<'a> {
    pub facts: &'a Facts,
    out: &'a mut Out,
}

impl<'a> Cx<'a> {
    pub fn new(facts: &'a Facts, out: &'a mut Out) -> Self {
        Self { facts, out }
    }

    /// Over datagrams?
    #[must_use]
    pub fn datagrams(&self) -> bool {
        self.facts.rides == Rides::Datagrams
    }

    /// Bytes queued and not yet sent: what a session that answers much to little goes by.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.out.unsent()
    }

    /// Says these bytes.
    pub fn write(&mut self, bytes: &[u8]) {
        self.out.own.extend_from_slice(bytes);
    }

    /// Says these bytes without copying them when they are many.
    pub fn write_shared(&mut self, bytes: &Bytes) {
        if bytes.len() < 4096 {
            return self.write(bytes);
        }
        self.out.shared += bytes.len();
        self.out.mark(Mark::Shared(bytes.clone()));
    }

    /// What was written since the last end is one datagram, an empty one if it was nothing. Over streams: nothing.
    pub fn end_datagram(&mut self) {
        if self.datagrams() {
            self.out.mark(Mark::EndDatagram);
        }
    }

    /// Sends what is queued, then ends the stream in good order.
    pub fn close(&mut self) {
        self.out.effect(Effect::Close);
    }

    /// Asks to be woken after `after`.
    pub fn wake(&mut self, id: EffectId, after: Duration) {
        self.out.effect(Effect::Wake(id, after));
    }

    /// Asks to be told when what is queued now has been sent.
    pub fn when_drained(&mut self, id: EffectId) {
        self.out.effect(Effect::Drained(id));
    }

    /// Wants no input until [`Self::resume_input`]: the peer is held back by its own transport.
    pub fn pause_input(&mut self) {
        self.out.input_paused = true;
    }

    /// Wants input again, beginning with what was left untaken.
    pub fn resume_input(&mut self) {
        self.out.input_paused = false;
    }

    /// Can't go on, as after an `Err` of [`super::Session::input`]: for what has no other way to say so.
    pub fn fail(&mut self, violation: Violation) {
        self.out.failed.get_or_insert(Box::new(violation));
    }

    /// Lends the queue, until it is swapped back: to what can't hold on to this context.
    pub fn swap(&mut self, other: &mut Out) {
        std::mem::swap(self.out, other);
    }

    /// Reports.
    pub fn event(&mut self, event: Event) {
        self.out.events.push(event);
    }

    /// A whole message came from the peer: counted, and shown to whoever asked for messages.
    pub fn heard(&mut self, message: &[u8]) {
        self.out.messages += 1;
        if self.facts.watch.messages {
            self.event(Event::Message(Bytes::copy_from_slice(message)));
        }
    }

    /// This is what a person wants to see of an answer.
    pub fn body(&mut self, bytes: &[u8]) {
        if self.facts.watch.bodies {
            self.event(Event::Body(Bytes::copy_from_slice(bytes)));
        }
    }
}
