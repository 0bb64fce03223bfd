//! `http` as people use it: our server asked by curl, wget, Python, Twisted, wrk and ab; our client asking Python and nginx;
//! the load generator in between.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{io::Write as _, os::unix::fs::symlink, time::Duration};

use support::{
    Folder, Process, Server, net, netproto, noise, peer,
    peer::twisted,
    proc,
    report::{count, hold_against_the_schema},
};

/// A folder with something of everything.
fn site(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.file("a.txt", "hello\n");
    folder.file("big.bin", noise(3_000_000));
    folder.file("a b ä%.html", "<p>odd</p>");
    for inner in ["sub/deep", "index"] {
        std::fs::create_dir_all(folder.path().join(inner)).unwrap();
    }
    folder.file("sub/x.css", "p{}");
    folder.file("index/index.html", "the index");
    symlink("/etc/passwd", folder.path().join("out")).unwrap();
    symlink("a.txt", folder.path().join("in")).unwrap();
    folder
}

fn serve(folder: &Folder) -> Server {
    let root = format!("root={}", folder.path().display());
    Server::start(&["serve", "http", "127.0.0.1:0", "-p", &root])
}

fn curl(server: &Server, path: &str, args: &[&str]) -> Option<String> {
    let url = format!("http://{}{path}", server.at());
    Some(peer("curl")?.args(&["-sS", "--path-as-is", &url]).args(args).run().code(0).text())
}

#[test]
fn curl_gets_files_folders_and_refusals() {
    let folder = site("http-curl");
    let server = serve(&folder);
    let status = ["-o", "/dev/null", "-w", "%{http_code} %{content_type} %{redirect_url}"];
    let at = |path: &str| format!("http://{}{path}", server.at());
    for (path, wanted) in [
        ("/a.txt", "200 text/plain; charset=utf-8 ".to_owned()),
        ("/a%20b%20%C3%A4%25.html?q", "200 text/html; charset=utf-8 ".into()),
        ("/in", "200 application/octet-stream ".into()),
        ("/sub/x.css", "200 text/css; charset=utf-8 ".into()),
        ("/sub?q=1", format!("301 text/plain; charset=utf-8 {}", at("/sub/?q=1"))),
        ("/index/", "200 text/html; charset=utf-8 ".into()),
        ("/", "200 text/html; charset=utf-8 ".into()),
        ("/none", "404 text/plain; charset=utf-8 ".into()),
        ("/a.txt/", "404 text/plain; charset=utf-8 ".into()),
        ("/out", "403 text/plain; charset=utf-8 ".into()),
        ("/../x", "400 text/plain; charset=utf-8 ".into()),
        ("/%2e%2e/x", "400 text/plain; charset=utf-8 ".into()),
        ("/%2e%2e%2fx", "400 text/plain; charset=utf-8 ".into()),
        (&format!("/{}x", format!("{}/", "a".repeat(250)).repeat(30)), "404 text/plain; charset=utf-8 ".into()),
        ("/a%00.txt", "400 text/plain; charset=utf-8 ".into()),
    ] {
        let Some(told) = curl(&server, path, &status) else { return };
        assert_eq!(told, wanted, "{path}");
    }
    assert_eq!(curl(&server, "/index/", &[]).unwrap(), "the index");
    let listing = curl(&server, "/", &[]).unwrap();
    assert!(listing.contains("href=\"./a%20b%20%C3%A4%25.html\">a b ä%.html</a>") && !listing.contains("out"), "{listing}");
    for (args, wanted) in [
        (&["-X", "OPTIONS", "-i"][..], "Allow: GET, HEAD, OPTIONS\r\n"),
        (&["-X", "DELETE", "-i"], "HTTP/1.1 405 Method Not Allowed\r\n"),
        (&["-d", "x", "-i", "-H", "Expect: 100-continue"], "HTTP/1.1 405 Method Not Allowed\r\n"),
        (&["-X", "BREW", "-i"], "HTTP/1.1 501 Not Implemented\r\n"),
        (&["-I"], "Content-Length: 6\r\n"),
        (&["-0", "-i"], "Connection: close\r\n"),
    ] {
        let told = curl(&server, "/a.txt", args).unwrap();
        assert!(told.contains(wanted), "{args:?}: {told}");
    }
}

