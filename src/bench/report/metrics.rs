//! `--metrics`: what a run has counted so far, for Prometheus.
//!
//! Workers know nothing of it. What they hand over at their ticks is added up by the reporter, and put here when it is whole:
//! counters that never fall, over all runs of `--repeat`, and histograms in buckets that are the same for everybody.
//!
//! May use: results, stats, `role`'s metrics.

use std::{
    array,
    io::{self, Write as _},
    sync::{Arc, Mutex, PoisonError},
};

use hdrhistogram::Histogram;

use crate::{
    bench::{
        failure::Failure,
        results::About,
        stats::{Counters, Tally},
    },
    error::Trouble,
    role::metrics::{Exposition, Kind, Metrics},
    transport::Target,
};

/// The bounds of one decade: six steps, each about 1.47 times the one before (the E6 series of IEC 60063).
const STEPS: [u64; 6] = [100, 150, 220, 330, 470, 680];
/// From a microsecond to 10 seconds.
const DECADES: usize = 7;
const BOUNDS: usize = DECADES * STEPS.len() + 1;

/// The `at`-th bound, in nanoseconds.
fn bound(at: usize) -> u64 {
    STEPS[at % STEPS.len()] * 10u64.pow(1 + (at / STEPS.len()) as u32)
}

/// A histogram, in few buckets.
#[derive(Debug, Clone)]
struct Buckets {
    /// How many lie above the bound before and not above this one; what is longer than all is in none.
    within: [u64; BOUNDS],
    count: u64,
    sum_ns: f64,
}

impl Default for Buckets {
    fn default() -> Self {
        Self { within: [0; BOUNDS], count: 0, sum_ns: 0.0 }
    }
}

impl Buckets {
    /// Adds all of `times`. Each of its cells, a thousandth wide, goes where its longest time belongs: nothing is told to be faster
    /// than it was.
    fn add(&mut self, times: &Histogram<u64>) {
        let mut at = 0;
        for cell in times.iter_recorded() {
            let (longest, count) = (cell.value_iterated_to(), cell.count_since_last_iteration());
            while at < BOUNDS && bound(at) < longest {
                at += 1;
            }
            if let Some(within) = self.within.get_mut(at) {
                *within += count;
            }
            self.count += count;
            self.sum_ns += times.median_equivalent(longest) as f64 * count as f64;
        }
    }

    fn tell(&self, out: &mut Exposition) {
        let mut below = 0;
        let at_most = array::from_fn::<_, BOUNDS, _>(|at| {
            below += self.within[at];
            (bound(at) as f64 / 1e9, below)
        });
        out.histogram(at_most.into_iter(), self.sum_ns / 1e9, self.count);
    }
}

/// What was counted in one run, or in several.
#[derive(Debug, Clone, Default)]
struct Sums {
    counters: Counters,
    latency: Buckets,
    uncorrected: Buckets,
    connect: Buckets,
    send_lag: Buckets,
}

impl Sums {
    fn add(&mut self, tally: &Tally) {
        self.counters.add(&tally.counters);
        self.latency.add(&tally.latency);
        self.uncorrected.add(&tally.as_sent);
        self.connect.add(&tally.connect);
        self.send_lag.add(&tally.send_lag);
    }
}

/// What a run is that only measures.
#[derive(Debug, Clone)]
pub struct Told {
    pub transport: &'static str,
    pub protocol: &'static str,
    pub target: String,
    pub mode: &'static str,
    /// Streams or sockets.
    pub connections: usize,
}

/// One thing that such a run has counted so far.
#[derive(Debug, Clone, Copy)]
pub struct Count {
    pub kind: Kind,
    pub name: &'static str,
    pub help: &'static str,
    pub value: u64,
}

/// What is told.
#[derive(Debug, Clone, Default)]
struct Shown {
    /// Of a run that only measures; then nothing else is told.
    measured: Option<(Told, Vec<Count>)>,
    about: Option<About>,
    run: u32,
    /// Of the runs before this one.
    before: Sums,
    /// With this one.
    sums: Sums,
}

/// Where it is told.
#[derive(Debug)]
pub struct Board {
    /// Whoever asks takes what is there; it is never changed, but replaced.
    shown: Arc<Mutex<Arc<Shown>>>,
    /// Open until this is dropped.
    _metrics: Metrics,
}

