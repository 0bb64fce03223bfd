//! A message in full, for people and for machines.

use serde_json::json;

use super::{OUR_SIZE, ask, zone};
use crate::protocol::dns::picture;

const ZONE: &str = "\
$ORIGIN example.test.
$TTL 1h
@ SOA ns hostmaster.of.the.example 1 3600 600 86400 60
  NS ns
  TXT \"a \\\"b\\\" \\009\"
www A 192.0.2.1
sub NS ns.sub
ns.sub AAAA 2001:db8::1
";

#[test]
fn people_see_what_dig_prints() {
    let zone = zone(ZONE);
    let lines = picture::lines(ask(&zone, None, b"www.example.test", Some(OUR_SIZE)).for_slice());
    let www = [
        ";; opcode: QUERY, status: NOERROR, id: 77",
        ";; flags: qr aa rd; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1",
        "; EDNS: version: 0, flags:; udp: 1232",
        ";; QUESTION",
        ";www.example.test. IN A",
        ";; ANSWER",
        "www.example.test.         3600 IN A     192.0.2.1",
        ";; 61 bytes",
    ];
    assert_eq!(lines, www);
    let denied = picture::lines(ask(&zone, None, b"x.www.example.test", None).for_slice());
    assert_eq!(denied[0], ";; opcode: QUERY, status: NXDOMAIN, id: 77");
    let soa = [
        "example.test.               60 IN SOA   ns.example.test.",
        "        hostmaster.of.the.example.example.test. 1 3600 600 86400 60",
    ];
    assert_eq!(denied[4..7], [&[";; AUTHORITY"][..], &soa[..]].concat());
    let referred = picture::lines(ask(&zone, None, b"x.sub.example.test", None).for_slice());
    assert_eq!(referred[5], "sub.example.test.         3600 IN NS    ns.sub.example.test.");
    assert_eq!(referred[7], "ns.sub.example.test.      3600 IN AAAA  2001:db8::1");
    assert!(lines.iter().chain(&denied).chain(&referred).all(|line| line.len() <= 78));
}

#[test]
fn machines_get_fields() {
    let zone = zone(ZONE);
    let fields = picture::fields(ask(&zone, None, b"example.test TXT", Some(OUR_SIZE)).for_slice());
    let wanted = json!({
        "id": 77, "opcode": "QUERY", "rcode": "NOERROR", "flags": ["qr", "aa", "rd"], "bytes": 61,
        "edns": {"version": 0, "udp_size": 1232, "dnssec_ok": false},
        "question": {"name": "example.test.", "class": "IN", "type": "TXT"},
        "answers": [{
            "name": "example.test.", "ttl_s": 3600, "class": "IN", "type": "TXT", "data": "\"a \\\"b\\\" \\009\"",
        }],
        "authority": [], "additional": [],
    });
    assert_eq!(json!(fields), wanted);
}
