//! Values on the command line that are more than a number with a unit: protocols, addresses, traffic classes, patterns.

use std::{
    ffi::OsStr,
    fs::File,
    io::Read as _,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    time::Duration,
};

use bytes::Bytes;
use clap::builder::{PossibleValue, TypedValueParser};

use crate::{
    error::{Trouble, reason},
    os,
    protocol::{self, Framing, Protocol, framing, lua},
    session::Rides,
    transport::Scheme,
    values::read,
};

/// Reads a value that has names, and tells the names to the shell's completion.
#[derive(Clone)]
pub struct Named<T> {
    names: fn() -> Vec<PossibleValue>,
    read: fn(&str) -> Result<T, Trouble>,
}

impl Named<&'static Protocol> {
    pub fn protocol() -> Self {
        let names = || protocol::ALL.iter().map(|row| PossibleValue::new(row.name).help(row.about)).collect();
        Self { names, read: protocol_named }
    }

    /// The first word after `serve`.
    pub fn served() -> Self {
        let names = || {
            let rows = protocol::ALL.iter().filter(|row| row.server.is_some());
            rows.map(|row| PossibleValue::new(row.name).help(row.about)).collect()
        };
        Self { names, read: served_named }
    }
}

impl Named<String> {
    /// Only checked: the framing is made together with its limit.
    pub fn framing() -> Self {
        let names = || framing::ALL.iter().map(|row| PossibleValue::new(typed_part(row.name)).help(row.about)).collect();
        Self { names, read: |text| framing_of(text, None).map(|_| text.to_owned()) }
    }

    /// The first word after `send` and `bench`: a transport, a protocol, or the target at once.
    pub fn transport() -> Self {
        let names = || {
            let transports = TRANSPORTS.iter().map(|(name, about, _)| PossibleValue::new(*name).help(*about));
            let protocols = protocol::ALL.iter().map(|row| PossibleValue::new(row.name).help(row.about));
            transports.chain(protocols).collect()
        };
        Self { names, read: |text| Ok(text.to_owned()) }
    }
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Named<T> {
    type Value = T;

    fn parse_ref(&self, cmd: &clap::Command, arg: Option<&clap::Arg>, value: &OsStr) -> Result<T, clap::Error> {
        TypedValueParser::parse_ref(&self.read, cmd, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.names)().into_iter()))
    }
}

/// The transports that `send` and `bench` take by name.
pub const TRANSPORTS: &[(&str, &str, Scheme)] = &[
    ("tcp", "a byte stream to HOST:PORT", Scheme::Tcp),
    ("udp", "datagrams to HOST:PORT", Scheme::Udp),
    ("unix", "a Unix socket at PATH", Scheme::Unix),
];

/// The transport of this name.
pub fn transport(word: &str) -> Option<Scheme> {
    TRANSPORTS.iter().find(|(name, ..)| *name == word).map(|(.., scheme)| *scheme)
}

/// What carries a protocol where nobody says.
pub fn usual(row: &Protocol) -> Scheme {
    over(row.usual())
}

/// The kind of internet socket that carries it.
pub fn over(rides: Rides) -> Scheme {
    match rides {
        Rides::Stream => Scheme::Tcp,
        Rides::Datagrams => Scheme::Udp,
    }
}

/// A scheme in a sentence.
pub fn shown(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Tcp => "TCP",
        Scheme::Udp => "UDP",
        Scheme::Unix => "a Unix socket",
        Scheme::Unixgram => "a Unix datagram socket",
    }
}

/// Datagrams, or a stream?
pub fn datagrams(scheme: Scheme) -> bool {
    scheme.rides() == Rides::Datagrams
}

/// What stands before the part that is the user's: of `delimiter:STR` it is `delimiter:`.
fn typed_part(name: &str) -> &str {
    name.strip_suffix("STR").unwrap_or(name)
}

/// A framing as typed, with its limit.
///
/// # Errors
/// An unknown name, with the nearest.
pub fn framing_of(text: &str, max: Option<usize>) -> Result<Framing, Trouble> {
    Framing::parse(text, max).map_err(|error| Trouble::usage(error.to_string()).hint(error.hint()))
}

