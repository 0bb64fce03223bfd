//! Datagrams with forged addresses: no loops, no amplification, and answers from the address that was asked.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    net::{SocketAddr, SocketAddrV4, UdpSocket},
    time::Duration,
};

use support::{
    Network, PATIENCE, Process, Run, Server,
    net::{ask_datagram, datagrams, forge, no_datagram, receive},
    netproto, noise,
    peer::{skipped, twisted},
};

fn v4(addr: SocketAddr) -> SocketAddrV4 {
    match addr {
        SocketAddr::V4(addr) => addr,
        SocketAddr::V6(addr) => panic!("{addr} is not IPv4"),
    }
}

/// All datagrams that were received in the network of this process, by the kernel's count.
fn received_in(process: &Process) -> u64 {
    let table = fs::read_to_string(format!("/proc/{}/net/snmp", process.pid)).unwrap();
    let rows: Vec<Vec<&str>> =
        table.lines().filter(|line| line.starts_with("Udp:")).map(|line| line.split(' ').collect()).collect();
    let count = |name: &str| -> u64 {
        let at = rows[0].iter().position(|field| *field == name).unwrap();
        rows[1][at].parse().unwrap()
    };
    count("InDatagrams") + count("NoPorts") + count("InErrors")
}

/// Two servers in a network of their own, which this thread has moved to.
struct Pair {
    _network: Network,
    first: Server,
    second: Process,
    addresses: [SocketAddrV4; 2],
}

impl Pair {
    fn ours(args: &[&str], other: &[&str]) -> Option<Self> {
        Self::new(args, netproto(&[&["serve-udp", "127.0.0.1:0"], other].concat()))
    }

    /// `second` says its address at the end of its first line.
    fn new(args: &[&str], second: Run) -> Option<Self> {
        let network = Network::new("true")?;
        network.enter();
        let first = Server::start(&[&["serve-udp", "127.0.0.1:0"], args].concat());
        let second = second.spawn();
        let line = second.talk("127.0.0.1:");
        let address: SocketAddrV4 = line.rsplit(' ').next().unwrap().parse().unwrap();
        let addresses = [v4(first.addr()), address];
        Some(Self { _network: network, first, second, addresses })
    }

    /// One forged datagram, as if the second had said it to the first; how many datagrams there were because of it.
    fn storm(&self, bytes: &str) -> Option<u64> {
        let before = received_in(&self.first.process);
        let [to, from] = self.addresses;
        if !forge(from, to, bytes.as_bytes()) {
            return None;
        }
        // A storm makes tens of thousands of datagrams in this time.
        for n in 0..EXCHANGES {
            netproto(&["send", "udp", &to.to_string(), &format!("between-{n}")]).run().code(0);
        }
        Some(received_in(&self.first.process) - before - 2 * EXCHANGES)
    }
}

/// Ordinary exchanges that pass the time while a storm would rage. Each has a text and a port of its own.
const EXCHANGES: u64 = 40;

#[test]
fn one_forged_datagram_between_two_of_ours_dies_out() {
    for (one, other) in [("echo", "echo"), ("processed", "processed"), ("echo", "processed"), ("processed", "echo")] {
        let Some(pair) = Pair::ours(&["-P", one], &["-P", other]) else { return };
        let Some(storm) = pair.storm("x") else { return };
        assert!((1..=20).contains(&storm), "{one} and {other}: {storm} datagrams");
        assert!(pair.second.stderr.text().contains("listening"), "it has died");
    }
}

#[test]
fn one_forged_datagram_between_ours_and_generators_dies_out() {
    let generators = ["chargen", "qotd", "daytime", "time"];
    let answers = ["echo", "processed"].into_iter().flat_map(|one| generators.map(|other| (one, other)));
    for (one, other) in answers.chain([("daytime", "chargen"), ("time", "qotd"), ("chargen", "chargen")]) {
        let Some(pair) = Pair::ours(&["-P", one], &["-P", other]) else { return };
        let Some(storm) = pair.storm("x") else { return };
        assert!((1..=20).contains(&storm), "{one} and {other}: {storm} datagrams");
    }
}

const TWISTED_ECHO: &str = r"
from twisted.internet import protocol, reactor
import sys

class Echo(protocol.DatagramProtocol):
    def datagramReceived(self, data, addr):
        self.transport.write(data, addr)

port = reactor.listenUDP(0, Echo(), interface='127.0.0.1')
print('listening on 127.0.0.1:%d' % port.getHost().port, file=sys.stderr, flush=True)
reactor.run()
";

#[test]
fn one_forged_datagram_between_ours_and_another_echo_dies_out() {
    for protocol in ["echo", "processed"] {
        let Some(python) = twisted() else { return };
        let Some(pair) = Pair::new(&["-P", protocol], python.arg(TWISTED_ECHO)) else { return };
        let Some(storm) = pair.storm("x") else { return };
        assert!((1..=20).contains(&storm), "{protocol} and Twisted: {storm} datagrams");
    }
}

