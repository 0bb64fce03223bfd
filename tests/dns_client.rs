//! The client of `dns` with servers that do not do as they should, with lists of questions, and with a person at the keyboard.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, UdpSocket},
    thread,
    time::{Duration, Instant},
};

use support::{Folder, Server, netproto, pty::on_a_terminal};

/// A server of a zone with answers that fit no datagram, over both.
fn server(name: &str) -> (Folder, Server) {
    let folder = Folder::new(name);
    let mut zone = String::from("$ORIGIN example.test.\n$TTL 60\n@ SOA ns host 1 2 3 4 5\n MX 10 mail\nwww A 192.0.2.1\n");
    (0..100).for_each(|n| writeln!(zone, "big A 10.0.0.{n}\nlarge A 10.1.0.{n}").unwrap());
    zone.push_str("alias CNAME other\nother CNAME nowhere\n");
    let server = Server::start(&["serve", "dns", "0", "-p", &format!("zone={}", folder.file("zone.txt", zone))]);
    server.log("listening on tcp [::1]:");
    (folder, server)
}

/// The answer to this question: its number and itself, with 192.0.2.9.
fn answer(question: &[u8]) -> Vec<u8> {
    let end = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    let mut answer = question[..end].to_vec();
    answer[2..12].copy_from_slice(&[0x81, 0, 0, 1, 0, 1, 0, 0, 0, 0]);
    answer.extend_from_slice(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x09");
    answer
}

/// A server whose datagrams are these, and which answers over a stream, or only listens.
fn odd(datagrams: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static, stream: bool) -> SocketAddr {
    let (listener, socket) = loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        if let Ok(socket) = UdpSocket::bind(listener.local_addr().unwrap()) {
            break (listener, socket);
        }
    };
    let at = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((n, peer)) = socket.recv_from(&mut buffer) {
            datagrams(&buffer[..n]).iter().for_each(|datagram| _ = socket.send_to(datagram, peer).unwrap());
        }
    });
    thread::spawn(move || {
        while let Ok((mut peer, _)) = listener.accept() {
            thread::spawn(move || {
                let mut length = [0; 2];
                while stream && peer.read_exact(&mut length).is_ok() {
                    let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
                    peer.read_exact(&mut question).unwrap();
                    let answer = answer(&question);
                    peer.write_all(&[&(answer.len() as u16).to_be_bytes()[..], &answer].concat()).unwrap();
                }
                let _ = peer.read_to_end(&mut Vec::new());
            });
        }
    });
    at
}

/// A header alone that says that there is more, as NSD's to ANY.
fn cut(question: &[u8]) -> Vec<Vec<u8>> {
    vec![[&question[..2], &[0x87, 0, 0, 0, 0, 0, 0, 0, 0, 0]].concat()]
}

#[test]
fn a_truncated_answer_need_not_repeat_its_question() {
    let at = odd(cut, true).to_string();
    netproto(&["send", "dns", &at, "a.test"]).run().code(0).gave("192.0.2.9\n");
}

#[test]
fn where_nobody_answers_over_tcp_the_wait_has_an_end() {
    let (at, begun) = (odd(cut, false).to_string(), Instant::now());
    netproto(&["send", "dns", &at, "a.test"]).run().code(5).said("nothing came for 1.00 s");
    netproto(&["send", "dns", &at, "a.test", "-w", "100ms"]).run().code(5).said("nothing came for 100 ms");
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn every_truncated_answer_of_several_is_asked_for_over_tcp() {
    let (folder, server) = server("dns-several");
    let list = "www.example.test\nbig.example.test\nexample.test MX\nlarge.example.test\n";
    let file = folder.file("list.txt", list);
    let listed = netproto(&["send", "dns", &server.at(), "-f", &file]).run();
    let read = netproto(&["send", "dns", &server.at()]).stdin(list).run();
    for output in [listed, read] {
        let text = output.code(0).text();
        let mut lines: Vec<_> = text.lines().collect();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), 202, "{output}");
        assert_eq!(output.stderr, "");
    }
    let document = netproto(&["send", "dns", &server.at(), "-f", &file, "-J"]).run().code(0).json();
    assert_eq!((&document["answers"], &document["messages_sent"]), (&4.into(), &4.into()), "{document}");
    assert_eq!(document["records"].as_array().map(Vec::len), Some(4), "each answer once: {document}");
}

