//! `bench` against servers that misbehave, and asked for more than can be done: it ends in time, and says what happened.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use support::{net::serve, netproto, proc, report::count};

/// Takes this many connections; the next ones wait for ever, as at a host that drops them.
fn full(taken: usize) -> SocketAddr {
    let socket = rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    rustix::net::listen(&socket, 0).unwrap();
    let listener = TcpListener::from(socket);
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        let taken: Vec<TcpStream> = listener.incoming().take(taken).map(Result::unwrap).collect();
        // One more fills the queue.
        let filler = TcpStream::connect(addr);
        loop {
            thread::park();
            let _ = (&taken, &filler, &listener);
        }
    });
    addr
}

/// A request is counted as sent when it leaves, and not before it has a connection.
#[test]
fn connections_that_time_out_are_failures_of_the_requests_they_were_for() {
    let addr = full(1);
    let args = ["bench", "tcp", &addr.to_string(), "-P", "echo", "--reconnect", "-c", "1", "-d", "1500ms", "-J"];
    let output = netproto(&[&args[..], &["--connect-timeout", "600ms", "-w", "300ms"]].concat()).run();
    let report = output.code(1).json();
    assert!(count(&report, "/failures/total") >= 1, "{output}");
    assert_eq!(count(&report, "/requests"), 0, "{output}");
}

#[test]
fn a_rate_beyond_all_reach_is_bounded_in_time_and_memory() {
    for arrivals in ["constant", "poisson"] {
        let args = ["bench", "tcp", "-r", "1G", "-d", "1s", "-c", "2", "-w", "500ms", "--arrivals", arrivals, "-J"];
        let mut run = netproto(&args).spawn();
        let output = run.wait_within(Duration::from_secs(15));
        let report = output.code(0).json();
        let all = count(&report, "/requests") + count(&report, "/failures/total");
        assert!((999_000_000..=1_001_000_000).contains(&all), "{all}\n{output}");
        assert!(count(&report, "/requests") > 100, "{output}");
    }
}

#[test]
fn a_rate_beyond_all_reach_can_be_interrupted_and_keeps_its_memory() {
    let mut run = netproto(&["bench", "udp", "-r", "1G", "-d", "10m", "-i", "100ms", "--json-stream"]).spawn();
    assert!(run.stdout.line(support::PATIENCE, "interval").is_some(), "{}", run.said());
    let peak = proc::peak_kib(run.pid);
    run.signal(Signal::INT);
    run.wait_within(Duration::from_secs(10)).code(130);
    assert!(peak < 64 * 1024, "{peak} KiB");
}

#[test]
fn a_protocol_without_answers_has_a_time_out_too() {
    let addr = serve(|_: TcpStream| {
        loop {
            thread::park();
        }
    });
    let started = Instant::now();
    let args =
        ["bench", "tcp", &addr.to_string(), "-P", "discard", "-l", "8M", "-d", "500ms", "-w", "300ms", "-c", "2", "-J"];
    let mut run = netproto(&args).spawn();
    let output = run.wait_within(Duration::from_secs(10));
    let report = output.json();
    assert!(count(&report, "/failures/timed_out") >= 2, "{output}");
    assert!(started.elapsed() < Duration::from_secs(8), "{output}");
}

#[test]
fn a_count_is_given_up_where_nothing_works() {
    for half in [false, true] {
        let addr = serve(move |mut stream: TcpStream| {
            let mut request = [0; 64];
            if half && stream.read_exact(&mut request).is_ok() {
                let _ = stream.write_all(&request[..32]);
            }
        });
        let args = ["bench", "tcp", &addr.to_string(), "-P", "echo", "-n", "1M", "-c", "2", "-w", "300ms", "-J"];
        let output = netproto(&args).spawn().wait_within(Duration::from_secs(15));
        let report = output.code(1).json();
        assert_eq!(count(&report, "/failures/total"), 1_000_000, "{output}");
        assert!(count(&report, "/failures/given_up") > 999_000, "{output}");
    }
}

#[test]
fn bytes_that_nobody_asked_for_are_a_wrong_reply() {
    for framing in [&[][..], &["--framing", "lines"]] {
        let addr = serve(|mut stream: TcpStream| {
            let mut piece = [0; 4096];
            while let Ok(n @ 1..) = stream.read(&mut piece) {
                if stream.write_all(&piece[..n].repeat(3)).is_err() {
                    return;
                }
            }
        });
        let args = ["bench", "tcp", &addr.to_string(), "-P", "echo", "-d", "300ms", "-c", "2"];
        let output = netproto(&[&args[..], framing].concat()).run();
        assert!(output.code(0).text().contains("wrong reply"), "{output}");
        assert!(output.text().contains("that nothing was asked for"), "{output}");
    }
}

