//! How answers are shown: exactly as they came, or so that a terminal only shows them.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
};

use super::{
    plan::{SendPlan, ShowPlan},
    progress::Progress,
    trace::Trace,
};
use crate::{
    error::{Trouble, reason},
    os,
    protocol::{Secrets, framing::Kind},
    role::Way,
    session::Rides,
    values::show::{self, escaped, hex_dump, quoted},
};

/// The most that `-vv` shows of a piece.
const QUOTED: usize = 512;

/// Where answers go, and how.
pub(super) struct Show {
    out: Box<dyn Write>,
    /// Answers are messages with an end: a second one begins on a line of its own.
    messages: bool,
    escape: bool,
    terminal: bool,
    plan: ShowPlan,
    shown: u64,
    /// The last byte shown ended a line, or nothing was shown.
    line_ended: bool,
    /// With `--trace`: the record of this exchange.
    pub(super) trace: Option<Trace>,
    pub(super) progress: Progress,
    secrets: Secrets,
}

impl Show {
    /// Opens the output: a bad path fails before anything is sent.
    pub(super) fn open(whole: &SendPlan) -> Result<Self, Trouble> {
        let (plan, rides) = (&whole.show, whole.target.scheme.rides());
        let framed = whole.setup.framing.kind != Kind::Raw;
        if plan.output.is_none() && !plan.quiet && os::stdout_was_closed() {
            return Err(Trouble::failed("standard output is closed: there is no place for the answer")
                .hint("-o FILE writes it to a file"));
        }
        let (out, terminal): (Box<dyn Write>, bool) = match &plan.output {
            None => (Box::new(io::stdout()), io::stdout().is_terminal()),
            Some(path) => {
                let file = File::create(path)
                    .map_err(|error| Trouble::failed(format!("could not write {}: {}", show::path(path), reason(&error))))?;
                (Box::new(file), false)
            }
        };
        let messages = rides == Rides::Datagrams || framed;
        Ok(Self {
            out,
            messages,
            escape: terminal && !plan.raw,
            terminal,
            plan: plan.clone(),
            shown: 0,
            line_ended: true,
            trace: None,
            progress: Progress::new(whole),
            secrets: whole.setup.params.secrets().clone(),
        })
    }

    /// Does each answer have an end?
    pub(super) fn messages(&self) -> bool {
        self.messages
    }

    /// Shows a piece of an answer.
    pub(super) fn body(&mut self, bytes: &[u8]) -> io::Result<()> {
        let offset = self.shown;
        self.shown += bytes.len() as u64;
        if self.plan.quiet || self.plan.json {
            return Ok(());
        }
        if self.plan.hex {
            return self.out.write_all(hex_dump(bytes, offset).as_bytes());
        }
        if self.messages && !self.line_ended {
            self.out.write_all(b"\n")?;
        }
        if let Some(last) = bytes.last() {
            self.line_ended = *last == b'\n';
        } else if self.messages && self.terminal {
            self.line_ended = false;
        }
        if self.escape {
            self.out.write_all(escaped(bytes, true).as_bytes())?;
        } else {
            self.out.write_all(bytes)?;
        }
        self.out.flush()
    }

    /// Ends the last line on a terminal, where other lines or the prompt come next.
    pub(super) fn end_line(&mut self) -> io::Result<()> {
        self.end(false)
    }

    /// The same; and before another exchange (`more`) everywhere.
    pub(super) fn end(&mut self, more: bool) -> io::Result<()> {
        let text = !(self.plan.quiet || self.plan.json || self.plan.hex);
        if text && !self.line_ended && (self.terminal || more) {
            self.out.write_all(b"\n")?;
            self.line_ended = true;
        }
        self.out.flush()
    }

    /// Writes a whole document (`-J`).
    pub(super) fn document(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// Records what crossed the wire, with `--trace`; shows it, with `-vv`. Passwords are not shown, but by `-x`, which shows each
    /// byte as it is.
    pub(super) fn wire(&mut self, way: Way, bytes: &[u8]) {
        if self.trace.is_none() && self.plan.verbose < 2 {
            return;
        }
        let seen = self.secrets.hide(bytes);
        if let Some(trace) = &mut self.trace {
            trace.wire(way, bytes.len(), &seen);
        }
        if self.plan.verbose < 2 {
            return;
        }
        let arrow = if way == Way::In { '<' } else { '>' };
        let text = if self.plan.hex {
            format!("{arrow} {} B\n{}", bytes.len(), hex_dump(bytes, 0))
        } else {
            format!("{arrow} {}\n", quoted(&seen, QUOTED))
        };
        let _ = io::stderr().write_all(text.as_bytes());
    }
}
