//! The client end: asks, and knows which answer belongs to which question, in any order, by its number and its question.
//!
//! The number of a message is the low 16 bits of its `seq`, and not random as a resolver's is (RFC 5452): a session is pure,
//! and nothing is kept here that a forged answer could poison. More than 65536 questions at once are not told apart: the
//! older one counts as lost.

use std::{
    collections::{HashMap, VecDeque},
    fmt::Write as _,
};

use bytes::Bytes;
use domain::{
    base::{
        Message, ParsedName, ToName,
        iana::{OptRcode, Rcode},
        zonefile_fmt::{DisplayKind, ZonefileFmt as _},
    },
    rdata::AllRecordData,
};

use super::{picture, question::Question, take};
use crate::session::{Cx, Elsewhere, Event, Input, Mismatch, NotNow, Rides, Session, Verdict, Violation};

/// Questions that are answered or forgotten and still remembered, to know late answers and second ones.
const REMEMBERED: usize = 16 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Awaited,
    Answered,
    Forgotten,
}

/// One question that was asked.
#[derive(Debug)]
struct Asked {
    seq: u64,
    question: Question,
    state: State,
}

/// The client end.
#[derive(Debug, Default)]
pub(super) struct Client {
    asked: HashMap<u16, Asked>,
    /// Those that are no longer awaited, the oldest first.
    settled: VecDeque<u64>,
}

/// What came, as far as it matters.
struct Answer {
    verdict: Verdict,
    shown: String,
}

impl Client {
    fn heard(&mut self, bytes: &[u8], cx: &mut Cx<'_>) -> Result<(), Violation> {
        cx.heard(bytes);
        let message = Message::from_slice(bytes).map_err(|_| malformed())?;
        let alone = self.asked.len() == 1;
        let asked = self.asked.get_mut(&message.header().id()).filter(|asked| answers(message, &asked.question));
        let Some(asked) = asked.filter(|_| message.header().qr()) else {
            cx.event(Event::Unsolicited { bytes: bytes.len() });
            return Ok(());
        };
        let seq = asked.seq;
        match asked.state {
            State::Awaited => {}
            State::Answered => {
                cx.event(Event::Duplicate { seq });
                return Ok(());
            }
            State::Forgotten => {
                asked.state = State::Answered;
                cx.event(Event::Late { seq });
                return Ok(());
            }
        }
        let answer = read(message, &asked.question, cx.datagrams())?;
        asked.state = State::Answered;
        self.settle(seq);
        told(message, false, cx);
        cx.record("answer", || picture::fields(message));
        let cut = message.header().tc() && cx.datagrams();
        if cut && alone {
            // It is asked again over TCP (RFC 7766, section 5).
            let why = "truncated".into();
            cx.event(Event::Elsewhere(Box::new(Elsewhere { rides: Some(Rides::Stream), why, ..Elsewhere::default() })));
        }
        // A part of an answer is not shown as one.
        if !cut && !answer.shown.is_empty() {
            cx.body(answer.shown.as_bytes());
        }
        cx.event(Event::Answered { seq, verdict: answer.verdict });
        Ok(())
    }
}

impl Client {
    /// Remembers that `seq` is no longer awaited, and forgets the oldest of such.
    fn settle(&mut self, seq: u64) {
        self.settled.push_back(seq);
        if self.settled.len() > REMEMBERED
            && let Some(oldest) = self.settled.pop_front()
            && self.asked.get(&(oldest as u16)).is_some_and(|asked| asked.seq == oldest)
        {
            self.asked.remove(&(oldest as u16));
        }
    }
}

/// Is this an answer to that? A server that could not read the question need not repeat it.
fn answers(message: &Message<[u8]>, question: &Question) -> bool {
    if message.header_counts().qdcount() == 0 {
        return message.header().rcode() != Rcode::NOERROR;
    }
    let same = |asked: domain::base::Question<ParsedName<&[u8]>>| {
        asked.qtype() == question.rtype && asked.qname().name_eq(&question.name)
    };
    message.sole_question().is_ok_and(same)
}

/// A message in full, for whoever follows the dialogue.
fn told(message: &Message<[u8]>, ours: bool, cx: &mut Cx<'_>) {
    if cx.facts.watch.talk {
        for line in picture::lines(message) {
            cx.talk("", ours, line.as_bytes());
        }
    }
}

fn malformed() -> Violation {
    Violation::new("bad_message", "what came is no DNS message")
}

/// The verdict, and each record of the answer on a line, as `dig +short` has it.
fn read(message: &Message<[u8]>, question: &Question, datagrams: bool) -> Result<Answer, Violation> {
    let mut shown = String::new();
    let records = message.answer().map_err(|_| malformed())?;
    for record in records.limit_to::<AllRecordData<_, _>>() {
        let record = record.map_err(|_| malformed())?;
        let _ = writeln!(shown, "{}", record.data().display_zonefile(DisplayKind::Simple));
    }
    let name = question.name.fmt_with_dot();
    let verdict = match message.opt_rcode() {
        OptRcode::NOERROR if message.header().tc() => wrong(
            "a truncated answer",
            format!("the answer about {name} {} was truncated: it does not fit", question.rtype),
            datagrams.then_some("ask over tcp, which carries it whole"),
        ),
        OptRcode::NOERROR => Verdict::Right,
        OptRcode::NXDOMAIN => wrong("NXDOMAIN", format!("NXDOMAIN: there is no name {name}"), None),
        OptRcode::REFUSED => {
            wrong("REFUSED", format!("REFUSED: the server does not answer for {name}"), Some("it may serve another zone"))
        }
        rcode => wrong(&rcode.to_string(), format!("{rcode}: the server did not answer for {name}"), None),
    };
    Ok(Answer { verdict, shown })
}

fn wrong(got: &str, sentence: String, hint: Option<&'static str>) -> Verdict {
    Verdict::Wrong(Box::new(Mismatch::between(b"NOERROR", got.as_bytes()).because(sentence, hint)))
}

impl Session for Client {
    fn input(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if input.is_datagram() {
            return self.heard(input.everything(), cx);
        }
        while let Some(message) = take(input) {
            self.heard(message, cx)?;
        }
        Ok(())
    }

    fn submit(&mut self, seq: u64, body: &Bytes, cx: &mut Cx<'_>) -> Result<(), NotNow> {
        let (id, datagrams) = (seq as u16, cx.datagrams());
        let asked = Question::read(body).and_then(|question| {
            let message = question.message(id, datagrams).map_err(|_| malformed())?;
            Ok((question, message))
        });
        let (question, message) = match asked {
            Ok(asked) => asked,
            Err(why) => {
                cx.event(Event::Refused { seq, why });
                return Ok(());
            }
        };
        if let Ok(message) = Message::from_slice(&message) {
            told(message, true, cx);
        }
        self.asked.insert(id, Asked { seq, question, state: State::Awaited });
        if !datagrams {
            cx.write(&(message.len() as u16).to_be_bytes());
        }
        cx.write(&message);
        cx.end_datagram();
        Ok(())
    }

    fn forget(&mut self, seq: u64) {
        let asked = self.asked.get_mut(&(seq as u16));
        if let Some(asked) = asked.filter(|asked| asked.seq == seq && asked.state == State::Awaited) {
            asked.state = State::Forgotten;
            self.settle(seq);
        }
    }
}
