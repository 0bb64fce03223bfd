//! `--fail-if`: what must not be, such as `p99>2ms`. One grammar, in one table (`TABLE`): errors and judging read it.
//!
//! May use: results, `values`.

use std::{fmt, time::Duration};

use super::{results::Results, shown};
use crate::values::{read, show};

/// What kind of value a metric has, and so how its limit is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `2ms`
    Duration,
    /// `0.1%` of requests, or a count.
    Share,
    /// `1%` only.
    Percent,
    /// `9k`
    Rate,
}

/// One row: what may stand left of the comparison.
struct Row {
    name: &'static str,
    metric: Metric,
    kind: Kind,
}

/// Percentiles come beside these: `p50`, `p99.9`, any number from 0 to 100.
const TABLE: &[Row] = &[
    Row { name: "mean", metric: Metric::Mean, kind: Kind::Duration },
    Row { name: "min", metric: Metric::Min, kind: Kind::Duration },
    Row { name: "max", metric: Metric::Max, kind: Kind::Duration },
    Row { name: "errors", metric: Metric::Errors, kind: Kind::Share },
    Row { name: "loss", metric: Metric::Loss, kind: Kind::Percent },
    Row { name: "rate", metric: Metric::Rate, kind: Kind::Rate },
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Metric {
    /// Percent: 99.9.
    Percentile(f64),
    Mean,
    Min,
    Max,
    Errors,
    ErrorShare,
    Loss,
    Rate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
}

impl Comparison {
    fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Above => value > limit,
            Self::AtLeast => value >= limit,
            Self::Below => value < limit,
            Self::AtMost => value <= limit,
        }
    }
}

/// The longer ones first, so that `>=` is not read as `>`.
const COMPARISONS: [(&str, Comparison); 4] =
    [(">=", Comparison::AtLeast), ("<=", Comparison::AtMost), (">", Comparison::Above), ("<", Comparison::Below)];

/// One limit, such as `p99>2ms`, and the text it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    pub text: String,
    metric: Metric,
    fails: Comparison,
    /// Nanoseconds, percent, a count, or a rate: as the metric has it.
    value: f64,
}

/// A limit that was missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// `p99 is 88.7 ms, the limit was 5 ms`
    pub sentence: String,
}

