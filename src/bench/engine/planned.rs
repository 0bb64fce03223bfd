//! A plan as a run has it: the job that its workers share, and what is told of it.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use super::{
    job::{Job, Parts},
    reporter::Cut,
    target::Found,
};
use crate::{
    bench::{
        BenchPlan, Until,
        load::{Shape, course, tuning::Tuned},
        results::{About, Held, Model, Results},
    },
    role::stop::Stop,
};

pub(super) fn job(plan: &BenchPlan, found: &Found, cut: Cut, stop: Stop, tuned: Option<watch::Receiver<Tuned>>) -> Job {
    let connections = (plan.shard.part(plan.connections as u64) as usize).max(1);
    Job::new(Parts {
        peer: found.peer.clone(),
        first: found.take_first(),
        protocol: found.protocol,
        setup: plan.setup.clone(),
        load: plan.load.clone(),
        shape: shape(plan),
        in_flight: plan.in_flight,
        reconnect: plan.reconnect,
        connect_rate: plan.connect_rate,
        hold: plan.hold,
        sources: found.sources.clone(),
        timeout: plan.timeout,
        spin: plan.spin,
        joins: plan.joins,
        connections,
        threads: plan.threads.unwrap_or_else(|| threads(plan, found)).clamp(1, connections),
        tick: cut.tick,
        shard: plan.shard,
        tuned,
        stop,
    })
}

fn threads(plan: &BenchPlan, found: &Found) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if plan.reconnect {
        // More work for the system than for the server: two threads have their share of a core where one would wait for its turn.
        2 * cores
    } else if found.peer.address.is_local() {
        // A server on this machine needs a core as well: three busy threads on two cores are slower than two.
        (cores - 1).max(1)
    } else {
        cores
    }
}

/// How far this shard goes.
pub(super) fn part(plan: &BenchPlan) -> Until {
    match plan.until {
        Until::Requests(all) => Until::Requests(plan.shard.part(all)),
        until @ Until::Duration(_) => until,
    }
}

pub(super) fn shape(plan: &BenchPlan) -> Shape {
    let curve = match (&plan.course, plan.rate) {
        (Some(course), _) => Some(course.kind.curve(plan.ramp, plan.omit)),
        (None, rate) => rate.map(|rate| course::steady(rate, plan.ramp)),
    };
    Shape {
        curve: curve.map(Arc::new),
        arrivals: plan.arrivals,
        ramp: plan.ramp,
        omit: plan.omit,
        until: part(plan),
        seed: plan.seed,
    }
}

/// The mean rate that was asked for, of a course in the time that was measured.
fn rate(plan: &BenchPlan, shape: &Shape, duration: Duration) -> Option<f64> {
    let by_time = plan.course.is_some() && matches!(plan.until, Until::Duration(_));
    let changes = by_time || shape.curve.as_ref().is_some_and(|curve| curve.changed());
    let asked = shape.asked(Duration::ZERO, duration).filter(|asked| changes && !duration.is_zero() && *asked > 0.0);
    asked.map(|asked| asked / duration.as_secs_f64()).or(plan.rate)
}

pub(super) fn about(plan: &BenchPlan, job: &Job, shape: &Shape, duration: Duration) -> About {
    let model = match rate(plan, shape, duration) {
        _ if plan.hold => Model::Hold,
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
        course: plan.course.clone(),
        connect_rate: plan.connect_rate,
        timeout: job.timeout,
        spin: job.spin,
        ramp: plan.ramp,
        omit: plan.omit,
        seed: plan.seed,
        shard: plan.shard,
        command: plan.command.clone(),
    }
}

/// What became of connections that were only kept.
pub(super) fn held(plan: &BenchPlan, job: &Job, results: &Results) -> Option<Held> {
    let (memory, opened) = job.hold.as_ref()?.taken();
    let sources = job.sources.len().max(1);
    Some(Held { opened, lasted: results.totals.counters.right, memory, both_ends: plan.target.is_none(), sources })
}
