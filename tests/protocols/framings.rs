//! Framings: limits at exactly the limit and one more, hostile lengths, round trips, and no second look at old bytes.

use netproto::{
    protocol::{
        Framing,
        framing::{ALL, FramingError, Kind, LINE_MAX, STRING_MAX},
    },
    session::{Closed, Input, Rides, Violation},
};
use proptest::prelude::*;

use crate::{FRAMINGS, answered, client, drain, pair, server};

fn framing(text: &str, max: Option<usize>) -> Framing {
    Framing::parse(text, max).unwrap()
}

/// `message` with its framing, by a framing that has no limit of its own.
fn said(text: &str, message: &[u8]) -> Vec<u8> {
    let framing = framing(text, Some(usize::MAX));
    let wrap = framing.wrap(message.len()).unwrap();
    [wrap.head(), message, wrap.tail()].concat()
}

fn take(framing: &Framing, data: &[u8]) -> Result<Option<Vec<u8>>, Violation> {
    let mut scanned = 0;
    Ok(framing.take(&mut Input::stream(data, &mut scanned))?.map(<[u8]>::to_vec))
}

/// The name of the violation that these bytes are.
fn violation(framing: &Framing, data: &[u8]) -> &'static str {
    take(framing, data).expect_err("a violation").name
}

#[test]
fn what_is_typed_is_a_framing() {
    for listed in ALL {
        let typed = listed.name.replace("STR", "\\0");
        let parsed = framing(&typed, None);
        assert_eq!(parsed.max, listed.max.unwrap_or(0), "{typed}");
        assert_eq!(framing(&parsed.to_string().replace("\\x00", "\\0"), None), parsed);
    }
    assert_eq!(framing("delimiter:\\r\\n.", None).kind, Kind::Delimiter(b"\r\n.".to_vec()));
    assert_eq!(framing("lines", Some(10)).max, 10);
    assert_eq!(framing("int8", Some(1000)).max, 255, "no more than the length field can say");
    assert_eq!(framing("int32", Some(1 << 20)).max, 1 << 20);
    assert_eq!((LINE_MAX, STRING_MAX), (16_384, 99_999), "Twisted's limits");
}

#[test]
fn what_is_no_framing_says_what_is_near() {
    let error = |text, max| Framing::parse(text, max).unwrap_err();
    let unknown = error("netsrting", None);
    assert_eq!(unknown.to_string(), "unknown framing \"netsrting\"");
    assert_eq!(unknown.hint(), "did you mean netstring?");
    assert!(error("zzzzzzzz", None).hint().starts_with("there are raw, lines, "));
    assert_eq!(error("delimiter", None), FramingError::NoDelimiter);
    assert_eq!(error("delimiter:", None), FramingError::NoDelimiter);
    assert!(matches!(error("delimiter:\\q", None), FramingError::Escapes(_)));
    assert_eq!(error("raw", Some(5)), FramingError::NoFrames);
    assert_eq!(error("lines", Some(0)), FramingError::NoRoom);
}

#[test]
fn the_wire_is_as_others_write_it() {
    for (text, wire) in [
        ("lines", &b"hello\r\n"[..]),
        ("delimiter:--", b"hello--"),
        ("netstring", b"5:hello,"),
        ("int8", b"\x05hello"),
        ("int16", b"\0\x05hello"),
        ("int32", b"\0\0\0\x05hello"),
        ("varint", b"\x05hello"),
    ] {
        assert_eq!(said(text, b"hello"), wire, "{text}");
        assert_eq!(take(&framing(text, None), wire), Ok(Some(b"hello".to_vec())), "{text}");
    }
    assert_eq!(said("varint", &[7; 300])[..2], [0xac, 0x02]);
    assert_eq!(said("netstring", b""), b"0:,");
    assert_eq!(take(&framing("lines", None), b"hello\n"), Ok(Some(b"hello".to_vec())), "LF alone is accepted");
}

#[test]
fn exactly_the_limit_passes_and_one_more_does_not() {
    for text in FRAMINGS.iter().filter(|text| **text != "raw") {
        for max in [1, 9, 10, 127, 128, 255] {
            let framing = framing(text, Some(max));
            let (full, over) = (vec![b'a'; max], vec![b'a'; max + 1]);
            assert_eq!(take(&framing, &said(text, &full)), Ok(Some(full.clone())), "{text} {max}");
            assert!(framing.fits(&full).is_ok(), "{text} {max}");
            let wire = said(text, &full);
            let early = (0..wire.len()).find(|came| take(&framing, &wire[..*came]) != Ok(None));
            assert_eq!(early, None, "{text} {max}: it is waited for until it has all come");
            assert_eq!(framing.fits(&over).unwrap_err().name, "frame_too_long", "{text} {max}");
            if (*text, max) != ("int8", 255) {
                assert_eq!(violation(&framing, &said(text, &over)), "frame_too_long", "{text} {max}");
            }
        }
    }
}

