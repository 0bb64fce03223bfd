//! What was said in one conversation and has no answer yet.

use std::collections::VecDeque;

use super::work::Request;

/// Requests in the order in which they were said, by number.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    /// From number `first` on, settled ones emptied; never an empty one in front.
    requests: VecDeque<Option<Request>>,
    first: u64,
    count: usize,
    /// The first that counts. All after it do, since warm-up comes first.
    first_measured: Option<u64>,
}

impl Awaited {
    /// How many.
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Gives the number of the request.
    #[inline]
    pub(super) fn push(&mut self, request: Request) -> u64 {
        let seq = self.first + self.requests.len() as u64;
        if request.measured {
            self.first_measured.get_or_insert(seq);
        }
        self.requests.push_back(Some(request));
        self.count += 1;
        seq
    }

    pub(super) fn front(&self) -> Option<&Request> {
        self.requests.front()?.as_ref()
    }

    /// The request `seq`, if it is still awaited.
    pub(super) fn get(&self, seq: u64) -> Option<&Request> {
        self.requests.get(usize::try_from(seq.checked_sub(self.first)?).ok()?)?.as_ref()
    }

    /// Takes `seq` off the list, if it is still awaited.
    #[inline]
    pub(super) fn settle(&mut self, seq: u64) -> Option<Request> {
        let at = usize::try_from(seq.checked_sub(self.first)?).ok()?;
        let request = self.requests.get_mut(at)?.take()?;
        self.count -= 1;
        self.trim();
        Some(request)
    }

    /// Takes the oldest off the list, if `give_up` says so of it.
    pub(super) fn give_up_if(&mut self, give_up: impl Fn(&Request) -> bool) -> Option<(u64, Request)> {
        let seq = self.first;
        if !give_up(self.front()?) {
            return None;
        }
        self.settle(seq).map(|request| (seq, request))
    }

    #[inline]
    fn trim(&mut self) {
        while let Some(None) = self.requests.front() {
            self.requests.pop_front();
            self.first += 1;
        }
    }

    /// Was request `seq` one that counts?
    pub(super) fn was_measured(&self, seq: u64) -> bool {
        self.first_measured.is_some_and(|first| seq >= first)
    }

    /// Was any request yet one that counts?
    pub(super) fn measures(&self) -> bool {
        self.first_measured.is_some()
    }

    /// All of them; none is awaited any more.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Request> + '_ {
        self.first += self.requests.len() as u64;
        self.count = 0;
        self.requests.drain(..).flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn settled_in_any_order_and_given_up_from_the_front() {
        let start = Instant::now();
        let request = |n: u32| {
            let at = start + Duration::from_secs(n.into());
            Request { due: at, sent: at, measured: n >= 2, again: false }
        };
        let mut awaited = Awaited::default();
        assert_eq!((0..5).map(|n| awaited.push(request(n))).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert!(awaited.settle(1).is_some() && awaited.settle(1).is_none() && awaited.settle(9).is_none());
        assert_eq!(awaited.count(), 4);
        let too_old = |request: &Request| request.sent < start + Duration::from_secs(3);
        let given_up: Vec<_> = std::iter::from_fn(|| awaited.give_up_if(too_old)).map(|(seq, _)| seq).collect();
        assert_eq!((given_up, awaited.count()), (vec![0, 2], 2));
        assert!(!awaited.was_measured(1) && awaited.was_measured(2));
        assert_eq!((awaited.drain().count(), awaited.count()), (2, 0));
        assert_eq!(awaited.push(request(5)), 5);
    }
}
