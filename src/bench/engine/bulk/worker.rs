//! One worker of bulk: a thread with a runtime of its own, and its share of the streams.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{
    runtime::{Builder, LocalOptions},
    task::JoinSet,
    time::MissedTickBehavior,
};

use super::{
    super::{crew::Gate, job::Peer},
    gauge::{Gauge, Glance},
    party::{Party, Task},
};
use crate::{
    bench::bulk::{BulkPlan, Failure},
    error::{Trouble, reason},
    os,
    protocol::{
        Protocol, Setup,
        perf::{Plain, Want},
    },
    role::{
        Talks, Terms, Way,
        drive::Drive,
        stop::{Phase, Stop},
    },
    session::{Closed, Session},
    transport::{self, Detached, Stream},
};

/// Everything about a run that all streams share.
pub(super) struct Shared {
    pub(super) peer: Peer,
    pub(super) protocol: &'static Protocol,
    pub(super) setup: Setup,
    pub(super) plan: BulkPlan,
    /// The server tells nothing, and is told nothing.
    pub(super) plain: bool,
    pub(super) omit: Duration,
    pub(super) session: u64,
    pub(super) timeout: Duration,
    /// How often the connections are looked at.
    pub(super) tick: Duration,
    pub(super) threads: usize,
    pub(super) stop: Stop,
    pub(super) first: Mutex<Option<Detached>>,
    pub(super) gauges: Vec<Arc<Gauge>>,
    pub(super) trouble: Mutex<Option<Trouble>>,
}

/// CPU time that a worker used, and the time that it had.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    pub(super) cpu: Duration,
    pub(super) wall: Duration,
}

impl Shared {
    fn give_up(&self, trouble: Trouble) {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(trouble);
        self.stop.advance(Phase::Now);
    }

    fn task(&self, stream: usize) -> Task {
        let (bytes, rate) = self.plan.share(stream, self.gauges.len());
        let BulkPlan { up, down, time, block, zero_copy, skip_copy, .. } = self.plan;
        let (session, omit) = (self.session, self.omit);
        let want = Want { session, bytes, time, omit, block, rate, zero_copy, skip_copy, ..Want::new(up, down) };
        let ways = [(up, Way::Out), (down, Way::In)].into_iter().filter_map(|(wanted, way)| wanted.then_some(way));
        let words = Bytes::from(want.to_string());
        Task { words, ways: ways.collect(), omit, time, plain: self.plain }
    }

    async fn connect(&self) -> Result<Stream, Trouble> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Peer { address, scheme, dial } = &self.peer;
        let stream = match first {
            Some(first) => first.attach(),
            None => transport::connect_to(address, *scheme, dial).await,
        };
        stream.map_err(|error| {
            Trouble::failed(format!("could not connect to {address}: {}", reason(&error)))
                .hint("fewer streams (-c) may do, or a server that takes more")
        })
    }
}

/// Starts worker `index`.
pub(super) fn spawn(shared: Arc<Shared>, index: usize, gate: Gate<Used>) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(format!("bulk {index}")).spawn(move || {
        match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
            Ok(runtime) => runtime.block_on(run(shared, index, gate)),
            Err(error) => shared.give_up(Trouble::failed(format!("could not start a worker: {}", reason(&error)))),
        }
    })
}

async fn run(shared: Arc<Shared>, index: usize, gate: Gate<Used>) {
    let mut streams = JoinSet::new();
    for number in (index..shared.gauges.len()).step_by(shared.threads) {
        streams.spawn_local(stream(shared.clone(), number, gate.clone()));
    }
    let (mut start, used) = (gate.start, gate.done);
    drop(gate.ready);
    tokio::select! {
        _ = start.wait_for(|open| *open) => {}
        () = shared.stop.reached(Phase::Finish) => {}
    }
    let (cpu, from) = (os::thread_cpu_time(), Instant::now());
    while streams.join_next().await.is_some() {}
    let _ = used.send(Used { cpu: os::thread_cpu_time().saturating_sub(cpu), wall: from.elapsed() });
}

/// One stream, from its connection to its end.
async fn stream(shared: Arc<Shared>, number: usize, gate: Gate<Used>) {
    let gauge = shared.gauges[number].clone();
    let stream = match shared.connect().await {
        Ok(stream) => stream,
        Err(trouble) => return shared.give_up(trouble),
    };
    let _ = gate.ready.send(());
    let mut start = gate.start.clone();
    // The last of these is gone when all streams have begun.
    drop(gate);
    tokio::select! {
        _ = start.wait_for(|open| *open) => {}
        () = shared.stop.reached(Phase::Finish) => return,
    }
    converse(&shared, stream, shared.task(number), &gauge).await;
}

async fn converse(shared: &Shared, stream: Stream, task: Task, gauge: &Arc<Gauge>) {
    let mut facts = shared.peer.facts(stream.local());
    facts.watch.records = true;
    let session: Box<dyn Session> =
        if shared.plain { Box::new(Plain::default()) } else { (shared.protocol.client)(&shared.setup) };
    let mut party = Party::new(gauge.clone(), task, shared.stop.waiter());
    let talks: &mut dyn Talks = &mut party;
    let mut drive = Drive::new(stream, session, talks, facts, Terms::client());
    let mut ticks = tokio::time::interval(shared.tick);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut glance = Glance::first(Instant::now(), shared.timeout);
    let how = std::future::poll_fn(|cx| {
        while ticks.poll_tick(cx).is_ready() {
            gauge.look(drive.wire().tcp_info(), &mut glance, Instant::now());
        }
        Pin::new(&mut drive).poll(cx)
    })
    .await;
    gauge.look(drive.wire().tcp_info(), &mut glance, Instant::now());
    drop(drive);
    if let Some(failure) = failure(&how, party.is_done(), shared) {
        gauge.fail(failure);
    }
}

const LONGER: &str = "-w sets how long to wait, as in -w 30s";
const PERF_OR_LONGER: &str = "does it speak perf? -P discard measures what only takes; -w waits longer";
const NO_PERF: &str = "`serve-tcp PORT -P perf` does; -P discard measures what only takes";

/// Why it did not end as it should, if so.
fn failure(how: &Closed, done: bool, shared: &Shared) -> Option<Failure> {
    let fail = |sentence: String, hint, timed_out| Some(Failure { sentence, hint, timed_out });
    match how {
        Closed::ByUs | Closed::Stopped => None,
        Closed::ByPeer | Closed::Reset | Closed::Failed(_) if done => None,
        Closed::Violated(violation) if violation.name == "cut_short" => {
            fail("the server closed in the middle".into(), None, false)
        }
        Closed::ByPeer => fail("the server closed in the middle".into(), None, false),
        Closed::Reset => fail("the server reset the connection in the middle".into(), None, false),
        Closed::TimedOut(_) => {
            let sentence = format!("nothing moved for {}", crate::bench::shown::span(shared.timeout));
            fail(sentence, Some(if shared.plain { LONGER } else { PERF_OR_LONGER }), true)
        }
        Closed::Violated(violation) if violation.name == "not_perf" => {
            fail(violation.sentence.clone(), Some(NO_PERF), false)
        }
        Closed::Violated(violation) => fail(violation.sentence.clone(), violation.hint, false),
        Closed::Failed(why) => fail(why.clone(), None, false),
    }
}
