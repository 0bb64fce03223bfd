//! Checking answers on a stream that has no frames.
//!
//! The server answers each piece that arrives with its prefix and the piece, and TCP may cut and join both ways. So what
//! comes back is `(prefix piece)+`, no piece empty, and the pieces together are all that was said: that much can be checked
//! exactly. Data may hold the prefix itself; then a byte can be read in several ways, and all of them are followed until the
//! stream tells which was meant. Without a prefix (`echo`) there is one way only.

use std::collections::VecDeque;

use bytes::Bytes;

use super::outstanding::{Room, Sent};
use crate::session::{Cx, Event, Mismatch, NotNow, Verdict, Violation};

/// Ways of reading that are followed at most. Only data made of the prefix over and over has more; those that assume the
/// most pieces are given up first.
const MOST_WAYS: usize = 1024;

/// One way of reading what has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    /// Bytes of what we said that have come back.
    data: u64,
    /// So much of the prefix has come; one more than all of it: in a piece that is not empty.
    step: usize,
}

/// A message, and where it ends in all that was said.
#[derive(Debug)]
struct Said {
    sent: Sent,
    end: u64,
}

/// The client's side of a stream without frames.
#[derive(Debug)]
pub(super) struct Pieces {
    prefix: &'static [u8],
    /// What may still be compared, oldest first; the first `confirmed` of them have their answers.
    said: VecDeque<Said>,
    confirmed: usize,
    end: u64,
    /// Bytes of what we said that have come back in some way of reading, perhaps one that ended since.
    reached: u64,
    /// Never empty, sorted, each once.
    ways: Vec<Way>,
    next: Vec<Way>,
    room: Room,
}

impl Pieces {
    pub(super) fn new(prefix: &'static [u8]) -> Self {
        Self {
            prefix,
            said: VecDeque::new(),
            confirmed: 0,
            end: 0,
            reached: 0,
            ways: vec![Way { data: 0, step: 0 }],
            next: Vec::new(),
            room: Room::default(),
        }
    }

    #[inline]
    pub(super) fn sent(&mut self, seq: u64, body: &Bytes) -> Result<(), NotNow> {
        self.room.enter(body.len())?;
        self.end += body.len() as u64;
        self.said.push_back(Said { sent: Sent::new(seq, body), end: self.end });
        Ok(())
    }

    pub(super) fn forget(&mut self, seq: u64) {
        if let Some(said) = self.said.iter_mut().skip(self.confirmed).find(|said| said.sent.seq == seq) {
            said.sent.forgotten = true;
        }
    }

    /// Some of the answers has come.
    pub(super) fn answer(&mut self, bytes: &[u8], cx: &mut Cx<'_>) -> Result<(), Violation> {
        let agreed = self.follow(bytes);
        self.confirm(cx);
        if agreed == bytes.len() { Ok(()) } else { Err(self.wrong(&bytes[agreed..], cx)) }
    }

    /// Follows all ways through `bytes`; gives how many there were when the last way ended.
    fn follow(&mut self, bytes: &[u8]) -> usize {
        let mut done = 0;
        while done < bytes.len() {
            done += self.run(&bytes[done..]);
            if let Some(byte) = bytes.get(done) {
                if !self.step(*byte) {
                    break;
                }
                done += 1;
            }
        }
        done
    }

    /// While there is one way to read `bytes`, compares whole runs; gives how far that went.
    fn run(&mut self, bytes: &[u8]) -> usize {
        let [mut way] = self.ways[..] else { return 0 };
        let mut done = 0;
        while done < bytes.len() {
            let (rest, data) = (&bytes[done..], self.said_from(way.data));
            let same = match self.prefix.get(way.step..) {
                Some(prefix) if !prefix.is_empty() => {
                    let same = agree(prefix, rest);
                    way.step += same;
                    same
                }
                _ => {
                    let same = self.sure(agree(data, rest), way, rest);
                    way.data += same as u64;
                    if same > 0 {
                        way.step = self.prefix.len() + 1;
                    } else if self.only_prefix_goes_on(way, data, rest[0]) {
                        way.step = 0;
                        continue;
                    }
                    same
                }
            };
            done += same;
            if same == 0 {
                break;
            }
        }
        self.ways[0] = way;
        self.reached = self.reached.max(way.data);
        done
    }

    /// Of `same` bytes that agree with the data, those before the first that could begin a prefix as well.
    fn sure(&self, same: usize, way: Way, rest: &[u8]) -> usize {
        let Some(first) = self.prefix.first() else { return same };
        // A piece is not empty: its first byte can't be the next prefix.
        let from = usize::from(way.step == self.prefix.len()).min(same);
        memchr::memchr_iter(*first, &rest[from..same])
            .map(|at| from + at)
            .find(|at| agree(self.prefix, &rest[*at..]) == self.prefix.len().min(rest.len() - at))
            .unwrap_or(same)
    }

