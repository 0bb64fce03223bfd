//! Without `-P`: one short message tells what the server speaks. With it, over datagrams: which of several addresses answers.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::job::Peer;
use crate::{
    bench::{BenchPlan, Load, shown},
    error::{Exit, Trouble},
    protocol::{self, Protocol},
    role::{Quit, Said, Sink, Source, Terms, drive::Drive, packets::DrivePackets},
    session::{Closed, Event, Facts, Session, Watch},
    transport::{self, Stream},
    values::show::quoted,
};

const MESSAGE: &[u8] = b"probe";
/// Without an answer for this long, there is none.
const PATIENCE: Duration = Duration::from_secs(1);

/// Says the message, keeps what comes.
#[derive(Default)]
struct Prober {
    said: bool,
    /// Where it is known what the server speaks: a message that it answers.
    known: Option<Bytes>,
    answered: bool,
    heard: Vec<u8>,
}

/// What to say to this protocol, and who says it: where messages are words, its own client, and what it will say in the run.
fn opener(plan: &BenchPlan) -> (Box<dyn Session>, Option<Bytes>) {
    let Some((row, form)) = plan.protocol.and_then(|row| Some((row, row.form()?))) else {
        return ((protocol::ANY.client)(&plan.setup), None);
    };
    let asked = match &plan.load {
        Load::Messages(messages) => messages.first().cloned(),
        Load::Length(_) => None,
    };
    let example = || form.examples.first().map_or_else(Bytes::new, |example| Bytes::from_static(example.as_bytes()));
    ((row.client)(&plan.setup), Some(asked.unwrap_or_else(example)))
}

/// What an answer tells.
#[derive(Debug, Clone, Copy)]
enum Told {
    Known(&'static Protocol),
    /// It may be the beginning of a known one.
    Unclear,
    Unknown,
}

/// Only protocols that answer with the data itself can be told by their answers.
fn told(heard: &[u8]) -> Told {
    let answers = || protocol::ALL.iter().filter_map(|row| Some((*row, [row.prefix?, MESSAGE].concat())));
    match answers().find(|(_, answer)| answer == heard) {
        Some((row, _)) => Told::Known(row),
        None if answers().any(|(_, answer)| answer.starts_with(heard)) => Told::Unclear,
        None => Told::Unknown,
    }
}

impl Source for Prober {
    fn poll_say(&mut self, _: &mut Context<'_>) -> Poll<Said> {
        if std::mem::replace(&mut self.said, true) {
            return Poll::Pending;
        }
        Poll::Ready(Said::Message(0, self.known.clone().unwrap_or(Bytes::from_static(MESSAGE))))
    }

    fn poll_quit(&mut self, _: &mut Context<'_>) -> Poll<Quit> {
        match told(&self.heard) {
            _ if self.answered => Poll::Ready(Quit::Now(Closed::ByUs)),
            Told::Unclear => Poll::Pending,
            Told::Known(_) | Told::Unknown => Poll::Ready(Quit::Now(Closed::ByUs)),
        }
    }
}

impl Sink for Prober {
    fn event(&mut self, event: Event, _: Instant) {
        match event {
            Event::Body(body) => self.heard.extend_from_slice(&body),
            // Right or wrong: somebody is there.
            Event::Answered { .. } if self.known.is_some() => self.answered = true,
            _ => {}
        }
    }
}

fn terms(plan: &BenchPlan) -> Terms {
    Terms { silence: Some(plan.timeout.unwrap_or(PATIENCE)), ..Terms::client() }
}

/// What comes must be kept: a run does without.
fn listening(facts: Facts) -> Facts {
    Facts { watch: Watch { bodies: true, ..Watch::default() }, ..facts }
}

/// Asks over a stream, with the framing that the run will have.
pub(super) async fn stream(stream: Stream, peer: &Peer, plan: &BenchPlan) -> Result<&'static Protocol, Trouble> {
    let (facts, session) = (listening(peer.facts(stream.local())), (protocol::ANY.client)(&plan.setup));
    let mut drive = Drive::new(stream, session, Prober::default(), facts, Arc::new(terms(plan)));
    let how = (&mut drive).await;
    judged(&drive.into_parts().1.heard, &how, plan)
}

/// Asks over datagrams. Where the protocol is known, any answer will do.
pub(super) async fn packets(peer: &Peer, plan: &BenchPlan) -> Result<&'static Protocol, Trouble> {
    let socket = transport::packets_to(&peer.address, peer.scheme, &peer.dial).await?;
    let facts = listening(peer.facts(socket.local().clone()));
    let (session, known) = opener(plan);
    let mut drive = DrivePackets::new(socket, session, Prober { known, ..Prober::default() }, facts, terms(plan));
    let how = (&mut drive).await;
    let Prober { answered, heard, .. } = drive.into_parts().1;
    match plan.protocol {
        Some(protocol) if answered || !heard.is_empty() => Ok(protocol),
        _ => judged(&heard, &how, plan),
    }
}

fn judged(heard: &[u8], how: &Closed, plan: &BenchPlan) -> Result<&'static Protocol, Trouble> {
    match told(heard) {
        Told::Known(protocol) => Ok(protocol),
        Told::Unclear | Told::Unknown => Err(unclear(heard, how, plan)),
    }
}

/// Says why it isn't known what the server speaks.
fn unclear(heard: &[u8], how: &Closed, plan: &BenchPlan) -> Trouble {
    let target = plan.target.as_ref().map_or_else(String::new, ToString::to_string);
    match (heard, how) {
        (b"", Closed::TimedOut(_)) => {
            let patience = shown::span(plan.timeout.unwrap_or(PATIENCE));
            let sentence = format!("{target} did not answer a first message within {patience}");
            Trouble::new(Exit::TimedOut, sentence)
                .hint("-P NAME says what it speaks, without asking; -P discard awaits no answers")
        }
        (b"", how) => Trouble::failed(format!("could not ask {target} what it speaks: {how}"))
            .hint("does it listen there? -P NAME says what it speaks, without asking"),
        _ => Trouble::usage(format!("{target} answers in no protocol known here"))
            .detail(format!("  it said {}", quoted(heard, 32)))
            .hint("-P says what it speaks; -P raw takes any answer for right"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_tell_protocols_apart() {
        for (heard, tells) in [
            (&b""[..], "?"),
            (b"pro", "?"),
            (b"probe", "echo"),
            (b"Processed: pro", "?"),
            (b"Processed: probe", "processed"),
            (b"probes", "none"),
            (b"220 mail.example ESMTP\r\n", "none"),
        ] {
            let name = match told(heard) {
                Told::Known(row) => row.name,
                Told::Unclear => "?",
                Told::Unknown => "none",
            };
            assert_eq!(name, tells, "{heard:?}");
        }
    }
}
