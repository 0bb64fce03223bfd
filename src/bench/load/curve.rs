//! How many requests are due by when: the integral of a rate over time, and its inverse, to the nanosecond.
//!
//! A [`Curve`] is a row of pieces, each a straight line, a sine or bursts. Request `k` is due at the last moment at which no more than
//! `k` requests were due before it; where the rate is zero for a while, that is the end of the while. Counts are `f64`: up to 2^53
//! requests they are exact, and a time is found within its piece, so that a long run is as exact as a short one.
//!
//! May use: core and std data types.

use std::{f64::consts::TAU, time::Duration};

/// What the rate does in one piece, from its beginning on. Rates are per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    /// It begins with `rate` and grows by `slope` each second.
    Line { rate: f64, slope: f64 },
    /// It swings about `mean`, from there upwards first.
    Sine { mean: f64, amplitude: f64, period: Duration },
    /// So many at once, at the beginning and then every so often.
    Burst { size: u64, every: Duration },
}

impl Form {
    /// A rate that does not change.
    #[must_use]
    pub fn steady(rate: f64) -> Self {
        Self::Line { rate, slope: 0.0 }
    }

    /// From one rate to another, in a straight line.
    #[must_use]
    pub fn line(from: f64, to: f64, lasts: Duration) -> Self {
        Self::Line { rate: from, slope: (to - from) / lasts.as_secs_f64() }
    }

    /// So many times the rate. A burst has always one more, or one less.
    fn scaled(self, by: f64) -> Self {
        match self {
            Self::Line { rate, slope } => Self::Line { rate: rate * by, slope: slope * by },
            Self::Sine { mean, amplitude, period } => Self::Sine { mean: mean * by, amplitude: amplitude * by, period },
            Self::Burst { size, every } => {
                let scaled = size as f64 * by;
                let size = if by > 1.0 { scaled.ceil() } else { scaled.floor() };
                Self::Burst { size: (size as u64).max(1), every }
            }
        }
    }

    /// How many are due before `u`.
    fn count(self, u: Duration) -> f64 {
        let seconds = u.as_secs_f64();
        match self {
            Self::Line { rate, slope } => seconds * (rate + slope * seconds / 2.0),
            Self::Sine { mean, amplitude, period } => {
                let (whole, rest) = periods(u, period);
                mean * seconds_in(whole, period) + swung(mean, amplitude, period, rest)
            }
            Self::Burst { size, every } => size as f64 * u.as_nanos().div_ceil(every.as_nanos()) as f64,
        }
    }

    /// When so many are due: the inverse of [`Self::count`].
    fn time(self, count: f64) -> Duration {
        match self {
            // The root of the quadratic in the form that loses no digits where the slope is small.
            Self::Line { rate, slope } => {
                let rate_then = (rate * rate + 2.0 * slope * count).max(0.0).sqrt();
                seconds(if count > 0.0 { 2.0 * count / (rate + rate_then) } else { 0.0 })
            }
            Self::Sine { mean, amplitude, period } => {
                let each = mean * period.as_secs_f64();
                let whole = (count / each).floor();
                let rest = (count - whole * each).max(0.0);
                times(period, whole).saturating_add(seconds(unswung(mean, amplitude, period.as_secs_f64(), rest)))
            }
            Self::Burst { size, every } => times(every, (count / size as f64).floor()),
        }
    }

    /// The rate at `u`; of bursts, that of many of them.
    fn rate(self, u: Duration) -> f64 {
        match self {
            Self::Line { rate, slope } => rate + slope * u.as_secs_f64(),
            Self::Sine { mean, amplitude, period } => {
                let (_, rest) = periods(u, period);
                mean + amplitude * (TAU * rest / period.as_secs_f64()).sin()
            }
            Self::Burst { size, every } => size as f64 / every.as_secs_f64(),
        }
    }
}

/// Whole periods before `u`, and the seconds since the last.
fn periods(u: Duration, period: Duration) -> (f64, f64) {
    let (u, period) = (u.as_nanos(), period.as_nanos());
    ((u / period) as f64, (u % period) as f64 / 1e9)
}

fn seconds_in(periods: f64, period: Duration) -> f64 {
    periods * period.as_secs_f64()
}

/// How many a swinging rate makes due within its first `u` seconds.
fn swung(mean: f64, amplitude: f64, period: Duration, u: f64) -> f64 {
    let period = period.as_secs_f64();
    mean * u + amplitude * period / TAU * (1.0 - (TAU * u / period).cos())
}

/// When a swinging rate has made so many due: Newton's method, kept within what is known of the root. The rate is never below zero,
/// so there is one.
fn unswung(mean: f64, amplitude: f64, period: f64, count: f64) -> f64 {
    const CLOSE: f64 = 1e-11;
    let (mut low, mut high, mut u) = (0.0, period, count / mean);
    for _ in 0..100 {
        let angle = TAU * u / period;
        let over = mean * u + amplitude * period / TAU * (1.0 - angle.cos()) - count;
        if over > 0.0 {
            high = u;
        } else {
            low = u;
        }
        let step = u - over / (mean + amplitude * angle.sin());
        let next = if step > low && step < high { step } else { f64::midpoint(low, high) };
        if (next - u).abs() < CLOSE || high - low < CLOSE {
            return next;
        }
        u = next;
    }
    u
}

/// Rounded to the nanosecond; [`Duration::MAX`] when that is centuries away.
fn seconds(seconds: f64) -> Duration {
    nanos((seconds * 1e9).round())
}

