//! The engine: runs what a [`BenchPlan`] says, and reports.
//!
//! The main thread finds the target, starts the workers, gathers what they count and writes. Each worker is a thread with a
//! runtime of its own ([`worker`]) that shares nothing with the others but the [`job`]. Of the load generator only
//! this and the progress line read clocks.
//!
//! May use: the rest of bench, role, protocol, transport, `os`, tokio.

mod appointed;
mod awaited;
mod connection;
mod job;
mod party;
mod probe;
mod reporter;
mod steps;
mod target;
mod turns;
mod work;
mod worker;

use std::{
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime},
};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
};

use self::{
    appointed::Appointed,
    connection::Gate,
    job::{Job, Parts},
    reporter::{Cut, Names, Reporter},
    target::Found,
    worker::Report,
};
use super::{
    BenchPlan, Until,
    limit::Missed,
    load::Shape,
    record::Piece,
    report::{self, Files, hdr, spread},
    results::{About, Generator, Model, Results},
    stats::{Recorder, Slice, Tally},
};
use crate::{
    error::{Exit, Trouble, reason},
    os,
    protocol::Answers,
    role::stop::{Phase, Stop},
    session::Rides,
    values::show,
};

/// From the moment all are ready to the start: long enough for every thread to hear of it.
const COUNTDOWN: Duration = Duration::from_millis(5);
/// Descriptors that a process needs beside its connections.
const SPARE_DESCRIPTORS: u64 = 64;

/// Runs a whole `bench` command. No runtime may be around it.
///
/// # Errors
/// [`Trouble`]: a path that can't be written, a target that can't be reached, ...
#[allow(clippy::needless_pass_by_value)] // as the other roles' entries
pub fn run(plan: BenchPlan) -> anyhow::Result<Exit> {
    let plan = &plan;
    let mut files = Files::open(&plan.report)?;
    check_descriptors(plan)?;
    let appointed = Appointed::of(plan)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::failed(format!("could not start: {}", reason(&error))))?;
    let outcome = runtime.block_on(async {
        let stop = Stop::default();
        tokio::spawn(interrupt(stop.clone()));
        let found = tokio::select! {
            found = target::find(plan) => found?,
            () = stop.reached(Phase::Finish) => return Ok(Exit::Interrupted),
        };
        let found = check(plan, found)?;
        let head = hdr::Head { command: &plan.command, started_at: SystemTime::now() };
        files.begin(&head)?;
        appointed.wait(&stop).await;
        let runs = runs(plan, &found, &mut files, &stop, (Instant::now(), appointed)).await?;
        Ok(conclude(plan, files, &runs)?)
    });
    // A name that is still being looked up does not keep us here.
    runtime.shutdown_background();
    outcome
}

/// Ctrl-C and SIGTERM end the run early; it is still reported.
async fn interrupt(stop: Stop) {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => terminate.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! { _ = tokio::signal::ctrl_c() => (), _ = terminate => () }
    stop.advance(Phase::Finish);
}

fn check_descriptors(plan: &BenchPlan) -> Result<(), Trouble> {
    let (limit, _) = os::raise_nofile_limit();
    // Our own server has the other ends.
    let ends = if plan.target.is_some() { 1 } else { 2 };
    let needed = plan.shard.part(plan.connections as u64) * ends + SPARE_DESCRIPTORS;
    if needed <= limit {
        return Ok(());
    }
    let connections = show::grouped(plan.shard.part(plan.connections as u64));
    let limit = show::grouped(limit);
    Err(Trouble::failed(format!("{connections} connections need more open files than the {limit} that are allowed"))
        .hint(format!("ulimit -n {needed}, or fewer connections (-c)")))
}

/// What can be known to be in vain is refused before anything is sent.
fn check(plan: &BenchPlan, found: Found) -> Result<Found, Trouble> {
    let datagrams = found.peer.rides() == Rides::Datagrams;
    let by = found.protocol.answers;
    let answers = if datagrams { by.datagrams } else { by.stream };
    let name = found.protocol.name;
    if answers == Answers::Endless {
        let row = found.protocol;
        let asked = row.rides.contains(&Rides::Datagrams) && by.datagrams != Answers::Endless;
        let hint = if asked {
            format!("over udp each datagram is answered: bench udp -P {name}")
        } else {
            format!("netproto send listens to it: send tcp -P {name} --replies 10")
        };
        let scheme = found.peer.scheme;
        return Err(Trouble::usage(format!("{name} over {scheme} sends without being asked, so there is nothing to time"))
            .hint(hint));
    }
    for limit in &plan.limits {
        limit
            .applies(datagrams, answers != Answers::Never)
            .map_err(|why| Trouble::usage(format!("--fail-if {} can't be judged: {why}", limit.text)))?;
    }
    Ok(found)
}

