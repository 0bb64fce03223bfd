//! `serve-tcp` as its users meet it: exact answers, ready lines, limits and time-outs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{Read, Write},
    net::Shutdown,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use support::{
    PATIENCE, Server, nasty,
    net::{ask, connect, exchange, is_closed, is_silent, to_end},
    netproto, noise, peer,
};

#[test]
fn processed_is_the_default_and_exact() {
    let mut server = Server::start(&["serve-tcp", "0"]);
    for data in [&b"hello"[..], b"\0", b"\r\n", b"Processed: ", b"\xff\xfe\0\x80", &nasty(), &noise(1000)] {
        let wanted = [b"Processed: ", data].concat();
        assert_eq!(exchange(server.addr(), data), wanted, "{}", data.escape_ascii());
    }
    // Each chunk is answered, as it comes.
    let mut stream = connect(server.addr());
    assert_eq!(ask(&mut stream, b"one", 14), b"Processed: one");
    assert_eq!(ask(&mut stream, b"two", 14), b"Processed: two");
    drop(stream);
    server.stop().code(0);
}

#[test]
fn ready_lines_tell_the_real_port_on_both_families() {
    let mut server = Server::start(&["serve-tcp", "0"]);
    let (v4, v6) = (server.listens("127.0.0.1:"), server.listens("[::1]:"));
    assert_eq!(v4.port(), v6.port());
    assert_ne!(v4.port(), 0);
    for addr in [v4, v6] {
        assert_eq!(exchange(addr, b"hi"), b"Processed: hi");
    }
    let output = server.stop();
    let lines: Vec<&str> = output.code(0).stderr.lines().take(2).collect();
    let wanted = [format!("listening on tcp {v4}"), format!("listening on tcp {v6}")];
    assert_eq!(lines, wanted, "{output}");
    output.said("stopped").gave("");
}

#[test]
fn listens_on_loopback_only_unless_told_with_a_long_backlog() {
    let Some(ss) = peer("ss") else { return };
    let mut server = Server::start(&["serve-tcp", "0"]);
    server.listens("[::1]:");
    let table = ss.args(&["-Hltn", &format!("sport = :{}", server.port())]).run();
    let rows: Vec<Vec<String>> =
        table.text().lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect();
    assert_eq!(rows.len(), 2, "{table}");
    for row in &rows {
        assert!(row[3].starts_with("127.0.0.1:") || row[3].starts_with("[::1]:"), "{table}");
        let backlog: u32 = row[2].parse().unwrap();
        assert!(backlog >= 1024, "{table}");
    }
    server.stop().code(0);

    // A wildcard must be typed.
    for typed in [":0", "*:0"] {
        let mut server = Server::start(&["serve-tcp", typed]);
        let table = peer("ss").unwrap().args(&["-Hltn", &format!("sport = :{}", server.port())]).run();
        assert!(
            table.text().contains("0.0.0.0:") || table.text().contains("*:") || table.text().contains("[::]:"),
            "{table}"
        );
        server.stop().code(0);
    }
}

/// What goes over the wire, and what comes back.
struct Row {
    args: &'static [&'static str],
    say: &'static [u8],
    hear: &'static [u8],
}

const FRAMED: &[Row] = &[
    Row { args: &["-P", "echo"], say: b"a\0b", hear: b"a\0b" },
    Row { args: &["--framing", "raw"], say: b"ab", hear: b"Processed: ab" },
    Row { args: &["--framing", "lines"], say: b"a\r\nb\n", hear: b"Processed: a\r\nProcessed: b\r\n" },
    Row { args: &["--framing", "lines", "-P", "echo"], say: b"\nb\n", hear: b"\r\nb\r\n" },
    Row { args: &["--framing", "delimiter:|"], say: b"a|b\n|", hear: b"Processed: a|Processed: b\n|" },
    Row { args: &["--framing", "delimiter:--", "-P", "echo"], say: b"a-b--c--", hear: b"a-b--c--" },
    Row { args: &["--framing", "netstring"], say: b"5:hello,0:,", hear: b"16:Processed: hello,11:Processed: ," },
    Row { args: &["--framing", "netstring", "-P", "echo"], say: b"3:\0,:,", hear: b"3:\0,:," },
    Row { args: &["--framing", "int8"], say: b"\x02hi\0", hear: b"\x0dProcessed: hi\x0bProcessed: " },
    Row { args: &["--framing", "int16", "-P", "echo"], say: b"\0\x02hi", hear: b"\0\x02hi" },
    Row { args: &["--framing", "int16"], say: b"\0\x02hi", hear: b"\0\x0dProcessed: hi" },
    Row { args: &["--framing", "int32"], say: b"\0\0\0\x02hi", hear: b"\0\0\0\x0dProcessed: hi" },
    Row { args: &["--framing", "int32", "-P", "echo"], say: b"\0\0\0\0\0\0\0\x01x", hear: b"\0\0\0\0\0\0\0\x01x" },
    Row { args: &["--framing", "varint"], say: b"\x02hi", hear: b"\x0dProcessed: hi" },
    Row { args: &["--framing", "varint", "-P", "echo"], say: b"\x00\x01x", hear: b"\x00\x01x" },
    Row { args: &["-P", "discard"], say: b"anything", hear: b"" },
];

