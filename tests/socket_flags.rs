//! Socket flags as the kernel holds them: asked of the sockets of each role while it runs, listening, accepted and connected.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    net::{SocketAddr, TcpStream, UdpSocket},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use socket2::Socket;
use support::{
    Network, PATIENCE, Process, Server,
    net::{ask, ask_datagram, connect, datagrams, serve, uninterrupted},
    netproto,
    peer::skipped,
};

/// Copies of the sockets of a process, which share all flags with them. Nothing where that is not permitted.
fn sockets(pid: Pid) -> Option<Vec<Socket>> {
    let process = pidfd_open(pid, PidfdFlags::empty()).unwrap();
    let mut found = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd")).unwrap() {
        let path = entry.unwrap().path();
        let number = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
        if !fs::read_link(&path).is_ok_and(|to| to.to_string_lossy().starts_with("socket:")) {
            continue;
        }
        let Ok(copy) = pidfd_getfd(&process, number, PidfdGetfdFlags::empty()) else {
            skipped("the sockets of another process may not be looked at");
            return None;
        };
        found.push(Socket::from(copy));
    }
    Some(found)
}

fn address(socket: &Socket, of: fn(&Socket) -> std::io::Result<socket2::SockAddr>) -> Option<SocketAddr> {
    of(socket).ok()?.as_socket()
}

/// Its only socket with these ends.
#[track_caller]
fn one(pid: Pid, local: Option<SocketAddr>, peer: Option<SocketAddr>) -> Option<Socket> {
    let mut found = sockets(pid)?;
    let ends = |socket: &Socket| (address(socket, Socket::local_addr), address(socket, Socket::peer_addr));
    found.retain(|socket| {
        let (ours, theirs) = ends(socket);
        ours.is_some() && theirs == peer && (local.is_none() || ours == local)
    });
    assert_eq!(found.len(), 1, "sockets from {local:?} to {peer:?}: {:?}", found.iter().map(ends).collect::<Vec<_>>());
    found.pop()
}

/// What the flags below come to.
#[derive(Debug, PartialEq)]
struct Held {
    nodelay: bool,
    /// How long a peer is silent before it is probed.
    keepalive: Option<Duration>,
    congestion: String,
    device: Option<String>,
}

impl Held {
    fn by(socket: &Socket) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim_end_matches('\0').to_owned();
        Self {
            nodelay: socket.tcp_nodelay().unwrap(),
            keepalive: socket.keepalive().unwrap().then(|| socket.tcp_keepalive_time().unwrap()),
            congestion: text(socket.tcp_congestion().unwrap()),
            device: socket.device().unwrap().map(text),
        }
    }

    fn without_flags() -> Self {
        let congestion = fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control").unwrap();
        Self { nodelay: true, keepalive: None, congestion: congestion.trim().to_owned(), device: None }
    }

    fn with_flags() -> Self {
        Self {
            nodelay: false,
            keepalive: Some(Duration::from_secs(77)),
            congestion: "reno".to_owned(),
            device: Some("lo".to_owned()),
        }
    }
}

const FLAGS: &[&str] = &["--no-nodelay", "--keepalive", "77s", "--congestion", "reno", "--interface", "lo"];
const BUFFERS: &[&str] = &["--send-buffer", "48K", "--recv-buffer", "80K"];

/// Linux keeps twice of what was asked, for its own bookkeeping (socket(7)).
#[track_caller]
fn has_buffers(socket: &Socket, what: &str) {
    let sizes = (socket.send_buffer_size().unwrap(), socket.recv_buffer_size().unwrap());
    assert_eq!(sizes, ((2 * 48) << 10, (2 * 80) << 10), "{what}");
}

/// A peer that never answers; tells when somebody has connected.
fn mute() -> (SocketAddr, Receiver<()>) {
    let (tell, told) = channel();
    let each = move |mut stream: TcpStream| {
        tell.send(()).unwrap();
        while uninterrupted(|| std::io::Read::read(&mut stream, &mut [0; 4096])).is_ok_and(|n| n > 0) {}
    };
    (serve(each), told)
}

/// `send` or `bench` while it is connected, with these flags.
fn connected(role: &str, flags: &[&str]) -> (Process, SocketAddr) {
    let (addr, told) = mute();
    let at = addr.to_string();
    let args: &[&str] = if role == "send" { &["send", &at] } else { &["bench", "tcp", &at, "-P", "echo", "-c", "1"] };
    let process = netproto(args).args(flags).stdin_open().spawn();
    told.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{role} {flags:?}\n{}", process.said()));
    (process, addr)
}

