//! A protocol in words: what `netproto explain` tells. Part of its row, so that whoever writes a protocol writes this too.
//!
//! May use: nothing.

/// What a person wants to know of a protocol before its RFC.
#[derive(Debug)]
pub struct Explained {
    /// A picture of the messages for each direction, the client's first.
    pub layout: &'static [Layout],
    /// Each state and what is done in it, in the order in which a conversation goes through them.
    pub states: &'static [(&'static str, &'static str)],
    /// How it begins and ends, over each kind of transport that carries it.
    pub courses: &'static [Course],
    /// What is bounded, and what happens beyond.
    pub limits: &'static [&'static str],
    /// Where it is written: the section, and what is to be found there.
    pub sections: &'static [(&'static str, &'static str)],
}

/// What goes one way.
#[derive(Debug)]
pub struct Layout {
    pub way: &'static str,
    /// ASCII, at most 76 columns.
    pub picture: &'static str,
}

/// How a conversation goes, over one kind of transport.
#[derive(Debug)]
pub struct Course {
    /// `streams` or `datagrams`.
    pub over: &'static str,
    pub begins: &'static str,
    pub ends: &'static str,
}

pub(super) const CLIENT: &str = "client to server";
pub(super) const SERVER: &str = "server to client";

/// What a client says that has nothing to say.
pub(super) const ANYTHING: Layout = Layout {
    way: CLIENT,
    picture: "\
over streams     nothing (what comes is thrown away)
over datagrams   +---------------------------+
                 | anything, empty will do   |
                 +---------------------------+",
};

/// What a client says where the bytes are its own.
pub(super) const DATA: Layout = Layout {
    way: CLIENT,
    picture: "\
+------------------ ~ ------+
| data, any bytes           |
+------------------ ~ ------+",
};

/// The states of a server that says one thing and closes.
pub(super) const SAID_ONCE: &[(&str, &str)] = &[("saying", "The server says its one message."), ("closed", "It is said.")];

/// The same server over datagrams.
pub(super) const ANSWERED_ONCE: Course = Course {
    over: "datagrams",
    begins: "With any datagram; what it holds is ignored.",
    ends: "Each datagram has one answer. Nothing is kept.",
};

// Limits that rows share.
pub(super) const AMPLIFIES: &str =
    "Answers can be larger than what they answer: a server for other machines needs --allow-amplification over UDP.";
pub(super) const LARGEST_DATAGRAM: &str = "A datagram carries at most 65,507 bytes over UDP on IPv4, all included.";
pub(super) const LONGEST_MESSAGE: &str = "With --framing, a message has the framing's limit (`netproto protocols` lists them) or --max-frame; a longer one ends the conversation.";
pub(super) const HELD_BACK: &str = "Reading stops while much of what was answered is unsent: a peer that does not read is held back, and memory stays bounded.";
pub(super) const DELAYED: &str =
    "-p delay=TIME keeps each answer for so long; datagrams that come when too much waits are not answered.";
