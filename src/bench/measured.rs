//! What runs that only measure, `--bulk` and `--one-way`, have in common: what was run, how a part of it failed, and the course of it.
//!
//! The course is kept in bounded memory: when there are too many pieces, neighbours are joined, and from then on each covers twice
//! the time.
//!
//! May use: `os`'s machine.

use std::time::{Duration, SystemTime};

use crate::os::Machine;

/// What was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    pub transport: &'static str,
    pub target: String,
    pub protocol: &'static str,
    /// The server tells what it counted.
    pub two_views: bool,
    pub threads: usize,
    pub timeout: Duration,
    pub omit: Duration,
    pub command: String,
    pub started_at: SystemTime,
    pub machine: Machine,
}

/// How a stream or a socket ended that did not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub sentence: String,
    pub hint: Option<&'static str>,
    pub timed_out: bool,
}

/// Pieces at most: a minute in quarters of a second.
const MOST: usize = 256;

/// What was measured in some time.
pub trait Piece {
    fn lasted(&self) -> Duration;

    /// Takes in what follows it.
    fn join(&mut self, next: &Self);
}

/// Where the pieces of a run are gathered.
#[derive(Debug)]
pub struct Course<P> {
    pieces: Vec<P>,
    /// A piece that is shorter goes on growing.
    least: Duration,
}

impl<P> Default for Course<P> {
    fn default() -> Self {
        Self { pieces: Vec::new(), least: Duration::ZERO }
    }
}

impl<P: Piece> Course<P> {
    pub fn push(&mut self, piece: P) {
        match self.pieces.last_mut() {
            Some(last) if last.lasted() < self.least => last.join(&piece),
            _ => self.pieces.push(piece),
        }
        if self.pieces.len() > MOST {
            self.halve();
        }
    }

    fn halve(&mut self) {
        let mut pieces = std::mem::take(&mut self.pieces).into_iter();
        while let Some(mut piece) = pieces.next() {
            if let Some(next) = pieces.next() {
                piece.join(&next);
                // Looks are not quite as far apart as they should be.
                self.least = self.least.max(piece.lasted().mul_f64(0.9));
            }
            self.pieces.push(piece);
        }
    }

    /// The run has ended. A last piece of a moment would have a rate of anything: it belongs to the one before.
    #[must_use]
    pub fn end(mut self) -> Vec<P> {
        if let [.., before, last] = &mut self.pieces[..]
            && last.lasted() < before.lasted() / 2
        {
            before.join(last);
            self.pieces.pop();
        }
        self.pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    struct Counted {
        ms: u64,
        count: u64,
    }

    impl Piece for Counted {
        fn lasted(&self) -> Duration {
            Duration::from_millis(self.ms)
        }

        fn join(&mut self, next: &Self) {
            (self.ms, self.count) = (self.ms + next.ms, self.count + next.count);
        }
    }

    #[test]
    fn a_long_run_stays_small_and_loses_nothing() {
        let mut course = Course::default();
        let many = 5 * MOST as u64 + 3;
        for _ in 0..many {
            course.push(Counted { ms: 250, count: 2 });
            assert!(course.pieces.len() <= MOST);
        }
        course.push(Counted { ms: 1, count: 7 });
        let pieces = course.end();
        assert!(pieces.len() > MOST / 4, "{} pieces", pieces.len());
        assert_eq!(pieces.iter().map(|piece| piece.count).sum::<u64>(), 2 * many + 7);
        assert_eq!(pieces.iter().map(|piece| piece.ms).sum::<u64>(), 250 * many + 1);
        assert!(pieces[..pieces.len() - 1].iter().all(|piece| piece.ms == pieces[0].ms), "{pieces:?}");
    }

    #[test]
    fn a_moment_at_the_end_is_no_piece_of_its_own() {
        let of = |all: &[u64]| {
            let mut course = Course::default();
            for ms in all {
                course.push(Counted { ms: *ms, count: 1 });
            }
            course.end().iter().map(|piece| piece.ms).collect::<Vec<_>>()
        };
        assert_eq!(of(&[250, 250, 3]), [250, 253]);
        assert_eq!(of(&[250, 200]), [250, 200]);
        assert_eq!((of(&[3]), of(&[])), (vec![3], vec![]));
    }
}
