//! The terminal that is drawn on: stderr, as all progress is, so that stdout stays the report's. Whatever ends the run, it is left as
//! it was found.
//!
//! May use: ratatui, anstream's choice of colours, `os`.

use std::{
    io::{self, BufWriter, IsTerminal as _, Stderr},
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anstream::{AutoStream, ColorChoice};
use ratatui_core::{backend::Backend as _, buffer::Buffer, layout::Rect};
use ratatui_crossterm::{
    CrosstermBackend,
    crossterm::{
        cursor::{Hide, Show},
        execute,
        terminal::{self, Clear, ClearType},
    },
};

use super::paint::Paint;
use crate::{
    error::{Trouble, reason},
    os,
};

/// Is it ours just now?
static OPEN: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();
/// Whoever has stopped looks so often whether it goes on.
const LOOK: Duration = Duration::from_millis(10);

/// # Errors
/// [`Trouble`]: there is no terminal to draw on.
pub fn check() -> Result<(), Trouble> {
    let sentence = if !io::stderr().is_terminal() {
        "--live draws on the terminal, and standard error is none"
    } else if !io::stdin().is_terminal() {
        "--live reads keys from the terminal, and standard input is none"
    } else if std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb") {
        "--live draws on the whole terminal, and TERM says that this one can't"
    } else {
        return Ok(());
    };
    Err(Trouble::usage(sentence).hint("leave it out; -i 1s writes a line each second, --html a page with the same charts"))
}

fn unusable(error: &io::Error) -> Trouble {
    Trouble::failed(format!("--live can't use this terminal: {}", reason(error))).hint("leave it out")
}

/// The screen, while it is ours.
pub struct Screen {
    backend: CrosstermBackend<BufWriter<Stderr>>,
    /// What is on it.
    shown: Buffer,
    paint: Paint,
}

impl Screen {
    /// # Errors
    /// [`Trouble`]: the terminal can't be used.
    pub fn open() -> Result<Self, Trouble> {
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            // What is said of a panic has to be read.
            std::panic::set_hook(Box::new(move |what| {
                give_back();
                before(what);
            }));
        });
        let backend = CrosstermBackend::new(BufWriter::with_capacity(1 << 15, io::stderr()));
        let colours = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
        let mut screen = Self { backend, shown: Buffer::empty(Rect::ZERO), paint: Paint { colours } };
        screen.take().map_err(|error| unusable(&error))?;
        Ok(screen)
    }

    /// Makes the terminal ours: again, where somebody else had it meanwhile.
    ///
    /// # Errors
    /// The system's.
    pub fn take(&mut self) -> io::Result<()> {
        let _ = terminal::disable_raw_mode();
        OPEN.store(true, Ordering::Release);
        terminal::enable_raw_mode()?;
        // What was on it is nobody's any more.
        self.shown = Buffer::empty(Rect::ZERO);
        execute!(io::stderr(), terminal::EnterAlternateScreen, Hide)
    }

    /// Stops this process, as Ctrl-Z does, and takes the terminal again when it goes on, which is told by `goes_on`.
    ///
    /// # Errors
    /// The system's.
    pub fn suspend(&mut self, mut goes_on: impl FnMut() -> bool) -> io::Result<()> {
        give_back();
        os::stop_here();
        // It stops when the signal has reached its threads, and that may be a moment later.
        while !goes_on() {
            std::thread::sleep(LOOK);
        }
        self.take()
    }

    /// # Errors
    /// The system's. Nothing is drawn where the terminal is not ours any more.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Buffer, Paint)) -> io::Result<()> {
        if !OPEN.load(Ordering::Acquire) {
            return Ok(());
        }
        let (width, height) = terminal::size()?;
        let area = Rect { width, height, ..Rect::ZERO };
        if self.shown.area != area {
            execute!(io::stderr(), Clear(ClearType::All))?;
            self.shown = Buffer::empty(area);
        }
        let mut next = Buffer::empty(area);
        draw(&mut next, self.paint);
        self.backend.draw(self.shown.diff(&next).into_iter())?;
        self.shown = next;
        self.backend.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Leaves the terminal as it was.
fn give_back() {
    if OPEN.swap(false, Ordering::AcqRel) {
        let _ = execute!(io::stderr(), terminal::LeaveAlternateScreen, Show);
        let _ = terminal::disable_raw_mode();
    }
}
