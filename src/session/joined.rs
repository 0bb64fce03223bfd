//! Datagrams that came together: the kernel joins those of one length that came from one peer in a row (UDP GRO, udp(7)).

/// One or more, in one piece of memory.
#[derive(Debug, Clone, Copy)]
pub struct Joined<'a> {
    bytes: &'a [u8],
    stride: usize,
    count: usize,
}

impl<'a> Joined<'a> {
    /// Each has `stride` bytes, the last perhaps fewer. An empty one is a datagram too (RFC 768: a length of 8).
    #[must_use]
    pub fn new(bytes: &'a [u8], stride: usize) -> Self {
        let stride = stride.max(1);
        Self { bytes, stride, count: bytes.len().div_ceil(stride).max(1) }
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let Self { bytes, stride, count } = *self;
        (0..count).map(move |n| &bytes[n * stride..((n + 1) * stride).min(bytes.len())])
    }

    /// Those behind the first `n`.
    #[must_use]
    pub fn after(self, n: usize) -> Self {
        let n = n.min(self.count);
        Self { bytes: &self.bytes[(n * self.stride).min(self.bytes.len())..], count: self.count - n, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts(length: usize, stride: usize) -> Vec<usize> {
        Joined::new(&vec![0; length], stride).iter().map(<[u8]>::len).collect()
    }

    #[test]
    fn joined_datagrams_are_cut_apart() {
        assert_eq!(cuts(25, 10), [10, 10, 5]);
        assert_eq!(cuts(20, 10), [10, 10]);
        assert_eq!(cuts(7, 7), [7]);
        assert_eq!(cuts(0, 0), [0]);
        let joined = Joined::new(b"aabbc", 2);
        assert_eq!(joined.after(1).iter().collect::<Vec<_>>(), [&b"bb"[..], b"c"]);
        assert_eq!((joined.count(), joined.after(3).count(), joined.after(9).iter().count()), (3, 0, 0));
    }
}
