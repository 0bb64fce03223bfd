//! What is counted while a run goes on, without locks, without allocation and without shared counters on the hot path.
//!
//! Each worker has one [`Recorder`]. At every tick it hands its full [`Tally`] over a channel and goes on with an empty one
//! that has come back from the reporter; nothing else is shared.
//!
//! May use: `hdrhistogram`, failure, phases.

use std::{
    collections::BTreeMap,
    sync::mpsc::{Receiver, Sender, channel},
    time::Duration,
};

use hdrhistogram::Histogram;
use tokio::sync::mpsc::UnboundedSender;

use super::{
    failure::{Failure, described},
    phases::Phases,
};
use crate::session::Mismatch;

/// Longer than any time-out a person sets; what takes longer counts as this.
const LONGEST_NS: u64 = 3_600_000_000_000;

/// Empty tallies that each worker begins with. They go round, so a reporter that is a little late costs no memory that it did not cost
/// before.
const SPARE: usize = 2;

/// Nanoseconds, three significant digits: 256 KiB.
pub(super) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_NS, 3).unwrap_or_else(|_| unreachable!("the bounds are constants and valid"))
}

pub(super) fn add(to: &mut Histogram<u64>, from: &Histogram<u64>) {
    if !from.is_empty() {
        let added = to.add(from);
        debug_assert!(added.is_ok(), "all histograms have the same bounds");
    }
}

/// Everything that is merely counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests with the right answer.
    pub right: u64,
    /// Requests that left.
    pub sent: u64,
    /// Of those that failed, those that never left.
    pub unsent: u64,
    failures: [u64; Failure::ALL.len()],
    /// Of the wrong answers, those whose kind the protocol has a name for.
    pub named: Vec<(&'static str, u64)>,
    /// Payload bytes.
    pub bytes_sent: u64,
    pub bytes_received: u64,
    /// Connections that were established.
    pub connects: u64,
    /// Connections that the peer closed while no answer was awaited: no failure, but it costs a new connection.
    pub peer_closes: u64,
    /// Datagrams that came, right or not.
    pub datagrams_received: u64,
    pub duplicated: u64,
    pub reordered: u64,
    /// Datagrams that answer nothing we said.
    pub unsolicited: u64,
    /// The system told that nothing listens there (ICMP port unreachable), so often.
    pub unreachable: u64,
}

impl Counters {
    /// Requests that failed this way.
    #[must_use]
    pub fn failures(&self, kind: Failure) -> u64 {
        let count = self.failures[kind as usize];
        match kind {
            // A late answer was first given up.
            Failure::TimedOut => count.saturating_sub(self.failures[Failure::Late as usize]),
            _ => count,
        }
    }

    /// Requests that failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        Failure::ALL.iter().map(|kind| self.failures(*kind)).sum()
    }

    /// Requests that left and have not come to an end.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.sent.saturating_sub(self.ended().saturating_sub(self.unsent))
    }

    /// Requests that came to an end, one way or the other.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.right + self.failed()
    }

    /// The answer to a request that was given up came after all.
    pub fn late(&mut self) {
        self.failures[Failure::Late as usize] += 1;
    }

    pub(super) fn named(&mut self, name: &'static str, count: u64) {
        match self.named.iter_mut().find(|(known, _)| *known == name) {
            Some((_, all)) => *all += count,
            None => self.named.push((name, count)),
        }
    }

    /// What [`Self::by_kind`] told: the same again.
    pub(super) fn told(&mut self, kind: Failure, count: u64) {
        self.failures[kind as usize] += count;
        if kind == Failure::Late {
            self.failures[Failure::TimedOut as usize] += count;
        }
    }

    /// How many failed in each way, by the name of it; together they are all.
    #[must_use]
    pub fn by_kind(&self) -> BTreeMap<&'static str, u64> {
        let mut kinds = BTreeMap::new();
        kinds.extend(Failure::ALL.iter().map(|kind| (kind.name(), self.failures(*kind))));
        for (name, count) in &self.named {
            *kinds.entry(name).or_default() += count;
            *kinds.entry(Failure::WrongReply.name()).or_default() -= count;
        }
        kinds
    }

    /// The same for who looks while a run goes on, where no count may fall: what was given up stays timed out, also when its
    /// answer comes after all. Together they are all.
    #[must_use]
    pub fn failed_so_far(&self) -> BTreeMap<&'static str, u64> {
        let mut kinds = self.by_kind();
        let late = kinds.remove(Failure::Late.name()).unwrap_or_default();
        *kinds.entry(Failure::TimedOut.name()).or_default() += late;
        kinds
    }

    /// Adds what another stretch counted.
    pub fn add(&mut self, other: &Self) {
        for (name, count) in &other.named {
            self.named(name, *count);
        }
        self.right += other.right;
        self.sent += other.sent;
        self.unsent += other.unsent;
        for (to, from) in self.failures.iter_mut().zip(other.failures) {
            *to += from;
        }
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
        self.connects += other.connects;
        self.peer_closes += other.peer_closes;
        self.datagrams_received += other.datagrams_received;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.unsolicited += other.unsolicited;
        self.unreachable += other.unreachable;
    }
}

