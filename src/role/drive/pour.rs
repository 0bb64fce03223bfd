//! Sending a piece of a file: from the page cache where the system can, through the thread's buffer otherwise.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use super::Wire;
use crate::{
    files::OpenFile,
    role::{Sink, Way, pool},
    session::Pour,
};

/// Why the rest of a file was not sent.
pub(super) enum Unpoured {
    Wire(io::Error),
    File(String),
}

impl From<io::Error> for Unpoured {
    fn from(error: io::Error) -> Self {
        Self::Wire(error)
    }
}

/// Sends some of it; tells how much.
pub(super) fn poll<W: Wire>(
    wire: &mut W,
    pour: &Pour,
    cx: &mut Context<'_>,
    sink: &mut impl Sink,
) -> Poll<Result<usize, Unpoured>> {
    if !sink.looks()
        && let Some(file) = pour.file.as_any().downcast_ref::<OpenFile>()
        && let Some(sent) = wire.poll_send_file(cx, file.file(), pour.from, pour.length)
    {
        return sent.map(|sent| match sent? {
            0 => Err(shorter()),
            n => {
                sink.unseen(Way::Out, n as u64);
                Ok(n)
            }
        });
    }
    pool::with_scratch(|scratch| {
        let most = usize::try_from(pour.length).unwrap_or(usize::MAX).min(scratch.len());
        let read = pour.file.read_at(pour.from, &mut scratch[..most]).map_err(|error| Unpoured::File(error.to_string()))?;
        if read == 0 {
            return Poll::Ready(Err(shorter()));
        }
        Pin::new(wire).poll_write(cx, &scratch[..read]).map(|written| match written? {
            0 => Err(Unpoured::Wire(io::ErrorKind::WriteZero.into())),
            n => {
                sink.wire(Way::Out, &scratch[..n]);
                Ok(n)
            }
        })
    })
}

fn shorter() -> Unpoured {
    Unpoured::File("the file became shorter while it was sent".into())
}
