//! The engine: runs what a [`BenchPlan`] says, and reports.
//!
//! The main thread finds the target, starts the workers, gathers what they count and writes. Each worker is a thread with a
//! runtime of its own ([`worker`]) that shares nothing with the others but the [`job`]. Of the load generator only
//! this and the progress line read clocks.
//!
//! May use: the rest of bench, role, protocol, transport, `os`, tokio.

mod appointed;
mod awaited;
mod beat;
mod body;
mod bulk;
mod busy_poll;
mod connection;
mod crew;
mod down;
mod hold;
mod idle;
mod job;
mod lane;
mod one_way;
mod onlooker;
mod party;
mod planned;
mod probe;
mod probes;
mod reporter;
mod request;
mod room;
mod steps;
mod target;
mod turns;
mod usage;
mod watched;
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
    job::Job,
    onlooker::Onlooker,
    planned::{about, held, job},
    reporter::{Cut, Names, Reporter},
    target::Found,
    watched::Watched,
    worker::Report,
};
use super::{
    BenchPlan, Until,
    find::{Curve, Next},
    limit::Missed,
    live::{self, Live, controls::Controls},
    load::{
        Shape,
        tuning::{Change, What},
    },
    outage::Outages,
    record::Piece,
    report::{self, Files, hdr, spread},
    results::{About, Generator, Results, Server},
    stats::{Recorder, Slice, Tally},
};
use crate::{
    error::{Exit, Trouble, reason},
    os,
    protocol::Answers,
    role::stop::{Phase, Stop},
    session::Rides,
};

/// From the moment all are ready to the start: long enough for every thread to hear of it.
const COUNTDOWN: Duration = Duration::from_millis(5);

