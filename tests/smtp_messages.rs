//! `smtp`: what stands in a message, and in the file it is put into.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::fs;

use support::{Folder, Server, netproto, peer, peer::twisted};

/// A server that appends to an mbox file, and the file's path.
fn mbox(folder: &Folder) -> (Server, String) {
    let path = folder.join("box");
    (Server::start(&["serve-tcp", "0", "-P", "smtp", "-p", &format!("mbox={path}")]), path)
}

fn send(at: &str, more: &[&str]) -> support::Output {
    netproto(&[&["send", "smtp", at, "-w", "20s", "--to", "b@y"], more].concat()).run()
}

#[test]
fn a_whole_message_goes_as_it_is_from_a_pipe_and_under_load() {
    let folder = Folder::new("smtp-whole");
    let (server, path) = mbox(&folder);
    let text = "Subject: whole\nX-Mine: yes\n\n.one\ntwo\n";
    let file = folder.file("mail.eml", text);
    netproto(&["send", "smtp", &server.at(), "-f", "-"]).stdin(text).run().code(0);
    netproto(&["bench", "smtp", &server.at(), "-f", &file, "-n", "2", "-c", "1", "-q"]).run().code(0);
    let kept = fs::read_to_string(path).unwrap();
    assert_eq!(kept.matches(&format!(" +0000\n{text}\n")).count(), 3, "nothing before it but the trace\n{kept}");
    assert!(!kept.contains("Message-ID") && !kept.contains("MIME-Version"), "{kept}");
}

#[test]
fn what_would_be_left_out_is_refused() {
    for (words, said) in [
        (&["-f", "-", "--subject", "x"][..], "--subject and --file exclude each other"),
        (&["-f", "-", "--header", "X: y"], "--header and --file exclude each other"),
        (&["--body", "x", "hello"], "--body and DATA exclude each other"),
        (&["--header", "Content-Type: text/html", "hello"], "-f sends a whole message as it is"),
    ] {
        send("127.0.0.1:1", words).code(2).said(said);
    }
    let bench = netproto(&["bench", "smtp", "127.0.0.1:1", "--body", "x", "-f", "/dev/null"]).run();
    bench.code(2).said("--body and --file exclude each other");
}

#[test]
fn fields_typed_stand_once_and_bytes_stay_bytes() {
    let folder = Folder::new("smtp-fields");
    let (server, path) = mbox(&folder);
    let fields = [
        "Date: Mon, 1 Jan 2001 00:00:00 +0000",
        "message-id: <x@y>",
        "From: Me <me@z>",
        "To: list@z",
        "X-U: Gr\u{fc}\u{df}e",
    ];
    let mut words: Vec<&str> = fields.iter().flat_map(|field| ["--header", field]).collect();
    let attached = folder.file("a.bin", "attached");
    words.extend(["--attach", &attached, "\\xff\\xfe"]);
    send(&server.at(), &words).code(0);
    let script = r"
import mailbox, sys
from email.header import decode_header, make_header
one, = mailbox.mbox(sys.argv[1])
for name in 'Date', 'Message-ID', 'From', 'To', 'MIME-Version':
    assert len(one.get_all(name)) == 1, (name, one.get_all(name))
assert one['From'] == 'Me <me@z>' and one['To'] == 'list@z' and one['Date'].startswith('Mon, 1 Jan 2001'), one
assert str(make_header(decode_header(one['X-U']))) == 'Gr\u00fc\u00dfe', one['X-U']
text, file = one.get_payload()
assert text.get_payload(decode=True) == b'\xff\xfe' and text.get_content_charset() == 'unknown-8bit', text
assert file.get_payload(decode=True) == b'attached' and file.get_filename() == 'a.bin', file
";
    let Some(python) = peer("python3") else { return };
    python.args(&["-c", script, &path]).run().code(0);
}

/// What a server that was killed, or another program, has left at the end.
#[test]
fn a_broken_end_of_an_mbox_swallows_nothing() {
    let folder = Folder::new("smtp-broken-mbox");
    let (server, path) = mbox(&folder);
    for broken in ["From a Thu Jan  1 00:00:00 1970\nSubject: half\n\nhal", "", "From a b\n\nx\n"] {
        fs::write(&path, broken).unwrap();
        send(&server.at(), &["--subject", "new", "hi"]).code(0);
        let kept = fs::read_to_string(&path).unwrap();
        let begins = if broken.is_empty() { 0 } else { kept.find("\n\nFrom netproto@localhost ").unwrap() + 2 };
        assert!(kept[begins..].starts_with("From netproto@localhost "), "{kept}");
        assert!(kept.starts_with(broken), "{kept}");
    }
}

const TWISTED: &str = r"
import sys
from twisted.internet import defer, reactor
from twisted.mail import smtp
from zope.interface import implementer
@implementer(smtp.IMessage)
class Message:
    def __init__(self): self.lines = []
    def lineReceived(self, line): self.lines.append(line)
    def eomReceived(self):
        with open(sys.argv[1], 'ab') as out: out.write(b'\n'.join(self.lines) + b'\n==\n')
        return defer.succeed(None)
    def connectionLost(self): pass
@implementer(smtp.IMessageDelivery)
class Delivery:
    def receivedHeader(self, helo, origin, recipients): return b'Received: here'
    def validateFrom(self, helo, origin): return origin
    def validateTo(self, user):
        if str(user.dest).startswith('bad'): raise smtp.SMTPBadRcpt(user)
        return Message
class Factory(smtp.SMTPFactory):
    protocol = smtp.ESMTP
    def buildProtocol(self, addr):
        protocol = smtp.SMTPFactory.buildProtocol(self, addr)
        protocol.delivery = Delivery()
        return protocol
port = reactor.listenTCP(0, Factory(), interface='127.0.0.1')
print('port', port.getHost().port, file=sys.stderr, flush=True)
reactor.run()
";

#[test]
fn twisted_takes_our_mail() {
    let Some(python) = twisted() else { return };
    let folder = Folder::new("smtp-twisted");
    let out = folder.join("out");
    let process = python.arg(TWISTED).arg(&out).spawn();
    let at = format!("127.0.0.1:{}", process.talk("port ").rsplit(' ').next().unwrap().trim());
    send(&at, &["--subject", "one", ".dot\\n..two"])
        .code(0)
        .gave("b@y: taken, 250 Recipient address accepted\nmessage: taken, 250 Delivery in progress\n");
    let file = folder.file("mail.eml", "Subject: two\n\n.dot\n");
    send(&at, &["-f", &file]).code(0);
    let partly = send(&at, &["--to", "bad@y", "three", "four"]);
    partly.code(3).said("1 of 2 recipients refused: bad@y: 550");
    let took = fs::read_to_string(out).unwrap();
    assert!(took.contains("Subject: one\n") && took.contains("\n\n.dot\n..two\n==\n"), "{took}");
    assert!(took.contains("Received: here\nSubject: two\n\n.dot\n==\n"), "{took}");
    assert_eq!(took.matches("\n==\n").count(), 4, "{took}");
    netproto(&["bench", "smtp", &at, "-n", "20", "-c", "2"]).run().code(0);
}
