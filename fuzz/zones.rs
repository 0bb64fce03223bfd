//! What must hold for any zone and any question: no panic, an error that names its place, answers that are as short as they
//! have to be and that our own client can read. The fuzz target calls this, and `tests/protocols.rs` with random bytes.

// A panic is how it tells.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use netproto::{
    protocol::{Ends, Given, Protocol, Setup, Sheet, find, param},
    session::{Closed, End, Pair, Rides},
};

/// Before zones that would otherwise hold no record.
const BEGINNING: &str = "$ORIGIN a.\n$TTL 1h\n@ SOA ns host 1 2 3 4 5\n";
/// The longest datagram, whatever the question says.
const LONGEST: usize = 1232;

/// The first byte says whether the zone has a beginning, the second where it ends and the question begins. Tells whether the
/// zone was one.
pub fn zones(data: &[u8]) -> bool {
    let [begun, cut, rest @ ..] = data else { return false };
    let (zone, message) = rest.split_at(rest.len() * usize::from(*cut) / 256);
    let beginning = if begun & 1 == 1 { BEGINNING } else { "" };
    let text = [beginning.as_bytes(), zone].concat();
    let row = find("dns").unwrap();
    let Some(setup) = served(row, &text) else { return false };
    for rides in [Rides::Datagrams, Rides::Stream] {
        answered(row, &setup, rides, message);
    }
    asked(row, &setup, message);
    true
}

/// What reading the zone gives. It may include itself, which has an end, and its second half.
fn served(row: &Protocol, text: &[u8]) -> Option<Setup> {
    let other = |path: &Path| match path.to_str() {
        Some("z.txt") => Ok(text.to_vec()),
        Some("half") => Ok(text[text.len() / 2..].to_vec()),
        _ => Err("there is no such file".to_owned()),
    };
    let mut setup = Setup::default();
    let sheet = Sheet { path: Path::new("z.txt"), bytes: text, other: &other };
    match setup.params.set(param(row.params, Ends::Server, "zone").unwrap(), Given::Sheet(sheet)) {
        Ok(()) => Some(setup),
        Err(why) => {
            let why = why.to_string();
            let named = ["zone: z.txt, line ", "zone: half, line ", "zone: z.txt holds no record"];
            assert!(named.iter().any(|place| why.starts_with(place)), "{why}");
            assert!(!why.contains(char::is_control), "{why:?}");
            assert!(!setup.params.has("zone"));
            None
        }
    }
}

/// Any bytes, as a question.
fn answered(row: &Protocol, setup: &Setup, rides: Rides, message: &[u8]) {
    let mut server = End::new(row.server.unwrap()(setup), rides);
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    let message = &message[..usize::from(length)];
    match rides {
        Rides::Datagrams => server.offer_datagram(message),
        Rides::Stream => server.offer(&[&length.to_be_bytes()[..], message].concat()),
    }
    while server.leave(usize::MAX).is_some() {}
    let answer = match rides {
        Rides::Datagrams => server.datagrams.first().map_or(&[][..], Vec::as_slice),
        Rides::Stream => server.said.get(2..).unwrap_or_default(),
    };
    assert!(rides == Rides::Stream || answer.len() <= LONGEST, "{} bytes", answer.len());
    if !answer.is_empty() {
        assert_eq!(answer[..2], message[..2], "the answer has the number of the question");
        assert!(answer[2] & 0x80 != 0 && message[2] & 0x80 == 0, "answers are answers to questions");
        assert_eq!(answer[3] & 0x80, 0, "there is no recursion here");
    }
}

/// Any words, as a question of our client: what our server answers, it can read.
fn asked(row: &Protocol, setup: &Setup, words: &[u8]) {
    for rides in [Rides::Datagrams, Rides::Stream] {
        let mut pair = Pair::new((row.client)(setup), row.server.unwrap()(setup), rides, 65_536);
        pair.client.submit(0, words).expect("there is room for one");
        assert!(pair.run(1000), "it comes to rest");
        for end in [&pair.client, &pair.server] {
            assert!(!matches!(end.ended, Some(Closed::Violated(_))) && end.violations.is_empty(), "{:?}", end.ended);
        }
    }
}
