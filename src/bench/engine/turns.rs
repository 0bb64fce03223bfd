//! Datagrams: sending and reading in turn.

use std::task::Context;

/// Datagrams sent in a row before those that came are read: answers must not overflow the socket's buffer meanwhile.
const BURST: u32 = 16;
/// Datagrams read in a row before sending goes on.
const READS: u32 = 64;

/// Whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Turns {
    burst: u32,
    reads: u32,
    reading: bool,
    heard: bool,
}

impl Turns {
    pub(super) fn said(&mut self) {
        self.burst += 1;
    }

    pub(super) fn heard(&mut self) {
        self.heard = true;
        if self.reading {
            self.reads += 1;
        } else {
            self.burst = 0;
        }
    }

    /// Is it time to read instead of sending?
    pub(super) fn must_read(&mut self, cx: &mut Context<'_>) -> bool {
        if self.reading {
            if std::mem::take(&mut self.heard) && self.reads < READS {
                return true;
            }
            *self = Self::default();
        }
        if self.burst < BURST {
            return false;
        }
        (self.reading, self.heard) = (true, false);
        // Comes back here when all that has come is read.
        cx.waker().wake_by_ref();
        true
    }
}
