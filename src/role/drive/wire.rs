//! What carries a conversation: a stream of bytes, and what the system can do with it beyond reading and writing.

use std::{
    fs::File,
    io,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use crate::{
    session::Link,
    transport::{self, Stream},
};

/// A stream of bytes, both ways.
pub trait Wire: AsyncRead + AsyncWrite + Unpin {
    /// Sends a piece of a file as the system does it best. `None`: through memory, then.
    fn poll_send_file(&self, cx: &mut Context<'_>, file: &File, from: u64, length: u64) -> Option<Poll<io::Result<usize>>>;

    /// Has the connection end in a reset when it is dropped: what was sent is not the whole.
    fn cut(&self);

    /// Throws away at most as many received bytes as `room` has, in the kernel. `None`: they have to be read.
    fn poll_drop(&self, cx: &mut Context<'_>, room: &mut [u8]) -> Option<Poll<io::Result<usize>>> {
        let _ = (cx, room);
        None
    }

    /// Sends the first bytes of a file in memory without copying them. `None`: they have to be written.
    fn poll_send_memory(&self, cx: &mut Context<'_>, file: &File, length: u64) -> Option<Poll<io::Result<usize>>> {
        self.poll_send_file(cx, file, 0, length)
    }

    /// Has the kernel send no faster than this; `false`: it can't.
    fn pace(&self, bytes_per_second: u64) -> bool {
        let _ = bytes_per_second;
        false
    }

    /// Has the system wait for full segments (`true`), where small ones went at once until now, or lets these go again. Tells
    /// whether that changed anything.
    fn gather(&self, on: bool) -> bool {
        let _ = on;
        false
    }

    /// What the system knows of the connection.
    fn link(&self) -> Option<Link> {
        None
    }
}

impl Wire for Stream {
    fn poll_send_file(&self, cx: &mut Context<'_>, file: &File, from: u64, length: u64) -> Option<Poll<io::Result<usize>>> {
        Self::poll_send_file(self, cx, file, from, length)
    }

    fn cut(&self) {
        Self::cut(self);
    }

    fn poll_drop(&self, cx: &mut Context<'_>, room: &mut [u8]) -> Option<Poll<io::Result<usize>>> {
        Self::poll_drop(self, cx, room)
    }

    fn poll_send_memory(&self, cx: &mut Context<'_>, file: &File, length: u64) -> Option<Poll<io::Result<usize>>> {
        Self::poll_send_memory(self, cx, file, length)
    }

    fn pace(&self, bytes_per_second: u64) -> bool {
        Self::pace(self, bytes_per_second)
    }

    fn gather(&self, on: bool) -> bool {
        Self::gather(self, on)
    }

    fn link(&self) -> Option<Link> {
        let info = self.tcp_info()?;
        Some(Link { retransmits: info.retransmits.into(), rtt: info.rtt, cwnd_bytes: info.cwnd_bytes() })
    }
}

impl Wire for TcpStream {
    fn poll_send_file(&self, cx: &mut Context<'_>, file: &File, from: u64, length: u64) -> Option<Poll<io::Result<usize>>> {
        transport::poll_send_file(self, cx, file, from, length)
    }

    fn cut(&self) {
        let _ = self.set_zero_linger();
    }
}
