//! The http server as its operator and its clients meet it: what is answered to everything, what can be reached of a folder, who is
//! waited for.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    ffi::OsStr,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::{ffi::OsStrExt as _, fs::symlink},
    thread::sleep,
    time::Duration,
};

use support::{Folder, Server, net, netproto};

fn serve(params: &[&str]) -> Server {
    let params = params.iter().flat_map(|param| ["-p", param]);
    Server::start(&["serve", "http", "127.0.0.1:0"].into_iter().chain(params).collect::<Vec<_>>())
}

fn root(folder: &Folder) -> String {
    format!("root={}", folder.path().display())
}

/// All that comes to this request on a connection of its own.
fn asked(server: &Server, method: &str, path: &str) -> String {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    String::from_utf8_lossy(&net::exchange(server.addr(), request.as_bytes())).into_owned()
}

/// Reads until this has come.
fn until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut came = Vec::new();
    while !String::from_utf8_lossy(&came).contains(wanted) {
        let mut some = [0; 4096];
        match stream.read(&mut some).unwrap() {
            0 => break,
            n => came.extend_from_slice(&some[..n]),
        }
    }
    String::from_utf8_lossy(&came).into_owned()
}

/// A client that is never slow: its pauses lie between requests, and each of its messages comes in a fraction of the time.
#[test]
fn who_is_never_slow_is_never_told_so() {
    let server = serve(&["echo=true", "head-timeout=2s"]);
    let mut stream = net::connect(server.addr());
    let get = "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n";
    stream.write_all(get.as_bytes()).unwrap();
    assert!(until(&mut stream, "\"path\": \"/1\"").starts_with("HTTP/1.1 200 "));
    sleep(Duration::from_millis(2300));
    stream.write_all(b"POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n").unwrap();
    sleep(Duration::from_millis(200));
    stream.write_all(b"x").unwrap();
    assert!(until(&mut stream, "\"path\": \"/2\"").starts_with("HTTP/1.1 200 "));
    sleep(Duration::from_millis(1600));
    stream.write_all(&get.as_bytes()[..10]).unwrap();
    sleep(Duration::from_millis(500));
    stream.write_all(&get.as_bytes()[10..]).unwrap();
    let answer = until(&mut stream, "\"path\": \"/1\"");
    assert!(answer.contains("HTTP/1.1 200 ") && !answer.contains(" 408 "), "{answer}");
}

/// Whatever is asked, and however long its body would be.
#[test]
fn a_canned_answer_is_given_to_everything() {
    let server = serve(&["status=503", "body=down", "header=Retry-After: 9"]);
    let folder = Folder::new("http-canned");
    let large = folder.file("large", vec![b'x'; 50_000_000]);
    let url = format!("http://{}/", server.at());
    for chunked in [&[][..], &["--chunked"]] {
        let args = [&["send", "http", &url, "-f", &large, "--status", "503", "-v"], chunked].concat();
        netproto(&args).run().code(0).gave("down").said("Retry-After: 9");
    }
    for request in ["GET /x HTTP/1.1", "CONNECT h:80 HTTP/1.1", "BREW /.. HTTP/1.1", "OPTIONS * HTTP/1.1"] {
        let answer = net::exchange(server.addr(), format!("{request}\r\nHost: h\r\n\r\n").as_bytes());
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("\r\n\r\ndown"), "{request}: {answer}");
    }
}

/// RFC 9110, section 9.3.6: a 2xx would begin a tunnel.
#[test]
fn no_canned_answer_begins_a_tunnel() {
    let server = serve(&["status=200", "body=fine"]);
    assert!(asked(&server, "CONNECT", "h:80").starts_with("HTTP/1.1 501 "));
}

/// That files can't be changed is true whatever would be put there.
#[test]
fn a_long_upload_to_files_is_told_405() {
    let folder = Folder::new("http-put");
    folder.file("a.txt", "hello\n");
    let large = folder.file("large", vec![b'x'; 50_000_000]);
    let server = serve(&[&root(&folder)]);
    let url = format!("http://{}/a.txt", server.at());
    for header in ["X: y", "Expect: 100-continue"] {
        for chunked in [&[][..], &["--chunked"]] {
            let args = ["send", "http", &url, "--method", "PUT", "-f", &large, "--header", header, "-v"];
            netproto(&[&args, chunked].concat()).run().code(3).said("405 Method Not Allowed").said("Allow: GET");
        }
    }
    // What may be asked with a body has its limit.
    netproto(&["send", "http", &url, "--method", "GET", "-f", &large]).run().code(3).said("413");
}

