//! For each row of the table: it talks to itself however it is carried, and bears noise.

use netproto::{
    protocol::{ALL, ANY, Answers, DEFAULT, Ends, Param, Protocol, find, nearest},
    session::{Closed, Event, Rides},
};

use crate::{FRAMINGS, answered, client, drain, invariants, pair};

const MESSAGES: [&[u8]; 4] = [b"hello", b"", &[0, 255, 13, 10, 7], &[b'x'; 200]];

#[test]
fn names_are_unique_and_found() {
    for (at, row) in ALL.iter().enumerate() {
        assert_eq!(ALL.iter().position(|other| other.name == row.name), Some(at));
        assert!(find(row.name).is_some_and(|found| std::ptr::eq(found, *row)));
        assert!(!row.about.ends_with('.') && row.about.len() < 72, "{}: one line, no full stop", row.name);
        assert!(!row.rides.is_empty() && row.usual() == row.rides[0], "{}: it rides on something", row.name);
        assert!(row.rides.iter().enumerate().all(|(at, rides)| !row.rides[..at].contains(rides)), "{}", row.name);
        assert!(
            row.amplifies <= row.echoes || row.form().is_some(),
            "{}: what answers any datagram can loop; what answers only messages of a form need not",
            row.name
        );
    }
    assert_eq!((ALL[0].name, DEFAULT.name, ANY.name), ("processed", "processed", "raw"));
    assert_eq!(nearest("ehco"), Some("echo"));
    assert_eq!(nearest("zzzzzz"), None);
}

/// `--user` of smtp and of ftp is one flag, with one line of help.
#[test]
fn a_flag_of_several_says_the_same_for_all() {
    let flags = |row: &'static Protocol| row.params.iter().filter(|param| param.ends != Ends::Server);
    for (row, param) in ALL.iter().flat_map(|row| flags(row).map(move |param| (row, param))) {
        for (other, same) in ALL.iter().flat_map(|row| flags(row).map(move |param| (row, param))) {
            let told = |param: &Param| param.flag_help.unwrap_or(param.help);
            assert!(param.name != same.name || told(param) == told(same), "{}: {} and {}", param.name, row.name, other.name);
        }
    }
}

#[test]
fn each_explains_itself() {
    for row in ALL {
        let (name, explained) = (row.name, row.explained);
        let ways: Vec<_> = explained.layout.iter().map(|layout| layout.way).collect();
        assert_eq!(ways, ["client to server", "server to client"], "{name}");
        for line in explained.layout.iter().flat_map(|layout| layout.picture.lines()) {
            let drawn = line.bytes().all(|byte| matches!(byte, b' '..=b'~')) && line.trim_end() == line;
            assert!(drawn && line.len() <= 76, "{name}: {line:?}");
        }
        assert!(explained.layout.iter().all(|layout| !layout.picture.is_empty()), "{name}");
        assert!(!explained.states.is_empty() && !explained.limits.is_empty(), "{name}");
        assert_eq!(explained.states.last().unwrap().0, "closed", "{name}: states end in the end");
        assert!(explained.courses.iter().all(|course| ["streams", "datagrams"].contains(&course.over)), "{name}");
        assert!(!explained.courses.is_empty(), "{name}: it is carried by something");
        let told = |text: &str| text.ends_with(['.', ')']) && text.starts_with(|first: char| !first.is_lowercase());
        let states = explained.states.iter().map(|(_, what)| *what);
        let courses = explained.courses.iter().flat_map(|course| [course.begins, course.ends]);
        let limits = explained.limits.iter().copied();
        for sentence in states.chain(courses).chain(limits) {
            assert!(told(sentence) || sentence.starts_with("netproto"), "{name}: {sentence}");
        }
        let written: Vec<_> = explained.sections.iter().map(|(place, _)| *place).collect();
        let spec = row.spec.starts_with("RFC ");
        assert!(
            !written.is_empty() && written.iter().all(|place| !spec || row.spec.contains(place.trim_start_matches("RFC "))),
            "{name}: {written:?}"
        );
    }
}

