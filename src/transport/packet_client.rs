//! The client's side of datagrams: UDP (RFC 768) and Unix datagram sockets.
//!
//! May use: tokio, socket2, fastrand, `os`, `session::Endpoint`, `error`, `values`.

use std::{
    env,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::{fd::AsFd, unix::net::UnixDatagram as StdUnixDatagram},
    path::{Path, PathBuf},
    pin::Pin,
    process,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};
use tokio::{
    io::Interest,
    net::{UdpSocket, UnixDatagram},
};

use super::{
    Dial, Host, Place, Scheme, Target,
    connect::{bind_source, family, hint, trouble_inside, trouble_of},
    flags,
    socket_file::SocketFile,
};
use crate::{
    error::{Trouble, reason},
    os,
    session::Endpoint,
    values::show,
};

/// A socket that talks to one server, or to a whole group.
pub struct PacketClient {
    socket: Kind,
    local: Endpoint,
    peer: Endpoint,
}

enum Kind {
    /// Only what comes from the server is taken, and its refusals are told.
    Connected { socket: Arc<UdpSocket>, refusal: Mutex<Refusal> },
    /// To a group or to everybody: answers come from other addresses than that.
    Loose { socket: UdpSocket, to: SocketAddr },
    Unix {
        // Before the socket, which must still be open when its file is removed.
        _file: SocketFile,
        socket: UnixDatagram,
    },
}

/// Waits for an error on the socket. The runtime does not count one as readable, so that a refusal would never wake whoever
/// waits for an answer.
type Refusal = Pin<Box<dyn Future<Output = ()> + Send>>;

fn watch_refusal(socket: &Arc<UdpSocket>) -> Refusal {
    let socket = Arc::clone(socket);
    Box::pin(async move {
        let _ = socket.ready(Interest::ERROR).await;
    })
}

/// Makes a socket for talking to one address, already resolved. Must be called inside a runtime.
pub async fn packets_to(address: &Endpoint, scheme: Scheme, dial: &Dial) -> Result<PacketClient, Trouble> {
    flags::check(scheme, &dial.flags)?;
    family(dial)?;
    let made = match (address, scheme) {
        (Endpoint::Ip(address), Scheme::Udp) => open_udp(*address, dial),
        (Endpoint::Unix(path), Scheme::Unixgram) => open_unix(path, dial),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{scheme} has no datagrams to {address}"))),
    };
    made.map_err(|error| not_reached(error, address, scheme, dial))
}

fn open_udp(address: SocketAddr, dial: &Dial) -> io::Result<PacketClient> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    let flags = &dial.flags;
    flags::prepare(&SockRef::from(&socket), Scheme::Udp, address.is_ipv6(), flags).map_err(trouble_inside)?;
    let everywhere: IpAddr = if address.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    bind_source(&SockRef::from(&socket), dial.source.unwrap_or(SocketAddr::new(everywhere, 0)))?;
    flags::join(&SockRef::from(&socket), address.is_ipv6(), &flags.join, flags.interface.as_deref())
        .map_err(trouble_inside)?;
    let loose = flags.broadcast || address.ip().is_multicast();
    if !loose {
        socket.connect(&address.into())?;
    }
    let socket = UdpSocket::from_std(socket.into())?;
    let local = Endpoint::Ip(socket.local_addr()?);
    let socket = if loose {
        Kind::Loose { socket, to: address }
    } else {
        let socket = Arc::new(socket);
        Kind::Connected { refusal: Mutex::new(watch_refusal(&socket)), socket }
    };
    Ok(PacketClient { socket, local, peer: Endpoint::Ip(address) })
}

fn open_unix(path: &Path, dial: &Dial) -> io::Result<PacketClient> {
    let socket = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
    socket.set_nonblocking(true)?;
    flags::prepare(&SockRef::from(&socket), Scheme::Unixgram, false, &dial.flags).map_err(trouble_inside)?;
    // Without a name of our own nobody could answer.
    let (own, file) = name_it(&socket)?;
    socket.connect(&SockAddr::unix(path)?)?;
    let socket = UnixDatagram::from_std(StdUnixDatagram::from(socket))?;
    let (local, peer) = (Endpoint::Unix(own), Endpoint::Unix(path.to_owned()));
    Ok(PacketClient { socket: Kind::Unix { _file: file, socket }, local, peer })
}

