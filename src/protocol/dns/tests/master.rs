//! Master files: what they may say, what they include, and how one is told of that is none.

use std::path::Path;

use domain::{
    base::{Message, Name, Rtype, ToName},
    rdata::ZoneRecordData,
};

use super::{Answerer, Question, Sheet, Zone, told};

const SOA: &str = "$ORIGIN example.test.\n$TTL 60\n@ SOA ns host 1 2 3 4 5\n";

/// Reads the first of these files, which may name the others.
fn read<T: AsRef<[u8]>>(files: &[(&str, T)]) -> Result<Zone, String> {
    let other = |path: &Path| {
        let found = files.iter().find(|(name, _)| Path::new(name) == path);
        found.map(|(_, text)| text.as_ref().to_vec()).ok_or_else(|| format!("could not read {}", path.display()))
    };
    Zone::read(&Sheet { path: Path::new(files[0].0), bytes: files[0].1.as_ref(), other: &other })
}

fn one(text: impl AsRef<[u8]>) -> Result<Zone, String> {
    read(&[("zone.txt", text)])
}

fn strings(zone: &Zone, name: &str) -> Vec<u8> {
    let name = Name::vec_from_str(name).unwrap().to_bytes();
    let set = zone.set_at(&name, Rtype::TXT).unwrap();
    let ZoneRecordData::Txt(txt) = &set.data[0] else { panic!("{set:?}") };
    txt.iter().collect::<Vec<_>>().join(&b'|')
}

#[test]
fn any_bytes_may_stand_in_strings_and_comments() {
    let zone = [
        b"\xef\xbb\xbf; Latin-1: \xe9\n".as_slice(),
        SOA.as_bytes(),
        "a TXT \"grüße\tan\" naïve a\\ü ; ä\n$INCLUDE größe.txt\n".as_bytes(),
        b"b TXT \xe9 \"\x01\\\x02\"\n",
    ]
    .concat();
    let zone = read(&[("zone.txt", zone), ("größe.txt", b"\xef\xbb\xbfc TXT \"\\\"\xff\"\n".to_vec())]).unwrap();
    assert_eq!(strings(&zone, "a.example.test"), "grüße\tan|naïve|aü".as_bytes());
    assert_eq!(strings(&zone, "b.example.test"), b"\xe9|\x01\x02");
    assert_eq!(strings(&zone, "c.example.test"), b"\"\xff");
}

#[test]
fn what_is_not_taken_is_told_by_what_it_is() {
    for (wrong, why) in [
        ("a..b A 192.0.2.1", "\"a..b\" has an empty label"),
        (".a A 192.0.2.1", "\".a\" has an empty label"),
        ("$ORIGIN x..test.", "\"x..test.\" has an empty label"),
        ("sub DNAME example.org.", "DNAME is not served: each name below it needs a CNAME of its own"),
        ("www 1h IN LOC 52 22 N 4 53 E 1m", "LOC has no form in words here: write TYPE29 \\# LENGTH HEX (RFC 3597)"),
        ("www URI 10 1 \"ftp://a\"", "URI has no form in words here: write TYPE256 \\# LENGTH HEX (RFC 3597)"),
        (&format!("www TXT {}", "x".repeat(256)), "a string has at most 255 bytes: write it as several, \"...\" \"...\""),
    ] {
        let told = one(format!("{SOA}{wrong}\nlast A 192.0.2.1\n")).unwrap_err();
        assert_eq!(told, format!("zone.txt, line 4: {why}"), "{wrong}");
    }
    assert!(one(format!("{SOA}a\\..b A 192.0.2.1\nwww TYPE29 \\# 2 abcd\n")).is_ok());
}

/// The answers, as `NAME TTL TYPE`; or those who know more.
fn answers(zone: &Zone, question: &str) -> Vec<String> {
    let query = Question::read(question.as_bytes()).unwrap().message(1, false).unwrap();
    let answer = Answerer { zone, ttl: None }.answer(&query, false, 65_535).unwrap().unwrap();
    told(&Message::from_octets(answer).unwrap()).1
}

#[test]
fn a_bad_one_is_named_by_its_line() {
    let has_cname = "zone.txt, line 5: www.example.test. has a CNAME, and can have nothing else";
    for (text, why) in [
        ("", "zone.txt holds no record"),
        ("; nothing\n", "zone.txt holds no record"),
        ("$ORIGIN a.\n@ 60 A 192.0.2.1\n", "zone.txt, line 2: the first record of a zone is its SOA"),
        ("@ SOA ns host 1 2 3 4 5\n", "zone.txt, line 1: names without a dot at their end need an $ORIGIN before them"),
        (&format!("{SOA}@ SOA ns host 1 2 3 4 5\n"), "zone.txt, line 4: a zone has one SOA"),
        (
            &format!("{SOA}\n\nwww A 192.0.2.1\nother.test. A 192.0.2.1\n"),
            "zone.txt, line 7: other.test. is outside the zone example.test.",
        ),
        (&format!("{SOA}www A 192.0.2.1\nwww CNAME ns\n"), has_cname),
        (&format!("{SOA}www CNAME ns\nwww A 192.0.2.1\n"), has_cname),
        (&format!("{SOA}www 99999w A 192.0.2.1\n"), "zone.txt, line 4: \"99999w\" is too long a time"),
        (&format!("{SOA}www NOSUCH x\n"), "zone.txt, line 4: a type of records was expected, such as A or MX"),
        (&format!("{SOA}www A\n"), "zone.txt, line 4: the record ends too early"),
        (&format!("{SOA}www A ( 192.0.2.1\n\n"), "zone.txt, line 4: a parenthesis that is not closed"),
        (&format!("{SOA}www A 192.0.2.1 )\n"), "zone.txt, line 4: a parenthesis is closed that was not opened"),
        (&format!("{SOA}www A (\n( 192.0.2.1\n"), "zone.txt, line 5: a parenthesis within another"),
        (&format!("{SOA}www TXT (\n\"open\n)"), "zone.txt, line 5: a quote that is not closed"),
        (
            &(0..5001).fold(SOA.to_owned(), |zone, n| zone + &format!("many A 10.0.{}.{}\n", n / 256, n % 256)),
            "zone.txt, line 5004: many.example.test. has more than 5000 records of type A: no message holds them",
        ),
        (&format!("{SOA}$INCLUDE other\n"), "zone.txt, line 4: $INCLUDE: could not read other"),
        (&format!("{SOA}$INCLUDE a b c\n"), "zone.txt, line 4: $INCLUDE takes a file, and the origin of names in it"),
    ] {
        assert_eq!(one(text).unwrap_err(), why, "{text}");
    }
    for wrong in
        ["www A 192.0.2.300", "www MX mail", "www MX 1", "www A 1.2.3.4 5", "a..b A 1.2.3.4", "www X", "$GENERATE 1-2 a A 1"]
    {
        let why = one(format!("{SOA}{wrong}\nlast A 192.0.2.1\n")).unwrap_err();
        assert!(why.starts_with("zone.txt, line 4: "), "{wrong}: {why}");
    }
    assert!(one(format!("{SOA}www A 192.0.2.1")).is_ok(), "the last line needs no end");
}

