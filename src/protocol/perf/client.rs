//! The client of `perf` over streams: says what is wanted, does its part, and holds what the server counted against its own count.

use std::{collections::VecDeque, fmt::Write as _};

use bytes::Bytes;

use super::{
    View, packets,
    receiver::{Came, Receiver},
    sender::{Names, Sender},
    want::Want,
    wire::{self, Frame},
};
use crate::{
    protocol::Setup,
    session::{Cx, EffectId, Event, Input, Mismatch, NotNow, Outcome, Session, Verdict, Violation},
    values::show,
};

/// Messages that wait for those before them.
const MOST_WAITING: usize = 1024;

pub(super) fn make(_: &Setup) -> Box<dyn Session> {
    Box::new(Client::default())
}

#[derive(Default)]
struct Client {
    waiting: VecDeque<(u64, Want)>,
    run: Option<Box<Run>>,
    turn: u64,
    swallowing: bool,
    /// Over datagrams.
    counting: Option<packets::Client>,
}

/// The measurement under way.
struct Run {
    seq: u64,
    want: Want,
    names: Names,
    /// The server has said that it begins.
    ready: bool,
    forgotten: bool,
    sender: Option<Sender>,
    receiver: Option<Receiver>,
}

impl Run {
    fn phase(&self, name: &'static str, cx: &mut Cx<'_>) {
        cx.event(Event::Phase { seq: self.seq, name });
    }

    fn begin(&mut self, cx: &mut Cx<'_>) {
        self.ready = true;
        self.phase("ready", cx);
        self.receiver = self.want.down.then(|| Receiver::begin(self.want, self.names, cx));
        self.sender = self.want.up.then(|| Sender::begin(self.want, self.names, true, cx));
    }

    fn is_over(&self) -> bool {
        self.sender.as_ref().is_none_or(Sender::is_over) && self.receiver.as_ref().is_none_or(Receiver::is_over)
    }

    /// The server has told what it counted, which ends it.
    fn conclude(&self, theirs: View, cx: &mut Cx<'_>) {
        let mut ours = View::default();
        self.sender.iter().for_each(|sender| sender.view(&mut ours));
        self.receiver.iter().for_each(|receiver| receiver.view(&mut ours));
        cx.body(told(&self.want, &ours, &theirs).as_bytes());
        cx.record("measured", || theirs.fields());
        let verdict = self.judged(&theirs);
        let (seq, late) = (self.seq, self.forgotten);
        cx.event(if late { Event::Late { seq } } else { Event::Answered { seq, verdict } });
    }

    fn judged(&self, theirs: &View) -> Verdict {
        let up = self.sender.as_ref().map(|sender| (sender.sent(), theirs.received_bytes));
        let down = self.receiver.as_ref().map(|receiver| (theirs.sent_bytes, receiver.received()));
        for (way, counts) in [("up", up), ("down", down)] {
            let Some((sent, received)) = counts.filter(|(sent, received)| sent != received) else { continue };
            let (sent, received) = (show::grouped(sent), show::grouped(received));
            let sentence = format!("{way}: {sent} bytes sent, {received} received: the views differ");
            let mismatch = Mismatch::between(sent.as_bytes(), received.as_bytes());
            return Verdict::Wrong(Box::new(mismatch.because(sentence, None).named("unequal_views")));
        }
        Verdict::Right
    }
}

/// What a person is told.
fn told(want: &Want, ours: &View, theirs: &View) -> String {
    let mut text = String::new();
    let mut line = |way: &str, bytes: u64, took: std::time::Duration, who: &str| {
        let rate = match took.as_secs_f64() {
            0.0 => String::new(),
            seconds => format!(" in {}, {}", show::duration(took), show::bits_per_second(bytes as f64 * 8.0 / seconds)),
        };
        let _ = writeln!(text, "{way:<5} {}{rate} as {who} received it", show::bytes(bytes));
    };
    if want.up {
        line("up", theirs.received_bytes, theirs.received_in(), "the server");
    }
    if want.down {
        line("down", ours.received_bytes, ours.received_in(), "we");
    }
    if let Some(percent) = theirs.cpu_percent() {
        let _ = writeln!(text, "cpu   {percent:.0} % of a core at the server");
    }
    text
}

