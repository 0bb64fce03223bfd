//! `bench --one-way`: what the server counts of datagrams whose fate is known, and what is told when something is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::Arc,
    thread,
    time::Duration,
};

use rustix::process::Signal;
use serde_json::Value;
use support::{
    Folder, Network, Output, Server,
    net::datagrams,
    netproto,
    peer::skipped,
    report::{count, number},
};

fn perf() -> Server {
    Server::start(&["serve-udp", "127.0.0.1:0", "-P", "perf"])
}

/// What happens to a datagram that is counted.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Arrives,
    IsLost,
    ComesTwice,
    IsChanged,
    /// The next one comes before it.
    IsOvertaken,
    /// It comes when all was said to be sent.
    IsLate,
}

/// Between a client and a server: each numbered datagram has its fate by its number; questions and answers pass.
struct Between {
    server: UdpSocket,
    held: Vec<Vec<u8>>,
    overtaken: Option<Vec<u8>>,
}

impl Between {
    /// Gives the address that the client is to speak to.
    fn start(server: SocketAddr, fate: fn(u64) -> Fate) -> SocketAddr {
        let front = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let _ = socket2::SockRef::from(&front).set_recv_buffer_size(4 << 20);
        let (at, front) = (front.local_addr().unwrap(), Arc::new(front));
        thread::spawn(move || {
            let back = datagrams(server);
            back.set_read_timeout(None).unwrap();
            let mut between = Self { server: back.try_clone().unwrap(), held: Vec::new(), overtaken: None };
            let (mut bytes, mut client) = ([0; 2048], None);
            loop {
                let (length, from) = front.recv_from(&mut bytes).unwrap();
                if client.replace(from).is_none() {
                    let (back, front) = (back.try_clone().unwrap(), front.clone());
                    thread::spawn(move || answers(&back, &front, from));
                }
                between.pass(&bytes[..length], fate);
            }
        });
        at
    }

    fn send(&self, datagram: &[u8]) {
        let _ = self.server.send(datagram);
    }

    fn pass(&mut self, datagram: &[u8], fate: fn(u64) -> Fate) {
        let (bare, last) = (datagram[6] & 2 != 0, datagram[6] & 4 != 0);
        if bare {
            self.send(datagram);
            if last {
                self.held.drain(..).collect::<Vec<_>>().iter().for_each(|late| self.send(late));
            }
            return;
        }
        match fate(u64::from_be_bytes(*datagram[24..].first_chunk().unwrap())) {
            Fate::Arrives => self.send(datagram),
            Fate::IsLost => return,
            Fate::ComesTwice => (0..2).for_each(|_| self.send(datagram)),
            Fate::IsChanged => {
                let mut changed = datagram.to_vec();
                let at = changed.len() - 1;
                changed[at] ^= 0x20;
                self.send(&changed);
            }
            Fate::IsOvertaken => return self.overtaken = Some(datagram.to_vec()),
            Fate::IsLate => return self.held.push(datagram.to_vec()),
        }
        if let Some(overtaken) = self.overtaken.take() {
            self.send(&overtaken);
        }
    }
}

fn answers(back: &UdpSocket, front: &UdpSocket, client: SocketAddr) {
    let mut bytes = [0; 2048];
    while let Ok(length) = back.recv(&mut bytes) {
        let _ = front.send_to(&bytes[..length], client);
    }
}

fn one_way(at: &str, more: &[&str]) -> Output {
    netproto(&[&["bench", "udp", at, "--one-way", "-J"], more].concat()).run()
}

/// Sent, received, lost, duplicated, reordered, late, corrupted.
#[track_caller]
fn counts(report: &Value) -> [u64; 7] {
    ["sent", "received", "lost", "duplicated", "reordered", "late", "corrupted"]
        .map(|name| count(report, &format!("/datagrams/{name}")))
}