/// Messages that this protocol, framing and carrier can say.
fn sayable(row: &Protocol, framing: &str, rides: Rides) -> Vec<&'static [u8]> {
    if let Some(form) = row.form() {
        return form.examples.iter().map(|example| example.as_bytes()).collect();
    }
    let can = |message: &&[u8]| match framing {
        "raw" => rides == Rides::Datagrams || !message.is_empty(),
        "lines" => !message.contains(&b'\n'),
        "delimiter:\\0" => !message.contains(&0),
        _ => true,
    };
    MESSAGES.into_iter().filter(can).collect()
}

#[test]
fn each_talks_to_itself() {
    for row in ALL {
        for framing in FRAMINGS.iter().filter(|framing| row.framed || **framing == "raw") {
            for (rides, chunk) in [(Rides::Stream, 1), (Rides::Stream, 7), (Rides::Stream, 65_536), (Rides::Datagrams, 1)] {
                if !row.rides_on(rides) {
                    continue;
                }
                talk(row.name, framing, rides, chunk);
            }
        }
    }
}

fn talk(name: &str, framing: &str, rides: Rides, chunk: usize) {
    let what = format!("{name} {framing} {rides:?} {chunk}");
    let row = find(name).unwrap();
    let answers = if rides == Rides::Stream { row.answers.stream } else { row.answers.datagrams };
    let mut pair = pair(name, framing, &[], rides, chunk);
    let messages = if answers == Answers::OnceThenClose { vec![&b""[..]] } else { sayable(row, framing, rides) };
    for (seq, message) in (0..).zip(&messages) {
        pair.client.submit(seq, message).unwrap();
        let rested = pair.run(if answers == Answers::Endless { 3 } else { 10_000 });
        assert_eq!(rested, answers != Answers::Endless, "{what}");
    }
    let right: Vec<_> = (0..messages.len() as u64).map(|seq| (seq, true)).collect();
    assert_eq!(answered(&pair.client), right, "{what}: {:?}", pair.client.events);
    pair.finish();
    pair.run(10);
    assert_eq!((&pair.client.ended, &pair.server.ended), (&None, &None), "{what}");
    assert!(pair.client.violations.is_empty() && pair.server.violations.is_empty(), "{what}");
    if rides == Rides::Stream && answers != Answers::Endless {
        assert!(pair.server.closing && pair.client.closing, "{what}: both close in good order");
    }
    if rides == Rides::Datagrams {
        let (asked, said) = (pair.client.datagrams.len(), pair.server.datagrams.len());
        assert_eq!(said, if answers == Answers::Never { 0 } else { asked }, "{what}: one answer to each datagram");
    }
}

#[test]
fn an_end_in_mid_frame_is_a_violation() {
    for framing in FRAMINGS.iter().filter(|framing| **framing != "raw") {
        let mut server = crate::server("echo", framing, &[], Rides::Stream);
        server.offer(if *framing == "netstring" { b"5:ab" } else { b"\x05" });
        server.offer_eof();
        match &server.ended {
            Some(Closed::Violated(violation)) => assert_eq!(violation.name, "cut_short", "{framing}"),
            other => panic!("{framing}: {other:?}"),
        }
    }
}

