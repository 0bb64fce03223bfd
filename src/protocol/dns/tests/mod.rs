//! Messages in, messages out; and the master files that a zone is read from.

mod master;
mod picture;

use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use domain::{
    base::{
        Message, MessageBuilder, Name, Rtype,
        iana::{Class, OptRcode, Rcode},
    },
    rdata::AllRecordData,
};

use super::{
    OWN_ZONE,
    answer::{Answerer, OUR_SIZE},
    client::Client,
    question::Question,
    zone::Zone,
};
use crate::{
    protocol::Sheet,
    session::{Cx, Facts, Front, Out, Rides, Session},
};

const TRICKY: &str = "\
$ORIGIN example.test. ; a comment
$TTL 3600
@ IN SOA ns hostmaster ( 7 ; the serial
     3600 600
     86400 60 )
  NS ns
ns A 127.0.0.1
www 60 A 192.0.2.1
www 30 A 192.0.2.2
www A 192.0.2.1
UPPER.Case TXT \"a \\\"b\\\" ; no comment\" second
* TXT any
*.wild A 192.0.2.3
a.b.wild A 192.0.2.4
alias CNAME www
one CNAME two
two CNAME one
out CNAME elsewhere.invalid.
gone CNAME x.nothing.deep
nothing.deep A 192.0.2.5
sub NS ns.sub
ns.sub A 192.0.2.6
";

fn zone(text: &str) -> Zone {
    Zone::read(&Sheet { path: Path::new("zone.txt"), bytes: text.as_bytes(), other: &|_| Err("there is no other".into()) })
        .unwrap()
}

fn ask(zone: &Zone, ttl: Option<u32>, question: &[u8], size: Option<u16>) -> Message<Vec<u8>> {
    let answerer = Answerer { zone, ttl };
    let mut message = Question::read(question).unwrap().message(77, size.is_some()).unwrap();
    if let Some(size) = size {
        // Right behind the type of the OPT record, which is the last one, without options.
        let at = message.len() - 8;
        message[at..at + 2].copy_from_slice(&size.to_be_bytes());
    }
    Message::from_octets(answerer.answer(&message, true, 65_507).unwrap().unwrap()).unwrap()
}

/// The rcode, the answers and the name servers, as `NAME TTL TYPE`.
fn told(message: &Message<Vec<u8>>) -> (Rcode, Vec<String>, Vec<String>) {
    let records = |section: domain::base::message::RecordSection<'_, Vec<u8>>| {
        let records = section.limit_to::<AllRecordData<_, _>>().map(|record| {
            let record = record.unwrap();
            format!("{} {} {}", record.owner(), record.ttl().as_secs(), record.rtype())
        });
        records.collect::<Vec<_>>()
    };
    (message.header().rcode(), records(message.answer().unwrap()), records(message.authority().unwrap()))
}

#[test]
fn answers_are_what_the_zone_says() {
    let zone = zone(TRICKY);
    let soa = || vec!["example.test 60 SOA".to_owned()];
    for (question, rcode, answers, authority) in [
        ("www.example.test", Rcode::NOERROR, &["www.example.test 30 A", "www.example.test 30 A"][..], vec![]),
        ("WWW.eXample.Test", Rcode::NOERROR, &["WWW.eXample.Test 30 A", "WWW.eXample.Test 30 A"], vec![]),
        ("upper.case.example.test TXT", Rcode::NOERROR, &["upper.case.example.test 3600 TXT"], vec![]),
        ("case.example.test TXT", Rcode::NOERROR, &[], soa()),
        ("www.example.test MX", Rcode::NOERROR, &[], soa()),
        ("x.example.test TXT", Rcode::NOERROR, &["x.example.test 3600 TXT"], vec![]),
        ("x.y.example.test TXT", Rcode::NOERROR, &["x.y.example.test 3600 TXT"], vec![]),
        ("x.example.test A", Rcode::NOERROR, &[], soa()),
        ("x.wild.example.test", Rcode::NOERROR, &["x.wild.example.test 3600 A"], vec![]),
        ("x.b.wild.example.test", Rcode::NXDOMAIN, &[], soa()),
        ("x.www.example.test", Rcode::NXDOMAIN, &[], soa()),
        (
            "alias.example.test",
            Rcode::NOERROR,
            &["alias.example.test 3600 CNAME", "www.example.test 30 A", "www.example.test 30 A"],
            vec![],
        ),
        ("alias.example.test CNAME", Rcode::NOERROR, &["alias.example.test 3600 CNAME"], vec![]),
        ("one.example.test", Rcode::NOERROR, &["one.example.test 3600 CNAME", "two.example.test 3600 CNAME"], vec![]),
        ("out.example.test", Rcode::NOERROR, &["out.example.test 3600 CNAME"], vec![]),
        ("gone.example.test", Rcode::NXDOMAIN, &["gone.example.test 3600 CNAME"], soa()),
        ("www.example.test ANY", Rcode::NOERROR, &["www.example.test 3600 HINFO"], vec![]),
        ("x.www.example.test ANY", Rcode::NXDOMAIN, &[], soa()),
        ("alias.example.test ANY", Rcode::NOERROR, &["alias.example.test 3600 CNAME"], vec![]),
        ("case.example.test ANY", Rcode::NOERROR, &[], soa()),
        ("x.sub.example.test", Rcode::NOERROR, &[], vec!["sub.example.test 3600 NS".to_owned()]),
        ("example.invalid", Rcode::REFUSED, &[], vec![]),
        ("notexample.test", Rcode::REFUSED, &[], vec![]),
        ("example.test AXFR", Rcode::REFUSED, &[], vec![]),
        (".", Rcode::REFUSED, &[], vec![]),
    ] {
        let message = ask(&zone, None, question.as_bytes(), Some(OUR_SIZE));
        let (got, said, servers) = told(&message);
        assert_eq!((got, said.as_slice(), servers), (rcode, &answers.map_owned()[..], authority), "{question}");
        let header = message.header();
        assert!(header.qr() && header.rd() && !header.ra() && !header.tc() && header.id() == 77);
        assert_eq!(header.aa(), rcode != Rcode::REFUSED && !question.contains("sub"), "{question}");
        assert_eq!(message.opt().unwrap().udp_payload_size(), OUR_SIZE);
        assert!(ask(&zone, None, question.as_bytes(), None).opt().is_none(), "EDNS only for who speaks it");
    }
}

