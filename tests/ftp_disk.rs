//! What `ftp` has acknowledged is on disk under its name, and what it has not is not there, whatever happens to the server.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
};

use rustix::process::Signal;
use support::{Folder, PATIENCE, Server, netproto, noise, peer};

/// Stores files, each of this many bytes, until the server is gone; gives the names that were acknowledged.
fn store_until_killed(at: SocketAddr, round: usize, all: &[u8]) -> Option<Vec<String>> {
    let mut control = BufReader::new(TcpStream::connect(at).ok()?);
    control.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
    let mut ask = |line: &str| -> Option<String> {
        if !line.is_empty() {
            control.get_mut().write_all(format!("{line}\r\n").as_bytes()).ok()?;
        }
        let mut reply = String::new();
        control.read_line(&mut reply).ok()?;
        (!reply.is_empty()).then_some(reply)
    };
    for line in ["", "USER ftp", "PASS x", "TYPE I"] {
        ask(line)?;
    }
    let mut acknowledged = Vec::new();
    for n in 0.. {
        let name = format!("f-{round}-{n}");
        let mut put = || -> Option<()> {
            let port = ask("EPSV")?.split('|').nth(3)?.parse::<u16>().ok()?;
            let mut data = TcpStream::connect(("127.0.0.1", port)).ok()?;
            ask(&format!("STOR {name}"))?.starts_with("150").then_some(())?;
            data.write_all(all).ok()?;
            drop(data);
            ask("")?.starts_with("226").then_some(())
        };
        if put().is_none() {
            break;
        }
        acknowledged.push(name);
    }
    Some(acknowledged)
}

#[test]
fn a_killed_server_has_lost_nothing_and_left_no_half() {
    let folder = Folder::new("ftp-kill");
    let all = noise(300_000);
    let root = format!("root={}", folder.path().display());
    let mut acknowledged = Vec::new();
    for round in 0..50 {
        let mut server = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", "ftp", "-p", &root, "-p", "write=true", "-q"]);
        let (at, all) = (server.addr(), all.clone());
        let client = thread::spawn(move || store_until_killed(at, round, &all));
        // At another moment each time: while it is logged in, stores, or puts on disk.
        thread::sleep(std::time::Duration::from_micros(2000 + 1777 * round as u64));
        server.process.signal(Signal::KILL);
        server.process.wait();
        acknowledged.extend(client.join().unwrap().unwrap_or_default());
    }
    assert!(acknowledged.len() >= 10, "{} were stored", acknowledged.len());
    for name in &acknowledged {
        assert!(fs::read(folder.join(name)).unwrap() == all, "{name} is not what was stored");
    }
    for entry in fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap()) {
        let name = entry.file_name().into_string().unwrap();
        assert!(name.ends_with(".netproto-part") || fs::read(entry.path()).unwrap() == all, "{name} is a half");
    }
}

#[test]
fn it_is_on_disk_before_it_is_acknowledged() {
    let Some(strace) = peer("strace") else { return };
    let folder = Folder::new("ftp-strace");
    let (root, log) = (format!("root={}", folder.path().display()), folder.join("strace.log"));
    let server = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", "ftp", "-p", &root, "-p", "write=true"]);
    let pid = server.process.pid.to_string();
    let calls = "trace=fsync,fdatasync,rename,renameat,renameat2,write,writev,sendto,sendmsg";
    let mut tracer = strace.args(&["-f", "-y", "-p", &pid, "-o", &log, "-e", calls]).spawn();
    if tracer.stderr.line(PATIENCE, "attached").is_none() {
        return support::peer::skipped("strace may not attach here");
    }
    let file = folder.file("local", "whole\n");
    netproto(&["send", "ftp", &format!("ftp://{}/kept", server.at()), "--put", &file]).run().code(0);
    // By force: the tracer ends with it.
    drop(server);
    tracer.wait();
    let mut text = String::new();
    fs::File::open(&log).unwrap().read_to_string(&mut text).unwrap();
    let at = |parts: &[&str]| {
        text.lines()
            .position(|line| parts.iter().all(|part| line.contains(part)))
            .unwrap_or_else(|| panic!("no {parts:?}\n{text}"))
    };
    let folder_itself = format!("<{}>)", folder.path().canonicalize().unwrap().display());
    let steps = [
        at(&["sync(", ".kept.netproto-part"]),
        at(&["rename", "kept.netproto-part", "\"kept\""]),
        at(&["fsync(", &folder_itself]),
        at(&["226 "]),
    ];
    assert!(steps.is_sorted(), "{steps:?}\n{text}");
}
