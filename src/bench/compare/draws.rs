//! Runs as they could have been: a bootstrap over the intervals that were kept.
//!
//! A run is drawn anew from its own intervals, in blocks ([`blocks`]); where a record has several runs, runs are drawn first, since
//! runs differ by more than their intervals do. Of each drawn run the histograms are added and the figures read as ever.
//!
//! May use: results, record, `fastrand`.

use super::{blocks, figure::Figure};
use crate::bench::{
    failure::Failure,
    record::{
        Document, Made, Piece, Record,
        measured::{Moment, What},
    },
    results::Results,
    stats::Counters,
};

/// Blocks must not be longer than this share of a run: of fewer than so many nothing can be told.
const FEWEST_BLOCKS: usize = 4;

/// One interval.
struct Drawn {
    seconds: f64,
    counts: Counts,
    /// Place among the values, and how many of it.
    latencies: Vec<(usize, u64)>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    right: u64,
    failed: u64,
    sent: u64,
    lost: u64,
}

impl Counts {
    fn of(counters: &Counters) -> Self {
        let lost = counters.failures(Failure::TimedOut);
        Self { right: counters.right, failed: counters.failed(), sent: counters.sent, lost }
    }

    fn add(&mut self, other: Self) {
        self.right += other.right;
        self.failed += other.failed;
        self.sent += other.sent;
        self.lost += other.lost;
    }
}

/// Blocks are this times the cube root of the intervals at least, as theory has the best length grow: in a short run the correlation
/// can't be seen, and is there all the same.
const SHORTEST: f64 = 2.5;

struct Run {
    pieces: Vec<Drawn>,
    /// Intervals of a block.
    block: usize,
}

/// All that was kept of a record, to draw from.
pub(super) struct Urn {
    /// Every latency that occurs, lowest and highest of its bucket, in order.
    values: Vec<(f64, f64)>,
    runs: Vec<Run>,
}

/// What one drawing adds up to.
pub(super) struct Sum {
    seconds: f64,
    counts: Counts,
    latencies: Vec<u64>,
    answers: u64,
}

impl Urn {
    pub(super) fn of(document: &Document) -> Self {
        match document {
            Document::Requests(record) => Self::of_requests(record),
            Document::Measured(run) => {
                let pieces = run.course.iter().map(|moment| Drawn::measured(moment, &run.what)).collect();
                Self { values: Vec::new(), runs: vec![Run::cut(pieces, &[])] }
            }
        }
    }

    fn of_requests(record: &Record) -> Self {
        let runs = match record.made {
            Made::InTurn => record.runs(),
            // What several did at the same time is one course.
            Made::Once | Made::AtOnce => std::slice::from_ref(&record.all),
        };
        let histogram = &record.all.totals.latency;
        let bucket = |value: u64| (histogram.lowest_equivalent(value), histogram.highest_equivalent(value));
        let values: Vec<_> = histogram.iter_recorded().map(|at| bucket(at.value_iterated_to())).collect();
        let runs: Vec<_> = runs.iter().map(|run| Run::of(run, &values)).collect();
        let values = values.into_iter().map(|(low, high)| (low as f64, high as f64 + 1.0)).collect();
        Self { values, runs }
    }

    /// The fewest intervals of a run.
    pub(super) fn fewest(&self) -> usize {
        self.runs.iter().map(|run| run.pieces.len()).min().unwrap_or(0)
    }

    /// How many intervals have part in what lies beyond a percentile: as many as would have it if all had the same (Kish).
    pub(super) fn moments(&self, percentile: f64) -> f64 {
        let all = self.all();
        let below = percentile / 100.0 * all.answers as f64;
        let mut sum = 0;
        let place = all.latencies.iter().position(|count| {
            sum += count;
            sum as f64 >= below
        });
        let beyond = |piece: &Drawn| piece.beyond(place.unwrap_or(0)) as f64;
        let each: Vec<_> = self.runs.iter().flat_map(|run| &run.pieces).map(beyond).collect();
        let squares: f64 = each.iter().map(|count| count * count).sum();
        if squares > 0.0 { each.iter().sum::<f64>().powi(2) / squares } else { 0.0 }
    }

    /// How many things there are that are independent of each other: runs, or the blocks of the only one.
    pub(super) fn independent(&self) -> f64 {
        match self.runs.as_slice() {
            [run] => run.pieces.len() as f64 / run.block as f64,
            runs => runs.len() as f64,
        }
    }

    pub(super) fn empty(&self) -> Sum {
        Sum { seconds: 0.0, counts: Counts::default(), latencies: vec![0; self.values.len()], answers: 0 }
    }

    /// Everything once: as it was.
    pub(super) fn all(&self) -> Sum {
        let mut sum = self.empty();
        self.runs.iter().flat_map(|run| &run.pieces).for_each(|piece| sum.add(piece));
        sum
    }

    /// As it could have been.
    pub(super) fn draw(&self, random: &mut fastrand::Rng, sum: &mut Sum) {
        sum.clear();
        for run in &self.runs {
            let run = if self.runs.len() > 1 { &self.runs[random.usize(..self.runs.len())] } else { run };
            run.draw(random, sum);
        }
    }
}

impl Run {
    fn of(run: &Results, values: &[(u64, u64)]) -> Self {
        Self::cut(run.pieces.iter().map(|piece| Drawn::of(piece, values)).collect(), values)
    }

    /// In blocks that are long enough.
    fn cut(pieces: Vec<Drawn>, values: &[(u64, u64)]) -> Self {
        let shortest = SHORTEST * (pieces.len() as f64).cbrt();
        let longest = series(&pieces, values).iter().map(|series| blocks::length(series)).fold(shortest, f64::max);
        let block = (longest.ceil() as usize).clamp(1, (pieces.len() / FEWEST_BLOCKS).max(1));
        Self { pieces, block }
    }

