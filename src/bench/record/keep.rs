//! Keeps the course of a run while it goes on, in bounded memory: when there are too many pieces, neighbours are joined, and from then
//! on each covers twice the time. Nothing is lost but where in that time it was.

use std::{collections::VecDeque, time::Duration};

use hdrhistogram::Histogram;

use super::Piece;
use crate::bench::{
    packed::{self, Packed, Packer},
    stats::{Counters, Tally, add, histogram},
};

/// Pieces at most: a minute in quarters of a second.
const MOST: usize = 240;
/// Bytes that they may take at least, however few they were at first: else a slow load would have hardly any pieces.
const ROOM: usize = 256 * 1024;

/// Room that is set aside for them, in bytes; the system gives it where it is used.
const STORE: usize = 1024 * 1024;

/// Ticks that are not complete.
#[derive(Debug)]
struct Open {
    counters: Counters,
    latency: Histogram<u64>,
    as_sent: Histogram<u64>,
}

impl Open {
    fn new() -> Self {
        Self { counters: Counters::default(), latency: histogram(), as_sent: histogram() }
    }

    fn add(&mut self, counters: &Counters, latency: &Histogram<u64>, as_sent: &Histogram<u64>) {
        self.counters.add(counters);
        add(&mut self.latency, latency);
        add(&mut self.as_sent, as_sent);
    }

    /// As new.
    fn clear(&mut self) {
        self.counters = Counters::default();
        for histogram in [&mut self.latency, &mut self.as_sent] {
            if !histogram.is_empty() {
                histogram.reset();
            }
        }
    }
}

/// A piece that is whole: what it has in [`Keeper::store`].
#[derive(Debug)]
struct Kept {
    from: Duration,
    to: Duration,
    counters: Counters,
    /// Bytes of its histograms, one behind the other.
    latency: usize,
    as_sent: usize,
}

impl Kept {
    fn bytes(&self) -> usize {
        self.latency + self.as_sent
    }
}

/// Where the pieces of a run are gathered.
#[derive(Debug)]
pub struct Keeper {
    tick: Duration,
    /// The first is number `done`.
    open: VecDeque<Open>,
    /// Ticks that all workers have delivered.
    done: u32,
    /// The piece that grows, and how many ticks it has: none while it is empty.
    growing: Open,
    ticks: u32,
    /// Ticks of each piece.
    per: u32,
    kept: Vec<Kept>,
    /// The histograms of all of them, in a row and without gaps: each by itself would leave holes when it is joined with the next.
    store: Vec<u8>,
    /// Used again: large pieces of memory that come and go among small ones that stay would have the heap grow.
    spare: Vec<Open>,
    packer: Packer,
    /// Bytes that they may take, once they were too many: longer ones have more different values, and must not take ever more.
    room: Option<usize>,
}

impl Keeper {
    /// Workers deliver every `tick`.
    #[must_use]
    pub fn new(tick: Duration) -> Self {
        Self {
            tick,
            open: VecDeque::new(),
            done: 0,
            growing: Open::new(),
            ticks: 0,
            per: 1,
            kept: Vec::with_capacity(MOST + 1),
            store: Vec::with_capacity(STORE),
            spare: Vec::new(),
            packer: Packer::default(),
            room: None,
        }
    }

    /// Takes what a worker counted in tick `number`.
    pub fn take(&mut self, number: u32, tally: &Tally) {
        let at = number.saturating_sub(self.done) as usize;
        while self.open.len() <= at {
            self.open.push_back(self.spare.pop().unwrap_or_else(Open::new));
        }
        self.open[at].add(&tally.counters, &tally.latency, &tally.as_sent);
    }

    /// So many ticks are complete.
    pub fn complete(&mut self, ticks: u32) {
        while self.done < ticks {
            self.done += 1;
            let to = self.tick * self.done;
            if self.grow() == self.per {
                self.whole(to);
            }
        }
    }