#[test]
fn a_typed_header_takes_the_place_of_ours() {
    let folder = Folder::new("http-typed");
    folder.file("a.txt", "hello\n");
    let server = serve(&[&root(&folder), "header=date: never", "header=Server: me", "header=Content-Type: text/x-own"]);
    let answer = asked(&server, "GET", "/a.txt");
    for (name, value) in [("date", "never"), ("server", "me"), ("content-type", "text/x-own")] {
        let fields: Vec<_> = answer.lines().filter(|line| line.to_lowercase().starts_with(&format!("{name}:"))).collect();
        assert!(fields.len() == 1 && fields[0].ends_with(value), "{fields:?}");
    }
    // What divides its parts is told by the type alone.
    let range = "GET /a.txt HTTP/1.1\r\nHost: h\r\nRange: bytes=0-0,2-2\r\nConnection: close\r\n\r\n";
    let parts = String::from_utf8(net::exchange(server.addr(), range.as_bytes())).unwrap();
    assert!(parts.contains("Content-Type: multipart/byteranges; boundary=") && !parts.contains("text/x-own"), "{parts}");
}

/// RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5.
#[test]
fn a_status_without_a_body_is_given_none() {
    for status in ["204", "205", "304"] {
        let status = format!("status={status}");
        let run = netproto(&["serve", "http", "127.0.0.1:0", "-p", &status, "-p", "body=x"]).run();
        run.code(2).said("has no body");
    }
    let server = serve(&["status=205"]);
    assert!(asked(&server, "GET", "/").contains("\r\nContent-Length: 0\r\n"));
    // Of a client the one is what it says, and the other what it wants to hear.
    let url = format!("http://{}/", server.at());
    netproto(&["send", "http", &url, "--status", "205", "--body", "x"]).run().code(0);
}

/// Each name of a listing leads to its file; what can't be asked for is counted.
#[test]
fn what_is_listed_can_be_had() {
    let folder = Folder::new("http-names");
    for name in ["new\nline.txt", "back\\slash", "tab\t", "del\u{7f}", "plain"] {
        folder.file(name, name);
    }
    std::fs::write(folder.path().join(OsStr::from_bytes(b"latin\xe9.txt")), "x").unwrap();
    symlink("/etc/passwd", folder.path().join("away")).unwrap();
    let server = serve(&[&root(&folder)]);
    let page = asked(&server, "GET", "/");
    let links: Vec<_> = page.split("href=\"./").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(links.len(), 5, "{page}");
    for link in links {
        let answer = asked(&server, "GET", &format!("/{link}"));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{link}: {answer}");
    }
    assert!(page.contains(">back\\slash</a>") && page.contains(">new\\nline.txt</a>"), "{page}");
    assert!(page.contains("5 names, ") && page.contains("2 more can't be asked for"), "{page}");
    assert!(asked(&server, "GET", "/nul%00").starts_with("HTTP/1.1 400 "));
}

#[test]
fn links_that_lead_nowhere_are_told_truly() {
    let folder = Folder::new("http-links");
    folder.file("a.txt", "hello\n");
    symlink("round", folder.path().join("round")).unwrap();
    symlink(folder.path().join("a.txt"), folder.path().join("absolute")).unwrap();
    symlink("a.txt", folder.path().join("relative")).unwrap();
    let server = serve(&[&root(&folder)]);
    for (path, wanted) in [
        ("/relative", "HTTP/1.1 200 "),
        ("/round", "HTTP/1.1 404 "),
        ("/round/", "HTTP/1.1 404 "),
        ("/absolute", "HTTP/1.1 403 "),
    ] {
        let answer = asked(&server, "GET", path);
        assert!(answer.starts_with(wanted), "{path}: {answer}");
    }
    assert!(asked(&server, "GET", "/absolute").contains("a link that is absolute or leads out"));
}

/// A URL without its scheme is understood as one.
#[test]
fn a_path_behind_a_port_is_a_url() {
    let run = netproto(&["send", "http", "127.0.0.1:21080/a.txt"]).run();
    run.code(2).said("http://127.0.0.1:21080/a.txt");
    netproto(&["send", "http", "localhost:8080", "--follow"]).run().code(2).said("-L");
}

/// Requests that came together are answered from one look at a file; the next ones see what it is by then, and it is not held
/// open meanwhile.
#[test]
fn what_is_asked_later_sees_what_a_file_is_by_then() {
    let folder = Folder::new("http-later");
    let path = folder.path().join("a.txt");
    let server = serve(&[&root(&folder)]);
    let mut stream = net::connect(server.addr());
    let (whole, part) =
        ("GET /a.txt HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a.txt HTTP/1.1\r\nHost: h\r\nRange: bytes=1-2\r\n\r\n");
    for (text, middle) in [("first", "ir"), ("later", "at")] {
        std::fs::write(&path, text).unwrap();
        stream.write_all([whole, part, whole, "GET /none HTTP/1.1\r\nHost: h\r\n\r\n"].concat().as_bytes()).unwrap();
        let came = until(&mut stream, "there is no such file");
        assert_eq!(came.matches(&format!("\r\n\r\n{text}")).count(), 2, "{came}");
        assert_eq!(came.matches(&format!("\r\n\r\n{middle}HTTP/1.1 ")).count(), 1, "{came}");
        let open = std::fs::read_dir(format!("/proc/{}/fd", server.process.pid)).unwrap();
        let held = open.filter_map(|entry| entry.unwrap().path().read_link().ok()).any(|to| to == path);
        assert!(!held, "it is held open");
    }
}