fn now(shown: &Mutex<Arc<Shown>>) -> Arc<Shown> {
    shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

impl Board {
    /// Opens the place, and says so: who waits for it reads stderr.
    ///
    /// # Errors
    /// [`Trouble`]: address in use, no permission, ...
    pub fn open(target: &Target) -> Result<Self, Trouble> {
        let metrics = Metrics::open(target)?;
        let shown = Arc::<Mutex<Arc<Shown>>>::default();
        let told = shown.clone();
        metrics.show(Arc::new(move |out| tell(&now(&told), out)));
        for url in metrics.urls() {
            // Nobody may be reading: that is no reason not to measure.
            let _ = writeln!(io::stderr(), "metrics on {url}");
        }
        Ok(Self { shown, _metrics: metrics })
    }

    fn change(&self, change: impl FnOnce(&mut Shown)) {
        let mut next = Shown::clone(&now(&self.shown));
        change(&mut next);
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }

    /// A run begins. What was counted in those before it stays.
    pub fn begin(&self, run: u32, about: About) {
        self.change(|shown| {
            shown.before = shown.sums.clone();
            (shown.run, shown.about) = (run, Some(about));
        });
    }

    /// A run that only measures has counted so much.
    pub fn count(&self, told: impl FnOnce() -> Told, counts: &[Count]) {
        self.change(|shown| {
            let told = shown.measured.take().map_or_else(told, |(told, _)| told);
            shown.measured = Some((told, counts.to_vec()));
        });
    }

    /// This run has counted so much.
    pub fn update(&self, total: &Tally) {
        self.change(|shown| {
            shown.sums = shown.before.clone();
            shown.sums.add(total);
        });
    }
}

fn tell(shown: &Shown, out: &mut Exposition) {
    if let Some((told, counts)) = &shown.measured {
        return tell_measured(told, counts, out);
    }
    if let Some(about) = &shown.about {
        tell_about(about, shown.run, out);
    }
    tell_counters(&shown.sums.counters, out);
    let about = shown.about.as_ref();
    if about.is_some_and(|about| about.datagrams) {
        tell_datagrams(&shown.sums.counters, out);
    }
    let histogram = |name, help: &str, buckets: &Buckets, out: &mut Exposition| {
        out.family(Kind::Histogram, name, help);
        buckets.tell(out);
    };
    let sums = &shown.sums;
    let latency = "Of right answers, from when each request was due.";
    histogram("netproto_bench_latency_seconds", latency, &sums.latency, out);
    if about.is_some_and(|about| about.model.rate_asked().is_some()) {
        let uncorrected = "The same from when each request was sent; of an open loop, where the two differ.";
        histogram("netproto_bench_latency_uncorrected_seconds", uncorrected, &sums.uncorrected, out);
        let lag = "How late requests of an open loop were sent, by our own fault.";
        histogram("netproto_bench_send_lag_seconds", lag, &sums.send_lag, out);
    }
    histogram("netproto_bench_connect_seconds", "How long connections took to establish.", &sums.connect, out);
}

fn tell_measured(told: &Told, counts: &[Count], out: &mut Exposition) {
    let labels =
        [("transport", told.transport), ("protocol", told.protocol), ("target", &told.target), ("model", told.mode)];
    out.family(Kind::Gauge, INFO, INFO_HELP);
    out.sample(&labels, 1.0);
    out.family(Kind::Gauge, "netproto_bench_connections", CONNECTIONS_HELP);
    out.sample(&[], told.connections as f64);
    for count in counts {
        out.family(count.kind, count.name, count.help);
        out.sample(&[], count.value as f64);
    }
}

const INFO: &str = "netproto_bench_info";
const INFO_HELP: &str = "What is loaded, and how; always 1.";
const CONNECTIONS_HELP: &str = "Connections that the load is spread over.";

fn tell_about(about: &About, run: u32, out: &mut Exposition) {
    out.family(Kind::Gauge, INFO, INFO_HELP);
    let labels = [
        ("transport", about.transport),
        ("protocol", about.protocol),
        ("target", &about.target),
        ("model", about.model.name(about.course.as_ref())),
    ];
    out.sample(&labels, 1.0);
    let mut gauge = |name, help: &str, value: f64| {
        out.family(Kind::Gauge, name, help);
        out.sample(&[], value);
    };
    gauge("netproto_bench_run", "The number of this run (--repeat).", f64::from(run));
    gauge("netproto_bench_connections", CONNECTIONS_HELP, about.connections as f64);
    gauge("netproto_bench_threads", "Threads that make the load.", about.threads as f64);
    if let Some(rate) = about.model.rate_asked() {
        gauge("netproto_bench_asked_requests_per_second", "The rate that was asked for.", rate);
    }
}

fn count(out: &mut Exposition, name: &'static str, help: &str, value: u64) {
    out.family(Kind::Counter, name, help);
    out.sample(&[], value as f64);
}

/// Warm-up is not counted, as it is not in the report.
fn tell_counters(counters: &Counters, out: &mut Exposition) {
    count(out, "netproto_bench_requests_total", "Requests that were sent.", counters.sent);
    count(out, "netproto_bench_requests_right_total", "Requests that had the right answer.", counters.right);
    out.family(Kind::Counter, "netproto_bench_requests_failed_total", "Requests that failed, by how.");
    for (kind, count) in counters.failed_so_far() {
        out.sample(&[("kind", kind)], count as f64);
    }
    count(out, "netproto_bench_sent_bytes_total", "Bytes of messages that were sent.", counters.bytes_sent);
    count(out, "netproto_bench_received_bytes_total", "Bytes of messages that came.", counters.bytes_received);
    count(out, "netproto_bench_connects_total", "Connections that were established.", counters.connects);
    let closes = "Connections that the peer closed while no answer was awaited.";
    count(out, "netproto_bench_peer_closes_total", closes, counters.peer_closes);
}

fn tell_datagrams(counters: &Counters, out: &mut Exposition) {
    let came = "Datagrams that came, right or not.";
    count(out, "netproto_bench_received_datagrams_total", came, counters.datagrams_received);
    let late = "Answers that came after their time-out: their requests are among the timed_out, too.";
    count(out, "netproto_bench_late_datagrams_total", late, counters.failures(Failure::Late));
    count(out, "netproto_bench_duplicated_datagrams_total", "Answers that came again.", counters.duplicated);
    count(out, "netproto_bench_reordered_datagrams_total", "Answers that came out of order.", counters.reordered);
    let unsolicited = "Datagrams that answer nothing that was sent.";
    count(out, "netproto_bench_unsolicited_datagrams_total", unsolicited, counters.unsolicited);
    let unreachable = "Times that the system told that nothing listens there.";
    count(out, "netproto_bench_unreachable_total", unreachable, counters.unreachable);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_from_a_microsecond_to_ten_seconds() {
        let bounds: Vec<u64> = (0..BOUNDS).map(bound).collect();
        assert_eq!((bounds[0], bounds[1], bounds[6], bounds[42]), (1000, 1500, 10_000, 10_000_000_000));
        assert!(bounds.windows(2).all(|pair| (1.4..1.6).contains(&(pair[1] as f64 / pair[0] as f64))));
    }

    #[test]
    fn each_time_is_in_its_bucket_and_none_is_lost() {
        let mut tally = Tally::default();
        for ns in [1, 999, 1001, 2_000_000, 10_100_000_000, u64::MAX] {
            tally.right(ns, None);
        }
        let mut buckets = Buckets::default();
        buckets.add(&tally.latency);
        let filled: Vec<_> =
            (0..BOUNDS).filter(|at| buckets.within[*at] > 0).map(|at| (bound(at), buckets.within[at])).collect();
        assert_eq!(filled, [(1000, 2), (1500, 1), (2_200_000, 1)]);
        assert_eq!(buckets.count, 6);
        let sum = 1.0 + 999.0 + 1001.0 + 2e6 + 10.1e9 + 3600e9;
        assert!((buckets.sum_ns / sum - 1.0).abs() < 1e-3, "{}", buckets.sum_ns);
    }

    #[test]
    fn nothing_falls_when_an_answer_is_late_or_a_run_ends() {
        let value = |text: &str, name: &str| -> f64 {
            let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).expect(name);
            line.rsplit(' ').next().expect("a value").parse().expect("a number")
        };
        let mut shown = Shown::default();
        let mut tally = Tally::default();
        tally.failed_times(Failure::TimedOut, 5);
        shown.sums.add(&tally);
        let timed_out = "netproto_bench_requests_failed_total{kind=\"timed_out\"}";
        let text = |shown: &Shown| {
            let mut out = Exposition::default();
            tell_counters(&shown.sums.counters, &mut out);
            tell_datagrams(&shown.sums.counters, &mut out);
            out.into_text()
        };
        assert!((value(&text(&shown), timed_out) - 5.0).abs() < 1e-9);
        shown.sums = Sums::default();
        tally.failed(Failure::Late);
        shown.sums.add(&tally);
        let text = text(&shown);
        assert!((value(&text, timed_out) - 5.0).abs() < 1e-9, "{text}");
        assert!((value(&text, "netproto_bench_late_datagrams_total") - 1.0).abs() < 1e-9, "{text}");
        assert!(!text.contains("kind=\"late\""), "{text}");
    }
}
