//! What must hold whatever a peer sends. The fuzz targets call these with bytes of the fuzzer's choice, and
//! `tests/protocols.rs` with seeded random ones.

// Each target uses one of them, and a panic is how it tells.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

#[path = "invariants/dialogues.rs"]
mod dialogues;
#[path = "invariants/framings.rs"]
mod framings;

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

pub use dialogues::{ftp, smtp};
pub use framings::framing;

use netproto::{
    protocol::{
        ALL, Answers, Framing, Given, Params, Protocol, Setup, find,
        framing::Kind,
        lua::{self, pattern},
    },
    session::{ChannelAsk, ChannelNews, Closed, End, Event, Move, Rides, Verdict},
    values::{read, show},
};

/// Each framing, with a small limit so that it is reached.
const FRAMINGS: [&str; 9] =
    ["raw", "lines", "delimiter:;", "delimiter:-=-", "netstring", "int8", "int16", "int32", "varint"];
const MAX: usize = 300;
/// Bytes of output that one byte of input may cause: `0:,` is answered by `11:Processed: ,`.
const GROWTH: usize = 16;
/// The same where a few words, or none, are answered by a page: `HELP`, `GET /`.
const GROWTH_OF_PAGES: usize = 128;
/// Beside that: one unasked answer, or what the client submits.
const UNASKED: usize = 64 * 1024;
/// The longest answer to a datagram that does not depend on it.
const SAID_ONCE: usize = 512;
/// What a frame has beside its data: at most a varint of ten bytes, or a line end.
const AROUND: usize = 16;
/// Moves that are followed of a session that sends without end.
const MOVES: usize = 64;

/// Choices made from the first bytes of an input.
struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    fn byte(&mut self) -> usize {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                usize::from(*first)
            }
            None => 0,
        }
    }

    fn one_of<T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.byte() % all.len()]
    }

    fn framing(&mut self) -> Framing {
        let name = *self.one_of(&FRAMINGS);
        Framing::parse(name, (name != "raw").then_some(MAX)).unwrap()
    }
}

/// How input is cut into pieces.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Whole,
    Bytes,
    /// Pieces of 1 to so many bytes, turn by turn.
    UpTo(usize),
}

impl Cut {
    fn pieces(self, data: &[u8]) -> Vec<&[u8]> {
        let mut pieces = Vec::new();
        let (mut rest, mut turn) = (data, 0);
        while !rest.is_empty() {
            turn += 1;
            let size = match self {
                Self::Whole => rest.len(),
                Self::Bytes => 1,
                Self::UpTo(most) => turn % most + 1,
            };
            let (piece, more) = rest.split_at(size.min(rest.len()));
            pieces.push(piece);
            rest = more;
        }
        pieces
    }
}

/// A conversation to be had in several ways.
struct Case<'a> {
    row: &'static Protocol,
    setup: Setup,
    client: bool,
    rides: Rides,
    data: &'a [u8],
    cut: Cut,
}

/// What came of it, as far as it may not depend on the cuts.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    said: Vec<u8>,
    violation: Option<&'static str>,
    /// Which submits were answered, and rightly?
    answered: Vec<(u64, bool)>,
}

/// Any row, either end, any framing, any cuts: no panic, bounded output, bounded memory, and the same result however the
/// input was cut, unless the row says that cuts matter.
pub fn sessions(data: &[u8]) {
    let mut choices = Choices(data);
    let row = *choices.one_of(ALL);
    session_of(row, choices);
}

