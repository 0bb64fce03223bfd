//! What a session may do: [`Cx`], lent to it for one call.

use std::time::Duration;

use bytes::Bytes;

use super::{
    ChannelAsk, ChannelId, Effect, EffectId, Event, Facts, FileWriter, Generate, Out, Pour, Record, Rides, Swallow,
    Violation, out::Mark,
};

/// What a session may know and do while it is called.
pub struct Cx<'a> {
    pub facts: &'a Facts,
    out: &'a mut Out,
}

impl<'a> Cx<'a> {
    pub fn new(facts: &'a Facts, out: &'a mut Out) -> Self {
        Self { facts, out }
    }

    /// Over datagrams?
    #[must_use]
    #[inline]
    pub fn datagrams(&self) -> bool {
        self.facts.rides == Rides::Datagrams
    }

    /// Bytes queued and not yet sent: what a session that answers much to little goes by.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.out.unsent()
    }

    /// Says these bytes.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) {
        self.out.own.extend_from_slice(bytes);
    }

    /// Says these bytes without copying them when they are many.
    #[inline]
    pub fn write_shared(&mut self, bytes: &Bytes) {
        if bytes.len() < 4096 {
            return self.write(bytes);
        }
        self.out.shared += bytes.len();
        self.out.mark(Mark::Shared(bytes.clone()));
    }

    /// What was written since the last end is one datagram, an empty one if it was nothing. Over streams: nothing.
    #[inline]
    pub fn end_datagram(&mut self) {
        if self.datagrams() {
            self.out.mark(Mark::EndDatagram);
        }
    }

    /// Sends what is queued, then ends the stream in good order.
    pub fn close(&mut self) {
        self.out.effect(Effect::Close);
    }

    /// Asks to be woken after `after`.
    pub fn wake(&mut self, id: EffectId, after: Duration) {
        self.out.effect(Effect::Wake(id, after));
    }

    /// Asks to be told when what is queued now has been sent.
    pub fn when_drained(&mut self, id: EffectId) {
        self.out.effect(Effect::Drained(id));
    }

    /// Asks for this file to be put on disk, under its name.
    pub fn commit(&mut self, id: EffectId, file: Box<dyn FileWriter>) {
        self.out.effect(Effect::Commit(id, file));
    }

    /// Says a piece of a file, as long as that may be, without holding it in memory. Should the file turn out shorter, the
    /// conversation fails. Over streams only.
    pub fn pour(&mut self, pour: Pour) {
        if pour.length > 0 {
            self.out.shared = self.out.shared.saturating_add(usize::try_from(pour.length).unwrap_or(usize::MAX));
            self.out.mark(Mark::Pour(pour));
        }
    }

    /// Says bytes without meaning, at least one; then [`super::Outcome::Generated`]. What is said after it follows them. Over
    /// streams only.
    pub fn generate(&mut self, generate: Generate) {
        debug_assert!(generate.bytes > 0 && generate.block > 0, "something is to be sent");
        self.out.mark(Mark::Generate(generate));
    }

    /// Has the next bytes of the input thrown away, at least one, beginning with those that were offered and not taken; then
    /// [`super::Outcome::Swallowed`]. Until then no input is offered. Over streams only.
    pub fn swallow(&mut self, swallow: Swallow) {
        debug_assert!(swallow.bytes > 0, "something is to come");
        self.out.swallow = Some(swallow);
    }

    /// Asks something of a channel.
    pub fn channel(&mut self, id: ChannelId, ask: ChannelAsk) {
        self.out.effect(Effect::Channel(id, ask));
    }

    /// Wants no input until [`Self::resume_input`]: the peer is held back by its own transport.
    pub fn pause_input(&mut self) {
        self.out.input_paused = true;
    }

    /// Wants input again, beginning with what was left untaken.
    pub fn resume_input(&mut self) {
        self.out.input_paused = false;
    }

    /// Can't go on, as after an `Err` of [`super::Session::input`]: for what has no other way to say so.
    pub fn fail(&mut self, violation: Violation) {
        self.out.failed.get_or_insert(Box::new(violation));
    }

    /// Lends the queue, until it is swapped back: to what can't hold on to this context.
    pub fn swap(&mut self, other: &mut Out) {
        std::mem::swap(self.out, other);
    }

    /// This has taken long: whoever else waits for this thread comes first.
    pub fn rest(&mut self) {
        self.out.rests = true;
    }

    /// As [`Self::rest`]; then [`super::Session::resume`] is called with this and [`super::Outcome::Woken`], whatever is
    /// queued. Over streams only.
    pub fn again(&mut self, id: EffectId) {
        self.rest();
        self.out.again = Some(id);
    }

    /// Reports.
    #[inline]
    pub fn event(&mut self, event: Event) {
        self.out.events.push(event);
    }

    /// A line of the dialogue, for whoever follows it. `lane`: empty, or which of several connections.
    pub fn talk(&mut self, lane: &'static str, ours: bool, text: &[u8]) {
        if self.facts.watch.talk {
            self.event(Event::Talk { lane, ours, text: Bytes::copy_from_slice(text) });
        }
    }

    /// What happened, as fields, for whoever wants them.
    pub fn record(&mut self, name: &'static str, fields: impl FnOnce() -> serde_json::Map<String, serde_json::Value>) {
        if self.facts.watch.records {
            self.event(Event::Record(Box::new(Record { name, fields: fields() })));
        }
    }

    /// A whole message came from the peer: counted, and shown to whoever asked for messages.
    #[inline]
    pub fn heard(&mut self, message: &[u8]) {
        self.out.messages += 1;
        if self.facts.watch.messages {
            self.event(Event::Message(Bytes::copy_from_slice(message)));
        }
    }

    /// So many whole messages came, which nobody wants to see.
    pub fn heard_many(&mut self, messages: u64) {
        self.out.messages += messages;
    }

    /// This is what a person wants to see of an answer.
    #[inline]
    pub fn body(&mut self, bytes: &[u8]) {
        if self.facts.watch.bodies {
            self.event(Event::Body(Bytes::copy_from_slice(bytes)));
        }
    }
}
