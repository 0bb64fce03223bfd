//! The client of `perf` over datagrams: says a few, numbered, the last of which asks what came.

use std::collections::VecDeque;

use super::{
    datagrams::{Counted, DATAGRAM_HEAD, Numbered},
    view::nanos,
    want::Want,
};
use crate::session::{Cx, Event, Mismatch, Verdict, Violation};

/// The most that `send` says without a pace, in bytes.
const MOST_AT_ONCE: u64 = 1024 * 1024;
/// Answers that are awaited at once; of those before, none is expected any more.
const MOST_AWAITED: usize = 4096;

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
            let mut datagram = vec![b'x'; length];
            Numbered { session, number, sent_ns, asks, ..Numbered::default() }.put(&mut datagram);
            cx.write(&datagram);
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
