//! The server end: greets, takes commands as they come, many in one read, and messages. What it answers goes out in one write,
//! and in order; a message that is being put on disk holds up what comes behind it, so that `250` means what it says.

use super::{
    auth::Awaits,
    commands,
    envelope::{Envelope, Hello, our_name},
    lines::Fed,
    reply::say,
    settings::Settings,
};
use crate::{
    protocol::Setup,
    session::{Cx, EffectId, Event, FileError, Input, Leaving, Outcome, Session, Violation, fields},
};

/// No more commands are taken while so many bytes wait to be sent.
const HIGH_WATER: usize = 64 * 1024;
/// "The maximum total length of a command line including the command word and the <CRLF> is 512 octets" (RFC 5321, section
/// 4.5.3.1.4); extensions add to it, and 4954 most.
const LONGEST_COMMAND: usize = 2048;
const LONGEST_AUTH: usize = 12_288;
/// Asks to be told when there is room for output again.
const ROOM: EffectId = EffectId(0);
const GREETING: EffectId = EffectId(1);
/// The first of the files that are being committed.
const COMMIT: EffectId = EffectId(2);

/// Where the conversation is.
#[derive(Debug, Default)]
pub(super) enum State {
    /// The greeting is held back.
    Silent,
    #[default]
    Commands,
    Auth(Awaits),
    /// After DATA.
    Data,
    /// After BDAT: so many bytes are to come, of the last chunk or not.
    Chunk {
        left: u64,
        last: bool,
    },
    /// Of a chunk that was refused so many bytes are to come.
    Refused {
        left: u64,
    },
    /// So many files are not on disk yet.
    Committing {
        left: usize,
    },
    /// All is said.
    Over,
}

/// The server end.
pub(super) struct Server {
    pub(super) settings: Settings,
    pub(super) state: State,
    /// What EHLO or HELO said; `None`: nothing yet.
    pub(super) hello: Option<Hello>,
    /// As whom the client has logged in.
    pub(super) login: Option<String>,
    pub(super) envelope: Envelope,
    /// Commands that made no sense.
    errors: u64,
}

