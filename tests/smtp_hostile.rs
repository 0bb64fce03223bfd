//! `smtp` among those who mean it no good, and among those who make mistakes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::io::{Read as _, Write as _};

use support::{PATIENCE, Server, net, netproto};

/// Says this, and gives all that is answered until the server closes.
fn dialogue(server: &Server, said: &[u8]) -> String {
    String::from_utf8(net::exchange(server.addr(), said)).unwrap()
}

#[test]
fn no_password_is_logged_however_it_comes() {
    let mut server =
        Server::start(&["serve-tcp", "0", "-P", "smtp", "-vv", "-p", "user=a:b", "-p", "allow-plain-auth=true"]);
    for said in
        ["AUTH @@ c2VjcmV0", "auth  PLAIN c2VjcmV0 c2VjcmV0", "AUTH PLAIN \x01c2VjcmV0", "AUTH LOGIN\r\n\x01c2VjcmV0"]
    {
        let answers = dialogue(&server, format!("EHLO me\r\n{said}\r\nQUIT\r\n").as_bytes());
        assert!(answers.ends_with("\r\n221 2.0.0 good bye\r\n"), "{said:?}: {answers}");
    }
    let log = server.stop().code(0).stderr.clone();
    assert!(log.contains("AUTH ***") && !log.contains("c2VjcmV0"), "{log}");
}

#[test]
fn a_server_that_takes_no_passwords_says_so_to_who_needs_one() {
    let server = Server::start(&["serve-tcp", "0", "-P", "smtp", "-p", "user=a:b"]);
    let answers = dialogue(&server, b"EHLO me\r\nMAIL FROM:<a@x>\r\nQUIT\r\n");
    assert!(answers.contains("530 5.7.0 AUTH comes first, and needs -p allow-plain-auth=true here\r\n"), "{answers}");
}

#[test]
fn a_name_can_not_break_out_of_a_command() {
    for name in ["x\r\nMAIL FROM:<evil@x>", "x y", "", "x>", "ä"] {
        for words in [&["send", "smtp", "127.0.0.1:1", "--hostname", name][..], &["serve", "smtp", "0", "-p"]] {
            let given = format!("hostname={name}");
            let more = if words[0] == "serve" { &[&*given][..] } else { &[] };
            netproto(&[words, more].concat()).run().code(2).said("a name or an address is needed");
        }
    }
}

#[test]
fn a_reply_without_end_is_cut_off() {
    let (at, served) = net::serve_one(|mut stream| {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let lines = b"250-\n".repeat(20_000);
        // It ends when the client has gone.
        while stream.write_all(&lines).is_ok() {}
    });
    let sent = netproto(&["send", "smtp", &at.to_string(), "hi"]).run();
    sent.code(1).said("reply").said("over the limit of 65536");
    served.join().unwrap();
}

/// Once refused, a connection is of no use: it is given up, and not failed on again and again.
#[test]
fn a_bench_does_not_spin_on_a_refusal() {
    let (at, served) = net::serve_one(|mut stream| {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"554 no\r\n").unwrap();
        let mut said = String::new();
        let _ = stream.read_to_string(&mut said);
        said
    });
    let report = netproto(&["bench", "smtp", &at.to_string(), "-c", "1", "-d", "500ms", "-J"]).run();
    let json = report.code(1).json();
    let wrong = support::report::count(&json, "/failures/wrong_reply");
    assert!((1..=20).contains(&wrong), "{report}");
    assert_eq!(served.join().unwrap(), "QUIT\r\n");
}

/// What follows a size that can't be read is a chunk, and none of the commands.
#[test]
fn a_chunk_without_a_size_smuggles_nothing() {
    let server = Server::start(&["serve-tcp", "0", "-P", "smtp"]);
    let head = "EHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\n";
    for size in ["99999999999999999999 LAST", "+5", "0x5", "5 FOO", "", "5\x01", "-1", "18446744073709551616"] {
        let answers = dialogue(&server, format!("{head}BDAT {size}\r\nRSET\r\nVRFY evil\r\nQUIT\r\n").as_bytes());
        let after: Vec<_> = answers.split("250 2.1.5 recipient taken\r\n").nth(1).unwrap().lines().collect();
        assert_eq!(after.len(), 1, "{size:?}: {answers}");
        assert!(after[0].starts_with("501 5.5.4 ") && after[0].ends_with("; closing"), "{size:?}: {answers}");
    }
}

