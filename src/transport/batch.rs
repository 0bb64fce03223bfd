//! What one look at a datagram socket brings: up to 32 buffers, each of them holding one datagram or, where the kernel has
//! joined what came in a row (UDP GRO, udp(7)), many of the same length.
//!
//! A batch belongs to a task or a thread, not to a socket. Its memory is taken only as far as datagrams have filled it.
//!
//! May use: tokio, quinn-udp, `session` (`Endpoint`, `Joined`).

use std::{
    array,
    io::{self, IoSliceMut},
    net::IpAddr,
};

use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSockRef, UdpSocketState};
use tokio::net::UnixDatagram;

use super::stream::unix_endpoint;
use crate::session::{Endpoint, Joined};

/// One buffer: no UDP datagram is longer, and GRO joins no more.
const BUFFER: usize = 64 * 1024;

/// Datagrams just received.
pub struct Batch {
    storage: Vec<u8>,
    meta: [RecvMeta; BATCH_SIZE],
    filled: Vec<Filled>,
}

/// One filled part of the storage.
struct Filled {
    peer: Endpoint,
    local: Option<IpAddr>,
    start: usize,
    length: usize,
    /// The length of each datagram in it; the last may be shorter.
    stride: usize,
}

/// One datagram, or several of one peer that came in a row.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    pub peer: &'a Endpoint,
    /// The address of ours that it was sent to, from which the answer must come. `None` if it is not known, or if it was a
    /// group's or everybody's.
    pub local: Option<IpAddr>,
    pub datagrams: Joined<'a>,
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

impl Batch {
    #[must_use]
    pub fn new() -> Self {
        // Zeroed memory from the system is not there until it is written to.
        Self { storage: vec![0; BATCH_SIZE * BUFFER], meta: [RecvMeta::default(); BATCH_SIZE], filled: Vec::new() }
    }

    /// What came, in its order.
    pub fn arrivals(&self) -> impl Iterator<Item = Arrival<'_>> {
        self.filled.iter().map(|filled| {
            let Filled { peer, local, start, length, stride } = filled;
            Arrival { peer, local: *local, datagrams: Joined::new(&self.storage[*start..start + length], *stride) }
        })
    }

    pub(super) fn clear(&mut self) {
        self.filled.clear();
    }

    /// Receives as many as are there, without waiting.
    pub(super) fn fill_udp(&mut self, socket: UdpSockRef<'_>, state: &UdpSocketState) -> io::Result<()> {
        self.filled.clear();
        let mut parts = self.storage.chunks_exact_mut(BUFFER);
        let mut buffers: [_; BATCH_SIZE] = array::from_fn(|_| IoSliceMut::new(parts.next().unwrap_or_default()));
        let count = state.recv(socket, &mut buffers, &mut self.meta)?;
        let filled = self.meta[..count].iter().enumerate().map(|(n, meta)| Filled {
            peer: Endpoint::Ip(meta.addr),
            local: meta.dst_ip.filter(|address| is_own(*address)),
            start: n * BUFFER,
            length: meta.len,
            stride: meta.stride,
        });
        self.filled.extend(filled);
        Ok(())
    }

    /// As [`Self::fill_udp`]. Unix datagrams can be longer, so they lie one after the other with no place of their own.
    pub(super) fn fill_unix(&mut self, socket: &UnixDatagram) -> io::Result<()> {
        self.filled.clear();
        let mut start = 0;
        // Half of the storage is always left, 1 MiB: more than a sender can send without asking for larger buffers.
        while self.filled.len() < BATCH_SIZE && start <= self.storage.len() / 2 {
            match socket.try_recv_from(&mut self.storage[start..]) {
                Ok((length, name)) => {
                    let peer = unix_endpoint(name.as_pathname());
                    self.filled.push(Filled { peer, local: None, start, length, stride: length });
                    start += length;
                }
                Err(error) if self.filled.is_empty() => return Err(error),
                // What is wrong now will be wrong at the next look.
                Err(_) => break,
            }
        }
        Ok(())
    }
}

/// Can an answer come from this address? Not from a group's, nor from everybody's (RFC 1122, section 3.2.1.3).
fn is_own(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    !address.is_multicast() && !address.is_unspecified() && !broadcast
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_from_addresses_of_our_own() {
        for (text, own) in
            [("127.0.0.5", true), ("::1", true), ("239.1.1.1", false), ("255.255.255.255", false), ("ff02::1", false)]
        {
            assert_eq!(is_own(text.parse().unwrap()), own, "{text}");
        }
    }
}