impl Server {
    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            settings: Settings::of(setup),
            state: State::Commands,
            hello: None,
            login: None,
            envelope: Envelope::default(),
            errors: 0,
        }
    }

    fn greet(&mut self, cx: &mut Cx<'_>) {
        self.state = State::Commands;
        let what = if self.settings.stores.discards() { ", which keeps no messages" } else { "" };
        let text = format!("{} ESMTP netproto{what}", our_name(&self.settings, cx));
        say(cx, 220, "", &text);
    }

    /// Says this as the last word.
    pub(super) fn part(&mut self, cx: &mut Cx<'_>, code: u16, status: &str, text: &str) {
        say(cx, code, status, text);
        cx.close();
        self.state = State::Over;
    }

    /// A command that makes no sense, or not now. Who sends too many is no mailer.
    pub(super) fn wrong(&mut self, cx: &mut Cx<'_>, code: u16, status: &str, text: &str) {
        self.errors += 1;
        say(cx, code, status, text);
        if self.errors > self.settings.most_errors {
            self.part(cx, 421, "4.7.0", "too many commands that make no sense; closing");
        }
    }

    fn line(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<bool, Violation> {
        let rest = input.rest();
        let most = if matches!(self.state, State::Auth(_)) { LONGEST_AUTH } else { LONGEST_COMMAND };
        let line = match input.line(most) {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(false),
            Err(violation) => {
                self.part(cx, 500, "5.5.2", "line too long; closing");
                return Err(violation);
            }
        };
        if let State::Auth(awaits) = std::mem::take(&mut self.state) {
            cx.heard(b"***");
            commands::auth_goes_on(self, cx, &awaits, line);
        } else if line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            cx.heard(commands::shown(line));
            if commands::is_chunk(line) {
                commands::no_size(self, cx);
            } else {
                self.wrong(cx, 500, "5.5.2", "control characters have no place in a command");
            }
        } else {
            commands::command(self, cx, &rest[..=line_end(rest, line)]);
        }
        Ok(true)
    }

    fn data(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        let Some(delivery) = &mut self.envelope.delivery else {
            self.state = State::Commands;
            return Ok(());
        };
        let bytes = input.rest();
        match delivery.data(bytes, self.settings.most_bytes) {
            Fed::More => _ = input.everything(),
            Fed::End(taken) => {
                _ = input.exactly(taken);
                self.complete(cx);
            }
            Fed::Bare(what) => {
                self.envelope = Envelope::default();
                let text = format!("a bare {what} in the message, and only CRLF ends a line; closing");
                self.part(cx, 554, "5.6.0", &text);
                let why = format!("a bare {what} stands in a message: only CRLF ends a line, or messages could be smuggled");
                return Err(Violation::new("bare_line_end", why));
            }
        }
        Ok(())
    }

    fn chunk(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>, left: u64, last: Option<bool>) {
        let n = usize::try_from(left).unwrap_or(usize::MAX).min(input.rest().len());
        let bytes = input.exactly(n).unwrap_or_default();
        let left = left - n as u64;
        let Some(last) = last else {
            self.state = if left == 0 { State::Commands } else { State::Refused { left } };
            return;
        };
        if let Some(delivery) = &mut self.envelope.delivery {
            delivery.chunk(bytes, self.settings.most_bytes);
        }
        self.state = State::Chunk { left, last };
        if left == 0 {
            self.chunk_ends(cx, last);
        }
    }

    /// All of a chunk is there.
    pub(super) fn chunk_ends(&mut self, cx: &mut Cx<'_>, last: bool) {
        if last {
            return self.complete(cx);
        }
        self.state = State::Commands;
        say(cx, 250, "2.0.0", "chunk taken");
    }

    /// All of a message is there: it is refused, or put on disk.
    fn complete(&mut self, cx: &mut Cx<'_>) {
        self.state = State::Commands;
        let Some(delivery) = &mut self.envelope.delivery else { return };
        let (writers, places) = delivery.end();
        let most = self.settings.longest_line;
        if delivery.too_large {
            let text = format!("the message has more than {} bytes", self.settings.most_bytes);
            say(cx, 552, "5.3.4", &text);
        } else if delivery.longest_line() > most {
            let text = format!("a line of the message has more than {most} bytes");
            say(cx, 554, "5.6.0", &text);
        } else if let Some(error) = &delivery.failure {
            unkept(cx, error);
        } else if writers.is_empty() {
            return self.kept(cx);
        } else {
            self.envelope.places = places;
            self.state = State::Committing { left: writers.len() };
            for (id, writer) in (COMMIT.0..).zip(writers) {
                cx.commit(EffectId(id), writer);
            }
            // The order of answers, and what 250 means, depend on it: nothing is taken meanwhile.
            return cx.pause_input();
        }
        self.envelope = Envelope::default();
    }

    /// The message is where it should be, or thrown away.
    fn kept(&mut self, cx: &mut Cx<'_>) {
        let envelope = std::mem::take(&mut self.envelope);
        let size = envelope.delivery.as_ref().map_or(0, |delivery| delivery.size);
        let thrown = envelope.places.is_empty();
        say(cx, 250, "2.0.0", if thrown { "taken, and thrown away" } else { "taken, and on disk" });
        cx.record("mail", || {
            let mut fields = serde_json::Map::new();
            fields.insert("from".into(), envelope.from.into());
            fields.insert("to".into(), envelope.recipients.into());
            fields.insert("size".into(), size.into());
            fields.insert("where".into(), if thrown { "discarded".into() } else { envelope.places.join(", ").into() });
            fields.insert("subject".into(), envelope.delivery.and_then(|delivery| delivery.subject()).into());
            fields.insert("hello".into(), self.hello.as_ref().map(|hello| hello.name.clone()).into());
            fields.insert("user".into(), self.login.clone().into());
            fields
        });
    }

    fn committed(&mut self, cx: &mut Cx<'_>, result: Result<(), FileError>) {
        let State::Committing { left } = &mut self.state else { return };
        *left -= 1;
        let all = *left == 0;
        if let (Err(error), Some(delivery)) = (result, &mut self.envelope.delivery) {
            delivery.failure.get_or_insert(error);
        }
        if !all {
            return;
        }
        self.state = State::Commands;
        match self.envelope.delivery.as_ref().and_then(|delivery| delivery.failure.as_ref()) {
            Some(error) => {
                unkept(cx, error);
                self.envelope = Envelope::default();
            }
            None => self.kept(cx),
        }
        cx.resume_input();
    }
}

