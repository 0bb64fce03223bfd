//! UDP and Unix datagrams.

use std::{future::poll_fn, io, net::IpAddr};

use super::*;
use crate::session::Facts;

/// What came, as owned values: peer, local address, bytes.
type Came = (Endpoint, Option<IpAddr>, Vec<u8>);

async fn receive(server: &PacketServer, batch: &mut Batch) -> Vec<Came> {
    poll_fn(|cx| server.poll_recv(cx, batch)).await.unwrap();
    let mut all = Vec::new();
    for Arrival { peer, local, datagrams } in batch.arrivals() {
        all.extend(datagrams.iter().map(|one| (peer.clone(), local, one.to_vec())));
    }
    all
}

async fn answer(server: &PacketServer, (peer, local, bytes): &Came) {
    loop {
        match server.try_send(peer, *local, bytes, None) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                poll_fn(|cx| server.poll_send_ready(cx)).await.unwrap();
            }
            other => return other.unwrap(),
        }
    }
}

async fn send(client: &PacketClient, bytes: &[u8]) {
    poll_fn(|cx| client.poll_send_ready(cx)).await.unwrap();
    assert_eq!(client.try_send(bytes).unwrap(), bytes.len());
}

async fn reply(client: &PacketClient) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; 70_000];
    let length = poll_fn(|cx| client.poll_recv(cx, &mut buffer)).await?;
    buffer.truncate(length);
    Ok(buffer)
}

async fn client_of(local: &Endpoint) -> PacketClient {
    packets_to(local, Scheme::Udp, &Dial::default()).await.unwrap()
}

fn serve(text: &str) -> Vec<PacketServer> {
    bind(&listening_place(text, Scheme::Udp), None, &SocketFlags::default()).unwrap()
}

#[tokio::test]
async fn lengths_from_nothing_to_the_largest() {
    for server in serve("0") {
        let client = client_of(server.local()).await;
        let mut batch = Batch::new();
        // Elsewhere the path's MTU is the limit.
        let fragments = cfg!(all(target_os = "linux", not(netproto_portable)));
        let largest = if fragments { Facts::max_datagram_to(server.local()) } else { 9_000 };
        for length in [0, 1, 1400, 8193, largest] {
            let bytes: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            send(&client, &bytes).await;
            let came = receive(&server, &mut batch).await;
            assert_eq!(came.len(), 1, "{length}");
            assert_eq!((&came[0].0, &came[0].2), (client.local(), &bytes));
            answer(&server, &came[0]).await;
            assert_eq!(reply(&client).await.unwrap(), bytes);
        }
        let error = client.try_send(&vec![0; Facts::max_datagram_to(server.local()) + 1]).unwrap_err();
        assert_eq!(crate::error::reason(&error), "message too long");
    }
}

#[tokio::test]
async fn answers_come_from_the_address_that_was_asked() {
    let servers = serve(":0");
    let port = address(servers[0].local()).port();
    assert!(servers.iter().all(|server| address(server.local()).port() == port));
    let mut batch = Batch::new();
    for (server, asked) in servers.iter().zip([format!("127.0.0.5:{port}"), format!("[::1]:{port}")]) {
        // Connected: takes nothing that comes from another address.
        let client = client_of(&Endpoint::Ip(asked.parse().unwrap())).await;
        send(&client, b"who").await;
        let came = receive(server, &mut batch).await;
        assert_eq!(came[0].1, Some(address(client.peer()).ip()));
        answer(server, &came[0]).await;
        assert_eq!(reply(&client).await.unwrap(), b"who");
    }
}

#[tokio::test]
async fn many_at_once_keep_their_order_and_their_borders() {
    let server = one(bind(&listening_place("127.0.0.1:0", Scheme::Udp), None, &SocketFlags::default()));
    let client = client_of(server.local()).await;
    for n in 0..100_u8 {
        send(&client, &vec![n; usize::from(n)]).await;
    }
    let mut batch = Batch::new();
    let mut came = Vec::new();
    while came.len() < 100 {
        came.extend(receive(&server, &mut batch).await);
    }
    for (n, (_, _, bytes)) in came.iter().enumerate() {
        assert_eq!(bytes, &vec![n as u8; n]);
    }
}

