//! Transfers: what is said before one, what goes and comes, and when it is over: the last reply is there, and the data's end.

use serde_json::Value;

use super::{
    Client,
    login::told,
    work::{Step, Task},
};
use crate::{
    protocol::ftp::reply::Reply,
    session::{ChannelAsk, Cx, EffectId, Event, FileError, Pour, fields},
    values::show::grouped,
};

/// So much of a file is queued at a time.
const PIECE: u64 = 256 * 1024;
/// The longest listing that is taken.
const LONGEST_LISTING: usize = 64 * 1024 * 1024;

impl Client {
    /// Sends from here on, or is done when all is there.
    pub(super) fn put_from(&mut self, at: u64, cx: &mut Cx<'_>) {
        let Some(job) = &mut self.job else { return };
        let Some(Task::Put { files, name, .. }) = &job.task else { return };
        match files.open(name.path()) {
            Ok((_, stat)) if at == stat.size && at > 0 => self.task_done(cx),
            Ok((file, stat)) => {
                // What is longer there than here was never ours to go on with.
                job.at = if at < stat.size { at } else { 0 };
                job.total = Some(stat.size);
                job.file = Some(file);
                self.open_data(cx);
            }
            Err(error) => {
                let why = format!("{} can't be read: {error}", name.last());
                self.task_failed(why, cx);
            }
        }
    }

    /// The data connection is there, or the server knows where we wait for it.
    pub(super) fn prepare(&mut self, cx: &mut Cx<'_>) {
        let Some(job) = &self.job else { return };
        match (&job.task, job.total) {
            // The whole file's, wherever this begins (RFC 959, section 4.1.3).
            (Some(Task::Put { .. }), Some(size)) => self.ask(Step::Allocate, &format!("ALLO {size}"), cx),
            _ if job.at > 0 => self.ask_restart(cx),
            _ => self.ask_transfer(cx),
        }
    }

    fn ask_restart(&mut self, cx: &mut Cx<'_>) {
        let at = self.job.as_ref().map_or(0, |job| job.at);
        self.ask(Step::Restart, &format!("REST {at}"), cx);
    }

    fn ask_transfer(&mut self, cx: &mut Cx<'_>) {
        let Some(job) = &self.job else { return };
        let path = self.at(job.task.as_ref().map_or("", Task::path));
        let line = match &job.task {
            Some(Task::Put { .. }) => format!("STOR {path}"),
            Some(Task::List { .. }) if self.known.facts == Some(true) => format!("MLSD {path}"),
            Some(Task::List { .. }) => "LIST".into(),
            _ => format!("RETR {path}"),
        };
        self.ask(Step::Transfer, line.trim_end_matches(' '), cx);
    }

    /// The answer to ALLO or REST. What a server makes of ALLO is its own affair (RFC 959, section 4.1.3).
    pub(super) fn prepared(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        let Some(job) = &mut self.job else { return };
        match job.step {
            Step::Allocate if job.at > 0 => self.ask_restart(cx),
            Step::Restart if reply.class() != 3 => self.refused(reply, cx),
            _ => self.ask_transfer(cx),
        }
    }

    pub(super) fn transfer_replied(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        let Some(job) = &mut self.job else { return };
        let began = job.step == Step::Transfer;
        job.step = Step::Running;
        if reply.class() == 1 {
            self.data.begun = true;
            return self.send_if_ready(cx);
        }
        if began && reply.class() == 5 && self.lists_facts() {
            return self.ask_facts(reply, cx);
        }
        self.data.last = Some(reply.clone());
        // Refused, or broken off: no data will come, or none that counts.
        if reply.class() != 2 {
            self.data.failed = Some(told(reply));
            self.data.ended = true;
        } else if began && self.is_sending() {
            // Done before it began: the server wants nothing of it.
            self.data.ended = true;
            self.data.failed = Some(format!("the server took nothing: {}", told(reply)));
        }
        self.maybe_over(cx);
    }

    pub(super) fn is_sending(&self) -> bool {
        self.job.as_ref().is_some_and(|job| matches!(job.task, Some(Task::Put { .. })))
    }

