//! What goes on beside a conversation's own bytes: files being put on disk, and channels.

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::{
    Drive, Stage, Turn, Wire,
    pour::{self, Unpoured},
};
use crate::{
    error::reason,
    role::{self, Sink, Source, Way, pool},
    session::{ChannelAsk, ChannelId, ChannelNews, EffectId, Endpoint, FileError, FileWriter, Outcome, Pour},
    transport::{dial_beside, listen_beside},
};

/// All of it, of one conversation.
#[derive(Default)]
pub(super) struct Beside {
    commits: Vec<(EffectId, JoinHandle<Result<(), FileError>>)>,
    channels: Vec<Channel>,
}

struct Channel {
    id: ChannelId,
    state: State,
    queue: VecDeque<Piece>,
    finishing: bool,
    peer_ended: bool,
    we_ended: bool,
    /// Bytes in and out that were not yet added to the conversation's.
    crossed: (u64, u64),
}

enum State {
    /// Waits for this address.
    Listening(TcpListener, Option<IpAddr>),
    Dialing(Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>, SocketAddr),
    Open(TcpStream),
}

enum Piece {
    Bytes(Bytes),
    Pour(Pour),
    Tell,
}

/// What is beside a conversation has something to tell it.
enum News {
    Committed(EffectId, Result<(), FileError>),
    Channel(ChannelId, ChannelNews),
}

impl Beside {
    /// Puts a file on disk, on a thread that may wait.
    pub(super) fn commit(&mut self, id: EffectId, file: Box<dyn FileWriter>) {
        self.commits.push((id, tokio::task::spawn_blocking(move || file.commit())));
    }

    /// Does what is asked of a channel; gives what is known of it at once.
    pub(super) fn ask(
        &mut self,
        (id, ask): (ChannelId, ChannelAsk),
        (local, peer): (&Endpoint, &Endpoint),
        sink: &mut impl Sink,
    ) -> Option<ChannelNews> {
        let local = match local {
            Endpoint::Ip(address) => Some(*address),
            _ => None,
        };
        match ask {
            ChannelAsk::Listen(ports) => return Some(self.listen(id, ports.as_ref(), local, peer)),
            ChannelAsk::Dial(to) => {
                self.channels.push(Channel::new(id, State::Dialing(Box::pin(dial_beside(local, to)), to)));
            }
            ChannelAsk::Write(bytes) => self.queue(id, Piece::Bytes(bytes)),
            ChannelAsk::Pour(pour) => self.queue(id, Piece::Pour(pour)),
            ChannelAsk::Tell => self.queue(id, Piece::Tell),
            ChannelAsk::Finish => {
                if let Some(channel) = self.channels.iter_mut().find(|channel| channel.id == id) {
                    channel.finishing = true;
                }
            }
            ChannelAsk::Drop => {
                let dropped = self.channels.iter().position(|channel| channel.id == id);
                let dropped = dropped.map(|at| self.channels.swap_remove(at));
                // Broken off by us. Where a side had ended it, that was told.
                let open =
                    |channel: &Channel| matches!(channel.state, State::Open(_)) && !channel.we_ended && !channel.peer_ended;
                if dropped.as_ref().is_some_and(open) {
                    sink.channel_is(id, Way::Out, role::Beside::Ended);
                }
            }
        }
        None
    }

    fn listen(
        &mut self,
        id: ChannelId,
        ports: Option<&std::ops::RangeInclusive<u16>>,
        local: Option<SocketAddr>,
        peer: &Endpoint,
    ) -> ChannelNews {
        let Some(local) = local else {
            return ChannelNews::Failed("a further connection needs an internet address".into());
        };
        let listener = listen_beside(local, ports);
        match listener.and_then(|listener| Ok((listener.local_addr()?, listener))) {
            Err(error) => ChannelNews::Failed(reason(&error)),
            Ok((address, listener)) => {
                let from = match peer {
                    Endpoint::Ip(peer) => Some(peer.ip()),
                    _ => None,
                };
                self.channels.push(Channel::new(id, State::Listening(listener, from)));
                ChannelNews::Listening(address)
            }
        }
    }

