//! `send` as its users meet it: what it prints, when it ends, and how it says that something was wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::Duration,
};

use support::{
    Folder, PATIENCE, Server, nasty,
    net::{self, refusing, reset, serve, serve_one, to_end},
    netproto, noise,
};

/// Reads all, then answers so.
fn answers(what: &'static [u8]) -> impl Fn(TcpStream) + Send + Sync + Clone {
    move |mut stream: TcpStream| {
        to_end(&mut stream);
        drop(stream.write_all(what));
    }
}

#[test]
fn data_from_arguments_a_file_or_standard_input() {
    let server = Server::start(&["serve-tcp", "0"]);
    let echo = Server::start(&["serve-tcp", "0", "-P", "echo"]);
    let (at, echo_at) = (server.at(), echo.at());
    let localhost = format!("localhost:{}", server.port());
    netproto(&["send", "tcp", &localhost, "hello"]).run().code(0).gave("Processed: hello");
    netproto(&["send", &localhost, "hello"]).run().code(0).gave("Processed: hello");
    netproto(&["send", &format!("tcp://{at}"), "hello"]).run().code(0).gave("Processed: hello");
    // Escapes are on, and can be off; nothing is added.
    netproto(&["send", &echo_at, r"a\n\t\\\x00\xff"]).run().code(0).gave(b"a\n\t\\\0\xff");
    netproto(&["send", &echo_at, "--no-escapes", r"a\n"]).run().code(0).gave(r"a\n");
    netproto(&["send", &echo_at, "-C", r"a\nb\r\n"]).run().code(0).gave("a\r\nb\r\n");
    netproto(&["send", &echo_at, "-N", "n"]).run().code(0).gave("n");
    let folder = Folder::new("send-data");
    let big = noise(3 << 20);
    let file = folder.file("data", &big);
    netproto(&["send", &echo_at, "-f", &file]).run().code(0).gave(&big);
    netproto(&["send", &echo_at]).stdin(big.clone()).run().code(0).gave(&big);
    netproto(&["send", &echo_at]).stdin(nasty()).run().code(0).gave(nasty());
    let out = folder.join("out");
    netproto(&["send", &echo_at, "-f", &file, "-o", &out]).run().code(0).gave("");
    assert!(std::fs::read(out).unwrap() == big);
}

#[test]
fn both_spellings_of_ipv6() {
    let server = Server::start(&["serve-tcp", "0"]);
    let port = server.listens("[::1]:").port();
    netproto(&["send", "tcp", &format!("[::1]:{port}"), "a"]).run().code(0).gave("Processed: a");
    netproto(&["send", "tcp", &format!("localhost:{port}"), "-6", "a"]).run().code(0).gave("Processed: a");
    netproto(&["send", "tcp", &format!("localhost:{port}"), "-4", "a"]).run().code(0).gave("Processed: a");
    netproto(&["send", "tcp", &format!("::1:{port}"), "a"]).run().code(0).gave("Processed: a");
}

#[test]
fn ends_at_once_without_flags() {
    // Like `printf hi | netproto send`, against a server that answers and waits for our end.
    let server = Server::start(&["serve-tcp", "0"]);
    let output = netproto(&["send", &server.at()]).stdin("hi").run();
    output.code(0).gave("Processed: hi");
    assert!(output.took < Duration::from_secs(5), "{output}");
    // An answer that takes its time is awaited: there is no limit unless one is asked for.
    let slow = Server::start(&["serve-tcp", "0", "-p", "delay=1500ms"]);
    netproto(&["send", &slow.at()]).stdin("hi").run().code(0).gave("Processed: hi");
    netproto(&["send", &slow.at()]).stdin_closed().run().code(0).gave("");
    netproto(&["send", &server.at(), "a"]).stdin_closed().run().code(0).gave("Processed: a");
}

#[test]
fn ends_when_the_peer_closes_with_standard_input_still_open() {
    let addr = serve(|mut stream| drop(stream.write_all(b"bye")));
    netproto(&["send", &addr.to_string()]).stdin_open().run().code(0).gave("bye");
    // When what was typed was not all taken, that is a failure.
    let (addr, peer) = serve_one(|mut stream| {
        stream.read_exact(&mut [0; 1]).unwrap();
        reset(stream);
    });
    let mut process = netproto(&["send", &addr.to_string()]).stdin_open().spawn();
    process.say(b"a");
    peer.join().unwrap();
    process.wait().code(1).said("reset");
}

