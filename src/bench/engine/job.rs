//! One run, as all workers see it: what is said, to whom, when, and how it is stopped.

use std::{
    borrow::Cow,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use tokio::sync::watch;

use super::{
    body::{Body, Number, Which},
    hold::Memory,
};
use crate::{
    bench::{
        Load,
        load::{Shape, tuning::Tuned},
        shard::Shard,
    },
    error::Trouble,
    protocol::{Answers, Protocol, Setup, Takes, framing::Kind},
    role::{
        Terms, facts,
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
        facts(self.rides(), local, self.address.clone(), Watch::default())
    }
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
    /// Connections opened per second, at most.
    pub(super) connect_rate: Option<f64>,
    /// Connections are only kept; with what this costs.
    pub(super) hold: Option<Memory>,
    /// Addresses of ours that connections begin from in turn; none: the usual one.
    pub(super) sources: Vec<SocketAddr>,
    pub(super) timeout: Duration,
    /// Workers never sleep.
    pub(super) spin: bool,
    pub(super) terms: Arc<Terms>,
    pub(super) connections: usize,
    pub(super) threads: usize,
    /// How often workers hand over what they have counted.
    pub(super) tick: Duration,
    pub(super) shard: Shard,
    /// What is changed while it runs, where somebody may.
    pub(super) tuned: Option<watch::Receiver<Tuned>>,
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
    pub(super) connect_rate: Option<f64>,
    pub(super) hold: bool,
    pub(super) sources: Vec<SocketAddr>,
    pub(super) timeout: Option<Duration>,
    pub(super) spin: bool,
    pub(super) joins: bool,
    pub(super) connections: usize,
    pub(super) threads: usize,
    pub(super) tick: Duration,
    pub(super) shard: Shard,
    pub(super) tuned: Option<watch::Receiver<Tuned>>,
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
        let body = Body::new(load, number, shape.seed);
        setup.numbered = body.numbered().or(setup.numbered);
        let default = Duration::from_secs(if datagrams { 1 } else { 10 });
        let unlimited = datagrams && shape.open_loop();
        let mut terms = Terms { joins: parts.joins, ..Terms::client() };
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
            connect_rate: parts.connect_rate,
            hold: parts.hold.then(Memory::default),
            sources: parts.sources,
            timeout: parts.timeout.unwrap_or(default),
            spin: parts.spin,
            peer,
            protocol,
            setup,
            shape,
            connections,
            threads,
            tick,
            shard,
            tuned: parts.tuned,
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
        let own = self.body.repeats() && self.protocol.takes_data();
        self.datagrams() && own && self.protocol.prefix == Some(b"")
    }

    /// What a request of connection `number` says. `room` is reused.
    pub(super) fn body(&self, number: usize, seq: u64, before: u64, room: &mut BytesMut) -> Bytes {
        let said = before.wrapping_add(seq).wrapping_sub(number as u64);
        let of_all = said.wrapping_mul(self.connections as u64).wrapping_add(number as u64);
        self.body.of(Which { seq, before, of_all }, room)
    }

    /// How connection `number` is made: several addresses of ours take turns.
    pub(super) fn dial(&self, number: usize) -> Cow<'_, Dial> {
        match &self.sources[..] {
            [] => Cow::Borrowed(&self.peer.dial),
            sources => Cow::Owned(Dial { source: Some(sources[number % sources.len()]), ..self.peer.dial.clone() }),
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
