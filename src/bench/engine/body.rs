//! What each request says: the same, messages in turn, lengths that vary, places that are filled anew.
//!
//! Which request says what follows from its number and the seed alone, so that a run can be had again.

use std::{
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::bench::{
    Load,
    sizes::Sizes,
    template::{Filling, Template},
};

/// Bytes of the pattern that stay.
const STAYING: usize = 4096;

/// How datagrams are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    None,
    Bytes,
    /// In letters, which every framing can hold: no two datagrams in a row are alike, or they would look like a loop of echoes to
    /// the other end.
    Letters,
}

/// Which request it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Which {
    /// Its number in its conversation.
    pub(super) seq: u64,
    /// What was said before in its place, which begins with the number of the connection: lists go round.
    pub(super) before: u64,
    /// Its number among all requests of all connections.
    pub(super) of_all: u64,
}

/// What requests say.
#[derive(Debug)]
pub(super) struct Body {
    kind: Kind,
    seed: u64,
}

#[derive(Debug)]
enum Kind {
    /// The same each time.
    Same(Bytes),
    InTurn(Vec<Bytes>),
    /// So much of this, with a number over its first 8 bytes, if any.
    Pattern(Arc<[u8]>, Sizes, Number),
    Made(Vec<Template>),
}

impl Body {
    pub(super) fn new(load: Load, number: Number, seed: u64) -> Self {
        let kind = match load {
            Load::Length(length) if number != Number::None && length >= size_of::<u64>() => {
                Kind::Pattern(pattern(length).into(), Sizes::One(length), number)
            }
            Load::Length(length) => Kind::Same(same(length)),
            Load::Sizes(sizes) => Kind::Pattern(pattern(sizes.longest()).into(), sizes, number),
            Load::Messages(mut messages) if messages.len() <= 1 => Kind::Same(messages.pop().unwrap_or_default()),
            Load::Messages(messages) => Kind::InTurn(messages),
            Load::Templates(templates) => Kind::Made(templates),
        };
        Self { kind, seed }
    }

    /// The pattern of all messages, where each has its number in bytes.
    pub(super) fn numbered(&self) -> Option<Arc<[u8]>> {
        match &self.kind {
            Kind::Pattern(pattern, _, Number::Bytes) => Some(pattern.clone()),
            _ => None,
        }
    }

    /// Is it one of a few messages, said again and again?
    pub(super) fn repeats(&self) -> bool {
        matches!(self.kind, Kind::Same(_) | Kind::InTurn(_))
    }

    /// What this request says. `room` is reused: while nobody holds the last one, nothing is allocated.
    pub(super) fn of(&self, which: Which, room: &mut BytesMut) -> Bytes {
        let in_turn = |count: usize| (which.before.wrapping_add(which.seq) % count.max(1) as u64) as usize;
        match &self.kind {
            Kind::Same(body) => body.clone(),
            Kind::InTurn(bodies) => bodies[in_turn(bodies.len())].clone(),
            Kind::Pattern(pattern, sizes, number) => {
                let length = match sizes {
                    Sizes::One(length) => *length,
                    sizes => sizes.pick(&mut self.random(which.of_all)),
                };
                room.reserve(length);
                match number {
                    Number::Bytes => room.put_u64(which.seq),
                    Number::Letters => room.put_slice(&letters(which.seq)),
                    Number::None => {}
                }
                room.put_slice(&pattern[room.len()..length]);
                room.split().freeze()
            }
            Kind::Made(templates) => {
                let template = &templates[in_turn(templates.len())];
                room.reserve(template.longest());
                let random = &mut self.random(which.of_all);
                template.fill(&mut Filling { seq: which.of_all, random, now: SystemTime::now }, room);
                room.split().freeze()
            }
        }
    }

