//! `bench` as its users meet it: every way to load, figures that add up, and what makes it fail.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::Engine;
use hdrhistogram::serialization::Deserializer;
use rustix::process::Signal;
use serde_json::Value;
use support::{
    Folder, Output, Server,
    net::{connect, refusing, reset, serve},
    netproto, noise,
    report::{count, number},
};

/// What must hold in any report of a run in which all was right.
#[track_caller]
fn adds_up(output: &Output, requests: u64, length: u64) -> Value {
    let report = output.code(0).json();
    assert_eq!(count(&report, "/requests"), requests, "{output}");
    assert_eq!(count(&report, "/failures/total"), 0, "{output}");
    assert_eq!(count(&report, "/bytes_sent"), requests * length, "{output}");
    assert!(count(&report, "/schema_version") >= 1);
    let rate = number(&report, "/requests_per_second") * number(&report, "/duration_s");
    assert!((rate / requests as f64 - 1.0).abs() < 0.05, "rate times duration is {rate}\n{output}");
    let mut last = 0.0;
    for name in ["min", "p50", "p75", "p90", "p95", "p99", "p99_9", "p99_99", "max"] {
        let value = number(&report, &format!("/latency_us/{name}"));
        assert!(value >= last, "{name}\n{output}");
        last = value;
    }
    let text = base64::engine::general_purpose::STANDARD.decode(report["histogram"].as_str().unwrap()).unwrap();
    let histogram: hdrhistogram::Histogram<u64> = Deserializer::new().deserialize(&mut text.as_slice()).unwrap();
    assert_eq!(histogram.len(), requests, "{output}");
    report
}

#[test]
fn a_server_of_its_own() {
    for (transport, connections) in [("tcp", 50), ("udp", 1), ("unix", 50)] {
        let output = netproto(&["bench", transport, "-n", "2000", "-J"]).run();
        let report = adds_up(&output, 2000, 64);
        assert_eq!(count(&report, "/connections"), connections, "{output}");
        assert_eq!(report["protocol"], "processed", "{output}");
        // `Processed: ` comes with each answer.
        assert_eq!(count(&report, "/bytes_received"), 2000 * 75, "{output}");
    }
}

#[test]
fn every_way_to_load() {
    let server = Server::start(&["serve-tcp", "0", "-P", "echo"]);
    let at = server.at();
    for (args, requests, length) in [
        (&["-c", "1", "-n", "500"][..], 500, 64),
        (&["-c", "7", "-n", "1001", "-t", "2", "-l", "1"], 1001, 1),
        (&["-c", "4", "-n", "1000", "--in-flight", "8", "-l", "100"], 1000, 100),
        (&["-c", "2", "-n", "64", "-l", "64K"], 64, 65536),
        (&["-n", "400", "-r", "4k", "-c", "10"], 400, 64),
        (&["-n", "400", "-r", "4k", "--arrivals", "poisson", "--seed", "7"], 400, 64),
        (&["-n", "300", "--reconnect", "-c", "4"], 300, 64),
        (&["-n", "300", "-P", "echo", "-t", "1", "hello"], 300, 5),
    ] {
        let output = netproto(&[&["bench", "tcp", &at, "-J"], args].concat()).run();
        let report = adds_up(&output, requests, length);
        let open_loop = args.contains(&"-r");
        assert_eq!(report.get("latency_uncorrected_us").is_some(), open_loop, "{output}");
        if args.contains(&"--reconnect") {
            assert_eq!(count(&report, "/connect_us/count"), 300, "{output}");
        }
    }
}

#[test]
fn every_framing() {
    for framing in ["lines", "delimiter:|", "netstring", "int8", "int16", "int32", "varint"] {
        let server = Server::start(&["serve-tcp", "0", "--framing", framing]);
        let args = [
            "bench",
            "tcp",
            &server.at(),
            "-P",
            "processed",
            "--framing",
            framing,
            "-n",
            "200",
            "-c",
            "2",
            "--in-flight",
            "4",
            "-J",
        ];
        let output = netproto(&args).run();
        let report = output.code(0).json();
        assert_eq!((count(&report, "/requests"), count(&report, "/failures/total")), (200, 0), "{output}");
    }
}

#[test]
fn protocols_that_answer_otherwise() {
    for (protocol, requests) in [("discard", 100), ("daytime", 100), ("time", 100), ("qotd", 100)] {
        let server = Server::start(&["serve-tcp", "0", "-P", protocol]);
        let output = netproto(&["bench", "tcp", &server.at(), "-P", protocol, "-n", "100", "-c", "2", "-J"]).run();
        let report = output.code(0).json();
        assert_eq!((count(&report, "/requests"), count(&report, "/failures/total")), (requests, 0), "{output}");
    }
}

