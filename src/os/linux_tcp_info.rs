//! `TCP_INFO` on Linux (tcp(7)). The kernel's struct grows with each version: what is returned may be shorter or longer
//! than ours, so its length is honoured and what is beyond it is unknown, not zero.
//!
//! May use: libc, socket2. Nothing of ours.

use std::{mem::offset_of, os::fd::AsRawFd, time::Duration};

use socket2::SockRef;

use super::TcpInfo;

/// The beginning of the kernel's `struct tcp_info`, field by field in its order (linux/tcp.h). The libc crate's ends
/// before the 64-bit counters.
#[repr(C)]
#[derive(Default)]
struct Raw {
    state: u8,
    ca_state: u8,
    retransmits: u8,
    probes: u8,
    backoff: u8,
    options: u8,
    wscale: u8,
    flags: u8,
    rto: u32,
    ato: u32,
    snd_mss: u32,
    rcv_mss: u32,
    unacked: u32,
    sacked: u32,
    lost: u32,
    retrans: u32,
    fackets: u32,
    last_data_sent: u32,
    last_ack_sent: u32,
    last_data_recv: u32,
    last_ack_recv: u32,
    pmtu: u32,
    rcv_ssthresh: u32,
    rtt: u32,
    rttvar: u32,
    snd_ssthresh: u32,
    snd_cwnd: u32,
    advmss: u32,
    reordering: u32,
    rcv_rtt: u32,
    rcv_space: u32,
    total_retrans: u32,
    pacing_rate: u64,
    max_pacing_rate: u64,
    bytes_acked: u64,
    bytes_received: u64,
    segs_out: u32,
    segs_in: u32,
    notsent_bytes: u32,
    min_rtt: u32,
    data_segs_in: u32,
    data_segs_out: u32,
    delivery_rate: u64,
    busy_time: u64,
    rwnd_limited: u64,
    sndbuf_limited: u64,
    delivered: u32,
    delivered_ce: u32,
    bytes_sent: u64,
    bytes_retrans: u64,
    dsack_dups: u32,
    reord_seen: u32,
    rcv_ooopack: u32,
    snd_wnd: u32,
    rcv_wnd: u32,
    rehash: u32,
}

/// "No threshold yet" (`TCP_INFINITE_SSTHRESH` in net/tcp.h).
const NO_THRESHOLD: u32 = 0x7fff_ffff;

/// What the kernel knows of a TCP connection.
#[must_use]
pub fn tcp_info(socket: &SockRef<'_>) -> Option<TcpInfo> {
    let (raw, length) = get(socket)?;
    // Linux 2.6 has all of this; anything shorter is no answer.
    if length < offset_of!(Raw, pacing_rate) {
        return None;
    }
    let known = |end: usize, value: u64| (length >= end).then_some(value);
    let micros = |n: u32| Duration::from_micros(n.into());
    Some(TcpInfo {
        rtt: micros(raw.rtt),
        rtt_var: micros(raw.rttvar),
        // Not yet measured is all ones.
        min_rtt: (length >= offset_of!(Raw, data_segs_in) && raw.min_rtt != u32::MAX).then(|| micros(raw.min_rtt)),
        retransmits: raw.total_retrans,
        lost: raw.lost,
        cwnd: raw.snd_cwnd,
        slow_start_threshold: (raw.snd_ssthresh < NO_THRESHOLD).then_some(raw.snd_ssthresh),
        send_mss: raw.snd_mss,
        recv_mss: raw.rcv_mss,
        path_mtu: raw.pmtu,
        bytes_acked: known(offset_of!(Raw, bytes_received), raw.bytes_acked),
        bytes_received: known(offset_of!(Raw, segs_out), raw.bytes_received),
        delivery_rate: known(offset_of!(Raw, busy_time), raw.delivery_rate),
        // Linux 5.4, and 6.2.
        send_window: (length >= offset_of!(Raw, rcv_wnd)).then_some(raw.snd_wnd),
        recv_window: (length >= offset_of!(Raw, rehash)).then_some(raw.rcv_wnd),
    })
}

#[allow(unsafe_code)]
fn get(socket: &SockRef<'_>) -> Option<(Raw, usize)> {
    let mut raw = Raw::default();
    let mut length = size_of::<Raw>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes into `raw`, whose fields are integers without forbidden values.
    let done = unsafe {
        let fd = socket.as_raw_fd();
        libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_INFO, (&raw mut raw).cast(), &raw mut length)
    };
    (done == 0).then_some((raw, length as usize))
}
