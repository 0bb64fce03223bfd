//! The client's part in a conversation: says the script, shows what comes, knows when it is done.

use std::{
    collections::VecDeque,
    io,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;

use super::{
    plan::{Data, SendPlan},
    show::Show,
    source::{self, Script},
    tell,
};
use crate::{
    protocol::Answers,
    role::{Beside, Quit, Said, Sink, Source, Way},
    session::{ChannelId, Closed, Elsewhere, Event, Mismatch, Record, Rides, Verdict, Violation},
};

/// What of the answer is kept for `--expect` and `-J`, in bytes.
const KEPT: usize = 1024 * 1024;

/// One who talks.
pub(super) struct Correspondent<'a> {
    script: &'a mut Script,
    show: &'a mut Show,
    answers: Answers,
    /// Over streams, and the end of the answers is the peer's end.
    until_eof: bool,
    replies_wanted: Option<u64>,
    refused: Option<Bytes>,
    /// The number of the next message: each connection begins anew.
    next: u64,
    /// What was said here and has no answer yet, where answers have their ends.
    open: VecDeque<(u64, Bytes)>,
    /// What was said on another connection, and is to be said again here.
    again: VecDeque<Bytes>,
    ended: bool,
    /// The next answer is to be had elsewhere, and not what came here.
    moved: bool,
    pub(super) manner: Manner,
    pub(super) heard: Heard,
}

/// How messages come, and how failures are told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Manner {
    /// Silence matters only when all is said.
    pub(super) patient: bool,
    /// What we say can be said a second time, elsewhere; what was read from standard input can't.
    pub(super) repeatable: bool,
    /// Messages are words, of which each may fail by itself.
    pub(super) worded: bool,
    /// A person types them.
    pub(super) typed: bool,
    /// What is said here was said before, where its answer did not fit.
    pub(super) beside: bool,
}

impl Manner {
    pub(super) fn of(plan: &SendPlan, beside: bool) -> Self {
        let worded = plan.protocol.form().is_some();
        let typed = worded && source::terminal(&plan.data);
        Self { patient: false, repeatable: plan.data != Data::Stdin, worded, typed, beside }
    }
}

/// What came.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) answered: u64,
    pub(super) pieces: u64,
    /// The messages that were said.
    pub(super) said: u64,
    pub(super) kept: Vec<u8>,
    /// More came than was kept.
    pub(super) cut: bool,
    pub(super) first_wrong: Option<Box<Mismatch>>,
    /// Answers that were wrong, and whether each has been told of.
    pub(super) wrongs: u64,
    pub(super) wrongs_told: bool,
    /// A message of ours that the protocol can't carry.
    pub(super) unsayable: Option<Violation>,
    pub(super) input_error: Option<io::Error>,
    pub(super) output_error: Option<io::Error>,
    pub(super) done: bool,
    /// What the protocol tells for machines.
    pub(super) records: Vec<Record>,
    /// The answer is to be had there; what came here is none.
    pub(super) elsewhere: Option<Box<Elsewhere>>,
    /// These messages have to be said elsewhere, for their answers alone.
    pub(super) cut_off: VecDeque<Bytes>,
    pub(super) there: Option<Box<Elsewhere>>,
    /// Nothing more will be said than what was.
    pub(super) all_said: bool,
    /// What belongs to the exchange is not all there.
    pub(super) onward: bool,
    /// Bytes that answered nothing.
    pub(super) unasked: u64,
    /// What the peer will not answer here, and may be asked again on another connection.
    pub(super) returned: VecDeque<Bytes>,
    /// Something was said and neither answered nor given back: nobody knows what became of it.
    pub(super) in_doubt: bool,
}

impl Heard {
    /// What is kept is what is printed: a second answer begins on a line of its own.
    fn separate(&mut self, messages: bool) {
        if messages && self.kept.last().is_some_and(|last| *last != b'\n') && self.kept.len() < KEPT {
            self.kept.push(b'\n');
        }
    }

    /// An answer was wrong. One of several is told of at once: what fails in the end can be only one.
    fn wrong(&mut self, mismatch: Box<Mismatch>, manner: Manner) {
        self.wrongs += 1;
        let several = manner.worded && (manner.typed || self.said > 1);
        if let Some(why) = mismatch.why.as_ref().filter(|_| several) {
            let untold = self.first_wrong.as_ref().filter(|_| !self.wrongs_told).and_then(|first| first.why.as_ref());
            untold.into_iter().chain([why]).for_each(|why| tell::wrong(&why.sentence));
            self.wrongs_told = true;
        }
        self.first_wrong.get_or_insert(mismatch);
    }

