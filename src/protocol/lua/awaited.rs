//! What a scripted client has said and awaits answers to. The script says whether an answer is right; which message it
//! answers, whether it came too late or twice, is kept here.
//!
//! May use: `session`.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::session::{Cx, Event, NotNow, Verdict};

/// A client takes no more messages while so many bytes of them await answers.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// What one message costs beside its bytes.
const COST: usize = 64;
/// Messages that were answered, by number, to know a second answer.
const ANSWERED: usize = 256;

#[derive(Debug)]
struct Sent {
    seq: u64,
    body: Bytes,
    forgotten: bool,
}

/// Messages in the order said.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    sent: VecDeque<Sent>,
    bytes: usize,
    answered: VecDeque<u64>,
    /// Somebody was told to wait.
    refused: bool,
}

impl Awaited {
    /// Is there room for one more? Over datagrams there always is: what is oldest is lost.
    pub(super) fn room(&mut self, length: usize, datagrams: bool) -> Result<(), NotNow> {
        while self.bytes > 0 && self.bytes + length + COST > MOST_BYTES {
            if !datagrams {
                self.refused = true;
                return Err(NotNow);
            }
            self.take(0);
        }
        Ok(())
    }

    pub(super) fn refuse(&mut self) {
        self.refused = true;
    }

    /// May who was refused try again?
    pub(super) fn ready(&mut self) -> bool {
        self.bytes <= MOST_BYTES / 2 && std::mem::take(&mut self.refused)
    }

    pub(super) fn push(&mut self, seq: u64, body: &Bytes) {
        self.bytes += body.len() + COST;
        self.sent.push_back(Sent { seq, body: body.clone(), forgotten: false });
    }

    /// It was not said after all.
    pub(super) fn withdraw(&mut self, seq: u64) {
        if let Some(at) = self.sent.iter().rposition(|sent| sent.seq == seq) {
            self.take(at);
        }
    }

    fn take(&mut self, at: usize) -> Option<Sent> {
        let sent = self.sent.remove(at)?;
        self.bytes -= sent.body.len() + COST;
        Some(sent)
    }

    /// The message of this number, or the oldest.
    pub(super) fn get(&self, seq: Option<u64>) -> Option<(u64, &Bytes)> {
        let sent = match seq {
            None => self.sent.front()?,
            Some(seq) => self.sent.iter().find(|sent| sent.seq == seq)?,
        };
        Some((sent.seq, &sent.body))
    }

    /// The oldest message with this body.
    pub(super) fn find(&self, body: &[u8]) -> Option<u64> {
        self.sent.iter().find(|sent| sent.body == body).map(|sent| sent.seq)
    }

    pub(super) fn forget(&mut self, seq: u64) {
        if let Some(sent) = self.sent.iter_mut().find(|sent| sent.seq == seq) {
            sent.forgotten = true;
        }
    }

    /// The answer to `seq`, or to the oldest, has come.
    pub(super) fn answer(&mut self, seq: Option<u64>, verdict: Verdict, cx: &mut Cx<'_>) {
        let at = match seq {
            None => Some(0),
            Some(seq) => self.sent.iter().position(|sent| sent.seq == seq),
        };
        let event = match (at.and_then(|at| self.take(at)), seq) {
            (Some(sent), _) => {
                self.answered.push_back(sent.seq);
                if self.answered.len() > ANSWERED {
                    self.answered.pop_front();
                }
                let seq = sent.seq;
                if sent.forgotten { Event::Late { seq } } else { Event::Answered { seq, verdict } }
            }
            (None, Some(seq)) if self.answered.contains(&seq) => Event::Duplicate { seq },
            (None, _) => Event::Unsolicited { bytes: 0 },
        };
        cx.event(event);
    }
}
