//! Plays the transcripts in `tests/talks/` against both ends of a protocol, in one piece and byte by byte.
//!
//! A transcript is lines of text; `--` begins a comment. First, what it is about:
//!
//! ```text
//! protocol NAME or a script's path
//! framing NAME         transport stream|datagrams
//! max N                param KEY=VALUE      play server|client          (default: both)
//! cut                  each line is one piece, and its cuts matter
//! endless              the server says more than is written here
//! ```
//!
//! Then what happens, with the escapes of C; over datagrams each line is one:
//!
//! ```text
//! > TEXT         the client is given this message to say, numbered from 0
//! forget N       the client no longer awaits the answer to the Nth
//! C: TEXT        the client says         S: TEXT        the server says
//! C.             the client closes       S.             the server closes
//! C! NAME        the client ends with this violation     S! NAME     the server
//! c: TEXT        the same over a connection beside, which is there as soon as it is asked for     s: TEXT
//! c.             and its end            s.
//! = EVENT        the client reports: `right N`, `wrong N`, `late N`, `duplicate N`, `unsolicited N` bytes, `refused N NAME`
//! shows TEXT     what the client shows a person
//! ```

// A helper of a test is a test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{fs, path::Path};

use netproto::{
    protocol::{Ends, Framing, Given, Protocol, Setup, find, lua, param},
    session::{ChannelAsk, ChannelId, ChannelNews, Closed, End, Event, Rides, Verdict},
    values::read,
};

/// One line of what happens.
#[derive(Debug)]
enum Step {
    Given(Vec<u8>),
    Forget(u64),
    Says(Who, Vec<u8>),
    Closes(Who),
    /// Over the connection beside.
    SaysBeside(Who, Vec<u8>),
    ClosesBeside(Who),
    Violates(Who, String),
    Reports(String),
    Shows(Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Client,
    Server,
}

struct Talk {
    row: &'static Protocol,
    setup: Setup,
    rides: Rides,
    only: Option<Who>,
    cut: bool,
    endless: bool,
    /// With their line numbers.
    steps: Vec<(usize, Step)>,
}

impl Talk {
    fn parse(text: &str) -> Self {
        let header = |name: &str| {
            let value = |line: &str| Some(line.strip_prefix(name)?.trim().to_owned());
            text.lines().filter_map(value).collect::<Vec<_>>()
        };
        let one = |name: &str| header(name).into_iter().next();
        let row = row(&one("protocol ").expect("a protocol"));
        let max = one("max ").map(|max| max.parse().expect("a number"));
        let framing = Framing::parse(one("framing ").as_deref().unwrap_or("raw"), max).expect("a framing");
        let mut setup = Setup { framing, script: row.script, ..Setup::default() };
        for typed in header("param ") {
            let (name, value) = typed.split_once('=').expect("KEY=VALUE");
            setup.params.set(param(row.params, Ends::Both, name).unwrap(), Given::Text(value)).expect("a parameter");
        }
        Self {
            row,
            setup,
            rides: if one("transport ").as_deref() == Some("datagrams") { Rides::Datagrams } else { Rides::Stream },
            only: one("play ").map(|who| if who == "client" { Who::Client } else { Who::Server }),
            cut: !header("cut").is_empty(),
            endless: !header("endless").is_empty(),
            steps: text.lines().enumerate().filter_map(|(at, line)| Some((at + 1, step(line)?))).collect(),
        }
    }

