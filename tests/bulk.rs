//! `bench --bulk`, and `-P perf` in every role: what both ends count, and what is told when something is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

use rustix::process::Signal;
use serde_json::Value;
use support::{
    Folder, Server,
    net::{datagrams, receive, reset, serve, to_end},
    netproto,
    report::{count, number},
};

const MIB: u64 = 1 << 20;

fn perf(more: &[&str]) -> Server {
    Server::start(&[&["serve-tcp", "0", "-P", "perf"], more].concat())
}

/// Both views of one way, which must be equal; gives the bytes.
#[track_caller]
fn equal_views(report: &Value, way: &str) -> u64 {
    let bytes = count(report, &format!("/{way}/received/bytes"));
    assert_eq!(count(report, &format!("/{way}/sent/bytes")), bytes, "{report:#}");
    assert_eq!(report.pointer(&format!("/{way}/views_equal")), Some(&Value::Bool(true)), "{report:#}");
    bytes
}

#[test]
fn bytes_asked_for_arrive_exactly_and_both_ends_say_so() {
    let server = perf(&[]);
    for way in ["up", "down", "both"] {
        for more in [&[][..], &["-c", "3", "-l", "10000"], &["--zero-copy"], &["--skip-copy"]] {
            let args = ["bench", "tcp", &server.at(), "--bulk", way, "--bytes", "20000001", "-J"];
            let output = netproto(&[&args[..], more].concat()).run();
            let report = output.code(0).json();
            for one in ["up", "down"].iter().filter(|one| way == "both" || way == **one) {
                assert_eq!(equal_views(&report, one), 20_000_001, "{output}");
            }
            assert!(number(&report, "/bits_per_second") > 0.0 && count(&report, "/failures") == 0, "{output}");
            assert!(number(&report, "/cpu/server_percent") >= 0.0, "{output}");
            let ways = if way == "both" { 2 } else { 1 };
            let blocks = 20_000_001_u64.div_ceil(count(&report, "/load/block_bytes")) * ways;
            assert_eq!(count(&report, "/blocks"), blocks, "{output}");
        }
    }
}

#[test]
fn every_stream_has_its_share_and_its_figures() {
    let server = perf(&[]);
    let args = ["bench", "tcp", &server.at(), "--bulk", "up", "--parallel", "4", "--bytes", "10000002", "-J"];
    let output = netproto(&args).run();
    let report = output.code(0).json();
    let shares: Vec<u64> = (0..4).map(|at| count(&report, &format!("/streams/{at}/up/received/bytes"))).collect();
    assert_eq!(shares, [2_500_001, 2_500_001, 2_500_000, 2_500_000]);
    for at in 0..4 {
        assert!(number(&report, &format!("/streams/{at}/rtt_us")) > 0.0, "{output}");
        assert!(count(&report, &format!("/streams/{at}/cwnd_bytes")) > 0, "{output}");
    }
}

#[test]
fn a_time_is_kept_and_intervals_add_up() {
    let server = perf(&[]);
    let folder = Folder::new("bulk-csv");
    let csv = folder.join("intervals.csv");
    let args = ["bench", "tcp", &server.at(), "--bulk", "both", "-d", "1s", "-i", "200ms", "-c", "2", "--csv", &csv];
    let output = netproto(&[&args[..], &["--json-stream"]].concat()).run();
    let lines = output.code(0).json_lines();
    let (result, intervals) = lines.split_last().unwrap();
    let took = number(result, "/duration_s");
    assert!((0.95..3.0).contains(&took), "{took}\n{output}");
    assert!((4..=5).contains(&intervals.len()), "{output}");
    let moved: u64 = intervals.iter().map(|one| count(one, "/bytes_up")).sum();
    let all = count(result, "/up/sent/bytes");
    assert!(moved > all / 2 && moved <= all + all / 10, "{moved} of {all}\n{output}");
    let text = std::fs::read_to_string(csv).unwrap();
    assert_eq!(text.lines().count(), 1 + 2 * intervals.len(), "{text}");
    equal_views(result, "up");
    equal_views(result, "down");
}

#[test]
fn the_text_fits_a_terminal_and_says_what_was_measured() {
    let args = ["bench", "tcp", "--bulk", "up", "-d", "600ms", "-i", "200ms", "-c", "2", "-v", "--zero-copy", "--skip-copy"];
    let output = netproto(&args).run();
    let text = output.code(0).text();
    for part in
        ["bulk up", "2 streams", "as the server received it", "as we sent it", "% here", "% server", "retransmits", "rtt"]
    {
        assert!(text.contains(part), "no {part:?}\n{output}");
    }
    assert!(text.contains("sent without a copy (sendfile), dropped in the receiver's kernel"), "{output}");
    output.said("until").said("   sum ");
    for line in text.lines().chain(output.stderr.lines()) {
        assert!(line.chars().count() <= 80, "{line:?}");
    }
}

