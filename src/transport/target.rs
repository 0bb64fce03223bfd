//! Places as people type them: `HOST:PORT`, `[::1]:80`, `8080`, `:8080`, `tcp://HOST:PORT`, `unix:PATH`.
//!
//! Brackets around IPv6 addresses are as in RFC 3986 section 3.2.2; an address with a zone is as in RFC 4007 section 11.
//!
//! May use: `session::Rides`, `os`, `error`, `values`.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::PathBuf,
};

use super::{Host, Place, Scheme, Target};
use crate::{
    error::Trouble,
    os,
    session::Rides,
    values::show::{self, quoted},
};

/// What a place is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// With the port for a place that names none.
    Connect(Option<u16>),
    Listen,
}

impl Scheme {
    /// As it is written before a target: `tcp 127.0.0.1:80`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Unix => "unix",
            Self::Unixgram => "unixgram",
        }
    }

    #[must_use]
    pub fn rides(self) -> Rides {
        match self {
            Self::Tcp | Self::Unix => Rides::Stream,
            Self::Udp | Self::Unixgram => Rides::Datagrams,
        }
    }

    /// Are its places paths?
    #[must_use]
    pub fn is_unix(self) -> bool {
        matches!(self, Self::Unix | Self::Unixgram)
    }
}

impl Scheme {
    /// The same family of sockets, of this kind.
    #[must_use]
    pub fn over(self, rides: Rides) -> Self {
        match (self.is_unix(), rides) {
            (false, Rides::Stream) => Self::Tcp,
            (false, Rides::Datagrams) => Self::Udp,
            (true, Rides::Stream) => Self::Unix,
            (true, Rides::Datagrams) => Self::Unixgram,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.scheme, self.place)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Net { host, port } => write!(f, "{host}:{port}"),
            Self::Path(path) => f.write_str(&show::path(path)),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) if name.contains(':') => write!(f, "[{name}]"),
            Self::Name(name) => f.write_str(name),
            Self::Ip(IpAddr::V4(address)) => address.fmt(f),
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Loopback => f.write_str("localhost"),
            Self::Any => f.write_str("*"),
        }
    }
}

impl Target {
    /// Reads a place; a scheme written before it wins over `default`.
    pub fn parse(text: &str, default: Scheme, use_: Use) -> Result<Self, Trouble> {
        let (scheme, rest, url) = split_scheme(text, default)?;
        let place = if scheme.is_unix() { path(rest) } else { net(rest, url, scheme, use_) }?;
        Ok(Self { scheme, place })
    }
}

/// The scheme, what follows it, and whether it was a URL with an authority.
fn split_scheme(text: &str, default: Scheme) -> Result<(Scheme, &str, bool), Trouble> {
    for scheme in [Scheme::Unix, Scheme::Unixgram] {
        let rest = strip_prefix_ignoring_case(text, scheme.name()).and_then(|rest| rest.strip_prefix(':'));
        if let Some(rest) = rest {
            return Ok((scheme, rest.strip_prefix("//").unwrap_or(rest), true));
        }
    }
    let Some((name, rest)) = text.split_once("://") else { return Ok((default, text, false)) };
    // Schemes are written in any case (RFC 3986, section 3.1).
    match [Scheme::Tcp, Scheme::Udp].into_iter().find(|scheme| scheme.name().eq_ignore_ascii_case(name)) {
        Some(scheme) => Ok((scheme, rest.strip_suffix('/').unwrap_or(rest), true)),
        None if default.is_unix() => Ok((default, text, false)), // a path may hold anything
        None => Err(Trouble::usage(format!("unknown transport {}", shown(name)))
            .hint("these are known: tcp:// udp:// unix: unixgram:")),
    }
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn path(text: &str) -> Result<Place, Trouble> {
    if text.is_empty() {
        return Err(Trouble::usage("the path of the Unix socket is missing").hint("as in unix:/run/echo.sock"));
    }
    if text.contains('\0') {
        return Err(Trouble::usage(format!("{} holds a NUL, which no path can", shown(text))));
    }
    if text.len() > os::MAX_SOCKET_PATH {
        let (length, most) = (text.len(), os::MAX_SOCKET_PATH);
        return Err(Trouble::usage(format!("the path of a Unix socket takes {most} bytes at most, this one has {length}"))
            .hint("choose a shorter one, or change to its folder first"));
    }
    Ok(Place::Path(PathBuf::from(text)))
}

fn net(text: &str, url: bool, scheme: Scheme, use_: Use) -> Result<Place, Trouble> {
    if text.is_empty() {
        return Err(Trouble::usage("the address is missing").hint("it is HOST:PORT, as in localhost:8080"));
    }
    if url && let Some(tail) = text.find(['/', '?', '#', '@']).map(|at| &text[at..]) {
        return Err(Trouble::usage(format!("{} means nothing to {scheme}", shown(tail)))
            .hint(format!("{scheme}://HOST:PORT is all there is")));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let host = if use_ == Use::Listen { Host::Loopback } else { Host::Name("localhost".into()) };
        return Ok(Place::Net { host, port: port(text, use_)? });
    }
    let (host_text, port_text) = split_port(text, url)?;
    let host = match host_text {
        Part::Bracketed(text) => bracketed(text)?,
        Part::Plain("" | "*") if use_ == Use::Listen => Host::Any,
        Part::Plain("" | "*") => Host::Name("localhost".into()),
        Part::Plain(text) => plain(text)?,
    };
    let port = match (port_text, use_) {
        (Some(text), _) => port(text, use_)?,
        (None, Use::Connect(Some(known))) => known,
        (None, _) => return Err(missing_port(text, &host_text)),
    };
    Ok(Place::Net { host, port })
}

enum Part<'a> {
    Bracketed(&'a str),
    Plain(&'a str),
}

/// The host, and the port when there is one.
fn split_port(text: &str, url: bool) -> Result<(Part<'_>, Option<&str>), Trouble> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or_else(|| {
            Trouble::usage(format!("{} opens a bracket and does not close it", shown(text))).hint("as in [::1]:8080")
        })?;
        return match rest.strip_prefix(':') {
            None if !rest.is_empty() => Err(no_ipv6(text)),
            port => Ok((Part::Bracketed(host), port)),
        };
    }
    let Some((host, port)) = text.rsplit_once(':') else { return Ok((Part::Plain(text), None)) };
    if !host.contains(':') {
        return Ok((Part::Plain(host), Some(port)));
    }
    // `::1:8080`: where there must be a port, this can be read in one way only. A URL must have brackets.
    if !url && host.parse::<Ipv6Addr>().is_ok() {
        return Ok((Part::Bracketed(host), Some(port)));
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Ok((Part::Bracketed(text), None));
    }
    Err(no_ipv6(text))
}

