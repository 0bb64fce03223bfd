//! The shape of `qotd`, `daytime` and `time`: over streams the server says one thing and closes, whatever the client does;
//! over datagrams it says it to each datagram, whatever that holds.

use bytes::Bytes;

use super::exchange::Outstanding;
use crate::session::{Cx, Event, Facts, Input, Mismatch, NotNow, Session, Verdict, Violation};

/// The server end; `says` makes what it says.
pub(super) struct Server<F> {
    pub(super) says: F,
}

impl<F: Fn(&Facts) -> Bytes + Send> Session for Server<F> {
    fn open(&mut self, cx: &mut Cx<'_>) {
        if !cx.datagrams() {
            cx.write(&(self.says)(cx.facts));
            cx.close();
        }
    }

    fn input(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        // Over streams: "any data received is thrown away" (RFC 865 and 867).
        let ignored = input.everything();
        if input.is_datagram() {
            cx.heard(ignored);
            cx.write(&(self.says)(cx.facts));
            cx.end_datagram();
        }
        Ok(())
    }

    fn eof(&mut self, _: &[u8], _: &mut Cx<'_>) -> Result<(), Violation> {
        Ok(())
    }
}

/// What a right answer is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Over streams the answer ends with so many bytes; `None`: where the server closes.
    pub(super) length: Option<usize>,
    /// The longest answer.
    pub(super) max: usize,
    pub(super) is_right: fn(&[u8]) -> bool,
    /// What `is_right` wants, for people.
    pub(super) described: &'static str,
    /// What a person is shown of an answer.
    pub(super) shown: fn(&[u8], &Facts) -> Bytes,
}

/// The client end.
#[derive(Debug)]
pub(super) struct Client {
    wanted: Wanted,
    awaited: Outstanding,
    /// Over streams: the answer is whole.
    done: bool,
    /// The answer came before it was asked for: over streams nothing needs to be said for it.
    early: Option<Verdict>,
}

impl Client {
    pub(super) fn new(wanted: Wanted) -> Self {
        Self { wanted, awaited: Outstanding::default(), done: false, early: None }
    }

    fn answer(&mut self, answer: &[u8], cx: &mut Cx<'_>) {
        cx.heard(answer);
        let right = (self.wanted.is_right)(answer);
        let verdict = if right {
            Verdict::Right
        } else {
            Verdict::Wrong(Box::new(Mismatch::between(self.wanted.described.as_bytes(), answer)))
        };
        let shown = if right { (self.wanted.shown)(answer, cx.facts) } else { Bytes::copy_from_slice(answer) };
        if !shown.is_empty() {
            cx.body(&shown);
        }
        if self.awaited.answer_oldest(verdict.clone(), cx) {
            return;
        }
        if cx.datagrams() {
            cx.event(Event::Unsolicited { bytes: answer.len() });
        } else {
            self.early = Some(verdict);
        }
    }
}

impl Session for Client {
    /// Over streams nothing is taken until the answer is whole.
    fn input(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if input.is_datagram() {
            self.answer(input.everything(), cx);
            return Ok(());
        }
        if !self.done
            && let Some(answer) = self.wanted.length.and_then(|length| input.exactly(length))
        {
            self.done = true;
            self.answer(answer, cx);
            cx.close();
        }
        if self.done {
            // How much comes before our close is chance.
            input.everything();
        }
        match input.rest().len() {
            got if got > self.wanted.max => {
                Err(Violation::too_long("answer", format_args!("at least {got}"), self.wanted.max))
            }
            _ => Ok(()),
        }
    }

    fn eof(&mut self, rest: &[u8], cx: &mut Cx<'_>) -> Result<(), Violation> {
        if self.done {
            return Ok(());
        }
        if self.wanted.length.is_some() && !rest.is_empty() {
            return Err(Violation::cut_short(rest.len()));
        }
        self.done = true;
        self.answer(rest, cx);
        cx.close();
        Ok(())
    }

    fn submit(&mut self, seq: u64, _: &Bytes, cx: &mut Cx<'_>) -> Result<(), NotNow> {
        if let Some(verdict) = self.early.take() {
            cx.event(Event::Answered { seq, verdict });
            return Ok(());
        }
        self.awaited.push(seq, &Bytes::new());
        // "The data in the received datagram is ignored" (RFC 865 and 867), "send an empty datagram to port 37" (RFC 868):
        // an empty one asks as well as any.
        cx.end_datagram();
        Ok(())
    }

    fn forget(&mut self, seq: u64) {
        self.awaited.forget(seq);
    }
}
