//! Listings: LIST and NLST for people and old clients, MLSD and MLST for programs.

use std::fmt::Write as _;

use super::{Server, say, say_all};
use crate::{
    protocol::ftp::{
        listing::{facts, line},
        names::{Name, is_hidden, matches},
    },
    session::{Cx, Entry, FileError, FileKind},
};

impl Server {
    /// LIST, NLST and MLSD.
    pub(super) fn list(&mut self, verb: &str, argument: &str, cx: &mut Cx<'_>) {
        let verb = match verb {
            "MLSD" => "MLSD",
            "NLST" => "NLST",
            _ => "LIST",
        };
        self.state.asked_for();
        if !self.has_data(cx) {
            return;
        }
        let typed = if verb == "MLSD" { argument } else { without_flags(argument) };
        match self.listed(verb, typed, cx) {
            Ok((name, text)) => self.send_text(verb, name, text, cx),
            // Its name can be a file's here: "MLSD is for folders" (RFC 3659, section 7.2.1).
            Err(FileError::NotAFolder) => self.not_begun(501, "not a folder", cx),
            Err(error) => self.not_begun(550, &error.to_string(), cx),
        }
    }

    /// STAT of a name: a listing over the control connection (RFC 959, section 4.1.3).
    pub(super) fn stat(&self, argument: &str, cx: &mut Cx<'_>) {
        match self.listed("LIST", without_flags(argument), cx) {
            Ok((name, text)) => {
                let lines: Vec<String> = text.lines().map(String::from).collect();
                say_all(cx, 213, &name.quoted(), &lines, "end");
            }
            Err(error) => say(cx, 550, &error.to_string()),
        }
    }

    /// What is under this name, as `verb` writes it.
    fn listed(&self, verb: &str, typed: &str, cx: &Cx<'_>) -> Result<(Name, String), FileError> {
        let name = Name::resolve(&self.state.here, typed).ok_or(FileError::NotFound)?;
        let now = (cx.facts.wall_clock)();
        let add = |text: &mut String, name: &str, entry: &Entry| {
            let _ = match verb {
                "NLST" => write!(text, "{name}\r\n"),
                "MLSD" => write!(text, "{}{name}\r\n", facts(&entry.stat, self.state.told, self.chosen.write)),
                _ => text.write_str(&line(name, &entry.stat, self.chosen.write, now)),
            };
        };
        let mut text = String::new();
        let files = &self.chosen.files;
        let stat = files.stat(name.path());
        match &stat {
            Ok(stat) if stat.kind == FileKind::Folder => {
                // NLST names what can be asked for: with the folder before it that was asked about.
                let before = if verb == "NLST" { prefix(typed) } else { String::new() };
                for entry in self.entries(&name)? {
                    add(&mut text, &format!("{before}{}", entry.name), &entry);
                }
            }
            Ok(_) if verb == "MLSD" => return Err(FileError::NotAFolder),
            Ok(stat) => {
                let shown = if verb == "NLST" { typed } else { name.last() };
                add(&mut text, shown, &Entry { name: String::new(), stat: *stat });
            }
            Err(error) if verb == "MLSD" || !name.last().contains(['*', '?']) => return Err(error.clone()),
            Err(_) => {
                let before =
                    prefix(typed.rsplit_once('/').map_or("", |(folder, _)| if folder.is_empty() { "/" } else { folder }));
                let before = if verb == "NLST" { before } else { String::new() };
                for entry in self.entries(&name.parent())?.iter().filter(|entry| matches(name.last(), &entry.name)) {
                    add(&mut text, &format!("{before}{}", entry.name), entry);
                }
            }
        }
        Ok((name, text))
    }

    /// A folder's entries, as far as they may be seen and said.
    fn entries(&self, name: &Name) -> Result<Vec<Entry>, FileError> {
        let mut entries = self.chosen.files.list(name.path())?;
        entries.retain(|entry| !is_hidden(&entry.name) && !entry.name.contains(['\r', '\n']));
        Ok(entries)
    }

    /// MLST: the facts of one name (RFC 3659, section 7.3).
    pub(super) fn facts(&self, argument: &str, cx: &mut Cx<'_>) {
        let stat = Name::resolve(&self.state.here, argument)
            .ok_or(FileError::NotFound)
            .and_then(|name| Ok((self.chosen.files.stat(name.path())?, name)));
        match stat {
            Ok((stat, name)) => {
                let facts = format!("{}{}", facts(&stat, self.state.told, self.chosen.write), name.shown());
                say_all(cx, 250, "its facts", &[facts], "end");
            }
            Err(error) => say(cx, 550, &error.to_string()),
        }
    }
}

/// `-la name`: flags of `ls`, which many a client sends, mean nothing here.
fn without_flags(argument: &str) -> &str {
    let mut rest = argument.trim_start_matches(' ');
    while rest.starts_with('-') {
        rest = rest.split_once(' ').map_or("", |(_, rest)| rest.trim_start_matches(' '));
    }
    rest
}

/// What stands before each name of a folder that was asked about as `typed`.
fn prefix(typed: &str) -> String {
    match typed {
        "" | "." => String::new(),
        folder if folder.ends_with('/') => folder.into(),
        folder => format!("{folder}/"),
    }
}
