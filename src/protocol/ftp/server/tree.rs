//! What changes the tree, and where in it the client is.

use super::{Server, say};
use crate::{
    protocol::ftp::{
        names::{Name, is_hidden},
        time,
    },
    session::{Cx, FileError, FileKind},
};

impl Server {
    /// The name that was typed. `None`: it was refused.
    pub(super) fn named(&self, typed: &str, cx: &mut Cx<'_>) -> Option<Name> {
        let name = Name::resolve(&self.state.here, typed).filter(|_| !typed.is_empty());
        if name.is_none() {
            say(
                cx,
                if typed.is_empty() { 501 } else { 550 },
                if typed.is_empty() { "a name is missing" } else { "no such file" },
            );
        }
        name
    }

    /// The same, of something that is to be changed.
    pub(super) fn changed(&self, typed: &str, cx: &mut Cx<'_>) -> Option<Name> {
        if !self.chosen.write {
            say(cx, 550, "this server is read-only");
            return None;
        }
        let name = self.named(typed, cx)?;
        if name.is_root() {
            say(cx, 550, "that is the root");
            return None;
        }
        Some(name)
    }

    /// Tells whether it went well.
    pub(super) fn done(done: Result<(), FileError>, code: u16, text: &str, cx: &mut Cx<'_>) {
        match done {
            Ok(()) => say(cx, code, text),
            Err(FileError::Full) => say(cx, 452, "no space left"),
            Err(error) => say(cx, 550, &error.to_string()),
        }
    }

    pub(super) fn change_folder(&mut self, argument: &str, cx: &mut Cx<'_>) {
        let Some(name) = self.named(argument, cx) else { return };
        match self.chosen.files.stat(name.path()) {
            Ok(stat) if stat.kind == FileKind::Folder => {
                self.state.here = name;
                say(cx, 250, &format!("{} is where you are", self.state.here.quoted()));
            }
            Ok(_) => say(cx, 550, "not a folder"),
            Err(error) => say(cx, 550, &error.to_string()),
        }
    }

    pub(super) fn make_folder(&self, argument: &str, cx: &mut Cx<'_>) {
        let Some(name) = self.changed(argument, cx) else { return };
        match self.chosen.files.make_folder(name.path()) {
            Ok(()) => say(cx, 257, &format!("{} is made", name.quoted())),
            failed => Self::done(failed, 257, "", cx),
        }
    }

    /// What nobody sees must not keep a folder from going: unfinished files go with it, but for those that somebody is writing.
    pub(super) fn remove_folder(&self, argument: &str, cx: &mut Cx<'_>) {
        let Some(name) = self.changed(argument, cx) else { return };
        let files = &self.chosen.files;
        if let Ok(entries) = files.list(name.path())
            && entries.iter().all(|entry| is_hidden(&entry.name))
        {
            for entry in entries {
                let _ = files.remove_draft(name.entry(&entry.name).path());
            }
        }
        Self::done(files.remove_folder(name.path()), 250, "it is gone", cx);
    }

    /// An upload that is under way is left alone, and becomes the file that it will be.
    pub(super) fn delete(&self, argument: &str, cx: &mut Cx<'_>) {
        let Some(name) = self.changed(argument, cx) else { return };
        let part = self.chosen.files.remove_draft(name.temporary("").path());
        match (self.chosen.files.remove(name.path()), part) {
            (Err(FileError::NotFound), Err(FileError::Exists)) => say(cx, 450, "somebody is writing it"),
            (Err(FileError::NotFound), part) => Self::done(part, 250, "it is gone", cx),
            (whole, _) => Self::done(whole, 250, "it is gone", cx),
        }
    }

    pub(super) fn rename_from(&mut self, argument: &str, cx: &mut Cx<'_>) {
        let Some(name) = self.changed(argument, cx) else { return };
        match self.chosen.files.stat(name.path()) {
            Ok(_) => {
                self.state.renamed = Some(name);
                say(cx, 350, "RNTO comes next");
            }
            Err(error) => say(cx, 550, &error.to_string()),
        }
    }

    pub(super) fn rename_to(&mut self, argument: &str, cx: &mut Cx<'_>) {
        let Some(from) = self.state.renamed.take() else { return say(cx, 503, "RNFR comes first") };
        let Some(to) = self.changed(argument, cx) else { return };
        Self::done(self.chosen.files.rename(from.path(), to.path()), 250, "it has its new name", cx);
    }

    /// RFC 3659, section 3.
    pub(super) fn modified(&self, argument: &str, cx: &mut Cx<'_>) {
        let Some(name) = self.named(argument, cx) else { return };
        match self.chosen.files.stat(name.path()) {
            Ok(stat) if stat.kind == FileKind::File => say(cx, 213, &time::written(stat.modified)),
            Ok(_) => say(cx, 550, "not a file"),
            Err(error) => say(cx, 550, &error.to_string()),
        }
    }

    /// `MFMT 20261122155050 name`
    pub(super) fn modify(&self, argument: &str, cx: &mut Cx<'_>) {
        let (text, typed) = argument.split_once(' ').unwrap_or((argument, ""));
        let Some(to) = time::read(text) else { return say(cx, 501, "MFMT takes YYYYMMDDHHMMSS and a name") };
        let Some(name) = self.changed(typed, cx) else { return };
        let done = self.chosen.files.set_modified(name.path(), to);
        Self::done(done, 213, &format!("Modify={}; {}", time::written(to), name.shown()), cx);
    }
}
