//! `--find-max` against servers whose limit is known.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use rustix::process::Signal;
use support::{
    Output, PATIENCE, Run, net, netproto,
    report::{count, hold_against_the_schema, number},
};

/// An echo server that takes so long for each answer; all clients wait for one another where it is `one` at a time.
fn echo(takes: Duration, one: bool) -> SocketAddr {
    let busy = Arc::new(Mutex::new(()));
    net::serve(move |mut stream: TcpStream| {
        let mut bytes = [0; 64];
        while stream.read_exact(&mut bytes).is_ok() {
            let held = one.then(|| busy.lock().unwrap());
            std::thread::sleep(takes);
            drop(held);
            if stream.write_all(&bytes).is_err() {
                return;
            }
        }
    })
}

fn search(at: SocketAddr, goal: &str, more: &[&str]) -> Run {
    let flags = ["-P", "echo", "-d", "300ms", "--omit", "50ms", "-r", "50", "--find-max", goal];
    netproto(&[&["bench", "tcp", &at.to_string()], &flags[..], more].concat()).within(PATIENCE)
}

fn found(output: &Output) -> serde_json::Value {
    let report = output.json();
    hold_against_the_schema(&report);
    report
}

#[test]
fn a_server_that_takes_one_after_the_other_is_the_limit() {
    // 5 ms each, one at a time: 200 a second; in so short a probe a few more can wait.
    let output = search(echo(Duration::from_millis(5), true), "p99<100ms", &["-J"]).run();
    let report = found(output.code(0));
    let rate = number(&report, "/find_max/rate");
    assert!((80.0..=300.0).contains(&rate), "{rate}\n{output}");
    assert_eq!((&report["find_max"]["limited_by"], &report["load"]["rate_asked"]), (&"server".into(), &rate.into()));
    let not_met = number(&report, "/find_max/not_met");
    assert!(not_met > rate && not_met <= rate * 1.051, "{rate} and {not_met}");
    // Told on stderr as it goes, in the order of the report.
    let probes = report["find_max"]["probes"].as_array().unwrap();
    assert_eq!(output.stderr.matches("/s  p99 ").count(), probes.len(), "{output}");
    assert!((number(&probes[0], "/rate_asked") - 50.0).abs() < 1e-9 && count(&report, "/failures/total") < 10);
}

#[test]
fn too_few_connections_are_told_from_a_slow_server() {
    // Each answer takes 10 ms, however many are asked for: 4 connections carry 400 a second.
    let output = search(echo(Duration::from_millis(10), false), "p99<40ms", &["-c", "4", "-q"]).run();
    let text = output.code(0).text();
    assert!(
        text.contains("limited by    the connections: all were waiting for answers\n") && text.contains("hint: -c 16"),
        "{text}"
    );
    let table = text.lines().skip_while(|line| !line.contains("p99.9")).skip(1);
    let rates: Vec<f64> = table.map(|line| line.split_whitespace().next().unwrap().parse().unwrap()).collect();
    assert!(rates.len() >= 5 && rates.is_sorted() && rates.iter().all(|rate| *rate < 1_000.0), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(output.stderr.is_empty(), "{output}");
}

#[test]
fn what_no_rate_meets_is_exit_4() {
    let output = search(echo(Duration::from_millis(5), false), "p50<1ms", &["-c", "2"]).run();
    assert!(output.code(4).text().contains("! no rate was met, down to 1.00/s"), "{output}");
}

#[test]
fn a_search_that_is_interrupted_shows_what_it_has() {
    let mut run = search(echo(Duration::ZERO, false), "p99<1s", &["-d", "2s"]).spawn();
    run.talk("met");
    run.signal(Signal::INT);
    let output = run.wait();
    assert!(output.code(130).text().contains("interrupted before the rate was found"), "{output}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refused = |more: &[&str]| netproto(&[&["bench", "tcp", "--find-max"], more].concat()).run();
    refused(&["p99>2ms"]).code(2).said("it states what must hold: p99<2ms");
    refused(&["rate>1k"]).code(2).said("the rate is what is looked for");
    refused(&["p99<2ms", "-n", "5"]).code(2).said("--find-max and -n exclude each other");
    refused(&["loss<1%"]).code(2).said("loss<1% can't be judged: streams lose nothing");
}
