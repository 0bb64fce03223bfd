//! Transfers: files out and in, and listings. What comes in has its name only when all of it is on disk.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{Asked, COMMIT, COPY, ENDED, PATIENCE, Server, connect::State, say};
use crate::{
    protocol::ftp::{
        ascii::Lines,
        names::Name,
        store::{Start, Store, There},
    },
    session::{ChannelAsk, ChannelId, Cx, EffectId, FileError, FileReader, Pour, fields},
    values::show,
};

/// So much of a file is queued at a time: after each piece the session knows that the client still reads.
const PIECE: u64 = 256 * 1024;
/// The same where each byte is looked at.
const LINES_PIECE: usize = 64 * 1024;
/// How much later the end of a control connection may be seen than that of its data connection: on a busy machine the kernel
/// hands them on from different processors.
const NEWS_TAKES: Duration = Duration::from_millis(4);
/// How long a data connection is waited for.
const CONNECTS_WITHIN: Duration = Duration::from_secs(30);

/// What is under way.
#[derive(Debug)]
pub(super) struct Transfer {
    verb: &'static str,
    name: Name,
    what: What,
    /// That crossed, or are queued to.
    bytes: u64,
}

#[derive(Debug)]
enum What {
    Text(Bytes),
    Get {
        file: Arc<dyn FileReader>,
        at: u64,
        end: u64,
        lines: Option<Lines>,
    },
    Put {
        store: Store,
        lines: Option<Lines>,
        announced: Option<u64>,
        copying: bool,
    },
    /// It is being put on disk: nothing stops that any more.
    Committing,
}

impl Transfer {
    /// How far it is.
    pub(super) fn status(&self) -> String {
        format!("{} {}: {} bytes", self.verb, self.name.quoted(), show::grouped(self.bytes))
    }

    /// It was interrupted: what came stays, to be gone on with.
    pub(super) fn keep(self) {
        if let What::Put { mut store, lines, .. } = self.what
            && store.append(lines.map_or(b"", Lines::rest)).is_ok()
        {
            store.keep();
        }
    }
}

impl Server {
    pub(super) fn retrieve(&mut self, argument: &str, cx: &mut Cx<'_>) {
        let at = self.state.asked_for().restart;
        let Some(name) = self.named(argument, cx).filter(|_| self.has_data(cx)) else { return };
        let (file, stat) = match self.chosen.files.open(name.path()) {
            Ok(opened) => opened,
            Err(error) => return self.not_begun(550, &error.to_string(), cx),
        };
        if at > stat.size {
            return self.not_begun(554, &format!("it has {} bytes", stat.size), cx);
        }
        let lines = self.state.ascii.then(Lines::default);
        if lines.is_some() && at > 0 {
            return self.not_begun(554, "REST counts bytes: TYPE I comes first", cx);
        }
        let what = What::Get { file, at, end: stat.size, lines };
        self.begin(Transfer { verb: "RETR", name, what, bytes: 0 }, cx);
    }

    pub(super) fn store(&mut self, argument: &str, append: bool, cx: &mut Cx<'_>) {
        let Asked { restart, announced } = self.state.asked_for();
        let Some(name) = self.changed(argument, cx).filter(|_| self.has_data(cx)) else { return };
        let start = match restart {
            _ if append => Start::End,
            0 => Start::New,
            at => Start::At(at),
        };
        if self.state.ascii && start != Start::New {
            return self.not_begun(554, "going on counts bytes: TYPE I comes first", cx);
        }
        let store = match Store::begin(&*self.chosen.files, &name, start) {
            Ok(store) => store,
            Err(FileError::Exists) => return self.not_begun(450, "somebody else is writing it", cx),
            Err(FileError::Full) => return self.not_begun(452, "no space left", cx),
            Err(error) => return self.not_begun(if restart > 0 { 554 } else { 550 }, &error.to_string(), cx),
        };
        let lines = self.state.ascii.then(Lines::default);
        let what = What::Put { store, lines, announced, copying: start != Start::New };
        let verb = if append { "APPE" } else { "STOR" };
        self.begin(Transfer { verb, name, what, bytes: 0 }, cx);
    }

    pub(super) fn send_text(&mut self, verb: &'static str, name: Name, text: String, cx: &mut Cx<'_>) {
        self.begin(Transfer { verb, name, what: What::Text(text.into()), bytes: 0 }, cx);
    }

    /// Refuses a transfer: the data connection that was meant for it goes, too.
    pub(super) fn not_begun(&mut self, code: u16, text: &str, cx: &mut Cx<'_>) {
        self.data.give_up(cx);
        say(cx, code, text);
    }

