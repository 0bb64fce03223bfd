//! Binding a server's addresses: one socket for each, all on the same port, and a clear sentence when it can't be.
//!
//! May use: rustix, `session::Endpoint`, `error`.

use std::{fmt::Display, io, net::SocketAddr};

use rustix::io::Errno;

use super::{Family, Host, Place, Scheme, Target, connect::trouble_of, resolve::resolve_now};
use crate::error::{Trouble, reason};

/// How often another free port is tried when the one that the system chose for IPv4 is taken for IPv6.
const PORTS_TRIED: usize = 16;

/// Binds each address of `target` with `bind`, which gives the socket and its real address. Port 0 becomes the same real
/// port for all. A machine without IPv6 (or IPv4) is no error where none was asked for by name.
pub(super) fn bind_each<T>(
    target: &Target,
    family: Option<Family>,
    bind: impl Fn(SocketAddr) -> io::Result<(T, SocketAddr)>,
) -> Result<Vec<T>, Trouble> {
    let Place::Net { host, port } = &target.place else {
        return Err(Trouble::usage(format!("{target} is no network address")));
    };
    let (mut addresses, ipv6): (Vec<_>, Vec<_>) =
        resolve_now(host, *port, family)?.into_iter().partition(SocketAddr::is_ipv4);
    addresses.extend(ipv6);
    let lenient = match host {
        Host::Loopback | Host::Any => true,
        Host::Name(_) => addresses.iter().all(|address| address.ip().is_loopback()),
        Host::Ip(_) => false,
    };
    let mut tries = PORTS_TRIED;
    loop {
        tries -= 1;
        match bind_once(&addresses, lenient, &bind) {
            Ok(bound) => return Ok(bound),
            // That one was free for the first address, so another will do.
            Err((_, error)) if *port == 0 && tries > 0 && error.kind() == io::ErrorKind::AddrInUse => {}
            Err((address, error)) => return Err(not_bound(target.scheme, &address, address.port(), error)),
        }
    }
}

fn bind_once<T>(
    addresses: &[SocketAddr],
    lenient: bool,
    bind: impl Fn(SocketAddr) -> io::Result<(T, SocketAddr)>,
) -> Result<Vec<T>, (SocketAddr, io::Error)> {
    let mut bound = Vec::with_capacity(addresses.len());
    let mut port = addresses.first().map_or(0, SocketAddr::port);
    let mut missing = None;
    for address in addresses {
        let address = SocketAddr::new(address.ip(), port);
        match bind(address) {
            Ok((socket, real)) => {
                port = real.port();
                bound.push(socket);
            }
            Err(error) if lenient && family_is_missing(&error) => missing = Some((address, error)),
            Err(error) => return Err((address, error)),
        }
    }
    match missing {
        Some(missing) if bound.is_empty() => Err(missing),
        _ => Ok(bound),
    }
}

/// This machine has no such family: built without, or switched off.
fn family_is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable || Errno::from_io_error(error) == Some(Errno::AFNOSUPPORT)
}

/// Why a server could not bind, and what to try.
pub(super) fn not_bound(scheme: Scheme, place: &dyn Display, port: u16, error: io::Error) -> Trouble {
    trouble_of(error, |error| why_not_bound(scheme, place, port, &error))
}

fn why_not_bound(scheme: Scheme, place: &dyn Display, port: u16, error: &io::Error) -> Trouble {
    let trouble = Trouble::failed(format!("could not bind {scheme} {place}: {}", reason(error)));
    match error.kind() {
        io::ErrorKind::AddrInUse if !scheme.is_unix() => {
            trouble.hint("another process listens there; port 0 takes a free one")
        }
        io::ErrorKind::PermissionDenied if port < 1024 => {
            // 80 becomes 8080 and 443 becomes 8443, as is the custom.
            let instead = if port == 80 { 8080 } else { 8000 + port };
            trouble.hint(format!("ports below 1024 need root; try {instead}"))
        }
        io::ErrorKind::AddrNotAvailable => trouble.hint("it must be an address of this machine; `ip address` lists them"),
        _ => trouble,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::transport::Use;

    fn target(text: &str) -> Target {
        Target::parse(text, Scheme::Tcp, Use::Listen).unwrap()
    }

    /// Binds nothing: says what was asked for, and answers as `say` does.
    fn bound(
        text: &str,
        family: Option<Family>,
        say: impl Fn(SocketAddr) -> io::Result<u16>,
    ) -> Result<Vec<String>, Trouble> {
        bind_each(&target(text), family, |address| {
            let port = say(address)?;
            let real = SocketAddr::new(address.ip(), port);
            Ok((real.to_string(), real))
        })
    }

    #[test]
    fn the_system_s_port_serves_both_families() {
        let ports = RefCell::new(vec![5000, 5001, 5002]);
        let result = bound("0", None, |address| match address.port() {
            0 => Ok(ports.borrow_mut().pop().unwrap_or(0)),
            5002 | 5001 => Err(io::ErrorKind::AddrInUse.into()),
            port => Ok(port),
        });
        assert_eq!(result.unwrap(), ["127.0.0.1:5000", "[::1]:5000"]);
        let never =
            bound("0", None, |address| if address.port() == 0 { Ok(7) } else { Err(io::ErrorKind::AddrInUse.into()) });
        assert_eq!(never.unwrap_err().sentence, "could not bind tcp [::1]:7: address in use");
    }

    #[test]
    fn a_family_may_be_missing_unless_it_was_named() {
        let only_v4 = |address: SocketAddr| match address {
            SocketAddr::V4(_) => Ok(address.port()),
            SocketAddr::V6(_) => Err(Errno::AFNOSUPPORT.into()),
        };
        assert_eq!(bound("80", None, only_v4).unwrap(), ["127.0.0.1:80"]);
        assert_eq!(bound(":80", None, only_v4).unwrap(), ["0.0.0.0:80"]);
        assert_eq!(bound("localhost:80", None, only_v4).unwrap(), ["127.0.0.1:80"]);
        assert!(bound("[::1]:80", None, only_v4).is_err());
        assert!(bound("80", Some(Family::V6), only_v4).is_err());
    }

    #[test]
    fn errors_come_with_a_way_out() {
        let hint = |kind: io::ErrorKind, port: u16| not_bound(Scheme::Tcp, &"x", port, kind.into()).hint.unwrap_or_default();
        assert_eq!(hint(io::ErrorKind::AddrInUse, 80), "another process listens there; port 0 takes a free one");
        assert_eq!(hint(io::ErrorKind::PermissionDenied, 80), "ports below 1024 need root; try 8080");
        assert_eq!(hint(io::ErrorKind::PermissionDenied, 443), "ports below 1024 need root; try 8443");
        let unix = not_bound(Scheme::Unix, &"x", 1024, io::ErrorKind::AddrInUse.into());
        assert_eq!(unix.hint, None, "0 is no free port there");
        assert!(hint(io::ErrorKind::AddrNotAvailable, 1).starts_with("it must be an address of this machine"));
    }
}
