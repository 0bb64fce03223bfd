//! Bulk to a server that only takes or only sends (`discard`, `chargen`, whatever `raw` meets): nothing is announced, and nobody
//! tells what came. What is sent is known here, and nothing else.

use bytes::Bytes;

use super::{
    sender::{Names, Sender},
    want::Want,
};
use crate::session::{Cx, EffectId, Event, Input, Link, NotNow, Outcome, Session, Violation};

/// One measurement, the connection's only one. It ends with the bytes that were wanted, or when whoever drives it has enough.
#[derive(Debug, Default)]
pub struct Plain {
    want: Option<Want>,
    sender: Option<Sender>,
    /// Bytes that still have to come; `None`: as many as come.
    left: Option<u64>,
    flying: u64,
    received: bool,
}

/// What is thrown away at once.
const PIECE: u64 = 1 << 40;
const NAMES: Names = Names(1);

impl Plain {
    fn swallow(&mut self, cx: &mut Cx<'_>) {
        if self.left == Some(0) {
            self.received = true;
            return cx.event(Event::Phase { seq: 0, name: "received" });
        }
        self.flying = self.left.unwrap_or(PIECE);
        let want = self.want.unwrap_or_else(|| Want::new(false, true));
        cx.swallow(want.swallow(NAMES.swallowed(), self.flying));
    }

    fn generated(&mut self, link: Option<Link>, cx: &mut Cx<'_>) {
        let Some(sender) = &mut self.sender else { return };
        for name in sender.generated(link, cx).phases() {
            cx.event(Event::Phase { seq: 0, name });
        }
    }
}

impl Session for Plain {
    fn input(&mut self, input: &mut Input<'_>, _: &mut Cx<'_>) -> Result<(), Violation> {
        // All that was wanted is there: the rest counts for nothing.
        if self.received {
            let _ = input.everything();
        }
        Ok(())
    }

    fn submit(&mut self, seq: u64, body: &Bytes, cx: &mut Cx<'_>) -> Result<(), NotNow> {
        match Want::read(&String::from_utf8_lossy(body)) {
            // Its time is for whoever drives it: there is no end that could be said.
            Ok(want) if self.want.is_none() => {
                self.want = Some(want);
                cx.event(Event::Phase { seq, name: "ready" });
                self.left = if want.down { want.bytes } else { None };
                self.swallow(cx);
                let untimed = Want { time: None, omit: std::time::Duration::ZERO, ..want };
                self.sender = want.up.then(|| Sender::begin(untimed, NAMES, false, cx));
            }
            Ok(_) => return Err(NotNow),
            Err(why) => cx.event(Event::Refused { seq, why: Violation::new("bad_want", why) }),
        }
        Ok(())
    }

    fn resume(&mut self, _: EffectId, outcome: Outcome, cx: &mut Cx<'_>) -> Result<(), Violation> {
        match outcome {
            Outcome::Generated(link) => self.generated(link, cx),
            Outcome::Swallowed => {
                self.left = self.left.map(|left| left.saturating_sub(self.flying));
                self.swallow(cx);
            }
            _ => {}
        }
        Ok(())
    }
}
