//! What `serve-*` tells about its connections: `-v`, `-vv`, `-x`, `-J`, `--stats`, the summary.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::net::{Shutdown, TcpStream};

use serde_json::Value;
use support::{
    Server, nasty,
    net::{ask, connect, exchange, reset, to_end},
};

fn close_and_wait(mut stream: TcpStream) {
    stream.shutdown(Shutdown::Write).unwrap();
    to_end(&mut stream);
}

#[test]
fn v_is_a_line_for_who_came_and_one_for_how_it_ended() {
    let mut server = Server::start(&["serve-tcp", "0", "-v"]);
    let mut stream = connect(server.addr());
    let who = stream.local_addr().unwrap().to_string();
    assert_eq!(ask(&mut stream, b"hello", 16), b"Processed: hello");
    close_and_wait(stream);
    let mut rude = connect(server.addr());
    let rude_one = rude.local_addr().unwrap().to_string();
    assert_eq!(ask(&mut rude, b"x", 12), b"Processed: x");
    reset(rude);
    server.log("reset by peer");
    let output = server.stop();
    let about = |who: &str| output.stderr.lines().filter(|line| line.contains(who)).collect::<Vec<_>>();
    let lines = about(&who);
    assert_eq!(lines.len(), 2, "{output}");
    assert!(lines[0].contains("connected"), "{output}");
    for part in ["peer closed", "5 B in", "16 B out"] {
        assert!(lines[1].contains(part), "{part}\n{output}");
    }
    let lines = about(&rude_one);
    assert!(lines.len() == 2 && lines[1].contains("reset by peer") && lines[1].contains("1 B in"), "{output}");
    let summary = output.stderr.lines().last().unwrap();
    for part in ["stopped", "2 connections", "6 B in", "28 B out", "1 reset"] {
        assert!(summary.contains(part), "{part}\n{output}");
    }
}

#[test]
fn silence_by_default_and_more_on_request() {
    let quiet = |args: &[&str]| {
        let mut server = Server::start(&[&["serve-tcp", "0"], args].concat());
        exchange(server.addr(), b"hello \x1b[2J");
        server.stop()
    };
    let output = quiet(&[]);
    assert!(!output.code(0).stderr.contains("connected"), "{output}");
    let output = quiet(&["-q"]);
    let others = output.code(0).stderr.lines().filter(|line| !line.starts_with("listening on ")).count();
    assert_eq!(others, 0, "{output}");
    // -vv has every message, escaped; -x has its bytes.
    let output = quiet(&["-vv"]);
    output.code(0).said("hello \\x1b[2J");
    assert!(!output.stderr.contains('\x1b'), "{output}");
    quiet(&["-x"]).code(0).said("68 65 6c 6c 6f");
}

#[test]
fn j_is_one_valid_object_a_line_whatever_the_peer_says() {
    let mut server = Server::start(&["serve-tcp", "0", "-J", "-vv"]);
    exchange(server.addr(), &nasty());
    exchange(server.addr(), b"{\"event\":\"forged\"}\n{\"event\":\"forged\"}\n");
    reset(connect(server.addr()));
    let output = server.stop();
    let lines = output.code(0).json_lines();
    assert!(lines.len() >= 5, "{output}");
    for line in &lines {
        let object = line.as_object().unwrap_or_else(|| panic!("no object: {line}\n{output}"));
        assert_ne!(object.get("event"), Some(&Value::from("forged")), "{output}");
    }
    assert!(!output.stdout.contains(&0x1b), "{output}");
    // The first line tells where it listens.
    assert!(lines[0].to_string().contains(&server_port(&output.stderr)), "{output}");
}

fn server_port(stderr: &str) -> String {
    let line = stderr.lines().find(|line| line.starts_with("listening on ")).unwrap();
    line.rsplit(':').next().unwrap().to_owned()
}

#[test]
fn stats_come_in_intervals() {
    let mut server = Server::start(&["serve-tcp", "0", "--stats", "100ms"]);
    let mut stream = connect(server.addr());
    assert_eq!(ask(&mut stream, b"a", 12), b"Processed: a");
    // Two of them, with the connection that is open.
    let two = |log: &[u8]| {
        let log = String::from_utf8_lossy(log);
        (log.lines().filter(|line| line.contains("bit/s")).count() >= 2).then_some(())
    };
    let came = server.process.stderr.wait_for(support::PATIENCE, two);
    assert!(came.is_some(), "{}", server.process.said());
    server.stop().code(0).said("1 connection");
}
