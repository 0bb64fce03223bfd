//! What is seen while a run goes on: one line on stderr, gone afterwards, where stderr is a terminal; and interval lines.
//!
//! May use: stats, indicatif, `role`'s terminal.

use std::{
    collections::VecDeque,
    io::{self, Write as _},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Until, shown, stats::Tally};
use crate::{role::terminal, values::show};

/// Steps of the bar.
const STEPS: u64 = 1000;
/// The rate is that of the last so many looks.
const LOOKS: usize = 5;
/// The message comes last and is cut where the terminal ends: a line that wraps could not be taken away again.
const TEMPLATE: &str = "{spinner} {bar:6} {percent:>3} %  {wide_msg}";

/// A line on stderr, where no progress is shown.
pub fn line(line: &str) {
    // Nobody may be reading any more: that is no reason to stop measuring.
    let _ = writeln!(io::stderr(), "{line}");
}

/// The line.
pub struct Progress {
    bar: ProgressBar,
    /// How long the measured time is; the number of requests otherwise.
    until: Until,
    from: Instant,
    /// When, and how many right answers there were.
    looks: VecDeque<(Duration, u64)>,
}

impl Progress {
    /// Begins to show, unless it is to be `hidden`. The measured time begins at `from`.
    #[must_use]
    pub fn begin(hidden: bool, until: Until, from: Instant) -> Self {
        let target = if hidden { ProgressDrawTarget::hidden() } else { terminal::target() };
        let bar = ProgressBar::with_draw_target(Some(STEPS), target);
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("━╺─"));
        bar.set_message("warming up");
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self { bar, until, from, looks: VecDeque::from([(Duration::ZERO, 0)]) }
    }

    /// Shows how far it is.
    pub fn update(&mut self, total: &Tally) {
        let now = self.from.elapsed();
        let counters = &total.counters;
        self.looks.push_back((now, counters.right));
        if self.looks.len() > LOOKS {
            self.looks.pop_front();
        }
        let done = match self.until {
            Until::Duration(duration) => now.as_secs_f64() / duration.as_secs_f64().max(1e-9),
            Until::Requests(requests) => counters.ended() as f64 / requests.max(1) as f64,
        };
        self.bar.set_position((done.min(1.0) * STEPS as f64) as u64);
        self.bar.set_message(self.message(now, total));
    }

    /// Shows how far it is, in words; `done` is a share.
    pub fn show(&self, done: f64, message: String) {
        self.bar.set_position((done.clamp(0.0, 1.0) * STEPS as f64) as u64);
        self.bar.set_message(message);
    }

    fn message(&self, now: Duration, total: &Tally) -> String {
        let (from, before) = self.looks.front().copied().unwrap_or_default();
        let seconds = now.saturating_sub(from).as_secs_f64().max(1e-9);
        let rate = (total.counters.right - before) as f64 / seconds;
        let mut message = format!(
            "{:.1} s  {}  {} right  {} failed",
            now.as_secs_f64(),
            shown::per_second(rate),
            show::grouped(total.counters.right),
            show::grouped(total.counters.failed()),
        );
        if !total.latency.is_empty() {
            message.push_str("  p99 ");
            message.push_str(&show::nanos(total.latency.value_at_quantile(0.99)));
        }
        message
    }

    /// Writes something else without the line in its way.
    pub fn beside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// A line on stderr that stays.
    pub fn say(&self, line: &str) {
        self.beside(|| self::line(line));
    }

    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn millions_a_second_fit_80_columns() {
        let mut total = Tally::default();
        total.right(4_840_000, None);
        total.counters.right = 12_345_670;
        let progress = Progress::begin(true, Until::Requests(1), Instant::now());
        let message = progress.message(Duration::from_secs(10), &total);
        assert!(message.starts_with("10.0 s  1,234,567/s  12,345,670 right  0 failed  p99 4.8"), "{message}");
        // Before it come the spinner, the bar and ` 100 %`, with the gaps between them.
        let before = 2 + 6 + 1 + 5 + 2;
        assert!(before + message.chars().count() + usize::from(terminal::FREE) <= 80, "{message}");
    }
}
