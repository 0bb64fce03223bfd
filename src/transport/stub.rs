use super::*;
use crate::error::Trouble;
use crate::session::{Endpoint, Rides};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::*;
impl Scheme {
    pub fn name(self) -> &'static str {
        "x"
    }
    pub fn rides(self) -> Rides {
        Rides::Stream
    }
}
impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("x")
    }
}
pub struct TcpInfo {
    pub rtt: Duration,
    pub cwnd: u32,
    pub retransmits: u32,
}
pub struct Attempt {
    pub address: Endpoint,
    pub took: Duration,
    pub failure: Option<String>,
}
pub struct Route {
    pub resolve: Duration,
    pub connect: Duration,
    pub addresses: Vec<Endpoint>,
    pub attempts: Vec<Attempt>,
}
pub enum Stream {
    Tcp(tokio::net::TcpStream),
}
impl Stream {
    pub fn local(&self) -> Endpoint {
        Endpoint::Unnamed
    }
    pub fn peer(&self) -> Endpoint {
        Endpoint::Unnamed
    }
    pub fn set_zero_linger(&self) {}
    pub fn tcp_info(&self) -> Option<TcpInfo> {
        None
    }
}
impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, b: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(s) => Pin::new(s).poll_read(cx, b),
        }
    }
}
impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, b: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(s) => Pin::new(s).poll_write(cx, b),
        }
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(s) => Pin::new(s).poll_shutdown(cx),
        }
    }
}
#[derive(Debug)]
pub struct Listener;
impl Listener {
    pub fn local(&self) -> Endpoint {
        Endpoint::Unnamed
    }
    pub fn poll_accept(&self, _: &mut Context<'_>) -> Poll<io::Result<(Stream, Endpoint)>> {
        Poll::Pending
    }
}
#[derive(Debug)]
pub struct PacketServer;
impl PacketServer {
    pub fn local(&self) -> Endpoint {
        Endpoint::Unnamed
    }
    pub fn poll_recv(&self, _: &mut Context<'_>, _: &mut Batch) -> Poll<io::Result<()>> {
        Poll::Pending
    }
    pub fn try_send(&self, _: &Endpoint, _: Option<IpAddr>, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
    pub fn poll_send_ready(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}
pub struct Batch;
impl Batch {
    pub fn new() -> Self {
        Batch
    }
    pub fn iter(&self) -> impl Iterator<Item = (Endpoint, Option<IpAddr>, &[u8])> {
        std::iter::empty()
    }
}
pub struct PacketClient;
impl PacketClient {
    pub fn local(&self) -> Endpoint {
        Endpoint::Unnamed
    }
    pub fn peer(&self) -> Endpoint {
        Endpoint::Unnamed
    }
    pub fn poll_recv(&self, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
    pub fn try_send(&self, _: &[u8]) -> io::Result<usize> {
        Ok(0)
    }
    pub fn poll_send_ready(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}
pub fn listen(_: &Target, _: Option<Family>, _: &SocketFlags) -> std::result::Result<Vec<Listener>, Trouble> {
    Ok(vec![])
}
pub fn bind(_: &Target, _: Option<Family>, _: &SocketFlags) -> std::result::Result<Vec<PacketServer>, Trouble> {
    Ok(vec![])
}
pub async fn connect(_: &Target, _: &Dial) -> std::result::Result<(Stream, Route), Trouble> {
    Err(Trouble::failed(""))
}
pub async fn connect_packets(_: &Target, _: &Dial) -> std::result::Result<(PacketClient, Route), Trouble> {
    Err(Trouble::failed(""))
}