#[test]
fn sixty_four_mib_into_a_peer_that_closes_is_a_failure() {
    let (addr, peer) = serve_one(|mut stream| {
        stream.read_exact(&mut [0; 1]).unwrap();
    });
    let output = netproto(&["send", &addr.to_string()]).stdin(noise(64 << 20)).run();
    peer.join().unwrap();
    output.code(1);
    assert!(output.stderr.starts_with("netproto: "), "{output}");
}

#[test]
fn a_reset_is_a_failure_with_a_message() {
    let addr = serve(|mut stream| {
        stream.read_exact(&mut [0; 2]).unwrap();
        reset(stream);
    });
    netproto(&["send", &addr.to_string(), "hi"]).run().code(1).said("reset");
}

/// Whether the peer closes before or after our first piece is read from the file, it did not take it.
#[test]
fn what_a_peer_did_not_take_is_a_failure() {
    let addr = serve(drop);
    let folder = Folder::new("not-taken");
    let file = folder.join("file");
    std::fs::write(&file, noise(16 << 20)).unwrap();
    for _ in 0..10 {
        netproto(&["send", &addr.to_string(), "-f", &file]).run().code(1).said("netproto: ");
    }
    netproto(&["send", &addr.to_string()]).stdin(noise(16 << 20)).run().code(1).said("netproto: ");
}

/// Only the line ends go, where a framing puts its own.
#[test]
fn framed_input_is_cut_at_its_lines_and_nothing_else_is_lost() {
    let server = Server::start(&["serve-tcp", "0", "-P", "echo", "--framing", "netstring"]);
    let folder = Folder::new("framed-input");
    let (file, out) = (folder.join("in"), folder.join("out"));
    let input = [&noise(50_000)[..], b"a\r\nb\n\nc\r"].concat();
    std::fs::write(&file, &input).unwrap();
    netproto(&["send", &server.at(), "--framing", "netstring", "-f", &file, "-o", &out]).run().code(0);
    // Answers are one line each, so an empty one leaves no trace.
    let lines =
        |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect();
    let (came, said): (Vec<Vec<u8>>, Vec<Vec<u8>>) = (lines(&std::fs::read(out).unwrap()), lines(&input));
    assert!(came == said, "{} of {} lines", came.len(), said.len());
}

#[test]
fn several_answers_are_expected_as_they_are_printed() {
    let server = Server::start(&["serve-udp", "0"]);
    let args = ["send", "udp", &server.at(), "a", "b", "--expect", "Processed: a\\nProcessed: b"];
    netproto(&args).run().code(0).gave("Processed: a\nProcessed: b");
}

#[test]
fn an_endless_answer_ends_after_as_many_pieces_as_wanted() {
    let server = Server::start(&["serve-tcp", "0", "-P", "chargen"]);
    let output = netproto(&["send", &server.at(), "-P", "chargen", "--replies", "2"]).run();
    assert!(output.code(0).stdout.len() >= 2 * 74, "{output}");
}

#[test]
fn an_exchange_that_never_began_has_its_document() {
    let (_kept, addr) = refusing();
    let output = netproto(&["send", "tcp", &addr.to_string(), "-J"]).run();
    let error = output.code(1).json()["error"].as_str().map(str::to_owned).unwrap();
    assert!(error.contains("refused"), "{output}");
}

#[test]
fn refused_is_one_line_at_once() {
    let (_kept, addr) = refusing();
    let output = netproto(&["send", "tcp", &addr.to_string(), "hi"]).run();
    output.code(1).gave("").said("refused");
    assert!(output.took < Duration::from_secs(5), "{output}");
    let sentences = output.stderr.lines().filter(|line| line.starts_with("netproto: ")).count();
    let hints = output.stderr.lines().filter(|line| line.starts_with("hint: ")).count();
    assert!(sentences == 1 && sentences + hints == output.stderr.lines().count(), "{output}");
}

/// A server of another protocol would listen there, and still be of no use.
#[test]
fn where_nothing_listens_the_hint_serves_what_was_named() {
    let (_kept, addr) = refusing();
    let port = addr.port();
    let (at, url) = (addr.to_string(), format!("echo://{addr}"));
    for (args, serve) in [
        (&["send", "daytime", &at][..], format!("serve daytime {port}")),
        (&["send", &url, "hi"], format!("serve echo {port}")),
        (&["send", "tcp", &at, "hi", "-P", "echo"], format!("serve echo {port}")),
        (&["bench", "echo", &at, "-n", "1"], format!("serve echo {port}")),
        (&["bench", "udp", &at, "-n", "1", "-P", "echo"], format!("serve echo {port}")),
        (&["send", "tcp", &at, "hi"], format!("serve-tcp {port}")),
        (&["send", "raw", &at, "hi"], format!("serve-tcp {port}")),
    ] {
        netproto(args).run().code(1).said(&format!("hint: nothing listens there; `{serve}` would\n"));
    }
    netproto(&["send", "unix", "/nowhere/s", "hi", "-P", "echo"])
        .run()
        .code(1)
        .said("`serve-unix /nowhere/s -P echo` makes");
}

