//! `dns` as people use it: the server asked by `dig` and by our client, zones that are none, and loads.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fmt::Write as _,
    net::{SocketAddr, UdpSocket},
};

use support::{
    Folder, Output, Server, netproto, peer,
    report::{count, hold_against_the_schema},
};

/// With more addresses than a datagram holds.
fn zone() -> String {
    let mut zone = String::from(
        "$ORIGIN example.test.\n$TTL 3600\n@ SOA ns host (7 ; serial\n 3600 600 86400 60)\n NS ns\n MX 10 mail\n TXT \"a \\\"b\\\"\" c\n\
         ns A 127.0.0.1\nwww A 192.0.2.1\n AAAA 2001:db8::1\nalias CNAME www\n*.wild A 192.0.2.7\n_sip._udp SRV 1 2 5060 www\n\
         1.2.0.192.rev PTR www\n",
    );
    (0..100).for_each(|n| writeln!(zone, "big A 10.0.0.{n}").unwrap());
    zone
}

/// Both servers of one zone; `extra` goes to both.
fn servers(name: &str, extra: &[&str]) -> (Folder, Server, Server) {
    let folder = Folder::new(name);
    let zone = format!("zone={}", folder.file("zone.txt", zone()));
    let start = |command: &str| Server::start(&[&[command, "0", "-P", "dns", "-p", &zone], extra].concat());
    let (udp, tcp) = (start("serve-udp"), start("serve-tcp"));
    (folder, udp, tcp)
}

fn dig(port: u16, words: &[&str]) -> Option<Output> {
    let port = port.to_string();
    let args = ["+norecurse", "+tries=1", "+time=10", "-p", &port, "@127.0.0.1"];
    Some(peer("dig")?.args(&[&args[..], words].concat()).run())
}

#[test]
fn dig_reads_every_type() {
    let (_folder, udp, tcp) = servers("dns-dig", &[]);
    for (server, transport) in [(&udp, "+notcp"), (&tcp, "+tcp")] {
        for (name, rtype, answer) in [
            ("www", "A", "192.0.2.1\n"),
            ("www", "AAAA", "2001:db8::1\n"),
            ("", "MX", "10 mail.example.test.\n"),
            ("", "TXT", "\"a \\\"b\\\"\" \"c\"\n"),
            ("", "NS", "ns.example.test.\n"),
            ("", "SOA", "ns.example.test. host.example.test. 7 3600 600 86400 60\n"),
            ("alias", "CNAME", "www.example.test.\n"),
            ("alias", "A", "www.example.test.\n192.0.2.1\n"),
            ("_sip._udp", "SRV", "1 2 5060 www.example.test.\n"),
            ("1.2.0.192.rev", "PTR", "www.example.test.\n"),
            ("any.thing.wild", "A", "192.0.2.7\n"),
            ("www", "ANY", "\"RFC8482\" \"\"\n"),
            ("www", "MX", ""),
        ] {
            let name = format!("{name}.example.test").trim_start_matches('.').to_owned();
            let Some(dug) = dig(server.port(), &["+short", transport, &name, rtype]) else { return };
            dug.code(0).gave(answer);
            // And the client that we are says the same.
            let by = if transport == "+tcp" { "tcp" } else { "udp" };
            netproto(&["send", by, &server.at(), "-P", "dns", &name, rtype]).run().code(0).gave(answer);
        }
    }
}

#[test]
fn dig_is_told_what_there_is_not() {
    let (_folder, udp, _tcp) = servers("dns-not", &["-p", "ttl=5s"]);
    for (words, wanted) in [
        (&["nope.example.test"][..], &["status: NXDOMAIN", "example.test.\t\t5\tIN\tSOA"][..]),
        (&["www.example.test"], &["status: NOERROR", "flags: qr aa;", "udp: 1232", "\t5\tIN\tA"]),
        (&["www.example.invalid"], &["status: REFUSED"]),
        (&["+opcode=notify", "example.test"], &["status: NOTIMP"]),
        (&["+edns=1", "+noednsneg", "example.test"], &["status: BADVERS"]),
        (&["+noedns", "+ignore", "big.example.test"], &["flags: qr aa tc;", "MSG SIZE  rcvd: 34"]),
        (&["+bufsize=4096", "+ignore", "big.example.test"], &["flags: qr aa tc;"]),
        (&["-c", "CH", "-t", "TXT", "version.bind"], &["status: REFUSED"]),
    ] {
        let Some(dug) = dig(udp.port(), words) else { return };
        let text = dug.text();
        assert!(wanted.iter().all(|part| text.contains(part)), "{words:?}: {dug}");
    }
}

/// On one port, over both.
fn server(name: &str) -> (Folder, Server) {
    let folder = Folder::new(name);
    let server = Server::start(&["serve", "dns", "0", "-p", &format!("zone={}", folder.file("zone.txt", zone()))]);
    server.log("listening on tcp [::1]:");
    (folder, server)
}

