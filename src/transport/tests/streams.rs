//! TCP: listening, connecting, flags, endings.

use std::{io, os::fd::AsRawFd, process::Command, time::Duration};

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::error::Exit;

fn loopback() -> Vec<Listener> {
    listen(&listening_place("0", Scheme::Tcp), None, &SocketFlags::default()).unwrap()
}

async fn pair(dial: &Dial) -> (Stream, Stream, Endpoint) {
    let listener = one(listen(&listening_place("127.0.0.1:0", Scheme::Tcp), None, &SocketFlags::default()));
    let (client, _) = connect(&place_of(listener.local(), Scheme::Tcp), dial).await.unwrap();
    let (server, peer) = accept(&listener).await.unwrap();
    (client, server, peer)
}

#[tokio::test]
async fn a_bare_port_is_both_loopbacks_on_one_real_port() {
    let listeners = loopback();
    let addresses: Vec<_> = listeners.iter().map(|listener| address(listener.local())).collect();
    assert_eq!(addresses[0].ip().to_string(), "127.0.0.1");
    assert_ne!(addresses[0].port(), 0);
    if let Some(second) = addresses.get(1) {
        assert_eq!((second.ip().to_string().as_str(), second.port()), ("::1", addresses[0].port()));
    }
}

#[tokio::test]
async fn every_address_takes_connections_to_any() {
    let listeners = listen(&listening_place(":0", Scheme::Tcp), None, &SocketFlags::default()).unwrap();
    let port = address(listeners[0].local()).port();
    assert!(address(listeners[0].local()).ip().is_unspecified());
    let (client, _) = connect(&place(&format!("127.0.0.7:{port}"), Scheme::Tcp), &Dial::default()).await.unwrap();
    let (server, peer) = accept(&listeners[0]).await.unwrap();
    assert_eq!(peer, client.local());
    assert_eq!(server.local().to_string(), format!("127.0.0.7:{port}"));
}

#[tokio::test]
async fn localhost_reaches_whichever_family_serves() {
    for text in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(listeners) = listen(&listening_place(text, Scheme::Tcp), None, &SocketFlags::default()) else { continue };
        let port = address(listeners[0].local()).port();
        let (stream, route) = connect(&place(&port.to_string(), Scheme::Tcp), &Dial::default()).await.unwrap();
        assert_eq!(&stream.peer(), listeners[0].local());
        let last = route.attempts.last().unwrap();
        assert_eq!((&last.address, &last.failure), (listeners[0].local(), &None));
        assert!(route.attempts[..route.attempts.len() - 1].iter().all(|attempt| attempt.failure.is_some()));
    }
}

#[tokio::test]
async fn a_taken_port_is_told_with_a_way_out() {
    let taken = one(listen(&listening_place("127.0.0.1:0", Scheme::Tcp), None, &SocketFlags::default()));
    let again = listen(&listening_place(&taken.local().to_string(), Scheme::Tcp), None, &SocketFlags::default());
    let trouble = refused(again);
    assert_eq!(trouble.sentence, format!("could not bind tcp {}: address already in use", taken.local()));
    assert_eq!(trouble.hint.as_deref(), Some("another process listens there; port 0 takes a free one"));
    assert_eq!(trouble.exit, Exit::Failed);
    let foreign = refused(listen(&listening_place("192.0.2.250:0", Scheme::Tcp), None, &SocketFlags::default()));
    assert!(foreign.sentence.starts_with("could not bind tcp 192.0.2.250:0: "), "{foreign}");
    assert!(foreign.hint.is_some());
}

#[tokio::test]
async fn a_server_may_start_again_at_once() {
    let listener = one(listen(&listening_place("127.0.0.1:0", Scheme::Tcp), None, &SocketFlags::default()));
    let local = listener.local().clone();
    let (mut client, _) = connect(&place_of(&local, Scheme::Tcp), &Dial::default()).await.unwrap();
    let (server, _) = accept(&listener).await.unwrap();
    // The server closes first, so the port's TIME-WAIT is on its side.
    drop((server, listener));
    assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
    drop(client);
    one(listen(&listening_place(&local.to_string(), Scheme::Tcp), None, &SocketFlags::default()));
}