#[test]
fn what_was_sent_arrives_and_both_ends_say_so() {
    let server = perf();
    for more in [&["-l", "64"][..], &["-l", "1400"], &["--no-gso"], &["-r", "50k"], &["-b", "20M"], &["-c", "3"]] {
        let output = one_way(&server.at(), &[&["-n", "5000"], more].concat());
        let report = output.code(0).json();
        assert_eq!(counts(&report), [5000, 5000, 0, 0, 0, 0, 0], "{output}");
        let (gso, single) = (count(&report, "/batching/gso"), more == ["--no-gso"]);
        assert!(if single { gso == 1 } else { (1..=64).contains(&gso) }, "{output}");
        assert!(number(&report, "/bits_per_second") > 0.0 && number(&report, "/jitter_us") >= 0.0, "{output}");
        // Both run on this machine.
        assert!(number(&report, "/delay_us/p50") <= number(&report, "/delay_us/max"), "{output}");
        assert_eq!((count(&report, "/failures"), count(&report, "/datagrams/astray")), (0, 0), "{output}");
    }
}

/// Of each 20 one is lost, one comes twice, one is changed, one is overtaken.
fn of_twenty(number: u64) -> Fate {
    match number % 20 {
        4 => Fate::IsLost,
        8 => Fate::ComesTwice,
        12 => Fate::IsChanged,
        16 => Fate::IsOvertaken,
        _ => Fate::Arrives,
    }
}

#[test]
fn every_fault_is_counted_exactly() {
    let server = perf();
    for more in [&["-r", "10k"][..], &["-r", "10k", "--no-gso"], &["-r", "10k", "-l", "1000"], &[], &["--no-gso"]] {
        let at = Between::start(server.addr(), of_twenty);
        let output = one_way(&at.to_string(), &[&["-n", "2000", "-w", "500ms"], more].concat());
        let report = output.code(0).json();
        assert_eq!(counts(&report), [2000, 1800, 100, 100, 100, 0, 100], "{output}");
        assert!((number(&report, "/datagrams/loss_percent") - 5.0).abs() < 1e-9, "{output}");
    }
}

#[test]
fn where_nothing_arrives_nothing_was_right() {
    let server = perf();
    let at = Between::start(server.addr(), |_| Fate::IsLost).to_string();
    let output = one_way(&at, &["-n", "200", "-r", "2k", "-w", "200ms"]);
    assert_eq!(counts(&output.code(1).json())[..3], [200, 0, 200], "{output}");
}

#[test]
fn bursts_of_loss_and_late_ones_are_counted_exactly() {
    let server = perf();
    let fate = |number| match number {
        200..500 | 1000..1001 | 1999.. => Fate::IsLost,
        n if n % 100 == 50 => Fate::IsLate,
        _ => Fate::Arrives,
    };
    let at = Between::start(server.addr(), fate);
    let output = one_way(&at.to_string(), &["-n", "2000", "-r", "10k", "-w", "500ms"]);
    let report = output.code(0).json();
    // 50, 150, 550, ... 1950: seventeen.
    assert_eq!(counts(&report), [2000, 1698, 302, 0, 17, 17, 0], "{output}");
    let at = Between::start(server.addr(), fate);
    one_way(&at.to_string(), &["-n", "10", "--fail-if", "loss>0%", "--fail-if", "rate<1"]).code(0);
    let at = Between::start(server.addr(), of_twenty);
    let output = one_way(&at.to_string(), &["-n", "100", "-w", "200ms", "--fail-if", "loss>4%"]);
    assert!(output.code(4).text().contains("loss is 5.00 %"), "{output}");
}

#[test]
fn sockets_share_what_is_sent_and_each_is_counted() {
    let server = perf();
    let output = one_way(&server.at(), &["-c", "3", "-t", "2", "-n", "1000", "-r", "10k"]);
    let report = output.code(0).json();
    let sent: Vec<u64> = (0..3).map(|at| count(&report, &format!("/sockets/{at}/datagrams/received"))).collect();
    assert_eq!((sent.iter().sum::<u64>(), sent.len()), (1000, 3), "{output}");
    assert!(sent.iter().all(|many| (333..=334).contains(many)), "{sent:?}");
}

