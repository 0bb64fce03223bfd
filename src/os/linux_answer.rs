//! Sending a datagram from a chosen address on Linux (ip(7) `IP_PKTINFO`, RFC 3542 section 6.2).
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

/// Room for one control message of either family, aligned as its header must be.
#[repr(C)]
struct Control {
    align: [libc::cmsghdr; 0],
    bytes: [u8; 64],
}

/// Sends one datagram whose source address is `from`, from a socket bound to every address.
#[allow(unsafe_code)]
pub fn answer(socket: BorrowedFd<'_>, _: &UdpSocketState, to: SocketAddr, from: IpAddr, bytes: &[u8]) -> io::Result<()> {
    let name = SockAddr::from(to);
    let mut iov = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut control = Control { align: [], bytes: [0; 64] };
    // SAFETY: all zeros is a valid empty header. What it points to outlives the call; `sendmsg` only reads it.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_name = name.as_ptr().cast_mut().cast();
    message.msg_namelen = name.len();
    message.msg_iov = &raw mut iov;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes.as_mut_ptr().cast();
    message.msg_controllen = match from {
        IpAddr::V4(address) => {
            let source = libc::in_addr { s_addr: u32::from_ne_bytes(address.octets()) };
            let nothing = libc::in_addr { s_addr: 0 };
            let info = libc::in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: source, ipi_addr: nothing };
            put(&mut control, libc::IPPROTO_IP, libc::IP_PKTINFO, info)
        }
        IpAddr::V6(address) => {
            let source = libc::in6_addr { s6_addr: address.octets() };
            let info = libc::in6_pktinfo { ipi6_addr: source, ipi6_ifindex: 0 };
            put(&mut control, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info)
        }
    } as _;
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

/// Writes one control message, gives the length of it all.
#[allow(unsafe_code)]
fn put<T: Copy>(control: &mut Control, level: i32, kind: i32, value: T) -> usize {
    // SAFETY: `CMSG_SPACE` of the two values that come here is 32 and 40 bytes, less than there is (asserted), and the
    // buffer is aligned for the header. The value is written unaligned. The macros only compute offsets.
    unsafe {
        let space = libc::CMSG_SPACE(size_of::<T>() as u32) as usize;
        assert!(space <= control.bytes.len());
        let start = control.bytes.as_mut_ptr();
        #[allow(clippy::cast_ptr_alignment)] // aligned by `Control`
        let header = start.cast::<libc::cmsghdr>();
        (*header).cmsg_level = level;
        (*header).cmsg_type = kind;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<T>() as u32) as _;
        libc::CMSG_DATA(header).cast::<T>().write_unaligned(value);
        space
    }
}
