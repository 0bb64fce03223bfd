//! What the rate of an open loop does over time, as people type it: stages, steps, a sine, bursts.
//!
//! May use: curve, `values`.

use std::time::Duration;

use super::curve::{Curve, Form};
use crate::values::read;

/// A course that was typed.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// As it was typed.
    pub text: String,
    pub kind: Kind,
}

/// Rates are requests per second.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// In so long to that rate, in a straight line, from 0 first.
    Stages(Vec<(Duration, f64)>),
    /// For so long at that rate.
    Steps(Vec<(Duration, f64)>),
    Sine {
        mean: f64,
        amplitude: f64,
        period: Duration,
    },
    Burst {
        size: u64,
        every: Duration,
    },
}

impl Kind {
    /// For JSON, and the name of its flag.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stages(_) => "stages",
            Self::Steps(_) => "steps",
            Self::Sine { .. } => "sine",
            Self::Burst { .. } => "burst",
        }
    }

    /// How long it lasts; `None`: for ever.
    #[must_use]
    pub fn lasts(&self) -> Option<Duration> {
        match self {
            Self::Stages(parts) | Self::Steps(parts) => Some(parts.iter().map(|(lasts, _)| *lasts).sum()),
            Self::Sine { .. } | Self::Burst { .. } => None,
        }
    }

    /// Equal parts, if it has some: a look at each alone is worth more than one at all.
    #[must_use]
    pub fn equal_parts(&self) -> Option<usize> {
        match self {
            // The last of equal parts has what a division left over, nanoseconds.
            Self::Steps(parts) => {
                let equal = parts.iter().all(|(lasts, _)| lasts.abs_diff(parts[0].0) < Duration::from_micros(1));
                equal.then_some(parts.len())
            }
            _ => None,
        }
    }

    /// Its highest rate; of bursts, that of many of them.
    #[must_use]
    pub fn highest(&self) -> f64 {
        match self {
            Self::Stages(parts) | Self::Steps(parts) => parts.iter().map(|(_, rate)| *rate).fold(0.0, f64::max),
            Self::Sine { mean, amplitude, .. } => mean + amplitude,
            Self::Burst { .. } => self.mean(),
        }
    }

    /// Requests per second, over all of it.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match self {
            Self::Stages(_) | Self::Steps(_) => {
                let all = self.lasts().unwrap_or_default();
                self.curve(Duration::ZERO, Duration::ZERO).due_by(all) / all.as_secs_f64()
            }
            Self::Sine { mean, .. } => *mean,
            Self::Burst { size, every } => *size as f64 / every.as_secs_f64(),
        }
    }

    /// What is due when, after a `ramp` to its first rate. Steps hold that while the run warms up; anything else begins with the
    /// warm-up.
    #[must_use]
    pub fn curve(&self, ramp: Duration, warm_up: Duration) -> Curve {
        match self {
            Self::Stages(parts) => {
                let rates = std::iter::once(0.0).chain(parts.iter().map(|(_, rate)| *rate));
                let lines = rates.zip(parts).map(|(from, (lasts, to))| (Form::line(from, *to, *lasts), *lasts));
                Curve::new(&lines.collect::<Vec<_>>(), None)
            }
            Self::Steps(parts) => {
                let first = parts.first().map_or(0.0, |(_, rate)| *rate);
                let steps = parts.iter().map(|(lasts, rate)| (Form::steady(*rate), *lasts));
                let before = [(Form::line(0.0, first, ramp), ramp), (Form::steady(first), warm_up)];
                Curve::new(&before.into_iter().chain(steps).collect::<Vec<_>>(), None)
            }
            Self::Sine { mean, amplitude, period } => {
                let sine = Form::Sine { mean: *mean, amplitude: *amplitude, period: *period };
                Curve::new(&[(Form::line(0.0, *mean, ramp), ramp)], Some(sine))
            }
            Self::Burst { size, every } => Curve::new(&[], Some(Form::Burst { size: *size, every: *every })),
        }
    }
}

/// A rate that does not change, after a ramp to it.
#[must_use]
pub fn steady(rate: f64, ramp: Duration) -> Curve {
    Curve::new(&[(Form::line(0.0, rate, ramp), ramp)], Some(Form::steady(rate)))
}

/// Steps as typed: each with its time, or none has one.
#[derive(Debug, Clone, PartialEq)]
pub enum Steps {
    Timed(Course),
    /// Equal parts of the run; with what was typed.
    Equal(String, Vec<f64>),
}

