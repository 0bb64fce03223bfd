//! What bad input gets: one clear sentence, a hint, the right exit code, and never a panic.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::Write,
    net::{TcpListener, UdpSocket},
};

use support::{
    Folder, Output, Server,
    net::{connect, refusing, serve},
    netproto, noise,
    peer::skipped,
};

/// Arguments, exit code, and what standard error holds.
type Case<'a> = (&'a [&'a str], i32, &'a [&'a str]);

#[track_caller]
fn check(cases: &[Case<'_>]) {
    for (args, code, parts) in cases {
        let output = netproto(args).run();
        output.code(*code).gave("");
        one_sentence(&output);
        for part in *parts {
            assert!(output.stderr.to_lowercase().contains(&part.to_lowercase()), "no {part:?}\n{output}");
        }
    }
}

/// One sentence of ours, not followed by anything but detail and a hint; nothing of the system's language.
#[track_caller]
fn one_sentence(output: &Output) {
    assert!(output.stderr.starts_with("netproto: "), "{output}");
    assert_eq!(output.stderr.matches("netproto: ").count(), 1, "{output}");
    assert!(output.stderr.lines().count() <= 8, "{output}");
    for foreign in ["os error", "Os {", "Error {", "panicked", "RUST_BACKTRACE", "error: "] {
        assert!(!output.stderr.contains(foreign), "{foreign:?}\n{output}");
    }
}

#[test]
fn values_that_are_none() {
    check(&[
        (&["serve-tcp", "65536"], 2, &["65536", "65535"]),
        (&["serve-tcp", "99999"], 2, &["99999"]),
        (&["serve-udp", "-1"], 2, &[]),
        (&["serve-tcp", "http"], 2, &["http"]),
        (&["serve-tcp", ""], 2, &[]),
        (&["serve-tcp", "[::1:8080"], 2, &["::1"]),
        (&["serve-tcp", "1.2.3.4.5:80"], 2, &[]),
        (&["send", "tcp", "localhost:65536", "x"], 2, &["65536"]),
        (&["send", "tcp", "localhost", "x"], 2, &["port", "hint: "]),
        (&["send", "tcp", "localhost:0", "x"], 2, &["port"]),
        (&["send"], 2, &[]),
        (&["send", "gopher://localhost:1", "x"], 2, &["gopher"]),
        (&["send", "tcp", "localhost:1", "-w", "5x"], 2, &["5x"]),
        (&["send", "tcp", "localhost:1", "-w", "-1"], 2, &[]),
        (&["send", "tcp", "localhost:1", r"\q"], 2, &["\\q"]),
        (&["send", "tcp", "localhost:1", "x", "--expect-re", "("], 2, &["("]),
        (&["send", "tcp", "localhost:1", "x", "--expect-hex", "0g"], 2, &["hex"]),
        (&["send", "tcp", "localhost:1", "x", "-s", "nowhere"], 2, &["nowhere"]),
        (&["send", "tcp", "localhost:1", "x", "-4", "-6"], 2, &["-6"]),
        (&["serve-tcp", "0", "-m", "0"], 2, &[]),
        (&["serve-tcp", "0", "--dscp", "64"], 2, &["64"]),
        (&["serve-tcp", "0", "-p", "delay=soon"], 2, &["soon", "delay"]),
        (&["serve-tcp", "0", "-p", "speed=9"], 2, &["speed"]),
        (&["serve-tcp", "0", "-P", "discard", "-p", "delay=1s"], 2, &["delay"]),
        (&["bench", "tcp", "localhost:1", "-d", "1parsec"], 2, &["1parsec"]),
        (&["bench", "tcp", "localhost:1", "-n", "2m"], 2, &["minutes or millions"]),
        (&["bench", "tcp", "localhost:1", "-l", "64Q"], 2, &["64Q"]),
        (&["bench", "tcp", "localhost:1", "-r", "0"], 2, &["more than 0"]),
        (&["bench", "tcp", "localhost:1", "-r", "fast"], 2, &["fast"]),
        (&["bench", "tcp", "localhost:1", "-c", "0"], 2, &[]),
        (&["bench", "tcp", "localhost:1", "--fail-if", "p99>2parsecs"], 2, &["p99>2parsecs"]),
        (&["bench", "tcp", "localhost:1", "--fail-if", "beauty<1"], 2, &["beauty"]),
        (&["bench", "tcp", "localhost:1", "--fail-if", "p99"], 2, &["p99"]),
        (&["bench", "udp", "localhost:1", "-l", "65508"], 2, &["65,507"]),
    ]);
}

#[test]
fn names_that_are_none_get_the_nearest() {
    check(&[
        (&["serve-tcp", "0", "-P", "ehco"], 2, &["unknown protocol", "did you mean echo"]),
        (&["serve-tcp", "0", "-P", "proccessed"], 2, &["unknown protocol", "processed"]),
        (&["send", "tcp", "localhost:1", "-P", "zzzzzz", "x"], 2, &["unknown protocol", "protocols"]),
        (&["serve-tcp", "0", "--framing", "linse"], 2, &["framing", "lines"]),
        (&["serve-tcp", "0", "--framing", "int9"], 2, &["framing", "int"]),
        (&["serve-tcp", "0", "--framing", "delimiter:"], 2, &["delimiter"]),
        (&["serve-tcp", "0", "-P", "raw"], 2, &["raw"]),
        (&["serve", "0"], 2, &["serve-tcp"]),
        (&["sned", "x"], 2, &["send"]),
        (&["serve-tcp", "0", "--idle-timout", "1s"], 2, &["--idle-timeout"]),
        (&["send", "-p", "8080", "localhost"], 2, &["KEY=VALUE", "the port goes in HOST:PORT"]),
        (&["completions", "csh"], 2, &["csh"]),
    ]);
    // Letters that mean something in a neighbour tool say what to type here.
    check(&[
        (&["bench", "tcp", "localhost:1", "-R"], 2, &["-R"]),
        (&["serve-tcp", "0", "-e", "/bin/cat"], 2, &["-e"]),
        (&["send", "tcp", "localhost:1", "-L"], 2, &["-L"]),
    ]);
}

#[test]
fn places_that_do_not_answer() {
    let (_kept, refused) = refusing();
    let at = refused.to_string();
    check(&[
        (&["send", "tcp", &at, "x"], 1, &["refused"]),
        (&["send", "tcp", "no.such.host.invalid:80", "x"], 1, &["no.such.host.invalid"]),
        (&["bench", "tcp", &at, "-n", "10"], 1, &["refused"]),
        // Without a port it is the protocol's own.
        (&["send", "tcp", "127.9.9.9", "-P", "daytime"], 1, &["tcp 127.9.9.9:13", "refused"]),
        (&["bench", "tcp", "no.such.host.invalid:80", "-n", "10"], 1, &["no.such.host.invalid"]),
        (&["send", "tcp", "127.0.0.1:9", "x", "-s", "192.0.2.1"], 1, &["192.0.2.1"]),
        (&["serve-tcp", "192.0.2.1:0"], 1, &["could not bind tcp 192.0.2.1:0"]),
        (&["send", "tcp", "127.0.0.1:9", "x", "--interface", "nosuch0"], 2, &["nosuch0"]),
        (&["serve-tcp", "0", "--congestion", "nosuch"], 2, &["nosuch"]),
    ]);
}

#[test]
fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let text = format!("could not bind tcp {at}: address already in use");
    check(&[(&["serve-tcp", &at], 1, &[&text, "hint: ", "port 0"])]);
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    check(&[(&["serve-udp", &at], 1, &[&format!("could not bind udp {at}: address already in use"), "hint: "])]);
}

#[test]
fn ports_below_1024_need_more_rights() {
    if !rustix::process::geteuid().is_root() {
        return skipped("only root can become nobody");
    }
    let Some(_) = support::peer("setpriv") else { return };
    // What nobody may run lies where nobody may look.
    let folder = Folder::new("nobody");
    let copy = folder.join("netproto");
    std::fs::copy(env!("CARGO_BIN_EXE_netproto"), &copy).unwrap();
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"];
    let output = support::Run::program(copy).args(&["serve-tcp", "127.0.0.1:80"]).under(&nobody).run();
    if output.stderr.starts_with("listening") || output.stderr.contains("in use") {
        return skipped("this system lets everyone bind port 80, or it is taken");
    }
    output.code(1).said("could not bind tcp 127.0.0.1:80: permission denied").said("hint: ").said("1024");
    one_sentence(&output);
}

#[test]
fn files_that_cannot_be_used() {
    let server = Server::start(&["serve-tcp", "0", "-P", "echo"]);
    let at = server.at();
    let folder = Folder::new("bad-files");
    let here = folder.path().to_str().unwrap();
    check(&[
        (&["send", &at, "-f", "/no/such/file"], 1, &["/no/such/file", "no such file"]),
        (&["send", &at, "-f", here], 1, &[here, "directory"]),
        (&["send", &at, "x", "-o", "/no/such/folder/out"], 1, &["/no/such/folder/out", "no such file"]),
        (&["send", &at, "x", "-o", here], 1, &[here, "directory"]),
        (&["bench", "tcp", &at, "-f", "/no/such/file"], 1, &["/no/such/file"]),
        (&["man", "--dir", "/proc/no"], 1, &["/proc/no"]),
    ]);
}

#[test]
fn frames_over_the_limit_are_named() {
    let cases: &[(&str, Vec<u8>, &str)] = &[
        ("lines", [noise_without_ends(16_385), b"\n".to_vec()].concat(), "16384"),
        ("lines", noise_without_ends(70_000), "16384"),
        ("delimiter:|", noise_without_ends(70_000), "limit"),
        ("netstring", b"100000:".to_vec(), "99999"),
        ("netstring", b"99999999999999999999999999999".to_vec(), ""),
        ("netstring", b"05:hello,".to_vec(), ""),
        ("netstring", b"5:hello!".to_vec(), ""),
        ("netstring", b"-1:,".to_vec(), ""),
        ("int16 --max-frame 10", b"\0\x0bhello hello".to_vec(), "limit"),
        ("int32", b"\0\x01\x86\xa0".to_vec(), "99999"),
        ("int32", b"\x7f\xff\xff\xff".to_vec(), "2147483647"),
        ("int32", b"\x80\0\0\0".to_vec(), "2147483648"),
        ("int32", b"\xff\xff\xff\xff".to_vec(), "4294967295"),
        ("varint", b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec(), "limit"),
        ("varint", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01".to_vec(), ""),
    ];
    for (framing, bytes, part) in cases {
        let mut words: Vec<&str> = vec!["serve-tcp", "0", "-v", "--framing"];
        words.extend(framing.split(' '));
        let mut server = Server::start(&words);
        let before = support::proc::rss_kib(server.process.pid);
        let mut stream = connect(server.addr());
        let who = stream.local_addr().unwrap().to_string();
        // It may have closed before all of this is said.
        let _ = stream.write_all(bytes);
        assert!(support::net::is_closed(&mut stream), "{framing}: {}", bytes.escape_ascii());
        drop(stream);
        let grown = support::proc::rss_kib(server.process.pid).saturating_sub(before);
        assert!(grown < 4096, "{framing}: {grown} KiB for a length field");
        let output = server.stop();
        let end = output.code(0).stderr.lines().rfind(|line| line.contains(&who)).unwrap();
        let digits: String = end.chars().filter(|letter| *letter != ',').collect();
        assert!(digits.contains(part) && !end.contains("peer closed after"), "{framing}: no {part:?} in {end:?}");
    }
}

fn noise_without_ends(length: usize) -> Vec<u8> {
    noise(length).into_iter().map(|byte| b'a' + byte % 26).collect()
}

#[test]
fn an_end_in_the_middle_of_a_frame_is_named() {
    for (framing, bytes) in [
        ("lines", &b"no end"[..]),
        ("delimiter:|", b"no end"),
        ("netstring", b"5:hel"),
        ("netstring", b"5"),
        ("int8", b"\x05hel"),
        ("int16", b"\0"),
        ("int32", b"\0\0\0\x05hel"),
        ("varint", b"\x85"),
    ] {
        let mut server = Server::start(&["serve-tcp", "0", "-v", "--framing", framing]);
        assert_eq!(support::net::exchange(server.addr(), bytes), b"", "{framing}");
        server.stop().code(0).said("in the middle of a message");
    }
}

#[test]
fn a_server_that_breaks_the_framing_is_a_failure_of_send() {
    for (framing, answer) in [("netstring", &b"999999999999:"[..]), ("int32", b"\xff\xff\xff\xff"), ("netstring", b"5:hel")]
    {
        let addr = serve(move |mut stream| {
            let _ = std::io::Read::read(&mut stream, &mut [0; 64]);
            let _ = stream.write_all(answer);
        });
        let output = netproto(&["send", &addr.to_string(), "hi", "--framing", framing]).run();
        output.code(1).gave("");
        one_sentence(&output);
    }
}

#[test]
fn help_goes_to_standard_output() {
    for args in [&["--help"][..], &["-h"], &["send", "--help"], &["--version"], &["protocols"]] {
        let output = netproto(args).run();
        assert!(output.code(0).stderr.is_empty() && !output.stdout.is_empty(), "{output}");
        assert!(output.text().lines().all(|line| line.chars().count() <= 100), "{output}");
    }
    let bare = netproto(&[]).run();
    assert!(bare.text().contains("Usage: netproto <COMMAND>") && matches!(bare.code, 0 | 2), "{bare}");
}
