//! The rules of the house as data, and the checks that hold a file to them. Pure: source text in, complaints out.

use std::fmt;

use crate::{
    paths::{self, Path},
    tokens::{self, Kind, Token},
};

/// What one top-level module may use.
pub struct Room {
    pub name: &'static str,
    /// Modules of this crate.
    pub modules: &'static [&'static str],
    /// Crates, as they are written in code.
    pub crates: &'static [&'static str],
    /// Pure: no sockets, files, threads, clocks, printing or `async`.
    pub pure: bool,
}

const ALL_BELOW: &[&str] = &["bench", "role", "protocol", "transport", "files", "session", "os", "values", "error"];

/// Who may use whom. Everything that is not listed is a breach.
pub const ROOMS: &[Room] = &[
    Room { name: "values", modules: &[], crates: &[], pure: true },
    Room { name: "error", modules: &[], crates: &[], pure: true },
    Room { name: "session", modules: &["values"], crates: &["bytes", "memchr", "serde_json"], pure: true },
    Room {
        name: "protocol",
        modules: &["session", "values"],
        crates: &[
            "base64",
            "bytes",
            "domain",
            "httparse",
            "mail_builder",
            "memchr",
            "mlua",
            "regex",
            "serde_json",
            "smtp_proto",
        ],
        pure: true,
    },
    Room {
        name: "files",
        modules: &["session", "values", "error"],
        crates: &["cap_std", "fastrand", "rustix"],
        pure: false,
    },
    Room { name: "os", modules: &[], crates: &["libc", "quinn_udp", "rustix", "socket2", "tokio"], pure: false },
    Room {
        name: "transport",
        modules: &["session", "os", "values", "error"],
        crates: &["fastrand", "humantime", "listenfd", "mio", "quinn_udp", "rustix", "socket2", "tokio"],
        pure: false,
    },
    Room {
        name: "role",
        modules: &["protocol", "transport", "files", "session", "os", "values", "error"],
        crates: &["anyhow", "bytes", "jiff", "memchr", "regex", "serde_json", "tokio"],
        pure: false,
    },
    Room {
        name: "bench",
        modules: &["role", "protocol", "transport", "session", "os", "values", "error"],
        crates: &[
            "anyhow",
            "base64",
            "bytes",
            "fastrand",
            "hdrhistogram",
            "humantime",
            "indicatif",
            "jiff",
            "serde",
            "serde_json",
            "tokio",
        ],
        pure: false,
    },
    Room { name: "cli", modules: ALL_BELOW, crates: &["*"], pure: false },
    Room { name: "main", modules: &["*"], crates: &["*"], pure: false },
    Room { name: "lib", modules: &["*"], crates: &["*"], pure: false },
];

/// A crate that one file of a room may use beside the room's own.
pub const EXCEPTIONS: &[(&str, &str)] = &[
    // Colour belongs to what a person reads: the text of a report, its bars, and stdout that drops colour in a pipe.
    ("src/bench/report/text.rs", "owo_colors"),
    ("src/bench/report/bars.rs", "owo_colors"),
    ("src/bench/report/bulk/mod.rs", "owo_colors"),
    ("src/bench/report/one_way/mod.rs", "owo_colors"),
    ("src/bench/report/curve.rs", "owo_colors"),
    ("src/bench/compare/text.rs", "owo_colors"),
    ("src/bench/report/changes.rs", "owo_colors"),
    ("src/bench/report/generator.rs", "owo_colors"),
    ("src/bench/report/held.rs", "owo_colors"),
    ("src/bench/report/outages.rs", "owo_colors"),
    ("src/bench/report/over_time.rs", "owo_colors"),
    ("src/bench/report/mod.rs", "anstream"),
    // A picture of the whole terminal, and whether it has colours.
    ("src/bench/live/charts.rs", "ratatui_core"),
    ("src/bench/live/paint.rs", "ratatui_core"),
    ("src/bench/live/plot.rs", "ratatui_core"),
    ("src/bench/live/scene.rs", "ratatui_core"),
    ("src/bench/live/screen.rs", "anstream"),
    ("src/bench/live/screen.rs", "ratatui_core"),
    ("src/bench/live/screen.rs", "ratatui_crossterm"),
    // The terminal under the progress lines, made a little narrower.
    ("src/role/terminal.rs", "console"),
    ("src/role/terminal.rs", "indicatif"),
    // A bar for transfers: it belongs to a person's terminal.
    ("src/role/send/progress.rs", "indicatif"),
    // The names of errno: out of descriptors is not the end of a server.
    ("src/role/serve/streams.rs", "libc"),
];

/// Where a clock may be read: files, and folders with a slash at the end. The system's seam, the sockets, the drivers, the loops
/// that accept and send, the engine and what shows progress; everything else is told the time.
pub const CLOCKS: &[&str] = &[
    "src/os/",
    "src/files/",
    "src/transport/",
    "src/role/drive/",
    "src/role/metrics/mod.rs",
    "src/role/packets.rs",
    "src/role/serve/",
    "src/role/send/",
    "src/bench/engine/",
    "src/bench/live/watch.rs",
    "src/bench/progress.rs",
];

