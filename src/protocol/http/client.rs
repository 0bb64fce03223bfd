//! The client end: asks, reads the answers in the order of the requests, and knows right from wrong by their status.
//!
//! May use: `session`, `bytes`.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{
    body::{Decoder, Framing, Step},
    head::{self, Finder, Response},
    params,
    request::{Asked, Asking},
    right::Right,
    status::{self, Bad},
    urls,
};
use crate::{
    protocol::Setup,
    session::{Cx, Elsewhere, Event, Input, NotNow, Session, Violation},
};

/// The client end.
#[derive(Debug)]
pub(super) struct Client {
    asking: Asking,
    asked: VecDeque<Asked>,
    finder: Finder,
    known: Known,
    reading: Option<Reading>,
    right: Right,
    follows: bool,
    /// We have said that we ask no more on this connection.
    said_all: bool,
    /// The server will answer no more on this connection.
    over: bool,
}

/// An answer whose body is coming.
#[derive(Debug)]
pub(super) struct Reading {
    decoder: Decoder,
    framing: Framing,
    pub(super) status: u16,
    /// As the server put it, where that is not the usual.
    reason: Option<String>,
    stays: bool,
    /// Bytes of the body so far.
    pub(super) length: u64,
    /// Where the body is not the right one.
    pub(super) differs: Option<u64>,
    /// Another one is asked for, and this one not shown.
    elsewhere: Option<Elsewhere>,
    /// It leads where we can't follow.
    pub(super) lost: Option<String>,
}

