//! Channels: further byte streams that a conversation opens beside its own, such as FTP's data connections. Their bytes go
//! through the same session; each channel has a name that the session chose.

use std::{net::SocketAddr, ops::RangeInclusive, sync::Arc};

use bytes::Bytes;

use super::FileReader;

/// Names one channel of one session. The session chooses it, a new one for each channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub u64);

/// What a session wants of a channel. It happens when all that was queued before it has been sent.
#[derive(Debug)]
pub enum ChannelAsk {
    /// Waits for one connection at our own local address, on a free port of these. Then [`ChannelNews::Listening`], and later
    /// [`ChannelNews::Connected`]; who connects from another address than our peer's is turned away.
    Listen(Option<RangeInclusive<u16>>),
    /// Connects, from our own local address. Then [`ChannelNews::Connected`].
    Dial(SocketAddr),
    Write(Bytes),
    Pour(Pour),
    /// When all that was asked to be sent so far has been taken: [`ChannelNews::Drained`]. The way to send much at the pace of
    /// the peer.
    Tell,
    /// When all is sent: [`ChannelNews::Sent`], and our half is closed.
    Finish,
    /// Closes at once and throws away what is unsent. No news comes any more.
    Drop,
}

/// What became of a channel. After `Ended`, `Reset` or `Failed` nothing more comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelNews {
    Listening(SocketAddr),
    Connected(SocketAddr),
    /// Bytes came.
    Data(Bytes),
    /// All that was asked to be sent before [`ChannelAsk::Tell`] has been taken by the transport.
    Drained,
    /// All that was asked to be sent has been taken by the transport, and our half is closed.
    Sent,
    /// The peer closed its half in good order.
    Ended,
    Reset,
    /// It could not be opened, or broke: in the system's words.
    Failed(String),
}

/// A piece of a file that is to be sent, without going through the session.
#[derive(Debug, Clone)]
pub struct Pour {
    pub file: Arc<dyn FileReader>,
    pub from: u64,
    pub length: u64,
}