    /// As many intervals as there are, in blocks that go round at the end.
    fn draw(&self, random: &mut fastrand::Rng, sum: &mut Sum) {
        let n = self.pieces.len();
        let mut left = n;
        while left > 0 {
            let from = random.usize(..n);
            let length = self.block.min(left);
            (from..from + length).for_each(|at| sum.add(&self.pieces[at % n]));
            left -= length;
        }
    }
}

/// What must be independent from block to block: the rate, the mean, and how many are above the median and far above it.
fn series(pieces: &[Drawn], values: &[(u64, u64)]) -> [Vec<f64>; 4] {
    let mut all = vec![0; values.len()];
    pieces.iter().flat_map(|piece| &piece.latencies).for_each(|(at, count)| all[*at] += count);
    let total: u64 = all.iter().sum();
    let place = |share: f64| {
        let mut below = 0;
        all.iter().position(|count| {
            below += count;
            below as f64 >= share * total as f64
        })
    };
    let (half, most) = (place(0.5).unwrap_or(0), place(0.99).unwrap_or(0));
    let share = |piece: &Drawn, place: usize| piece.beyond(place) as f64 / piece.answers().max(1) as f64;
    let each = |of: &dyn Fn(&Drawn) -> f64| pieces.iter().map(of).collect::<Vec<_>>();
    [
        each(&|piece| piece.counts.right as f64 / piece.seconds.max(1e-9)),
        each(&|piece| {
            let sum: f64 = piece.latencies.iter().map(|(at, count)| values[*at].0 as f64 * *count as f64).sum();
            sum / piece.answers().max(1) as f64
        }),
        each(&|piece| share(piece, half)),
        each(&|piece| share(piece, most)),
    ]
}

impl Drawn {
    fn of(piece: &Piece, values: &[(u64, u64)]) -> Self {
        let histogram = piece.latency.unpacked();
        let place = |value: u64| values.binary_search_by_key(&histogram.lowest_equivalent(value), |(low, _)| *low).ok();
        let latencies =
            histogram.iter_recorded().filter_map(|at| Some((place(at.value_iterated_to())?, at.count_at_value()))).collect();
        Self { seconds: piece.duration().as_secs_f64(), counts: Counts::of(&piece.counters), latencies }
    }

    /// Bytes, or datagrams: as received, where that is known.
    fn measured(moment: &Moment, what: &What) -> Self {
        let right = match what {
            What::Bulk(_) => moment.out + moment.back.unwrap_or_default(),
            What::OneWay(_) => moment.back.unwrap_or(moment.out),
        };
        let counts = Counts { right, failed: 0, sent: moment.out, lost: moment.lost.unwrap_or_default() };
        Self { seconds: moment.duration().as_secs_f64(), counts, latencies: Vec::new() }
    }

    fn beyond(&self, place: usize) -> u64 {
        self.latencies.iter().filter(|(at, _)| *at >= place).map(|(_, count)| count).sum()
    }

    fn answers(&self) -> u64 {
        self.latencies.iter().map(|(_, count)| count).sum()
    }
}

impl Sum {
    fn clear(&mut self) {
        (self.seconds, self.counts, self.answers) = (0.0, Counts::default(), 0);
        self.latencies.fill(0);
    }

    fn add(&mut self, piece: &Drawn) {
        self.seconds += piece.seconds;
        self.counts.add(piece.counts);
        for (at, count) in &piece.latencies {
            self.latencies[*at] += count;
            self.answers += count;
        }
    }

    /// So many answers are beyond a percentile.
    pub(super) fn beyond(&self, percentile: f64) -> f64 {
        let share = (percentile / 100.0).max(1.0 - percentile / 100.0);
        self.answers as f64 * (1.0 - share)
    }

    /// A figure of it, in the unit of [`Figure::of`].
    pub(super) fn figure(&self, figure: Figure, urn: &Urn) -> Option<f64> {
        let Counts { right, failed, sent, lost } = self.counts;
        let share = |part: u64, whole: u64| (whole > 0).then(|| 100.0 * part as f64 / whole as f64);
        match figure {
            Figure::Rate | Figure::Datagrams => (self.seconds > 0.0).then(|| right as f64 / self.seconds),
            Figure::Bits => (self.seconds > 0.0).then(|| right as f64 * 8.0 / self.seconds),
            Figure::Mean => self.mean(urn),
            Figure::Percentile(percentile) => self.quantile(percentile / 100.0, urn),
            Figure::Max => None,
            Figure::Errors => share(failed, right + failed),
            Figure::Loss => share(lost, sent),
        }
    }

    fn mean(&self, urn: &Urn) -> Option<f64> {
        let middle = |(low, high): &(f64, f64)| f64::midpoint(*low, *high);
        let sum: f64 = self.latencies.iter().zip(&urn.values).map(|(count, value)| *count as f64 * middle(value)).sum();
        (self.answers > 0).then(|| sum / self.answers as f64)
    }

    /// Within a bucket values are taken to be spread evenly: a figure moves smoothly from drawing to drawing.
    fn quantile(&self, share: f64, urn: &Urn) -> Option<f64> {
        let wanted = share * self.answers as f64;
        let mut below = 0.0;
        for (count, (low, high)) in self.latencies.iter().zip(&urn.values).filter(|(count, _)| **count > 0) {
            let count = *count as f64;
            if below + count >= wanted {
                return Some(low + (high - low) * ((wanted - below) / count).clamp(0.0, 1.0));
            }
            below += count;
        }
        None
    }
}
