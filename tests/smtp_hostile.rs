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
