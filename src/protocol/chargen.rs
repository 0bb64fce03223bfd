//! `chargen`: the printing characters of ASCII in lines of 72, each line beginning one further than the last (RFC 864).
//!
//! Over streams without end, at the pace of the peer; over datagrams the first line to each datagram.

use std::sync::OnceLock;

use bytes::Bytes;

use super::{
    Answers, AnswersBy, Protocol, Takes,
    exchange::Outstanding,
    explained::{ANYTHING, Course, Explained, Layout, SERVER},
};
use crate::session::{Cx, EffectId, Event, Input, Mismatch, NotNow, Outcome, Session, Verdict, Violation};

pub(super) static ROW: Protocol = Protocol {
    name: "chargen",
    about: "sends lines of printing characters, over streams without end",
    spec: "RFC 864",
    port: Some(19),
    rides: Protocol::BOTH,
    answers: AnswersBy { stream: Answers::Endless, datagrams: Answers::Each },
    takes: Takes::Nothing,
    amplifies: true,
    echoes: true,
    cuts_matter: false,
    framed: false,
    paths: false,
    keeps: false,
    params: &[],
    server: Some(|_| Box::new(Server)),
    client: |_| Box::new(Client { line: None, awaited: Outstanding::default() }),
    prefix: None,
    explained: &EXPLAINED,
    script: None,
};

static EXPLAINED: Explained = Explained {
    layout: &[
        ANYTHING,
        Layout {
            way: SERVER,
            picture: "\
+--------------------------- ~ ------+----+----+
| 72 printing characters             | CR | LF |    the next line begins
+--------------------------- ~ ------+----+----+    one character further,
  !\"#$%&'()*+,-./0123456789:;<=>?@AB ...            after ~ comes the space",
        },
    ],
    states: &[
        ("sending", "Over streams: lines without end, as fast as the peer reads."),
        ("closed", "The client has had enough."),
    ],
    courses: &[
        Course {
            over: "streams",
            begins: "The client connects; the server speaks at once, unasked.",
            ends: "Only the client ends it, by closing or by a reset. A half that is closed does not end it.",
        },
        Course {
            over: "datagrams",
            begins: "With any datagram; what it holds is ignored.",
            ends: "Each datagram has one answer: here the first line. Nothing is kept.",
        },
    ],
    limits: &[
        "An answering datagram has 0 to 512 characters; netproto's has 74.",
        "The client compares lines of up to 512 bytes; a longer one ends the conversation.",
        "Answers are larger than what they answer: a server for other machines needs --allow-amplification over UDP.",
    ],
    sections: &[
        ("RFC 864", "TCP Based Character Generator Service"),
        ("RFC 864", "UDP Based Character Generator Service"),
        ("RFC 864", "Data Syntax: the pattern of 72 of the 95 printing characters"),
    ],
};

/// Space to tilde.
const PRINTING: usize = 95;
const WIDTH: usize = 72;
/// With CR and LF.
const LINE: usize = WIDTH + 2;
/// "A random number (between 0 and 512) of characters" (RFC 864).
const MAX_DATAGRAM: usize = 512;
/// The longest line of a stream that is still compared: other servers may have wider ones.
const MAX_LINE: usize = 512;
/// What a server says at once: the whole pattern, a few times.
const TIMES: usize = 4;

/// The character of `line` at `column`; the last two are CR and LF.
fn character(line: usize, column: usize) -> u8 {
    match column {
        WIDTH => b'\r',
        column if column > WIDTH => b'\n',
        _ => b' ' + ((line + column) % PRINTING) as u8,
    }
}

/// The pattern from the start of `line` on, without end.
fn pattern(line: usize) -> impl Iterator<Item = u8> {
    (line % PRINTING..).flat_map(|line| (0..LINE).map(move |column| character(line, column)))
}

/// The pattern as often as is said at once, made once for all sessions.
fn block() -> &'static Bytes {
    static BLOCK: OnceLock<Bytes> = OnceLock::new();
    BLOCK.get_or_init(|| pattern(0).take(PRINTING * LINE * TIMES).collect())
}

