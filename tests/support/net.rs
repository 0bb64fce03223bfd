//! Plain sockets, as a peer that does exactly what a test says.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket},
    sync::atomic::{AtomicU16, Ordering},
    thread::{self, JoinHandle},
    time::Duration,
};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::PATIENCE;

/// A connection that never waits longer than [`PATIENCE`].
pub fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&addr, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Says `bytes` in one write and half-closes; everything that comes back.
pub fn exchange(addr: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(addr);
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    to_end(&mut stream)
}

/// All until the peer closes.
pub fn to_end(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Says `bytes`, and reads an answer of exactly this length.
pub fn ask(stream: &mut (impl Read + Write), bytes: &[u8], length: usize) -> Vec<u8> {
    stream.write_all(bytes).unwrap();
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer).unwrap();
    answer
}

/// A call with a time-out is not restarted by the kernel (signal(7)), not even after a signal that nobody handles.
pub fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// The peer has closed, in good order or by a reset, and said nothing before.
#[track_caller]
pub fn is_closed(stream: &mut TcpStream) -> bool {
    let mut byte = [0];
    match uninterrupted(|| stream.read(&mut byte)) {
        Ok(0) => true,
        Ok(_) => panic!("{:?} came before the end", char::from(byte[0])),
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => true,
        Err(error) => panic!("no end came: {error}"),
    }
}

/// Nothing comes for this long.
pub fn is_silent(stream: &mut TcpStream, during: Duration) -> bool {
    stream.set_read_timeout(Some(during)).unwrap();
    let silent = matches!(uninterrupted(|| stream.read(&mut [0; 1])), Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    silent
}

/// Closes with a reset: what is unsent is thrown away (RFC 9293, 3.10.4).
pub fn reset(stream: TcpStream) {
    Socket::from(stream).set_linger(Some(Duration::ZERO)).unwrap();
}

/// A peer of ours: one thread for each connection.
pub fn serve(each: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let each = each.clone();
            thread::spawn(move || each(stream));
        }
    });
    addr
}

/// A peer for one connection.
pub fn serve_one<T: Send + 'static>(once: impl FnOnce(TcpStream) -> T + Send + 'static) -> (SocketAddr, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let thread = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        drop(listener);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        once(stream)
    });
    (addr, thread)
}

/// A port where nobody listens: bound, so that nobody else gets it, but not listening.
pub fn refusing() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    let addr = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, addr)
}

/// A port that is free on loopback, for TCP and UDP, below those that the system gives out: nobody gets it by chance before
/// a program that can't be told to take port 0 has bound it.
pub fn spare_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 1_000) as u16 * 10;
    loop {
        let port = first + TAKEN.fetch_add(1, Ordering::Relaxed);
        let addr = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(addr).is_ok() && UdpSocket::bind(addr).is_ok() {
            return port;
        }
    }
}

/// A datagram socket that talks to `addr` only.
pub fn datagrams(addr: SocketAddr) -> UdpSocket {
    let any = if addr.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let socket = UdpSocket::bind(any).unwrap();
    socket.connect(addr).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Sends one datagram, and gives the next that comes back.
pub fn ask_datagram(socket: &UdpSocket, bytes: &[u8]) -> Vec<u8> {
    socket.send(bytes).unwrap();
    receive(socket).expect("an answer")
}

/// The next datagram, unless nothing comes.
pub fn receive(socket: &UdpSocket) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 70_000];
    let n = uninterrupted(|| socket.recv(&mut bytes)).ok()?;
    bytes.truncate(n);
    Some(bytes)
}

/// Nothing comes on this socket for so long.
pub fn no_datagram(socket: &UdpSocket, during: Duration) -> bool {
    socket.set_read_timeout(Some(during)).unwrap();
    let silent = receive(socket).is_none();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    silent
}

/// Sends one UDP datagram with a forged source address. Needs a raw socket: `false` when that is not permitted.
pub fn forge(from: SocketAddrV4, to: SocketAddrV4, bytes: &[u8]) -> bool {
    // IPPROTO_RAW means that we write the IPv4 header too (raw(7)).
    let Ok(socket) = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(255))) else {
        super::peer::skipped("raw sockets are not permitted");
        return false;
    };
    let length = u16::try_from(28 + bytes.len()).unwrap();
    let mut packet = vec![0x45, 0];
    packet.extend_from_slice(&length.to_be_bytes());
    // Id and checksum are the kernel's; a time to live of 64, protocol 17.
    packet.extend_from_slice(&[0, 0, 0, 0, 64, 17, 0, 0]);
    packet.extend_from_slice(&from.ip().octets());
    packet.extend_from_slice(&to.ip().octets());
    packet.extend_from_slice(&from.port().to_be_bytes());
    packet.extend_from_slice(&to.port().to_be_bytes());
    packet.extend_from_slice(&(length - 20).to_be_bytes());
    // No checksum (RFC 768).
    packet.extend_from_slice(&[0, 0]);
    packet.extend_from_slice(bytes);
    socket.send_to(&packet, &SockAddr::from(to)).unwrap();
    true
}
