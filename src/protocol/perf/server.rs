//! The server of `perf`: does what is wanted within its limits, then says what it has counted.

use std::time::Duration;

use super::{
    MAX_BYTES, MAX_TIME, View,
    counter::Counter,
    receiver::{Came, Receiver},
    sender::{Names, Sender},
    view::nanos,
    want::Want,
    wire::{self, Frame},
};
use crate::{
    protocol::Setup,
    session::{Closed, Cx, EffectId, Input, Joined, Outcome, Session, Violation},
};

/// What a client may want at most, unless the server is told otherwise.
const LONGEST: Duration = Duration::from_secs(3600);
const MOST_BYTES: u64 = 1 << 40;
/// A client that has not said its end so long after it had to: it never will.
const LATE: Duration = Duration::from_secs(60);
/// Times of measurements that ended before, on one connection.
const MOST_ALARMS: usize = 64;
/// Wakes to see whether a measurement lasts too long. Those of [`Names`] are higher.
const WATCH: EffectId = EffectId(0);

pub(super) fn make(setup: &Setup) -> Box<dyn Session> {
    Box::new(Server {
        longest: setup.params.duration(MAX_TIME).unwrap_or(LONGEST),
        most_bytes: setup.params.number(MAX_BYTES).unwrap_or(MOST_BYTES),
        run: None,
        turn: 0,
        watched: None,
        alarms: 0,
        swallowing: false,
        counter: None,
    })
}

struct Server {
    longest: Duration,
    most_bytes: u64,
    run: Option<Box<Run>>,
    /// Measurements begun on this connection.
    turn: u64,
    /// The measurement that was under way when [`WATCH`] was set, and when that was; there is one such alarm at most.
    watched: Option<(u64, Duration)>,
    /// Times that were asked for and have not come: those of measurements that are over are not taken back.
    alarms: usize,
    /// Bytes are on their way that are no frames.
    swallowing: bool,
    /// Over datagrams.
    counter: Option<Box<Counter>>,
}

/// One measurement.
struct Run {
    names: Names,
    sender: Option<Sender>,
    receiver: Option<Receiver>,
    began: Duration,
    cpu_before: Duration,
}

impl Run {
    fn is_over(&self) -> bool {
        self.sender.as_ref().is_none_or(Sender::is_over) && self.receiver.as_ref().is_none_or(Receiver::is_over)
    }

    fn anew(&mut self, cx: &Cx<'_>) {
        (self.began, self.cpu_before) = ((cx.facts.steady_clock)(), (cx.facts.cpu_clock)());
    }

    fn view(&self, cx: &Cx<'_>) -> View {
        let mut view = View {
            cpu_ns: nanos((cx.facts.cpu_clock)().saturating_sub(self.cpu_before)),
            wall_ns: nanos((cx.facts.steady_clock)().saturating_sub(self.began)),
            ..View::default()
        };
        if let Some(sender) = &self.sender {
            sender.view(&mut view);
        }
        if let Some(receiver) = &self.receiver {
            receiver.view(&mut view);
        }
        view
    }
}