/// All runs of `--repeat`, until one is interrupted. The files count from `began`.
async fn runs(
    plan: &BenchPlan,
    found: &Found,
    files: &mut Files,
    stop: &Stop,
    (began, mut appointed): (Instant, Appointed),
) -> Result<Vec<Results>, Trouble> {
    let mut runs = Vec::new();
    let many = plan.repeat > 1;
    for number in 1..=plan.repeat.max(1) {
        let results = one(plan, found, files, stop, (number, began, appointed)).await?;
        appointed = appointed.next();
        let wants_text = !plan.report.json && !plan.report.json_stream && !plan.report.quiet;
        if many && wants_text {
            report::say(&spread::line(number, plan.repeat, &results))?;
        }
        let interrupted = results.interrupted;
        runs.push(results);
        if interrupted {
            break;
        }
    }
    if many {
        report::separate(&plan.report)?;
    }
    Ok(runs)
}

/// Writes the report; what it comes to is the exit code.
fn conclude(plan: &BenchPlan, files: Files, runs: &[Results]) -> Result<Exit, Trouble> {
    let missed: Vec<Missed> = runs.iter().flat_map(|run| plan.limits.iter().filter_map(|limit| limit.judge(run))).collect();
    report::finish(&plan.report, files, runs, &missed)?;
    Ok(if runs.iter().any(|run| run.interrupted) {
        Exit::Interrupted
    } else if runs.iter().all(|run| run.totals.counters.right == 0) {
        Exit::Failed
    } else if !missed.is_empty() {
        Exit::LimitMissed
    } else {
        Exit::Done
    })
}

fn job(plan: &BenchPlan, found: &Found, cut: Cut, stop: Stop) -> Job {
    // A server on this machine needs a core as well: three busy threads on two cores are slower than two.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cores = if found.peer.address.is_local() { (cores - 1).max(1) } else { cores };
    let connections = (plan.shard.part(plan.connections as u64) as usize).max(1);
    Job::new(Parts {
        peer: found.peer.clone(),
        first: found.take_first(),
        protocol: found.protocol,
        setup: plan.setup.clone(),
        load: plan.load.clone(),
        shape: Shape {
            rate: plan.rate,
            arrivals: plan.arrivals,
            ramp: plan.ramp,
            omit: plan.omit,
            until: part(plan),
            seed: plan.seed,
        },
        in_flight: plan.in_flight,
        reconnect: plan.reconnect,
        timeout: plan.timeout,
        connections,
        threads: plan.threads.unwrap_or(cores).clamp(1, connections),
        tick: cut.tick,
        shard: plan.shard,
        stop,
    })
}

/// How far this shard goes.
fn part(plan: &BenchPlan) -> Until {
    match plan.until {
        Until::Requests(all) => Until::Requests(plan.shard.part(all)),
        until @ Until::Duration(_) => until,
    }
}

fn about(plan: &BenchPlan, job: &Job) -> About {
    let model = match plan.rate {
        Some(rate) => Model::Open { rate: rate / plan.shard.of as f64, arrivals: plan.arrivals },
        None => Model::Closed,
    };
    About {
        transport: job.peer.scheme.name(),
        target: job.peer.address.to_string(),
        protocol: job.protocol.name,
        datagrams: job.datagrams(),
        answers: job.answers,
        connections: job.connections,
        threads: job.threads,
        in_flight: job.in_flight,
        reconnect: job.reconnect,
        repeats: job.repeats(),
        model,
        timeout: job.timeout,
        ramp: plan.ramp,
        omit: plan.omit,
        seed: plan.seed,
        shard: plan.shard,
        command: plan.command.clone(),
    }
}

/// Workers that were started, and the ways between them and us.
struct Crew {
    threads: Vec<JoinHandle<Option<Report>>>,
    slices: mpsc::UnboundedReceiver<Slice>,
    givers: Vec<super::stats::Giver>,
    ready: mpsc::UnboundedReceiver<()>,
    start: watch::Sender<Option<Instant>>,
}