    /// The oldest open tick goes into the piece that grows. Gives how many that has now.
    fn grow(&mut self) -> u32 {
        self.ticks += 1;
        if let Some(mut next) = self.open.pop_front() {
            self.growing.add(&next.counters, &next.latency, &next.as_sent);
            next.clear();
            self.spare.push(next);
        }
        self.ticks
    }

    /// The piece that grows is whole, unless there is no room for it: then it goes on growing.
    fn whole(&mut self, to: Duration) {
        let bytes = self.store.len();
        let full = self.kept.len() >= MOST || self.room.is_some_and(|room| bytes > room);
        if full && self.kept.len().is_multiple_of(2) {
            self.room.get_or_insert(ROOM.max(bytes));
            self.join();
        } else {
            self.put(to);
        }
    }

    /// The piece that grows is one of the others.
    fn put(&mut self, to: Duration) {
        if std::mem::take(&mut self.ticks) == 0 {
            return;
        }
        let from = self.kept.last().map_or(Duration::ZERO, |piece| piece.to);
        let Self { growing, packer, store, .. } = self;
        let [latency, as_sent] = [&growing.latency, &growing.as_sent].map(|histogram| {
            let bytes = packer.pack(histogram);
            store.extend_from_slice(bytes);
            bytes.len()
        });
        let counters = std::mem::take(&mut growing.counters);
        growing.clear();
        self.kept.push(Kept { from, to: to.max(from), counters, latency, as_sent });
    }

    /// Half as many, each twice as long, in the same places.
    fn join(&mut self) {
        let half = self.kept.len() / 2;
        let (mut read, mut written, mut sum) = (0, 0, Vec::new());
        for at in 0..half {
            let (before, rest) = self.kept.split_at_mut(2 * at + 1);
            let (piece, next) = (&mut before[2 * at], &rest[0]);
            let both = &self.store[read..][..piece.bytes() + next.bytes()];
            let (one, other) = both.split_at(piece.bytes());
            read += both.len();
            sum.clear();
            packed::sum(&one[..piece.latency], &other[..next.latency], &mut sum);
            let latency = sum.len();
            packed::sum(&one[piece.latency..], &other[next.latency..], &mut sum);
            (piece.to, piece.latency, piece.as_sent) = (next.to, latency, sum.len() - latency);
            piece.counters.add(&next.counters);
            // A sum never takes more than both.
            self.store[written..][..sum.len()].copy_from_slice(&sum);
            written += sum.len();
            self.kept.swap(at, 2 * at);
        }
        self.kept.truncate(half);
        self.store.truncate(written);
        self.per *= 2;
    }

    /// The pieces, each for itself.
    fn pieces(&mut self) -> Vec<Piece> {
        let mut store = &self.store[..];
        let mut take = |bytes: usize| {
            let (packed, rest) = store.split_at(bytes);
            store = rest;
            Packed::of_bytes(packed)
        };
        let piece = |kept: Kept| {
            let Kept { from, to, counters, latency, as_sent } = kept;
            Piece { from, to, counters, latency: take(latency), as_sent: take(as_sent) }
        };
        self.kept.drain(..).map(piece).collect()
    }

