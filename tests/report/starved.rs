//! A load generator that is not given the time it needs: when that is said, and how.

use netproto::bench::{Arrivals, report::generator, results::Model};

use super::{MS, closed_loop, plain, values};

/// A thread that waits for a core is no less busy than one that runs.
#[test]
fn who_has_no_core_is_the_limit_and_says_so() {
    let mut starved = closed_loop();
    (starved.generator.busiest_percent, starved.generator.starved_percent) = (21.0, 78.0);
    starved.generator.saturated = starved.is_saturated();
    let text = plain(&generator::saturation(&starved, true));
    assert!(text.contains("one thread at 21 %, and without a core for 78 %\n"), "{text}");
    assert!(
        text.contains("hint: give it a core of its own") && text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    starved.generator.starved_percent = 20.0;
    assert!(!starved.is_saturated());
    // Open loop, as asked and with a good p50: but what the slowest show is that they left late.
    let mut late = closed_loop();
    late.about.model = Model::Open { rate: 120_000.0, arrivals: Arrivals::Constant };
    for ns in values(59_000, 10_000, 20_000).chain(values(3000, MS, 9 * MS)) {
        late.totals.send_lag.saturating_record(ns);
    }
    (late.generator.busiest_percent, late.generator.starved_percent) = (10.0, 30.0);
    assert!(late.is_saturated());
    late.generator.starved_percent = 1.0;
    assert!(!late.is_saturated());
}
