//! The steps on the way to an answer, each with its own latencies: SMTP's `mail`, `rcpt`, `message`; whatever a session reports.
//!
//! May use: stats' histograms.

use hdrhistogram::Histogram;

use super::stats::{add, histogram};

/// Latencies in nanoseconds by the step's name, in the order in which steps were first seen.
#[derive(Debug, Clone, Default)]
pub struct Phases(Vec<(&'static str, Histogram<u64>)>);

impl Phases {
    fn of(&mut self, name: &'static str) -> &mut Histogram<u64> {
        let at = self.0.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            self.0.push((name, histogram()));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }

    /// A step of this name is done, and took so long.
    pub fn record(&mut self, name: &'static str, nanos: u64) {
        self.of(name).saturating_record(nanos);
    }

    pub fn add(&mut self, other: &Self) {
        for (name, from) in other.seen() {
            add(self.of(name), from);
        }
    }

    pub fn clear(&mut self) {
        self.0.iter_mut().for_each(|(_, histogram)| histogram.reset());
    }

    /// Those that were done at least once.
    pub fn seen(&self) -> impl Iterator<Item = (&'static str, &Histogram<u64>)> {
        self.0.iter().filter(|(_, histogram)| !histogram.is_empty()).map(|(name, histogram)| (*name, histogram))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_keep_their_order_and_add_up() {
        let (mut all, mut some) = (Phases::default(), Phases::default());
        some.record("mail", 1000);
        some.record("body", 2000);
        some.record("mail", 3000);
        all.add(&some);
        all.add(&some);
        let seen: Vec<_> = all.seen().map(|(name, histogram)| (name, histogram.len())).collect();
        assert_eq!(seen, [("mail", 4), ("body", 2)]);
        all.clear();
        assert_eq!(all.seen().count(), 0);
    }
}
