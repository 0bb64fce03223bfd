//! Who receives bulk, and counts it.

use std::time::Duration;

use super::{
    View,
    sender::Names,
    view::nanos,
    want::Want,
    wire::{self, Frame},
};
use crate::session::{Cx, Violation};

#[derive(Debug)]
pub(super) struct Receiver {
    want: Want,
    names: Names,
    /// Bytes of the segment under way.
    flying: u64,
    received: u64,
    began: Duration,
    ended: Option<Duration>,
}

/// What a frame was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// The head of bytes that are on their way now.
    Data,
    Anew,
    All,
}

impl Receiver {
    pub(super) fn begin(want: Want, names: Names, cx: &Cx<'_>) -> Self {
        Self { want, names, flying: 0, received: 0, began: (cx.facts.steady_clock)(), ended: None }
    }

    /// A frame of the sender's.
    pub(super) fn hear(&mut self, frame: Frame, cx: &mut Cx<'_>) -> Result<Came, Violation> {
        match frame {
            _ if self.ended.is_some() => Err(wire::unexpected()),
            Frame::Data(bytes) => {
                self.flying = bytes;
                cx.swallow(self.want.swallow(self.names.swallowed(), bytes));
                Ok(Came::Data)
            }
            Frame::Anew => {
                (self.received, self.began) = (0, (cx.facts.steady_clock)());
                Ok(Came::Anew)
            }
            Frame::End => {
                self.ended = Some((cx.facts.steady_clock)());
                Ok(Came::All)
            }
            _ => Err(wire::unexpected()),
        }
    }

    /// The segment is there.
    pub(super) fn swallowed(&mut self) {
        self.received = self.received.saturating_add(std::mem::take(&mut self.flying));
    }

    pub(super) fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    pub(super) fn received(&self) -> u64 {
        self.received
    }

    pub(super) fn view(&self, view: &mut View) {
        view.received_bytes = self.received;
        view.received_blocks = self.received.div_ceil(self.want.block.into());
        view.received_ns = nanos(self.ended.unwrap_or(self.began).saturating_sub(self.began));
    }
}
