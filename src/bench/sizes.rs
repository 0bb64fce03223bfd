//! How long messages are: all alike, or drawn from a range or from a few lengths with weights.
//!
//! May use: fastrand, `values`.

use crate::values::read;

/// As typed: `64`, `64..1500`, `64:9,1400:1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sizes {
    One(usize),
    /// Each length from the first to the last is as likely.
    Uniform(usize, usize),
    /// Lengths, each with its weight.
    Weighted(Vec<(usize, u64)>),
}

impl Sizes {
    /// Reads what was typed; `length` reads one length.
    ///
    /// # Errors
    /// One clause saying what is wrong.
    pub fn parse(text: &str, length: impl Fn(&str) -> Result<usize, String>) -> Result<Self, String> {
        if let Some((from, to)) = text.split_once("..") {
            let (from, to) = (length(from)?, length(to.strip_prefix('=').unwrap_or(to))?);
            return match from.cmp(&to) {
                std::cmp::Ordering::Less => Ok(Self::Uniform(from, to)),
                std::cmp::Ordering::Equal => Ok(Self::One(from)),
                std::cmp::Ordering::Greater => Err(format!("{text:?} begins above its end")),
            };
        }
        if !text.contains([',', ':']) {
            return length(text).map(Self::One);
        }
        let weighted = |part: &str| match part.trim().split_once(':') {
            Some((size, weight)) => Ok((length(size)?, read::positive(weight)?)),
            None => Ok((length(part.trim())?, 1)),
        };
        let parts = text.split(',').map(weighted).collect::<Result<Vec<_>, String>>()?;
        Ok(Self::Weighted(parts))
    }

    #[must_use]
    pub fn shortest(&self) -> usize {
        match self {
            Self::One(size) | Self::Uniform(size, _) => *size,
            Self::Weighted(parts) => parts.iter().map(|(size, _)| *size).min().unwrap_or(0),
        }
    }

    #[must_use]
    pub fn longest(&self) -> usize {
        match self {
            Self::One(size) | Self::Uniform(_, size) => *size,
            Self::Weighted(parts) => parts.iter().map(|(size, _)| *size).max().unwrap_or(0),
        }
    }

    #[must_use]
    pub fn mean(&self) -> f64 {
        match self {
            Self::One(size) => *size as f64,
            Self::Uniform(from, to) => f64::midpoint(*from as f64, *to as f64),
            Self::Weighted(parts) => {
                let sum: f64 = parts.iter().map(|(size, weight)| *size as f64 * *weight as f64).sum();
                sum / total(parts) as f64
            }
        }
    }

    /// One of them.
    pub fn pick(&self, random: &mut fastrand::Rng) -> usize {
        match self {
            Self::One(size) => *size,
            Self::Uniform(from, to) => random.usize(*from..=*to),
            Self::Weighted(parts) => {
                let mut left = random.u64(..total(parts).max(1));
                for (size, weight) in parts {
                    if left < *weight {
                        return *size;
                    }
                    left -= weight;
                }
                self.longest()
            }
        }
    }
}

fn total(parts: &[(usize, u64)]) -> u64 {
    parts.iter().map(|(_, weight)| *weight).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(text: &str) -> Result<Sizes, String> {
        Sizes::parse(text, read::size)
    }

    #[test]
    fn what_is_typed() {
        assert_eq!(sizes("1K"), Ok(Sizes::One(1024)));
        assert_eq!(sizes("64..1500"), Ok(Sizes::Uniform(64, 1500)));
        assert_eq!((sizes("64..=64"), sizes("1..=2")), (Ok(Sizes::One(64)), Ok(Sizes::Uniform(1, 2))));
        assert_eq!(sizes("64:9,1K:1"), Ok(Sizes::Weighted(vec![(64, 9), (1024, 1)])));
        assert_eq!(sizes("64,1400"), Ok(Sizes::Weighted(vec![(64, 1), (1400, 1)])));
        for text in ["5..1", "..5", "5..", "64:0", "64:,5", "a", "64:9,", ""] {
            assert!(sizes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lengths_come_as_often_as_they_should() {
        let mut random = fastrand::Rng::with_seed(1);
        for (text, mean, shortest, longest) in [("64..1500", 782.0, 64, 1500), ("64:9,1400:1", 197.6, 64, 1400)] {
            let sizes = sizes(text).expect(text);
            assert_eq!((sizes.mean(), sizes.shortest(), sizes.longest()), (mean, shortest, longest));
            let drawn: Vec<_> = (0..100_000).map(|_| sizes.pick(&mut random)).collect();
            assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&shortest), Some(&longest)));
            // The deviation of one is at most 420: 1.3 for the mean of so many, and five of those either way.
            let sum: usize = drawn.iter().sum();
            assert!((sum as f64 / 1e5 - mean).abs() < 6.7, "{text}: {}", sum as f64 / 1e5);
        }
        let weighted = sizes("64:9,1400:1").expect("weights");
        let short = (0..100_000).filter(|_| weighted.pick(&mut random) == 64).count();
        // Standard deviation 95.
        assert!(short.abs_diff(90_000) < 570, "{short}");
    }
}