#[test]
fn a_truncated_answer_is_asked_for_over_tcp() {
    let (folder, server) = server("dns-cut");
    let at = server.at();
    let ask = |more: &[&str]| netproto(&[&["send", "dns", &at, "big.example.test"], more].concat()).run();
    let whole = ask(&[]);
    assert_eq!(whole.code(0).text().lines().count(), 100);
    assert_eq!(whole.stderr, "");
    let told = ask(&["-v"]);
    told.code(0).said("< ;; flags: qr aa tc rd; QUERY: 1, ANSWER: 0,").said("elsewhere  truncated; asked again over tcp");
    told.said("< ;; flags: qr aa rd; QUERY: 1, ANSWER: 100,").said("< big.example.test.         3600 IN A     10.0.0.99");
    assert!(told.stderr.lines().all(|line| line.len() <= 80), "{told}");
    let document = ask(&["-J"]).code(0).json();
    assert_eq!(document["target"], format!("tcp {at}"));
    assert_eq!(count(&document, "/records/0/answers/99/ttl_s"), 3600);
    let listed = netproto(&["send", "dns", &at, "-f", &folder.file("one.txt", "big.example.test\n")]).run();
    assert_eq!(listed.code(0).text().lines().count(), 100);
}

#[test]
fn where_nobody_answers_over_tcp_that_is_told() {
    let folder = Folder::new("dns-udp-only");
    let udp = Server::start(&["serve-udp", "0", "-P", "dns", "-p", &format!("zone={}", folder.file("zone.txt", zone()))]);
    let cut = netproto(&["send", "dns", &udp.at(), "big.example.test", "-v"]).run();
    cut.code(1)
        .gave("")
        .said("elsewhere  truncated; asked again over tcp")
        .said(&format!("tcp {}: connection refused", udp.at()));
}

#[test]
fn what_is_not_there_is_told() {
    let (_folder, server) = server("dns-not-there");
    let send = |words: &[&str]| netproto(&[&["send", "dns", &server.at()], words].concat());
    send(&["nope.example.test"]).run().code(3).gave("").said("NXDOMAIN: there is no name nope.example.test.");
    let other = netproto(&["send", "tcp", &server.at(), "-P", "dns", "example.invalid"]).run();
    other.code(3).said("REFUSED: the server does not answer for example.invalid.");
    let input = send(&[]).stdin("www.example.test\r\nexample.test MX\n").run();
    input.code(0).gave("192.0.2.1\n10 mail.example.test.\n");
    send(&["a", "b", "c"]).run().code(2).said("\"a b c\" is no NAME [TYPE]");
}

#[test]
fn a_message_is_shown_in_full() {
    let (_folder, server) = server("dns-full");
    let send = |words: &[&str]| netproto(&[&["send", "dns", &server.at()], words].concat()).run();
    let told = send(&["alias.example.test", "AAAA", "-v"]);
    told.code(0).gave("www.example.test.\n2001:db8::1\n");
    for line in [
        "> ;; opcode: QUERY, status: NOERROR, id: ",
        "> ;; flags: rd; QUERY: 1, ANSWER: 0, AUTHORITY: 0, ADDITIONAL: 1",
        "> ;alias.example.test. IN AAAA",
        "< ;; flags: qr aa rd; QUERY: 1, ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 1",
        "< alias.example.test.       3600 IN CNAME www.example.test.",
        "< www.example.test.         3600 IN AAAA  2001:db8::1",
    ] {
        told.said(line);
    }
    let document = send(&["nope.example.test", "-J"]).code(3).json();
    let record = &document["records"][0];
    assert_eq!((&record["record"], &record["rcode"]), (&"answer".into(), &"NXDOMAIN".into()));
    assert_eq!(record["question"]["name"], "nope.example.test.");
    assert_eq!(record["authority"][0]["type"], "SOA");
    assert_eq!(record["flags"], serde_json::json!(["qr", "aa", "rd"]));
}

#[test]
fn a_bad_zone_is_told_before_anything_is_served() {
    let folder = Folder::new("dns-bad");
    let bad = folder.file("bad.txt", "$ORIGIN a.test.\n$TTL 60\n@ SOA ns host 1 2 3 4 5\nwww A 1.2.3\n");
    let serve = |zone: &str| netproto(&["serve-udp", "0", "-P", "dns", "-p", &format!("zone={zone}")]).run();
    serve(&bad).code(2).said("bad.txt, line 4: ");
    serve(&folder.join("none.txt")).code(1).said("none.txt: no such file");
    serve(&folder.file("bytes.txt", b"\xff")).code(2).said("bytes.txt, line 1: ");
    let big = folder.join("big.txt");
    std::fs::File::create(&big).unwrap().set_len(17 << 20).unwrap();
    serve(&big).code(2).said("big.txt has more than 16,777,216 bytes, the limit");
    let exposed = netproto(&["serve-udp", "0.0.0.0:0", "-P", "dns"]).run();
    exposed.code(2).said("dns over udp amplifies").said("--allow-amplification");
}

