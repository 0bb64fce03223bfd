//! What `250` means: the message is on disk, under its name, whatever happens next; and before that nobody sees any of it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
};

use rustix::process::Signal;
use support::{Folder, PATIENCE, Server, net, netproto, peer};

const LINES: usize = 4000;

fn body(name: &str) -> String {
    let line = format!("{name} says this again and again\r\n");
    format!("Subject: {name}\r\n\r\n{}", line.repeat(LINES))
}

/// The messages in `new` by subject: are they whole?
fn kept(folder: &Folder) -> BTreeMap<String, bool> {
    let Ok(entries) = fs::read_dir(folder.path().join("mail/new")) else { return BTreeMap::new() };
    let message = |path| {
        let text = fs::read_to_string(path).unwrap();
        let name = text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or("none").to_owned();
        let whole = text.ends_with(&body(&name).replace("\r\n", "\n"));
        (name, whole)
    };
    entries.map(|entry| message(entry.unwrap().path())).collect()
}

struct Mailer(BufReader<TcpStream>);

impl Mailer {
    fn new(server: &Server) -> Self {
        let stream = net::connect(server.addr());
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut mailer = Self(BufReader::new(stream));
        mailer.answer("220 ");
        mailer.say("HELO me\r\n");
        mailer.answer("250 ");
        mailer
    }

    fn say(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn answer(&mut self, begins: &str) {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        assert!(line.starts_with(begins), "{line:?} is not {begins}");
    }

    fn begin(&mut self) {
        self.say("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n");
        for answer in ["250 ", "250 ", "354 "] {
            self.answer(answer);
        }
    }
}

/// Fifty times: one message is acknowledged, another is on its way, and the server is killed at a moment that differs.
#[test]
fn a_server_that_is_killed_loses_nothing_and_shows_nothing_half() {
    let folder = Folder::new("smtp-killed");
    let maildir = format!("maildir={}", folder.join("mail"));
    for round in 0..50 {
        let mut server = Server::start(&["serve-tcp", "0", "-P", "smtp", "-p", &maildir, "-q"]);
        let mut mailer = Mailer::new(&server);
        let (acknowledged, doubtful) = (format!("acknowledged-{round}"), format!("doubtful-{round}"));
        mailer.begin();
        mailer.say(&format!("{}.\r\n", body(&acknowledged)));
        mailer.answer("250 ");
        mailer.begin();
        let text = body(&doubtful);
        // From nothing of it to all of it, with its end; then the server may be anywhere between reading it and renaming it.
        let (said, all) = text.split_at(text.len() * (round % 10) / 9);
        mailer.say(said);
        if all.is_empty() {
            mailer.say(".\r\n");
        }
        server.process.signal(Signal::KILL);
        assert_eq!(server.process.wait().signal, Some(9));
        let kept = kept(&folder);
        assert_eq!(kept.get(&acknowledged), Some(&true), "what 250 was said to is there: {kept:?}");
        assert!(kept.values().all(|whole| *whole), "nothing is there by half: {kept:?}");
        assert!(all.is_empty() || !kept.contains_key(&doubtful), "what has not all come is not there: {kept:?}");
    }
    assert!(kept(&folder).len() >= 50);
}

/// What the system was asked for, in order: the message, its name, its folder, and only then the answer.
#[test]
fn the_disk_has_it_before_the_answer() {
    let Some(_) = peer("strace") else { return };
    let folder = Folder::new("smtp-strace");
    let (maildir, trace) = (format!("maildir={}", folder.join("mail")), folder.join("trace"));
    let calls = "trace=fsync,fdatasync,rename,renameat,renameat2,write,writev,sendto,sendmsg";
    let words = ["strace", "-f", "-y", "-qq", "-s", "400", "-o", &trace, "-e", calls];
    let server = Server::start_by(netproto(&["serve-tcp", "0", "-P", "smtp", "-p", &maildir]).under(&words));
    netproto(&["send", "smtp", &server.at(), "--to", "b@y", "hello"]).run().code(0);
    // The tracer writes as it goes; the answer has been seen by the client, and so by it.
    let text = fs::read_to_string(&trace).unwrap();
    let calls: Vec<&str> = text.lines().collect();
    let find = |what: &dyn Fn(&str) -> bool| {
        calls.iter().position(|line| what(line)).unwrap_or_else(|| panic!("a call is missing:\n{text}"))
    };
    let written = find(&|line| line.contains("write(") && line.contains("/mail/tmp/") && line.contains("hello"));
    let file = find(&|line| line.contains("fsync(") && line.contains("/mail/tmp/"));
    let named = find(&|line| line.contains("rename") && line.contains("/mail/new>"));
    let folder_synced = find(&|line| line.contains("fsync(") && line.contains("/mail/new>"));
    let answered = find(&|line| line.contains("250 2.0.0 taken, and on disk"));
    // The folder itself is new, and so are those in it.
    let made = find(&|line| line.contains("fsync(") && line.contains("/mail>"));
    assert!(made < answered, "{text}");
    let order = [written, file, named, folder_synced, answered];
    assert!(order.is_sorted(), "{order:?}\n{text}");
    // A call that another one interrupts has its result on a line of its own: that stands before the answer, too.
    for call in ["fsync", "rename"] {
        let unfinished = calls[..answered].iter().filter(|line| line.contains(call) && line.contains("<unfinished")).count();
        let resumed = calls[..answered].iter().filter(|line| line.contains(call) && line.contains("resumed>")).count();
        assert_eq!(unfinished, resumed, "{text}");
    }
}

/// Another session has made the file, and is not done: its name is on disk all the same before anything is acknowledged.
#[test]
fn an_mbox_has_its_name_on_disk_before_the_answer() {
    let Some(_) = peer("strace") else { return };
    let folder = Folder::new("smtp-strace-mbox");
    let (mbox, trace) = (format!("mbox={}", folder.join("box")), folder.join("trace"));
    let words = ["strace", "-f", "-y", "-qq", "-o", &trace, "-e", "trace=fsync,fdatasync,sendto,sendmsg,write,writev"];
    let server = Server::start_by(netproto(&["serve-tcp", "0", "-P", "smtp", "-p", &mbox]).under(&words));
    let mut first = Mailer::new(&server);
    first.begin();
    netproto(&["send", "smtp", &server.at(), "--to", "b@y", "hello"]).run().code(0);
    let text = fs::read_to_string(&trace).unwrap();
    let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("no {what}\n{text}"));
    let data =
        text.lines().find(|line| line.contains("fdatasync(") && line.contains("/box>")).expect("the file is synchronised");
    let name =
        text.lines().find(|line| line.contains("fsync(") && line.contains("smtp-strace-mbox")).expect("so is the folder");
    let answered = place("250 2.0.0 taken, and");
    assert!(place(name) < place(data) && place(data) < answered, "{text}");
    assert_eq!(fs::read_to_string(folder.path().join("box")).unwrap().matches("\nhello\n\n").count(), 1);
}