    fn play(&self, who: Who, chunk: usize, name: &str) {
        let make = if who == Who::Client { self.row.client } else { self.row.server.expect("a server end") };
        let end = End::new(make(&self.setup), self.rides);
        let place = format!("{name} as {who:?} in pieces of {chunk}");
        let mut player =
            Player { who, end, chunk, place, said: 0, datagrams: 0, told: 0, seq: 0, beside: Beside::default() };
        for (line, step) in &self.steps {
            player.play(*line, step);
        }
        player.finish(self.endless);
    }
}

/// A row of the table, or of a script in `examples/`.
fn row(name: &str) -> &'static Protocol {
    if !lua::is_script(name) {
        return find(name).expect("a known protocol");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    lua::row(name, fs::read(path).expect("a script"), || std::time::Duration::ZERO).expect("a script that can be used")
}

fn step(line: &str) -> Option<Step> {
    let text = |text: &str| read::unescape(text).expect("escapes");
    let who = match line.bytes().next()? {
        b'C' | b'c' => Who::Client,
        _ => Who::Server,
    };
    Some(match line.split_once(' ').unwrap_or((line, "")) {
        (">", said) => Step::Given(text(said)),
        ("forget", seq) => Step::Forget(seq.parse().expect("a number")),
        ("C:" | "S:", said) => Step::Says(who, text(said)),
        ("C." | "S.", _) => Step::Closes(who),
        ("c:" | "s:", said) => Step::SaysBeside(who, text(said)),
        ("c." | "s.", _) => Step::ClosesBeside(who),
        ("C!" | "S!", name) => Step::Violates(who, name.into()),
        ("=", event) => Step::Reports(event.into()),
        ("shows", shown) => Step::Shows(text(shown)),
        ("" | "--" | "protocol" | "framing" | "transport" | "max" | "param" | "play" | "cut" | "endless", _) => return None,
        _ => panic!("{line:?} is no line of a transcript"),
    })
}

/// One end being played against.
struct Player {
    who: Who,
    end: End,
    chunk: usize,
    place: String,
    /// How much of what it said, reported and showed was compared.
    said: usize,
    datagrams: usize,
    told: usize,
    seq: u64,
    beside: Beside,
}

/// The connection beside that was asked for last.
#[derive(Default)]
struct Beside {
    id: ChannelId,
    said: Vec<u8>,
    finished: bool,
}

impl Player {
    fn play(&mut self, line: usize, step: &Step) {
        let place = format!("{}, line {line}", self.place);
        let ours = |who: &Who| *who == self.who;
        match step {
            Step::Given(body) if self.who == Who::Client => {
                self.end.submit(self.seq, body).expect("there is room");
                self.seq += 1;
            }
            Step::Forget(seq) => self.end.forget(*seq),
            Step::Says(who, text) if ours(who) => self.says(text, &place),
            Step::Says(_, text) => self.hears(text),
            Step::Closes(who) if ours(who) => {
                self.settle();
                assert_eq!(self.violation(), None, "{place}");
                assert!(self.end.closing || self.who == Who::Client, "{place}: it does not close");
            }
            Step::Closes(_) => self.end.offer_eof(),
            Step::SaysBeside(who, text) if ours(who) => {
                self.settle();
                let said = std::mem::take(&mut self.beside.said);
                assert_eq!(said.escape_ascii().to_string(), text.escape_ascii().to_string(), "{place}");
            }
            Step::SaysBeside(_, text) => {
                self.settle();
                let id = self.beside.id;
                text.chunks(self.chunk).for_each(|piece| self.end.channel(id, ChannelNews::Data(piece.to_vec().into())));
            }
            Step::ClosesBeside(who) if ours(who) => {
                self.settle();
                assert!(std::mem::take(&mut self.beside.finished), "{place}: it does not end");
            }
            Step::ClosesBeside(_) => {
                self.settle();
                self.end.channel(self.beside.id, ChannelNews::Ended);
            }
            Step::Violates(who, name) if ours(who) => assert_eq!(self.violation(), Some(name.as_str()), "{place}"),
            Step::Reports(event) if self.who == Who::Client => {
                assert_eq!(self.next_event().as_ref(), Some(event), "{place}: {:?}", self.end.events);
            }
            Step::Shows(text) if self.who == Who::Client => self.shows(text, &place),
            Step::Given(_) | Step::Violates(..) | Step::Reports(_) | Step::Shows(_) => {}
        }
    }

    fn settle(&mut self) {
        // Enough for what any transcript says, and an end to those that never end.
        for _ in 0..16 {
            while self.end.said.len() < 1 << 17 && self.end.leave(usize::MAX).is_some() {}
            if !self.go_beside() && !self.end.wake() {
                break;
            }
        }
    }

    /// Does what was asked of connections beside; tells whether anything was.
    fn go_beside(&mut self) -> bool {
        let asks = std::mem::take(&mut self.end.channel_asks);
        let asked = !asks.is_empty();
        for (id, ask) in asks {
            match ask {
                ChannelAsk::Listen(_) | ChannelAsk::Dial(_) => self.beside = Beside { id, ..Beside::default() },
                _ => {}
            }
            match ask {
                ChannelAsk::Listen(_) => {
                    let at = ([127, 0, 0, 1], 40_000).into();
                    self.end.channel(id, ChannelNews::Listening(at));
                    self.end.channel(id, ChannelNews::Connected(at));
                }
                ChannelAsk::Dial(to) => self.end.channel(id, ChannelNews::Connected(to)),
                ChannelAsk::Write(bytes) => self.beside.said.extend_from_slice(&bytes),
                ChannelAsk::Pour(pour) => {
                    let mut piece = vec![0; usize::try_from(pour.length).unwrap()];
                    assert_eq!(pour.file.read_at(pour.from, &mut piece), Ok(piece.len()));
                    self.beside.said.extend_from_slice(&piece);
                }
                ChannelAsk::Tell => self.end.channel(id, ChannelNews::Drained),
                ChannelAsk::Finish => {
                    self.beside.finished = true;
                    self.end.channel(id, ChannelNews::Sent);
                }
                ChannelAsk::Drop => {}
            }
        }
        asked
    }