#[test]
fn a_load_of_questions_is_checked() {
    let (folder, udp, tcp) = servers("dns-bench", &[]);
    let list = folder.file("list.txt", "www.example.test\n\nwww.example.test AAAA\r\nbig.example.test MX\nexample.test\n");
    for (transport, at) in [("udp", udp.at()), ("tcp", tcp.at())] {
        let bench = |words: &[&str]| {
            let args = ["bench", transport, &at, "-P", "dns", "-n", "400", "--in-flight", "8", "-J"];
            let run = netproto(&[&args[..], words].concat()).run();
            let report = run.json();
            hold_against_the_schema(&report);
            assert_eq!(run.code == 0, count(&report, "/requests") > 0, "{run}");
            let refused = report.pointer("/failures/refused").and_then(serde_json::Value::as_u64).unwrap_or(0);
            let none = report.pointer("/failures/nxdomain").and_then(serde_json::Value::as_u64).unwrap_or(0);
            (count(&report, "/requests"), count(&report, "/failures/total"), none, refused)
        };
        assert_eq!(bench(&["-f", &list]), (400, 0, 0, 0), "{transport}");
        assert_eq!(bench(&[]), (400, 0, 0, 0), "{transport}: the example");
        assert_eq!(bench(&["nope.example.test"]), (0, 400, 400, 0), "{transport}");
        assert_eq!(bench(&["a.invalid"]), (0, 400, 0, 400), "{transport}");
    }
    netproto(&["bench", "udp", "-P", "dns", "-n", "100", "-q"]).run().code(0).said("");
    let elsewhere = netproto(&["bench", "udp", &udp.at(), "-P", "dns", "-n", "10", "a.invalid"]).run();
    assert!(elsewhere.text().contains("hint: it may serve another zone: ask for a name that it knows"), "{elsewhere}");
    let cut = netproto(&["bench", "udp", &udp.at(), "-P", "dns", "-n", "10", "-J", "big.example.test"]).run();
    assert_eq!(count(&cut.json(), "/failures/truncated"), 10);
    let length = netproto(&["bench", "udp", "-P", "dns", "-l", "9"]).run();
    length.code(2).said("--length is for messages of any bytes, and here each is NAME [TYPE]");
}

/// A server that answers in its own order: what begins with `lost` never, `late` when the next such question comes, and all
/// others in pairs, the second first.
fn unruly() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut held, mut first, mut buffer) = (None, None, [0; 512]);
        while let Ok((n, peer)) = socket.recv_from(&mut buffer) {
            let mut answer = buffer[..n].to_vec();
            answer[2] |= 0x80;
            let ready = match &answer[13..17] {
                b"lost" => vec![],
                b"late" => held.replace(answer).into_iter().collect(),
                b"pair" if first.is_none() => {
                    first = Some(answer);
                    vec![]
                }
                b"pair" => [answer].into_iter().chain(first.take()).collect(),
                _ => vec![answer],
            };
            for answer in ready {
                socket.send_to(&answer, peer).unwrap();
            }
        }
    });
    at
}

#[test]
fn what_is_lost_or_late_is_counted_and_order_does_not_matter() {
    let (folder, at) = (Folder::new("dns-unruly"), unruly().to_string());
    let bench = |list: &str, more: &[&str]| {
        let list = folder.file("list.txt", list);
        let run = netproto(&[&["bench", "dns", &at, "-c", "1", "-f", &list, "-J"], more].concat()).run();
        let report = run.code(0).json();
        hold_against_the_schema(&report);
        ["/requests", "/failures/total", "/datagrams/lost", "/datagrams/late"].map(|path| count(&report, path))
    };
    let list = "www.test\nlost.test\nlate.test\n";
    assert_eq!(bench(list, &["-n", "30", "--in-flight", "1", "-w", "100ms"]), [10, 20, 11, 9]);
    assert_eq!(bench("pair.test\n", &["-n", "400", "--in-flight", "10"]), [400, 0, 0, 0]);
}

#[test]
fn a_server_records_each_question_over_both_transports() {
    let folder = Folder::new("dns-records");
    let zone = format!("zone={}", folder.file("zone.txt", zone()));
    for (command, by) in [("serve-udp", "udp"), ("serve-tcp", "tcp")] {
        let mut server = Server::start(&[command, "127.0.0.1:0", "-P", "dns", "-p", &zone, "-J"]);
        netproto(&["send", by, &server.at(), "-P", "dns", "www.example.test"]).run().code(0);
        netproto(&["send", by, &server.at(), "-P", "dns", "nope.example.test", "MX"]).run().code(3);
        let log = server.stop();
        let text = log.text();
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let questions: Vec<_> = lines.filter(|line| line["event"] == "question").collect();
        let told: Vec<_> =
            questions.iter().map(|q| format!("{} {} {} {}", q["name"], q["type"], q["rcode"], q["answers"])).collect();
        let wanted = ["\"www.example.test.\" \"A\" \"NOERROR\" 1", "\"nope.example.test.\" \"MX\" \"NXDOMAIN\" 0"];
        assert_eq!(told, wanted, "{by}: {log}");
        assert!(
            questions.iter().all(|question| question["peer"].as_str().is_some_and(|peer| peer.starts_with("127.0.0.1:")))
        );
    }
}
