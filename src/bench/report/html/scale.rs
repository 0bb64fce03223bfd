//! From a value to a place between 0 and 1, and the values that are worth a line across the chart.

use std::time::Duration;

use crate::{bench::shown, values::show};

/// One axis of a chart: its ticks, each with its place and what stands there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Axis {
    pub ticks: Vec<(f64, String)>,
}

/// From `low` to `high`, evenly or in magnitudes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    log: bool,
    /// From tick to tick, where that is chosen.
    step: Option<f64>,
}

/// Steps of time that people count in: after a minute they are not decimal.
const TIMES: [f64; 14] =
    [30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14_400.0, 21_600.0, 43_200.0, 86_400.0, 172_800.0, 604_800.0];

impl Scale {
    /// From nothing to `high`, and up to where the next tick would be.
    #[must_use]
    pub fn from_zero(high: f64, most: usize) -> Self {
        let step = step(high, most);
        let high = (high / step - 1e-9).ceil().max(1.0) * step;
        Self { low: 0.0, high, log: false, step: Some(step) }
    }

    /// From nothing to just there.
    #[must_use]
    pub fn to(high: f64) -> Self {
        Self { low: 0.0, high: if high > 0.0 { high } else { 1.0 }, log: false, step: None }
    }

    /// By magnitude, between values that begin with 1, 2 or 5.
    #[must_use]
    pub fn log(low: f64, high: f64) -> Self {
        let low = low.max(1.0);
        let (low, high) = if high <= low * 1.01 { (low / 1.5, low * 1.5) } else { (low, high) };
        let above = round(high, true);
        let below = round(low, false);
        Self { low: below, high: if above > below { above } else { below * 10.0 }, log: true, step: None }
    }

    /// The place of a value; what is beyond the ends is at the end.
    #[must_use]
    pub fn at(&self, value: f64) -> f64 {
        let of = |value: f64| if self.log { value.max(f64::MIN_POSITIVE).log10() } else { value };
        ((of(value) - of(self.low)) / (of(self.high) - of(self.low))).clamp(0.0, 1.0)
    }

    #[must_use]
    pub fn low(&self) -> f64 {
        self.low
    }

    #[must_use]
    pub fn high(&self) -> f64 {
        self.high
    }

    /// At most `most` values, evenly spread.
    #[must_use]
    pub fn ticks(&self, most: usize) -> Vec<f64> {
        if self.log {
            return self.log_ticks(most);
        }
        multiples(self.step.unwrap_or_else(|| step(self.high, most)), self.high)
    }

    fn log_ticks(&self, most: usize) -> Vec<f64> {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let within = |value: &f64| (self.low * 0.999..=self.high * 1.001).contains(value);
        let every = |leads: &[f64], decades: usize| {
            let powers = (first..=last).step_by(decades).map(|power| 10f64.powi(power));
            powers.flat_map(|power| leads.iter().map(move |lead| lead * power)).filter(within).collect::<Vec<f64>>()
        };
        let few: [(&[f64], usize); 5] = [(&[1.0, 2.0, 5.0], 1), (&[1.0, 3.0], 1), (&[1.0], 1), (&[1.0], 2), (&[1.0], 3)];
        let fits = few.iter().map(|(leads, decades)| every(leads, *decades)).find(|ticks| ticks.len() <= most);
        fits.unwrap_or_else(|| vec![self.low, self.high])
    }

    /// The axis of times from 0 s.
    #[must_use]
    pub fn times(&self, most: usize) -> Axis {
        let step = step(self.high, most);
        let counted = TIMES.into_iter().find(|time| self.high / time <= most as f64);
        let step = if step > 20.0 { counted.unwrap_or(step) } else { step };
        Axis { ticks: multiples(step, self.high).into_iter().map(|time| (self.at(time), time_label(time, step))).collect() }
    }

    /// The axis of latencies, in nanoseconds.
    #[must_use]
    pub fn latencies(&self, most: usize) -> Axis {
        let label = |ns: f64| shown::span(Duration::from_nanos(ns.round() as u64));
        Axis { ticks: self.ticks(most).into_iter().map(|ns| (self.at(ns), label(ns))).collect() }
    }

    /// The axis of things counted.
    #[must_use]
    pub fn counts(&self, most: usize) -> Axis {
        Axis { ticks: self.ticks(most).into_iter().map(|count| (self.at(count), short(count))).collect() }
    }
}

fn multiples(step: f64, high: f64) -> Vec<f64> {
    (0..=(high / step + 1e-9) as u32).map(|n| f64::from(n) * step).collect()
}

/// The smallest of 1, 2, 5, 10, ... that `high` holds at most `most` times.
fn step(high: f64, most: usize) -> f64 {
    let least = if high > 0.0 { high / most.max(1) as f64 } else { 1.0 };
    round(least, true)
}

