//! What `bench` tells of the two ends beside the answers: of the server's process, of how evenly connections were served, and of
//! workers that never sleep.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use support::{
    Server, net, netproto, peer,
    report::{count, hold_against_the_schema, number},
};

fn watched(server: &Server, pid: &str, more: &[&str]) -> support::Output {
    netproto(&[&["bench", "tcp", &server.at(), "-P", "echo", "-q", "--server-pid", pid], more].concat()).run()
}

#[test]
fn the_servers_process_is_watched() {
    let server = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", "echo"]);
    let pid = server.process.pid.to_string();
    let output = watched(&server, &pid, &["-d", "500ms", "-J"]);
    let report = output.code(0).json();
    hold_against_the_schema(&report);
    assert_eq!((count(&report, "/server/pid").to_string(), &report["server"]["ended"]), (pid.clone(), &false.into()));
    assert!(number(&report, "/server/cpu_percent") > 1.0, "{output}");
    let each = number(&report, "/server/cpu_us_per_request") * number(&report, "/requests_per_second") / 1e4;
    assert!((each / number(&report, "/server/cpu_percent") - 1.0).abs() < 0.5, "{output}");
    let memory = count(&report, "/server/memory_bytes");
    assert!((1 << 20..64 << 20).contains(&memory), "{memory} bytes");
    let output = watched(&server, &pid, &["-n", "500"]);
    assert!(output.code(0).text().contains("% of a core") && output.text().contains(" in memory\n"), "{output}");
}

/// A server may be a family: the one that was named has started those who work.
#[test]
fn those_that_it_started_are_counted_with_it() {
    let Some(shell) = peer("sh") else { return };
    // Ends by itself: nobody ends what a program that was killed had started.
    let busy = shell.args(&["-c", "timeout 3 sh -c 'while :; do :; done' & echo started >&2; wait"]).spawn();
    busy.talk("started");
    let server = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", "echo"]);
    let report = watched(&server, &busy.pid.to_string(), &["-d", "500ms", "-r", "100", "-J"]).code(0).json();
    assert!(number(&report, "/server/cpu_percent") > 10.0, "{report:#}");
}

#[test]
fn what_can_not_be_watched_is_refused() {
    let server = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", "echo"]);
    // Above the most that Linux has.
    let none = watched(&server, "4194304", &["-n", "1"]);
    none.code(1).said("there is no process 4194304 to watch").said("hint: ");
    for pid in ["0", "1.5", "x"] {
        watched(&server, pid, &["-n", "1"]).code(2).said("it is the number of a process");
    }
    netproto(&["bench", "tcp", "--server-pid", "1"]).run().code(2).said("--server-pid is for a server that runs already");
}

#[test]
fn a_server_that_ends_in_the_run_is_told() {
    let kept = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", "echo"]);
    let mut other = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", "echo"]);
    let pid = other.process.pid.to_string();
    let mut run =
        netproto(&["bench", "tcp", &kept.at(), "-P", "echo", "-d", "1s", "-i", "100ms", "--server-pid", &pid]).spawn();
    run.stderr.line(support::PATIENCE, " right ").unwrap();
    other.stop();
    let output = run.wait();
    assert!(output.code(0).text().contains("ended meanwhile"), "{output}");
}

/// Echoes; every second connection takes its time.
fn uneven() -> std::net::SocketAddr {
    let number = Arc::new(AtomicU64::new(0));
    net::serve(move |mut stream: TcpStream| {
        let slow = number.fetch_add(1, Ordering::Relaxed) % 2 == 1;
        let mut bytes = [0; 64];
        while stream.read_exact(&mut bytes).is_ok() {
            if slow {
                std::thread::sleep(Duration::from_millis(10));
            }
            if stream.write_all(&bytes).is_err() {
                return;
            }
        }
    })
}

#[test]
fn who_is_served_worse_is_seen() {
    let at = uneven().to_string();
    let bench = |more: &[&str]| netproto(&[&["bench", "tcp", &at, "-P", "echo", "-c", "2", "-q"], more].concat()).run();
    let report = bench(&["-d", "500ms", "-J"]).code(0).json();
    hold_against_the_schema(&report);
    let (fewest, most) = (count(&report, "/fairness/fewest_requests"), count(&report, "/fairness/most_requests"));
    assert!(fewest <= 50 && most > 2 * fewest, "{report:#}");
    assert_eq!(fewest + most, count(&report, "/requests"));
    assert!((0.5..0.9).contains(&number(&report, "/fairness/jain_index")), "{report:#}");
    let text = bench(&["-d", "500ms"]);
    assert!(text.code(0).text().contains("! connections were served unevenly:\n    slowest "), "{text}");
    // One connection shares with nobody, and one for each request is none in particular.
    let alone = netproto(&["bench", "tcp", "-n", "100", "-c", "1", "-J"]).run().code(0).json();
    assert!(alone.get("fairness").is_none());
}

#[test]
fn workers_that_never_sleep_say_so() {
    let plain = netproto(&["bench", "tcp", "-c", "1", "-d", "300ms", "-J"]).run().code(0).json();
    let spin = netproto(&["bench", "tcp", "-c", "1", "-d", "300ms", "-J", "--spin"]).run().code(0).json();
    hold_against_the_schema(&spin);
    assert_eq!((&plain["generator"]["spin"], &spin["generator"]["spin"]), (&false.into(), &true.into()));
    // Always busy, and yet not the limit.
    assert_eq!(spin["generator"]["saturated"], false);
    assert!(count(&spin, "/requests") > 0 && count(&spin, "/failures/total") == 0, "{spin:#}");
    for more in [&["udp"][..], &["tcp", "-r", "500"], &["tcp", "--reconnect", "-c", "4"]] {
        let report = netproto(&[&["bench"], more, &["--spin", "-n", "100", "-J"]].concat()).run().code(0).json();
        assert_eq!(count(&report, "/requests"), 100, "{report:#}");
    }
    let told = netproto(&["bench", "tcp", "-n", "100", "--spin", "-v"]).run();
    assert!(told.code(0).text().contains(", spinning"), "{told}");
}