/// Echoes, counting messages of this length.
fn counting(length: usize) -> (SocketAddr, Arc<AtomicU64>) {
    let count = Arc::new(AtomicU64::new(0));
    let counted = count.clone();
    let addr = serve(move |mut stream: TcpStream| {
        let mut message = vec![0; length];
        while stream.read_exact(&mut message).is_ok() {
            counted.fetch_add(1, Ordering::Relaxed);
            if stream.write_all(&message).is_err() {
                return;
            }
        }
    });
    (addr, count)
}

#[test]
fn the_report_counts_what_the_server_counts() {
    let (addr, count) = counting(32);
    let output =
        netproto(&["bench", "tcp", &addr.to_string(), "-P", "echo", "-n", "3000", "-c", "8", "-l", "32", "-J"]).run();
    adds_up(&output, 3000, 32);
    assert_eq!(count.load(Ordering::Relaxed), 3000, "{output}");
}

#[test]
fn wrong_answers_are_failures_not_latencies() {
    // Every tenth answer has one bit wrong.
    let addr = serve(|mut stream: TcpStream| {
        let mut message = [0; 64];
        for n in 1.. {
            if stream.read_exact(&mut message).is_err() {
                return;
            }
            message[40] ^= u8::from(n % 10 == 0);
            if stream.write_all(&message).is_err() {
                return;
            }
        }
    });
    let args = ["bench", "tcp", &addr.to_string(), "-P", "echo", "-n", "1000", "-c", "1", "-J"];
    let output = netproto(&args).run();
    let report = output.code(0).json();
    let (right, wrong) = (count(&report, "/requests"), count(&report, "/failures/wrong_reply"));
    assert_eq!((right + wrong, wrong), (1000, 100), "{output}");
    assert_eq!(count(&report, "/latency_us/count"), right, "{output}");
    // A server that is always wrong has not one right reply.
    let addr = serve(
        |mut stream: TcpStream| while stream.read_exact(&mut [0; 64]).is_ok() && stream.write_all(&[b'x'; 64]).is_ok() {},
    );
    netproto(&["bench", "tcp", &addr.to_string(), "-P", "echo", "-n", "10", "-c", "1"]).run().code(1);
}

/// Answers so many requests, on the first few connections; then everything is reset, and nobody listens any more.
fn dying(answers: u64) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let count = Arc::new(AtomicU64::new(0));
        // Two for the load, and one more, since the target may be tried first.
        for stream in listener.incoming().take(3).map(Result::unwrap) {
            let (count, mut stream) = (count.clone(), stream);
            std::thread::spawn(move || {
                let mut message = [0; 64];
                while stream.read_exact(&mut message).is_ok() && count.fetch_add(1, Ordering::Relaxed) < answers {
                    stream.write_all(&message).unwrap();
                }
                reset(stream);
            });
        }
    });
    addr
}

#[test]
fn a_server_that_dies_is_counted_and_ends_the_run_in_time() {
    for until in [&["-d", "2s"][..], &["-n", "1000", "-w", "1s"]] {
        let at = dying(200).to_string();
        let output = netproto(&[&["bench", "tcp", &at, "-P", "echo", "-c", "2", "-J"], until].concat()).run();
        let report = output.code(0).json();
        assert_eq!(count(&report, "/requests"), 200, "{output}");
        assert!(count(&report, "/failures/total") >= 2, "{output}");
        assert!(number(&report, "/silence_s") > 0.5, "{output}");
    }
    let output = netproto(&["bench", "tcp", &dying(200).to_string(), "-P", "echo", "-c", "2", "-d", "2s"]).run();
    assert!(output.code(0).text().contains("had no reply at all"), "{output}");
}

#[test]
fn nobody_or_a_silent_server() {
    let (_kept, addr) = refusing();
    let output = netproto(&["bench", "tcp", &addr.to_string(), "-P", "echo", "-n", "10", "-c", "2"]).run();
    output.code(1).said("refused");
    let addr = serve(|mut stream: TcpStream| drop(stream.read_to_end(&mut Vec::new())));
    let output =
        netproto(&["bench", "tcp", &addr.to_string(), "-P", "echo", "-n", "4", "-c", "2", "-w", "200ms", "-J"]).run();
    let report = output.code(1).json();
    assert_eq!(count(&report, "/requests"), 0, "{output}");
    assert_eq!(count(&report, "/failures/timed_out"), 4, "{output}");
}

