//! Listening for streams: TCP, Unix sockets, and sockets handed over by systemd (`sd_listen_fds(3)`).
//!
//! May use: tokio, socket2, rustix, listenfd, `session::Endpoint`, `error`.

use std::{
    io,
    net::SocketAddr,
    os::unix::net::UnixListener as StdUnixListener,
    path::Path,
    task::{Context, Poll, ready},
};

use listenfd::ListenFd;
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};
use tokio::net::{TcpListener, UnixListener};

use super::{
    Family, Place, Scheme, SocketFlags, Stream, Target,
    bind::bind_each,
    connect::{trouble_inside, trouble_of},
    flags,
    socket_file::SocketFile,
    stream::unix_endpoint,
};
use crate::{
    error::{Trouble, reason},
    session::{Endpoint, Rides},
};

/// Connections that may wait to be accepted. The system may allow fewer (`somaxconn`); with a short queue a burst waits a
/// whole second for its SYNs to be sent again.
const BACKLOG: i32 = 4096;

/// A socket that accepts connections.
#[derive(Debug)]
pub struct Listener {
    // Before the socket, which must still be open when its file is removed.
    _file: Option<SocketFile>,
    socket: Kind,
    flags: SocketFlags,
    local: Endpoint,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Listens on each address of a target. Must be called inside a runtime.
pub fn listen(target: &Target, family: Option<Family>, flags: &SocketFlags) -> Result<Vec<Listener>, Trouble> {
    flags::check(target.scheme, flags)?;
    match (target.scheme, &target.place) {
        (Scheme::Tcp, _) => bind_each(target, family, |address| listen_tcp(address, flags)),
        (Scheme::Unix, Place::Path(path)) => Ok(vec![listen_unix(path, flags)?]),
        _ => Err(Trouble::usage(format!("{target} is no place for streams"))),
    }
}

fn listen_tcp(address: SocketAddr, flags: &SocketFlags) -> io::Result<(Listener, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // A server that starts again is not kept waiting by its old connections (RFC 9293, section 3.6.1: TIME-WAIT).
    socket.set_reuse_address(true)?;
    // Urgent data is data: FTP's ABOR comes as such, and its last byte would be left out of the stream (RFC 1122, 4.2.2.4).
    socket.set_out_of_band_inline(true)?;
    if address.is_ipv6() {
        // IPv4 has its own socket.
        socket.set_only_v6(true)?;
    }
    flags::prepare(&SockRef::from(&socket), Scheme::Tcp, address.is_ipv6(), flags).map_err(trouble_inside)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let socket = TcpListener::from_std(socket.into())?;
    let real = socket.local_addr()?;
    let local = Endpoint::Ip(real);
    Ok((Listener { _file: None, socket: Kind::Tcp(socket), flags: flags.clone(), local }, real))
}

fn listen_unix(path: &Path, flags: &SocketFlags) -> Result<Listener, Trouble> {
    let (socket, file) = SocketFile::claim(Scheme::Unix, path, || {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        flags::prepare(&SockRef::from(&socket), Scheme::Unix, false, flags).map_err(trouble_inside)?;
        socket.bind(&SockAddr::unix(path)?)?;
        socket.listen(BACKLOG)?;
        UnixListener::from_std(StdUnixListener::from(socket))
    })?;
    let (socket, local) = (Kind::Unix(socket), Endpoint::Unix(path.to_owned()));
    Ok(Listener { _file: Some(file), socket, flags: flags.clone(), local })
}

/// The listeners that systemd, or another that speaks its protocol, has opened for us; none is the usual case. To be asked
/// once, before anything else: it takes `LISTEN_FDS` out of the environment.
pub fn inherited(scheme: Scheme, flags: &SocketFlags) -> Result<Vec<Listener>, Trouble> {
    each_inherited(scheme, flags, |handed, at| inherit(handed, at, scheme, flags))
}

/// Takes over what was handed to this process, one by one.
pub(super) fn each_inherited<T>(
    scheme: Scheme,
    flags: &SocketFlags,
    take: impl Fn(&mut ListenFd, usize) -> io::Result<T>,
) -> Result<Vec<T>, Trouble> {
    let mut handed = ListenFd::from_env();
    if handed.len() > 0 {
        flags::check(scheme, flags)?;
    }
    (0..handed.len()).map(|at| take(&mut handed, at).map_err(|error| not_inherited(scheme, error))).collect()
}

fn inherit(handed: &mut ListenFd, at: usize, scheme: Scheme, flags: &SocketFlags) -> io::Result<Listener> {
    let missing = || io::Error::other("it was taken before");
    let (socket, local) = if scheme.is_unix() {
        let socket = handed.take_unix_listener(at)?.ok_or_else(missing)?;
        socket.set_nonblocking(true)?;
        let local = unix_endpoint(socket.local_addr()?.as_pathname());
        (Kind::Unix(UnixListener::from_std(socket)?), local)
    } else {
        let socket = handed.take_tcp_listener(at)?.ok_or_else(missing)?;
        socket.set_nonblocking(true)?;
        let local = Endpoint::Ip(socket.local_addr()?);
        (Kind::Tcp(TcpListener::from_std(socket)?), local)
    };
    let raw = match &socket {
        Kind::Tcp(socket) => SockRef::from(socket),
        Kind::Unix(socket) => SockRef::from(socket),
    };
    let ipv6 = matches!(&local, Endpoint::Ip(address) if address.is_ipv6());
    flags::prepare(&raw, scheme, ipv6, flags).map_err(trouble_inside)?;
    // The socket's file is systemd's to remove.
    Ok(Listener { _file: None, socket, flags: flags.clone(), local })
}

/// A socket that was handed over can't be used.
fn not_inherited(scheme: Scheme, error: io::Error) -> Trouble {
    trouble_of(error, |error| {
        let kind = if scheme.rides() == Rides::Stream { "ListenStream" } else { "ListenDatagram" };
        Trouble::failed(format!("could not take over a socket for {scheme}: {}", reason(&error)))
            .hint(format!("the socket unit needs {kind}= for this"))
    })
}

impl Listener {
    /// The next connection and its peer.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Stream, Endpoint)>> {
        Poll::Ready(Ok(match &self.socket {
            Kind::Tcp(socket) => {
                let (stream, peer) = ready!(socket.poll_accept(cx))?;
                // They were good for the listener: what fails now is a connection that is already gone.
                let _ = flags::accepted(&SockRef::from(&stream), peer.is_ipv6(), &self.flags);
                (Stream::Tcp(stream), Endpoint::Ip(peer))
            }
            Kind::Unix(socket) => {
                let (stream, peer) = ready!(socket.poll_accept(cx))?;
                (Stream::Unix(stream), unix_endpoint(peer.as_pathname()))
            }
        }))
    }

    /// The real address.
    #[must_use]
    pub fn local(&self) -> &Endpoint {
        &self.local
    }
}

/// Did accepting fail for want of descriptors or memory? Then it fails again at once, until something is closed. Any other
/// error is that connection's own (accept(2)), and the next may be accepted right away.
#[must_use]
pub fn is_exhausted(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
}
