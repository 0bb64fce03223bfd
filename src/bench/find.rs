//! `--find-max`: the highest rate that still meets the limits. Where to probe next is a pure value, [`Search`]: it brackets by
//! doubling and then bisects, until less than a twentieth lies between what was met and what was not.
//!
//! A machine that is shared disturbs a probe now and then. So what was missed once is probed again before it is believed, and what
//! is found in the end is probed once more.
//!
//! May use: hdrhistogram, limit, results.

use hdrhistogram::Histogram;

use super::{limit::Limit, results::Results};

/// What is found lies within this of what is not met any more.
const CLOSE: f64 = 1.05;
/// Requests per second: the search ends here, upwards and downwards.
const MOST: f64 = 1e9;
const LEAST: f64 = 1.0;
/// From here on connections count as taken all the time: the ends of a probe are less than full.
const BUSY: f64 = 0.9;
/// Probes at most; a search that is told one thing and then the other ends, too.
const PROBES: usize = 60;

/// What a rate has to meet.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// Each as it fails.
    pub limits: Vec<Limit>,
    /// Where to begin, in requests per second.
    pub first: f64,
}

/// One rate that was tried, and what came of it. Times in nanoseconds; `None` without a right answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    pub rate: f64,
    /// Right replies per second.
    pub achieved: f64,
    pub failed: u64,
    pub p50: Option<u64>,
    pub p99: Option<u64>,
    pub p99_9: Option<u64>,
    /// Half of the requests, or the slowest in a hundred, waited longer for a free connection than for their answers; or hardly ever
    /// was a connection free.
    pub waited: bool,
    /// The generator had no time left.
    pub saturated: bool,
    pub busiest_percent: f64,
    /// Why it was not met; `None`: it was.
    pub missed: Option<String>,
}

/// How many of the places that connections have for requests were taken; 1: all of them, all the time. By Little's law (1961):
/// the rate, times how long each was in one.
fn busy(results: &Results) -> f64 {
    let Some(places) = results.about.in_flight.map(|most| most * results.about.connections) else { return 0.0 };
    results.rate() * results.totals.as_sent.mean() / 1e9 / places as f64
}

impl Probe {
    #[must_use]
    pub fn of(goal: &Goal, rate: f64, results: &Results) -> Self {
        let at = |histogram: &Histogram<u64>, percentile| {
            (!histogram.is_empty()).then(|| histogram.value_at_percentile(percentile))
        };
        let totals = &results.totals;
        let waited = |percentile| {
            let (due, sent) = (at(&totals.latency, percentile), at(&totals.as_sent, percentile));
            due.zip(sent).is_some_and(|(due, sent)| due > sent.saturating_mul(2))
        };
        Self {
            rate,
            achieved: results.rate(),
            failed: totals.counters.failed(),
            p50: at(&totals.latency, 50.0),
            p99: at(&totals.latency, 99.0),
            p99_9: at(&totals.latency, 99.9),
            waited: waited(50.0) || waited(99.0) || busy(results) > BUSY,
            saturated: results.generator.saturated,
            busiest_percent: results.generator.busiest_percent,
            missed: goal.missed(rate, results),
        }
    }
}

/// What a whole search came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    pub goal: Goal,
    /// In the order in which they were made.
    pub probes: Vec<Probe>,
    /// `None`: it was interrupted.
    pub end: Option<Next>,
}

/// What kept a higher rate from being met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitedBy {
    Server,
    Generator,
    /// All connections were waiting for answers: more of them may reach more.
    Connections,
    /// The search ended before anything did.
    Nothing,
}

impl LimitedBy {
    /// For JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Generator => "generator",
            Self::Connections => "connections",
            Self::Nothing => "nothing",
        }
    }
}

impl Curve {
    /// The lowest rate that was not met, as it was probed last.
    #[must_use]
    pub fn lowest_missed(&self) -> Option<&Probe> {
        let above = match self.end {
            Some(Next::Found { above, .. }) => above?,
            Some(Next::Nothing { missed }) => missed,
            _ => return None,
        };
        self.probes.iter().rev().find(|probe| probe.rate.total_cmp(&above).is_eq() && probe.missed.is_some())
    }

    /// Told by the lowest rate that was not met: a generator out of time comes first. Answers that were quick once their
    /// requests had left, and yet late, had waited for a connection.
    #[must_use]
    pub fn limited_by(&self) -> LimitedBy {
        match self.lowest_missed() {
            None => LimitedBy::Nothing,
            Some(probe) if probe.saturated => LimitedBy::Generator,
            Some(probe) if probe.waited => LimitedBy::Connections,
            Some(_) => LimitedBy::Server,
        }
    }
}

impl Goal {
    /// Below this share of the asked rate it was not kept.
    const KEPT: f64 = 0.99;

    /// Does a run at `rate` meet it? Otherwise, why not.
    #[must_use]
    pub fn missed(&self, rate: f64, results: &Results) -> Option<String> {
        if let Some(missed) = self.limits.iter().find_map(|limit| limit.judge(results)) {
            return Some(missed.sentence);
        }
        let right = results.rate();
        (right < rate * Self::KEPT).then(|| format!("only {:.1} % had right replies", 100.0 * right / rate))
    }
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    /// Probe this rate.
    Probe(f64),
    /// `rate` is met. `above` is the lowest that is not; none was found up to the end of the search.
    Found { rate: f64, above: Option<f64> },
    /// Nothing is met, down to this rate.
    Nothing { missed: f64 },
}

