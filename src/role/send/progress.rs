//! How far a transfer has come: a bar on stderr, where a person looks at a terminal and the answer goes elsewhere.

use std::{
    fmt::Write as _,
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::SendPlan;
use crate::{role::terminal, values::show};

/// A bar on which nothing comes is drawn all the same.
const TICK: Duration = Duration::from_millis(100);
/// A transfer that is over sooner needs no bar.
const PATIENCE: Duration = Duration::from_millis(300);

/// A bar that is made when there is something to show.
pub(super) struct Progress {
    wanted: bool,
    /// When this transfer began, and where.
    began: Option<(Instant, u64)>,
    done: u64,
    total: Option<u64>,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(super) fn new(plan: &SendPlan) -> Self {
        let elsewhere = plan.setup.output.is_some() || plan.show.output.is_some() || !std::io::stdout().is_terminal();
        let wanted = elsewhere && !plan.show.quiet && plan.show.verbose == 0 && std::io::stderr().is_terminal();
        Self { wanted, began: None, done: 0, total: None, bar: None }
    }

    /// May there be something to take away?
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// It has come so far, in bytes.
    pub(super) fn at(&mut self, done: u64, total: Option<u64>) {
        if !self.wanted {
            return;
        }
        // Another file.
        if done < self.done || total != self.total {
            self.end();
        }
        (self.done, self.total) = (done, total);
        let (since, from) = *self.began.get_or_insert_with(|| (Instant::now(), done));
        if since.elapsed() < PATIENCE {
            return;
        }
        self.bar.get_or_insert_with(|| bar(since, from, done, total)).set_position(done);
    }

    /// Takes the bar away.
    pub(super) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.began = None;
    }
}

/// A bar of what began at `since` with the byte `from`, and has come to `done`.
fn bar(since: Instant, from: u64, done: u64, total: Option<u64>) -> ProgressBar {
    let template = if total.is_some() { "{bar:20} {percent:>3} %  {far}" } else { "{spinner} {far}" };
    let bar = ProgressBar::with_draw_target(total, terminal::target());
    if let Ok(style) = ProgressStyle::with_template(template) {
        let key = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = out.write_str(&far(state.pos(), from, total, since.elapsed()));
        };
        bar.set_style(style.progress_chars("━╺─").with_key("far", key));
    }
    bar.set_position(done);
    bar.enable_steady_tick(TICK);
    bar
}

/// `18.0 MiB of 61.0 MiB  30.0 MiB/s  2 s left`. The rate is that of all that came: what was there before does not count.
fn far(done: u64, from: u64, total: Option<u64>, took: Duration) -> String {
    let mut text = show::bytes(done);
    if let Some(total) = total {
        let _ = write!(text, " of {}", show::bytes(total));
    }
    let rate = done.saturating_sub(from) as f64 / took.as_secs_f64().max(1e-3);
    let _ = write!(text, "  {}/s", show::bytes(rate as u64));
    if let Some(left) = total.map(|total| total.saturating_sub(done)).filter(|_| rate >= 1.0) {
        let _ = write!(text, "  {} left", span((left as f64 / rate) as u64));
    }
    text
}

/// The two largest units say enough.
fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_before_is_no_speed() {
        let second = Duration::from_secs(1);
        assert_eq!(far(3 << 20, 1 << 20, Some(9 << 20), second), "3.00 MiB of 9.00 MiB  2.00 MiB/s  3 s left");
        assert_eq!(far(1 << 20, 0, None, second * 2), "1.00 MiB  512 KiB/s");
        assert_eq!(far(5, 5, Some(9), second), "5 B of 9 B  0 B/s");
        let most = far(u64::MAX / 3, u64::MAX / 3 - 999, Some(u64::MAX / 2), Duration::from_secs(86_400));
        assert!(most.chars().count() <= 49, "with the bar it fits 76 columns: {most}");
    }

    #[test]
    fn spans_have_two_units() {
        let spans = [(59, "59 s"), (61, "1 min 1 s"), (86_399, "23 h 59 min"), (172_800, "2 days")];
        assert!(spans.iter().all(|(seconds, text)| span(*seconds) == *text));
    }
}
