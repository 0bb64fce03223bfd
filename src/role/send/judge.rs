//! Was it as it should be? What came is held against the plan, and failures get their sentence and exit code.

use std::io;

use super::{
    Exchange,
    plan::{Expect, SendPlan},
    source,
};
use crate::{
    error::{Exit, Trouble, reason},
    protocol::Answers,
    session::{Closed, Mismatch, Rides},
    values::show::{self, duration, escaped, quoted},
};

/// # Errors
/// The [`Trouble`] that a person is told, with its exit code.
pub(super) fn judge(plan: &SendPlan, exchange: &Exchange) -> Result<(), Trouble> {
    let heard = &exchange.heard;
    if let Some(error) = &heard.output_error {
        return Err(output_failed(plan, error));
    }
    if let Some(error) = &heard.input_error {
        return Err(source::unreadable(plan, error));
    }
    if let Some(why) = &heard.unsayable {
        let trouble = Trouble::usage(format!("the message can't be sent: {why}"));
        return Err(match plan.protocol.form() {
            Some(form) => trouble.hint(format!("{} is asked: {}", plan.protocol.name, form.usage)),
            None => trouble.hint("--framing and --max-frame change what is possible"),
        });
    }
    if let Some(mismatch) = &heard.first_wrong {
        let of_several = Trouble::new(Exit::Unexpected, format!("{} of {} requests failed", heard.wrongs, heard.said));
        let hint = mismatch.why.as_ref().and_then(|why| why.hint).map(str::to_owned);
        return Err(if heard.wrongs_told { of_several.hint_if(hint) } else { unexpected(mismatch) });
    }
    let expected = plan.expect.as_ref().map_or(Ok(()), |expect| as_expected(expect, exchange));
    match ended(plan, exchange) {
        // An answer that is there and wrong says more than how the talk ended.
        Err(trouble) if expected.is_ok() || heard.kept.is_empty() => Err(trouble),
        _ => expected,
    }
}

/// Was this end of the conversation a good one?
fn ended(plan: &SendPlan, exchange: &Exchange) -> Result<(), Trouble> {
    let (heard, target) = (&exchange.heard, &plan.target);
    match &exchange.how {
        Closed::Reset => Err(Trouble::failed(format!("{target}: connection reset by peer"))
            .hint("the peer gave it up without reading all of it; -v shows how far it came")),
        Closed::Violated(violation) => Err(match violation.hint {
            Some(hint) => Trouble::failed(violation.to_string()).hint(hint),
            None => Trouble::failed(format!("{target}: {violation}")),
        }),
        Closed::Failed(why) => Err(Trouble::failed(format!("{target}: {why}")).hint(match plan.target.scheme.rides() {
            Rides::Datagrams => "nothing listens there, or a firewall refuses",
            Rides::Stream => "the connection is gone; -v shows how far it came",
        })),
        Closed::TimedOut(_) if satisfied(plan, exchange) => Ok(()),
        Closed::TimedOut(_) => Err(timed_out(plan, exchange)),
        Closed::ByPeer | Closed::ByUs if heard.done => Ok(()),
        Closed::ByPeer if exchange.unsaid => {
            Err(Trouble::failed(format!("{target}: peer closed before it took all that was to be said")))
        }
        Closed::ByPeer if unanswered(plan, exchange) => {
            let (replies, all) = (heard.replies(plan.protocol.answers.stream), plan.replies.unwrap_or(heard.said));
            Err(Trouble::failed(format!("{target}: peer closed after {replies} of {all} answers")))
        }
        // What was asked and not answered is never passed over, whoever closed.
        Closed::ByUs if unfinished(plan, exchange) => {
            Err(Trouble::failed(format!("{target}: closed after {}", exchange.heard.so_far())))
        }
        _ => Ok(()),
    }
}

/// Silence ends a talk whose answers have no known end; and then it is enough that something came.
fn satisfied(plan: &SendPlan, exchange: &Exchange) -> bool {
    let endless = matches!(plan.protocol.answers.stream, Answers::Unknown | Answers::Endless);
    plan.target.scheme.rides() == Rides::Stream && endless && plan.replies.is_none() && exchange.heard.pieces > 0
}

