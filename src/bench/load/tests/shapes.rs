//! Every shape in virtual time: what is due when is the integral of the rate, to the nanosecond; workers share it exactly.

use super::{
    course::{self, Course, Kind, Steps},
    *,
};

/// One shape, with its rate at each moment as a formula of its own.
struct Known {
    course: Course,
    ramp: f64,
    lasts: f64,
    rate: fn(f64) -> f64,
}

fn stages(text: &str) -> Course {
    course::stages(text).expect(text)
}

fn steps(text: &str, lasts: f64) -> Course {
    course::steps(text).expect(text).over(seconds(lasts))
}

/// Between corners, a straight line.
fn lines(corners: &[(f64, f64)], t: f64) -> f64 {
    let pair = corners.windows(2).find(|pair| t < pair[1].0);
    pair.map_or(0.0, |pair| pair[0].1 + (pair[1].1 - pair[0].1) * (t - pair[0].0) / (pair[1].0 - pair[0].0))
}

fn known() -> Vec<Known> {
    let course = |course, ramp, lasts, rate| Known { course, ramp, lasts, rate };
    vec![
        course(stages("10s:1k,30s:5k,10s:0"), 0.0, 50.0, |t| {
            lines(&[(0.0, 0.0), (10.0, 1000.0), (40.0, 5000.0), (50.0, 0.0)], t)
        }),
        course(stages("0s:100,2s:100,1s:0,3s:0,500ms:1k"), 0.0, 6.5, |t| {
            lines(&[(0.0, 100.0), (2.0, 100.0), (3.0, 0.0), (6.0, 0.0), (6.5, 1000.0)], t)
        }),
        course(steps("1k,2k,5k", 10.0), 0.0, 10.0, |t| [1000.0, 2000.0, 5000.0][((t * 0.3) as usize).min(2)]),
        course(steps("3s:70,2s:0,1s:333", 0.0), 0.0, 6.0, |t| match t {
            ..3.0 => 70.0,
            3.0..5.0 => 0.0,
            _ => 333.0,
        }),
        course(steps("100,300", 4.0), 2.0, 6.0, |t| match t {
            ..2.0 => 50.0 * t,
            2.0..4.0 => 100.0,
            _ => 300.0,
        }),
        course(course::sine("1k:1k:3s").expect("a sine"), 0.0, 10.0, |t| {
            1000.0 * (1.0 + (std::f64::consts::TAU * t / 3.0).sin())
        }),
        course(course::sine("500:200:7s").expect("a sine"), 1.0, 20.0, |t| match t {
            ..1.0 => 500.0 * t,
            _ => 500.0 + 200.0 * (std::f64::consts::TAU * (t - 1.0) / 7.0).sin(),
        }),
    ]
}

fn shape_of(known: &Known) -> Shape {
    let curve = Some(Arc::new(known.course.kind.curve(seconds(known.ramp), Duration::ZERO)));
    let until = Until::Duration(seconds(known.lasts - known.ramp));
    Shape { curve, ramp: seconds(known.ramp), ..shape(None, until) }
}

/// The integral of `rate` from `from` to `to`, by Simpson's rule over stretches that no corner lies in.
fn integral(rate: fn(f64) -> f64, from: f64, to: f64) -> f64 {
    // Just inside, where the rate jumps at an end.
    let just = 1e-12;
    (to - from) / 6.0 * (rate(from + just) + 4.0 * rate(f64::midpoint(from, to)) + rate(to - just))
}

#[test]
fn what_is_due_is_the_integral_of_the_rate() {
    for known in known() {
        let shape = shape_of(&known);
        let times = all(Schedule::new(shape.clone(), ONE, 0));
        // Corners of all shapes lie on these.
        let corners = [10.0 / 3.0, 20.0 / 3.0];
        let mut moments: Vec<f64> = (0..=(known.lasts * 1000.0) as u32).map(|n| f64::from(n) / 1000.0).collect();
        moments.extend(corners.into_iter().filter(|at| *at < known.lasts));
        moments.sort_by(f64::total_cmp);
        let mut expected = 0.0;
        let mut sent = times.iter().peekable();
        let mut count = 0;
        for pair in moments.windows(2) {
            expected += integral(known.rate, pair[0], pair[1]);
            let by = curve(&shape).due_by(seconds(pair[1]));
            assert!((by - expected).abs() < 1e-4, "{}: {by} due by {}, not {expected}", known.course.text, pair[1]);
            while sent.next_if(|due| **due < seconds(pair[1])).is_some() {
                count += 1;
            }
            // As many were sent as are whole; the one that is due at this very moment may be on either side by rounding.
            let off = f64::from(count) - expected;
            assert!((-1e-4..1.0 + 1e-4).contains(&off), "{}: {count} sent by {}", known.course.text, pair[1]);
        }
        assert_eq!(times.len(), (expected - 1e-4).ceil() as usize, "{}", known.course.text);
    }
}