/// Bytes that look like a protocol often enough to get past its first check.
fn noise(random: &mut fastrand::Rng) -> Vec<u8> {
    const WORDS: &[&[u8]] = &[
        b"Processed: ",
        b"Proc",
        b"3:abc,",
        b"\r\n",
        b";",
        b"-=-",
        b"\x00\x00\x00\x03",
        b"nnnnnnnn",
        b"\x80\x80",
        b"11:",
        b"GET / HTTP/1.1\r\nHost: h\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\n",
        b"Content-Length: 3\r\n",
        b"\r\n\r\n",
        b"0\r\n",
        // A question to `dns`, with the length that stands before it on a stream; and what begins one.
        b"\0\x22\0\x01\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x04test\0\0\x01\0\x01",
        b"\0\x01\x01\0\0\x01\0\0\0\0\0\0",
        // Commands of `ftp`, and replies.
        b"EPSV\r\nMLSD\r\n",
        b"PASV\r\nRETR hello\r\n",
        b"STAT\r\nHELP\r\nABOR\r\n",
        b"USER ftp\r\nPASS x\r\n",
        b"229 (|||7|)\r\n150 x\r\n",
        b"213 5\r\n227 1,2,3,4,5,6\r\n226 x\r\n",
        b"\xfftype=dir;size=5; a\r\n\xff",
        b"EHLO x\r\n",
        b"MAIL FROM:<a@x>\r\n",
        b"RCPT TO:<b@y>\r\n",
        b"DATA\r\n",
        b"\r\n.\r\n",
        b"BDAT 5 LAST\r\nhello",
        b"AUTH PLAIN AGEAYg==\r\n",
        b"220 x\r\n",
        b"250-x\r\n250 PIPELINING\r\n",
        b"354 x\r\n",
        // What `perf` is asked, and what it says.
        b"perf\x01\x01\0\0\0\0\0\0\0\0\0\x30\0\0\0\0\0\0\0\x07\x03\0\0\0\0\0\x01\0",
        b"\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        b"perf\x01\x02\0\0\0\0\0\0\0\0\0\0",
        b"perf\x01\x03\0\0\0\0\0\0\0\0\0\x05hello",
        b"perf\x01\x05\0\0\0\0\0\0\0\0\0\0",
    ];
    let mut data: Vec<u8> = (0..4).map(|_| random.u8(..)).collect();
    for _ in 0..random.usize(..20) {
        match random.u8(..4) {
            0 => data.extend((0..random.usize(..20)).map(|_| random.u8(..))),
            1 => data.extend(std::iter::repeat_n(random.u8(..), random.usize(..400))),
            2 if data.len() > 8 => data.extend_from_within(4..random.usize(5..data.len())),
            _ => data.extend_from_slice(random.choice(WORDS).unwrap()),
        }
        data.truncate(1200);
    }
    data
}

/// Hands it 800 pieces of noise.
fn make_noise(hear: impl Fn(&[u8])) {
    let mut random = fastrand::Rng::with_seed(1);
    (0..800).for_each(|_| hear(&noise(&mut random)));
}

#[test]
fn noise_breaks_no_session() {
    make_noise(invariants::sessions);
}

#[test]
fn noise_breaks_no_script() {
    make_noise(invariants::scripts);
}

#[test]
fn noise_breaks_nothing() {
    make_noise(|data| {
        invariants::framing(data);
        invariants::patterns(data);
        invariants::ftp(data);
        invariants::smtp(data);
        invariants::values(&data[4..]);
    });
}

/// Requests and answers that are right, but for what happens to them on the way.
#[test]
fn http_bears_what_is_nearly_right() {
    const PIECES: [&[u8]; 30] = [
        b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"HEAD /x?y HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"POST /a HTTP/1.1\r\nHost: h\r\n",
        b"PUT http://h/%41 HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n",
        b"OPTIONS * HTTP/1.1\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 0\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: close\r\n",
        b"TE: trailers\r\n",
        b"Host: h\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"hello",
        b"5\r\nhello\r\n",
        b"3;a=\"b\"\r\nabc\r\n",
        b"0\r\n\r\n",
        b"0\r\nA: b\r\n\r\n",
        b"ffffffffffffffff\r\n",
        b" folded\r\n",
        b"X : y\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 301 Moved\r\nLocation: /x\r\n",
        b"HTTP/1.0 404 No\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"\0",
        b"\xff",
    ];
    let mut random = fastrand::Rng::with_seed(2);
    for _ in 0..3000 {
        let mut data: Vec<u8> = (0..3).map(|_| random.u8(..)).collect();
        for _ in 0..random.usize(1..12) {
            data.extend_from_slice(random.choice(PIECES).unwrap());
        }
        if random.u8(..) < 64 {
            let at = random.usize(3..data.len());
            data[at] = random.u8(..);
        }
        invariants::sessions_of("http", &data);
    }
}

#[test]
fn a_client_says_why_it_does_not_say() {
    for row in ["processed", "raw"] {
        let mut datagrams = client(row, "raw", Rides::Datagrams);
        datagrams.submit(0, &vec![0; 65_508]).unwrap();
        let mut framed = client(row, "int16", Rides::Datagrams);
        framed.submit(0, &vec![0; 65_506]).unwrap();
        let mut stream = client(row, "raw", Rides::Stream);
        stream.submit(0, b"").unwrap();
        for (mut end, name) in [(datagrams, "frame_too_long"), (framed, "frame_too_long"), (stream, "empty_message")] {
            assert!(
                matches!(&end.events[..], [Event::Refused { seq: 0, why }] if why.name == name),
                "{row}: {:?}",
                end.events
            );
            assert!(drain(&mut end).is_empty());
        }
    }
}