    /// Random numbers for this request alone. Neighbours must not be alike: the multiplication spreads them.
    fn random(&self, of_all: u64) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed ^ of_all.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

/// Letters, over and over: no framing needs to escape them, and a piece in the wrong place is seen.
fn pattern(length: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(length).collect()
}

/// A pattern that most often is part of one that stays as long as the program: to hand it on, nobody has to count who holds it.
fn same(length: usize) -> Bytes {
    static STAYS: OnceLock<Vec<u8>> = OnceLock::new();
    let stays = STAYS.get_or_init(|| pattern(STAYING));
    stays.get(..length).map_or_else(|| pattern(length).into(), Bytes::from_static)
}

/// `seq` as eight letters.
fn letters(seq: u64) -> [u8; 8] {
    let mut rest = seq;
    std::array::from_fn(|_| {
        let letter = b'a' + (rest % 26) as u8;
        rest /= 26;
        letter
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &Body, n: u64, room: &mut BytesMut) -> Bytes {
        body.of(Which { seq: n, before: 0, of_all: n }, room)
    }

    #[test]
    fn numbered_bodies_reuse_their_room() {
        let body = Body::new(Load::Length(64), Number::Bytes, 0);
        let pattern = body.numbered().expect("64 bytes have room for a number");
        let (mut room, mut places) = (BytesMut::new(), std::collections::BTreeSet::new());
        for seq in 0u64..100 {
            let body = said(&body, seq, &mut room);
            assert_eq!((&body[..8], &body[8..]), (&seq.to_be_bytes()[..], &pattern[8..]));
            places.insert(body.as_ptr() as usize);
        }
        assert!(places.len() <= 2, "100 bodies lie in {} places", places.len());
    }

    #[test]
    fn what_has_no_room_for_a_number_is_not_numbered() {
        let short = Body::new(Load::Length(7), Number::Bytes, 0);
        assert!(short.numbered().is_none() && short.repeats());
        assert_eq!(said(&short, 5, &mut BytesMut::new()), &b"abcdefg"[..]);
        let unnumbered = Body::new(Load::Length(64), Number::None, 0);
        assert_eq!(said(&unnumbered, 5, &mut BytesMut::new()), pattern(64));
        let two = Body::new(Load::Messages(vec![Bytes::from_static(b"a"), Bytes::from_static(b"b")]), Number::Letters, 0);
        let turns: Vec<_> = (0..4).map(|n| said(&two, n, &mut BytesMut::new())).collect();
        assert_eq!(turns, ["a", "b", "a", "b"]);
    }

    #[test]
    fn letters_tell_requests_apart_in_any_framing() {
        let all: std::collections::BTreeSet<_> = (0..2000).map(letters).collect();
        assert!(all.len() == 2000 && all.iter().flatten().all(u8::is_ascii_lowercase));
    }

    #[test]
    fn lengths_vary_by_the_seed_alone() {
        let run = |seed, number| {
            let body = Body::new(Load::Sizes(Sizes::Uniform(8, 1500)), number, seed);
            (0..1000).map(|n| said(&body, n, &mut BytesMut::new())).collect::<Vec<_>>()
        };
        for number in [Number::None, Number::Bytes, Number::Letters] {
            let bodies = run(1, number);
            assert_eq!(bodies, run(1, number));
            assert_ne!(bodies, run(2, number));
            let lengths: std::collections::BTreeSet<_> = bodies.iter().map(Bytes::len).collect();
            assert!(lengths.len() > 400, "{}", lengths.len());
            let mean = bodies.iter().map(Bytes::len).sum::<usize>() as f64 / 1000.0;
            assert!((mean - 754.0).abs() < 70.0, "{mean}");
        }
        assert_eq!(run(0, Number::Bytes)[77][..8], 77u64.to_be_bytes());
    }

    #[test]
    fn templates_take_turns_and_differ() {
        let template =
            |typed: &str| Template::parse(typed.as_bytes(), |text| Ok(Bytes::copy_from_slice(text))).expect(typed);
        let load = Load::Templates(vec![template("a{seq}"), template("b{rand:4}")]);
        let run = |seed| {
            let body = Body::new(load.clone(), Number::None, seed);
            (0..200).map(|n| said(&body, n, &mut BytesMut::new())).collect::<Vec<_>>()
        };
        let bodies = run(3);
        assert_eq!((&bodies[0][..], &bodies[2][..], bodies[1].len()), (&b"a0"[..], &b"a2"[..], 5));
        assert_eq!(bodies.iter().collect::<std::collections::BTreeSet<_>>().len(), 200);
        assert!(bodies == run(3) && bodies != run(4));
    }
}
