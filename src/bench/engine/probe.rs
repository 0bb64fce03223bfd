//! Without `-P`: one short message tells what the server speaks.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::job::Peer;
use crate::{
    bench::{BenchPlan, shown},
    error::{Exit, Trouble},
    protocol::{self, Protocol},
    role::{Quit, Said, Sink, Source, Terms, drive::Drive, packets::DrivePackets},
    session::{Closed, Event, Facts, Watch},
    transport::{self, Stream},
    values::show::{escaped, quoted},
};

const MESSAGE: &[u8] = b"probe";
const PREFIX: &[u8] = b"Processed: ";
/// Without an answer for this long, there is none.
const PATIENCE: Duration = Duration::from_secs(1);

/// Says the message, keeps what comes.
#[derive(Default)]
struct Prober {
    said: bool,
    heard: Vec<u8>,
}

/// What an answer tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// The name of a protocol.
    Known(&'static str),
    /// It may be the beginning of a known one.
    Unclear,
    Unknown,
}

fn told(heard: &[u8]) -> Told {
    let processed = [PREFIX, MESSAGE].concat();
    match heard {
        _ if heard == MESSAGE => Told::Known("echo"),
        _ if heard == processed => Told::Known("processed"),
        _ if MESSAGE.starts_with(heard) || processed.starts_with(heard) => Told::Unclear,
        _ => Told::Unknown,
    }
}

impl Source for Prober {
    fn poll_say(&mut self, _: &mut Context<'_>) -> Poll<Said> {
        if std::mem::replace(&mut self.said, true) {
            return Poll::Pending;
        }
        Poll::Ready(Said::Message(0, Bytes::from_static(MESSAGE)))
    }

    fn poll_quit(&mut self, _: &mut Context<'_>) -> Poll<Quit> {
        match told(&self.heard) {
            Told::Unclear => Poll::Pending,
            Told::Known(_) | Told::Unknown => Poll::Ready(Quit::Now(Closed::ByUs)),
        }
    }
}

impl Sink for Prober {
    fn event(&mut self, event: Event, _: Instant) {
        if let Event::Body(body) = event {
            self.heard.extend_from_slice(&body);
        }
    }
}

fn terms(plan: &BenchPlan) -> Terms {
    Terms { silence: Some(plan.timeout.unwrap_or(PATIENCE)), ..Terms::client() }
}

/// What comes must be kept: a run does without.
fn listening(facts: Facts) -> Facts {
    Facts { watch: Watch { bodies: true, messages: false }, ..facts }
}

fn raw() -> &'static Protocol {
    protocol::find("raw").unwrap_or(protocol::ALL[0])
}

/// Asks over a stream, with the framing that the run will have.
pub(super) async fn stream(stream: Stream, peer: &Peer, plan: &BenchPlan) -> Result<&'static Protocol, Trouble> {
    let (facts, session) = (listening(peer.facts(stream.local())), (raw().client)(&plan.setup));
    let mut drive = Drive::new(stream, session, Prober::default(), facts, Arc::new(terms(plan)));
    let how = (&mut drive).await;
    judged(&drive.into_parts().1.heard, &how, plan)
}

/// Asks over datagrams. Where the protocol is known, any answer will do.
pub(super) async fn packets(peer: &Peer, plan: &BenchPlan) -> Result<&'static Protocol, Trouble> {
    let socket = transport::packets_to(&peer.address, peer.scheme, &peer.dial).await?;
    let (facts, session) = (listening(peer.facts(socket.local().clone())), (raw().client)(&plan.setup));
    let mut drive = DrivePackets::new(socket, session, Prober::default(), facts, terms(plan));
    let how = (&mut drive).await;
    let heard = drive.into_parts().1.heard;
    match plan.protocol {
        Some(protocol) if !heard.is_empty() => Ok(protocol),
        _ => judged(&heard, &how, plan),
    }
}

fn judged(heard: &[u8], how: &Closed, plan: &BenchPlan) -> Result<&'static Protocol, Trouble> {
    if let Told::Known(name) = told(heard)
        && let Some(protocol) = protocol::find(name)
    {
        return Ok(protocol);
    }
    Err(unclear(heard, how, plan))
}

/// Says why it isn't known what the server speaks.
fn unclear(heard: &[u8], how: &Closed, plan: &BenchPlan) -> Trouble {
    let target = plan.target.as_ref().map_or_else(String::new, |target| escaped(target.to_string().as_bytes(), false));
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
            (&b""[..], Told::Unclear),
            (b"pro", Told::Unclear),
            (b"probe", Told::Known("echo")),
            (b"Processed: pro", Told::Unclear),
            (b"Processed: probe", Told::Known("processed")),
            (b"probes", Told::Unknown),
            (b"220 mail.example ESMTP\r\n", Told::Unknown),
        ] {
            assert_eq!(told(heard), tells, "{heard:?}");
        }
    }
}