#[test]
fn the_loop_guard_mutes_says_so_once_and_can_be_off() {
    // A peer that answers each answer with the same bytes, at once.
    let run = |args: &[&str], rounds: usize| {
        let mut server = Server::start(&[&["serve-udp", "0", "-P", "echo"], args].concat());
        let socket = datagrams(server.addr());
        let mut answered = 0;
        socket.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
        for _ in 0..rounds {
            socket.send(b"again").unwrap();
            answered += usize::from(receive(&socket).is_some());
            if answered == 0 {
                break;
            }
        }
        // Another peer is not concerned.
        assert_eq!(ask_datagram(&datagrams(server.addr()), b"other"), b"other");
        (answered, server.stop())
    };
    let (answered, output) = run(&[], 20);
    assert!(answered < 20, "{answered} answered\n{output}");
    let said = output.code(0).stderr.lines().filter(|line| line.contains("loop") && line.contains("127.0.0.1:")).count();
    assert!((1..=2).contains(&said), "{output}");
    let (answered, output) = run(&["--no-loop-guard"], 50);
    assert_eq!(answered, 50, "{output}");
    output.code(0);
    assert!(!output.stderr.contains("loop"), "{output}");
}

/// Who loads an echo with one datagram over and over is told why it falls silent, and by which flag it does not.
#[test]
fn a_load_that_looks_like_a_loop_is_told_so() {
    let load = |args: &[&str]| {
        let server = Server::start(&[&["serve-udp", "0", "-P", "echo"], args].concat());
        netproto(&["bench", "udp", &server.at(), "-P", "echo", "-n", "20", "-w", "50ms", "again"]).run()
    };
    let output = load(&[]);
    assert!(output.code(0).text().contains("hint: a loop guard may be silent"), "{output}");
    let output = load(&["--no-loop-guard"]);
    assert!(!output.code(0).text().contains("loop guard"), "{output}");
}

#[test]
fn what_differs_is_no_loop() {
    let server = Server::start(&["serve-udp", "0", "-P", "echo"]);
    let socket = datagrams(server.addr());
    for n in 0..200 {
        let text = n.to_string();
        assert_eq!(ask_datagram(&socket, text.as_bytes()), text.as_bytes());
    }
}

#[test]
fn processed_never_answers_its_own_prefix() {
    let server = Server::start(&["serve-udp", "0"]);
    let socket = datagrams(server.addr());
    socket.send(b"Processed: hello").unwrap();
    assert!(no_datagram(&socket, Duration::from_millis(200)));
    assert_eq!(ask_datagram(&socket, b"Processed"), b"Processed: Processed");
}

#[test]
fn service_ports_and_our_own_are_never_answered() {
    for protocol in ["echo", "processed", "chargen"] {
        let server = Server::start(&["serve-udp", "127.0.0.1:0", "-P", protocol]);
        let Some(service) = (512..1024).rev().find_map(|port| UdpSocket::bind(("127.0.0.1", port)).ok()) else {
            return skipped("ports below 1024 are not permitted");
        };
        service.connect(server.addr()).unwrap();
        service.send(b"x").unwrap();
        assert!(no_datagram(&service, Duration::from_millis(200)), "{protocol}");
        assert!(!ask_datagram(&datagrams(server.addr()), b"x").is_empty());
        // Its own address, forged: it would talk to itself.
        if !forge(v4(server.addr()), v4(server.addr()), b"to myself") {
            return;
        }
        assert!(!ask_datagram(&datagrams(server.addr()), b"y").is_empty());
    }
}

#[test]
fn what_amplifies_is_refused_where_others_can_reach_it() {
    for protocol in ["chargen", "qotd", "daytime", "time"] {
        for place in [":0", "0.0.0.0:0", "[::]:0"] {
            let output = netproto(&["serve-udp", place, "-P", protocol]).run();
            assert!(matches!(output.code, 1 | 2), "{output}");
            output.said("amplif").said("--allow-amplification").said(protocol);
        }
        let mut allowed = Server::start(&["serve-udp", "0.0.0.0:0", "-P", protocol, "--allow-amplification"]);
        allowed.stop().code(0);
        // Loopback is nobody's weapon.
        Server::start(&["serve-udp", "127.0.0.1:0", "-P", protocol]).stop().code(0);
    }
    // Over TCP nobody's address can be forged for long enough.
    Server::start(&["serve-tcp", "0.0.0.0:0", "-P", "daytime"]).stop().code(0);
}

#[test]
fn bytes_out_for_bytes_in() {
    let prefix = b"Processed: ".len();
    for protocol in ["processed", "echo", "discard"] {
        let server = Server::start(&["serve-udp", "127.0.0.1:0", "-P", protocol]);
        let socket = datagrams(server.addr());
        let mut ratios = Vec::new();
        for length in [0, 1, 64, 1400, 60_000] {
            socket.send(&noise(length)).unwrap();
            if protocol == "discard" {
                continue;
            }
            let answer = receive(&socket).unwrap().len();
            assert!(answer <= length * 11 / 10 + prefix, "{protocol}: {answer} bytes for {length}");
            ratios.push(format!("{length} B: {answer} B"));
        }
        println!("{protocol} answers {}", ratios.join(", "));
    }
}

#[test]
fn the_address_that_was_asked_answers() {
    let server = Server::start(&["serve-udp", "0.0.0.0:0"]);
    let port = server.port();
    for ours in ["127.0.0.5", "127.0.0.1", "127.255.255.254"] {
        // A connected socket takes answers from this address only.
        let socket = datagrams(format!("{ours}:{port}").parse().unwrap());
        assert_eq!(ask_datagram(&socket, b"hi"), b"Processed: hi", "{ours}");
        let output = netproto(&["send", "udp", &format!("{ours}:{port}"), "hello"]).within(PATIENCE).run();
        output.code(0).gave("Processed: hello");
    }
}
