//! `bench` against a server that dies in the middle of a run and comes back, or does not: the run goes on, and the report tells when
//! there was none, for how many connections, and how requests failed meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{io::Write, net::TcpListener, thread, time::Duration};

use rustix::process::Signal;
use serde_json::Value;
use support::{
    Output, PATIENCE, Process, Server, net, netproto,
    report::{count, hold_against_the_schema, number},
};

/// So many intervals of a tenth of a second have been told.
fn passed(run: &Process, intervals: usize) {
    let lines = |out: &[u8]| (String::from_utf8_lossy(out).lines().count() >= intervals).then_some(());
    run.stdout.wait_for(PATIENCE, lines).unwrap_or_else(|| panic!("{}", run.said()));
}

/// A run of 4 s, whose server is killed after one of them and started again at the same address after another.
fn interrupted(transport: &str, load: &[&str]) -> (Value, Output) {
    let command = format!("serve-{transport}");
    let mut first = Server::start(&[&command, "127.0.0.1:0", "-P", "echo"]);
    let at = first.at();
    let args = ["bench", transport, &at, "-P", "echo", "-d", "4s", "-i", "100ms", "--json-stream"];
    let mut run = netproto(&[&args[..], load].concat()).spawn();
    passed(&run, 10);
    first.process.signal(Signal::KILL);
    first.process.wait();
    passed(&run, 20);
    let _second = Server::start(&[&command, &at, "-P", "echo"]);
    let output = run.wait();
    let report = output.code(0).json_lines().pop().unwrap();
    (report, output)
}

/// One outage, of `connections`, from about the second on.
fn one_outage(report: &Value, connections: u64, output: &Output) {
    hold_against_the_schema(report);
    let outages = report["outages"].as_array().unwrap_or_else(|| panic!("no outage is told\n{output}"));
    assert_eq!(outages.len(), 1, "{output}");
    let outage = &outages[0];
    let (from, to) = (number(outage, "/from_s"), number(outage, "/to_s"));
    assert_eq!((count(outage, "/connections"), &outage["over"]), (connections, &true.into()), "{output}");
    assert!((0.8..2.5).contains(&from) && to - from > 0.5 && to < 4.0, "{from} to {to}\n{output}");
}

#[test]
fn a_closed_loop_goes_on_when_the_server_is_back() {
    for load in [&["-c", "4"][..], &["-c", "4", "--in-flight", "16", "-t", "2"]] {
        let (report, output) = interrupted("tcp", load);
        one_outage(&report, 4, &output);
        // All were lost with what was asked, tried again in vain, and made anew.
        let lost: u64 =
            ["reset", "closed_early", "broken"].iter().map(|kind| count(&report, &format!("/failures/{kind}"))).sum();
        let refused = count(&report, "/failures/refused");
        assert!(lost >= 1 && lost + refused == count(&report, "/failures/total"), "{output}");
        // Pauses that grow: within a second some seven tries on each, and not a thousand.
        assert!((8..100).contains(&refused), "{output}");
        assert!((8..=12).contains(&count(&report, "/connects")), "{output}");
        assert!(number(&report, "/silence_s") < 0.5, "{output}");
    }
}

#[test]
fn an_open_loop_goes_on_and_what_waited_is_late() {
    let (report, output) = interrupted("tcp", &["-c", "4", "-r", "500"]);
    one_outage(&report, 4, &output);
    let all = count(&report, "/requests") + count(&report, "/failures/total");
    assert_eq!(all, 2000, "{output}");
    assert!(number(&report, "/latency_us/p90") > 200_000.0, "what was due meanwhile has waited\n{output}");
}

#[test]
fn connections_of_one_request_each_go_on_too() {
    let (report, output) = interrupted("tcp", &["-c", "2", "-r", "100", "--reconnect"]);
    hold_against_the_schema(&report);
    let outages = report["outages"].as_array().unwrap_or_else(|| panic!("no outage is told\n{output}"));
    assert!(outages.len() == 1 && outages[0]["over"] == true, "{output}");
    assert!(count(&report, "/failures/refused") >= 2, "{output}");
}