#[test]
fn a_bit_rate_is_kept_by_the_kernel_and_by_a_timer() {
    for (args, way, paced_by) in [
        (["tcp", "up"], "up", "kernel"),
        (["tcp", "down"], "down", "kernel"),
        (["unix", "up"], "up", "timer"),
        (["unix", "down"], "down", "timer"),
    ] {
        let [transport, bulk] = args;
        let output = netproto(&["bench", transport, "--bulk", bulk, "-b", "80M", "-d", "1s", "-J"]).run();
        let report = output.code(0).json();
        let rate = number(&report, "/bits_per_second");
        assert!((60e6..96e6).contains(&rate), "{rate}\n{output}");
        assert_eq!(report.pointer("/load/paced_by").and_then(Value::as_str), Some(paced_by), "{output}");
        equal_views(&report, way);
    }
}

#[test]
fn what_is_omitted_is_counted_by_nobody() {
    for way in ["up", "down"] {
        let args = ["bench", "tcp", "--bulk", way, "-b", "80M", "--omit", "500ms", "-d", "500ms", "-J"];
        let output = netproto(&args).run();
        let report = output.code(0).json();
        let bytes = equal_views(&report, way);
        assert!((3_000_000..7_500_000).contains(&bytes), "{bytes}\n{output}");
    }
}

#[test]
fn unix_sockets_carry_bulk_too() {
    for more in [&[][..], &["--zero-copy"]] {
        let output = netproto(&[&["bench", "unix", "--bulk", "both", "--bytes", "10M", "-J"][..], more].concat()).run();
        let report = output.code(0).json();
        assert_eq!((equal_views(&report, "up"), equal_views(&report, "down")), (10 * MIB, 10 * MIB));
        assert_eq!(report.pointer("/rtt_us"), Some(&Value::Null), "{output}");
    }
}

#[test]
fn servers_that_tell_nothing_give_one_view() {
    let takes = Server::start(&["serve-tcp", "0", "-P", "discard"]);
    let sends = Server::start(&["serve-tcp", "0", "-P", "chargen"]);
    for (server, row, way, known, unknown) in
        [(&takes, "discard", "up", "sent", "received"), (&sends, "chargen", "down", "received", "sent")]
    {
        for row in [row, "raw"] {
            let args = ["bench", "tcp", &server.at(), "-P", row, "--bulk", way, "-d", "400ms"];
            let output = netproto(&[&args[..], &["-J"]].concat()).run();
            let report = output.code(0).json();
            assert!(count(&report, &format!("/{way}/{known}/bytes")) > MIB, "{output}");
            assert_eq!(report.pointer(&format!("/{way}/{unknown}")), Some(&Value::Null), "{output}");
            assert_eq!(report.pointer("/load/views").and_then(Value::as_str), Some("ours"), "{output}");
            let took = number(&report, "/duration_s");
            assert!((0.35..2.0).contains(&took), "{took}\n{output}");
            let text = netproto(&args).run().code(0).text();
            assert!(text.contains("one view only"), "{text}");
        }
    }
    let args = ["bench", "tcp", &takes.at(), "-P", "discard", "--bulk", "up", "--bytes", "3M", "-J"];
    let report = netproto(&args).run().code(0).json();
    assert_eq!(count(&report, "/up/sent/bytes"), 3 * MIB);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    for (args, told) in [
        (&["udp", "--bulk", "up"][..], "--bulk is for streams"),
        (&["tcp", "--bulk", "up", "-r", "1k"], "--rate is for requests"),
        (&["tcp", "--bulk", "up", "-n", "5"], "--requests is for requests"),
        (&["tcp", "--bulk", "up", "--repeat", "2"], "--repeat is for requests"),
        (&["tcp", "--bulk", "up", "--hdr", "/dev/null"], "--hdr is for requests"),
        (&["tcp", "--bulk", "up", "--data-file", "/dev/null"], "--data-file is for requests"),
        (&["tcp", "--bulk", "up", "--framing", "lines", "-P", "discard"], "--framing is for requests"),
        (&["tcp", "--bulk", "up", "-l", "2M"], "1 byte to 1 MiB"),
        (&["tcp", "--bulk", "up", "--bytes", "1M", "--omit", "1s"], "--omit goes before a time"),
        (&["tcp", "--bulk", "up", "--fail-if", "p99>1ms"], "can't be judged"),
        (&["tcp", "--bulk", "down", "-P", "discard"], "discard only takes"),
        (&["tcp", "--bulk", "both", "-P", "chargen"], "chargen only sends"),
        (&["tcp", "--bulk", "up", "-P", "echo"], "--bulk has no use for it"),
        (&["tcp", "--bulk", "up", "-P", "discard", "--skip-copy"], "discard is told nothing"),
        (&["unix", "--bulk", "up", "--skip-copy"], "--skip-copy is for TCP"),
        (&["tcp", "--bytes", "1M"], "--bulk"),
        (&["tcp", "--bulk", "sideways"], "sideways"),
    ] {
        netproto(&[&["bench"], args].concat()).run().code(2).said(told);
    }
}

