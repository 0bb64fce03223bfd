//! The client end: waits for the greeting, says EHLO, logs in, and then sends messages, one after the other, in as few turns as
//! the server's extensions allow: with PIPELINING all commands of a message at once (RFC 2920), with CHUNKING the message behind
//! them (RFC 3030).

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;

use super::{
    envelope::literal,
    hearing::Hearing,
    mail::Options,
    offers::Offers,
    sending::{Next, Reply, Sending},
    transfer,
};
use crate::{
    protocol::Setup,
    session::{Cx, EffectId, Event, Input, Leaving, NotNow, Outcome, Session, Violation},
};

/// "The maximum total length of a reply line including the reply code and the <CRLF> is 512 octets" (RFC 5321, section
/// 4.5.3.1.5); some are longer.
const LONGEST_LINE: usize = 2048;
/// Asks to be told when there is room for more of a file.
pub(super) const ROOM: EffectId = EffectId(0);
/// Messages that wait while one is on its way.
const QUEUED: usize = 16;
const PATIENCE: EffectId = EffectId(1);
/// A message could not be sent, and that is told after a moment.
const UNSENT: EffectId = EffectId(2);
const PAUSE: Duration = Duration::from_millis(100);
/// How long the answer to QUIT is waited for: it matters to nobody.
const QUITTING: Duration = Duration::from_secs(2);

/// An answer that is awaited: to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Greeting,
    Ehlo,
    Helo,
    AuthPlain,
    AuthName,
    AuthUser,
    AuthPassword,
    Reset,
    Mail,
    Rcpt(usize),
    Data,
    /// A chunk, and not the last.
    Chunk,
    Message,
    Quit,
}

/// How far it is with the server.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// Greeting, EHLO or AUTH are not over.
    Begins,
    Ready,
    /// It will not have us: with this answer, to that.
    Refused(&'static str, Reply),
}

/// The client end.
pub(super) struct Client {
    pub(super) options: Options,
    hearing: Hearing,
    pub(super) awaited: VecDeque<Step>,
    pub(super) offers: Offers,
    stage: Stage,
    pub(super) sending: Option<Sending>,
    /// A message was refused half-way: the server is to forget it.
    pub(super) stale: bool,
    /// What was said of a file has not all left.
    pub(super) holds_back: bool,
    /// What is to be sent after that.
    queued: VecDeque<(u64, Bytes)>,
    refused_submit: bool,
    quitting: bool,
}