#[test]
fn each_request_is_due_to_the_nanosecond() {
    let nanosecond = Duration::from_nanos(1);
    for known in known() {
        let shape = shape_of(&known);
        let curve = curve(&shape);
        for (k, due) in all(Schedule::new(shape.clone(), ONE, 0)).into_iter().enumerate() {
            let (k, text) = (k as f64, &known.course.text);
            // Counts are exact to some 1e-9 of a request here.
            assert!(
                curve.due_by(due.saturating_sub(nanosecond)) <= k + 1e-9,
                "{text}: request {k} could be later than {due:?}"
            );
            assert!(curve.due_by(due + nanosecond) >= k - 1e-9, "{text}: request {k} is due before {due:?}");
        }
    }
}

#[test]
fn workers_share_every_shape_exactly() {
    let bursts = Known { course: course::burst("7/100ms").expect("a burst"), ramp: 0.0, lasts: 5.0, rate: |_| 70.0 };
    for known in known().into_iter().chain([bursts]) {
        let shape = shape_of(&known);
        let one = all(Schedule::new(shape.clone(), ONE, 0));
        for of in [2, 3, 7, 64] {
            let of_one = |index| all(Schedule::new(shape.clone(), Worker { index, of }, 0));
            let mut times: Vec<_> = (0..of).flat_map(of_one).collect();
            times.sort();
            assert!(times == one, "{}: {of} workers", known.course.text);
        }
    }
}

#[test]
fn bursts_come_at_once() {
    let course = course::burst("100/1s").expect("a burst");
    let curve = Some(Arc::new(course.kind.curve(Duration::ZERO, Duration::ZERO)));
    let shape = Shape { curve, ..shape(None, Until::Duration(seconds(2.5))) };
    let times = all(Schedule::new(shape.clone(), ONE, 0));
    assert_eq!(times, [0.0, 1.0, 2.0].into_iter().flat_map(|at| [seconds(at); 100]).collect::<Vec<_>>());
    assert_eq!(shape.asked(Duration::ZERO, seconds(2.5)), Some(300.0));
    assert_eq!(shape.asked(seconds(0.5), seconds(1.0)), Some(0.0), "what is due at a moment belongs to what begins there");
    assert_eq!(shape.asked(seconds(1.0), seconds(1.5)), Some(100.0));
    assert_eq!(shape.quiet(seconds(2.9)), Some(seconds(0.9)));
    let counted = Shape { until: Until::Requests(250), ..shape };
    assert_eq!(counted.asked(seconds(1.5), seconds(9.0)), Some(50.0), "no more are asked for than the count");
    assert_eq!(all(Schedule::new(counted, ONE, 0)).len(), 250);
}

#[test]
fn a_shape_and_a_seed_make_the_same_run() {
    for known in known() {
        let run = |seed| {
            let shape = Shape { arrivals: Arrivals::Poisson, seed, ..shape_of(&known) };
            all(Schedule::new(shape, Worker { index: 1, of: 2 }, 0))
        };
        assert!(run(7) == run(7) && run(7) != run(8), "{}", known.course.text);
    }
}

#[test]
fn leaving_out_any_shape_is_as_if_asked_for() {
    for known in known() {
        let shape = shape_of(&known);
        let times = all(Schedule::new(shape.clone(), Worker { index: 1, of: 3 }, 0));
        for at in [0.05, 0.31, 0.5, 0.9, 1.0] {
            let at = seconds(at * known.lasts);
            let mut load = Schedule::new(shape.clone(), Worker { index: 1, of: 3 }, 0);
            let measured = times.iter().filter(|due| **due < at && **due >= shape.measured_from()).count() as u64;
            assert_eq!(load.skip(at), measured, "{} to {at:?}", known.course.text);
            assert_eq!(all(load), times.iter().copied().filter(|due| *due >= at).collect::<Vec<_>>());
        }
    }
}

#[test]
fn the_rate_can_be_replaced_at_any_moment() {
    let until = Until::Duration(seconds(10.0));
    let before = shape(Some(100.0), until);
    // From 3.005 s on at another rate, then in bursts, then not at all.
    let at = [seconds(3.005), seconds(5.0), seconds(8.0)];
    let burst = course::burst("10/500ms").expect("a burst").kind.curve(Duration::ZERO, Duration::ZERO);
    let faster = Arc::new(curve(&before).then(at[0], &course::steady(1000.0, Duration::ZERO)));
    let bursts = Arc::new(faster.then(at[1], &burst));
    let nothing = Arc::new(bursts.then(at[2], &Curve::new(&[], None)));
    for of in [1, 3] {
        let mut times = Vec::new();
        for index in 0..of {
            let mut load = Schedule::new(before.clone(), Worker { index, of }, 0);
            let mut now = Duration::ZERO;
            loop {
                // Each is told at its moment, as workers are.
                for (from, curve) in at.iter().zip([&faster, &bursts, &nothing]) {
                    if now == *from {
                        load.follow(curve.clone());
                    }
                }
                let change = at.iter().copied().find(|change| *change > now).unwrap_or(Duration::MAX);
                match load.next(now, 0) {
                    Next::Now(due) => times.push(due),
                    Next::At(due) => now = due.min(change),
                    Next::Done if change < Duration::MAX => now = change,
                    _ => break,
                }
            }
        }
        times.sort();
        let between = |from, to| times.iter().filter(|due| **due >= from && **due < to).count();
        assert_eq!(between(Duration::ZERO, at[0]), 301);
        // 300.5 were due by then: number 301 has half a request's time to go, and 1,995 more seconds' thousandths follow it.
        assert_eq!(times[301], seconds(3.0055));
        assert_eq!(between(at[0], at[1]), 1995);
        assert_eq!(between(at[1], at[2]), 60);
        assert_eq!(times.len(), 301 + 1995 + 60);
    }
}