/// With PIPELINING they were all said before the first was answered.
#[test]
fn what_stands_behind_a_refused_sender_is_no_nonsense() {
    let server = Server::start(&["serve-tcp", "0", "-P", "smtp", "-p", "reject-from=^spam"]);
    for mail in ["MAIL FROM:<spam@x>", "MAIL FROM:<a@x> SIZE=99999999999"] {
        let rcpts = "RCPT TO:<b@y>\r\n".repeat(15);
        let answers = dialogue(&server, format!("EHLO me\r\n{mail}\r\n{rcpts}DATA\r\nRSET\r\nQUIT\r\n").as_bytes());
        assert_eq!(answers.matches("503 5.5.1 ").count(), 16, "{answers}");
        assert!(answers.ends_with("250 2.0.0 forgotten\r\n221 2.0.0 good bye\r\n"), "{answers}");
    }
    // After RSET they make no sense again.
    let rcpts = "RCPT TO:<b@y>\r\n".repeat(15);
    let answers = dialogue(&server, format!("EHLO me\r\nMAIL FROM:<spam@x>\r\nRSET\r\n{rcpts}").as_bytes());
    assert!(answers.ends_with("421 4.7.0 too many commands that make no sense; closing\r\n"), "{answers}");
}

#[test]
fn an_address_may_stand_in_place_of_a_domain() {
    let server = Server::start(&["serve-tcp", "0", "-P", "smtp", "-p", "reject-rcpt=^no@\\[127"]);
    for (address, answer) in [
        ("a@[127.0.0.1]", "250 "),
        ("a@[IPv6:::1]", "250 "),
        ("a@[ipv6:2001:db8::1]", "250 "),
        ("\"a b@[x\"@[127.0.0.1]", "250 "),
        ("no@[127.0.0.1]", "550 "),
        ("a@[127.0.0.1", "553 "),
        ("a@[127.0.0.300]", "553 "),
        ("a@[::1]", "553 "),
        ("a@[x]y", "553 "),
        ("[127.0.0.1]", "553 "),
    ] {
        let answers = dialogue(&server, format!("EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<{address}>\r\nQUIT\r\n").as_bytes());
        let answer_to = answers.split("sender taken\r\n").nth(1).unwrap();
        assert!(answer_to.starts_with(answer), "{address}: {answers}");
    }
    let sent = netproto(&["send", "smtp", &server.at(), "--from", "a@[127.0.0.1]", "--to", "b@[IPv6:::1]", "hi"]).run();
    sent.code(0).gave("b@[IPv6:::1]: taken, 250 2.1.5 recipient taken\nmessage: taken, 250 2.0.0 taken, and thrown away\n");
}

/// What the server has said that it does not take is not offered again and again as fast as the machine can.
#[test]
fn a_bench_does_not_spin_on_a_refusal_of_its_own() {
    let server = Server::start(&["serve-tcp", "0", "-P", "smtp", "-p", "max-size=100"]);
    let report = netproto(&["bench", "smtp", &server.at(), "-l", "1k", "-c", "1", "-d", "1s", "-J"]).run();
    let json = report.code(1).json();
    let wrong = support::report::count(&json, "/failures/wrong_reply");
    assert!((1..=50).contains(&wrong), "{report}");
    let sent = support::report::count(&json, "/bytes_sent");
    assert!(sent < 200, "no RSET for what was never begun: {sent} bytes\n{report}");
}

/// All lines of an answer have one code.
#[test]
fn an_answer_of_two_codes_is_none() {
    let (at, served) = net::serve_one(|mut stream| {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"220-x\r\n550 ok\r\n").unwrap();
        let _ = stream.read(&mut [0; 512]);
    });
    let sent = netproto(&["send", "smtp", &at.to_string(), "hi"]).run();
    sent.code(1).said("550").said("220");
    served.join().unwrap();
}

#[test]
fn a_refused_sender_is_all_that_is_told() {
    let server = Server::start(&["serve-tcp", "0", "-P", "smtp", "-p", "reject-from=^spam"]);
    let sent = netproto(&["send", "smtp", &server.at(), "--from", "spam@x", "--to", "b@y", "hi"]).run();
    sent.code(3).gave("sender: refused, 550 5.7.1 this sender is refused\n");
}
