//! The driver's input side: reads, offers the session what came, keeps what it left.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use tokio::io::ReadBuf;

use super::{Drive, Stage, Turn, Wire};
use crate::{
    role::{Sink, Source, Way, pool},
    session::{Closed, Input},
};

impl<W: Wire, P: Source + Sink> Drive<W, P> {
    pub(super) fn read(&mut self, cx: &mut Context<'_>) -> Turn {
        if self.flags.peer_ended || (self.stage == Stage::Open && self.held_back(cx)) || self.stage == Stage::Closing {
            return Turn::Wait;
        }
        if !self.swallows()
            && std::mem::take(&mut self.flags.offer_again)
            && !self.left.is_empty()
            && self.stage == Stage::Open
        {
            return self.offer_left();
        }
        if self.swallows() {
            return self.swallow(cx);
        }
        pool::with_scratch(|scratch| match self.receive_into(scratch, cx) {
            Ok(n) => self.received(&scratch[..n]),
            Err(turn) => turn,
        })
    }

    /// Reads once: how many bytes came, at least one; or what it came to without any.
    #[inline]
    pub(super) fn receive_into(&mut self, room: &mut [u8], cx: &mut Context<'_>) -> Result<usize, Turn> {
        let mut buffer = ReadBuf::new(room);
        match Pin::new(&mut self.wire).poll_read(cx, &mut buffer) {
            Poll::Pending => Err(Turn::Wait),
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => Err(Turn::Again),
            Poll::Ready(Err(error)) => Err(self.broken(&error)),
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => Err(self.eof()),
            Poll::Ready(Ok(())) => Ok(buffer.filled().len()),
        }
    }

    /// Is reading held back, by the peer that does not read, by the session, or by who listens?
    #[inline]
    pub(super) fn held_back(&mut self, cx: &mut Context<'_>) -> bool {
        // A file takes as long as it takes: that is no sign of a peer that does not read.
        if self.terms.high_water < usize::MAX && self.out.as_ref().is_some_and(|out| out.pours()) {
            return true;
        }
        if self.unsent() > self.terms.high_water && self.paused_since.is_none() {
            self.paused_since = Some(Instant::now());
            self.traffic.pauses += 1;
            self.party.paused(None);
        }
        self.paused_since.is_some() || self.flags.input_paused || self.party.poll_room(cx).is_pending()
    }

    pub(super) fn received(&mut self, bytes: &[u8]) -> Turn {
        self.traffic.bytes_in += bytes.len() as u64;
        if self.stage == Stage::Lingering {
            let enough = self.traffic.bytes_in > self.linger_until;
            return if enough { self.over_as_begun(Closed::ByUs) } else { Turn::Again };
        }
        if self.traffic.first_byte.is_none() || self.terms.idle.is_some() || self.terms.silence.is_some() {
            let now = Instant::now();
            self.traffic.first_byte.get_or_insert(now);
            (self.last_in, self.last_any) = (now, now);
        }
        self.party.wire(Way::In, bytes);
        if self.left.is_empty() {
            let (turn, taken) = self.offer(bytes);
            let rest = self.skip(&bytes[taken..]);
            self.left.extend_from_slice(rest);
            return turn;
        }
        self.left.extend_from_slice(bytes);
        self.offer_left()
    }

    /// Offers what was left together with what came since.
    fn offer_left(&mut self) -> Turn {
        let mut left = std::mem::take(&mut self.left);
        let (turn, taken) = self.offer(&left);
        let rest = self.skip(&left[taken..]).len();
        left.drain(..left.len() - rest);
        if !left.is_empty() {
            self.left = left;
        }
        turn
    }

    /// Offers bytes to the session; tells how many it took.
    #[inline]
    fn offer(&mut self, bytes: &[u8]) -> (Turn, usize) {
        let (mut scanned, mut taken) = (self.scanned, 0);
        let turn = self.call(|session, cx| {
            let mut input = Input::stream(bytes, &mut scanned);
            let result = session.input(&mut input, cx);
            taken = input.taken();
            result
        });
        self.scanned = scanned;
        (turn, taken)
    }

    pub(super) fn eof(&mut self) -> Turn {
        self.flags.peer_ended = true;
        self.party.ended(Way::In);
        if self.stage == Stage::Lingering {
            return self.over_as_begun(Closed::ByUs);
        }
        let rest = std::mem::take(&mut self.left);
        self.call(|session, cx| session.eof(&rest, cx))
    }
}
