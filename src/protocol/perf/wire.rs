//! The frames of `perf` over streams: a head of 16 bytes, and what it announces.

use super::{
    view::{self, View},
    want::{self, Want},
};
use crate::session::{Cx, Input, Violation};

/// The version of this form. A later one keeps the first five bytes of a frame.
pub const VERSION: u8 = 1;
pub(super) const MAGIC: [u8; 4] = *b"perf";
pub(super) const HEAD: usize = 16;
/// The most bytes that one frame announces.
pub(super) const MAX_SEGMENT: u64 = 64 * 1024 * 1024;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    /// The client: this is wanted.
    Want(Want),
    /// The server: it begins now.
    Ready,
    /// So many bytes follow that mean nothing.
    Data(u64),
    /// Whoever sends: counting begins anew here.
    Anew,
    /// Whoever sends: that was all.
    End,
    /// The server: what it has counted. Then another measurement may follow.
    View(View),
    /// The server: no, for this reason; then it closes.
    Refused(u16),
}

/// Reasons for a refusal.
pub(super) const OTHER_VERSION: u16 = 1;
pub(super) const TOO_LONG: u16 = 2;
pub(super) const TOO_MANY: u16 = 3;
pub(super) const NO_SENSE: u16 = 4;

const WANT: u8 = 1;
const READY: u8 = 2;
const DATA: u8 = 3;
const ANEW: u8 = 4;
const END: u8 = 5;
const VIEW: u8 = 6;
const REFUSED: u8 = 7;

/// Says a frame.
pub(super) fn say(frame: Frame, cx: &mut Cx<'_>) {
    let (kind, detail, length) = match frame {
        Frame::Want(_) => (WANT, 0, want::BODY as u64),
        Frame::Ready => (READY, 0, 0),
        Frame::Data(bytes) => (DATA, 0, bytes),
        Frame::Anew => (ANEW, 0, 0),
        Frame::End => (END, 0, 0),
        Frame::View(_) => (VIEW, 0, view::BODY as u64),
        Frame::Refused(why) => (REFUSED, why, 0),
    };
    let mut head = [0; HEAD];
    head[..4].copy_from_slice(&MAGIC);
    head[4] = VERSION;
    head[5] = kind;
    head[6..8].copy_from_slice(&u16::to_be_bytes(detail));
    head[8..].copy_from_slice(&length.to_be_bytes());
    cx.write(&head);
    match frame {
        Frame::Want(want) => cx.write(&want.to_bytes()),
        Frame::View(view) => cx.write(&view.to_bytes()),
        _ => {}
    }
}

/// Takes a whole frame, the bytes of [`Frame::Data`] apart.
///
/// # Errors
/// It is none, or one of another version.
pub(super) fn take(input: &mut Input<'_>) -> Result<Option<Frame>, Violation> {
    let rest = input.rest();
    if rest.iter().zip(MAGIC).any(|(byte, magic)| *byte != magic) {
        return Err(Violation::new("not_perf", "the peer does not speak perf"));
    }
    if let Some(version) = rest.get(4).filter(|version| **version != VERSION) {
        return Err(other_version(*version));
    }
    let Some(head) = rest.first_chunk::<HEAD>() else { return Ok(None) };
    let length = head[8..].iter().fold(0, |number, byte| (number << 8) | u64::from(*byte));
    let bad_length = || Violation::new("bad_length", format!("a frame of kind {} announces {length} bytes", head[5]));
    let expected = match head[5] {
        WANT => want::BODY as u64,
        VIEW => view::BODY as u64,
        READY | ANEW | END | REFUSED => 0,
        DATA if (1..=MAX_SEGMENT).contains(&length) => length,
        DATA => return Err(bad_length()),
        kind => return Err(Violation::new("unknown_frame", format!("there is no frame of kind {kind}"))),
    };
    if length != expected {
        return Err(bad_length());
    }
    let body = if head[5] == DATA { 0 } else { expected as usize };
    let Some(frame) = input.exactly(HEAD + body) else { return Ok(None) };
    Ok(Some(match head[5] {
        WANT => Frame::Want(Want::from_bytes(&body_of(frame))?),
        READY => Frame::Ready,
        DATA => Frame::Data(length),
        ANEW => Frame::Anew,
        END => Frame::End,
        VIEW => Frame::View(View::from_bytes(&body_of(frame))),
        _ => Frame::Refused(u16::from_be_bytes([head[6], head[7]])),
    }))
}

/// What follows the head, whose length was checked.
fn body_of<const N: usize>(frame: &[u8]) -> [u8; N] {
    let mut body = [0; N];
    body.copy_from_slice(&frame[HEAD..HEAD + N]);
    body
}

pub(super) fn other_version(version: u8) -> Violation {
    Violation::new("other_version", format!("the peer speaks version {version} of perf, and this is version {VERSION}"))
}

pub(super) fn unexpected() -> Violation {
    Violation::new("unexpected_frame", "the peer sent a frame that has no place here")
}
