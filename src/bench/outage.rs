//! When there was no server: stretches in which connections were lost and could not be had again.
//!
//! May use: the standard library.

use std::time::{Duration, Instant};

/// Shorter ones are no concern: a connection that is made anew takes a moment.
const SHORTEST: Duration = Duration::from_millis(100);
/// More than so many are not told apart.
const MOST: usize = 100;

/// One stretch of the measured time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// Both from the start of the measured time.
    pub from: Duration,
    pub to: Duration,
    /// So many connections had no server for a part of it at least.
    pub connections: usize,
    /// All of them had one again before the end.
    pub over: bool,
}

impl Outage {
    /// The same so much later.
    #[must_use]
    pub fn later(&self, by: Duration) -> Self {
        Self { from: self.from + by, to: self.to + by, ..self.clone() }
    }
}

#[derive(Debug, Clone)]
struct Stretch {
    from: Instant,
    to: Instant,
    /// In order.
    connections: Vec<usize>,
    over: bool,
}

/// What one worker knows of them.
#[derive(Debug, Clone, Default)]
pub struct Outages(Vec<Stretch>);

impl Outages {
    /// `connection` was without a server. To be told in the order of the ends.
    pub fn add(&mut self, connection: usize, from: Instant, to: Instant, over: bool) {
        if to.saturating_duration_since(from) >= SHORTEST {
            self.join(Stretch { from, to, connections: vec![connection], over });
        }
    }

    /// All of them are so much later by the clock than they are in the run.
    pub fn leave_out(&mut self, pause: Duration) {
        for stretch in &mut self.0 {
            (stretch.from, stretch.to) = (stretch.from + pause, stretch.to + pause);
        }
    }

    /// What overlaps is one.
    fn join(&mut self, mut stretch: Stretch) {
        let full = self.0.len() >= MOST;
        while let Some(mut before) = self.0.pop_if(|before| full || before.to >= stretch.from) {
            stretch.from = stretch.from.min(before.from);
            stretch.to = stretch.to.max(before.to);
            add_all(&mut before.connections, &stretch.connections);
            stretch.connections = before.connections;
            stretch.over &= before.over;
            if full {
                break;
            }
        }
        self.0.push(stretch);
    }

    /// Those of all workers, as far as they lie in the measured time.
    #[must_use]
    pub fn together<'a>(all: impl Iterator<Item = &'a Self>, start: Instant, lasts: Duration) -> Vec<Outage> {
        let mut stretches: Vec<&Stretch> = Vec::new();
        for stretch in all.flat_map(|worker| &worker.0) {
            let at = stretches.partition_point(|before| before.to <= stretch.to);
            stretches.insert(at, stretch);
        }
        let mut joined = Self::default();
        for stretch in stretches {
            joined.join(stretch.clone());
        }
        let since = |at: Instant| at.saturating_duration_since(start).min(lasts);
        let outages = joined.0.into_iter().map(|stretch| Outage {
            from: since(stretch.from),
            to: since(stretch.to),
            connections: stretch.connections.len(),
            over: stretch.over,
        });
        outages.filter(|outage| outage.to.saturating_sub(outage.from) >= SHORTEST).collect()
    }
}

/// Each once, and in order.
fn add_all(to: &mut Vec<usize>, from: &[usize]) {
    for connection in from {
        if let Err(at) = to.binary_search(connection) {
            to.insert(at, *connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overlaps_is_one_and_what_is_short_is_none() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let (mut one, mut other) = (Outages::default(), Outages::default());
        one.add(0, at(1000), at(1050), true);
        one.add(0, at(2000), at(2500), true);
        one.add(2, at(2400), at(2900), true);
        one.add(0, at(7000), at(9000), true);
        other.add(1, at(2800), at(4000), true);
        other.add(1, at(8000), at(9500), false);
        let outages = Outages::together([&one, &other].into_iter(), at(500), Duration::from_secs(8));
        let told: Vec<_> = outages
            .iter()
            .map(|outage| (outage.from.as_millis(), outage.to.as_millis(), outage.connections, outage.over))
            .collect();
        assert_eq!(told, [(1500, 3500, 3, true), (6500, 8000, 2, false)]);
        assert!(Outages::together([&one].into_iter(), at(9000), Duration::from_secs(8)).is_empty());
    }

    #[test]
    fn they_are_bounded() {
        let start = Instant::now();
        let at = |n: u64| start + Duration::from_secs(n);
        let mut many = Outages::default();
        for n in 0..10_000 {
            many.add(0, at(2 * n), at(2 * n + 1), true);
        }
        let outages = Outages::together([&many].into_iter(), start, Duration::from_secs(20_000));
        assert_eq!((outages.len(), outages[98].to), (MOST, Duration::from_secs(197)));
        assert_eq!((outages[99].from, outages[99].to), (Duration::from_secs(198), Duration::from_secs(19_999)));
    }
}
