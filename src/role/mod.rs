//! Who speaks when: the two drivers, and the roles that are made of them.
//!
//! A role is a choice: which end of a protocol, when do we speak (a [`Source`]), who listens (a [`Sink`]). So server, client
//! and load generator cannot have different protocols.
//!
//! | role | end | source | sink |
//! |---|---|---|---|
//! | [`serve`] | `protocol.server` | never | log and counters |
//! | [`send`] | `protocol.client` | arguments, a file or stdin | print |
//! | [`crate::bench`] | `protocol.client`, many times | a load schedule | recorder |
//!
//! May use: protocol, transport, session, `error`, `values`, `os`. Never: bench, cli, clap, colours.

pub mod drive;
mod joint;
pub mod metrics;
pub mod packets;
mod pool;
pub mod send;
pub mod serve;
pub mod stop;
mod talks;
pub mod terminal;
mod timers;

pub use talks::Talks;

use std::{
    io,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::{
    os,
    session::{ChannelId, Closed, Cx, Endpoint, Event, Facts, Rides, Session, Violation, Watch},
    transport,
};

/// What a source has to say.
#[derive(Debug)]
pub enum Said {
    /// One message, numbered from 0 by the source.
    Message(u64, Bytes),
    /// The answer to this one is no longer awaited: if it comes, it is late.
    Forget(u64),
    /// Nothing more, ever. Over streams our half is closed then, when [`Terms::half_close`] is set.
    End,
}

/// What became of something said.
#[derive(Debug)]
enum Handed {
    Taken,
    /// The session can't take it now.
    Refused(u64, Bytes),
    Ended,
}

impl Handed {
    /// Tells the party and the driver's flags what became of it.
    #[inline]
    fn settle(self, party: &mut impl Source, ended: &mut bool, refused: &mut bool) {
        match self {
            Self::Taken => {}
            Self::Ended => *ended = true,
            Self::Refused(seq, body) => {
                *refused = true;
                party.refused(seq, body);
            }
        }
    }
}

impl Said {
    /// Hands it to the session.
    #[inline]
    fn hand(self, session: &mut dyn Session, cx: &mut Cx<'_>) -> Handed {
        match self {
            Self::End => Handed::Ended,
            Self::Forget(seq) => {
                session.forget(seq);
                Handed::Taken
            }
            Self::Message(seq, body) => match session.submit(seq, &body, cx) {
                Ok(()) => Handed::Taken,
                Err(_) => Handed::Refused(seq, body),
            },
        }
    }
}

/// Why a conversation is to end before either session wants to.
#[derive(Debug)]
pub enum Quit {
    /// Finish what is on its way, take nothing new.
    WhenIdle,
    /// Send what is queued and close.
    Finish,
    /// At once.
    Now(Closed),
}

/// When do we speak?
pub trait Source {
    /// The next thing to say. Asked only while there is room for it.
    fn poll_say(&mut self, cx: &mut Context<'_>) -> Poll<Said>;

    /// The session can't take `body` now: keep it, it is asked for again after [`Event::Ready`].
    fn refused(&mut self, seq: u64, body: Bytes) {
        let _ = (seq, body);
    }

    /// Is something awaited that the peer owes? Over datagrams, silence counts only then.
    fn awaits(&self) -> bool {
        true
    }

    /// Is it time to end? Asked on every turn, so it must be cheap. After [`Quit::WhenIdle`] it is asked on.
    fn poll_quit(&mut self, cx: &mut Context<'_>) -> Poll<Quit> {
        let _ = cx;
        Poll::Pending
    }
}

/// What a row that does so wrongly rides on datagrams is told.
const STREAMS_ONLY: &str = "files, channels and bulk go over streams only";

/// Which way bytes went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    In,
    Out,
}

/// What has become of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    Opened,
    /// One side has said all, or closed it.
    Ended,
    /// It could not be opened, or was reset.
    Broken,
}

/// Who listens?
pub trait Sink {
    /// The session reported something; the driver looked at the clock when its cause came in.
    fn event(&mut self, event: Event, now: Instant);