#[test]
fn the_limit_is_met_before_the_message_is() {
    let beginnings: [(&str, &[u8]); 6] = [
        ("netstring", b"1000"),
        ("int8", b"\x64"),
        ("int16", b"\0\x64"),
        ("int32", b"\0\0\0\x64"),
        ("varint", b"\x64"),
        ("lines", &[b'a'; 101]),
    ];
    for (text, beginning) in beginnings {
        assert_eq!(violation(&framing(text, Some(99)), beginning), "frame_too_long", "{text}");
    }
}

/// Lengths at which a signed, a narrow or an overflowing number goes wrong.
#[test]
fn hostile_lengths_are_refused_or_waited_for() {
    for length in [0_u64, 1, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, (1 << 63) - 1, 1 << 63, u64::MAX] {
        let mut varint = Vec::new();
        let mut left = length;
        while left >= 0x80 {
            varint.push(left as u8 | 0x80);
            left >>= 7;
        }
        varint.push(left as u8);
        let mut headers = vec![("varint", varint), ("netstring", format!("{length}:").into_bytes())];
        if let Ok(length) = u32::try_from(length) {
            headers.push(("int32", length.to_be_bytes().to_vec()));
        }
        for (text, header) in headers {
            let limited = framing(text, None);
            let took = take(&limited, &header);
            match length {
                0 if text != "netstring" => assert_eq!(took, Ok(Some(Vec::new())), "{text}"),
                0 | 1 => assert_eq!(took, Ok(None), "{text}"),
                _ => assert_eq!(took.unwrap_err().name, "frame_too_long", "{text} {length}"),
            }
            // Without a limit: waited for, and no more is kept than came.
            let waits = take(&framing(text, Some(usize::MAX)), &header);
            assert!(length == 0 || waits == Ok(None), "{text} {length}: {waits:?}");
        }
    }
}