impl Steps {
    /// The course, where the run lasts so long.
    #[must_use]
    pub fn over(&self, duration: Duration) -> Course {
        match self {
            Self::Timed(course) => course.clone(),
            Self::Equal(text, rates) => {
                let each = duration / rates.len().max(1) as u32;
                let mut parts: Vec<_> = rates.iter().map(|rate| (each, *rate)).collect();
                if let Some((last, _)) = parts.last_mut() {
                    *last = duration.saturating_sub(each * (rates.len() - 1) as u32);
                }
                Course { text: text.clone(), kind: Kind::Steps(parts) }
            }
        }
    }
}

/// Parts of a course, at most: more are no picture any more.
const MOST_PARTS: usize = 1000;

/// Reads `10s:1k,30s:5k,10s:0`.
///
/// # Errors
/// One clause saying what is wrong.
pub fn stages(text: &str) -> Result<Course, String> {
    let parts = parts(text)?.into_iter().map(timed).collect::<Result<Vec<_>, _>>()?;
    let sums_up = parts.iter().map(|(lasts, _)| *lasts).sum::<Duration>();
    something(sums_up, parts.iter().map(|(_, rate)| *rate))?;
    Ok(Course { text: text.into(), kind: Kind::Stages(parts) })
}

/// Reads `1k,2k,5k` or `10s:1k,20s:2k`.
///
/// # Errors
/// One clause saying what is wrong.
pub fn steps(text: &str) -> Result<Steps, String> {
    let parts = parts(text)?;
    let with_time = parts.iter().filter(|part| part.contains(':')).count();
    if with_time == 0 {
        let rates = parts.into_iter().map(rate).collect::<Result<Vec<_>, _>>()?;
        something(Duration::MAX, rates.iter().copied())?;
        return Ok(Steps::Equal(text.into(), rates));
    }
    if with_time < parts.len() {
        return Err("either each step has a time or none, as in 10s:1k,20s:2k or 1k,2k".into());
    }
    let parts = parts.into_iter().map(timed).collect::<Result<Vec<_>, _>>()?;
    something(parts.iter().map(|(lasts, _)| *lasts).sum(), parts.iter().map(|(_, rate)| *rate))?;
    Ok(Steps::Timed(Course { text: text.into(), kind: Kind::Steps(parts) }))
}

/// Reads `MEAN:AMPLITUDE:PERIOD`.
///
/// # Errors
/// One clause saying what is wrong.
pub fn sine(text: &str) -> Result<Course, String> {
    let [mean, amplitude, period] = text.split(':').collect::<Vec<_>>()[..] else {
        return Err("a sine is MEAN:AMPLITUDE:PERIOD, as in 1k:500:30s".into());
    };
    let (mean, amplitude, period) = (read::rate(mean)?, rate(amplitude)?, some_time(period)?);
    if amplitude > mean {
        return Err("no rate is below 0: the amplitude is at most the mean".into());
    }
    if mean * period.as_secs_f64() < 1e-6 {
        return Err("the period is too short for its rate".into());
    }
    Ok(Course { text: text.into(), kind: Kind::Sine { mean, amplitude, period } })
}

/// Reads `100/1s`; `100/s` too.
///
/// # Errors
/// One clause saying what is wrong.
pub fn burst(text: &str) -> Result<Course, String> {
    let Some((size, every)) = text.split_once('/') else {
        return Err("a burst is COUNT/TIME, as in 100/1s".into());
    };
    let every =
        if every.starts_with(|first: char| first.is_ascii_alphabetic()) { format!("1{every}") } else { every.into() };
    let kind = Kind::Burst { size: read::positive(size)?, every: some_time(&every)? };
    Ok(Course { text: text.into(), kind })
}

fn parts(text: &str) -> Result<Vec<&str>, String> {
    let parts: Vec<_> = text.split(',').map(str::trim).collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err(format!("{text:?} has an empty part"));
    }
    if parts.len() > MOST_PARTS { Err(format!("{} parts are more than {MOST_PARTS}", parts.len())) } else { Ok(parts) }
}

/// `10s:1k`
fn timed(part: &str) -> Result<(Duration, f64), String> {
    let Some((lasts, to)) = part.split_once(':') else {
        return Err(format!("{part:?} is no TIME:RATE, as in 10s:1k"));
    };
    Ok((read::duration(lasts)?, rate(to)?))
}

/// A rate that may be 0.
fn rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    if !number.is_empty() && number.bytes().all(|byte| byte == b'0') { Ok(0.0) } else { read::rate(text) }
}

fn some_time(text: &str) -> Result<Duration, String> {
    match read::duration(text)? {
        Duration::ZERO => Err("its time must be more than 0".into()),
        duration => Ok(duration),
    }
}

fn something(lasts: Duration, rates: impl Iterator<Item = f64>) -> Result<(), String> {
    match (lasts.is_zero(), rates.fold(0.0, f64::max) > 0.0) {
        (true, _) => Err("all of it lasts no time".into()),
        (_, false) => Err("all of it is a rate of 0".into()),
        _ => Ok(()),
    }
}