#[test]
fn a_rate_is_no_burst_and_a_time_is_kept() {
    let server = perf();
    let folder = Folder::new("one-way-csv");
    let csv = folder.join("intervals.csv");
    let args = ["bench", "udp", &server.at(), "--one-way", "-r", "1k", "-d", "1s", "-i", "250ms", "--csv", &csv];
    let output = netproto(&[&args[..], &["--json-stream"]].concat()).run();
    let lines = output.code(0).json_lines();
    let (result, intervals) = lines.split_last().unwrap();
    let [sent, received, ..] = counts(result);
    assert!(sent <= 1000 && sent == received, "{output}");
    assert_eq!(count(result, "/batching/gso"), 1, "{output}");
    assert!(number(result, "/gaps_us/p50") > 0.0 && number(result, "/gaps_us/max") >= number(result, "/gaps_us/p99"));
    assert!((3..=4).contains(&intervals.len()), "{output}");
    assert!(intervals.iter().map(|one| count(one, "/datagrams/sent")).sum::<u64>() <= sent, "{output}");
    let text = std::fs::read_to_string(csv).unwrap();
    assert_eq!(text.lines().count(), 1 + intervals.len(), "{text}");
}

#[test]
fn what_is_omitted_is_not_counted() {
    let server = perf();
    let output = one_way(&server.at(), &["-r", "10k", "--omit", "300ms", "-d", "300ms"]);
    let [sent, received, lost, ..] = counts(&output.code(0).json());
    assert!(sent <= 3000 && (sent, lost) == (received, 0), "{output}");
}

#[test]
fn the_text_fits_a_terminal_and_says_what_was_measured() {
    let args = ["bench", "udp", "--one-way", "-d", "600ms", "-i", "200ms", "-c", "2", "-v"];
    let output = netproto(&args).run();
    let text = output.code(0).text();
    for part in ["one way", "64 bytes", "2 sockets", "as the server counted", "lost", "RFC 3550", "the same clock", "gso="] {
        assert!(text.contains(part), "no {part:?}\n{output}");
    }
    output.said("until").said("0.40 s");
    for line in text.lines().chain(output.stderr.lines()) {
        assert!(line.chars().count() <= 80, "{line:?}");
    }
}

#[test]
fn servers_that_tell_nothing_give_one_view() {
    let server = Server::start(&["serve-udp", "127.0.0.1:0", "-P", "discard"]);
    for (length, row) in [("8", "discard"), ("200", "raw")] {
        let args = ["bench", "udp", &server.at(), "-P", row, "--one-way", "-d", "200ms", "-l", length];
        let output = netproto(&[&args[..], &["-J"]].concat()).run();
        let report = output.code(0).json();
        assert!(count(&report, "/datagrams/sent") > 100, "{output}");
        for unknown in ["/datagrams/received", "/datagrams/lost", "/jitter_us", "/delay_us", "/batching/gro"] {
            assert_eq!(report.pointer(unknown), Some(&Value::Null), "{unknown}\n{output}");
        }
        assert!(netproto(&args).run().code(0).text().contains("one view only"));
    }
    let args = ["bench", "udp", &server.at(), "-P", "discard", "--one-way", "--fail-if", "loss>1%"];
    netproto(&args).run().code(2).said("tells nothing of what came");
}

#[test]
fn who_is_not_there_or_speaks_something_else_is_told_of() {
    let (silent, echo) =
        (UdpSocket::bind("127.0.0.1:0").unwrap(), Server::start(&["serve-udp", "127.0.0.1:0", "-P", "echo"]));
    let at = silent.local_addr().unwrap().to_string();
    one_way(&at, &["-w", "300ms"]).code(5).said("did not answer within 300 ms").said("serve-udp PORT -P perf");
    drop(silent);
    one_way(&at, &["-w", "300ms"]).code(1).said("nothing listens there");
    one_way(&echo.at(), &[]).code(1).said("does not speak perf");
    let output = one_way(&at, &["-P", "discard", "-r", "1k", "-d", "100ms"]);
    assert!(count(&output.code(1).json(), "/datagrams/unreachable") > 0, "{output}");
}

