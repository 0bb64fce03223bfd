//! Socket flags as others see them: in the headers of the packets that are sent, over IPv4 and IPv6, by every role.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;

use support::{
    Network, Output, Server,
    net::{connect, serve_one, to_end},
    netproto,
    wire::{Packet, Wire},
};

const LOOPBACKS: [&str; 2] = ["127.0.0.1:0", "[::1]:0"];

/// A network of our own, which this thread enters, and a tap on its wire.
fn tapped() -> Option<(Network, Wire)> {
    let network = Network::new("true")?;
    network.enter();
    let wire = Wire::tap()?;
    Some((network, wire))
}

/// What matters of the packets of one side: those that were sent to answer an ended connection are the kernel's own.
fn said(packets: &[Packet], from: impl Fn(u16) -> bool) -> Vec<Packet> {
    packets.iter().filter(|packet| from(packet.from) && (packet.carries > 0 || packet.syn)).cloned().collect()
}

/// All packets that a role sent have these in their headers, and those of the other side have not.
#[track_caller]
fn marked(what: &str, packets: &[Packet], addr: SocketAddr, server_is_marked: bool) {
    let by_server = said(packets, |port| port == addr.port());
    let by_client = said(packets, |port| port != addr.port());
    let (ours, theirs) = if server_is_marked { (by_server, by_client) } else { (by_client, by_server) };
    assert!(!ours.is_empty() && !theirs.is_empty(), "{what}: {packets:?}");
    for packet in &ours {
        assert_eq!((packet.ipv6, packet.dscp, packet.ttl), (addr.is_ipv6(), 46, 7), "{what}: {packet:?}");
    }
    for packet in &theirs {
        assert_eq!((packet.dscp, packet.ttl), (0, 64), "{what}, the other side: {packet:?}");
    }
}

const MARKS: &[&str] = &["--dscp", "EF", "--ttl", "7"];

/// A role that talks to `at`, marked.
fn talks(role: &str, scheme: &str, at: &str) -> Output {
    match role {
        "send" => netproto(&["send", scheme, at, "hello"]).args(MARKS).run(),
        _ => netproto(&["bench", scheme, at, "-n", "20", "-c", "2"]).args(MARKS).run(),
    }
}

#[test]
fn dscp_and_ttl_of_those_who_ask() {
    let Some((_network, wire)) = tapped() else { return };
    for scheme in ["tcp", "udp"] {
        for place in LOOPBACKS {
            let server = Server::start(&[&format!("serve-{scheme}"), place]);
            for role in ["send", "bench"] {
                let what = format!("{role} {scheme} {place}");
                wire.passed();
                talks(role, scheme, &server.at()).code(0);
                marked(&what, &wire.passed(), server.addr(), false);
            }
        }
    }
}

#[test]
fn dscp_and_ttl_of_servers() {
    let Some((_network, wire)) = tapped() else { return };
    for scheme in ["tcp", "udp"] {
        // The wildcard is two sockets, or one for both families: each has its own headers.
        for (place, hosts) in [("127.0.0.1:0", &["127.0.0.1"][..]), ("[::1]:0", &["[::1]"]), (":0", &["127.0.0.1", "[::1]"])]
        {
            let command = format!("serve-{scheme}");
            let args = [&[command.as_str(), place], MARKS].concat();
            let server = Server::start(&args);
            for host in hosts {
                let what = format!("serve-{scheme} {place}, {host}");
                let at: SocketAddr = format!("{host}:{}", server.port()).parse().unwrap();
                wire.passed();
                netproto(&["send", scheme, &at.to_string(), "hello"]).run().code(0).gave("Processed: hello");
                marked(&what, &wire.passed(), at, true);
            }
        }
    }
}

#[test]
fn mss_is_announced() {
    let Some((_network, wire)) = tapped() else { return };
    for place in LOOPBACKS {
        let server = Server::start(&["serve-tcp", place, "-P", "echo", "--mss", "700"]);
        let plain = Server::start(&["serve-tcp", place, "-P", "echo"]);
        let long = "x".repeat(4000);
        let (mut seen, offers): (Vec<Vec<Packet>>, _) = (Vec::new(), ["send", "bench"]);
        for role in offers {
            let at = plain.at();
            let args: &[&str] = if role == "send" {
                &["send", &at, &long]
            } else {
                &["bench", "tcp", &at, "-P", "echo", "-l", "4000", "-n", "5"]
            };
            netproto(args).args(&["--mss", "600"]).run().code(0);
            seen.push(wire.passed());
        }
        for (role, packets) in offers.iter().zip(&seen) {
            let asked: Vec<Option<u16>> =
                packets.iter().filter(|p| p.syn && p.to == plain.port()).map(|packet| packet.mss).collect();
            assert!(!asked.is_empty() && asked.iter().all(|mss| *mss == Some(600)), "{role} {place}: {asked:?}");
        }
        // The server's own, in its SYN-ACK.
        netproto(&["send", &server.at(), "hello"]).run().code(0);
        let packets = wire.passed();
        let answers: Vec<Option<u16>> =
            packets.iter().filter(|p| p.syn && p.from == server.port()).map(|packet| packet.mss).collect();
        assert!(!answers.is_empty() && answers.iter().all(|mss| *mss == Some(700)), "{place}: {packets:?}");
    }
}

#[test]
fn keepalive_probes_a_silent_peer() {
    let Some((_network, wire)) = tapped() else { return };
    let server = Server::start(&["serve-tcp", "127.0.0.1:0", "--keepalive", "1s"]);
    let silent = connect(server.addr());
    let (addr, peer) = serve_one(|mut stream| to_end(&mut stream));
    let client = netproto(&["send", &addr.to_string(), "--keepalive", "1s"]).stdin_open().spawn();
    // On a silent connection the side that listens sends nothing but its SYN-ACK, so what follows is, from our server, a
    // probe; and from the client's peer, the answer to one (RFC 9293, section 3.8.4).
    let (mut by_server, mut by_client) = (false, false);
    wire.wait_for("probes", |packet| {
        let bare = !packet.syn && packet.carries == 0;
        by_server |= bare && packet.from == server.port();
        by_client |= bare && packet.from == addr.port();
        by_server && by_client
    });
    drop((client, silent));
    assert_eq!(peer.join().unwrap(), b"");
}

#[test]
fn multicast_over_ipv6_and_ipv4_between_two_machines() {
    let Some((near, far)) = Network::pair() else { return };
    for group in ["ff15::7e57", "ff02::7e57", "239.255.77.1"] {
        let (any, shown) = if group.contains(':') { ("[::]:0", format!("[{group}]")) } else { ("0.0.0.0:0", group.into()) };
        let joined = ["serve-udp", any, "--join", group, "--interface", "v1"];
        let server = Server::start_by(far.inside(netproto(&joined)));
        let at = format!("{shown}:{}", server.port());
        let sent = near.inside(netproto(&["send", "udp", &at, "hello", "--interface", "v0"])).run();
        sent.code(0).gave("Processed: hello");
        // Who has not joined does not answer: it is the group, and not the port, that is asked.
        let other = at.replace("7e57", "7e58").replace("77.1", "77.2");
        let unheard = near.inside(netproto(&["send", "udp", &other, "hello", "--interface", "v0", "-w", "200ms"])).run();
        unheard.code(5).gave("");
    }
}