#[test]
fn silence_longer_than_w_is_exit_5() {
    // It takes everything, and says nothing until we give up.
    let addr = serve(|mut stream| {
        to_end(&mut stream);
        thread::park_timeout(PATIENCE);
    });
    let output = netproto(&["send", &addr.to_string(), "hi", "-w", "300ms"]).run();
    output.code(5).gave("");
    assert!(output.stderr.contains("300 ms"), "{output}");
    assert!(output.took >= Duration::from_millis(300), "{output}");
}

#[test]
fn a_closed_or_full_output_ends_it_at_once() {
    // A server that never stops talking.
    let server = Server::start(&["serve-tcp", "0", "-P", "chargen"]);
    let at = server.at();
    let (reader, writer) = std::io::pipe().unwrap();
    let mut process = netproto(&["send", &at]).stdout_to(writer).spawn();
    let mut line = String::new();
    BufReader::new(reader).read_line(&mut line).unwrap();
    let piped = process.wait();
    assert!(matches!(piped.code, 0 | 141) && piped.stderr.is_empty(), "{piped}");
    let full = netproto(&["send", &at]).stdout_file("/dev/full").run();
    full.code(1).said("no space");
    let full = netproto(&["send", &at, "-o", "/dev/full"]).run();
    full.code(1).said("no space");
    let closed =
        support::Run::program("sh").args(&["-c", "exec \"$0\" send \"$1\" >&-", env!("CARGO_BIN_EXE_netproto"), &at]).run();
    assert_ne!(closed.code, 0, "{closed}");
    assert!(!closed.stderr.contains("panicked"), "{closed}");
}

#[test]
fn replies_and_no_shutdown() {
    let server = Server::start(&["serve-tcp", "0", "-P", "echo", "--framing", "lines"]);
    let args = ["send", &server.at(), "a", "b", "c", "--framing", "lines", "--no-shutdown", "--replies", "3"];
    let output = netproto(&args).run();
    assert_eq!(output.code(0).text().split_whitespace().collect::<Vec<_>>(), ["a", "b", "c"], "{output}");
    // With --no-shutdown the peer sees no end of our input.
    let (addr, peer) = serve_one(|mut stream| {
        stream.read_exact(&mut [0; 2]).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let open = stream.read(&mut [0; 1]).is_err();
        stream.write_all(b"ok").unwrap();
        open
    });
    netproto(&["send", &addr.to_string(), "hi", "--no-shutdown"]).run().code(0).gave("ok");
    assert!(peer.join().unwrap(), "our end came although it was not to");
}

#[test]
fn a_protocol_that_knows_its_answers_end_ends_there() {
    // This one answers, and keeps the connection open whatever comes.
    let addr = serve(|mut stream| {
        let mut said = [0; 5];
        stream.read_exact(&mut said).unwrap();
        stream.write_all(&[b"Processed: ", &said[..]].concat()).unwrap();
        thread::park_timeout(PATIENCE);
    });
    let at = addr.to_string();
    netproto(&["send", &at, "-P", "processed", "hello"]).run().code(0).gave("Processed: hello");
    netproto(&["send", &at, "-P", "processed", "hello", "--no-shutdown"]).run().code(0).gave("Processed: hello");
    netproto(&["send", &at, "--replies", "1", "hello"]).run().code(0).gave("Processed: hello");
}

#[test]
fn expectations() {
    let server = Server::start(&["serve-tcp", "0"]);
    let at = server.at();
    for (args, code) in [
        (&["--expect", "Processed: hello"][..], 0),
        (&["--expect", "Processed: hallo"], 3),
        (&["--expect", "Processed: hel"], 3),
        (&["--expect-re", "^Processed: h.llo$"], 0),
        (&["--expect-re", "^h"], 3),
        (&["--expect-hex", "50726f6365737365643a2068656c6c6f"], 0),
        (&["--expect-hex", "00"], 3),
    ] {
        let output = netproto(&[&["send", &at, "hello"], args].concat()).run();
        output.code(code);
        assert_eq!(output.stderr.contains("not as expected"), code == 3, "{output}");
    }
    let output = netproto(&["send", &at, "hello", "--expect", "Processed: hallo"]).run();
    let diff: Vec<&str> = output.stderr.lines().collect();
    let expected = diff.iter().position(|line| line.contains("expected  Processed: hallo")).expect(&output.stderr);
    assert!(diff[expected + 1].contains("got       Processed: hello"), "{output}");
    let caret = diff[expected + 2].find('^').expect("a caret under the first difference");
    assert_eq!(caret, diff[expected].find("allo").unwrap(), "{output}");
}

