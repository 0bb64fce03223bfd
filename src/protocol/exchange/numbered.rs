//! Datagrams that carry their number: each answer tells which message it answers, in any order, so lost, late, duplicated
//! and corrupted ones are told apart without keeping a single body.

use std::{collections::VecDeque, sync::Arc};

use crate::session::{Cx, Event, Mismatch, Verdict};

/// Bytes of the number at the front of a body, big endian.
const NUMBER: usize = 8;
/// Numbers that are remembered, one byte each: a second's worth at a million datagrams a second.
const WINDOW: usize = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Unused,
    Awaited,
    Answered,
    Forgotten,
}

/// The client's side of a numbered conversation.
#[derive(Debug)]
pub(super) struct Numbered {
    prefix: &'static [u8],
    /// Every body is this or the beginning of it, with its number over the front.
    pattern: Arc<[u8]>,
    /// The number of the first of `states`.
    first: u64,
    states: VecDeque<State>,
    /// How long the bodies of `states` are, kept only once one was shorter than the pattern.
    lengths: VecDeque<u32>,
}

impl Numbered {
    /// `None`: the pattern has no room for a number.
    pub(super) fn new(prefix: &'static [u8], pattern: &Arc<[u8]>) -> Option<Self> {
        let (states, lengths) = (VecDeque::new(), VecDeque::new());
        (pattern.len() >= NUMBER).then(|| Self { prefix, pattern: pattern.clone(), first: 0, states, lengths })
    }

    /// A body of this length was sent.
    pub(super) fn sent(&mut self, seq: u64, length: usize) {
        let next = self.first + self.states.len() as u64;
        if self.states.is_empty() || seq.saturating_sub(next) > WINDOW as u64 {
            self.states.clear();
            self.lengths.clear();
            self.first = seq;
        }
        let Some(at) = self.place(seq) else { return };
        if at >= self.states.len() {
            self.states.resize(at + 1, State::Unused);
        }
        self.states[at] = State::Awaited;
        if !self.lengths.is_empty() || length != self.pattern.len() {
            self.lengths.resize(self.states.len(), self.pattern.len() as u32);
            self.lengths[at] = length as u32;
        }
        while self.states.len() > WINDOW {
            self.states.pop_front();
            self.lengths.pop_front();
            self.first += 1;
        }
    }

    /// Where `seq` is, or would be; `None` for what lies before the window.
    fn place(&self, seq: u64) -> Option<usize> {
        seq.checked_sub(self.first).and_then(|at| usize::try_from(at).ok())
    }

    /// What the body at this place had behind its number.
    fn rest(&self, at: usize) -> &[u8] {
        let length = self.lengths.get(at).map_or(self.pattern.len(), |length| *length as usize);
        self.pattern.get(NUMBER..length).unwrap_or_default()
    }

    pub(super) fn forget(&mut self, seq: u64) {
        if let Some(state) = self.place(seq).and_then(|at| self.states.get_mut(at))
            && *state == State::Awaited
        {
            *state = State::Forgotten;
        }
    }

    /// An answer has come.
    pub(super) fn answer(&mut self, answer: &[u8], cx: &mut Cx<'_>) {
        let unsolicited = Event::Unsolicited { bytes: answer.len() };
        // A number is looked for where it belongs; without our prefix, where the body would begin: an answer can be wrong in
        // just that.
        let body = answer.strip_prefix(self.prefix).unwrap_or(answer);
        let Some((number, rest)) = body.split_first_chunk::<NUMBER>() else { return cx.event(unsolicited) };
        let seq = u64::from_be_bytes(*number);
        let Some(at) = self.place(seq) else { return cx.event(Event::Late { seq }) };
        let right = answer.len() == self.prefix.len() + body.len() && rest == self.rest(at);
        match self.states.get(at) {
            None | Some(State::Unused) => return cx.event(unsolicited),
            Some(State::Awaited) => {
                let verdict = if right { Verdict::Right } else { self.wrong(seq, at, answer) };
                cx.event(Event::Answered { seq, verdict });
            }
            Some(State::Answered) => cx.event(Event::Duplicate { seq }),
            Some(State::Forgotten) => cx.event(Event::Late { seq }),
        }
        self.states[at] = State::Answered;
    }