#[cfg(all(target_os = "linux", not(netproto_portable)))]
#[tokio::test]
async fn joined_ones_are_cut_apart() {
    let server = one(bind(&listening_place("127.0.0.1:0", Scheme::Udp), None, &SocketFlags::default()));
    let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let state = quinn_udp::UdpSocketState::new((&client).into()).unwrap();
    let contents: Vec<u8> = (0..1050).map(|n| (n / 100) as u8).collect();
    let transmit = quinn_udp::Transmit {
        destination: address(server.local()),
        ecn: None,
        contents: &contents,
        segment_size: Some(100),
        src_ip: None,
    };
    state.try_send((&client).into(), &transmit).unwrap();
    let mut batch = Batch::new();
    let mut came = Vec::new();
    while came.len() < 11 {
        came.extend(receive(&server, &mut batch).await);
    }
    let lengths: Vec<_> = came.iter().map(|(_, _, bytes)| bytes.len()).collect();
    assert_eq!(lengths, [100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 50]);
    assert!(came.iter().enumerate().all(|(n, (_, _, bytes))| bytes.iter().all(|byte| usize::from(*byte) == n)));
}

#[tokio::test]
async fn a_client_that_is_gone_ends_nothing() {
    for server in serve("0") {
        let gone = client_of(server.local()).await;
        let gone_address = gone.local().clone();
        drop(gone);
        for _ in 0..3 {
            answer(&server, &(gone_address.clone(), None, b"nobody".to_vec())).await;
        }
        let client = client_of(server.local()).await;
        send(&client, b"here").await;
        let came = receive(&server, &mut Batch::new()).await;
        answer(&server, &came[0]).await;
        assert_eq!(reply(&client).await.unwrap(), b"here");
    }
}