impl Limit {
    /// Reads `p99>2ms`.
    ///
    /// # Errors
    /// One clause saying what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (at, sign, fails) = COMPARISONS
            .iter()
            .filter_map(|(sign, fails)| text.find(sign).map(|at| (at, *sign, *fails)))
            .min_by_key(|(at, ..)| *at)
            .ok_or("a > or < is missing")?;
        let (name, value) = (text[..at].trim(), text[at + sign.len()..].trim());
        let (metric, kind) = metric(name)?;
        if value.is_empty() {
            return Err(format!("the value after {sign} is missing"));
        }
        let (metric, value) = threshold(metric, kind, value)?;
        Ok(Self { text: text.into(), metric, fails, value })
    }

    /// Reads `p99<2ms` as what must hold, which is how `--find-max` has it.
    ///
    /// # Errors
    /// One clause saying what is wrong.
    pub fn parse_goal(text: &str) -> Result<Self, String> {
        let limit = Self::parse(text)?;
        if limit.metric == Metric::Rate {
            return Err("the rate is what is looked for; say what must hold, as in p99<2ms".into());
        }
        let fails = match limit.fails {
            Comparison::Below => Comparison::AtLeast,
            Comparison::AtMost => Comparison::Above,
            Comparison::Above | Comparison::AtLeast => {
                return Err(format!("it states what must hold: {}", text.replace('>', "<")));
            }
        };
        Ok(Self { fails, ..limit })
    }

    /// Can this be judged at all? Told before the run, not after it.
    ///
    /// # Errors
    /// One clause saying why not.
    pub fn applies(&self, datagrams: bool, answered: bool) -> Result<(), &'static str> {
        match self.metric {
            Metric::Loss if !datagrams => Err("streams lose nothing: loss is for datagrams"),
            Metric::Loss | Metric::Percentile(_) | Metric::Mean | Metric::Min | Metric::Max if !answered => {
                Err("this protocol never answers, so there is neither latency nor loss")
            }
            _ => Ok(()),
        }
    }

    /// Can it be judged where bytes are measured in place of requests?
    ///
    /// # Errors
    /// One clause saying why not.
    pub fn applies_to_bulk(&self) -> Result<(), &'static str> {
        match self.metric {
            Metric::Rate | Metric::Errors | Metric::ErrorShare => Ok(()),
            _ => Err("--bulk has no requests: it has a rate, in bits per second, and errors, of streams"),
        }
    }

    /// Can it be judged where datagrams go one way?
    ///
    /// # Errors
    /// One clause saying why not.
    pub fn applies_to_one_way(&self, told: bool) -> Result<(), &'static str> {
        match self.metric {
            Metric::Loss if !told => Err("the server tells nothing of what came"),
            Metric::Rate | Metric::Errors | Metric::ErrorShare | Metric::Loss => Ok(()),
            _ => Err("--one-way has no replies: it has a rate, in datagrams per second, loss, and errors, of sockets"),
        }
    }

    /// Was it missed by datagrams that went one way? The rate is as received, where that is known.
    #[must_use]
    pub fn judge_one_way(&self, results: &super::one_way::Results) -> Option<Missed> {
        let value = match self.metric {
            Metric::Rate => results.rate(),
            Metric::Loss => results.loss_percent().unwrap_or(100.0),
            Metric::ErrorShare => 100.0 * results.failed() as f64 / results.sockets.len().max(1) as f64,
            _ => results.failed() as f64,
        };
        self.fails.holds(value, self.value).then(|| {
            let is = if matches!(self.metric, Metric::Errors) { "are" } else { "is" };
            Missed { sentence: format!("{} {is} {}, the limit was {}", self.metric, self.shown(value), self.shown_limit()) }
        })
    }

    /// Was it missed by so many bits per second, with so many failed of so many streams?
    #[must_use]
    pub fn judge_bulk(&self, bits_per_second: f64, failed: u64, streams: u64) -> Option<Missed> {
        let value = match self.metric {
            Metric::Rate => bits_per_second,
            Metric::ErrorShare => 100.0 * failed as f64 / streams.max(1) as f64,
            _ => failed as f64,
        };
        let shown = |value: f64| match self.metric {
            Metric::Rate => show::bits_per_second(value),
            _ => self.shown(value),
        };
        self.fails.holds(value, self.value).then(|| {
            let is = if matches!(self.metric, Metric::Errors) { "are" } else { "is" };
            Missed { sentence: format!("{} {is} {}, the limit was {}", self.metric, shown(value), shown(self.value)) }
        })
    }

    /// Was it missed? What could not be measured for want of a single right reply is missed, too: a dead server must not
    /// pass as a fast one.
    #[must_use]
    pub fn judge(&self, results: &Results) -> Option<Missed> {
        let Some(value) = self.measure(results) else {
            let sentence =
                format!("{} was not measured: not one right reply; the limit was {}", self.metric, self.shown_limit());
            return Some(Missed { sentence });
        };
        self.fails.holds(value, self.value).then(|| {
            let is = if matches!(self.metric, Metric::Errors) { "are" } else { "is" };
            Missed { sentence: format!("{} {is} {}, the limit was {}", self.metric, self.shown(value), self.shown_limit()) }
        })
    }

    fn measure(&self, results: &Results) -> Option<f64> {
        let latency = &results.totals.latency;
        let measured = |ns: f64| (!latency.is_empty()).then_some(ns);
        match self.metric {
            Metric::Percentile(percentile) => measured(latency.value_at_percentile(percentile) as f64),
            Metric::Mean => measured(latency.mean()),
            Metric::Min => measured(latency.min() as f64),
            Metric::Max => measured(latency.max() as f64),
            Metric::Errors => Some(results.totals.counters.failed() as f64),
            Metric::ErrorShare => Some(results.failed_percent()),
            Metric::Loss => Some(results.loss_percent()),
            Metric::Rate => Some(results.rate()),
        }
    }

    fn shown(&self, value: f64) -> String {
        match self.metric {
            Metric::Percentile(_) | Metric::Mean | Metric::Min | Metric::Max => show::nanos(value as u64),
            Metric::Errors => show::grouped(value as u64),
            Metric::ErrorShare | Metric::Loss => shown::percent(value),
            Metric::Rate => shown::per_second(value),
        }
    }

    fn shown_limit(&self) -> String {
        match self.metric {
            Metric::Percentile(_) | Metric::Mean | Metric::Min | Metric::Max => {
                shown::span(Duration::from_nanos(self.value as u64))
            }
            Metric::Errors => shown::number(self.value),
            Metric::ErrorShare | Metric::Loss => format!("{} %", shown::number(self.value)),
            Metric::Rate => format!("{}/s", shown::number(self.value)),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percentile(percentile) => write!(f, "p{percentile}"),
            Self::Mean => f.write_str("mean"),
            Self::Min => f.write_str("min"),
            Self::Max => f.write_str("max"),
            Self::Errors => f.write_str("errors"),
            Self::ErrorShare => f.write_str("share of errors"),
            Self::Loss => f.write_str("loss"),
            Self::Rate => f.write_str("rate"),
        }
    }
}

