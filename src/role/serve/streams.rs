//! Serving over streams: accepting, and one conversation for each connection.

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::{Duration, Instant, SystemTime},
};

use tokio::{sync::Notify, task::JoinSet};

use super::{Server, counts::Counted, lanes::Lane, log::Entry};
use crate::{
    error::reason,
    role::{
        Quit, Said, Sink, Source, Terms, Way,
        drive::Drive,
        stop::{Phase, Waiter},
    },
    session::{Closed, Endpoint, Event, Facts, Rides, Watch},
    transport::{Listener, Stream, is_exhausted},
};

/// Out of descriptors, how long at most until accepting is tried again. (A connection that closes ends the wait at once.)
const DESCRIPTOR_PAUSE: Duration = Duration::from_millis(500);
/// How soon that is said again, in milliseconds.
const SAID_AGAIN: u64 = 1000;

/// What the accepting of one server shares.
#[derive(Debug)]
struct Door {
    server: Arc<Server>,
    /// Connections of each address, kept only where there is a limit.
    peers: Mutex<HashMap<IpAddr, usize>>,
    /// Conversations that have not ended and told so.
    talking: AtomicUsize,
    /// A connection has closed, or a conversation has told how it ended.
    freed: Notify,
    /// When it was last said that descriptors are out, in milliseconds since the start.
    said: AtomicU64,
    started: Instant,
    terms: Arc<Terms>,
    /// Are counts wanted while conversations run, or dumps?
    watched: bool,
}

/// Serves until stopped, and until the last conversation has ended.
pub(super) async fn serve(server: &Arc<Server>, listeners: Vec<Listener>) {
    let (idle, handshake) = (server.plan.idle_timeout, server.plan.handshake_timeout);
    let door = Arc::new(Door {
        server: server.clone(),
        peers: Mutex::default(),
        talking: AtomicUsize::new(0),
        freed: Notify::new(),
        said: AtomicU64::new(0),
        started: Instant::now(),
        terms: Arc::new(Terms { idle, handshake, linger: true, ..Terms::default() }),
        watched: server.plan.log.stats.is_some() || server.plan.log.hex,
    });
    let mut accepting = JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(door.clone(), listener));
    }
    while accepting.join_next().await.is_some() {}
    let mut overdue = std::pin::pin!(server.overdue());
    while door.talking.load(Relaxed) > 0 {
        tokio::select! { () = door.freed.notified() => (), () = &mut overdue => break }
    }
}

async fn accept(door: Arc<Door>, listener: Listener) {
    let server = &door.server;
    let mut stops = [server.stop.waiter(), server.full.waiter()];
    let stopped = |cx: &mut Context<'_>, stops: &mut [Waiter; 2]| stops.iter_mut().any(|stop| stop.poll(cx).is_ready());
    loop {
        let next = std::future::poll_fn(|cx| {
            if stopped(cx, &mut stops) { Poll::Ready(None) } else { listener.poll_accept(cx).map(Some) }
        });
        match next.await {
            None => return,
            Some(Ok((stream, peer))) => door.enter(stream, &peer),
            Some(Err(error)) => door.trouble(&error).await,
        }
    }
}

impl Door {
    /// Accepting failed: pauses when that will be so again at once.
    async fn trouble(&self, error: &io::Error) {
        if !is_exhausted(error) {
            return;
        }
        let open = self.server.counts.open.load(Relaxed);
        // One later than the start, since 0 is never.
        let now = 1 + u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        let said = self.said.load(Relaxed);
        let due = said == 0 || now - said >= SAID_AGAIN;
        if due && self.said.compare_exchange(said, now, Relaxed, Relaxed).is_ok() {
            let what = match error.raw_os_error() {
                Some(libc::EMFILE | libc::ENFILE) => "out of file descriptors".to_owned(),
                _ => reason(error),
            };
            self.server.log.say(&Entry::Warning {
                what: format!(
                    "{what} at {} connections; accepting again when one closes",
                    crate::values::show::grouped(open as u64)
                ),
                hint: Some(format!("ulimit -n 65536, or -m {} to refuse politely", (open * 9 / 10).max(1))),
            });
        }
        let _ = tokio::time::timeout(DESCRIPTOR_PAUSE, self.freed.notified()).await;
    }

    /// Takes a connection in, or refuses it.
    fn enter(self: &Arc<Self>, stream: Stream, peer: &Endpoint) {
        let server = &self.server;
        let seat = match self.seat(peer) {
            Ok(seat) => seat,
            Err(why) => {
                server.counts.refused.fetch_add(1, Relaxed);
                return server.log.say(&Entry::Refused { peer: peer.to_string(), why });
            }
        };
        server.counts.connections.fetch_add(1, Relaxed);
        if server.log.connections() {
            server.log.say(&Entry::Connected { peer: peer.to_string() });
        }
        let facts = Facts {
            rides: Rides::Stream,
            local: stream.local(),
            peer: peer.clone(),
            max_datagram: 0,
            wall_clock: SystemTime::now,
            watch: Watch { messages: server.log.messages(), records: server.log.records(), ..Watch::default() },
            said_before: 0,
        };
        let party = Guest { stop: server.stop.waiter(), counted: self.watched.then(Box::default), seat };
        let (session, terms, talk) = ((server.make)(&server.plan.setup), self.terms.clone(), Talk::begin(self));
        // In a box: a future that takes it by value would hold room for it twice.
        let talk = |stream| converse(Box::new(Drive::new(stream, session, party, facts, terms)), talk);
        match Lane::emptiest(&server.lanes) {
            Some(lane) => lane.run(stream, talk),
            None => drop(tokio::spawn(talk(stream))),
        }
    }

