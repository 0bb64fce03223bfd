//! A histogram as few bytes: HdrHistogram's V2 form, in which what is empty takes no room. A quarter of a second of latencies is a
//! kilobyte or two, where the histogram that counts them has 256 KiB.
//!
//! May use: stats' histograms, `hdrhistogram`, `base64`.

mod counts;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hdrhistogram::{
    Histogram,
    serialization::{Deserializer, Serializer as _, V2Serializer},
};

use self::counts::Next;
use super::stats::histogram;

/// Cookie, length of the rest, normalizing offset, digits, lowest and highest value, ratio.
const HEAD: usize = 40;
/// Where the length of the counts stands: all of the head but this is the same in every histogram of ours.
const LENGTH: std::ops::Range<usize> = 4..8;

/// Nobody counts further than this: a million a second for centuries.
pub(super) const MOST: u64 = 1 << 53;

/// A histogram in nanoseconds, packed. Known to be whole: it can be unpacked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Packed(Box<[u8]>);

/// Packs one after the other in the same room, a third of a megabyte.
#[derive(Default)]
pub struct Packer {
    serializer: V2Serializer,
    bytes: Vec<u8>,
}

impl Packer {
    /// The bytes of one, none where nothing was recorded.
    pub fn pack(&mut self, histogram: &Histogram<u64>) -> &[u8] {
        self.bytes.clear();
        // Only a count above i64::MAX has no V2 form.
        if !histogram.is_empty() && self.serializer.serialize(histogram, &mut self.bytes).is_err() {
            self.bytes.clear();
        }
        &self.bytes
    }
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packer").finish_non_exhaustive()
    }
}

impl Packed {
    /// Nothing at all where nothing was recorded.
    #[must_use]
    pub fn of(histogram: &Histogram<u64>) -> Self {
        Self::of_bytes(Packer::default().pack(histogram))
    }

    /// What a [`Packer`] made, or [`sum`] of that.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn unpacked(&self) -> Histogram<u64> {
        if self.is_empty() {
            return histogram();
        }
        Deserializer::new().deserialize(&mut &*self.0).unwrap_or_else(|_| unreachable!("packed by us, or checked"))
    }

    /// Adds another: nothing of either is lost.
    pub fn add(&mut self, other: &Self) {
        let mut bytes = Vec::new();
        sum(&self.0, &other.0, &mut bytes);
        self.0 = bytes.into();
    }

    /// For JSON.
    #[must_use]
    pub fn base64(&self) -> String {
        STANDARD.encode(&self.0)
    }

    /// Reads what [`Self::base64`] wrote.
    ///
    /// # Errors
    /// One clause saying what is wrong with it.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let bytes = STANDARD.decode(text).map_err(|_| "it is no base64")?;
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        // Before anything is made of it: its own figures say how much memory it takes.
        if !same_head(&bytes) {
            return Err("it is no HdrHistogram (V2) of nanoseconds up to an hour, with three digits");
        }
        let length = bytes[LENGTH].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        if length != bytes.len() - HEAD {
            return Err("it is cut off, or has something behind it");
        }
        if !is_plausible(&bytes[HEAD..]) {
            return Err("its counts make no sense");
        }
        match Deserializer::new().deserialize::<u64, _>(&mut bytes.as_slice()) {
            Ok(_) => Ok(Self(bytes.into())),
            Err(_) => Err("its counts make no sense"),
        }
    }
}

/// The sum of two packed histograms, behind what stands in `to`. It never takes more room than both: where only one has counts it has
/// theirs, where both have, their sum takes a byte more at most, and an empty run of it ends where one of theirs does.
pub fn sum(a: &[u8], b: &[u8], to: &mut Vec<u8>) {
    if a.is_empty() || b.is_empty() {
        return to.extend_from_slice(if a.is_empty() { b } else { a });
    }
    let from = to.len();
    to.extend_from_slice(&a[..HEAD]);
    counts::add(&a[HEAD..], &b[HEAD..], to);
    let length = (to.len() - from - HEAD) as u32;
    to[from..][LENGTH].copy_from_slice(&length.to_be_bytes());
}