/// A protocol of the table, or a script's.
fn protocol_named(name: &str) -> Result<&'static Protocol, Trouble> {
    if lua::is_script(name) {
        return script(name);
    }
    protocol::find(name).ok_or_else(|| {
        let hint = match protocol::nearest(name) {
            Some(near) => format!("did you mean {near}? `netproto protocols` lists them"),
            None => "`netproto protocols` lists them".into(),
        };
        Trouble::usage(format!("unknown protocol {name:?}")).hint(hint)
    })
}

/// The row of the script in this file.
///
/// # Errors
/// It can't be read, or is no script that could be used.
pub fn script(path: &str) -> Result<&'static Protocol, Trouble> {
    let limit = lua::LONGEST as u64 + 1;
    let mut source = Vec::new();
    let read = File::open(path).and_then(|file| file.take(limit).read_to_end(&mut source));
    read.map_err(|error| {
        Trouble::usage(format!("could not read {path}: {}", reason(&error)))
            .hint("a protocol with a / or .lua in its name is a script; `netproto protocols` lists the others")
    })?;
    lua::row(path, source, os::steady_clock).map_err(|unusable| Trouble::usage(unusable.sentence).hint(unusable.hint))
}

/// The protocol of `serve`. An address where it should stand is the habit of the other commands.
fn served_named(text: &str) -> Result<&'static Protocol, Trouble> {
    let address = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    if address {
        return Err(Trouble::usage("serve needs a protocol before the address")
            .hint(format!("for example: serve echo {text}; serve-tcp {text} needs none")));
    }
    if let Some((scheme, place)) = text.split_once("://") {
        let row = protocol::find(&scheme.to_ascii_lowercase()).unwrap_or(protocol::DEFAULT);
        let (name, place) = (row.name, place.trim_end_matches('/'));
        return Err(Trouble::usage(format!("serve takes a protocol, and then an address: {text} is a URL"))
            .hint(format!("try: serve {name} {place}")));
    }
    if transport(text).is_some() {
        let (about, address) = if text == "unix" { ("a Unix socket", "PATH") } else { ("it alone", "8080") };
        return Err(Trouble::usage(format!("{text} is a transport, and serve takes a protocol"))
            .hint(format!("for {about}: serve-{text} {address}")));
    }
    protocol_named(text)
}

/// `KEY=VALUE`
pub fn param(text: &str) -> Result<(String, String), Trouble> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.into(), value.into())),
        _ => Err(Trouble::usage("-p takes KEY=VALUE, a parameter of the protocol")),
    }
}

/// A duration of more than zero.
pub fn some_time(text: &str) -> Result<Duration, String> {
    match read::duration(text)? {
        Duration::ZERO => Err("it must be more than 0".into()),
        duration => Ok(duration),
    }
}

/// A small whole number of things, at least one.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    let number = read::positive(text)?;
    usize::try_from(number).map_err(|_| format!("{text:?} is too many"))
}

/// Threads that may be asked for: far more than there are cores.
const MOST_THREADS: usize = 1024;

/// A number of worker threads.
pub fn threads(text: &str) -> Result<usize, String> {
    match at_least_one(text)? {
        threads @ ..=MOST_THREADS => Ok(threads),
        _ => Err("1,024 threads are the most".into()),
    }
}

/// A small whole number of things, none too.
pub fn few(text: &str) -> Result<u32, String> {
    u32::try_from(read::count(text)?).map_err(|_| format!("{text:?} is too many"))
}

fn within(text: &str, range: &RangeInclusive<u16>) -> Result<u16, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("{text:?} is no whole number from {} to {}", range.start(), range.end()))
}

pub fn ttl(text: &str) -> Result<u8, String> {
    within(text, &(1..=255)).map(|hops| hops as u8)
}

/// Linux's bounds: 88, the smallest that still carries all options, to the largest packet.
pub fn mss(text: &str) -> Result<u16, String> {
    within(text, &(88..=65_495))
}