#[test]
fn a_server_that_dies_leaves_a_report() {
    for more in [&["-r", "10k"][..], &[]] {
        let server = perf();
        let args = ["bench", "udp", &server.at(), "--one-way", "-d", "2s", "-w", "300ms", "-i", "100ms", "-J"];
        let mut run = netproto(&[&args[..], more].concat()).spawn();
        run.talk("0.30 s");
        server.process.signal(Signal::KILL);
        let output = run.wait_within(Duration::from_secs(20));
        let report = output.code(1).json();
        assert!(count(&report, "/datagrams/sent") > 0 && count(&report, "/failures") == 1, "{output}");
    }
}

#[test]
fn an_interrupted_run_is_reported() {
    let mut run = netproto(&["bench", "udp", "--one-way", "-d", "60s", "-r", "1k", "-i", "100ms", "-J"]).spawn();
    run.talk("0.30 s");
    run.signal(Signal::INT);
    let report = run.wait_within(Duration::from_secs(20)).code(130).json();
    let [sent, received, ..] = counts(&report);
    assert_eq!((sent > 0, sent), (true, received), "{report:#}");
}

#[test]
fn datagrams_that_may_not_leave_together_leave_one_by_one() {
    let Some(network) = Network::new("true") else { return skipped("network namespaces are not permitted") };
    network.sh("ip link set lo up; ip link set lo mtu 1000");
    let args = ["bench", "udp", "--one-way", "-n", "1000", "-l", "1200", "-J"];
    let output = network.inside(netproto(&args)).run();
    let report = output.code(0).json();
    assert_eq!(counts(&report), [1000, 1000, 0, 0, 0, 0, 0], "{output}");
    assert!(report.pointer("/batching/refused").is_some_and(Value::is_string), "{output}");
    // Requests and their answers, too.
    let args = ["bench", "udp", "-P", "echo", "-n", "1000", "-l", "1200", "--in-flight", "16", "-J"];
    let report = network.inside(netproto(&args)).run().code(0).json();
    assert_eq!((count(&report, "/datagrams/received"), count(&report, "/failures/total")), (1000, 0), "{report:#}");
}

#[test]
fn requests_that_are_due_together_are_all_answered() {
    for more in [&["--in-flight", "64"][..], &["--in-flight", "64", "--no-gso"], &["--in-flight", "9", "-l", "8..40"]] {
        let output = netproto(&[&["bench", "udp", "-n", "20000", "-c", "3", "-J"][..], more].concat()).run();
        let report = output.code(0).json();
        assert_eq!((count(&report, "/requests"), count(&report, "/failures/total")), (20_000, 0), "{output}");
        assert_eq!(count(&report, "/datagrams/received"), 20_000, "{output}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    for (args, told) in [
        (&["tcp", "--one-way"][..], "--one-way is for datagrams"),
        (&["udp", "--one-way", "--bulk", "up"], "exclude each other"),
        (&["udp", "--one-way", "--in-flight", "5"], "--in-flight is for requests"),
        (&["udp", "--one-way", "--repeat", "2"], "--repeat is for requests"),
        (&["udp", "--one-way", "-l", "64..70"], "datagrams of one length"),
        (&["udp", "--one-way", "-l", "70000"], "no length of a datagram"),
        (&["udp", "--one-way", "-l", "39"], "what is counted has 40 bytes"),
        (&["udp", "--one-way", "--fail-if", "p99>1ms"], "can't be judged"),
        (&["udp", "--one-way", "-P", "echo"], "--one-way has no use for it"),
        (&["tcp", "--no-gso"], "--no-gso is for UDP"),
    ] {
        netproto(&[&["bench"], args].concat()).run().code(2).said(told);
    }
}
