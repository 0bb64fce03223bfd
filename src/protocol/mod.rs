//! What is said: one file for each protocol, and the table [`ALL`] that every other part reads.
//!
//! A row feeds the values of `-P`, `netproto protocols`, help, man pages, completions, the conformance tests and the fuzz
//! target. There is no `match` on a protocol's name anywhere else.
//!
//! May use: `session`, `values`, pure parsers. Never: tokio, transport, role, clap, anyhow, `async`, any clock.

mod calendar;
mod chargen;
mod daytime;
mod discard;
mod dns;
mod echo;
mod exchange;
mod explained;
pub mod framing;
mod ftp;
mod http;
pub mod lua;
mod once;
mod param;
mod params;
mod processed;
mod qotd;
mod raw;
mod secrets;
mod smtp;
mod time;

use std::sync::Arc;

pub use explained::{Course, Explained, Layout};
pub use framing::Framing;
pub use lua::Script;
pub use param::{Ends, Made, Param, ParamKind, Sheet};
pub use params::{Contents, Given, ParamError, Params, Place, param};
pub use secrets::Secrets;

use crate::session::{Rides, Session};

/// What answers a client gets. The load generator and `send` go by this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// Each message has its own answer, with a known end.
    Each,
    /// Each message may be answered, but only the user knows where an answer ends (`raw`).
    Unknown,
    /// The server answers once, unasked over streams, and closes (`daytime`).
    OnceThenClose,
    /// The server sends without being asked, and without end (`chargen` over streams).
    Endless,
    /// Nothing is ever answered (`discard`).
    Never,
}

impl Answers {
    const ALL: [Self; 5] = [Self::Each, Self::Unknown, Self::OnceThenClose, Self::Endless, Self::Never];

    /// For JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Each => "each",
            Self::Unknown => "unknown",
            Self::OnceThenClose => "once_then_close",
            Self::Endless => "endless",
            Self::Never => "never",
        }
    }

    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answers| answers.word() == word)
    }
}

/// What a session is made from.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    pub framing: Framing,
    pub params: Params,
    /// What was typed as the target, for protocols that speak of it.
    pub goal: Goal,
    /// What is submitted is what a file holds, and not what somebody typed.
    pub from_file: bool,
    /// The file that is to be said, where the protocol streams one itself ([`Takes::Optional`]).
    pub upload: Option<Place>,
    /// Where answers are to be kept, for a protocol that keeps them itself ([`Protocol::keeps`]).
    pub output: Option<Place>,
    /// Over datagrams, from the load generator: bodies are this pattern, with the message's number (its `seq`, 8 bytes, big
    /// endian) over the first 8 bytes. A checking client then knows which message an answer belongs to, in any order.
    pub numbered: Option<Arc<[u8]>>,
    /// What the sessions of a scripted row say: its [`Protocol::script`].
    pub script: Option<&'static Script>,
}

/// The target of a client, as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Goal {
    /// `host` or `host:port`: what HTTP's Host field says.
    pub authority: String,
    /// What follows it in a URL, as it stands there; empty when nothing does.
    pub path: String,
    /// We were sent here from elsewhere: it is asked for without the data that was for there.
    pub bare: bool,
    /// We were sent here: what is asked for is the path, whatever list there is.
    pub sent: bool,
    /// We were sent here by another authority than the one that was typed: what is secret stays there.
    pub foreign: bool,
}

/// Makes one end of a conversation.
pub type MakeSession = fn(&Setup) -> Box<dyn Session>;

/// One protocol.
#[derive(Debug)]
pub struct Protocol {
    pub name: &'static str,
    /// One line about it, without a full stop.
    pub about: &'static str,
    /// RFC and section, or where else it is defined.
    pub spec: &'static str,
    /// The port it is known by.
    pub port: Option<u16>,
    /// What it rides on, one or both; the first is taken where nobody says.
    pub rides: &'static [Rides],
    /// What is answered over streams, and over datagrams.
    pub answers: AnswersBy,
    /// What the client says.
    pub takes: Takes,
    /// Are datagram answers large whatever they answer, so that a forged source address makes it a weapon?
    pub amplifies: bool,
    /// Would it answer another server's answers, so that two could go on for ever? Then the loop guard is on, and source
    /// ports below 1024 are never answered.
    pub echoes: bool,
    /// Do the answers depend on how the stream was cut into pieces?
    pub cuts_matter: bool,
    /// May a framing be put around its messages?
    pub framed: bool,
    /// May a URL of it have a path? (And, where there is a parameter `user`, a user.)
    pub paths: bool,
    /// Does its client write answers to files itself (`-o`)?
    pub keeps: bool,
    /// `-p key=value`
    pub params: &'static [Param],
    /// `None`: there is no server end (`raw`).
    pub server: Option<MakeSession>,
    pub client: MakeSession,
    /// What stands before the data in each answer; `None`: answers are something else.
    pub prefix: Option<&'static [u8]>,
    /// For `netproto explain`.
    pub explained: &'static Explained,
    /// A protocol that somebody wrote: its text. Its sessions must stay on the thread that began them.
    pub script: Option<&'static Script>,
}

