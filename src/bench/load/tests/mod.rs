//! Schedules in virtual time: what is due when, to the nanosecond.

mod arrivals;
mod shapes;

use super::*;

const ONE: Worker = Worker { index: 0, of: 1 };

fn shape(rate: Option<f64>, until: Until) -> Shape {
    ramped(rate, 0.0, until)
}

fn ramped(rate: Option<f64>, ramp: f64, until: Until) -> Shape {
    let ramp = seconds(ramp);
    let curve = rate.map(|rate| Arc::new(course::steady(rate, ramp)));
    Shape { curve, arrivals: Arrivals::Constant, ramp, omit: Duration::ZERO, until, seed: 1 }
}

fn curve(shape: &Shape) -> &Curve {
    shape.curve.as_ref().expect("an open loop")
}

fn seconds(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

/// Runs in virtual time, where every wait ends exactly when it should: all intended times.
fn all(mut load: Schedule) -> Vec<Duration> {
    let (mut now, mut times) = (Duration::ZERO, Vec::new());
    loop {
        match load.next(now, 0) {
            Next::Now(due) => times.push(due),
            Next::At(at) => {
                assert!(at > now, "time must pass");
                now = at;
            }
            Next::Wait => panic!("nothing to wait for"),
            Next::Done => return times,
        }
    }
}

#[test]
fn a_constant_rate_by_the_table() {
    // (rate, requests sent before, now) -> what it says
    for (rate, sent, now, next) in [
        (1.0, 0, 0.0, Next::Now(seconds(0.0))),
        (1.0, 1, 0.0, Next::At(seconds(1.0))),
        (1.0, 1, 0.1, Next::At(seconds(1.0))),
        (1.0, 1, 1.0, Next::Now(seconds(1.0))),
        (1.0, 1, 1.9, Next::Now(seconds(1.0))),
        (1.0, 2, 1.0, Next::At(seconds(2.0))),
        (1.0, 10, 11.0, Next::Done),
        (1.0, 9, 1e3, Next::Now(seconds(9.0))),
        (2.0, 1, 0.1, Next::At(seconds(0.5))),
        (1e6, 1000, 0.0, Next::At(seconds(0.001))),
        (0.5, 1, 1.0, Next::At(seconds(2.0))),
        (0.05, 1, 1.0, Next::Done),
    ] {
        let mut load = Schedule::new(shape(Some(rate), Until::Duration(seconds(10.0))), ONE, 0);
        for _ in 0..sent {
            assert!(matches!(load.next(seconds(1e6), 0), Next::Now(_)), "{rate} {sent}");
        }
        assert_eq!(load.next(seconds(now), 1_000_000), next, "{rate}/s, {sent} sent, at {now} s");
    }
}

#[test]
fn late_callers_get_every_request_with_its_own_time() {
    let mut load = Schedule::new(shape(Some(1000.0), Until::Duration(seconds(1.0))), ONE, 0);
    for k in 0..100 {
        assert_eq!(load.next(seconds(0.0995), 0), Next::Now(Duration::from_millis(k)));
    }
    assert_eq!(load.next(seconds(0.0995), 0), Next::At(seconds(0.1)));
}

#[test]
fn the_sum_of_all_workers_is_exact() {
    for of in [1, 2, 3, 7] {
        let shape = shape(Some(333.0), Until::Duration(seconds(10.0)));
        let mut times: Vec<_> =
            (0..of).flat_map(|index| all(Schedule::new(shape.clone(), Worker { index, of }, 0))).collect();
        times.sort();
        let one = all(Schedule::new(shape.clone(), ONE, 0));
        assert_eq!(times, one, "{of} workers");
        assert_eq!(one.len(), 3330);
    }
}

#[test]
fn a_long_fast_run_keeps_its_rate() {
    let shape = shape(Some(1e6), Until::Duration(seconds(1e5)));
    // The last of 10^11 requests: a thousandth of a microsecond off would be 100 us by adding intervals up.
    assert_eq!(curve(&shape).time_of(1e11 - 1.0), Duration::from_micros(99_999_999_999));
}

#[test]
fn the_ramp_is_a_straight_line() {
    let shape = ramped(Some(100.0), 4.0, Until::Duration(seconds(2.0)));
    let times = all(Schedule::new(shape.clone(), ONE, 0));
    assert_eq!(times.len(), 200 + 200);
    // Halfway through the ramp a quarter of its requests were due; each is where `due_by` says.
    assert_eq!(times.iter().filter(|due| **due < seconds(2.0)).count(), 50);
    assert_eq!(times.iter().filter(|due| **due < seconds(4.0)).count(), 200);
    for (k, due) in times.iter().enumerate() {
        assert!((curve(&shape).due_by(*due) - k as f64).abs() < 1e-4, "{k}");
    }
    assert_eq!(times[300], seconds(5.0));
}

#[test]
fn warm_up_is_sent_and_does_not_count() {
    let until = Until::Requests(10);
    let shape = Shape { omit: seconds(1.0), ..shape(Some(5.0), until) };
    let times = all(Schedule::new(shape.clone(), ONE, 0));
    assert_eq!(times.len(), 15);
    assert_eq!(times.iter().filter(|due| **due >= shape.measured_from()).count(), 10);
    assert_eq!(shape.stops_at(), None);
}

#[test]
fn poisson_has_its_rate_its_spread_and_its_seed() {
    let until = Until::Duration(seconds(100.0));
    let shape = Shape { arrivals: Arrivals::Poisson, ..ramped(Some(1000.0), 10.0, until) };
    let times = |index| all(Schedule::new(shape.clone(), Worker { index, of: 2 }, 0));
    let (a, b) = (times(0), times(1));
    assert_eq!(a, times(0), "the same seed gives the same run");
    assert_ne!(a, b, "workers differ");
    let steady: Vec<f64> = a.iter().chain(&b).map(Duration::as_secs_f64).filter(|s| *s >= 10.0).collect();
    // 100,000 expected, standard deviation 316: six of them either way.
    assert!((steady.len() as f64 - 1e5).abs() < 1900.0, "{}", steady.len());
    let gaps: Vec<f64> = a.windows(2).map(|w| w[1].as_secs_f64() - w[0].as_secs_f64()).skip(10_000).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let deviation = (gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
    assert!((deviation / mean - 1.0).abs() < 0.05, "exponential gaps vary as much as their mean: {deviation} {mean}");
}

#[test]
fn leaving_out_is_as_if_they_had_been_asked_for() {
    let until = Until::Duration(seconds(3.0));
    for (ramp, omit, of) in [(0.0, 0.0, 1), (0.0, 0.5, 3), (1.0, 0.25, 2)] {
        let constant = Shape { omit: seconds(omit), ..ramped(Some(777.0), ramp, until) };
        for shape in [constant.clone(), Shape { arrivals: Arrivals::Poisson, ..constant }] {
            let new = || Schedule::new(shape.clone(), Worker { index: of - 1, of }, 0);
            let times = all(new());
            for to in [0.0, 0.3, 1.0, 1.234_567, 2.9] {
                let to = seconds(to);
                let mut load = new();
                let counted = times.iter().filter(|due| **due < to && **due >= shape.measured_from()).count();
                assert_eq!(load.skip(to), counted as u64, "{shape:?} {to:?}");
                assert_eq!(load.skip(to), 0);
                assert_eq!(all(load)[0], *times.iter().find(|due| **due >= to).expect("more"), "{shape:?} {to:?}");
            }
        }
    }
}

#[test]
fn a_leap_over_many_ends_at_once() {
    let until = Until::Duration(seconds(1e4));
    for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
        let mut load = Schedule::new(Shape { arrivals, ..shape(Some(1e9), until) }, ONE, 0);
        let counted = load.skip(seconds(1e3)) as f64;
        // Six standard deviations either way.
        assert!((counted - 1e12).abs() < 6e6, "{arrivals:?} {counted}");
        assert!(matches!(load.peek(seconds(1e3) + Duration::from_micros(1), 0), Next::Now(_)));
    }
    let mut load = Schedule::new(shape(Some(1e9), Until::Requests(1000)), ONE, 0);
    assert_eq!((load.skip(seconds(1.0)), load.peek(seconds(1.0), 0)), (1000, Next::Done));
}

#[test]
fn a_closed_loop_waits_for_answers() {
    let mut load = Schedule::new(shape(None, Until::Duration(seconds(1.0))), ONE, 2);
    assert_eq!(load.next(seconds(0.2), 0), Next::Now(seconds(0.2)));
    assert_eq!(load.next(seconds(0.2), 1), Next::Now(seconds(0.2)));
    assert_eq!(load.next(seconds(0.3), 2), Next::Wait);
    assert_eq!(load.next(seconds(0.4), 1), Next::Now(seconds(0.4)));
    assert_eq!(load.next(seconds(1.0), 0), Next::Done);
}

#[test]
fn a_count_is_divided_among_workers() {
    for (all, of) in [(10, 3), (2, 4), (1_000_003, 7)] {
        let sent: u64 = (0..of)
            .map(|index| {
                let mut load = Schedule::new(shape(None, Until::Requests(all)), Worker { index, of }, 1);
                std::iter::from_fn(|| matches!(load.next(seconds(0.0), 0), Next::Now(_)).then_some(())).count() as u64
            })
            .sum();
        assert_eq!(sent, all);
    }
}

#[test]
fn connections_open_over_the_ramp_in_closed_loop_only() {
    let closed = ramped(None, 10.0, Until::Requests(1));
    assert_eq!(closed.connect_at(0, 5), seconds(0.0));
    assert_eq!(closed.connect_at(3, 5), seconds(6.0));
    let open = ramped(Some(1.0), 10.0, Until::Requests(1));
    assert_eq!(open.connect_at(3, 5), seconds(0.0));
}
