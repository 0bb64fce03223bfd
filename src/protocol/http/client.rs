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
    status::{self, Bad},
    urls,
};
use crate::{
    protocol::Setup,
    session::{Cx, Elsewhere, Event, Input, Mismatch, NotNow, Session, Verdict, Violation},
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

/// Which answers are right.
#[derive(Debug)]
struct Right {
    status: Option<u16>,
    body: Option<Bytes>,
}

/// An answer whose body is coming.
#[derive(Debug)]
struct Reading {
    decoder: Decoder,
    framing: Framing,
    status: u16,
    /// As the server put it, where that is not the usual.
    reason: Option<String>,
    stays: bool,
    /// Bytes of the body so far.
    length: u64,
    /// Where the body is not the right one.
    differs: Option<u64>,
    /// Another one is asked for, and this one not shown.
    elsewhere: Option<Elsewhere>,
    /// It leads where we can't follow.
    lost: Option<String>,
}

impl Client {
    pub(super) fn new(setup: &Setup) -> Self {
        let given = &setup.params;
        let status = given.made::<u16>(params::STATUS).map(|status| *status);
        let body = given.contents(params::BODY_IS).last().map(|contents| contents.bytes.clone());
        Self {
            asking: Asking::new(setup),
            asked: VecDeque::new(),
            finder: Finder::default(),
            known: Known::default(),
            reading: None,
            right: Right { status, body },
            follows: given.switch(params::LOCATION),
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
            return Err(Bad::request("no_answer", "this does not begin as an answer of HTTP/1.1 does"));
        }
        if let Some(length) = self.known.length(rest, asked.head_only).filter(|_| !self.finder.begun())
            && let Some(head) = input.exactly(length)
        {
            cx.heard(head);
            let reading = self.known.reading()?;
            return Ok(self.read(reading, cx));
        }
        let Some(head) = self.finder.find(rest)?.and_then(|length| input.exactly(length)) else {
            return Ok(false);
        };
        let mut room = head::room();
        let head_only = asked.head_only;
        let response = Response::read(head, &mut room, head_only)?;
        if cx.facts.watch.talk {
            for line in String::from_utf8_lossy(head).trim_end().lines() {
                cx.talk("", false, line.as_bytes());
            }
        }
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
        reading.reason = (response.reason != status::phrase(response.status))
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

    fn told(&self) -> String {
        format!("{} {}", self.status, self.reason.as_deref().unwrap_or(status::phrase(self.status)))
    }
}

impl Right {
    /// Where `bytes`, `at` so far into the body, are not those of the right one.
    fn differs(&self, at: u64, bytes: &[u8]) -> Option<u64> {
        let body = self.body.as_ref()?;
        let rest = body.get(usize::try_from(at).unwrap_or(usize::MAX)..).unwrap_or_default();
        if rest.starts_with(bytes) {
            return None;
        }
        Some(at + rest.iter().zip(bytes).take_while(|(a, b)| a == b).count() as u64)
    }

    fn verdict(&self, reading: &Reading, head_only: bool) -> Verdict {
        let right = self.status.map_or(reading.status < 400, |status| status == reading.status);
        let short = self.body.as_ref().filter(|body| !head_only && reading.length < body.len() as u64);
        if right && reading.lost.is_none() && reading.differs.is_none() && short.is_none() {
            return Verdict::Right;
        }
        let got = reading.told();
        if let Some(why) = &reading.lost {
            return wrong("a redirect that can be followed", &got, format!("{got}: {why}"), status::kind(reading.status));
        }
        if !right {
            let (wanted, sentence) = match self.status {
                Some(status) => (status.to_string(), format!("{got}, and not {status} {}", status::phrase(status))),
                None => ("a status below 400".to_owned(), got.clone()),
            };
            return wrong(&wanted, &got, sentence, status::kind(reading.status));
        }
        match (reading.differs, short) {
            (Some(at), _) => {
                let sentence = format!("{got}, but the body differs from the right one at byte {at}");
                wrong("the right body", &got, sentence, "body_differs")
            }
            (None, Some(body)) => {
                let sentence = format!("{got}, but the body has {} bytes in place of {}", reading.length, body.len());
                wrong("the right body", &got, sentence, "body_differs")
            }
            (None, None) => Verdict::Right,
        }
    }
}

fn wrong(wanted: &str, got: &str, sentence: String, name: &'static str) -> Verdict {
    let mismatch = Mismatch::between(wanted.as_bytes(), got.as_bytes());
    Verdict::Wrong(Box::new(mismatch.because(sentence, None).named(name)))
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
