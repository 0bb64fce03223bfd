//! For each script in `examples/`, what is asked of every row: it talks to itself however it is carried, explains itself, and
//! bears noise.

use std::{fs, path::Path};

use netproto::{
    protocol::{Answers, Protocol, Setup, lua},
    session::{Closed, End, Pair, Rides},
};

use crate::answered;

/// A new state for each: what others were told is forgotten.
fn rows() -> Vec<&'static Protocol> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|kind| kind == "lua")).collect();
    paths.sort();
    assert!(paths.len() >= 6, "{paths:?}");
    let row = |path: &Path| lua::row(path.to_str().unwrap(), fs::read(path).unwrap(), || std::time::Duration::ZERO).unwrap();
    paths.iter().map(|path| row(path)).collect()
}

fn setup(row: &Protocol) -> Setup {
    Setup { script: row.script, ..Setup::default() }
}

fn messages(row: &Protocol) -> Vec<&'static [u8]> {
    match row.form() {
        Some(form) => form.examples.iter().map(|example| example.as_bytes()).collect(),
        None if row.takes_data() => vec![b"hello", &[0, 255, 13, 10, 7], &[b'x'; 200]],
        None => vec![b""],
    }
}

#[test]
fn each_talks_to_itself() {
    for row in rows() {
        for (rides, chunk) in [(Rides::Stream, 1), (Rides::Stream, 7), (Rides::Stream, 65_536), (Rides::Datagrams, 1)] {
            if row.rides_on(rides) {
                talk(row, rides, chunk);
            }
        }
    }
}

fn talk(row: &Protocol, rides: Rides, chunk: usize) {
    let what = format!("{} {rides:?} {chunk}", row.name);
    let once = row.answers.over(rides) == Answers::OnceThenClose;
    let new = || Pair::new((row.client)(&setup(row)), (row.server.unwrap())(&setup(row)), rides, chunk);
    let mut pair = new();
    for (seq, message) in (0..).zip(messages(row)) {
        let seq = if once {
            pair = new();
            0
        } else {
            seq
        };
        pair.client.submit(seq, message).unwrap();
        assert!(pair.run(10_000), "{what}");
        assert_eq!(answered(&pair.client).last(), Some(&(seq, true)), "{what}: {:?}", pair.client.events);
        if once {
            assert!(pair.server.closing && pair.client.closing, "{what}");
        }
    }
    pair.finish();
    pair.run(10);
    assert_eq!((&pair.client.ended, &pair.server.ended), (&None, &None), "{what}");
    assert!(pair.client.violations.is_empty() && pair.server.violations.is_empty(), "{what}");
    assert!(rides == Rides::Datagrams || (pair.server.closing && pair.client.closing), "{what}: both close in good order");
}

#[test]
fn each_tells_of_itself() {
    for row in rows() {
        let ways: Vec<_> = row.explained.layout.iter().map(|layout| layout.way).collect();
        assert_eq!(ways, ["client to server", "server to client"], "{}", row.name);
        assert!(row.about.len() < 72 && !row.about.ends_with('.') && row.stays(), "{}", row.name);
        assert_eq!(row.explained.courses.len(), row.rides.len(), "{}", row.name);
        for sentence in row.explained.states.iter().map(|(_, what)| *what).chain(row.explained.limits.iter().copied()) {
            assert!(sentence.ends_with('.'), "{sentence}");
        }
    }
}

/// Whatever a peer sends, the fault is the peer's, and bounded is what it causes.
#[test]
fn noise_is_the_peers_own_fault() {
    let mut random = fastrand::Rng::with_seed(3);
    let rows = rows();
    for round in 0..1500 {
        let row = random.choice(&rows).copied().unwrap();
        let rides = row.rides[round % row.rides.len()];
        let client = round % 3 == 0;
        let mut end = End::new(if client { row.client } else { row.server.unwrap() }(&setup(row)), rides);
        if client {
            let _ = end.submit(0, messages(row)[0]);
        }
        for _ in 0..random.usize(1..6) {
            let words: [&[u8]; 7] = [b"alice", b"=", b"\r\n", b"/W ", b"\0\x10", b"\x01\0\0\0\0\0\0\0\0\x05alice", b": "];
            let mut piece: Vec<u8> = (0..random.usize(..6)).flat_map(|_| random.choice(words).unwrap().to_vec()).collect();
            piece.extend((0..random.usize(..9)).map(|_| random.u8(..)));
            if rides == Rides::Stream {
                end.offer(&piece);
            } else {
                end.offer_datagram(&piece);
            }
            while end.leave(4096).is_some() {}
        }
        end.offer_eof();
        let mut all = end.violations.clone();
        if let Some(Closed::Violated(violation)) = &end.ended {
            all.push(violation.clone());
        }
        assert!(all.iter().all(|violation| violation.hint.is_none()), "{}: {all:?}", row.name);
        assert!(end.said.len() < 64 * 1024, "{}", row.name);
    }
}
