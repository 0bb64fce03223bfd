//! What a session reports, and what it can be told.

use std::fmt;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{FileError, Link, Rides};

/// What a session reports to whoever listens. `send` prints these, `bench` times and counts them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The `seq`-th submit has its complete answer.
    Answered { seq: u64, verdict: Verdict },
    /// What a person wants to see of an answer. Reported only when [`crate::session::Watch::bodies`] is set.
    Body(Bytes),
    /// One whole message came from the peer. Reported only when [`crate::session::Watch::messages`] is set.
    Message(Bytes),
    /// A submit refused with [`NotNow`] may be tried again.
    Ready,
    /// The answer to a forgotten `seq` came after all.
    Late { seq: u64 },
    /// This protocol, framing or transport can't say the message: nothing was sent, and no answer will come.
    Refused { seq: u64, why: Violation },
    /// The peer has said that it will not answer `seq`, and whatever was asked for has not been done: it may be said again in
    /// another conversation.
    Returned { seq: u64 },
    /// Another answer to `seq`, which had one.
    Duplicate { seq: u64 },
    /// Something came that answers nothing we said.
    Unsolicited { bytes: usize },
    /// A step on the way to the answer of `seq` is done: the load generator times them. Snake case; `login` is
    /// counted, too.
    Phase { seq: u64, name: &'static str },
    /// One line of the dialogue, for a person who wants to follow it; without its line end. Reported only when
    /// [`crate::session::Watch::talk`] is set.
    Talk { lane: &'static str, ours: bool, text: Bytes },
    /// What happened, as fields for machines: a request answered, a message delivered. Reported only when
    /// [`crate::session::Watch::records`] is set.
    Record(Box<Record>),
    /// Our own end could not do its part, and goes on: whoever runs it is told, with the hint, each fault once.
    Fault(Box<Violation>),
    /// A transfer has come so far, of so much if that is known; in bytes.
    Progress { done: u64, total: Option<u64> },
    /// The answer is to be had elsewhere. It is said before the answer that came here: whoever drives us may ask there instead,
    /// in a new conversation, or take what came.
    Elsewhere(Box<Elsewhere>),
}

/// What happened, as fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Snake case: `request`, `message`, `transfer`.
    pub name: &'static str,
    pub fields: Map<String, Value>,
}

/// Fields by their names.
pub fn fields(all: impl IntoIterator<Item = (&'static str, Value)>) -> Map<String, Value> {
    let mut fields = Map::new();
    // Collected at once, each kind of list would bring a sort of its own into the program.
    fields.extend(all.into_iter().map(|(name, value)| (name.to_owned(), value)));
    fields
}

/// Where an answer is to be had. What is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elsewhere {
    pub rides: Option<Rides>,
    /// `host` or `host:port`
    pub authority: Option<String>,
    pub path: Option<String>,
    /// It is asked for without our data (RFC 9110, section 15.4.4).
    pub bare: bool,
    /// What to say there for this one answer. The conversation here goes on; without it, all is said there from the beginning.
    pub say: Option<Bytes>,
    /// Why, in one clause: `truncated`, `302 Found`.
    pub why: String,
}

/// Was the answer right?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Right,
    Wrong(Box<Mismatch>),
}

/// How an answer differs from the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The right answer, or its beginning.
    pub expected: Bytes,
    /// What came, or its beginning.
    pub got: Bytes,
    /// Where in both pieces the first byte is that does not agree.
    pub at: usize,
    /// What a person is told in place of the two, where that says more.
    pub why: Option<Why>,
}

/// What is wrong with an answer, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// A kind by which such answers are counted apart from others; snake case.
    pub name: Option<&'static str>,
    /// One sentence without a full stop. Never holds bytes of the peer unescaped.
    pub sentence: String,
    pub hint: Option<&'static str>,
}

impl Mismatch {
    /// The longest piece of either side that is kept for showing.
    pub const KEPT: usize = 256;

