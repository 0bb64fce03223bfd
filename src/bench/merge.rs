//! Several generators' runs as one: what they did at the same time, added up. Histograms are added bucket by bucket, so nothing is
//! lost.
//!
//! May use: results, record.

use super::{record::Piece, results::Results};

/// The course of all: what happened at the same time since each began to measure is one piece.
///
/// A piece can't be cut, so the longest ones decide: the pieces of the others are added where their middle lies.
#[must_use]
pub fn course(runs: &[Results]) -> Vec<Piece> {
    let length = |run: &Results| run.pieces.first().map(Piece::duration).unwrap_or_default();
    let Some(longest) = runs.iter().max_by_key(|run| (length(run), run.pieces.len())) else { return Vec::new() };
    if runs.iter().any(|run| run.pieces.is_empty()) {
        return Vec::new();
    }
    let mut course = longest.pieces.clone();
    for run in runs.iter().filter(|run| !std::ptr::eq(*run, longest)) {
        for piece in &run.pieces {
            let middle = piece.from + piece.duration() / 2;
            let at = course.partition_point(|whole| whole.to <= middle);
            match course.get_mut(at) {
                Some(whole) => {
                    let (from, to) = (whole.from, whole.to);
                    whole.join(piece);
                    (whole.from, whole.to) = (from, to);
                }
                None => course.push(piece.clone()),
            }
        }
    }
    course
}
