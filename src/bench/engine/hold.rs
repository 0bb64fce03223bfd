//! `--hold`: opens connections and keeps them, saying nothing; what that takes, and which did not last.
//!
//! A held connection is a socket in a list and nothing else: no task, no buffer, no timer. A look at each now and then finds those
//! that have ended.

use std::{
    cell::{Cell, RefCell},
    io,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use super::{
    connection::{self, Gate, Unmade, Wire},
    work::Work,
};
use crate::{bench::failure::Failure, error::reason, os, role::stop::Phase, transport::Stream};

/// Connections that one worker opens at the same time.
const AT_ONCE: usize = 64;
/// How often each is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Resident memory of this process, once the first connection is open.
#[derive(Debug, Default)]
pub(super) struct Memory {
    before: AtomicU64,
    held: AtomicU64,
    open: AtomicU64,
}

impl Memory {
    /// The first connection is open: told by every worker, and the first one counts, so that what others take is not forgotten.
    /// Code that one connection needs, many need not.
    fn begins(&self) {
        if self.before.load(Ordering::Relaxed) > 0 {
            return;
        }
        let now = os::rss_bytes().unwrap_or(0);
        let _ = self.before.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// A worker's connections are open, so many.
    fn with(&self, open: u64) {
        self.open.fetch_add(open, Ordering::Relaxed);
        self.held.fetch_max(os::rss_bytes().unwrap_or(0), Ordering::Relaxed);
    }

    /// How much all the connections take, if the system tells; and how many were opened.
    pub(super) fn taken(&self) -> (Option<u64>, u64) {
        let [before, held, open] = [&self.before, &self.held, &self.open].map(|figure| figure.load(Ordering::Relaxed));
        ((before > 0).then(|| held.saturating_sub(before)), open)
    }
}

/// The connections of one worker.
pub(super) struct Held {
    streams: RefCell<Vec<Stream>>,
    /// Those who still open some.
    opening: Cell<usize>,
}

impl Held {
    /// For so many; and how many open them at the same time.
    pub(super) fn new(connections: usize) -> (Rc<Self>, usize) {
        let openers = AT_ONCE.min(connections);
        (Rc::new(Self { streams: RefCell::new(Vec::with_capacity(connections)), opening: Cell::new(openers) }), openers)
    }
}

/// Opens what `numbers` say, then ends; the last one to be done keeps the connections of all.
pub(super) async fn run(work: Rc<Work>, held: Rc<Held>, numbers: impl Iterator<Item = usize>, gate: Gate) {
    for number in numbers {
        if connection::turn(&work).await.is_some() {
            open(&work, &held, number).await;
        }
        let _ = gate.ready.send(());
    }
    held.opening.set(held.opening.get() - 1);
    if held.opening.get() == 0 {
        Box::pin(keep(&work, &held, gate)).await;
    }
}

async fn open(work: &Work, held: &Held, number: usize) {
    let wire = match connection::first(work, number) {
        Some(wire) => Ok(wire),
        None => connection::connect(work, number, true).await,
    };
    match wire {
        Ok(Wire::Stream(stream)) => {
            held.streams.borrow_mut().push(stream);
            if let Some(memory) = &work.job.hold {
                memory.begins();
            }
        }
        Ok(Wire::Packets(_)) | Err(Unmade::Over) => {}
        Err(Unmade::Failed(kind, example)) => work.count(true, |tally| {
            tally.failed_as(kind, example);
            tally.counters.unsent += 1;
        }),
    }
}

/// Keeps them until the run is over. Each that lasts is one success.
async fn keep(work: &Work, held: &Held, gate: Gate) {
    let job = &work.job;
    if let Some(memory) = &job.hold {
        memory.with(held.streams.borrow().len() as u64);
    }
    let Some(start) = connection::started(job, gate.start).await else { return };
    work.begin(start);
    work.usage.begin(start);
    let end = work.stops_at().unwrap_or(start);
    loop {
        let next = Instant::now() + LOOK;
        tokio::select! {
            () = tokio::time::sleep_until(next.min(end).into()) => {}
            () = job.stop.reached(Phase::Finish) => {}
        }
        held.streams.borrow_mut().retain(|stream| lasts(work, stream));
        if Instant::now() >= end || job.stop.phase() != Phase::Running {
            break;
        }
    }
    for _ in 0..held.streams.borrow().len() {
        work.count(true, crate::bench::stats::Tally::right_unanswered);
    }
    work.heard_at(Instant::now());
}

/// Has it not ended? What comes is thrown away: a greeting, for one.
fn lasts(work: &Work, stream: &Stream) -> bool {
    let mut thrown_away = [0; 4096];
    loop {
        let (kind, example) = match stream.try_read(&mut thrown_away) {
            Ok(0) => (Failure::ClosedEarly, None),
            Ok(bytes) => {
                work.count(true, |tally| tally.counters.bytes_received += bytes as u64);
                continue;
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => return true,
                io::ErrorKind::ConnectionReset => (Failure::Reset, None),
                _ => (Failure::Broken, Some(reason(&error))),
            },
        };
        work.count(true, |tally| tally.failed_as(kind, example));
        return false;
    }
}
