//! Buffers that belong to a thread and are lent for one turn, so that an idle conversation holds none.

use std::cell::RefCell;

use crate::session::Out;

/// The most that is read at once, in bytes; also more than the largest datagram.
pub(super) const SCRATCH: usize = 64 * 1024;
/// Room for what is thrown away; for what the kernel drops, all of it.
pub(super) const BULK: usize = 256 * 1024;
/// Queues kept for the next turn.
const KEPT: usize = 16;
/// A queue that grew beyond this is given back to the allocator, in bytes.
const KEPT_BYTES: usize = 256 * 1024;

// A queue is lent as a box: a conversation that has none then costs a pointer.
#[allow(clippy::vec_box, reason = "the boxes are what is lent")]
type Boxes = Vec<Box<Out>>;

thread_local! {
    static READ: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static THROWN_AWAY: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static OUTS: RefCell<Boxes> = const { RefCell::new(Vec::new()) };
}

/// Lends this thread's read buffer. Must not be nested.
#[inline]
pub(super) fn with_scratch<T>(f: impl FnOnce(&mut [u8]) -> T) -> T {
    READ.with_borrow_mut(|buffer| {
        if buffer.is_empty() {
            buffer.resize(SCRATCH, 0);
        }
        f(buffer)
    })
}

/// Lends this thread's larger buffer, for what nobody looks at. Must not be nested.
pub(super) fn with_bulk<T>(f: impl FnOnce(&mut [u8]) -> T) -> T {
    THROWN_AWAY.with_borrow_mut(|buffer| {
        if buffer.is_empty() {
            buffer.resize(BULK, 0);
        }
        f(buffer)
    })
}

/// An empty queue.
#[allow(clippy::unnecessary_box_returns, reason = "the boxes are what is lent")]
#[inline]
pub(super) fn take_out() -> Box<Out> {
    OUTS.with_borrow_mut(Vec::pop).unwrap_or_default()
}

/// Takes an empty queue back.
#[inline]
pub(super) fn give_out(out: Box<Out>) {
    debug_assert!(out.is_empty() && out.events.is_empty(), "a lent queue comes back empty");
    OUTS.with_borrow_mut(|outs| {
        if outs.len() < KEPT && out.capacity() <= KEPT_BYTES {
            outs.push(out);
        }
    });
}
