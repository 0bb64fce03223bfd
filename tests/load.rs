//! The load generator as it is run, against servers of its own and servers that misbehave on purpose. Nothing here depends on
//! how fast the machine is.

#![allow(clippy::expect_used)]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, UdpSocket},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

fn bench(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netproto"));
    command.arg("bench").args(args).env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    bench(args).output().expect("it runs")
}

/// Runs with `-J`; gives the exit code and the document, which is as the schema says.
fn json(args: &[&str]) -> (Option<i32>, Value) {
    let output = run(&[args, &["-J"]].concat());
    let text = String::from_utf8(output.stdout).expect("text");
    let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| {
        panic!("{args:?}: {error}: {text:?}\n{}", String::from_utf8_lossy(&output.stderr));
    });
    hold_against_the_schema(&value);
    (output.status.code(), value)
}

fn hold_against_the_schema(value: &Value) {
    let schema: Value = serde_json::from_str(include_str!("../schemas/bench.schema.json")).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
    let errors: Vec<_> = validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
}

fn count(value: &Value, path: &str) -> u64 {
    value.pointer(path).and_then(Value::as_u64).unwrap_or_else(|| panic!("{path} is a count in {value:#}"))
}

#[test]
fn every_request_of_a_count_is_answered() {
    for args in [
        &["tcp", "-n", "300", "-c", "4"][..],
        &["udp", "-n", "300"],
        &["unix", "-n", "300", "-c", "4"],
        &["tcp", "-n", "300", "-c", "4", "--in-flight", "8", "-P", "echo", "--framing", "netstring"],
        &["tcp", "-n", "100", "-c", "4", "--reconnect"],
        &["tcp", "-n", "100", "-c", "4", "-P", "daytime"],
        &["udp", "-n", "300", "-r", "5k"],
        &["tcp", "-n", "300", "-c", "4", "-r", "5k", "--arrivals", "poisson", "--seed", "5"],
        &["tcp", "-n", "300", "-c", "3", "-P", "discard"],
        &["udp", "-n", "300", "-P", "discard"],
        &["tcp", "-n", "30", "-c", "2", "--omit", "20ms", "--ramp", "20ms"],
    ] {
        let (code, value) = json(args);
        let wanted: u64 = args[2].parse().expect("a number");
        assert_eq!((code, count(&value, "/requests"), count(&value, "/failures/total")), (Some(0), wanted, 0), "{args:?}");
    }
}

#[test]
fn a_constant_rate_sends_exactly_as_many_as_are_due() {
    let (code, value) = json(&["udp", "-r", "500", "-d", "400ms", "-c", "3", "-t", "2"]);
    assert_eq!(code, Some(0));
    assert_eq!(count(&value, "/requests") + count(&value, "/failures/total"), 200);
    assert_eq!(value["load"]["model"], "constant");
    assert_eq!(value["load"]["rate_asked"], 500.0);
    assert_eq!(count(&value, "/datagrams/sent"), 200);
}

/// One connection, 50 ms an answer, 100 requests a second: what waits must show in the latency, and what never left is a
/// failure. A generator that forgives the server reports 50 ms and no failure.
#[test]
fn waiting_is_not_omitted() {
    let (_, value) = json(&["tcp", "-p", "delay=50ms", "-r", "100", "-d", "500ms", "-c", "1"]);
    let max = |name: &str| value[name]["max"].as_f64().expect("a number");
    assert!(max("latency_us") > 250_000.0, "{value:#}");
    assert!(max("latency_us") > max("latency_uncorrected_us") + 100_000.0, "{value:#}");
    assert!(count(&value, "/failures/not_sent") >= 35, "{value:#}");
    assert_eq!(count(&value, "/requests") + count(&value, "/failures/total"), 50);
    assert_eq!(value["generator"]["saturated"], false, "it is the server that is slow");
}

#[test]
fn what_takes_too_long_has_failed() {
    let (code, value) = json(&["tcp", "-p", "delay=2s", "-w", "50ms", "-n", "4", "-c", "2"]);
    assert_eq!((code, count(&value, "/requests"), count(&value, "/failures/timed_out")), (Some(1), 0, 4));
    let (code, value) = json(&["udp", "-p", "delay=200ms", "-w", "50ms", "-n", "8", "-c", "1"]);
    assert_eq!((code, count(&value, "/requests")), (Some(1), 0));
    let (lost, late) = (count(&value, "/datagrams/lost"), count(&value, "/datagrams/late"));
    assert_eq!((lost + late, count(&value, "/failures/total")), (8, 8));
    assert!(late >= 1, "the first answers come while others are awaited: {value:#}");
}

