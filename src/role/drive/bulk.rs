//! Bulk over a stream: bytes made up and thrown away by the fastest means the system has. The session is told when all of them
//! have gone, and never sees one.

use std::{
    fs::File,
    future::Future,
    io,
    pin::Pin,
    sync::OnceLock,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::{io::ReadBuf, time::Sleep};

use super::{Drive, Stage, Turn, Wire};
use crate::{
    os,
    role::{Sink, Source, Way, pool},
    session::{EffectId, Generate, Outcome, Swallow},
};

/// Calls in a row for one conversation: after that, timers and other conversations have their turn.
const AT_ONCE: usize = 32;
/// What is sent, over and over; no longer piece is handed to the system at once.
const FILLING: usize = 1024 * 1024;
/// At a pace of our own, what had to wait longer than this is not made up for.
const BURST: Duration = Duration::from_millis(10);

/// What of it is under way in one conversation.
#[derive(Default)]
pub(super) struct Bulk {
    swallow: Option<Swallow>,
    pace: Option<Pace>,
    /// A segment is on its way, whose packets are to be full ones: it is not in a hurry before its end.
    gathering: Option<bool>,
}

/// Sending no faster than asked.
struct Pace {
    bits_per_second: u64,
    /// The kernel sees to it.
    by_kernel: bool,
    /// When what was sent so far should have been sent.
    due: Instant,
    sleep: Pin<Box<Sleep>>,
}

/// Bytes that no link makes smaller, the same in every run.
fn filling() -> &'static [u8] {
    static FILLING_BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    FILLING_BYTES.get_or_init(|| {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut bytes = Vec::with_capacity(FILLING);
        while bytes.len() < FILLING {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend_from_slice(&state.to_le_bytes());
        }
        bytes
    })
}

/// The same in a file that the kernel sends from; `None` where there is no such thing.
fn filling_file() -> Option<&'static File> {
    static FILE: OnceLock<Option<File>> = OnceLock::new();
    FILE.get_or_init(|| os::memory_file(filling()).ok()).as_ref()
}

impl Pace {
    fn new(bits_per_second: u64, wire: &dyn Wire) -> Self {
        let now = Instant::now();
        let by_kernel = wire.pace(bits_per_second.div_ceil(8));
        Self { bits_per_second, by_kernel, due: now, sleep: Box::pin(tokio::time::sleep_until(now.into())) }
    }

    /// Ready when more may be sent.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        if self.by_kernel || self.due <= now {
            self.due = self.due.max(now.checked_sub(BURST).unwrap_or(now));
            return Poll::Ready(());
        }
        self.sleep.as_mut().reset(self.due.into());
        self.sleep.as_mut().poll(cx)
    }

    fn sent(&mut self, n: usize) {
        let seconds = n as f64 * 8.0 / self.bits_per_second.max(1) as f64;
        self.due += Duration::from_secs_f64(seconds);
    }
}

impl<W: Wire, P: Source + Sink> Drive<W, P> {
    /// The session wants what comes next thrown away.
    pub(super) fn begin_to_swallow(&mut self, swallow: Swallow) {
        self.bulk.get_or_insert_default().swallow = Some(swallow);
    }

    /// Is what comes to be thrown away, also where nothing more is missing and only that has to be told?
    pub(super) fn swallows(&self) -> bool {
        self.stage == Stage::Open && self.bulk.as_ref().is_some_and(|bulk| bulk.swallow.is_some())
    }