/// Binds to a path that nobody else has.
fn name_it(socket: &Socket) -> io::Result<(PathBuf, SocketFile)> {
    let mut tries = 8;
    loop {
        tries -= 1;
        let own = env::temp_dir().join(format!("netproto-{}-{:08x}.sock", process::id(), fastrand::u32(..)));
        match SockAddr::unix(&own).and_then(|address| socket.bind(&address)) {
            Ok(()) => return SocketFile::made_at(&own).map(|file| (own, file)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries > 0 => {}
            Err(error) => {
                let sentence = format!("could not bind unixgram {}: {}", show::path(&own), reason(&error));
                return Err(trouble_inside(
                    Trouble::failed(sentence).hint("answers come there; TMPDIR chooses another folder"),
                ));
            }
        }
    }
}

/// What to say when nobody takes datagrams at an address.
pub fn not_reached(error: io::Error, address: &Endpoint, scheme: Scheme, dial: &Dial) -> Trouble {
    let place = match address {
        Endpoint::Ip(address) => Place::Net { host: Host::Ip(address.ip()), port: address.port() },
        Endpoint::Unix(path) => Place::Path(path.clone()),
        Endpoint::Unnamed => Place::Path(PathBuf::new()),
    };
    trouble_of(error, |error| {
        Trouble::failed(format!("could not reach {scheme} {address}: {}", reason(&error))).hint_if(hint(
            &error,
            &Target { scheme, place },
            dial.speaks,
        ))
    })
}

impl PacketClient {
    #[must_use]
    pub fn local(&self) -> &Endpoint {
        &self.local
    }

    /// Whom it talks to; a group, maybe.
    #[must_use]
    pub fn peer(&self) -> &Endpoint {
        &self.peer
    }

    /// Waits for a datagram and receives it; what is longer than `buffer` is cut. A refusal by the peer's system is an error.
    pub fn poll_recv(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_recv_from(cx, buffer).map(|received| received.map(|(length, _)| length))
    }

    /// As [`Self::poll_recv`], and who sent it: not always the peer, when that is a group.
    pub(super) fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, Option<SocketAddr>)>> {
        loop {
            ready!(self.poll_recv_ready(cx))?;
            match self.try_recv_from(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return Poll::Ready(other),
            }
        }
    }

    fn poll_recv_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.socket {
            Kind::Connected { socket, refusal } => match socket.poll_recv_ready(cx) {
                Poll::Pending => poll_refusal(socket, refusal, cx),
                ready @ Poll::Ready(_) => ready,
            },
            Kind::Loose { socket, .. } => socket.poll_recv_ready(cx),
            Kind::Unix { socket, .. } => socket.poll_recv_ready(cx),
        }
    }

    /// Receives a datagram that is there; [`io::ErrorKind::WouldBlock`] when none is.
    fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, Option<SocketAddr>)> {
        match &self.socket {
            Kind::Connected { socket, .. } => match socket.try_recv(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(take_refusal(socket)),
                other => other.map(|length| (length, None)),
            },
            Kind::Loose { socket, .. } => socket.try_recv_from(buffer).map(|(length, from)| (length, Some(from))),
            Kind::Unix { socket, .. } => socket.try_recv(buffer).map(|length| (length, None)),
        }
    }

    pub fn poll_send_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.socket {
            Kind::Connected { socket, .. } => socket.poll_send_ready(cx),
            Kind::Loose { socket, .. } => socket.poll_send_ready(cx),
            Kind::Unix { socket, .. } => socket.poll_send_ready(cx),
        }
    }

    /// Sends one datagram; [`io::ErrorKind::WouldBlock`]: wait for [`Self::poll_send_ready`].
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.socket {
            Kind::Connected { socket, .. } => socket.try_send(bytes),
            Kind::Loose { socket, to } => socket.try_send_to(bytes, *to),
            Kind::Unix { socket, .. } => socket.try_send(bytes),
        }
    }

    /// Can datagrams of one length leave in one call?
    #[must_use]
    pub fn joins(&self) -> bool {
        os::JOINS_SENT && matches!(self.socket, Kind::Connected { .. })
    }

    /// Sends datagrams of `segment` bytes each, the last perhaps shorter, in one call. An error is about all of them.
    pub fn try_send_joined(&self, bytes: &[u8], segment: u16) -> io::Result<()> {
        match &self.socket {
            Kind::Connected { socket, .. } => {
                socket.try_io(Interest::WRITABLE, || os::send_joined(socket.as_fd(), bytes, segment))
            }
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

fn poll_refusal(socket: &Arc<UdpSocket>, waiting: &Mutex<Refusal>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    ready!(waiting.as_mut().poll(cx));
    // For the next one.
    *waiting = watch_refusal(socket);
    Poll::Ready(Ok(()))
}

/// The error that the socket holds, an ICMP message about what we sent (RFC 1122, section 4.1.3.3), or that there is none.
fn take_refusal(socket: &UdpSocket) -> io::Error {
    let taken = socket.try_io(Interest::ERROR, || socket.take_error()?.ok_or_else(|| io::ErrorKind::WouldBlock.into()));
    taken.unwrap_or_else(|none| none)
}
