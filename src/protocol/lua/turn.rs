//! One call of a script: what it may see and do while it runs. The functions that a script calls find it here, and it is
//! empty between calls.
//!
//! May use: `session`, `protocol::Framing`.

use std::{ops::Range, time::Duration};

use bytes::Bytes;

use super::{super::Framing, awaited::Awaited};
use crate::session::{Cx, EffectId, Event, Facts, Input, Out, Verdict, Violation};

/// Bytes that may be queued and unsent, after which saying more is an error.
const MOST_UNSENT: usize = 4 * 1024 * 1024;
/// The same for all sessions of a thread together, and what their scripts have not taken.
pub(super) const TOGETHER: usize = 16 * 1024 * 1024;
/// A session that has less than this does not count.
pub(super) const SMALL: usize = 16 * 1024;
/// Messages, or pieces of one, that are given in one call: then it is asked again, so that others may come between.
const MOST_TAKEN: u32 = 256;
/// Bytes of memory that the room for input keeps between calls.
const ROOM_KEPT: usize = 256 * 1024;

/// Why a function of ours did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The script asks for what is not there.
    Misused(String),
    /// The peer broke the protocol, as far as the script's own limits say.
    Violated(Violation),
}

impl From<Violation> for Refusal {
    fn from(violation: Violation) -> Self {
        Self::Violated(violation)
    }
}

pub(super) fn misused<T>(why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Misused(why.into()))
}

/// What belongs to a session and travels into the call and back.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Came and was not taken.
    pub(super) left: Vec<u8>,
    pub(super) scanned: usize,
    /// For what, as a hash: another delimiter may stand before it.
    sought: u64,
    pub(super) awaited: Awaited,
    pub(super) closed: bool,
    pub(super) paused: bool,
    pub(super) busy: bool,
    /// Bytes of it, and unsent ones, that are counted among those of all sessions.
    pub(super) counted: usize,
}

/// The call that runs.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Where the connection's table is; 0: nothing runs.
    pub(super) current: usize,
    pub(super) facts: Option<Facts>,
    pub(super) out: Out,
    pub(super) kept: Kept,
    /// How much of `kept.left` was taken, and whether this is a time to take.
    pub(super) taken: usize,
    pub(super) offered: bool,
    /// How often something was.
    takes: u32,
    /// Bytes that all other sessions have queued and not taken.
    pub(super) others: usize,
    /// A datagram that is being put together.
    staged: Vec<u8>,
    /// It is too long: the message can't be said.
    pub(super) unsayable: Option<Violation>,
    /// The number of the message that is being submitted.
    pub(super) submits: Option<u64>,
    /// A message was counted since input was offered.
    heard: bool,
    /// The peer broke the protocol.
    pub(super) violated: Option<Violation>,
}

impl Turn {
    /// A call begins. `cx` lends its queue until [`Self::end`].
    pub(super) fn begin(&mut self, current: usize, kept: &mut Kept, cx: &mut Cx<'_>) {
        self.current = current;
        self.facts = Some(cx.facts.clone());
        cx.swap(&mut self.out);
        std::mem::swap(&mut self.kept, kept);
        (self.taken, self.offered, self.unsayable, self.submits, self.violated) = (0, false, None, None, None);
    }

    pub(super) fn end(&mut self, kept: &mut Kept, cx: &mut Cx<'_>) {
        self.staged.clear();
        self.tidy();
        self.current = 0;
        cx.swap(&mut self.out);
        std::mem::swap(&mut self.kept, kept);
    }

    /// Throws away what was taken, and room that is too much to keep.
    pub(super) fn tidy(&mut self) {
        let left = &mut self.kept.left;
        if self.taken == left.len() {
            left.clear();
            if left.capacity() > 0 {
                // Idle conversations hold no buffer.
                *left = Vec::new();
            }
        } else {
            left.drain(..self.taken);
            if left.capacity() > ROOM_KEPT.max(4 * left.len()) {
                left.shrink_to_fit();
            }
        }
        self.taken = 0;
    }

