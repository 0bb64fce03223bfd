//! `[TRANSPORT|PROTOCOL] TARGET [DATA]...`: which words are which, and what a target may be.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use super::values;
use crate::{
    error::Trouble,
    protocol::{self, Goal, Protocol, lua},
    transport::{Place, Scheme, Target, Use},
    values::{read, show},
};

/// The words of `send` and `bench`, sorted out.
#[derive(Debug, Clone)]
pub struct Words<'a> {
    /// `send` or `bench`.
    command: &'static str,
    /// As typed; `None`: what the protocol rides on, or TCP, unless the target is a URL.
    pub transport: Option<Scheme>,
    /// The protocol whose name stands where a transport may, and as the scheme of a URL.
    named: Option<&'static Protocol>,
    in_url: Option<&'static Protocol>,
    pub target: Option<&'a OsStr>,
    pub data: Vec<&'a OsStr>,
}

impl<'a> Words<'a> {
    /// The transport may be left out; then the first word is the target at once.
    ///
    /// # Errors
    /// The first word is a script that can't be used.
    pub fn sort(
        command: &'static str,
        first: Option<&'a String>,
        second: Option<&'a OsString>,
        rest: &'a [OsString],
    ) -> Result<Self, Trouble> {
        let transport = first.and_then(|word| values::transport(word));
        let named = match first {
            // A script by its ending alone: with a slash it could be a target.
            Some(word) if lua::is_script_file(word) && !word.contains("://") => Some(values::script(word)?),
            word => word.and_then(|word| protocol::find(word)),
        };
        let mut words = first
            .filter(|_| transport.is_none() && named.is_none())
            .map(OsStr::new)
            .into_iter()
            .chain(second.map(OsString::as_os_str))
            .chain(rest.iter().map(OsString::as_os_str));
        let target = words.next();
        // After `unix` it is a path, which may hold anything.
        let in_url = target.filter(|_| !transport.is_some_and(Scheme::is_unix)).and_then(protocol_url).map(|(row, _)| row);
        Ok(Self { command, transport, named, in_url, target, data: words.collect() })
    }

    /// Does the line say what to speak, or over what?
    pub fn begun(&self) -> bool {
        self.transport.is_some() || self.named.is_some()
    }