#[test]
fn every_framing_says_exactly_this() {
    for row in FRAMED {
        let mut server = Server::start(&[&["serve-tcp", "0"], row.args].concat());
        assert_eq!(
            exchange(server.addr(), row.say).escape_ascii().to_string(),
            row.hear.escape_ascii().to_string(),
            "{:?}",
            row.args
        );
        // The same, one byte at a time. Unframed pieces are answered as they come, so `processed` says more there.
        if row.args.contains(&"--framing") && !row.args.contains(&"raw") {
            let mut stream = connect(server.addr());
            for byte in row.say {
                stream.write_all(&[*byte]).unwrap();
            }
            stream.shutdown(Shutdown::Write).unwrap();
            assert_eq!(to_end(&mut stream), row.hear, "{:?}, byte by byte", row.args);
        }
        server.stop().code(0);
    }
}

#[test]
fn every_framing_is_spoken_by_both_ends() {
    for framing in ["lines", "delimiter:\\0", "netstring", "int8", "int16", "int32", "varint"] {
        for (protocol, wanted) in [("processed", "Processed: hello"), ("echo", "hello")] {
            let mut server = Server::start(&["serve-tcp", "0", "-P", protocol, "--framing", framing]);
            let args = ["send", "tcp", &server.at(), "hello", "-P", protocol, "--framing", framing, "--expect", wanted];
            let output = netproto(&args).run();
            assert_eq!(output.code(0).text().trim_end(), wanted, "{output}");
            server.stop().code(0);
        }
    }
}

#[test]
fn what_answers_unasked() {
    // RFC 864: 72 characters of the ring of 95, moved by one each line.
    let server = Server::start(&["serve-tcp", "0", "-P", "chargen"]);
    let mut lines = vec![0; 148];
    connect(server.addr()).read_exact(&mut lines).unwrap();
    let ring: Vec<u8> = (b' '..=b'~').collect();
    assert_eq!(lines, [&ring[..72], b"\r\n", &ring[1..73], b"\r\n"].concat());

    // RFC 865: one message of at most 512 characters. RFC 867: one line. Both close.
    for protocol in ["qotd", "daytime"] {
        let server = Server::start(&["serve-tcp", "0", "-P", protocol]);
        let answer = to_end(&mut connect(server.addr()));
        assert!((1..=512).contains(&answer.len()), "{protocol}: {}", answer.escape_ascii());
        assert!(answer.ends_with(b"\r\n") && answer.is_ascii(), "{protocol}: {}", answer.escape_ascii());
    }

    // RFC 868: seconds since 1900, 4 bytes, big endian.
    let server = Server::start(&["serve-tcp", "0", "-P", "time"]);
    let answer: [u8; 4] = to_end(&mut connect(server.addr())).try_into().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 2_208_988_800;
    assert!(now.abs_diff(u32::from_be_bytes(answer).into()) < 60);
}

#[test]
fn half_close_loses_no_answer() {
    // What is said together with the end is answered; 950 times, since some servers lose only some of them.
    let server = Server::start(&["serve-tcp", "0"]);
    for _ in 0..950 {
        assert_eq!(exchange(server.addr(), b"hi\n"), b"Processed: hi\n");
    }
    // Also when the answer takes its time.
    let slow = Server::start(&["serve-tcp", "0", "-p", "delay=500ms"]);
    let addr = slow.addr();
    let clients: Vec<_> = (0..50).map(|_| thread::spawn(move || exchange(addr, b"late"))).collect();
    for client in clients {
        assert_eq!(client.join().unwrap(), b"Processed: late");
    }
}

