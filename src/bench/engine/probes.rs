//! `--find-max`: probes rates until the highest is found that meets what is asked. Each probe is a run of its own, at a constant
//! rate, after a moment to settle.

use std::time::Instant;

use super::{Files, Found, appointed::Appointed, one};
use crate::{
    bench::{
        BenchPlan,
        find::{Curve, Goal, Next, Probe, Search},
        progress,
        report::curve,
        results::Results,
    },
    error::Trouble,
    role::stop::Stop,
};

/// The curve, and the run at the highest rate that was met; where none was, the last one.
pub(super) async fn find(
    plan: &BenchPlan,
    goal: &Goal,
    found: &Found,
    files: &mut Files,
    stop: &Stop,
    mut appointed: Appointed,
) -> Result<(Curve, Results), Trouble> {
    let (began, mut search) = (Instant::now(), Search::from(goal.first));
    let mut curve = Curve { goal: goal.clone(), probes: Vec::new(), end: None };
    let mut best = None;
    let mut next = search.next();
    while let Next::Probe(rate) = next {
        let number = curve.probes.len() as u32 + 1;
        let plan = BenchPlan { rate: Some(rate), ..plan.clone() };
        let results = one(&plan, found, files, stop, (number, began, appointed)).await?;
        appointed = appointed.next();
        let probe = Probe::of(goal, rate, &results);
        search.tell(rate, probe.missed.is_none());
        let interrupted = results.interrupted;
        // The search ends with a probe that confirms what it found: so the last that met it. Without any, the last.
        if probe.missed.is_none() || curve.probes.iter().all(|probe| probe.missed.is_some()) {
            best = Some(results);
        }
        if !plan.report.quiet {
            progress::line(&curve::line(&probe));
        }
        curve.probes.push(probe);
        if interrupted {
            break;
        }
        next = search.next();
    }
    curve.end = Some(next).filter(|next| !matches!(next, Next::Probe(_)));
    match best {
        Some(results) => Ok((curve, results)),
        None => Err(Trouble::failed("nothing was probed")),
    }
}
