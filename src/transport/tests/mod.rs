//! The transports, over real sockets.

mod datagrams;
mod poller;
mod streams;
mod unix;

use std::{future::poll_fn, io, net::SocketAddr, path::PathBuf};

use super::*;
use crate::{error::Trouble, session::Endpoint};

fn listening_place(text: &str, scheme: Scheme) -> Target {
    Target::parse(text, scheme, Use::Listen).unwrap()
}

fn place(text: &str, scheme: Scheme) -> Target {
    Target::parse(text, scheme, Use::Connect(None)).unwrap()
}

/// The place to connect to, of a server's address.
fn place_of(local: &Endpoint, scheme: Scheme) -> Target {
    place(&local.to_string(), scheme)
}

fn address(endpoint: &Endpoint) -> SocketAddr {
    match endpoint {
        Endpoint::Ip(address) => *address,
        other => panic!("{other} is no IP address"),
    }
}

/// The next connection and its peer.
async fn accept(listener: &Listener) -> io::Result<(Stream, Endpoint)> {
    poll_fn(|cx| listener.poll_accept(cx)).await
}

/// The only one.
fn one<T>(many: Result<Vec<T>, Trouble>) -> T {
    let mut many = many.unwrap();
    assert_eq!(many.len(), 1);
    many.remove(0)
}

/// The trouble, where there must be one.
fn refused<T>(result: Result<T, Trouble>) -> Trouble {
    result.err().expect("it went well")
}

/// A folder of its own for each test, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("netproto-test-{}-{:016x}", std::process::id(), fastrand::u64(..)));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn target(&self, name: &str, scheme: Scheme) -> Target {
        Target { scheme, place: Place::Path(self.path(name)) }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
