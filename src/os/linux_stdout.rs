//! Was standard output open when we were started? The standard library opens `/dev/null` in the place of what is missing,
//! before `main`: an answer would vanish without a word. So we ask before that.
//!
//! May use: libc. Nothing of ours.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static CLOSED: AtomicBool = AtomicBool::new(false);

/// Runs before the standard library starts, with the other constructors of the program.
#[used]
#[allow(unsafe_code)]
// SAFETY: the section holds pointers to functions that the C library calls once, before `main`, with arguments that this one
// ignores; it needs nothing that is not there yet.
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

#[allow(unsafe_code)]
extern "C" fn look() {
    // SAFETY: asks for the flags of a descriptor and changes nothing, whether it is open or not.
    let closed = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) } == -1;
    CLOSED.store(closed, Relaxed);
}

/// Was there no standard output when this process started?
#[must_use]
pub fn stdout_was_closed() -> bool {
    CLOSED.load(Relaxed)
}