#[test]
fn a_conversation_goes_on_after_an_answer_that_was_cut_and_after_a_mistake() {
    let (_folder, server) = server("dns-typed");
    let mut person = on_a_terminal(&["send", "dns", &server.at()]);
    person.send_line("big.example.test").unwrap();
    person.exp_string("10.0.0.99").unwrap();
    person.send_line("").unwrap();
    person.send_line("a b c").unwrap();
    person.exp_string("\"a b c\" is no NAME [TYPE]").unwrap();
    person.send_line("nope.example.test").unwrap();
    person.exp_string("there is no name nope.example.test.").unwrap();
    person.send_line("www.example.test").unwrap();
    person.exp_string("192.0.2.1").unwrap();
    person.send_control('d').unwrap();
    person.exp_string("1 of 3 requests failed").unwrap();
}

#[test]
fn each_question_that_fails_is_told() {
    let (folder, server) = server("dns-each");
    let list = folder.file("list.txt", "nope.example.test\nwww.example.test\na.invalid\nexample.test MX\n");
    let output = netproto(&["send", "dns", &server.at(), "-f", &list]).run();
    output
        .code(3)
        .said("NXDOMAIN: there is no name nope.example.test.\n")
        .said("REFUSED: the server does not answer for a.invalid.\n");
    output.said("2 of 4 requests failed").gave("192.0.2.1\n10 mail.example.test.\n");
    let alias = netproto(&["send", "dns", &server.at(), "alias.example.test"]).run();
    alias.code(3).said("NXDOMAIN: there is no name nowhere.example.test., and alias.example.test. stands for it");
}

#[test]
fn what_answers_nothing_is_passed_over_and_told() {
    let wrong = |question: &[u8]| {
        let mut numbered = answer(question);
        numbered[0] ^= 1;
        let mut named = answer(question);
        named[13] ^= 1;
        vec![b"short".to_vec(), question.to_vec(), numbered, named]
    };
    let at = odd(move |question| [wrong(question), vec![answer(question)]].concat(), false).to_string();
    let told = netproto(&["send", "dns", &at, "a.test", "-v"]).run();
    told.code(0).gave("192.0.2.9\n").said("5 bytes are ignored: it is no DNS message");
    told.said("are ignored: it is a question").said("are ignored: no question of ours has its number");
    told.said("are ignored: it has the number of another question");
    let at = odd(move |question| vec![wrong(question).remove(2)], false).to_string();
    let nothing = netproto(&["send", "dns", &at, "a.test", "-w", "200ms"]).run();
    nothing.code(5).said("40 B came within 200 ms, and none of it answers").said("hint: -v shows what came");
}

#[test]
fn lists_hold_empty_lines_and_comments_and_errors_name_the_line() {
    let (folder, server) = server("dns-lists");
    let list = "; of ours\n\nwww.example.test\n  \n# and of others\nexample.test MX\n";
    let good = folder.file("good.txt", list);
    netproto(&["send", "dns", &server.at(), "-f", &good]).run().code(0).gave("192.0.2.1\n10 mail.example.test.\n");
    netproto(&["bench", "dns", &server.at(), "-f", &good, "-n", "10", "-q"]).run().code(0);
    let bad = folder.file("bad.txt", format!("{list}a b c\n"));
    netproto(&["send", "dns", &server.at(), "-f", &bad]).run().code(2).said("line 7: \"a b c\" is no NAME [TYPE]");
}

#[test]
fn what_has_no_name_of_its_own_is_shown_as_dig_shows_it() {
    let odd_answer = |question: &[u8]| {
        let mut answer = answer(question);
        let at = answer.len() - 14;
        answer.truncate(at);
        answer.extend_from_slice(b"\xff\x01\0\x01\0\0\0\x3c\0\x02\xab\xcd");
        answer[3] |= 15;
        vec![answer]
    };
    let at = odd(odd_answer, false).to_string();
    let output = netproto(&["send", "dns", &at, "a.test"]).run();
    output.code(3).gave("\\# 2 ABCD\n").said("RCODE 15: the server did not answer for a.test.");
}

#[test]
fn the_one_client_of_once_may_ask_again_over_tcp() {
    let folder = Folder::new("dns-once");
    let mut zone = String::from("$ORIGIN example.test.\n$TTL 60\n@ SOA ns host 1 2 3 4 5\n");
    (0..100).for_each(|n| writeln!(zone, "big A 10.0.0.{n}").unwrap());
    let zone = format!("zone={}", folder.file("zone.txt", zone));
    let mut server = Server::start(&["serve", "dns", "127.0.0.1:0", "-1", "-i", "2s", "-p", &zone]);
    server.log("listening on udp 127.0.0.1:");
    let output = netproto(&["send", "dns", &server.at(), "big.example.test"]).run();
    assert_eq!(output.code(0).text().lines().count(), 100);
    server.process.wait().code(0).said("stopped · 1 peer · 1 connection");
}
