//! Loads of `bench` that change: rates over time, connections opened at a rate or only kept, messages of many kinds. Counts are
//! exact; what arrives is looked at by a peer of our own.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use support::{
    Folder, Output, Server,
    net::{reset, serve},
    netproto,
    network::Network,
    report::{count, hold_against_the_schema, number},
};

fn bench(args: &[&str]) -> (Output, Value) {
    let output = netproto(&[&["bench"], args, &["-J"]].concat()).run();
    let report = output.code(0).json();
    hold_against_the_schema(&report);
    (output, report)
}

#[test]
fn every_shape_sends_what_is_due_by_it() {
    // Requests due in all: the integral of the rate. Waits are counted as failures, so the sum is exact on any machine.
    for (args, model, due) in [
        (&["--stages", "500ms:400,500ms:400,500ms:0"][..], "stages", 400),
        (&["--steps", "200,400,100", "-d", "1500ms"], "steps", 350),
        (&["--steps", "500ms:200,500ms:0,500ms:400"], "steps", 300),
        (&["--sine", "300:300:500ms", "-d", "1s"], "sine", 300),
        (&["--burst", "50/250ms", "-d", "1s"], "burst", 200),
        (&["--burst", "50/250ms", "-n", "120"], "burst", 120),
        (&["--stages", "500ms:400,500ms:400,500ms:0", "--omit", "500ms"], "stages", 300),
        (&["--steps", "200,400", "-d", "1s", "--omit", "200ms", "--ramp", "200ms"], "steps", 300),
    ] {
        for transport in ["tcp", "udp"] {
            let (output, report) = bench(&[&[transport, "-t", "2", "-c", "7"], args].concat());
            assert_eq!(count(&report, "/requests") + count(&report, "/failures/total"), due, "{output}");
            let load = &report["load"];
            assert_eq!((load["model"].as_str(), load["shape"].as_str()), (Some(model), Some(args[1])), "{output}");
            let rate = number(&report, "/load/rate_asked");
            if !args.contains(&"-n") {
                let asked = rate * number(&report, "/duration_s");
                assert!((asked - due as f64).abs() < 1e-3 * due as f64, "asked {asked}\n{output}");
            }
            adds_up(&report, due, &output);
        }
    }
}

/// The stretches have every request of the run, and are one after another.
#[track_caller]
fn adds_up(report: &Value, due: u64, output: &Output) {
    let stretches = report["over_time"].as_array().unwrap();
    let sum = |name: &str| -> f64 {
        let of = |stretch: &Value| number(stretch, name) * (number(stretch, "/to_s") - number(stretch, "/from_s"));
        stretches.iter().map(of).sum()
    };
    let near = |sum: f64, all: f64| (sum - all).abs() < 0.5 + all * 1e-3;
    assert!(near(sum("/requests_per_second"), number(report, "/requests")), "{output}");
    assert!(near(sum("/rate_asked"), due as f64), "{output}");
    assert!(stretches.windows(2).all(|pair| pair[0]["to_s"] == pair[1]["from_s"]), "{output}");
    assert!(stretches.len() <= 12, "{output}");
}

#[test]
fn what_arrives_has_the_shape() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (at, arrivals) = (socket.local_addr().unwrap().to_string(), Arc::new(Mutex::new(Vec::new())));
    let seen = arrivals.clone();
    thread::spawn(move || {
        let mut bytes = [0; 2048];
        while let Ok((n, from)) = socket.recv_from(&mut bytes) {
            seen.lock().unwrap().push(Instant::now());
            let _ = socket.send_to(&bytes[..n], from);
        }
    });
    let (output, report) = bench(&["udp", &at, "-P", "echo", "--burst", "40/300ms", "-d", "900ms"]);
    let arrivals = arrivals.lock().unwrap().clone();
    assert_eq!((arrivals.len() as u64, count(&report, "/requests")), (120, 120), "{output}");
    // Two long pauses, whatever the machine does: nothing comes between bursts.
    let long = |pair: &&[Instant]| pair[1] - pair[0] > Duration::from_millis(150);
    assert_eq!(arrivals.windows(2).filter(long).count(), 2, "{output}");
    assert_eq!(report["generator"]["saturated"], false, "{output}");
    let text = netproto(&["bench", "udp", &at, "-P", "echo", "--burst", "40/2s", "-d", "1900ms"]).run().code(0).text();
    assert!(text.contains("· burst 40/2s ·") && text.contains("over time"), "{text}");
    assert!(!text.contains("had no reply at all"), "the last of them had nothing to reply to\n{text}");
}