#[tokio::test]
async fn refused_is_one_sentence_and_a_hint() {
    // Bound and not listening: nobody else gets this port, and it refuses.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    let trouble = refused(connect(&place(&format!("127.0.0.1:{port}"), Scheme::Tcp), &Dial::default()).await);
    assert_eq!(trouble.sentence, format!("could not connect to tcp 127.0.0.1:{port}: connection refused"));
    assert_eq!(trouble.hint.unwrap(), format!("nothing listens there; `serve-tcp {port}` would"));
    assert_eq!(trouble.exit, Exit::Failed);
    let address = Endpoint::Ip(format!("127.0.0.1:{port}").parse().unwrap());
    let error = connect_to(&address, Scheme::Tcp, &Dial::default()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn the_time_out_has_an_exit_code_of_its_own() {
    // A listener whose queue is full answers no more.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    socket.listen(0).unwrap();
    let local = Endpoint::Ip(socket.local_addr().unwrap().as_socket().unwrap());
    let dial = Dial { timeout: Some(Duration::from_millis(60)), ..Dial::default() };
    let mut held = Vec::new();
    let mut last = None;
    for _ in 0..16 {
        match connect(&place_of(&local, Scheme::Tcp), &dial).await {
            Ok((stream, _)) => held.push(stream),
            Err(trouble) => last = Some(trouble),
        }
        if last.is_some() {
            break;
        }
    }
    let trouble = last.expect("the queue was never full");
    assert_eq!(trouble.sentence, format!("could not connect to tcp {local}: no answer within 60ms"));
    assert_eq!(trouble.exit, Exit::TimedOut);
    let error = connect_to(&local, Scheme::Tcp, &dial).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn the_source_is_ours_to_choose() {
    let dial = Dial { source: Some("127.0.0.3:0".parse().unwrap()), ..Dial::default() };
    let (client, _server, peer) = pair(&dial).await;
    assert_eq!(address(&peer).ip().to_string(), "127.0.0.3");
    assert_eq!(client.local(), peer);
    let target = place("127.0.0.1:9", Scheme::Tcp);
    let dial = Dial { source: Some("192.0.2.250:0".parse().unwrap()), ..Dial::default() };
    let trouble = refused(connect(&target, &dial).await);
    assert!(trouble.sentence.starts_with("could not use the source 192.0.2.250: "), "{trouble}");
    let dial = Dial { source: Some("[::1]:0".parse().unwrap()), family: Some(Family::V4), ..Dial::default() };
    assert_eq!(refused(connect(&target, &dial).await).exit, Exit::Usage);
}

#[tokio::test]
async fn bytes_go_both_ways_and_a_reset_is_seen_as_one() {
    let (mut client, mut server, _) = pair(&Dial::default()).await;
    client.write_all(b"hello").await.unwrap();
    let mut buffer = [0; 16];
    assert_eq!(server.read(&mut buffer).await.unwrap(), 5);
    let runs = [io::IoSlice::new(b"he"), io::IoSlice::new(b"llo")];
    assert_eq!(server.write_vectored(&runs).await.unwrap(), 5);
    client.read_exact(&mut buffer[..5]).await.unwrap();
    assert_eq!(&buffer[..5], b"hello");
    client.shutdown().await.unwrap();
    assert_eq!(server.read(&mut buffer).await.unwrap(), 0);
    tcp(&server).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(server);
    assert_eq!(client.read(&mut buffer).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

fn tcp(stream: &Stream) -> SockRef<'_> {
    match stream {
        Stream::Tcp(socket) => SockRef::from(socket),
        Stream::Unix(_) | Stream::Polled(_) => panic!("no TCP"),
    }
}

#[tokio::test]
async fn flags_are_set_on_both_sides() {
    let flags = SocketFlags {
        send_buffer: Some(40_000),
        recv_buffer: Some(50_000),
        dscp: Some(46),
        ttl: Some(9),
        keepalive: Some(Duration::from_secs(77)),
        ..SocketFlags::default()
    };
    let listener = one(listen(&listening_place("127.0.0.1:0", Scheme::Tcp), None, &flags));
    let dial = Dial { flags, ..Dial::default() };
    let (client, _) = connect(&place_of(listener.local(), Scheme::Tcp), &dial).await.unwrap();
    let (server, _) = accept(&listener).await.unwrap();
    for socket in [tcp(&client), tcp(&server)] {
        assert!(socket.tcp_nodelay().unwrap());
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(77));
        assert_eq!(socket.tos_v4().unwrap(), 46 << 2);
        assert_eq!(socket.ttl_v4().unwrap(), 9);
        assert!(socket.send_buffer_size().unwrap() >= 40_000 && socket.recv_buffer_size().unwrap() >= 50_000);
    }
    let plain = Dial { flags: SocketFlags { nodelay: false, ..SocketFlags::default() }, ..Dial::default() };
    let (client, _) = connect(&place_of(listener.local(), Scheme::Tcp), &plain).await.unwrap();
    assert!(!tcp(&client).tcp_nodelay().unwrap());
}

#[tokio::test]
async fn flags_that_fail_are_named() {
    let tell = |change: fn(&mut SocketFlags)| {
        let mut flags = SocketFlags::default();
        change(&mut flags);
        refused(listen(&listening_place("127.0.0.1:0", Scheme::Tcp), None, &flags))
    };
    let trouble = tell(|flags| flags.interface = Some("no\x1bsuch".into()));
    assert_eq!(trouble.sentence, "there is no interface \"no\\x1bsuch\"");
    assert_eq!(tell(|flags| flags.broadcast = true).sentence, "--broadcast does not apply to tcp sockets");
    assert_eq!(tell(|flags| flags.ttl = Some(0)).sentence, "could not set --ttl 0: invalid argument");
    assert_eq!(tell(|flags| flags.keepalive = Some(Duration::ZERO)).exit, Exit::Usage);
    let trouble = tell(|flags| flags.recv_buffer = Some(1 << 30));
    assert!(trouble.sentence.starts_with("could not set --recv-buffer "), "{trouble}");
    let trouble = tell(|flags| flags.congestion = Some("nonesuch".into()));
    assert!(trouble.sentence.contains("congestion"), "{trouble}");
    if cfg!(all(target_os = "linux", not(netproto_portable))) {
        assert_eq!(trouble.sentence, "unknown congestion algorithm \"nonesuch\"");
        assert!(trouble.hint.unwrap().contains("reno"));
    }
}

#[cfg(all(target_os = "linux", not(netproto_portable)))]
#[tokio::test]
async fn linux_flags_and_figures() {
    let flags = SocketFlags {
        mss: Some(1000),
        congestion: Some("reno".into()),
        interface: Some("lo".into()),
        ..SocketFlags::default()
    };
    let (client, _server, _) = pair(&Dial { flags, ..Dial::default() }).await;
    assert!(tcp(&client).tcp_congestion().unwrap().starts_with(b"reno"));
    assert_eq!(tcp(&client).device().unwrap().as_deref(), Some(&b"lo"[..]));
    let info = client.tcp_info().unwrap();
    assert!(info.send_mss <= 1000 && info.cwnd > 0, "{info:?}");
}

/// Run in a process of its own by the test below, with a listening socket handed over; else there is nothing to do.
#[tokio::test]
async fn child_that_inherits() {
    if std::env::var_os("LISTEN_FDS").is_none() {
        return;
    }
    let wrong = std::env::var_os("NETPROTO_TEST_WRONG").is_some();
    if wrong {
        let trouble = refused(inherited_packets(Scheme::Udp, &SocketFlags::default()));
        assert!(trouble.sentence.starts_with("could not take over a socket for udp: "), "{trouble}");
        return;
    }
    let listener = one(inherited(Scheme::Tcp, &SocketFlags::default()));
    assert!(inherited(Scheme::Tcp, &SocketFlags::default()).unwrap().is_empty(), "handed over once");
    let (mut stream, _) = accept(&listener).await.unwrap();
    stream.write_all(listener.local().to_string().as_bytes()).await.unwrap();
}

#[test]
fn sockets_can_be_handed_over() {
    use std::io::Read;
    for wrong in [false, true] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let local = listener.local_addr().unwrap();
        rustix::io::fcntl_setfd(&listener, rustix::io::FdFlags::empty()).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "transport::tests::streams::child_that_inherits"]);
        child.env("LISTEN_FDS", "1").env("LISTEN_FDS_FIRST_FD", listener.as_raw_fd().to_string()).env_remove("LISTEN_PID");
        if wrong {
            child.env("NETPROTO_TEST_WRONG", "1");
        }
        let child = child.stdout(std::process::Stdio::piped()).spawn().unwrap();
        rustix::io::fcntl_setfd(&listener, rustix::io::FdFlags::CLOEXEC).unwrap();
        drop(listener);
        if !wrong {
            let mut said = String::new();
            std::net::TcpStream::connect(local).unwrap().read_to_string(&mut said).unwrap();
            assert_eq!(said, local.to_string());
        }
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