/// `&[&str]` as strings.
trait Owned {
    fn map_owned(&self) -> Vec<String>;
}

impl Owned for [&str] {
    fn map_owned(&self) -> Vec<String> {
        self.iter().map(|text| (*text).to_owned()).collect()
    }
}

#[test]
fn a_ttl_of_ours_is_all_there_is() {
    let zone = zone(TRICKY);
    let (_, answers, _) = told(&ask(&zone, Some(5), b"alias.example.test", None));
    assert_eq!(answers[..2], ["alias.example.test 5 CNAME", "www.example.test 5 A"]);
    let (_, _, soa) = told(&ask(&zone, Some(5), b"x.www.example.test", None));
    assert_eq!(soa, ["example.test 5 SOA"]);
    let (_, _, soa) = told(&ask(&zone, Some(500), b"x.www.example.test", None));
    assert_eq!(soa, ["example.test 60 SOA"], "never more than the minimum of the SOA");
}

#[test]
fn no_datagram_is_longer_than_asked_for() {
    let big: Vec<_> = (0..200).map(|n| format!("a{n} A 10.0.0.{n}\nbig A 10.1.0.{n}\n")).collect();
    let text = format!("{OWN_ZONE}{}", big.concat());
    let middle: Vec<_> = (0..30).map(|n| format!("middle A 10.2.0.{n}\n")).collect();
    let zone = zone(&format!("{text}{}", middle.concat()));
    for (name, size, longest, cut) in [
        ("big", None, 512, true),
        ("big", Some(0), 512, true),
        ("big", Some(65_535), 1232, true),
        ("middle", None, 512, true),
        ("middle", Some(512), 512, true),
        ("middle", Some(600), 600, false),
        ("middle", Some(65_535), 1232, false),
        ("a7", None, 512, false),
    ] {
        let message = ask(&zone, None, format!("{name}.example.test").as_bytes(), size);
        assert!(message.as_slice().len() <= longest, "{name} {size:?}: {}", message.as_slice().len());
        assert_eq!(message.header().tc(), cut, "{name} {size:?}");
        assert_eq!(message.header_counts().ancount() == 0, cut, "{name} {size:?}");
    }
    let glue: Vec<_> = (0..20).map(|n| format!("sub NS n{n}.sub\nn{n}.sub AAAA 2001:db8::{n}\n")).collect();
    let zone = self::zone(&format!("{text}{}", glue.concat()));
    for (size, cut) in [(None, true), (Some(1232), false)] {
        let message = ask(&zone, None, b"x.sub.example.test", size);
        assert_eq!((message.header().tc(), message.header().aa()), (cut, false), "addresses of those who know more");
        assert_eq!(message.header_counts().arcount(), if cut { 0 } else { 21 });
    }
    let query = Question::read(b"big.example.test").unwrap().message(1, false).unwrap();
    let whole = Answerer { zone: &zone, ttl: None }.answer(&query, false, 65_535).unwrap().unwrap();
    assert_eq!(Message::from_octets(whole).unwrap().header_counts().ancount(), 200, "a stream carries all of it");
}

