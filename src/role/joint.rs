//! Datagrams that may leave in one call of the system (UDP GSO, udp(7)): of one length, the last perhaps shorter.

use crate::session::Joined;

/// So many at most, as in every kernel that can do it.
const MOST: usize = 64;
/// Their bytes: no more than one datagram may have.
const MOST_BYTES: usize = 65_000;
/// Longer ones may not fit a packet, and then they can't leave joined.
const LONGEST: usize = 1452;

/// Some of them, or none.
#[derive(Debug, Default)]
pub struct Joint {
    bytes: Vec<u8>,
    /// The length of each.
    segment: usize,
    many: usize,
}

impl Joint {
    pub fn one(datagram: Vec<u8>) -> Self {
        Self { segment: datagram.len(), bytes: datagram, many: 1 }
    }

    pub fn many(&self) -> usize {
        self.many
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the system is told of their length, where there are several.
    pub fn segment(&self) -> Option<u16> {
        (self.many > 1).then(|| u16::try_from(self.segment).unwrap_or(u16::MAX))
    }

    /// May one of so many bytes follow those that are here?
    pub fn takes(&self, length: usize) -> bool {
        let whole = self.bytes.len() == self.many * self.segment;
        let room = self.many < MOST && self.bytes.len() + length <= MOST_BYTES;
        self.many == 0 || (1..=self.segment).contains(&length) && self.segment <= LONGEST && whole && room
    }

    pub fn push(&mut self, datagram: &[u8]) {
        if self.many == 0 {
            self.segment = datagram.len();
        }
        self.bytes.extend_from_slice(datagram);
        self.many += 1;
    }

    /// Each for itself.
    pub fn each(&self) -> impl Iterator<Item = &[u8]> {
        Joined::new(&self.bytes, self.segment).iter().take(self.many)
    }

    /// Takes off the first.
    pub fn shift(&mut self) {
        self.bytes.drain(..self.segment.min(self.bytes.len()));
        self.many = self.many.saturating_sub(1);
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.many = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_is_shorter() {
        let mut joint = Joint::default();
        assert!(joint.takes(0) && joint.takes(9000) && joint.segment().is_none());
        joint.push(b"abc");
        assert!(joint.takes(3) && joint.takes(1) && !joint.takes(4) && !joint.takes(0));
        joint.push(b"def");
        joint.push(b"g");
        assert_eq!((joint.takes(1), joint.segment(), joint.many()), (false, Some(3), 3));
        assert_eq!(joint.each().collect::<Vec<_>>(), [&b"abc"[..], b"def", b"g"]);
        joint.shift();
        assert_eq!((joint.bytes(), joint.many()), (&b"defg"[..], 2));
        joint.clear();
        joint.push(b"");
        assert_eq!((joint.each().count(), joint.takes(0), joint.takes(1)), (1, false, false));
        let long = Joint::one(vec![0; 1453]);
        assert!(!long.takes(1453));
        let mut full = Joint::default();
        (0..MOST).for_each(|_| full.push(b"xx"));
        assert!(!full.takes(2));
    }
}
