//! The server's side of datagrams: UDP (RFC 768) and Unix datagram sockets.
//!
//! Answers leave from the address that was asked, on a machine with many addresses too (RFC 1122, section 4.1.3.5).
//!
//! May use: tokio, socket2, quinn-udp, listenfd, rustix, `os`, `session::Endpoint`, `error`.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::{fd::AsFd, unix::net::UnixDatagram as StdUnixDatagram},
    path::Path,
    task::{Context, Poll, ready},
};

use listenfd::ListenFd;
use quinn_udp::{UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};
use tokio::{
    io::Interest,
    net::{UdpSocket, UnixDatagram},
};

use super::{
    Batch, Family, Place, Scheme, SocketFlags, Target, bind::bind_each, connect::trouble_inside, flags,
    listen::each_inherited, socket_file::SocketFile, stream::unix_endpoint,
};
use crate::{error::Trouble, os, session::Endpoint};

/// A socket that takes datagrams from anyone.
pub struct PacketServer {
    // Before the socket, which must still be open when its file is removed.
    _file: Option<SocketFile>,
    socket: Kind,
    local: Endpoint,
}

enum Kind {
    Udp {
        socket: UdpSocket,
        state: UdpSocketState,
        /// Bound to every address, so that each answer must say which it comes from.
        wildcard: bool,
    },
    Unix(UnixDatagram),
}

/// Binds each address of a target. Must be called inside a runtime.
pub fn bind(target: &Target, family: Option<Family>, flags: &SocketFlags) -> Result<Vec<PacketServer>, Trouble> {
    flags::check(target.scheme, flags)?;
    match (target.scheme, &target.place) {
        (Scheme::Udp, _) => {
            let bound = bind_each(target, family, |address| bind_udp(address, flags))?;
            all_joined(&bound, flags)?;
            Ok(bound)
        }
        (Scheme::Unixgram, Place::Path(path)) => Ok(vec![bind_unix(path, flags)?]),
        _ => Err(Trouble::usage(format!("{target} is no place for datagrams"))),
    }
}

fn bind_udp(address: SocketAddr, flags: &SocketFlags) -> io::Result<(PacketServer, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        // IPv4 has its own socket.
        socket.set_only_v6(true)?;
    }
    let mut groups = flags.join.clone();
    if address.ip().is_multicast() && !groups.contains(&address.ip()) {
        groups.push(address.ip());
    }
    if groups.iter().any(|group| group.is_ipv6() == address.is_ipv6()) {
        may_get_groups(address, &groups).map_err(trouble_inside)?;
        // Many may listen to one group. Otherwise a second server on the port would silently take the first one's datagrams.
        socket.set_reuse_address(true)?;
    }
    let reference = SockRef::from(&socket);
    flags::prepare(&reference, Scheme::Udp, address.is_ipv6(), flags).map_err(trouble_inside)?;
    socket.bind(&address.into())?;
    flags::join(&reference, address.is_ipv6(), &groups, flags.interface.as_deref()).map_err(trouble_inside)?;
    let server = PacketServer::over_udp(UdpSocket::from_std(socket.into())?)?;
    let Endpoint::Ip(real) = server.local else { return Err(io::ErrorKind::AddrNotAvailable.into()) };
    Ok((server, real))
}

/// A socket on one address, a group's or our own, gets nothing that is sent to another group.
fn may_get_groups(address: SocketAddr, groups: &[IpAddr]) -> Result<(), Trouble> {
    let own = address.ip();
    let deaf_to = |group: &&IpAddr| group.is_ipv6() == own.is_ipv6() && **group != own;
    match groups.iter().find(deaf_to).filter(|_| !own.is_unspecified()) {
        None => Ok(()),
        Some(group) => Err(Trouble::usage(format!("could not join {group}: {own} gets nothing that is sent to it"))
            .hint(format!("listen on every address, as in serve-udp :{}", address.port()))),
    }
}

