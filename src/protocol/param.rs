//! One parameter of a protocol: its name, what its value is, whose it is. Plain data in the protocol's row.

use std::{any::Any, fmt, path::Path, sync::Arc};

use crate::values::show;

/// Of flags that several protocols have.
pub(super) const USER_FLAG: &str = "log in with this name and password";
pub(super) const BODY_FLAG: &str = "the body of what is sent, in place of DATA";
pub(super) const HEADER_FLAG: &str = "a header field, 'Name: value'; it takes the place of ours";

/// What a parameter's value is.
#[derive(Debug, Clone, Copy)]
pub enum ParamKind {
    Duration,
    Text,
    /// A whole number; thousands as `k`.
    Count,
    /// Bytes; 1024s as `K`.
    Size,
    /// `true` or `false`. As a flag it stands alone.
    Switch,
    /// Text of this shape, and what the protocol makes of it; or one clause that says what is wrong.
    Parsed {
        shape: &'static str,
        read: fn(&str) -> Result<Made, String>,
    },
    /// What a text file holds, and what the protocol makes of that, once for all its sessions; or one clause that says what is
    /// wrong with it, in which file and which line.
    File(fn(&Sheet<'_>) -> Result<Made, String>),
    /// What a file holds, with its name.
    Contents,
    /// A folder that becomes a root; with `make`, one that is made if it is missing.
    Folder {
        make: bool,
    },
    /// A file or folder that is there: its folder becomes a root.
    Place,
    /// A regular file that is appended to, and need not be there yet: its folder becomes a root.
    Appended,
}

/// A text file, and the way to others that it names.
#[derive(Clone, Copy)]
pub struct Sheet<'a> {
    pub path: &'a Path,
    pub bytes: &'a [u8],
    /// Reads another file, or says why it can't be read.
    pub other: &'a dyn Fn(&Path) -> Result<Vec<u8>, String>,
}

impl<'a> Sheet<'a> {
    /// What it holds, where that has to be UTF-8.
    ///
    /// # Errors
    /// One clause: it is not.
    pub fn text(&self) -> Result<&'a str, String> {
        std::str::from_utf8(self.bytes).map_err(|_| format!("{} is no text in UTF-8", show::path(self.path)))
    }
}

impl fmt::Debug for Sheet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sheet").field("path", &self.path).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// Which end of the protocol a parameter is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    Server,
    Client,
    Both,
}

/// One parameter of a protocol. Those of a client are flags of `send` and `bench` too.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    pub name: &'static str,
    pub kind: ParamKind,
    /// As a person would type it; empty where there is none, and the help says what happens.
    pub default: &'static str,
    /// The longest text or file, in bytes.
    pub longest: Option<usize>,
    pub help: &'static str,
    /// What is said of it as a client's flag, where that is less, or has to fit several protocols.
    pub flag_help: Option<&'static str>,
    pub ends: Ends,
    /// May it be given several times?
    pub many: bool,
    /// A letter for the flag.
    pub short: Option<char>,
    /// It holds a password, and goes over the wire as it is.
    pub secret: bool,
    /// It goes into what is made of DATA, so that a file, which is sent as it is, has no place for it.
    pub builds: bool,
    /// It stands in place of DATA.
    pub is_data: bool,
    /// Parameters that would mean nothing beside it.
    pub excludes: &'static [&'static str],
    /// A parameter without which it would mean nothing.
    pub needs: Option<&'static str>,
    /// It means nothing to the load generator: why, and what to do there.
    pub not_in_bench: Option<&'static str>,
}

impl Param {
    /// A parameter of the server.
    #[must_use]
    pub const fn server(name: &'static str, kind: ParamKind, default: &'static str, help: &'static str) -> Self {
        let (longest, short, flag_help, needs, not_in_bench) = (None, None, None, None, None);
        let (many, secret, builds, is_data) = (false, false, false, false);
        let (ends, excludes): (_, &[&str]) = (Ends::Server, &[]);
        Self {
            name,
            kind,
            default,
            longest,
            help,
            flag_help,
            ends,
            many,
            short,
            secret,
            builds,
            is_data,
            excludes,
            needs,
            not_in_bench,
        }
    }

