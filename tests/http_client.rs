//! The http client and the load generator against servers that do exactly what a test says, and Twisted's: what is told to whom
//! when one is sent elsewhere, and what becomes of requests behind an answer that closes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex},
};

use support::{
    Folder, Server, net, netproto, noise,
    peer::twisted,
    report::{count, hold_against_the_schema},
};

/// The head of the next request, and the body that it tells of.
fn request(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8(body).unwrap())
}

/// Says `answer` to each request; gives what was asked.
fn answering(answer: impl Into<String>) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let (answer, asked) = (answer.into(), Arc::new(Mutex::new(Vec::new())));
    let seen = asked.clone();
    let at = net::serve(move |stream| {
        let mut stream = BufReader::new(stream);
        while let Some(request) = request(&mut stream) {
            seen.lock().unwrap().push(request);
            if stream.get_mut().write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    (at, asked)
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn redirect(status: &str, to: &str) -> String {
    format!("HTTP/1.1 {status} X\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

#[test]
fn what_is_meant_for_one_server_is_not_told_another() {
    let (there, told) = answering(OK);
    let (here, asked) = answering(redirect("302", &format!("http://{there}/x")));
    let own =
        ["Authorization: Basic c2VjcmV0", "cookie: secret=1", "Proxy-Authorization: s", "Host: named.test", "X-Ours: 1"];
    let url = format!("http://{here}/");
    let mut args = vec!["send", "http", &url, "-L"];
    args.extend(own.iter().flat_map(|line| ["--header", line]));
    netproto(&args).run().code(0).gave("ok");
    let (asked, told) = (asked.lock().unwrap().concat(), told.lock().unwrap().concat());
    assert!(own.iter().all(|line| asked.contains(line)), "{asked}");
    assert!(told.contains("X-Ours: 1") && told.contains(&format!("Host: {there}\r\n")), "{told}");
    for secret in ["c2VjcmV0", "secret=1", "Proxy", "named.test"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

/// RFC 9110, section 15.4: only 303 makes a GET of anything, and 301 and 302 of a POST.
#[test]
fn a_redirect_keeps_the_method_unless_it_is_to_change() {
    let (there, told) = answering(OK);
    for (status, method, wanted) in [
        ("301", "POST", "GET /x HTTP/1.1"),
        ("302", "PUT", "PUT /x HTTP/1.1"),
        ("301", "DELETE", "DELETE /x HTTP/1.1"),
        ("303", "PUT", "GET /x HTTP/1.1"),
        ("303", "HEAD", "HEAD /x HTTP/1.1"),
        ("307", "POST", "POST /x HTTP/1.1"),
    ] {
        let (here, _) = answering(redirect(status, &format!("http://{there}/x")));
        let url = format!("http://{here}/");
        let sent = netproto(&["send", "http", &url, "-L", "--method", method, "--body", "data", "-w", "5s"]).run();
        let told = std::mem::take(&mut *told.lock().unwrap()).concat();
        assert!(told.starts_with(wanted), "{status} of {method}: {told}");
        assert_eq!(told.ends_with("data"), !wanted.starts_with("GET"), "{status} of {method}: {told}");
        if method != "HEAD" {
            sent.code(0);
        }
    }
}

/// What was read from standard input can't be said a second time: then a redirect is the answer, and not a right one.
#[test]
fn standard_input_is_not_said_twice() {
    let (here, _) = answering(redirect("307", "/x"));
    netproto(&["send", "http", &format!("http://{here}/"), "-L", "-f", "-"]).stdin("data").run().code(3).said("307");
}

#[test]
fn what_can_not_stand_in_a_request_is_encoded() {
    let (here, asked) = answering(OK);
    for path in ["/a b", "/\u{e4}?\u{e4}", "/x\r\nX: y", "/a%20b#top"] {
        netproto(&["send", "http", &format!("http://{here}{path}")]).run().code(0).gave("ok");
    }
    let lines: Vec<_> = asked.lock().unwrap().iter().map(|head| head.lines().next().unwrap().to_owned()).collect();
    assert_eq!(lines, ["/a%20b", "/%C3%A4?%C3%A4", "/x%0D%0AX:%20y", "/a%20b"].map(|path| format!("GET {path} HTTP/1.1")),);
}

/// A server that answers five requests of a connection, the fifth with a close, whatever else was asked on it.
fn closing_after_five() -> SocketAddr {
    net::serve(|stream| {
        let mut stream = BufReader::new(stream);
        for n in 1..=5 {
            if request(&mut stream).is_none() {
                return;
            }
            let close = if n == 5 { "Connection: close\r\n" } else { "" };
            let answer = format!("HTTP/1.1 200 OK\r\n{close}Content-Length: 2\r\n\r\nok");
            if stream.get_mut().write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
        // As a careful server does: what was asked behind it is read and thrown away.
        let _ = stream.get_mut().shutdown(std::net::Shutdown::Write);
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    })
}

fn bench(url: &str, args: &[&str]) -> serde_json::Value {
    let report = netproto(&[&["bench", "http", url, "-J", "-q"], args].concat()).run().code(0).json();
    hold_against_the_schema(&report);
    report
}

#[test]
fn requests_behind_a_close_are_asked_again() {
    let url = format!("http://{}/", closing_after_five());
    for args in [&["-n", "203", "-c", "3", "--in-flight", "8"][..], &["-n", "60", "-c", "2", "-r", "2k", "--in-flight", "8"]]
    {
        let report = bench(&url, args);
        let wanted = args[1].parse::<u64>().unwrap();
        assert_eq!((count(&report, "/requests"), count(&report, "/failures/total")), (wanted, 0), "{report}");
    }
    let report = bench(&url, &["-d", "300ms", "-c", "2", "--in-flight", "8"]);
    assert_eq!(count(&report, "/failures/total"), 0, "{report}");
}

/// RFC 9112, section 9.6: who says `close` says no more on that connection, whatever the server makes of it.
#[test]
fn who_says_close_asks_no_more() {
    let (here, asked) = answering(OK);
    let report =
        bench(&format!("http://{here}/"), &["-n", "20", "-c", "2", "--in-flight", "4", "--header", "Connection: close"]);
    assert_eq!((count(&report, "/requests"), count(&report, "/failures/total")), (20, 0), "{report}");
    assert_eq!(asked.lock().unwrap().len(), 20);
    assert!(count(&report, "/connects") >= 20, "{report}");
}

#[test]
fn urls_come_in_turn_over_connections_too() {
    let (here, asked) = answering(OK);
    let folder = Folder::new("http-turn");
    let urls = folder.file("urls", "/0\n/1\n/2\n/3\n");
    bench(&format!("http://{here}/"), &["-n", "40", "-c", "1", "--reconnect", "--urls", &urls]);
    let asked = asked.lock().unwrap();
    for n in 0..4 {
        let path = format!("GET /{n} ");
        assert_eq!(asked.iter().filter(|head| head.starts_with(&path)).count(), 10, "{path}");
    }
}

/// The load generator follows nothing: an answer that leads elsewhere is judged as what it is.
#[test]
fn the_load_generator_follows_nothing() {
    let (here, _) = answering(redirect("302", "/x"));
    let url = format!("http://{here}/");
    netproto(&["bench", "http", &url, "-n", "4", "--status", "200", "-J", "-q"]).run().code(1);
    for follow in [&["-L"][..], &["-p", "location=true"]] {
        let run = netproto(&[&["bench", "http", &url, "-n", "4"], follow].concat()).run();
        run.code(2).said("--location is for send").said("--status");
    }
    assert!(!netproto(&["bench", "--help"]).run().code(0).text().contains("--location"));
}

#[test]
fn the_first_byte_is_timed() {
    let (here, _) = answering(OK);
    let report = bench(&format!("http://{here}/"), &["-n", "20", "-c", "2"]);
    assert_eq!(
        (&report["phases"][0]["name"], count(&report, "/phases/0/latency_us/count")),
        (&"first_byte".into(), 20),
        "{report}"
    );
}

/// The answer to a body that nobody wants comes before all of the body was said.
#[test]
fn an_early_refusal_is_read() {
    let server = Server::start(&["serve", "http", "127.0.0.1:0", "-p", "max-body=1K"]);
    let folder = Folder::new("http-early");
    let large = folder.file("large", noise(20_000_000));
    let url = format!("http://{}/", server.at());
    netproto(&["send", "http", &url, "-f", &large]).run().code(3).said("413 Content Too Large");
    // One that closes at once, and reads nothing more.
    let rude = net::serve(|mut stream| {
        let mut some = [0; 1000];
        let _ = stream.read(&mut some);
        let _ = stream.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    netproto(&["send", "http", &format!("http://{rude}/"), "-f", &large]).run().code(3).said("413 Too Large");
}

/// A server that closes after its answer, and says so, answers the rest on connections of their own.
#[test]
fn what_a_closing_server_leaves_is_asked_again() {
    let server = Server::start(&["serve", "http", "127.0.0.1:0", "-p", "echo=true", "-p", "header=Connection:close"]);
    let url = format!("http://{}/", server.at());
    let told = netproto(&["send", "http", &url, "a", "b", "c", "-J"]).run().code(0).json();
    let bodies = told["answer"].as_str().unwrap().matches("\"body\": ").count();
    assert_eq!((&told["messages_sent"], &told["answers"], bodies), (&3.into(), &3.into(), 3), "{told}");
    let shown = netproto(&["send", "http", &url, "a", "b", "c"]).run().code(0).text();
    let at = ["a", "b", "c"].map(|body| shown.find(&format!("\"body\": \"{body}\"")).expect(body));
    assert!(at.is_sorted(), "{shown}");
}

/// Who says `close` says the rest elsewhere; and an answer that ends with the connection is one as any other.
#[test]
fn what_our_own_close_leaves_is_asked_again() {
    let (here, asked) = answering(OK);
    let url = format!("http://{here}/");
    netproto(&["send", "http", &url, "a", "b", "c", "--header", "Connection: close"]).run().code(0).gave("okokok");
    let asked: Vec<_> = asked.lock().unwrap().iter().map(|head| head.chars().last().unwrap()).collect();
    assert_eq!(asked, ['a', 'b', 'c']);
    let until_close = net::serve(|stream| {
        let mut stream = BufReader::new(stream);
        if let Some(request) = request(&mut stream) {
            let _ = write!(stream.get_mut(), "HTTP/1.0 200 OK\r\n\r\n{}", request.chars().last().unwrap());
        }
        let _ = stream.get_mut().shutdown(std::net::Shutdown::Write);
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    netproto(&["send", "http", &format!("http://{until_close}/"), "a", "b", "c"]).run().code(0).gave("abc");
}

/// Where there is nobody any more to ask the rest, that is said.
#[test]
fn what_nobody_answers_any_more_is_a_failure() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let once = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        drop(listener);
        let mut stream = BufReader::new(stream);
        request(&mut stream).unwrap();
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok").unwrap();
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let run = netproto(&["send", "http", &format!("http://{at}/"), "a", "b", "-J"]).run();
    run.code(1);
    once.join().unwrap();
    let told = run.said("closed after 1 of 2 answers").json();
    assert_eq!((&told["answers"], &told["messages_sent"]), (&1.into(), &1.into()), "{told}");
}

/// Each line is an exchange of its own: with its answer, its document, its redirect.
#[test]
fn send_asks_each_line_of_a_list() {
    let (here, asked) = answering(OK);
    let folder = Folder::new("http-lines");
    let urls = folder.file("urls", "/0\n/1\nhttp://other.test:99/2\n");
    let url = format!("http://{here}/");
    netproto(&["send", "http", &url, "--urls", &urls]).run().code(0).gave("ok\nok\nok\n");
    netproto(&["send", "http", &url, "--urls", &urls, "-n", "2", "--interval", "0s", "-q"]).run().code(0);
    let told = netproto(&["send", "http", &url, "--urls", &urls, "-J", "-q"]).run().code(0).json_lines();
    assert_eq!(told.len(), 3, "{told:?}");
    let asked = std::mem::take(&mut *asked.lock().unwrap());
    let lines: Vec<_> = asked.iter().map(|head| head.split(' ').nth(1).unwrap()).collect();
    assert_eq!(lines, ["/0", "/1", "/2"].repeat(4));
    assert!(asked[2].contains("Host: other.test:99\r\n"), "it is asked here, in the other's name: {}", asked[2]);
    netproto(&["send", "http", &url, "--urls", &urls, "a", "b"]).run().code(2).said("--urls");
    netproto(&["send", "http", &url, "--urls", &urls, "-f", "-"]).stdin("x").run().code(2).said("standard input");
}

/// Where a line leads counts, and not the list once more.
#[test]
fn a_listed_redirect_is_followed() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let here = net::serve(move |stream| {
        let mut stream = BufReader::new(stream);
        while let Some(request) = request(&mut stream) {
            let path = request.split(' ').nth(1).unwrap().to_owned();
            let answer = if path == "/old" { redirect("302", "/new") } else { OK.to_owned() };
            seen.lock().unwrap().push(path);
            let _ = stream.get_mut().write_all(answer.as_bytes());
        }
    });
    let folder = Folder::new("http-listed");
    let urls = folder.file("urls", "/old\n/1\n");
    netproto(&["send", "http", &format!("http://{here}/"), "-L", "--urls", &urls]).run().code(0).gave("ok\nok\n");
    assert_eq!(*asked.lock().unwrap(), ["/old", "/new", "/1"]);
}

#[test]
fn one_line_that_fails_fails_the_list() {
    let server = Server::start(&["serve", "http", "127.0.0.1:0", "-p", "root=src"]);
    let folder = Folder::new("http-failing");
    let urls = folder.file("urls", "/lib.rs\n/none\n/lib.rs\n");
    let run = netproto(&["send", "http", &format!("http://{}/", server.at()), "--urls", &urls]).run();
    run.code(3).said("exchange 2: 404 Not Found").said("1 of 3 exchanges failed");
}

/// Who carries plain HTTP reads what says who we are.
#[test]
fn credentials_in_a_header_are_warned_of() {
    let (here, _) = answering(OK);
    let url = format!("http://{here}/");
    for name in ["Authorization", "proxy-authorization", "Cookie"] {
        let header = format!("{name}: secret");
        for command in [&["send", "http", &url][..], &["bench", "http", &url, "-n", "1"]] {
            let run = netproto(&[command, &["--header", &header]].concat()).run();
            run.code(0).said("warning: ").said("as plain text");
        }
    }
    let run = netproto(&["send", "http", &url, "--header", "X-Ours: 1"]).run();
    run.code(0);
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
}

/// What is wrong with an answer is named by what it is, and shown where heads are shown.
#[test]
fn odd_answers_are_told_as_what_they_are() {
    let (bare, _) = answering("HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n");
    netproto(&["send", "http", &format!("http://{bare}/")]).run().code(3).said("404 Not Found");
    let (odd, _) = answering("HTTP/1.1 200 O\u{1}K\r\nX-Odd: 1\r\nContent-Length: 0\r\n\r\n");
    let url = format!("http://{odd}/");
    netproto(&["send", "http", &url]).run().code(1).said("the reason phrase holds a control character");
    netproto(&["send", "http", &url, "-v"]).run().code(1).said("< X-Odd: 1").said("200 O\\x01K");
    let (wrong, _) = answering("HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n");
    netproto(&["send", "http", &format!("http://{wrong}/")]).run().code(1).said("the status is no three digits");
}

/// Files, chunks and an echo of Twisted's.
#[test]
fn our_client_and_generator_ask_twisted() {
    let Some(python) = twisted() else { return };
    let folder = Folder::new("http-twisted");
    folder.file("a.txt", "hello\n");
    folder.file("big.bin", noise(1_000_000));
    let script = "import sys\nfrom twisted.internet import reactor\nfrom twisted.web import server, static, resource\n\
        class E(resource.Resource):\n    isLeaf = True\n    def render_POST(self, r):\n        r.write(b'you said ')\n\
        \x20       return r.content.read()\nroot = static.File(sys.argv[1])\nroot.putChild(b'echo', E())\n\
        port = reactor.listenTCP(0, server.Site(root), interface='127.0.0.1')\n\
        print('on', port.getHost().port, file=sys.stderr, flush=True)\nreactor.run()\n";
    let process = python.args(&[script, folder.path().to_str().unwrap()]).spawn();
    let line = process.talk("on ");
    let at = format!("http://127.0.0.1:{}", line.rsplit(' ').next().unwrap());
    let send = |path: &str, args: &[&str]| netproto(&[&["send", "http", &format!("{at}{path}")], args].concat()).run();
    send("/a.txt", &[]).code(0).gave("hello\n");
    send("/big.bin", &["-o", &folder.join("got")]).code(0);
    assert!(std::fs::read(folder.join("got")).unwrap() == noise(1_000_000));
    send("/a.txt", &["--header", "Range: bytes=1-2", "--status", "206"]).code(0).gave("el");
    send("/none", &[]).code(3).said("404 Not Found");
    send("/echo", &["--chunked", "--body", "abc", "-v"]).code(0).gave("you said abc").said("ended by the last chunk");
    let report =
        bench(&format!("{at}/a.txt"), &["-n", "200", "-c", "4", "--in-flight", "4", "--body-is", &folder.join("a.txt")]);
    assert_eq!((count(&report, "/requests"), count(&report, "/failures/total")), (200, 0), "{report}");
}
