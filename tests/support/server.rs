//! A `serve-*` of ours, waited for by its ready line.

use std::net::SocketAddr;

use rustix::process::Signal;

use super::{Output, PATIENCE, Process, Run, netproto};

/// A running server.
pub struct Server {
    pub process: Process,
}

impl Server {
    /// Starts it and waits until it listens.
    pub fn start(args: &[&str]) -> Self {
        Self::start_by(netproto(args))
    }

    pub fn start_by(run: Run) -> Self {
        let server = Self { process: run.spawn() };
        server.process.talk("listening on ");
        server
    }

    /// Where it listens, by its ready line for addresses that begin with `start`.
    pub fn listens(&self, start: &str) -> SocketAddr {
        let line = self.process.talk(&format!(" {start}"));
        let place = line.rsplit(' ').next().unwrap();
        place.parse().unwrap_or_else(|_| panic!("a ready line ends in the address: {line:?}"))
    }

    /// Its IPv4 address, the first one said.
    pub fn addr(&self) -> SocketAddr {
        let line = self.process.talk("listening on ");
        let place = line.rsplit(' ').next().unwrap();
        place.parse().unwrap_or_else(|_| panic!("a ready line ends in the address: {line:?}"))
    }

    /// The same as text, for an argument.
    pub fn at(&self) -> String {
        self.addr().to_string()
    }

    pub fn port(&self) -> u16 {
        self.addr().port()
    }

    /// Asks it to stop, as `kill PID` does, and waits for its end.
    pub fn stop(&mut self) -> Output {
        self.process.signal(Signal::TERM);
        self.process.wait_within(PATIENCE)
    }

    /// A line of its log that holds `part`.
    pub fn log(&self, part: &str) -> String {
        self.process.talk(part)
    }
}
