//! `serve NAME`, and a protocol's name where the transport stands, as their users meet them: one port, one log, one end.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::Write,
    net::{SocketAddr, TcpListener, UdpSocket},
    time::Duration,
};

use netproto::{
    protocol::{ALL, Answers, Protocol, Takes},
    session::Rides,
};
use support::{
    Network, Output, Server,
    net::{ask, ask_datagram, connect, datagrams, exchange, is_closed, no_datagram, receive, spare_port, to_end},
    netproto,
};

/// Each that has a server end.
fn served() -> impl Iterator<Item = &'static Protocol> {
    ALL.iter().copied().filter(|row| row.server.is_some())
}

fn scheme(rides: Rides) -> &'static str {
    match rides {
        Rides::Stream => "tcp",
        Rides::Datagrams => "udp",
    }
}

/// `serve NAME 0`, once it listens on the last of its addresses.
fn serve(name: &str, more: &[&str]) -> Server {
    let row = netproto::protocol::find(name).unwrap();
    let server = Server::start(&[&["serve", name, "0"], more].concat());
    server.log(&format!("listening on {} [::1]:", scheme(*row.rides.last().unwrap())));
    server
}

fn ready(output: &Output) -> Vec<&str> {
    output.stderr.lines().take_while(|line| line.starts_with("listening on ")).collect()
}

/// One exchange of the row, by its name or over a transport that is said.
fn talk(row: &Protocol, over: &[&str], place: &str, answers: Answers) {
    let mut words = [&["send"], over, &[place]].concat();
    match row.takes {
        Takes::Nothing | Takes::Optional { .. } | Takes::Piped { .. } => {}
        Takes::Bytes => words.push("hello"),
        Takes::Words(form) => words.extend(form.examples[0].split(' ')),
    }
    if answers == Answers::Endless {
        words.extend(["--replies", "2"]);
    }
    let output = netproto(&words).run();
    output.code(0);
    assert_eq!(output.stdout.is_empty(), answers == Answers::Never, "{output}");
}

#[test]
fn every_protocol_is_served_on_all_that_it_rides_on() {
    for row in served() {
        let mut server = serve(row.name, &[]);
        let (at, port) = (server.at(), server.port());
        talk(row, &[row.name], &at, row.answers.over(row.usual()));
        talk(row, &[], &format!("{}://{at}/", row.name), row.answers.over(row.usual()));
        for rides in row.rides {
            talk(row, &[scheme(*rides), "-P", row.name], &at, row.answers.over(*rides));
        }
        let output = server.stop();
        let schemes = row.rides.iter().map(|rides| scheme(*rides));
        let wanted: Vec<String> = schemes
            .flat_map(|scheme| ["127.0.0.1", "[::1]"].map(|host| format!("listening on {scheme} {host}:{port}")))
            .collect();
        assert_eq!(ready(output.code(0)), wanted, "{output}");
    }
}

#[test]
fn every_protocol_that_answers_is_loaded_by_its_name() {
    for row in served() {
        let output = netproto(&["bench", row.name, "-n", "20", "-c", "2", "-q", "-J"]).run();
        if row.answers.over(row.usual()) == Answers::Endless {
            output.code(2).said("there is nothing to time");
            continue;
        }
        let report = output.code(0).json();
        assert_eq!(report["protocol"], row.name, "{output}");
        assert_eq!(report["transport"], scheme(row.usual()), "{output}");
    }
}

#[test]
fn one_log_tells_what_carried_each_and_one_summary_counts_them() {
    let mut server = serve("echo", &["-v"]);
    assert_eq!(exchange(server.addr(), b"ab"), b"ab");
    server.log("  tcp  127.0.0.1:");
    assert_eq!(ask_datagram(&datagrams(server.addr()), b"cde"), b"cde");
    assert_eq!(ask_datagram(&datagrams(server.addr()), b"f"), b"f");
    server.log("  udp  127.0.0.1:");
    let (port, output) = (server.port(), server.stop());
    output.code(0).said(&format!("only this machine can connect; serve echo :{port} opens it to others\n"));
    let last = output.stderr.lines().last().unwrap();
    assert_eq!(last, "stopped · 1 connection · 2 peers · 6 B in · 6 B out", "{output}");
    assert_eq!(output.stderr.matches("stopped · ").count(), 1, "{output}");
    assert_eq!(output.stderr.matches("echo: answers the data itself").count(), 1, "{output}");
}

