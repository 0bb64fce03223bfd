//! `ftp` where things go wrong: ports that are used again, descriptors, a slow server and a person at a terminal.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    thread,
    time::Duration,
};

use support::{
    Folder, PATIENCE, Server,
    net::spare_port,
    netproto, noise, proc,
    pty::{on_an_echoing_terminal, screen, seen},
};

fn server(name: &str, extra: &[&str]) -> (Folder, Server) {
    let folder = Folder::new(name);
    fs::create_dir_all(folder.path().join("pub")).unwrap();
    folder.file("pub/n", noise(700_000));
    let root = format!("root={}", folder.join("pub"));
    let server = Server::start(&[&["serve-tcp", "127.0.0.1:0", "-P", "ftp", "-p", &root], extra].concat());
    (folder, server)
}

#[test]
fn one_port_serves_one_transfer_after_the_other() {
    let port = spare_port();
    let (folder, server) = server("ftp-port", &["-p", &format!("ports={port}-{port}")]);
    let (url, out) = (format!("ftp://{}/n", server.at()), folder.join("out"));
    for _ in 0..3 {
        netproto(&["send", "ftp", &url, "-o", &out]).run().code(0);
    }
    assert_eq!(fs::read(out).unwrap(), noise(700_000));
}

#[test]
fn the_server_connects_where_it_is_asked_to() {
    let (folder, server) = server("ftp-active", &["-p", "write=true"]);
    let url = |path: &str| format!("ftp://{}/{path}", server.at());
    let out = folder.join("out");
    let talk = netproto(&["send", "ftp", &url("n"), "--active", "-o", &out, "-v"]).run();
    talk.code(0).said("control > EPRT |1|127.0.0.1|").said("data    > listen on 127.0.0.1:").said("data    < 684 KiB, end");
    assert!(!talk.stderr.contains("EPSV") && !talk.stderr.contains("PASV"), "{talk}");
    assert_eq!(fs::read(&out).unwrap(), noise(700_000));
    netproto(&["send", "ftp", &url("up"), "--active", "--put", &out]).run().code(0);
    assert_eq!(fs::read(folder.join("pub/up")).unwrap(), noise(700_000));
    assert!(netproto(&["send", "ftp", &url(""), "--active"]).run().code(0).text().contains("  up\n"));
    netproto(&["bench", "ftp", &url("n"), "--active", "-n", "50", "-c", "4", "-q"]).run().code(0);
}

#[test]
fn what_is_replaced_keeps_who_may_read_it() {
    let (folder, server) = server("ftp-mode", &["-p", "write=true"]);
    let private = |name: &str| {
        let path = folder.file(name, "old");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    };
    let (there, here) = (private("pub/private"), private("here"));
    let url = |path: &str| format!("ftp://{}/{path}", server.at());
    netproto(&["send", "ftp", &url("n"), "-o", &here]).run().code(0);
    netproto(&["send", "ftp", &url("private"), "--put", &here]).run().code(0);
    for path in [there, here] {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{path}");
        assert_eq!(fs::read(&path).unwrap(), noise(700_000));
    }
}

/// Logged in, at the lowest level.
fn line(at: SocketAddr) -> BufReader<TcpStream> {
    let mut line = BufReader::new(TcpStream::connect(at).unwrap());
    line.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(hears(&mut line).starts_with("220 "));
    for (said, heard) in [("USER ftp", "331 "), ("PASS x", "230 ")] {
        assert!(asked(&mut line, said).starts_with(heard));
    }
    line
}

fn hears(line: &mut BufReader<TcpStream>) -> String {
    let mut reply = String::new();
    line.read_line(&mut reply).unwrap();
    reply
}

fn asked(line: &mut BufReader<TcpStream>, command: &str) -> String {
    line.get_mut().write_all(format!("{command}\r\n").as_bytes()).unwrap();
    hears(line)
}

#[test]
fn ports_that_nobody_comes_to_are_given_back() {
    let (_folder, server) = server("ftp-descriptors", &[]);
    let mut line = line(server.addr());
    asked(&mut line, "EPSV");
    let before = proc::descriptors(server.process.pid);
    for n in 0..500 {
        let reply = asked(&mut line, ["PASV", "EPSV"][n % 2]);
        assert!(reply.starts_with("22"), "{reply}");
    }
    assert!(proc::descriptors(server.process.pid) <= before);
    for _ in 0..20 {
        let port = asked(&mut line, "EPSV").split('|').nth(3).unwrap().parse::<u16>().unwrap();
        let mut data = TcpStream::connect(("127.0.0.1", port)).unwrap();
        assert!(asked(&mut line, "RETR none").starts_with("550 "));
        let mut rest = Vec::new();
        let _ = data.read_to_end(&mut rest);
    }
    assert!(proc::descriptors(server.process.pid) <= before);
}