    /// Is there a data connection, or will there be? Asked before anything else is done.
    pub(super) fn has_data(&self, cx: &mut Cx<'_>) -> bool {
        if self.data.state == State::None {
            say(cx, 425, "EPSV, PASV, EPRT or PORT comes first");
        }
        self.data.state != State::None
    }

    fn begin(&mut self, transfer: Transfer, cx: &mut Cx<'_>) {
        // It was taken back before its turn came.
        if self.waiting.iter().any(|line| line.eq_ignore_ascii_case(b"ABOR")) {
            transfer.keep();
            return self.not_begun(426, "aborted", cx);
        }
        let copies = matches!(transfer.what, What::Put { copying: true, .. });
        self.transfer = Some(transfer);
        if copies {
            return self.copy(cx);
        }
        self.open_data(cx);
    }

    /// A step of copying what is gone on with; then it begins. Between two steps others have their turn, and ABOR is heard.
    pub(super) fn copy(&mut self, cx: &mut Cx<'_>) {
        let Some(Transfer { what: What::Put { store, copying, .. }, .. }) = &mut self.transfer else { return };
        if !*copying {
            return;
        }
        self.quiet = 0;
        match store.copy() {
            Ok(true) => cx.wake(COPY, Duration::ZERO),
            Ok(false) => {
                *copying = false;
                self.open_data(cx);
            }
            Err(error) => self.interrupt(451, &error.to_string(), cx),
        }
    }

    fn open_data(&mut self, cx: &mut Cx<'_>) {
        let Some(transfer) = &self.transfer else { return };
        let size = match &transfer.what {
            What::Get { at, end, lines: None, .. } => format!(" ({} bytes)", end - at),
            _ => String::new(),
        };
        say(cx, 150, &format!("the data connection carries {} {}{size}", transfer.verb, transfer.name.quoted()));
        match self.data.state {
            State::Active(to) => {
                let id = self.data.renew(State::Awaited);
                cx.channel(id, ChannelAsk::Dial(to));
                self.await_connection(cx);
            }
            State::Open => self.start(cx),
            _ => self.await_connection(cx),
        }
    }

    fn await_connection(&self, cx: &mut Cx<'_>) {
        cx.wake(EffectId(PATIENCE + self.data.id().0), CONNECTS_WITHIN);
    }

    pub(super) fn out_of_patience(&mut self, id: ChannelId, cx: &mut Cx<'_>) {
        if self.data.is(id) && self.data.state == State::Awaited && self.transfer.is_some() {
            self.interrupt(425, "no data connection came", cx);
        }
    }

    /// Both are there, the transfer and its connection.
    pub(super) fn start(&mut self, cx: &mut Cx<'_>) {
        let id = self.data.id();
        match &mut self.transfer {
            Some(Transfer { what: What::Text(text), bytes, .. }) => {
                *bytes = text.len() as u64;
                if !text.is_empty() {
                    cx.channel(id, ChannelAsk::Write(std::mem::take(text)));
                }
                cx.channel(id, ChannelAsk::Finish);
            }
            Some(Transfer { what: What::Get { .. }, .. }) => self.send_on(cx),
            Some(Transfer { what: What::Put { copying: false, .. }, .. }) => {
                let ended = self.data.early_end;
                for bytes in std::mem::take(&mut self.data.early) {
                    self.data_came(bytes, cx);
                }
                if ended {
                    self.data_ended(cx);
                }
            }
            _ => {}
        }
    }

    /// Queues the next piece of a file.
    pub(super) fn send_on(&mut self, cx: &mut Cx<'_>) {
        let id = self.data.id();
        let Some(Transfer { what: What::Get { file, at, end, lines }, bytes, .. }) = &mut self.transfer else { return };
        if at == end {
            return cx.channel(id, ChannelAsk::Finish);
        }
        let Some(lines) = lines else {
            let length = (*end - *at).min(PIECE);
            cx.channel(id, ChannelAsk::Pour(Pour { file: file.clone(), from: *at, length }));
            cx.channel(id, ChannelAsk::Tell);
            (*at, *bytes) = (*at + length, *bytes + length);
            return;
        };
        let mut piece = vec![0; usize::try_from(*end - *at).unwrap_or(LINES_PIECE).min(LINES_PIECE)];
        match file.read_at(*at, &mut piece) {
            Ok(read) if read > 0 => {
                let out = lines.outward(&piece[..read]);
                (*at, *bytes) = (*at + read as u64, *bytes + out.len() as u64);
                cx.channel(id, ChannelAsk::Write(out.into()));
                cx.channel(id, ChannelAsk::Tell);
            }
            Ok(_) => self.interrupt(451, "the file became shorter while it was sent", cx),
            Err(error) => self.interrupt(451, &error.to_string(), cx),
        }
    }

