//! The server end: each message is answered from the zone. Over streams each has its length before it, and they are answered
//! in the order in which they came (RFC 7766, section 7 allows for any).

use std::sync::{Arc, LazyLock};

use super::{TTL, ZONE, answer::Answerer, picture, take, zone::Zone};
use crate::{
    protocol::Setup,
    session::{Cx, EffectId, Input, Outcome, Session, Violation},
};

/// No more messages are taken while so many bytes wait to be sent: answers are longer than questions.
const HIGH_WATER: usize = 128 * 1024;
/// Asks to be told when there is room for output again.
const ROOM: EffectId = EffectId(0);

/// What is served when no zone is given.
static OWN: LazyLock<Option<Arc<Zone>>> = LazyLock::new(|| Zone::own().ok().map(Arc::new));

#[derive(Debug)]
pub(super) struct Server {
    /// `None` can't be: our own zone can be read, which a test holds.
    zone: Option<Arc<Zone>>,
    ttl: Option<u32>,
}

impl Server {
    pub(super) fn new(setup: &Setup) -> Self {
        let zone = setup.params.made::<Zone>(ZONE).or_else(|| OWN.clone());
        Self { zone, ttl: setup.params.made::<u32>(TTL).map(|ttl| *ttl) }
    }

    fn answer(&self, message: &[u8], datagram: bool, most: usize) -> Result<Option<Vec<u8>>, Violation> {
        let Some(zone) = &self.zone else { return Ok(None) };
        Answerer { zone, ttl: self.ttl }.answer(message, datagram, most)
    }
}

impl Session for Server {
    fn input(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if input.is_datagram() {
            let message = input.everything();
            cx.heard(message);
            if let Some(answer) = self.answer(message, true, cx.facts.max_datagram)? {
                cx.record("question", || picture::asked(&answer));
                cx.write(&answer);
                cx.end_datagram();
            }
            return Ok(());
        }
        while !input.is_empty() {
            if cx.unsent() > HIGH_WATER {
                cx.pause_input();
                cx.when_drained(ROOM);
                return Ok(());
            }
            let Some(message) = take(input) else { return Ok(()) };
            cx.heard(message);
            if let Some(answer) = self.answer(message, false, usize::from(u16::MAX))? {
                cx.record("question", || picture::asked(&answer));
                cx.write(&(answer.len() as u16).to_be_bytes());
                cx.write(&answer);
            }
        }
        Ok(())
    }

    fn resume(&mut self, _: EffectId, _: Outcome, cx: &mut Cx<'_>) -> Result<(), Violation> {
        cx.resume_input();
        Ok(())
    }
}
