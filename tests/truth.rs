//! What the load generator tells, in virtual time, where nothing disturbs it: schedules and histograms as in a real run, a server whose
//! delays are a formula, and every figure up to the longest held against theory. The same against a real server is in
//! `benches/truth`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc, time::Duration};

use hdrhistogram::Histogram;
use netproto::bench::{
    Arrivals, Until,
    load::{Next, Schedule, Shape, Worker, course},
    stats::Tally,
};

const SECOND: u64 = 1_000_000_000;
const MS: u64 = 1_000_000;
/// What three significant digits leave open.
const DIGITS: f64 = 0.001;

/// When the server has answered, in nanoseconds, what it had at `sent`; number `n` of all.
type Server<'a> = dyn FnMut(u64, u64) -> u64 + 'a;

/// When each request of `rate` for `seconds` is due, as the schedule says when time passes as it should.
fn due(rate: f64, arrivals: Arrivals, seconds: u64) -> Vec<u64> {
    let zero = Duration::ZERO;
    let curve = Some(Arc::new(course::steady(rate, zero)));
    let until = Until::Duration(Duration::from_secs(seconds));
    let mut schedule =
        Schedule::new(Shape { curve, arrivals, ramp: zero, omit: zero, until, seed: 3 }, Worker { index: 0, of: 1 }, 0);
    let (mut now, mut times) = (zero, Vec::new());
    loop {
        match schedule.next(now, 0) {
            Next::Now(due) => times.push(due.as_nanos() as u64),
            Next::At(at) => now = at,
            Next::Wait | Next::Done => return times,
        }
    }
}

/// Runs it: each request leaves when it is due and one of `connections` is free; recorded as by a worker.
fn run(due: &[u64], connections: usize, server: &mut Server<'_>) -> Tally {
    let mut tally = Tally::default();
    let mut free: BinaryHeap<_> = vec![Reverse(0_u64); connections].into();
    for (n, due) in due.iter().enumerate() {
        let mut earliest = free.peek_mut().unwrap();
        let sent = (*due).max(earliest.0);
        let done = server(n as u64, sent);
        earliest.0 = done;
        tally.right(done - due, Some(done - sent));
    }
    tally
}

#[track_caller]
fn is(what: &str, told: u64, truth: f64, allowed: f64) {
    let off = (told as f64 - truth).abs();
    assert!(off <= truth * (DIGITS + allowed) + 1.0, "{what}: {told} ns told, {truth} ns is true");
}

#[track_caller]
fn quantiles(histogram: &Histogram<u64>, truth: impl Fn(f64) -> f64, allowed: f64) {
    for q in [0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0] {
        is(&format!("p{}", 100.0 * q), histogram.value_at_quantile(q), truth(q), allowed);
    }
}

/// The least that a share `q` of the values does not exceed.
fn exact(values: &mut [u64], q: f64) -> f64 {
    values.sort_unstable();
    let rank = (q * values.len() as f64).ceil() as usize;
    values[rank.clamp(1, values.len()) - 1] as f64
}

#[test]
fn a_constant_delay_is_told_as_it_is() {
    for delay in [1000, 77_777, 3 * MS, 2 * SECOND] {
        for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
            let tally = run(&due(1000.0, arrivals, 20), 4000, &mut |_, sent| sent + delay);
            quantiles(&tally.latency, |_| delay as f64, 0.0);
            quantiles(&tally.as_sent, |_| delay as f64, 0.0);
            is("mean", tally.latency.mean() as u64, delay as f64, 0.0);
        }
    }
}

#[test]
fn two_delays_are_told_apart_to_the_last_request() {
    // One of a thousand takes 50 ms, the others 1 ms.
    let mut slow = |n: u64, sent| sent + if n % 1000 == 999 { 50 * MS } else { MS };
    let tally = run(&due(1000.0, Arrivals::Constant, 100), 1000, &mut slow);
    quantiles(&tally.latency, |q| if q > 0.999 { 50e6 } else { 1e6 }, 0.0);
}