/// What a client's messages are.
#[derive(Debug, Clone, Copy)]
pub enum Takes {
    /// It says nothing of its own (`daytime`).
    Nothing,
    /// Any bytes.
    Bytes,
    Words(Form),
    /// Any bytes, and none as well: a request is whole without. A file is streamed by the session itself.
    Optional {
        /// What the data is, for help: `the body`.
        usage: &'static str,
    },
    /// The same; and what is piped in is taken for it where nothing else is given.
    Piped {
        usage: &'static str,
    },
}

/// Messages that a person types as words: all DATA arguments together make one, and in a file each line is one.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// As help writes it.
    pub usage: &'static str,
    /// Some that the server answers as it is without parameters. The load generator says the first, unless told otherwise. Where
    /// that is empty, a message is whole without words.
    pub examples: &'static [&'static str],
    /// In a file, a line that begins with one of these says nothing.
    pub comments: &'static [u8],
}

impl Form {
    /// Is this line of a file a message?
    #[must_use]
    pub fn is_message(&self, line: &[u8]) -> bool {
        line.trim_ascii_start().first().map_or(self.may_be_empty(), |first| !self.comments.contains(first))
    }

    /// Is a message whole without words?
    #[must_use]
    pub fn may_be_empty(&self) -> bool {
        self.examples.first() == Some(&"")
    }
}

/// What is answered depends on the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswersBy {
    pub stream: Answers,
    pub datagrams: Answers,
}

/// Every protocol, the default first.
pub static ALL: &[&Protocol] = &[
    &processed::ROW,
    &echo::ROW,
    &discard::ROW,
    &chargen::ROW,
    &qotd::ROW,
    &daytime::ROW,
    &time::ROW,
    &http::ROW,
    &dns::ROW,
    &smtp::ROW,
    &ftp::ROW,
    &raw::ROW,
];

/// What a server speaks unless told otherwise.
pub static DEFAULT: &Protocol = &processed::ROW;

/// The client end that stands for any server.
pub static ANY: &Protocol = &raw::ROW;

/// The protocol of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Protocol> {
    ALL.iter().copied().find(|protocol| protocol.name == name)
}

/// The name nearest to what was typed, if one is near enough to be meant.
#[must_use]
pub fn nearest(typed: &str) -> Option<&'static str> {
    crate::values::read::nearest(typed, ALL.iter().map(|protocol| protocol.name))
}

impl Protocol {
    /// Streams, and datagrams just as well.
    const BOTH: &'static [Rides] = &[Rides::Stream, Rides::Datagrams];

    #[must_use]
    pub fn rides_on(&self, rides: Rides) -> bool {
        self.rides.contains(&rides)
    }

    /// May the client be given data?
    #[must_use]
    pub fn takes_data(&self) -> bool {
        !matches!(self.takes, Takes::Nothing)
    }

    /// What its messages are, where they are words.
    #[must_use]
    pub fn form(&self) -> Option<Form> {
        match self.takes {
            Takes::Words(form) => Some(form),
            _ => None,
        }
    }

    /// Is a message whole without data?
    #[must_use]
    pub fn data_is_optional(&self) -> bool {
        matches!(self.takes, Takes::Optional { .. } | Takes::Piped { .. })
    }

    /// Is standard input the data, where nobody types it?
    #[must_use]
    pub fn takes_what_is_piped(&self) -> bool {
        matches!(self.takes, Takes::Piped { .. })
    }

    /// What it rides on where nobody says.
    #[must_use]
    pub fn usual(&self) -> Rides {
        self.rides.first().copied().unwrap_or(Rides::Stream)
    }

    /// What a person types for it: its name, or where its script is.
    #[must_use]
    pub fn typed(&self) -> &str {
        self.script.map_or(self.name, Script::path)
    }

    /// Must its sessions stay on one thread? (The state of a script belongs to its thread.)
    #[must_use]
    pub fn stays(&self) -> bool {
        self.script.is_some()
    }

    /// Bytes that an answer has beside the data: in a datagram they must fit as well.
    #[must_use]
    pub fn overhead(&self) -> usize {
        self.prefix.map_or(0, <[u8]>::len)
    }
}

impl AnswersBy {
    #[must_use]
    pub fn over(self, rides: Rides) -> Answers {
        match rides {
            Rides::Stream => self.stream,
            Rides::Datagrams => self.datagrams,
        }
    }

    const EACH: Self = Self { stream: Answers::Each, datagrams: Answers::Each };
    const ONCE: Self = Self { stream: Answers::OnceThenClose, datagrams: Answers::Each };
}
