//! What servers answer, and how clients tell right from wrong.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use netproto::{
    protocol::{Setup, find},
    session::{Closed, End, Event, Mismatch, Rides, Verdict},
};
use proptest::prelude::*;

use crate::{answered, bodies, client, drain, pair, server, setup};

const PREFIX: &[u8] = b"Processed: ";

/// What a server says that receives `data` in pieces of these sizes.
fn processed(data: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut server = server("processed", "raw", &[], Rides::Stream);
    pieces(data, cuts).for_each(|piece| server.offer(piece));
    drain(&mut server)
}

fn pieces<'a>(data: &'a [u8], cuts: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let (mut rest, mut cuts) = (data, cuts.iter().cycle());
    std::iter::from_fn(move || {
        let size = rest.len().min(*cuts.next()?);
        let (piece, more) = rest.split_at(size);
        rest = more;
        (!piece.is_empty()).then_some(piece)
    })
}

fn mismatches(end: &End) -> Vec<Mismatch> {
    let wrong = |event: &Event| match event {
        Event::Answered { verdict: Verdict::Wrong(mismatch), .. } => Some((**mismatch).clone()),
        _ => None,
    };
    end.events.iter().filter_map(wrong).collect()
}

fn ended_by(end: &End) -> Option<&'static str> {
    match &end.ended {
        Some(Closed::Violated(violation)) => Some(violation.name),
        _ => None,
    }
}

#[test]
fn each_chunk_is_answered() {
    assert_eq!(processed(b"hello", &[5]), b"Processed: hello");
    assert_eq!(processed(b"hello", &[2]), b"Processed: heProcessed: llProcessed: o");
    assert_eq!(processed(b"\0\xff\r\n", &[9]), b"Processed: \0\xff\r\n");
    let mut lines = server("processed", "lines", &[], Rides::Stream);
    lines.offer(b"one\ntwo\r\nthr");
    lines.offer(b"ee\n\n");
    assert_eq!(drain(&mut lines), b"Processed: one\r\nProcessed: two\r\nProcessed: three\r\nProcessed: \r\n");
}

#[test]
fn each_datagram_is_answered_but_answers() {
    let mut server = server("processed", "raw", &[], Rides::Datagrams);
    for datagram in [&b"hello"[..], b"", b"Processed: hello", PREFIX, b"Processed:", b"processed: x"] {
        server.offer_datagram(datagram);
    }
    drain(&mut server);
    let answers: [&[u8]; 4] = [b"Processed: hello", PREFIX, b"Processed: Processed:", b"Processed: processed: x"];
    assert_eq!(server.datagrams, answers);
    let mut echo = crate::server("echo", "raw", &[], Rides::Datagrams);
    echo.offer_datagram(b"Processed: hello");
    drain(&mut echo);
    assert_eq!(echo.datagrams, [b"Processed: hello"]);
}

#[test]
fn an_answer_that_does_not_fit_is_named_and_the_next_given() {
    let mut server = server("processed", "raw", &[], Rides::Datagrams);
    server.offer_datagram(&vec![b'x'; 65_496]);
    server.offer_datagram(&vec![b'x'; 65_497]);
    server.offer_datagram(b"next");
    drain(&mut server);
    assert_eq!(server.datagrams.iter().map(Vec::len).collect::<Vec<_>>(), [65_507, 15]);
    assert_eq!(server.violations.len(), 1);
    assert_eq!(server.violations[0].name, "answer_too_large");
    assert_eq!(
        server.violations[0].sentence,
        "the answer to a datagram of 65497 bytes has 65508, over the largest datagram of 65507; not answered"
    );
}

#[test]
fn a_wrong_answer_on_a_stream_ends_it() {
    for (answer, at, expected) in [
        (&b"Processed: hallo"[..], 12, &b"Processed: hello"[..]),
        (b"hello", 0, b"Processed: hello"),
        (b"Processed: Processed: hello", 11, b"Processed: hello"),
        (b"Processed: heProcessedhello", 22, b"Processed: heProcessed: llo"),
        (b"Processed: heXllo", 13, b"Processed: hello"),
    ] {
        let mut client = client("processed", "raw", Rides::Stream);
        client.submit(7, b"hello").unwrap();
        client.offer(answer);
        assert_eq!(answered(&client), [(7, false)]);
        assert_eq!(ended_by(&client), Some("wrong_answer"));
        let [mismatch] = &mismatches(&client)[..] else { panic!("one mismatch") };
        assert_eq!((mismatch.at, &mismatch.expected[..]), (at, expected), "{}", answer.escape_ascii());
        assert_eq!(mismatch.got, answer);
    }
}

