//! Data connections: the client connects to us (PASV, EPSV), or we to the client and to nobody else (PORT, EPRT).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;

use super::{Server, say};
use crate::{
    protocol::ftp::address::{BadEprt, read_eprt, read_port, write_port},
    session::{ChannelAsk, ChannelId, ChannelNews, Cx, Endpoint},
};

/// Bytes that a client may send before we have answered its command.
const MOST_EARLY: usize = 1024 * 1024;
/// Ports below are for servers: a data connection to one of them is an attack on it (RFC 2577, section 3).
const FIRST_PORT: u16 = 1024;

/// The data connection of the next transfer, or of this one.
#[derive(Debug, Default)]
pub(super) struct Data {
    /// Each has its own number: news of an older one is no news.
    number: u64,
    pub(super) state: State,
    /// What came before it was wanted.
    pub(super) early: Vec<Bytes>,
    /// It has ended already.
    pub(super) early_end: bool,
    /// It has ended, and that is looked at once more.
    pub(super) ended: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    None,
    /// We connect there when it is wanted.
    Active(SocketAddr),
    /// A listener was asked for; with EPSV's answer or PASV's.
    Asked {
        extended: bool,
    },
    /// The client connects, or we do.
    Awaited,
    Open,
}

impl Data {
    pub(super) fn is(&self, id: ChannelId) -> bool {
        id == self.id()
    }

    pub(super) fn is_asked(&self) -> bool {
        matches!(self.state, State::Asked { .. })
    }

    pub(super) fn id(&self) -> ChannelId {
        ChannelId(self.number)
    }

    /// A new number, for a new connection.
    pub(super) fn renew(&mut self, state: State) -> ChannelId {
        *self = Self { number: self.number + 1, state, ..Self::default() };
        self.id()
    }

    /// Closes it, whatever it is.
    pub(super) fn give_up(&mut self, cx: &mut Cx<'_>) {
        if matches!(self.state, State::Asked { .. } | State::Awaited | State::Open) {
            cx.channel(self.id(), ChannelAsk::Drop);
        }
        self.renew(State::None);
    }
}

impl Server {
    pub(super) fn passive(&mut self, cx: &mut Cx<'_>) {
        if self.state.epsv_only {
            return say(cx, 501, "EPSV ALL was said");
        }
        self.listen(false, cx);
    }

    /// RFC 2428, section 3.
    pub(super) fn extended_passive(&mut self, argument: &str, cx: &mut Cx<'_>) {
        let v6 = local_ip(cx).is_some_and(|ip| ip.is_ipv6());
        match argument.to_ascii_uppercase().as_str() {
            "" => self.listen(true, cx),
            "ALL" => {
                self.state.epsv_only = true;
                say(cx, 200, "EPSV alone from now on");
            }
            "1" if !v6 => self.listen(true, cx),
            "2" if v6 => self.listen(true, cx),
            _ => say(cx, 522, if v6 { "that protocol is not here, use (2)" } else { "that protocol is not here, use (1)" }),
        }
    }

    fn listen(&mut self, extended: bool, cx: &mut Cx<'_>) {
        self.data.give_up(cx);
        let id = self.data.renew(State::Asked { extended });
        cx.channel(id, ChannelAsk::Listen(self.chosen.ports.clone()));
    }

    pub(super) fn port(&mut self, argument: &str, cx: &mut Cx<'_>) {
        match read_port(argument) {
            Some(to) => self.active(to, cx),
            None => say(cx, 501, "PORT takes h1,h2,h3,h4,p1,p2"),
        }
    }

    pub(super) fn extended_port(&mut self, argument: &str, cx: &mut Cx<'_>) {
        match read_eprt(argument) {
            Ok(to) => self.active(to, cx),
            Err(BadEprt::Family) => say(cx, 522, "that protocol is not here, use (1,2)"),
            Err(BadEprt::Malformed) => say(cx, 501, "EPRT takes |1 or 2|address|port|"),
        }
    }

    fn active(&mut self, to: SocketAddr, cx: &mut Cx<'_>) {
        if self.state.epsv_only {
            return say(cx, 501, "EPSV ALL was said");
        }
        // Nobody else is connected to for a client, or it could have us attack others (RFC 2577, section 3).
        if peer_ip(cx) != Some(to.ip().to_canonical()) || to.port() < FIRST_PORT {
            return say(cx, 504, "only to your own address, and to ports from 1024 on");
        }
        self.data.give_up(cx);
        self.data.renew(State::Active(scoped(to, cx)));
        say(cx, 200, "ok");
    }

    /// Something has become of the data connection.
    pub(super) fn data_news(&mut self, news: ChannelNews, cx: &mut Cx<'_>) {
        match news {
            ChannelNews::Listening(at) => self.listening(at, cx),
            ChannelNews::Connected(_) => {
                self.data.state = State::Open;
                self.start(cx);
            }
            ChannelNews::Data(bytes) => self.data_came(bytes, cx),
            ChannelNews::Drained => self.send_on(cx),
            ChannelNews::Sent => self.sent(cx),
            ChannelNews::Ended => self.data_ended(cx),
            ChannelNews::Reset => self.data_failed("the data connection was reset", cx),
            ChannelNews::Failed(why) => self.data_failed(&why, cx),
        }
    }

    fn listening(&mut self, at: SocketAddr, cx: &mut Cx<'_>) {
        let State::Asked { extended } = self.data.state else { return };
        self.data.state = State::Awaited;
        match at.ip().to_canonical() {
            _ if extended => say(cx, 229, &format!("Entering Extended Passive Mode (|||{}|)", at.port())),
            IpAddr::V4(ip) => say(cx, 227, &format!("Entering Passive Mode ({})", write_port(ip, at.port()))),
            IpAddr::V6(_) => {
                self.data.give_up(cx);
                say(cx, 425, "PASV knows no IPv6 addresses: EPSV does");
            }
        }
    }

    fn data_failed(&mut self, why: &str, cx: &mut Cx<'_>) {
        let asked = self.data.is_asked();
        let was_open = self.data.state == State::Open;
        self.data.renew(State::None);
        if asked {
            return say(cx, 425, &format!("no port for a data connection: {why}"));
        }
        if self.transfer.is_some() {
            self.interrupt(if was_open { 426 } else { 425 }, why, cx);
        }
    }

    /// Keeps what came before its command; too much of it ends the connection.
    pub(super) fn keep_early(&mut self, bytes: Bytes, cx: &mut Cx<'_>) {
        self.data.early.push(bytes);
        if self.data.early.iter().map(Bytes::len).sum::<usize>() > MOST_EARLY {
            self.data.give_up(cx);
        }
    }
}

/// EPRT can't say the scope of a link-local address: it is that of the client's own.
fn scoped(to: SocketAddr, cx: &Cx<'_>) -> SocketAddr {
    match (&cx.facts.peer, to) {
        (Endpoint::Ip(SocketAddr::V6(peer)), SocketAddr::V6(mut to)) => {
            to.set_scope_id(peer.scope_id());
            to.into()
        }
        _ => to,
    }
}

fn local_ip(cx: &Cx<'_>) -> Option<IpAddr> {
    match &cx.facts.local {
        Endpoint::Ip(address) => Some(address.ip().to_canonical()),
        _ => None,
    }
}

/// The client's address; two ends in memory are the loopback.
fn peer_ip(cx: &Cx<'_>) -> Option<IpAddr> {
    match &cx.facts.peer {
        Endpoint::Ip(address) => Some(address.ip().to_canonical()),
        Endpoint::Unnamed => Some(Ipv4Addr::LOCALHOST.into()),
        Endpoint::Unix(_) => None,
    }
}