/// A script that takes its input in every way there is, one after the other, and looks for patterns in it.
const TAKER: &str = r#"
name = "taker"
cuts_matter = false
local ways = {
  function(input) return input:line(300) end,
  function(input) return input:netstring(300) end,
  function(input) return input:int8() end,
  function(input) return input:upto("-=-", 300) end,
  function(input) return input:exactly(3) end,
  function(input) return input:int16(300) end,
  function(input) return input:varint(300) end,
  function(input) return input:int32(300) end,
}
local function one(c, input)
  local message = ways[(c.way or 0) % #ways + 1](input)
  if not message then return false end
  c.way = (c.way or 0) + 1
  local words = message:gsub("%s*(%w+)%s*", "%1")
  c:netstring(words)
  if message:find("^%d+$") or message:match("()nn()") then c:wake(0.001, message:sub(1, 3)) end
  if message == "Proc" then c:close() end
  return true
end
function server.input(c, input) while one(c, input) do end end
function server.wake(c, key) c.woken = key end
function client.input(c, input)
  for line in input:lines(300) do
    local said, seq = c:awaited()
    c:body(line)
    if not said then c:unsolicited(line) elseif line == said then c:right(seq) else c:wrong(said, line) end
  end
end
"#;

/// A script in the place of a protocol: the same must hold, and what a peer sends is never the script's own fault.
pub fn scripts(data: &[u8]) {
    static ROW: OnceLock<&Protocol> = OnceLock::new();
    let row = ROW.get_or_init(|| lua::row("taker.lua", TAKER.into(), || std::time::Duration::ZERO).unwrap());
    session_of(row, Choices(data));
}

/// Any pattern, any subject, few steps: no panic, what is found lies within the subject, and the same is found again.
pub fn patterns(data: &[u8]) {
    let mut choices = Choices(data);
    let (length, steps) = (choices.byte(), choices.byte() as u64 * 64);
    let (pattern, subject) = choices.0.split_at(length.min(choices.0.len()));
    let find = || {
        let mut matcher = pattern::Matcher::new(subject, pattern, steps);
        let found = matcher.find(0);
        assert!(matcher.left() <= steps);
        found
    };
    let found = find();
    assert_eq!(find(), found);
    if let Ok(Some(found)) = &found {
        assert!(found.start <= found.end && found.end <= subject.len());
        for capture in found.values() {
            match capture {
                pattern::Capture::Piece(from, to) => assert!(from <= to && to <= subject.len()),
                pattern::Capture::Position(at) => assert!(at <= subject.len()),
                pattern::Capture::Unfinished => {}
            }
        }
    }
    if let (true, Ok(found)) = (pattern::is_plain(pattern) && !pattern.is_empty(), found) {
        let at = subject.windows(pattern.len()).position(|piece| piece == pattern);
        assert_eq!(found.map(|found| found.start), at);
    }
}

/// The same of one row.
pub fn sessions_of(name: &str, data: &[u8]) {
    session_of(find(name).unwrap(), Choices(data));
}

/// One conversation of this row in several ways.
fn session_of(row: &'static Protocol, mut choices: Choices<'_>) {
    let framing = if row.framed { choices.framing() } else { Framing::default() };
    let (flags, cut) = (choices.byte(), Cut::UpTo(choices.byte() % 40 + 1));
    let mut params = Params::default();
    if flags & 4 != 0
        && let Some(delay) = row.params.iter().find(|param| param.name == "delay")
    {
        params.set(delay, Given::Text("1ms")).unwrap();
    }
    let numbered = (flags & 8 != 0).then(|| Arc::from([b'n'; 20]));
    let rides = row.rides[(flags & 1) % row.rides.len()];
    let cuts_matter = row.cuts_matter && framing.kind == Kind::Raw;
    let client = flags & 2 != 0 || row.server.is_none();
    let setup = Setup { framing, params, numbered, script: row.script, ..Setup::default() };
    let case = |cut| Case { row, setup: setup.clone(), client, rides, data: choices.0, cut };
    let whole = case(Cut::Whole).run();
    if rides == Rides::Datagrams {
        case(cut).run();
        return;
    }
    // `processed` answers pieces, so what its server says depends on them; what its client makes of answers does not.
    if !cuts_matter || (client && row.server.is_some()) {
        assert_eq!(case(Cut::Bytes).run(), whole, "{:?}", case(Cut::Bytes));
        assert_eq!(case(cut).run(), whole, "{:?}", case(cut));
    } else {
        case(Cut::Bytes).run();
        case(cut).run();
    }
}

impl fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { row, setup, client, rides, data, cut } = self;
        let end = if *client { "client" } else { "server" };
        write!(f, "{} {end}, {rides:?}, {:?}, {cut:?}, {} bytes: ", row.name, setup.framing.kind, data.len())?;
        f.write_str(&show::quoted(data, 1000))
    }
}

