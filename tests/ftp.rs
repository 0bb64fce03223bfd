//! `ftp` as people use it: both ends through the binary, files and folders, what was interrupted, and what must not be.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    thread,
};

use support::{
    Folder, Output, PATIENCE, Server, netproto, noise,
    report::{count, hold_against_the_schema},
};

/// A server of `pub`, which clients may change.
fn server(name: &str, extra: &[&str]) -> (Folder, Server) {
    let folder = Folder::new(name);
    fs::create_dir_all(folder.path().join("pub/sub/deep")).unwrap();
    folder.file("pub/a.txt", "hello\n");
    folder.file("pub/sub/n", noise(700_000));
    folder.file("pub/sub/deep/ö b", "x");
    let root = format!("root={}", folder.join("pub"));
    let server = Server::start(&[&["serve-tcp", "127.0.0.1:0", "-P", "ftp", "-p", &root], extra].concat());
    (folder, server)
}

fn send(server: &Server, path: &str, args: &[&str]) -> Output {
    let url = format!("ftp://{}/{path}", server.at());
    netproto(&[&["send", "ftp", &url], args].concat()).run()
}

/// A client of the lowest kind.
struct Line(BufReader<TcpStream>);

impl Line {
    fn open(server: &Server) -> Self {
        let stream = TcpStream::connect(server.addr()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut line = Self(BufReader::new(stream));
        line.hears("220 ");
        for (said, heard) in [("USER ftp", "331 "), ("PASS x", "230 "), ("TYPE I", "200 ")] {
            line.say(said);
            line.hears(heard);
        }
        line
    }

    fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }

    #[track_caller]
    fn hears(&mut self, begin: &str) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        assert!(line.starts_with(begin), "{line:?} is not {begin:?}");
        line
    }

    /// A data connection, by EPSV.
    fn data(&mut self) -> TcpStream {
        self.say("EPSV");
        let port = self.hears("229 ").split('|').nth(3).unwrap().parse::<u16>().unwrap();
        TcpStream::connect(("127.0.0.1", port)).unwrap()
    }
}

#[test]
fn files_go_both_ways() {
    let (folder, server) = server("ftp-files", &["-p", "write=true"]);
    send(&server, "a.txt", &[]).code(0).gave("hello\n");
    send(&server, "sub/deep/%C3%B6%20b", &[]).code(0).gave("x");
    let out = folder.join("out.bin");
    send(&server, "sub/n", &["-o", &out]).code(0).gave("");
    assert_eq!(fs::read(&out).unwrap(), noise(700_000));
    send(&server, "sub/new", &["--put", &out]).code(0).gave("");
    assert_eq!(fs::read(folder.join("pub/sub/new")).unwrap(), noise(700_000));
    let empty = folder.file("empty", "");
    send(&server, "", &["--put", &empty]).code(0);
    assert_eq!(fs::read(folder.join("pub/empty")).unwrap(), b"");
    send(&server, "sub/new", &["--remove"]).code(0);
    assert!(!Path::new(&folder.join("pub/sub/new")).exists());
    send(&server, "none", &[]).code(3).gave("").said("/none: 550 no such file");
    send(&server, "sub/", &["--remove"]).code(3).said("550 the folder is not empty");
    // Several paths, as lines of a file.
    let paths = folder.file("paths", "a.txt\nsub/deep/ö b\n");
    let at = server.at();
    netproto(&["send", "ftp", &at, "-f", &paths]).run().code(0).gave("hello\nx");
    netproto(&["send", "ftp", &at, "-f", "-"]).stdin(fs::read(paths).unwrap()).run().code(0).gave("hello\nx");
    netproto(&["send", "ftp", &at, "a.txt"]).run().code(0).gave("hello\n");
}