impl Client {
    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            options: Options::of(setup),
            hearing: Hearing::default(),
            awaited: VecDeque::from([Step::Greeting]),
            offers: Offers::default(),
            stage: Stage::Begins,
            sending: None,
            stale: false,
            holds_back: false,
            queued: VecDeque::new(),
            refused_submit: false,
            quitting: false,
        }
    }

    /// Says a command, and awaits its answer.
    pub(super) fn command(&mut self, cx: &mut Cx<'_>, step: Step, line: &str) {
        cx.talk("", true, line.as_bytes());
        self.secret(cx, step, line);
    }

    /// The same, of which nobody is told.
    pub(super) fn secret(&mut self, cx: &mut Cx<'_>, step: Step, line: &str) {
        cx.write(line.as_bytes());
        cx.write(b"\r\n");
        self.awaited.push_back(step);
    }

    fn hostname(&self, cx: &Cx<'_>) -> String {
        self.options.hostname.clone().unwrap_or_else(|| literal(&cx.facts.local))
    }

    /// A step on the way of our message is done.
    pub(super) fn phase(&self, cx: &mut Cx<'_>, name: &'static str) {
        let seq = self.sending.as_ref().map_or(0, |sending| sending.seq);
        cx.event(Event::Phase { seq, name });
    }

    fn heard(&mut self, reply: Reply, lines: &str, cx: &mut Cx<'_>) {
        let Some(step) = self.awaited.pop_front() else {
            // 421 may come at any time, and says good bye (RFC 5321, section 3.8).
            if reply.code == 421 {
                return self.give_up("the server closed", reply, cx);
            }
            // In the middle of a message it can only be an answer to that.
            if let Some(sending) = self.sending.as_mut().filter(|sending| matches!(sending.next, Next::Stream { .. })) {
                sending.answered(reply);
                return self.conclude(cx);
            }
            return cx.event(Event::Unsolicited { bytes: reply.text.len() });
        };
        match step {
            Step::Greeting if reply.code == 220 => {
                self.phase(cx, "greeting");
                let hello = format!("EHLO {}", self.hostname(cx));
                self.command(cx, Step::Ehlo, &hello);
            }
            Step::Greeting => self.give_up("the server greeted with", reply, cx),
            Step::Ehlo if reply.is_good() => {
                self.offers = Offers::read(lines);
                self.phase(cx, "ehlo");
                self.log_in(cx);
            }
            // "EHLO is not known: HELO" (RFC 5321, section 3.2).
            Step::Ehlo if (500..600).contains(&reply.code) => {
                let hello = format!("HELO {}", self.hostname(cx));
                self.command(cx, Step::Helo, &hello);
            }
            Step::Helo if reply.is_good() => {
                self.phase(cx, "ehlo");
                self.log_in(cx);
            }
            Step::Ehlo | Step::Helo => self.give_up("EHLO was refused", reply, cx),
            Step::AuthPlain | Step::AuthName | Step::AuthUser | Step::AuthPassword => self.auth(step, reply, cx),
            Step::Quit => cx.close(),
            Step::Reset => self.go_on(cx),
            _ => self.of_message(step, reply, cx),
        }
    }

    pub(super) fn ready(&mut self, cx: &mut Cx<'_>) {
        self.stage = Stage::Ready;
        self.go_on(cx);
    }

    /// Nothing can be sent on this connection.
    pub(super) fn give_up(&mut self, why: &'static str, reply: Reply, cx: &mut Cx<'_>) {
        self.stage = Stage::Refused(why, reply);
        self.awaited.clear();
        if self.sending.is_some() {
            self.conclude(cx);
        }
    }

    fn of_message(&mut self, step: Step, reply: Reply, cx: &mut Cx<'_>) {
        let Some(sending) = &mut self.sending else { return };
        let closing = (reply.code == 421).then(|| reply.clone());
        let mut over = false;
        match step {
            Step::Mail => {
                sending.sender = Some(reply);
                self.phase(cx, "mail");
            }
            Step::Rcpt(n) => {
                let last = n + 1 == sending.recipients.len();
                sending.recipients[n] = Some(reply);
                if last {
                    self.phase(cx, "rcpt");
                }
            }
            Step::Data if reply.code == 354 => {
                self.phase(cx, "data");
                return transfer::after_data(self, cx);
            }
            // Only 354 asks for the message. Whatever else this is, it was not sent.
            Step::Data if reply.is_good() => {
                let text = format!("DATA was answered with {:?}, and not with 354: the message was not sent", reply.text);
                sending.answered(Reply { code: 554, text });
                over = true;
            }
            Step::Data | Step::Message => {
                sending.answered(reply);
                over = true;
                if step == Step::Message {
                    self.phase(cx, "message");
                }
            }
            Step::Chunk if !reply.is_good() => {
                sending.answered(reply);
                over = true;
            }
            _ => {}
        }
        if let Some(reply) = closing {
            return self.give_up("the server closes", reply, cx);
        }
        if over && !self.awaited.iter().any(|step| *step == Step::Message) {
            return self.conclude(cx);
        }
        self.go_on(cx);
    }

    /// Says what can be said now.
    pub(super) fn go_on(&mut self, cx: &mut Cx<'_>) {
        if self.stage != Stage::Ready || self.sending.is_none() || !transfer::go_on(self, cx) {
            return;
        }
        if self.sending.as_ref().is_some_and(|sending| sending.begun) {
            return self.conclude(cx);
        }
        // Nothing went over the wire that would take its time: whoever tries again at once would do nothing else.
        cx.wake(UNSENT, PAUSE);
    }

    /// All is known of our message.
    pub(super) fn conclude(&mut self, cx: &mut Cx<'_>) {
        let Some(mut sending) = self.sending.take() else { return };
        if let Stage::Refused(why, reply) = &self.stage
            && !sending.has(reply)
        {
            let text = format!("{why}: {}", reply.text);
            sending.last.get_or_insert(Reply { code: reply.code, text });
        }
        let verdict = sending.verdict(&self.options);
        // A server that still awaits the message hears that there is none; and any other that has closed its ears, nothing.
        self.stale |= sending.begun;
        if sending.last.as_ref().is_some_and(Reply::is_good) {
            self.stale = false;
        }
        if matches!(sending.next, Next::Stream { .. }) {
            // Half of a message is said: nothing else can be.
            cx.close();
        }
        cx.body(sending.told(&self.options).as_bytes());
        cx.record("mail", || sending.record(&self.options));
        let seq = sending.seq;
        cx.event(if sending.forgotten { Event::Late { seq } } else { Event::Answered { seq, verdict } });
        if let Some((seq, body)) = self.queued.pop_front() {
            self.begin(seq, &body, cx);
        }
        self.part(cx);
        if std::mem::take(&mut self.refused_submit) {
            cx.event(Event::Ready);
        }
    }

    /// Whoever was refused leaves. On a new connection the server may think otherwise.
    fn part(&mut self, cx: &mut Cx<'_>) {
        let Stage::Refused(_, reply) = &self.stage else { return };
        if self.quitting || self.sending.is_some() {
            return;
        }
        self.quitting = true;
        if reply.code == 421 {
            return cx.close();
        }
        self.command(cx, Step::Quit, "QUIT");
        cx.wake(PATIENCE, QUITTING);
    }

    fn begin(&mut self, seq: u64, body: &Bytes, cx: &mut Cx<'_>) {
        let mail = match self.options.mail(seq, body, cx) {
            Ok(mail) => mail,
            Err(error) => {
                let why = Violation::new("unreadable", format!("the file can't be read: {error}"));
                return cx.event(Event::Refused { seq, why });
            }
        };
        let next = if self.stale { Next::Reset } else { Next::Mail };
        self.sending = Some(Sending::new(seq, mail, next, self.options.to.len()));
        match self.stage {
            Stage::Refused(..) => self.conclude(cx),
            _ => self.go_on(cx),
        }
    }
}

