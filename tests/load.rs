//! Loads that other test files of `bench` do not make: exact counts, what waits, and what a peer does wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{Read, Write},
    net::{TcpStream, UdpSocket},
    time::Duration,
};

use support::{
    Output,
    net::serve,
    netproto,
    report::{count, number},
};

fn bench(args: &[&str]) -> Output {
    netproto(&[&["bench"], args].concat()).run()
}

#[test]
fn every_request_of_a_count_is_answered() {
    for args in [
        &["tcp", "-n", "100", "-c", "4", "-P", "daytime"][..],
        &["udp", "-n", "300", "-r", "5k"],
        &["tcp", "-n", "300", "-c", "3", "-P", "discard"],
        &["udp", "-n", "300", "-P", "discard"],
        &["unix", "-n", "300", "-c", "4", "--in-flight", "8", "-P", "echo", "--framing", "netstring"],
        &["tcp", "-n", "30", "-c", "2", "--omit", "20ms", "--ramp", "20ms"],
    ] {
        let output = bench(&[args, &["-J"]].concat());
        let report = output.code(0).json();
        let wanted: u64 = args[2].parse().unwrap();
        assert_eq!((count(&report, "/requests"), count(&report, "/failures/total")), (wanted, 0), "{output}");
    }
}

#[test]
fn a_constant_rate_sends_exactly_as_many_as_are_due() {
    let output = bench(&["udp", "-r", "500", "-d", "400ms", "-c", "3", "-t", "2", "-J"]);
    let report = output.code(0).json();
    assert_eq!(count(&report, "/requests") + count(&report, "/failures/total"), 200, "{output}");
    assert_eq!(count(&report, "/datagrams/sent"), 200, "{output}");
}

/// One connection, 50 ms an answer, 100 requests a second: what waits must show in the latency, and what never left is a
/// failure. A generator that forgives the server reports 50 ms and no failure.
#[test]
fn waiting_is_not_omitted() {
    let output = bench(&["tcp", "-p", "delay=50ms", "-r", "100", "-d", "500ms", "-c", "1", "-J"]);
    let report = output.code(0).json();
    let max = |name: &str| number(&report, &format!("/{name}/max"));
    assert!(max("latency_us") > 250_000.0, "{output}");
    assert!(max("latency_us") > max("latency_uncorrected_us") + 100_000.0, "{output}");
    assert!(count(&report, "/failures/not_sent") >= 35, "{output}");
    assert_eq!(count(&report, "/requests") + count(&report, "/failures/total"), 50, "{output}");
    assert_eq!(report["generator"]["saturated"], false, "it is the server that is slow\n{output}");
}

#[test]
fn wrong_answers_are_shown() {
    let addr = serve(|mut stream: TcpStream| {
        let mut request = [0; 4096];
        while stream.read(&mut request).is_ok_and(|n| n > 0) && stream.write_all(b"Processed: nonsense").is_ok() {}
    });
    let output = bench(&["tcp", &addr.to_string(), "-P", "processed", "-n", "3", "-c", "1"]);
    let text = output.code(1).text();
    for part in ["3  wrong reply\n", "expected \"Processed: abc", "got \"Processed: nonsense\""] {
        assert!(text.contains(part), "{part}\n{output}");
    }
}

#[test]
fn a_peer_that_hangs_up_is_told_apart() {
    let addr = serve(|mut stream: TcpStream| drop(stream.read(&mut [0; 4096])));
    let output = bench(&["tcp", &addr.to_string(), "-P", "echo", "-n", "3", "-c", "1", "-J"]);
    assert_eq!(count(&output.code(1).json(), "/failures/closed_early"), 3, "{output}");
}

#[test]
fn a_limit_that_cannot_be_judged_is_refused() {
    bench(&["tcp", "-n", "20", "--fail-if", "loss>1%"]).code(2).said("streams lose nothing");
    bench(&["tcp", "-n", "20", "-c", "1", "--fail-if", "errors>0"]).code(0);
}

#[test]
fn a_stream_of_objects_adds_up() {
    let output = bench(&["udp", "-r", "1k", "-d", "300ms", "-i", "100ms", "--json-stream"]);
    let objects = output.code(0).json_lines();
    let (result, intervals) = objects.split_last().unwrap();
    assert_eq!(result["type"], "result", "{output}");
    let sum: u64 = intervals.iter().map(|interval| count(interval, "/requests")).sum();
    assert_eq!((intervals.len(), sum), (3, count(result, "/requests")), "{output}");
}

/// One that speaks first is not taken for one of ours, and what it said is shown.
#[test]
fn a_server_that_greets_is_asked_about() {
    let addr = serve(|mut stream: TcpStream| drop(stream.write_all(b"220 mail.example ESMTP\r\n")));
    bench(&["tcp", &addr.to_string(), "-n", "1"]).code(2).said("220 mail.example").said("-P");
}

/// Where nobody answers, what counts as done has left.
#[test]
fn datagrams_that_nobody_answers_leave_before_they_are_counted() {
    for (wanted, rate) in [(1u64, "20k"), (8, "20k"), (200, "20k"), (1, "0"), (8, "0"), (200, "0")] {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let (at, number) = (socket.local_addr().unwrap().to_string(), wanted.to_string());
        let paced = if rate == "0" { &[][..] } else { &["-r", rate] };
        let output = bench(&[&["udp", &at, "-P", "discard", "-n", &number, "-J", "-q"], paced].concat());
        let came = (0..wanted).filter(|_| socket.recv(&mut [0; 2048]).is_ok()).count() as u64;
        assert_eq!((came, count(&output.code(0).json(), "/requests")), (wanted, wanted), "{output}");
    }
}
