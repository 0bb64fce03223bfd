//! The server end: takes requests one by one, in order, and answers each when all of it is there.
//!
//! What could be read in two ways is answered with its 4xx or 5xx, and the connection is closed: nothing behind it is read as
//! another request.
//!
//! May use: `session`, `bytes`.

use std::time::Duration;

use super::{
    answer::{Answer, Manner},
    body::{Decoder, Framing, Step},
    date::Now,
    echo::Received,
    head::{self, Finder, Request},
    params::{self, Line},
    site::Site,
    status::Bad,
    target::Target,
};
use crate::{
    protocol::Setup,
    session::{Cx, EffectId, Input, Outcome, Session, Violation},
};

const DRAINED: EffectId = EffectId(0);
const TICK: EffectId = EffectId(1);
/// No more requests are taken while more than this is unsent.
const ENOUGH: usize = 64 * 1024;
const MOST_BODY: u64 = 1024 * 1024;
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// A request whose body has not all come.
#[derive(Debug)]
struct Pending {
    head: Vec<u8>,
    decoder: Decoder,
    kept: Vec<u8>,
    length: u64,
}

/// How far the client has come. Each of its messages has its own time: a head that has begun since the clock was set is none
/// that takes too long.
#[derive(Debug, PartialEq, Eq)]
struct Progress {
    requests: u64,
    answered: u64,
    /// Bytes of the body that is coming.
    body: u64,
    /// A head is coming.
    begun: bool,
}

/// The server end.
#[derive(Debug)]
pub(super) struct Server {
    site: Site,
    /// Lines that stand in every answer.
    fields: String,
    /// They tell of a close after each answer, and so it is.
    closes: bool,
    chunked: bool,
    most_body: u64,
    patience: Duration,
    finder: Finder,
    pending: Option<Box<Pending>>,
    now: Now,
    /// Heads that have come.
    requests: u64,
    /// Requests that were answered.
    answered: u64,
    /// What had come when the clock was set.
    seen: Option<Progress>,
    /// HEAD was asked: no answer has a body.
    head_only: bool,
    /// The connection is closing: what still comes means nothing.
    over: bool,
}

impl Server {
    pub(super) fn new(setup: &Setup) -> Self {
        let given = &setup.params;
        let typed = given.all_made::<Line>(params::HEADER);
        // Where the connection closes, that is said anyway.
        let (closing, others): (Vec<_>, Vec<_>) = typed.iter().partition(|line| line.closes());
        let site = Site::new(setup);
        Self {
            fields: others.iter().map(|line| line.0.as_str()).collect(),
            closes: !closing.is_empty() || site.closes(),
            site,
            chunked: given.switch(params::CHUNKED),
            most_body: given.number(params::MAX_BODY).unwrap_or(MOST_BODY),
            patience: given.duration(params::HEAD_TIMEOUT).unwrap_or(HEAD_TIMEOUT),
            finder: Finder::default(),
            pending: None,
            now: Now::default(),
            requests: 0,
            answered: 0,
            seen: None,
            head_only: false,
            over: false,
        }
    }

    /// Takes what has come, request by request.
    fn take(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        while !self.over && !input.is_empty() {
            if cx.unsent() > ENOUGH {
                cx.pause_input();
                cx.when_drained(DRAINED);
                return Ok(());
            }
            match self.step(input, cx) {
                Ok(true) => {}
                Ok(false) => break,
                Err(bad) => return Err(self.refuse(bad, cx)),
            }
        }
        if self.over {
            input.everything();
        }
        Ok(())
    }

