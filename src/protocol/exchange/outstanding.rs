//! What a client has said and awaits answers to: how much at most, in the order said ([`InOrder`]) or in any order
//! ([`Outstanding`]).

use std::collections::VecDeque;

use bytes::Bytes;

use crate::session::{Cx, Event, NotNow, Verdict};

/// A client takes no more messages while so many bytes of them await answers.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// What one message costs beside its bytes.
const COST: usize = 64;
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
    pub(super) fn enter(&mut self, length: usize) -> Result<(), NotNow> {
        if self.used > 0 && self.used + length + COST > MOST_BYTES {
            self.refused = true;
            return Err(NotNow);
        }
        self.used += length + COST;
        Ok(())
    }

    /// Gives it back, and tells who was refused when there is room again.
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
    pub(super) fn new(seq: u64, body: &Bytes) -> Self {
        Self { seq, body: body.clone(), forgotten: false }
    }

    /// Reports the answer to this.
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
    awaited: VecDeque<Sent>,
    bytes: usize,
    forgotten: VecDeque<Sent>,
    answered: VecDeque<Sent>,
}

impl Outstanding {
    /// Never refuses: beyond the bound the oldest counts as lost, as most of so many will be.
    pub(in crate::protocol) fn push(&mut self, seq: u64, body: &Bytes) {
        self.bytes += body.len() + COST;
        self.awaited.push_back(Sent::new(seq, body));
        while self.bytes > MOST_BYTES && self.awaited.len() > 1 {
            self.lose(0);
        }
    }

    /// The body of the oldest message that awaits an answer.
    pub(in crate::protocol) fn oldest(&self) -> Option<&Bytes> {
        self.awaited.front().map(|sent| &sent.body)
    }

    pub(in crate::protocol) fn forget(&mut self, seq: u64) {
        if let Some(at) = self.awaited.iter().position(|sent| sent.seq == seq) {
            self.lose(at);
        }
    }

    fn lose(&mut self, at: usize) {
        if let Some(mut sent) = self.remove(at) {
            sent.forgotten = true;
            remember(&mut self.forgotten, sent, FORGOTTEN);
        }
    }

    fn remove(&mut self, at: usize) -> Option<Sent> {
        let sent = self.awaited.remove(at)?;
        self.bytes -= sent.body.len() + COST;
        Some(sent)
    }

    /// An answer that tells nothing about what it answers: it is the oldest message's, or a forgotten one's. Tells whether
    /// it answered anything.
    pub(in crate::protocol) fn answer_oldest(&mut self, verdict: Verdict, cx: &mut Cx<'_>) -> bool {
        match self.remove(0).or_else(|| self.forgotten.pop_front()) {
            Some(sent) => sent.settle(verdict, cx),
            None => return false,
        }
        true
    }

    /// A right answer to a message with this body: the oldest such that awaits one, else one that was forgotten or answered.
    /// Tells whether there was any.
    pub(super) fn answer_equal(&mut self, body: &[u8], cx: &mut Cx<'_>) -> bool {
        let equal = |sent: &Sent| sent.body == body;
        if let Some(at) = self.awaited.iter().position(equal)
            && let Some(sent) = self.remove(at)
        {
            sent.settle(Verdict::Right, cx);
            remember(&mut self.answered, sent, ANSWERED);
        } else if let Some(at) = self.forgotten.iter().position(equal)
            && let Some(sent) = self.forgotten.remove(at)
        {
            sent.settle(Verdict::Right, cx);
            remember(&mut self.answered, sent, ANSWERED);
        } else if let Some(sent) = self.answered.iter().rfind(|sent| equal(sent)) {
            cx.event(Event::Duplicate { seq: sent.seq });
        } else {
            return false;
        }
        true
    }
}

fn remember(ring: &mut VecDeque<Sent>, sent: Sent, most: usize) {
    if ring.len() == most {
        ring.pop_front();
    }
    ring.push_back(sent);
}
