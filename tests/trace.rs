//! `send --trace`: the ladder of an exchange, over real sockets. Times and ports are masked; everything else is as held.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod snapshot;
mod support;

use std::{
    io::{Read, Write},
    sync::mpsc::channel,
};

use netproto::{
    protocol::{ALL, Takes},
    session::Rides,
};
use rustix::process::Signal;
use snapshot::{fresh, stale};
use support::{
    Folder, PATIENCE, Server, nasty,
    net::{refusing, reset, serve_one, to_end},
    netproto, noise,
};

/// The columns before the lane of ours.
const MARGIN: usize = 21;

/// The lines of all ladders.
fn ladder(stderr: &str) -> Vec<&str> {
    stderr.lines().filter(|line| line.ends_with(['│', '┤', '╯', '┊'])).collect()
}

/// Every rung begins and ends where the others do, and nothing is wider than 80 columns.
#[track_caller]
fn is_straight(stderr: &str) {
    let rungs = ladder(stderr);
    assert!(rungs.len() > 1, "{stderr}");
    for rung in rungs {
        let letters: Vec<char> = rung.chars().collect();
        assert_eq!(letters.len(), 80, "{rung:?}\n{stderr}");
        assert!("│├╰┊".contains(letters[MARGIN]), "{rung:?}\n{stderr}");
    }
    assert!(stderr.lines().all(|line| line.chars().count() <= 80), "{stderr}");
}

/// Times and the digits of ports, masked without moving anything: a port that the system chose has five.
fn masked(stderr: &str) -> String {
    let mut text = String::new();
    for line in stderr.lines() {
        let (margin, rest) = line.split_at(line.char_indices().nth(MARGIN).map_or(line.len(), |(at, _)| at));
        let timed = margin.trim_start().starts_with(|first: char| first.is_ascii_digit());
        let gap = if margin.contains('+') { "+..." } else { "" };
        let margin = if timed { format!("{:>9} {gap:>9}  ", "...") } else { margin.to_owned() };
        let line = format!("{margin}{rest}");
        let ports = line.split_inclusive("127.0.0.1:").map(|piece| {
            let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 5 { format!("PPPPP{}", &piece[digits..]) } else { piece.to_owned() }
        });
        text.extend(ports);
        text.push('\n');
    }
    text
}

#[test]
fn a_ladder_over_tcp() {
    let (addr, peer) = serve_one(|mut stream| {
        let said = to_end(&mut stream);
        stream.write_all(b"bye\n").unwrap();
        said
    });
    let by_peer = netproto(&["send", &addr.to_string(), "hi", "--trace"]).run();
    assert_eq!(peer.join().unwrap(), b"hi");
    is_straight(&by_peer.code(0).gave("bye\n").stderr);
    let server = Server::start(&["serve-tcp", "127.0.0.1:0"]);
    let by_us = netproto(&["send", &server.at(), "hello", "-P", "processed", "--trace"]).run();
    is_straight(&by_us.code(0).gave("Processed: hello").stderr);
    let only = netproto(&["send", "-z", &server.at(), "-q", "--trace"]).run();
    is_straight(&only.code(0).gave("").stderr);
    let wrong = [
        stale("tests/snapshots/trace/tcp-by-peer.txt", &masked(&by_peer.stderr)),
        stale("tests/snapshots/trace/tcp-by-us.txt", &masked(&by_us.stderr)),
        stale("tests/snapshots/trace/tcp-connect-only.txt", &masked(&only.stderr)),
    ];
    fresh(&wrong.into_iter().flatten().collect::<Vec<_>>());
}

#[test]
fn a_ladder_over_udp() {
    let server = Server::start(&["serve-udp", "127.0.0.1:0", "-P", "echo"]);
    let output = netproto(&["send", "udp", &server.at(), "hello", "--trace"]).run();
    is_straight(&output.code(0).gave("hello").stderr);
    fresh(&stale("tests/snapshots/trace/udp.txt", &masked(&output.stderr)).into_iter().collect::<Vec<_>>());
}

#[test]
fn what_was_refused_or_broken_off_is_drawn_too() {
    let (_kept, addr) = refusing();
    let at = addr.to_string();
    let refused = netproto(&["send", &at, "hello", "--trace"]).run();
    is_straight(&refused.code(1).gave("").stderr);
    fresh(
        &stale("tests/snapshots/trace/refused.txt", &masked(&refused.stderr.replace(&addr.port().to_string(), "PPPPP")))
            .into_iter()
            .collect::<Vec<_>>(),
    );
    let json = netproto(&["send", &at, "hello", "--trace", "-J"]).run().code(1).json();
    let events: Vec<_> = json["trace"].as_array().unwrap().iter().map(|step| step["event"].as_str().unwrap()).collect();
    assert_eq!((events, json["trace"][1]["text"].as_str()), (vec!["connect", "over"], Some("connection refused")));
    let udp = netproto(&["send", "udp", &at, "hello", "--trace"]).run();
    is_straight(&udp.code(1).said("╰─ connection refused ─").stderr);
    let (addr, peer) = serve_one(|mut stream| {
        stream.read_exact(&mut [0; 2]).unwrap();
        reset(stream);
    });
    let output = netproto(&["send", &addr.to_string(), "hi", "--no-shutdown", "--trace"]).run();
    peer.join().unwrap();
    is_straight(&output.code(1).said("╰─ reset by peer ─").stderr);
}

