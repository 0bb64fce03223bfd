//! What one stream shows of itself while it runs, to be read from another thread.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use crate::{
    bench::bulk::{Count, Failure, Figures, Flow, Stream},
    os::TcpInfo,
    protocol::perf::View,
    role::Way,
};

#[derive(Debug, Default)]
pub(super) struct Gauge {
    /// Bytes that crossed our end since the beginning.
    sent: AtomicU64,
    received: AtomicU64,
    /// Nothing has moved for too long.
    stalled: AtomicBool,
    told: Mutex<Told>,
}

/// What changes seldom.
#[derive(Debug, Default)]
pub(super) struct Told {
    up: Span,
    down: Span,
    info: Option<TcpInfo>,
    /// Segments sent again before counting began.
    retransmits_before: u32,
    /// Round trips as they were seen, to take the mean of.
    rtts: Duration,
    seen: u32,
    view: Option<View>,
    failure: Option<Failure>,
    /// When bytes were last seen to move.
    moved: Option<Instant>,
}

/// What was seen at the last look.
#[derive(Debug)]
pub(super) struct Glance {
    so_far: (u64, u64),
    acked: Option<u64>,
    last: Instant,
    /// How long nothing may move.
    patience: Duration,
}

impl Glance {
    pub(super) fn first(now: Instant, patience: Duration) -> Self {
        Self { so_far: (0, 0), acked: None, last: now, patience }
    }
}

/// From when, and from which count on, one way is counted; and until when.
#[derive(Debug, Default, Clone, Copy)]
struct Span {
    from: Option<(Instant, u64)>,
    to: Option<(Instant, u64)>,
}

impl Gauge {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn way(&self, way: Way) -> &AtomicU64 {
        match way {
            Way::In => &self.received,
            Way::Out => &self.sent,
        }
    }

    pub(super) fn moved(&self, way: Way, bytes: u64) {
        self.way(way).fetch_add(bytes, Relaxed);
    }

    /// Bytes sent and received so far.
    pub(super) fn so_far(&self) -> (u64, u64) {
        (self.sent.load(Relaxed), self.received.load(Relaxed))
    }

    /// Counting begins here.
    pub(super) fn begin(&self, way: Way, now: Instant) {
        let mut told = self.told();
        told.retransmits_before = told.info.map_or(0, |info| info.retransmits);
        (told.rtts, told.seen) = (Duration::ZERO, 0);
        told.span(way).from = Some((now, self.way(way).load(Relaxed)));
    }

    /// And ends here.
    pub(super) fn end(&self, way: Way, now: Instant) {
        let bytes = self.way(way).load(Relaxed);
        self.told().span(way).to.get_or_insert((now, bytes));
    }

    /// Looks at the connection, and at whether anything moves.
    pub(super) fn look(&self, info: Option<TcpInfo>, glance: &mut Glance, now: Instant) {
        let so_far = self.so_far();
        let moves = so_far != glance.so_far;
        // What our system holds still goes its way.
        let acked = info.and_then(|info| info.bytes_acked);
        if moves || acked != glance.acked {
            glance.last = now;
        }
        if moves {
            let mut told = self.told();
            told.moved = Some(now);
            if let Some(info) = info {
                told.info = Some(info);
                told.rtts += info.rtt;
                told.seen += 1;
            }
        }
        (glance.so_far, glance.acked) = (so_far, acked);
        if now.saturating_duration_since(glance.last) > glance.patience {
            self.stalled.store(true, Relaxed);
        }
    }

    pub(super) fn is_stalled(&self) -> bool {
        self.stalled.load(Relaxed)
    }

    pub(super) fn view(&self, view: View) {
        self.told().view = Some(view);
    }

    pub(super) fn fail(&self, failure: Failure) {
        self.told().failure.get_or_insert(failure);
    }

    pub(super) fn last_info(&self) -> Option<TcpInfo> {
        self.told().info
    }

    /// When the last bytes moved that were seen to.
    pub(super) fn last_moved(&self) -> Option<Instant> {
        self.told().moved
    }

    /// What has come of it. What was still going on ends `now`.
    pub(super) fn result(&self, (up, down): (bool, bool), now: Instant) -> Stream {
        for (way, wanted) in [(Way::Out, up), (Way::In, down)] {
            if wanted {
                self.end(way, now);
            }
        }
        let told = self.told();
        let theirs = |bytes: fn(&View) -> u64, took: fn(&View) -> Duration| {
            told.view.map(|view| Count { bytes: bytes(&view), took: took(&view) })
        };
        let received = theirs(|view| view.received_bytes, View::received_in);
        let sent = theirs(|view| view.sent_bytes, View::sent_in);
        Stream {
            up: up.then(|| Flow { sent: told.up.count(), received }),
            down: down.then(|| Flow { sent, received: told.down.count() }),
            figures: told.figures(up),
            theirs: told.view,
            failure: told.failure.clone(),
        }
    }
}

impl Told {
    fn span(&mut self, way: Way) -> &mut Span {
        match way {
            Way::In => &mut self.down,
            Way::Out => &mut self.up,
        }
    }

    fn figures(&self, up: bool) -> Option<Figures> {
        let info = self.info?;
        let ours = Figures::ours(&info, up);
        if up {
            let rtt = Some(self.rtts.checked_div(self.seen).unwrap_or(info.rtt));
            let retransmits = Some(info.retransmits.saturating_sub(self.retransmits_before).into());
            return Some(Figures { retransmits, rtt, ..ours });
        }
        Some(self.view.map_or(ours, |view| Figures::theirs(&view, ours.window_bytes)))
    }
}

impl Span {
    fn count(&self) -> Option<Count> {
        let ((from, before), (to, bytes)) = (self.from?, self.to?);
        Some(Count { bytes: bytes.saturating_sub(before), took: to.saturating_duration_since(from) })
    }
}
