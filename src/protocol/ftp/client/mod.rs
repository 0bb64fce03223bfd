//! The client end: logs in once, and then does one job for each message: a file or a folder fetched or sent, a listing, or
//! something removed. A job may take many transfers; it has one answer.
//!
//! Names that a server sends never lead out of where they are kept: each is one plain part, or is refused.

mod changed;
mod data;
mod folders;
mod login;
mod replies;
mod transfer;
mod work;

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;

use self::{
    data::Data,
    login::Stage,
    work::{Job, Wants},
};
use super::{
    line::without_secrets,
    reply::{Replies, Reply},
};
use crate::{
    protocol::Setup,
    session::{
        ChannelId, ChannelNews, Cx, EffectId, Event, Input, Leaving, Mismatch, NotNow, Outcome, Session, Verdict, Violation,
    },
};

/// Messages that wait for their turn.
const MOST_WAITING: usize = 1024;
/// The names of the two lanes.
const CONTROL: &str = "control";
const DATA: &str = "data";

/// What is known of the server.
#[derive(Debug, Default)]
struct Known {
    /// It has MLSD.
    facts: Option<bool>,
    /// The folder we were in after the login; from then on names begin there.
    home: Option<String>,
    /// It has EPSV.
    no_epsv: bool,
    /// It has EPRT.
    no_eprt: bool,
    /// The size of the file that was last asked for.
    size: Option<(String, u64)>,
}

/// The client end.
#[derive(Debug)]
pub(in crate::protocol::ftp) struct Client {
    wants: Arc<Wants>,
    replies: Replies,
    stage: Stage,
    known: Known,
    waiting: VecDeque<Message>,
    refused: bool,
    job: Option<Job>,
    data: Data,
    /// QUIT is said, or the server has gone.
    over: bool,
}

#[derive(Debug)]
struct Message {
    seq: u64,
    path: String,
    forgotten: bool,
}

impl Client {
    pub(in crate::protocol::ftp) fn new(setup: &Setup) -> Self {
        Self {
            wants: Arc::new(Wants::new(setup)),
            replies: Replies::default(),
            stage: Stage::Greeting,
            known: Known::default(),
            waiting: VecDeque::new(),
            refused: false,
            job: None,
            data: Data::default(),
            over: false,
        }
    }

    /// Says a command.
    fn say(line: &str, cx: &mut Cx<'_>) {
        cx.talk(CONTROL, true, without_secrets(line.as_bytes()));
        cx.write(format!("{line}\r\n").as_bytes());
    }

    /// Begins the next job, when its turn has come.
    fn go_on(&mut self, cx: &mut Cx<'_>) {
        while self.job.is_none()
            && let Some(why) = self.stage.refusal().map(String::from)
            && let Some(message) = self.waiting.pop_front()
        {
            answered(&message, Some(&why), cx);
        }
        if self.job.is_none()
            && matches!(self.stage, Stage::In)
            && let Some(message) = self.waiting.pop_front()
        {
            let begun = self.wants.tasks(&message.path);
            self.job = Some(Job::new(message, begun));
            self.next_task(cx);
        }
        if self.refused && self.waiting.len() < MOST_WAITING / 2 {
            self.refused = false;
            cx.event(Event::Ready);
        }
    }

    /// The job is done: answers its message.
    fn finish_job(&mut self, cx: &mut Cx<'_>) {
        let Some(job) = self.job.take() else { return };
        answered(&job.message, job.failure().as_deref(), cx);
        self.go_on(cx);
    }

    fn heard(&mut self, reply: &Reply, cx: &mut Cx<'_>) -> Result<(), Violation> {
        // It may come at any time (RFC 959, section 4.2.2).
        if reply.code == 421 {
            let text = crate::values::show::escaped(reply.text().as_bytes(), false);
            return Err(Violation::new("service_closing", format!("the server closes: 421 {text}")));
        }
        if self.over {
            return Ok(());
        }
        match self.stage {
            Stage::In => self.replied(reply, cx)?,
            _ => self.login(reply, cx)?,
        }
        self.go_on(cx);
        Ok(())
    }
}

/// Interrupted, too: what came of a file stays.
impl Drop for Client {
    fn drop(&mut self) {
        self.give_up();
    }
}

fn answered(message: &Message, failure: Option<&str>, cx: &mut Cx<'_>) {
    let seq = message.seq;
    if message.forgotten {
        return cx.event(Event::Late { seq });
    }
    let verdict = match failure {
        None => Verdict::Right,
        Some(why) => Verdict::Wrong(Box::new(Mismatch::between(b"", b"").because(why.into(), None))),
    };
    cx.event(Event::Answered { seq, verdict });
}

/// What came and was not awaited.
fn unexpected(reply: &Reply) -> Violation {
    let text = crate::values::show::escaped(reply.text().as_bytes(), false);
    Violation::new("unexpected_reply", format!("a reply came that nothing asked for: {} {text}", reply.code))
}

impl Session for Client {
    fn input(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        while let Some(line) = Replies::line(input)? {
            cx.heard(line);
            cx.talk(CONTROL, false, line);
            if let Some(reply) = self.replies.take(line)? {
                self.heard(&reply, cx)?;
            }
        }
        Ok(())
    }

    fn submit(&mut self, seq: u64, body: &Bytes, cx: &mut Cx<'_>) -> Result<(), NotNow> {
        if self.waiting.len() >= MOST_WAITING {
            self.refused = true;
            return Err(NotNow);
        }
        let path = match self.wants.path(body) {
            Ok(path) => path,
            Err(why) => {
                cx.event(Event::Refused { seq, why });
                return Ok(());
            }
        };
        self.waiting.push_back(Message { seq, path, forgotten: false });
        self.go_on(cx);
        Ok(())
    }

    fn channel(&mut self, id: ChannelId, news: ChannelNews, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if self.data.is(id) {
            self.data_news(news, cx);
            self.go_on(cx);
        }
        Ok(())
    }

    fn resume(&mut self, _: EffectId, outcome: Outcome, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if let Outcome::Committed(done) = outcome {
            self.committed(done, cx);
            self.go_on(cx);
        }
        Ok(())
    }

    fn eof(&mut self, rest: &[u8], cx: &mut Cx<'_>) -> Result<(), Violation> {
        if !rest.is_empty() {
            return Err(Violation::cut_short(rest.len()));
        }
        self.give_up();
        cx.close();
        Ok(())
    }

    fn forget(&mut self, seq: u64) {
        let job = self.job.as_mut().map(|job| &mut job.message);
        if let Some(message) = self.waiting.iter_mut().chain(job).find(|message| message.seq == seq) {
            message.forgotten = true;
        }
    }

    fn leave(&mut self, why: Leaving, cx: &mut Cx<'_>) {
        self.over = true;
        if why == Leaving::Done {
            Self::say("QUIT", cx);
        }
    }

    fn closed(&mut self, _: &crate::session::Closed) {
        self.give_up();
    }
}
