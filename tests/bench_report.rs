//! What `bench` prints: text in 80 columns, intervals, repeats; and its figures for datagrams against a peer that does
//! exactly what is known to it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    net::{SocketAddr, UdpSocket},
    thread,
};

use support::{
    Server, netproto,
    pty::{on_a_terminal, on_an_echoing_terminal, screen, seen},
    report::{count, number},
};

/// What a peer does with the n-th datagram.
#[derive(Clone, Copy)]
enum Fate {
    Answer,
    Lose,
    Twice,
    Damage,
    /// Its answer leaves after that of the next one.
    Swap,
    /// Its answer leaves so many datagrams later.
    Hold(u64),
}

/// An echo server over UDP with a fate for each datagram.
fn fateful(fate: impl Fn(u64) -> Fate + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut held: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut bytes = vec![0; 70_000];
        for n in 0.. {
            let Ok((length, from)) = socket.recv_from(&mut bytes) else { return };
            let mut answer = bytes[..length].to_vec();
            let send = |answer: &[u8]| drop(socket.send_to(answer, from));
            match fate(n) {
                Fate::Answer => send(&answer),
                Fate::Lose => {}
                Fate::Twice => [0; 2].iter().for_each(|_| send(&answer)),
                Fate::Damage => {
                    *answer.last_mut().unwrap() ^= 0x40;
                    send(&answer);
                }
                Fate::Swap => held.push((n + 1, answer)),
                Fate::Hold(later) => held.push((n + later, answer)),
            }
            held.retain(|(until, answer)| {
                if *until == n {
                    send(answer);
                }
                *until != n
            });
        }
    });
    addr
}

#[test]
fn what_becomes_of_datagrams_is_counted_exactly() {
    let addr = fateful(|n| match n % 10 {
        2 => Fate::Lose,
        4 => Fate::Twice,
        6 => Fate::Damage,
        8 => Fate::Swap,
        _ => Fate::Answer,
    });
    let args = ["bench", "udp", &addr.to_string(), "-P", "echo", "-n", "1000", "-r", "2k", "-J"];
    let output = netproto(&args).run();
    let report = output.code(0).json();
    let counts = ["sent", "received", "lost", "duplicated", "reordered", "late", "corrupted"];
    let found: Vec<u64> = counts.iter().map(|name| count(&report, &format!("/datagrams/{name}"))).collect();
    assert_eq!(found, [1000, 1000, 100, 100, 100, 0, 100], "{counts:?}\n{output}");
    assert_eq!(count(&report, "/requests"), 800, "{output}");
    assert_eq!(count(&report, "/failures/total"), 200, "{output}");
}

/// It can't be told what it answers; what it does not answer is lost, and all others are right.
#[test]
fn a_datagram_that_breaks_its_framing_costs_one_request() {
    let addr = fateful(|n| if n % 10 == 6 { Fate::Damage } else { Fate::Answer });
    let args = ["bench", "udp", &addr.to_string(), "-P", "echo", "--framing", "netstring", "-n", "500", "-r", "2k", "-J"];
    let output = netproto(&[&args[..], &["-w", "300ms"]].concat()).run();
    let report = output.code(0).json();
    let found = ["lost", "unsolicited"].map(|name| count(&report, &format!("/datagrams/{name}")));
    assert_eq!(found, [50, 50], "{output}");
    assert_eq!(count(&report, "/requests"), 450, "{output}");
    assert_eq!(count(&report, "/failures/total"), 50, "{output}");
}

/// The time that a count of requests took does not end with the last right one.
#[test]
fn wrong_replies_take_time_too() {
    let addr = fateful(|_| Fate::Damage);
    let output = netproto(&["bench", "udp", &addr.to_string(), "-P", "echo", "-n", "100", "-J"]).run();
    let report = output.code(1).json();
    assert_eq!(count(&report, "/datagrams/corrupted"), 100, "{output}");
    assert!(number(&report, "/duration_s") > 0.0 && number(&report, "/bits_sent_per_second") > 0.0, "{output}");
}

#[test]
fn late_answers_are_late_and_not_right() {
    // At 1,000 a second, 500 datagrams later is half a second later; the time-out is 200 ms.
    let addr = fateful(|n| if n % 10 == 5 && n < 400 { Fate::Hold(500) } else { Fate::Answer });
    let args = ["bench", "udp", &addr.to_string(), "-P", "echo", "-n", "1000", "-r", "1k", "-w", "200ms", "-J"];
    let output = netproto(&args).run();
    let report = output.code(0).json();
    assert_eq!(count(&report, "/datagrams/late"), 40, "{output}");
    assert_eq!(count(&report, "/datagrams/lost"), 0, "{output}");
    assert_eq!(count(&report, "/requests"), 960, "{output}");
}

#[test]
fn loss_has_its_limit() {
    let addr = fateful(|n| if n % 50 == 7 { Fate::Lose } else { Fate::Answer });
    let run = |limit: &str| {
        let args =
            ["bench", "udp", &addr.to_string(), "-P", "echo", "-n", "500", "-r", "2k", "-w", "300ms", "--fail-if", limit];
        netproto(&args).run()
    };
    run("loss>5%").code(0);
    let missed = run("loss>1%");
    let all = missed.code(4).text() + &missed.stderr;
    assert!(all.contains("loss is 2"), "{missed}");
}

#[test]
fn a_peer_that_loses_everything_has_not_one_right_reply() {
    let addr = fateful(|_| Fate::Lose);
    let args = ["bench", "udp", &addr.to_string(), "-P", "echo", "-n", "20", "-r", "1k", "-w", "200ms", "-J"];
    let output = netproto(&args).run();
    assert_eq!(count(&output.code(1).json(), "/datagrams/lost"), 20, "{output}");
}