fn unanswered(plan: &SendPlan, exchange: &Exchange) -> bool {
    let heard = &exchange.heard;
    let each = plan.protocol.answers.stream == Answers::Each && heard.answered < heard.said;
    each || plan.replies.is_some()
}

/// Is something without its answer that has one?
fn unfinished(plan: &SendPlan, exchange: &Exchange) -> bool {
    let heard = &exchange.heard;
    let each = plan.protocol.answers.stream == Answers::Each && plan.target.scheme.rides() == Rides::Stream;
    each && (exchange.left || heard.answered < heard.said)
}

fn timed_out(plan: &SendPlan, exchange: &Exchange) -> Trouble {
    let limit = super::terms(plan).silence.unwrap_or_default();
    let heard = &exchange.heard;
    let what = match plan.target.scheme.rides() {
        Rides::Datagrams if heard.said > 1 => format!("{} of {} datagrams answered", heard.answered, heard.said),
        _ if heard.pieces == 0 && heard.unasked > 0 => {
            let came = show::bytes(heard.unasked);
            let sentence = format!("{}: {came} came within {}, and none of it answers", plan.target, duration(limit));
            return Trouble::new(Exit::TimedOut, sentence).hint("-v shows what came, and why it is no answer");
        }
        _ if heard.pieces == 0 => "no answer".into(),
        _ => "the answer is not complete".into(),
    };
    Trouble::new(Exit::TimedOut, format!("{}: {what}, nothing came for {}", plan.target, duration(limit)))
        .hint("-w sets how long to wait, as in -w 5s")
}

/// A closed pipe is no failure: whoever read it had enough.
pub(super) fn output_failed(plan: &SendPlan, error: &io::Error) -> Trouble {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Trouble::new(Exit::Done, "");
    }
    let place = plan.show.output.as_ref().map_or_else(String::new, |path| format!(" to {}", show::path(path)));
    Trouble::failed(format!("could not write the answer{place}: {}", reason(error)))
}

fn as_expected(expect: &Expect, exchange: &Exchange) -> Result<(), Trouble> {
    let got = &exchange.heard.kept;
    match expect {
        Expect::Regex(pattern) if pattern.is_match(got) => Ok(()),
        Expect::Regex(pattern) => Err(Trouble::new(Exit::Unexpected, "answer was not as expected")
            .detail(format!("  expected  a match of {pattern}\n  got       {}", quoted(got, 60)))),
        Expect::Bytes { wanted, text } => {
            let line_end = |bytes: &[u8]| {
                bytes.strip_suffix(b"\n").map_or(bytes.len(), |rest| rest.strip_suffix(b"\r").unwrap_or(rest).len())
            };
            let same = if *text { wanted[..line_end(wanted)] == got[..line_end(got)] } else { wanted[..] == got[..] };
            if same { Ok(()) } else { Err(unexpected(&Mismatch::between(wanted, got))) }
        }
    }
}

/// The short diff: both sides, and a mark under the first difference.
fn unexpected(mismatch: &Mismatch) -> Trouble {
    const WIDTH: usize = 60;
    if let Some(why) = &mismatch.why {
        let trouble = Trouble::new(Exit::Unexpected, why.sentence.clone());
        return why.hint.map_or(trouble.clone(), |hint| trouble.hint(hint));
    }
    let from = mismatch.at.saturating_sub(WIDTH / 2);
    let side = |bytes: &[u8]| -> String {
        let piece = &bytes[from.min(bytes.len())..];
        let shown: String = escaped(piece, false).chars().take(WIDTH).collect();
        let start = if from > 0 { "..." } else { "" };
        format!("{start}{shown}")
    };
    let before =
        escaped(&mismatch.expected[from.min(mismatch.expected.len())..mismatch.at.min(mismatch.expected.len())], false);
    let indent = before.chars().count() + if from > 0 { 3 } else { 0 };
    let detail = format!(
        "  expected  {}\n  got       {}\n            {:indent$}^",
        side(&mismatch.expected),
        side(&mismatch.got),
        ""
    );
    Trouble::new(Exit::Unexpected, "answer was not as expected").detail(detail)
}
