//! Stopping: what is on its way is finished, the idle are let go, a second signal is final, and the port is free at once.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::Write,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use support::{
    PATIENCE, Server,
    net::{ask, connect, exchange, is_closed, to_end},
    netproto,
};

#[test]
fn answers_on_their_way_are_delivered() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::start(&["serve-tcp", "0", "-p", "delay=1500ms", "-vv"]);
        let mut clients: Vec<_> = (0..50).map(|_| connect(server.addr())).collect();
        for (n, client) in clients.iter_mut().enumerate() {
            client.write_all(format!("flight-{n:02}").as_bytes()).unwrap();
        }
        for n in 0..50 {
            server.log(&format!("flight-{n:02}"));
        }
        server.process.signal(signal);
        for (n, client) in clients.iter_mut().enumerate() {
            assert_eq!(to_end(client), format!("Processed: flight-{n:02}").as_bytes());
        }
        let output = server.process.wait();
        output.code(0).said("stopped").said("50 connections");
    }
}

#[test]
fn the_idle_are_let_go_at_once() {
    // With an answer that takes for ever under way, so that the server itself stays for its grace.
    let mut server = Server::start(&["serve-tcp", "0", "-p", "delay=1h", "--grace", "1s", "-vv"]);
    let mut idle = connect(server.addr());
    let mut busy = connect(server.addr());
    busy.write_all(b"for ever").unwrap();
    server.log("for ever");
    let signalled = Instant::now();
    server.process.signal(Signal::TERM);
    assert!(is_closed(&mut idle));
    let idle_for = signalled.elapsed();
    assert!(is_closed(&mut busy));
    let busy_for = signalled.elapsed();
    server.process.wait().code(0);
    assert!(busy_for >= Duration::from_millis(900) && idle_for < busy_for, "idle {idle_for:?}, busy {busy_for:?}");
}

#[test]
fn with_nobody_busy_it_ends_at_once() {
    let mut server = Server::start(&["serve-tcp", "0"]);
    let mut idle = connect(server.addr());
    assert_eq!(ask(&mut idle, b"a", 12), b"Processed: a");
    let signalled = Instant::now();
    server.stop().code(0);
    // The grace is 5 s; it is not used up by who has nothing to wait for.
    assert!(signalled.elapsed() < Duration::from_secs(4), "{:?}", signalled.elapsed());
    assert!(is_closed(&mut idle));
}

#[test]
fn a_second_signal_is_final() {
    for (first, second) in [(Signal::TERM, Signal::TERM), (Signal::INT, Signal::INT), (Signal::TERM, Signal::INT)] {
        let mut server = Server::start(&["serve-tcp", "0", "-p", "delay=1h", "--grace", "1h", "-vv"]);
        let mut idle = connect(server.addr());
        let mut busy = connect(server.addr());
        busy.write_all(b"for ever").unwrap();
        server.log("for ever");
        server.process.signal(first);
        // The first one has been taken when the idle are gone.
        assert!(is_closed(&mut idle));
        let signalled = Instant::now();
        server.process.signal(second);
        server.process.wait();
        assert!(signalled.elapsed() < Duration::from_secs(3), "{:?}", signalled.elapsed());
    }
}

#[test]
fn nobody_new_is_taken_in_while_it_stops() {
    let mut server = Server::start(&["serve-tcp", "0", "-p", "delay=1s", "-vv"]);
    let addr = server.addr();
    let mut idle = connect(addr);
    let mut busy = connect(addr);
    busy.write_all(b"wait").unwrap();
    server.log("wait");
    server.process.signal(Signal::TERM);
    assert!(is_closed(&mut idle));
    // Refused, or reset in the queue when the listener goes; never answered.
    if let Ok(mut late) = std::net::TcpStream::connect(addr) {
        late.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = late.write_all(b"late");
        assert!(is_closed(&mut late), "a stopping server took one in");
    }
    assert_eq!(to_end(&mut busy), b"Processed: wait");
    server.process.wait().code(0);
}

#[test]
fn the_port_is_free_at_once_twenty_times() {
    // An address of its own, so that no client of another test gets the port in between.
    let mut server = Server::start(&["serve-tcp", "127.0.0.9:0"]);
    let addr = server.addr();
    for n in 0..20 {
        // The server closes first: its side is left in TIME-WAIT.
        let mut client = connect(addr);
        assert_eq!(ask(&mut client, b"a", 12), b"Processed: a");
        server.stop().code(0);
        assert!(is_closed(&mut client));
        drop(client);
        server = Server::start(&["serve-tcp", &addr.to_string()]);
        assert_eq!(server.addr(), addr, "round {n}");
    }
    server.stop().code(0);
}

#[test]
fn an_answer_that_nobody_reads_does_not_hold_it_longer_than_its_grace() {
    let mut server = Server::start(&["serve-tcp", "0", "-P", "chargen", "--grace", "500ms"]);
    let mut client = connect(server.addr());
    std::io::Read::read_exact(&mut client, &mut [0; 74]).unwrap();
    let signalled = Instant::now();
    server.stop().code(0);
    // The default, 5 s, is not what it was given.
    assert!(signalled.elapsed() < Duration::from_secs(4), "{:?}", signalled.elapsed());
}

#[test]
fn send_and_bench_end_by_ctrl_c() {
    let server = Server::start(&["serve-tcp", "0", "-p", "delay=1h", "-vv"]);
    let mut process = netproto(&["send", &server.at(), "hanging"]).spawn();
    server.log("hanging");
    process.signal(Signal::INT);
    process.wait().code(130);
    let mut load = netproto(&["bench", "tcp", &server.at(), "-P", "processed", "-c", "1", "-d", "10m", "loading"]).spawn();
    server.log("loading");
    load.signal(Signal::INT);
    load.wait().code(130);
    let mut stopped = netproto(&["send", &server.at(), "terminated"]).spawn();
    server.log("terminated");
    stopped.signal(Signal::TERM);
    assert_ne!(stopped.wait().code, 0);
}

#[test]
fn sighup_and_sigpipe_are_harmless_or_final_but_never_a_hang() {
    let mut server = Server::start(&["serve-tcp", "0"]);
    server.process.signal(Signal::PIPE);
    assert_eq!(exchange(server.addr(), b"a"), b"Processed: a");
    server.process.signal(Signal::HUP);
    let output = server.process.wait();
    assert!(matches!(output.code, 0 | 129), "{output}");
}
