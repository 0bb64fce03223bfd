//! UDP as its users meet it: every datagram is one message, whole or refused by name.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    net::{Ipv4Addr, UdpSocket},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use support::{
    Folder, PATIENCE, Server, nasty,
    net::{ask_datagram, datagrams, no_datagram, receive},
    netproto, noise,
};

/// The largest payload over IPv4: 65,535 less the headers of IP (20) and UDP (8).
const LARGEST: usize = 65_507;

#[test]
fn processed_answers_each_datagram_exactly() {
    let mut server = Server::start(&["serve-udp", "0"]);
    assert!(server.log("listening on ").starts_with("listening on udp 127.0.0.1:"));
    let socket = datagrams(server.addr());
    for data in [&b"hello"[..], b"", b"\0", b"\xff\xfe\r\n", &nasty(), &noise(10_000)] {
        assert_eq!(ask_datagram(&socket, data), [b"Processed: ", data].concat());
    }
    let v6 = datagrams(server.listens("[::1]:"));
    assert_eq!(ask_datagram(&v6, b"six"), b"Processed: six");
    server.stop().code(0).said("stopped");
}

#[test]
fn the_largest_datagrams_go_through_whole() {
    let echo = Server::start(&["serve-udp", "0", "-P", "echo", "-v"]);
    let data = noise(LARGEST);
    assert!(ask_datagram(&datagrams(echo.addr()), &data) == data);
    assert_eq!(ask_datagram(&datagrams(echo.addr()), b""), b"");

    // `processed` takes what still fits with its prefix.
    let processed = Server::start(&["serve-udp", "0", "-v"]);
    let socket = datagrams(processed.addr());
    let fits = LARGEST - b"Processed: ".len();
    assert_eq!(fits, 65_496);
    assert!(ask_datagram(&socket, &data[..fits]) == [b"Processed: ", &data[..fits]].concat());
    socket.send(&data[..=fits]).unwrap();
    // What does not fit is named, and the next one is answered.
    processed.log("65497");
    assert_eq!(ask_datagram(&socket, b"next"), b"Processed: next");
}

#[test]
fn send_refuses_what_cannot_fit_by_name() {
    let echo = Server::start(&["serve-udp", "0", "-P", "echo"]);
    let folder = Folder::new("datagrams");
    let (fits, over) = (folder.file("fits", noise(LARGEST)), folder.file("over", noise(LARGEST + 1)));
    netproto(&["send", "udp", &echo.at(), "-f", &fits]).run().code(0).gave(noise(LARGEST));
    let output = netproto(&["send", "udp", &echo.at(), "-f", &over]).run();
    output.gave("").said("65508").said("65507");
    assert!(matches!(output.code, 1 | 2), "{output}");
    let server = Server::start(&["serve-udp", "0"]);
    let over = folder.file("over-processed", noise(LARGEST - 10));
    let output = netproto(&["send", "udp", &server.at(), "-P", "processed", "-f", &over]).run();
    output.gave("").said("65497").said("65496");
    assert!(matches!(output.code, 1 | 2), "{output}");
}

#[test]
fn send_ends_after_as_many_answers_as_datagrams() {
    let server = Server::start(&["serve-udp", "0"]);
    let at = server.at();
    netproto(&["send", "udp", &at, "hello"]).run().code(0).gave("Processed: hello");
    netproto(&["send", "udp", &at, "hello"]).stdin_open().run().code(0).gave("Processed: hello");
    netproto(&["send", &format!("udp://{at}"), ""]).run().code(0).gave("Processed: ");
    netproto(&["send", "udp", &at, "hello", "--expect", "Processed: hello"]).run().code(0);
    netproto(&["send", "udp", &at, "hello", "--expect", "x"]).run().code(3);
    let three = netproto(&["send", "udp", &at, "a", "b", "c"]).run();
    assert_eq!(three.code(0).text().matches("Processed: ").count(), 3, "{three}");
    netproto(&["send", "udp", &at]).stdin("from a pipe").run().code(0).gave("Processed: from a pipe");
    let v6 = server.listens("[::1]:").to_string();
    netproto(&["send", "udp", &v6, "hello"]).run().code(0).gave("Processed: hello");
}

#[test]
fn no_answer_is_exit_5_after_a_second_and_refused_is_exit_1() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = silent.local_addr().unwrap().to_string();
    let output = netproto(&["send", "udp", &at, "hello"]).run();
    output.code(5).gave("");
    assert!(output.took >= Duration::from_secs(1), "{output}");
    netproto(&["send", "udp", &at, "hello", "-w", "100ms"]).run().code(5).said("100 ms");
    drop(silent);
    netproto(&["send", "udp", &at, "hello", "-w", "20s"]).run().code(1).said("refused");
    // The protocol is known, so nothing is asked first: the first refusal ends the run.
    for rate in [&[][..], &["-r", "1k"]] {
        let args = [&["bench", "udp", &at, "-P", "echo", "-d", "20s"][..], rate].concat();
        let output = netproto(&args).run();
        output.code(1).gave("").said(&format!("could not reach udp {at}: connection refused"));
        assert!(output.took < Duration::from_secs(10), "{output}");
    }
}

#[test]
fn a_thousand_clients_keep_their_boundaries() {
    support::proc::many_files();
    let server = Server::start(&["serve-udp", "0"]);
    let addr = server.addr();
    let clients: Vec<UdpSocket> = (0..1000).map(|_| datagrams(addr)).collect();
    // Five each; all of a round are on their way before any of its answers is read.
    for round in 0..5 {
        for (batch, some) in clients.chunks(100).enumerate() {
            let text = |n: usize| format!("{round}/{}", batch * 100 + n).repeat(1 + n % 7);
            for (n, client) in some.iter().enumerate() {
                client.send(text(n).as_bytes()).unwrap();
            }
            for (n, client) in some.iter().enumerate() {
                let answer = receive(client).expect("an answer");
                assert_eq!(String::from_utf8(answer).unwrap(), format!("Processed: {}", text(n)));
            }
        }
    }
}

