//! Whoever takes part in a conversation, behind a reference: one driver, compiled once, for all whose every message need not be
//! counted in nanoseconds.

use std::{
    io,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{Beside, Quit, Said, Sink, Source, Way};
use crate::session::{ChannelId, Event, Violation};

/// A source and a sink.
pub trait Talks: Source + Sink {}

impl<T: Source + Sink> Talks for T {}

impl Source for &mut (dyn Talks + '_) {
    fn poll_say(&mut self, cx: &mut Context<'_>) -> Poll<Said> {
        (**self).poll_say(cx)
    }

    fn refused(&mut self, seq: u64, body: Bytes) {
        (**self).refused(seq, body);
    }

    fn awaits(&self) -> bool {
        (**self).awaits()
    }

    fn poll_quit(&mut self, cx: &mut Context<'_>) -> Poll<Quit> {
        (**self).poll_quit(cx)
    }
}

impl Sink for &mut (dyn Talks + '_) {
    fn event(&mut self, event: Event, now: Instant) {
        (**self).event(event, now);
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        (**self).poll_room(cx)
    }

    fn paused(&mut self, took: Option<Duration>) {
        (**self).paused(took);
    }

    fn heard(&mut self, messages: u64) {
        (**self).heard(messages);
    }

    fn wire(&mut self, way: Way, bytes: &[u8]) {
        (**self).wire(way, bytes);
    }

    fn looks(&self) -> bool {
        (**self).looks()
    }

    fn unseen(&mut self, way: Way, bytes: u64) {
        (**self).unseen(way, bytes);
    }

    fn bulk(&mut self, way: Way, bytes: u64) {
        (**self).bulk(way, bytes);
    }

    fn channel(&mut self, id: ChannelId, way: Way, bytes: u64) {
        (**self).channel(id, way, bytes);
    }

    fn channel_is(&mut self, id: ChannelId, way: Way, is: Beside) {
        (**self).channel_is(id, way, is);
    }

    fn ended(&mut self, way: Way) {
        (**self).ended(way);
    }

    fn overlooks(&mut self, violation: &Violation) -> bool {
        (**self).overlooks(violation)
    }

    fn survives(&mut self, error: &io::Error) -> bool {
        (**self).survives(error)
    }
}
