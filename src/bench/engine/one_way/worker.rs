//! One worker of `bench --one-way`: a thread with a runtime of its own, and its share of the sockets.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use tokio::runtime::{Builder, LocalOptions};

use super::{
    super::{crew::Gate, job::Peer},
    gauge::Gauge,
    line::{Line, Task},
    pour::Pour,
};
use crate::{
    bench::{
        one_way::{OneWayPlan, Socket},
        shown,
    },
    error::{Exit, Trouble, reason},
    os,
    role::stop::{Phase, Stop},
    transport,
};

/// Everything about a run that all sockets share.
pub(super) struct Shared {
    pub(super) peer: Peer,
    pub(super) plan: OneWayPlan,
    /// The server tells nothing, and is asked nothing.
    pub(super) plain: bool,
    pub(super) omit: Duration,
    pub(super) session: u64,
    pub(super) timeout: Duration,
    pub(super) threads: usize,
    pub(super) stop: Stop,
    pub(super) gauges: Vec<Arc<Gauge>>,
    pub(super) trouble: Mutex<Option<Trouble>>,
}

/// What a worker has done.
pub(super) struct Done {
    pub(super) sockets: Vec<Socket>,
    pub(super) gaps: Histogram<u64>,
    /// CPU time that it used, in percent of a core.
    pub(super) cpu_percent: f64,
    /// How long it sent.
    pub(super) lasted: Duration,
}

/// How often those that have not answered are asked again.
const AGAIN: Duration = Duration::from_millis(50);
const NO_PERF: &str = "`serve-udp PORT -P perf` tells what came; -P discard measures without being told";

impl Shared {
    pub(super) fn give_up(&self, trouble: Trouble) {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(trouble);
        self.stop.advance(Phase::Now);
    }

    async fn line(&self, number: usize) -> Result<Line, Trouble> {
        let Peer { address, scheme, dial } = &self.peer;
        let socket = transport::packets_to(address, *scheme, dial).await?;
        let OneWayPlan { length, joins, .. } = self.plan;
        let sockets = self.gauges.len();
        let task = Task { session: self.session, length, most: self.plan.share(number, sockets), joins, sockets };
        Ok(Line::new(socket, &task, self.gauges[number].clone()))
    }

    /// What to say of a server that does not answer.
    fn unanswered(&self, lines: &[Line]) -> Trouble {
        let address = &self.peer.address;
        if lines.iter().any(Line::is_strange) {
            return Trouble::failed(format!("{address} answers, and does not speak perf")).hint(NO_PERF);
        }
        if lines.iter().any(Line::is_refused) {
            return Trouble::failed(format!("could not reach {} {address}: nothing listens there", self.peer.scheme))
                .hint(NO_PERF);
        }
        let sentence = format!("{address} did not answer within {}", shown::span(self.timeout));
        Trouble::new(Exit::TimedOut, sentence).hint(NO_PERF)
    }
}

/// Starts worker `index`.
pub(super) fn spawn(shared: Arc<Shared>, index: usize, gate: Gate<Done>) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(format!("one way {index}")).spawn(move || {
        match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
            Ok(runtime) => {
                if let Err(trouble) = runtime.block_on(run(&shared, index, gate)) {
                    shared.give_up(trouble);
                }
            }
            Err(error) => shared.give_up(Trouble::failed(format!("could not start a worker: {}", reason(&error)))),
        }
    })
}

async fn run(shared: &Shared, index: usize, gate: Gate<Done>) -> Result<(), Trouble> {
    let mut lines = Vec::new();
    for number in (index..shared.gauges.len()).step_by(shared.threads) {
        lines.push(shared.line(number).await?);
    }
    let mut pour = Pour::new(shared, index, lines)?;
    if !shared.plain {
        greet(&mut pour).await?;
    }
    let _ = gate.ready.send(());
    let (mut start, done) = (gate.start, gate.done);
    drop(gate.ready);
    tokio::select! {
        _ = start.wait_for(|open| *open) => {}
        () = shared.stop.reached(Phase::Finish) => {}
    }
    if !shared.omit.is_zero() {
        pour.run(Some(shared.omit)).await;
        pour.anew();
    }
    let (cpu, from) = (os::thread_cpu_time(), Instant::now());
    pour.run(shared.plan.time).await;
    let (cpu, lasted) = (os::thread_cpu_time().saturating_sub(cpu), from.elapsed());
    if !shared.plain {
        settle(&mut pour).await;
    }
    for line in pour.lines.iter_mut().filter(|line| shared.plain && line.is_refused()) {
        line.failed("nothing listens there, the system told".into(), None, false);
    }
    let cpu_percent = 100.0 * cpu.as_secs_f64() / lasted.as_secs_f64().max(1e-9);
    let (lines, gaps) = pour.into_parts();
    let _ = done.send(Done { sockets: lines.into_iter().map(Line::result).collect(), gaps, cpu_percent, lasted });
    Ok(())
}

/// Asks all sockets' server whether it is there, until all have its answer.
async fn greet(pour: &mut Pour<'_>) -> Result<(), Trouble> {
    let until = Instant::now() + pour.shared.timeout;
    while !pour.all_answered() {
        if Instant::now() >= until || pour.lines.iter().any(|line| line.is_refused() || line.is_strange()) {
            return Err(pour.shared.unanswered(&pour.lines));
        }
        pour.room().await;
        for line in pour.lines.iter_mut().filter(|line| line.answered.is_none()) {
            line.ask(false);
        }
        if !pour.hear(Instant::now() + AGAIN, Pour::all_answered).await {
            break;
        }
    }
    // What it told is given back, which shows it that we hear it.
    pour.lines.iter_mut().for_each(|line| line.ask(false));
    Ok(())
}

/// Asks for the last count, until all has come that was sent, or the time-out is over.
async fn settle(pour: &mut Pour<'_>) {
    let until = Instant::now() + pour.shared.timeout;
    let told = |pour: &Pour<'_>| pour.lines.iter().all(|line| line.failure.is_some() || line.is_complete());
    while Instant::now() < until && !told(pour) {
        for line in pour.lines.iter_mut().filter(|line| !line.is_complete()) {
            line.ask(true);
        }
        if !pour.hear((Instant::now() + AGAIN).min(until), told).await {
            break;
        }
    }
    for line in &mut pour.lines {
        if line.answered != Some(line.sent) {
            line.failed(
                "the server did not tell what it counted".into(),
                Some("-w sets how long to wait, as in -w 5s"),
                true,
            );
        }
    }
}
