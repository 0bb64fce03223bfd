//! Going on with what was interrupted makes sense only while it is the same file: MDTM tells whether it has changed since (RFC
//! 3659, section 3). Who can't tell is believed.

use std::time::SystemTime;

use super::{
    Client,
    work::{Step, Task},
};
use crate::{
    protocol::ftp::{names::Name, reply::Reply, time},
    session::{Cx, Files},
};

impl Client {
    pub(super) fn ask_modified(&mut self, cx: &mut Cx<'_>) {
        let path = self.path();
        self.ask(Step::Modified, &format!("MDTM {path}"), cx);
    }

    /// There are so many bytes of what we send: do they still belong to it?
    pub(super) fn put_after(&mut self, size: u64, cx: &mut Cx<'_>) {
        let Some(job) = &mut self.job else { return };
        if size == 0 {
            return self.put_from(0, cx);
        }
        job.at = size;
        self.ask_modified(cx);
    }

    /// The answer to MDTM.
    pub(super) fn modified(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        let theirs = time::read(reply.text().trim()).filter(|_| reply.code == 213);
        let Some(job) = &mut self.job else { return };
        let at = job.at;
        if let Some(Task::Put { files, name, .. }) = &job.task {
            let ours = when(&**files, name);
            // Theirs has no fractions of a second.
            let changed = theirs.zip(ours).is_some_and(|(theirs, ours)| time::written(ours) > time::written(theirs));
            return self.put_from(if changed { 0 } else { at }, cx);
        }
        let into = match &job.task {
            Some(Task::Look { path }) => self.wants.kept(path).ok().flatten(),
            Some(Task::Get { into, .. }) => into.clone(),
            _ => None,
        };
        let ours = into.and_then(|(files, name)| when(&*files, &name.temporary("")).or_else(|| when(&*files, &name)));
        job.changed = Some(theirs.zip(ours).is_some_and(|(theirs, ours)| theirs > ours));
        let total = job.total;
        self.sized(total, cx);
    }
}

fn when(files: &dyn Files, name: &Name) -> Option<SystemTime> {
    files.stat(name.path()).ok().map(|stat| stat.modified)
}