    /// The next piece of the file that is sent.
    pub(super) fn send_on(&mut self, cx: &mut Cx<'_>) {
        let id = self.data.id();
        let Some(job) = &mut self.job else { return };
        let Some(file) = job.file.clone() else { return };
        let (total, at) = (job.total.unwrap_or(0), job.at);
        progress(at, Some(total), cx);
        if at >= total {
            return cx.channel(id, ChannelAsk::Finish);
        }
        let length = (total - at).min(PIECE);
        job.at += length;
        self.data.bytes += length;
        cx.channel(id, ChannelAsk::Pour(Pour { file, from: at, length }));
        cx.channel(id, ChannelAsk::Tell);
    }

    pub(super) fn data_came(&mut self, data: &[u8], cx: &mut Cx<'_>) {
        let Some(job) = &mut self.job else { return };
        if self.data.failed.is_some() {
            return;
        }
        self.data.bytes += data.len() as u64;
        match (&job.task, &mut job.store) {
            (Some(Task::List { .. }), _) if job.text.len() + data.len() > LONGEST_LISTING => {
                self.break_off("the listing is too long".into(), cx);
            }
            (Some(Task::List { .. }), _) => job.text.extend_from_slice(data),
            (Some(Task::Put { .. }), _) => {}
            (_, Some(store)) => match store.append(data) {
                Ok(()) => progress(store.length(), job.total, cx),
                Err(error) => self.break_off(format!("it can't be kept: {error}"), cx),
            },
            (_, None) => cx.body(data),
        }
    }

    /// It is of no use any more; what the server says to that is awaited.
    fn break_off(&mut self, why: String, cx: &mut Cx<'_>) {
        self.data.give_up(cx);
        (self.data.ended, self.data.failed) = (true, Some(why));
        self.maybe_over(cx);
    }

    /// Is it over, with the last reply and the end of the data?
    pub(super) fn maybe_over(&mut self, cx: &mut Cx<'_>) {
        if !self.data.ended || self.data.last.is_none() {
            return;
        }
        self.data.give_up(cx);
        let path = self.at(self.job.as_ref().and_then(|job| job.task.as_ref()).map_or("", Task::path));
        let shown = crate::values::show::escaped(path.as_bytes(), false);
        if let Some(why) = self.data.failed.take() {
            return self.task_failed(format!("{shown}: {why}"), cx);
        }
        let Some(job) = &mut self.job else { return };
        let is_get = matches!(job.task, Some(Task::Get { .. } | Task::Look { .. }));
        // More than it had when we asked: it has grown since.
        let came = job.at + self.data.bytes;
        if let Some(total) = job.total.filter(|total| is_get && *total > came) {
            self.known.size = None;
            let (came, total) = (grouped(came), grouped(total));
            return self.task_failed(format!("{shown}: {came} of {total} bytes came"), cx);
        }
        match job.store.take() {
            Some(store) => {
                job.step = Step::Commit;
                cx.commit(EffectId(0), store.done());
            }
            None if matches!(job.task, Some(Task::List { .. })) => self.listed(cx),
            None => self.transferred(cx),
        }
    }

    /// What came is on disk under its name, or is not.
    pub(super) fn committed(&mut self, done: Result<(), FileError>, cx: &mut Cx<'_>) {
        match done {
            Ok(()) => self.transferred(cx),
            Err(error) => self.task_failed(format!("it can't be kept: {error}"), cx),
        }
    }

    fn transferred(&mut self, cx: &mut Cx<'_>) {
        let Some(job) = &self.job else { return };
        let (bytes, path) = (self.data.bytes, self.at(job.task.as_ref().map_or("", Task::path)));
        let command = if self.is_sending() { "STOR" } else { "RETR" };
        cx.record("transfer", || {
            fields([("command", command.into()), ("path", path.into()), ("bytes", Value::from(bytes))])
        });
        self.task_done(cx);
    }
}

/// Only a person looks at it.
fn progress(done: u64, total: Option<u64>, cx: &mut Cx<'_>) {
    if cx.facts.watch.bodies {
        cx.event(Event::Progress { done, total });
    }
}