#[test]
fn curl_gets_parts_and_what_has_changed() {
    let folder = site("http-parts");
    let server = serve(&folder);
    let whole = noise(3_000_000);
    let out = folder.join("part");
    for (range, piece) in [("0-99", &whole[..100]), ("2000000-", &whole[2_000_000..]), ("-5", &whole[2_999_995..])] {
        let Some(status) = curl(&server, "/big.bin", &["-r", range, "-o", &out, "-w", "%{http_code}"]) else { return };
        assert_eq!(status, "206");
        assert!(std::fs::read(&out).unwrap() == piece, "{range}");
    }
    let both = curl(&server, "/a.txt", &["-r", "0-0,3-4"]).unwrap();
    assert_eq!(both.matches("Content-Range: bytes ").count(), 2, "{both}");
    assert!(both.contains("bytes 3-4/6\r\n\r\nlo\r\n--"), "{both}");
    let code = ["-o", "/dev/null", "-w", "%{http_code}"];
    assert_eq!(curl(&server, "/a.txt", &[&["-r", "6-"], &code[..]].concat()).unwrap(), "416");
    let head = curl(&server, "/a.txt", &["-I"]).unwrap();
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    let (etag, modified) = (field("ETag: "), field("Last-Modified: "));
    for (condition, wanted) in [
        (format!("If-None-Match: {etag}"), "304"),
        ("If-None-Match: \"other\"".into(), "200"),
        (format!("If-Modified-Since: {modified}"), "304"),
        (format!("If-Match: {etag}"), "200"),
        ("If-Match: \"other\"".into(), "412"),
        ("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT".into(), "412"),
    ] {
        let args = [&["-H", condition.as_str()], &code[..]].concat();
        assert_eq!(curl(&server, "/a.txt", &args).unwrap(), wanted, "{condition}");
    }
    for (tag, wanted) in [(etag.as_str(), "206"), ("\"other\"", "200")] {
        let condition = format!("If-Range: {tag}");
        let args = [&["-r", "0-1", "-H", condition.as_str()], &code[..]].concat();
        assert_eq!(curl(&server, "/a.txt", &args).unwrap(), wanted, "{condition}");
    }
}

/// Files and pages in one go: what is poured and what is written keep their order.
#[test]
fn pipelined_files_come_in_order() {
    let folder = site("http-pipelined");
    let server = serve(&folder);
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n");
    let asked = [get("/big.bin"), get("/a.txt"), get("/none"), get("/big.bin"), get("/sub/x.css")].concat();
    let answers = net::exchange(server.addr(), asked.as_bytes());
    let (mut rest, mut lengths) = (&answers[..], Vec::new());
    while !rest.is_empty() {
        let end = rest.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        let length: usize = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap().parse().unwrap();
        assert!(length != 3_000_000 || rest[end..end + length] == noise(3_000_000)[..], "the file as it is");
        lengths.push(length);
        rest = &rest[end + length..];
    }
    assert_eq!(lengths, [3_000_000, 6, "404 Not Found: there is no such file\n".len(), 3_000_000, 3]);
}

/// Four gibibytes that are all hole: sent as long as they are, and never held.
#[test]
fn a_file_as_large_as_it_likes_leaves_memory_flat() {
    let folder = site("http-large");
    let hole = std::fs::File::create(folder.path().join("4g")).unwrap();
    hole.set_len(4 << 30).unwrap();
    let server = serve(&folder);
    let size = ["-o", "/dev/null", "-w", "%{size_download}"];
    let Some(small) = curl(&server, "/big.bin", &size) else { return };
    assert_eq!(small, "3000000");
    let before = proc::peak_kib(server.process.pid);
    // On a busy machine that takes its time.
    let url = format!("http://{}/4g", server.at());
    let whole = peer("curl").unwrap().args(&["-sS", &url]).args(&size).within(Duration::from_secs(120)).run();
    assert_eq!(whole.code(0).text(), "4294967296");
    let after = proc::peak_kib(server.process.pid);
    assert!(after < before + 2048, "{before} KiB, and {after} KiB afterwards");
    let tail =
        netproto(&["send", "http", &format!("http://{}/4g", server.at()), "--header", "Range: bytes=4294967290-", "-v"]);
    tail.run().code(0).gave([0; 6]).said("Content-Range: bytes 4294967290-4294967295/4294967296");
}

