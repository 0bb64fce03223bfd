//! Values as the reports of the load generator show them, beside what `values::show` has.

use std::time::Duration;

use crate::values::show;

/// A value a person chose, without trailing zeros: `1 s`, `500 ms`, `1.5 s`. Measured values keep three digits.
#[must_use]
pub fn span(duration: Duration) -> String {
    let shown = show::duration(duration);
    let (number, unit) = shown.split_once(' ').unwrap_or((&shown, ""));
    let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    format!("{number} {unit}")
}

/// How long a run took: `10.0 s`.
#[must_use]
pub fn seconds(duration: Duration) -> String {
    format!("{} s", show::three_digits(duration.as_secs_f64()))
}

/// A share of the whole: `0.65 %`, `17.1 %`.
#[must_use]
pub fn percent(percent: f64) -> String {
    format!("{} %", show::three_digits(percent))
}

/// As [`percent`]; nothing is just that.
#[must_use]
pub fn share(percent: f64) -> String {
    if percent > 0.0 { self::percent(percent) } else { "0 %".into() }
}

/// As [`per_second`]; nothing is just that.
#[must_use]
pub fn rate(rate: f64) -> String {
    if rate > 0.0 { per_second(rate) } else { "0/s".into() }
}

/// Things per second: `121,430/s`, `2.50/s`.
#[must_use]
pub fn per_second(rate: f64) -> String {
    format!("{}/s", show::three_digits(rate))
}

/// A number a person chose, without trailing zeros.
#[must_use]
pub fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return show::grouped(value as u64);
    }
    let decimals = if value < 100.0 { 3 } else { 1 };
    format!("{value:.decimals$}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `1 connection`, `64 connections`.
#[must_use]
pub fn counted(n: u64, one: &str) -> String {
    format!("{} {one}{}", show::grouped(n), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_values_have_no_trailing_zeros() {
        for (micros, text) in [(1_000_000, "1 s"), (1_500_000, "1.5 s"), (5_000, "5 ms"), (500, "500 us"), (20_000, "20 ms")]
        {
            assert_eq!(span(Duration::from_micros(micros)), text);
        }
        assert_eq!(span(Duration::from_secs(100)), "100 s");
        assert_eq!(number(20_000.0), "20,000");
        assert_eq!(number(0.5), "0.5");
        assert_eq!(number(1_220.703_125), "1220.7");
        assert_eq!(counted(1, "connection"), "1 connection");
        assert_eq!(counted(1200, "socket"), "1,200 sockets");
    }
}
