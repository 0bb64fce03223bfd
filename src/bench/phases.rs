//! The steps on the way to an answer, each with its own latencies: SMTP's `mail`, `rcpt`, `message`; whatever a session reports.
//!
//! May use: stats' histograms.

use hdrhistogram::Histogram;

use super::stats::{add, histogram};

/// The steps, in the order in which they were first seen.
#[derive(Debug, Clone, Default)]
pub struct Phases(Vec<Phase>);

/// One step.
#[derive(Debug, Clone)]
pub struct Phase {
    pub name: &'static str,
    /// In nanoseconds.
    pub times: Histogram<u64>,
    /// How often it was done at the same instant as the one before: their answers came in one piece, and it has no time of its own.
    pub together: u64,
}

impl Phases {
    fn of(&mut self, name: &'static str) -> &mut Phase {
        let at = self.0.iter().position(|known| known.name == name).unwrap_or_else(|| {
            self.0.push(Phase { name, times: histogram(), together: 0 });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    /// A step of this name is done, and took so long; nothing at all: it came together with the one before.
    pub fn record(&mut self, name: &'static str, nanos: u64) {
        let phase = self.of(name);
        match nanos {
            0 => phase.together += 1,
            nanos => phase.times.saturating_record(nanos),
        }
    }

    /// A step with all that is known of it.
    pub fn put(&mut self, name: &'static str, times: &Histogram<u64>, together: u64) {
        let phase = self.of(name);
        add(&mut phase.times, times);
        phase.together += together;
    }

    pub fn add(&mut self, other: &Self) {
        for from in other.seen() {
            self.put(from.name, &from.times, from.together);
        }
    }

    pub fn clear(&mut self) {
        for phase in &mut self.0 {
            phase.times.reset();
            phase.together = 0;
        }
    }

    /// Those that were done at least once.
    pub fn seen(&self) -> impl Iterator<Item = &Phase> {
        self.0.iter().filter(|phase| !phase.times.is_empty() || phase.together > 0)
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
        some.record("body", 0);
        all.add(&some);
        all.add(&some);
        let seen: Vec<_> = all.seen().map(|phase| (phase.name, phase.times.len(), phase.together)).collect();
        assert_eq!(seen, [("mail", 4, 0), ("body", 2, 2)]);
        all.clear();
        assert_eq!(all.seen().count(), 0);
    }
}