/// The search so far.
#[derive(Debug, Clone)]
pub struct Search {
    first: f64,
    /// All that were met, in rising order.
    met: Vec<f64>,
    /// The lowest that was not, and twice so.
    missed: Option<f64>,
    /// Missed once.
    doubtful: Option<f64>,
    /// Met once more after the search had come to it.
    confirmed: Option<f64>,
    probes: usize,
}

impl Search {
    #[must_use]
    pub fn from(first: f64) -> Self {
        let first = first.clamp(LEAST, MOST);
        Self { first, met: Vec::new(), missed: None, doubtful: None, confirmed: None, probes: 0 }
    }

    #[must_use]
    pub fn next(&self) -> Next {
        if let Some(rate) = self.doubtful.filter(|_| self.probes < PROBES) {
            return Next::Probe(rate);
        }
        match (self.met.last().copied(), self.missed) {
            (None, None) => Next::Probe(self.first),
            (None, Some(missed)) if missed <= LEAST || self.probes >= PROBES => Next::Nothing { missed },
            (None, Some(missed)) => Next::Probe((missed / 4.0).max(LEAST)),
            (Some(rate), above) if self.probes >= PROBES => Next::Found { rate, above },
            (Some(rate), None) if rate >= MOST => Next::Found { rate, above: None },
            (Some(rate), None) => Next::Probe((rate * 2.0).min(MOST)),
            (Some(rate), Some(missed)) if missed > rate * CLOSE => Next::Probe(between(rate, missed)),
            (Some(rate), above) if self.confirmed == Some(rate) => Next::Found { rate, above },
            (Some(rate), _) => Next::Probe(rate),
        }
    }

    /// What came of a probe of `rate`.
    pub fn tell(&mut self, rate: f64, met: bool) {
        self.probes += 1;
        if met {
            self.doubtful = None;
            if self.met.last() == Some(&rate) {
                self.confirmed = Some(rate);
            } else {
                self.met.push(rate);
            }
        } else if self.doubtful == Some(rate) {
            self.doubtful = None;
            self.missed = Some(self.missed.map_or(rate, |missed| missed.min(rate)));
            self.met.retain(|met| *met < rate);
        } else {
            self.doubtful = Some(rate);
        }
    }
}

/// In the middle, by ratio: four digits are enough.
fn between(low: f64, high: f64) -> f64 {
    let middle = (low * high).sqrt();
    let rounded = format!("{middle:.3e}").parse().unwrap_or(middle);
    if rounded > low && rounded < high { rounded } else { middle }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches where `verdict` says what is met. Gives what it came to, and after how many probes.
    fn search(first: f64, mut verdict: impl FnMut(f64) -> bool) -> (Next, usize) {
        let mut search = Search::from(first);
        for probes in 0.. {
            match search.next() {
                Next::Probe(rate) => {
                    assert!((LEAST..=MOST).contains(&rate), "{rate}");
                    search.tell(rate, verdict(rate));
                }
                end => return (end, probes),
            }
        }
        unreachable!("a search ends")
    }

    #[test]
    fn it_comes_within_a_twentieth_whatever_the_truth_and_the_beginning() {
        for truth in [1.0, 3.0, 999.0, 1_000.0, 1_001.0, 47_123.0, 730_000.0, 9e8] {
            for first in [1.0, 1_000.0, 50_000.0, 1e9] {
                let (end, probes) = search(first, |rate| rate <= truth);
                let Next::Found { rate, above: Some(above) } = end else { panic!("{truth} from {first}: {end:?}") };
                assert!(rate <= truth && above > truth && above <= rate * CLOSE, "{truth} from {first}: {end:?}");
                assert!(probes < PROBES, "{truth} from {first}: {probes} probes");
            }
        }
    }

    #[test]
    fn the_usual_search_is_short() {
        let (_, probes) = search(1_000.0, |rate| rate <= 47_123.0);
        assert!(probes <= 18, "{probes} probes");
    }

    #[test]
    fn nothing_and_everything_are_ends_too() {
        assert_eq!(search(1_000.0, |_| false).0, Next::Nothing { missed: LEAST });
        assert_eq!(search(1_000.0, |_| true).0, Next::Found { rate: MOST, above: None });
    }

    #[test]
    fn one_disturbed_probe_in_ten_is_not_believed() {
        let mut random = fastrand::Rng::with_seed(7);
        let near = (0..100).filter(|_| {
            let (end, _) = search(1_000.0, |rate| rate <= 40_000.0 && random.f64() > 0.1);
            matches!(end, Next::Found { rate, .. } if (30_000.0..=40_000.0).contains(&rate))
        });
        assert!(near.count() >= 90);
    }

    #[test]
    fn whoever_says_one_thing_and_then_the_other_is_left() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..100 {
            let (_, probes) = search(1_000.0, |_| random.bool());
            assert!(probes <= PROBES + 1, "{probes}");
        }
    }
}