fn refusal(reason: u16) -> Violation {
    match reason {
        wire::OTHER_VERSION => Violation::new("other_version", "the server speaks another version of perf"),
        wire::TOO_LONG => Violation::new("too_long", "the server refuses: longer than its -p max-time"),
        wire::TOO_MANY => Violation::new("too_many", "the server refuses: more than its -p max-bytes, or too often"),
        _ => Violation::new("refused", "the server refuses: what is wanted makes no sense to it"),
    }
}

impl Client {
    fn next(&mut self, cx: &mut Cx<'_>) {
        let Some((seq, want)) = self.waiting.pop_front() else { return };
        self.turn += 1;
        let names = Names(self.turn);
        wire::say(Frame::Want(want), cx);
        self.run = Some(Box::new(Run { seq, want, names, ready: false, forgotten: false, sender: None, receiver: None }));
    }

    fn hear(&mut self, frame: Frame, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if let Frame::Refused(reason) = frame {
            return Err(refusal(reason));
        }
        let Some(run) = &mut self.run else { return Err(wire::unexpected()) };
        match frame {
            Frame::Ready if !run.ready => run.begin(cx),
            Frame::View(theirs) if run.ready && run.is_over() => {
                run.conclude(theirs, cx);
                self.run = None;
                self.next(cx);
            }
            frame => {
                let Some(receiver) = &mut run.receiver else { return Err(wire::unexpected()) };
                match receiver.hear(frame, cx)? {
                    Came::Data => self.swallowing = true,
                    Came::Anew => run.phase("receiving_anew", cx),
                    Came::All => run.phase("received", cx),
                }
            }
        }
        Ok(())
    }
}

impl Session for Client {
    fn input(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if input.is_datagram() {
            return self.counting.get_or_insert_default().hear(input.everything(), cx);
        }
        while !self.swallowing {
            let offered = input.rest();
            let Some(frame) = wire::take(input)? else { break };
            cx.heard(&offered[..offered.len() - input.rest().len()]);
            self.hear(frame, cx)?;
        }
        Ok(())
    }

    fn submit(&mut self, seq: u64, body: &Bytes, cx: &mut Cx<'_>) -> Result<(), NotNow> {
        if self.waiting.len() >= MOST_WAITING {
            return Err(NotNow);
        }
        let want = match Want::read(&String::from_utf8_lossy(body)) {
            Ok(want) => want,
            Err(why) => {
                cx.event(Event::Refused { seq, why: Violation::new("bad_want", why) });
                return Ok(());
            }
        };
        if cx.datagrams() {
            self.counting.get_or_insert_default().submit(seq, &want, cx);
            return Ok(());
        }
        self.waiting.push_back((seq, want));
        if self.run.is_none() {
            self.next(cx);
        }
        Ok(())
    }

    fn resume(&mut self, id: EffectId, outcome: Outcome, cx: &mut Cx<'_>) -> Result<(), Violation> {
        let Some(run) = self.run.as_deref_mut().filter(|run| run.names.has(id)) else { return Ok(()) };
        match outcome {
            Outcome::Generated(link) => {
                if let Some(sender) = &mut run.sender {
                    sender.generated(link, cx).phases().for_each(|name| run.phase(name, cx));
                }
            }
            Outcome::Swallowed => {
                self.swallowing = false;
                run.receiver.iter_mut().for_each(Receiver::swallowed);
            }
            Outcome::Woken => run.sender.iter_mut().for_each(|sender| sender.woken(id)),
            _ => {}
        }
        Ok(())
    }

    fn eof(&mut self, rest: &[u8], cx: &mut Cx<'_>) -> Result<(), Violation> {
        if self.run.is_some() {
            return Err(Violation::new("cut_short", "the server closed in the middle of a measurement"));
        }
        if !rest.is_empty() {
            return Err(Violation::cut_short(rest.len()));
        }
        cx.close();
        Ok(())
    }

    fn forget(&mut self, seq: u64) {
        if let Some(counting) = &mut self.counting {
            counting.forget(seq);
        }
        self.waiting.retain(|(waiting, _)| *waiting != seq);
        if let Some(run) = self.run.as_mut().filter(|run| run.seq == seq) {
            run.forgotten = true;
        }
    }
}
