//! How long datagrams were on their way: a count for each range of times, 3 % wide or narrower.

use super::View;

/// The first ranges are 1.024 us wide each.
const FIRST: u32 = 10;
/// Each doubling of the time has so many.
const HALF: u64 = 32;
/// Up to 137 s.
const DOUBLINGS: u64 = 21;
const RANGES: usize = ((DOUBLINGS + 2) * HALF) as usize;

#[derive(Debug)]
pub(super) struct Delays {
    counts: [u32; RANGES],
    total: u64,
    longest: u64,
}

impl Default for Delays {
    fn default() -> Self {
        Self { counts: [0; RANGES], total: 0, longest: 0 }
    }
}

impl Delays {
    pub(super) fn record(&mut self, ns: u64) {
        let count = &mut self.counts[place(ns)];
        *count = count.saturating_add(1);
        self.total += 1;
        self.longest = self.longest.max(ns);
    }

    /// The middle of the range in which the time of this share is.
    fn at(&self, per_mille: u64) -> u64 {
        let wanted = self.total.saturating_mul(per_mille).div_ceil(1000).max(1);
        let mut sum = 0;
        for (place, count) in self.counts.iter().enumerate() {
            sum += u64::from(*count);
            if sum >= wanted {
                return middle(place as u64).min(self.longest);
            }
        }
        self.longest
    }

    pub(super) fn tell(&self, view: &mut View) {
        if self.total > 0 {
            (view.delay_p50_ns, view.delay_p90_ns) = (self.at(500), self.at(900));
            (view.delay_p99_ns, view.delay_p999_ns) = (self.at(990), self.at(999));
            view.delay_max_ns = self.longest;
        }
    }
}

fn place(ns: u64) -> usize {
    let scaled = ns >> FIRST;
    // The first two of them are as fine as each other.
    let doubling = u64::from(scaled.checked_ilog2().unwrap_or(0).saturating_sub(HALF.ilog2()));
    ((doubling * HALF + (scaled >> doubling)) as usize).min(RANGES - 1)
}

fn middle(place: u64) -> u64 {
    let doubling = (place / HALF).saturating_sub(1);
    let scaled = (place - doubling * HALF) << doubling;
    (scaled << FIRST) + ((1 << (u64::from(FIRST) + doubling)) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_near_the_middle_of_its_range() {
        let mut ns = 1;
        while ns < 10_000_000_000_u64 {
            let (told, off) = (middle(place(ns) as u64), (ns / 64).max(512) + 1);
            assert!(told.abs_diff(ns) <= off, "{ns} is told as {told}");
            ns += ns / 7 + 1;
        }
        assert_eq!(place(u64::MAX), RANGES - 1);
    }

    #[test]
    fn shares_are_told() {
        let mut delays = Delays::default();
        for n in 1..=1000 {
            delays.record(n * 1_000_000);
        }
        let mut view = View::default();
        delays.tell(&mut view);
        for (told, wanted) in [(view.delay_p50_ns, 500), (view.delay_p90_ns, 900), (view.delay_p99_ns, 990)] {
            assert!(told.abs_diff(wanted * 1_000_000) < wanted * 16_000 + 1000, "{told} {wanted}");
        }
        assert_eq!(view.delay_max_ns, 1_000_000_000);
    }
}