impl Case<'_> {
    fn run(&self) -> Outcome {
        let make = if self.client { self.row.client } else { self.row.server.unwrap() };
        let mut end = End::new(make(&self.setup), self.rides);
        if self.client {
            self.submit(&mut end);
        }
        for piece in self.cut.pieces(self.data) {
            match self.rides {
                Rides::Stream => end.offer(piece),
                Rides::Datagrams => end.offer_datagram(piece),
            }
            // On a stream no time passes between the pieces: how long they take is not what this is about.
            self.settle(&mut end, self.rides == Rides::Datagrams);
            if end.ended.is_some() {
                break;
            }
        }
        end.forget(1);
        end.offer_eof();
        self.settle(&mut end, true);
        self.bounded(&end);
        if let Some(Closed::Violated(violation)) = &end.ended {
            assert_eq!(violation.hint, None, "our own fault: {violation}, {self:?}");
        }
        Outcome {
            said: if self.endless() { Vec::new() } else { end.said.clone() },
            violation: violation(&end),
            answered: end.events.iter().filter_map(answered).collect(),
        }
    }

    fn growth(&self) -> usize {
        let page = self.row.form().is_some() || self.row.data_is_optional();
        if page { GROWTH_OF_PAGES } else { GROWTH }
    }

    fn endless(&self) -> bool {
        // What is asked for may be a whole day's, and what a client sends is its own wish.
        let much = matches!(self.row.answers.stream, Answers::Endless | Answers::Measured);
        !self.client && self.rides == Rides::Stream && much
    }

    /// Messages that the input has a chance to answer: its own pieces, and some that hold a prefix.
    fn submit(&self, end: &mut End) {
        let third = self.data.len() / 3;
        for (seq, body) in (0..).zip([&self.data[..third], &self.data[third..], b"Processed: Processed: x", b"nnnn"]) {
            end.submit(seq, body).expect("a few short messages are taken");
        }
        end.forget(0);
    }

    fn settle(&self, end: &mut End, waits: bool) {
        let mut moves = 0;
        loop {
            while let Some(moved) = end.leave(4096) {
                moves += 1;
                if self.endless() && moves == MOVES {
                    return;
                }
                if moved == Move::Close {
                    return;
                }
            }
            // Nothing is to be reached beside the one connection.
            let asked = end.channel_asks.pop_front();
            if let Some((id, ChannelAsk::Listen(_) | ChannelAsk::Dial(_))) = asked {
                end.channel(id, ChannelNews::Failed("out of reach".into()));
            }
            if asked.is_none() && (!waits || !end.wake()) {
                return;
            }
        }
    }

    fn bounded(&self, end: &End) {
        if !self.endless() {
            let datagrams = if self.rides == Rides::Datagrams { self.cut.pieces(self.data).len() } else { 0 };
            let most = UNASKED + self.data.len() * self.growth() + datagrams * SAID_ONCE;
            assert!(end.said.len() <= most, "{} bytes said to {}: {self:?}", end.said.len(), self.data.len());
        }
        if self.rides == Rides::Stream && end.ended.is_none() && !end.closing && !self.setup.framing.is_raw() {
            let most = self.setup.framing.max + AROUND + 11;
            assert!(end.untaken() <= most, "{} bytes are kept: {self:?}", end.untaken());
        }
        assert!(self.endless() || !end.busy(), "all answers were given: {self:?}");
    }
}

fn violation(end: &End) -> Option<&'static str> {
    match &end.ended {
        Some(Closed::Violated(violation)) => Some(violation.name),
        _ => None,
    }
}

fn answered(event: &Event) -> Option<(u64, bool)> {
    match event {
        Event::Answered { seq, verdict } => Some((*seq, *verdict == Verdict::Right)),
        _ => None,
    }
}

/// Anything typed is a value or an error, and anything shown is harmless.
pub fn values(data: &[u8]) {
    let shown = show::escaped(data, false);
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    assert!(!show::escaped(data, true).chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')));
    assert!(!show::quoted(data, 40).contains('\n'));
    let text = String::from_utf8_lossy(data);
    let _ = (read::duration(&text), read::count(&text), read::positive(&text), read::size(&text), read::hex(&text));
    for rate in [read::rate(&text), read::bit_rate(&text)] {
        assert!(rate.as_ref().map_or(true, |rate| *rate > 0.0 && *rate <= 1e15), "{rate:?}");
    }
    if let Ok(bytes) = read::unescape(&text) {
        assert!(bytes.len() <= text.len());
    }
    let _ = read::nearest(&text.chars().take(40).collect::<String>(), ["echo", "processed"]);
    let _ = Framing::parse(&text, None);
}
