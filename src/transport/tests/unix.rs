//! Unix sockets: whose file is it?

use std::{fs, os::unix::fs::FileTypeExt};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::error::Exit;

const BOTH: [Scheme; 2] = [Scheme::Unix, Scheme::Unixgram];

/// Serves there until dropped, with either kind.
fn serve(target: &Target) -> Result<Box<dyn Send>, Trouble> {
    let flags = SocketFlags::default();
    Ok(match target.scheme {
        Scheme::Unix => Box::new(one(Ok(listen(target, None, &flags)?))),
        _ => Box::new(one(Ok(bind(target, None, &flags)?))),
    })
}

/// What a server that was killed leaves behind.
fn leave_dead(target: &Target) {
    let Place::Path(path) = &target.place else { panic!("no path") };
    match target.scheme {
        Scheme::Unix => drop(std::os::unix::net::UnixListener::bind(path).unwrap()),
        _ => drop(std::os::unix::net::UnixDatagram::bind(path).unwrap()),
    }
    assert!(fs::symlink_metadata(path).unwrap().file_type().is_socket());
}

#[tokio::test]
async fn a_stream_goes_both_ways() {
    let folder = Folder::new();
    let target = folder.target("s", Scheme::Unix);
    let listener = one(listen(&target, None, &SocketFlags::default()));
    let (mut client, route) = connect(&target, &Dial::default()).await.unwrap();
    let (mut server, peer) = accept(&listener).await.unwrap();
    assert_eq!((peer, client.peer()), (Endpoint::Unnamed, listener.local().clone()));
    assert_eq!(route.attempts.len(), 1);
    client.write_all(b"x").await.unwrap();
    assert_eq!(server.read_u8().await.unwrap(), b'x');
    assert!(client.tcp_info().is_none());
}

#[tokio::test]
async fn the_file_goes_with_the_server() {
    let folder = Folder::new();
    for scheme in BOTH {
        let target = folder.target("s", scheme);
        let server = serve(&target).unwrap();
        assert!(fs::symlink_metadata(folder.path("s")).unwrap().file_type().is_socket());
        drop(server);
        assert!(!folder.path("s").exists());
    }
}

#[tokio::test]
async fn another_s_file_stays() {
    let folder = Folder::new();
    for scheme in BOTH {
        let (target, path) = (folder.target("s", scheme), folder.path("s"));
        let server = serve(&target).unwrap();
        // Somebody put another in its place.
        fs::remove_file(&path).unwrap();
        leave_dead(&target);
        drop(server);
        assert!(path.exists());
        fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn a_dead_socket_is_replaced() {
    let folder = Folder::new();
    for scheme in BOTH {
        let target = folder.target("s", scheme);
        leave_dead(&target);
        drop(serve(&target).unwrap());
    }
}

#[tokio::test]
async fn one_in_use_is_never_stolen() {
    let folder = Folder::new();
    for scheme in BOTH {
        for other in BOTH {
            let first = serve(&folder.target("s", scheme)).unwrap();
            let trouble = refused(serve(&folder.target("s", other)));
            let path = folder.path("s");
            assert_eq!(trouble.sentence, format!("could not bind {other} {}: address already in use", path.display()));
            assert!(trouble.hint.is_some() && path.exists());
            drop(first);
        }
    }
}

#[tokio::test]
async fn one_with_a_full_queue_is_in_use_too() {
    let folder = Folder::new();
    let busy = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    busy.bind(&socket2::SockAddr::unix(folder.path("s")).unwrap()).unwrap();
    busy.listen(0).unwrap();
    let _held = std::os::unix::net::UnixStream::connect(folder.path("s")).unwrap();
    let trouble = refused(serve(&folder.target("s", Scheme::Unix)));
    assert!(trouble.sentence.ends_with("address already in use"), "{trouble}");
    assert!(folder.path("s").exists());
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_never_touched() {
    let folder = Folder::new();
    fs::write(folder.path("notes"), "precious").unwrap();
    std::os::unix::fs::symlink(folder.path("notes"), folder.path("link")).unwrap();
    for scheme in BOTH {
        for name in ["notes", "link"] {
            let trouble = refused(serve(&folder.target(name, scheme)));
            assert!(trouble.sentence.ends_with("a file that is no socket has this name"), "{trouble}");
            assert_eq!(trouble.exit, Exit::Failed);
        }
    }
    assert_eq!(fs::read_to_string(folder.path("notes")).unwrap(), "precious");
}

#[tokio::test]
async fn of_two_that_start_at_once_one_serves() {
    let folder = Folder::new();
    leave_dead(&folder.target("s", Scheme::Unix));
    let barrier = std::sync::Barrier::new(4);
    let runtime = tokio::runtime::Handle::current();
    let served = std::thread::scope(|scope| {
        let start = || {
            let _guard = runtime.enter();
            barrier.wait();
            serve(&folder.target("s", Scheme::Unix)).ok()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(served.len(), 1);
    assert!(connect(&folder.target("s", Scheme::Unix), &Dial::default()).await.is_ok());
}

#[tokio::test]
async fn what_is_not_there_is_told() {
    let folder = Folder::new();
    let trouble = refused(connect(&folder.target("s", Scheme::Unix), &Dial::default()).await);
    let shown = folder.path("s").display().to_string();
    assert_eq!(trouble.sentence, format!("could not connect to unix {shown}: no such file or directory"));
    assert_eq!(trouble.hint.unwrap(), format!("there is no such socket; `serve-unix {shown}` makes one"));
    let trouble = refused(packets_to(&Endpoint::Unix(folder.path("s")), Scheme::Unixgram, &Dial::default()).await);
    assert!(trouble.sentence.starts_with("could not reach unixgram "), "{trouble}");
    let trouble = refused(serve(&folder.target("no/folder", Scheme::Unix)));
    assert_eq!(trouble.hint.as_deref(), Some("its folder does not exist"));
}
