//! The channels of two sessions back to back.

use std::net::{Ipv4Addr, SocketAddr};

use super::{
    ChannelAsk, ChannelId, ChannelNews, Pour,
    pair::{End, Pair},
};

/// Those below are privileged, and a protocol may refuse them.
const FIRST_PORT: usize = 40_000;

/// Which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// The channels of two ends: who listens on which port, and who is connected with whom.
#[derive(Default)]
pub(super) struct Channels {
    listening: Vec<(Side, ChannelId, u16)>,
    connected: Vec<[(Side, ChannelId); 2]>,
}

impl Pair {
    /// Does what was asked of channels; tells whether anything was.
    pub(super) fn route(&mut self) -> bool {
        let (mut client, mut server) =
            (std::mem::take(&mut self.client.channel_asks), std::mem::take(&mut self.server.channel_asks));
        let moved = !client.is_empty() || !server.is_empty();
        for (id, ask) in client.drain(..) {
            self.channel(Side::Client, id, ask);
        }
        for (id, ask) in server.drain(..) {
            self.channel(Side::Server, id, ask);
        }
        moved
    }

    fn end(&mut self, side: Side) -> &mut End {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn channel(&mut self, side: Side, id: ChannelId, ask: ChannelAsk) {
        let other = self.channels.other(side, id);
        let tell_other = |pair: &mut Self, news| {
            if let Some((side, id)) = other {
                pair.end(side).channel(id, news);
            }
        };
        match ask {
            ChannelAsk::Listen(_) => {
                let port = u16::try_from(FIRST_PORT + self.channels.listening.len()).unwrap_or(u16::MAX);
                self.channels.listening.push((side, id, port));
                self.end(side).channel(id, ChannelNews::Listening(in_memory(port)));
            }
            ChannelAsk::Dial(to) => {
                let listening = self.channels.listening.iter().find(|(_, _, port)| *port == to.port()).copied();
                let Some((far, far_id, _)) = listening else {
                    return self.end(side).channel(id, ChannelNews::Failed("connection refused".into()));
                };
                self.channels.connected.push([(side, id), (far, far_id)]);
                self.end(far).channel(far_id, ChannelNews::Connected(in_memory(0)));
                self.end(side).channel(id, ChannelNews::Connected(to));
            }
            ChannelAsk::Write(bytes) => tell_other(self, ChannelNews::Data(bytes)),
            ChannelAsk::Pour(pour) => {
                let bytes = piece_of(&pour, usize::MAX);
                tell_other(self, ChannelNews::Data(bytes.into()));
            }
            ChannelAsk::Tell => self.end(side).channel(id, ChannelNews::Drained),
            ChannelAsk::Finish => {
                tell_other(self, ChannelNews::Ended);
                self.end(side).channel(id, ChannelNews::Sent);
            }
            ChannelAsk::Drop => {
                tell_other(self, ChannelNews::Ended);
                self.channels.forget(side, id);
            }
        }
    }
}

impl Channels {
    fn other(&self, side: Side, id: ChannelId) -> Option<(Side, ChannelId)> {
        self.connected.iter().find_map(|[a, b]| match (*a == (side, id), *b == (side, id)) {
            (true, _) => Some(*b),
            (_, true) => Some(*a),
            _ => None,
        })
    }

    fn forget(&mut self, side: Side, id: ChannelId) {
        self.connected.retain(|ends| !ends.contains(&(side, id)));
    }
}

/// An address in memory is a port of the loopback.
fn in_memory(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// The next bytes of a piece of a file, at most `most`.
pub(super) fn piece_of(pour: &Pour, most: usize) -> Vec<u8> {
    let wanted = usize::try_from(pour.length).unwrap_or(usize::MAX).min(most);
    let mut piece = vec![0; wanted];
    let mut got = 0;
    while got < wanted {
        match pour.file.read_at(pour.from + got as u64, &mut piece[got..]) {
            Ok(n) if n > 0 => got += n,
            _ => panic!("a file became shorter"),
        }
    }
    piece
}