    /// Takes one request, or a part of one; `false`: more has to come.
    fn step(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<bool, Bad> {
        match self.pending.take() {
            Some(pending) => self.body(pending, input, cx),
            None => self.head(input, cx),
        }
    }

    fn head(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<bool, Bad> {
        // "a server [...] SHOULD ignore at least one empty line (CRLF) received prior to the request-line" (RFC 9112, section
        // 2.2).
        while !self.finder.begun() && input.rest().starts_with(b"\r\n") {
            input.exactly(2);
        }
        let rest = input.rest();
        if rest.is_empty() || rest == b"\r" {
            return Ok(false);
        }
        head::may_begin(rest)?;
        let Some(head) = self.finder.find(rest)?.and_then(|length| input.exactly(length)) else {
            return Ok(false);
        };
        self.requests += 1;
        self.head_only = head.starts_with(b"HEAD ");
        cx.heard(head);
        let mut room = head::room();
        let request = Request::read(head, &mut room)?;
        let target = Target::read(request.method, request.target)?;
        if request.framing == Framing::None {
            if !request.newer && matches!(request.method, "POST" | "PUT") && request.fields.first("content-length").is_none()
            {
                // RFC 1945, section 8.3: there is no other way to know where it ends.
                return Err(Bad::new(411, "no_length", "in HTTP/1.0 a body needs a Content-Length"));
            }
            self.respond(&request, target, Received::default(), cx)?;
            return Ok(true);
        }
        self.begin_body(&request, target, head, cx)
    }

    fn begin_body(&mut self, request: &Request<'_>, target: Target<'_>, head: &[u8], cx: &mut Cx<'_>) -> Result<bool, Bad> {
        let decoder = match Decoder::new(request.framing, self.most_body) {
            // The client need not send what nobody wants; whether it does all the same is not known, so no request follows.
            Ok(_) if request.expects && self.site.refuses(request.method).is_some() => {
                return self.last(request, target, Received::default(), cx);
            }
            Err(_) if !self.site.reads_bodies(request.method) => {
                return self.last(request, target, Received::default(), cx);
            }
            decoder => decoder?,
        };
        if request.expects {
            cx.write(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        self.pending = Some(Box::new(Pending { head: head.to_vec(), decoder, kept: Vec::new(), length: 0 }));
        Ok(true)
    }

    fn body(&mut self, mut pending: Box<Pending>, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<bool, Bad> {
        let whole = loop {
            match pending.decoder.take(input) {
                // Too long, and what is answered does not depend on it.
                Err(bad) if bad.status == 413 => break Err(bad),
                Err(bad) => return Err(bad),
                Ok(Step::Data(bytes)) => {
                    pending.length += bytes.len() as u64;
                    if self.site.keeps_bodies() {
                        pending.kept.extend_from_slice(bytes);
                    }
                }
                Ok(Step::More) => {
                    self.pending = Some(pending);
                    return Ok(false);
                }
                Ok(Step::Done) => break Ok(()),
            }
        };
        let mut room = head::room();
        let request = Request::read(&pending.head, &mut room)?;
        let target = Target::read(request.method, request.target)?;
        let received = Received { body: &pending.kept, length: pending.length, trailers: pending.decoder.trailers() };
        match whole {
            Ok(()) => self.respond(&request, target, received, cx)?,
            Err(bad) if self.site.reads_bodies(request.method) => return Err(bad),
            Err(_) => return self.last(&request, target, received, cx),
        }
        Ok(true)
    }

    /// Answers, and closes.
    fn last(
        &mut self,
        request: &Request<'_>,
        target: Target<'_>,
        received: Received<'_>,
        cx: &mut Cx<'_>,
    ) -> Result<bool, Bad> {
        self.respond(&Request { stays: false, ..*request }, target, received, cx)?;
        Ok(true)
    }

    fn respond(
        &mut self,
        request: &Request<'_>,
        target: Target<'_>,
        received: Received<'_>,
        cx: &mut Cx<'_>,
    ) -> Result<(), Bad> {
        let answer = self.site.answer(request, target, received, cx.facts)?;
        let (status, length) = (answer.status, answer.length());
        let stays = request.stays && !self.closes;
        let manner = Manner {
            head_only: self.head_only,
            newer: request.newer,
            stays,
            chunked: self.chunked,
            trailers: request.fields.members("te").any(|coding| coding.eq_ignore_ascii_case(b"trailers")),
            date: "",
            fields: "",
        };
        self.say(answer, manner, cx);
        self.answered += 1;
        // Whatever is wrong with what comes next is told in full.
        self.head_only = false;
        cx.record("request", || {
            let fields = serde_json::json!({
                "method": request.method,
                "target": request.target,
                "version": if request.newer { "1.1" } else { "1.0" },
                "status": status,
                "request_body_bytes": received.length,
                "body_bytes": if manner.head_only { 0 } else { length },
                "user_agent": request.fields.text("user-agent"),
            });
            if let serde_json::Value::Object(fields) = fields { fields } else { serde_json::Map::new() }
        });
        if !stays {
            self.over = true;
            cx.close();
        }
        Ok(())
    }

    fn say(&mut self, answer: Answer, manner: Manner<'_>, cx: &mut Cx<'_>) {
        let date = self.now.text((cx.facts.wall_clock)());
        answer.write(Manner { date, fields: &self.fields, ..manner }, cx);
    }

    /// Says what is wrong; the driver closes after it.
    fn refuse(&mut self, bad: Bad, cx: &mut Cx<'_>) -> Violation {
        let manner = Manner {
            head_only: self.head_only,
            newer: true,
            stays: false,
            chunked: false,
            trailers: false,
            date: "",
            fields: "",
        };
        self.over = true;
        self.pending = None;
        self.say(Answer::bad(bad), manner, cx);
        Violation::new(bad.name, format!("{} {}: {}", bad.status, super::status::phrase(bad.status), bad.why))
    }

    fn progress(&self) -> Progress {
        let body = self.pending.as_ref().map_or(0, |pending| pending.length);
        Progress { requests: self.requests, answered: self.answered, body, begun: self.finder.begun() }
    }

    /// Does the client owe us something it has begun? At first it owes a request.
    fn owed(&self) -> bool {
        !self.over && (self.requests == 0 || self.pending.is_some() || self.finder.begun())
    }

    /// One clock for each connection, set while something is owed: many short waits cost no more than one.
    fn watch(&mut self, cx: &mut Cx<'_>) {
        if self.seen.is_none() && self.owed() && !self.patience.is_zero() {
            self.seen = Some(self.progress());
            cx.wake(TICK, self.patience);
        }
    }

    fn tick(&mut self, cx: &mut Cx<'_>) -> Result<(), Violation> {
        let seen = self.seen.take();
        if self.owed() && seen == Some(self.progress()) {
            if self.requests == 0 && !self.finder.begun() {
                // Nothing was asked: nothing is answered.
                self.over = true;
                cx.close();
                return Ok(());
            }
            return Err(self.refuse(Bad::new(408, "too_slow", "the rest of the request did not come in time"), cx));
        }
        self.watch(cx);
        Ok(())
    }
}

impl Session for Server {
    fn open(&mut self, cx: &mut Cx<'_>) {
        self.watch(cx);
    }

    fn input(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        let taken = self.take(input, cx);
        self.site.turn();
        taken?;
        self.watch(cx);
        Ok(())
    }

    fn resume(&mut self, id: EffectId, _: Outcome, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if id == TICK {
            return self.tick(cx);
        }
        cx.resume_input();
        Ok(())
    }

    fn eof(&mut self, rest: &[u8], cx: &mut Cx<'_>) -> Result<(), Violation> {
        if let Some(pending) = &self.pending {
            return Err(Violation::cut_short(pending.head.len() + pending.length as usize));
        }
        if !self.over && !rest.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            return Err(Violation::cut_short(rest.len()));
        }
        cx.close();
        Ok(())
    }
}