    /// `1 of 3 answers`
    pub(super) fn so_far(&self) -> String {
        format!("{} of {} answers", self.answered, self.said + self.returned.len() as u64)
    }

    /// Where nobody knows an answer's end, or there is none, each piece is one.
    pub(super) fn replies(&self, answers: Answers) -> u64 {
        if matches!(answers, Answers::Unknown | Answers::Endless) { self.pieces } else { self.answered }
    }
}

impl<'a> Correspondent<'a> {
    pub(super) fn new(
        script: &'a mut Script,
        show: &'a mut Show,
        plan: &SendPlan,
        rides: Rides,
        manner: Manner,
        mut heard: Heard,
    ) -> Self {
        let (answers, until_eof) = match rides {
            Rides::Stream => (plan.protocol.answers.stream, true),
            Rides::Datagrams => (plan.protocol.answers.datagrams, false),
        };
        // What is left to be said, from another connection.
        let again = std::mem::take(&mut heard.returned);
        Self {
            script,
            show,
            answers,
            until_eof,
            replies_wanted: plan.replies,
            refused: None,
            next: 0,
            open: VecDeque::new(),
            again,
            ended: false,
            moved: false,
            manner,
            heard: Heard { done: false, ..heard },
        }
    }

    /// Is anything read that was never said, or not to whoever answers?
    pub(super) fn has_more(&mut self) -> bool {
        self.refused.is_some() || !self.again.is_empty() || !self.heard.returned.is_empty() || self.script.has_more()
    }

    /// What was heard; with what the session did not take, as it comes before all that was not yet said.
    pub(super) fn into_heard(mut self) -> Heard {
        if let Some(body) = self.refused.take() {
            self.heard.said -= 1;
            self.heard.returned.push_back(body);
        }
        self.heard.returned.append(&mut self.again);
        self.heard.in_doubt = !self.open.is_empty();
        self.heard
    }

    fn say(&mut self, body: Bytes) -> Said {
        self.next += 1;
        self.heard.said += u64::from(!self.manner.beside);
        self.hand(body)
    }

    /// Hands over the last message, for the first time or again.
    fn hand(&mut self, body: Bytes) -> Said {
        let seq = self.next - 1;
        if self.answers == Answers::Each {
            self.open.push_back((seq, body.clone()));
        }
        Said::Message(seq, body)
    }

    /// It has its answer, or will have none here.
    fn closed(&mut self, seq: u64) -> Option<Bytes> {
        let at = self.open.iter().position(|(open, _)| *open == seq)?;
        self.open.remove(at).map(|(_, body)| body)
    }

    fn replies(&self) -> u64 {
        self.heard.replies(self.answers)
    }

    /// Has the answer come that was waited for?
    fn done(&self) -> bool {
        if let Some(wanted) = self.replies_wanted {
            return self.replies() >= wanted || self.moves();
        }
        if self.heard.cut_off.is_empty() && (!self.ended || !self.heard.returned.is_empty()) {
            return false;
        }
        match self.answers {
            Answers::Never => true,
            Answers::Each => self.all_came(),
            Answers::Unknown | Answers::OnceThenClose => !self.until_eof && self.replies() >= self.heard.said,
            Answers::Endless => false,
        }
    }

    /// What was said has its answers, or will have them elsewhere.
    fn all_came(&self) -> bool {
        self.heard.answered + self.heard.cut_off.len() as u64 >= self.heard.said
    }

    /// It is time to say the rest elsewhere.
    fn moves(&self) -> bool {
        !self.heard.cut_off.is_empty() && self.all_came()
    }

    /// Does the exchange go on in another conversation, when this one is done?
    fn goes_on(&self) -> bool {
        let enough = self.replies_wanted.is_some_and(|wanted| self.replies() >= wanted);
        !enough && (!self.heard.cut_off.is_empty() || self.manner.beside && !self.heard.all_said)
    }

    /// A message that can't be said. Who types sees it, and types on.
    fn unsayable(&mut self, seq: u64, mut why: Violation) {
        self.closed(seq);
        if self.manner.typed {
            tell::wrong(&why.sentence);
            self.heard.said -= 1;
            return;
        }
        if let Some(line) = self.script.line() {
            why.sentence = format!("line {line}: {}", why.sentence);
        }
        self.heard.unsayable.get_or_insert(why);
    }
}