const CLOCK_TYPES: &[&str] = &["Instant", "SystemTime", "Zoned", "Timestamp"];

/// What a pure room never names. A path is refused when it begins so.
const IMPURE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io::Stdin",
    "std::io::Stdout",
    "std::io::stderr",
    "std::io::stdin",
    "std::io::stdout",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
];

const PRINTING: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

/// Names that say nothing collect everything.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc", "manager", "managers"];

/// The most lines of a file.
pub const MOST_LINES: usize = 400;

/// One breach, told as `file:line: what`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    pub file: String,
    pub line: usize,
    pub what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// A source file: its path from the project's root, and its text.
pub struct File<'a> {
    pub path: &'a str,
    pub text: &'a str,
}

impl File<'_> {
    fn breach(&self, line: usize, what: impl Into<String>) -> Breach {
        Breach { file: self.path.to_owned(), line, what: what.into() }
    }

    /// `src/session/out.rs` is `["session", "out"]`, `src/session/mod.rs` is `["session"]`.
    fn module(&self) -> Vec<String> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        path.split('/').filter(|part| *part != "mod").map(str::to_owned).collect()
    }

    fn room(&self) -> Option<&'static Room> {
        let name = self.module().into_iter().next()?;
        ROOMS.iter().find(|room| room.name == name)
    }

    /// Files that hold only tests: they may reach further than the code they test.
    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/") || !self.path.starts_with("src/")
    }

    fn code(&self) -> Vec<Token> {
        if self.is_test() { Vec::new() } else { tokens::without_tests(&tokens::read(self.text)) }
    }

    fn within(&self, places: &[&str]) -> bool {
        places.iter().any(|place| self.path == *place || (place.ends_with('/') && self.path.starts_with(place)))
    }
}

/// Who uses whom: modules of this crate, and the `known` crates of Cargo.toml.
pub fn imports(file: &File<'_>, known: &[String]) -> Vec<Breach> {
    let Some(room) = file.room() else {
        return vec![file.breach(1, "is in no room of the table in tests/house/rules.rs")];
    };
    let code = file.code();
    let paths = paths::named(&code, &file.module());
    paths.iter().filter_map(|path| import_breach(file, room, path, known)).collect()
}

fn import_breach(file: &File<'_>, room: &Room, path: &Path, known: &[String]) -> Option<Breach> {
    let first = path.segments.first()?.as_str();
    if first == "crate" {
        let module = path.segments.get(1)?.as_str();
        let may = module == room.name || allows(room.modules, module);
        return (!may).then(|| file.breach(path.line, format!("{} may not use crate::{module}", room.name)));
    }
    let excepted = EXCEPTIONS.contains(&(file.path, first));
    let may = excepted || allows(room.crates, first) || !known.iter().any(|name| name == first);
    (!may).then(|| file.breach(path.line, format!("{} may not use the crate {first}", room.name)))
}

fn allows(list: &[&str], name: &str) -> bool {
    list.contains(&name) || list.contains(&"*")
}