fn all_joined(bound: &[PacketServer], flags: &SocketFlags) -> Result<(), Trouble> {
    let has = |group: &IpAddr| bound.iter().any(|server| server.is_ipv6() == group.is_ipv6());
    match flags.join.iter().find(|group| !has(group)) {
        Some(group) => Err(Trouble::usage(format!("could not join {group}: no socket of its family is open"))
            .hint("listen on every address of both families, as in serve-udp :5000")),
        None => Ok(()),
    }
}

fn bind_unix(path: &Path, flags: &SocketFlags) -> Result<PacketServer, Trouble> {
    let (socket, file) = SocketFile::claim(Scheme::Unixgram, path, || {
        let socket = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
        socket.set_nonblocking(true)?;
        flags::prepare(&SockRef::from(&socket), Scheme::Unixgram, false, flags).map_err(trouble_inside)?;
        socket.bind(&SockAddr::unix(path)?)?;
        UnixDatagram::from_std(StdUnixDatagram::from(socket))
    })?;
    Ok(PacketServer { _file: Some(file), socket: Kind::Unix(socket), local: Endpoint::Unix(path.to_owned()) })
}

/// The datagram sockets that systemd has opened for us, as [`super::inherited`] for streams.
pub fn inherited_packets(scheme: Scheme, flags: &SocketFlags) -> Result<Vec<PacketServer>, Trouble> {
    each_inherited(scheme, flags, |handed, at| inherit(handed, at, scheme, flags))
}

fn inherit(handed: &mut ListenFd, at: usize, scheme: Scheme, flags: &SocketFlags) -> io::Result<PacketServer> {
    let missing = || io::Error::other("it was taken before");
    if scheme.is_unix() {
        let socket = handed.take_unix_datagram(at)?.ok_or_else(missing)?;
        socket.set_nonblocking(true)?;
        flags::prepare(&SockRef::from(&socket), scheme, false, flags).map_err(trouble_inside)?;
        let local = unix_endpoint(socket.local_addr()?.as_pathname());
        return Ok(PacketServer { _file: None, socket: Kind::Unix(UnixDatagram::from_std(socket)?), local });
    }
    let socket = handed.take_udp_socket(at)?.ok_or_else(missing)?;
    socket.set_nonblocking(true)?;
    let ipv6 = socket.local_addr()?.is_ipv6();
    flags::prepare(&SockRef::from(&socket), scheme, ipv6, flags).map_err(trouble_inside)?;
    flags::join(&SockRef::from(&socket), ipv6, &flags.join, flags.interface.as_deref()).map_err(trouble_inside)?;
    PacketServer::over_udp(UdpSocket::from_std(socket)?)
}

impl PacketServer {
    fn over_udp(socket: UdpSocket) -> io::Result<Self> {
        let local = socket.local_addr()?;
        // Turns on GRO and the address each datagram came to.
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        os::allow_fragments(&SockRef::from(&socket), &local)?;
        let wildcard = local.ip().is_unspecified();
        Ok(Self { _file: None, socket: Kind::Udp { socket, state, wildcard }, local: Endpoint::Ip(local) })
    }

    /// Takes it out of its runtime; what is given puts it into the one in which it is called.
    ///
    /// # Errors
    /// The runtime does not let it go.
    pub fn detach(self) -> io::Result<impl FnOnce() -> io::Result<Self> + Send> {
        let Self { _file: file, socket, local } = self;
        let attach: Box<dyn FnOnce() -> io::Result<Kind> + Send> = match socket {
            Kind::Udp { socket, state, wildcard } => {
                let socket = socket.into_std()?;
                Box::new(move || Ok(Kind::Udp { socket: UdpSocket::from_std(socket)?, state, wildcard }))
            }
            Kind::Unix(socket) => {
                let socket = socket.into_std()?;
                Box::new(move || UnixDatagram::from_std(socket).map(Kind::Unix))
            }
        };
        Ok(move || Ok(Self { _file: file, socket: attach()?, local }))
    }

    /// The real address.
    #[must_use]
    pub fn local(&self) -> &Endpoint {
        &self.local
    }

    fn is_ipv6(&self) -> bool {
        matches!(&self.local, Endpoint::Ip(address) if address.is_ipv6())
    }

