//! Against the tools of other people: what they say to us, and what we say to them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{io::Write, net::SocketAddr};

use support::{
    Folder, PATIENCE, Process, Server, net,
    net::{ask_datagram, connect, datagrams},
    netproto, noise, peer,
    peer::twisted,
};

#[test]
fn nc_that_closes_at_once_gets_every_answer() {
    let Some(_) = peer("nc") else { return };
    let server = Server::start(&["serve-tcp", "0"]);
    let port = server.port().to_string();
    for _ in 0..100 {
        peer("nc").unwrap().args(&["-N", "127.0.0.1", &port]).stdin("hi\n").run().code(0).gave("Processed: hi\n");
    }
    let slow = Server::start(&["serve-tcp", "0", "-p", "delay=1s"]);
    let port = slow.port().to_string();
    peer("nc").unwrap().args(&["-N", "127.0.0.1", &port]).stdin("hi\n").run().code(0).gave("Processed: hi\n");
}

#[test]
fn ncat_socat_and_curl_as_clients() {
    let server = Server::start(&["serve-tcp", "0"]);
    let port = server.port().to_string();
    let both = format!("TCP:127.0.0.1:{port}");
    let url = format!("telnet://127.0.0.1:{port}");
    for (name, args) in
        [("ncat", &["127.0.0.1", &port][..]), ("socat", &["-t5", "-", &both]), ("curl", &["-sN", "-m1", &url])]
    {
        let Some(client) = peer(name) else { continue };
        client.args(args).stdin("hi\n").run().gave("Processed: hi\n");
    }
    let v6 = server.listens("[::1]:");
    if let Some(socat) = peer("socat") {
        socat.args(&["-t5", "-", &format!("TCP6:{v6}")]).stdin("hi").run().gave("Processed: hi");
    }
}

#[test]
fn datagram_clients() {
    let server = Server::start(&["serve-udp", "0"]);
    let port = server.port().to_string();
    let to = format!("UDP:127.0.0.1:{port}");
    if let Some(nc) = peer("nc") {
        nc.args(&["-u", "-w1", "127.0.0.1", &port]).stdin("hi").run().gave("Processed: hi");
    }
    if let Some(socat) = peer("socat") {
        socat.args(&["-t0.5", "-", &to]).stdin("hi").run().gave("Processed: hi");
    }
}

#[test]
fn unix_clients() {
    let folder = Folder::new("peers-unix");
    let path = folder.join("s");
    let _server = Server::start(&["serve-unix", &path]);
    if let Some(nc) = peer("nc") {
        nc.args(&["-NU", &path]).stdin("hi").run().code(0).gave("Processed: hi");
    }
    if let Some(socat) = peer("socat") {
        socat.args(&["-t5", "-", &format!("UNIX-CONNECT:{path}")]).stdin("hi").run().gave("Processed: hi");
    }
}

/// Starts a peer's server on a port of its choice; `find` takes the port from what it says.
fn listening(run: support::Run, find: impl Fn(&str) -> Option<u16>) -> (Process, SocketAddr) {
    let process = run.spawn();
    let look = |said: &[u8]| find(&String::from_utf8_lossy(said));
    let port = process.stderr.wait_for(PATIENCE, look).unwrap_or_else(|| panic!("no port\n{}", process.said()));
    (process, SocketAddr::from(([127, 0, 0, 1], port)))
}

/// socat says `listening on AF=2 127.0.0.1:40123`.
fn socat_port(said: &str) -> Option<u16> {
    let line = said.lines().find(|line| line.contains("listening on"))?;
    line.rsplit(':').next()?.trim().parse().ok()
}

#[test]
fn send_talks_to_socat() {
    let Some(socat) = peer("socat") else { return };
    let args = ["-d", "-d", "TCP-LISTEN:0,bind=127.0.0.1,fork", "EXEC:cat"];
    let (_peer, addr) = listening(socat.args(&args), socat_port);
    let at = addr.to_string();
    netproto(&["send", &at, "hello"]).run().code(0).gave("hello");
    let data = noise(2 << 20);
    netproto(&["send", &at]).stdin(data.clone()).run().code(0).gave(&data);
    netproto(&["send", &at, "-P", "echo", "hello", "--expect", "hello"]).run().code(0);
    let report = netproto(&["bench", "tcp", &at, "-c", "2", "-n", "200", "-J"]).run();
    let json = report.code(0).json();
    assert_eq!((&json["protocol"], &json["requests"]), (&"echo".into(), &200.into()), "{report}");
}

