//! One socket of `bench --one-way`: numbers what it sends, many in one call where the system can, asks what came, and hears it.
//!
//! May use: `protocol`'s numbered datagrams, transport, `os`, `bench::one_way`.

use std::{
    io,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hdrhistogram::Histogram;

use super::{flow::Flow, gauge::Gauge};
use crate::{
    bench::one_way::{Counts, Failure, Socket},
    error::reason,
    os,
    protocol::perf::{Counted, Numbered, Series, View},
    transport::PacketClient,
};

/// Datagrams in one call at most, as in every kernel that can do it; and their bytes.
const MOST_JOINED: usize = 64;
const MOST_BYTES: usize = 65_000;
/// The longest way there and back at which two clocks are told to be one.
const NEAR_NS: u64 = 50_000_000;

pub(super) struct Line {
    socket: PacketClient,
    series: Series,
    session: u64,
    length: usize,
    sockets: usize,
    /// `None`: as many as go.
    most: Option<u64>,
    pub(super) sent: u64,
    /// So many were sent when the server was asked last.
    asked_at: u64,
    pub(super) flow: Flow,
    gauge: Arc<Gauge>,
    /// Datagrams in one call.
    batch: usize,
    joined: u64,
    parted: Option<String>,
    unreachable: u64,
    view: Option<View>,
    /// By the last answer: what was asked, when it left and when it came.
    pub(super) answered: Option<u64>,
    pub(super) heard_ns: u64,
    told_ns: u64,
    asked_ns: u64,
    one_clock: bool,
    /// What came is no answer of `perf`.
    strange: bool,
    last_ns: u64,
    pub(super) failure: Option<Failure>,
}

/// What has come of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Some(u64),
    /// The system takes no more now.
    Full,
    Failed,
}

pub(super) fn clock_ns() -> u64 {
    u64::try_from(os::steady_clock().as_nanos()).unwrap_or(u64::MAX)
}

/// What a line is to do.
pub(super) struct Task {
    pub(super) session: u64,
    pub(super) length: usize,
    pub(super) most: Option<u64>,
    pub(super) joins: bool,
    /// So many have such a task.
    pub(super) sockets: usize,
}

impl Line {
    pub(super) fn new(socket: PacketClient, task: &Task, gauge: Arc<Gauge>) -> Self {
        let joins = task.joins && socket.joins() && task.length > 0;
        let batch = if joins { (MOST_BYTES / task.length).clamp(1, MOST_JOINED) } else { 1 };
        Self {
            series: Series::new(task.session, task.length, batch),
            session: task.session,
            length: task.length,
            most: task.most,
            flow: Flow::new(task.length, task.sockets),
            sockets: task.sockets,
            gauge,
            batch,
            socket,
            sent: 0,
            asked_at: 0,
            joined: 0,
            parted: None,
            unreachable: 0,
            view: None,
            answered: None,
            heard_ns: 0,
            told_ns: 0,
            asked_ns: 0,
            one_clock: false,
            strange: false,
            last_ns: 0,
            failure: None,
        }
    }

    /// Counting begins anew: another session, which the server is told of by its first datagram.
    pub(super) fn anew(&mut self) {
        self.session = self.session.wrapping_add(1);
        self.series = Series::new(self.session, self.length, self.batch);
        self.flow = Flow::new(self.length, self.sockets);
        (self.sent, self.joined, self.view, self.answered) = (0, 0, None, None);
        self.gauge.view(None);
        self.gauge.sent(0, self.unreachable);
    }

    /// How many it still has to send.
    pub(super) fn left(&self) -> u64 {
        let left = self.most.map_or(u64::MAX, |most| most.saturating_sub(self.sent));
        if self.failure.is_some() { 0 } else { left }
    }

    pub(super) fn batch(&self) -> u64 {
        self.batch as u64
    }

    /// Sends up to `many`, in one call if it can.
    pub(super) fn send(&mut self, many: u64, gaps: &mut Histogram<u64>) -> Sent {
        let many = many.min(self.batch as u64).min(self.left()) as usize;
        if many == 0 {
            return Sent::Some(0);
        }
        let now = clock_ns();
        let bytes = self.series.number(self.sent, many, now);
        let result = twice(&mut self.unreachable, || match many {
            1 => self.socket.try_send(bytes).map(drop),
            _ => self.socket.try_send_joined(bytes, self.length as u16),
        });
        match result {
            Ok(()) => {}
            // No way there: they are lost.
            Err(error) if is_refusal(&error) => {}
            Err(error) if is_full(&error) => return Sent::Full,
            Err(error) if many > 1 && os::refuses_joined(&error) => return self.part(&error, gaps),
            Err(error) => return self.fail(&error),
        }
        if self.sent > 0 {
            gaps.saturating_record(now.saturating_sub(self.last_ns));
        }
        self.sent += many as u64;
        self.joined = self.joined.max(many as u64);
        self.last_ns = now;
        self.gauge.sent(self.sent, self.unreachable);
        Sent::Some(many as u64)
    }