/// The message could not be kept: it is still the client's. What went wrong is ours to know.
pub(super) fn unkept(cx: &mut Cx<'_>, error: &FileError) {
    match error {
        FileError::Full => say(cx, 452, "4.3.1", "no room to keep the message; try again later"),
        _ => say(cx, 451, "4.3.0", "the message could not be kept; try again later"),
    }
    let why = error.to_string();
    let sentence = format!("a message could not be kept: {why}");
    let hint = "see that its folder is there and may be written to, and that the disk has room";
    cx.event(Event::Fault(Box::new(Violation::ours("unkept", sentence, hint))));
    cx.record("unkept", || fields([("error", why.into())]));
}

/// Where the LF stands that ends this line of `rest`.
fn line_end(rest: &[u8], line: &[u8]) -> usize {
    let cr = usize::from(rest.get(line.len()) == Some(&b'\r'));
    line.len() + cr
}

impl Session for Server {
    fn open(&mut self, cx: &mut Cx<'_>) {
        if self.settings.greeting_delay.is_zero() {
            return self.greet(cx);
        }
        self.state = State::Silent;
        cx.wake(GREETING, self.settings.greeting_delay);
    }

    fn input(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        while !input.is_empty() {
            if cx.unsent() > HIGH_WATER {
                cx.pause_input();
                cx.when_drained(ROOM);
                return Ok(());
            }
            match self.state {
                // "The client MUST wait for the greeting" (RFC 5321, section 3.1, as everybody reads it): spammers do not.
                State::Silent => {
                    self.part(cx, 554, "5.5.1", "you spoke before the greeting; closing");
                    return Err(Violation::new("early_talker", "the client spoke before the greeting"));
                }
                State::Commands | State::Auth(_) => {
                    if !self.line(input, cx)? {
                        return Ok(());
                    }
                }
                State::Data => self.data(input, cx)?,
                State::Chunk { left, last } => self.chunk(input, cx, left, Some(last)),
                State::Refused { left } => self.chunk(input, cx, left, None),
                State::Committing { .. } => return Ok(()),
                State::Over => _ = input.everything(),
            }
        }
        Ok(())
    }

    fn resume(&mut self, id: EffectId, outcome: Outcome, cx: &mut Cx<'_>) -> Result<(), Violation> {
        match outcome {
            Outcome::Committed(result) => self.committed(cx, result),
            Outcome::Woken if id == GREETING && matches!(self.state, State::Silent) => self.greet(cx),
            Outcome::Drained => cx.resume_input(),
            Outcome::Woken | Outcome::Generated(_) | Outcome::Swallowed => {}
        }
        Ok(())
    }

    fn eof(&mut self, rest: &[u8], cx: &mut Cx<'_>) -> Result<(), Violation> {
        if matches!(self.state, State::Data | State::Chunk { .. }) {
            let size = self.envelope.delivery.as_ref().map_or(0, |delivery| delivery.size);
            return Err(Violation::cut_short(size as usize));
        }
        if !rest.is_empty() && !matches!(self.state, State::Over) {
            return Err(Violation::cut_short(rest.len()));
        }
        cx.close();
        Ok(())
    }

    fn leave(&mut self, why: Leaving, cx: &mut Cx<'_>) {
        let text = match why {
            Leaving::Idle => "nothing came for too long; closing",
            Leaving::Stopped => "the server is stopped; closing",
            Leaving::Done => return,
        };
        if !matches!(self.state, State::Over) {
            self.part(cx, 421, "4.3.2", text);
        }
    }

    fn busy(&self) -> bool {
        matches!(self.state, State::Committing { .. } | State::Silent)
    }
}