#[test]
fn late_answers_to_the_warm_up_do_not_count() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = socket.local_addr().unwrap();
    // Each answer leaves 400 datagrams later: 400 ms at 1,000 a second.
    thread::spawn(move || {
        let mut held = std::collections::VecDeque::new();
        let mut bytes = [0; 2048];
        while let Ok((n, from)) = socket.recv_from(&mut bytes) {
            held.push_back(bytes[..n].to_vec());
            if held.len() > 400 {
                let _ = socket.send_to(&held.pop_front().unwrap(), from);
            }
        }
    });
    let args = ["bench", "udp", &addr.to_string(), "-P", "echo", "-r", "1k", "--omit", "500ms", "-w", "200ms", "-d", "1s"];
    let output = netproto(&[&args[..], &["-J"]].concat()).run();
    let report = output.code(1).json();
    // 1,500 were sent, 500 of them to warm up, and the last 400 had no answer.
    let counts = ["/failures/total", "/datagrams/lost", "/datagrams/late"].map(|path| count(&report, path));
    assert_eq!(counts, [1000, 400, 600], "{output}");
}

#[test]
fn quiet_is_the_report_and_nothing_else() {
    let output = netproto(&["bench", "tcp", "-d", "300ms", "-i", "100ms", "-c", "2", "-q"]).run();
    assert!(output.code(0).text().contains("every reply checked"), "{output}");
    assert!(!output.text().contains("hint:"), "{output}");
    assert_eq!(output.stderr, "", "{output}");
}

#[test]
fn verbose_tells_more() {
    let plain = netproto(&["bench", "tcp", "-n", "100", "-c", "2"]).run();
    let more = netproto(&["bench", "tcp", "-n", "100", "-c", "2", "-r", "1k", "-t", "1", "--seed", "7", "-v"]).run();
    for part in ["threads 1", "seed 7", "time-out 10 s", "send lag", "  connect  ", "cpu"] {
        assert!(more.code(0).text().contains(part) && !plain.code(0).text().contains(part), "{part}\n{more}");
    }
}

#[test]
fn lengths_and_threads_beyond_reason_are_refused() {
    for (args, named) in [(&["-l", "900000G"][..], "1 GiB"), (&["-t", "1M"], "1,024")] {
        let output = netproto(&[&["bench", "tcp", "-n", "1"], args].concat()).run();
        output.code(2).said(named);
    }
}

/// No two datagrams of a load are alike, or the other end would take it for a loop of echoes and fall silent.
#[test]
fn framed_datagrams_do_not_look_like_a_loop() {
    let folder = support::Folder::new("bench-alike");
    let file = folder.join("message");
    std::fs::write(&file, "hello").unwrap();
    // One message over and over is what was asked for: its own server answers it all the same.
    for args in [&["--framing", "lines"][..], &["--framing", "netstring"], &["-f", &file]] {
        let output = netproto(&[&["bench", "udp", "-P", "echo", "-n", "500", "-J"], args].concat()).run();
        let report = output.code(0).json();
        assert_eq!((count(&report, "/requests"), count(&report, "/failures/total")), (500, 0), "{args:?}\n{output}");
    }
}

/// One connection is answered without end and as fast as it goes: the others are answered all the same, and the run ends in time.
#[test]
fn an_answer_without_end_holds_up_nobody_else() {
    let first = Arc::new(AtomicBool::new(true));
    let addr = serve(move |mut stream: TcpStream| {
        let endless = first.swap(false, Ordering::SeqCst);
        let mut request = [0; 4096];
        while stream.read(&mut request).is_ok_and(|n| n > 0) {
            if endless {
                let piece = [&b"10000\r\n"[..], &vec![b'x'; 0x10000], b"\r\n"].concat();
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                while stream.write_all(&piece).is_ok() {}
                return;
            }
            if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_err() {
                return;
            }
        }
    });
    let url = format!("http://{addr}/");
    let mut run = netproto(&["bench", "http", &url, "-c", "3", "-t", "1", "-d", "1s", "-w", "600ms", "-J"]).spawn();
    let output = run.wait_within(Duration::from_secs(20));
    let report = output.code(0).json();
    assert!(count(&report, "/requests") > 100, "{output}");
    assert_eq!((count(&report, "/failures/total"), count(&report, "/failures/timed_out")), (1, 1), "{output}");
}