#[test]
fn exponential_delays_follow_their_formula() {
    let mut random = fastrand::Rng::with_seed(11);
    let mut delays = Vec::new();
    let due = due(10_000.0, Arrivals::Poisson, 100);
    let tally = run(&due, 2000, &mut |_, sent| {
        let delay = (-5e6 * (1.0 - random.f64()).ln()) as u64;
        delays.push(delay);
        sent + delay
    });
    // What was recorded is told to the digit, and that is what theory says as far as chance lets it: a million of them.
    for q in [0.5, 0.9, 0.99, 0.999, 0.9999, 1.0] {
        is("drawn", tally.latency.value_at_quantile(q), exact(&mut delays, q), 0.0);
    }
    for q in [0.5, 0.9, 0.99, 0.999] {
        is("theory", tally.latency.value_at_quantile(q), -5e6 * (1.0 - q).ln(), 0.02);
    }
}

/// The server stands still from the middle of each second on, for `stall`: what is answered then is answered at its end.
fn standing_still(stall: u64) -> impl FnMut(u64, u64) -> u64 {
    move |_, sent| {
        let since = sent % SECOND;
        let begins = SECOND / 2;
        if (begins..begins + stall).contains(&since) { sent - since + begins + stall } else { sent }
    }
}

/// Requests come evenly, and a share of them while the server stands still: those wait evenly spread from 0 to all of it.
#[test]
fn what_comes_while_the_server_stands_still_waits_evenly_spread() {
    for (stall, rate) in [(100 * MS, 10_000.0), (10 * MS, 100_000.0), (400 * MS, 2000.0)] {
        let tally = run(&due(rate, Arrivals::Constant, 10), 100_000, &mut standing_still(stall));
        let share = stall as f64 / SECOND as f64;
        let step = 1e9 / rate / stall as f64;
        for q in [0.99, 0.995, 0.999, 0.9999, 1.0] {
            let waits = stall as f64 * (1.0 - (1.0 - q) / share);
            if waits > 0.0 {
                is(
                    &format!("{stall} ns, p{}", 100.0 * q),
                    tally.latency.value_at_quantile(q),
                    waits,
                    2.0 * step / (waits / stall as f64),
                );
            }
        }
        is("longest", tally.latency.max(), stall as f64, 0.0);
        // Who did not fall into it did not wait.
        assert!(tally.latency.value_at_quantile(1.0 - share - 0.01) <= 1, "{stall}");
    }
}

/// With few connections, what is due waits at the client: in the corrected figures alone.
#[test]
fn few_connections_leave_out_what_waits_and_the_corrected_figures_do_not() {
    let (stall, rate, connections, service) = (100 * MS, 1000.0, 10_usize, 20_000_u64);
    let mut at_rest = standing_still(stall);
    let dues = due(rate, Arrivals::Constant, 100);
    let tally = run(&dues, connections, &mut |n, sent| at_rest(n, sent) + service);
    // The k-th of those that fall into it waits for its end, and for all before it that the same connection takes.
    let mut waits: Vec<u64> = dues
        .iter()
        .map(|due| match (due % SECOND).checked_sub(SECOND / 2) {
            Some(into) if into < stall => {
                let before = into * 1000 / SECOND / connections as u64;
                stall - into + service * (before + 1)
            }
            _ => service,
        })
        .collect();
    for q in [0.5, 0.95, 0.99, 0.999, 1.0] {
        is(&format!("p{}", 100.0 * q), tally.latency.value_at_quantile(q), exact(&mut waits, q), 0.001);
    }
    // Ten of a thousand were with the server: one in a hundred, where one in ten has waited.
    assert!(tally.as_sent.value_at_quantile(0.98) < MS && tally.latency.value_at_quantile(0.98) > 70 * MS);
    is("longest", tally.as_sent.max(), (stall + service) as f64, 0.0);
}

#[test]
fn a_stop_of_two_seconds_is_told_by_theory() {
    let stop = 3 * SECOND..5 * SECOND;
    let mut server = |_, sent: u64| if stop.contains(&sent) { stop.end } else { sent };
    let tally = run(&due(1000.0, Arrivals::Constant, 8), 10, &mut server);
    // A quarter of all.
    for q in [0.8, 0.9, 0.99, 0.999, 1.0] {
        is(&format!("p{}", 100.0 * q), tally.latency.value_at_quantile(q), 2e9 * (1.0 - (1.0 - q) / 0.25), 0.003);
    }
    assert!(tally.latency.value_at_quantile(0.7) <= 1);
}