    fn queue(&mut self, id: ChannelId, piece: Piece) {
        if let Some(channel) = self.channels.iter_mut().find(|channel| channel.id == id) {
            channel.queue.push_back(piece);
        }
    }

    /// Bytes in and out that crossed the channels since this was asked last.
    fn crossed(&mut self) -> (u64, u64) {
        self.channels.iter_mut().fold((0, 0), |(all_in, all_out), channel| {
            let (bytes_in, bytes_out) = std::mem::take(&mut channel.crossed);
            (all_in + bytes_in, all_out + bytes_out)
        })
    }

    /// The next thing to tell. Reads only with `room` for what comes.
    fn poll(&mut self, cx: &mut Context<'_>, room: bool, sink: &mut impl Sink) -> Poll<News> {
        for at in 0..self.commits.len() {
            if let Poll::Ready(done) = Pin::new(&mut self.commits[at].1).poll(cx) {
                let (id, _) = self.commits.swap_remove(at);
                let done = done.unwrap_or_else(|error| Err(FileError::Failed(error.to_string())));
                return Poll::Ready(News::Committed(id, done));
            }
        }
        for at in 0..self.channels.len() {
            let channel = &mut self.channels[at];
            let opens = if matches!(channel.state, State::Dialing(..)) { Way::Out } else { Way::In };
            if let Poll::Ready(news) = channel.poll(cx, room, sink) {
                let id = channel.id;
                match &news {
                    ChannelNews::Connected(_) => sink.channel_is(id, opens, role::Beside::Opened),
                    ChannelNews::Ended => sink.channel_is(id, Way::In, role::Beside::Ended),
                    ChannelNews::Sent => sink.channel_is(id, Way::Out, role::Beside::Ended),
                    ChannelNews::Reset | ChannelNews::Failed(_) => sink.channel_is(id, Way::In, role::Beside::Broken),
                    _ => {}
                }
                if matches!(news, ChannelNews::Reset | ChannelNews::Failed(_)) {
                    self.channels.swap_remove(at);
                }
                return Poll::Ready(News::Channel(id, news));
            }
        }
        Poll::Pending
    }
}

impl Channel {
    fn new(id: ChannelId, state: State) -> Self {
        Self { id, state, queue: VecDeque::new(), finishing: false, peer_ended: false, we_ended: false, crossed: (0, 0) }
    }

    fn poll(&mut self, cx: &mut Context<'_>, room: bool, sink: &mut impl Sink) -> Poll<ChannelNews> {
        match &mut self.state {
            State::Listening(listener, from) => loop {
                match std::task::ready!(listener.poll_accept(cx)) {
                    // Somebody else's connection is not ours to take: closed, and awaited on.
                    Ok((_, peer)) if from.is_some_and(|from| from != peer.ip()) => {}
                    Ok((stream, peer)) => return self.connected(stream, peer),
                    Err(error) => return Poll::Ready(ChannelNews::Failed(reason(&error))),
                }
            },
            State::Dialing(dialing, to) => {
                let to = *to;
                match std::task::ready!(dialing.as_mut().poll(cx)) {
                    Ok(stream) => self.connected(stream, to),
                    Err(error) => Poll::Ready(ChannelNews::Failed(reason(&error))),
                }
            }
            State::Open(stream) => {
                let talk = Talk {
                    id: self.id,
                    stream,
                    queue: &mut self.queue,
                    finishing: &mut self.finishing,
                    crossed: &mut self.crossed,
                };
                let news = talk.poll(cx, room && !self.peer_ended, sink);
                self.peer_ended |= matches!(news, Poll::Ready(ChannelNews::Ended));
                self.we_ended |= matches!(news, Poll::Ready(ChannelNews::Sent));
                news
            }
        }
    }

    fn connected(&mut self, stream: TcpStream, peer: SocketAddr) -> Poll<ChannelNews> {
        let _ = stream.set_nodelay(true);
        self.state = State::Open(stream);
        Poll::Ready(ChannelNews::Connected(peer))
    }
}

/// An open channel, for one turn.
struct Talk<'a> {
    id: ChannelId,
    stream: &'a mut TcpStream,
    queue: &'a mut VecDeque<Piece>,
    finishing: &'a mut bool,
    crossed: &'a mut (u64, u64),
}