    /// Waits for datagrams and receives those that are there, at least one. That an earlier answer of ours was refused by
    /// whoever asked is nothing that ends a server.
    pub fn poll_recv(&self, cx: &mut Context<'_>, batch: &mut Batch) -> Poll<io::Result<()>> {
        batch.clear();
        loop {
            let received = match &self.socket {
                Kind::Udp { socket, state, .. } => {
                    ready!(socket.poll_recv_ready(cx))?;
                    socket.try_io(Interest::READABLE, || batch.fill_udp(UdpSockRef::from(socket), state))
                }
                Kind::Unix(socket) => {
                    ready!(socket.poll_recv_ready(cx))?;
                    batch.fill_unix(socket)
                }
            };
            match received {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock || is_about_earlier(&error) => {}
                other => return Poll::Ready(other),
            }
        }
    }

    pub fn poll_send_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.socket {
            Kind::Udp { socket, .. } => socket.poll_send_ready(cx),
            Kind::Unix(_) => Poll::Ready(Ok(())), // it never says WouldBlock
        }
    }

    /// Can datagrams of one length leave in one call?
    #[must_use]
    pub fn joins(&self) -> bool {
        os::JOINS_SENT && matches!(self.socket, Kind::Udp { .. })
    }

    /// Sends one datagram from the address `from` of ours, or several of `segment` bytes each, the last perhaps shorter.
    /// [`io::ErrorKind::WouldBlock`]: wait for [`Self::poll_send_ready`]. Any other error is about these only.
    pub fn try_send(&self, to: &Endpoint, from: Option<IpAddr>, bytes: &[u8], segment: Option<u16>) -> io::Result<()> {
        match (&self.socket, to) {
            (Kind::Udp { .. }, Endpoint::Ip(to)) => {
                let mut sent = self.try_send_udp(*to, from, bytes, segment);
                // The error of an earlier datagram, given instead of sending this one.
                if sent.as_ref().is_err_and(is_about_earlier) {
                    sent = self.try_send_udp(*to, from, bytes, segment);
                }
                // A directed broadcast came to us: its address is no source (RFC 1122, section 3.2.1.3).
                if from.is_some() && sent.as_ref().is_err_and(is_bad_source) {
                    sent = self.try_send_udp(*to, None, bytes, segment);
                }
                sent
            }
            (Kind::Unix(socket), Endpoint::Unix(path)) => try_send_unix(socket, path, bytes),
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "the sender has no address to answer to")),
        }
    }

    fn try_send_udp(&self, to: SocketAddr, from: Option<IpAddr>, bytes: &[u8], segment: Option<u16>) -> io::Result<()> {
        let Kind::Udp { socket, state, wildcard } = &self.socket else { return Err(io::ErrorKind::InvalidInput.into()) };
        let from = from.filter(|_| *wildcard);
        if from.is_none() && segment.is_none() {
            return socket.try_send_to(bytes, to).map(drop);
        }
        socket.try_io(Interest::WRITABLE, || os::answer(socket.as_fd(), state, to, from, bytes, segment))
    }
}

/// What a client has not read fills its queue, and, when it is connected to us, our send buffer (`unix_dgram_sendmsg` in the
/// kernel). Nothing tells when there is room again, and a client that does not read must not hold up the others: this
/// datagram is lost, as one may be. Sent without the runtime, which would take the whole socket to be blocked.
fn try_send_unix(socket: &UnixDatagram, path: &Path, bytes: &[u8]) -> io::Result<()> {
    match SockRef::from(socket).send_to(bytes, &SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(io::Error::other("what was sent before has not been read"))
        }
        other => other.map(drop),
    }
}

/// An ICMP message about a datagram sent before (RFC 1122, section 4.1.3.3), not about this call.
fn is_about_earlier(error: &io::Error) -> bool {
    use io::ErrorKind as E;
    matches!(error.kind(), E::ConnectionRefused | E::ConnectionReset | E::HostUnreachable | E::NetworkUnreachable)
}

/// How a source address that is not ours is refused; having no way to the peer can look the same.
fn is_bad_source(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable)
}