#[test]
fn send_reaches_nc() {
    let Some(nc) = peer("nc") else { return };
    let (_peer, addr) = {
        let process = nc.args(&["-lv", "127.0.0.1", "0"]).stdin("from nc").spawn();
        let line = process.talk("Listening on");
        let port: u16 = line.rsplit(' ').next().unwrap().parse().unwrap();
        (process, SocketAddr::from(([127, 0, 0, 1], port)))
    };
    let mut ours = netproto(&["send", &addr.to_string(), "hello"]).spawn();
    let got = ours.stdout.wait_for(PATIENCE, |said| (said == b"from nc").then_some(()));
    assert!(got.is_some(), "{}", ours.said());
    // OpenBSD's nc keeps the connection until its own input ends, which it has; a time-out ends it otherwise.
    ours.wait();
}

/// An echo server, and `Processed: `, by Twisted, over TCP and UDP; it says its ports first.
const TWISTED: &str = r"
import sys
from twisted.internet import protocol, reactor

class Processed(protocol.Protocol):
    def dataReceived(self, data):
        self.transport.write(b'Processed: ' + data)

class Echo(protocol.DatagramProtocol):
    def datagramReceived(self, data, addr):
        self.transport.write(data, addr)

factory = protocol.Factory.forProtocol(Processed)
tcp = reactor.listenTCP(0, factory, interface='127.0.0.1')
udp = reactor.listenUDP(0, Echo(), interface='127.0.0.1')
print('ports', tcp.getHost().port, udp.getHost().port, file=sys.stderr, flush=True)
reactor.run()
";

#[test]
fn twisted_and_we_say_the_same() {
    let Some(python) = twisted() else { return };
    let process = python.arg(TWISTED).spawn();
    let line = process.talk("ports ");
    let ports: Vec<&str> = line.split(' ').skip(1).collect();
    let (tcp, udp) = (format!("127.0.0.1:{}", ports[0]), format!("127.0.0.1:{}", ports[1]));
    let ours = Server::start(&["serve-tcp", "0"]);
    // The same bytes, asked by hand.
    for data in [&b"hello"[..], b"\0\xff", b"two\r\nlines"] {
        let answer = |addr: SocketAddr| net::ask(&mut connect(addr), data, data.len() + 11);
        assert_eq!(answer(ours.addr()), answer(tcp.parse().unwrap()));
    }
    // Its minimal protocol drops what is pending when our end comes, so we keep ours open.
    netproto(&["send", &tcp, "-P", "processed", "hello", "--no-shutdown"]).run().code(0).gave("Processed: hello");
    let datagram = netproto(&["send", "udp", &udp, "hello"]).run();
    datagram.code(0).gave("hello");
    // The load generator finds out by itself which of the two it is.
    for (transport, at, protocol) in [("tcp", &tcp, "processed"), ("udp", &udp, "echo")] {
        let report = netproto(&["bench", transport, at, "-n", "300", "-J"]).run();
        let json = report.code(0).json();
        assert_eq!((&json["protocol"], &json["requests"]), (&protocol.into(), &300.into()), "{report}");
        assert_eq!(json["failures"]["total"], 0, "{report}");
    }
}

#[test]
fn iperf_and_others_that_speak_something_else_do_no_harm() {
    let mut server = Server::start(&["serve-tcp", "0", "--framing", "netstring", "-v"]);
    for stray in [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", b"\0\0\0\0\0\0"] {
        let mut stream = connect(server.addr());
        stream.write_all(stray).unwrap();
        assert!(net::is_closed(&mut stream));
    }
    assert_eq!(net::exchange(server.addr(), b"2:hi,"), b"13:Processed: hi,");
    server.stop().code(0);
    let udp = Server::start(&["serve-udp", "0"]);
    if let Some(nc) = peer("nc") {
        nc.args(&["-zu", "127.0.0.1", &udp.port().to_string()]).run();
    }
    assert_eq!(ask_datagram(&datagrams(udp.addr()), b"hi"), b"Processed: hi");
}
