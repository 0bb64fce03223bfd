use super::*;
use crate::error::Trouble;
use crate::session::Endpoint;
use std::{
    io,
    task::{Context, Poll},
};
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
#[derive(Debug)]
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
pub fn bind_packets(_: &Target, _: Option<Family>, _: &SocketFlags) -> std::result::Result<Vec<PacketServer>, Trouble> {
    Ok(vec![])
}
pub async fn connect_packets(_: &Target, _: &Dial) -> std::result::Result<(PacketClient, Route), Trouble> {
    Err(Trouble::failed(""))
}
