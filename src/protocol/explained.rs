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
