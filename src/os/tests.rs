//! The seam, on whichever side it was built.

use std::{
    future::poll_fn,
    net::TcpListener,
    time::{Duration, Instant},
};

use super::*;

#[tokio::test]
async fn the_ticker_ticks_once_for_each_time_set() {
    let mut ticker = Ticker::new().unwrap();
    let start = Instant::now();
    for step in 1..=3 {
        let due = start + Duration::from_millis(2 * step);
        ticker.set_at(due);
        poll_fn(|cx| ticker.poll_tick(cx)).await;
        assert!(Instant::now() >= due);
    }
    // What has passed ticks at once.
    ticker.set_at(start);
    poll_fn(|cx| ticker.poll_tick(cx)).await;
    // Nothing is set: no tick.
    let again = tokio::time::timeout(Duration::from_millis(5), poll_fn(|cx| ticker.poll_tick(cx))).await;
    assert!(again.is_err());
    // Setting again replaces: the earlier time is forgotten.
    ticker.set_at(Instant::now());
    ticker.set_at(Instant::now() + Duration::from_secs(3600));
    let early = tokio::time::timeout(Duration::from_millis(5), poll_fn(|cx| ticker.poll_tick(cx))).await;
    assert!(early.is_err());
}

#[test]
fn cpu_time_runs_while_work_is_done() {
    let (thread, process) = (thread_cpu_time(), process_cpu_time());
    let start = Instant::now();
    let mut sum = 0_u64;
    while thread_cpu_time() <= thread && start.elapsed() < Duration::from_secs(5) {
        sum = std::hint::black_box(sum.wrapping_add(1));
    }
    assert!(thread_cpu_time() > thread && process_cpu_time() > process);
}

#[test]
fn limits_and_interfaces() {
    let (soft, hard) = raise_nofile_limit();
    assert!(soft > 0 && soft <= hard);
    assert!(interface_index("no such interface").is_none());
    const { assert!(MAX_SOCKET_PATH >= 90) };
}

#[cfg(all(target_os = "linux", not(netproto_portable)))]
#[test]
fn linux_tells_about_connections_and_memory() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let info = tcp_info(&(&stream).into()).unwrap();
    assert!(info.cwnd > 0 && info.send_mss > 500 && info.path_mtu > info.send_mss, "{info:?}");
    assert_eq!(info.retransmits, 0);
    assert!(info.bytes_acked.is_some());
    // A listener's socket is TCP too, a datagram's is not.
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    assert!(tcp_info(&(&udp).into()).is_none());
    assert!(rss_bytes().unwrap() > 100_000);
    assert!(congestion_algorithms().contains(&"reno".to_owned()));
}

#[cfg(any(not(target_os = "linux"), netproto_portable))]
#[test]
fn what_is_not_portable_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = bind_device(&(&listener).into(), "lo0").unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::Unsupported);
    assert!(tcp_info(&(&listener).into()).is_none() && rss_bytes().is_none());
}

#[cfg(all(target_os = "linux", not(netproto_portable)))]
#[test]
#[allow(unsafe_code)]
fn answers_keep_the_type_of_service_of_their_socket() {
    use std::{mem::MaybeUninit, net::UdpSocket, os::fd::AsFd};

    use socket2::{MsgHdrMut, SockRef};

    let (server, client) = (UdpSocket::bind("0.0.0.0:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let state = quinn_udp::UdpSocketState::new((&server).into()).unwrap();
    SockRef::from(&server).set_tos_v4(46 << 2).unwrap();
    SockRef::from(&client).set_recv_tos_v4(true).unwrap();
    let from = "127.0.0.9".parse().ok();
    answer(server.as_fd(), &state, client.local_addr().unwrap(), from, b"x", None).unwrap();
    // One control message: its length (8 bytes), IPPROTO_IP and IP_TOS (4 bytes each), the byte.
    let mut control = [MaybeUninit::new(0_u8); 64];
    let mut message = MsgHdrMut::new().with_control(&mut control);
    SockRef::from(&client).recvmsg(&mut message, 0).unwrap();
    assert!(message.control_len() > 16);
    // SAFETY: all of it was initialised above.
    assert_eq!(unsafe { control[16].assume_init() }, 46 << 2);
}

#[cfg(all(target_os = "linux", not(netproto_portable)))]
#[test]
fn many_datagrams_leave_in_one_call_from_any_address() {
    use std::{
        net::{IpAddr, UdpSocket},
        os::fd::AsFd,
    };

    for (any, own, from) in [("0.0.0.0:0", "127.0.0.1:0", "127.0.0.9"), ("[::]:0", "[::1]:0", "::1")] {
        let (server, client) = (UdpSocket::bind(any).unwrap(), UdpSocket::bind(own).unwrap());
        let state = quinn_udp::UdpSocketState::new((&server).into()).unwrap();
        let from: IpAddr = from.parse().unwrap();
        answer(server.as_fd(), &state, client.local_addr().unwrap(), Some(from), b"aabbc", Some(2)).unwrap();
        let mut room = [0; 9];
        for wanted in [&b"aa"[..], b"bb", b"c"] {
            let (length, peer) = client.recv_from(&mut room).unwrap();
            assert_eq!((&room[..length], peer.ip()), (wanted, from));
        }
        server.connect(client.local_addr().unwrap()).unwrap();
        send_joined(server.as_fd(), b"ddee", 2).unwrap();
        assert_eq!((client.recv(&mut room).unwrap(), client.recv(&mut room).unwrap()), (2, 2));
        // More than the system joins is refused.
        let refused = send_joined(server.as_fd(), &vec![0; 65_000], 1).unwrap_err();
        assert!(refuses_joined(&refused), "{refused}");
    }
}

#[test]
fn the_machine_has_a_name_a_kernel_and_cores() {
    let machine = machine();
    assert!(!machine.host.is_empty() && machine.cpus > 0, "{machine:?}");
    assert_eq!(machine.kernel.split(' ').count(), 3, "{machine:?}");
}