impl Server {
    fn begin(&mut self, want: Want, cx: &mut Cx<'_>) -> Result<(), Violation> {
        let refused = |reason, name, sentence: String, cx: &mut Cx<'_>| {
            wire::say(Frame::Refused(reason), cx);
            Err(Violation::new(name, sentence))
        };
        let time = want.time.unwrap_or_default().saturating_add(want.omit);
        if time > self.longest {
            return refused(
                wire::TOO_LONG,
                "too_long",
                format!("the client wants {time:?}, over the limit of max-time"),
                cx,
            );
        }
        if want.bytes.is_some_and(|bytes| bytes > self.most_bytes) {
            return refused(wire::TOO_MANY, "too_many", "the client wants more bytes than max-bytes".into(), cx);
        }
        if self.alarms > MOST_ALARMS {
            return refused(wire::TOO_MANY, "too_many", "too many measurements ended before their time".into(), cx);
        }
        if want.down {
            self.alarms += usize::from(want.time.is_some()) + usize::from(!want.omit.is_zero());
        }
        self.turn += 1;
        let names = Names(self.turn);
        self.watch(cx);
        wire::say(Frame::Ready, cx);
        let mut run = Run { names, sender: None, receiver: None, began: Duration::ZERO, cpu_before: Duration::ZERO };
        run.anew(cx);
        run.receiver = want.up.then(|| Receiver::begin(want, names, cx));
        run.sender = want.down.then(|| Sender::begin(want, names, true, cx));
        self.run = Some(Box::new(run));
        Ok(())
    }

    /// Has the measurement under way looked at when it must be over.
    fn watch(&mut self, cx: &mut Cx<'_>) {
        if self.watched.is_none() {
            self.watched = Some((self.turn, (cx.facts.steady_clock)()));
            cx.wake(WATCH, self.longest.saturating_add(LATE));
        }
    }

    fn look(&mut self, cx: &mut Cx<'_>) -> Result<(), Violation> {
        let Some((turn, since)) = self.watched.take().filter(|_| self.run.is_some()) else { return Ok(()) };
        let passed = (cx.facts.steady_clock)().saturating_sub(since);
        if turn == self.turn && passed >= self.longest {
            self.run = None;
            return Err(Violation::new("too_long", "the measurement lasts longer than max-time"));
        }
        // A clock that stands still, as in memory, is not waited for.
        if !passed.is_zero() {
            self.watch(cx);
        }
        Ok(())
    }

    fn hear(&mut self, frame: Frame, cx: &mut Cx<'_>) -> Result<(), Violation> {
        let Some(run) = &mut self.run else {
            return match frame {
                Frame::Want(want) => self.begin(want, cx),
                _ => Err(wire::unexpected()),
            };
        };
        let Some(receiver) = &mut run.receiver else { return Err(wire::unexpected()) };
        let came = receiver.hear(frame, cx)?;
        // Whoever sends more than may be asked for is not believed either.
        let too_many = receiver.received() > self.most_bytes;
        match came {
            Came::Data => self.swallowing = true,
            Came::Anew if run.sender.is_none() => run.anew(cx),
            Came::Anew | Came::All => {}
        }
        if too_many {
            return Err(Violation::new("too_many", "the client sends more bytes than max-bytes"));
        }
        self.conclude(cx);
        Ok(())
    }

    fn conclude(&mut self, cx: &mut Cx<'_>) {
        if let Some(run) = self.run.take_if(|run| run.is_over()) {
            let view = run.view(cx);
            cx.record("measured", || view.fields());
            wire::say(Frame::View(view), cx);
        }
    }
}

impl Session for Server {
    fn input(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if input.is_datagram() {
            return self.counter.get_or_insert_default().hear(input.everything(), cx);
        }
        while !self.swallowing {
            let offered = input.rest();
            let frame = match wire::take(input) {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(violation) => {
                    let reason = if violation.name == "other_version" { wire::OTHER_VERSION } else { wire::NO_SENSE };
                    // What is no `perf` at all would not understand it.
                    if offered.starts_with(&wire::MAGIC) {
                        wire::say(Frame::Refused(reason), cx);
                    }
                    self.run = None;
                    return Err(violation);
                }
            };
            if matches!(frame, Frame::Want(_)) {
                cx.heard(&offered[..offered.len() - input.rest().len()]);
            }
            if let Err(violation) = self.hear(frame, cx) {
                self.run = None;
                return Err(violation);
            }
        }
        Ok(())
    }

    fn joined(&mut self, datagrams: Joined<'_>, cx: &mut Cx<'_>) -> usize {
        if cx.facts.watch.messages {
            return 0;
        }
        self.counter.get_or_insert_default().joined(datagrams, cx)
    }

    fn resume(&mut self, id: EffectId, outcome: Outcome, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if id == WATCH {
            return self.look(cx);
        }
        self.alarms -= usize::from(Names::is_time(id) && self.alarms > 0);
        let Some(run) = self.run.as_deref_mut().filter(|run| run.names.has(id)) else { return Ok(()) };
        match outcome {
            Outcome::Generated(link) => {
                if let Some(sender) = &mut run.sender
                    && sender.generated(link, cx).anew
                {
                    run.anew(cx);
                }
            }
            Outcome::Swallowed => {
                self.swallowing = false;
                run.receiver.iter_mut().for_each(Receiver::swallowed);
            }
            Outcome::Woken => run.sender.iter_mut().for_each(|sender| sender.woken(id)),
            _ => {}
        }
        self.conclude(cx);
        Ok(())
    }

    fn eof(&mut self, rest: &[u8], cx: &mut Cx<'_>) -> Result<(), Violation> {
        if self.run.take().is_some() {
            return Err(Violation::new("cut_short", "the client closed in the middle of a measurement"));
        }
        if !rest.is_empty() {
            return Err(Violation::cut_short(rest.len()));
        }
        cx.close();
        Ok(())
    }

    fn busy(&self) -> bool {
        self.run.is_some()
    }

    fn closed(&mut self, _: &Closed) {
        self.run = None;
    }
}