fn crew(job: &Arc<Job>) -> Result<Crew, Trouble> {
    let (full, slices) = mpsc::unbounded_channel();
    let (tell_ready, ready) = mpsc::unbounded_channel();
    let (start, told_start) = watch::channel(None);
    let (mut threads, mut givers) = (Vec::new(), Vec::new());
    for index in 0..job.threads {
        let (recorder, giver) = Recorder::new(index, full.clone());
        let gate = Gate { ready: tell_ready.clone(), start: told_start.clone() };
        givers.push(giver);
        threads.push(worker::spawn(job.clone(), index, recorder, gate).map_err(|error| {
            job.stop.advance(Phase::Now);
            Trouble::failed(format!("could not start a thread: {}", reason(&error))).hint("fewer threads: -t 1")
        })?);
    }
    Ok(Crew { threads, slices, givers, ready, start })
}

/// One run.
async fn one(
    plan: &BenchPlan,
    found: &Found,
    files: &mut Files,
    stop: &Stop,
    (number, began, appointed): (u32, Instant, Appointed),
) -> Result<Results, Trouble> {
    let cut = Cut::of(&plan.report);
    let job = Arc::new(job(plan, found, cut, stop.clone()));
    let mut crew = crew(&job)?;
    // Every connection is made before the first request is sent; the last sender is gone when the workers are.
    for _ in 0..job.connections {
        tokio::select! {
            ready = crew.ready.recv() => if ready.is_none() { break },
            () = stop.reached(Phase::Finish) => break,
        }
    }
    let start = appointed.start(COUNTDOWN);
    let _ = crew.start.send(Some(start));
    let started_at = SystemTime::now() + start.saturating_duration_since(Instant::now());
    let measured_from = start + job.shape.measured_from();
    let after = measured_from.saturating_duration_since(began);
    let names = Names { run: number, after, open_loop: plan.rate.is_some(), datagrams: job.datagrams() };
    let givers = std::mem::take(&mut crew.givers);
    let mut reporter = Reporter::begin((&plan.report, files), names, cut, givers, (part(plan), measured_from));
    let gathered = gather(&mut crew.slices, &mut reporter).await;
    if gathered.is_err() {
        stop.advance(Phase::Now);
    }
    let interrupted = stop.phase() != Phase::Running;
    let stopped = Instant::now();
    let reports: Vec<_> = crew.threads.into_iter().filter_map(|thread| worker::report_of(thread, &job)).collect();
    let duration = measured(plan.until, interrupted.then_some(stopped), measured_from, &reports);
    let (totals, pieces) = reporter.end(duration)?;
    gathered?;
    if let Some(trouble) = job.trouble() {
        return Err(trouble);
    }
    let silence = silence(measured_from + duration, &reports).min(duration);
    Ok(results(about(plan, &job), (started_at, duration, silence, interrupted), (totals, pieces), &reports))
}

/// Until all workers have ended.
async fn gather(slices: &mut mpsc::UnboundedReceiver<Slice>, reporter: &mut Reporter<'_>) -> Result<(), Trouble> {
    while let Some(slice) = slices.recv().await {
        reporter.take(slice)?;
    }
    Ok(())
}

/// The measured time: as asked, or until the last request ended, or the interruption.
fn measured(until: Until, stopped: Option<Instant>, from: Instant, reports: &[Report]) -> Duration {
    let last = reports.iter().map(|report| report.last_end).max();
    match (until, stopped) {
        (Until::Duration(duration), None) => duration,
        (Until::Duration(duration), Some(at)) => at.saturating_duration_since(from).min(duration),
        (Until::Requests(_), at) => at.or(last).map_or(Duration::ZERO, |at| at.saturating_duration_since(from)),
    }
}

/// From the last answer to the end.
fn silence(end: Instant, reports: &[Report]) -> Duration {
    let last = reports.iter().map(|report| report.last_answer).max();
    last.map_or(Duration::MAX, |last| end.saturating_duration_since(last))
}

fn results(
    about: About,
    when: (SystemTime, Duration, Duration, bool),
    (totals, pieces): (Tally, Vec<Piece>),
    reports: &[Report],
) -> Results {
    let (started_at, duration, silence, interrupted) = when;
    let percents: Vec<f64> = reports
        .iter()
        .filter(|report| !report.wall.is_zero())
        .map(|report| 100.0 * report.cpu.as_secs_f64() / report.wall.as_secs_f64())
        .collect();
    let busiest_percent = percents.iter().copied().fold(0.0, f64::max);
    let generator = Generator { cpu_percent: percents.iter().sum(), busiest_percent, saturated: false };
    let machine = Some(os::machine());
    let mut results = Results { about, started_at, duration, silence, totals, generator, interrupted, machine, pieces };
    results.generator.saturated = results.is_saturated();
    results
}