impl Source for Correspondent<'_> {
    fn poll_say(&mut self, cx: &mut Context<'_>) -> Poll<Said> {
        if let Some(body) = self.refused.take() {
            return Poll::Ready(self.hand(body));
        }
        if let Some(body) = self.again.pop_front() {
            return Poll::Ready(self.say(body));
        }
        // First comes what is to be said elsewhere, so that answers stay in order as far as may be.
        if !self.heard.cut_off.is_empty() {
            return Poll::Pending;
        }
        let next = std::task::ready!(self.script.poll_next(cx));
        Poll::Ready(match next {
            Some(Ok(body)) => self.say(body),
            Some(Err(error)) => {
                self.heard.input_error = Some(error);
                Said::End
            }
            None => {
                self.ended = true;
                self.heard.all_said |= !self.manner.beside;
                Said::End
            }
        })
    }

    fn refused(&mut self, seq: u64, body: Bytes) {
        self.closed(seq);
        self.refused = Some(body);
    }

    fn awaits(&self) -> bool {
        self.ended || !self.heard.cut_off.is_empty() || (!self.manner.patient && self.heard.said > self.replies())
    }

    fn poll_quit(&mut self, _: &mut Context<'_>) -> Poll<Quit> {
        let heard = &self.heard;
        if heard.input_error.is_some() || heard.output_error.is_some() || heard.unsayable.is_some() {
            return Poll::Ready(Quit::Now(Closed::ByUs));
        }
        if self.done() || heard.elsewhere.is_some() {
            self.heard.done = true;
            self.heard.onward = self.goes_on();
            return Poll::Ready(Quit::Finish);
        }
        Poll::Pending
    }
}

impl Sink for Correspondent<'_> {
    fn event(&mut self, event: Event, _: Instant) {
        if self.heard.elsewhere.is_some() {
            return;
        }
        match event {
            Event::Talk { lane, ours, text } => tell::talk(lane, ours, &text),
            Event::Answered { seq, .. } if std::mem::take(&mut self.moved) => _ = self.closed(seq),
            _ if self.moved => {}
            Event::Record(record) => self.heard.records.push(*record),
            Event::Progress { done, total } => self.show.progress.at(done, total),
            Event::Elsewhere(mut elsewhere) if elsewhere.say.is_some() => {
                self.heard.cut_off.extend(elsewhere.say.take());
                self.heard.there = Some(elsewhere);
                self.moved = true;
            }
            Event::Elsewhere(elsewhere) if self.manner.repeatable || elsewhere.bare => {
                self.heard.elsewhere = Some(elsewhere);
            }
            // A cut answer is one all the same; a place to go to is none.
            Event::Elsewhere(elsewhere) if elsewhere.rides.is_none() => {
                let sentence = format!("{}: what came from standard input can't be said a second time", elsewhere.why);
                let mismatch = Mismatch::between(b"an answer", elsewhere.why.as_bytes());
                self.heard.first_wrong.get_or_insert(Box::new(mismatch.because(sentence, None)));
            }
            Event::Returned { seq } => {
                if let Some(body) = self.closed(seq) {
                    self.heard.said -= 1;
                    self.heard.returned.push_back(body);
                }
            }
            Event::Answered { seq, verdict } => {
                self.closed(seq);
                self.heard.answered += 1;
                if let Verdict::Wrong(mismatch) = verdict {
                    self.heard.wrong(mismatch, self.manner);
                }
            }
            Event::Body(bytes) => {
                if self.replies_wanted.is_some_and(|wanted| self.replies() >= wanted) {
                    return;
                }
                self.heard.pieces += 1;
                self.heard.separate(self.show.messages());
                let room = KEPT - self.heard.kept.len();
                self.heard.cut |= bytes.len() > room;
                self.heard.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
                if let Err(error) = self.show.body(&bytes) {
                    self.heard.output_error.get_or_insert(error);
                }
            }
            Event::Refused { seq, why } => self.unsayable(seq, why),
            Event::Unsolicited { bytes } => self.heard.unasked += bytes as u64,
            _ => {}
        }
    }

    fn wire(&mut self, way: Way, bytes: &[u8]) {
        self.show.wire(way, bytes);
    }

    fn channel(&mut self, id: ChannelId, way: Way, bytes: u64) {
        if let Some(trace) = &mut self.show.trace {
            trace.channel(id, way, bytes);
        }
    }

    fn channel_is(&mut self, id: ChannelId, way: Way, is: Beside) {
        if let Some(trace) = &mut self.show.trace {
            trace.channel_is(id, way, is);
        }
    }

    fn ended(&mut self, way: Way) {
        if let Some(trace) = &mut self.show.trace {
            trace.ended(way);
        }
    }
}