    /// Is there room for more events? While there is none, nothing is read from the peer.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx;
        Poll::Ready(())
    }

    /// Reading is held back because the peer does not read (`None`), or was for so long.
    fn paused(&mut self, took: Option<Duration>) {
        let _ = took;
    }

    /// So many more whole messages came.
    fn heard(&mut self, messages: u64) {
        let _ = messages;
    }

    /// These bytes crossed the wire.
    fn wire(&mut self, way: Way, bytes: &[u8]) {
        let _ = (way, bytes);
    }

    /// Must it see every byte that crosses the wire? Otherwise a file may be sent without passing through our memory, bulk may be
    /// thrown away in the kernel, and only [`Sink::unseen`] tells how much.
    fn looks(&self) -> bool {
        false
    }

    /// So many bytes of a file, or of bulk, crossed the wire unseen.
    fn unseen(&mut self, way: Way, bytes: u64) {
        let _ = (way, bytes);
    }

    /// So many of the bytes that crossed were bulk, seen or not.
    fn bulk(&mut self, way: Way, bytes: u64) {
        let _ = (way, bytes);
    }

    /// So many bytes crossed a channel.
    fn channel(&mut self, id: ChannelId, way: Way, bytes: u64) {
        let _ = (id, way, bytes);
    }

    /// A channel was opened by this side, was ended by it, or is broken.
    fn channel_is(&mut self, id: ChannelId, way: Way, is: Beside) {
        let _ = (id, way, is);
    }

    /// One side of a stream has said all: the peer's (`In`), or ours, which is closed now (`Out`).
    fn ended(&mut self, way: Way) {
        let _ = way;
    }

    /// A datagram broke the protocol. `true`: it alone is lost, and the conversation goes on.
    fn overlooks(&mut self, violation: &Violation) -> bool {
        let _ = violation;
        false
    }

    /// A datagram could not be sent, or an earlier one was refused. `true`: go on all the same.
    fn survives(&mut self, error: &io::Error) -> bool {
        let _ = error;
        false
    }
}

/// The terms of one conversation.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Reading stops while more than this is unsent, in bytes. For a server, whose output is caused by what it reads. A client
    /// reads on whatever it has to say, or two ends that wait for each other's reading would wait for ever.
    pub high_water: usize,
    /// Reading goes on, and the source is asked again, when no more than this is unsent.
    pub low_water: usize,
    /// How long nothing may cross the wire.
    pub idle: Option<Duration>,
    /// How long nothing may come from the peer; over datagrams, while it owes something.
    pub silence: Option<Duration>,
    /// How long until the peer's first complete message.
    pub handshake: Option<Duration>,
    /// Close our half of a stream when the source has ended.
    pub half_close: bool,
    /// Datagrams of one length that are due together leave in one call, where the system can.
    pub joins: bool,
    /// After our close of a stream, read on for a moment and throw it away, so that no reset overtakes our last answer.
    pub linger: bool,
}

impl Terms {
    /// Those of a client.
    pub fn client() -> Self {
        Self { high_water: usize::MAX, ..Self::default() }
    }

    /// Is there a time after which it is over?
    fn limited(&self) -> bool {
        self.idle.is_some() || self.silence.is_some() || self.handshake.is_some()
    }
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            high_water: 64 * 1024,
            low_water: 16 * 1024,
            idle: None,
            silence: None,
            handshake: None,
            half_close: false,
            joins: false,
            linger: false,
        }
    }
}

/// What a session may know of a conversation between these ends, at our clocks.
pub fn facts(rides: Rides, local: Endpoint, peer: Endpoint, watch: Watch) -> Facts {
    Facts {
        rides,
        local,
        max_datagram: Facts::max_datagram_to(&peer),
        peer,
        wall_clock: transport::wall_clock,
        steady_clock: os::steady_clock,
        cpu_clock: os::process_cpu_time,
        watch,
        said_before: 0,
    }
}

/// What crossed the wire, and how it went.
#[derive(Debug, Clone, Copy)]
pub struct Traffic {
    pub opened: Instant,
    /// When the first byte came from the peer.
    pub first_byte: Option<Instant>,
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// Whole messages that came from the peer.
    pub messages: u64,
    /// How often, and how long, reading was held back because the peer did not read.
    pub pauses: u64,
    pub paused: Duration,
}

impl Traffic {
    fn new(opened: Instant) -> Self {
        Self { opened, first_byte: None, bytes_in: 0, bytes_out: 0, messages: 0, pauses: 0, paused: Duration::ZERO }
    }
}

/// Lets all that waits for this thread go first, other tasks and sockets on which something has come; then the task of `cx` is
/// polled again. (A task that wakes itself comes before the sockets are looked at.)
fn yield_to_all(cx: &mut Context<'_>) {
    // Pending the first time, with the waker kept until after that look.
    let _ = std::pin::pin!(tokio::task::yield_now()).as_mut().poll(cx);
}