fn no_ipv6(text: &str) -> Trouble {
    Trouble::usage(format!("{} is no IPv6 address with a port", shown(text))).hint("as in [::1]:8080")
}

fn missing_port(text: &str, host: &Part<'_>) -> Trouble {
    let trouble = Trouble::usage(format!("the port of {} is missing", shown(text)));
    match host {
        Part::Bracketed(host) => trouble.hint(format!("add one, as in [{host}]:8080")),
        Part::Plain(host) => trouble.hint(format!("add one, as in {host}:8080")),
    }
}

fn port(text: &str, use_: Use) -> Result<u16, Trouble> {
    if text.is_empty() {
        return Err(Trouble::usage("the port after the colon is missing").hint("as in localhost:8080"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(
            Trouble::usage(format!("{} is no port number", shown(text))).hint("the port comes last, as in localhost:8080")
        );
    }
    match (text.parse::<u16>(), use_) {
        (Ok(0), Use::Connect(_)) => {
            Err(Trouble::usage("port 0 can't be connected to").hint("servers use it to get a free port"))
        }
        (Ok(port), _) => Ok(port),
        (Err(_), Use::Connect(_)) => {
            Err(Trouble::usage(format!("port {text} is out of range")).hint("ports go from 1 to 65535"))
        }
        (Err(_), Use::Listen) => {
            Err(Trouble::usage(format!("port {text} is out of range")).hint("ports go from 1 to 65535; 0 takes a free one"))
        }
    }
}

fn bracketed(text: &str) -> Result<Host, Trouble> {
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Ok(Host::Ip(address.into()));
    }
    // With a zone it stays text: the system knows the number of `eth0`, without asking anyone.
    let with_zone = text.split_once('%');
    if with_zone.is_some_and(|(head, zone)| head.parse::<Ipv6Addr>().is_ok() && is_name(zone)) {
        return Ok(Host::Name(text.to_owned()));
    }
    Err(Trouble::usage(format!("{} is no IPv6 address", shown(text))).hint("brackets are for IPv6 only, as in [::1]:8080"))
}

fn plain(text: &str) -> Result<Host, Trouble> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(Host::Ip(address.into()));
    }
    // What looks like an IPv4 address and is none is not looked up: the answer would surprise (RFC 1123, section 2.1).
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(Trouble::usage(format!("{} is no IPv4 address", shown(text))).hint("as in 127.0.0.1"));
    }
    if !is_name(text) {
        return Err(Trouble::usage(format!("{} is no host name", shown(text))).hint("it is HOST:PORT, as in localhost:8080"));
    }
    Ok(Host::Name(text.to_owned()))
}

/// Could this be a name? Only what can't possibly be one is refused here; the resolver knows better. At most 253 letters
/// (RFC 1035, section 2.3.4), and nothing that means something in an address.
fn is_name(text: &str) -> bool {
    let odd = |letter: char| letter.is_control() || letter.is_whitespace() || "/\\?#@[]%\"'`<>{}|^".contains(letter);
    !text.is_empty() && text.len() <= 253 && !text.contains(odd) && !text.starts_with('-')
}