#[test]
fn means_and_highest_rates() {
    for (course, mean, highest) in [
        (stages("10s:1k,30s:5k,10s:0"), 2400.0, 5000.0),
        (steps("1k,2k,6k", 10.0), 3000.0, 6000.0),
        (course::sine("1k:500:7s").expect("a sine"), 1000.0, 1500.0),
        (course::burst("100/s").expect("a burst"), 100.0, 100.0),
        (course::burst("5/20ms").expect("a burst"), 250.0, 250.0),
    ] {
        assert!((course.kind.mean() - mean).abs() < 1e-6 * mean, "{}: {}", course.text, course.kind.mean());
        assert!((course.kind.highest() - highest).abs() < 1e-9, "{}", course.text);
    }
    assert_eq!(steps("1,2,3", 1.0).kind.lasts(), Some(seconds(1.0)));
    assert_eq!((steps("1,2,3", 1.0).kind.equal_parts(), steps("1s:1,2s:2", 1.0).kind.equal_parts()), (Some(3), None));
}

#[test]
fn what_is_typed_wrongly_is_told() {
    for (told, what) in [
        (course::stages("10s").map(drop), "\"10s\" is no TIME:RATE"),
        (course::stages("10s:1k,,5s:1").map(drop), "has an empty part"),
        (course::stages("10s:fast").map(drop), "does not begin with a number"),
        (course::stages("10s:0,5s:0").map(drop), "a rate of 0"),
        (course::stages("0s:5").map(drop), "lasts no time"),
        (course::steps("1k,10s:2k").map(drop), "either each step has a time or none"),
        (course::steps("0,0").map(drop), "a rate of 0"),
        (course::sine("1k:2k:30s").map(drop), "at most the mean"),
        (course::sine("1k:30s").map(drop), "MEAN:AMPLITUDE:PERIOD"),
        (course::sine("1k:1:0s").map(drop), "more than 0"),
        (course::burst("100").map(drop), "COUNT/TIME"),
        (course::burst("0/1s").map(drop), "at least 1"),
        (course::burst("5/0s").map(drop), "more than 0"),
    ] {
        let error = told.expect_err(what);
        assert!(error.contains(what), "{what}: {error}");
    }
    assert!(matches!(course::steps("1k,2k"), Ok(Steps::Equal(..))));
    assert!(matches!(course::stages("1m:0.5/s").map(|course| course.kind), Ok(Kind::Stages(_))));
}

#[test]
fn the_rest_of_a_shape_is_the_shape_at_another_height() {
    let at = seconds(13.25);
    for course in [
        stages("10s:1k,30s:5k,10s:0"),
        steps("1k,2k,6k", 30.0),
        course::sine("1k:500:7s").expect("a sine"),
        course::burst("100/2s").expect("a burst"),
    ] {
        let curve = course.kind.curve(Duration::ZERO, Duration::ZERO);
        for (by, exact) in [(1.0, true), (1.1, course.kind.name() != "burst")] {
            let changed = curve.then(at, &curve.rest(at, by));
            for millis in [0, 500, 2000, 4750, 16_000] {
                let then = at + Duration::from_millis(millis);
                let (was, is) = (curve.due_by(then) - curve.due_by(at), changed.due_by(then) - curve.due_by(at));
                assert!(!exact || (is - was * by).abs() < 1e-6 * was.max(1.0), "{} {by} {millis}: {was} {is}", course.text);
                assert!(
                    !exact || (changed.rate_at(then) - by * curve.rate_at(then)).abs() < 1e-6 * curve.rate_at(then).max(1.0)
                );
                // And what is due by then is due when it was.
                let count = changed.due_by(then).floor();
                assert!(changed.due_by(changed.time_of(count)) <= count + 1e-6, "{} {by} {millis}", course.text);
            }
        }
    }
    let ended = stages("1s:10").kind.curve(Duration::ZERO, Duration::ZERO).rest(seconds(5.0), 2.0);
    assert_eq!((ended.due_by(seconds(9.0)), ended.time_of(0.0)), (0.0, Duration::MAX));
}
