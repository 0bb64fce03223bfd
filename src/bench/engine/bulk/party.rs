//! The load generator's part in one stream: says what is wanted once, counts what crosses, and knows when it is over.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::time::Sleep;

use super::gauge::Gauge;
use crate::{
    bench::bulk::Failure,
    protocol::perf::View,
    role::{Quit, Said, Sink, Source, Way, stop::Waiter},
    session::{Closed, Event, Verdict},
};

pub(super) struct Party {
    gauge: Arc<Gauge>,
    words: Option<Bytes>,
    ways: Vec<Way>,
    stop: Waiter,
    /// Nobody announces an end: it is ours to see to.
    own_time: Option<OwnTime>,
    /// Ways that have not ended.
    left: Vec<Way>,
    done: bool,
}

/// Times to keep where the peer knows of none.
struct OwnTime {
    omit: Option<Duration>,
    time: Option<Duration>,
    sleep: Pin<Box<Sleep>>,
}

/// What a stream is to do.
pub(super) struct Task {
    pub(super) words: Bytes,
    pub(super) ways: Vec<Way>,
    pub(super) omit: Duration,
    pub(super) time: Option<Duration>,
    /// The peer is told nothing.
    pub(super) plain: bool,
}

impl Party {
    pub(super) fn new(gauge: Arc<Gauge>, task: Task, stop: Waiter) -> Self {
        let Task { words, ways, omit, time, plain } = task;
        let omit = Some(omit).filter(|omit| !omit.is_zero());
        let own_time = plain.then(|| {
            let first = omit.or(time).unwrap_or(Duration::MAX);
            OwnTime { omit, time, sleep: Box::pin(tokio::time::sleep(first)) }
        });
        Self { gauge, words: Some(words), left: ways.clone(), ways, stop, own_time, done: false }
    }

    /// Has all happened that was wanted?
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    fn phase(&mut self, name: &str, now: Instant) {
        match name {
            "ready" => self.ways.iter().for_each(|way| self.gauge.begin(*way, now)),
            "sending_anew" => self.gauge.begin(Way::Out, now),
            "receiving_anew" => self.gauge.begin(Way::In, now),
            "sent" => self.ended(Way::Out, now),
            "received" => self.ended(Way::In, now),
            _ => {}
        }
    }

    fn ended(&mut self, way: Way, now: Instant) {
        self.gauge.end(way, now);
        self.left.retain(|left| *left != way);
        self.done |= self.left.is_empty() && self.own_time.is_some();
    }

    /// Is the time over that nobody else looks at?
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(own) = &mut self.own_time else { return Poll::Pending };
        std::task::ready!(own.sleep.as_mut().poll(cx));
        let now = Instant::now();
        if own.omit.take().is_some() {
            self.ways.iter().for_each(|way| self.gauge.begin(*way, now));
            let next = now + own.time.unwrap_or(Duration::from_secs(86_400 * 365));
            own.sleep.as_mut().reset(next.into());
            return own.sleep.as_mut().poll(cx);
        }
        for way in &self.ways {
            self.gauge.end(*way, now);
        }
        self.done = true;
        Poll::Ready(())
    }
}

impl Source for Party {
    fn poll_say(&mut self, _: &mut Context<'_>) -> Poll<Said> {
        match self.words.take() {
            Some(words) => Poll::Ready(Said::Message(0, words)),
            None => Poll::Pending,
        }
    }

    fn poll_quit(&mut self, cx: &mut Context<'_>) -> Poll<Quit> {
        if self.stop.poll(cx).is_ready() {
            return Poll::Ready(Quit::Now(Closed::Stopped));
        }
        if self.gauge.is_stalled() {
            return Poll::Ready(Quit::Now(Closed::TimedOut("nothing moved")));
        }
        if self.done {
            return Poll::Ready(Quit::Finish);
        }
        // What is on its way is of no use any more, and nobody waits for its end.
        self.poll_time(cx).map(|()| Quit::Now(Closed::ByUs))
    }
}

impl Sink for Party {
    fn event(&mut self, event: Event, now: Instant) {
        match event {
            Event::Phase { name, .. } => self.phase(name, now),
            Event::Record(record) => self.gauge.view(View::from_fields(&record.fields)),
            Event::Answered { verdict, .. } => {
                self.done = true;
                // That the views differ is seen in them.
                if let Verdict::Wrong(mismatch) = verdict
                    && let Some(why) = mismatch.why
                {
                    self.gauge.fail(Failure { sentence: why.sentence, hint: why.hint, timed_out: false });
                }
            }
            Event::Refused { why, .. } => {
                self.gauge.fail(Failure { sentence: why.sentence, hint: why.hint, timed_out: false });
                self.done = true;
            }
            _ => {}
        }
    }

    fn bulk(&mut self, way: Way, bytes: u64) {
        self.gauge.moved(way, bytes);
    }
}