/// What the tables above allow and nobody does: an entry that is not used says something that is not true.
pub fn unused(files: &[File<'_>]) -> Vec<String> {
    let named = |in_room: &dyn Fn(&File<'_>) -> bool| {
        let files = files.iter().filter(|file| in_room(file));
        files.flat_map(|file| paths::named(&file.code(), &file.module())).collect::<Vec<_>>()
    };
    let mut unused = Vec::new();
    for room in ROOMS {
        let paths = named(&|file| file.room().is_some_and(|its| its.name == room.name));
        let modules = room.modules.iter().map(|name| (*name, ["crate", name].to_vec()));
        let crates = room.crates.iter().map(|name| (*name, vec![*name]));
        let missing = modules.chain(crates).filter(|(name, path)| *name != "*" && !any_begins(&paths, path));
        unused.extend(missing.map(|(name, _)| format!("{} does not use {name}", room.name)));
    }
    for (path, name) in EXCEPTIONS.iter().filter(|(path, name)| !any_begins(&named(&|file| file.path == *path), &[name])) {
        unused.push(format!("{path} does not use {name}"));
    }
    let reads = |place: &&&str| files.iter().any(|file| file.within(&[**place]) && !clock_reads(file).is_empty());
    unused.extend(CLOCKS.iter().filter(|place| !reads(place)).map(|place| format!("{place} reads no clock")));
    unused
}

fn any_begins(paths: &[Path], with: &[&str]) -> bool {
    paths.iter().any(|path| path.segments.iter().take(with.len()).eq(with))
}

/// Sockets, files, threads, printing and `async` in rooms that are pure.
pub fn purity(file: &File<'_>) -> Vec<Breach> {
    let Some(room) = file.room().filter(|room| room.pure) else { return Vec::new() };
    let code = file.code();
    let mut breaches = Vec::new();
    for path in paths::named(&code, &file.module()) {
        let name = path.segments.join("::");
        if IMPURE.iter().any(|impure| name == *impure || name.starts_with(&format!("{impure}::"))) {
            breaches.push(file.breach(path.line, format!("{} is pure and may not use {name}", room.name)));
        }
    }
    for (at, token) in code.iter().enumerate() {
        let prints = token.kind == Kind::Word
            && PRINTING.contains(&token.text.as_str())
            && code.get(at + 1).is_some_and(|next| next.is("!"));
        if prints || token.is_word("async") {
            breaches.push(file.breach(token.line, format!("{} is pure and may not use {}", room.name, token.text)));
        }
    }
    breaches
}

/// Clocks are read in few places, so that everything else can be tested without waiting.
pub fn clocks(file: &File<'_>) -> Vec<Breach> {
    if file.within(CLOCKS) { Vec::new() } else { clock_reads(file) }
}

fn clock_reads(file: &File<'_>) -> Vec<Breach> {
    let code = file.code();
    let named = code.windows(3).filter(|w| {
        CLOCK_TYPES.contains(&w[0].text.as_str()) && w[0].kind == Kind::Word && w[1].is("::") && w[2].is_word("now")
    });
    let elapsed = code.windows(3).filter(|w| w[0].is(".") && w[1].is_word("elapsed") && w[2].is("("));
    named
        .map(|w| file.breach(w[0].line, format!("reads a clock: {}::now", w[0].text)))
        .chain(elapsed.map(|w| file.breach(w[1].line, "reads a clock: elapsed()")))
        .collect()
}

/// A module doc first (inner attributes may come before), at most 400 lines, a name that says something.
pub fn shape(file: &File<'_>) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let first = file.text.lines().find(|line| !line.starts_with("#![") && !line.is_empty());
    if !first.is_some_and(|line| line.starts_with("//!")) {
        breaches.push(file.breach(1, "does not begin with a module doc (//!)"));
    }
    let lines = file.text.lines().count();
    if lines > MOST_LINES {
        breaches.push(file.breach(lines, format!("has {lines} lines, at most {MOST_LINES} are allowed")));
    }
    breaches.extend(empty_name(file.path).map(|part| file.breach(1, format!("a name that says nothing: {part}"))));
    breaches
}

fn empty_name(path: &str) -> Option<&str> {
    path.split(['/', '.', '_', '-']).find(|part| EMPTY_NAMES.contains(part))
}

/// `unsafe` lives in `src/os` only. Tests are held to this too.
pub fn safety(file: &File<'_>) -> Vec<Breach> {
    if file.within(&["src/os/"]) {
        return Vec::new();
    }
    let code = tokens::read(file.text);
    let found = code.iter().filter(|token| token.is_word("unsafe") || token.is_word("unsafe_code"));
    found.map(|token| file.breach(token.line, format!("{} outside src/os", token.text))).collect()
}

/// Nothing outside `src/protocol` decides by a protocol's name: that is what its row is for.
pub fn names_in_decisions(file: &File<'_>, names: &[&str]) -> Vec<Breach> {
    if file.within(&["src/protocol/"]) {
        return Vec::new();
    }
    let code = file.code();
    let decides = |at: usize| {
        let before = at.checked_sub(1).and_then(|at| code.get(at));
        let after = code.get(at + 1);
        let compared = [before, after].into_iter().flatten().any(|t| t.is("==") || t.is("!=") || t.is("|"));
        compared || after.is_some_and(|t| t.is("=>") || t.is_word("if")) || asked_for(&code, at)
    };
    let literals = code.iter().enumerate().filter(|(_, t)| t.kind == Kind::Text && names.contains(&t.text.as_str()));
    literals
        .filter(|(at, _)| decides(*at))
        .map(|(_, t)| file.breach(t.line, format!("decides by the name of a protocol: \"{}\"", t.text)))
        .collect()
}

/// Is the literal an argument of `matches!`, `eq` or `contains`, or one of a list that is asked whether it contains something?
fn asked_for(code: &[Token], at: usize) -> bool {
    let listed = code[at..].iter().position(|t| t.is("]") || t.is(";")).is_some_and(|end| {
        let after = &code[at + end + 1..];
        after.first().is_some_and(|t| t.is(".")) && after.get(1).is_some_and(|t| t.is_word("contains"))
    });
    let mut closed = 0;
    for (here, token) in code[..at].iter().enumerate().rev() {
        if token.is(";") || token.is("{") || token.is("}") {
            break;
        } else if token.is(")") {
            closed += 1;
        } else if token.is("(") && closed > 0 {
            closed -= 1;
        } else if token.is("(") && asks(&code[..here]) {
            return true;
        }
    }
    listed
}

/// Does this end in what asks for one of its arguments?
fn asks(before: &[Token]) -> bool {
    match before {
        [.., name, bang] if bang.is("!") => name.is_word("matches"),
        [.., dot, name] if dot.is(".") => ["eq", "ne", "contains"].iter().any(|asks| name.is_word(asks)),
        _ => false,
    }
}