#[test]
fn what_answers_any_datagram() {
    for protocol in ["chargen", "qotd", "daytime", "time"] {
        let server = Server::start(&["serve-udp", "0", "-P", protocol]);
        let socket = datagrams(server.addr());
        for said in [&b""[..], b"anything"] {
            let answer = ask_datagram(&socket, said);
            match protocol {
                "time" => {
                    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 2_208_988_800;
                    let said = u32::from_be_bytes(answer.try_into().unwrap());
                    assert!(now.abs_diff(said.into()) < 60);
                }
                // RFC 864: "0 to 512 characters".
                "chargen" => assert!(answer.len() <= 512 && answer.is_ascii()),
                _ => assert!((1..=512).contains(&answer.len()), "{protocol}"),
            }
        }
        let sent = netproto(&["send", "udp", &server.at(), "-P", protocol]).run();
        assert!(!sent.code(0).stdout.is_empty(), "{sent}");
    }
    let discard = Server::start(&["serve-udp", "0", "-P", "discard"]);
    let socket = datagrams(discard.addr());
    socket.send(b"gone").unwrap();
    assert!(no_datagram(&socket, Duration::from_millis(200)));
}

#[test]
fn delayed_answers_are_sent_before_a_stop() {
    let mut server = Server::start(&["serve-udp", "0", "-p", "delay=700ms", "-vv"]);
    let clients: Vec<UdpSocket> = (0..20).map(|_| datagrams(server.addr())).collect();
    for (n, client) in clients.iter().enumerate() {
        client.send(format!("late-{n:02}").as_bytes()).unwrap();
    }
    for n in 0..20 {
        server.log(&format!("late-{n:02}"));
    }
    let output = server.stop();
    output.code(0);
    for (n, client) in clients.iter().enumerate() {
        assert_eq!(receive(client), Some(format!("Processed: late-{n:02}").into_bytes()), "{output}");
    }
}

#[test]
fn one_peer_then_exit_once_it_is_idle() {
    let mut server = Server::start(&["serve-udp", "0", "-1", "-i", "300ms"]);
    let (first, second) = (datagrams(server.addr()), datagrams(server.addr()));
    assert_eq!(ask_datagram(&first, b"a"), b"Processed: a");
    second.send(b"b").unwrap();
    assert_eq!(ask_datagram(&first, b"c"), b"Processed: c");
    server.process.wait().code(0);
    second.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    assert_eq!(receive(&second), None);
}

#[test]
fn v_tells_of_peers_and_j_too() {
    let mut server = Server::start(&["serve-udp", "0", "-v"]);
    let socket = datagrams(server.addr());
    assert_eq!(ask_datagram(&socket, b"hello"), b"Processed: hello");
    let output = server.stop();
    output.code(0).said(&socket.local_addr().unwrap().to_string());
    output.said("5 B in").said("16 B out");

    let mut server = Server::start(&["serve-udp", "0", "-J", "-vv"]);
    assert_eq!(ask_datagram(&datagrams(server.addr()), &nasty())[..11], *b"Processed: ");
    let output = server.stop();
    assert!(output.code(0).json_lines().iter().all(serde_json::Value::is_object), "{output}");
    assert!(!output.stdout.contains(&0x1b), "{output}");
}

#[test]
fn framings_are_whole_datagrams() {
    let server = Server::start(&["serve-udp", "0", "--framing", "netstring"]);
    let socket = datagrams(server.addr());
    assert_eq!(ask_datagram(&socket, b"5:hello,"), b"16:Processed: hello,");
    // One that is cut short or no frame at all is not answered, and the next one is.
    for bad in [&b"9:hello,"[..], b"x", b"", b"99999999999999999999:a,"] {
        socket.send(bad).unwrap();
    }
    assert_eq!(ask_datagram(&socket, b"1:a,"), b"12:Processed: a,");
    netproto(&["send", "udp", &server.at(), "hi", "--framing", "netstring"]).run().code(0);
}

#[test]
fn multicast_and_broadcast() {
    let group = Ipv4Addr::new(239, 255, 77, 1);
    let server = Server::start(&["serve-udp", "0.0.0.0:0", "--join", &group.to_string(), "--interface", "lo"]);
    let to = format!("{group}:{}", server.port());
    let output = netproto(&["send", "udp", &to, "hello", "--interface", "lo"]).within(PATIENCE).run();
    output.code(0).gave("Processed: hello");
    // Without --broadcast the kernel refuses, and that is said.
    let denied = netproto(&["send", "udp", "255.255.255.255:9", "x"]).run();
    assert!(matches!(denied.code, 1 | 2), "{denied}");
    denied.said("--broadcast");
}

#[test]
fn many_peers_are_remembered_within_bounds() {
    let server = Server::start(&["serve-udp", "127.0.0.1:0", "-v"]);
    let before = support::proc::rss_kib(server.process.pid);
    let addr = server.addr();
    let threads: Vec<_> = (0..2)
        .map(|_| {
            thread::spawn(move || {
                for _ in 0..5000 {
                    assert_eq!(ask_datagram(&datagrams(addr), b"x"), b"Processed: x");
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let grown = support::proc::rss_kib(server.process.pid).saturating_sub(before);
    assert!(grown < 32 << 10, "10,000 peers took {grown} KiB");
}
