//! One message on its way: what of it is said next, what was answered to each part, and what to tell of it in the end.

use std::fmt::Write as _;

use super::{
    mail::{Mail, Options},
    wire::Wire,
};
use crate::{
    session::{Mismatch, Verdict},
    values::show,
};

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    /// As a person reads it: code, enhanced code and words, on one line.
    pub(super) text: String,
}

impl Reply {
    pub(super) fn is_good(&self) -> bool {
        (200..300).contains(&self.code)
    }
}

/// What is said next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Reset,
    Mail,
    Rcpt(usize),
    /// DATA, or all in one chunk.
    Content,
    /// A file, piece by piece, from here on.
    Stream {
        at: u64,
        dotted: bool,
    },
    /// All is said, or an answer must come first.
    Nothing,
}

/// One message.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) seq: u64,
    pub(super) mail: Mail,
    pub(super) next: Next,
    /// How a file goes over the wire.
    pub(super) form: Wire,
    /// To MAIL.
    pub(super) sender: Option<Reply>,
    pub(super) recipients: Vec<Option<Reply>>,
    /// To the message, or to what kept it from being sent.
    pub(super) last: Option<Reply>,
    /// MAIL was said.
    pub(super) begun: bool,
    /// Nobody waits for it any more.
    pub(super) forgotten: bool,
}

impl Sending {
    pub(super) fn new(seq: u64, mail: Mail, next: Next, recipients: usize) -> Self {
        let recipients = vec![None; recipients];
        let form = Wire::plain();
        Self { seq, mail, next, form, sender: None, recipients, last: None, begun: false, forgotten: false }
    }

    /// What was answered to the message. The first refusal says why; what is refused after it, only that it was.
    pub(super) fn answered(&mut self, reply: Reply) {
        if self.last.as_ref().is_none_or(Reply::is_good) {
            self.last = Some(reply);
        }
    }

    /// Was this answered to a part of it?
    pub(super) fn has(&self, reply: &Reply) -> bool {
        [&self.sender, &self.last].into_iter().chain(&self.recipients).flatten().any(|known| known == reply)
    }

    pub(super) fn accepted(&self) -> usize {
        self.recipients.iter().flatten().filter(|reply| reply.is_good()).count()
    }

    /// Is MAIL refused, or every recipient?
    pub(super) fn hopeless(&self) -> bool {
        self.sender.as_ref().is_some_and(|reply| !reply.is_good())
            || (self.recipients.iter().all(Option::is_some) && self.accepted() == 0)
    }

    /// What a person is told, a line for each recipient and one for the message.
    pub(super) fn told(&self, options: &Options) -> String {
        let mut told = String::new();
        let mut line = |what: &str, reply: &Reply| {
            let how = if reply.is_good() { "taken" } else { "refused" };
            let _ = writeln!(told, "{what}: {how}, {}", reply.text);
        };
        if let Some(reply) = self.sender.as_ref().filter(|reply| !reply.is_good()) {
            line("sender", reply);
        } else {
            for (to, reply) in options.to.iter().zip(&self.recipients) {
                if let Some(reply) = reply {
                    line(&to.address, reply);
                }
            }
        }
        let heard_of = self.sender.as_ref().is_some_and(|reply| !reply.is_good());
        if let Some(reply) = self.last.as_ref().filter(|reply| self.accepted() > 0 || !reply.is_good() && !heard_of) {
            line("message", reply);
        }
        told
    }

    /// For machines.
    pub(super) fn record(&self, options: &Options) -> serde_json::Map<String, serde_json::Value> {
        let reply = |reply: &Reply| serde_json::json!({"code": reply.code, "text": reply.text, "taken": reply.is_good()});
        let recipients = options.to.iter().zip(&self.recipients).map(|(to, answered)| {
            let answered = answered.as_ref().map(reply);
            serde_json::json!({"to": to.address, "answer": answered})
        });
        let recipients: Vec<_> = recipients.collect();
        let mut fields = serde_json::Map::new();
        fields.insert("from".into(), options.from.address.clone().into());
        fields.insert("recipients".into(), recipients.into());
        fields.insert("size".into(), self.mail.size().into());
        fields.insert("sender".into(), self.sender.as_ref().map(reply).into());
        fields.insert("answer".into(), self.last.as_ref().map(reply).into());
        fields
    }

    /// Is it where it should be, for all?
    pub(super) fn verdict(&self, options: &Options) -> Verdict {
        let refused: Vec<_> =
            options.to.iter().zip(&self.recipients).filter_map(|(to, reply)| Some((to, reply.as_ref()?))).collect();
        let refused: Vec<_> = refused.into_iter().filter(|(_, reply)| !reply.is_good()).collect();
        let sender = self.sender.as_ref().filter(|reply| !reply.is_good());
        let (got, sentence) = match (sender, &self.last, &refused[..]) {
            (Some(reply), ..) => (reply, format!("the sender was refused: {}", reply.text)),
            (None, Some(last), []) if last.is_good() => return Verdict::Right,
            (None, last, refused)
                if !refused.is_empty() && last.as_ref().is_none_or(|last| last.is_good() || self.accepted() == 0) =>
            {
                let (n, of) = (refused.len(), options.to.len());
                let each: Vec<_> = refused
                    .iter()
                    .map(|(to, reply)| format!("{}: {}", show::escaped(to.address.as_bytes(), false), reply.text))
                    .collect();
                (refused[0].1, format!("{n} of {of} recipients refused: {}", each.join("; ")))
            }
            (None, Some(last), _) => (last, format!("the message was refused: {}", last.text)),
            (None, None, _) => return Verdict::Right,
        };
        let hint = (400..500).contains(&got.code).then_some("a code that begins with 4 means: try again later");
        let code = got.code.to_string();
        Verdict::Wrong(Box::new(Mismatch::between(b"250", code.as_bytes()).because(sentence, hint)))
    }
}
