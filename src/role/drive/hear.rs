//! The short way through the driver: something came, is read and is answered. What most messages of a load need, and no more.

use std::task::Context;

use super::{Drive, Flags, Stage, Turn, Wire};
use crate::role::{Sink, Source};

/// How often it is asked for more to say.
const AGAIN: usize = 4;

impl<W: Wire, P: Source + Sink> Drive<W, P> {
    /// Whoever looks after the stream says that something came. `false`: there is more to do than to read and to answer, and the
    /// conversation is to be polled.
    pub fn hear(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.only_talks() {
            return false;
        }
        let mut turn = self.read(cx);
        if turn == Turn::Wait {
            // Nothing came after all.
            return true;
        }
        for _ in 0..AGAIN {
            if turn == Turn::Again {
                turn = self.quit(cx);
            }
            if turn != Turn::Wait {
                break;
            }
            turn = self.say(cx);
            if turn == Turn::Wait {
                return self.only_talks();
            }
        }
        self.flags.over = turn == Turn::Over;
        false
    }

    /// Nothing is under way or due.
    fn only_talks(&self) -> bool {
        let Flags {
            opened,
            peer_ended,
            source_ended,
            refused,
            winding,
            left,
            input_paused,
            unheard,
            rests,
            offer_again,
            ..
        } = self.flags;
        let special = peer_ended | source_ended | refused | winding | left | input_paused | unheard | rests | offer_again;
        opened
            && !special
            && self.stage == Stage::Open
            && self.out.is_none()
            && self.paused_since.is_none()
            && self.timers.is_none()
            && self.beside.is_none()
            && self.bulk.is_none()
            && !self.terms.limited()
    }
}