#[test]
fn an_open_loop_counts_from_when_each_was_due() {
    // One answer waits for the next 200 datagrams, a fifth of a second.
    let addr = fateful(|n| if n == 100 { Fate::Hold(200) } else { Fate::Answer });
    let args = ["bench", "udp", &addr.to_string(), "-P", "echo", "-n", "500", "-r", "1k", "-J"];
    let output = netproto(&args).run();
    let report = output.code(0).json();
    assert_eq!(report["load"]["model"], "constant", "{output}");
    assert!((number(&report, "/load/rate_asked") - 1000.0).abs() < 1e-9, "{output}");
    assert!(number(&report, "/latency_us/max") >= 150_000.0, "{output}");
    assert_eq!(count(&report, "/requests"), 500, "{output}");
}

#[test]
fn a_stopped_server_shows_in_the_corrected_figures_only() {
    let server = Server::start(&["serve-tcp", "0", "-P", "echo", "-t", "1"]);
    let at = server.at();
    let mut run =
        netproto(&["bench", "tcp", &at, "-P", "echo", "-r", "500", "-c", "2", "-d", "3s", "-i", "200ms", "--json-stream"])
            .spawn();
    let rows = |n: usize| move |out: &[u8]| (String::from_utf8_lossy(out).lines().count() >= n).then_some(());
    run.stdout.wait_for(support::PATIENCE, rows(2)).unwrap();
    server.process.signal(rustix::process::Signal::STOP);
    // A second without a server: five more intervals.
    run.stdout.wait_for(support::PATIENCE, rows(7)).unwrap();
    server.process.signal(rustix::process::Signal::CONT);
    let output = run.wait();
    let report = output.code(0).json_lines().pop().unwrap();
    let (corrected, as_sent) = (number(&report, "/latency_us/p90"), number(&report, "/latency_uncorrected_us/p90"));
    // A third of all requests were due while it stood; only two of them had been sent.
    assert!(corrected > 200_000.0 && as_sent < corrected / 2.0, "{corrected} against {as_sent}\n{output}");
    assert!(number(&report, "/latency_us/max") >= 900_000.0, "{output}");
}

#[test]
fn text_fits_into_eighty_columns_without_colour_in_a_pipe() {
    for args in [&["bench", "tcp", "-n", "2000"][..], &["bench", "udp", "-n", "500", "-r", "5k"]] {
        let output = netproto(args).run();
        let text = output.code(0).text();
        for part in ["requests", "sent", "received", "failures", "latency", "p50", "p99.9", "max"] {
            assert!(text.contains(part), "{part}\n{output}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{output}");
        assert!(!text.contains('\x1b'), "{output}");
    }
}

#[test]
fn on_a_terminal_the_progress_line_is_gone_afterwards() {
    let mut session = on_a_terminal(&["bench", "tcp", "-d", "1s", "-c", "2"]);
    let screen = String::from_utf8_lossy(&screen(&mut session)).into_owned();
    assert!(screen.contains("requests") && screen.contains("latency"), "{screen}");
    // Without colours: whatever moves the cursor belongs to the progress line, before the report.
    let report = &screen[screen.rfind("latency").unwrap()..];
    assert!(!report.contains('\x1b'), "{screen:?}");
}

/// The terminal shows `^C` where the cursor stands: at the end of the progress line.
#[test]
fn after_ctrl_c_the_progress_line_is_gone_too() {
    let mut session = on_an_echoing_terminal(&["bench", "tcp", "-d", "60s", "-c", "2"]);
    let before = session.exp_string(" right ").unwrap();
    session.send_control('c').unwrap();
    let after = screen(&mut session);
    let all: Vec<u8> = before.chars().map(|letter| letter as u8).chain(*b" right ").chain(after).collect();
    let seen = seen(&all);
    assert!(String::from_utf8_lossy(&all).contains("^C"), "{all:?}");
    assert!(seen.contains("interrupted") && seen.contains("requests"), "{seen}");
    assert!(!seen.contains(" right ") && !seen.contains('━'), "{seen}");
}

#[test]
fn intervals_and_repeats() {
    let output = netproto(&["bench", "tcp", "-d", "1s", "-i", "200ms", "-c", "2", "--json-stream"]).run();
    let mut lines = output.code(0).json_lines();
    let result = lines.pop().unwrap();
    assert!((4..=6).contains(&lines.len()), "{output}");
    let sum: u64 = lines.iter().map(|line| count(line, "/requests")).sum();
    assert!(sum <= count(&result, "/requests") && sum > 0, "{output}");
    let text = netproto(&["bench", "tcp", "-d", "600ms", "-i", "100ms", "-c", "2"]).run();
    assert!(text.code(0).stderr.lines().filter(|line| line.contains("right")).count() >= 4, "{text}");
    let repeated = netproto(&["bench", "tcp", "-n", "300", "--repeat", "3", "-J"]).run();
    let report = repeated.code(0).json();
    assert_eq!((report["runs"].as_array().map(Vec::len), count(&report, "/requests")), (Some(3), 900), "{repeated}");
    let [min, median, max] = ["min", "median", "max"].map(|name| number(&report, &format!("/spread/p99_us/{name}")));
    assert!(min <= median && median <= max, "{repeated}");
}

#[test]
fn warm_up_is_not_counted() {
    let args = ["bench", "tcp", "-d", "500ms", "--omit", "300ms", "--ramp", "200ms", "-r", "2k", "-c", "4", "-J"];
    let output = netproto(&args).run();
    let report = output.code(0).json();
    // 2,000 a second for half a second.
    let requests = count(&report, "/requests");
    assert!((950..=1050).contains(&requests), "{output}");
}