    /// Compares, keeping what a person needs to see: at most [`Self::KEPT`] bytes around the first difference.
    #[must_use]
    pub fn between(expected: &[u8], got: &[u8]) -> Self {
        let at = expected.iter().zip(got).take_while(|(a, b)| a == b).count();
        let from = at.saturating_sub(Self::KEPT / 2);
        let piece = |side: &[u8]| {
            let side = &side[from.min(side.len())..];
            Bytes::copy_from_slice(&side[..side.len().min(Self::KEPT)])
        };
        Self { expected: piece(expected), got: piece(got), at: at - from, why: None }
    }

    /// The same, with words for it.
    #[must_use]
    pub fn because(self, sentence: String, hint: Option<&'static str>) -> Self {
        Self { why: Some(Why { name: None, sentence, hint }), ..self }
    }

    /// The same, counted as this.
    #[must_use]
    pub fn named(mut self, name: &'static str) -> Self {
        if let Some(why) = &mut self.why {
            why.name = Some(name);
        }
        self
    }
}

/// What became of an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The time asked for has passed.
    Woken,
    /// All that was queued before has been sent. Never over a server's datagrams.
    Drained,
    /// All that was to be generated has been sent. What the system knows of the connection then, if anything.
    Generated(Option<Link>),
    /// All that was to be swallowed came.
    Swallowed,
    /// The file is on disk, under its name; or is not.
    Committed(Result<(), FileError>),
}

/// The protocol can't take a message now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotNow;

/// Why our side ends a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// A client: all was said and answered.
    Done,
    /// A server: nothing came for too long.
    Idle,
    /// A server: it is stopped.
    Stopped,
}

/// How a conversation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// We closed, all that we said having been taken.
    ByUs,
    /// The peer closed in good order.
    ByPeer,
    /// The peer reset the connection.
    Reset,
    /// Nothing came for longer than allowed.
    TimedOut(&'static str),
    /// The peer broke the protocol.
    Violated(Violation),
    /// The transport failed.
    Failed(String),
    /// We were told to stop.
    Stopped,
}

impl Closed {
    /// The same, unless the session's own end of it was wrong.
    #[must_use]
    pub fn or(self, fault: Option<Violation>) -> Self {
        match (self, fault) {
            (how @ Self::Violated(_), _) | (how, None) => how,
            (_, Some(fault)) => Self::Violated(fault),
        }
    }

    /// One word for counting and for JSON, snake case.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ByUs => "closed",
            Self::ByPeer => "peer_closed",
            Self::Reset => "reset",
            Self::TimedOut(_) => "timed_out",
            Self::Violated(_) => "violation",
            Self::Failed(_) => "failed",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByUs => f.write_str("closed"),
            Self::ByPeer => f.write_str("peer closed"),
            Self::Reset => f.write_str("reset by peer"),
            Self::TimedOut(what) => write!(f, "timed out: {what}"),
            Self::Violated(violation) => write!(f, "{violation}"),
            Self::Failed(what) => f.write_str(what),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

/// The peer broke the protocol: a name for counting, and one sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Snake case, stable: `frame_too_long`, `bad_length`, `cut_short`, ...
    pub name: &'static str,
    /// One clause without a full stop, lower case. Never holds bytes of the peer unescaped.
    pub sentence: String,
    /// The fault is not the peer's but ours, such as a script's: what whoever runs this end may do. It is told at once.
    pub hint: Option<&'static str>,
}

impl Violation {
    #[must_use]
    pub fn new(name: &'static str, sentence: impl Into<String>) -> Self {
        Self { name, sentence: sentence.into(), hint: None }
    }

    /// Our own end is at fault, and can't go on.
    #[must_use]
    pub fn ours(name: &'static str, sentence: impl Into<String>, hint: &'static str) -> Self {
        Self { name, sentence: sentence.into(), hint: Some(hint) }
    }

    /// A message is longer than its named limit.
    #[must_use]
    pub fn too_long(what: &str, length: impl fmt::Display, max: usize) -> Self {
        Self::new("frame_too_long", format!("{what} of {length} bytes is over the limit of {max}"))
    }

    /// The peer closed in the middle of a message.
    #[must_use]
    pub fn cut_short(got: usize) -> Self {
        Self::new("cut_short", format!("peer closed in the middle of a message, after {got} bytes of it"))
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Violation {}