#[test]
fn wget_mirrors_and_goes_on() {
    let folder = site("http-wget");
    let server = serve(&folder);
    let Some(wget) = peer("wget") else { return };
    let to = Folder::new("http-wget-to");
    let url = format!("http://{}/", server.at());
    let into = to.path().to_str().unwrap();
    wget.args(&["-q", "-r", "-np", "-nH", "-P", into, &url]).run().code(0);
    for name in ["a.txt", "big.bin", "a b ä%.html", "sub/x.css"] {
        assert!(std::fs::read(to.join(name)).unwrap() == std::fs::read(folder.join(name)).unwrap(), "{name}");
    }
    // Cut off, and gone on with.
    to.file("big.bin", &noise(3_000_000)[..1_000_000]);
    peer("wget").unwrap().args(&["-q", "-c", "-P", into, &format!("{url}big.bin")]).run().code(0);
    assert!(std::fs::read(to.join("big.bin")).unwrap() == noise(3_000_000));
}

#[test]
fn an_echo_tells_what_came() {
    let server = Server::start(&["serve", "http", "127.0.0.1:0", "-p", "echo=true", "-p", "header=X-Ours: 1"]);
    let Some(told) = curl(&server, "/x?y", &["-d", "a=b", "-H", "Transfer-Encoding: chunked"]) else { return };
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["method"], &told["path"], &told["query"]), (&"POST".into(), &"/x".into(), &"y".into()));
    assert_eq!((&told["body"], &told["body_bytes"]), (&"a=b".into(), &3.into()));
    let answer = curl(&server, "/", &["-i", "-X", "PATCH"]).unwrap();
    assert!(answer.contains("\r\nX-Ours: 1\r\n") && answer.contains("\"method\": \"PATCH\""), "{answer}");
    let large = curl(&server, "/", &["-s", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", &"x".repeat(100_000)]);
    assert_eq!(large.unwrap(), "200");
}

#[test]
fn python_keeps_the_connection() {
    let folder = site("http-python");
    let server = serve(&folder);
    let Some(python) = peer("python3") else { return };
    let script = "import http.client, sys\n\
        c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]))\n\
        for path in ['/a.txt', '/none', '/big.bin', '/sub/x.css']:\n\
        \x20   c.request('GET', path); sock = c.sock; r = c.getresponse(); print(r.status, len(r.read()), c.sock is sock)\n\
        c.request('HEAD', '/big.bin'); r = c.getresponse(); print(r.status, r.getheader('Content-Length'), len(r.read()))\n";
    let said = python.args(&["-c", script, &server.port().to_string()]).run().code(0).text();
    let miss = "404 Not Found: there is no such file\n".len();
    assert_eq!(said, format!("200 6 True\n404 {miss} True\n200 3000000 True\n200 3 True\n200 3000000 0\n"));
}

/// An agent of Twisted's posts to our echo.
#[test]
fn twisted_asks_us() {
    let server = Server::start(&["serve", "http", "127.0.0.1:0", "-p", "chunked=true"]);
    let Some(python) = twisted() else { return };
    let script = "import sys, io\nfrom twisted.internet import reactor\nfrom twisted.web.client import Agent, FileBodyProducer, readBody\n\
        d = Agent(reactor).request(b'POST', ('http://127.0.0.1:%s/t' % sys.argv[1]).encode(), None, FileBodyProducer(io.BytesIO(b'from twisted')))\n\
        d.addCallback(readBody)\nd.addCallback(lambda body: print(body.decode()))\nd.addBoth(lambda _: reactor.stop())\nreactor.run()\n";
    let said = python.args(&[script, &server.port().to_string()]).run().code(0).text();
    assert!(said.contains("\"body\": \"from twisted\"") && said.contains("\"method\": \"POST\""), "{said}");
}

#[test]
fn wrk_and_ab_find_no_errors() {
    let folder = site("http-wrk");
    let server = serve(&folder);
    let url = format!("http://{}/a.txt", server.at());
    if let Some(wrk) = peer("wrk") {
        let said = wrk.args(&["-t1", "-c8", "-d1s", &url]).run().code(0).text();
        assert!(said.contains("Requests/sec") && !said.contains("Non-2xx") && !said.contains("Socket errors"), "{said}");
    }
    for keep in ["-k", "-d"] {
        if let Some(ab) = peer("ab") {
            let said = ab.args(&["-q", keep, "-n", "200", "-c", "8", &url]).run().code(0).text();
            assert!(said.contains("Complete requests:      200") && said.contains("Failed requests:        0"), "{said}");
            assert!(!said.contains("Non-2xx"), "{said}");
        }
    }
}

/// Python's file server: HTTP/1.0, closes after each answer.
fn python_server(folder: &Folder) -> Option<(Process, String)> {
    let python = peer("python3")?;
    let script = "import http.server, functools, sys\n\
        class H(http.server.SimpleHTTPRequestHandler):\n\
        \x20   def do_POST(self):\n\
        \x20       body = self.rfile.read(int(self.headers['Content-Length']))\n\
        \x20       self.send_response(303 if self.path == '/go' else 200)\n\
        \x20       self.send_header('Location', '/a.txt')\n\
        \x20       self.end_headers()\n\
        \x20       self.wfile.write(body[::-1])\n\
        s = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(H, directory=sys.argv[1]))\n\
        print('on', s.server_port, file=sys.stderr, flush=True)\ns.serve_forever()\n";
    let process = python.args(&["-c", script, folder.path().to_str().unwrap()]).spawn();
    let line = process.talk("on ");
    Some((process, format!("http://127.0.0.1:{}", line.rsplit(' ').next().unwrap())))
}

#[test]
fn our_client_asks_python() {
    let folder = site("http-client");
    let Some((_process, at)) = python_server(&folder) else { return };
    let send = |path: &str, args: &[&str]| netproto(&[&["send", "http", &format!("{at}{path}")], args].concat()).run();
    send("/a.txt", &[]).code(0).gave("hello\n");
    assert!(send("/big.bin", &["-o", &folder.join("got")]).code(0).text().is_empty());
    assert!(std::fs::read(folder.join("got")).unwrap() == noise(3_000_000));
    send("/none", &[]).code(3).said("404 File not found");
    send("/none", &["--status", "404"]).code(0);
    send("/a.txt", &["--status", "404"]).code(3).said("200 OK, and not 404 Not Found");
    // The body that comes back ends with the connection.
    send("/", &["abc"]).code(0).gave("cba");
    send("/", &["--body", "abc", "--header", "X: y", "-v"]).code(0).gave("cba").said("ended by the close of the connection");
    send("/", &["-f", &folder.join("a.txt")]).code(0).gave("\nolleh");
    netproto(&["send", "http", &at, "-f", "-"]).stdin("stdin").run().code(0).gave("nidts");
    send("/sub", &[]).code(0).gave("");
    let followed = send("/sub", &["-L"]).code(0).text();
    assert!(followed.contains("x.css"), "{followed}");
    send("/go", &["-L", "--body", "x"]).code(0).gave("hello\n");
    send("/big.bin", &["--method", "HEAD", "-v"]).code(0).gave("").said("Content-Length: 3000000");
    let told = send("/a.txt", &["-J"]).code(0).json();
    assert_eq!((&told["records"][0]["status"], &told["records"][0]["framing"]), (&200.into(), &"content_length".into()));
    send("/a.txt", &["--body-is", &folder.join("a.txt")]).code(0);
    send("/a.txt", &["--body-is", &folder.join("sub/x.css")]).code(3).said("differs from the right one at byte 0");
}

/// nginx with one worker; `None` where it is not installed.
fn nginx(folder: &Folder) -> Option<(Process, String)> {
    let nginx = peer("nginx")?;
    let port = net::spare_port();
    let at = folder.path().display();
    let config = folder.file(
        "nginx.conf",
        format!(
            "daemon off; worker_processes 1; pid {at}/nginx.pid; error_log {at}/error.log;\nevents {{}}\nhttp {{ access_log off; \
             client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; \
             scgi_temp_path {at}/s; gzip on; gzip_types text/plain; gzip_min_length 1; ssi on; ssi_types text/html;\n\
             server {{ listen 127.0.0.1:{port}; root {at}; location /old {{ return 302 /a.txt; }} \
             location /busy {{ return 503; }} }} }}\n"
        ),
    );
    let process = nginx.args(&["-c", &config]).spawn();
    let url = format!("http://127.0.0.1:{port}");
    let up = netproto(&["send", "tcp", &format!("127.0.0.1:{port}"), "-z", "--retry", "100", "--retry-delay", "50ms"]).run();
    up.code(0);
    Some((process, url))
}

#[test]
fn our_client_and_generator_ask_nginx() {
    let folder = site("http-nginx");
    folder.file("ssi.html", "<!--# echo var=\"x\" -->chunks");
    let Some((_process, at)) = nginx(&folder) else { return };
    let send = |path: &str, args: &[&str]| netproto(&[&["send", "http", &format!("{at}{path}")], args].concat()).run();
    send("/a.txt", &[]).code(0).gave("hello\n");
    // nginx does not know the length of what it puts together.
    send("/ssi.html", &["-v"]).code(0).said("ended by the last chunk").gave("(none)chunks");
    send("/old", &["-L"]).code(0).gave("hello\n");
    send("/busy", &[]).code(3).said("503 Service Temporarily Unavailable");
    let urls = folder.file("urls", "/a.txt\n# busy\n/busy\n");
    let bench = |args: &[&str]| {
        let report = netproto(&[&["bench", "http", &at, "-J", "-q", "-c", "2"], args].concat()).run().code(0).json();
        hold_against_the_schema(&report);
        report
    };
    let report = bench(&["-n", "400", "--urls", &urls]);
    assert_eq!(count(&report, "/requests") + count(&report, "/failures/total"), 400);
    assert!(count(&report, "/failures/status_503") >= 190, "{report}");
    assert_eq!(count(&report, "/failures/wrong_reply"), 0);
    let report = bench(&[
        "-n",
        "300",
        "--in-flight",
        "16",
        "--body-is",
        &folder.join("a.txt"),
        "--urls",
        &folder.file("one", "/a.txt"),
    ]);
    assert_eq!((count(&report, "/requests"), count(&report, "/failures/total")), (300, 0), "{report}");
    let report =
        bench(&["-n", "50", "--reconnect", "--header", "X: y", "--status", "503", "--urls", &folder.file("two", "/busy")]);
    assert_eq!(count(&report, "/requests"), 50, "{report}");
}

#[test]
fn the_generator_loads_its_own_server() {
    let report = netproto(&["bench", "http", "-n", "500", "-c", "4", "--in-flight", "8", "-J", "-q"]).run().code(0).json();
    assert_eq!(count(&report, "/requests"), 500);
    hold_against_the_schema(&report);
}

#[test]
fn requests_are_logged_as_records() {
    let folder = site("http-log");
    let root = format!("root={}", folder.path().display());
    let mut server = Server::start(&["serve", "http", "127.0.0.1:0", "-p", &root, "-J"]);
    let asked = net::exchange(server.addr(), b"GET /none HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert!(asked.starts_with(b"HTTP/1.1 404 "));
    let refused = net::exchange(server.addr(), b"GET / HTTP/1.1\nHost: h\n\n");
    assert!(refused.starts_with(b"HTTP/1.1 400 Bad Request\r\n"), "{}", refused.escape_ascii());
    let lines = server.stop().json_lines();
    let request = lines.iter().find(|line| line["event"] == "request").unwrap();
    assert_eq!((&request["status"], &request["target"], &request["method"]), (&404.into(), &"/none".into(), &"GET".into()));
    assert!(lines.iter().any(|line| line.to_string().contains("ends in LF alone")), "{lines:?}");
}

/// A client that says half a request is answered with 408 and gone.
#[test]
fn a_slow_head_is_not_waited_for() {
    let server = Server::start(&["serve", "http", "127.0.0.1:0", "-p", "head-timeout=200ms"]);
    let mut stream = net::connect(server.addr());
    stream.write_all(b"GET / HTTP/1.1\r\nHost:").unwrap();
    let answer = net::to_end(&mut stream);
    assert!(answer.starts_with(b"HTTP/1.1 408 Request Timeout\r\n"), "{}", answer.escape_ascii());
    let mut silent = net::connect(server.addr());
    assert_eq!(net::to_end(&mut silent), b"");
}
