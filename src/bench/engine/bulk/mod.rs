//! The engine of `bench --bulk`: streams that send and take as much as goes, looked at while they run.
//!
//! As the request engine it has one thread that starts the workers, looks and writes; each stream is one conversation of the
//! driver, which makes and throws away the bytes by the fastest means there is. Plan, files, limits and progress are shared.
//!
//! May use: the rest of bench, role, protocol, transport, `os`, tokio.

mod gauge;
mod looks;
mod party;
mod worker;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use self::{
    gauge::Gauge,
    looks::Looks,
    worker::{Shared, Used},
};
use super::{
    beat::TICK,
    crew::{self, Crew},
    target::Found,
};
use crate::{
    bench::{
        BenchPlan,
        bulk::{BulkPlan, Interval, Results, Stream},
        limit::Missed,
        measured::About,
        report::{self, Files, bulk as shown},
    },
    error::{Exit, Trouble},
    os,
    protocol::Answers,
    role::stop::{Phase, Stop},
    transport::Scheme,
};

/// How long nothing may move, unless told otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often connections are looked at, at least.
const GLANCE: Duration = Duration::from_millis(100);

/// Runs what is asked against the server that was found.
pub(super) async fn run(
    plan: &BenchPlan,
    asked: &BulkPlan,
    found: &Found,
    mut files: Files,
    stop: &Stop,
) -> Result<Exit, Trouble> {
    let untold = is_plain(found, asked)?;
    check(found, asked, untold)?;
    files.begin_bulk()?;
    let results = one(plan, asked, found, untold, &mut files, stop).await?;
    conclude(plan, files, &results)
}

/// Does this server only take, or only send, and tell nothing?
fn is_plain(found: &Found, asked: &BulkPlan) -> Result<bool, Trouble> {
    let row = found.protocol;
    let (takes, sends) = match row.answers.stream {
        Answers::Measured => return Ok(false),
        Answers::Never => (true, false),
        Answers::Endless => (false, true),
        Answers::Unknown => (true, true),
        Answers::Each | Answers::OnceThenClose => (false, false),
    };
    if (takes || !asked.up) && (sends || !asked.down) {
        return Ok(true);
    }
    let sentence = match (takes, sends) {
        (true, _) => format!("{} only takes: --bulk up", row.name),
        (_, true) => format!("{} only sends: --bulk down", row.name),
        _ => format!("{} answers what it is asked: --bulk has no use for it", row.name),
    };
    Err(Trouble::usage(sentence).hint("perf does both, and tells what it counted: leave -P out"))
}

/// What can't be done is told before anything is sent.
fn check(found: &Found, asked: &BulkPlan, untold: bool) -> Result<(), Trouble> {
    let (tcp, name) = (found.peer.scheme == Scheme::Tcp, found.protocol.name);
    let told_nothing = |flag, whose| {
        Err(Trouble::usage(format!("{flag} would be the server's to do, and {name} is told nothing"))
            .hint(format!("{whose} in this direction; perf is told: leave -P out")))
    };
    if asked.zero_copy && untold && !asked.up {
        return told_nothing("--zero-copy", "we only receive");
    }
    if asked.skip_copy && untold && !asked.down {
        return told_nothing("--skip-copy", "we only send");
    }
    if asked.zero_copy && !os::SENDS_FILES {
        return Err(Trouble::usage("--zero-copy is not known to this system").hint("leave it out: plain writes"));
    }
    if asked.skip_copy && (!tcp || !os::DROPS_RECEIVED) {
        return Err(Trouble::usage("--skip-copy is for TCP on Linux: nothing else drops what came unread")
            .hint("leave it out: what comes is read"));
    }
    Ok(())
}

/// Writes the report; what it comes to is the exit code.
fn conclude(plan: &BenchPlan, files: Files, results: &Results) -> Result<Exit, Trouble> {
    if let Some(trouble) = in_vain(results) {
        return Err(trouble);
    }
    let (bits, failed, streams) = (results.bits_per_second(), results.failed(), results.streams.len() as u64);
    let missed: Vec<Missed> = plan.limits.iter().filter_map(|limit| limit.judge_bulk(bits, failed, streams)).collect();
    let document = shown::json::result(results, &missed, plan.report.json_stream);
    report::measured(&plan.report, files, &document, || shown::report(results, &missed, plan.report.verbose > 0))?;
    Ok(crew::exit(results.interrupted, failed, streams, &missed))
}

