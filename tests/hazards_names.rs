//! Names looked up for real: a name server of our own, in a network whose `resolv.conf` names it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    net::{Ipv6Addr, UdpSocket},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use rustix::process::Signal;
use support::{Folder, Network, Output, PATIENCE, Run, Server, netproto};

/// Where the live one is, and where nobody is.
const LIVE: [u8; 4] = [10, 9, 9, 2];
const DEAD: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x7e57, 0, 0, 0, 0, 0, 1);

/// What the name server knows; it keeps silent about `silent.test`.
fn record(name: &str, kind: u16) -> Option<Vec<u8>> {
    match (name, kind) {
        ("dual.test" | "live.test", 1) => Some(LIVE.to_vec()),
        ("dual.test" | "dead.test", 28) => Some(DEAD.octets().to_vec()),
        _ => None,
    }
}

/// The answer to a query (RFC 1035, section 4.1), unless there is to be none.
fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let (mut at, mut labels) = (12, Vec::new());
    while query[at] > 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(std::str::from_utf8(&query[at + 1..end]).unwrap().to_ascii_lowercase());
        at = end;
    }
    let name = labels.join(".");
    let question = &query[12..at + 5];
    if name == "silent.test" {
        return None;
    }
    let known = [1, 28].iter().any(|kind| record(&name, *kind).is_some());
    let found = record(&name, u16::from_be_bytes([query[at + 1], query[at + 2]]));
    // A response, recursion available; NXDOMAIN is 3. One question, and the answers.
    let flags = [0x81, if known { 0x80 } else { 0x83 }];
    let counts = [0, 1, 0, u8::from(found.is_some()), 0, 0, 0, 0];
    let mut reply = [&query[..2], &flags, &counts, question].concat();
    if let Some(data) = found {
        // The name of the question again, by a pointer; its type, class, time to live, and length.
        reply.extend_from_slice(&[0xc0, 12]);
        reply.extend_from_slice(&query[at + 1..at + 5]);
        reply.extend_from_slice(&[0, 0, 0, 60, 0, data.len() as u8]);
        reply.extend_from_slice(&data);
    }
    Some(reply)
}

/// A network with a name server, in which nobody answers at [`DEAD`].
struct Named {
    network: Network,
    /// A message for each query.
    asked: Receiver<()>,
    _folder: Folder,
}

impl Named {
    fn new(name: &str) -> Option<Self> {
        let folder = Folder::new(name);
        let resolver = folder.file("resolv.conf", "nameserver 127.0.0.1\noptions timeout:3 attempts:2\n");
        let hosts = folder.file("hosts", "127.0.0.1 localhost\n");
        let order = folder.file("nsswitch.conf", "hosts: files dns\n");
        // What is sent to the link address that nobody has vanishes.
        let network = Network::new(&format!(
            "ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up; ip addr add 10.9.9.2/24 dev v0; \
             ip -6 addr add fd00:7e57::2/64 dev v0 nodad; \
             ip neigh add {DEAD} lladdr 02:00:00:00:00:01 dev v0 nud permanent; \
             mount --bind {resolver} /etc/resolv.conf; mount --bind {hosts} /etc/hosts; mount --bind {order} /etc/nsswitch.conf"
        ))?;
        network.enter();
        let socket = UdpSocket::bind("127.0.0.1:53").unwrap();
        let (tell, asked) = channel();
        thread::spawn(move || {
            let mut query = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut query) {
                let _ = tell.send(());
                if let Some(reply) = answer(&query[..length]) {
                    socket.send_to(&reply, from).unwrap();
                }
            }
        });
        Some(Self { network, asked, _folder: folder })
    }

    fn run(&self, args: &[&str]) -> Output {
        self.inside(netproto(args)).run()
    }

    fn inside(&self, run: Run) -> Run {
        self.network.inside(run)
    }

    fn server(&self) -> Server {
        Server::start_by(self.inside(netproto(&["serve-tcp", "10.9.9.2:0"])))
    }
}

#[test]
fn a_dead_and_a_live_address_of_a_name_answer_soon() {
    let Some(named) = Named::new("names-dual") else { return };
    let server = named.server();
    let at = format!("dual.test:{}", server.port());
    let output = named.run(&["send", "tcp", &at, "hello", "-v"]);
    // The dead one was tried, and first (RFC 8305, section 5).
    output.code(0).gave("Processed: hello").said("fd00:7e57::1").said("10.9.9.2");
    // Ours is to wait a quarter of a second for the dead one; the kernel would for two minutes.
    assert!(output.took < Duration::from_secs(3), "{output}");
    let alone = named.run(&["send", "tcp", &at, "hello", "-6", "--connect-timeout", "300ms"]);
    alone.code(5).gave("");
    assert!(alone.took < Duration::from_secs(3), "{alone}");
    named.run(&["bench", "tcp", &at, "-n", "100", "-c", "2"]).code(0);
}

#[test]
fn a_name_without_an_address_is_told() {
    let Some(named) = Named::new("names-none") else { return };
    for args in
        [&["send", "tcp", "none.test:80", "x"][..], &["send", "udp", "none.test:80", "x"], &["bench", "tcp", "none.test:80"]]
    {
        let output = named.run(args);
        output.code(1).gave("").said("netproto: unknown host none.test").said("hint: ");
        assert!(output.took < Duration::from_secs(3), "{output}");
    }
    let server = named.run(&["serve-tcp", "none.test:80"]);
    server.code(1).said("netproto: unknown host none.test");
    // It has one, but not of this family.
    let other = named.run(&["send", "tcp", "dead.test:80", "x", "-4"]);
    other.code(1).said("dead.test has no IPv4 address").said("-4");
}

#[test]
fn a_name_server_that_is_silent_costs_the_connect_timeout() {
    let Some(named) = Named::new("names-silent") else { return };
    for (scheme, role) in [("tcp", "send"), ("udp", "send"), ("tcp", "bench"), ("udp", "bench")] {
        let output = named.run(&[role, scheme, "silent.test:80", "x", "--connect-timeout", "500ms"]);
        output.code(5).gave("").said("netproto: could not resolve silent.test: no answer within 500ms");
        // The resolver itself would give up after twelve seconds.
        assert!((Duration::from_millis(500)..Duration::from_secs(3)).contains(&output.took), "{output}");
    }
}

#[test]
fn ctrl_c_ends_a_look_up() {
    let Some(named) = Named::new("names-ctrl-c") else { return };
    for (role, scheme) in [("send", "tcp"), ("send", "udp"), ("bench", "tcp"), ("bench", "udp")] {
        while named.asked.try_recv().is_ok() {}
        let mut process = named.inside(netproto(&[role, scheme, "silent.test:80", "x"])).spawn();
        named.asked.recv_timeout(PATIENCE).unwrap();
        process.signal(Signal::INT);
        let output = process.wait();
        assert_eq!(output.code, 130, "{output}");
        assert!(output.took < Duration::from_secs(3), "{output}");
    }
}

#[test]
fn without_any_name_server_that_is_told() {
    let Some(named) = Named::new("names-refused") else { return };
    // Nobody listens there (ICMP port unreachable).
    let folder = Folder::new("names-nobody");
    let resolver = folder.file("resolv.conf", "nameserver 127.0.0.77\noptions timeout:1 attempts:1\n");
    named.network.sh(&format!("mount --bind {resolver} /etc/resolv.conf"));
    let output = named.run(&["send", "tcp", "live.test:80", "x"]);
    output.code(1).gave("").said("could not resolve live.test: ").said("name server did not answer");
}
