//! `--shard I/N`: one of several generators that act as one. What is asked for is asked of all of them together, and each takes its
//! part: connections and requests as evenly as they divide, and of an open loop every N-th request.
//!
//! May use: load's workers.

use std::fmt;

use super::{Until, load::Worker};

/// Number `index` of `of`, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    pub index: u64,
    pub of: u64,
}

/// More generators than this are a mistake.
const MOST: u64 = 10_000;

impl Shard {
    /// All of it.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Reads `2/3`, which counts from 1.
    ///
    /// # Errors
    /// One clause saying what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (number, of) = text.split_once('/').ok_or("write I/N, as in 1/3: the first of three")?;
        let read = |text: &str| text.trim().parse::<u64>().map_err(|_| format!("{text:?} is no whole number"));
        let (number, of) = (read(number)?, read(of)?);
        match (number, of) {
            (_, 0) => Err("there must be one shard at least".into()),
            (_, of) if of > MOST => Err(format!("there are {MOST} shards at most")),
            (0, _) => Err("shards count from 1".into()),
            (number, of) if number > of => Err(format!("there is no shard {number} of {of}")),
            (number, of) => Ok(Self { index: number - 1, of }),
        }
    }

    /// This one's part of so many things; all parts are everything.
    #[must_use]
    pub fn part(self, all: u64) -> u64 {
        all / self.of + u64::from(self.index < all % self.of)
    }

    /// Worker `index` of the `of` that this shard has, among all workers of all shards, however many the others have: what falls to this
    /// shard is every N-th request, and what falls to a worker every `of`-th of those.
    #[must_use]
    pub fn worker(self, index: u64, of: u64) -> Worker {
        Worker { index: self.index + self.of * index, of: self.of * of }
    }

    /// When such a worker ends, where the whole shard ends with `until`. A schedule takes its part of what it is told; told so many times
    /// its part, it takes just that.
    #[must_use]
    pub fn until(self, until: Until, (index, of): (u64, u64)) -> Until {
        match until {
            Until::Requests(all) => Until::Requests(Self { index, of }.part(all).saturating_mul(of).saturating_mul(self.of)),
            Until::Duration(_) => until,
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.of)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bench::{
        Arrivals,
        load::{Next, Schedule, Shape},
    };

    #[test]
    fn what_is_typed() {
        assert_eq!(Shard::parse("1/1"), Ok(Shard::WHOLE));
        assert_eq!(Shard::parse("2/3"), Ok(Shard { index: 1, of: 3 }));
        assert_eq!(Shard { index: 1, of: 3 }.to_string(), "2/3");
        for (text, what) in [
            ("2", "write I/N"),
            ("0/3", "count from 1"),
            ("4/3", "no shard 4 of 3"),
            ("1/0", "one shard at least"),
            ("a/3", "no whole number"),
            ("1/20000", "10000 shards at most"),
        ] {
            assert!(Shard::parse(text).expect_err(text).contains(what), "{text}");
        }
    }

    /// All that the workers of all shards send, with as many threads on each machine.
    fn sent(shape: Shape, threads: &[u64]) -> Vec<Duration> {
        let (of, mut sent) = (threads.len() as u64, Vec::new());
        for (index, threads) in threads.iter().enumerate() {
            let shard = Shard { index: index as u64, of };
            let until = match shape.until {
                Until::Requests(all) => Until::Requests(shard.part(all)),
                until @ Until::Duration(_) => until,
            };
            for worker in 0..*threads {
                let shape = Shape { until: shard.until(until, (worker, *threads)), ..shape };
                let mut schedule = Schedule::new(shape, shard.worker(worker, *threads), usize::MAX);
                while let Next::Now(due) = schedule.next(Duration::from_secs(3600), 0) {
                    sent.push(due);
                }
            }
        }
        sent.sort_unstable();
        sent
    }

    fn shape(until: Until) -> Shape {
        let arrivals = Arrivals::Constant;
        Shape { rate: Some(999.7), arrivals, ramp: Duration::ZERO, omit: Duration::ZERO, until, seed: 3 }
    }

    #[test]
    fn all_shards_send_just_what_one_would() {
        for until in [Until::Duration(Duration::from_secs(2)), Until::Requests(1000), Until::Requests(7)] {
            let whole = sent(shape(until), &[1]);
            for threads in [vec![1, 1], vec![2, 1, 3], vec![4, 4, 4, 4, 1]] {
                assert_eq!(sent(shape(until), &threads), whole, "{until:?} {threads:?}");
            }
        }
    }

    #[test]
    fn in_a_poisson_process_no_two_workers_draw_the_same() {
        let shape = Shape { arrivals: Arrivals::Poisson, ..shape(Until::Duration(Duration::from_secs(20))) };
        let all = sent(shape, &[2, 1, 3]);
        assert!((19_000..21_000).contains(&all.len()), "{}", all.len());
        assert!(all.windows(2).filter(|pair| pair[0] == pair[1]).count() < 3);
    }

    #[test]
    fn parts_are_everything() {
        for all in [0, 1, 2, 3, 64, 1000, u64::MAX] {
            let parts: u128 = (0..7).map(|index| u128::from(Shard { index, of: 7 }.part(all))).sum();
            assert_eq!(parts, u128::from(all));
        }
    }
}