/// The six bits of RFC 2474 as a number, or by their names: CS0 to CS7 (section 4.2.2), AF11 to AF43 (RFC 2597), EF
/// (RFC 3246).
pub fn dscp(text: &str) -> Result<u8, String> {
    let name = text.to_ascii_uppercase();
    let digit = |at: usize| Some(name.as_bytes().get(at)?.wrapping_sub(b'0'));
    let named = match (name.get(..2), name.len()) {
        (Some("EF"), 2) => Some(46),
        (Some("CS"), 3) => digit(2).filter(|class| *class < 8).map(|class| class * 8),
        (Some("AF"), 4) => match (digit(2), digit(3)) {
            (Some(class @ 1..=4), Some(drop @ 1..=3)) => Some(class * 8 + drop * 2),
            _ => None,
        },
        _ => text.parse().ok().filter(|bits| *bits < 64),
    };
    named.ok_or_else(|| format!("{text:?} is no traffic class: 0-63, EF, CS0-CS7 or AF11-AF43"))
}

/// Interface names are shorter than 16 bytes and have no `/` nor space (Linux, `dev_valid_name`).
pub fn interface(text: &str) -> Result<String, String> {
    let fits = (1..16).contains(&text.len()) && !text.contains(|c: char| c == '/' || c.is_whitespace());
    if fits { Ok(text.into()) } else { Err(format!("{text:?} can't be the name of a network interface")) }
}

/// `ADDR`, `ADDR:PORT`, `[ADDR]`, `[ADDR]:PORT`; without a port the system chooses one.
pub fn source(text: &str) -> Result<SocketAddr, String> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok((ip, 0).into());
    }
    text.parse().map_err(|_| format!("{text:?} is no address of ours, as 192.0.2.7 or [::1]:5000 are"))
}

pub fn group(text: &str) -> Result<IpAddr, String> {
    match text.parse::<IpAddr>() {
        Ok(group) if group.is_multicast() => Ok(group),
        _ => Err(format!("{text:?} is not multicast, as 224.0.0.0/4 and ff00::/8 are")),
    }
}

pub fn hex(text: &str) -> Result<Bytes, String> {
    read::hex(text).map(Bytes::from)
}

/// A regular expression, over bytes. Of the library's several lines of explanation only the last is kept.
pub fn regex(text: &str) -> Result<regex::bytes::Regex, String> {
    regex::bytes::Regex::new(text).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "the pattern is too large".into(),
        error => {
            let whole = error.to_string();
            let last = whole.lines().last().unwrap_or(&whole);
            format!("{text:?} is no regular expression: {}", last.trim_start_matches("error: "))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_classes_by_number_and_name() {
        for (text, bits) in [("0", 0), ("63", 63), ("ef", 46), ("CS1", 8), ("cs7", 56), ("AF11", 10), ("AF43", 38)] {
            assert_eq!(dscp(text), Ok(bits), "{text}");
        }
        for text in ["64", "-1", "CS8", "AF51", "AF14", "AF1", "XX", "", "é"] {
            assert!(dscp(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_of_ours() {
        for (text, shown) in
            [("10.0.0.1", "10.0.0.1:0"), ("10.0.0.1:53", "10.0.0.1:53"), ("::1", "[::1]:0"), ("[::1]:9", "[::1]:9")]
        {
            assert_eq!(source(text).map(|address| address.to_string()), Ok(shown.into()), "{text}");
        }
        for text in ["localhost", ":80", "10.0.0.1:65536", ""] {
            assert!(source(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_have_bounds() {
        assert!(ttl("1").is_ok() && ttl("0").is_err() && ttl("256").is_err());
        assert!(mss("1460").is_ok() && mss("87").is_err() && mss("65496").is_err());
        assert!(threads("1024").is_ok() && threads("1025").is_err() && threads("0").is_err());
        assert!(some_time("0s").is_err() && at_least_one("0").is_err() && few("5G").is_err());
        assert!(interface("eth0").is_ok() && interface("").is_err() && interface("a/b").is_err());
        assert!(group("239.1.2.3").is_ok() && group("ff02::1").is_ok() && group("10.0.0.1").is_err());
    }

    #[test]
    fn a_bad_pattern_is_told_in_one_line() {
        assert_eq!(regex("a(").unwrap_err(), "\"a(\" is no regular expression: unclosed group");
    }

    #[test]
    fn parameters_have_a_key() {
        assert_eq!(param("delay=1s=2"), Ok(("delay".into(), "1s=2".into())));
        assert!(param("8080").is_err() && param("=1").is_err());
    }
}
