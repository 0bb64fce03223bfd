//! What one end of a load hears: answers, bytes, and what went wrong with a datagram.

use std::{io, time::Instant};

use super::Party;
use crate::{
    error::Trouble,
    role::{Sink, Way},
    session::{ChannelId, Event, Violation},
    transport,
};

impl Sink for Party {
    fn event(&mut self, event: Event, now: Instant) {
        match event {
            Event::Answered { seq, verdict } => self.answered(seq, &verdict, now),
            Event::Late { seq } => self.late(seq),
            Event::Phase { seq, name } => self.steps.done(name, seq, &self.awaited, &self.work, now),
            Event::Returned { seq } => self.returned(seq),
            Event::Duplicate { .. } => self.work.note(|counters| counters.duplicated += 1),
            Event::Unsolicited { bytes } => self.unsolicited(bytes),
            Event::Refused { why, .. } => {
                let hint = self.work.job.protocol.form().map_or_else(
                    || "-l changes the length, --framing and --max-frame what is possible".into(),
                    |form| format!("each message is {}", form.usage),
                );
                self.work.job.give_up(Trouble::usage(format!("the message can't be sent: {why}")).hint(hint));
            }
            _ => {}
        }
    }

    #[inline]
    fn wire(&mut self, way: Way, bytes: &[u8]) {
        let n = bytes.len() as u64;
        match way {
            Way::Out => self.work.note(|counters| counters.bytes_sent += n),
            Way::In => {
                self.state.heard = true;
                self.turns.heard();
                let datagram = u64::from(self.datagrams());
                self.work.note(|counters| {
                    counters.bytes_received += n;
                    counters.datagrams_received += datagram;
                });
            }
        }
    }

    fn channel(&mut self, _: ChannelId, way: Way, bytes: u64) {
        self.work.note(|counters| match way {
            Way::Out => counters.bytes_sent += bytes,
            Way::In => counters.bytes_received += bytes,
        });
    }

    /// It can't be told what it answers: that request is lost.
    fn overlooks(&mut self, _: &Violation) -> bool {
        self.work.note(|counters| counters.unsolicited += 1);
        true
    }

    /// A datagram that did not leave, or found nobody, is one without an answer: the run goes on.
    fn survives(&mut self, error: &io::Error) -> bool {
        use io::ErrorKind::{ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable};
        match error.kind() {
            // As over streams: where nothing listens from the start there is nothing to load.
            ConnectionRefused if !self.state.heard && !self.work.has_heard() => {
                let peer = &self.work.job.peer;
                self.work.job.give_up(transport::not_reached(error.kind().into(), &peer.address, peer.scheme, &peer.dial));
                true
            }
            ConnectionRefused | ConnectionReset | HostUnreachable | NetworkUnreachable => {
                self.work.note(|counters| counters.unreachable += 1);
                true
            }
            // The interface's queue is full: lost here, as it would be lost there.
            _ => transport::is_exhausted(error),
        }
    }
}