    /// A parameter of the client, and a flag.
    #[must_use]
    pub const fn client(name: &'static str, kind: ParamKind, default: &'static str, help: &'static str) -> Self {
        Self { ends: Ends::Client, ..Self::server(name, kind, default, help) }
    }

    /// A parameter of both ends, and a flag of the client's.
    #[must_use]
    pub const fn both(name: &'static str, kind: ParamKind, default: &'static str, help: &'static str) -> Self {
        Self { ends: Ends::Both, ..Self::server(name, kind, default, help) }
    }

    #[must_use]
    pub const fn flag_help(self, help: &'static str) -> Self {
        Self { flag_help: Some(help), ..self }
    }

    #[must_use]
    pub const fn excludes(self, others: &'static [&'static str]) -> Self {
        Self { excludes: others, ..self }
    }

    #[must_use]
    pub const fn needs(self, other: &'static str) -> Self {
        Self { needs: Some(other), ..self }
    }

    #[must_use]
    pub const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    #[must_use]
    pub const fn builds(self) -> Self {
        Self { builds: true, ..self }
    }

    #[must_use]
    pub const fn is_data(self) -> Self {
        Self { is_data: true, builds: true, ..self }
    }

    #[must_use]
    pub const fn not_in_bench(self, why: &'static str) -> Self {
        Self { not_in_bench: Some(why), ..self }
    }

    #[must_use]
    pub const fn longest(self, bytes: usize) -> Self {
        Self { longest: Some(bytes), ..self }
    }

    #[must_use]
    pub const fn many(self) -> Self {
        Self { many: true, ..self }
    }

    #[must_use]
    pub const fn short(self, letter: char) -> Self {
        Self { short: Some(letter), ..self }
    }

    #[must_use]
    pub fn is_of(&self, end: Ends) -> bool {
        self.ends == Ends::Both || end == Ends::Both || self.ends == end
    }
}

impl ParamKind {
    /// What stands for a value in help.
    #[must_use]
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::Duration => "DURATION",
            Self::Text => "TEXT",
            Self::Count => "N",
            Self::Size => "SIZE",
            Self::Switch => "true",
            Self::Parsed { shape, .. } => shape,
            Self::File(_) | Self::Contents | Self::Place | Self::Appended => "FILE",
            Self::Folder { .. } => "DIR",
        }
    }

    /// One word for machines.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Duration => "duration",
            Self::Text | Self::Parsed { .. } => "text",
            Self::Count => "count",
            Self::Size => "size",
            Self::Switch => "switch",
            Self::File(_) | Self::Contents | Self::Place | Self::Appended => "file",
            Self::Folder { .. } => "folder",
        }
    }
}

/// What a protocol has made of a file or of a text.
#[derive(Clone)]
pub struct Made {
    pub(super) it: Arc<dyn Any + Send + Sync>,
    /// It is a list of so many things, each to be asked for in its turn.
    pub(super) turns: u64,
    /// What of it nobody who carries the bytes should read: `the header Cookie`.
    pub(super) secret: Option<&'static str>,
    /// To a server, the parameter that means nothing beside this value; and why.
    pub(super) bars: Option<(&'static str, &'static str)>,
}

impl Made {
    pub fn new<T: Any + Send + Sync>(made: T) -> Self {
        Self { it: Arc::new(made), turns: 1, secret: None, bars: None }
    }

    #[must_use]
    pub fn in_turns(self, turns: usize) -> Self {
        Self { turns: turns as u64, ..self }
    }

    #[must_use]
    pub fn secret(self, what: Option<&'static str>) -> Self {
        Self { secret: what, ..self }
    }

    #[must_use]
    pub fn bars(self, param: &'static str, why: &'static str) -> Self {
        Self { bars: Some((param, why)), ..self }
    }
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Made")
    }
}
