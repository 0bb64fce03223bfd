//! `smtp`: where a message comes from, and the file it goes to, as a person names them; and what becomes of that when it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::{PermissionsExt as _, symlink},
    time::{Duration, Instant},
};

use rustix::process::Signal;
use support::{Folder, PATIENCE, Server, net, netproto};

fn send(at: &str, more: &[&str]) -> support::Run {
    netproto(&[&["send", "smtp", at, "-w", "20s", "--to", "b@y"], more].concat())
}

/// A server that appends to this file.
fn mbox(path: &str) -> Server {
    Server::start(&["serve-tcp", "0", "-P", "smtp", "-p", &format!("mbox={path}")])
}

fn pipe(path: &str) {
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
}

/// Thirty times: a long message is acknowledged, and another is being appended when the server is killed.
#[test]
fn an_mbox_of_a_server_that_is_killed_shows_nothing_half() {
    let folder = Folder::new("smtp-killed-mbox");
    let path = folder.join("box");
    let line = "this is said again and again, and again, and again\r\n";
    let text = |name: &str| format!("Subject: {name}\r\n\r\n{}end of {name}\r\n", line.repeat(60_000));
    let mut taken_off = 0;
    for round in 0..30 {
        let before = fs::metadata(&path).map_or(0, |file| file.len());
        let mut server = mbox(&path);
        let mut stream = BufReader::new(net::connect(server.addr()));
        stream.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
        let said = format!("HELO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n{}.\r\n", text(&format!("n{round}")));
        stream.get_mut().write_all(said.as_bytes()).unwrap();
        let until = Instant::now() + PATIENCE;
        // As soon as it grows, and a little later each time.
        while fs::metadata(&path).map_or(0, |file| file.len()) <= before && Instant::now() < until {
            std::hint::spin_loop();
        }
        std::thread::sleep(Duration::from_micros(100 * (round % 10)));
        server.process.signal(Signal::KILL);
        assert_eq!(server.process.wait().signal, Some(9));
        let acknowledged = stream.lines().map_while(Result::ok).any(|line| line.contains("taken, and on disk"));
        // Whoever appends next shows what is there.
        let server = mbox(&path);
        taken_off += usize::from(server.process.said().contains("half a piece was taken off its end"));
        send(&server.at(), &["--subject", "small", "hi"]).run().code(0);
        let kept = fs::read_to_string(&path).unwrap();
        let (begun, ended) = (format!("Subject: n{round}\n"), format!("end of n{round}\n"));
        assert_eq!(kept.matches(&begun).count(), kept.matches(&ended).count(), "round {round}: nothing is there by half");
        assert!(!acknowledged || kept.contains(&ended), "round {round}: what 250 was said to is there");
        assert!(kept.ends_with("\nhi\n\n"), "round {round}");
        fs::write(&path, "").unwrap();
    }
    println!("{taken_off} pieces were taken off");
}

#[test]
fn what_is_piped_in_is_the_text() {
    let folder = Folder::new("smtp-piped");
    let path = folder.join("box");
    let server = mbox(&path);
    send(&server.at(), &[]).stdin("piped\n").run().code(0);
    send(&server.at(), &["--body", "given"]).stdin("not this\n").run().code(0);
    send(&server.at(), &["--subject", "empty"]).run().code(0);
    let kept = fs::read_to_string(&path).unwrap();
    assert!(kept.contains("\n\npiped\n\n") && kept.contains("\n\ngiven\n\n") && !kept.contains("not this"), "{kept}");
    assert_eq!(kept.matches("\nReturn-Path: ").count(), 3, "{kept}");
    let twice = send(&server.at(), &["-n", "2"]).stdin("x").run();
    twice.code(2).said("standard input can be read only once");
}

#[test]
fn files_are_what_their_names_lead_to() {
    let folder = Folder::new("smtp-links");
    fs::create_dir(folder.join("d2")).unwrap();
    fs::create_dir(folder.join("d1")).unwrap();
    folder.file("d2/m.eml", "Subject: linked\n\nlinked\n");
    symlink("../d2/m.eml", folder.join("d1/m.eml")).unwrap();
    symlink("d2/box", folder.join("box")).unwrap();
    let server = mbox(&folder.join("box"));
    send(&server.at(), &["-f", &folder.join("d1/m.eml")]).run().code(0);
    let fifo = folder.join("pipe");
    pipe(&fifo);
    let end = fifo.clone();
    let writes = std::thread::spawn(move || fs::write(end, "Subject: piped\n\nthrough a pipe\n"));
    send(&server.at(), &["-f", &fifo]).run().code(0);
    writes.join().unwrap().unwrap();
    send(&server.at(), &["-f", "/dev/null"]).run().code(0);
    let kept = fs::read_to_string(folder.join("d2/box")).unwrap();
    assert!(
        kept.contains("\nSubject: linked\n\nlinked\n") && kept.contains("\nSubject: piped\n\nthrough a pipe\n"),
        "{kept}"
    );
    assert_eq!(kept.matches("\nReturn-Path: ").count(), 3, "{kept}");
}