#[test]
fn broken_lengths_are_named() {
    let netstring = framing("netstring", None);
    for (wire, name) in [
        (&b"05:hello,"[..], "bad_length"),
        (b"00:,", "bad_length"),
        (b":,", "bad_length"),
        (b"-1:,", "bad_length"),
        (b"5 :hello,", "bad_length"),
        (b"\xff", "bad_length"),
        (b"5:hello;", "missing_comma"),
        (b"5:hello\n", "missing_comma"),
        (b"99999999999999999999999999", "frame_too_long"),
    ] {
        assert_eq!(violation(&netstring, wire), name, "{}", wire.escape_ascii());
    }
    assert_eq!(take(&netstring, b"5:hello"), Ok(None), "the comma may still come");
    let varint = framing("varint", Some(usize::MAX));
    assert_eq!(violation(&varint, &[0x80; 11]), "bad_length");
    assert_eq!(violation(&varint, b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"), "bad_length", "bit 64");
    assert_eq!(take(&varint, b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), Ok(None), "bit 63");
    assert_eq!(take(&varint, &[0x80; 9]), Ok(None));
}

#[test]
fn what_would_end_a_message_early_is_not_said() {
    let refused = |text, message: &[u8]| framing(text, None).fits(message).is_err_and(|why| why.name == "holds_delimiter");
    assert!(refused("lines", b"a\nb"));
    assert!(!refused("lines", b"a\rb\r"));
    assert!(refused("delimiter:--", b"a--b"));
    assert!(refused("delimiter:--", b"a-"), "with the delimiter after it, its end would be found too early");
    assert!(!refused("delimiter:-=", b"a-"));
    assert!(refused("delimiter:aba", b"xab"));
    assert!(!refused("netstring", b"5:hello,"));
}

#[test]
fn a_datagram_is_one_frame() {
    let datagram = |text, data: &[u8]| {
        let mut scanned = 0;
        let taken = framing(text, None).take_datagram(&mut Input::datagram(data, &mut scanned)).map(<[u8]>::to_vec);
        taken.map_err(|violation| violation.name)
    };
    assert_eq!(datagram("raw", b"a\nb"), Ok(b"a\nb".to_vec()));
    assert_eq!(datagram("lines", b"hello"), Ok(b"hello".to_vec()), "the last line needs no end");
    assert_eq!(datagram("lines", b"hello\r\n"), Ok(b"hello".to_vec()));
    assert_eq!(datagram("lines", b"abc\r"), Ok(b"abc\r".to_vec()), "a CR is the line's own until LF follows it");
    assert_eq!(datagram("lines", &[&[b'x'; 16_384][..], b"\r"].concat()), Err("frame_too_long"));
    assert_eq!(datagram("lines", &[&[b'x'; 16_384][..], b"\r\n"].concat()), Ok(vec![b'x'; 16_384]));
    assert_eq!(datagram("lines", b""), Ok(Vec::new()));
    assert_eq!(datagram("lines", b"a\nb\n"), Err("trailing_bytes"));
    assert_eq!(datagram("netstring", b"1:a,1:b,"), Err("trailing_bytes"));
    assert_eq!(datagram("netstring", b"5:hel"), Err("cut_short"));
    assert_eq!(datagram("int16", b""), Err("cut_short"));
}

/// A line of 1 MiB that comes byte by byte: each byte is looked at once, twice where a delimiter of two could begin.
#[test]
fn old_bytes_are_not_searched_again() {
    const LONG: usize = 1 << 20;
    let data = vec![b'-'; LONG];
    for (text, most) in [("lines", LONG), ("delimiter:-=", 2 * LONG)] {
        let framing = framing(text, Some(LONG));
        let (mut scanned, mut looked_at) = (0, 0);
        for came in 1..=LONG {
            looked_at += came - scanned + usize::from(scanned > 0 && text != "lines");
            assert_eq!(framing.take(&mut Input::stream(&data[..came], &mut scanned)), Ok(None));
            assert_eq!(scanned, came);
        }
        assert!(looked_at <= most, "{text}: {looked_at} bytes looked at");
    }
}

#[test]
fn a_long_line_is_echoed_byte_by_byte() {
    let row = netproto::protocol::find("echo").unwrap();
    let mut setup = crate::setup(row, "raw", &[]);
    setup.framing = framing("lines", Some(1 << 20));
    let mut server = netproto::session::End::new((row.server.unwrap())(&setup), Rides::Stream);
    let mut line = vec![b'x'; 1 << 20];
    line.extend_from_slice(b"\r\n");
    line.chunks(1).for_each(|byte| server.offer(byte));
    assert!(drain(&mut server) == line && server.ended.is_none());
}

/// The longest message of a framing comes back from both, prefix and all, where the length field allows for it.
#[test]
fn the_longest_message_is_answered() {
    for text in FRAMINGS.iter().filter(|text| **text != "raw") {
        let max = framing(text, None).max;
        for name in ["processed", "echo"] {
            let prefix = if name == "processed" { 11 } else { 0 };
            let fits = *text != "int8" && *text != "int16" || prefix == 0;
            let mut pair = pair(name, text, &[], Rides::Stream, 65_536);
            pair.client.submit(0, &vec![b'a'; max]).unwrap();
            pair.client.submit(1, &vec![b'a'; max + 1]).unwrap();
            assert!(pair.run(100));
            assert_eq!(answered(&pair.client), if fits { vec![(0, true)] } else { vec![] }, "{name} {text}");
            let refused = pair.client.events.iter().any(
                |event| matches!(event, netproto::session::Event::Refused { seq: 1, why } if why.name == "frame_too_long"),
            );
            assert!(refused, "{name} {text}");
            match &pair.server.ended {
                None => assert!(fits, "{name} {text}"),
                Some(Closed::Violated(violation)) => {
                    assert_eq!((violation.name, fits), ("answer_too_long", false));
                    assert_eq!(
                        violation.sentence,
                        format!("the answer to a message of {max} bytes has {}, over the limit of {max}", max + 11)
                    );
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A prefix that holds the delimiter would end each answer early.
#[test]
fn a_prefix_that_holds_the_delimiter_is_noticed() {
    for (text, name) in [("delimiter: ", "holds_delimiter"), ("delimiter:: ", "holds_delimiter")] {
        let mut server = server("processed", text, &[], Rides::Stream);
        server.offer(b"hello: ");
        assert!(matches!(&server.ended, Some(Closed::Violated(violation)) if violation.name == name), "{text}");
    }
    let mut client = client("echo", "delimiter:o", Rides::Stream);
    client.submit(0, b"hello").unwrap();
    assert!(drain(&mut client).is_empty(), "nothing is said of what is refused");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any messages, any cuts: they come out as they went in.
    #[test]
    fn messages_survive_any_cuts(
        which in 1..FRAMINGS.len(),
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8),
        cuts in prop::collection::vec(1_usize..50, 1..20),
    ) {
        let framing = framing(FRAMINGS[which], None);
        let messages: Vec<_> = messages.into_iter().filter(|message| framing.fits(message).is_ok()).collect();
        let wire: Vec<u8> = messages.iter().flat_map(|message| said(FRAMINGS[which], message)).collect();
        let (mut came, mut inbox, mut scanned, mut sent) = (Vec::new(), Vec::new(), 0, 0);
        for cut in cuts.iter().cycle() {
            let until = (sent + cut).min(wire.len());
            inbox.extend_from_slice(&wire[sent..until]);
            sent = until;
            let mut input = Input::stream(&inbox, &mut scanned);
            while let Some(message) = framing.take(&mut input).unwrap() {
                came.push(message.to_vec());
            }
            let taken = input.taken();
            inbox.drain(..taken);
            if sent == wire.len() {
                break;
            }
        }
        prop_assert_eq!(came, messages);
        prop_assert!(inbox.is_empty());
    }
}