#[test]
fn times_have_units_where_people_write_them() {
    let text = "$TTL 1h\n$ORIGIN 1h.\n@ IN SOA ns 1d ( 7 ; 1d\n 2H 15m\n 2w 1h30M )\n1m A 192.0.2.1\n1s 2m IN A 192.0.2.2\n\
                c IN 1d2h A 192.0.2.3\nt TXT 1h \"2h\"\nd 30 A 192.0.2.4\nq\\;1h 1W A 192.0.2.5\n";
    let zone = one(text).unwrap();
    for (question, answer) in [
        ("1m.1h", "1m.1h 3600 A"),
        ("1s.1h", "1s.1h 120 A"),
        ("c.1h", "c.1h 93600 A"),
        ("t.1h TXT", "t.1h 3600 TXT"),
        ("d.1h", "d.1h 30 A"),
        ("q\\;1h.1h", "q;1h.1h 604800 A"),
    ] {
        assert_eq!(answers(&zone, question), [answer], "{question}");
    }
    let soa = zone.set_at(&zone.apex, Rtype::SOA).unwrap();
    assert_eq!(format!("{}", soa.data[0]), "ns.1h. 1d.1h. 7 7200 900 1209600 5400");
}

#[test]
fn one_includes_others() {
    let main = "$ORIGIN example.test.\n$TTL 60\n@ SOA ns host 1 2 3 4 5\nwww A 192.0.2.1\n$INCLUDE more/hosts.txt sub\n AAAA ::1\n\
                $include \"more/plain.txt\"\nlast A 192.0.2.9\n";
    let hosts = "@ A 192.0.2.2\nhost 1m A 192.0.2.3\n$INCLUDE deeper.txt";
    let files = [
        ("zone.txt", main),
        ("more/hosts.txt", hosts),
        ("more/deeper.txt", "$ORIGIN deeper\nhost A 192.0.2.4\n"),
        ("more/plain.txt", "plain A 192.0.2.5"),
    ];
    let zone = read(&files).unwrap();
    for name in ["www", "sub", "host.sub", "host.deeper.sub", "plain", "last"] {
        assert_eq!(answers(&zone, &format!("{name}.example.test")), [format!("{name}.example.test 60 A")]);
    }
    assert_eq!(answers(&zone, "www.example.test AAAA").len(), 1, "the name is that of before what was included");
}

#[test]
fn what_is_included_is_named_by_its_own_line() {
    let main = &format!("{SOA}$INCLUDE a/b.txt\nwww A 1\n")[..];
    let why = |included: &str| read(&[("zone.txt", main), ("a/b.txt", included)]).unwrap_err();
    assert_eq!(why("\nx A (\n1.2.3.4.5 )\n"), "a/b.txt, line 3: expected IPv4 address");
    assert_eq!(why("\nx A \"\n"), "a/b.txt, line 2: a quote that is not closed");
    assert_eq!(why("\nx.test. A 192.0.2.1\n"), "a/b.txt, line 2: x.test. is outside the zone example.test.");
    assert_eq!(why("x A 192.0.2.1\n"), "zone.txt, line 5: expected IPv4 address");
    assert_eq!(why("$INCLUDE c.txt"), "a/b.txt, line 1: $INCLUDE: could not read a/c.txt");
    let round = read(&[("zone.txt", &format!("{SOA}$INCLUDE zone.txt\n"))]).unwrap_err();
    assert_eq!(round, "zone.txt, line 4: $INCLUDE goes more than 8 files deep: does a file include itself?");
    let many = format!("{SOA}{}", "$INCLUDE e.txt\n".repeat(1001));
    let many = read(&[("zone.txt", &many[..]), ("e.txt", "")]).unwrap_err();
    assert_eq!(many, "zone.txt, line 1004: there are more than 1000 $INCLUDE");
    let big = format!(";{}\n", "x".repeat(8 << 20));
    let big = read(&[("zone.txt", format!("{SOA}{}", "$INCLUDE big.txt\n".repeat(3))), ("big.txt", big)]).unwrap_err();
    assert!(big.ends_with("the zone has more than 16,777,216 bytes, the limit"), "{big}");
}