#[test]
fn interrupted_it_shows_how_far_it_came() {
    for more in [&[][..], &["-n", "2"], &["-J"]] {
        let (came, heard) = channel();
        let (addr, peer) = serve_one(move |mut stream| {
            stream.read_exact(&mut [0; 2]).unwrap();
            came.send(()).unwrap();
            to_end(&mut stream)
        });
        let args = ["send", &addr.to_string(), "hi", "--no-shutdown", "--trace"];
        let mut process = netproto(&[&args[..], more].concat()).spawn();
        heard.recv_timeout(PATIENCE).unwrap();
        process.signal(Signal::INT);
        let output = process.wait();
        assert_eq!(peer.join().unwrap(), b"");
        output.code(130).said("interrupted");
        if more == ["-J"] {
            let steps = output.json()["trace"].clone();
            assert_eq!((&steps[2]["text"], &steps[3]["text"]), (&"hi".into(), &"interrupted".into()), "{output}");
            continue;
        }
        is_straight(&output.said("├─ \"hi\" ─").said("╰─ interrupted ─").stderr);
        assert_eq!(output.stderr.contains("exchange 1 of 2"), !more.is_empty(), "{output}");
    }
}

#[test]
fn every_protocol_over_every_transport() {
    let folder = Folder::new("trace");
    let path = folder.join("s");
    for row in ALL {
        let spoken = if row.server.is_some() { row.name } else { "echo" };
        for command in ["serve-tcp", "serve-udp", "serve-unix"] {
            let rides = if command == "serve-udp" { Rides::Datagrams } else { Rides::Stream };
            // Who has files to carry needs further connections, and a Unix socket has no address for them.
            if !row.rides_on(rides) || row.keeps && command == "serve-unix" {
                continue;
            }
            let place = if command == "serve-unix" { path.as_str() } else { "127.0.0.1:0" };
            let server = Server::start(&[command, place, "-P", spoken]);
            let at = if command == "serve-unix" { path.clone() } else { server.at() };
            let transport = command.trim_start_matches("serve-");
            let data: &[&str] = match row.takes {
                Takes::Bytes => &["hello"],
                Takes::Words(form) => &form.examples[..1],
                Takes::Nothing | Takes::Optional { .. } | Takes::Piped { .. } => &[],
            };
            let answers: &[&str] = if row.name == "chargen" { &["--replies", "1"] } else { &[] };
            let args = [&["send", transport, &at, "-P", row.name, "--trace"], data, answers].concat();
            let output = netproto(&args).run();
            is_straight(&output.code(0).stderr);
            let said = ladder(&output.stderr).into_iter().filter(|rung| rung.contains("─ \"hello\" ─")).count();
            assert_eq!(said, usize::from(data == ["hello"]) + usize::from(spoken == "echo"), "{output}");
            assert_eq!(
                output.stderr.contains("│◀─ connected") || output.stderr.contains(" connected ─┤"),
                transport != "udp"
            );
            assert!(output.stderr.lines().last().unwrap().contains('╰'), "{output}");
        }
    }
}