    /// A place for this peer, or why there is none. All listeners share the places.
    fn seat(self: &Arc<Self>, peer: &Endpoint) -> Result<Seat, String> {
        let plan = &self.server.plan;
        if !self.peer_enters(peer) {
            let max = plan.max_connections_per_peer.unwrap_or_default();
            return Err(format!("{max} connections are the limit for one peer (--max-connections-per-peer)"));
        }
        let max = plan.max_connections.unwrap_or(usize::MAX);
        if self.server.counts.open.fetch_update(Relaxed, Relaxed, |open| (open < max).then_some(open + 1)).is_err() {
            self.peer_leaves(peer);
            return Err(format!("{max} connections are the limit (-m)"));
        }
        // From here on it gives its place back when it is dropped.
        let seat = Seat { door: self.clone(), peer: peer.clone() };
        if plan.once && !self.server.lets_in(peer) {
            return Err("one client was asked for (-1)".into());
        }
        Ok(seat)
    }

    /// Counts one more connection from this address, where that is limited and still below the limit.
    fn peer_enters(&self, peer: &Endpoint) -> bool {
        let (Some(max), Endpoint::Ip(address)) = (self.server.plan.max_connections_per_peer, peer) else { return true };
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let count = peers.entry(address.ip()).or_default();
        let enters = *count < max;
        *count += usize::from(enters);
        enters
    }

    fn peer_leaves(&self, peer: &Endpoint) {
        let (Some(_), Endpoint::Ip(address)) = (self.server.plan.max_connections_per_peer, peer) else { return };
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = peers.get_mut(&address.ip()) {
            *count -= 1;
            if *count == 0 {
                peers.remove(&address.ip());
            }
        }
    }

    fn leave(&self, peer: &Endpoint) {
        self.peer_leaves(peer);
        self.server.counts.open.fetch_sub(1, Relaxed);
        self.freed.notify_one();
    }
}

/// A place inside. It is given up when dropped, also by a panic: that ends one conversation, never the server.
struct Seat {
    door: Arc<Door>,
    peer: Endpoint,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.door.leave(&self.peer);
    }
}

/// A conversation, until it has told how it ended. The server waits for it.
struct Talk(Arc<Door>);

impl Talk {
    fn begin(door: &Arc<Door>) -> Self {
        door.talking.fetch_add(1, Relaxed);
        Self(door.clone())
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.0.talking.fetch_sub(1, Relaxed);
        self.0.freed.notify_one();
    }
}

/// The server's part in a conversation: it never speaks first, and listens for the log and the counters.
struct Guest {
    stop: Waiter,
    /// What it has told so far; kept only where interval lines or dumps look at it.
    counted: Option<Box<Counted>>,
    seat: Seat,
}

impl Source for Guest {
    fn poll_say(&mut self, _: &mut Context<'_>) -> Poll<Said> {
        Poll::Pending
    }

    fn poll_quit(&mut self, cx: &mut Context<'_>) -> Poll<Quit> {
        self.stop.poll(cx).map(|phase| match phase {
            Phase::Now => Quit::Now(Closed::Stopped),
            _ => Quit::WhenIdle,
        })
    }
}

impl Sink for Guest {
    fn event(&mut self, event: Event, _: Instant) {
        self.seat.door.server.tell(&self.seat.peer, event);
    }

    fn looks(&self) -> bool {
        let log = &self.seat.door.server.log;
        log.hex() || log.messages()
    }

    fn poured(&mut self, bytes: u64) {
        if let Some(counted) = &mut self.counted {
            counted.wire(Way::Out, bytes, &self.seat.door.server.counts);
        }
    }

    fn paused(&mut self, took: Option<Duration>) {
        self.seat.door.server.counts.paused(took);
    }

    fn heard(&mut self, messages: u64) {
        if let Some(counted) = &mut self.counted {
            counted.messages += messages;
            self.seat.door.server.counts.messages.fetch_add(messages, Relaxed);
        }
    }

    fn wire(&mut self, way: Way, bytes: &[u8]) {
        let server = &self.seat.door.server;
        if let Some(counted) = &mut self.counted {
            let offset = counted.wire(way, bytes.len() as u64, &server.counts);
            if server.log.hex() {
                let peer = self.seat.peer.to_string();
                return server.log.say(&Entry::Dump { peer, way, offset, bytes: bytes.into() });
            }
        }
        if way == Way::Out && server.log.messages() {
            server.log.say(&Entry::Message { peer: self.seat.peer.to_string(), way, bytes: bytes.into() });
        }
    }
}

async fn converse(mut drive: Box<Drive<Stream, Guest>>, _talk: Talk) {
    let how = drive.as_mut().await;
    let traffic = *drive.traffic();
    let (stream, guest) = drive.into_parts();
    drop(stream);
    let counted = guest.counted.as_deref().copied().unwrap_or_default();
    let (server, peer) = (guest.seat.door.server.clone(), guest.seat.peer.clone());
    server.counts.add(&traffic, &counted);
    if how == Closed::Reset {
        server.counts.resets.fetch_add(1, Relaxed);
    }
    if let Closed::Violated(violation) = &how {
        server.tell_fault(&peer, violation);
    }
    // The place is free before it is told: who reads the line may come in.
    drop(guest);
    if server.log.connections() {
        server.log.say(&Entry::closed(&peer, &how, &traffic));
    }
}