#[test]
fn intervals_tell_what_was_asked() {
    let args = ["bench", "tcp", "--steps", "500ms:100,500ms:300", "-i", "500ms", "--json-stream"];
    let output = netproto(&args).run();
    let lines = output.code(0).json_lines();
    lines.iter().for_each(hold_against_the_schema);
    let asked: Vec<_> =
        lines.iter().filter(|line| line["type"] == "interval").map(|line| number(line, "/rate_asked")).collect();
    assert_eq!(asked, [100.0, 300.0], "{output}");
    let folder = Folder::new("bench-shapes");
    let csv = folder.join("run.csv");
    netproto(&["bench", "tcp", "--steps", "500ms:100,500ms:300", "-i", "500ms", "--csv", &csv]).run().code(0);
    let sheet = std::fs::read_to_string(csv).unwrap();
    let asked: Vec<_> = sheet.lines().map(|line| line.split(',').rev().nth(1).unwrap().to_owned()).collect();
    assert_eq!(asked, ["asked", "50.000", "150.000"], "{sheet}");
}

/// Accepts, and says when each connection came.
fn gate() -> (SocketAddr, Arc<Mutex<Vec<Instant>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (addr, times) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
    let seen = times.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            seen.lock().unwrap().push(Instant::now());
            thread::spawn(move || {
                let (mut stream, mut bytes) = (stream, [0; 4096]);
                while stream.read(&mut bytes).is_ok_and(|n| n > 0 && stream.write_all(&bytes[..n]).is_ok()) {}
            });
        }
    });
    (addr, times)
}

#[test]
fn connections_open_at_their_rate() {
    let (addr, times) = gate();
    let at = addr.to_string();
    let (output, report) = bench(&["tcp", &at, "-P", "echo", "-c", "21", "-t", "2", "--connect-rate", "50", "-d", "200ms"]);
    assert_eq!((number(&report, "/load/connect_rate_asked"), count(&report, "/connects")), (50.0, 21), "{output}");
    let took = |times: &[Instant]| times[times.len() - 1] - times[0];
    // 20 gaps of 20 ms, two at a time; the first may be made when the target is found. Later is a busy machine.
    let first = took(&times.lock().unwrap());
    assert!((Duration::from_millis(370)..Duration::from_secs(20)).contains(&first), "{first:?}\n{output}");
    times.lock().unwrap().clear();
    // With --reconnect it holds all along.
    let args = ["tcp", &at, "-P", "echo", "-c", "10", "--reconnect", "--connect-rate", "100", "-n", "60"];
    let (output, report) = bench(&args);
    assert_eq!((count(&report, "/requests"), count(&report, "/failures/total")), (60, 0), "{output}");
    let all = took(&times.lock().unwrap());
    assert!((Duration::from_millis(560)..Duration::from_secs(20)).contains(&all), "{all:?}\n{output}");
}

#[test]
fn connections_are_kept() {
    let server = Server::start(&["serve-tcp", "0"]);
    let (output, report) = bench(&["tcp", &server.at(), "-c", "300", "--hold", "-d", "500ms", "-t", "2"]);
    for (path, wanted) in [
        ("/held/opened", 300),
        ("/held/lasted", 300),
        ("/held/source_addresses", 1),
        ("/requests", 300),
        ("/connects", 300),
        ("/failures/total", 0),
        ("/bytes_sent", 0),
    ] {
        assert_eq!(count(&report, path), wanted, "{path}\n{output}");
    }
    assert_eq!((&report["load"]["model"], &report["held"]["both_ends"]), (&"hold".into(), &false.into()), "{output}");
    if cfg!(target_os = "linux") {
        assert!(count(&report, "/held/memory_bytes_per_connection") < 20_000, "{output}");
    }
    let text = netproto(&["bench", "unix", "-c", "20", "--hold", "-d", "300ms"]).run().code(0).text();
    assert!(text.contains("held                20      to the end") && text.contains("both ends are here"), "{text}");
}

