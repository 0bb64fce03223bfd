//! The client end: asks, and knows which answer belongs to which question, in any order, by its number and its question.
//!
//! The number of a message is made of its `seq` and of the nanosecond in which the first was asked, so that who did not see the
//! question can't guess it (RFC 5452, section 4.3). More than 65536 questions at once are not told apart: the older one counts as lost.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    fmt::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use domain::{
    base::{
        Message, Name, ParsedName, ToName,
        iana::{Class, OptRcode, Rcode},
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

/// How the numbers of messages follow from `seq`: each of 65536 in a row has its own.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    /// Odd, so that it has an inverse.
    factor: u16,
    first: u16,
}

impl Numbers {
    /// At the epoch, which is what clocks in memory tell, numbers are `seq` itself.
    fn since(now: SystemTime) -> Self {
        let nanoseconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
        // The finalizer of SplitMix64: each bit of the time changes half of the result's.
        let mixed = (nanoseconds ^ (nanoseconds >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let mixed = mixed ^ (mixed >> 31);
        Self { factor: mixed as u16 | 1, first: (mixed >> 16) as u16 }
    }

    fn of(self, seq: u64) -> u16 {
        (seq as u16).wrapping_mul(self.factor).wrapping_add(self.first)
    }
}

/// The client end.
#[derive(Debug, Default)]
pub(super) struct Client {
    /// Chosen with the first question.
    numbers: Option<Numbers>,
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
        let message = match Message::from_slice(bytes) {
            Ok(message) => message,
            // Anybody may send us a datagram; on a stream, whoever we talk to has lost count.
            Err(_) if cx.datagrams() => {
                ignored(bytes, "it is no DNS message", cx);
                return Ok(());
            }
            Err(_) => return Err(malformed()),
        };
        let asked = match self.asked.get_mut(&message.header().id()) {
            _ if !message.header().qr() => Err("it is a question"),
            None => Err("no question of ours has its number"),
            Some(asked) if !answers(message, &asked.question) => Err("it has the number of another question"),
            Some(asked) => Ok(asked),
        };
        let asked = match asked {
            Ok(asked) => asked,
            Err(why) => {
                ignored(bytes, why, cx);
                return Ok(());
            }
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
        let cut = message.header().tc() && cx.datagrams();
        let again = cut.then(|| asked.question.typed().into());
        asked.state = State::Answered;
        self.settle(seq);
        told(message, false, cx);
        if cut {
            // It is asked again over TCP (RFC 7766, section 5).
            let (rides, why) = (Some(Rides::Stream), "truncated".into());
            cx.event(Event::Elsewhere(Box::new(Elsewhere { rides, why, say: again, ..Elsewhere::default() })));
        }
        cx.record("answer", || picture::fields(message));
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
            && let (Some(oldest), Some(numbers)) = (self.settled.pop_front(), self.numbers)
            && let Entry::Occupied(asked) = self.asked.entry(numbers.of(oldest))
            && asked.get().seq == oldest
        {
            asked.remove();
        }
    }
}

/// What came answers nothing that we asked: it is counted, and whoever follows the dialogue is told why.
fn ignored(bytes: &[u8], why: &str, cx: &mut Cx<'_>) {
    cx.talk("", false, format!(";; {} bytes are ignored: {why}", bytes.len()).as_bytes());
    cx.event(Event::Unsolicited { bytes: bytes.len() });
}

/// Is this an answer to that? A server that could not read the question need not repeat it, and some that only say that there
/// is more leave it out as well.
fn answers(message: &Message<[u8]>, question: &Question) -> bool {
    if message.header_counts().qdcount() == 0 {
        return message.header().rcode() != Rcode::NOERROR || message.header().tc();
    }
    let same = |asked: domain::base::Question<ParsedName<&[u8]>>| {
        asked.qtype() == question.rtype && asked.qclass() == Class::IN && asked.qname().name_eq(&question.name)
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
    // What the name stands for, by the aliases in the answer.
    let mut last: Option<Name<Vec<u8>>> = None;
    let records = message.answer().map_err(|_| malformed())?;
    for record in records.limit_to::<AllRecordData<_, _>>() {
        let record = record.map_err(|_| malformed())?;
        let _ = writeln!(shown, "{}", picture::data(record.data()));
        if let AllRecordData::Cname(alias) = record.data()
            && record.owner().name_eq(last.as_ref().unwrap_or(&question.name))
        {
            last = Some(alias.cname().to_vec());
        }
    }
    Ok(Answer { verdict: verdict(message, question, last.as_ref(), datagrams), shown })
}

fn verdict(message: &Message<[u8]>, question: &Question, last: Option<&Name<Vec<u8>>>, datagrams: bool) -> Verdict {
    let (name, rcode) = (question.name.fmt_with_dot(), message.opt_rcode());
    let (sentence, hint) = match rcode {
        OptRcode::NOERROR if message.header().tc() => (
            format!("the answer about {name} {} was truncated: it does not fit", question.rtype),
            datagrams.then_some("ask over tcp, which carries it whole"),
        ),
        OptRcode::NOERROR => return Verdict::Right,
        // It is about the last name in a chain of aliases (RFC 6604, section 3).
        OptRcode::NXDOMAIN => match last {
            Some(last) => (format!("NXDOMAIN: there is no name {}, and {name} stands for it", last.fmt_with_dot()), None),
            None => (format!("NXDOMAIN: there is no name {name}"), None),
        },
        OptRcode::REFUSED => (
            format!("REFUSED: the server does not answer for {name}"),
            Some("it may serve another zone: ask for a name that it knows"),
        ),
        rcode => (format!("{}: the server did not answer for {name}", picture::rcode(rcode)), None),
    };
    let got = if rcode == OptRcode::NOERROR { "a truncated answer".into() } else { picture::rcode(rcode) };
    let mismatch = Mismatch::between(b"NOERROR", got.as_bytes()).because(sentence, hint);
    Verdict::Wrong(Box::new(match kind(rcode) {
        Some(kind) => mismatch.named(kind),
        None => mismatch,
    }))
}

/// By what such an answer is counted. What is NOERROR and wrong is truncated.
fn kind(rcode: OptRcode) -> Option<&'static str> {
    Some(match rcode {
        OptRcode::NOERROR => "truncated",
        OptRcode::FORMERR => "formerr",
        OptRcode::SERVFAIL => "servfail",
        OptRcode::NXDOMAIN => "nxdomain",
        OptRcode::NOTIMP => "notimp",
        OptRcode::REFUSED => "refused",
        OptRcode::BADVERS => "badvers",
        _ => return None,
    })
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
        let numbers = *self.numbers.get_or_insert_with(|| Numbers::since((cx.facts.wall_clock)()));
        let (id, datagrams) = (numbers.of(seq), cx.datagrams());
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
        let asked = self.numbers.and_then(|numbers| self.asked.get_mut(&numbers.of(seq)));
        if let Some(asked) = asked.filter(|asked| asked.seq == seq && asked.state == State::Awaited) {
            asked.state = State::Forgotten;
            self.settle(seq);
        }
    }
}