/// What the disk refuses is not acknowledged.
#[test]
fn what_can_not_be_synchronised_is_not_taken() {
    let Some(_) = peer("strace") else { return };
    let folder = Folder::new("smtp-unsynced");
    // What is there need not be made, and put on disk, at the start.
    for name in ["cur", "new", "tmp"] {
        fs::create_dir_all(folder.path().join("mail").join(name)).unwrap();
    }
    let maildir = format!("maildir={}", folder.join("mail"));
    for (error, answer) in [("ENOSPC", "452 4.3.1 no room"), ("EIO", "451 4.3.0 the message could not be kept")] {
        let inject = format!("inject=fsync:error={error}");
        let words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", &inject];
        let server = Server::start_by(netproto(&["serve-tcp", "0", "-P", "smtp", "-p", &maildir]).under(&words));
        let sent = netproto(&["send", "smtp", &server.at(), "--to", "b@y", "hello"]).run();
        sent.code(3).said(answer);
        assert!(kept(&folder).is_empty(), "it is not there");
    }
}

#[test]
fn a_disk_that_is_full_is_said_and_loses_nothing() {
    let Some(_) = peer("strace") else { return };
    let folder = Folder::new("smtp-full");
    let mbox = format!("mbox={}", folder.file("box", ""));
    let words =
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=ENOSPC:when=2+"];
    let server = Server::start_by(netproto(&["serve-tcp", "0", "-P", "smtp", "-p", &mbox]).under(&words));
    let sent = netproto(&["send", "smtp", &server.at(), "--to", "b@y", "hi"]).run();
    sent.code(3).said("452 4.3.1 no room").said("try again later");
    assert_eq!(fs::read(folder.join("box")).unwrap(), b"", "nothing of it is there");
}

#[test]
fn a_message_as_long_as_you_like_takes_little_memory() {
    for place in ["maildir", "mbox"] {
        long_message(place);
    }
}

fn long_message(place: &str) {
    let folder = Folder::new("smtp-memory");
    let place = format!("{place}={}", folder.join("mail"));
    let server = Server::start(&["serve-tcp", "0", "-P", "smtp", "-p", &place, "-p", "max-size=200M"]);
    let mut stream: TcpStream = net::connect(server.addr());
    stream.write_all(b"HELO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n").unwrap();
    let before = support::proc::rss_kib(server.process.pid);
    let piece = "0123456789012345678901234567890123456789012345678901234567890\r\n".repeat(1040);
    (0..1000).for_each(|_| stream.write_all(piece.as_bytes()).unwrap());
    stream.write_all(b".\r\nQUIT\r\n").unwrap();
    let answers = String::from_utf8(net::to_end(&mut stream)).unwrap();
    assert!(answers.contains("250 2.0.0 taken, and on disk"), "{answers}");
    let grown = support::proc::rss_kib(server.process.pid).saturating_sub(before);
    assert!(grown < 8 * 1024, "{grown} KiB more after 64 MiB");
}
