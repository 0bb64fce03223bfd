//! The data connection: the client connects, always to the server's own address, whatever PASV says (RFC 2577, section 3).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{Client, DATA, login::told, work::Step};
use crate::{
    protocol::ftp::{
        address::{read_epsv_reply, read_pasv_reply},
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
        if self.known.no_epsv { self.ask(Step::Pasv, "PASV", cx) } else { self.ask(Step::Epsv, "EPSV", cx) }
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
        let to = SocketAddr::new(server_ip(cx), port);
        self.data = Data { number: self.data.number + 1, there: true, ..Data::default() };
        cx.talk(DATA, true, format!("connect {to}").as_bytes());
        cx.channel(self.data.id(), ChannelAsk::Dial(to));
    }

    pub(super) fn data_news(&mut self, news: ChannelNews, cx: &mut Cx<'_>) {
        match news {
            ChannelNews::Listening(_) => {}
            ChannelNews::Connected(_) => {
                cx.talk(DATA, false, b"connected");
                if let Some(job) = &self.job {
                    cx.event(Event::Phase { seq: job.message.seq, name: "data" });
                }
                self.connected(cx);
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

    /// Nothing more comes of the data connection.
    fn data_over(&mut self, failed: Option<String>, cx: &mut Cx<'_>) {
        let Some(job) = &self.job else { return };
        if let Some(why) = &failed {
            cx.talk(DATA, false, why.as_bytes());
        }
        if let (Step::Connect, Some(why)) = (job.step, &failed) {
            return self.task_failed(why.clone(), cx);
        }
        self.data.ended = true;
        self.data.failed = self.data.failed.take().or(failed);
        self.maybe_over(cx);
    }
}

/// Two ends in memory are the loopback.
fn server_ip(cx: &Cx<'_>) -> IpAddr {
    match &cx.facts.peer {
        Endpoint::Ip(address) => address.ip(),
        _ => Ipv4Addr::LOCALHOST.into(),
    }
}