    fn wrong(&self, seq: u64, at: usize, answer: &[u8]) -> Verdict {
        let expected = [self.prefix, &seq.to_be_bytes(), self.rest(at)].concat();
        Verdict::Wrong(Box::new(Mismatch::between(&expected, answer)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Facts, Out, Rides};

    const PREFIX: &[u8] = b"Processed: ";

    fn answers(numbered: &mut Numbered, answer: &[u8]) -> Event {
        let facts = Facts::in_memory(Rides::Datagrams);
        let mut out = Out::default();
        numbered.answer(answer, &mut Cx::new(&facts, &mut out));
        assert_eq!(out.events.len(), 1, "each answer is reported once");
        out.events.remove(0)
    }

    fn right(seq: u64) -> Vec<u8> {
        [PREFIX, &seq.to_be_bytes(), b"rest"].concat()
    }

    fn made(seqs: std::ops::Range<u64>) -> Numbered {
        let mut numbered = Numbered::new(PREFIX, &Arc::from(&b"........rest"[..])).unwrap();
        seqs.for_each(|seq| numbered.sent(seq, 12));
        numbered
    }

    #[test]
    fn each_answer_is_told_apart() {
        let mut numbered = made(0..5);
        assert_eq!(answers(&mut numbered, &right(3)), Event::Answered { seq: 3, verdict: Verdict::Right });
        assert_eq!(answers(&mut numbered, &right(3)), Event::Duplicate { seq: 3 });
        numbered.forget(1);
        numbered.forget(3);
        assert_eq!(answers(&mut numbered, &right(1)), Event::Late { seq: 1 });
        assert_eq!(answers(&mut numbered, &right(1)), Event::Duplicate { seq: 1 });
        assert_eq!(
            answers(&mut numbered, &right(3)),
            Event::Duplicate { seq: 3 },
            "forgetting an answered one changes nothing"
        );
        assert_eq!(answers(&mut numbered, &right(5)), Event::Unsolicited { bytes: 23 });
        assert_eq!(answers(&mut numbered, b"short"), Event::Unsolicited { bytes: 5 });
        assert_eq!(answers(&mut numbered, b""), Event::Unsolicited { bytes: 0 });
    }

    #[test]
    fn wrong_ones_are_known_by_their_number() {
        let corrupt = |change: fn(&mut Vec<u8>)| {
            let mut answer = right(2);
            change(&mut answer);
            match answers(&mut made(0..5), &answer) {
                Event::Answered { seq: 2, verdict: Verdict::Wrong(mismatch) } => mismatch.at,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(corrupt(|answer| answer[20] ^= 1), 20);
        assert_eq!(corrupt(|answer| answer.push(0)), 23);
        assert_eq!(corrupt(|answer| answer.truncate(22)), 22);
        assert_eq!(corrupt(|answer| drop(answer.drain(..PREFIX.len()))), 0);
    }

    #[test]
    fn each_answer_has_the_length_of_its_question() {
        let mut numbered = made(0..2);
        numbered.sent(2, 9);
        numbered.sent(3, 8);
        numbered.sent(4, 12);
        let answer = |seq: u64, rest: &[u8]| [PREFIX, &seq.to_be_bytes(), rest].concat();
        for (seq, rest) in [(0, &b"rest"[..]), (2, b"r"), (3, b""), (4, b"rest")] {
            let event = answers(&mut numbered, &answer(seq, rest));
            assert_eq!(event, Event::Answered { seq, verdict: Verdict::Right });
        }
        numbered.sent(5, 9);
        let event = answers(&mut numbered, &answer(5, b"rest"));
        assert!(matches!(event, Event::Answered { seq: 5, verdict: Verdict::Wrong(_) }), "{event:?}");
    }

    #[test]
    fn the_window_is_bounded() {
        let mut numbered = made(0..WINDOW as u64 + 10);
        assert_eq!(numbered.states.len(), WINDOW);
        assert_eq!(answers(&mut numbered, &right(9)), Event::Late { seq: 9 });
        assert_eq!(answers(&mut numbered, &right(10)), Event::Answered { seq: 10, verdict: Verdict::Right });
        numbered.sent(u64::MAX, 12);
        assert_eq!(numbered.states.len(), 1, "a leap does not fill the gap");
        assert_eq!(answers(&mut numbered, &right(u64::MAX)), Event::Answered { seq: u64::MAX, verdict: Verdict::Right });
    }

    #[test]
    fn a_short_pattern_has_no_number() {
        assert!(Numbered::new(b"", &Arc::from(&b"1234567"[..])).is_none());
    }
}
