//! One request of a load.

use std::time::Instant;

/// One request, on its way or about to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) due: Instant,
    pub(super) sent: Instant,
    /// Does it count, or is it warm-up?
    pub(super) measured: bool,
    /// It was said before, on a connection that the peer closed without answering it.
    pub(super) again: bool,
}
