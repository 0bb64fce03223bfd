//! Sending datagrams on Linux, from a chosen address (ip(7) `IP_PKTINFO`, RFC 3542 section 6.2), and many of one length in one call
//! (udp(7) `UDP_SEGMENT`).
//!
//! quinn-udp can do this too, but it sets the whole type-of-service byte on each datagram, which undoes `--dscp`.
//!
//! May use: libc, socket2, quinn-udp. Nothing of ours.

use std::{
    io,
    mem::zeroed,
    net::{IpAddr, SocketAddr},
    os::fd::{AsRawFd, BorrowedFd},
};

use quinn_udp::UdpSocketState;
use socket2::SockAddr;

/// Room for control messages, aligned as their headers must be.
#[repr(C)]
struct Control {
    align: [libc::cmsghdr; 0],
    bytes: [u8; 64],
}

/// Datagrams of one length can be sent in one call.
pub const JOINS_SENT: bool = true;

/// Sends datagrams of `segment` bytes each, the last perhaps shorter, or one; `from` this address of ours, where the socket is
/// bound to every address.
pub fn answer(
    socket: BorrowedFd<'_>,
    _: &UdpSocketState,
    to: SocketAddr,
    from: Option<IpAddr>,
    bytes: &[u8],
    segment: Option<u16>,
) -> io::Result<()> {
    send(socket, Some(&to.into()), from, bytes, segment)
}

/// As [`answer`], to whom the socket is connected to.
pub fn send_joined(socket: BorrowedFd<'_>, bytes: &[u8], segment: u16) -> io::Result<()> {
    send(socket, None, None, bytes, Some(segment))
}

#[allow(unsafe_code)]
fn send(
    socket: BorrowedFd<'_>,
    to: Option<&SockAddr>,
    from: Option<IpAddr>,
    bytes: &[u8],
    segment: Option<u16>,
) -> io::Result<()> {
    let mut iov = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut control = Control { align: [], bytes: [0; 64] };
    let used = fill(&mut control, from, segment);
    // SAFETY: all zeros is a valid empty header. What it points to outlives the call; `sendmsg` only reads it.
    let mut message: libc::msghdr = unsafe { zeroed() };
    if let Some(to) = to {
        message.msg_name = to.as_ptr().cast_mut().cast();
        message.msg_namelen = to.len();
    }
    message.msg_iov = &raw mut iov;
    message.msg_iovlen = 1;
    if used > 0 {
        message.msg_control = control.bytes.as_mut_ptr().cast();
        message.msg_controllen = used as _;
    }
    loop {
        // SAFETY: as above.
        if unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, 0) } >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Writes what is asked for; gives its length.
fn fill(control: &mut Control, from: Option<IpAddr>, segment: Option<u16>) -> usize {
    let used = match from {
        None => 0,
        Some(IpAddr::V4(address)) => {
            let source = libc::in_addr { s_addr: u32::from_ne_bytes(address.octets()) };
            let nothing = libc::in_addr { s_addr: 0 };
            let info = libc::in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: source, ipi_addr: nothing };
            put(control, 0, libc::IPPROTO_IP, libc::IP_PKTINFO, info)
        }
        Some(IpAddr::V6(address)) => {
            let source = libc::in6_addr { s6_addr: address.octets() };
            let info = libc::in6_pktinfo { ipi6_addr: source, ipi6_ifindex: 0 };
            put(control, 0, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info)
        }
    };
    segment.map_or(used, |segment| put(control, used, libc::SOL_UDP, libc::UDP_SEGMENT, segment))
}

/// Writes one control message behind the `used` bytes before it, gives the length of it all.
#[allow(unsafe_code)]
fn put<T: Copy>(control: &mut Control, used: usize, level: i32, kind: i32, value: T) -> usize {
    // SAFETY: `CMSG_SPACE` of the values that come here is 32 or 40 bytes and 24 behind them, no more than there is (asserted),
    // and a multiple of the alignment that the buffer has for the header. The value is written unaligned. The macros only compute
    // offsets.
    unsafe {
        let space = libc::CMSG_SPACE(size_of::<T>() as u32) as usize;
        assert!(used + space <= control.bytes.len());
        let start = control.bytes.as_mut_ptr().add(used);
        #[allow(clippy::cast_ptr_alignment)] // aligned by `Control`
        let header = start.cast::<libc::cmsghdr>();
        (*header).cmsg_level = level;
        (*header).cmsg_type = kind;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<T>() as u32) as _;
        libc::CMSG_DATA(header).cast::<T>().write_unaligned(value);
        used + space
    }
}
