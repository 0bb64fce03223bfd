//! From names to addresses, in the order in which they are tried.
//!
//! RFC 8305 section 4 (the order), RFC 6761 section 6.3 (`localhost`), RFC 6724 (the system's resolver sorts by it).
//!
//! May use: tokio, `session::Endpoint`, `error`, `values`.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs},
    time::Duration,
};

use tokio::time::Instant;

use super::{Family, Host, Place, Target};
use crate::{
    error::{Trouble, reason},
    session::Endpoint,
};

/// The addresses of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// At least one, without repetitions, the families taking turns.
    pub addresses: Vec<Endpoint>,
    pub took: Duration,
}

impl Family {
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    fn flag(self) -> &'static str {
        match self {
            Self::V4 => "-4",
            Self::V6 => "-6",
        }
    }
}

/// Finds the addresses of a target, all of one family if one is given.
pub async fn resolve(target: &Target, family: Option<Family>) -> Result<Resolved, Trouble> {
    let start = Instant::now();
    let addresses = match &target.place {
        Place::Path(path) => vec![Endpoint::Unix(path.clone())],
        Place::Net { host, port } => {
            let found = match known(host) {
                Some(addresses) => with_port(&addresses, *port),
                None => look_up(host.to_string(), *port).await?,
            };
            ordered(&found, host, family)?.into_iter().map(Endpoint::Ip).collect()
        }
    };
    Ok(Resolved { addresses, took: start.elapsed() })
}

/// As [`resolve`], where waiting is no harm: a server before it serves.
pub(super) fn resolve_now(host: &Host, port: u16, family: Option<Family>) -> Result<Vec<SocketAddr>, Trouble> {
    let found = match known(host) {
        Some(addresses) => with_port(&addresses, port),
        None => ask_system(&host.to_string(), port)?,
    };
    ordered(&found, host, family)
}

/// Addresses that no resolver needs to be asked for.
fn known(host: &Host) -> Option<Vec<IpAddr>> {
    match host {
        Host::Ip(address) => Some(vec![*address]),
        Host::Loopback => Some(loopback()),
        Host::Any => Some(vec![Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()]),
        Host::Name(name) if is_localhost(name) => Some(loopback()),
        Host::Name(_) => None,
    }
}

fn loopback() -> Vec<IpAddr> {
    vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]
}

/// Names under `localhost` are always the loopback addresses and never asked for, which also holds on machines whose hosts
/// file knows one of the two only (RFC 6761, section 6.3, item 3).
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

fn with_port(addresses: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    addresses.iter().map(|address| SocketAddr::new(*address, port)).collect()
}

async fn look_up(name: String, port: u16) -> Result<Vec<SocketAddr>, Trouble> {
    // getaddrinfo(3) blocks, so it has its own thread.
    match tokio::task::spawn_blocking(move || ask_system(&name, port)).await {
        Ok(found) => found,
        Err(stopped) => Err(Trouble::failed(format!("the name was not looked up: {stopped}"))),
    }
}

/// Asks the system's resolver. `name` is as a [`Host`] is shown: brackets mark an address with a zone.
fn ask_system(name: &str, port: u16) -> Result<Vec<SocketAddr>, Trouble> {
    let name = name.trim_matches(['[', ']']);
    let found = (name, port).to_socket_addrs().map_err(|error| unknown(name, &error))?;
    Ok(found.collect())
}

fn unknown(name: &str, error: &io::Error) -> Trouble {
    let text = reason(error);
    let why = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text).to_ascii_lowercase();
    if why.contains("temporary") {
        return Trouble::failed(format!("could not resolve {name}: {why}"))
            .hint("the name server did not answer; an address in place of the name needs none");
    }
    if why.contains("not known") || why.contains("no address") || why.contains("nodename") {
        return Trouble::failed(format!("unknown host {name}")).hint("check the spelling, or give its address");
    }
    Trouble::failed(format!("could not resolve {name}: {why}")).hint("give its address in place of the name")
}

