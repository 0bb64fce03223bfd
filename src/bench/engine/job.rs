//! One run, as all workers see it: what is said, to whom, when, and how it is stopped.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::{
    bench::{Load, load::Shape, shard::Shard},
    error::Trouble,
    protocol::{Answers, Protocol, Setup, Takes, framing::Kind},
    role::{
        Terms,
        stop::{Phase, Stop},
    },
    session::{Endpoint, Facts, Rides, Watch},
    transport::{Detached, Dial, Scheme},
};

/// The server spoken to: one address, resolved once.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) address: Endpoint,
    pub(super) scheme: Scheme,
    pub(super) dial: Dial,
}

impl Peer {
    pub(super) fn rides(&self) -> Rides {
        self.scheme.rides()
    }

    pub(super) fn facts(&self, local: Endpoint) -> Facts {
        let (rides, peer) = (self.rides(), self.address.clone());
        let max_datagram = Facts::max_datagram_to(&peer);
        let watch = Watch::default();
        Facts { rides, local, peer, max_datagram, wall_clock: SystemTime::now, watch, said_before: 0 }
    }
}

/// What each request says.
#[derive(Debug)]
enum Body {
    /// The same each time.
    Same(Bytes),
    InTurn(Vec<Bytes>),
    /// This, with the number over its first 8 bytes.
    Numbered(Arc<[u8]>),
    /// The same in letters, which every framing can hold: no two datagrams in a row are alike, or they would look like a
    /// loop of echoes to the other end.
    Lettered(Arc<[u8]>),
}

/// Everything about a run that does not change during it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) peer: Peer,
    pub(super) protocol: &'static Protocol,
    pub(super) setup: Setup,
    pub(super) answers: Answers,
    body: Body,
    pub(super) shape: Shape,
    /// On one connection; `None`: no limit.
    pub(super) in_flight: Option<usize>,
    /// A new connection for each request.
    pub(super) reconnect: bool,
    pub(super) timeout: Duration,
    pub(super) terms: Arc<Terms>,
    pub(super) connections: usize,
    pub(super) threads: usize,
    /// How often workers hand over what they have counted.
    pub(super) tick: Duration,
    pub(super) shard: Shard,
    pub(super) stop: Stop,
    /// How long it took to make, and the connection.
    first: Mutex<Option<(Duration, Detached)>>,
    trouble: Mutex<Option<Trouble>>,
}

/// What a run is made from, beside what is derived from it.
pub(super) struct Parts {
    pub(super) peer: Peer,
    pub(super) first: Option<(Duration, Detached)>,
    pub(super) protocol: &'static Protocol,
    pub(super) setup: Setup,
    pub(super) load: Load,
    pub(super) shape: Shape,
    pub(super) in_flight: Option<usize>,
    pub(super) reconnect: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) connections: usize,
    pub(super) threads: usize,
    pub(super) tick: Duration,
    pub(super) shard: Shard,
    pub(super) stop: Stop,
}

