//! The client end: says messages and checks every answer. Which way it checks depends on what carries it.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    Rule,
    numbered::Numbered,
    outstanding::{InOrder, Outstanding},
    pieces::Pieces,
};
use crate::{
    protocol::{Framing, Setup},
    session::{Cx, Event, Input, Mismatch, NotNow, Session, Verdict, Violation},
};

/// How answers find what they answer.
#[derive(Debug)]
enum Check {
    /// Nothing is answered.
    Nothing,
    /// A stream without frames: answers have no ends, only what they say can be followed.
    Pieces(Box<Pieces>),
    /// A stream of frames: one each, in order.
    Frames(InOrder),
    /// Datagrams that carry a number.
    Numbered(Box<Numbered>),
    /// Datagrams known by what they say.
    Datagrams(Box<Outstanding>),
}

/// The client end of an exchange.
#[derive(Debug)]
pub(in crate::protocol) struct Client {
    rule: Rule,
    framing: Framing,
    /// The framing of answers, which may be longer by the prefix.
    answers: Framing,
    numbered: Option<Arc<[u8]>>,
    check: Check,
}

impl Client {
    pub(in crate::protocol) fn new(rule: Rule, setup: &Setup) -> Self {
        Self {
            rule,
            answers: setup.framing.longer(rule.prefix().len()),
            framing: setup.framing.clone(),
            numbered: setup.numbered.clone(),
            check: Check::Nothing,
        }
    }

    fn stream(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        while let Some(answer) = self.answers.take(input)? {
            cx.heard(answer);
            cx.body(answer);
            match &mut self.check {
                Check::Pieces(pieces) => pieces.answer(answer, cx)?,
                Check::Frames(sent) => in_order(sent, self.rule.prefix(), answer, cx),
                _ => cx.event(Event::Unsolicited { bytes: answer.len() }),
            }
        }
        Ok(())
    }

    fn datagram(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        let answer = self.answers.take_datagram(input)?;
        cx.heard(answer);
        cx.body(answer);
        match &mut self.check {
            Check::Numbered(numbered) => numbered.answer(answer, cx),
            Check::Datagrams(sent) => in_any_order(sent, self.rule.prefix(), answer, cx),
            _ => cx.event(Event::Unsolicited { bytes: answer.len() }),
        }
        Ok(())
    }
}

fn in_order(sent: &mut InOrder, prefix: &[u8], answer: &[u8], cx: &mut Cx<'_>) {
    let Some(sent) = sent.next(cx) else { return cx.event(Event::Unsolicited { bytes: answer.len() }) };
    let verdict = match answer.strip_prefix(prefix) {
        Some(body) if body == sent.body => Verdict::Right,
        _ => wrong(prefix, &sent.body, answer),
    };
    sent.settle(verdict, cx);
}

fn in_any_order(sent: &mut Outstanding, prefix: &[u8], answer: &[u8], cx: &mut Cx<'_>) {
    if let Some(body) = answer.strip_prefix(prefix)
        && sent.answer_equal(body, cx)
    {
        return;
    }
    match sent.oldest().map(|body| wrong(prefix, body, answer)) {
        Some(verdict) => _ = sent.answer_oldest(verdict, cx),
        None => cx.event(Event::Unsolicited { bytes: answer.len() }),
    }
}

fn wrong(prefix: &[u8], body: &[u8], answer: &[u8]) -> Verdict {
    Verdict::Wrong(Box::new(Mismatch::between(&[prefix, body].concat(), answer)))
}

impl Session for Client {
    fn open(&mut self, cx: &mut Cx<'_>) {
        let prefix = self.rule.prefix();
        self.check = match self.rule {
            Rule::Silence => Check::Nothing,
            Rule::Answer { .. } if cx.datagrams() => {
                match self.numbered.take().and_then(|pattern| Numbered::new(prefix, &pattern)) {
                    Some(numbered) => Check::Numbered(Box::new(numbered)),
                    None => Check::Datagrams(Box::default()),
                }
            }
            Rule::Answer { .. } if self.framing.is_raw() => Check::Pieces(Box::new(Pieces::new(prefix))),
            Rule::Answer { .. } => Check::Frames(InOrder::default()),
        };
    }

    fn input(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if input.is_datagram() { self.datagram(input, cx) } else { self.stream(input, cx) }
    }

    fn submit(&mut self, seq: u64, body: &Bytes, cx: &mut Cx<'_>) -> Result<(), NotNow> {
        let wrap = match self.framing.fits_in(body, cx) {
            Ok(wrap) => wrap,
            Err(why) => {
                cx.event(Event::Refused { seq, why });
                return Ok(());
            }
        };
        match &mut self.check {
            Check::Nothing => cx.event(Event::Answered { seq, verdict: Verdict::Right }),
            Check::Pieces(pieces) => pieces.sent(seq, body)?,
            Check::Frames(sent) => sent.push(seq, body)?,
            Check::Numbered(numbered) => numbered.sent(seq, body.len()),
            Check::Datagrams(sent) => sent.push(seq, body),
        }
        wrap.put(body, cx);
        cx.end_datagram();
        Ok(())
    }

    fn forget(&mut self, seq: u64) {
        match &mut self.check {
            Check::Nothing => {}
            Check::Pieces(pieces) => pieces.forget(seq),
            Check::Frames(sent) => sent.forget(seq),
            Check::Numbered(numbered) => numbered.forget(seq),
            Check::Datagrams(sent) => sent.forget(seq),
        }
    }
}
