//! The datagrams of `perf`: a head of 40 bytes, and any bytes behind it. Each carries a check of itself, so that whoever receives it
//! knows whether it is what was sent.

use super::{
    View, view,
    wire::{self, MAGIC, VERSION},
};
use crate::session::Violation;

/// Bytes before what means nothing.
pub const DATAGRAM_HEAD: usize = 40;
/// An answer: the head and the count.
const ANSWER: usize = DATAGRAM_HEAD + view::BODY;

const COUNTED: u8 = 1;
const ANSWERS: u8 = 2;
const ASKS: u8 = 1;
const BARE: u8 = 2;
const LAST: u8 = 4;

/// Where the numbers of a head are.
const CHECK: usize = 8;
const SESSION: usize = 16;
const NUMBER: usize = 24;
const SENT: usize = 32;

/// A datagram of the client's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbered {
    pub session: u64,
    /// From 0; of one that is bare, how many came before it.
    pub number: u64,
    /// When it left, in nanoseconds by the sender's steady clock.
    pub sent_ns: u64,
    /// The server is to answer with its count.
    pub asks: bool,
    /// It only asks, and is none of those that are counted.
    pub bare: bool,
    /// All that is to be counted was sent before it.
    pub last: bool,
}

/// The server's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    pub session: u64,
    /// Of the datagram that asked.
    pub number: u64,
    /// When it left, by the server's steady clock. Who gives it back has received it.
    pub told_ns: u64,
    pub view: View,
}

impl Numbered {
    /// The least bytes of one that asks: as many as the answer has.
    pub const LEAST_ASKING: usize = ANSWER;

    /// Writes its head, and the check of all.
    pub fn put(self, datagram: &mut [u8]) {
        let flags = u8::from(self.asks) * ASKS + u8::from(self.bare) * BARE + u8::from(self.last) * LAST;
        put_head(datagram, (COUNTED, flags), [self.session, self.number, self.sent_ns]);
    }

    /// One that only asks; it gives back what the server told.
    #[must_use]
    pub fn asking(self, told_ns: u64) -> [u8; ANSWER] {
        let mut datagram = [0; ANSWER];
        datagram[DATAGRAM_HEAD..DATAGRAM_HEAD + 8].copy_from_slice(&told_ns.to_be_bytes());
        Self { asks: true, bare: true, ..self }.put(&mut datagram);
        datagram
    }

    /// Reads one.
    ///
    /// # Errors
    /// It is none, one of another version, or not what was sent.
    pub fn read(datagram: &[u8]) -> Result<Self, Violation> {
        let (flags, [session, number, sent_ns]) = read(datagram, COUNTED)?;
        let is = |flag| flags & flag != 0;
        Ok(Self { session, number, sent_ns, asks: is(ASKS), bare: is(BARE), last: is(LAST) })
    }

    /// Reads one that is only to be counted; `None`: it is another, or none.
    pub(super) fn plain(datagram: &[u8]) -> Option<Self> {
        Self::read(datagram).ok().filter(|one| !(one.asks || one.bare || one.last))
    }

    /// What was said last by the server, as one that is bare gives it back.
    pub(super) fn gives_back(datagram: &[u8]) -> Option<u64> {
        datagram.get(DATAGRAM_HEAD..).and_then(<[u8]>::first_chunk).map(|bytes| u64::from_be_bytes(*bytes))
    }
}

impl Counted {
    pub(super) fn to_bytes(self) -> [u8; ANSWER] {
        let mut bytes = [0; ANSWER];
        bytes[DATAGRAM_HEAD..].copy_from_slice(&self.view.to_bytes());
        put_head(&mut bytes, (ANSWERS, 0), [self.session, self.number, self.told_ns]);
        bytes
    }

    /// Reads one.
    ///
    /// # Errors
    /// It is none, one of another version, or not what was sent.
    pub fn read(datagram: &[u8]) -> Result<Self, Violation> {
        let (_, [session, number, told_ns]) = read(datagram, ANSWERS)?;
        let Some(view) = datagram.get(DATAGRAM_HEAD..).and_then(<[u8]>::first_chunk) else {
            return Err(Violation::new("bad_length", "an answer of perf is too short"));
        };
        Ok(Self { session, number, told_ns, view: View::from_bytes(view) })
    }
}

/// Datagrams of one length in one piece of memory, which are numbered again and again.
#[derive(Debug)]
pub struct Series {
    bytes: Vec<u8>,
    length: usize,
    /// What all of them add to their checks, whatever their number.
    same: u64,
}

impl Series {
    /// Up to `most` datagrams of `length` bytes. Those that are shorter than a head are not numbered.
    #[must_use]
    pub fn new(session: u64, length: usize, most: usize) -> Self {
        let mut one: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        let mut same = 0;
        if length >= DATAGRAM_HEAD {
            Numbered { session, ..Numbered::default() }.put(&mut one);
            same = check(&one);
        }
        Self { bytes: one.repeat(most.max(1)), length, same }
    }

