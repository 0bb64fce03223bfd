//! The one ordered queue of what a session says and asks for, [`Out`].

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;

use super::{ChannelAsk, ChannelId, Event, FileWriter, Generate, Pour, Swallow, Violation};

/// Names one effect of one session; its outcome comes back under this. The session chooses it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EffectId(pub u64);

/// What a session asks the driver to do. They stand in the queue among the bytes and happen in order.
#[derive(Debug)]
pub enum Effect {
    /// Send what is queued, then end the stream in good order.
    Close,
    /// Call [`super::Session::resume`] with [`super::Outcome::Woken`] after this long.
    Wake(EffectId, Duration),
    /// Call [`super::Session::resume`] with [`super::Outcome::Drained`] when all that was queued before this has been sent: the
    /// way to send without end at the pace of the peer.
    Drained(EffectId),
    /// Commit this file, then call [`super::Session::resume`] with [`super::Outcome::Committed`]. Over streams only.
    Commit(EffectId, Box<dyn FileWriter>),
    /// Something of a channel. Over streams only.
    Channel(ChannelId, ChannelAsk),
}

#[derive(Debug)]
pub(super) enum Mark {
    Shared(Bytes),
    Pour(Pour),
    Generate(Generate),
    EndDatagram,
    Effect(Effect),
}