/// Runs a whole `bench` command. No runtime may be around it.
///
/// # Errors
/// [`Trouble`]: a path that can't be written, a target that can't be reached, ...
#[allow(clippy::needless_pass_by_value)] // as the other roles' entries
pub fn run(plan: BenchPlan) -> anyhow::Result<Exit> {
    let plan = &plan;
    let mut files = Files::open(&plan.report)?;
    room::check_descriptors(plan)?;
    plan.server_pid.map_or(Ok(()), watched::check)?;
    if plan.live {
        live::check()?;
    }
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
        if let Some(asked) = &plan.bulk {
            return Ok(bulk::run(plan, asked, &found, files, &stop).await?);
        }
        if let Some(asked) = &plan.one_way {
            return Ok(one_way::run(plan, asked, &found, files, &stop).await?);
        }
        let found = check(plan, found)?;
        let head = hdr::Head { command: &plan.command, started_at: SystemTime::now() };
        files.begin(&head)?;
        appointed.wait(&stop).await;
        if let Some(goal) = &plan.find {
            let (curve, best) = probes::find(plan, goal, &found, &mut files, &stop, appointed).await?;
            return Ok(conclude_search(plan, files, &curve, &best)?);
        }
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

/// What can be known to be in vain is refused before anything is sent.
fn check(plan: &BenchPlan, mut found: Found) -> Result<Found, Trouble> {
    found.sources = room::sources(plan, &found.peer)?;
    let datagrams = found.peer.rides() == Rides::Datagrams;
    let by = found.protocol.answers;
    let answers = if datagrams { by.datagrams } else { by.stream };
    let name = found.protocol.name;
    if answers == Answers::Endless && !plan.hold {
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
    if plan.server_pid.is_some() && !found.peer.address.is_local() {
        let sentence =
            format!("--server-pid watches a process of this machine, and the server is at {}", found.peer.address);
        return Err(Trouble::usage(sentence).hint("leave it out"));
    }
    let goals = plan.find.iter().flat_map(|goal| &goal.limits);
    for limit in plan.limits.iter().chain(goals) {
        limit
            .applies(datagrams, answers != Answers::Never && !plan.hold)
            .map_err(|why| if plan.hold { "--hold asks nothing, so there is neither latency nor loss" } else { why })
            .map_err(|why| Trouble::usage(format!("{} can't be judged: {why}", limit.text)))?;
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
    let wanted = |change: &Change| change.what == What::Ended;
    Ok(if runs.iter().any(|run| run.interrupted && !run.changes.iter().any(wanted)) {
        Exit::Interrupted
    } else if runs.iter().all(|run| run.totals.counters.right == 0) {
        Exit::Failed
    } else if !missed.is_empty() {
        Exit::LimitMissed
    } else {
        Exit::Done
    })
}

/// The same of `--find-max`: not one rate that meets what was asked is a limit that was missed.
fn conclude_search(plan: &BenchPlan, files: Files, curve: &Curve, best: &Results) -> Result<Exit, Trouble> {
    let missed: Vec<Missed> = plan.limits.iter().filter_map(|limit| limit.judge(best)).collect();
    report::found(&plan.report, files, curve, best, &missed)?;
    Ok(match curve.end {
        None => Exit::Interrupted,
        Some(Next::Found { .. }) if missed.is_empty() => Exit::Done,
        _ if curve.probes.iter().all(|probe| probe.achieved == 0.0) => Exit::Failed,
        _ => Exit::LimitMissed,
    })
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
    let mut onlooker = Onlooker::of(plan);
    let job = Arc::new(job(plan, found, cut, stop.clone(), onlooker.controls.as_ref().map(Controls::news)));
    let lasts = job.shape.stops_at().map_or(Duration::ZERO, |at| at.saturating_sub(job.shape.measured_from()));
    files.begin_run(number, || about(plan, &job, &job.shape, lasts));
    onlooker.open(plan, &job, stop)?;
    let mut crew = crew(&job)?;
    // Every connection is made before the first request is sent; the last sender is gone when the workers are.
    for _ in 0..job.connections {
        tokio::select! {
            ready = crew.ready.recv() => if ready.is_none() { break },
            () = stop.reached(Phase::Finish) => break,
        }
    }
    let start = appointed.start(COUNTDOWN);
    onlooker.begin(start);
    let _ = crew.start.send(Some(start));
    let started_at = SystemTime::now() + start.saturating_duration_since(Instant::now());
    let measured_from = start + job.shape.measured_from();
    let after = measured_from.saturating_duration_since(began);
    let names = Names { run: number, after, datagrams: job.datagrams() };
    let givers = std::mem::take(&mut crew.givers);
    let load = (&job.shape, plan.course.as_ref());
    let mut reporter =
        Reporter::begin((&plan.report, files), names, cut, givers, load, (measured_from, onlooker.screen().map(Live::feed)));
    // A run that can be paused ends when it ends.
    let until = job.shape.stops_at().map(|at| start + at).filter(|_| !plan.live);
    let watched = plan.server_pid.map(|pid| Watched::begin(pid, measured_from, until));
    let gathered = gather(&mut crew.slices, &mut reporter).await;
    if gathered.is_err() {
        stop.advance(Phase::Now);
    }
    let interrupted = stop.phase() != Phase::Running;
    let now = Instant::now();
    onlooker.close();
    let (stopped, measured_from) = onlooker.clock(now, measured_from);
    let reports: Vec<_> = crew.threads.into_iter().filter_map(|thread| worker::report_of(thread, &job)).collect();
    let duration = measured(plan.until, interrupted.then_some(stopped), measured_from, &reports);
    let (totals, pieces, over_time) = reporter.end(duration)?;
    gathered?;
    if let Some(trouble) = job.trouble() {
        return Err(trouble);
    }
    let server = match watched {
        Some(watched) => watched.end().await,
        None => None,
    };
    let silence = silence(measured_from + duration, &reports).min(duration);
    let shape = onlooker.shape(&job);
    let about = about(plan, &job, &shape, duration);
    let mut results = results(about, (started_at, duration, silence, interrupted), (totals, pieces), &reports);
    // Pauses are no time of the run.
    results.server = server.map(|server| Server { wall: server.wall.min(duration), ..server });
    results.quiet = shape.quiet(duration).unwrap_or_default();
    results.changes = onlooker.changes(now);
    // Without a shape only a change makes it worth a table.
    results.over_time = if plan.course.is_some() || shape_changed(&shape) { over_time } else { Vec::new() };
    results.outages = Outages::together(reports.iter().map(|report| &report.outages), measured_from, duration);
    results.held = held(plan, &job, &results);
    Ok(results)
}

fn shape_changed(shape: &Shape) -> bool {
    shape.curve.as_ref().is_some_and(|curve| curve.changed())
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
    let percents = || reports.iter().map(|report| report.used.percents());
    let (busiest_percent, starved_percent) =
        percents().max_by(|one, other| (one.0 + one.1).total_cmp(&(other.0 + other.1))).unwrap_or_default();
    let cpu_percent = reports.iter().map(|report| report.used.cpu_percent()).sum();
    let stood_still = reports.iter().map(|report| report.used.still).max().unwrap_or_default();
    let generator = Generator { cpu_percent, busiest_percent, starved_percent, stood_still, saturated: false };
    let machine = Some(os::machine());
    let answered = reports.iter().flat_map(|report| report.answered.iter().copied()).collect();
    let (quiet, over_time, held, server) = (Duration::ZERO, Vec::new(), None, None);
    let mut results = Results {
        about,
        started_at,
        duration,
        silence,
        quiet,
        totals,
        over_time,
        outages: Vec::new(),
        changes: Vec::new(),
        held,
        generator,
        server,
        answered,
        interrupted,
        machine,
        pieces,
    };
    results.generator.saturated = results.is_saturated();
    results
}