#[test]
fn connections_of_those_who_ask() {
    for role in ["send", "bench"] {
        for (flags, wanted) in [(&[][..], Held::without_flags()), (FLAGS, Held::with_flags())] {
            let (process, addr) = connected(role, flags);
            let Some(socket) = one(process.pid, None, Some(addr)) else { return };
            assert_eq!(Held::by(&socket), wanted, "{role} {flags:?}");
        }
        let (process, addr) = connected(role, BUFFERS);
        let Some(socket) = one(process.pid, None, Some(addr)) else { return };
        has_buffers(&socket, role);
    }
}

#[test]
fn no_segment_is_larger_than_mss() {
    for role in ["send", "bench"] {
        let (process, addr) = connected(role, &["--mss", "600"]);
        let Some(socket) = one(process.pid, None, Some(addr)) else { return };
        // Options take their part of each segment (RFC 6691).
        let kept = socket.tcp_mss().unwrap();
        assert!((500..=600).contains(&kept), "{role}: {kept}");
    }
    let server = Server::start(&["serve-tcp", "127.0.0.1:0", "--mss", "700"]);
    let mut client = connect(server.addr());
    assert_eq!(ask(&mut client, b"a", 12), b"Processed: a");
    let Some(accepted) = one(server.process.pid, None, Some(client.local_addr().unwrap())) else { return };
    let kept = accepted.tcp_mss().unwrap();
    assert!((600..=700).contains(&kept), "serve-tcp: {kept}");
}

#[test]
fn listeners_and_whom_they_accept() {
    for place in ["127.0.0.1:0", "[::1]:0", ":0"] {
        for (flags, wanted) in [(&[][..], Held::without_flags()), (FLAGS, Held::with_flags())] {
            let server = Server::start(&[&["serve-tcp", place], flags, BUFFERS].concat());
            let at = if place == ":0" { format!("127.0.0.1:{}", server.port()) } else { server.at() };
            let mut client = connect(at.parse().unwrap());
            assert_eq!(ask(&mut client, b"a", 12), b"Processed: a");
            let Some(accepted) = one(server.process.pid, None, Some(client.local_addr().unwrap())) else { return };
            assert_eq!(Held::by(&accepted), wanted, "serve-tcp {place} {flags:?}");
            has_buffers(&accepted, place);
            if place != ":0" {
                let Some(listener) = one(server.process.pid, Some(server.addr()), None) else { return };
                assert_eq!(Held::by(&listener), wanted, "serve-tcp {place} {flags:?}, the listener");
            }
        }
    }
}

/// What matters of a datagram socket.
#[track_caller]
fn datagram_flags(socket: &Socket, what: &str) {
    has_buffers(socket, what);
    assert_eq!(socket.device().unwrap().as_deref(), Some(&b"lo"[..]), "{what}");
}

#[test]
fn datagram_sockets() {
    let flags = [BUFFERS, &["--interface", "lo"]].concat();
    for place in ["127.0.0.1:0", "[::1]:0"] {
        let server = Server::start(&[&["serve-udp", place], &flags[..]].concat());
        assert_eq!(ask_datagram(&datagrams(server.addr()), b"a"), b"Processed: a");
        let Some(socket) = one(server.process.pid, Some(server.addr()), None) else { return };
        datagram_flags(&socket, place);
    }
    for role in ["send", "bench"] {
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        let addr = peer.local_addr().unwrap();
        let at = addr.to_string();
        let args = if role == "send" { &["send", "udp", &at, "x"][..] } else { &["bench", "udp", &at, "-P", "echo"] };
        // It waits for an answer that never comes.
        let process = netproto(args).args(&flags).args(&["-w", "60s"]).spawn();
        uninterrupted(|| peer.recv(&mut [0; 100])).unwrap_or_else(|error| panic!("{error}\n{}", process.said()));
        let Some(socket) = one(process.pid, None, Some(addr)) else { return };
        datagram_flags(&socket, role);
    }
}

#[test]
fn an_interface_is_kept_to() {
    let Some((near, far)) = Network::pair() else { return };
    let server = Server::start_by(far.inside(netproto(&["serve-tcp", "0.0.0.0:0", "--interface", "v1"])));
    let at = format!("10.7.0.2:{}", server.port());
    near.inside(netproto(&["send", &at, "hi", "--interface", "v0"])).run().code(0).gave("Processed: hi");
    // By its loopback it is not reached, though it listens everywhere,
    let inside = format!("127.0.0.1:{}", server.port());
    far.inside(netproto(&["send", &inside, "hi"])).run().code(1).said("refused");
    // and by loopback nobody reaches another machine.
    let astray = near.inside(netproto(&["send", &at, "hi", "--interface", "lo", "--connect-timeout", "300ms"])).run();
    assert!(matches!(astray.code, 1 | 5), "{astray}");
    astray.gave("").said(&at);
}
