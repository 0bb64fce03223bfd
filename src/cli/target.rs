//! `[TRANSPORT] TARGET [DATA]...`: which words are which, and what a target may be.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use super::values;
use crate::{
    error::Trouble,
    transport::{Place, Scheme, Target, Use},
};

/// The words of `send` and `bench`, sorted out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words<'a> {
    /// As typed; `None`: TCP, unless the target is a URL.
    pub transport: Option<Scheme>,
    pub target: Option<&'a OsStr>,
    pub data: Vec<&'a OsStr>,
}

impl<'a> Words<'a> {
    /// The transport may be left out; then the first word is the target at once.
    pub fn sort(first: Option<&'a String>, second: Option<&'a OsString>, rest: &'a [OsString]) -> Self {
        let transport = first.and_then(|word| values::transport(word));
        let mut words = first
            .filter(|_| transport.is_none())
            .map(OsStr::new)
            .into_iter()
            .chain(second.map(OsString::as_os_str))
            .chain(rest.iter().map(OsString::as_os_str));
        Self { transport, target: words.next(), data: words.collect() }
    }

    /// The scheme when there is no target.
    ///
    /// # Errors
    /// `--datagram` without a Unix socket.
    pub fn scheme(&self, datagram: bool) -> Result<Scheme, Trouble> {
        match self.transport {
            Some(Scheme::Unix) if datagram => Ok(Scheme::Unixgram),
            None | Some(_) if datagram => Err(no_datagram_sockets()),
            scheme => Ok(scheme.unwrap_or(Scheme::Tcp)),
        }
    }

    /// The target to connect to.
    ///
    /// # Errors
    /// It is malformed, or a URL of another transport than the one that was named.
    pub fn target(&self, datagram: bool) -> Result<Option<Target>, Trouble> {
        let Some(word) = self.target else { return Ok(None) };
        let target = target(word, self.transport.unwrap_or(Scheme::Tcp), Use::Connect)?;
        match self.transport {
            Some(named) if !same_kind(named, target.scheme) => {
                let word = word.display();
                Err(Trouble::usage(format!("{word} is not for {}", values::shown(named)))
                    .hint(format!("the URL names the transport: {word} alone is enough")))
            }
            _ if datagram && !target.scheme.is_unix() => Err(no_datagram_sockets()),
            _ => Ok(Some(if datagram { as_datagrams(target) } else { target })),
        }
    }
}

fn no_datagram_sockets() -> Trouble {
    Trouble::usage("--datagram is for Unix sockets").hint("datagrams to HOST:PORT are udp, as in: send udp localhost:8080")
}

/// `--datagram` with a `unix:` URL.
fn as_datagrams(target: Target) -> Target {
    match target.scheme {
        Scheme::Unix => Target { scheme: Scheme::Unixgram, ..target },
        _ => target,
    }
}

/// Streams and datagrams of Unix sockets go by one name.
fn same_kind(a: Scheme, b: Scheme) -> bool {
    a == b || a.is_unix() && b.is_unix()
}

/// Where a server listens.
///
/// # Errors
/// It is malformed, or a URL of another transport than the command's.
pub fn listening(word: &OsStr, scheme: Scheme) -> Result<Target, Trouble> {
    let target = target(word, scheme, Use::Listen)?;
    if same_kind(scheme, target.scheme) {
        return Ok(if scheme == Scheme::Unixgram { as_datagrams(target) } else { target });
    }
    let command = match target.scheme {
        Scheme::Tcp => "serve-tcp",
        Scheme::Udp => "serve-udp",
        Scheme::Unix | Scheme::Unixgram => "serve-unix",
    };
    let word = word.display();
    Err(Trouble::usage(format!("{word} is not for {}", values::shown(scheme))).hint(format!("try: {command} {word}")))
}

/// A target as typed. Only a path may be something else than UTF-8.
fn target(word: &OsStr, scheme: Scheme, use_: Use) -> Result<Target, Trouble> {
    match word.to_str() {
        Some(text) => Target::parse(text, scheme, use_),
        None if scheme.is_unix() => Ok(Target { scheme, place: Place::Path(PathBuf::from(word)) }),
        None => Err(Trouble::usage(format!("{} is no address: it is not UTF-8", word.display()))),
    }
}