    /// The first `count` of them, numbered from `first` on.
    pub fn number(&mut self, first: u64, count: usize, sent_ns: u64) -> &[u8] {
        let bytes = &mut self.bytes[..self.length * count];
        if self.length >= DATAGRAM_HEAD {
            let sent = sent_ns.to_be_bytes();
            let same = self.same.wrapping_add(u64::from_le_bytes(sent));
            let mut next = first;
            for one in bytes.chunks_exact_mut(self.length) {
                let number = next.to_be_bytes();
                let check = same.wrapping_add(u64::from_le_bytes(number));
                one[NUMBER..SENT].copy_from_slice(&number);
                one[SENT..DATAGRAM_HEAD].copy_from_slice(&sent);
                one[CHECK..SESSION].copy_from_slice(&check.to_be_bytes());
                next = next.wrapping_add(1);
            }
        }
        bytes
    }
}

/// Four bytes of the name, the version, what it is, flags; the check, then numbers.
fn put_head(datagram: &mut [u8], (kind, flags): (u8, u8), numbers: [u64; 3]) {
    datagram[..4].copy_from_slice(&MAGIC);
    datagram[4..8].copy_from_slice(&[VERSION, kind, flags, 0]);
    for (at, number) in numbers.into_iter().enumerate() {
        datagram[SESSION + at * 8..SESSION + 8 + at * 8].copy_from_slice(&number.to_be_bytes());
    }
    let check = check(datagram);
    datagram[CHECK..SESSION].copy_from_slice(&check.to_be_bytes());
}

fn read(datagram: &[u8], kind: u8) -> Result<(u8, [u64; 3]), Violation> {
    let Some(head) = datagram.first_chunk::<DATAGRAM_HEAD>().filter(|head| head[..4] == MAGIC) else {
        return Err(Violation::new("not_perf", "a datagram that is none of perf"));
    };
    if head[4] != VERSION {
        return Err(wire::other_version(head[4]));
    }
    if number(head, CHECK) != check(datagram) {
        return Err(Violation::new("corrupt", "a datagram of perf is not what was sent: its check differs"));
    }
    if head[5] != kind {
        return Err(Violation::new("unexpected_frame", "a datagram of perf that has no place here"));
    }
    Ok((head[6], [SESSION, NUMBER, SENT].map(|at| number(head, at))))
}

fn number(head: &[u8; DATAGRAM_HEAD], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&head[at..at + 8]);
    u64::from_be_bytes(bytes)
}

/// The length and the words of 8 bytes, read as little endian, added up without carry; the check itself is left out, and what is
/// missing of the last word is zero. Whatever is changed in one word changes it.
fn check(datagram: &[u8]) -> u64 {
    let (fours, rest) = datagram.as_chunks::<32>();
    let mut sums = [datagram.len() as u64, 0, 0, 0];
    for four in fours {
        for (sum, word) in sums.iter_mut().zip(four.as_chunks::<8>().0) {
            *sum = sum.wrapping_add(u64::from_le_bytes(*word));
        }
    }
    let (words, last) = rest.as_chunks::<8>();
    let mut sum = sums.into_iter().fold(0, u64::wrapping_add);
    for word in words {
        sum = sum.wrapping_add(u64::from_le_bytes(*word));
    }
    let mut word = [0; 8];
    word[..last.len()].copy_from_slice(last);
    sum = sum.wrapping_add(u64::from_le_bytes(word));
    let own = datagram.get(CHECK..).and_then(<[u8]>::first_chunk).map_or(0, |own| u64::from_le_bytes(*own));
    sum.wrapping_sub(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_what_one_by_one_would_be() {
        let mut series = Series::new(7, 65, 4);
        let bytes = series.number(9, 3, 1234).to_vec();
        for (at, one) in bytes.chunks(65).enumerate() {
            let numbered = Numbered { session: 7, number: 9 + at as u64, sent_ns: 1234, ..Numbered::default() };
            assert_eq!((Numbered::read(one), Numbered::plain(one)), (Ok(numbered), Some(numbered)));
            let mut again = one.to_vec();
            numbered.put(&mut again);
            assert_eq!(again, one);
        }
        assert_eq!((bytes.len(), Series::new(1, 8, 2).number(5, 2, 0).len()), (195, 16));
    }

    #[test]
    fn any_change_is_seen() {
        let mut datagram = Series::new(1, 83, 1).number(1, 1, 99).to_vec();
        for at in 0..datagram.len() {
            for bit in 0..8 {
                datagram[at] ^= 1 << bit;
                assert!(Numbered::read(&datagram).is_err() && Numbered::plain(&datagram).is_none(), "{at} {bit}");
                datagram[at] ^= 1 << bit;
            }
        }
        assert!(Numbered::read(&datagram[..82]).is_err() && Numbered::read(&datagram).is_ok());
    }

    #[test]
    fn who_asks_gives_back_what_was_told() {
        let asks = Numbered { session: 1, number: 2, last: true, ..Numbered::default() }.asking(77);
        let read = Numbered::read(&asks).unwrap();
        assert!(read.asks && read.bare && read.last && Numbered::plain(&asks).is_none());
        assert_eq!((Numbered::gives_back(&asks), asks.len()), (Some(77), Numbered::LEAST_ASKING));
        let told = Counted { session: 1, number: 2, told_ns: 3, view: View { astray: 9, ..View::default() } };
        assert_eq!(Counted::read(&told.to_bytes()), Ok(told));
    }
}