#[test]
fn folders_go_both_ways() {
    let (folder, server) = server("ftp-folders", &["-p", "write=true"]);
    let tree = |at: &str| {
        let mut found = Vec::new();
        let mut folders = vec![folder.path().join(at)];
        while let Some(here) = folders.pop() {
            for entry in fs::read_dir(here).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    folders.push(entry);
                } else {
                    let name = entry.strip_prefix(folder.path().join(at)).unwrap().to_owned();
                    found.push((name, fs::read(&entry).unwrap()));
                }
            }
        }
        found.sort();
        found
    };
    let shown = send(&server, "sub", &[]).code(0).text();
    assert!(shown.contains("d ") && shown.contains("  deep/\n") && shown.contains("700000"), "{shown}");
    assert_eq!(send(&server, "sub/", &["--list"]).text(), shown);
    let file = send(&server, "sub/n", &["--list"]).code(0).text();
    assert!(file.starts_with("- ") && file.ends_with("  n\n") && file.lines().count() == 1, "{file}");
    send(&server, "none", &["--list"]).code(3).gave("").said("none: 550 no such file");
    send(&server, "", &["-o", &folder.join("got")]).code(0).gave("");
    assert_eq!(tree("got"), tree("pub"));
    assert_eq!(tree("got").len(), 3);
    send(&server, "back", &["--put", &folder.join("got")]).code(0).gave("");
    assert_eq!(tree("pub/back"), tree("got"));
}

#[test]
fn what_was_interrupted_is_gone_on_with() {
    let (folder, server) = server("ftp-resume", &["-p", "write=true"]);
    let (whole, file) = (noise(700_000), folder.file("n", noise(700_000)));
    // A client that goes away in the middle: what it sent is there, and nobody sees it.
    let mut line = Line::open(&server);
    let mut data = line.data();
    line.say("STOR up");
    line.hears("150 ");
    data.write_all(&whole[..300_000]).unwrap();
    // ABOR may be quicker than the data: not before some of it is there.
    loop {
        line.say("STAT");
        if !line.hears("213 STOR ").contains(": 0 bytes") {
            break;
        }
    }
    line.say("ABOR");
    line.hears("426 ");
    line.hears("226 ");
    assert!(!Path::new(&folder.join("pub/up")).exists());
    assert!(!send(&server, "", &["--list"]).text().contains("up"));
    line.say("SIZE up");
    let kept: usize = line.hears("213 ")[4..].trim().parse().unwrap();
    assert!((1..=300_000).contains(&kept), "{kept}");
    send(&server, "up", &["--put", &file, "--continue", "-v"]).code(0).said(&format!("REST {kept}"));
    assert_eq!(fs::read(folder.join("pub/up")).unwrap(), whole);
    // And the other way.
    let part = folder.file("part", &whole[..200_001]);
    send(&server, "up", &["-o", &part, "--continue", "-v"]).code(0).said("REST 200001");
    assert_eq!(fs::read(&part).unwrap(), whole);
    send(&server, "up", &["-o", &part, "--continue", "-v"]).code(0);
    send(&server, "up", &["--put", &file, "--continue", "-v"]).code(0);
    // Nothing is left beside.
    let left = fs::read_dir(folder.join("pub")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().contains("netproto-part")));
}

#[test]
fn a_client_that_is_gone_has_sent_nothing_whole() {
    let (folder, server) = server("ftp-gone", &["-p", "write=true"]);
    for _ in 0..20 {
        let mut line = Line::open(&server);
        let mut data = line.data();
        line.say("STOR half");
        line.hears("150 ");
        data.write_all(&[b'x'; 5000]).unwrap();
        // As when a process dies: its control connection, which is the older one, goes first.
        drop(line);
        drop(data);
    }
    let mut line = Line::open(&server);
    let data = line.data();
    line.say("ALLO 10");
    line.hears("200 ");
    line.say("STOR short");
    line.hears("150 ");
    (&data).write_all(b"12345").unwrap();
    drop(data);
    line.hears("426 5 of 10 bytes came");
    line.say("NLST");
    line.hears("425 ");
    for name in ["half", "short"] {
        assert!(!Path::new(&folder.join(&format!("pub/{name}"))).exists(), "{name}");
    }
}

