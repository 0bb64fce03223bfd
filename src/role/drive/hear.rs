//! The short way through the driver: something came, is read and is answered. What most messages of a load need, and no more.

use std::task::Context;

use super::{Drive, Flags, Stage, Turn, Wire};
use crate::role::{Sink, Source};

/// How often it is asked for more to say.
const AGAIN: usize = 4;

/// What became of what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Nothing is to be done about it.
    All,
    /// There is something to say: [`Drive::answer`] writes it.
    Answers,
    /// There is more to do than to read and to answer: the conversation is to be polled.
    More,
}

impl<W: Wire, P: Source + Sink> Drive<W, P> {
    /// Whoever looks after the stream says that something came: reads it into `room`. So several conversations can receive before
    /// any of them hears, and hear before any answers.
    ///
    /// # Errors
    /// Nothing came after all ([`Heard::All`]), or there is more to do ([`Heard::More`]).
    #[inline]
    pub fn receive(&mut self, room: &mut [u8], cx: &mut Context<'_>) -> Result<usize, Heard> {
        if !self.only_talks() || self.swallows() || self.held_back(cx) {
            return Err(Heard::More);
        }
        self.receive_into(room, cx).map_err(|turn| if turn == Turn::Wait { Heard::All } else { self.more(turn) })
    }

    /// Hears what was received. What there is to say then is not yet written.
    pub fn hear(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> Heard {
        match self.received(bytes) {
            Turn::Again => self.go_on(cx),
            turn => self.more(turn),
        }
    }

    /// Writes what there is to say.
    #[inline]
    pub fn answer(&mut self, cx: &mut Context<'_>) -> Heard {
        for _ in 0..AGAIN {
            let flushed = self.flush_run(cx);
            let heard = match self.after_said(flushed) {
                Turn::Wait if self.only_talks() => Heard::All,
                Turn::Again => self.go_on(cx),
                turn => self.more(turn),
            };
            if heard != Heard::Answers {
                return heard;
            }
        }
        Heard::More
    }

    fn go_on(&mut self, cx: &mut Context<'_>) -> Heard {
        match self.quit(cx) {
            Turn::Wait => {}
            turn => return self.more(turn),
        }
        match self.say_all(cx) {
            Turn::Again => Heard::Answers,
            Turn::Wait if self.only_talks() => Heard::All,
            turn => self.more(turn),
        }
    }

    fn more(&mut self, turn: Turn) -> Heard {
        self.flags.over = turn == Turn::Over;
        Heard::More
    }

    /// Nothing is under way or due.
    #[inline]
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