impl Talk<'_> {
    fn poll(mut self, cx: &mut Context<'_>, reads: bool, sink: &mut impl Sink) -> Poll<ChannelNews> {
        if let Poll::Ready(news) = self.send(cx, sink) {
            return Poll::Ready(news);
        }
        if !reads {
            return Poll::Pending;
        }
        pool::with_scratch(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            match std::task::ready!(Pin::new(&mut *self.stream).poll_read(cx, &mut buffer)) {
                Err(error) => Poll::Ready(broken(&error)),
                Ok(()) if buffer.filled().is_empty() => Poll::Ready(ChannelNews::Ended),
                Ok(()) => {
                    self.crossed.0 += buffer.filled().len() as u64;
                    sink.channel(self.id, Way::In, buffer.filled().len() as u64);
                    Poll::Ready(ChannelNews::Data(Bytes::copy_from_slice(buffer.filled())))
                }
            }
        })
    }

    fn send(&mut self, cx: &mut Context<'_>, sink: &mut impl Sink) -> Poll<ChannelNews> {
        while let Some(piece) = self.queue.front_mut() {
            let (sent, over) = match piece {
                Piece::Bytes(bytes) => match std::task::ready!(Pin::new(&mut *self.stream).poll_write(cx, bytes)) {
                    Err(error) => return Poll::Ready(broken(&error)),
                    Ok(n) => {
                        bytes.advance(n);
                        (n, bytes.is_empty())
                    }
                },
                Piece::Pour(pour) => match std::task::ready!(pour::poll(&mut *self.stream, pour, cx, &mut Unseen)) {
                    Err(Unpoured::Wire(error)) => return Poll::Ready(broken(&error)),
                    Err(Unpoured::File(why)) => {
                        self.stream.cut();
                        return Poll::Ready(ChannelNews::Failed(why));
                    }
                    Ok(n) => {
                        pour.from += n as u64;
                        pour.length -= n as u64;
                        (n, pour.length == 0)
                    }
                },
                Piece::Tell => {
                    self.queue.pop_front();
                    return Poll::Ready(ChannelNews::Drained);
                }
            };
            self.crossed.1 += sent as u64;
            sink.channel(self.id, Way::Out, sent as u64);
            if over {
                self.queue.pop_front();
            }
        }
        if !*self.finishing {
            return Poll::Pending;
        }
        let shut = std::task::ready!(Pin::new(&mut *self.stream).poll_shutdown(cx));
        *self.finishing = false;
        Poll::Ready(shut.map_or_else(|error| broken(&error), |()| ChannelNews::Sent))
    }
}

/// A channel's bytes are counted by whoever polls it.
struct Unseen;

impl Sink for Unseen {
    fn event(&mut self, _: crate::session::Event, _: std::time::Instant) {}
}

fn broken(error: &io::Error) -> ChannelNews {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => ChannelNews::Reset,
        _ => ChannelNews::Failed(reason(error)),
    }
}

impl<W: Wire, P: Source + Sink> Drive<W, P> {
    /// Hears of what goes on beside the conversation.
    pub(super) fn hear_beside(&mut self, cx: &mut Context<'_>) -> Turn {
        let Some(beside) = &mut self.beside else { return Turn::Wait };
        if self.stage != Stage::Open {
            return Turn::Wait;
        }
        let room = self.party.poll_room(cx).is_ready();
        let polled = beside.poll(cx, room, &mut self.party);
        let (bytes_in, bytes_out) = beside.crossed();
        self.traffic.bytes_in += bytes_in;
        self.traffic.bytes_out += bytes_out;
        let Poll::Ready(news) = polled else { return Turn::Wait };
        if self.terms.idle.is_some() || self.terms.silence.is_some() {
            let now = std::time::Instant::now();
            (self.last_in, self.last_any) = (now, now);
        }
        match news {
            News::Committed(id, done) => self.call(|session, cx| session.resume(id, Outcome::Committed(done), cx)),
            News::Channel(id, news) => self.call(|session, cx| session.channel(id, news, cx)),
        }
    }
}
