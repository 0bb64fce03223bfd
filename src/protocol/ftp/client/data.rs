//! The data connection: the client connects, always to the server's own address, whatever PASV says (RFC 2577, section 3). With
//! `--active` it listens instead, and only the server's address may connect: the driver sees to that.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{Client, DATA, login::told, work::Step};
use crate::{
    protocol::ftp::{
        address::{read_epsv_reply, read_pasv_reply, write_port},
        reply::Reply,
    },
    session::{ChannelAsk, ChannelId, ChannelNews, Cx, Endpoint, Event},
    values::show::bytes,
};

/// The data connection of the transfer under way.
#[derive(Debug, Default)]
pub(super) struct Data {
    number: u64,
    /// It is to be closed when it is of no use any more.
    there: bool,
    /// Where we listen for it.
    at: Option<SocketAddr>,
    connected: bool,
    /// The server has said that the transfer begins.
    pub(super) begun: bool,
    /// Nothing more comes, or goes.
    pub(super) ended: bool,
    /// Why it is of no use.
    pub(super) failed: Option<String>,
    pub(super) bytes: u64,
    /// The last reply, should it come before the end of the data.
    pub(super) last: Option<Reply>,
}

impl Data {
    pub(super) fn is(&self, id: ChannelId) -> bool {
        self.there && id == self.id()
    }

    pub(super) fn id(&self) -> ChannelId {
        ChannelId(self.number)
    }

    pub(super) fn give_up(&mut self, cx: &mut Cx<'_>) {
        if std::mem::take(&mut self.there) {
            cx.channel(self.id(), ChannelAsk::Drop);
        }
    }
}

impl Client {
    /// EPSV where it is known, which says no address and so knows IPv6; PASV otherwise.
    pub(super) fn open_data(&mut self, cx: &mut Cx<'_>) {
        match () {
            () if self.wants.active => self.listen(cx),
            () if self.known.no_epsv => self.ask(Step::Pasv, "PASV", cx),
            () => self.ask(Step::Epsv, "EPSV", cx),
        }
    }

    fn listen(&mut self, cx: &mut Cx<'_>) {
        let Some(job) = &mut self.job else { return };
        job.step = Step::Listen;
        self.data = Data { number: self.data.number + 1, there: true, ..Data::default() };
        cx.channel(self.data.id(), ChannelAsk::Listen(None));
    }

    /// Says where we listen: EPRT where it is known, PORT otherwise.
    fn announce(&mut self, cx: &mut Cx<'_>) {
        let Some(at) = self.data.at else { return };
        match at.ip().to_canonical() {
            IpAddr::V4(ip) if self.known.no_eprt => self.ask(Step::Port, &format!("PORT {}", write_port(ip, at.port())), cx),
            ip => {
                let family = if ip.is_ipv4() { 1 } else { 2 };
                self.ask(Step::Eprt, &format!("EPRT |{family}|{ip}|{}|", at.port()), cx);
            }
        }
    }

    /// The answer to EPRT or PORT.
    pub(super) fn announced(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        let Some(job) = &self.job else { return };
        let v4 = self.data.at.is_some_and(|at| at.ip().to_canonical().is_ipv4());
        match (job.step, reply.code) {
            (_, 200..300) => self.prepare(cx),
            (Step::Eprt, 500..) if v4 => {
                self.known.no_eprt = true;
                self.announce(cx);
            }
            _ => self.refused(reply, cx),
        }
    }

    pub(super) fn passive(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        let Some(job) = &mut self.job else { return };
        let port = match (job.step, reply.code) {
            (Step::Epsv, 229) => read_epsv_reply(reply.text()),
            (Step::Epsv, 500..) => {
                self.known.no_epsv = true;
                return self.open_data(cx);
            }
            (Step::Pasv, 227) => read_pasv_reply(reply.text()).map(|address| address.port()),
            _ => return self.refused(reply, cx),
        };
        let Some(port) = port.filter(|port| *port > 0) else {
            return self.task_failed(format!("no port is in the answer: {}", told(reply)), cx);
        };
        job.step = Step::Connect;
        let mut to = server(cx);
        to.set_port(port);
        self.data = Data { number: self.data.number + 1, there: true, ..Data::default() };
        cx.talk(DATA, true, format!("connect {to}").as_bytes());
        cx.channel(self.data.id(), ChannelAsk::Dial(to));
    }

    pub(super) fn data_news(&mut self, news: ChannelNews, cx: &mut Cx<'_>) {
        match news {
            ChannelNews::Listening(at) => {
                cx.talk(DATA, true, format!("listen on {at}").as_bytes());
                self.data.at = Some(at);
                self.announce(cx);
            }
            ChannelNews::Connected(_) => {
                cx.talk(DATA, false, b"connected");
                if let Some(job) = &self.job {
                    cx.event(Event::Phase { seq: job.message.seq, name: "data" });
                }
                self.data.connected = true;
                if self.wants.active { self.send_if_ready(cx) } else { self.prepare(cx) }
            }
            ChannelNews::Data(data) => self.data_came(&data, cx),
            ChannelNews::Drained => self.send_on(cx),
            ChannelNews::Sent => {
                cx.talk(DATA, true, format!("{}, end", bytes(self.data.bytes)).as_bytes());
                self.data_over(None, cx);
            }
            ChannelNews::Ended if self.is_sending() => {}
            ChannelNews::Ended => {
                cx.talk(DATA, false, format!("{}, end", bytes(self.data.bytes)).as_bytes());
                self.data_over(None, cx);
            }
            ChannelNews::Reset => self.data_over(Some("the data connection was reset".into()), cx),
            ChannelNews::Failed(why) => self.data_over(Some(format!("the data connection failed: {why}")), cx),
        }
    }

    /// What is sent waits for both: the connection, and the server's word.
    pub(super) fn send_if_ready(&mut self, cx: &mut Cx<'_>) {
        if self.is_sending() && self.data.begun && self.data.connected {
            self.send_on(cx);
        }
    }

    /// Nothing more comes of the data connection.
    fn data_over(&mut self, failed: Option<String>, cx: &mut Cx<'_>) {
        let Some(job) = &self.job else { return };
        if let Some(why) = &failed {
            cx.talk(DATA, false, why.as_bytes());
        }
        if let (Step::Connect | Step::Listen, Some(why)) = (job.step, &failed) {
            return self.task_failed(why.clone(), cx);
        }
        self.data.ended = true;
        self.data.failed = self.data.failed.take().or(failed);
        self.maybe_over(cx);
    }
}

/// Its address, with the scope that a link-local one needs. Two ends in memory are the loopback.
fn server(cx: &Cx<'_>) -> SocketAddr {
    match &cx.facts.peer {
        Endpoint::Ip(address) => *address,
        _ => (Ipv4Addr::LOCALHOST, 0).into(),
    }
}