#[test]
fn limits_judge_bulk() {
    let server = perf(&[]);
    let bench = ["bench", "tcp", &server.at(), "--bulk", "up", "--bytes", "1M"];
    netproto(&[&bench[..], &["--fail-if", "rate<1k", "--fail-if", "errors>0"]].concat()).run().code(0);
    let output = netproto(&[&bench[..], &["--fail-if", "rate<900000G"]].concat()).run();
    assert!(output.code(4).text().contains("the limit was 900 Tbit/s"), "{output}");
}

/// It says that it is ready, and reads nothing more.
fn ready_and_silent(mut stream: TcpStream) {
    let mut want = [0; 64];
    if stream.read_exact(&mut want).is_ok() {
        let _ = stream.write_all(b"perf\x01\x02\0\0\0\0\0\0\0\0\0\0");
        thread::sleep(Duration::from_secs(60));
    }
}

#[test]
fn a_target_that_never_reads_is_told_of_in_time() {
    let deaf = serve(|_: TcpStream| thread::sleep(Duration::from_secs(60))).to_string();
    let args = ["bench", "tcp", &deaf, "--bulk", "up", "-d", "300ms", "-w", "400ms"];
    netproto(&args).within(Duration::from_secs(15)).run().code(5).said("nothing moved for 400 ms").said("-P discard");
    // One that is told nothing: what the buffers took is what there is.
    let output = netproto(&["bench", "tcp", &deaf, "-P", "discard", "--bulk", "up", "-d", "2s"]).run();
    assert!(output.code(0).text().contains("nothing moved in the last"), "{output}");
    let mute = serve(ready_and_silent).to_string();
    let args = ["bench", "tcp", &mute, "--bulk", "up", "-d", "300ms", "-w", "600ms"];
    let output = netproto(&args).within(Duration::from_secs(15)).run();
    assert!(output.code(1).text().contains("nothing moved for 600 ms"), "{output}");
}

#[test]
fn a_server_that_closes_dies_or_lies_is_told_of() {
    let closes = serve(|mut stream: TcpStream| {
        let mut bytes = vec![0; 100_000];
        let _ = stream.read_exact(&mut bytes[..64]);
        let _ = stream.write_all(b"perf\x01\x02\0\0\0\0\0\0\0\0\0\0");
        let _ = stream.read_exact(&mut bytes);
        reset(stream);
    });
    let output = netproto(&["bench", "tcp", &closes.to_string(), "--bulk", "up", "-d", "2s"]).run();
    assert!(output.code(1).text().contains("in the middle"), "{output}");
    let other = serve(|mut stream: TcpStream| drop(stream.write_all(b"220 mail.example ready\r\n")));
    let args = ["bench", "tcp", &other.to_string(), "--bulk", "up", "-d", "2s"];
    netproto(&args).run().code(1).said("does not speak perf").said("-P perf");
    let newer = serve(|mut stream: TcpStream| {
        let _ = stream.read(&mut [0; 64]);
        let _ = stream.write_all(b"perf\x02\x07\0\x01\0\0\0\0\0\0\0\0");
        to_end(&mut stream);
    });
    let args = ["bench", "tcp", &newer.to_string(), "--bulk", "up", "-d", "2s"];
    netproto(&args).run().code(1).said("speaks version 2 of perf, and this is version 1");
    let liar = serve(|mut stream: TcpStream| {
        let mut bytes = [0; 96];
        let _ = stream.read_exact(&mut bytes[..64]);
        let _ = stream.write_all(b"perf\x01\x02\0\0\0\0\0\0\0\0\0\0");
        // The head, ten bytes, the end.
        let _ = stream.read_exact(&mut bytes[..42]);
        let mut view = b"perf\x01\x06\0\0\0\0\0\0\0\0\0\xc0".to_vec();
        view.resize(16 + 192, 0);
        view[23] = 9;
        let _ = stream.write_all(&view);
        to_end(&mut stream);
    });
    let output = netproto(&["bench", "tcp", &liar.to_string(), "--bulk", "up", "--bytes", "10"]).run();
    assert!(output.code(1).text().contains("up: 10 bytes sent, 9 received: the views differ"), "{output}");
}

