//! `perf` over datagrams: the client numbers what it sends, the server counts it, and answers what asks for its count.
//!
//! A datagram has a head of 40 bytes, and any bytes behind it. One that asks is no shorter than the answer, so that nobody is
//! sent more than a forged source address has paid for. The count is a peer's; a new session begins it anew.

use std::{collections::VecDeque, time::Duration};

use super::{
    View,
    view::{self, nanos},
    want::Want,
    wire::{self, MAGIC, VERSION},
};
use crate::session::{Cx, Event, Mismatch, Verdict, Violation};

/// Bytes before what means nothing.
pub const DATAGRAM_HEAD: usize = 40;
/// An answer: the head and the count.
const ANSWER: usize = DATAGRAM_HEAD + view::BODY;
/// The most that `send` says without a pace, in bytes.
const MOST_AT_ONCE: u64 = 1024 * 1024;

const COUNTED: u8 = 1;
const ANSWERS: u8 = 2;
const ASKS: u8 = 1;

/// A datagram of the client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbered {
    pub session: u64,
    /// From 0.
    pub number: u64,
    /// When it left, in nanoseconds by the sender's steady clock.
    pub sent_ns: u64,
    /// The server is to answer with its count.
    pub asks: bool,
}

/// The server's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    pub session: u64,
    /// Of the datagram that asked.
    pub number: u64,
    pub view: View,
}

impl Numbered {
    /// The least bytes of one that asks.
    pub const LEAST_ASKING: usize = ANSWER;

    /// Its head.
    #[must_use]
    pub fn head(self) -> [u8; DATAGRAM_HEAD] {
        head(COUNTED, if self.asks { ASKS } else { 0 }, [self.session, self.number, self.sent_ns])
    }

    /// Reads one.
    ///
    /// # Errors
    /// It is none, or one of another version.
    pub fn read(datagram: &[u8]) -> Result<Self, Violation> {
        let (flags, [session, number, sent_ns]) = read(datagram, COUNTED)?;
        Ok(Self { session, number, sent_ns, asks: flags & ASKS != 0 })
    }
}

impl Counted {
    fn to_bytes(self) -> [u8; ANSWER] {
        let mut bytes = [0; ANSWER];
        bytes[..DATAGRAM_HEAD].copy_from_slice(&head(ANSWERS, 0, [self.session, self.number, 0]));
        bytes[DATAGRAM_HEAD..].copy_from_slice(&self.view.to_bytes());
        bytes
    }

    /// Reads one.
    ///
    /// # Errors
    /// It is none, or one of another version.
    pub fn read(datagram: &[u8]) -> Result<Self, Violation> {
        let (_, [session, number, _]) = read(datagram, ANSWERS)?;
        let Some(view) = datagram.get(DATAGRAM_HEAD..).and_then(<[u8]>::first_chunk) else {
            return Err(Violation::new("bad_length", "an answer of perf is too short"));
        };
        Ok(Self { session, number, view: View::from_bytes(view) })
    }
}

/// Four bytes of the name, the version, what it is, flags; then numbers.
fn head(kind: u8, flags: u8, numbers: [u64; 3]) -> [u8; DATAGRAM_HEAD] {
    let mut head = [0; DATAGRAM_HEAD];
    head[..4].copy_from_slice(&MAGIC);
    (head[4], head[5], head[6]) = (VERSION, kind, flags);
    for (at, number) in numbers.into_iter().enumerate() {
        head[16 + at * 8..24 + at * 8].copy_from_slice(&number.to_be_bytes());
    }
    head
}

fn read(datagram: &[u8], kind: u8) -> Result<(u8, [u64; 3]), Violation> {
    let Some(head) = datagram.first_chunk::<DATAGRAM_HEAD>().filter(|head| head[..4] == MAGIC) else {
        return Err(Violation::new("not_perf", "a datagram that is none of perf"));
    };
    if head[4] != VERSION {
        return Err(wire::other_version(head[4]));
    }
    if head[5] != kind {
        return Err(Violation::new("unexpected_frame", "a datagram of perf that has no place here"));
    }
    let number = |at: usize| head[16 + at * 8..24 + at * 8].iter().fold(0, |number, byte| (number << 8) | u64::from(*byte));
    Ok((head[6], std::array::from_fn(number)))
}

/// What a server keeps of one peer.
#[derive(Debug, Default)]
pub(super) struct Counter {
    session: Option<u64>,
    view: View,
    seen: Seen,
    began: Duration,
    cpu_before: Duration,
    /// How long the last one was on its way, by two clocks that need not agree.
    transit: Option<i128>,
    /// In sixteenths of a nanosecond, as RFC 3550's example keeps it (section A.8).
    jitter: u64,
}

impl Counter {
    pub(super) fn hear(&mut self, datagram: &[u8], cx: &mut Cx<'_>) -> Result<(), Violation> {
        let one = Numbered::read(datagram)?;
        cx.heard(datagram);
        let now = (cx.facts.steady_clock)();
        if self.session != Some(one.session) {
            let cpu_before = (cx.facts.cpu_clock)();
            *self = Self { session: Some(one.session), began: now, cpu_before, ..Self::default() };
        }
        self.count(&one, datagram.len(), now);
        if !one.asks {
            return Ok(());
        }
        if datagram.len() < ANSWER {
            return Err(Violation::new("too_short", "a datagram that asks is shorter than the answer; not answered"));
        }
        let mut view = self.view;
        view.wall_ns = view.received_ns;
        view.cpu_ns = nanos((cx.facts.cpu_clock)().saturating_sub(self.cpu_before));
        view.jitter_ns = self.jitter / 16;
        cx.write(&Counted { session: one.session, number: one.number, view }.to_bytes());
        cx.end_datagram();
        Ok(())
    }