#[test]
fn connect_only() {
    let (addr, peer) = serve_one(|mut stream| to_end(&mut stream));
    netproto(&["send", "-z", &addr.to_string()]).stdin_open().run().code(0).gave("");
    assert_eq!(peer.join().unwrap(), b"");
    let (_kept, addr) = refusing();
    netproto(&["send", "-z", &addr.to_string()]).run().code(1).said("refused");
}

#[test]
fn retries_until_the_server_is_there() {
    let (socket, addr) = refusing();
    let mut process = netproto(&["send", &addr.to_string(), "hi", "--retry", "100", "--retry-delay", "100ms", "-v"]).spawn();
    process.talk("refused");
    socket.listen(16).unwrap();
    let server = thread::spawn(move || answers(b"at last")(socket.accept().unwrap().0.into()));
    process.wait().code(0).gave("at last");
    server.join().unwrap();
    let (_kept, addr) = refusing();
    let output = netproto(&["send", &addr.to_string(), "hi", "--retry", "2", "--retry-delay", "1ms"]).run();
    output.code(1).said("refused");
}

#[test]
fn n_repeats_like_ping() {
    let server = Server::start(&["serve-tcp", "0"]);
    let output = netproto(&["send", &server.at(), "hi", "-n", "5", "--interval", "10ms"]).run();
    assert_eq!(output.code(0).text().matches("Processed: hi").count(), 5, "{output}");
    output.said("5 exchanges · 5 answered · 0 failed");
    let summary = output.stderr.lines().last().unwrap_or_default();
    for part in ["round trip", "min ", "max "] {
        assert!(summary.contains(part), "{part}\n{output}");
    }
}

#[test]
fn v_breaks_the_time_down() {
    let server = Server::start(&["serve-tcp", "0"]);
    let output = netproto(&["send", &format!("localhost:{}", server.port()), "hello", "-v"]).run();
    output.code(0).gave("Processed: hello");
    for part in ["resolve", "connect", "from", "sent", "5 B", "received", "16 B", "first", "total"] {
        assert!(output.stderr.contains(part), "{part}\n{output}");
    }
    if cfg!(target_os = "linux") {
        output.said("rtt").said("cwnd").said("retransmits");
    }
}

#[test]
fn hex_json_and_quiet() {
    let server = Server::start(&["serve-tcp", "0"]);
    let at = server.at();
    let hex = netproto(&["send", &at, "hello", "-x"]).run();
    assert!(hex.code(0).text().contains("50 72 6f 63 65 73 73 65"), "{hex}");
    netproto(&["send", &at, "hello", "-q"]).run().code(0).gave("");
    let json = netproto(&["send", &at, "-J", r"\x00\xff\x1b"]).run();
    let value = json.code(0).json();
    assert!(value.is_object() && value.get("schema_version").is_some(), "{json}");
    assert!(!json.stdout.contains(&0x1b), "{json}");
}

#[test]
fn our_own_address_and_half_close_reach_the_peer() {
    let (addr, peer) = serve_one(|mut stream| {
        let who = stream.peer_addr().unwrap();
        let all = to_end(&mut stream);
        // Only after our end has come is this said.
        stream.write_all(b"answered").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        (who.ip().to_string(), all)
    });
    netproto(&["send", &addr.to_string(), "x", "y", "-s", "127.0.0.3"]).run().code(0).gave("answered");
    assert_eq!(peer.join().unwrap(), ("127.0.0.3".to_owned(), b"xy".to_vec()));
}

#[test]
fn sixty_four_mib_each_way() {
    let server = Server::start(&["serve-tcp", "0", "-P", "echo"]);
    let folder = Folder::new("send-bulk");
    let data = noise(64 << 20);
    let (file, out) = (folder.file("in", &data), folder.join("out"));
    let mut process = netproto(&["send", &server.at(), "-f", &file, "-o", &out]).spawn();
    process.wait().code(0);
    assert!(std::fs::read(out).unwrap() == data, "what came back differs");
    let peak = support::proc::peak_kib(server.process.pid);
    assert!(peak < 64 << 10, "the server took {peak} KiB");
    let _ = net::connect(server.addr());
}