/// The numbers of one stretch of time, of one worker or of all. Histograms are in nanoseconds.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Of right answers, from when each request was due.
    pub latency: Histogram<u64>,
    /// Of right answers, from when each request left. Open loop only; in closed loop the two are the same.
    pub as_sent: Histogram<u64>,
    /// How long connections took to establish.
    pub connect: Histogram<u64>,
    /// Open loop: how late requests left, by our own fault: from when they were due and a connection was free for them.
    pub send_lag: Histogram<u64>,
    /// The steps on the way to answers, from the one before or from when the request left.
    pub phases: Phases,
    pub counters: Counters,
    /// What one failure of a kind looked like, already fit to be shown.
    pub examples: Vec<(Failure, String)>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            latency: histogram(),
            as_sent: histogram(),
            connect: histogram(),
            send_lag: histogram(),
            phases: Phases::default(),
            counters: Counters::default(),
            examples: Vec::new(),
        }
    }
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        add(&mut self.latency, &other.latency);
        add(&mut self.as_sent, &other.as_sent);
        add(&mut self.connect, &other.connect);
        add(&mut self.send_lag, &other.send_lag);
        self.phases.add(&other.phases);
        self.counters.add(&other.counters);
        for (kind, example) in &other.examples {
            if self.example(*kind).is_none() {
                self.examples.push((*kind, example.clone()));
            }
        }
    }

    pub fn clear(&mut self) {
        for histogram in [&mut self.latency, &mut self.as_sent, &mut self.connect, &mut self.send_lag] {
            if !histogram.is_empty() {
                histogram.reset();
            }
        }
        self.phases.clear();
        self.counters = Counters::default();
        self.examples.clear();
    }

    #[must_use]
    pub fn example(&self, kind: Failure) -> Option<&str> {
        self.examples.iter().find(|(known, _)| *known == kind).map(|(_, example)| example.as_str())
    }

    /// A right answer. In closed loop `as_sent` is `None`.
    #[inline]
    pub fn right(&mut self, latency: u64, as_sent: Option<u64>) {
        self.counters.right += 1;
        self.latency.saturating_record(latency);
        if let Some(as_sent) = as_sent {
            self.as_sent.saturating_record(as_sent);
        }
    }

    /// A request is complete that no answer is awaited for.
    pub fn right_unanswered(&mut self) {
        self.counters.right += 1;
    }

    pub fn failed(&mut self, kind: Failure) {
        self.counters.failures[kind as usize] += 1;
    }

    pub fn failed_times(&mut self, kind: Failure, times: u64) {
        self.counters.failures[kind as usize] += times;
    }

    /// A wrong answer; the protocol may have a name for its kind.
    pub fn wrong(&mut self, kind: Failure, mismatch: &Mismatch) {
        self.failed_as(kind, Some(described(mismatch)));
        if let Some(name) = mismatch.why.as_ref().and_then(|why| why.name) {
            self.counters.named(name, 1);
        }
    }

    /// As [`Self::failed`]; the first example of a kind is kept.
    pub fn failed_as(&mut self, kind: Failure, example: Option<String>) {
        self.failed(kind);
        if let Some(example) = example
            && self.example(kind).is_none()
        {
            self.examples.push((kind, example));
        }
    }
}

