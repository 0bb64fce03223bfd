//! `dns` among other people's programs: the client asks NSD and dnspython, dnspython and dnsperf ask the server, and NSD answers
//! from the same zone what we answer.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::path::Path;

use support::{
    Folder, Process, Server,
    net::spare_port,
    netproto, peer,
    peer::{dnspython, installed},
    report::count,
};

/// What is hard to answer: aliases, wildcards, names between names, other people's zones below.
const ZONE: &str = "\
$ORIGIN example.test.
$TTL 1h
@ SOA ns host (7 2h 10m 1d 1m)
 NS ns
 MX 10 mail
 TXT \"a \\\"b\\\"\" c
ns A 127.0.0.1
mail 30m A 192.0.2.5
www A 192.0.2.1
 AAAA 2001:db8::1
alias CNAME www
chain CNAME alias
gone CNAME nothing.here
out CNAME elsewhere.invalid.
one CNAME two
two CNAME one
*.wild A 192.0.2.7
*.wild MX 5 mail
host.wild TXT here
*.aliases CNAME www
deep.below.here A 192.0.2.8
sub NS ns.sub
sub NS ns.other.invalid.
ns.sub A 192.0.2.9
_sip._udp SRV 1 2 5060 www
1.2.0.192.rev PTR www
upper.CASE A 192.0.2.10
$INCLUDE more.txt more.example.test.
";
const MORE: &str = "@ A 192.0.2.11\nx 5 A 192.0.2.12\n";

const QUESTIONS: &[&str] = &[
    "www A",
    "www AAAA",
    "www MX",
    "WwW a",
    "MX",
    "TXT",
    "NS",
    "SOA",
    "alias A",
    "alias CNAME",
    "alias MX",
    "chain AAAA",
    "gone A",
    "out A",
    "x.wild A",
    "x.y.wild MX",
    "x.wild TXT",
    "wild A",
    "host.wild A",
    "x.host.wild A",
    "x.aliases A",
    "below.here A",
    "here A",
    "nope.here A",
    "nope A",
    "a.b.c.nope TXT",
    "sub A",
    "sub NS",
    "x.sub A",
    "ns.sub A",
    "_sip._udp SRV",
    "1.2.0.192.rev PTR",
    "upper.case A",
    "more A",
    "x.more A",
    "www TYPE65280",
    "example.invalid. A",
];

/// The zone's file, with the one that it includes beside it.
fn zone(folder: &Folder) -> String {
    folder.file("more.txt", MORE);
    folder.file("zone.txt", ZONE)
}

fn ours(folder: &Folder) -> Server {
    let server = Server::start(&["serve", "dns", "0", "-p", &format!("zone={}", zone(folder))]);
    server.log("listening on tcp [::1]:");
    server
}

/// NSD with the same zone.
fn nsd(folder: &Folder) -> Option<(Process, u16)> {
    // Where it is, for people whose PATH leaves that folder out.
    let place = "/usr/sbin/nsd";
    let run = if Path::new(place).exists() { support::Run::program(place) } else { peer("nsd")? };
    let (port, place) = (spare_port(), folder.path().display().to_string());
    zone(folder);
    let config = format!(
        "server:\n ip-address: 127.0.0.1\n port: {port}\n server-count: 1\n username: \"\"\n chroot: \"\"\n zonesdir: \"{place}\"\n \
         database: \"\"\n pidfile: \"{place}/nsd.pid\"\n xfrdfile: \"{place}/xfrd.state\"\n zonelistfile: \"{place}/zone.list\"\n\
         remote-control:\n control-enable: no\nzone:\n name: example.test\n zonefile: zone.txt\n"
    );
    let process = run.args(&["-d", "-c", &folder.file("nsd.conf", config)]).spawn();
    process.talk("nsd started");
    Some((process, port))
}