    /// All is sent.
    pub(super) fn sent(&mut self, cx: &mut Cx<'_>) {
        if self.transfer.is_some() {
            self.finish(226, "all is sent", cx);
        }
    }

    pub(super) fn data_came(&mut self, data: Bytes, cx: &mut Cx<'_>) {
        match &mut self.transfer {
            Some(Transfer { what: What::Put { store, lines, copying: false, .. }, bytes, .. }) => {
                *bytes += data.len() as u64;
                let done = match lines {
                    Some(lines) => store.append(&lines.inward(&data)),
                    None => store.append(&data),
                };
                match done {
                    Ok(()) => {}
                    Err(FileError::Full) => self.interrupt(452, "no space left", cx),
                    Err(error) => self.interrupt(451, &error.to_string(), cx),
                }
            }
            None | Some(Transfer { what: What::Put { .. }, .. }) => self.keep_early(data, cx),
            // Where it goes the other way, what comes is nothing to us.
            Some(_) => {}
        }
    }

    pub(super) fn data_ended(&mut self, cx: &mut Cx<'_>) {
        match &self.transfer {
            // The end of a client that was killed looks the same: its control connection has ended too, then, and that is
            // looked at first.
            Some(Transfer { what: What::Put { copying: false, .. }, .. }) => {
                self.data.ended = true;
                cx.wake(ENDED, NEWS_TAKES);
            }
            None | Some(Transfer { what: What::Put { .. }, .. }) => self.data.early_end = true,
            Some(_) => {}
        }
    }

    /// The client has sent all it wants to: it goes on disk.
    pub(super) fn received(&mut self, cx: &mut Cx<'_>) {
        let Some(mut transfer) = self.transfer.take() else { return };
        let What::Put { mut store, lines, announced, copying: false } = transfer.what else {
            self.transfer = Some(transfer);
            return;
        };
        if let Err(error) = store.append(lines.map_or(b"", Lines::rest)) {
            return self.finish(451, &error.to_string(), cx);
        }
        // It is the size of the file, wherever this transfer began (RFC 959, section 4.1.3).
        let length = store.length();
        let short = announced.filter(|all| lines.is_none() && length < *all);
        transfer.what = What::Committing;
        if let Some(all) = short {
            let text = format!("{length} of {all} bytes came; REST {length} goes on");
            self.transfer = Some(transfer);
            store.keep();
            return self.finish(426, &text, cx);
        }
        self.transfer = Some(transfer);
        cx.commit(COMMIT, store.done());
    }

    /// What was acknowledged is on disk, under its name.
    pub(super) fn committed(&mut self, done: Result<(), FileError>, cx: &mut Cx<'_>) {
        match done {
            Ok(()) => self.finish(226, "it is on disk", cx),
            Err(FileError::Full) => self.finish(452, "no space left", cx),
            Err(error) => self.finish(451, &error.to_string(), cx),
        }
    }

    /// Ends what is under way before its end.
    pub(super) fn interrupt(&mut self, code: u16, why: &str, cx: &mut Cx<'_>) {
        match self.transfer.take() {
            Some(transfer) if matches!(transfer.what, What::Committing) => self.transfer = Some(transfer),
            Some(transfer) => {
                self.record(&transfer, code, cx);
                transfer.keep();
                self.not_begun(code, why, cx);
            }
            None => {}
        }
    }

    fn finish(&mut self, code: u16, text: &str, cx: &mut Cx<'_>) {
        if let Some(transfer) = self.transfer.take() {
            self.record(&transfer, code, cx);
        }
        self.not_begun(code, text, cx);
    }

    fn record(&self, transfer: &Transfer, code: u16, cx: &mut Cx<'_>) {
        let Transfer { verb, name, bytes, .. } = transfer;
        let user = self.login.user().unwrap_or_default();
        cx.record("transfer", || {
            fields([
                ("user", user.into()),
                ("command", (*verb).into()),
                ("path", name.shown().into()),
                ("bytes", (*bytes).into()),
                ("code", code.into()),
            ])
        });
    }

    /// SIZE tells how much there is to go on with, where there is no whole file.
    pub(super) fn size(&mut self, argument: &str, cx: &mut Cx<'_>) {
        if self.state.ascii {
            return say(cx, 550, "how long it is with other line ends is not known: TYPE I comes first");
        }
        let Some(name) = self.named(argument, cx) else { return };
        let There { whole, part } = There::look(&*self.chosen.files, &name);
        match whole.or(part.filter(|_| self.chosen.write)) {
            Some(size) => say(cx, 213, &size.to_string()),
            None => say(cx, 550, "no such file"),
        }
    }
}
