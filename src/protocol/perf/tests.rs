//! `perf` in memory: measurements that end with their bytes, what is refused, and what is counted of datagrams.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use super::{
    ROW, View, Want,
    datagrams::{Counted, Numbered, Series},
    wire::{self, Frame, MAGIC},
};
use crate::{
    protocol::{Ends, Given, Setup, param},
    session::{Closed, Cx, EffectId, End, Event, Facts, Joined, Out, Pair, Rides, Session, Verdict},
};

fn make(setup: &Setup) -> Box<dyn Session> {
    (ROW.server.unwrap())(setup)
}

fn client() -> Box<dyn Session> {
    (ROW.client)(&Setup::default())
}

fn said(frame: Frame) -> Vec<u8> {
    let (facts, mut out) = (Facts::in_memory(Rides::Stream), Out::default());
    wire::say(frame, &mut Cx::new(&facts, &mut out));
    out.only_run().unwrap().to_vec()
}

fn verdicts(end: &End) -> Vec<(u64, bool)> {
    let verdict = |event: &Event| match event {
        Event::Answered { seq, verdict } => Some((*seq, *verdict == Verdict::Right)),
        _ => None,
    };
    end.events.iter().filter_map(verdict).collect()
}

fn violation(end: &End) -> Option<&'static str> {
    match &end.ended {
        Some(Closed::Violated(violation)) => Some(violation.name),
        _ => None,
    }
}