/// One family only if so wanted, no repetitions, the families taking turns.
fn ordered(found: &[SocketAddr], host: &Host, family: Option<Family>) -> Result<Vec<SocketAddr>, Trouble> {
    let wanted = found.iter().copied().filter(|address| family.is_none_or(|family| Family::of(address.ip()) == family));
    let addresses = interleaved(wanted);
    match (addresses.is_empty(), family) {
        (false, _) => Ok(addresses),
        (true, Some(family)) => {
            let (name, flag) = (family.name(), family.flag());
            Err(match host {
                Host::Ip(_) => Trouble::usage(format!("{host} is no {name} address")).hint(format!("leave out {flag}")),
                _ => Trouble::failed(format!("{host} has no {name} address")).hint(format!("leave out {flag}")),
            })
        }
        (true, None) => Err(Trouble::failed(format!("{host} has no address"))),
    }
}

/// The family of the first address begins, then they take turns, each in its own order (RFC 8305, section 4, with a First
/// Address Family Count of 1).
fn interleaved(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut unique: Vec<SocketAddr> = Vec::new();
    for address in found {
        if !unique.contains(&address) {
            unique.push(address);
        }
    }
    let begins_v4 = unique.first().is_some_and(SocketAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) = unique.into_iter().partition(|address| address.is_ipv4() == begins_v4);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut turns = Vec::with_capacity(first.len() + second.len());
    loop {
        let pair = (first.next(), second.next());
        if pair == (None, None) {
            return turns;
        }
        turns.extend(pair.0);
        turns.extend(pair.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        error::Exit,
        transport::{Scheme, Use},
    };

    async fn found(text: &str, family: Option<Family>) -> Result<Vec<String>, Trouble> {
        let target = Target::parse(text, Scheme::Tcp, Use::Connect(None))?;
        Ok(resolve(&target, family).await?.addresses.iter().map(ToString::to_string).collect())
    }

    #[tokio::test]
    async fn localhost_is_both_loopbacks_without_a_resolver() {
        for text in ["localhost:80", "LocalHost.:80", "web.localhost:80", "80", ":80"] {
            assert_eq!(found(text, None).await.unwrap(), ["[::1]:80", "127.0.0.1:80"], "{text}");
        }
        assert_eq!(found("80", Some(Family::V4)).await.unwrap(), ["127.0.0.1:80"]);
        assert_eq!(found("80", Some(Family::V6)).await.unwrap(), ["[::1]:80"]);
    }

    #[tokio::test]
    async fn literals_and_paths_are_themselves() {
        assert_eq!(found("127.0.0.5:80", None).await.unwrap(), ["127.0.0.5:80"]);
        assert_eq!(found("[::1%1]:80", None).await.unwrap(), ["[::1%1]:80"]);
        assert_eq!(found("unix:/a/b", Some(Family::V4)).await.unwrap(), ["/a/b"]);
    }

    #[tokio::test]
    async fn a_family_that_is_not_there() {
        let trouble = found("[::1]:80", Some(Family::V4)).await.unwrap_err();
        assert_eq!((trouble.sentence.as_str(), trouble.exit), ("[::1] is no IPv4 address", Exit::Usage));
        assert_eq!(trouble.hint.as_deref(), Some("leave out -4"));
    }

    #[test]
    fn what_the_resolver_says_becomes_a_sentence() {
        let said = |text: &str| unknown("nowhere.invalid", &io::Error::other(text));
        let trouble = said("failed to lookup address information: Name or service not known");
        assert_eq!(trouble.sentence, "unknown host nowhere.invalid");
        assert!(trouble.hint.is_some() && trouble.exit == Exit::Failed);
        let trouble = said("failed to lookup address information: Temporary failure in name resolution");
        assert_eq!(trouble.sentence, "could not resolve nowhere.invalid: temporary failure in name resolution");
    }

    #[test]
    fn families_take_turns() {
        let list = |text: &str| text.split(' ').map(|one| one.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let found = list("[2001:db8::1]:1 [2001:db8::2]:1 [2001:db8::1]:1 192.0.2.1:1 192.0.2.2:1 192.0.2.3:1");
        let turns = list("[2001:db8::1]:1 192.0.2.1:1 [2001:db8::2]:1 192.0.2.2:1 192.0.2.3:1");
        assert_eq!(interleaved(found.into_iter()), turns);
        assert_eq!(interleaved(list("192.0.2.1:1 [2001:db8::1]:1").into_iter()), list("192.0.2.1:1 [2001:db8::1]:1"));
    }
}