impl Session for Client {
    fn input(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        loop {
            let rest = input.rest();
            let Some(line) = input.line(LONGEST_LINE)? else { return Ok(()) };
            cx.talk("", false, line);
            let taken = rest.len() - input.rest().len();
            if let Some((reply, words)) = self.hearing.line(&rest[..taken])? {
                cx.heard(reply.text.as_bytes());
                self.heard(reply, &words, cx);
            }
        }
    }

    fn submit(&mut self, seq: u64, body: &Bytes, cx: &mut Cx<'_>) -> Result<(), NotNow> {
        if self.quitting {
            return Err(NotNow);
        }
        if self.sending.is_none() {
            self.begin(seq, body, cx);
        } else if self.queued.len() < QUEUED {
            self.queued.push_back((seq, body.clone()));
        } else {
            self.refused_submit = true;
            return Err(NotNow);
        }
        Ok(())
    }

    fn forget(&mut self, seq: u64) {
        self.queued.retain(|(queued, _)| *queued != seq);
        if let Some(sending) = self.sending.as_mut().filter(|sending| sending.seq == seq) {
            sending.forgotten = true;
        }
    }

    fn resume(&mut self, id: EffectId, _: Outcome, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if id == PATIENCE {
            cx.close();
            return Ok(());
        }
        if id == UNSENT {
            if self.sending.as_ref().is_some_and(|sending| !sending.begun && sending.last.is_some()) {
                self.conclude(cx);
            }
            return Ok(());
        }
        self.holds_back = false;
        self.go_on(cx);
        Ok(())
    }

    fn eof(&mut self, rest: &[u8], cx: &mut Cx<'_>) -> Result<(), Violation> {
        if !rest.is_empty() {
            return Err(Violation::cut_short(rest.len()));
        }
        self.quitting = false;
        cx.close();
        Ok(())
    }

    fn leave(&mut self, why: Leaving, cx: &mut Cx<'_>) {
        // "A receiver MUST NOT close until it receives QUIT"; a sender says it, and waits for the answer (RFC 5321, section
        // 4.1.1.10). Where nobody listens, there is nobody to say it to.
        let listens = self.awaited.is_empty() && !matches!(self.stage, Stage::Refused(_, Reply { code: 421, .. }));
        if why == Leaving::Done && listens && self.sending.is_none() && !self.quitting {
            self.quitting = true;
            self.command(cx, Step::Quit, "QUIT");
            cx.wake(PATIENCE, QUITTING);
        }
    }

    fn busy(&self) -> bool {
        self.quitting && self.awaited.contains(&Step::Quit)
    }
}
