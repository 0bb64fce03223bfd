//! The engine of `bench --one-way`: sockets that send numbered datagrams, which the server counts.
//!
//! As the other engines it has one thread that starts the workers, looks and writes. Each worker sends from its sockets by
//! itself: what it says are the numbered datagrams of `protocol`'s `perf`, and nothing is between them and the system but a call for
//! many. Plan, files, limits and progress are shared.
//!
//! May use: the rest of bench, role, protocol, transport, `os`, tokio.

mod flow;
mod gauge;
mod line;
mod looks;
mod pace;
mod pour;
mod worker;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use self::{
    looks::Looks,
    worker::{Done, Shared},
};
use super::{
    crew::{self, Crew},
    target::Found,
};
use crate::{
    bench::{
        BenchPlan,
        limit::Missed,
        measured::About,
        one_way::{Interval, OneWayPlan, Results, Socket},
        report::{self, Files, one_way as shown},
        stats,
    },
    error::{Exit, Trouble},
    os,
    protocol::{Answers, perf::DATAGRAM_HEAD},
    role::stop::{Phase, Stop},
};

/// How long an answer may take, unless told otherwise.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Runs what is asked against the server that was found.
pub(super) async fn run(
    plan: &BenchPlan,
    asked: &OneWayPlan,
    found: &Found,
    mut files: Files,
    stop: &Stop,
) -> Result<Exit, Trouble> {
    let untold = is_plain(found, asked)?;
    for limit in &plan.limits {
        limit
            .applies_to_one_way(!untold)
            .map_err(|why| Trouble::usage(format!("--fail-if {} can't be judged: {why}", limit.text)))?;
    }
    files.begin_one_way()?;
    let results = one(plan, asked, found, untold, &mut files, stop).await?;
    conclude(plan, files, &results)
}

/// Does this server tell nothing of what it takes?
fn is_plain(found: &Found, asked: &OneWayPlan) -> Result<bool, Trouble> {
    let row = found.protocol;
    if row.answers.stream == Answers::Measured {
        if asked.length < DATAGRAM_HEAD {
            let sentence = format!("--length {} is too short: what is counted has {DATAGRAM_HEAD} bytes", asked.length);
            return Err(Trouble::usage(sentence).hint("-l 40 is the least, or -P discard, which counts nothing"));
        }
        return Ok(false);
    }
    match row.answers.datagrams {
        Answers::Never | Answers::Unknown => Ok(true),
        _ => Err(Trouble::usage(format!("{} answers each datagram: --one-way has no use for it", row.name))
            .hint("perf counts and tells: leave -P out; discard only takes")),
    }
}

/// Writes the report; what it comes to is the exit code.
fn conclude(plan: &BenchPlan, files: Files, results: &Results) -> Result<Exit, Trouble> {
    let sockets = results.sockets.len() as u64;
    // Where nothing has come, none was of use.
    let failed = if results.counts().received() == Some(0) { sockets } else { results.failed() };
    let missed: Vec<Missed> = plan.limits.iter().filter_map(|limit| limit.judge_one_way(results)).collect();
    let document = shown::json::result(results, &missed, plan.report.json_stream);
    report::measured(&plan.report, files, &document, || shown::report(results, &missed, plan.report.verbose > 0))?;
    Ok(crew::exit(results.interrupted, failed, sockets, &missed))
}

fn shared(plan: &BenchPlan, asked: &OneWayPlan, found: &Found, untold: bool, stop: &Stop) -> Shared {
    let sockets = plan.connections.max(1);
    // A server on this machine needs a core as well.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cores = if found.peer.address.is_local() { (cores - 1).max(1) } else { cores };
    Shared {
        peer: found.peer.clone(),
        plan: asked.clone(),
        plain: untold,
        omit: plan.omit,
        session: fastrand::u64(..),
        timeout: plan.timeout.unwrap_or(TIMEOUT),
        threads: plan.threads.unwrap_or(cores).clamp(1, sockets),
        stop: stop.clone(),
        gauges: (0..sockets).map(|_| Arc::default()).collect(),
        trouble: Mutex::default(),
    }
}

/// One run.
async fn one(
    plan: &BenchPlan,
    asked: &OneWayPlan,
    found: &Found,
    untold: bool,
    files: &mut Files,
    stop: &Stop,
) -> Result<Results, Trouble> {
    let shared = Arc::new(shared(plan, asked, found, untold, stop));
    let mut crew = Crew::start(shared.threads, stop, |index, gate| worker::spawn(shared.clone(), index, gate))?;
    crew.make_ready(shared.threads, stop).await;
    let started_at = SystemTime::now();
    crew.begin();
    let from = Instant::now() + plan.omit;
    let mut looks = Looks::begin(&plan.report, files, &shared, (from, found.protocol.name));
    let (done, looked) = crew.all_done(async || looks.next().await).await;
    let lasted = done.iter().map(|one| one.lasted).max().unwrap_or_default();
    let course = looked.and(looks.end(lasted));
    let interrupted = stop.phase() != Phase::Running;
    let begun = Instant::now() >= from;
    let course = crew.end(course, stop, &shared.trouble)?;
    if interrupted && !begun {
        return Err(Trouble::new(Exit::Interrupted, "interrupted in the warm-up: nothing was measured"));
    }
    Ok(results((plan, asked), &shared, (started_at, lasted, interrupted), (done, course), found))
}

fn results(
    (plan, asked): (&BenchPlan, &OneWayPlan),
    shared: &Shared,
    (started_at, duration, interrupted): (SystemTime, Duration, bool),
    (done, course): (Vec<Done>, Vec<Interval>),
    found: &Found,
) -> Results {
    let mut gaps = stats::histogram();
    let mut sockets: Vec<Socket> = Vec::new();
    let mut cpu_percent = 0.0;
    for one in done {
        stats::add(&mut gaps, &one.gaps);
        cpu_percent += one.cpu_percent;
        sockets.extend(one.sockets);
    }
    let theirs = sockets.iter().filter_map(|socket| socket.counts.view?.cpu_percent()).reduce(f64::max);
    Results {
        plan: asked.clone(),
        about: About {
            transport: shared.peer.scheme.name(),
            target: shared.peer.address.to_string(),
            protocol: found.protocol.name,
            two_views: !shared.plain,
            threads: shared.threads,
            timeout: shared.timeout,
            omit: shared.omit,
            command: plan.command.clone(),
            started_at,
            machine: os::machine(),
        },
        duration,
        sockets,
        course,
        gaps,
        cpu_percent,
        // A server of our own has its CPU time from the same process.
        server_cpu_percent: theirs.map(|theirs| if found.is_ours() { (theirs - cpu_percent).max(0.0) } else { theirs }),
        interrupted,
    }
}