#[test]
fn without_p_it_asks_the_target_once() {
    for (protocol, transport, command) in [
        ("processed", "tcp", "serve-tcp"),
        ("echo", "tcp", "serve-tcp"),
        ("processed", "udp", "serve-udp"),
        ("echo", "udp", "serve-udp"),
    ] {
        let server = Server::start(&[command, "0", "-P", protocol]);
        let output = netproto(&["bench", transport, &server.at(), "-n", "50", "-J"]).run();
        assert_eq!(output.code(0).json()["protocol"], protocol, "{output}");
    }
    let addr =
        serve(
            |mut stream: TcpStream| {
                while stream.read(&mut [0; 100]).is_ok_and(|n| n > 0) && stream.write_all(b"220 welcome\r\n").is_ok() {}
            },
        );
    let output = netproto(&["bench", "tcp", &addr.to_string(), "-n", "50"]).run();
    assert!(matches!(output.code, 1..=3), "{output}");
    output.said("-P");
    // With raw, any answer counts.
    netproto(&["bench", "tcp", &addr.to_string(), "-n", "50", "-c", "1", "-P", "raw"]).run().code(0);
}

#[test]
fn limits_decide_the_exit_code() {
    for (limits, code, named) in [
        (&["p99>1h", "errors>0.1%", "rate<1", "p50>1h"][..], 0, &[][..]),
        (&["p99>1ns"], 4, &["p99"]),
        (&["rate<1G", "p99>1h", "max>1ns"], 4, &["rate", "max"]),
    ] {
        let limits: Vec<&str> = limits.iter().flat_map(|limit| ["--fail-if", *limit]).collect();
        let text = netproto(&[&["bench", "tcp", "-n", "500"], &limits[..]].concat()).run();
        text.code(code);
        let all = text.text() + &text.stderr;
        assert_eq!(all.matches("the limit was").count(), named.len(), "{text}");
        for name in named {
            assert!(all.lines().any(|line| line.contains(name) && line.contains("limit")), "{name}\n{text}");
        }
        let json = netproto(&[&["bench", "tcp", "-n", "500", "-J"], &limits[..]].concat()).run();
        json.code(code).json();
    }
}

#[test]
fn ctrl_c_ends_it_early_with_the_report() {
    for (args, find) in [(&["--json-stream"][..], "\"result\""), (&[], "interrupted\n")] {
        let mut process = netproto(&[&["bench", "tcp", "-d", "10m", "-i", "100ms", "-c", "4"], args].concat()).spawn();
        let intervals = if args.is_empty() { &process.stderr } else { &process.stdout };
        let began = intervals.line(support::PATIENCE, if args.is_empty() { "right" } else { "interval" });
        assert!(began.is_some(), "{}", process.said());
        process.signal(Signal::INT);
        let output = process.wait();
        output.code(130);
        assert!(output.text().contains(find), "{output}");
        assert!(output.took < Duration::from_secs(60), "{output}");
        if !args.is_empty() {
            let last = output.json_lines().pop().unwrap();
            assert!(last["interrupted"] == true && number(&last, "/requests") > 0.0, "{output}");
        }
    }
}

#[test]
fn results_files_are_opened_first_and_written_whole() {
    let (addr, count) = counting(64);
    let at = addr.to_string();
    for flag in ["--csv", "--hdr"] {
        let output = netproto(&["bench", "tcp", &at, "-P", "echo", "-d", "10m", flag, "/no/such/folder/file"]).run();
        output.code(1).said("/no/such/folder/file");
        assert_eq!(count.load(Ordering::Relaxed), 0, "the run had begun");
        let full = netproto(&["bench", "tcp", "-n", "100", flag, "/dev/full"]).run();
        full.code(1).said("no space");
    }
    netproto(&["bench", "tcp", "-n", "100", "-J"]).stdout_file("/dev/full").run().code(1).said("no space");
    let folder = Folder::new("bench-files");
    let (csv, hdr) = (folder.join("run.csv"), folder.join("run.hdr"));
    netproto(&["bench", "tcp", "-n", "1000", "--csv", &csv, "--hdr", &hdr]).run().code(0);
    let csv = std::fs::read_to_string(csv).unwrap();
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert!(rows.len() >= 2 && rows.iter().all(|row| row.len() == rows[0].len()), "{csv}");
    let requests = rows[0].iter().position(|name| *name == "requests").unwrap();
    let total: u64 = rows[1..].iter().map(|row| row[requests].parse::<u64>().unwrap()).sum();
    assert_eq!(total, 1000, "{csv}");
    assert!(std::fs::read_to_string(hdr).unwrap().contains("HIST"));
}

#[test]
fn strays_do_a_run_no_harm() {
    let server = Server::start(&["serve-tcp", "0", "-P", "echo"]);
    let (addr, at) = (server.addr(), server.at());
    let mut run = netproto(&["bench", "tcp", &at, "-d", "1s", "-c", "4", "-J"]).spawn();
    for n in 0..100 {
        let mut stray = connect(addr);
        stray.write_all(&noise(n * 7)).unwrap();
        if n % 2 == 0 {
            reset(stray);
        }
    }
    let output = run.wait();
    let report = output.code(0).json();
    assert_eq!(count(&report, "/failures/total"), 0, "{output}");
}