/// A pipe without a reader would hold whoever opens it to write.
#[test]
fn a_pipe_holds_nobody() {
    let (folder, server) = server("ftp-pipe", &["-p", "write=true"]);
    let pipe = folder.join("pub/pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let mut line = line(server.addr());
    assert!(asked(&mut line, "MFMT 20200101000000 pipe").starts_with("550 "));
    for command in ["RETR pipe", "STOR pipe", "APPE pipe"] {
        asked(&mut line, "EPSV");
        assert!(asked(&mut line, command).starts_with("550 "), "{command}");
    }
    assert!(asked(&mut line, "SIZE pipe").starts_with("550 "));
}

/// How the slow server goes on when it has sent a part.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    All,
    Break,
    Stall,
}

/// A server of one file of 64 MB, which takes its time.
fn slow(then: Then) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (control, _) = listener.accept().unwrap();
        let data = TcpListener::bind("127.0.0.1:0").unwrap();
        let say = |line: &str| (&control).write_all(format!("{line}\r\n").as_bytes()).unwrap();
        say("220 hi");
        for line in BufReader::new(control.try_clone().unwrap()).lines().map_while(Result::ok) {
            match line.get(..4).unwrap_or_default() {
                "USER" => say("230 in"),
                "SIZE" => say("213 64000000"),
                "EPSV" => say(&format!("229 (|||{}|)", data.local_addr().unwrap().port())),
                "RETR" => {
                    say("150 go");
                    say(trickle(&data, then));
                }
                _ => say("200 ok"),
            }
        }
    });
    at
}

fn trickle(data: &TcpListener, then: Then) -> &'static str {
    let (mut stream, _) = data.accept().unwrap();
    for n in 0..64 {
        if stream.write_all(&vec![b'x'; 1_000_000]).is_err() {
            return "426 gone";
        }
        // The bar appears after a moment.
        thread::sleep(Duration::from_millis(15));
        match then {
            Then::Break if n == 40 => return "426 the disk is on fire",
            Then::Stall if n == 40 => {
                let _ = stream.read(&mut [0]);
                return "426 gone";
            }
            _ => {}
        }
    }
    "226 done"
}

/// What is on the screen in the end, and whether the bar was there.
fn watched(then: Then, interrupt: bool) -> (String, bool, Folder) {
    let folder = Folder::new(&format!("ftp-bar-{}", then as u8));
    let url = format!("ftp://{}/n", slow(then));
    let mut session = on_an_echoing_terminal(&["send", "ftp", &url, "-o", &folder.join("n")]);
    let before = session.exp_string(" left").unwrap();
    if interrupt {
        session.send_control('c').unwrap();
    }
    let after = screen(&mut session);
    let all: Vec<u8> = before.chars().map(|letter| letter as u8).chain(*b" left").chain(after).collect();
    (seen(&all), before.contains(" %"), folder)
}

#[test]
fn the_bar_is_gone_when_all_is_there() {
    let (seen, was_there, folder) = watched(Then::All, false);
    assert!(was_there);
    assert_eq!(seen.trim(), "");
    assert_eq!(fs::metadata(folder.join("n")).unwrap().len(), 64_000_000);
}

#[test]
fn the_bar_is_gone_after_an_error() {
    let (seen, was_there, _) = watched(Then::Break, false);
    assert!(was_there);
    assert!(seen.starts_with("netproto: ") && seen.contains("426 the disk is on fire"), "{seen}");
    assert!(!seen.contains(" left") && !seen.contains('%'), "{seen}");
}

#[test]
fn the_bar_is_gone_after_ctrl_c_and_what_came_is_kept() {
    let (seen, was_there, folder) = watched(Then::Stall, true);
    assert!(was_there);
    assert!(seen.contains("interrupted") && !seen.contains(" left") && !seen.contains('%'), "{seen}");
    assert!(fs::metadata(folder.join(".n.netproto-part")).unwrap().len() > 1_000_000);
}
