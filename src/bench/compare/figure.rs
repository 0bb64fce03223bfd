//! The figures that are compared: what each is called, which way is better, and its value in a result.
//!
//! May use: results, shown, `values`.

use std::fmt;

use crate::{
    bench::{
        record::measured::{Measured, What},
        results::Results,
        shown,
    },
    values::{read, show},
};

/// One figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figure {
    /// Right replies per second.
    Rate,
    Mean,
    /// Percent: 99.9.
    Percentile(f64),
    Max,
    /// Failed requests, of all.
    Errors,
    /// Datagrams lost, of those sent.
    Loss,
    /// Of `--bulk`, both ways together.
    Bits,
    /// Of `--one-way`: those that came, per second, or were sent where nobody counted.
    Datagrams,
}

impl Figure {
    /// Those of every comparison, in the order of the report.
    pub const USUAL: [Self; 8] = [
        Self::Rate,
        Self::Mean,
        Self::Percentile(50.0),
        Self::Percentile(90.0),
        Self::Percentile(99.0),
        Self::Percentile(99.9),
        Self::Max,
        Self::Errors,
    ];

    /// Reads the name of a figure that can be judged.
    ///
    /// # Errors
    /// One clause saying what is wrong.
    pub fn named(name: &str) -> Result<Self, String> {
        if let Some(percentile) = name.strip_prefix('p').and_then(|digits| digits.parse::<f64>().ok()) {
            return match percentile {
                0.0..100.0 => Ok(Self::Percentile(percentile)),
                100.0 => Err("p100 is one value, and can't be judged".into()),
                _ => Err(format!("{name:?} is no percentile: it lies between p0 and p100")),
            };
        }
        match name {
            "rate" => Ok(Self::Rate),
            "mean" => Ok(Self::Mean),
            "errors" => Ok(Self::Errors),
            "loss" => Ok(Self::Loss),
            "max" | "min" => Err(format!("{name} is one value, and can't be judged")),
            _ => Err(match read::nearest(name, ["rate", "mean", "errors", "loss", "p50", "p90", "p99", "p99.9"]) {
                Some(near) => format!("unknown figure {name:?}; did you mean {near}?"),
                None => format!("unknown figure {name:?}; compare --help lists them"),
            }),
        }
    }

    /// In JSON, with its unit.
    #[must_use]
    pub fn field(self) -> String {
        match self {
            Self::Rate => "requests_per_second".into(),
            Self::Mean => "mean_us".into(),
            Self::Percentile(percentile) => format!("p{percentile}_us").replace('.', "_"),
            Self::Max => "max_us".into(),
            Self::Errors => "failure_percent".into(),
            Self::Loss => "loss_percent".into(),
            Self::Bits => "bits_per_second".into(),
            Self::Datagrams => "datagrams_per_second".into(),
        }
    }

    /// Is it a share, whose change is told in points and not in percent?
    #[must_use]
    pub fn is_share(self) -> bool {
        matches!(self, Self::Errors | Self::Loss)
    }

    #[must_use]
    pub fn is_latency(self) -> bool {
        matches!(self, Self::Mean | Self::Percentile(_) | Self::Max)
    }

    /// Is more of it better?
    #[must_use]
    pub fn grows_better(self) -> bool {
        self.is_rate()
    }

    /// What `rate` means for this kind of run.
    #[must_use]
    pub fn is_rate(self) -> bool {
        matches!(self, Self::Rate | Self::Bits | Self::Datagrams)
    }

    /// Nanoseconds, per second, or percent.
    #[must_use]
    pub fn of(self, results: &Results) -> Option<f64> {
        let latency = &results.totals.latency;
        let measured = |ns: f64| (!latency.is_empty()).then_some(ns);
        match self {
            Self::Rate => Some(results.rate()),
            Self::Mean => measured(latency.mean()),
            Self::Percentile(percentile) => measured(latency.value_at_percentile(percentile) as f64),
            Self::Max => measured(latency.max() as f64),
            Self::Errors => (results.totals.counters.ended() > 0).then(|| results.failed_percent()),
            Self::Loss => results.about.datagrams.then(|| results.loss_percent()),
            Self::Bits | Self::Datagrams => None,
        }
    }

    /// The same of a run that only measured.
    #[must_use]
    pub fn of_measured(self, run: &Measured) -> Option<f64> {
        match (self, &run.what) {
            (Self::Bits, What::Bulk(bulk)) => Some(bulk.bits_per_second),
            (Self::Datagrams, What::OneWay(one_way)) => Some(one_way.rate),
            (Self::Loss, What::OneWay(one_way)) => one_way.loss_percent,
            _ => None,
        }
    }

    /// As [`Self::of`], for JSON: microseconds where it is a latency.
    #[must_use]
    pub fn in_json(self, value: f64) -> f64 {
        let value = if self.is_latency() { value / 1e3 } else { value };
        (value * 1e3).round() / 1e3
    }

    #[must_use]
    pub fn shown(self, value: f64) -> String {
        match self {
            Self::Rate | Self::Datagrams => shown::per_second(value),
            Self::Bits => show::bits_per_second(value),
            _ if self.is_latency() => show::nanos(value as u64),
            _ if value == 0.0 => "0 %".into(),
            _ => shown::percent(value),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate | Self::Bits | Self::Datagrams => f.write_str("rate"),
            Self::Mean => f.write_str("mean"),
            Self::Percentile(percentile) => write!(f, "p{percentile}"),
            Self::Max => f.write_str("max"),
            Self::Errors => f.write_str("errors"),
            Self::Loss => f.write_str("loss"),
        }
    }
}
