//! Poisson arrivals against theory: the test of Kolmogorov and Smirnov, in virtual time and with fixed seeds.

use super::{course::Kind, *};

/// The greatest distance between the distribution of `values` and an exponential one of mean 1, times the root of their number.
/// Below 1.628 it is what 99 of 100 samples show.
fn kolmogorov_smirnov(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let distance = values.iter().enumerate().fold(0.0, |most: f64, (at, value)| {
        let theory = 1.0 - (-value).exp();
        most.max(theory - at as f64 / n).max((at + 1) as f64 / n - theory)
    });
    distance * n.sqrt()
}

/// The times of all workers, each taken to the axis of the count: there, arrivals of any shape have gaps of mean 1.
fn gaps(shape: &Shape, of: u64) -> Vec<f64> {
    let mut times: Vec<_> = (0..of).flat_map(|index| all(Schedule::new(shape.clone(), Worker { index, of }, 0))).collect();
    times.sort();
    let counts: Vec<f64> = times.iter().map(|due| curve(shape).due_by(*due)).collect();
    counts.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

const HIGHEST: f64 = 1.628;

#[test]
fn poisson_arrivals_pass_kolmogorov_smirnov() {
    for seed in 0..20 {
        for of in [1, 3] {
            let until = Until::Duration(seconds(20.0));
            let shape = Shape { arrivals: Arrivals::Poisson, seed, ..shape(Some(1000.0), until) };
            let gaps = gaps(&shape, of);
            // 20,000 expected, standard deviation 141.
            assert!((gaps.len() as f64 - 20_000.0).abs() < 6.0 * 141.0, "{}", gaps.len());
            let distance = kolmogorov_smirnov(gaps);
            assert!(distance < 1.95, "seed {seed}, {of} workers: {distance}");
        }
    }
    // Of forty such samples, at most a few are beyond what one in a hundred is.
    let beyond = |seed: &u64| {
        let until = Until::Duration(seconds(20.0));
        let shape = Shape { arrivals: Arrivals::Poisson, seed: *seed, ..shape(Some(1000.0), until) };
        kolmogorov_smirnov(gaps(&shape, 1)) > HIGHEST
    };
    assert!((0..40).filter(beyond).count() <= 3);
}

#[test]
fn poisson_arrivals_follow_every_shape() {
    let stages = Kind::Stages(vec![(seconds(5.0), 2000.0), (seconds(5.0), 500.0), (seconds(5.0), 0.0)]);
    let steps = Kind::Steps(vec![(seconds(4.0), 100.0), (seconds(4.0), 3000.0)]);
    let sine = Kind::Sine { mean: 1000.0, amplitude: 1000.0, period: seconds(3.0) };
    for kind in [stages, steps, sine] {
        let lasts = kind.lasts().unwrap_or(seconds(12.0));
        let curve = Some(Arc::new(kind.curve(Duration::ZERO, Duration::ZERO)));
        let until = Until::Duration(lasts);
        let shape = Shape { curve, arrivals: Arrivals::Poisson, ..shape(None, until) };
        let distance = kolmogorov_smirnov(gaps(&shape, 2));
        assert!(distance < HIGHEST, "{kind:?}: {distance}");
    }
}

#[test]
fn the_test_can_fail() {
    let constant = shape(Some(1000.0), Until::Duration(seconds(20.0)));
    assert!(kolmogorov_smirnov(gaps(&constant, 1)) > 50.0, "equal gaps are not exponential");
    // Exponential, with a mean that is 5 % off.
    let mut random = fastrand::Rng::with_seed(1);
    let off = (0..20_000).map(|_| 1.05 * gap(&mut random)).collect();
    assert!(kolmogorov_smirnov(off) > HIGHEST);
}