#[test]
fn nothing_is_changed_unless_it_may_be_and_nobody_leaves() {
    let (folder, server) = server("ftp-safe", &[]);
    folder.file("secret", "s");
    std::os::unix::fs::symlink("../secret", folder.join("pub/link")).unwrap();
    let file = folder.file("f", "f");
    send(&server, "f", &["--put", &file]).code(3).said("550 this server is read-only");
    send(&server, "a.txt", &["--remove"]).code(3).said("550 this server is read-only");
    for path in ["link", "../secret", "/../../secret", "sub/../../secret", "%2e%2e/secret"] {
        send(&server, path, &[]).code(3).gave("");
    }
    send(&server, "x%0d%0aDELE%20a.txt", &[]).code(2).said("is no path");
    assert!(!send(&server, "", &[]).text().contains("link"));
}

#[test]
fn names_of_a_server_stay_in_the_folder() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || hostile(&listener));
    let folder = Folder::new("ftp-hostile");
    fs::create_dir(folder.path().join("in")).unwrap();
    let output = netproto(&["send", "ftp", &format!("ftp://{at}/"), "-o", &folder.join("in")]).run();
    output.code(3).said("5 of ").said("leads elsewhere");
    let names = |at: &Path| {
        let mut names: Vec<_> = fs::read_dir(at).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(folder.path()), ["in"]);
    assert_eq!(names(&folder.path().join("in")), ["good"]);
}

/// One conversation of a server that names files elsewhere.
fn hostile(listener: &TcpListener) {
    let (control, _) = listener.accept().unwrap();
    let data = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut reader = BufReader::new(control.try_clone().unwrap());
    let say = |line: &str| (&control).write_all(format!("{line}\r\n").as_bytes()).unwrap();
    say("220 hi");
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap() > 0 {
        match line.get(..4).unwrap_or_default() {
            "USER" => say("230 in"),
            "FEAT" => say("211-\r\n MLST type*;\r\n211 end"),
            // The address is somebody else's: only the port may be believed.
            "EPSV" => say("500 no"),
            "PASV" => {
                let [high, low] = data.local_addr().unwrap().port().to_be_bytes();
                say(&format!("227 (10,0,0,1,{high},{low})"));
            }
            "MLSD" | "RETR" => {
                say("150 go");
                let (mut stream, _) = data.accept().unwrap();
                let names = ["../out", "/tmp/out", "..", "a/../../out", "a\\b", "good"];
                for name in names.iter().filter(|_| line.starts_with("MLSD")) {
                    stream.write_all(format!("type=file;size=0; {name}\r\n").as_bytes()).unwrap();
                }
                drop(stream);
                say("226 done");
            }
            _ => say("200 ok"),
        }
        line.clear();
    }
}

#[test]
fn logins_are_checked_and_told_in_yellow() {
    let (_folder, server) = server("ftp-login", &["-p", "user=bob:se:cret", "-p", "user=eve:x"]);
    let url = |user: &str| format!("ftp://{user}{}/a.txt", server.at());
    let warning = "warning: --user goes to ";
    netproto(&["send", "ftp", &url("bob:se%3Acret@")]).run().code(0).gave("hello\n").said(warning);
    let flag = netproto(&["send", "ftp", &url(""), "--user", "eve:x", "--color", "always"]).run();
    flag.code(0).gave("hello\n").said("\x1b[33mwarning:");
    assert_eq!(flag.stderr.matches("warning:").count(), 1);
    for wrong in ["", "bob:x@", "eve:se%3Acret@", "nobody:x@"] {
        let refused = netproto(&["send", "ftp", &url(wrong)]).run();
        refused.code(3).gave("").said("the login was refused: 530 wrong user or password");
        assert!(refused.took.as_millis() >= 1000, "it is answered late: {:?}", refused.took);
    }
    let talk = netproto(&["send", "ftp", &url("eve:x@"), "-v"]).run();
    talk.code(0)
        .said("control > PASS ***")
        .said("data    > connect 127.0.0.1:")
        .said("data    < 6 B, end")
        .said("control > QUIT");
    assert!(!talk.stderr.contains("eve:x") && !talk.stderr.contains("PASS x"), "{talk}");
    netproto(&["serve", "ftp", "0", "-p", "write=true"]).run().code(2).said("ftp: write needs root").said("-p root=");
    netproto(&["serve", "ftp", "0", "-p", "user=bob"]).run().code(2).said("a colon divides name and password");
}

