//! Listings as the server writes them: like `ls -l` for people and old clients, as facts for programs (RFC 3659, section 7).

use std::{fmt::Write as _, time::SystemTime};

use super::time;
use crate::session::{FileKind, Stat};

/// Which facts are told; a client may choose (RFC 3659, section 7.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) kind: bool,
    pub(super) size: bool,
    pub(super) modify: bool,
    pub(super) perm: bool,
}

impl Told {
    pub(super) const ALL: Self = Self { kind: true, size: true, modify: true, perm: true };

    /// As FEAT lists them: those told have a star (RFC 3659, section 7.8).
    pub(super) fn feature(self) -> String {
        let facts = [("type", self.kind), ("size", self.size), ("modify", self.modify), ("perm", self.perm)];
        facts.iter().fold(String::from("MLST "), |text, (name, told)| text + name + if *told { "*;" } else { ";" })
    }

    /// Those of a list; what is unknown is left out.
    pub(super) fn chosen(list: &str) -> Self {
        let has = |name: &str| list.split(';').any(|fact| fact.trim().eq_ignore_ascii_case(name));
        Self { kind: has("type"), size: has("size"), modify: has("modify"), perm: has("perm") }
    }

    /// Their names, as the answer to such a choice has them.
    pub(super) fn names(self) -> String {
        let facts = [("type;", self.kind), ("size;", self.size), ("modify;", self.modify), ("perm;", self.perm)];
        facts.iter().filter(|(_, told)| *told).map(|(name, _)| *name).collect()
    }
}

/// The facts of one entry, with the space that ends them (RFC 3659, section 7.2). `write`: may the client change something?
pub(super) fn facts(stat: &Stat, told: Told, write: bool) -> String {
    let mut text = String::new();
    let (kind, perm) = match stat.kind {
        FileKind::Folder if write => ("dir", "cdeflmp"),
        FileKind::Folder => ("dir", "el"),
        FileKind::File if write => ("file", "adfrw"),
        FileKind::File => ("file", "r"),
        FileKind::Other => ("OS.unix=other", ""),
    };
    if told.kind {
        let _ = write!(text, "type={kind};");
    }
    if told.size && stat.kind == FileKind::File {
        let _ = write!(text, "size={};", stat.size);
    }
    if told.modify {
        let _ = write!(text, "modify={};", time::written(stat.modified));
    }
    if told.perm {
        let _ = write!(text, "perm={perm};");
    }
    text.push(' ');
    text
}

/// A line like those of `ls -l`.
pub(super) fn line(name: &str, stat: &Stat, write: bool, now: SystemTime) -> String {
    let (mode, links) = match (stat.kind, write) {
        (FileKind::Folder, true) => ("drwxr-xr-x", 2),
        (FileKind::Folder, false) => ("dr-xr-xr-x", 2),
        (FileKind::File, true) => ("-rw-r--r--", 1),
        (FileKind::File, false) => ("-r--r--r--", 1),
        (FileKind::Other, _) => ("?---------", 1),
    };
    format!("{mode} {links:3} ftp      ftp      {:12} {} {name}\r\n", stat.size, time::listed(stat.modified, now))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn entries_are_written_for_both() {
        let file = Stat { kind: FileKind::File, size: 5, modified: UNIX_EPOCH };
        assert_eq!(facts(&file, Told::ALL, false), "type=file;size=5;modify=19700101000000;perm=r; ");
        assert_eq!(facts(&file, Told::chosen("size;nope;TYPE;"), true), "type=file;size=5; ");
        assert_eq!(facts(&file, Told::chosen(""), true), " ");
        assert_eq!(Told::chosen("size;").feature(), "MLST type;size*;modify;perm;");
        let listed = line("a b", &file, false, UNIX_EPOCH);
        assert_eq!(listed, "-r--r--r--   1 ftp      ftp                 5 Jan  1 00:00 a b\r\n");
    }
}
