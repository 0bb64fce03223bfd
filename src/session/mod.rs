//! The contract between what is said and how it travels.
//!
//! A [`Session`] is one end of one conversation: bytes in, bytes out, plus the *effects* it asks for and the *events* it
//! reports. It is pure. It never sees a socket, a file or a clock, so the same session runs over streams and datagrams, in
//! memory, and one byte at a time; and so server, client and load generator cannot disagree about a protocol.
//!
//! May use: core and std data types, `bytes`, `memchr`, `serde_json`'s values, `values`. Never: tokio, sockets, files, any clock, printing.

mod bulk;
mod channel;
mod cx;
mod event;
mod facts;
mod files;
mod input;
mod joined;
mod out;
mod pair;
mod pair_channels;

pub use bulk::{Generate, Link, Swallow};
pub use channel::{ChannelAsk, ChannelId, ChannelNews, Pour};
pub use cx::Cx;
pub use event::{Closed, Elsewhere, Event, Leaving, Mismatch, NotNow, Outcome, Record, Verdict, Violation, Why, fields};
pub use facts::{Endpoint, Facts, Rides, Watch};
pub use files::{Draft, Entry, FileError, FileKind, FileReader, FileWriter, Files, Stat};
pub use input::Input;
pub use joined::Joined;
pub use out::{Effect, EffectId, Front, Out};
pub use pair::{End, Move, Pair};

use bytes::Bytes;

/// One end of one conversation. The driver calls it; whatever it wants done goes into [`Cx`], in order.
pub trait Session: Send {
    /// The peer is there. Who greets, greets now.
    fn open(&mut self, cx: &mut Cx<'_>) {
        let _ = cx;
    }

    /// Bytes have come. Take whole messages; what is left over is offered again together with what follows it.
    ///
    /// Over datagrams this is called once for each datagram, also for an empty one, and nothing is left over.
    ///
    /// A session that has called [`Cx::pause_input`] may leave whole messages untaken: they are offered again, without new
    /// bytes, after [`Cx::resume_input`]. Until then it is called neither with input nor with the end of it.
    ///
    /// # Errors
    /// A [`Violation`] when the peer broke the protocol: the driver reports it, sends what was queued before, and ends the
    /// session. Over datagrams it concerns that one datagram: the driver reports it and goes on.
    fn input(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation>;

    /// Datagrams have come together. Takes as many, from the first on, as it has nothing to say to; those behind them come one by
    /// one ([`Session::input`]).
    fn joined(&mut self, datagrams: Joined<'_>, cx: &mut Cx<'_>) -> usize {
        let _ = (datagrams, cx);
        0
    }

    /// We wish to say `body` as our `seq`-th message (from 0, each used once). Only client ends take this.
    ///
    /// # Errors
    /// [`NotNow`] when the protocol can't take it yet; [`Event::Ready`] says when to try again. What it can never take is
    /// [`Event::Refused`], and no error here.
    fn submit(&mut self, seq: u64, body: &Bytes, cx: &mut Cx<'_>) -> Result<(), NotNow> {
        let _ = (seq, body, cx);
        Err(NotNow)
    }

    /// The effect `id` has happened.
    ///
    /// # Errors
    /// As [`Session::input`].
    fn resume(&mut self, id: EffectId, outcome: Outcome, cx: &mut Cx<'_>) -> Result<(), Violation> {
        let _ = (id, outcome, cx);
        Ok(())
    }

    /// Something has become of one of our channels.
    ///
    /// # Errors
    /// As [`Session::input`].
    fn channel(&mut self, id: ChannelId, news: ChannelNews, cx: &mut Cx<'_>) -> Result<(), Violation> {
        let _ = (id, news, cx);
        Ok(())
    }

    /// The peer will send no more. `rest` is what was never taken. By default an unfinished message is a violation, and
    /// otherwise what is queued is sent and the stream closed.
    ///
    /// # Errors
    /// As [`Session::input`].
    fn eof(&mut self, rest: &[u8], cx: &mut Cx<'_>) -> Result<(), Violation> {
        if !rest.is_empty() {
            return Err(Violation::cut_short(rest.len()));
        }
        cx.close();
        Ok(())
    }

    /// The answer to `seq` is no longer awaited. What comes for it later is [`Event::Late`].
    fn forget(&mut self, seq: u64) {
        let _ = seq;
    }

    /// Our side is about to end the conversation, for this reason: a last word may be said. While the session is then
    /// [`Session::busy`], its answer is awaited. Over streams only.
    fn leave(&mut self, why: Leaving, cx: &mut Cx<'_>) {
        let _ = (why, cx);
    }

    /// It is over. Nothing can be said any more.
    fn closed(&mut self, how: &Closed) {
        let _ = how;
    }

    /// What went wrong in [`Session::closed`], which has nobody to tell it to. Taken once.
    fn fault(&mut self) -> Option<Violation> {
        None
    }

    /// An answer of ours is on its way: a shutdown waits for it.
    fn busy(&self) -> bool {
        false
    }
}