fn metric(name: &str) -> Result<(Metric, Kind), String> {
    if let Some(percentile) = name.strip_prefix('p').and_then(|digits| digits.parse::<f64>().ok()) {
        return match percentile {
            0.0..=100.0 => Ok((Metric::Percentile(percentile), Kind::Duration)),
            _ => Err(format!("{name:?} is no percentile: it lies between p0 and p100")),
        };
    }
    let row = TABLE.iter().find(|row| row.name == name).ok_or_else(|| unknown(name))?;
    Ok((row.metric, row.kind))
}

fn unknown(name: &str) -> String {
    let names = ["p50", "p90", "p99", "p99.9"].into_iter().chain(TABLE.iter().map(|row| row.name));
    match read::nearest(name, names) {
        Some(near) => format!("unknown metric {name:?}; did you mean {near}?"),
        None => format!("unknown metric {name:?}; bench --help lists them"),
    }
}

fn threshold(metric: Metric, kind: Kind, text: &str) -> Result<(Metric, f64), String> {
    let percent = |digits: &str| match digits.trim().parse::<f64>() {
        Ok(value) if (0.0..=100.0).contains(&value) => Ok(value),
        _ => Err(format!("{text:?} is no share; write 0% to 100%")),
    };
    match (kind, text.strip_suffix('%')) {
        (Kind::Share, Some(digits)) => Ok((Metric::ErrorShare, percent(digits)?)),
        (Kind::Percent, Some(digits)) => Ok((metric, percent(digits)?)),
        (Kind::Percent, None) => Err(format!("{text:?} is no share of the datagrams sent; write 1%")),
        (Kind::Share, None) => Ok((metric, read::count(text)? as f64)),
        (Kind::Duration, _) if text.ends_with(|last: char| last.is_ascii_digit()) => {
            Err(format!("{text:?} has no unit of time; write {text}ms or {text}us"))
        }
        (Kind::Duration, _) => Ok((metric, read::duration(text)?.as_nanos() as f64)),
        (Kind::Rate, _) => Ok((metric, read::rate(text)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_and_what_is_wrong_with_it() {
        for text in ["p99>2ms", "p99.9 >= 500us", "p50<1s", "mean>1ms", "max<=1h", "min<10us", "errors>0.1%", "errors>10"] {
            assert_eq!(Limit::parse(text).map(|limit| limit.text), Ok(text.to_owned()));
        }
        for text in ["loss>1%", "rate<9k", "rate<9k/s", "p100>1s"] {
            assert!(Limit::parse(text).is_ok(), "{text}");
        }
        for (text, what) in [
            ("p99", "a > or < is missing"),
            ("p99>", "the value after > is missing"),
            (">2ms", "unknown metric"),
            ("p101>1ms", "between p0 and p100"),
            ("p99>5", "no unit of time"),
            ("p99>5%", "no unit of time"),
            ("eror>1", "did you mean errors?"),
            ("lost>1%", "did you mean loss?"),
            ("latency>1ms", "bench --help lists them"),
            ("loss>5", "write 1%"),
            ("errors>200%", "0% to 100%"),
            ("rate<fast", "does not begin with a number"),
            ("errors>-1", "does not begin with a number"),
        ] {
            let error = Limit::parse(text).expect_err(text);
            assert!(error.contains(what), "{text}: {error}");
        }
    }

    #[test]
    fn a_goal_is_what_must_hold() {
        let fails = |text| Limit::parse_goal(text).map(|goal| goal.fails);
        assert_eq!((fails("p99<2ms"), fails("errors<=1%")), (Ok(Comparison::AtLeast), Ok(Comparison::Above)));
        for (text, what) in [("p99>2ms", "must hold: p99<2ms"), ("rate>1k", "is what is looked for"), ("p99", "is missing")]
        {
            let error = Limit::parse_goal(text).expect_err(text);
            assert!(error.contains(what), "{text}: {error}");
        }
    }

    #[test]
    fn what_cannot_be_judged_is_told_before_the_run() {
        let limit = |text| Limit::parse(text).expect(text);
        assert!(limit("loss>1%").applies(false, true).is_err());
        assert!(limit("loss>1%").applies(true, true).is_ok());
        assert!(limit("p99>1ms").applies(false, false).is_err());
        assert!(limit("rate<1k").applies(false, false).is_ok());
    }
}