    /// They can't leave joined: from now on one by one, beginning with those that did not leave.
    fn part(&mut self, error: &io::Error, gaps: &mut Histogram<u64>) -> Sent {
        self.parted = Some(reason(error));
        self.batch = 1;
        self.send(1, gaps)
    }

    fn fail(&mut self, error: &io::Error) -> Sent {
        let sentence = format!("could not send {} bytes: {}", self.length, reason(error));
        self.failed(sentence, None, false);
        Sent::Failed
    }

    pub(super) fn failed(&mut self, sentence: String, hint: Option<&'static str>, timed_out: bool) {
        self.failure.get_or_insert(Failure { sentence, hint, timed_out });
    }

    /// Asks what came; `last`: all was sent.
    pub(super) fn ask(&mut self, last: bool) {
        let now = clock_ns();
        let asks = Numbered { session: self.session, number: self.sent, sent_ns: now, last, ..Numbered::default() };
        let bytes = asks.asking(self.told_ns);
        // One that is lost, or has no room, is asked again.
        if twice(&mut self.unreachable, || self.socket.try_send(&bytes)).is_ok() {
            (self.asked_ns, self.asked_at) = (now, self.sent);
            self.flow.asked(self.sent);
        }
    }

    /// Hears all that has come; pending when there is no more.
    pub(super) fn poll_hear(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut room = [0; Numbered::LEAST_ASKING + 1];
        loop {
            match self.socket.poll_recv(cx, &mut room) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(length)) => self.hear(&room[..length]),
                Poll::Ready(Err(error)) if is_refusal(&error) => self.unreachable += 1,
                Poll::Ready(Err(error)) => {
                    self.failed(format!("could not receive: {}", reason(&error)), None, false);
                    return Poll::Ready(());
                }
            }
        }
    }

    /// Waits until the system takes more.
    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.socket.poll_send_ready(cx).map(drop)
    }

    fn hear(&mut self, datagram: &[u8]) {
        let told = match Counted::read(datagram) {
            Ok(told) => told,
            Err(why) => return self.strange |= why.name != "corrupt",
        };
        if told.session != self.session || self.answered.is_some_and(|before| told.number < before) {
            return;
        }
        let now = clock_ns();
        self.one_clock = (self.asked_ns..=now).contains(&told.told_ns) && now - self.asked_ns < NEAR_NS
            || self.one_clock && told.told_ns <= now;
        (self.answered, self.heard_ns, self.told_ns) = (Some(told.number), now, told.told_ns);
        let counts = Counts { sent: told.number, view: Some(told.view), unreachable: 0 };
        self.flow.answered(told.number, counts.lost().unwrap_or_default(), self.sent);
        self.view = Some(told.view);
        self.gauge.view(self.view);
    }

    /// Has all come that was sent?
    pub(super) fn is_complete(&self) -> bool {
        let counts = Counts { sent: self.sent, view: self.view, unreachable: 0 };
        self.answered == Some(self.sent) && counts.lost() == Some(0)
    }

    pub(super) fn is_refused(&self) -> bool {
        self.unreachable > 0
    }

    pub(super) fn is_strange(&self) -> bool {
        self.strange
    }

    /// It counts as heard when sending begins.
    pub(super) fn heard_now(&mut self) {
        self.heard_ns = clock_ns();
    }

    /// Was anything sent since the server was asked?
    pub(super) fn has_news(&self) -> bool {
        self.sent > self.asked_at
    }

    pub(super) fn silent_for(&self, time: Duration) -> bool {
        u128::from(clock_ns().saturating_sub(self.heard_ns)) >= time.as_nanos()
    }

    /// What has come of it.
    pub(super) fn result(self) -> Socket {
        Socket {
            counts: Counts { sent: self.sent, view: self.view, unreachable: self.unreachable },
            one_clock: self.one_clock,
            joined: self.joined,
            parted: self.parted,
            failure: self.failure,
        }
    }
}

/// The error of an earlier datagram is given in place of sending this one.
fn twice<T>(unreachable: &mut u64, mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut sent = call();
    for _ in 0..2 {
        match &sent {
            Err(error) if is_refusal(error) => *unreachable += 1,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => return sent,
        }
        sent = call();
    }
    sent
}

fn is_refusal(error: &io::Error) -> bool {
    use io::ErrorKind as E;
    matches!(error.kind(), E::ConnectionRefused | E::ConnectionReset | E::HostUnreachable | E::NetworkUnreachable)
}

/// It has no room now. `ENOBUFS` says so of the network's queue.
fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || os::has_no_buffers(error)
}