    /// The run has ended after `duration`: gives the pieces. What came after the end belongs to the last one.
    #[must_use]
    pub fn end(mut self, duration: Duration) -> Vec<Piece> {
        self.complete(self.done + self.open.len().saturating_sub(1) as u32);
        if !self.open.is_empty() {
            self.grow();
        }
        self.put(duration);
        let mut pieces = self.pieces();
        let full = self.tick * self.per;
        // A piece of a moment would have a rate of anything.
        if pieces.len() > 1
            && let Some(last) = pieces.pop_if(|last| last.duration() < full / 2)
            && let Some(before) = pieces.last_mut()
        {
            before.join(&last);
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(250);

    fn tally(value: u64) -> Tally {
        let mut tally = Tally::default();
        tally.right(value, Some(value / 2));
        tally
    }

    #[test]
    fn each_tick_is_a_piece_and_workers_may_be_late() {
        let mut keeper = Keeper::new(TICK);
        keeper.take(0, &tally(1000));
        keeper.take(1, &tally(2000));
        keeper.complete(0);
        keeper.take(0, &tally(3000));
        keeper.complete(1);
        keeper.complete(2);
        // The third, in which nothing came, and what came after the end.
        keeper.complete(3);
        keeper.take(3, &tally(4000));
        let pieces = keeper.end(Duration::from_secs(1));
        let seen = pieces.iter().map(|piece| (piece.from.as_millis(), piece.to.as_millis(), piece.counters.right));
        assert_eq!(seen.collect::<Vec<_>>(), [(0, 250, 2), (250, 500, 1), (500, 750, 0), (750, 1000, 1)]);
        assert_eq!(pieces[0].latency.unpacked().len(), 2);
        assert!(pieces[2].latency.is_empty());
    }

    #[test]
    fn a_long_run_stays_small_and_loses_nothing() {
        let mut keeper = Keeper::new(TICK);
        let ticks = 3 * MOST as u32 + 3;
        for tick in 0..ticks {
            keeper.take(tick, &tally(1000 + u64::from(tick)));
            keeper.complete(tick + 1);
            assert!(keeper.kept.len() <= MOST);
        }
        let pieces = keeper.end(TICK * ticks);
        assert!(pieces.len() > MOST / 2 && pieces.len() <= MOST, "{} pieces", pieces.len());
        let mut all = Packed::default();
        for piece in &pieces {
            all.add(&piece.latency);
        }
        let mut expected = histogram();
        (0..ticks).for_each(|tick| expected.saturating_record(1000 + u64::from(tick)));
        assert_eq!(all, Packed::of(&expected));
        assert_eq!(pieces.iter().map(|piece| piece.counters.right).sum::<u64>(), u64::from(ticks));
        for pair in pieces.windows(2) {
            assert_eq!(pair[0].to, pair[1].from);
        }
        assert_eq!(pieces.last().map(|piece| piece.to), Some(TICK * ticks));
        let (first, full) = (pieces[0].duration(), TICK * 4);
        assert_eq!(first, full);
    }

    #[test]
    fn longer_pieces_take_no_more_room_together() {
        let mut random = fastrand::Rng::with_seed(5);
        let (mut keeper, mut most) = (Keeper::new(TICK), [0, 0]);
        for tick in 0..5 * MOST as u32 {
            let mut tally = Tally::default();
            (0..3000).for_each(|_| tally.right(random.u64(100_000..3_000_000), None));
            keeper.take(tick, &tally);
            keeper.complete(tick + 1);
            let bytes = keeper.store.len();
            let late = usize::from(tick > MOST as u32);
            most[late] = bytes.max(most[late]);
        }
        assert!(most[1] <= most[0] + most[0] / 6, "{most:?} bytes, in the first minute and after it");
        let pieces = keeper.end(TICK * 5 * MOST as u32);
        assert_eq!(pieces.iter().map(|piece| piece.counters.right).sum::<u64>(), 3000 * 5 * MOST as u64);
        assert!(pieces.len() > 50, "{} pieces", pieces.len());
    }

    #[test]
    fn a_moment_at_the_end_is_no_piece_of_its_own() {
        let mut keeper = Keeper::new(TICK);
        keeper.take(0, &tally(1));
        keeper.complete(1);
        keeper.take(1, &tally(2));
        let pieces = keeper.end(TICK + Duration::from_millis(3));
        assert_eq!((pieces.len(), pieces[0].counters.right), (1, 2));
        let mut short = Keeper::new(TICK);
        short.take(0, &tally(1));
        assert_eq!(short.end(Duration::from_millis(3))[0].to, Duration::from_millis(3));
        assert!(Keeper::new(TICK).end(Duration::ZERO).is_empty());
    }
}