/// Read as one piece this begins with the whole answer; read as two it goes on, and then goes wrong. When the second
/// reading ends, the first has long ended too, but it was one: so it is however the stream is cut.
#[test]
fn an_answer_that_was_seen_stays_seen() {
    let reply = b"Processed: Processed: Processed: X";
    for chunk in [1, 5, reply.len()] {
        let mut client = client("processed", "raw", Rides::Stream);
        client.submit(0, b"Processed: Proc").unwrap();
        reply.chunks(chunk).for_each(|piece| client.offer(piece));
        assert_eq!(answered(&client), [(0, true)], "{chunk}");
        assert_eq!(ended_by(&client), Some("wrong_answer"), "{chunk}");
    }
}

#[test]
fn what_nothing_asked_for_is_said_so() {
    let mut client = client("echo", "raw", Rides::Stream);
    client.offer(b"hello");
    assert!(client.events.contains(&Event::Unsolicited { bytes: 5 }));
    assert_eq!(ended_by(&client), Some("wrong_answer"));
    let mut frames = crate::client("echo", "lines", Rides::Stream);
    frames.offer(b"hello\n");
    assert!(frames.events.contains(&Event::Unsolicited { bytes: 5 }));
    assert_eq!(frames.ended, None, "with frames the next one can be told");
}

#[test]
fn frames_go_on_after_a_wrong_one() {
    let mut client = client("processed", "lines", Rides::Stream);
    for (seq, body) in [(0, b"a"), (1, b"b"), (2, b"c"), (3, b"d")] {
        client.submit(seq, body).unwrap();
    }
    client.forget(2);
    client.offer(b"Processed: a\r\nprocessed: b\r\nProcessed: c\r\nProcessed: d\r\n");
    assert_eq!(answered(&client), [(0, true), (1, false), (3, true)]);
    assert!(client.events.contains(&Event::Late { seq: 2 }));
    assert_eq!(bodies(&client), b"Processed: aprocessed: bProcessed: cProcessed: d");
    assert_eq!(client.ended, None);
}

#[test]
fn late_answers_on_a_stream_are_late() {
    let mut client = client("echo", "raw", Rides::Stream);
    client.submit(0, b"one").unwrap();
    client.submit(1, b"two").unwrap();
    client.forget(0);
    client.offer(b"onetw");
    assert!(client.events.contains(&Event::Late { seq: 0 }) && answered(&client).is_empty());
    client.offer(b"o");
    assert_eq!(answered(&client), [(1, true)]);
}

#[test]
fn datagrams_are_matched_by_what_they_say() {
    let mut client = client("echo", "raw", Rides::Datagrams);
    for (seq, body) in [(0, "same"), (1, "other"), (2, "same"), (3, "lost")] {
        client.submit(seq, body.as_bytes()).unwrap();
    }
    client.forget(3);
    for answer in ["other", "same", "other", "lost", "same", "same", "never said"] {
        client.offer_datagram(answer.as_bytes());
    }
    let told: Vec<_> =
        client.events.into_iter().filter(|event| !matches!(event, Event::Body(_) | Event::Message(_))).collect();
    let right = |seq| Event::Answered { seq, verdict: Verdict::Right };
    assert_eq!(
        told,
        [
            right(1),
            right(0),
            Event::Duplicate { seq: 1 },
            Event::Late { seq: 3 },
            right(2),
            Event::Duplicate { seq: 2 },
            Event::Unsolicited { bytes: 10 },
        ]
    );
    let mut wrong = crate::client("processed", "raw", Rides::Datagrams);
    wrong.submit(0, b"hello").unwrap();
    wrong.offer_datagram(b"hello");
    assert_eq!(answered(&wrong), [(0, false)]);
}

