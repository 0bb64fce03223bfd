//! The server end: answers each message, now or after a delay.

use std::{collections::VecDeque, time::Duration};

use super::Rule;
use crate::{
    protocol::{
        Setup,
        framing::{Framing, Kind, Wrap},
    },
    session::{Cx, EffectId, Input, Outcome, Session, Violation},
};

/// No more messages are taken while so many bytes are queued or wait: short messages in one long read can have answers many
/// times their size.
const HIGH_WATER: usize = 128 * 1024;
/// Messages are taken again below this.
const LOW_WATER: usize = 32 * 1024;
/// Over datagrams, which can't be held back, delayed answers beyond this are not given.
const MOST_WAITING: usize = 256 * 1024;
/// What one delayed answer costs beside its bytes.
const COST: usize = 64;
/// Asks to be told when there is room for output again.
const ROOM: EffectId = EffectId(0);
/// Asks for the next delayed answer. All wait equally long, so the order is that of asking, and one name is enough.
const DUE: EffectId = EffectId(1);

/// The server end of an exchange.
#[derive(Debug)]
pub(in crate::protocol) struct Server {
    rule: Rule,
    framing: Framing,
    /// The framing of answers, which may be longer by the prefix.
    answers: Framing,
    delay: Duration,
    /// Delayed answers, framing included, each all of what one piece of input caused.
    waiting: VecDeque<Vec<u8>>,
    waiting_bytes: usize,
    paused: bool,
    /// The peer has closed; how we end when all is answered.
    ending: Option<Box<Result<(), Violation>>>,
}

impl Server {
    pub(in crate::protocol) fn new(rule: Rule, setup: &Setup) -> Self {
        Self {
            rule,
            answers: setup.framing.longer(rule.prefix().len()),
            framing: setup.framing.clone(),
            delay: setup.params.duration(super::DELAY.name).unwrap_or_default(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            paused: false,
            ending: None,
        }
    }

    /// Takes and answers messages while there is room for answers.
    fn converse(&mut self, input: &mut Input<'_>, batch: &mut Vec<u8>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        while !input.is_empty() {
            if self.full(batch.len(), cx) {
                self.paused = true;
                cx.pause_input();
                return Ok(());
            }
            let Some(message) = self.framing.take(input)? else { return Ok(()) };
            cx.heard(message);
            if let Rule::Answer { prefix } = self.rule {
                let wrap = self.wrap(prefix, message)?;
                self.say(&[wrap.head(), prefix, message, wrap.tail()], batch, cx);
            }
        }
        Ok(())
    }

    fn full(&self, batch: usize, cx: &Cx<'_>) -> bool {
        cx.unsent() > HIGH_WATER || self.waiting_bytes + batch > HIGH_WATER
    }

    fn go_on_when_there_is_room(&mut self, cx: &mut Cx<'_>) {
        if !self.paused || self.waiting_bytes > LOW_WATER {
            return;
        }
        if cx.unsent() > LOW_WATER {
            return cx.when_drained(ROOM);
        }
        self.paused = false;
        cx.resume_input();
    }

    fn wrap(&self, prefix: &[u8], message: &[u8]) -> Result<Wrap<'_>, Violation> {
        let wrap = self.answers.wrap(prefix.len() + message.len()).map_err(|_| {
            let (answer, max) = (prefix.len() + message.len(), self.answers.max);
            let sentence =
                format!("the answer to a message of {} bytes has {answer}, over the limit of {max}", message.len());
            Violation::new("answer_too_long", sentence)
        })?;
        // What came was cut at its first delimiter, so only our prefix can bring in one that ends the answer early.
        if !prefix.is_empty() && matches!(self.answers.kind, Kind::Delimiter(_)) {
            self.answers.fits(&[prefix, message].concat())?;
        }
        Ok(wrap)
    }

    /// Says an answer now, or adds it to the batch that is said later.
    fn say(&self, parts: &[&[u8]; 4], batch: &mut Vec<u8>, cx: &mut Cx<'_>) {
        for part in parts {
            if self.delay.is_zero() {
                cx.write(part);
            } else {
                batch.extend_from_slice(part);
            }
        }
    }

    fn later(&mut self, batch: Vec<u8>, cx: &mut Cx<'_>) {
        self.waiting_bytes += batch.len() + COST;
        self.waiting.push_back(batch);
        cx.wake(DUE, self.delay);
    }

    /// Answers one datagram, the empty one too.
    fn datagram(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        let message = self.framing.take_datagram(input)?;
        cx.heard(message);
        let Rule::Answer { prefix } = self.rule else { return Ok(()) };
        // What begins with our own prefix is an answer, perhaps from a server like us: answering it would never end.
        if !prefix.is_empty() && message.starts_with(prefix) {
            return Err(Violation::new(
                "own_prefix",
                "it begins as our own answers do, and two servers would go on for ever",
            ));
        }
        let wrap = self.wrap(prefix, message)?;
        let size = wrap.size() + prefix.len() + message.len();
        if size > cx.facts.max_datagram {
            return Err(too_large(message.len(), size, cx.facts.max_datagram));
        }
        let mut batch = Vec::new();
        self.say(&[wrap.head(), prefix, message, wrap.tail()], &mut batch, cx);
        if self.delay.is_zero() {
            cx.end_datagram();
        } else if self.waiting_bytes + batch.len() > MOST_WAITING {
            return Err(Violation::new("too_many_waiting", "too many answers wait for their delay; not answered"));
        } else {
            self.later(batch, cx);
        }
        Ok(())
    }
}

fn too_large(message: usize, answer: usize, max: usize) -> Violation {
    let sentence = format!(
        "the answer to a datagram of {message} bytes has {answer}, over the largest datagram of {max}; not answered"
    );
    Violation::new("answer_too_large", sentence)
}

fn end(ending: Result<(), Violation>, cx: &mut Cx<'_>) -> Result<(), Violation> {
    ending.inspect(|()| cx.close())
}

impl Session for Server {
    fn input(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if input.is_datagram() {
            return self.datagram(input, cx);
        }
        let mut batch = Vec::new();
        let result = self.converse(input, &mut batch, cx);
        if !batch.is_empty() {
            self.later(batch, cx);
        }
        self.go_on_when_there_is_room(cx);
        match result {
            // Answers that are due later come before the end.
            Err(violation) if self.busy() => {
                cx.pause_input();
                self.ending = Some(Box::new(Err(violation)));
                Ok(())
            }
            result => result,
        }
    }

    fn resume(&mut self, id: EffectId, _: Outcome, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if id == DUE
            && let Some(batch) = self.waiting.pop_front()
        {
            self.waiting_bytes -= batch.len() + COST;
            cx.write(&batch);
            cx.end_datagram();
        }
        self.go_on_when_there_is_room(cx);
        if self.waiting.is_empty()
            && let Some(ending) = self.ending.take()
        {
            return end(*ending, cx);
        }
        Ok(())
    }

    fn eof(&mut self, rest: &[u8], cx: &mut Cx<'_>) -> Result<(), Violation> {
        let ending = if rest.is_empty() { Ok(()) } else { Err(Violation::cut_short(rest.len())) };
        if !self.busy() {
            return end(ending, cx);
        }
        self.ending = Some(Box::new(ending));
        Ok(())
    }

    fn busy(&self) -> bool {
        !self.waiting.is_empty()
    }
}