/// What matters of an answer: its code, its flags, its records in order, and who else is named where there is none.
fn dug(port: u16, transport: &str, question: &str) -> Vec<String> {
    let (name, rtype) = question.rsplit_once(' ').unwrap_or(("", question));
    let name = if name.ends_with('.') { name.to_owned() } else { format!("{name}.example.test.") };
    let (port, name) = (port.to_string(), name.trim_start_matches('.'));
    let options = ["+norecurse", "+tries=1", "+time=10", "+nostats", transport];
    let output = peer("dig").unwrap().args(&options).args(&["-p", &port, "@127.0.0.1", name, rtype]).run();
    let (mut told, mut section, mut answers) = (Vec::new(), "", 0);
    for line in output.code(0).text().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let Some(at) = line.find("status: ") {
            told.push(line[at..].split(',').next().unwrap().to_owned());
        } else if let Some(flags) = line.strip_prefix(";; flags: ") {
            told.push(flags.split(';').next().unwrap().to_owned());
        } else if line.starts_with(";; ANSWER") || line.starts_with(";; AUTHORITY") || line.starts_with(";; ADDITIONAL") {
            section = words[1].to_owned().leak();
        } else if !line.starts_with(';') && words.len() > 4 {
            answers += usize::from(section == "ANSWER");
            // With an answer, others name the zone's servers, too; we leave them out.
            if section == "ANSWER" || answers == 0 {
                told.push(format!("{section} {}", words.join(" ")));
            }
        }
    }
    told.sort();
    told
}

#[test]
fn nsd_says_the_same() {
    let folder = Folder::new("dns-nsd");
    if !installed("dig") {
        return;
    }
    let Some((_nsd, theirs)) = nsd(&folder) else { return };
    let server = ours(&folder);
    for transport in ["+notcp", "+tcp"] {
        for question in QUESTIONS {
            assert_eq!(dug(server.port(), transport, question), dug(theirs, transport, question), "{question} {transport}");
        }
    }
    for (name, rtype, answer) in [
        ("chain.example.test", "A", "alias.example.test.\nwww.example.test.\n192.0.2.1\n"),
        ("example.test", "MX", "10 mail.example.test.\n"),
        ("_sip._udp.example.test", "SRV", "1 2 5060 www.example.test.\n"),
    ] {
        for over in ["udp", "tcp"] {
            let at = format!("127.0.0.1:{theirs}");
            netproto(&["send", over, &at, "-P", "dns", name, rtype]).run().code(0).gave(answer);
        }
    }
    let list = folder.file("list.txt", "www.example.test\nx.wild.example.test MX\nupper.case.example.test\n");
    let bench =
        ["bench", "dns", &format!("127.0.0.1:{theirs}"), "-n", "300", "-c", "1", "--in-flight", "20", "-f", &list, "-J"];
    let report = netproto(&bench).run();
    assert_eq!(count(&report.code(0).json(), "/requests"), 300, "{report}");
}

#[test]
fn dnsperf_loses_nothing() {
    let folder = Folder::new("dns-perf");
    let server = ours(&folder);
    let list =
        folder.file("list.txt", "www.example.test A\nx.wild.example.test MX\nnope.example.test A\nsub.example.test A\n");
    for mode in ["udp", "tcp"] {
        let Some(dnsperf) = peer("dnsperf") else { return };
        let port = server.port().to_string();
        let args = ["-s", "127.0.0.1", "-p", &port, "-m", mode, "-d", &list, "-n", "250", "-c", "4", "-q", "40"];
        let output = dnsperf.args(&args).run();
        output.code(0);
        for part in ["Queries completed:    1000 (100.00%)", "Queries lost:         0", "NOERROR 750 (75.00%), NXDOMAIN 250"]
        {
            assert!(output.text().contains(part), "{mode}: {part}: {output}");
        }
    }
}

/// dnspython asks what it would ask of any server, and reads every answer.
const ASKS: &str = r#"
import sys
import dns.flags, dns.message, dns.query, dns.rcode, dns.rdatatype
port = int(sys.argv[1])
for name, kind, rcode, texts in [
    ('www.example.test', 'A', 'NOERROR', ['192.0.2.1']),
    ('x.wild.example.test', 'MX', 'NOERROR', ['5 mail.example.test.']),
    ('www.example.test', 'ANY', 'NOERROR', ['"RFC8482" ""']),
    ('nope.example.test', 'A', 'NXDOMAIN', []),
]:
    query = dns.message.make_query(name, kind, use_edns=0, payload=1232)
    for ask in (dns.query.udp, dns.query.tcp):
        answer = ask(query, '127.0.0.1', port=port, timeout=10)
        got = [item.to_text() for found in answer.answer for item in found]
        assert (dns.rcode.to_text(answer.rcode()), got) == (rcode, texts), answer
        assert answer.flags & dns.flags.AA, answer
print('all')
"#;

#[test]
fn dnspython_asks_us() {
    let folder = Folder::new("dns-asked");
    let server = ours(&folder);
    let Some(python) = dnspython() else { return };
    python.arg(ASKS).arg(server.port().to_string()).run().code(0).gave("all\n");
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