#[test]
fn what_a_peer_sent_is_only_shown() {
    let (addr, peer) = serve_one(|mut stream| {
        to_end(&mut stream);
        stream.write_all(&nasty()).unwrap();
    });
    let output = netproto(&["send", &addr.to_string(), r"\x1b[2J", "--trace", "-q"]).run();
    peer.join().unwrap();
    is_straight(&output.code(0).said("\"\\x1b[2J\"").said("\"\\x00\\x01\\x02").stderr);
    let shown = |letter: char| letter == '\n' || (' '..='~').contains(&letter) || "·│├┤╰╯─◀▶".contains(letter);
    assert!(output.stderr.chars().all(shown), "{output}");
    let server = Server::start(&["serve-udp", "127.0.0.1:0", "-P", "echo"]);
    let bytes = nasty().iter().fold(String::new(), |text, byte| text + &format!("\\x{byte:02x}"));
    let output = netproto(&["send", "udp", &server.at(), &bytes, "--trace", "-J"]).run();
    let text = output.code(0).json()["trace"][1]["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("\\x00\\x01") && !text.chars().any(char::is_control), "{output}");
    assert_eq!(output.stderr, "", "with -J the trace is in the document");
}

#[test]
fn of_many_pieces_the_first_and_the_last_are_shown() {
    let server = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", "echo"]);
    let folder = Folder::new("trace-many");
    let (file, out) = (folder.file("in", noise(8 << 20)), folder.join("out"));
    let output = netproto(&["send", &server.at(), "-f", &file, "-o", &out, "--trace"]).run();
    is_straight(&output.code(0).said(" steps left out: ").stderr);
    assert!(output.said("8.00 MiB sent · 8.00 MiB received").stderr.lines().count() <= 40, "{output}");
    let json = netproto(&["send", &server.at(), "-f", &file, "--trace", "-J"]).run().code(0).json();
    let steps = json["trace"].as_array().unwrap();
    assert!(steps.len() == 33 && steps[16]["event"] == "left_out", "{}", json["trace"]);
    let sent = |step: &serde_json::Value| if step["way"] == "out" { step["bytes"].as_u64().unwrap_or(0) } else { 0 };
    let all = steps.iter().map(sent).sum::<u64>() + steps[16]["bytes_sent"].as_u64().unwrap();
    assert_eq!(all, 8 << 20);
}

#[test]
fn a_name_is_shown_with_its_addresses() {
    let server = Server::start(&["serve-tcp", "127.0.0.1:0"]);
    let output = netproto(&["send", "-4", &format!("localhost:{}", server.port()), "hi", "--trace"]).run();
    is_straight(&output.code(0).said("│ localhost is 127.0.0.1").said("├─ connect 127.0.0.1:").stderr);
    let nowhere = netproto(&["send", "udp", "nowhere.invalid:9", "hi", "--trace"]).run();
    assert!(nowhere.code(1).said(" ╰─ ").stderr.contains("nowhere.invalid"), "{nowhere}");
}

#[test]
fn each_exchange_has_its_ladder() {
    let server = Server::start(&["serve-tcp", "127.0.0.1:0"]);
    let at = server.at();
    let args = ["send", &at, "hi", "-P", "processed", "-n", "3", "--interval", "1ms", "--trace"];
    let output = netproto(&args).run();
    is_straight(&output.code(0).stderr);
    for n in 1..=3 {
        output.said(&format!("exchange {n} of 3 · tcp {at} · processed\n"));
    }
    assert_eq!(output.stderr.matches('╰').count(), 3, "{output}");
    let json = netproto(&[&args[..], &["-J"]].concat()).run();
    let documents = json.code(0).json_lines();
    assert_eq!(documents.len(), 3);
    for document in &documents {
        let steps = document["trace"].as_array().unwrap();
        let events: Vec<_> = steps.iter().map(|step| (step["event"].as_str().unwrap(), step["way"].as_str())).collect();
        let (out, back) = (Some("out"), Some("in"));
        let right = [("connect", out), ("connected", back), ("data", out), ("data", back), ("end", out), ("over", None)];
        assert_eq!(events, right, "{json}");
        let times: Vec<_> = steps.iter().map(|step| step["at_us"].as_f64().unwrap()).collect();
        assert!(times.is_sorted() && times[0] >= 0.0, "{times:?}");
        assert_eq!((&steps[3]["text"], &steps[3]["bytes"]), (&"Processed: hi".into(), &13.into()));
    }
    let without = netproto(&["send", &at, "hi", "-J"]).run();
    assert!(without.code(0).json().get("trace").is_none(), "{without}");
}

#[test]
fn passwords_are_not_shown() {
    let ftp = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", "ftp", "-p", "user=anna:s3cret"]);
    let smtp =
        Server::start(&["serve-tcp", "127.0.0.1:0", "-P", "smtp", "-p", "user=anna:s3cret", "-p", "allow-plain-auth=true"]);
    for (server, protocol, data) in [(&ftp, "ftp", &["hello"][..]), (&smtp, "smtp", &["--to", "bob@example.test", "hi"])] {
        for shown in [&["--trace"][..], &["-vv"], &["--trace", "-J"]] {
            let at = server.at();
            let output = netproto(&[&["send", protocol, &at, "--user", "anna:s3cret"], data, shown].concat()).run();
            let all = format!("{}{}", output.code(0).text(), output.stderr);
            assert!(all.contains(if protocol == "ftp" { "PASS ***" } else { "AUTH PLAIN ***" }), "{output}");
            // As it is, and in base64.
            assert!(!all.contains("s3cret") && !all.contains("AGFubmEAczNjcmV0"), "{output}");
        }
    }
    // What is asked for byte by byte is shown so.
    let raw = netproto(&["send", "ftp", &ftp.at(), "hello", "--user", "anna:s3cret", "-vv", "-x"]).run();
    raw.code(0).said("s3cret");
}