#[test]
fn datagrams_go_on_by_themselves() {
    for load in [&["-c", "2", "-r", "500", "-w", "300ms"][..], &["-c", "2", "-w", "200ms"]] {
        let (report, output) = interrupted("udp", load);
        one_outage(&report, 2, &output);
        assert_eq!(count(&report, "/failures/timed_out"), count(&report, "/failures/total"), "{output}");
        assert!(count(&report, "/datagrams/unreachable") > 0, "{output}");
    }
}

#[test]
fn text_and_page_tell_of_a_server_that_does_not_come_back() {
    let folder = support::Folder::new("outage");
    let page = folder.join("run.html");
    let server = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", "echo"]);
    let args = ["bench", "tcp", &server.at(), "-P", "echo", "-c", "3", "-d", "2s", "-i", "100ms", "--html", &page];
    let mut run = netproto(&args).spawn();
    run.stderr.line(PATIENCE, " right ").unwrap_or_else(|| panic!("{}", run.said()));
    server.process.signal(Signal::KILL);
    let output = run.wait();
    let sentence = "3 of 3 connections had no answer from ";
    assert!(std::fs::read_to_string(&page).unwrap().contains(sentence));
    let text = output.code(0).text();
    let line = text.lines().find(|line| line.contains(sentence)).unwrap_or_else(|| panic!("{output}"));
    assert!(line.ends_with(" s on, the last of them to the end"), "{output}");
}

/// What falls due while nobody is there to send it is a failure like others: it must not make a dead server look good.
#[test]
fn what_was_due_without_a_server_is_counted() {
    for more in [&[][..], &["--reconnect"]] {
        let server = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", "echo"]);
        let args =
            ["bench", "tcp", &server.at(), "-P", "echo", "-c", "4", "-r", "1k", "-d", "3s", "-i", "100ms", "--json-stream"];
        let mut run = netproto(&[&args, more, &["--fail-if", "errors>20%"]].concat()).spawn();
        passed(&run, 3);
        server.process.signal(Signal::KILL);
        let output = run.wait();
        let report = output.code(4).json_lines().pop().unwrap();
        assert_eq!(count(&report, "/requests") + count(&report, "/failures/total"), 3000, "{output}");
        assert!(count(&report, "/failures/not_sent") > 1000, "{output}");
        assert_eq!(report.pointer("/generator/saturated").unwrap(), false, "the server is gone: {output}");
    }
}

/// A laptop that sleeps: what was due meanwhile is late, and that is not the server's fault.
#[test]
fn a_generator_that_is_stopped_says_so() {
    let mut run = netproto(&["bench", "tcp", "-r", "500", "-c", "2", "-d", "3s", "-i", "100ms", "--json-stream"]).spawn();
    passed(&run, 5);
    run.signal(Signal::STOP);
    // The stop itself.
    thread::sleep(Duration::from_millis(1200));
    run.signal(Signal::CONT);
    let output = run.wait();
    let report = output.code(0).json_lines().pop().unwrap();
    hold_against_the_schema(&report);
    assert!((1.0..3.0).contains(&number(&report, "/generator/stood_still_s")), "{output}");
    assert!(report.get("outages").is_none(), "{output}");
    assert_eq!(count(&report, "/requests") + count(&report, "/failures/total"), 1500, "{output}");
}

/// Every tenth connection is turned away: failures, each counted, and no outage.
#[test]
fn a_server_that_turns_some_away_is_no_outage() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for (n, stream) in listener.incoming().map_while(Result::ok).enumerate() {
            if n % 10 == 9 {
                net::reset(stream);
                continue;
            }
            thread::spawn(move || {
                let mut stream = stream;
                let mut message = [0; 64];
                while std::io::Read::read_exact(&mut stream, &mut message).is_ok() && stream.write_all(&message).is_ok() {}
            });
        }
    });
    let args = ["bench", "tcp", &at, "-P", "echo", "-c", "2", "-n", "200", "--reconnect", "-J"];
    let output = netproto(&args).run();
    let report = output.code(0).json();
    assert_eq!(count(&report, "/requests") + count(&report, "/failures/total"), 200, "{output}");
    // The first connection tries the target, and serves the first request.
    assert!((19..=21).contains(&count(&report, "/failures/total")), "{output}");
    assert!(report.get("outages").is_none(), "{output}");
}
