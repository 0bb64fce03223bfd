//! What the party has to say: taken as long as there is room for it, and written together.

use std::task::{Context, Poll};

use super::{Drive, Flags, Stage, Turn, Wire};
use crate::role::{Handed, Sink, Source};

/// Messages that are said before what they became is written.
const SAID_AT_ONCE: usize = 64;

impl<W: Wire, P: Source + Sink> Drive<W, P> {
    /// Says what there is to say now, all of it before anything is written: pipelined requests cost one write.
    pub(super) fn say(&mut self, cx: &mut Context<'_>) -> Turn {
        match self.say_all(cx) {
            Turn::Again => {
                let flushed = self.flush(cx);
                self.after_said(flushed)
            }
            turn => turn,
        }
    }

    /// [`Turn::Again`]: something was said, and nothing of it is written.
    #[inline]
    pub(super) fn say_all(&mut self, cx: &mut Context<'_>) -> Turn {
        let mut said = 0;
        self.flags.reported = false;
        while said < SAID_AT_ONCE {
            match self.say_one(cx) {
                Turn::Again => said += 1,
                Turn::Wait if said > 0 => break,
                turn => return turn,
            }
        }
        self.flags.more = said == SAID_AT_ONCE || self.unsent() > self.terms.low_water;
        Turn::Again
    }

    /// What to do after what was said was flushed.
    #[inline]
    pub(super) fn after_said(&self, flushed: Turn) -> Turn {
        let Flags { source_ended, refused, reported, more, .. } = self.flags;
        match flushed {
            // What was reported, or the last thing said, may be its end.
            Turn::Wait if more || source_ended || refused || reported || self.stage != Stage::Open => Turn::Again,
            turn => turn,
        }
    }

    #[inline]
    fn say_one(&mut self, cx: &mut Context<'_>) -> Turn {
        let may = self.stage == Stage::Open
            && !self.flags.source_ended
            && !self.flags.refused
            && !self.flags.winding
            && !self.flags.unheard;
        if !may || self.unsent() > self.terms.low_water {
            return Turn::Wait;
        }
        let Poll::Ready(said) = self.party.poll_say(cx) else { return Turn::Wait };
        let mut handed = Handed::Taken;
        let turn = self.call(|session, cx| {
            handed = said.hand(session, cx);
            Ok(())
        });
        handed.settle(&mut self.party, &mut self.flags.source_ended, &mut self.flags.refused);
        turn
    }
}