/// A full tally on its way to the reporter.
#[derive(Debug)]
pub struct Slice {
    /// Of which worker.
    pub worker: usize,
    /// Number of the tick that ended it, from 0; `None`: the worker's last.
    pub tick: Option<u32>,
    /// CPU time that the worker's thread has had by then; none with its last.
    pub cpu: Duration,
    pub tally: Box<Tally>,
}

/// A worker's end: where it counts.
#[derive(Debug)]
pub struct Recorder {
    pub tally: Box<Tally>,
    worker: usize,
    full: UnboundedSender<Slice>,
    empty: Receiver<Box<Tally>>,
}

/// The reporter's way of giving emptied tallies back to one worker.
#[derive(Debug, Clone)]
pub struct Giver(Sender<Box<Tally>>);

impl Recorder {
    /// A recorder that hands over to `full`.
    #[must_use]
    pub fn new(worker: usize, full: UnboundedSender<Slice>) -> (Self, Giver) {
        let (give, empty) = channel();
        for _ in 0..SPARE {
            let _ = give.send(Box::default());
        }
        (Self { tally: Box::default(), worker, full, empty }, Giver(give))
    }

    /// The stretch that ends with this tick is over; so much CPU time was used by then.
    pub fn hand_over(&mut self, tick: u32, cpu: Duration) {
        let next = self.empty.try_recv().unwrap_or_default();
        let tally = std::mem::replace(&mut self.tally, next);
        // The reporter may have failed to write; then the run goes on to its end and says so.
        let _ = self.full.send(Slice { worker: self.worker, tick: Some(tick), cpu, tally });
    }

    /// Hands over what there is. Nothing follows.
    pub fn finish(&mut self) {
        let tally = std::mem::take(&mut self.tally);
        let _ = self.full.send(Slice { worker: self.worker, tick: None, cpu: Duration::ZERO, tally });
    }
}

impl Giver {
    /// Gives an emptied tally back; a worker that has ended needs none.
    pub fn give(&self, mut tally: Box<Tally>) {
        tally.clear();
        let _ = self.0.send(tally);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_answer_is_not_also_lost() {
        let mut tally = Tally::default();
        tally.failed_times(Failure::TimedOut, 5);
        tally.failed(Failure::Late);
        assert_eq!(tally.counters.failures(Failure::TimedOut), 4);
        assert_eq!(tally.counters.failures(Failure::Late), 1);
        assert_eq!(tally.counters.failed(), 5);
        tally.failed_times(Failure::WrongReply, 3);
        tally.counters.named("status_503", 2);
        let kinds = tally.counters.by_kind();
        assert_eq!((kinds["wrong_reply"], kinds["status_503"], kinds.values().sum::<u64>()), (1, 2, 8));
        let mut all = tally.clone();
        all.add(&tally);
        assert_eq!((all.counters.named, all.counters.failures[Failure::WrongReply as usize]), (vec![("status_503", 4)], 6));
    }

    #[test]
    fn slices_add_up_and_buffers_come_back() {
        let (full, mut slices) = tokio::sync::mpsc::unbounded_channel();
        let (mut recorder, giver) = Recorder::new(3, full);
        let mut total = Tally::default();
        for tick in 0..3 {
            recorder.tally.right(1000 * u64::from(tick + 1), Some(500));
            recorder.tally.failed_as(Failure::WrongReply, Some(format!("example {tick}")));
            recorder.hand_over(tick, Duration::ZERO);
            let slice = slices.try_recv().expect("a slice");
            assert_eq!((slice.worker, slice.tick), (3, Some(tick)));
            assert_eq!(slice.tally.counters.right, 1);
            total.add(&slice.tally);
            giver.give(slice.tally);
        }
        recorder.finish();
        let last = slices.try_recv().expect("the last slice");
        assert_eq!((last.tick, last.tally.counters.ended()), (None, 0));
        assert_eq!((total.counters.right, total.counters.failed()), (3, 3));
        assert_eq!(total.latency.len(), 3);
        assert_eq!(total.as_sent.max(), total.as_sent.highest_equivalent(500));
        assert_eq!(total.example(Failure::WrongReply), Some("example 0"));
        assert!(last.tally.examples.is_empty());
    }

    #[test]
    fn nothing_is_too_long_to_record() {
        let mut tally = Tally::default();
        tally.right(u64::MAX, None);
        tally.right(0, None);
        assert_eq!(tally.latency.len(), 2);
    }
}