    /// Takes off what is to be thrown away; gives the rest.
    pub(super) fn skip<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Some(swallow) = self.bulk.as_mut().and_then(|bulk| bulk.swallow.as_mut()) else { return bytes };
        let n = usize::try_from(swallow.bytes).unwrap_or(usize::MAX).min(bytes.len());
        swallow.bytes -= n as u64;
        self.party.bulk(Way::In, n as u64);
        &bytes[n..]
    }

    /// Reads what is to be thrown away.
    pub(super) fn swallow(&mut self, cx: &mut Context<'_>) -> Turn {
        for _ in 0..AT_ONCE {
            let Some(bulk) = &mut self.bulk else { return Turn::Wait };
            let Some(swallow) = bulk.swallow else { return Turn::Wait };
            if swallow.bytes == 0 {
                bulk.swallow = None;
                self.flags.offer_again = true;
                return self.call(|session, cx| session.resume(swallow.id, Outcome::Swallowed, cx));
            }
            match throw_away(swallow, &mut self.wire, &mut self.party, cx) {
                Poll::Pending => return Turn::Wait,
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => return self.broken(&error),
                Poll::Ready(Ok(0)) => return self.eof(),
                Poll::Ready(Ok(n)) => self.swallowed(n),
            }
        }
        cx.waker().wake_by_ref();
        Turn::Wait
    }

    fn swallowed(&mut self, n: usize) {
        self.traffic.bytes_in += n as u64;
        self.party.bulk(Way::In, n as u64);
        if self.terms.idle.is_some() || self.terms.silence.is_some() {
            let now = Instant::now();
            (self.last_in, self.last_any) = (now, now);
        }
        if let Some(swallow) = self.bulk.as_mut().and_then(|bulk| bulk.swallow.as_mut()) {
            swallow.bytes = swallow.bytes.saturating_sub(n as u64);
        }
    }

    /// Sends what stands first in the queue and means nothing.
    pub(super) fn generate(&mut self, mut left: Generate, cx: &mut Context<'_>) -> Turn {
        for _ in 0..AT_ONCE {
            let bulk = self.bulk.get_or_insert_default();
            match bulk.make_up(left, &mut self.wire, &mut self.party, cx) {
                Poll::Pending => return Turn::Wait,
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => return self.unwritten(&error),
                Poll::Ready(Ok(0)) => return self.unwritten(&io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(n)) => {
                    left.bytes -= n as u64;
                    if let Some(id) = self.generated(n) {
                        let link = self.wire.link();
                        return self.call(|session, cx| session.resume(id, Outcome::Generated(link), cx));
                    }
                }
            }
        }
        cx.waker().wake_by_ref();
        Turn::Wait
    }

    fn generated(&mut self, n: usize) -> Option<EffectId> {
        self.party.bulk(Way::Out, n as u64);
        if let Some(pace) = self.bulk.as_mut().and_then(|bulk| bulk.pace.as_mut()) {
            pace.sent(n);
        }
        let done = self.out.as_mut().and_then(|out| out.generated(n as u64));
        if done.is_some() && self.bulk.as_mut().and_then(|bulk| bulk.gathering.take()) == Some(true) {
            self.wire.gather(false);
        }
        self.sent(n);
        done
    }
}

/// Reads some of it, or has the kernel drop it. One of these is enough for all parties.
fn throw_away(swallow: Swallow, wire: &mut dyn Wire, sink: &mut dyn Sink, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
    let looks = sink.looks();
    pool::with_bulk(|room| {
        let most = usize::try_from(swallow.bytes).unwrap_or(usize::MAX).min(room.len());
        let room = &mut room[..most];
        if swallow.blind
            && !looks
            && let Some(dropped) = wire.poll_drop(cx, room)
        {
            return dropped.map_ok(|n| {
                sink.unseen(Way::In, n as u64);
                n
            });
        }
        let most = most.min(swallow.at_once);
        let mut buffer = ReadBuf::new(&mut room[..most]);
        Pin::new(wire).poll_read(cx, &mut buffer).map_ok(|()| {
            if looks {
                sink.wire(Way::In, buffer.filled());
            } else {
                sink.unseen(Way::In, buffer.filled().len() as u64);
            }
            buffer.filled().len()
        })
    })
}

impl Bulk {
    /// Sends some of it.
    fn make_up(
        &mut self,
        wish: Generate,
        wire: &mut dyn Wire,
        sink: &mut dyn Sink,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.gathering.is_none() {
            self.gathering = Some(wire.gather(true));
        }
        if let Some(rate) = wish.bits_per_second {
            if self.pace.as_ref().is_none_or(|pace| pace.bits_per_second != rate) {
                self.pace = Some(Pace::new(rate, wire));
            }
            if let Some(pace) = &mut self.pace {
                std::task::ready!(pace.poll(cx));
            }
        }
        let most = usize::try_from(wish.bytes).unwrap_or(usize::MAX).min(wish.block).min(FILLING);
        let looks = sink.looks();
        if wish.zero_copy
            && !looks
            && let Some(file) = filling_file()
            && let Some(sent) = wire.poll_send_memory(cx, file, most as u64)
        {
            return sent.map_ok(|n| {
                sink.unseen(Way::Out, n as u64);
                n
            });
        }
        let bytes = &filling()[..most];
        Pin::new(wire).poll_write(cx, bytes).map_ok(|n| {
            if looks {
                sink.wire(Way::Out, &bytes[..n]);
            } else {
                sink.unseen(Way::Out, n as u64);
            }
            n
        })
    }
}