/// What stands first in the queue.
#[derive(Debug)]
pub enum Front<'a> {
    /// Bytes to send; tell how many were taken with [`Out::advance`].
    Bytes(&'a [u8]),
    /// A piece of a file to send; tell how much was taken with [`Out::advance`].
    Pour(&'a Pour),
    /// Bytes without meaning to send; tell how many were with [`Out::generated`].
    Generate(&'a Generate),
    /// The datagram whose bytes came before is complete.
    EndDatagram,
    /// Take it with [`Out::take_effect`].
    Effect,
    Empty,
}

/// One ordered queue of bytes, datagram ends and effects, so that pipelined answers never overtake each other; and, beside
/// it, the events. Own bytes lie in one piece, whatever stands between them is kept by position: the common case, a few
/// bytes and nothing else, costs one copy and no allocation when the driver reuses the queue.
#[derive(Debug, Default)]
pub struct Out {
    pub(super) own: Vec<u8>,
    sent: usize,
    marks: VecDeque<(usize, Mark)>,
    pub(super) shared: usize,
    /// What was reported since the driver last looked.
    pub events: Vec<Event>,
    /// Whole messages that came from the peer, counted.
    pub messages: u64,
    /// The session wants no input for now.
    pub input_paused: bool,
    /// What comes next is to be thrown away. Whoever drives the session takes it from here at once.
    pub swallow: Option<Swallow>,
    /// Others come first: see [`super::Cx::rest`].
    pub rests: bool,
    /// Who is to be woken after that.
    pub again: Option<EffectId>,
    /// The session can't go on.
    pub failed: Option<Box<Violation>>,
}

impl Out {
    /// Bytes queued and not yet sent.
    #[must_use]
    #[inline]
    pub fn unsent(&self) -> usize {
        self.own.len() - self.sent + self.shared
    }

    /// Is a piece of a file among what is queued?
    #[must_use]
    pub fn pours(&self) -> bool {
        self.marks.iter().any(|(_, mark)| matches!(mark, Mark::Pour(_)))
    }

    /// Nothing is queued: no bytes, no effects. (Events and counts do not count.)
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.sent == self.own.len() && self.marks.is_empty()
    }

    /// Bytes of memory that the queue itself holds.
    #[must_use]
    #[inline]
    pub fn capacity(&self) -> usize {
        let marks = self.marks.capacity() * size_of::<(usize, Mark)>();
        self.own.capacity() + marks + self.events.capacity() * size_of::<Event>()
    }

    /// What is to be done next.
    #[must_use]
    #[inline]
    pub fn front(&self) -> Front<'_> {
        match self.marks.front() {
            Some((at, _)) if *at > self.sent => Front::Bytes(&self.own[self.sent..*at]),
            Some((_, Mark::Shared(bytes))) => Front::Bytes(bytes),
            Some((_, Mark::EndDatagram)) => Front::EndDatagram,
            Some((_, Mark::Pour(pour))) => Front::Pour(pour),
            Some((_, Mark::Generate(generate))) => Front::Generate(generate),
            Some((_, Mark::Effect(_))) => Front::Effect,
            None if self.sent < self.own.len() => Front::Bytes(&self.own[self.sent..]),
            None => Front::Empty,
        }
    }

    /// All there is to write, when that is one run and nothing stands in it: the common case.
    #[must_use]
    #[inline]
    pub fn only_run(&self) -> Option<&[u8]> {
        self.marks.is_empty().then(|| &self.own[self.sent..])
    }

    /// Runs of bytes that may be written together, at most `runs.len()`; gives how many were set.
    pub fn runs<'a>(&'a self, runs: &mut [&'a [u8]]) -> usize {
        let (mut at, mut n) = (self.sent, 0);
        let mut push = |run: &'a [u8]| {
            if !run.is_empty() && n < runs.len() {
                runs[n] = run;
                n += 1;
            }
            n < runs.len()
        };
        for (mark_at, mark) in &self.marks {
            let room = push(&self.own[at..*mark_at]);
            at = *mark_at;
            match mark {
                Mark::Shared(bytes) if room && push(bytes) => {}
                _ => return n,
            }
        }
        push(&self.own[at..]);
        n
    }

    /// `n` bytes from the front of [`Self::runs`] were sent.
    #[inline]
    pub fn advance(&mut self, mut n: usize) {
        while n > 0 {
            let own = self.marks.front().map_or(self.own.len(), |(at, _)| *at) - self.sent;
            let step = own.min(n);
            self.sent += step;
            n -= step;
            if n == 0 {
                break;
            }
            let (step, over) = match self.marks.front_mut() {
                Some((_, Mark::Shared(bytes))) => {
                    let step = bytes.len().min(n);
                    bytes::Buf::advance(bytes, step);
                    (step, bytes.is_empty())
                }
                Some((_, Mark::Pour(pour))) => {
                    let step = n.min(usize::try_from(pour.length).unwrap_or(usize::MAX));
                    pour.from += step as u64;
                    pour.length -= step as u64;
                    (step, pour.length == 0)
                }
                _ => unreachable!("more sent than queued"),
            };
            self.shared -= step;
            n -= step;
            if over {
                self.marks.pop_front();
            }
        }
        self.tidy();
    }

    /// So many bytes of the [`Front::Generate`] that stands first were sent. Gives its name when that was all of it.
    pub fn generated(&mut self, n: u64) -> Option<EffectId> {
        let Some((_, Mark::Generate(generate))) = self.marks.front_mut() else { return None };
        generate.bytes = generate.bytes.saturating_sub(n);
        let done = (generate.bytes == 0).then_some(generate.id)?;
        self.marks.pop_front();
        self.tidy();
        Some(done)
    }

    /// Takes the [`Front::EndDatagram`] that stands first.
    pub fn end_datagram(&mut self) {
        if matches!(self.front(), Front::EndDatagram) {
            self.marks.pop_front();
        }
        self.tidy();
    }

    /// Takes the [`Front::Effect`] that stands first.
    pub fn take_effect(&mut self) -> Option<Effect> {
        if !matches!(self.front(), Front::Effect) {
            return None;
        }
        let mark = self.marks.pop_front();
        self.tidy();
        match mark {
            Some((_, Mark::Effect(effect))) => Some(effect),
            _ => None,
        }
    }

    /// Throws away all that is queued.
    pub fn clear(&mut self) {
        self.own.clear();
        self.marks.clear();
        (self.sent, self.shared) = (0, 0);
    }

    /// Forgets what was sent: at once when that was all, else when it is the larger part of a large buffer.
    #[inline]
    fn tidy(&mut self) {
        if self.sent == self.own.len() && self.marks.is_empty() {
            self.own.clear();
            self.sent = 0;
        } else if self.sent > 64 * 1024 && self.sent > self.own.len() / 2 {
            self.own.drain(..self.sent);
            for (at, _) in &mut self.marks {
                *at -= self.sent;
            }
            self.sent = 0;
        }
    }

    /// How a call ended: as it said itself, or with what was reported by [`super::Cx::fail`].
    ///
    /// # Errors
    /// Either.
    #[inline]
    pub fn outcome(&mut self, result: Result<(), Violation>) -> Result<(), Violation> {
        let failed = self.failed.take();
        result.and_then(|()| failed.map_or(Ok(()), |violation| Err(*violation)))
    }

    #[inline]
    pub(super) fn mark(&mut self, mark: Mark) {
        self.marks.push_back((self.own.len(), mark));
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        self.mark(Mark::Effect(effect));
    }
}