#[test]
fn transfers_are_drawn_recorded_and_loaded() {
    let (_folder, server) = server("ftp-told", &["-p", "write=true", "-J"]);
    send(&server, "sub/n", &["-o", "/dev/null"]).code(0).gave("");
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    let traced = send(&server, "a.txt", &["--trace"]);
    traced.code(0).said("│◀─ 6 B ──").said("connection 1 ─┤").said("\"RETR a.txt");
    let at = |part: &str| traced.stderr.find(part).unwrap_or_else(|| panic!("no {part}\n{traced}"));
    let steps = ["├─ connection 1 opened ─", " connection 1 ─┤", " connection 1 ended ─┤"].map(at);
    assert!(steps.is_sorted(), "{traced}");
    let put = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let traced = send(&server, "put", &["--put", put, "--active", "--trace", "-J"]).code(0).json();
    let steps: Vec<_> = traced["trace"].as_array().unwrap().iter().map(|step| (&step["event"], &step["way"])).collect();
    for wanted in [("beside_opened", "in"), ("beside_end", "out")] {
        assert!(steps.iter().any(|(event, way)| **event == wanted.0 && **way == wanted.1), "{wanted:?}: {traced:#}");
    }
    let record = send(&server, "a.txt", &["-J"]).code(0).json();
    assert_eq!(record["records"][0]["command"], "RETR", "{record}");
    assert_eq!(record["records"][0]["bytes"], 6);
    let listed = send(&server, "", &["--list", "-J"]).code(0).json();
    assert_eq!(listed["records"][0]["name"], "a.txt", "{listed}");
    let url = format!("ftp://{}/sub/n", server.at());
    for extra in [&[][..], &["--reconnect"]] {
        let report = netproto(&[&["bench", "ftp", &url, "-n", "40", "-c", "4", "-J"], extra].concat()).run().code(0).json();
        hold_against_the_schema(&report);
        assert_eq!((count(&report, "/requests"), count(&report, "/failures/total")), (40, 0));
        assert!(count(&report, "/bytes_received") >= 40 * 700_000, "{report:#}");
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let up = format!("ftp://{}/up", server.at());
    let report = netproto(&["bench", "ftp", &up, "--put", file, "-n", "40", "-c", "8", "-J"]).run().code(0).json();
    assert_eq!((count(&report, "/requests"), count(&report, "/failures/total")), (40, 0));
    netproto(&["bench", "ftp", "-n", "20", "-q"]).run().code(0);
    assert!(server.process.stdout.text().contains("\"command\":\"STOR\""), "{}", server.process.said());
}

#[test]
fn a_server_that_stops_says_so_and_finishes_what_is_under_way() {
    let (folder, mut server) = server("ftp-stop", &["-p", "write=true", "-p", "ports=42000-42999"]);
    let mut idle = Line::open(&server);
    let mut busy = Line::open(&server);
    let mut data = busy.data();
    assert!((42_000..43_000).contains(&data.peer_addr().unwrap().port()));
    busy.say("STOR late");
    busy.hears("150 ");
    server.process.signal(rustix::process::Signal::TERM);
    idle.hears("421 ");
    data.write_all(b"whole").unwrap();
    drop(data);
    busy.hears("226 ");
    busy.hears("421 ");
    let mut rest = Vec::new();
    busy.0.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
    server.stop().code(0);
    assert_eq!(fs::read(folder.join("pub/late")).unwrap(), b"whole");
}

#[test]
fn silence_is_limited() {
    let (_folder, server) = server("ftp-idle", &["-p", "idle=200ms"]);
    let mut line = Line::open(&server);
    let _never_read = line.data();
    line.hears("421 idle");
}
