//! Who sends bulk: in segments whose length is announced, short enough that the end is never far and long enough to cost nothing.

use std::time::Duration;

use super::{
    view::nanos,
    want::Want,
    wire::{self, Frame, MAX_SEGMENT},
};
use crate::{
    protocol::perf::View,
    session::{Cx, EffectId, Generate, Link},
};

/// The first segment. What is faster has longer ones soon.
const FIRST: u64 = 64 * 1024;
/// How long a segment should take, in the order of magnitude.
const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_millis(80);
/// Segments a second at a rate that was asked for.
const A_SECOND: u64 = 50;
/// The least that is sent at once at such a rate, in bytes: one packet of a usual network.
const LEAST: u64 = 1400;

/// The names of what one measurement waits for: they differ from those of the one before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names(pub(super) u64);

impl Names {
    const KINDS: u64 = 4;

    /// Is this one of them?
    pub(super) fn has(self, id: EffectId) -> bool {
        id.0 / Self::KINDS == self.0
    }

    /// Is this one of a time that was waited for, in whichever measurement?
    pub(super) fn is_time(id: EffectId) -> bool {
        id.0 % Self::KINDS >= 2
    }

    fn id(self, kind: u64) -> EffectId {
        EffectId(self.0 * Self::KINDS + kind)
    }

    pub(super) fn generated(self) -> EffectId {
        self.id(0)
    }

    pub(super) fn swallowed(self) -> EffectId {
        self.id(1)
    }

    pub(super) fn time_up(self) -> EffectId {
        self.id(2)
    }

    pub(super) fn omitted(self) -> EffectId {
        self.id(3)
    }
}

/// What became of a step. It can be both: a segment may take longer than the time that is left.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sent {
    /// Counting began anew.
    pub(super) anew: bool,
    /// All is sent, and said to be.
    all: bool,
}

impl Sent {
    /// As they are reported, in order.
    pub(super) fn phases(self) -> impl Iterator<Item = &'static str> {
        [("sending_anew", self.anew), ("sent", self.all)].into_iter().filter_map(|(name, is)| is.then_some(name))
    }
}

#[derive(Debug)]
pub(super) struct Sender {
    want: Want,
    names: Names,
    /// Heads stand before the segments.
    framed: bool,
    segment: u64,
    flying: u64,
    flying_since: Duration,
    began: Duration,
    ended: Option<Duration>,
    sent: u64,
    omitting: bool,
    anew: bool,
    time_up: bool,
    link: Link,
    /// Segments sent again before counting began.
    retransmits_before: u64,
}

impl Sender {
    /// Begins to send.
    pub(super) fn begin(want: Want, names: Names, framed: bool, cx: &mut Cx<'_>) -> Self {
        let now = (cx.facts.steady_clock)();
        let first = want.rate.map_or(FIRST, |rate| (rate / 8 / A_SECOND).clamp(LEAST, MAX_SEGMENT));
        let mut sender = Self {
            want,
            names,
            framed,
            segment: first,
            flying: 0,
            flying_since: now,
            began: now,
            ended: None,
            sent: 0,
            omitting: !want.omit.is_zero(),
            anew: false,
            time_up: false,
            link: Link::default(),
            retransmits_before: 0,
        };
        if sender.omitting {
            cx.wake(names.omitted(), want.omit);
        }
        if let Some(time) = want.time {
            cx.wake(names.time_up(), want.omit + time);
        }
        sender.next(cx);
        sender
    }

    /// Sends the next segment, or the end.
    fn next(&mut self, cx: &mut Cx<'_>) -> Sent {
        let anew = std::mem::take(&mut self.anew);
        if anew {
            self.say(Frame::Anew, cx);
            (self.sent, self.began, self.retransmits_before) = (0, (cx.facts.steady_clock)(), self.link.retransmits);
        }
        let left = match self.want.bytes {
            Some(bytes) if !self.omitting => bytes - self.sent.min(bytes),
            _ => u64::MAX,
        };
        if self.time_up || left == 0 {
            self.ended = Some((cx.facts.steady_clock)());
            self.say(Frame::End, cx);
            return Sent { anew, all: true };
        }
        self.flying = self.segment.min(left);
        self.flying_since = (cx.facts.steady_clock)();
        self.say(Frame::Data(self.flying), cx);
        cx.generate(Generate {
            id: self.names.generated(),
            bytes: self.flying,
            block: self.want.block as usize,
            zero_copy: self.want.zero_copy,
            bits_per_second: self.want.rate,
        });
        Sent { anew, all: false }
    }

    fn say(&self, frame: Frame, cx: &mut Cx<'_>) {
        if self.framed {
            wire::say(frame, cx);
        }
    }

    /// A segment has gone.
    pub(super) fn generated(&mut self, link: Option<Link>, cx: &mut Cx<'_>) -> Sent {
        self.sent += self.flying;
        self.link = link.unwrap_or(self.link);
        let took = (cx.facts.steady_clock)().saturating_sub(self.flying_since);
        if self.want.rate.is_none() {
            self.segment = match took {
                took if took < SHORT => (self.segment * 2).min(MAX_SEGMENT),
                took if took > LONG => (self.segment / 2).max(FIRST / 16),
                _ => self.segment,
            };
        }
        self.next(cx)
    }

    /// What it waited for has come: the segment under way is the last, or the last that is not counted.
    pub(super) fn woken(&mut self, id: EffectId) {
        self.time_up |= id == self.names.time_up();
        if id == self.names.omitted() {
            (self.omitting, self.anew) = (false, true);
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    pub(super) fn view(&self, view: &mut View) {
        view.sent_bytes = self.sent;
        view.sent_blocks = self.sent.div_ceil(self.want.block.into());
        view.sent_ns = nanos(self.ended.unwrap_or(self.began).saturating_sub(self.began));
        view.retransmits = self.link.retransmits - self.retransmits_before;
        view.rtt_ns = nanos(self.link.rtt);
        view.cwnd_bytes = self.link.cwnd_bytes;
    }
}
