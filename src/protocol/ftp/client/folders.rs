//! Folders: what a listing says is shown or fetched, and what is in a folder of ours is sent.

use std::fmt::Write as _;

use serde_json::Value;

use super::{
    Client,
    work::{Job, Step, Target, Task},
};
use crate::{
    protocol::ftp::{
        entries::{Found, Kind, read_facts, read_line},
        names::is_hidden,
        reply::Reply,
    },
    session::{Cx, FileError, FileKind, fields},
    values::show::{escaped, quoted},
};

/// Folders within folders.
const DEEPEST: usize = 64;
/// Files and folders of one job.
const MOST: usize = 1_000_000;

impl Client {
    /// A listing is there.
    pub(super) fn listed(&mut self, cx: &mut Cx<'_>) {
        let facts = self.known.facts == Some(true);
        let Some(job) = &mut self.job else { return };
        let Some(Task::List { path, into }) = job.task.clone() else { return };
        let text = std::mem::take(&mut job.text);
        let text = String::from_utf8_lossy(&text);
        let lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        let found: Vec<Found> = lines.filter_map(if facts { read_facts } else { read_line }).collect();
        match into {
            None => show(&found, cx),
            Some(into) => {
                // The last task is the next: so they are done in the order of the listing.
                for found in found.iter().rev() {
                    fetch(job, found, &path, &into);
                }
            }
        }
        self.task_done(cx);
    }

    /// Is this a listing of facts, to be shown?
    pub(super) fn lists_facts(&self) -> bool {
        let task = self.job.as_ref().and_then(|job| job.task.as_ref());
        self.known.facts == Some(true) && matches!(task, Some(Task::List { into: None, .. }))
    }

    /// There is no such folder: a file, then.
    pub(super) fn ask_facts(&mut self, why: &Reply, cx: &mut Cx<'_>) {
        self.data.give_up(cx);
        self.doubt(why);
        let path = self.path();
        self.ask(Step::Facts, format!("MLST {path}").trim_end(), cx);
    }

    /// The answer to MLST: one entry, in the one line that begins with a space (RFC 3659, section 7.2).
    pub(super) fn facts(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        let line = reply.lines.iter().find_map(|line| line.strip_prefix(' ')).filter(|_| reply.class() == 2);
        match line.and_then(read_facts) {
            Some(mut found) => {
                found.name = found.name.rsplit('/').next().unwrap_or_default().into();
                show(&[found], cx);
                self.task_done(cx);
            }
            None => self.still_refused(cx),
        }
    }

    /// The folder is there; now what is in it.
    pub(super) fn put_entries(&mut self, cx: &mut Cx<'_>) {
        let Some(job) = &mut self.job else { return };
        let Some(Task::PutFolder { files, name, path }) = job.task.clone() else { return };
        let entries = match files.list(name.path()) {
            Ok(entries) => entries,
            Err(error) => return self.task_failed(format!("{} can't be read: {error}", name.shown()), cx),
        };
        if path.split('/').count() > DEEPEST || job.tasks.len() + entries.len() > MOST {
            return self.task_failed(format!("{} is too deep, or holds too much", name.shown()), cx);
        }
        for left in files.left_out(name.path()).unwrap_or_default() {
            job.miss(left);
        }
        for entry in entries.iter().rev().filter(|entry| !is_hidden(&entry.name)) {
            let path = below(&path, &entry.name);
            let (files, name) = (files.clone(), name.entry(&entry.name));
            match entry.stat.kind {
                _ if entry.name.contains(['\r', '\n']) => {
                    job.miss(format!("{}: no such name can be said", escaped(entry.name.as_bytes(), false)));
                }
                FileKind::File => job.tasks.push(Task::Put { files, name, path }),
                FileKind::Folder => job.tasks.push(Task::PutFolder { files, name, path }),
                FileKind::Other => {}
            }
        }
        self.task_done(cx);
    }
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() || folder.ends_with('/') { format!("{folder}{name}") } else { format!("{folder}/{name}") }
}

/// One more task for what was found, if it can be kept here.
fn fetch(job: &mut Job, found: &Found, path: &str, (files, name): &Target) {
    if is_hidden(&found.name) {
        let name = quoted(found.name.as_bytes(), 80);
        return job.miss(format!("the server names a file {name}: such names are reserved for what is unfinished"));
    }
    if !found.is_plain() {
        return job.miss(format!("the server names a file {}: that leads elsewhere", quoted(found.name.as_bytes(), 80)));
    }
    let (path, name) = (below(path, &found.name), name.entry(&found.name));
    if path.split('/').count() > DEEPEST || job.tasks.len() >= MOST {
        return job.miss(format!("{} is too deep, or there is too much", escaped(path.as_bytes(), false)));
    }
    match found.kind {
        Kind::File => job.tasks.push(Task::Get { path, size: found.size, into: Some((files.clone(), name)) }),
        Kind::Folder => match files.make_folder(name.path()) {
            Ok(()) | Err(FileError::Exists) => job.tasks.push(Task::List { path, into: Some((files.clone(), name)) }),
            Err(error) => job.miss(format!("{}: {error}", escaped(name.shown().as_bytes(), false))),
        },
        // It may lead to a file. What else it leads to can't be had so, and the server says that.
        Kind::Link => job.tasks.push(Task::Get { path, size: None, into: Some((files.clone(), name)) }),
        Kind::Other => job.miss(format!("{}: it is no file", escaped(path.as_bytes(), false))),
    }
}

/// For a person: what it is, how long, since when, its name.
fn show(found: &[Found], cx: &mut Cx<'_>) {
    let mut text = String::new();
    for Found { name, kind, size, modified } in found {
        let (letter, slash) = match kind {
            Kind::File => ('-', ""),
            Kind::Folder => ('d', "/"),
            Kind::Link => ('l', ""),
            Kind::Other => ('?', ""),
        };
        let size = size.map_or_else(String::new, |size| size.to_string());
        let _ = writeln!(text, "{letter} {size:>12}  {:<19}  {name}{slash}", dated(modified));
        cx.record("entry", || {
            let kind = match kind {
                Kind::File => "file",
                Kind::Folder => "folder",
                Kind::Link => "link",
                Kind::Other => "other",
            };
            let size = found_size(&size);
            fields([
                ("name", name.as_str().into()),
                ("type", kind.into()),
                ("size", size),
                ("modified", modified.as_str().into()),
            ])
        });
    }
    cx.body(text.as_bytes());
}

fn found_size(size: &str) -> Value {
    size.parse::<u64>().map_or(Value::Null, Value::from)
}

/// `20261122155050` as `2026-11-22 15:50:50`; anything else as it came.
fn dated(modified: &str) -> String {
    let digits = modified.split('.').next().unwrap_or_default();
    if digits.len() != 14 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return modified.into();
    }
    let [date, time] = [&digits[..8], &digits[8..]];
    format!("{}-{}-{} {}:{}:{}", &date[..4], &date[4..6], &date[6..], &time[..2], &time[2..4], &time[4..])
}
