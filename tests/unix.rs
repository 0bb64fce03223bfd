//! Unix sockets: the file, who owns it, and systemd's way of handing one over.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, UdpSocket},
    os::{
        fd::OwnedFd,
        unix::net::{UnixDatagram, UnixListener, UnixStream},
    },
    path::Path,
};

use support::{
    Folder, PATIENCE, Run, Server, nasty,
    net::{ask_datagram, datagrams, exchange, uninterrupted},
    netproto, noise,
};

fn ask(path: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

#[test]
fn serve_send_and_bench() {
    let folder = Folder::new("unix");
    let path = folder.join("s");
    let mut server = Server::start(&["serve-unix", &path]);
    assert_eq!(server.log("listening on "), format!("listening on unix {path}"));
    assert_eq!(ask(&path, &nasty()), [&b"Processed: "[..], &nasty()].concat());
    netproto(&["send", "unix", &path, "hello"]).run().code(0).gave("Processed: hello");
    netproto(&["send", &format!("unix:{path}"), "hello"]).run().code(0).gave("Processed: hello");
    let report = netproto(&["bench", "unix", &path, "-n", "500", "-c", "4", "-J"]).run();
    assert_eq!(report.code(0).json()["requests"], 500, "{report}");
    // The file goes with the server.
    server.stop().code(0);
    assert!(!Path::new(&path).exists());
}

#[test]
fn a_dead_socket_file_is_replaced() {
    let folder = Folder::new("unix-stale");
    let path = folder.join("s");
    // The listener is gone, its file stays.
    drop(UnixListener::bind(&path).unwrap());
    assert!(Path::new(&path).exists());
    let mut server = Server::start(&["serve-unix", &path]);
    assert_eq!(ask(&path, b"hi"), b"Processed: hi");
    server.stop().code(0);
}

#[test]
fn a_socket_in_use_is_never_stolen() {
    let folder = Folder::new("unix-busy");
    let path = folder.join("s");
    let _owner = UnixListener::bind(&path).unwrap();
    netproto(&["serve-unix", &path]).run().code(1).said("netproto: could not").said("in use");
    assert!(UnixStream::connect(&path).is_ok(), "its owner has lost it");
    // The same between two of ours.
    let second = folder.join("t");
    let mut server = Server::start(&["serve-unix", &second]);
    netproto(&["serve-unix", &second]).run().code(1).said("in use");
    assert_eq!(ask(&second, b"hi"), b"Processed: hi");
    server.stop().code(0);
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let folder = Folder::new("unix-file");
    let file = folder.file("precious", "data");
    netproto(&["serve-unix", &file]).run().code(1).said("could not");
    assert_eq!(std::fs::read(&file).unwrap(), b"data");
    let link = folder.join("link");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    netproto(&["serve-unix", &link]).run().code(1).said("could not");
    assert_eq!(std::fs::read(&file).unwrap(), b"data");
    netproto(&["serve-unix", folder.path().to_str().unwrap()]).run().code(1).said("could not");
    netproto(&["serve-unix", &folder.join("no/such/folder")]).run().code(1).said("no such file");
    // A path has to fit into an address of 108 bytes.
    let long = folder.join(&"x".repeat(120));
    let output = netproto(&["serve-unix", &long]).run();
    assert!(matches!(output.code, 1 | 2), "{output}");
    output.said("netproto: ").said("10");
}

#[test]
fn nobody_there_is_a_failure() {
    let folder = Folder::new("unix-nobody");
    netproto(&["send", "unix", &folder.join("none"), "hi"]).run().code(1).said("no such file");
    let stale = folder.join("stale");
    drop(UnixListener::bind(&stale).unwrap());
    netproto(&["send", "unix", &stale, "hi"]).run().code(1).said("refused");
}

#[test]
fn unix_datagrams() {
    let folder = Folder::new("unixgram");
    let (path, mine) = (folder.join("s"), folder.join("me"));
    let mut server = Server::start(&["serve-unix", &format!("unixgram:{path}")]);
    let socket = UnixDatagram::bind(&mine).unwrap();
    socket.connect(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    for data in [&b"hello"[..], b"", &nasty(), &noise(60_000)] {
        socket.send(data).unwrap();
        let mut answer = vec![0; 70_000];
        let n = uninterrupted(|| socket.recv(&mut answer)).unwrap();
        assert!(answer[..n] == [b"Processed: ", data].concat(), "{} bytes", data.len());
    }
    netproto(&["send", &format!("unixgram:{path}"), "hello"]).run().code(0).gave("Processed: hello");
    server.stop().code(0);
    assert!(!Path::new(&path).exists());
}

/// Hands over a listening socket as systemd does: as descriptor 3, with the process's own id in `LISTEN_PID` (`sd_listen_fds(3)`).
fn activated(socket: impl Into<OwnedFd>, args: &[&str]) -> Server {
    let script = "exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"";
    let run: Run = netproto(args).under(&["sh", "-c", script, "sh"]).stdin_from(socket.into());
    Server::start_by(run)
}

#[test]
fn sockets_handed_over_by_systemd_are_used() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = tcp.local_addr().unwrap();
    let mut server = activated(tcp, &["serve-tcp"]);
    assert_eq!(server.addr(), addr);
    assert_eq!(exchange(addr, b"hi"), b"Processed: hi");
    server.stop().code(0);

    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = udp.local_addr().unwrap();
    let mut server = activated(udp, &["serve-udp"]);
    assert_eq!(ask_datagram(&datagrams(addr), b"hi"), b"Processed: hi");
    server.stop().code(0);

    let folder = Folder::new("activated");
    let path = folder.join("s");
    let mut server = activated(UnixListener::bind(&path).unwrap(), &["serve-unix"]);
    assert_eq!(ask(&path, b"hi"), b"Processed: hi");
    server.stop().code(0);
    // Its file belongs to systemd.
    assert!(Path::new(&path).exists());
}

#[test]
fn a_folder_for_answers_that_is_too_long_is_named() {
    let folder = Folder::new("unixgram-long");
    let path = folder.join("s");
    let _server = UnixDatagram::bind(&path).unwrap();
    let long = folder.join(&"x".repeat(100));
    std::fs::create_dir(&long).unwrap();
    let run = netproto(&["send", &format!("unixgram:{path}"), "hello"]).env("TMPDIR", &long).run();
    run.code(1).said(&format!("could not bind unixgram {long}/netproto-")).said("TMPDIR chooses another folder");
}