/// Asks to be told when there is room for more.
const ROOM: EffectId = EffectId(0);

struct Server;

fn say(cx: &mut Cx<'_>) {
    cx.write_shared(block());
    cx.when_drained(ROOM);
}

impl Session for Server {
    fn open(&mut self, cx: &mut Cx<'_>) {
        if !cx.datagrams() {
            say(cx);
        }
    }

    fn input(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        // "Any data received is thrown away" (RFC 864).
        let ignored = input.everything();
        cx.heard(ignored);
        if input.is_datagram() {
            // "No history or state information" (RFC 864): each answer is the first line.
            cx.write(&block()[..LINE]);
            cx.end_datagram();
        }
        Ok(())
    }

    fn resume(&mut self, _: EffectId, _: Outcome, cx: &mut Cx<'_>) -> Result<(), Violation> {
        say(cx);
        Ok(())
    }

    /// "This continues until the calling user terminates the connection" (RFC 864): a half that is closed does not.
    fn eof(&mut self, _: &[u8], _: &mut Cx<'_>) -> Result<(), Violation> {
        Ok(())
    }
}

#[derive(Debug)]
struct Client {
    /// Over streams: the line that should come next, once there was a first.
    line: Option<usize>,
    awaited: Outstanding,
}

impl Client {
    fn answer(&mut self, answer: &[u8], expected: &[u8], cx: &mut Cx<'_>) {
        let verdict =
            if answer == expected { Verdict::Right } else { Verdict::Wrong(Box::new(Mismatch::between(expected, answer))) };
        let answered = self.awaited.answer_oldest(verdict, cx);
        // Over streams it comes unasked.
        if !answered && cx.datagrams() {
            cx.event(Event::Unsolicited { bytes: answer.len() });
        }
    }

    fn line(&mut self, line: &[u8], cx: &mut Cx<'_>) {
        let at = self.line.unwrap_or_else(|| line_of(line));
        let expected: [u8; LINE] = std::array::from_fn(|column| character(at, column));
        self.answer(line, &expected, cx);
        // After a wrong one, any may come next.
        self.line = (line == expected).then_some((at + 1) % PRINTING);
    }
}

/// Which line begins like this.
fn line_of(bytes: &[u8]) -> usize {
    bytes.first().map_or(0, |byte| usize::from(byte.saturating_sub(b' ')) % PRINTING)
}

impl Session for Client {
    fn input(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if input.is_datagram() {
            let answer = input.everything();
            cx.heard(answer);
            cx.body(answer);
            let expected: Vec<u8> = pattern(line_of(answer)).take(answer.len().min(MAX_DATAGRAM)).collect();
            self.answer(answer, &expected, cx);
            return Ok(());
        }
        while let Some(line) = whole_line(input)? {
            cx.heard(line);
            cx.body(line);
            self.line(line, cx);
        }
        Ok(())
    }

    fn eof(&mut self, rest: &[u8], cx: &mut Cx<'_>) -> Result<(), Violation> {
        // The end may come anywhere: the server never meant to stop.
        if !rest.is_empty() {
            cx.body(rest);
        }
        cx.close();
        Ok(())
    }

    fn submit(&mut self, seq: u64, _: &Bytes, cx: &mut Cx<'_>) -> Result<(), NotNow> {
        self.awaited.push(seq, &Bytes::new());
        // "When a datagram is received, an answering datagram is sent" (RFC 864): an empty one asks as well as any.
        cx.end_datagram();
        Ok(())
    }

    fn forget(&mut self, seq: u64) {
        self.awaited.forget(seq);
    }
}

/// Takes a line with its end.
fn whole_line<'a>(input: &mut Input<'a>) -> Result<Option<&'a [u8]>, Violation> {
    let rest = input.rest();
    let line = input.line(MAX_LINE)?;
    Ok(line.map(|_| &rest[..rest.len() - input.rest().len()]))
}