fn shown(end: &End) -> String {
    let body = |event: &Event| match event {
        Event::Body(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    };
    end.events.iter().filter_map(body).collect()
}

#[test]
fn both_ends_count_the_same_each_way() {
    for (words, up, down) in [("up 200K", 204_800, 0), ("down 1M", 0, 1 << 20), ("both 70000", 70_000, 70_000)] {
        for chunk in [7, 1000, 1 << 20] {
            let mut pair = Pair::new(client(), make(&Setup::default()), Rides::Stream, chunk);
            pair.client.submit(0, words.as_bytes()).unwrap();
            pair.client.submit(1, b"up 1").unwrap();
            assert!(pair.run(100_000), "{words} {chunk}");
            assert_eq!(verdicts(&pair.client), [(0, true), (1, true)], "{words} {chunk}: {:?}", pair.client.events);
            let sent = (pair.client.said.len() as u64, pair.server.said.len() as u64);
            assert!(sent.0 >= up && sent.0 < up + 2000 && sent.1 >= down && sent.1 < down + 2000, "{words}: {sent:?}");
            pair.finish();
            pair.run(10);
            assert!(pair.client.closing && pair.server.closing && pair.server.ended.is_none(), "{words}");
        }
    }
}

#[test]
fn what_is_wanted_is_the_same_in_words_and_in_bytes() {
    for words in ["up 10M", "down 2s block=64K", "both 1 1h rate=500M omit=1s session=77", "up 5 zero-copy skip-copy"] {
        let want = Want::read(words).unwrap();
        assert_eq!(Want::read(&want.to_string()), Ok(want), "{words}");
        assert_eq!(Want::from_bytes(&want.to_bytes()), Ok(want), "{words}");
    }
    assert_eq!(Want::read("up 1").unwrap().block, 1 << 20);
    let read_at_once = |words| Want::read(words).unwrap().swallow(EffectId(0), 1).at_once;
    assert_eq!((read_at_once("up 1"), read_at_once("up 1 zero-copy")), (64 * 1024, 256 * 1024));
    for (words, why) in [
        ("", "begins with up"),
        ("sideways 1M", "begins with up"),
        ("up", "how much is missing"),
        ("up 0", "more than 0"),
        ("up 0s", "more than 0"),
        ("up 1M block=2M", "at most 1 MiB"),
        ("up 1M block=0", "at least 1 byte"),
        ("up 1M colour=red", "nothing that can be set"),
        ("up fast", "number"),
    ] {
        let error = Want::read(words).unwrap_err();
        assert!(error.contains(why), "{words}: {error}");
    }
}

#[test]
fn limits_of_the_server_are_kept_and_told() {
    let mut setup = Setup::default();
    for (name, value) in [("max-time", "10s"), ("max-bytes", "1K")] {
        setup.params.set(param(ROW.params, Ends::Server, name).unwrap(), Given::Text(value)).unwrap();
    }
    for (words, name, told) in [("down 11s", "too_long", "max-time"), ("up 1025", "too_many", "max-bytes")] {
        let mut pair = Pair::new(client(), make(&setup), Rides::Stream, 1);
        pair.client.submit(0, words.as_bytes()).unwrap();
        pair.run(1000);
        assert_eq!((violation(&pair.server), violation(&pair.client)), (Some(name), Some(name)), "{words}");
        assert!(pair.client.ended.as_ref().unwrap().to_string().contains(told), "{words}");
    }
    // Who says little and sends much.
    let mut server = End::new(make(&setup), Rides::Stream);
    server.offer(&said(Frame::Want(Want::read("up 10").unwrap())));
    for _ in 0..3 {
        server.offer(&said(Frame::Data(1000)));
        server.offer(&[0; 1000]);
    }
    assert_eq!(violation(&server), Some("too_many"));
}

#[test]
fn a_measurement_without_an_end_has_one() {
    static HOURS: AtomicU64 = AtomicU64::new(0);
    let mut server = End::new(make(&Setup::default()), Rides::Stream);
    server.facts.steady_clock = || Duration::from_secs(3600 * HOURS.load(Relaxed));
    server.offer(&said(Frame::Want(Want::read("up 10").unwrap())));
    while server.leave(1000).is_some() {}
    assert!(server.busy());
    HOURS.store(2, Relaxed);
    assert!(server.wake() && !server.busy());
    assert_eq!(violation(&server), Some("too_long"));
}

#[test]
fn another_version_is_told_at_both_ends() {
    let mut server = End::new(make(&Setup::default()), Rides::Stream);
    server.offer(b"perf\x02 whatever a later one says");
    while server.leave(1000).is_some() {}
    assert_eq!(violation(&server), Some("other_version"));
    assert_eq!(server.said, said(Frame::Refused(wire::OTHER_VERSION)));
    for (answer, name) in [
        (&server.said.clone()[..], "other_version"),
        (b"perf\x02", "other_version"),
        (b"Processed: perf", "not_perf"),
        (b"p!", "not_perf"),
        (b"perf\x01\x09\0\0\0\0\0\0\0\0\0\0", "unknown_frame"),
        (b"perf\x01\x02\0\0\0\0\0\0\0\0\0\x01", "bad_length"),
        (b"perf\x01\x05\0\0\0\0\0\0\0\0\0\0", "unexpected_frame"),
    ] {
        let mut client = End::new(client(), Rides::Stream);
        client.submit(0, b"up 10").unwrap();
        client.offer(answer);
        assert_eq!(violation(&client), Some(name), "{}", answer.escape_ascii());
    }
}

#[test]
fn unequal_views_are_told() {
    let mut client = End::new(client(), Rides::Stream);
    client.submit(0, b"up 10").unwrap();
    client.offer(&said(Frame::Ready));
    while client.leave(1000).is_some() {}
    client.offer(&said(Frame::View(View { received_bytes: 9, ..View::default() })));
    let [.., Event::Answered { verdict: Verdict::Wrong(mismatch), .. }] = &client.events[..] else { panic!("wrong") };
    let why = mismatch.why.as_ref().unwrap();
    assert_eq!(why.sentence, "up: 10 bytes sent, 9 received: the views differ");
    assert!(shown(&client).starts_with("up    9 B"), "{}", shown(&client));
}

#[test]
fn what_was_omitted_is_not_counted() {
    let mut server = End::new(make(&Setup::default()), Rides::Stream);
    server.offer(&said(Frame::Want(Want::read("up 10 omit=1s").unwrap())));
    for frame in [Frame::Data(4), Frame::Anew, Frame::Data(3), Frame::End] {
        server.offer(&said(frame));
        if let Frame::Data(bytes) = frame {
            server.offer(&vec![0; bytes as usize]);
        }
    }
    while server.leave(1000).is_some() {}
    let view = View { received_bytes: 3, received_blocks: 1, ..View::default() };
    assert!(server.said.ends_with(&said(Frame::View(view))), "{:?}", server.said);
}

#[test]
fn whoever_sends_nothing_in_the_measured_time_says_so_all_the_same() {
    let mut client = End::new(client(), Rides::Stream);
    client.submit(0, b"up 1s omit=1s").unwrap();
    client.offer(&said(Frame::Ready));
    // One segment takes longer than both times.
    (0..8).for_each(|_| _ = client.leave(100));
    assert!(client.wake() && client.wake() && !client.wake());
    let ends = (0..1000).any(|_| client.leave(1 << 20).is_none());
    assert!(ends, "it goes on sending");
    let phase = |event: &Event| match event {
        Event::Phase { name, .. } => Some(*name),
        _ => None,
    };
    let phases: Vec<_> = client.events.iter().filter_map(phase).collect();
    assert_eq!(phases, ["ready", "sending_anew", "sent"]);
    client.offer(&said(Frame::View(View::default())));
    assert_eq!(verdicts(&client), [(0, true)]);
}

#[test]
fn a_view_survives_its_ways() {
    let view = View { received_bytes: 1, cpu_ns: 7, wall_ns: 14, astray: u64::MAX, ..View::default() };
    assert_eq!(View::from_bytes(&view.to_bytes()), view);
    assert_eq!(View::from_fields(&view.fields()), view);
    assert_eq!((view.cpu_percent(), View::default().cpu_percent()), (Some(50.0), None));
}

/// A datagram of the client's, padded to `length`.
fn numbered(session: u64, number: u64, asks: bool, length: usize) -> Vec<u8> {
    let mut datagram = vec![b'x'; length];
    Numbered { session, number, sent_ns: 5, asks, ..Numbered::default() }.put(&mut datagram);
    datagram
}

fn counted(server: &mut End) -> Counted {
    while server.leave(1000).is_some() {}
    Counted::read(server.datagrams.last().unwrap()).unwrap()
}

#[test]
fn datagrams_are_counted_exactly() {
    let mut server = End::new(make(&Setup::default()), Rides::Datagrams);
    for number in [0, 1, 3, 2, 2, 9000, 100] {
        server.offer_datagram(&numbered(7, number, false, 64));
    }
    server.offer_datagram(&numbered(7, 9001, true, 240));
    let answer = counted(&mut server);
    assert_eq!((answer.session, answer.number, server.datagrams.len()), (7, 9001, 1));
    let view = answer.view;
    assert_eq!((view.received_blocks, view.received_bytes), (6, 5 * 64 + 240));
    assert_eq!((view.expected, view.duplicated, view.reordered, view.astray), (9002, 1, 1, 1));
    // A new session counts from the beginning.
    server.offer_datagram(&numbered(8, 0, true, 232));
    assert_eq!(counted(&mut server).view.received_blocks, 1);
}

#[test]
fn joined_datagrams_are_counted_as_single_ones_are() {
    let series = Series::new(7, 64, 8).number(1, 8, 5).to_vec();
    let (mut at_once, mut apart) =
        (End::new(make(&Setup::default()), Rides::Datagrams), End::new(make(&Setup::default()), Rides::Datagrams));
    at_once.facts.watch.messages = false;
    assert_eq!(at_once.offer_joined(Joined::new(&series, 64)), 0, "a session begins with one that is heard alone");
    for server in [&mut at_once, &mut apart] {
        server.offer_datagram(&numbered(7, 0, false, 64));
    }
    assert_eq!(at_once.offer_joined(Joined::new(&series, 64)), 8);
    series.chunks(64).for_each(|one| apart.offer_datagram(one));
    // What is changed, another session's or a question is left to be heard alone.
    let mut changed = series.clone();
    changed[3 * 64 + 50] ^= 1;
    assert_eq!(at_once.offer_joined(Joined::new(&changed, 64)), 3);
    series[..3 * 64].chunks(64).for_each(|one| apart.offer_datagram(one));
    for server in [&mut at_once, &mut apart] {
        server.offer_datagram(&changed[3 * 64..4 * 64]);
        server.offer_datagram(&Numbered { session: 7, number: 9, last: true, ..Numbered::default() }.asking(0));
    }
    let (at_once, apart) = (counted(&mut at_once).view, counted(&mut apart).view);
    assert_eq!(View { joined: 0, ..at_once }, apart);
    assert_eq!((at_once.received_blocks, at_once.duplicated, at_once.corrupt, at_once.joined), (9, 3, 1, 8));
}

#[test]
fn what_comes_late_or_of_a_measurement_that_is_over() {
    let mut server = End::new(make(&Setup::default()), Rides::Datagrams);
    server.offer_datagram(&numbered(7, 0, false, 64));
    server.offer_datagram(&Numbered { session: 7, number: 2, last: true, ..Numbered::default() }.asking(0));
    server.offer_datagram(&numbered(7, 1, false, 64));
    server.offer_datagram(&numbered(7, 2, true, 240));
    let view = counted(&mut server).view;
    assert_eq!((view.received_blocks, view.late, view.expected), (3, 2, 3));
    server.offer_datagram(&numbered(8, 0, false, 64));
    server.offer_datagram(&numbered(7, 3, false, 64));
    server.offer_datagram(&numbered(8, 1, true, 240));
    assert_eq!(counted(&mut server).view.received_blocks, 2);
    assert_eq!(server.violations.iter().map(|violation| violation.name).collect::<Vec<_>>(), ["other_session"]);
}

#[test]
fn nobody_is_sent_more_than_was_asked_with() {
    let mut server = End::new(make(&Setup::default()), Rides::Datagrams);
    for length in [Numbered::LEAST_ASKING - 1, Numbered::LEAST_ASKING] {
        server.offer_datagram(&numbered(7, length as u64, true, length));
    }
    while server.leave(1000).is_some() {}
    assert_eq!(server.datagrams.iter().map(Vec::len).collect::<Vec<_>>(), [Numbered::LEAST_ASKING]);
    assert_eq!(server.violations.iter().map(|violation| violation.name).collect::<Vec<_>>(), ["too_short"]);
    // Its own answer asks for nothing.
    let answer = server.datagrams[0].clone();
    server.offer_datagram(&answer);
    assert!(server.leave(1000).is_none() && server.datagrams.len() == 1);
}

#[test]
fn lost_datagrams_are_told_over_datagrams() {
    let mut client = End::new(client(), Rides::Datagrams);
    client.submit(0, b"up 3K block=1K").unwrap();
    while client.leave(1000).is_some() {}
    assert_eq!(client.datagrams.iter().map(Vec::len).collect::<Vec<_>>(), [1024; 3]);
    let mut server = End::new(make(&Setup::default()), Rides::Datagrams);
    server.offer_datagram(&client.datagrams[0]);
    server.offer_datagram(&client.datagrams[2]);
    while server.leave(1000).is_some() {}
    client.offer_datagram(&server.datagrams[0]);
    assert_eq!(verdicts(&client), [(0, false)]);
    assert_eq!(shown(&client), "2 of 3 datagrams came, 0 twice\n");
    for words in ["down 1K", "up 1s", "up 2M"] {
        client.submit(1, words.as_bytes()).unwrap();
        assert!(matches!(client.events.last(), Some(Event::Refused { .. })), "{words}");
    }
}

#[test]
fn times_are_no_memory_leak() {
    let mut server = End::new(make(&Setup::default()), Rides::Stream);
    let want = Want { time: Some(Duration::from_secs(3000)), ..Want::read("down 1").unwrap() };
    for _ in 0..100 {
        server.offer(&said(Frame::Want(want)));
        while server.leave(1000).is_some() {}
    }
    assert_eq!(violation(&server), Some("too_many"));
    assert!(server.said.starts_with(&MAGIC));
}