/// The nearest 1, 2 or 5 of any magnitude that is not below (`up`), or not above.
fn round(value: f64, up: bool) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    // What is a rounding error away is there.
    let lead = value / power;
    let leads = [1.0, 2.0, 5.0, 10.0];
    let found = if up {
        leads.into_iter().find(|step| lead <= step * (1.0 + 1e-9))
    } else {
        leads.into_iter().rfind(|step| lead >= step * (1.0 - 1e-9))
    };
    found.unwrap_or(1.0) * power
}

/// `20 s`, `0.5 s`, `5 min`, `1.5 h`
fn time_label(seconds: f64, step: f64) -> String {
    match step {
        _ if seconds == 0.0 => "0".into(),
        3600.0.. => format!("{} h", shown::number(seconds / 3600.0)),
        60.0.. => format!("{} min", shown::number(seconds / 60.0)),
        _ => shown::span(Duration::from_secs_f64(seconds)),
    }
}

/// `120k`, `1.5M`, `300`
#[must_use]
pub fn short(count: f64) -> String {
    match count {
        1e9.. => format!("{}G", shown::number(count / 1e9)),
        1e6.. => format!("{}M", shown::number(count / 1e6)),
        1e3.. => format!("{}k", shown::number(count / 1e3)),
        1.0.. => shown::number(count),
        0.0 => "0".into(),
        _ => show::three_digits(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn even_scales_end_at_a_tick() {
        let scale = Scale::from_zero(121_430.0, 5);
        assert_eq!((scale.low(), scale.high()), (0.0, 150_000.0));
        assert_eq!(labels(&scale.counts(5)), ["0", "50k", "100k", "150k"]);
        assert_eq!((scale.at(0.0), scale.at(75_000.0), scale.at(1e9)), (0.0, 0.5, 1.0));
        assert_eq!(labels(&Scale::from_zero(0.0, 5).counts(5)), ["0", "1"]);
        assert_eq!(labels(&Scale::from_zero(0.3, 3).counts(3)), ["0", "0.10", "0.20", "0.30"]);
        assert_eq!(labels(&Scale::from_zero(5.0, 5).counts(5)), ["0", "1", "2", "3", "4", "5"]);
    }

    #[test]
    fn magnitudes_lie_between_round_values() {
        let scale = Scale::log(230_000.0, 102_000_000.0);
        assert!((scale.low() - 2e5).abs() < 1.0 && (scale.high() - 2e8).abs() < 1.0, "{scale:?}");
        assert_eq!(labels(&scale.latencies(6)), ["300 us", "1 ms", "3 ms", "10 ms", "30 ms", "100 ms"]);
        assert_eq!(
            labels(&scale.latencies(10)),
            ["200 us", "500 us", "1 ms", "2 ms", "5 ms", "10 ms", "20 ms", "50 ms", "100 ms", "200 ms"]
        );
        assert!((scale.at(2e6) - 1.0 / 3.0).abs() < 1e-9);
        for (low, high) in [(5.0, 5.0), (0.0, 0.0), (1e3, 1e3), (999.0, 1e12), (1.0, 3.6e12), (19_999.0, 20_000.0)] {
            let scale = Scale::log(low, high);
            let ticks = scale.ticks(6);
            assert!(scale.low() < scale.high() && (1..=6).contains(&ticks.len()), "{low} {high}: {scale:?} {ticks:?}");
            assert!(scale.low() <= low.max(1.0) && scale.high() >= high, "{scale:?}");
            assert!((0.0..=1.0).contains(&scale.at(low)) && (0.0..=1.0).contains(&scale.at(high)));
        }
    }

    #[test]
    fn times_are_counted_as_people_count_them() {
        let of = |seconds: f64| {
            let axis = Scale::to(seconds).times(6);
            assert!((2..=7).contains(&axis.ticks.len()), "{seconds}: {axis:?}");
            labels(&axis).join(", ")
        };
        assert_eq!(of(10.0), "0, 2 s, 4 s, 6 s, 8 s, 10 s");
        assert_eq!(of(0.25), "0, 50 ms, 100 ms, 150 ms, 200 ms, 250 ms");
        assert_eq!(of(100.0), "0, 20 s, 40 s, 60 s, 80 s, 100 s");
        assert_eq!(of(150.0), "0, 30 s, 60 s, 90 s, 120 s, 150 s");
        assert_eq!(of(600.0), "0, 2 min, 4 min, 6 min, 8 min, 10 min");
        assert_eq!(of(7200.0), "0, 30 min, 60 min, 90 min, 120 min");
        assert_eq!(of(36_000.0), "0, 2 h, 4 h, 6 h, 8 h, 10 h");
        for tenths in 1..20_000 {
            of(f64::from(tenths) / 10.0);
        }
    }
}
