//! `--trace`: what happened in one exchange, step by step, for [`super::ladder`] to draw and for `-J`.
//!
//! The first and the last steps are kept, of each what fits a line or two, so that a trace of any length takes little memory.
//!
//! May use: this role's clock, `session`, `transport`'s route and target, `values`, `serde_json`.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::Exchange;
use crate::{
    role::{Beside, Way},
    session::{ChannelId, Closed, Endpoint, Rides},
    transport::{Host, Place, Route, Target},
    values::show,
};

/// Steps kept from the beginning, and as many from the end.
pub(super) const KEPT: usize = 16;
/// Bytes kept of what was said in one step.
const HEAD: usize = 256;

/// What a step was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The name became addresses.
    Resolve,
    /// One of several addresses failed.
    Attempt,
    Connect,
    Connected,
    Data,
    /// Bytes that crossed a connection beside the first.
    Beside(ChannelId),
    /// Such a connection is there.
    BesideOpened,
    /// The end of what this side says over one.
    BesideEnd,
    /// The end of what this side says.
    End,
    /// The end of it all.
    Over,
}

impl What {
    /// For JSON.
    fn name(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Attempt => "attempt",
            Self::Connect => "connect",
            Self::Connected => "connected",
            Self::Data => "data",
            Self::Beside(_) => "beside",
            Self::BesideOpened => "beside_opened",
            Self::BesideEnd => "beside_end",
            Self::End => "end",
            Self::Over => "over",
        }
    }
}

#[derive(Debug)]
pub(super) struct Step {
    /// Since the start.
    pub(super) at: Duration,
    pub(super) what: What,
    pub(super) way: Option<Way>,
    /// Of data: how many.
    pub(super) bytes: u64,
    /// Of data: the first of them, as they came, but for passwords. Otherwise words of ours.
    pub(super) head: Vec<u8>,
    /// Of data: these are not all.
    pub(super) cut: bool,
}

/// Steps between the first and the last that are kept.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    pub(super) from: Duration,
    pub(super) steps: u64,
    pub(super) sent: u64,
    pub(super) received: u64,
}

/// The record of one exchange.
#[derive(Debug)]
pub(super) struct Trace {
    started: Instant,
    pub(super) first: Vec<Step>,
    pub(super) left_out: LeftOut,
    pub(super) last: VecDeque<Step>,
    /// Ours and the peer's address.
    pub(super) ends: Option<(Endpoint, Endpoint)>,
    pub(super) sent: u64,
    pub(super) received: u64,
}

impl Trace {
    pub(super) fn new(started: Instant) -> Self {
        let (first, last) = (Vec::new(), VecDeque::new());
        Self { started, first, left_out: LeftOut::default(), last, ends: None, sent: 0, received: 0 }
    }

    fn push(&mut self, step: Step) {
        if self.first.len() < KEPT {
            self.first.push(step);
            return;
        }
        self.last.push_back(step);
        if self.last.len() > KEPT
            && let Some(step) = self.last.pop_front()
        {
            let left_out = &mut self.left_out;
            if left_out.steps == 0 {
                left_out.from = step.at;
            }
            left_out.steps += 1;
            match step.way {
                Some(Way::Out) => left_out.sent += step.bytes,
                Some(Way::In) => left_out.received += step.bytes,
                None => {}
            }
        }
    }

    fn words(&mut self, at: Duration, what: What, way: Option<Way>, words: impl Into<String>) {
        self.push(Step { at, what, way, bytes: 0, head: words.into().into_bytes(), cut: false });
    }

    /// Nothing could be tried, or nothing that was tried came to anything.
    pub(super) fn unbegun(&mut self, target: &str, rides: Rides, why: &str) {
        if rides == Rides::Stream {
            self.words(Duration::ZERO, What::Connect, Some(Way::Out), format!("connect {target}"));
        }
        self.words(self.started.elapsed(), What::Over, None, why);
    }