    fn only_prefix_goes_on(&self, way: Way, data: &[u8], byte: u8) -> bool {
        way.step > self.prefix.len() && data.first() != Some(&byte) && self.prefix.first() == Some(&byte)
    }

    /// Follows all ways through one byte. When none goes on, they stay as they were.
    fn step(&mut self, byte: u8) -> bool {
        let mut next = std::mem::take(&mut self.next);
        next.clear();
        for way in &self.ways {
            if let Some(wanted) = self.prefix.get(way.step) {
                if *wanted == byte {
                    next.push(Way { step: way.step + 1, ..*way });
                }
                continue;
            }
            if self.said_from(way.data).first() == Some(&byte) {
                next.push(Way { data: way.data + 1, step: self.prefix.len() + 1 });
            }
            if way.step > self.prefix.len() && self.prefix.first() == Some(&byte) {
                next.push(Way { step: 1, ..*way });
            }
        }
        let goes_on = !next.is_empty();
        if goes_on {
            // Two ways can meet again, when data and prefix end alike.
            next.sort_unstable();
            next.dedup();
            next.drain(..next.len().saturating_sub(MOST_WAYS));
            self.reached = next.last().map_or(0, |way| way.data).max(self.reached);
            std::mem::swap(&mut self.ways, &mut next);
        }
        self.next = next;
        goes_on
    }

    /// What we said from `at` on, to the end of the message there.
    #[inline]
    fn said_from(&self, at: u64) -> &[u8] {
        let index = match self.said.front() {
            Some(front) if at < front.end => 0,
            _ => self.said.partition_point(|said| said.end <= at),
        };
        let Some(said) = self.said.get(index) else { return &[] };
        let body = &said.sent.body;
        &body[body.len() - (said.end - at) as usize..]
    }

    /// Reports the messages of which some way saw all, which does not depend on how the stream was cut; lets go of those that
    /// no way needs any more.
    #[inline]
    fn confirm(&mut self, cx: &mut Cx<'_>) {
        let least = self.ways.first().map_or(0, |way| way.data);
        while let Some(said) = self.said.get(self.confirmed)
            && said.end <= self.reached
        {
            said.sent.settle(Verdict::Right, cx);
            self.confirmed += 1;
        }
        while self.confirmed > 0
            && self.said.front().is_some_and(|said| said.end <= least)
            && let Some(said) = self.said.pop_front()
        {
            self.room.leave(said.sent.body.len(), cx);
            self.confirmed -= 1;
        }
    }

    /// `rest` agrees with no way: the message that was being answered is wrong, and after it nothing can be told any more.
    fn wrong(&self, rest: &[u8], cx: &mut Cx<'_>) -> Violation {
        let Some(said) = self.said.get(self.confirmed) else {
            cx.event(Event::Unsolicited { bytes: rest.len() });
            return Violation::new("wrong_answer", format!("{} bytes came that answer nothing", rest.len()));
        };
        let mismatch = self.mismatch(said, rest);
        said.sent.settle(Verdict::Wrong(Box::new(mismatch)), cx);
        Violation::new("wrong_answer", "the answer differs from what was sent, and on a stream nothing after it can be told")
    }

    /// The way that went farthest, against what came; a piece from the middle of the message is shown without its beginning.
    fn mismatch(&self, said: &Said, rest: &[u8]) -> Mismatch {
        let way = self.ways.last().copied().unwrap_or(Way { data: 0, step: 0 });
        let body = &said.sent.body;
        let start = said.end - body.len() as u64;
        let known = way.data.saturating_sub(start) as usize;
        let shown = &body[known.saturating_sub(Mismatch::KEPT)..known];
        let opening = if known > 0 { self.prefix } else { b"" };
        let (begun, due) = match way.step > self.prefix.len() {
            true if known > 0 => (&b""[..], &b""[..]),
            true => self.prefix.split_at(0),
            false => self.prefix.split_at(way.step),
        };
        let came = [opening, shown, begun].concat();
        let more = &body[known..body.len().min(known + Mismatch::KEPT)];
        let got = &rest[..rest.len().min(Mismatch::KEPT)];
        Mismatch::between(&[&came, due, more].concat(), &[&came, got].concat())
    }
}

/// How many bytes two slices have in common from their start.
#[inline]
fn agree(a: &[u8], b: &[u8]) -> usize {
    let n = a.len().min(b.len());
    let (a, b) = (&a[..n], &b[..n]);
    if a == b { n } else { a.iter().zip(b).take_while(|(a, b)| a == b).count() }
}
