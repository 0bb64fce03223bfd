//! Further TCP connections beside a conversation's own: FTP's data connections.
//!
//! May use: tokio, socket2.

use std::{io, net::SocketAddr, ops::RangeInclusive};

use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Listens for one side connection at this address, on the first free port of these, or on any.
///
/// # Errors
/// The system's; `AddrInUse` when no port of the range is free.
pub fn listen_beside(local: SocketAddr, ports: Option<&RangeInclusive<u16>>) -> io::Result<TcpListener> {
    let Some(ports) = ports else { return listen_at(with_port(local, 0)) };
    // Not always from the first on: many conversations at once would all try the same ones.
    let (first, count) = (*ports.start(), usize::from(ports.end() - ports.start()) + 1);
    let begin = fastrand::usize(..count);
    for step in 0..count {
        let port = first + u16::try_from((begin + step) % count).unwrap_or_default();
        match listen_at(with_port(local, port)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            bound => return bound,
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = of_family(address)?;
    // Else each of these ports could be used once a minute: connections that we have ended stay with it for so long.
    socket.set_reuseaddr(address.port() > 0)?;
    socket.bind(address)?;
    // One peer is awaited; some more that are turned away may come first.
    socket.listen(8)
}

/// Connects from `local`'s address to `to`.
///
/// # Errors
/// The system's.
pub async fn dial_beside(local: Option<SocketAddr>, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = of_family(to)?;
    if let Some(local) = local.filter(|local| local.is_ipv4() == to.is_ipv4()) {
        socket.bind(with_port(local, 0))?;
    }
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The same with another port. The scope of a link-local address stays: without it nobody could tell which link is meant.
fn with_port(mut address: SocketAddr, port: u16) -> SocketAddr {
    address.set_port(port);
    address
}

fn of_family(address: SocketAddr) -> io::Result<TcpSocket> {
    if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }
}