    fn says(&mut self, text: &[u8], place: &str) {
        self.settle();
        let said = match self.end.facts.rides {
            Rides::Stream => self.end.said[self.said..].get(..text.len()),
            Rides::Datagrams => self.end.datagrams.get(self.datagrams).map(Vec::as_slice),
        };
        let shown = |bytes: Option<&[u8]>| bytes.map(|bytes| bytes.escape_ascii().to_string());
        assert_eq!(shown(said), shown(Some(text)), "{place}, of {}", self.end.said[self.said..].escape_ascii());
        self.said += text.len();
        self.datagrams += 1;
    }

    fn hears(&mut self, text: &[u8]) {
        match self.end.facts.rides {
            Rides::Stream => text.chunks(self.chunk).for_each(|piece| self.end.offer(piece)),
            Rides::Datagrams => self.end.offer_datagram(text),
        }
    }

    fn violation(&self) -> Option<&'static str> {
        match &self.end.ended {
            Some(Closed::Violated(violation)) => Some(violation.name),
            _ => self.end.violations.last().map(|violation| violation.name),
        }
    }

    /// The next event that was not compared yet, as it is written in a transcript.
    fn next_event(&mut self) -> Option<String> {
        while let Some(event) = self.end.events.get(self.told) {
            self.told += 1;
            if let Some(text) = written(event) {
                return Some(text);
            }
        }
        None
    }

    /// All that was shown so far; it is forgotten then.
    fn shows(&mut self, text: &[u8], place: &str) {
        let mut shown = Vec::new();
        for event in &self.end.events {
            if let Event::Body(bytes) = event {
                shown.extend_from_slice(bytes);
            }
        }
        assert_eq!(shown.escape_ascii().to_string(), text.escape_ascii().to_string(), "{place}");
        let compared = self.end.events[..self.told].iter().filter(|event| matches!(event, Event::Body(_))).count();
        self.end.events.retain(|event| !matches!(event, Event::Body(_)));
        self.told -= compared;
    }

    /// Nothing happened that the transcript does not tell.
    fn finish(mut self, endless: bool) {
        self.settle();
        if !endless {
            assert_eq!(self.end.said[self.said..].escape_ascii().to_string(), "", "{}: more is said", self.place);
        }
        if self.who == Who::Client {
            assert_eq!(self.next_event(), None, "{}: more is reported", self.place);
        }
    }
}

fn written(event: &Event) -> Option<String> {
    Some(match event {
        Event::Answered { seq, verdict: Verdict::Right } => format!("right {seq}"),
        Event::Answered { seq, verdict: Verdict::Wrong(_) } => format!("wrong {seq}"),
        Event::Late { seq } => format!("late {seq}"),
        Event::Duplicate { seq } => format!("duplicate {seq}"),
        Event::Unsolicited { bytes } => format!("unsolicited {bytes}"),
        Event::Refused { seq, why } => format!("refused {seq} {}", why.name),
        Event::Ready => "ready".into(),
        Event::Phase { seq, name } => format!("phase {seq} {name}"),
        Event::Returned { seq } => format!("returned {seq}"),
        Event::Elsewhere(elsewhere) => format!("elsewhere {}", elsewhere.why),
        Event::Body(_)
        | Event::Message(_)
        | Event::Talk { .. }
        | Event::Record(_)
        | Event::Progress { .. }
        | Event::Fault(_) => {
            return None;
        }
    })
}

#[test]
fn transcripts_are_played_by_both_ends() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/talks");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut rows = Vec::new();
    for path in &paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(path.extension().is_some_and(|kind| kind == "talk"), "{name} is no transcript");
        let talk = Talk::parse(&fs::read_to_string(path).unwrap());
        rows.push(talk.row.name);
        let chunks: &[usize] = if talk.cut || talk.rides == Rides::Datagrams { &[usize::MAX] } else { &[1, 3, usize::MAX] };
        for who in [Who::Server, Who::Client] {
            if talk.only.is_none_or(|only| only == who) && (who == Who::Client || talk.row.server.is_some()) {
                for chunk in chunks {
                    talk.play(who, *chunk, &name);
                }
            }
        }
    }
    for row in netproto::protocol::ALL {
        assert!(rows.contains(&row.name), "{} has no transcript", row.name);
    }
}
