//! What must hold of framings.

use netproto::{
    protocol::Framing,
    session::{Input, Violation},
};

use super::{Choices, Cut};

/// Any framing, any cuts: the same frames, none over the limit, and each can be said again.
pub fn framing(data: &[u8]) {
    let mut choices = Choices(data);
    let framing = choices.framing();
    let cut = Cut::UpTo(choices.byte() % 40 + 1);
    let (frames, end) = frames(&framing, choices.0, Cut::Whole);
    for frame in &frames {
        assert!(framing.is_raw() || frame.len() <= framing.max, "{} bytes in a frame", frame.len());
        let again = said(&framing, frame);
        assert_eq!(self::frames(&framing, &again, cut).0.concat(), *frame);
    }
    if framing.is_raw() {
        return;
    }
    for cut in [Cut::Bytes, cut] {
        let (cut_frames, cut_end) = self::frames(&framing, choices.0, cut);
        assert_eq!(cut_frames, frames, "{cut:?}");
        assert_eq!(cut_end.map(|violation| violation.name), end.as_ref().map(|violation| violation.name), "{cut:?}");
    }
    let mut scanned = 0;
    let _ = framing.take_datagram(&mut Input::datagram(choices.0, &mut scanned));
}

/// `message` with its framing around it.
fn said(framing: &Framing, message: &[u8]) -> Vec<u8> {
    let wrap = framing.fits(message).expect("what was a frame can be one again");
    [wrap.head(), message, wrap.tail()].concat()
}

/// All frames that come of `data`, and what ended them.
fn frames(framing: &Framing, data: &[u8], cut: Cut) -> (Vec<Vec<u8>>, Option<Violation>) {
    let (mut frames, mut inbox, mut scanned) = (Vec::new(), Vec::new(), 0);
    for piece in cut.pieces(data) {
        inbox.extend_from_slice(piece);
        let given = inbox.len();
        let mut input = Input::stream(&inbox, &mut scanned);
        let ended = loop {
            match framing.take(&mut input) {
                Ok(Some(frame)) => frames.push(frame.to_vec()),
                Ok(None) => break None,
                Err(violation) => break Some(violation),
            }
        };
        let taken = input.taken();
        assert!(taken <= given && scanned <= given - taken, "{taken} taken and {scanned} scanned of {given}");
        if ended.is_some() {
            return (frames, ended);
        }
        inbox.drain(..taken);
    }
    (frames, None)
}
