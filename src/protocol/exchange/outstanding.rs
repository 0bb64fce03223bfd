//! What a client has said and awaits answers to: how much at most, in the order said ([`InOrder`]) or in any order
//! ([`Outstanding`]).

use std::collections::VecDeque;

use bytes::Bytes;

use crate::session::{Cx, Event, NotNow, Verdict};

/// A client takes no more messages while so many bytes of them await answers.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// What one message costs beside its bytes.
const COST: usize = 64;
/// Bytes of messages that no answer is awaited for, in each of the two memories below.
const REMEMBERED_BYTES: usize = MOST_BYTES / 2;
/// Messages no longer awaited that are remembered where order tells nothing.
const FORGOTTEN: usize = 1024;
/// Answered messages that are remembered where order tells nothing, to know a duplicate.
const ANSWERED: usize = 64;

/// Bounds what awaits answers.
#[derive(Debug, Default)]
pub(super) struct Room {
    used: usize,
    refused: bool,
}

impl Room {
    /// Takes the room for a message of `length` bytes. One is always taken, however long.
    #[inline]
    pub(super) fn enter(&mut self, length: usize) -> Result<(), NotNow> {
        if self.used > 0 && self.used + length + COST > MOST_BYTES {
            self.refused = true;
            return Err(NotNow);
        }
        self.used += length + COST;
        Ok(())
    }

    /// Gives it back, and tells who was refused when there is room again.
    #[inline]
    pub(super) fn leave(&mut self, length: usize, cx: &mut Cx<'_>) {
        self.used -= length + COST;
        if self.refused && self.used <= MOST_BYTES / 2 {
            self.refused = false;
            cx.event(Event::Ready);
        }
    }
}

/// One message that was said.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) seq: u64,
    pub(super) body: Bytes,
    pub(super) forgotten: bool,
}

impl Sent {
    #[inline]
    pub(super) fn new(seq: u64, body: &Bytes) -> Self {
        Self { seq, body: body.clone(), forgotten: false }
    }

    /// Reports the answer to this.
    #[inline]
    pub(super) fn settle(&self, verdict: Verdict, cx: &mut Cx<'_>) {
        let seq = self.seq;
        cx.event(if self.forgotten { Event::Late { seq } } else { Event::Answered { seq, verdict } });
    }
}

/// Answers come in the order of the messages, each to the next: a stream.
#[derive(Debug, Default)]
pub(super) struct InOrder {
    sent: VecDeque<Sent>,
    room: Room,
}

impl InOrder {
    pub(super) fn push(&mut self, seq: u64, body: &Bytes) -> Result<(), NotNow> {
        self.room.enter(body.len())?;
        self.sent.push_back(Sent::new(seq, body));
        Ok(())
    }

    /// The message that the next answer is for.
    pub(super) fn next(&mut self, cx: &mut Cx<'_>) -> Option<Sent> {
        let sent = self.sent.pop_front()?;
        self.room.leave(sent.body.len(), cx);
        Some(sent)
    }

    pub(super) fn forget(&mut self, seq: u64) {
        if let Some(sent) = self.sent.iter_mut().find(|sent| sent.seq == seq) {
            sent.forgotten = true;
        }
    }
}

/// Answers come in any order, or never: datagrams; and streams whose answers do not tell what they answer.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Outstanding {
    awaited: Kept,
    forgotten: Kept,
    answered: Kept,
}

/// Messages in the order said, and what they cost.
#[derive(Debug, Default)]
struct Kept {
    sent: VecDeque<Sent>,
    bytes: usize,
}

impl Kept {
    fn add(&mut self, sent: Sent) {
        self.bytes += sent.body.len() + COST;
        self.sent.push_back(sent);
    }

    fn take(&mut self, at: usize) -> Option<Sent> {
        let sent = self.sent.remove(at)?;
        self.bytes -= sent.body.len() + COST;
        Some(sent)
    }

    fn take_equal(&mut self, body: &[u8]) -> Option<Sent> {
        let at = self.sent.iter().position(|sent| sent.body == body)?;
        self.take(at)
    }

    /// Adds one, and drops the oldest beyond `most` or a share of [`MOST_BYTES`]. One is always kept.
    fn remember(&mut self, sent: Sent, most: usize) {
        self.add(sent);
        while self.sent.len() > most || (self.bytes > REMEMBERED_BYTES && self.sent.len() > 1) {
            self.take(0);
        }
    }
}

impl Outstanding {
    /// Never refuses: beyond the bound the oldest counts as lost, as most of so many will be.
    pub(in crate::protocol) fn push(&mut self, seq: u64, body: &Bytes) {
        self.awaited.add(Sent::new(seq, body));
        while self.awaited.bytes > MOST_BYTES && self.awaited.sent.len() > 1 {
            self.lose(0);
        }
    }

    /// The body of the oldest message that awaits an answer.
    pub(in crate::protocol) fn oldest(&self) -> Option<&Bytes> {
        self.awaited.sent.front().map(|sent| &sent.body)
    }

    pub(in crate::protocol) fn forget(&mut self, seq: u64) {
        if let Some(at) = self.awaited.sent.iter().position(|sent| sent.seq == seq) {
            self.lose(at);
        }
    }

    fn lose(&mut self, at: usize) {
        if let Some(mut sent) = self.awaited.take(at) {
            sent.forgotten = true;
            self.forgotten.remember(sent, FORGOTTEN);
        }
    }

    /// An answer that tells nothing about what it answers: it is the oldest message's, or a forgotten one's. Tells whether
    /// it answered anything.
    pub(in crate::protocol) fn answer_oldest(&mut self, verdict: Verdict, cx: &mut Cx<'_>) -> bool {
        match self.awaited.take(0).or_else(|| self.forgotten.take(0)) {
            Some(sent) => sent.settle(verdict, cx),
            None => return false,
        }
        true
    }

    /// A right answer to a message with this body: the oldest such that awaits one, else one that was forgotten or answered.
    /// Tells whether there was any.
    pub(super) fn answer_equal(&mut self, body: &[u8], cx: &mut Cx<'_>) -> bool {
        if let Some(sent) = self.awaited.take_equal(body).or_else(|| self.forgotten.take_equal(body)) {
            sent.settle(Verdict::Right, cx);
            self.answered.remember(sent, ANSWERED);
            return true;
        }
        let again = self.answered.sent.iter().rfind(|sent| sent.body == body);
        if let Some(sent) = again {
            cx.event(Event::Duplicate { seq: sent.seq });
        }
        again.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded_in_bytes() {
        let mut outstanding = Outstanding::default();
        let long = Bytes::from(vec![0; 64 * 1024]);
        for seq in 0..FORGOTTEN as u64 {
            outstanding.push(seq, &long);
            outstanding.forget(seq);
        }
        let Outstanding { awaited, forgotten, .. } = &outstanding;
        assert_eq!((awaited.bytes, forgotten.bytes <= REMEMBERED_BYTES), (0, true), "{} bytes", forgotten.bytes);
        assert!(forgotten.sent.len() > 100);
        let mut short = Outstanding::default();
        for seq in 0..2 * FORGOTTEN as u64 {
            short.push(seq, &Bytes::from_static(b"x"));
            short.forget(seq);
        }
        assert_eq!(short.forgotten.sent.len(), FORGOTTEN);
    }
}