#[test]
fn numbered_datagrams_are_matched_in_any_framing() {
    let row = find("processed").unwrap();
    for framing in ["raw", "netstring"] {
        let numbered = Some(Arc::from(&b"........the pattern"[..]));
        let client = Setup { numbered, ..setup(row, framing, &[]) };
        let server = setup(row, framing, &[]);
        let (client, server) = ((row.client)(&client), (row.server.unwrap())(&server));
        let mut pair = netproto::session::Pair::new(client, server, Rides::Datagrams, 1);
        for seq in 0..5_u64 {
            pair.client.submit(seq, &[&seq.to_be_bytes(), &b"the pattern"[..]].concat()).unwrap();
        }
        assert!(pair.run(10));
        assert_eq!(answered(&pair.client), [(0, true), (1, true), (2, true), (3, true), (4, true)], "{framing}");
    }
}

#[test]
fn raw_takes_anything_for_an_answer() {
    for rides in [Rides::Stream, Rides::Datagrams] {
        let mut client = client("raw", "raw", rides);
        client.submit(0, b"hello").unwrap();
        client.submit(1, b"again").unwrap();
        for piece in [b"\x00\xff", b"ok", b"up"] {
            match rides {
                Rides::Stream => client.offer(piece),
                Rides::Datagrams => client.offer_datagram(piece),
            }
        }
        assert_eq!(answered(&client), [(0, true), (1, true)]);
        assert_eq!(bodies(&client), b"\x00\xffokup");
        assert_eq!(drain(&mut client), b"helloagain");
    }
}

#[test]
fn a_delay_keeps_the_order_and_the_end() {
    for rides in [Rides::Stream, Rides::Datagrams] {
        let mut server = server("echo", "lines", &[("delay", "20ms")], rides);
        for line in [b"one\r\n", b"two\r\n"] {
            match rides {
                Rides::Stream => server.offer(line),
                Rides::Datagrams => server.offer_datagram(line),
            }
        }
        assert_eq!(server.leave(99), None, "nothing is said at once");
        assert!(server.busy());
        if rides == Rides::Stream {
            server.offer_eof();
            assert!(!server.closing, "the end waits for the answers");
        }
        assert!(server.wake());
        assert!(server.busy());
        assert_eq!(drain(&mut server), b"one\r\ntwo\r\n");
        assert!(!server.busy());
        assert_eq!(server.closing, rides == Rides::Stream);
    }
}

#[test]
fn a_violation_comes_after_delayed_answers() {
    let mut server = server("echo", "netstring", &[("delay", "1s")], Rides::Stream);
    server.offer(b"3:one,x");
    assert_eq!(server.ended, None);
    assert_eq!(drain(&mut server), b"3:one,");
    assert_eq!(ended_by(&server), Some("bad_length"));
}

/// However much a peer sends at once, what waits is bounded, and all of it is answered in the end.
#[test]
fn what_waits_is_bounded() {
    for params in [&[][..], &[("delay", "1s")]] {
        let mut server = server("processed", "lines", params, Rides::Stream);
        server.offer(&vec![b'\n'; 100_000]);
        assert!(server.untaken() > 80_000, "{} left, {params:?}", server.untaken());
        assert!(server.unsent() < 192 * 1024, "{} unsent", server.unsent());
        server.offer_eof();
        let (said, wanted) = (drain(&mut server), b"Processed: \r\n".repeat(100_000));
        assert_eq!((said.len(), server.untaken()), (wanted.len(), 0), "{params:?}");
        assert!(said == wanted && server.closing && server.ended.is_none());
    }
    let mut datagrams = server("echo", "raw", &[("delay", "1s")], Rides::Datagrams);
    (0..10).for_each(|_| datagrams.offer_datagram(&vec![b'x'; 60_000]));
    drain(&mut datagrams);
    assert_eq!(datagrams.datagrams.len() + datagrams.violations.len(), 10);
    assert!(datagrams.violations.iter().all(|violation| violation.name == "too_many_waiting"));
    assert!(!datagrams.violations.is_empty() && !datagrams.datagrams.is_empty());
}