#[test]
fn big_streams_come_back_whole() {
    let server = Server::start(&["serve-tcp", "0", "-P", "echo"]);
    let data = noise(16 << 20);
    let mut stream = connect(server.addr());
    let mut writing = stream.try_clone().unwrap();
    let said = data.clone();
    let writer = thread::spawn(move || {
        writing.write_all(&said).unwrap();
        writing.shutdown(Shutdown::Write).unwrap();
    });
    assert!(to_end(&mut stream) == data, "what came back differs");
    writer.join().unwrap();
}

#[test]
fn one_connection_too_many_is_closed_and_told() {
    let mut server = Server::start(&["serve-tcp", "0", "-m", "2", "-v"]);
    let mut kept: Vec<_> = (0..2).map(|_| connect(server.addr())).collect();
    for stream in &mut kept {
        assert_eq!(ask(stream, b"a", 12), b"Processed: a");
    }
    assert!(is_closed(&mut connect(server.addr())));
    // Those who are in are still served, and a place that is given back is taken.
    assert_eq!(ask(&mut kept[0], b"b", 12), b"Processed: b");
    let gone = kept.pop().unwrap();
    let left = gone.local_addr().unwrap().to_string();
    drop(gone);
    server.process.stderr.wait_for(PATIENCE, |log| {
        let log = String::from_utf8_lossy(log);
        (log.lines().filter(|line| line.contains(&left)).count() >= 2).then_some(())
    });
    assert_eq!(ask(&mut connect(server.addr()), b"c", 12), b"Processed: c");
    drop(kept);
    let output = server.stop();
    assert!(output.code(0).stderr.contains("refused") || output.stderr.contains("limit"), "{output}");
}

#[test]
fn one_peer_cannot_take_all_places() {
    let server = Server::start(&["serve-tcp", "127.0.0.1:0", "--max-connections-per-peer", "1", "-v"]);
    let mut first = connect(server.addr());
    assert_eq!(ask(&mut first, b"a", 12), b"Processed: a");
    assert!(is_closed(&mut connect(server.addr())));
    // Another address is another peer.
    let other = netproto(&["send", "tcp", &server.at(), "b", "-s", "127.0.0.2"]).run();
    other.code(0).gave("Processed: b");
    assert_eq!(ask(&mut first, b"c", 12), b"Processed: c");
}

#[test]
fn who_waits_for_our_answer_is_not_idle() {
    let server = Server::start(&["serve-tcp", "0", "-P", "echo", "-p", "delay=1s", "-i", "200ms"]);
    assert_eq!(exchange(server.addr(), b"patience"), b"patience");
}

#[test]
fn idle_connections_are_closed_by_i() {
    let server = Server::start(&["serve-tcp", "0", "-i", "200ms", "-v"]);
    let mut stream = connect(server.addr());
    assert_eq!(ask(&mut stream, b"a", 12), b"Processed: a");
    assert!(is_closed(&mut stream));
    let log = server.log("timed out");
    assert!(log.contains(&stream.local_addr().unwrap().to_string()), "{log}");
}

#[test]
fn the_first_message_must_come_in_time_and_only_the_first() {
    let server = Server::start(&["serve-tcp", "0", "--framing", "lines", "--handshake-timeout", "300ms"]);
    let mut silent = connect(server.addr());
    let mut unfinished = connect(server.addr());
    unfinished.write_all(b"never a whole li").unwrap();
    let mut good = connect(server.addr());
    assert_eq!(ask(&mut good, b"hi\n", 15), b"Processed: hi\r\n");
    assert!(is_closed(&mut silent));
    assert!(is_closed(&mut unfinished));
    assert!(is_silent(&mut good, Duration::from_millis(400)));
    assert_eq!(ask(&mut good, b"hi\n", 15), b"Processed: hi\r\n");
}

#[test]
fn one_client_then_exit() {
    let mut server = Server::start(&["serve-tcp", "0", "-1"]);
    assert_eq!(exchange(server.addr(), b"only"), b"Processed: only");
    server.process.wait().code(0);
}

#[test]
fn several_threads_and_the_accepted_habits_of_others() {
    // -k is what nc needs to serve more than one; here it is so anyway.
    for args in [
        &["-t", "1"][..],
        &["-t", "4"],
        &["-k"],
        &["-4"],
        &["--no-nodelay"],
        &["--recv-buffer", "64K", "--send-buffer", "64K"],
    ] {
        let mut server = Server::start(&[&["serve-tcp", "0"], args].concat());
        for _ in 0..3 {
            assert_eq!(exchange(server.addr(), b"hi"), b"Processed: hi", "{args:?}");
        }
        server.stop().code(0);
    }
}