/// Where not one byte moved there is nothing to report but why.
fn in_vain(results: &Results) -> Option<Trouble> {
    if results.interrupted || results.bytes() > 0 {
        return None;
    }
    let failure = results.streams.iter().find_map(|stream| stream.failure.as_ref())?;
    let exit = if failure.timed_out { Exit::TimedOut } else { Exit::Failed };
    Some(Trouble::new(exit, format!("{}: {}", results.about.target, failure.sentence)).hint_if(failure.hint))
}

fn shared(plan: &BenchPlan, asked: &BulkPlan, found: &Found, untold: bool, stop: &Stop) -> Shared {
    let streams = plan.connections.max(1);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Shared {
        peer: found.peer.clone(),
        protocol: found.protocol,
        setup: plan.setup.clone(),
        plan: asked.clone(),
        plain: untold,
        omit: plan.omit,
        session: fastrand::u64(..),
        timeout: plan.timeout.unwrap_or(TIMEOUT),
        tick: (plan.report.interval.unwrap_or(TICK) / 2).clamp(Duration::from_millis(1), GLANCE),
        threads: plan.threads.unwrap_or(cores).clamp(1, streams),
        stop: stop.clone(),
        first: Mutex::new(found.take_first().map(|(_, first)| first)),
        gauges: (0..streams).map(|_| Arc::default()).collect(),
        trouble: Mutex::default(),
    }
}

/// One run.
async fn one(
    plan: &BenchPlan,
    asked: &BulkPlan,
    found: &Found,
    untold: bool,
    files: &mut Files,
    stop: &Stop,
) -> Result<Results, Trouble> {
    let shared = Arc::new(shared(plan, asked, found, untold, stop));
    let mut crew = Crew::start(shared.threads, stop, |index, gate| worker::spawn(shared.clone(), index, gate))?;
    // Every connection is made before the first byte is sent.
    crew.make_ready(shared.gauges.len(), stop).await;
    let started_at = SystemTime::now();
    let from = Instant::now() + plan.omit;
    crew.begin();
    let mut looks = Looks::begin(&plan.report, files, &shared, from);
    let (all_used, looked) = crew.all_done(async || looks.next().await).await;
    let course = looked.and(looks.end());
    let interrupted = stop.phase() != Phase::Running;
    let begun = Instant::now() >= from;
    let course = crew.end(course, stop, &shared.trouble)?;
    if interrupted && !begun {
        return Err(Trouble::new(Exit::Interrupted, "interrupted in the warm-up: nothing was measured"));
    }
    Ok(results((plan, asked), &shared, (started_at, from, interrupted), (&all_used, course), found.is_ours()))
}

fn results(
    (plan, asked): (&BenchPlan, &BulkPlan),
    shared: &Shared,
    (started_at, from, interrupted): (SystemTime, Instant, bool),
    (all_used, course): (&[Used], Vec<Interval>),
    own_server: bool,
) -> Results {
    let now = Instant::now();
    let last_moved = shared.gauges.iter().filter_map(|gauge| gauge.last_moved()).max();
    let streams: Vec<Stream> = shared.gauges.iter().map(|gauge| gauge.result((asked.up, asked.down), now)).collect();
    let flows = streams.iter().flat_map(|stream| [stream.up, stream.down]).flatten();
    let counts = flows.flat_map(|flow| [flow.sent, flow.received]).flatten();
    let duration = counts.map(|count| count.took).max().unwrap_or_default();
    let silence = last_moved.map_or(duration, |last| (from + duration).saturating_duration_since(last));
    let percents = |used: &Used| 100.0 * used.cpu.as_secs_f64() / used.wall.as_secs_f64().max(1e-9);
    let cpu_percent = all_used.iter().map(percents).sum();
    let theirs = streams.iter().filter_map(|stream| stream.theirs?.cpu_percent()).reduce(f64::max);
    Results {
        plan: asked.clone(),
        about: About {
            transport: shared.peer.scheme.name(),
            target: shared.peer.address.to_string(),
            protocol: shared.protocol.name,
            two_views: !shared.plain,
            threads: shared.threads,
            timeout: shared.timeout,
            omit: shared.omit,
            command: plan.command.clone(),
            started_at,
            machine: os::machine(),
        },
        paced_by: asked.rate.map(|_| if os::PACES && shared.peer.scheme == Scheme::Tcp { "kernel" } else { "timer" }),
        duration,
        streams,
        course,
        cpu_percent,
        // A server of our own has its CPU time from the same process.
        server_cpu_percent: theirs.map(|theirs| if own_server { (theirs - cpu_percent).max(0.0) } else { theirs }),
        silence: silence.min(duration),
        interrupted,
    }
}