/// So many times a duration.
fn times(duration: Duration, many: f64) -> Duration {
    match (many as u128).checked_mul(duration.as_nanos()) {
        Some(all) if all < u128::from(u64::MAX) => Duration::from_nanos(all as u64),
        _ => Duration::MAX,
    }
}

fn nanos(nanos: f64) -> Duration {
    if nanos < u64::MAX as f64 { Duration::from_nanos(nanos as u64) } else { Duration::MAX }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    begins: Duration,
    /// How many were due before it.
    before: f64,
    form: Form,
    /// Where in its form it begins, and how many were due in that by then.
    into: (Duration, f64),
}

impl Piece {
    fn new(begins: Duration, before: f64, form: Form) -> Self {
        Self { begins, before, form, into: (Duration::ZERO, 0.0) }
    }

    /// How long its form has lasted at `at`.
    fn since(&self, at: Duration) -> Duration {
        at.saturating_sub(self.begins) + self.into.0
    }

    /// How many are due before `at`.
    fn due_by(&self, at: Duration) -> f64 {
        self.before + (self.form.count(self.since(at)) - self.into.1)
    }

    /// When the request is due before which `count` others are.
    fn time_of(&self, count: f64) -> Duration {
        let since = self.form.time(count - self.before + self.into.1).saturating_sub(self.into.0);
        self.begins.saturating_add(since)
    }
}

/// The pieces in a row; see above.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    pieces: Vec<Piece>,
    /// When it is over, and how many were due by then.
    ends: Option<(Duration, f64)>,
    /// It is another than it was at first.
    changed: bool,
}

impl Curve {
    /// Pieces that last, and what comes after them for ever; `None`: nothing does.
    #[must_use]
    pub fn new(parts: &[(Form, Duration)], tail: Option<Form>) -> Self {
        let (mut begins, mut before) = (Duration::ZERO, 0.0);
        let mut pieces = Vec::new();
        for (form, lasts) in parts.iter().filter(|(_, lasts)| !lasts.is_zero()) {
            pieces.push(Piece::new(begins, before, *form));
            before += form.count(*lasts);
            begins += *lasts;
        }
        pieces.extend(tail.map(|form| Piece::new(begins, before, form)));
        Self { pieces, ends: tail.is_none().then_some((begins, before)), changed: false }
    }

    /// How many requests are due before `at`.
    #[must_use]
    pub fn due_by(&self, at: Duration) -> f64 {
        if let Some((end, count)) = self.ends
            && at >= end
        {
            return count;
        }
        self.piece_at(at).map_or(0.0, |piece| piece.due_by(at))
    }

    /// When the request before which `count` others are due is due: the inverse of [`Self::due_by`]. [`Duration::MAX`]: never.
    #[must_use]
    pub fn time_of(&self, count: f64) -> Duration {
        if self.ends.is_some_and(|(_, all)| count >= all) {
            return Duration::MAX;
        }
        let next = self.pieces.partition_point(|piece| piece.before <= count);
        let Some(piece) = next.checked_sub(1).and_then(|at| self.pieces.get(at)) else { return Duration::MAX };
        let due = piece.time_of(count);
        // Rounding must not carry it over the end of its piece.
        self.pieces.get(next).map_or(due, |next| due.min(next.begins))
    }

    /// The rate at `at`, per second; 0 after the end.
    #[must_use]
    pub fn rate_at(&self, at: Duration) -> f64 {
        if self.ends.is_some_and(|(end, _)| at >= end) {
            return 0.0;
        }
        self.piece_at(at).map_or(0.0, |piece| piece.form.rate(piece.since(at)))
    }

    /// The same until `at`, and from then on `other`, which begins there. What was due stays due: so a rate can be changed while
    /// a run goes on, and all who share the curve still send the whole of it.
    #[must_use]
    pub fn then(&self, at: Duration, other: &Self) -> Self {
        let before = self.due_by(at);
        let kept = self.pieces.iter().filter(|piece| piece.begins < at).copied();
        let moved =
            other.pieces.iter().map(|piece| Piece { begins: at + piece.begins, before: before + piece.before, ..*piece });
        let quiet = self.ends.filter(|(end, _)| *end < at);
        let gap = quiet.map(|(begins, before)| Piece::new(begins, before, Form::steady(0.0)));
        Self {
            pieces: kept.chain(gap).chain(moved).collect(),
            ends: other.ends.map(|(end, count)| (at + end, before + count)),
            changed: true,
        }
    }

    /// What is left of it at `at`, with so many times the rate.
    #[must_use]
    pub fn rest(&self, at: Duration, by: f64) -> Self {
        let (mut pieces, mut before) = (Vec::new(), 0.0);
        let ends = self.ends.map(|(end, _)| end);
        for (number, piece) in self.pieces.iter().enumerate() {
            let next = self.pieces.get(number + 1).map(|next| next.begins).or(ends);
            if next.is_some_and(|next| next <= at) {
                continue;
            }
            let (form, into) = (piece.form.scaled(by), piece.since(at));
            let rest = Piece { begins: piece.begins.saturating_sub(at), before, form, into: (into, form.count(into)) };
            before = next.map_or(before, |next| rest.due_by(next.saturating_sub(at)));
            pieces.push(rest);
        }
        Self { pieces, ends: ends.map(|end| (end.saturating_sub(at), before)), changed: self.changed }
    }

    /// Was another put in its place somewhere?
    #[must_use]
    pub fn changed(&self) -> bool {
        self.changed
    }

    fn piece_at(&self, at: Duration) -> Option<&Piece> {
        let next = self.pieces.partition_point(|piece| piece.begins <= at);
        self.pieces.get(next.checked_sub(1)?)
    }
}
