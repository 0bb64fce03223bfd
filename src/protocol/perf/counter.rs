//! What a `perf` server counts of a peer's datagrams, and when it tells.
//!
//! One that asks is no shorter than the answer, so that nobody is sent more than a forged source address has paid for. The count is
//! a peer's; a new session begins it anew.

use std::time::Duration;

use super::{
    View,
    datagrams::{Counted, Numbered},
    delays::Delays,
    view::nanos,
};
use crate::session::{Cx, Joined, Violation};

/// What a server keeps of one peer.
#[derive(Debug, Default)]
pub(super) struct Counter {
    session: Option<u64>,
    /// The session before: what comes of it still is not counted.
    before: Option<u64>,
    view: View,
    seen: Seen,
    /// At the first datagram: when, and what CPU time had been used.
    began: Option<(Duration, Duration)>,
    /// How long the last one was on its way, by two clocks that need not agree.
    transit: Option<i64>,
    /// In sixteenths of a nanosecond, as RFC 3550's example keeps it (section A.8).
    jitter: u64,
    /// Kept of whoever has shown that our answers reach it: it costs memory.
    delays: Option<Box<Delays>>,
    told_ns: u64,
    /// All was said to be sent.
    ended: bool,
}

impl Counter {
    /// Takes those that are only to be counted.
    pub(super) fn joined(&mut self, datagrams: Joined<'_>, cx: &mut Cx<'_>) -> usize {
        let now = (cx.facts.steady_clock)();
        let mut taken = 0;
        for datagram in datagrams.iter() {
            match Numbered::plain(datagram) {
                Some(one) if Some(one.session) == self.session => self.count(&one, datagram.len(), now, cx),
                _ => break,
            }
            taken += 1;
        }
        self.view.joined = self.view.joined.max(taken as u64);
        cx.heard_many(taken as u64);
        taken
    }

    pub(super) fn hear(&mut self, datagram: &[u8], cx: &mut Cx<'_>) -> Result<(), Violation> {
        let one = Numbered::read(datagram).inspect_err(|violation| {
            let unread = ["not_perf", "corrupt", "other_version"].contains(&violation.name);
            self.view.corrupt += u64::from(unread && self.session.is_some());
        })?;
        cx.heard(datagram);
        if one.asks && datagram.len() < Numbered::LEAST_ASKING {
            return Err(Violation::new("too_short", "a datagram that asks is shorter than the answer; not answered"));
        }
        if self.before == Some(one.session) {
            return Err(Violation::new("other_session", "a datagram of a measurement that is over"));
        }
        let now = (cx.facts.steady_clock)();
        if self.session != Some(one.session) {
            *self = Self { session: Some(one.session), before: self.session, told_ns: self.told_ns, ..Self::default() };
        }
        if one.bare {
            self.ended |= one.last;
            if self.told_ns > 0 && Numbered::gives_back(datagram) == Some(self.told_ns) {
                self.delays.get_or_insert_default();
            }
        } else {
            self.count(&one, datagram.len(), now, cx);
        }
        if one.asks {
            self.tell(&one, now, cx);
        }
        Ok(())
    }

    fn tell(&mut self, one: &Numbered, now: Duration, cx: &mut Cx<'_>) {
        let mut view = self.view;
        if let Some((began, cpu_before)) = self.began {
            view.wall_ns = nanos(now.saturating_sub(began));
            view.cpu_ns = nanos((cx.facts.cpu_clock)().saturating_sub(cpu_before));
        }
        view.jitter_ns = self.jitter / 16;
        if let Some(delays) = &self.delays {
            delays.tell(&mut view);
        }
        self.told_ns = nanos(now);
        cx.write(&Counted { session: one.session, number: one.number, told_ns: self.told_ns, view }.to_bytes());
        cx.end_datagram();
    }

    fn count(&mut self, one: &Numbered, length: usize, now: Duration, cx: &Cx<'_>) {
        let view = &mut self.view;
        match self.seen.take(one.number) {
            Before::Twice => return view.duplicated += 1,
            Before::Astray => return view.astray += 1,
            Before::Highest => view.expected = one.number + 1,
            Before::Late => view.reordered += 1,
        }
        let (began, _) = *self.began.get_or_insert_with(|| (now, (cx.facts.cpu_clock)()));
        view.received_bytes += length as u64;
        view.received_blocks += 1;
        view.received_ns = nanos(now.saturating_sub(began));
        view.late += u64::from(self.ended);
        let transit = nanos(now).cast_signed().wrapping_sub(one.sent_ns.cast_signed());
        if let Some(before) = self.transit.replace(transit) {
            let change = transit.wrapping_sub(before).unsigned_abs();
            self.jitter = self.jitter.saturating_sub(self.jitter / 16).saturating_add(change);
        }
        if let Some(delays) = &mut self.delays {
            delays.record(transit.max(0).cast_unsigned());
        }
    }
}

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
