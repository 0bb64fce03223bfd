//! The driver's output side: sends what is queued, does the effects that stand among it, and closes our half.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use super::{
    Drive, LINGER_BYTES, Stage, Turn, Wire,
    pour::{self, Unpoured},
};
use crate::{
    role::{Sink, Source, Way, pool},
    session::{Closed, Effect, Front, Out, Outcome},
};

/// Runs of bytes handed to one vectored write.
const RUNS: usize = 16;

impl<W: Wire, P: Source + Sink> Drive<W, P> {
    /// Sends what is queued and does the effects among it, in order.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>) -> Turn {
        if self.flags.unheard {
            return self.unheard();
        }
        while let Some(out) = &mut self.out {
            match out.front() {
                Front::Empty => {
                    self.give_back();
                    break;
                }
                Front::EndDatagram => out.end_datagram(),
                Front::Effect => match out.take_effect() {
                    Some(effect) => return self.happen(effect),
                    None => break,
                },
                Front::Generate(generate) if self.stage == Stage::Open => {
                    let generate = *generate;
                    return self.generate(generate, cx);
                }
                // It would mean nothing to a peer that broke the rules.
                Front::Generate(_) => _ = out.generated(u64::MAX),
                Front::Pour(pour) => {
                    let pour = pour.clone();
                    match pour::poll(&mut self.wire, &pour, cx, &mut self.party) {
                        Poll::Pending => return Turn::Wait,
                        Poll::Ready(Err(error)) => return self.unpoured(error),
                        Poll::Ready(Ok(n)) => {
                            out.advance(n);
                            self.sent(n);
                        }
                    }
                }
                Front::Bytes(_) => match write(&mut self.wire, out, cx, &mut self.party) {
                    Poll::Pending => return Turn::Wait,
                    Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                    Poll::Ready(Err(error)) => return self.unwritten(&error),
                    Poll::Ready(Ok(n)) => self.sent(n),
                },
            }
        }
        Turn::Wait
    }

    /// As [`Self::flush`], for what is most often queued: one run of bytes, which the system takes at once.
    #[inline]
    pub(super) fn flush_run(&mut self, cx: &mut Context<'_>) -> Turn {
        if let Some(out) = &mut self.out
            && out.only_run().is_some_and(|run| !run.is_empty())
        {
            match write(&mut self.wire, out, cx, &mut self.party) {
                Poll::Pending => return Turn::Wait,
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => return self.unwritten(&error),
                Poll::Ready(Ok(n)) => {
                    let all = out.is_empty();
                    self.sent(n);
                    if all {
                        self.give_back();
                        return Turn::Wait;
                    }
                }
            }
        }
        self.flush(cx)
    }

    /// The queue is empty: others may have it.
    fn give_back(&mut self) {
        if let Some(out) = self.out.take() {
            pool::give_out(out);
        }
    }

    #[inline]
    pub(super) fn sent(&mut self, n: usize) {
        self.traffic.bytes_out += n as u64;
        if self.terms.idle.is_some() {
            self.last_any = Instant::now();
        }
        if self.paused_since.is_some() && self.unsent() <= self.terms.low_water {
            self.resume_reading();
        }
    }

    /// The rest of a file can't be sent. The peer must not take what it has for the whole: the connection is cut, not closed.
    fn unpoured(&mut self, error: Unpoured) -> Turn {
        match error {
            Unpoured::Wire(error) => self.unwritten(&error),
            Unpoured::File(why) => {
                self.wire.cut();
                self.over(Closed::Failed(why))
            }
        }
    }

    /// The peer takes no more. Its last answer, which says why, may still be there to read: a client reads it.
    pub(super) fn unwritten(&mut self, error: &io::Error) -> Turn {
        let gone = matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe);
        if !gone || self.terms.high_water < usize::MAX || self.stage != Stage::Open || self.flags.peer_ended {
            return self.broken(error);
        }
        self.flags.unheard = true;
        Turn::Again
    }

    /// Nothing more can be said: it is over when all that came was read.
    fn unheard(&mut self) -> Turn {
        if self.closed.is_none() && !self.flags.peer_ended && self.stage == Stage::Open {
            return Turn::Wait;
        }
        self.over_as_begun(Closed::Reset)
    }

    /// The peer reads again, or it is over.
    pub(super) fn resume_reading(&mut self) {
        if let Some(took) = self.paused_since.take().map(|since| since.elapsed()) {
            self.traffic.paused += took;
            self.party.paused(Some(took));
        }
    }

    fn happen(&mut self, effect: Effect) -> Turn {
        if self.stage != Stage::Open {
            return Turn::Again;
        }
        match effect {
            Effect::Close => {
                let how = if self.flags.peer_ended { Closed::ByPeer } else { Closed::ByUs };
                self.close(how)
            }
            Effect::Wake(id, after) => {
                self.timers.get_or_insert_default().wake(Instant::now() + after, id);
                Turn::Again
            }
            Effect::Drained(id) => self.call(|session, cx| session.resume(id, Outcome::Drained, cx)),
            Effect::Commit(id, file) => {
                self.beside.get_or_insert_default().commit(id, file);
                Turn::Again
            }
            Effect::Channel(id, ask) => {
                let ends = (&self.facts.local, &self.facts.peer);
                let news = self.beside.get_or_insert_default().ask((id, ask), ends, &mut self.party);
                news.map_or(Turn::Again, |news| self.call(|session, cx| session.channel(id, news, cx)))
            }
        }
    }

    /// All is sent: closes our half where that is due, and lingers or ends.
    pub(super) fn end_of_output(&mut self, cx: &mut Context<'_>) -> Turn {
        let half = self.flags.source_ended && self.terms.half_close && !self.flags.half_closed;
        if !self.idle_out() || !(self.stage == Stage::Closing || half) {
            return Turn::Wait;
        }
        match Pin::new(&mut self.wire).poll_shutdown(cx) {
            Poll::Pending => return Turn::Wait,
            Poll::Ready(Err(error)) if error.kind() != io::ErrorKind::NotConnected => return self.broken(&error),
            Poll::Ready(shut) => {
                if shut.is_ok() && !self.flags.half_closed {
                    self.party.ended(Way::Out);
                }
                self.flags.half_closed = true;
            }
        }
        if self.stage == Stage::Open {
            return Turn::Again;
        }
        if self.flags.peer_ended || !self.terms.linger {
            return self.over_as_begun(Closed::ByUs);
        }
        self.stage = Stage::Lingering;
        self.last_in = Instant::now();
        self.linger_until = self.traffic.bytes_in + LINGER_BYTES;
        Turn::Again
    }
}