#[test]
fn a_server_that_is_killed_leaves_a_report() {
    let server = perf(&[]);
    let mut run = netproto(&["bench", "tcp", &server.at(), "--bulk", "up", "-d", "20s", "-i", "100ms", "-J"]).spawn();
    run.talk("0.30 s");
    server.process.signal(Signal::KILL);
    let output = run.wait_within(Duration::from_secs(10));
    let report = output.code(1).json();
    assert!(count(&report, "/up/sent/bytes") > 0 && count(&report, "/failures") == 1, "{output}");
    assert_eq!(report.pointer("/up/received"), Some(&Value::Null), "{output}");
}

#[test]
fn an_interrupted_run_is_reported() {
    let mut run = netproto(&["bench", "tcp", "--bulk", "up", "-d", "60s", "-i", "100ms"]).spawn();
    run.talk("0.30 s");
    run.signal(Signal::INT);
    let output = run.wait_within(Duration::from_secs(10));
    assert!(output.code(130).text().contains("interrupted"), "{output}");
}

#[test]
fn the_servers_limits_are_told_to_the_client() {
    let server = perf(&["-p", "max-time=1s", "-p", "max-bytes=1M"]);
    let at = server.at();
    for (args, told) in [(["-d", "2s"], "longer than its -p max-time"), (["--bytes", "2M"], "more than its -p max-bytes")] {
        netproto(&[&["bench", "tcp", &at, "--bulk", "down"], &args[..]].concat()).run().code(1).said(told);
    }
    netproto(&["bench", "tcp", &at, "--bulk", "down", "--bytes", "1M"]).run().code(0);
}

#[test]
fn send_measures_and_traces_and_logs() {
    let server = perf(&["-J", "-v"]);
    let output = netproto(&["send", "tcp", &server.at(), "-P", "perf", "both 2M"]).run();
    let text = output.code(0).text();
    assert!(text.contains("up    2.00 MiB in ") && text.contains("down  2.00 MiB in "), "{output}");
    let output = netproto(&["send", "tcp", &server.at(), "-P", "perf", "down 300K", "--trace"]).run();
    output.code(0);
    assert!(output.text().contains("as we received it") && output.stderr.contains("perf"), "{output}");
    assert!(server.process.stdout.line(support::PATIENCE, "measured").is_some(), "{}", server.process.said());
    netproto(&["send", "tcp", &server.at(), "-P", "perf", "sideways"]).run().code(2).said("up, down or both");
    // As requests they are timed, one after the other.
    let args = ["bench", "tcp", &server.at(), "-P", "perf", "-n", "20", "-c", "2", "-J", "down 4K"];
    let report = netproto(&args).run().code(0).json();
    assert_eq!((count(&report, "/requests"), count(&report, "/failures/total")), (20, 0));
}

#[test]
fn datagrams_are_counted_and_never_amplified() {
    let server = Server::start(&["serve-udp", "0", "-P", "perf"]);
    let output = netproto(&["send", "udp", &server.at(), "-P", "perf", "up 20K"]).run();
    output.code(0).gave("15 of 15 datagrams came, 0 twice\n");
    let socket = datagrams(server.addr());
    for length in [40, 231, 232] {
        let mut ask = b"perf\x01\x01\x01".to_vec();
        ask.resize(length, 0);
        ask[31] = length as u8;
        // The check: the length and the words of the head, the last of which is the number.
        let words = [u64::from_le_bytes(*b"perf\x01\x01\x01\0"), (length as u64) << 56];
        let check = words.into_iter().fold(length as u64, u64::wrapping_add);
        ask[8..16].copy_from_slice(&check.to_be_bytes());
        socket.send(&ask).unwrap();
    }
    let answer = receive(&socket).unwrap();
    assert_eq!((answer.len(), &answer[..6], answer[31]), (232, &b"perf\x01\x02"[..], 232));
    netproto(&["send", "udp", &server.at(), "-P", "perf", "down 1K"]).run().code(2).said("over datagrams it is up");
}

#[test]
fn memory_does_not_grow_with_what_is_sent() {
    let server = perf(&[]);
    let peak = |bytes: &str| {
        netproto(&["bench", "tcp", &server.at(), "--bulk", "both", "--bytes", bytes]).run().code(0);
        support::proc::peak_kib(server.process.pid)
    };
    let (few, many) = (peak("8M"), peak("1G"));
    assert!(many < few + 2048, "{few} KiB, then {many} KiB");
}