impl Client {
    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            asking: Asking::new(setup),
            asked: VecDeque::new(),
            finder: Finder::default(),
            known: Known::default(),
            reading: None,
            right: Right::new(setup),
            follows: setup.params.switch(params::LOCATION),
            said_all: false,
            over: false,
        }
    }

    /// Takes one head or a piece of a body; `false`: more has to come.
    fn step(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<bool, Bad> {
        let Some(reading) = &mut self.reading else { return self.head(input, cx) };
        match reading.decoder.take(input)? {
            Step::Data(bytes) => {
                reading.differs = reading.differs.or_else(|| self.right.differs(reading.length, bytes));
                reading.length += bytes.len() as u64;
                if reading.elsewhere.is_none() {
                    cx.body(bytes);
                }
                if cx.facts.watch.bodies {
                    let total = if let Framing::Length(length) = reading.framing { Some(length) } else { None };
                    cx.event(Event::Progress { done: reading.length, total });
                }
                if reading.decoder.done() {
                    self.answered(cx);
                }
                Ok(true)
            }
            Step::More => Ok(false),
            Step::Done => {
                self.answered(cx);
                Ok(true)
            }
        }
    }

    fn head(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<bool, Bad> {
        let Some(asked) = self.asked.front_mut() else {
            cx.event(Event::Unsolicited { bytes: input.everything().len() });
            return Err(Bad::request("unasked", "an answer came that nothing was asked for"));
        };
        if !std::mem::replace(&mut asked.begun, true) {
            cx.event(Event::Phase { seq: asked.seq, name: "first_byte" });
        }
        let rest = input.rest();
        if !b"HTTP/1.".iter().zip(rest).all(|(wanted, got)| wanted == got) {
            shown(rest, cx);
            return Err(Bad::request("no_answer", "this does not begin as an answer of HTTP/1.1 does"));
        }
        if let Some(length) = self.known.length(rest, asked.head_only).filter(|_| !self.finder.begun())
            && let Some(head) = input.exactly(length)
        {
            cx.heard(head);
            let reading = self.known.reading()?;
            return Ok(self.read(reading, cx));
        }
        let found = self.finder.find(rest).inspect_err(|_| shown(rest, cx))?;
        let Some(head) = found.and_then(|length| input.exactly(length)) else { return Ok(false) };
        shown(head, cx);
        let mut room = head::room();
        let head_only = asked.head_only;
        let response = Response::read(head, &mut room, head_only)?;
        if response.status == 101 {
            return Err(Bad::request("switched", "the server speaks another protocol from here on, unasked"));
        }
        if response.status < 200 {
            // An interim answer: the real one follows (RFC 9110, section 15.2).
            return Ok(true);
        }
        cx.heard(head);
        let reading = self.begin(&response)?;
        cx.record("answer", || record(&response));
        if !cx.facts.watch.talk && !cx.facts.watch.records {
            self.known.keep(head, head_only, &reading);
        }
        Ok(self.read(reading, cx))
    }

    /// The head was read; its body comes, if there is one.
    fn read(&mut self, reading: Reading, cx: &mut Cx<'_>) -> bool {
        let done = reading.decoder.done();
        self.reading = Some(reading);
        if done {
            self.answered(cx);
        }
        true
    }

    fn begin(&self, response: &Response<'_>) -> Result<Reading, Bad> {
        let stays = response.stays && !self.asking.closes;
        let mut reading = Reading::new(response.status, response.framing, stays)?;
        // "A client SHOULD ignore the reason-phrase content", and it may be empty (RFC 9112, section 4).
        reading.reason = (!response.reason.is_empty() && response.reason != status::phrase(response.status))
            .then(|| crate::values::show::escaped(response.reason.as_bytes(), false));
        if self.follows && matches!(response.status, 301 | 302 | 303 | 307 | 308) {
            self.follow(response, &mut reading);
        }
        Ok(reading)
    }

    fn follow(&self, response: &Response<'_>, reading: &mut Reading) {
        let Some(asked) = self.asked.front() else { return };
        let Some(location) = response.fields.text("location") else {
            reading.lost = Some("it says not where".into());
            return;
        };
        match urls::joined(self.asking.path_of(asked), location) {
            Ok(url) => {
                let why = reading.told();
                // 303 is asked for with GET (RFC 9110, section 15.4.4); with 301 and 302 a POST becomes a GET "for historical
                // reasons", and nothing else does (15.4.2, 15.4.3).
                let bare = match response.status {
                    303 => asked.acts,
                    301 | 302 => asked.posts,
                    _ => false,
                };
                let (authority, path) = (url.authority, Some(url.path));
                reading.elsewhere = Some(Elsewhere { authority, path, bare, why, ..Elsewhere::default() });
            }
            Err(why) => reading.lost = Some(format!("it can't be followed to {location:?}: {why}")),
        }
    }

    /// The answer is whole.
    fn answered(&mut self, cx: &mut Cx<'_>) {
        let (Some(reading), Some(asked)) = (self.reading.take(), self.asked.pop_front()) else { return };
        if cx.facts.watch.talk {
            let how = reading.framing.told();
            let told = match reading.framing {
                Framing::None => format!("({how})"),
                _ => format!("({} bytes of body, ended by {how})", reading.length),
            };
            cx.talk("", false, told.as_bytes());
            for line in String::from_utf8_lossy(reading.decoder.trailers()).lines() {
                cx.talk("", false, format!("(trailer) {line}").as_bytes());
            }
        }
        let stays = reading.stays;
        if asked.forgotten {
            cx.event(Event::Late { seq: asked.seq });
        } else {
            let verdict = self.right.verdict(&reading, asked.head_only);
            if let Some(elsewhere) = reading.elsewhere {
                cx.event(Event::Elsewhere(Box::new(elsewhere)));
            }
            cx.event(Event::Answered { seq: asked.seq, verdict });
        }
        if !stays {
            self.over = true;
            // "it MUST NOT assume that they will be processed": what was asked behind it is to be asked elsewhere (RFC 9112,
            // section 9.6).
            for asked in self.asked.drain(..).filter(|asked| !asked.forgotten) {
                cx.event(Event::Returned { seq: asked.seq });
            }
            cx.close();
        }
    }
}

/// The last head that came, and how it was read. Most servers say the same head a second long, and the same bytes are read in
/// the same way: comparing them costs less than reading them again.
#[derive(Debug, Default)]
struct Known {
    /// Empty: none.
    head: Vec<u8>,
    /// It answered a HEAD.
    head_only: bool,
    status: u16,
    framing: Framing,
    stays: bool,
}

impl Known {
    /// The longest head that is kept.
    const MOST: usize = 1024;

    fn keep(&mut self, head: &[u8], head_only: bool, reading: &Reading) {
        self.head.clear();
        let plain = reading.reason.is_none() && reading.elsewhere.is_none() && reading.lost.is_none();
        if plain && head.len() <= Self::MOST {
            self.head.extend_from_slice(head);
            (self.head_only, self.stays) = (head_only, reading.stays);
            (self.status, self.framing) = (reading.status, reading.framing);
        }
    }

    /// The length of the head, if what came begins with it.
    fn length(&self, came: &[u8], head_only: bool) -> Option<usize> {
        let known = !self.head.is_empty() && self.head_only == head_only && came.starts_with(&self.head);
        known.then_some(self.head.len())
    }

    fn reading(&self) -> Result<Reading, Bad> {
        Reading::new(self.status, self.framing, self.stays)
    }
}

impl Reading {
    fn new(status: u16, framing: Framing, stays: bool) -> Result<Self, Bad> {
        let decoder = Decoder::new(framing, u64::MAX)?;
        let (length, reason, differs, elsewhere, lost) = (0, None, None, None, None);
        Ok(Self { decoder, framing, status, reason, stays, length, differs, elsewhere, lost })
    }

    pub(super) fn told(&self) -> String {
        format!("{} {}", self.status, self.reason.as_deref().unwrap_or(status::phrase(self.status)))
    }
}

fn record(response: &Response<'_>) -> Map<String, Value> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers: Vec<_> = response.fields.0.iter().map(|field| json!([field.name, text(field.value)])).collect();
    let mut fields = Map::new();
    fields.insert("status".into(), response.status.into());
    fields.insert("reason".into(), response.reason.into());
    fields.insert("version".into(), if response.newer { "1.1" } else { "1.0" }.into());
    fields.insert("framing".into(), response.framing.name().into());
    fields.insert("headers".into(), headers.into());
    fields
}

/// A head for whoever follows the dialogue, before it is read: what is refused is worth a look most of all.
fn shown(head: &[u8], cx: &mut Cx<'_>) {
    const MOST: usize = head::MOST_HEAD;
    if cx.facts.watch.talk {
        for line in String::from_utf8_lossy(&head[..head.len().min(MOST)]).trim_end().lines() {
            cx.talk("", false, line.as_bytes());
        }
    }
}

/// The server broke the protocol: its own limits are no statuses of ours.
fn violation(bad: Bad) -> Violation {
    Violation::new(bad.name, bad.why)
}

impl Session for Client {
    fn input(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        while !self.over && !input.is_empty() {
            if !self.step(input, cx).map_err(violation)? {
                return Ok(());
            }
        }
        if self.over {
            input.everything();
        }
        Ok(())
    }

    fn submit(&mut self, seq: u64, body: &Bytes, cx: &mut Cx<'_>) -> Result<(), NotNow> {
        if self.over || self.said_all {
            return Err(NotNow);
        }
        match self.asking.ask(seq, body, cx) {
            Ok(asked) => {
                self.said_all = self.asking.closes;
                self.asked.push_back(asked);
            }
            Err(error) => {
                let why = Violation::new("unreadable", format!("the file can't be read: {error}"));
                cx.event(Event::Refused { seq, why });
            }
        }
        Ok(())
    }

    fn eof(&mut self, rest: &[u8], cx: &mut Cx<'_>) -> Result<(), Violation> {
        match &self.reading {
            Some(reading) if reading.decoder.until_close() => self.answered(cx),
            Some(reading) => return Err(Violation::cut_short(reading.length as usize)),
            None if !rest.is_empty() && !self.over => return Err(Violation::cut_short(rest.len())),
            None => {}
        }
        cx.close();
        Ok(())
    }

    fn forget(&mut self, seq: u64) {
        if let Some(asked) = self.asked.iter_mut().find(|asked| asked.seq == seq) {
            asked.forgotten = true;
        }
    }
}
