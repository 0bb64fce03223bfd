//! Were all connections served alike?
//!
//! May use: core and std data types.

/// How right answers were spread over connections.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fairness {
    /// Jain's index: 1 when all had the same, 1/n when one of n had everything (R. Jain, D. Chiu, W. Hawe, DEC-TR-301, 1984).
    pub jain_index: f64,
    /// Right answers on the connection that had fewest, and on the one that had most.
    pub fewest: u64,
    pub most: u64,
}

impl Fairness {
    /// Of these counts, one for each connection. `None` where there is nothing to share: fewer than two, or no answer.
    #[must_use]
    pub fn of(counts: &[u64]) -> Option<Self> {
        let (fewest, most) = (*counts.iter().min()?, *counts.iter().max()?);
        if counts.len() < 2 || most == 0 {
            return None;
        }
        // In shares of the largest, so that no square is too large.
        let shares = counts.iter().map(|count| *count as f64 / most as f64);
        let (sum, squares) = shares.fold((0.0, 0.0), |(sum, squares), share| (sum + share, squares + share * share));
        Some(Self { jain_index: sum * sum / (counts.len() as f64 * squares), fewest, most })
    }

    /// Below this, and with answers enough to tell, a person should know.
    const UNEVEN: f64 = 0.9;
    /// Answers on each connection, on average, that are enough: chance alone spreads fewer unevenly.
    const ENOUGH: u64 = 20;

    /// Is it worth a line without being asked for?
    #[must_use]
    pub fn is_uneven(&self, answers: u64, connections: usize) -> bool {
        self.jain_index < Self::UNEVEN && answers >= Self::ENOUGH * connections as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jain_by_the_table() {
        for (counts, index) in [
            (&[5, 5, 5, 5][..], 1.0),
            (&[8, 0, 0, 0], 0.25),
            (&[3, 1], 0.8),
            (&[u64::MAX, u64::MAX], 1.0),
            (&[1, 2, 3, 4], 100.0 / (4.0 * 30.0)),
        ] {
            let fairness = Fairness::of(counts).unwrap();
            assert!((fairness.jain_index - index).abs() < 1e-12, "{counts:?}: {fairness:?}");
            assert_eq!((fairness.fewest, fairness.most), (*counts.iter().min().unwrap(), *counts.iter().max().unwrap()));
        }
        for nothing in [&[][..], &[7], &[0, 0]] {
            assert_eq!(Fairness::of(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn chance_is_not_told() {
        let fairness = Fairness::of(&[1, 3]).unwrap();
        assert!(!fairness.is_uneven(4, 2) && fairness.is_uneven(40, 2));
        assert!(!Fairness::of(&[10, 11]).unwrap().is_uneven(1000, 2));
    }
}
