//! How far a transfer has come: a bar on stderr, where a person looks at a terminal and the answer goes elsewhere.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::SendPlan;

/// Draws a second.
const HERTZ: u8 = 10;
/// A transfer that is over sooner needs no bar.
const PATIENCE: Duration = Duration::from_millis(300);

/// A bar that is made when there is something to show.
pub(super) struct Progress {
    wanted: bool,
    since: Option<std::time::Instant>,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(super) fn new(plan: &SendPlan) -> Self {
        let elsewhere = plan.setup.output.is_some() || plan.show.output.is_some() || !std::io::stdout().is_terminal();
        let wanted = elsewhere && !plan.show.quiet && plan.show.verbose == 0 && std::io::stderr().is_terminal();
        Self { wanted, since: None, bar: None }
    }

    /// It has come so far, in bytes.
    pub(super) fn at(&mut self, done: u64, total: Option<u64>) {
        if !self.wanted || self.since.get_or_insert_with(std::time::Instant::now).elapsed() < PATIENCE {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| bar(total.is_some()));
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(done);
    }

    /// Takes the bar away.
    pub(super) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.since = None;
    }
}

fn bar(known: bool) -> ProgressBar {
    let template = if known {
        "{bar:24} {percent:>3} %  {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left"
    } else {
        "{spinner} {bytes}  {bytes_per_sec}"
    };
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(HERTZ));
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