    fn count(&mut self, one: &Numbered, length: usize, now: Duration) {
        let view = &mut self.view;
        match self.seen.take(one.number) {
            Before::Twice => return view.duplicated += 1,
            Before::Astray => return view.astray += 1,
            Before::Highest => view.expected = one.number + 1,
            Before::Late => view.reordered += 1,
        }
        view.received_bytes += length as u64;
        view.received_blocks += 1;
        view.received_ns = nanos(now.saturating_sub(self.began));
        let transit = i128::from(nanos(now)) - i128::from(one.sent_ns);
        if let Some(before) = self.transit.replace(transit) {
            let change = u64::try_from((transit - before).unsigned_abs()).unwrap_or(u64::MAX);
            self.jitter = self.jitter.saturating_sub(self.jitter / 16).saturating_add(change);
        }
    }
}

/// Answers that are awaited at once; of those before, none is expected any more.
const MOST_AWAITED: usize = 4096;

/// Numbers that came before.
#[derive(Debug, Default)]
struct Seen {
    next: u64,
    window: Vec<u64>,
}

/// How a number stands to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Highest,
    Late,
    Twice,
    Astray,
}

impl Seen {
    /// Numbers that are told apart.
    const WINDOW: u64 = 8192;

    fn take(&mut self, number: u64) -> Before {
        if self.window.is_empty() {
            self.window.resize((Self::WINDOW / 64) as usize, 0);
        }
        if number == u64::MAX || number < self.next.saturating_sub(Self::WINDOW) {
            return Before::Astray;
        }
        let highest = number >= self.next;
        if highest {
            // What lies between is new, and not there yet.
            let from = self.next.max((number + 1).saturating_sub(Self::WINDOW));
            (from..=number).for_each(|number| self.clear(number));
            self.next = number + 1;
        }
        let (word, bit) = Self::place(number);
        if self.window[word] & bit != 0 {
            return Before::Twice;
        }
        self.window[word] |= bit;
        if highest { Before::Highest } else { Before::Late }
    }

    fn clear(&mut self, number: u64) {
        let (word, bit) = Self::place(number);
        self.window[word] &= !bit;
    }

    fn place(number: u64) -> (usize, u64) {
        ((number % Self::WINDOW / 64) as usize, 1 << (number % 64))
    }
}

/// What a client awaits.
#[derive(Debug, Default)]
pub(super) struct Client {
    awaited: VecDeque<Awaited>,
}

#[derive(Debug)]
struct Awaited {
    seq: u64,
    session: u64,
    sent: u64,
    forgotten: bool,
}

impl Client {
    /// Says so many bytes, the last datagram of which asks.
    pub(super) fn submit(&mut self, seq: u64, want: &Want, cx: &mut Cx<'_>) {
        let refuse = |why: &str, cx: &mut Cx<'_>| {
            cx.event(Event::Refused { seq, why: Violation::new("not_over_datagrams", why) });
        };
        let Want { up: true, down: false, bytes: Some(bytes), time: None, rate: None, .. } = *want else {
            return refuse("over datagrams it is up and a size, without a time or a rate", cx);
        };
        if bytes > MOST_AT_ONCE {
            return refuse("over datagrams at most 1 MiB is said at once", cx);
        }
        let block = (want.block as usize).clamp(Numbered::LEAST_ASKING, cx.facts.max_datagram.min(1400));
        // Each message is a session of its own, so that its numbers begin at 0.
        let session = want.session.wrapping_add(seq);
        let datagrams = bytes.div_ceil(block as u64);
        for number in 0..datagrams {
            let asks = number + 1 == datagrams;
            let left = (bytes - number * block as u64).min(block as u64) as usize;
            let length = left.max(if asks { Numbered::LEAST_ASKING } else { DATAGRAM_HEAD });
            let sent_ns = nanos((cx.facts.steady_clock)());
            cx.write(&Numbered { session, number, sent_ns, asks }.head());
            cx.write(&vec![b'x'; length - DATAGRAM_HEAD]);
            cx.end_datagram();
        }
        if self.awaited.len() >= MOST_AWAITED {
            self.awaited.pop_front();
        }
        self.awaited.push_back(Awaited { seq, session, sent: datagrams, forgotten: false });
    }

    pub(super) fn hear(&mut self, datagram: &[u8], cx: &mut Cx<'_>) -> Result<(), Violation> {
        let counted = Counted::read(datagram)?;
        cx.heard(datagram);
        let Some(at) = self.awaited.iter().position(|awaited| awaited.session == counted.session) else {
            cx.event(Event::Unsolicited { bytes: datagram.len() });
            return Ok(());
        };
        let Some(Awaited { seq, sent, forgotten, .. }) = self.awaited.remove(at) else { return Ok(()) };
        let came = counted.view.received_blocks;
        cx.body(format!("{came} of {sent} datagrams came, {} twice\n", counted.view.duplicated).as_bytes());
        cx.record("measured", || counted.view.fields());
        let verdict = if came == sent {
            Verdict::Right
        } else {
            let mismatch = Mismatch::between(sent.to_string().as_bytes(), came.to_string().as_bytes());
            let sentence = format!("{came} of {sent} datagrams came");
            Verdict::Wrong(Box::new(mismatch.because(sentence, None).named("unequal_views")))
        };
        cx.event(if forgotten { Event::Late { seq } } else { Event::Answered { seq, verdict } });
        Ok(())
    }

    pub(super) fn forget(&mut self, seq: u64) {
        if let Some(awaited) = self.awaited.iter_mut().find(|awaited| awaited.seq == seq) {
            awaited.forgotten = true;
        }
    }
}
