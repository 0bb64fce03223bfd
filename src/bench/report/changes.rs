//! What somebody changed while a run went on, in words.
//!
//! May use: results, load's tuning.

use super::text::{DIM, wrapped};
use crate::bench::{
    load::tuning::{Change, What},
    results::Results,
    shown,
};
use owo_colors::OwoColorize as _;

/// So many are told; of more the last.
const MOST: usize = 8;

/// One line, or a few; nothing where nothing was changed.
pub(super) fn told(results: &Results) -> String {
    if results.changes.is_empty() {
        return String::new();
    }
    format!("\n{}", wrapped(&format!("  {}", "changed".style(DIM)), &parts(results)))
}

/// A few words for each change.
pub(super) fn parts(results: &Results) -> Vec<String> {
    let changes = &results.changes;
    let left_out = changes.len().saturating_sub(MOST);
    let earlier = (left_out > 0).then(|| format!("{left_out} before"));
    earlier.into_iter().chain(changes[left_out..].iter().map(words)).collect()
}

/// `2.50 s 1,100/s`, `3.10 s paused for 1.50 s`
fn words(change: &Change) -> String {
    let what = match change.what {
        What::Rate(rate) => format!("to {}", shown::per_second(rate)),
        What::Paused(lasted) => format!("paused for {}", shown::seconds(lasted)),
        What::Ended => "ended".into(),
    };
    format!("{} {what}", shown::seconds(change.at))
}