/// The reader of the library takes any count and panics at the lowest; and sums of ours must not overflow.
fn is_plausible(mut counts: &[u8]) -> bool {
    let mut total = 0u64;
    while !counts.is_empty() {
        let Some(next) = counts::take(&mut counts) else { return false };
        let (Next::Empty(size) | Next::Count(size)) = next;
        total = total.saturating_add(if matches!(next, Next::Count(_)) { size } else { 0 });
        if size > MOST || total > MOST {
            return false;
        }
    }
    true
}

fn same_head(bytes: &[u8]) -> bool {
    let mut ours = Vec::new();
    let written = V2Serializer::new().serialize(&histogram(), &mut ours).is_ok();
    let fixed = |bytes: &[u8]| bytes.get(..HEAD).map(|head| [&head[..LENGTH.start], &head[LENGTH.end..]].concat());
    written && fixed(bytes).is_some() && fixed(bytes) == fixed(&ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(values: impl IntoIterator<Item = u64>) -> Histogram<u64> {
        let mut some = histogram();
        values.into_iter().for_each(|value| some.saturating_record(value));
        some
    }

    #[test]
    fn what_is_packed_is_all_there_and_small() {
        let mut random = fastrand::Rng::with_seed(7);
        let latencies = some((0..30_000).map(|_| (400_000.0 * (1.0 - random.f64()).powf(-0.2)) as u64));
        let packed = Packed::of(&latencies);
        assert_eq!(packed.unpacked(), latencies);
        assert!(packed.0.len() < 4096, "{} bytes", packed.0.len());
        assert_eq!(Packed::read(&packed.base64()), Ok(packed));
        assert!(Packed::of(&histogram()).is_empty() && Packed::default().unpacked().is_empty());
    }

    #[test]
    fn sums_are_exact() {
        let (few, many) = (some([1, 5_000_000_000]), some(1..10_000));
        let mut sum = Packed::default();
        sum.add(&Packed::of(&few));
        sum.add(&Packed::default());
        sum.add(&Packed::of(&many));
        assert_eq!(sum, Packed::of(&some((1..10_000).chain([1, 5_000_000_000]))));
    }

    #[test]
    fn sums_are_what_the_library_makes_of_them() {
        let mut random = fastrand::Rng::with_seed(3);
        for trial in 0..300 {
            let mut one = || {
                let (count, most) = (random.usize(..400), random.u32(1..40));
                let mut one = some((0..count).map(|_| random.u64(..1 << most)));
                // Counts of every length there is.
                let many = random.u64(..) >> random.u32(12..64);
                one.saturating_record_n(random.u64(..1 << most), many);
                one
            };
            let (a, b) = (one(), one());
            let mut sum = Packed::of(&a);
            sum.add(&Packed::of(&b));
            let mut whole = a.clone();
            crate::bench::stats::add(&mut whole, &b);
            assert_eq!(sum, Packed::of(&whole), "{trial}");
            assert!(sum.bytes() <= Packed::of(&a).bytes() + Packed::of(&b).bytes(), "{trial}");
        }
    }

    #[test]
    fn what_is_broken_is_refused_before_it_takes_memory() {
        let whole = STANDARD.decode(Packed::of(&some(1..1000)).base64()).expect("base64");
        let told = |bytes: &[u8]| Packed::read(&STANDARD.encode(bytes)).expect_err("broken");
        assert_eq!(Packed::read("%"), Err("it is no base64"));
        assert!(told(&whole[..20]).contains("no HdrHistogram"));
        assert!(told(&whole[..whole.len() - 1]).contains("cut off"));
        for at in 0..HEAD {
            let mut spoiled = whole.clone();
            spoiled[at] ^= 1;
            told(&spoiled);
        }
        let mut random = fastrand::Rng::with_seed(1);
        for fill in [0xff, 0x80, 0x7f, 0xfe] {
            let mut wild = whole.clone();
            wild[HEAD..].fill(fill);
            let _ = Packed::read(&STANDARD.encode(wild));
        }
        for _ in 0..300 {
            let mut wild = whole.clone();
            wild[HEAD..].iter_mut().for_each(|byte| *byte = random.u8(..));
            if let Ok(packed) = Packed::read(&STANDARD.encode(wild)) {
                assert!(packed.unpacked().len() <= MOST);
            }
        }
    }
}