#[test]
fn what_is_no_question_is_told_so() {
    let zone = zone(OWN_ZONE);
    let answerer = Answerer { zone: &zone, ttl: None };
    let rcode = |bytes: &[u8]| {
        let answer = answerer.answer(bytes, true, 65_507).unwrap().map(|answer| Message::from_octets(answer).unwrap());
        answer.map(|answer| answer.opt_rcode())
    };
    let good = Question::read(b"www.example.test").unwrap().message(1, true).unwrap();
    let with = |at: usize, byte: u8| {
        let mut changed = good.clone();
        changed[at] = byte;
        changed
    };
    assert_eq!(rcode(&good), Some(OptRcode::NOERROR));
    assert_eq!(rcode(&with(2, 0x80)), None, "an answer is not answered");
    assert_eq!(rcode(&with(2, 0x10)), Some(OptRcode::NOTIMP), "STATUS");
    assert_eq!(rcode(&with(2, 0x28)), Some(OptRcode::NOTIMP), "UPDATE");
    assert_eq!(rcode(&with(5, 0)), Some(OptRcode::FORMERR), "no question");
    assert_eq!(rcode(&with(5, 2)), Some(OptRcode::FORMERR), "two questions");
    assert_eq!(rcode(&with(12, 0xff)), Some(OptRcode::FORMERR), "a pointer to nowhere");
    assert_eq!(rcode(&with(11, 2)), Some(OptRcode::FORMERR), "an additional record that is not there");
    assert_eq!(rcode(&good[..14]), Some(OptRcode::FORMERR), "cut short");
    assert_eq!(rcode(&with(good.len() - 5, 1)), Some(OptRcode::BADVERS), "EDNS 1");
    let mut twice = [&good[..], &good[good.len() - 11..]].concat();
    twice[11] = 2;
    assert_eq!(rcode(&twice), Some(OptRcode::FORMERR), "OPT twice");
    // Two bytes point to the name in the question.
    let at = good.len() - 11;
    let named = [&good[..at], b"\xc0\x0c", &good[at + 1..]].concat();
    assert_eq!(rcode(&named), Some(OptRcode::FORMERR), "OPT of a name");
    for short in [&b""[..], &good[..11]] {
        assert_eq!(answerer.answer(short, true, 65_507).unwrap_err().name, "message_too_short");
    }
    let mut chaos = MessageBuilder::new_vec().question();
    chaos.push((Name::vec_from_str("version.bind").unwrap(), Rtype::TXT, Class::CH)).unwrap();
    assert_eq!(rcode(&chaos.finish()), Some(OptRcode::REFUSED));
    let mut all = MessageBuilder::new_vec().question();
    all.push((Name::vec_from_str("www.example.test").unwrap(), Rtype::A, Class::ANY)).unwrap();
    let answer = Message::from_octets(answerer.answer(&all.finish(), true, 512).unwrap().unwrap()).unwrap();
    assert_eq!((answer.header().aa(), answer.header_counts().ancount()), (false, 1), "who knows of other classes?");
}

#[test]
fn an_address_asks_for_its_name() {
    let asked = |text: &str| {
        let question = Question::read(text.as_bytes()).unwrap();
        format!("{} {}", question.name, question.rtype)
    };
    assert_eq!(asked("192.0.2.1"), "1.2.0.192.in-addr.arpa PTR");
    assert_eq!(asked(" 192.0.2.1  ptr "), "1.2.0.192.in-addr.arpa PTR");
    let zeros = "0.".repeat(23);
    assert_eq!(asked("2001:db8::1").to_lowercase(), format!("1.{zeros}8.b.d.0.1.0.0.2.ip6.arpa ptr"));
    assert_eq!(asked("a.test"), "a.test A");
    assert_eq!(asked("a.test. aaaa"), "a.test AAAA");
    assert_eq!((asked("a.test *").as_str(), asked("a.test TYPE257").as_str()), ("a.test ANY", "a.test CAA"));
    for name in ["a.test", "192.0.2.1", ".", "a\\032b.test TYPE65", "a.test ANY"] {
        let question = Question::read(name.as_bytes()).unwrap();
        assert_eq!(Question::read(question.typed().as_bytes()).unwrap(), question, "{name}");
    }
    for (bad, sentence) in [
        ("", "\"\" is no NAME [TYPE]"),
        ("a b c", "\"a b c\" is no NAME [TYPE]"),
        ("a.test AAAAA", "\"AAAAA\" is no type of DNS records"),
        ("a..test", "\"a..test\" is no name of the DNS"),
    ] {
        assert_eq!(Question::read(bad.as_bytes()).unwrap_err().sentence, sentence);
    }
}

/// The numbers of messages that a client says when the clock shows this.
fn numbers(clock: fn() -> SystemTime) -> Vec<u16> {
    let (mut client, facts) = (Client::default(), Facts { wall_clock: clock, ..Facts::in_memory(Rides::Datagrams) });
    let number = |seq| {
        let mut out = Out::default();
        client.submit(seq, &Bytes::from_static(b"a.test"), &mut Cx::new(&facts, &mut out)).unwrap();
        match out.front() {
            Front::Bytes(bytes) => u16::from_be_bytes([bytes[0], bytes[1]]),
            _ => panic!("a question is said"),
        }
    };
    (0..1000).map(number).collect()
}

#[test]
fn numbers_of_messages_can_not_be_guessed() {
    assert_eq!(numbers(|| UNIX_EPOCH), (0..1000).collect::<Vec<u16>>(), "in memory");
    let one = numbers(|| UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789));
    let other = numbers(|| UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_790));
    assert!(one[0] != other[0] && one[1].wrapping_sub(one[0]) != other[1].wrapping_sub(other[0]), "{one:?} {other:?}");
    assert!(one[0] != 0 && one[1].abs_diff(one[0]) > 1, "neither the first nor the next is plain");
    let mut different = one.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), one.len(), "each has its own");
}