fn shown(text: &str) -> String {
    quoted(text.as_bytes(), 80)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Exit;

    fn shown_as(text: &str, scheme: Scheme, use_: Use) -> String {
        Target::parse(text, scheme, use_).map_or_else(|trouble| format!("! {trouble}"), |target| target.to_string())
    }

    #[test]
    fn places_to_connect_to() {
        for (text, shown) in [
            ("127.0.0.1:80", "tcp 127.0.0.1:80"),
            ("localhost:8080", "tcp localhost:8080"),
            ("[::1]:80", "tcp [::1]:80"),
            ("::1:8080", "tcp [::1]:8080"),
            ("[fe80::1%eth0]:80", "tcp [fe80::1%eth0]:80"),
            ("8080", "tcp localhost:8080"),
            (":8080", "tcp localhost:8080"),
            ("*:8080", "tcp localhost:8080"),
            ("tcp://example.com:1/", "tcp example.com:1"),
            ("UDP://[::1]:65535", "udp [::1]:65535"),
            ("unix:/run/x.sock", "unix /run/x.sock"),
            ("unix:///run/x.sock", "unix /run/x.sock"),
            ("unix:x.sock", "unix x.sock"),
            ("unixgram:/run/x", "unixgram /run/x"),
            ("_srv.example:1", "tcp _srv.example:1"),
        ] {
            assert_eq!(shown_as(text, Scheme::Tcp, Use::Connect(None)), shown, "{text}");
        }
    }

    #[test]
    fn a_known_port_stands_in_for_a_missing_one() {
        for (text, shown) in [
            ("localhost", "tcp localhost:13"),
            ("127.0.0.1", "tcp 127.0.0.1:13"),
            ("[::1]", "tcp [::1]:13"),
            ("::1", "tcp [::1]:13"),
            ("tcp://example.com/", "tcp example.com:13"),
            ("example.com:14", "tcp example.com:14"),
            ("localhost:", "! the port after the colon is missing"),
        ] {
            assert_eq!(shown_as(text, Scheme::Tcp, Use::Connect(Some(13))), shown, "{text}");
        }
    }

    #[test]
    fn places_to_listen_on() {
        let host = |text| match Target::parse(text, Scheme::Udp, Use::Listen).unwrap().place {
            Place::Net { host, .. } => host,
            Place::Path(_) => panic!("a path"),
        };
        assert_eq!(host("8080"), Host::Loopback);
        assert_eq!(host("0"), Host::Loopback);
        assert_eq!(host(":0"), Host::Any);
        assert_eq!(host("*:8080"), Host::Any);
        assert_eq!(host("0.0.0.0:8080"), Host::Ip(Ipv4Addr::UNSPECIFIED.into()));
        assert_eq!(host("[::]:8080"), Host::Ip(Ipv6Addr::UNSPECIFIED.into()));
        assert_eq!(shown_as("/tmp/a:b://c", Scheme::Unix, Use::Listen), "unix /tmp/a:b://c");
        assert_eq!(shown_as("tcp://:1", Scheme::Unix, Use::Listen), "tcp *:1");
    }

    #[test]
    fn what_is_no_place_is_refused_with_a_reason() {
        for (text, sentence) in [
            ("", "the address is missing"),
            ("localhost:65536", "port 65536 is out of range"),
            ("99999", "port 99999 is out of range"),
            ("localhost:0", "port 0 can't be connected to"),
            ("localhost", "the port of \"localhost\" is missing"),
            ("localhost:", "the port after the colon is missing"),
            ("localhost:http", "\"http\" is no port number"),
            ("localhost:+80", "\"+80\" is no port number"),
            ("localhost:-1", "\"-1\" is no port number"),
            ("[::1]", "the port of \"[::1]\" is missing"),
            ("::1", "the port of \"::1\" is missing"),
            ("[::1]80", "\"[::1]80\" is no IPv6 address with a port"),
            ("[::1", "\"[::1\" opens a bracket and does not close it"),
            ("[::g]:80", "\"::g\" is no IPv6 address"),
            ("[127.0.0.1]:80", "\"127.0.0.1\" is no IPv6 address"),
            ("::g:80", "\"::g:80\" is no IPv6 address with a port"),
            ("tcp://::1:80", "the port of \"::1:80\" is missing"),
            ("256.0.0.1:80", "\"256.0.0.1\" is no IPv4 address"),
            ("a b:80", "\"a b\" is no host name"),
            ("a\x1b[2J:80", "\"a\\x1b[2J\" is no host name"),
            ("-x:80", "\"-x\" is no host name"),
            ("http://localhost:80", "unknown transport \"http\""),
            ("tcp://localhost:80/x", "\"/x\" means nothing to tcp"),
            ("unix:", "the path of the Unix socket is missing"),
            ("unix:a\0b", "\"a\\x00b\" holds a NUL, which no path can"),
        ] {
            let trouble = Target::parse(text, Scheme::Tcp, Use::Connect(None)).expect_err(text);
            assert_eq!(trouble.sentence, sentence);
            assert_eq!(trouble.exit, Exit::Usage);
            assert!(trouble.hint.is_some() || text.contains('\0'), "{text}");
        }
        let long = format!("unix:/{}", "x".repeat(200));
        assert!(shown_as(&long, Scheme::Tcp, Use::Listen).contains("bytes at most, this one has 201"));
    }
}