#[test]
fn connections_that_do_not_last_are_counted() {
    // Every third is reset, every other third is closed; the rest are greeted and kept.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        // All are there before anything is done to one of them.
        let all: Vec<_> = listener.incoming().flatten().take(30).collect();
        let mut kept = Vec::new();
        for (n, mut stream) in all.into_iter().enumerate() {
            match n % 3 {
                0 => reset(stream),
                1 => drop(stream),
                _ => {
                    stream.write_all(b"220 hello\r\n").unwrap();
                    kept.push(stream);
                }
            }
        }
        thread::park();
    });
    let (output, report) = bench(&["tcp", &at, "-c", "30", "--hold", "-d", "500ms"]);
    let found = ["/held/lasted", "/failures/total", "/failures/closed_early", "/bytes_received"];
    assert_eq!(found.map(|path| count(&report, path)), [10, 20, 10, 110], "{output}");
    // One that is reset before we have seen that it was made was never made.
    let resets = ["/failures/reset", "/failures/connect_failed"].map(|path| count(&report, path));
    assert_eq!(resets.iter().sum::<u64>(), 10, "{output}");
    let refused = {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap();
        gone.local_addr().unwrap().to_string()
    };
    netproto(&["bench", "tcp", &refused, "--hold", "-d", "300ms"]).run().code(1).said("refused");
}

#[test]
fn many_sources_take_turns() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let peers = Arc::new(Mutex::new(Vec::new()));
    let seen = peers.clone();
    thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming().flatten() {
            seen.lock().unwrap().push(stream.peer_addr().unwrap().ip().to_string());
            kept.push(stream);
        }
    });
    let args = ["tcp", &at, "-c", "12", "--hold", "-d", "200ms", "-s", "127.0.0.5,127.0.7.1,127.0.0.9"];
    let (output, report) = bench(&args);
    assert_eq!((count(&report, "/held/source_addresses"), count(&report, "/held/lasted")), (3, 12), "{output}");
    let peers = peers.lock().unwrap().clone();
    for source in ["127.0.0.5", "127.0.7.1", "127.0.0.9"] {
        let n = peers.iter().filter(|peer| *peer == source).count();
        // The connection that found the target is the first one's.
        assert_eq!(n, 4, "{source}: {peers:?}");
    }
}

#[test]
fn what_the_limits_do_not_allow_is_said_before() {
    let output = netproto(&["bench", "tcp", "127.0.0.1:9", "-c", "90M", "--hold"]).run();
    output.code(1).said("90,000,000 connections need more open files than").said("sudo prlimit --pid $$ --nofile=90000064");
}

/// In a network of our own, where one address has a thousand ports.
#[test]
fn where_one_address_has_too_few_ports_others_take_turns() {
    let Some(network) = Network::new("echo 32768 33767 > /proc/sys/net/ipv4/ip_local_port_range") else { return };
    let hold = ["bench", "tcp", "-c", "1500", "--hold", "-d", "200ms", "-J"];
    let output = network.inside(netproto(&hold)).run();
    let report = output.code(0).json();
    assert_eq!((count(&report, "/held/lasted"), count(&report, "/held/source_addresses")), (1500, 2), "{output}");
    // Who says where to begin from is told what it lacks.
    let output = network.inside(netproto(&[&hold[..], &["-s", "127.0.0.9"]].concat())).run();
    output.code(1).said("need more ports than the 1,000 that one source address has");
    output.said("sudo sysctl -w net.ipv4.ip_local_port_range='1024 65535'");
    let output = network.inside(netproto(&[&hold[..], &["-s", "127.0.0.9,127.0.0.10"]].concat())).run();
    assert_eq!(count(&output.code(0).json(), "/held/lasted"), 1500, "{output}");
}

/// Keeps what comes, line by line, and echoes it.
fn lines() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let seen = kept.clone();
    let addr = serve(move |mut stream: TcpStream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|n| n > 0) {
            if stream.write_all(line.as_bytes()).is_err() {
                return;
            }
            seen.lock().unwrap().push(std::mem::take(&mut line).trim_end().to_owned());
        }
    });
    (addr, kept)
}

