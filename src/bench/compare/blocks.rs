//! How long the blocks of a block bootstrap must be. Intervals of one run follow each other: a slow one is followed by a slow one.
//! Drawn one by one they would look more different from run to run than they are alike within one, and any two runs would seem
//! to differ. So they are drawn in blocks long enough to be independent of each other.
//!
//! The length is chosen from the data, as Politis and White (2004, corrected by Patton, Politis and White 2009) do for the circular
//! bootstrap: from the autocovariances up to the lag at which they are lost in chance.
//!
//! May use: core and std data types.

/// What is within so many standard errors of zero is no correlation.
const LOST: f64 = 2.0;
/// So many lags in a row must be lost.
const IN_A_ROW: usize = 5;

/// The length of blocks for a series, in intervals; at least 1.
#[must_use]
pub fn length(series: &[f64]) -> f64 {
    let n = series.len();
    if n < 4 {
        return 1.0;
    }
    let covariances = covariances(series);
    if covariances[0] <= 0.0 {
        return 1.0;
    }
    let lags = 2 * last_correlated(&covariances, n);
    let (mut slope, mut variance) = (0.0, covariances[0]);
    for (lag, covariance) in covariances.iter().enumerate().take(lags + 1).skip(1) {
        // A flat-top window: the first half as it is, then down to nothing.
        let weight = (2.0 * (1.0 - lag as f64 / lags as f64)).min(1.0);
        slope += 2.0 * weight * lag as f64 * covariance;
        variance += 2.0 * weight * covariance;
    }
    if variance <= 0.0 {
        return 1.0;
    }
    let ratio = 2.0 * slope * slope / (4.0 / 3.0 * variance * variance);
    (ratio * n as f64).cbrt().max(1.0)
}

/// From lag 0 on, as far as anybody looks.
fn covariances(series: &[f64]) -> Vec<f64> {
    let n = series.len();
    let mean = series.iter().sum::<f64>() / n as f64;
    let at = |lag: usize| -> f64 {
        series.iter().zip(&series[lag..]).map(|(one, other)| (one - mean) * (other - mean)).sum::<f64>() / n as f64
    };
    (0..n.min(2 * most_lags(n) + 1)).map(at).collect()
}

fn most_lags(n: usize) -> usize {
    (n as f64).sqrt().ceil() as usize + IN_A_ROW
}

/// The last lag before those that are lost in chance; at least 1.
fn last_correlated(covariances: &[f64], n: usize) -> usize {
    let bound = LOST * ((n as f64).log10() / n as f64).sqrt() * covariances[0];
    let most = most_lags(n);
    let lost = |from: usize| covariances.iter().skip(from).take(IN_A_ROW).all(|covariance| covariance.abs() < bound);
    (1..most).find(|lag| lost(*lag)).map_or(most, |lag| lag - 1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each value keeps a share of the one before.
    fn series(n: usize, keeps: f64, seed: u64) -> Vec<f64> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut value = 0.0;
        let mut next = || {
            value = keeps * value + (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
            value
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn what_is_correlated_has_longer_blocks() {
        let mean = |keeps| (0..40).map(|seed| length(&series(240, keeps, seed))).sum::<f64>() / 40.0;
        let (none, some, much) = (mean(0.0), mean(0.5), mean(0.9));
        assert!(none < 4.0 && some > none + 1.0 && much > 2.0 * some, "{none} {some} {much}");
    }

    #[test]
    fn what_does_not_vary_needs_no_blocks() {
        assert!(length(&[5.0; 40]) <= 1.0);
        assert!(length(&[1.0, 2.0]) <= 1.0);
        assert!(length(&series(8, 0.99, 1)).is_finite());
    }
}