    /// The protocol: by its name in place of a transport, by a URL, or as `chosen` with `-P`.
    ///
    /// # Errors
    /// They differ.
    pub fn protocol(&self, chosen: Option<&'static Protocol>) -> Result<Option<&'static Protocol>, Trouble> {
        let said = [(self.named, ""), (self.in_url, "://"), (chosen, "")];
        let mut said = said.into_iter().filter_map(|(row, tail)| Some((row?, tail)));
        let Some((first, tail)) = said.next() else { return Ok(None) };
        match said.find(|(row, _)| row.name != first.name) {
            None => Ok(Some(first)),
            Some((other, of_other)) => {
                let flag = if chosen.is_some_and(|row| row.name == other.name) && of_other.is_empty() { "-P " } else { "" };
                let sentence = format!("{}{tail} and {flag}{}{of_other} name different protocols", first.name, other.name);
                Err(Trouble::usage(sentence).hint("leave one of them out"))
            }
        }
    }

    /// The scheme when there is no target.
    ///
    /// # Errors
    /// `--datagram` without a Unix socket.
    pub fn scheme(&self, datagram: bool, row: Option<&'static Protocol>) -> Result<Scheme, Trouble> {
        match self.transport {
            Some(Scheme::Unix) if datagram => Ok(Scheme::Unixgram),
            None | Some(_) if datagram => Err(no_datagram_sockets()),
            scheme => Ok(scheme.unwrap_or_else(|| row.map_or(Scheme::Tcp, values::usual))),
        }
    }

    /// The first word is nearly a transport or a protocol, and the next one is a place.
    fn transport_meant(&self, word: &OsStr) -> Option<Trouble> {
        let (typed, place) = (word.to_str()?, self.data.first()?.to_str()?);
        let known = values::TRANSPORTS.iter().map(|(name, ..)| *name).chain(protocol::ALL.iter().map(|row| row.name));
        let meant = read::nearest(typed, known)?;
        let (what, scheme, port) = match (values::transport(meant), protocol::find(meant)) {
            (Some(scheme), _) => ("transport", scheme, None),
            (None, row) => ("protocol", values::usual(row?), row?.port),
        };
        let known = !self.begun() && Target::parse(place, scheme, Use::Connect(port)).is_ok();
        known.then(|| Trouble::usage(format!("unknown {what} {typed:?}")).hint(format!("did you mean {meant}?")))
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

    /// What the protocol is told of the target, and the user in a URL, as it stands there.
    pub fn goal(&self, target: &Target, row: &Protocol) -> (Goal, Option<String>) {
        let authority = match &target.place {
            Place::Net { host, port } if Some(*port) == row.port => host.to_string(),
            place @ Place::Net { .. } => place.to_string(),
            // A path is no authority; the name stands for this machine.
            Place::Path(_) => "localhost".into(),
        };
        let url = self.target.and_then(protocol_url).filter(|_| self.in_url.is_some());
        let (user, _, path) = url.and_then(|(row, rest)| divided(row, rest)).unwrap_or_default();
        (Goal { authority, path: path.into(), ..Goal::default() }, user.map(read::percent_decoded))
    }

    /// `echo udp` for `udp HOST -P echo`. A host that is called so has its port written.
    fn swapped(&self, word: &OsStr) -> Option<Trouble> {
        let (row, typed) = (self.named?, word.to_str()?);
        let scheme = values::transport(typed)?;
        let place = match row.port {
            _ if scheme.is_unix() => "PATH",
            Some(_) => "HOST",
            None => "HOST:PORT",
        };
        let hint = format!("the transport comes first: {} {typed} {place} -P {}", self.command, row.typed());
        Some(Trouble::usage(format!("{typed} is a transport, and stands where the target would")).hint(hint))
    }

    /// The target to connect to; the port of `row` is for a target without one.
    ///
    /// # Errors
    /// It is malformed, or a URL of another transport than the one that was named.
    pub fn target(&self, datagram: bool, row: Option<&'static Protocol>) -> Result<Option<Target>, Trouble> {
        let Some(word) = self.target else { return Ok(None) };
        if let Some(trouble) = self.swapped(word) {
            return Err(trouble);
        }
        let scheme = self.transport.unwrap_or_else(|| row.map_or(Scheme::Tcp, values::usual));
        let use_ = Use::Connect(row.and_then(|row| row.port));
        let place = match protocol_url(word).filter(|_| self.in_url.is_some()) {
            Some((row, rest)) => in_protocol_url(row, rest, scheme, use_),
            None => target(word, scheme, use_),
        };
        let target = place.map_err(|trouble| {
            self.transport_meant(word).or_else(|| without_scheme(word, scheme, row)).unwrap_or_else(|| {
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

/// User, authority and path of a URL (RFC 3986, section 3), of a protocol that has resources. The fragment is the reader's own
/// and goes nowhere.
fn divided<'a>(row: &Protocol, rest: &'a str) -> Option<(Option<&'a str>, &'a str, &'a str)> {
    let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) if row.params.iter().any(|param| param.name == USER) => (Some(user), place),
        _ => (None, authority),
    };
    row.paths.then_some((user, place, path))
}

/// A place with a path behind it, of a protocol whose URLs have one.
fn without_scheme(word: &OsStr, scheme: Scheme, row: Option<&Protocol>) -> Option<Trouble> {
    let (text, row) = (word.to_str()?, row.filter(|row| row.paths && !scheme.is_unix())?);
    let (_, place, path) = divided(row, text).filter(|(.., path)| path.starts_with('/'))?;
    if text.contains("://") || place.is_empty() {
        return None;
    }
    let name = row.name;
    Some(
        Trouble::usage(format!("{} has a path and no scheme", show::quoted(text.as_bytes(), 80)))
            .hint(format!("with a path it is a URL: {name}://{place}{path}")),
    )
}

/// The parameter that a URL's user is.
const USER: &str = "user";

/// The name of a protocol that was typed, if there is a server of it.
pub fn speaks(row: Option<&'static Protocol>) -> Option<&'static str> {
    row.filter(|row| row.server.is_some()).map(|row| row.name)
}

/// The protocol of `echo://localhost`, and what follows it. Schemes are written in any case (RFC 3986, section 3.1).
fn protocol_url(word: &OsStr) -> Option<(&'static Protocol, &str)> {
    let (name, rest) = word.to_str()?.split_once("://")?;
    let row = protocol::ALL.iter().copied().find(|row| row.name.eq_ignore_ascii_case(name))?;
    Some((row, rest))
}

/// The place in a URL of a protocol: its authority, without a user. Where the protocol has no resources, nothing follows it
/// but a slash.
fn in_protocol_url(row: &Protocol, rest: &str, scheme: Scheme, use_: Use) -> Result<Target, Trouble> {
    let place = match divided(row, rest) {
        Some((_, place, _)) => place,
        None => rest.strip_suffix('/').unwrap_or(rest),
    };
    if let Some(at) = place.find(['/', '?', '#', '@']) {
        let name = row.name;
        return Err(Trouble::usage(format!("{} means nothing to {name}", show::quoted(&place.as_bytes()[at..], 80)))
            .hint(format!("{name}://HOST:PORT is all there is")));
    }
    Target::parse(&format!("{scheme}://{place}"), scheme, use_)
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
    if let Some((row, rest)) = protocol_url(word).filter(|_| !scheme.is_unix()) {
        let (word, name, place) = (word.display(), row.name, rest.strip_suffix('/').unwrap_or(rest));
        return Err(Trouble::usage(format!("{word} is not for {}", values::shown(scheme)))
            .hint(format!("try: serve {name} {place}")));
    }
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

/// Where a server of this row listens, on all that it rides on.
///
/// # Errors
/// It is malformed, or a URL: that would be of one transport.
pub fn listening_on_all(word: &OsStr, row: &Protocol) -> Result<Place, Trouble> {
    let text = word.to_string_lossy();
    if let Some((scheme, rest)) = text.split_once("://") {
        let place = rest.strip_suffix('/').unwrap_or(rest);
        let sentence = format!("serve takes an address without a scheme, and {text} has one");
        let hint = match scheme.to_ascii_lowercase().as_str() {
            only @ ("tcp" | "udp") => format!("try: serve {0} {place}, or: serve-{only} {place} -P {0}", row.typed()),
            _ => format!("try: serve {} {place}", row.typed()),
        };
        return Err(Trouble::usage(sentence).hint(hint));
    }
    let target = target(word, values::usual(row), Use::Listen)?;
    match target.place {
        place @ Place::Net { .. } => Ok(place),
        Place::Path(path) => {
            let path = show::path(&path);
            Err(Trouble::usage(format!("serve opens HOST:PORT, and {path} is a path"))
                .hint(format!("try: serve-unix {path} -P {}", row.typed())))
        }
    }
}

/// A target as typed. Only a path may be something else than UTF-8.
fn target(word: &OsStr, scheme: Scheme, use_: Use) -> Result<Target, Trouble> {
    match word.to_str() {
        Some(text) => Target::parse(text, scheme, use_).map_err(|trouble| near_scheme(text, trouble)),
        None if scheme.is_unix() => Ok(Target { scheme, place: Place::Path(PathBuf::from(word)) }),
        None => Err(Trouble::usage(format!("{} is no address: it is not UTF-8", word.display()))),
    }
}

/// Of a URL whose scheme is unknown: protocols have URLs, too.
fn near_scheme(text: &str, trouble: Trouble) -> Trouble {
    let known = |name: &str| ["tcp", "udp", "unix", "unixgram"].iter().any(|known| known.eq_ignore_ascii_case(name));
    match text.split_once("://").filter(|(name, _)| !known(name)) {
        None => trouble,
        Some((name, _)) => match protocol::nearest(name) {
            Some(near) => trouble.hint(format!("did you mean {near}://?")),
            None => trouble.hint("known are tcp:// udp:// unix: unixgram: and protocols, such as echo://"),
        },
    }
}