    pub(super) fn cx<T>(&mut self, f: impl FnOnce(&mut Cx<'_>) -> T) -> Result<T, Refusal> {
        match &self.facts {
            Some(facts) => Ok(f(&mut Cx::new(facts, &mut self.out))),
            None => misused("no call runs"),
        }
    }

    pub(super) fn datagrams(&self) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.rides == crate::session::Rides::Datagrams)
    }

    /// Says bytes: on a stream at once, over datagrams as part of the next one.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let unsent = self.out.unsent() + bytes.len();
        if unsent > MOST_UNSENT {
            return misused("more than 4 MiB are unsent: the rest can be said when c:when_drained() tells");
        }
        if unsent > SMALL && self.others + unsent > TOGETHER {
            return misused("more than 16 MiB are unsent to all peers together: c:when_drained() tells when there is room");
        }
        if !self.datagrams() {
            return self.cx(|cx| cx.write(bytes));
        }
        let (length, max) = (self.staged.len() + bytes.len(), self.facts.as_ref().map_or(0, |facts| facts.max_datagram));
        if length > max {
            self.staged.clear();
            let violation = Violation::too_long("datagram", length, max);
            self.unsayable = Some(violation.clone());
            return misused(violation.sentence);
        }
        self.staged.extend_from_slice(bytes);
        Ok(())
    }

    /// Ends a datagram of ours. Over streams: nothing.
    pub(super) fn end_datagram(&mut self) -> Result<(), Refusal> {
        let staged = std::mem::take(&mut self.staged);
        self.cx(|cx| {
            cx.write(&staged);
            cx.end_datagram();
        })?;
        self.staged = staged;
        self.staged.clear();
        Ok(())
    }

    /// What was written and not ended is a datagram.
    pub(super) fn end_staged(&mut self) -> Result<(), Refusal> {
        if self.staged.is_empty() { Ok(()) } else { self.end_datagram() }
    }

    /// Says a message as it is.
    pub(super) fn say(&mut self, message: &[u8]) -> Result<(), Refusal> {
        if message.is_empty() && !self.datagrams() {
            let why = Violation::new("empty_message", "an empty message says nothing on a stream without framing");
            self.unsayable = Some(why.clone());
            return misused(why.sentence);
        }
        self.write(message)?;
        if self.datagrams() { self.end_datagram() } else { Ok(()) }
    }

    pub(super) fn write_framed(&mut self, framing: &Framing, message: &[u8]) -> Result<(), Refusal> {
        let wrap = framing.fits(message).map_err(|violation| {
            if self.submits.is_some() {
                self.unsayable = Some(violation.clone());
            }
            Refusal::Misused(violation.sentence)
        })?;
        self.write(wrap.head())?;
        self.write(message)?;
        self.write(wrap.tail())
    }

    /// Takes a message from the input; gives where it lies. What is taken is heard, unless it is only a `part` of a message.
    pub(super) fn take(
        &mut self,
        part: bool,
        sought: &[u8],
        take: impl for<'b> FnOnce(&mut Input<'b>) -> Result<Option<&'b [u8]>, Violation>,
    ) -> Result<Option<Range<usize>>, Refusal> {
        if !self.offered {
            return misused("input is there only inside server.input and client.input");
        }
        if self.takes >= MOST_TAKEN {
            return Ok(None);
        }
        let (from, datagram) = (self.taken, self.datagrams());
        // FNV-1a
        let sought = sought
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
        if std::mem::replace(&mut self.kept.sought, sought) != sought {
            self.kept.scanned = 0;
        }
        let rest = &self.kept.left[from..];
        let mut input = if datagram {
            Input::datagram(rest, &mut self.kept.scanned)
        } else {
            Input::stream(rest, &mut self.kept.scanned)
        };
        let message = take(&mut input).inspect_err(|violation| self.violated = Some(violation.clone()))?;
        let Some(message) = message else { return Ok(None) };
        self.takes += 1;
        let start = from + (message.as_ptr().addr() - rest.as_ptr().addr());
        self.taken += input.taken();
        let range = start..start + message.len();
        if !part {
            self.heard = true;
            if let Some(facts) = &self.facts {
                Cx::new(facts, &mut self.out).heard(message);
            }
        }
        Ok(Some(range))
    }

    /// A message came from the peer.
    pub(super) fn hear(&mut self, message: &[u8]) -> Result<(), Refusal> {
        self.cx(|cx| cx.heard(message))
    }

    /// Input is offered from here on; gives where it begins.
    pub(super) fn offer(&mut self) -> usize {
        (self.offered, self.heard, self.takes) = (true, false, 0);
        self.taken
    }

    /// It is no longer offered. What was taken piece by piece counts as one message.
    pub(super) fn offered(&mut self, from: usize) -> Result<(), Refusal> {
        self.offered = false;
        if self.taken > from && !self.heard {
            let message = Bytes::copy_from_slice(&self.kept.left[from..self.taken]);
            self.hear(&message)?;
        }
        Ok(())
    }

    pub(super) fn close(&mut self) -> Result<(), Refusal> {
        self.end_staged()?;
        self.kept.closed = true;
        let Some(facts) = &self.facts else { return misused("no call runs") };
        Cx::new(facts, &mut self.out).close();
        Ok(())
    }

    pub(super) fn wake(&mut self, id: EffectId, after: Option<Duration>) -> Result<(), Refusal> {
        self.cx(|cx| match after {
            Some(after) => cx.wake(id, after),
            None => cx.when_drained(id),
        })
    }

    pub(super) fn pause(&mut self, paused: bool) -> Result<(), Refusal> {
        self.kept.paused = paused;
        self.cx(|cx| if paused { cx.pause_input() } else { cx.resume_input() })
    }

    pub(super) fn event(&mut self, event: Event) -> Result<(), Refusal> {
        self.cx(|cx| cx.event(event))
    }

    pub(super) fn answer(&mut self, seq: Option<u64>, verdict: Verdict) -> Result<(), Refusal> {
        let Some(facts) = &self.facts else { return misused("no call runs") };
        self.kept.awaited.answer(seq, verdict, &mut Cx::new(facts, &mut self.out));
        Ok(())
    }
}