/// A client that is given too much at once says so, and when to go on.
#[test]
fn a_client_takes_no_more_than_it_can_keep() {
    let mut client = client("echo", "raw", Rides::Stream);
    let body = vec![b'x'; 1 << 20];
    let taken = (0..100).take_while(|seq| client.submit(*seq, &body).is_ok()).count();
    assert!((10..=16).contains(&taken), "{taken} MiB taken");
    assert!(!client.events.contains(&Event::Ready));
    (0..taken).for_each(|_| client.offer(&body));
    assert_eq!(answered(&client).len(), taken);
    assert!(client.events.contains(&Event::Ready));
    client.submit(100, &body).unwrap();
}

#[test]
fn delays_count_from_each_message() {
    let mut pair = pair("processed", "raw", &[("delay", "2s")], Rides::Datagrams, 1);
    pair.client.facts.max_datagram = 1000;
    pair.client.submit(0, b"a").unwrap();
    assert!(pair.run(100));
    assert_eq!(answered(&pair.client), [(0, true)]);
    let set = setup(find("processed").unwrap(), "raw", &[("delay", "2s")]);
    assert_eq!(set.params.duration("delay"), Some(Duration::from_secs(2)));
}

/// Follows every way of reading `reply` as pieces of `data`, one byte at a time and without any short cut: how many bytes
/// agree.
fn agreeing(data: &[u8], reply: &[u8]) -> usize {
    let mut ways = BTreeSet::from([(0, 0)]);
    for (at, byte) in reply.iter().enumerate() {
        let mut next = BTreeSet::new();
        for (known, step) in ways {
            if step < PREFIX.len() {
                if PREFIX[step] == *byte {
                    next.insert((known, step + 1));
                }
                continue;
            }
            if data.get(known) == Some(byte) {
                next.insert((known + 1, PREFIX.len() + 1));
            }
            if step > PREFIX.len() && PREFIX[0] == *byte {
                next.insert((known, 1));
            }
        }
        if next.is_empty() {
            return at;
        }
        ways = next;
    }
    reply.len()
}

/// Data in which the prefix, and parts of it, occur.
fn tricky() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![&b"Processed: "[..], b"Proc", b"P", b" ", b"essed: ", b"x", b"hello"]);
    prop::collection::vec(words, 1..12).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// An honest server is never called wrong, however TCP cuts and joins, both ways.
    #[test]
    fn honest_answers_are_right(
        messages in prop::collection::vec(tricky(), 1..4),
        there in prop::collection::vec(1_usize..40, 1..6),
        back in prop::collection::vec(1_usize..60, 1..6),
    ) {
        let mut client = client("processed", "raw", Rides::Stream);
        for (seq, message) in (0..).zip(&messages) {
            client.submit(seq, message).unwrap();
        }
        let reply = processed(&messages.concat(), &there);
        pieces(&reply, &back).for_each(|piece| client.offer(piece));
        prop_assert_eq!(ended_by(&client), None);
        prop_assert_eq!(answered(&client), (0..messages.len() as u64).map(|seq| (seq, true)).collect::<Vec<_>>());
        prop_assert_eq!(bodies(&client), reply);
    }

    /// A changed, lost or added byte is noticed exactly where no way of reading is left.
    #[test]
    fn wrong_bytes_are_noticed(
        data in tricky(),
        there in prop::collection::vec(1_usize..40, 1..6),
        back in prop::collection::vec(1_usize..60, 1..6),
        at in any::<prop::sample::Index>(),
        change in 0..3,
        byte in prop::sample::select(b"Px :d".to_vec()),
    ) {
        let mut reply = processed(&data, &there);
        let at = at.index(reply.len());
        match change {
            0 => reply[at] = byte,
            1 => drop(reply.remove(at)),
            _ => reply.insert(at, byte),
        }
        let mut client = client("processed", "raw", Rides::Stream);
        client.submit(0, &data).unwrap();
        pieces(&reply, &back).for_each(|piece| client.offer(piece));
        let wrong = agreeing(&data, &reply) < reply.len();
        prop_assert_eq!(ended_by(&client), wrong.then_some("wrong_answer"));
    }
}