#[tokio::test]
async fn a_client_is_told_that_nobody_serves() {
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = client_of(&Endpoint::Ip(closed)).await;
    send(&client, b"x").await;
    assert_eq!(reply(&client).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_port_in_use_is_not_shared() {
    let first = one(bind(&listening_place("127.0.0.1:0", Scheme::Udp), None, &SocketFlags::default()));
    let again = bind(&listening_place(&first.local().to_string(), Scheme::Udp), None, &SocketFlags::default());
    let trouble = refused(again);
    assert_eq!(trouble.sentence, format!("could not bind udp {}: address already in use", first.local()));
    assert_eq!(trouble.hint.as_deref(), Some("another process listens there; port 0 takes a free one"));
}

#[tokio::test]
async fn the_source_of_datagrams_is_ours_to_choose() {
    let server = one(bind(&listening_place("127.0.0.1:0", Scheme::Udp), None, &SocketFlags::default()));
    let dial = Dial { source: Some("127.0.0.3:0".parse().unwrap()), ..Dial::default() };
    let client = packets_to(server.local(), Scheme::Udp, &dial).await.unwrap();
    send(&client, b"x").await;
    let came = receive(&server, &mut Batch::new()).await;
    assert_eq!(&came[0].0, client.local());
    assert_eq!(address(client.local()).ip().to_string(), "127.0.0.3");
}

#[tokio::test]
async fn unix_datagrams_go_both_ways() {
    let folder = Folder::new();
    let target = folder.target("d", Scheme::Unixgram);
    let server = one(bind(&target, None, &SocketFlags::default()));
    let client = packets_to(server.local(), Scheme::Unixgram, &Dial::default()).await.unwrap();
    let Endpoint::Unix(own) = client.local().clone() else { panic!("without a name") };
    let mut batch = Batch::new();
    for length in [0, 1, 100_000] {
        send(&client, &vec![7; length]).await;
        let came = receive(&server, &mut batch).await;
        assert_eq!((&came[0].0, came[0].2.len()), (client.local(), length));
        answer(&server, &(client.local().clone(), None, vec![8; length.min(60_000)])).await;
        assert_eq!(reply(&client).await.unwrap(), vec![8; length.min(60_000)]);
    }
    let largest = Facts::max_datagram_to(client.peer());
    send(&client, &vec![1; largest]).await;
    assert_eq!(receive(&server, &mut batch).await[0].2.len(), largest);
    assert!(own.exists());
    drop(client);
    assert!(!own.exists());
    // Whoever has no name can't be answered.
    let nameless = std::os::unix::net::UnixDatagram::unbound().unwrap();
    nameless.send_to(b"x", folder.path("d")).unwrap();
    let came = receive(&server, &mut batch).await;
    assert_eq!(came[0].0, Endpoint::Unnamed);
    assert!(server.try_send(&came[0].0, None, b"x", None).is_err());
}

#[tokio::test]
async fn a_unix_client_that_never_reads_blocks_nobody() {
    let folder = Folder::new();
    let server = one(bind(&folder.target("d", Scheme::Unixgram), None, &SocketFlags::default()));
    let client = packets_to(server.local(), Scheme::Unixgram, &Dial::default()).await.unwrap();
    let lazy = packets_to(server.local(), Scheme::Unixgram, &Dial::default()).await.unwrap();
    let full =
        (0..100_000).find_map(|_| server.try_send(lazy.local(), None, b"x", None).err()).expect("its queue has an end");
    assert_eq!(full.to_string(), "what was sent before has not been read");
    poll_fn(|cx| server.poll_send_ready(cx)).await.unwrap();
    // Nothing of that outlives it.
    drop(lazy);
    server.try_send(client.local(), None, b"y", None).unwrap();
    assert_eq!(reply(&client).await.unwrap(), b"y");
}

#[tokio::test]
async fn groups_and_who_can_join_them() {
    let flags = SocketFlags { join: vec!["10.0.0.1".parse().unwrap()], ..SocketFlags::default() };
    let trouble = refused(bind(&listening_place(":0", Scheme::Udp), None, &flags));
    assert_eq!(trouble.sentence, "could not join 10.0.0.1: it is no multicast group");
    let flags = SocketFlags { join: vec!["239.255.77.1".parse().unwrap()], ..SocketFlags::default() };
    let trouble = refused(bind(&listening_place("5000", Scheme::Udp), None, &flags));
    assert_eq!(trouble.sentence, "could not join 239.255.77.1: 127.0.0.1 gets nothing that is sent to it");
    let trouble = refused(bind(&listening_place("239.255.77.2:0", Scheme::Udp), None, &flags));
    assert_eq!(trouble.sentence, "could not join 239.255.77.1: 239.255.77.2 gets nothing that is sent to it");
    let both = SocketFlags { join: vec!["ff02::1".parse().unwrap(), "239.255.77.1".parse().unwrap()], ..flags.clone() };
    let trouble = refused(bind(&listening_place("127.0.0.1:5000", Scheme::Udp), None, &both));
    assert_eq!(trouble.sentence, "could not join 239.255.77.1: 127.0.0.1 gets nothing that is sent to it");
    assert_eq!(trouble.hint.as_deref(), Some("listen on every address, as in serve-udp :5000"));
    let trouble = refused(bind(&listening_place(":0", Scheme::Udp), Some(Family::V6), &flags));
    assert_eq!(trouble.sentence, "could not join 239.255.77.1: no socket of its family is open");
}

#[cfg(all(target_os = "linux", not(netproto_portable)))]
#[tokio::test]
async fn a_group_is_heard_and_answers_come_from_a_member() {
    let group: IpAddr = "239.255.77.1".parse().unwrap();
    let flags = SocketFlags { join: vec![group], interface: Some("lo".into()), ..SocketFlags::default() };
    let server = one(bind(&listening_place(":0", Scheme::Udp), Some(Family::V4), &flags));
    let to = SocketAddr::new(group, address(server.local()).port());
    let dial = Dial {
        source: Some("127.0.0.1:0".parse().unwrap()),
        flags: SocketFlags { interface: Some("lo".into()), ..SocketFlags::default() },
        ..Dial::default()
    };
    let client = packets_to(&Endpoint::Ip(to), Scheme::Udp, &dial).await.unwrap();
    send(&client, b"all").await;
    let came = receive(&server, &mut Batch::new()).await;
    assert_eq!((came[0].1, came[0].2.as_slice()), (None, &b"all"[..]));
    answer(&server, &came[0]).await;
    let mut buffer = [0; 16];
    let (length, from) = poll_fn(|cx| client.poll_recv_from(cx, &mut buffer)).await.unwrap();
    assert_eq!((length, from.unwrap().ip().to_string().as_str()), (3, "127.0.0.1"));
}

#[cfg(all(target_os = "linux", not(netproto_portable)))]
#[tokio::test]
async fn everybody_is_asked_only_on_purpose_and_each_answers_for_itself() {
    let server = one(bind(&listening_place("0.0.0.0:0", Scheme::Udp), None, &SocketFlags::default()));
    // The broadcast address of the loopback network.
    let everybody = Endpoint::Ip(format!("127.255.255.255:{}", address(server.local()).port()).parse().unwrap());
    let trouble = refused(packets_to(&everybody, Scheme::Udp, &Dial::default()).await);
    assert_eq!(trouble.sentence, format!("could not reach udp {everybody}: permission denied"));
    assert_eq!(trouble.hint.as_deref(), Some("--broadcast allows sending to a broadcast address"));
    let dial = Dial { flags: SocketFlags { broadcast: true, ..SocketFlags::default() }, ..Dial::default() };
    let client = packets_to(&everybody, Scheme::Udp, &dial).await.unwrap();
    send(&client, b"anyone").await;
    let came = receive(&server, &mut Batch::new()).await;
    assert_eq!(came[0].2, b"anyone");
    // The address it came to is no source: the system chooses one.
    answer(&server, &came[0]).await;
    let mut buffer = [0; 16];
    let (length, from) = poll_fn(|cx| client.poll_recv_from(cx, &mut buffer)).await.unwrap();
    assert_eq!((length, from.unwrap().ip().to_string().as_str()), (6, "127.0.0.1"));
}
