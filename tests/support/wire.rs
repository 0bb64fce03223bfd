//! What goes over the wire of this thread's network, packet by packet (packet(7)), and what its headers say.

use std::{
    io::{ErrorKind, Read},
    time::Instant,
};

use socket2::{Domain, Protocol, Socket, Type};

use super::{PATIENCE, net::uninterrupted, peer::skipped};

/// Every protocol (`ETH_P_ALL`).
const ALL: u16 = 3;

/// A packet of TCP or UDP.
#[derive(Debug, Clone)]
pub struct Packet {
    pub ipv6: bool,
    /// The six bits of RFC 2474.
    pub dscp: u8,
    /// Time to live, or hop limit.
    pub ttl: u8,
    pub from: u16,
    pub to: u16,
    pub syn: bool,
    /// Of TCP's options, kind 2 (RFC 9293, section 3.2).
    pub mss: Option<u16>,
    /// How many bytes it carries.
    pub carries: usize,
}

/// A tap on all interfaces of a network.
pub struct Wire(Socket);

impl Wire {
    /// On the network of this thread; nothing where that is not permitted.
    pub fn tap() -> Option<Self> {
        let protocol = Protocol::from(i32::from(ALL.to_be()));
        let Ok(socket) = Socket::new(Domain::PACKET, Type::DGRAM, Some(protocol)) else {
            skipped("packet sockets are not permitted");
            return None;
        };
        socket.set_recv_buffer_size(4 << 20).unwrap();
        Some(Self(socket))
    }

    /// What has passed so far.
    pub fn passed(&self) -> Vec<Packet> {
        self.0.set_nonblocking(true).unwrap();
        let mut packets = Vec::new();
        while let Some(bytes) = self.next() {
            packets.extend(parsed(&bytes));
        }
        packets
    }

    /// Waits for the first packet that is `wanted`.
    #[track_caller]
    pub fn wait_for(&self, what: &str, mut wanted: impl FnMut(&Packet) -> bool) -> Packet {
        self.0.set_nonblocking(false).unwrap();
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            self.0.set_read_timeout(Some(until - Instant::now())).unwrap();
            if let Some(packet) = self.next().and_then(|bytes| parsed(&bytes)).filter(&mut wanted) {
                return packet;
            }
        }
        panic!("{what}: no such packet passed");
    }

    fn next(&self) -> Option<Vec<u8>> {
        // The headers; what follows is only counted.
        let mut bytes = vec![0; 256];
        match uninterrupted(|| (&self.0).read(&mut bytes)) {
            Ok(length) => {
                bytes.truncate(length);
                Some(bytes)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
            Err(error) => panic!("{error}"),
        }
    }
}

fn parsed(bytes: &[u8]) -> Option<Packet> {
    let pair = |bytes: &[u8], at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    let first = *bytes.first()?;
    let ipv6 = first >> 4 == 6;
    // RFC 8200, section 3, and RFC 791, section 3.1.
    let (class, ttl, protocol, header, whole) = if ipv6 {
        ((pair(bytes, 0)? >> 4) as u8, *bytes.get(7)?, *bytes.get(6)?, 40, 40 + usize::from(pair(bytes, 4)?))
    } else {
        (*bytes.get(1)?, *bytes.get(8)?, *bytes.get(9)?, usize::from(first & 15) * 4, usize::from(pair(bytes, 2)?))
    };
    let inner = bytes.get(header..)?;
    let (syn, mss, inner_header) = match protocol {
        6 => {
            let length = usize::from(*inner.get(12)? >> 4) * 4;
            (inner.get(13)? & 2 != 0, largest_segment(inner.get(20..length)?), length)
        }
        17 => (false, None, 8),
        _ => return None,
    };
    let carries = whole.saturating_sub(header + inner_header);
    Some(Packet { ipv6, dscp: class >> 2, ttl, from: pair(inner, 0)?, to: pair(inner, 2)?, syn, mss, carries })
}

fn largest_segment(mut options: &[u8]) -> Option<u16> {
    loop {
        options = match options {
            [2, 4, high, low, ..] => return Some(u16::from_be_bytes([*high, *low])),
            [1, rest @ ..] => rest,
            [] | [0, ..] | [_] => return None,
            [_, length, ..] => options.get(usize::from(*length).max(2)..)?,
        };
    }
}
