//! `[TRANSPORT] TARGET [DATA]...`: which words are which, and what a target may be.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use super::values;
use crate::{
    error::Trouble,
    transport::{Place, Scheme, Target, Use},
    values::read,
};

/// The words of `send` and `bench`, sorted out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words<'a> {
    /// `send` or `bench`.
    command: &'static str,
    /// As typed; `None`: TCP, unless the target is a URL.
    pub transport: Option<Scheme>,
    pub target: Option<&'a OsStr>,
    pub data: Vec<&'a OsStr>,
}

impl<'a> Words<'a> {
    /// The transport may be left out; then the first word is the target at once.
    pub fn sort(
        command: &'static str,
        first: Option<&'a String>,
        second: Option<&'a OsString>,
        rest: &'a [OsString],
    ) -> Self {
        let transport = first.and_then(|word| values::transport(word));
        let mut words = first
            .filter(|_| transport.is_none())
            .map(OsStr::new)
            .into_iter()
            .chain(second.map(OsString::as_os_str))
            .chain(rest.iter().map(OsString::as_os_str));
        Self { command, transport, target: words.next(), data: words.collect() }
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

    /// The first word is nearly a transport, and the next one is a place.
    fn transport_meant(&self, word: &OsStr) -> Option<Trouble> {
        let (typed, place) = (word.to_str()?, self.data.first()?.to_str()?);
        let meant = read::nearest(typed, ["tcp", "udp", "unix"])?;
        let known = self.transport.is_none() && Target::parse(place, values::transport(meant)?, Use::Connect(None)).is_ok();
        known.then(|| Trouble::usage(format!("unknown transport {typed:?}")).hint(format!("did you mean {meant}?")))
    }

    /// The line to type for a host and a port that are two words.
    fn joined(&self, host: &OsStr, scheme: Scheme) -> Option<String> {
        let (port, data) = self.data.split_first()?;
        let place = format!("{}:{}", host.to_str()?, port.to_str()?);
        Target::parse(&place, scheme, Use::Connect(None)).ok()?;
        let plain = |word: &&&OsStr| word.to_str().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let data = match data {
            [] => "",
            [one] => Some(one).filter(plain).and_then(|word| word.to_str()).unwrap_or("DATA"),
            _ => "DATA...",
        };
        Some(format!("{} {scheme} {place} {data}", self.command).trim_end().into())
    }

    /// The target to connect to; `port` is the protocol's, for a target without one.
    ///
    /// # Errors
    /// It is malformed, or a URL of another transport than the one that was named.
    pub fn target(&self, datagram: bool, port: Option<u16>) -> Result<Option<Target>, Trouble> {
        let Some(word) = self.target else { return Ok(None) };
        let scheme = self.transport.unwrap_or(Scheme::Tcp);
        let target = target(word, scheme, Use::Connect(port)).map_err(|trouble| {
            self.transport_meant(word).unwrap_or_else(|| {
                let line = self.joined(word, scheme);
                trouble.hint_if(line)
            })
        })?;
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