impl Job {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts {
            peer, first, protocol, mut setup, load, shape, in_flight, connections, threads, tick, shard, stop, ..
        } = parts;
        let datagrams = peer.rides() == Rides::Datagrams;
        let answers = if datagrams { protocol.answers.datagrams } else { protocol.answers.stream };
        let number = match setup.framing.kind {
            _ if !datagrams || !matches!(protocol.takes, Takes::Bytes) => Number::None,
            // A framing of a script's own may hold letters only, as lines do.
            Kind::Raw if protocol.script.is_none() => Number::Bytes,
            _ => Number::Letters,
        };
        let body = Body::new(load, number);
        if let Body::Numbered(pattern) = &body {
            setup.numbered = Some(pattern.clone());
        }
        let default = Duration::from_secs(if datagrams { 1 } else { 10 });
        let unlimited = datagrams && shape.rate.is_some();
        let mut terms = Terms::client();
        if answers == Answers::Never {
            // What was said counts as done when it is written: so the next is said after that, and not before.
            terms.low_water = 0;
        }
        Self {
            answers,
            terms: Arc::new(terms),
            body,
            in_flight: in_flight.or(if unlimited { None } else { Some(1) }),
            reconnect: !datagrams && (parts.reconnect || answers == Answers::OnceThenClose),
            timeout: parts.timeout.unwrap_or(default),
            peer,
            protocol,
            setup,
            shape,
            connections,
            threads,
            tick,
            shard,
            stop,
            first: Mutex::new(first),
            trouble: Mutex::default(),
        }
    }

    pub(super) fn datagrams(&self) -> bool {
        self.peer.rides() == Rides::Datagrams
    }

    /// Do datagrams say again what was said before, to a protocol that answers with the data alone?
    pub(super) fn repeats(&self) -> bool {
        let own = matches!(self.body, Body::Same(_) | Body::InTurn(_)) && self.protocol.takes_data();
        self.datagrams() && own && self.protocol.prefix == Some(b"")
    }

    /// What request `seq` of a conversation says, before which so many others were said. `room` is reused: while nobody holds
    /// the last one, nothing is allocated.
    pub(super) fn body(&self, seq: u64, before: u64, room: &mut BytesMut) -> Bytes {
        match &self.body {
            Body::Same(body) => body.clone(),
            Body::InTurn(bodies) => bodies[(before.wrapping_add(seq) % bodies.len() as u64) as usize].clone(),
            Body::Numbered(pattern) => {
                room.reserve(pattern.len());
                room.put_u64(seq);
                room.put_slice(&pattern[size_of::<u64>()..]);
                room.split().freeze()
            }
            Body::Lettered(pattern) => {
                room.reserve(pattern.len());
                room.put_slice(&letters(seq));
                room.put_slice(&pattern[size_of::<u64>()..]);
                room.split().freeze()
            }
        }
    }

    /// The connection that is there already; for one to take.
    pub(super) fn take_first(&self) -> Option<(Duration, Detached)> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The run can't go on: it ends now, with this. The first one counts.
    pub(super) fn give_up(&self, trouble: Trouble) {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(trouble);
        self.stop.advance(Phase::Now);
    }

    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// How datagrams are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    None,
    Bytes,
    Letters,
}

impl Body {
    fn new(load: Load, number: Number) -> Self {
        match load {
            Load::Length(length) if number != Number::None && length >= size_of::<u64>() => match number {
                Number::Letters => Self::Lettered(pattern(length).into()),
                _ => Self::Numbered(pattern(length).into()),
            },
            Load::Length(length) => Self::Same(pattern(length).into()),
            Load::Messages(mut messages) if messages.len() <= 1 => Self::Same(messages.pop().unwrap_or_default()),
            Load::Messages(messages) => Self::InTurn(messages),
        }
    }
}

/// Letters, over and over: no framing needs to escape them, and a piece in the wrong place is seen.
fn pattern(length: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(length).collect()
}

/// `seq` as eight letters.
fn letters(seq: u64) -> [u8; 8] {
    let mut rest = seq;
    std::array::from_fn(|_| {
        let letter = b'a' + (rest % 26) as u8;
        rest /= 26;
        letter
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_bodies_reuse_their_room() {
        let job_body = Body::new(Load::Length(64), Number::Bytes);
        let Body::Numbered(pattern) = &job_body else { panic!("64 bytes have room for a number") };
        let mut room = BytesMut::new();
        let mut places = std::collections::BTreeSet::new();
        for seq in 0u64..100 {
            room.reserve(pattern.len());
            room.put_u64(seq);
            room.put_slice(&pattern[8..]);
            let body = room.split().freeze();
            assert_eq!(body[..8], seq.to_be_bytes());
            assert_eq!(body[8..], pattern[8..]);
            places.insert(body.as_ptr() as usize);
        }
        assert!(places.len() <= 2, "100 bodies lie in {} places", places.len());
    }

    #[test]
    fn what_has_no_room_for_a_number_is_not_numbered() {
        assert!(matches!(Body::new(Load::Length(7), Number::Bytes), Body::Same(body) if &body[..] == b"abcdefg"));
        assert!(matches!(Body::new(Load::Length(64), Number::None), Body::Same(body) if body.len() == 64));
        let two = vec![Bytes::from_static(b"a"), Bytes::from_static(b"b")];
        assert!(matches!(Body::new(Load::Messages(two), Number::Letters), Body::InTurn(bodies) if bodies.len() == 2));
    }

    #[test]
    fn letters_tell_requests_apart_in_any_framing() {
        let all: std::collections::BTreeSet<_> = (0..2000).map(letters).collect();
        assert!(all.len() == 2000 && all.iter().flatten().all(u8::is_ascii_lowercase));
    }
}