    /// The connection is there. How long each part took was measured while it was made.
    pub(super) fn connected(&mut self, target: &Target, route: &Route, local: &Endpoint, peer: &Endpoint) {
        let now = self.started.elapsed();
        let began = now.saturating_sub(route.connect);
        if let Place::Net { host: Host::Name(name), .. } = &target.place {
            let addresses: Vec<String> = route.addresses.iter().map(super::tell::host).collect();
            self.words(began, What::Resolve, None, format!("{name} is {}", addresses.join(", ")));
        }
        for (attempt, failure) in route.attempts.iter().filter_map(|attempt| Some((attempt, attempt.failure.as_ref()?))) {
            let after = show::duration(attempt.took);
            self.words(began, What::Attempt, None, format!("{}: {failure}, after {after}", attempt.address));
        }
        self.words(began, What::Connect, Some(Way::Out), format!("connect {peer}"));
        self.words(now, What::Connected, Some(Way::In), "connected");
        self.ends = Some((local.clone(), peer.clone()));
    }

    /// This address refused what was sent to it, and the next is tried.
    pub(super) fn refused(&mut self, address: &Endpoint, why: &str) {
        self.words(self.started.elapsed(), What::Attempt, None, format!("{address}: {why}"));
    }

    /// So many bytes crossed the wire. `seen` is what may be shown of them, all or more than is kept.
    pub(super) fn wire(&mut self, way: Way, length: usize, seen: &[u8]) {
        let bytes = length as u64;
        match way {
            Way::Out => self.sent += bytes,
            Way::In => self.received += bytes,
        }
        let (at, head, cut) = (self.started.elapsed(), seen[..seen.len().min(HEAD)].to_vec(), seen.len() > HEAD);
        self.push(Step { at, what: What::Data, way: Some(way), bytes, head, cut });
    }

    /// Bytes crossed a channel. Many pieces in a row are one step.
    pub(super) fn channel(&mut self, id: ChannelId, way: Way, bytes: u64) {
        match way {
            Way::Out => self.sent += bytes,
            Way::In => self.received += bytes,
        }
        let step = if self.last.is_empty() { self.first.last_mut() } else { self.last.back_mut() };
        match step {
            Some(step) if step.what == What::Beside(id) && step.way == Some(way) => step.bytes += bytes,
            _ => {
                let (at, head) = (self.started.elapsed(), format!("connection {}", id.0).into_bytes());
                self.push(Step { at, what: What::Beside(id), way: Some(way), bytes, head, cut: false });
            }
        }
    }

    /// What has become of a channel.
    pub(super) fn channel_is(&mut self, id: ChannelId, way: Way, is: Beside) {
        let (what, words) = match is {
            Beside::Opened => (What::BesideOpened, "opened"),
            Beside::Ended => (What::BesideEnd, "ended"),
            Beside::Broken => (What::BesideEnd, "broken"),
        };
        self.words(self.started.elapsed(), what, Some(way), format!("connection {} {words}", id.0));
    }

    pub(super) fn ended(&mut self, way: Way) {
        self.words(self.started.elapsed(), What::End, Some(way), "end");
    }

    /// It is over, in this way.
    pub(super) fn over(&mut self, exchange: &Exchange, rides: Rides) {
        self.ends = Some((exchange.local.clone(), exchange.peer.clone()));
        self.closed(match (&exchange.how, rides) {
            (Closed::ByUs, Rides::Datagrams) => "done".into(),
            (Closed::ByUs, Rides::Stream) => "closed by us".into(),
            (Closed::ByPeer, _) => "closed by peer".into(),
            (how, _) => how.to_string(),
        });
    }

    pub(super) fn closed(&mut self, words: String) {
        self.words(self.started.elapsed(), What::Over, None, words);
    }

    /// The array of the JSON document.
    pub(super) fn json(&self) -> Value {
        let mut steps: Vec<Value> = self.first.iter().map(object).collect();
        if self.left_out.steps > 0 {
            let LeftOut { from, steps: many, sent, received } = self.left_out;
            steps.push(json!({
                "at_us": us(from), "event": "left_out", "steps": many, "bytes_sent": sent, "bytes_received": received,
            }));
        }
        steps.extend(self.last.iter().map(object));
        steps.into()
    }
}

fn object(step: &Step) -> Value {
    let way = step.way.map(|way| if way == Way::In { "in" } else { "out" });
    json!({
        "at_us": us(step.at),
        "event": step.what.name(),
        "way": way,
        "bytes": matches!(step.what, What::Data | What::Beside(_)).then_some(step.bytes),
        "text": show::escaped(&step.head, false),
        "text_cut": step.cut,
    })
}

/// Microseconds, to the nanosecond.
pub(super) fn us(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e9).round() / 1e3
}