/// Nothing listens there: it is found out before that is.
#[test]
fn what_can_not_be_read_or_appended_to_is_said_at_once() {
    let folder = Folder::new("smtp-odd-files");
    let (none, dir) = (folder.join("none.eml"), folder.join("."));
    let nowhere = "127.0.0.1:1";
    send(nowhere, &["-f", &none]).run().code(1).said(&format!("could not read {none}: no such file"));
    send(nowhere, &["-f", &dir]).run().code(1).said("is a folder");
    let put = |path: &str| netproto(&["send", "ftp", nowhere, "x", "--put", path]).run();
    put(&none).code(1).said(&format!("could not read {none}: no such file"));
    pipe(&folder.join("pipe"));
    for place in [&dir, &folder.join("pipe")] {
        let server = netproto(&["serve-tcp", "0", "-P", "smtp", "-p", &format!("mbox={place}")]).within(PATIENCE).run();
        server.code(2).said(place).said("no regular file");
    }
}

#[test]
fn a_server_that_can_not_keep_mail_says_so_once() {
    let folder = Folder::new("smtp-unkept");
    let mail = folder.join("mail");
    let mut server = Server::start(&["serve-tcp", "0", "-P", "smtp", "-p", &format!("maildir={mail}")]);
    fs::remove_dir(&mail).unwrap();
    let file = folder.file("m.eml", "Subject: x\n\nx\n");
    let long = folder.file("l.eml", "Subject: x\n\nx\n".repeat(100_000));
    for words in [&["hi"][..], &["-f", &file], &["-f", &long], &["--no-chunking", "hi"]] {
        let sent = send(&server.at(), words).run();
        sent.code(3).said("451 4.3.0 the message could not be kept; try again later").said("try again later");
    }
    let told = server.stop().code(0).stderr.clone();
    assert_eq!(told.matches("a message could not be kept: no such file").count(), 1, "{told}");
    assert!(told.contains("hint: "), "{told}");
}

#[test]
fn mail_is_for_its_owner() {
    let folder = Folder::new("smtp-modes");
    let server = Server::start(&["serve-tcp", "0", "-P", "smtp", "-p", &format!("maildir={}", folder.join("mail"))]);
    send(&server.at(), &["--to", "c@y", "hi"]).run().code(0);
    let file = fs::read_dir(folder.join("mail/new")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("\nDelivered-To: b@y\nDelivered-To: c@y\nReceived: "), "whom it was for is not lost\n{text}");
}

#[test]
fn an_mbox_is_read_whoever_wrote() {
    let folder = Folder::new("smtp-from-line");
    let path = folder.join("box");
    let server = mbox(&path);
    send(&server.at(), &["--from", "jürgen@exämple.test", "hi"]).run().code(0);
    let kept = fs::read_to_string(&path).unwrap();
    let (line, _) = kept.split_once('\n').unwrap();
    assert!(line.is_ascii() && line.starts_with("From j?rgen@ex?mple.test "), "{line}");
    let Some(python) = support::peer("python3") else { return };
    let script = "import mailbox, sys; one, = mailbox.mbox(sys.argv[1]); assert one.get_from().startswith('j?rgen'), one";
    python.args(&["-c", script, &path]).run().code(0);
}

/// Whatever the order: what is refused leaves nothing behind.
#[test]
fn places_beside_discard_are_refused_and_not_made() {
    let folder = Folder::new("smtp-excluded");
    for place in ["maildir", "mbox"] {
        let given = format!("{place}={}", folder.join("made"));
        for words in [["-p", "discard=true", "-p", &given], ["-p", &given, "-p", "discard=true"]] {
            let line = [&["serve-tcp", "127.0.0.1:0", "-P", "smtp"], &words[..]].concat();
            netproto(&line).run().code(2).said(&format!("discard and {place} exclude each other"));
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something was made");
}