/// Writes what may be written together. Most often that is one run, and then a plain write does.
#[inline]
fn write<W: Wire>(wire: &mut W, out: &mut Out, cx: &mut Context<'_>, sink: &mut impl Sink) -> Poll<io::Result<usize>> {
    let written = match out.only_run() {
        Some(run) => {
            let written = Pin::new(wire).poll_write(cx, run);
            if let Poll::Ready(Ok(n)) = written {
                sink.wire(Way::Out, &run[..n]);
            }
            written
        }
        None => write_runs(wire, out, cx, sink),
    };
    if let Poll::Ready(Ok(n)) = written {
        out.advance(n);
        if n == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
    }
    written
}

fn write_runs<W: Wire>(wire: &mut W, out: &Out, cx: &mut Context<'_>, sink: &mut impl Sink) -> Poll<io::Result<usize>> {
    let mut runs: [&[u8]; RUNS] = [&[]; RUNS];
    let many = out.runs(&mut runs);
    let slices = runs.map(IoSlice::new);
    let written = Pin::new(wire).poll_write_vectored(cx, &slices[..many]);
    if let Poll::Ready(Ok(mut rest)) = written {
        for run in &runs[..many] {
            let piece = &run[..run.len().min(rest)];
            rest -= piece.len();
            sink.wire(Way::Out, piece);
        }
    }
    written
}