#[test]
fn templates_are_filled_and_their_replies_checked() {
    let (addr, kept) = lines();
    let at = addr.to_string();
    let common = ["tcp", &at, "-P", "echo", "--framing", "lines", "-c", "3"];
    let run = |args: &[&str]| {
        kept.lock().unwrap().clear();
        let (output, report) = bench(&[&common, args].concat());
        assert_eq!(count(&report, "/failures/total"), 0, "{output}");
        kept.lock().unwrap().clone()
    };
    let mut said = run(&["-n", "60", r#"{"n":{seq},"id":"{rand:8}","at":"{now}","{{seq}}":1}"#]);
    said.sort();
    let parsed: Vec<Value> = said.iter().map(|line| serde_json::from_str(line).expect(line)).collect();
    let mut numbers: Vec<_> = parsed.iter().map(|line| line["n"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 60, "each has its own number: {said:?}");
    assert!(parsed.iter().all(|line| line["{seq}"] == 1 && line["id"].as_str().unwrap().len() == 8), "{said:?}");
    assert!(parsed.iter().all(|line| line["at"].as_str().unwrap().starts_with("20")), "{said:?}");
    // One connection counts from 0, and the seed decides what is random.
    let one = |seed| run(&["-n", "20", "-c", "1", "--seed", seed, "{seq} {rand:4}"]);
    let (first, again, other) = (one("1"), one("1"), one("2"));
    assert!(first == again && first != other, "{first:?} {other:?}");
    assert!(first.iter().enumerate().all(|(n, line)| line.starts_with(&format!("{n} "))), "{first:?}");
    // The lines of a file in turn, with places.
    let folder = Folder::new("bench-lines");
    let file = folder.join("lines");
    std::fs::write(&file, "red\ngreen {seq}\n\nblue\\n\n").unwrap();
    let said = run(&["-n", "6", "-c", "1", "--data-file", &file]);
    assert_eq!(said, ["red", "green 1", "blue\\n", "red", "green 4", "blue\\n"]);
}

#[test]
fn wrong_replies_to_templates_are_found() {
    let addr = serve(|mut stream: TcpStream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        for n in 1.. {
            line.clear();
            if !reader.read_line(&mut line).is_ok_and(|n| n > 0) {
                return;
            }
            let line = if n % 5 == 0 { line.replacen('x', "y", 1) } else { line.clone() };
            if stream.write_all(line.as_bytes()).is_err() {
                return;
            }
        }
    });
    let at = addr.to_string();
    let args = ["tcp", &at, "-P", "echo", "--framing", "lines", "-c", "1", "-n", "50", "x{seq} {rand:20}"];
    let (output, report) = bench(&args);
    assert_eq!((count(&report, "/requests"), count(&report, "/failures/wrong_reply")), (40, 10), "{output}");
}

#[test]
fn messages_of_mixed_lengths_are_checked_everywhere() {
    for args in [
        &["tcp", "-c", "3"][..],
        &["tcp", "-c", "2", "--in-flight", "8"],
        &["tcp", "-c", "2", "--framing", "int16", "--in-flight", "4"],
        &["unix", "-c", "2"],
        &["udp", "-r", "2k"],
        &["udp", "--framing", "netstring"],
        &["udp", "-P", "echo", "-c", "3"],
    ] {
        for sizes in ["8..1400", "64:9,1400:1"] {
            let (output, report) = bench(&[args, &["-n", "400", "-l", sizes, "--seed", "3"]].concat());
            assert_eq!((count(&report, "/requests"), count(&report, "/failures/total")), (400, 0), "{output}");
            let mean = number(&report, "/bytes_sent") / 400.0;
            let expected = if sizes == "8..1400" { 704.0 } else { 197.6 };
            // The deviation of one is at most 402: 20 for the mean, and five of those either way; framings add some.
            assert!((mean - expected).abs() < 110.0, "{mean}\n{output}");
        }
    }
    // Damaged or cut, one of them is found.
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let mut bytes = [0; 2048];
        for n in 0.. {
            let Ok((length, from)) = socket.recv_from(&mut bytes) else { return };
            let answered = if n % 10 == 3 { length - 1 } else { length };
            let _ = socket.send_to(&bytes[..answered], from);
        }
    });
    let args = ["udp", &at, "-P", "echo", "-n", "300", "-r", "2k", "-l", "64..1400"];
    let (output, report) = bench(&args);
    assert_eq!(count(&report, "/datagrams/corrupted"), 30, "{output}");
    assert_eq!(count(&report, "/requests"), 270, "{output}");
}

#[test]
fn the_same_seed_makes_the_same_run() {
    let run = |seed: &str| {
        let args = ["tcp", "-c", "1", "-n", "300", "-l", "1..5000", "--seed", seed, "-P", "echo"];
        count(&bench(&args).1, "/bytes_sent")
    };
    assert_eq!(run("5"), run("5"));
    assert_ne!(run("5"), run("6"));
}
