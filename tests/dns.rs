//! `dns` as people use it: the server asked by `dig`, the client asking dnspython, the load generator in between.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::fmt::Write as _;

use support::{
    Folder, Output, Process, Server, netproto, peer,
    peer::dnspython,
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

#[test]
fn a_truncated_answer_is_told_and_tcp_carries_it() {
    let (_folder, udp, tcp) = servers("dns-cut", &[]);
    let cut = netproto(&["send", "udp", &udp.at(), "-P", "dns", "big.example.test"]).run();
    cut.code(3).said("the answer about big.example.test. A was truncated").said("hint: ask over tcp");
    let whole = netproto(&["send", "tcp", &tcp.at(), "-P", "dns", "big.example.test"]).run();
    assert_eq!(whole.code(0).text().lines().count(), 100);
    let missing = netproto(&["send", "udp", &udp.at(), "-P", "dns", "nope.example.test"]).run();
    missing.code(3).gave("").said("NXDOMAIN: there is no name nope.example.test.");
    let other = netproto(&["send", "tcp", &tcp.at(), "-P", "dns", "example.invalid"]).run();
    other.code(3).said("REFUSED: the server does not answer for example.invalid.");
    let input = netproto(&["send", "udp", &udp.at(), "-P", "dns"]).stdin("www.example.test\r\nexample.test MX\n").run();
    input.code(0).gave("192.0.2.1\n10 mail.example.test.\n");
    let unsayable = netproto(&["send", "udp", &udp.at(), "-P", "dns", "a", "b", "c"]).run();
    unsayable.code(2).said("\"a b c\" is no NAME [TYPE]");
}

#[test]
fn a_bad_zone_is_told_before_anything_is_served() {
    let folder = Folder::new("dns-bad");
    let bad = folder.file("bad.txt", "$ORIGIN a.test.\n$TTL 60\n@ SOA ns host 1 2 3 4 5\nwww A 1.2.3\n");
    let serve = |zone: &str| netproto(&["serve-udp", "0", "-P", "dns", "-p", &format!("zone={zone}")]).run();
    serve(&bad).code(2).said("bad.txt: zone: line 4: ");
    serve(&folder.join("none.txt")).code(1).said("none.txt: no such file");
    serve(&folder.file("bytes.txt", b"\xff")).code(2).said("bytes.txt is no text in UTF-8");
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
            (count(&report, "/requests"), count(&report, "/failures/total"), count(&report, "/failures/wrong_reply"))
        };
        assert_eq!(bench(&["-f", &list]), (400, 0, 0), "{transport}");
        assert_eq!(bench(&[]), (400, 0, 0), "{transport}: the example");
        assert_eq!(bench(&["nope.example.test"]), (0, 400, 400), "{transport}");
    }
    netproto(&["bench", "udp", "-P", "dns", "-n", "100", "-q"]).run().code(0).said("");
    let length = netproto(&["bench", "udp", "-P", "dns", "-l", "9"]).run();
    length.code(2).said("--length is for messages of any bytes, and here each is NAME [TYPE]");
}

/// A server of other people's: it answers over both transports, and lies when asked to.
const DNSPYTHON: &str = r#"
import socket, struct, sys, threading
import dns.flags, dns.message, dns.rcode, dns.rrset

def answer(wire):
    query = dns.message.from_wire(wire)
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.AA
    name, kind = query.question[0].name, query.question[0].rdtype
    label = name.labels[0]
    if label == b'nx':
        reply.set_rcode(dns.rcode.NXDOMAIN)
    elif label == b'fail':
        reply.set_rcode(dns.rcode.SERVFAIL)
    elif kind == 1:
        reply.answer.append(dns.rrset.from_text(name, 60, 'IN', 'A', '192.0.2.8', '192.0.2.9'))
    elif kind == 12:
        reply.answer.append(dns.rrset.from_text(name, 60, 'IN', 'PTR', 'host.example.'))
    elif kind == 257:
        reply.answer.append(dns.rrset.from_text(name, 60, 'IN', 'CAA', '0 issue "ca.example"'))
    if label == b'id':
        reply.id ^= 1
    return reply.to_wire()

udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(('127.0.0.1', 0))
tcp = socket.create_server(('127.0.0.1', 0))
def datagrams():
    while True:
        wire, peer = udp.recvfrom(4096)
        udp.sendto(answer(wire), peer)
threading.Thread(target=datagrams, daemon=True).start()
print('ports', udp.getsockname()[1], tcp.getsockname()[1], file=sys.stderr, flush=True)
while True:
    stream = tcp.accept()[0].makefile('rwb')
    while head := stream.read(2):
        said = answer(stream.read(struct.unpack('>H', head)[0]))
        stream.write(struct.pack('>H', len(said)) + said)
        stream.flush()
"#;

#[test]
fn dnspython_answers_us() {
    let Some(python) = dnspython() else { return };
    let process: Process = python.arg(DNSPYTHON).spawn();
    let line = process.talk("ports ");
    let ports: Vec<&str> = line.split(' ').skip(1).collect();
    for (transport, port) in [("udp", ports[0]), ("tcp", ports[1])] {
        let at = format!("127.0.0.1:{}", port.trim());
        let ask = |words: &[&str]| netproto(&[&["send", transport, &at, "-P", "dns", "-w", "5s"], words].concat()).run();
        // It says them in an order of its choice.
        let both = ask(&["host.example"]).code(0).text();
        assert!(["192.0.2.8\n192.0.2.9\n", "192.0.2.9\n192.0.2.8\n"].contains(&both.as_str()), "{both}");
        ask(&["192.0.2.8"]).code(0).gave("host.example.\n");
        ask(&["2001:db8::8", "PTR"]).code(0).gave("host.example.\n");
        ask(&["host.example", "CAA"]).code(0).gave("0 issue \"ca.example\"\n");
        ask(&["host.example", "MX"]).code(0).gave("");
        ask(&["nx.example"]).code(3).said("NXDOMAIN: there is no name nx.example.");
        ask(&["fail.example"]).code(3).said("SERVFAIL: the server did not answer for fail.example.");
        let report = netproto(&["bench", transport, &at, "-P", "dns", "-n", "200", "-c", "1", "-J", "host.example"]).run();
        assert_eq!(count(&report.code(0).json(), "/requests"), 200, "{report}");
    }
    let other =
        netproto(&["send", "udp", &format!("127.0.0.1:{}", ports[0]), "-P", "dns", "-w", "300ms", "id.example"]).run();
    other.code(5);
}