#[test]
fn wrong_answers_are_failures_and_are_shown() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let (mut stream, mut buffer) = (stream, [0; 4096]);
                while stream.read(&mut buffer).is_ok_and(|n| n > 0) && stream.write_all(b"Processed: nonsense").is_ok() {}
            });
        }
    });
    let output = run(&["tcp", &address, "-P", "processed", "-n", "3", "-c", "1"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "not one right reply");
    assert!(text.contains("3  wrong reply\n"), "{text}");
    assert!(text.contains("expected \"Processed: abc") && text.contains("got \"Processed: nonsense\""), "{text}");
}

#[test]
fn a_peer_that_hangs_up_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (mut stream, mut buffer) = (stream, [0; 4096]);
            let _ = stream.read(&mut buffer);
        }
    });
    let (code, value) = json(&["tcp", &address, "-P", "echo", "-n", "3", "-c", "1"]);
    assert_eq!((code, count(&value, "/failures/closed_early")), (Some(1), 3), "{value:#}");
}

/// Of each ten: one twice, one after its successor, one damaged, one never.
#[test]
fn datagrams_are_counted_by_what_befell_them() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        let (mut buffer, mut held) = ([0; 2048], None);
        while let Ok((n, peer)) = socket.recv_from(&mut buffer) {
            let datagram = &mut buffer[..n];
            let number = u64::from_be_bytes(datagram[..8].try_into().expect("8 bytes"));
            match number % 10 {
                1 => _ = socket.send_to(datagram, peer),
                2 => {
                    held = Some(datagram.to_vec());
                    continue;
                }
                3 => datagram[n - 1] ^= 1,
                4 => continue,
                _ => {}
            }
            let _ = socket.send_to(datagram, peer);
            if let Some(held) = held.take() {
                let _ = socket.send_to(&held, peer);
            }
        }
    });
    let (code, value) = json(&["udp", &address, "-P", "echo", "-n", "100", "-r", "1k", "-t", "1"]);
    assert_eq!(code, Some(0));
    let counts =
        ["duplicated", "reordered", "corrupted", "lost", "late"].map(|name| count(&value["datagrams"], &format!("/{name}")));
    assert_eq!(counts, [10, 10, 10, 10, 0], "{value:#}");
    assert_eq!((count(&value, "/requests"), count(&value, "/failures/total")), (80, 20));
    assert_eq!(count(&value, "/datagrams/received"), 100);
}

#[test]
fn limits_decide_the_exit_code() {
    let output = run(&["tcp", "-n", "20", "-c", "1", "--fail-if", "p50>1ns", "--fail-if", "errors>0"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(4));
    assert!(text.contains("  ! p50 is ") && text.contains(", the limit was 1 ns\n") && !text.contains("! errors"), "{text}");
    assert_eq!(run(&["tcp", "-n", "20", "-c", "1", "--fail-if", "errors>0"]).status.code(), Some(0));
    let refused = run(&["tcp", "-n", "20", "--fail-if", "loss>1%"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("streams lose nothing"));
}

#[test]
fn an_interrupted_run_is_reported() {
    let mut child = bench(&["tcp", "-d", "60s", "-c", "2", "-i", "50ms"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
    assert!(said.any(|line| line.contains(" right ") && line.contains("p99")), "an interval is shown");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("the report");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(rest.contains("interrupted\n") && rest.contains("every reply checked"), "{rest}");
}

#[test]
fn several_runs_show_their_spread() {
    let (code, value) = json(&["tcp", "-n", "50", "-c", "2", "--repeat", "3"]);
    assert_eq!((code, count(&value, "/requests")), (Some(0), 150));
    assert_eq!(value["runs"].as_array().map(Vec::len), Some(3));
    let spread = &value["spread"]["p99_us"];
    assert!(spread["min"].as_f64() <= spread["median"].as_f64() && spread["median"].as_f64() <= spread["max"].as_f64());
}

#[test]
fn a_stream_of_objects_adds_up() {
    let output = run(&["udp", "-r", "1k", "-d", "300ms", "-i", "100ms", "--json-stream"]);
    let objects: Vec<Value> =
        String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    objects.iter().for_each(hold_against_the_schema);
    let (result, intervals) = objects.split_last().expect("a result");
    assert_eq!(result["type"], "result");
    let sum: u64 = intervals.iter().map(|interval| count(interval, "/requests")).sum();
    assert_eq!((intervals.len(), sum), (3, count(result, "/requests")));
}

#[test]
fn without_a_name_the_server_is_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"220 mail.example ESMTP\r\n");
        }
    });
    let output = run(&["tcp", &address, "-n", "1"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("220 mail.example") && text.contains("-P"), "{text}");
}
