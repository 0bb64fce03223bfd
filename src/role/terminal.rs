//! The terminal as progress is drawn on it: stderr, a little narrower than it is.
//!
//! May use: indicatif, console.

use std::io;

use console::Term;
use indicatif::{ProgressDrawTarget, TermLike};

/// Draws a second.
const HERTZ: u8 = 10;

/// Columns at the end of the line that are left free: the terminal shows `^C` there, and once more for who is in a hurry. Where
/// there is no room for it, it goes to the next line, which would then be the one that is cleared.
pub const FREE: u16 = 4;

/// Where progress is drawn: nowhere, when stderr is no terminal.
#[must_use]
pub fn target() -> ProgressDrawTarget {
    let terminal = Narrower(Term::buffered_stderr());
    if terminal.0.is_term() {
        ProgressDrawTarget::term_like_with_hz(Box::new(terminal), HERTZ)
    } else {
        ProgressDrawTarget::hidden()
    }
}

/// The terminal without its last [`FREE`] columns. `indicatif` moves the cursor to the end of the line, which is then not the
/// terminal's.
#[derive(Debug)]
struct Narrower(Term);

impl TermLike for Narrower {
    fn width(&self) -> u16 {
        self.0.size().1.saturating_sub(FREE).max(1)
    }

    fn height(&self) -> u16 {
        self.0.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, s: &str) -> io::Result<()> {
        self.0.write_line(s)
    }

    fn write_str(&self, s: &str) -> io::Result<()> {
        self.0.write_str(s)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}