#[test]
fn the_json_log_is_one_and_names_the_carrier() {
    let mut server = serve("echo", &["-J"]);
    assert_eq!(exchange(server.addr(), b"ab"), b"ab");
    assert_eq!(ask_datagram(&datagrams(server.addr()), b"cde"), b"cde");
    let output = server.stop();
    let lines = output.code(0).json_lines();
    let with = |event: &str| lines.iter().filter(|line| line["event"] == event).collect::<Vec<_>>();
    let schemes = |event: &str| with(event).iter().map(|line| line["scheme"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(schemes("listening"), ["tcp", "tcp", "udp", "udp"]);
    let mut connected = schemes("connected");
    connected.sort_unstable();
    assert_eq!(connected, ["tcp", "udp"], "{output}");
    let [summary] = with("summary")[..] else { panic!("{output}") };
    assert_eq!((&summary["connections"], &summary["bytes_in"]), (&2.into(), &5.into()), "{output}");
}

#[test]
fn interval_lines_count_both() {
    let mut server = serve("echo", &["--stats", "100ms"]);
    let (mut stream, socket) = (connect(server.addr()), datagrams(server.addr()));
    assert_eq!(ask(&mut stream, b"x", 1), b"x");
    assert_eq!(ask_datagram(&socket, b"y"), b"y");
    server.log("  2 open · ");
    server.stop().code(0);
}

#[test]
fn once_is_one_client_whatever_carries_it() {
    // The client of the stream ends the sockets of the datagrams, too.
    let mut server = serve("echo", &["-1"]);
    assert_eq!(exchange(server.addr(), b"ab"), b"ab");
    server.process.wait().code(0).said("stopped · 1 connection · 0 peers · ");

    // The peer of the datagrams is talked to until it is silent, and nobody else.
    let mut server = serve("echo", &["-1", "-i", "2s"]);
    let (first, second) = (datagrams(server.addr()), datagrams(server.addr()));
    assert_eq!(ask_datagram(&first, b"ab"), b"ab");
    second.send(b"cd").unwrap();
    assert!(no_datagram(&second, Duration::from_millis(100)));
    assert_eq!(ask_datagram(&first, b"more"), b"more");
    server.process.wait().code(0).said("stopped · 0 connections · 1 peer · ");
}

#[test]
fn a_stop_lets_both_finish() {
    let mut server = serve("echo", &["-p", "delay=500ms", "-vv"]);
    let (mut stream, socket) = (connect(server.addr()), datagrams(server.addr()));
    stream.write_all(b"slow stream").unwrap();
    socket.send(b"slow datagram").unwrap();
    server.log("< \"slow stream\"");
    server.log("< \"slow datagram\"");
    server.process.signal(rustix::process::Signal::TERM);
    assert_eq!(to_end(&mut stream), b"slow stream");
    assert_eq!(receive(&socket).unwrap(), b"slow datagram");
    server.process.wait().code(0).said("stopped · 1 connection · 1 peer");
}

#[test]
fn a_limit_of_streams_is_none_of_datagrams() {
    let mut server = serve("echo", &["-m", "1"]);
    let mut first = connect(server.addr());
    assert_eq!(ask(&mut first, b"x", 1), b"x");
    assert!(is_closed(&mut connect(server.addr())), "it is full");
    for _ in 0..3 {
        assert_eq!(ask_datagram(&datagrams(server.addr()), b"y"), b"y");
    }
    drop(first);
    server.stop().code(0).said("stopped · 1 connection · 3 peers · ").said("1 refused");
}

#[test]
fn what_amplifies_is_served_to_others_only_when_asked() {
    for row in served().filter(|row| row.rides_on(Rides::Datagrams)) {
        if row.amplifies {
            let output = netproto(&["serve", row.name, ":0"]).run();
            output.code(2).said("amplifies").said("--allow-amplification");
            assert!(!output.stderr.contains("listening"), "{output}");
        }
        let mut here = serve(row.name, &[]);
        let hint = format!("serve {} :{} opens it to others", row.name, here.port());
        let condition = if row.amplifies { ", over udp with --allow-amplification" } else { "" };
        here.stop().code(0).said(&format!("{hint}{condition}\n"));
        let allowed: &[&str] = if row.amplifies { &["--allow-amplification"] } else { &[] };
        let mut server = Server::start(&[&["serve", row.name, ":0"], allowed].concat());
        server.log("listening on udp 0.0.0.0:");
        server.stop().code(0);
    }
}

#[test]
fn a_port_that_is_taken_for_one_is_refused_for_both() {
    let taken = SocketAddr::from(([127, 0, 0, 1], spare_port()));
    let _kept = UdpSocket::bind(taken).unwrap();
    let output = netproto(&["serve", "echo", &taken.port().to_string()]).run();
    output.code(1).said(&format!("could not bind udp {taken}: address already in use"));
    output.said("hint: another process listens there; port 0 takes a free one");
    assert!(!output.stderr.contains("listening on"), "{output}");
    // Nothing of it is left.
    TcpListener::bind(taken).unwrap();
}

/// The system chooses odd ports first, for TCP; here those are taken for UDP.
#[test]
fn a_port_that_is_chosen_is_free_for_both() {
    let Some(network) = Network::new("echo 40000 40003 > /proc/sys/net/ipv4/ip_local_port_range") else { return };
    let taken: Vec<Server> = ["40001", "40003"]
        .map(|port| Server::start_by(network.inside(netproto(&["serve-udp", port]))))
        .into_iter()
        .collect();
    let mut server = Server::start_by(network.inside(netproto(&["serve", "echo", "0"])));
    let port = server.listens("127.0.0.1:").port();
    assert!([40_000, 40_002].contains(&port), "{port}");
    let output = server.stop();
    let wanted = ["tcp 127.0.0.1", "tcp [::1]", "udp 127.0.0.1", "udp [::1]"].map(|at| format!("listening on {at}:{port}"));
    assert_eq!(ready(output.code(0)), wanted, "{output}");
    drop(taken);
}

#[test]
fn without_an_address_it_is_the_known_port_on_loopback() {
    let Some(network) = Network::new("true") else { return };
    let mut server = Server::start_by(network.inside(netproto(&["serve", "discard"])));
    server.log("listening on udp [::1]:9");
    network.inside(netproto(&["send", "discard", "localhost", "x"])).run().code(0);
    network.inside(netproto(&["send", "discard://localhost/", "x"])).run().code(0);
    let output = server.stop();
    output.code(0).said("listening on tcp 127.0.0.1:9\n").said("stopped · 2 connections · 0 peers · 2 B in");
}

#[test]
fn sockets_that_are_handed_over_are_refused_by_name() {
    let output = netproto(&["serve", "echo"]).env("LISTEN_FDS", "1").run();
    output
        .code(2)
        .said("serve opens its own sockets")
        .said("hint: a unit for each takes them: serve-tcp -P echo, serve-udp");
}
