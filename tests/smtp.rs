//! `smtp` as people use it: mailers of others against our server, our client against a server of others, and both together.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    io::{Read, Write},
    time::Duration,
};

use support::{
    Folder, PATIENCE, Process, Run, Server, net, netproto, peer,
    peer::{aiosmtpd, twisted},
    report::count,
};

/// The messages in `new`, the oldest first.
fn messages(folder: &Folder) -> Vec<String> {
    let mut paths: Vec<_> = fs::read_dir(folder.path().join("mail/new"))
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    paths.sort_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
    assert_eq!(fs::read_dir(folder.path().join("mail/tmp")).map_or(0, Iterator::count), 0, "nothing is left in tmp");
    paths.iter().map(|path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()).collect()
}

/// A server that keeps mail, and its folder.
fn server(name: &str, more: &[&str]) -> (Folder, Server) {
    let folder = Folder::new(name);
    let maildir = format!("maildir={}", folder.join("mail"));
    let server = Server::start(&[&["serve-tcp", "0", "-P", "smtp", "-p", &maildir, "-v"], more].concat());
    (folder, server)
}

fn send(at: &str, more: &[&str]) -> support::Output {
    netproto(&[&["send", "smtp", at, "-w", "20s"], more].concat()).run()
}

const SMTPLIB: &str = r"
import smtplib, sys
from email.message import EmailMessage
port = int(sys.argv[1])
m = EmailMessage()
m['From'], m['To'], m['Subject'] = 'a@x', 'b@y', 'Grüße'
m.set_content('.one\n..two\nthree\n')
with smtplib.SMTP('127.0.0.1', port, local_hostname='me.example') as s:
    try:
        s.sendmail('a@x', ['b@y'], 'x')
        sys.exit('nobody had logged in')
    except smtplib.SMTPSenderRefused as e:
        assert e.smtp_code == 530, e
    try:
        s.login('anna', 'wrong')
        sys.exit('that was the wrong password')
    except smtplib.SMTPAuthenticationError as e:
        assert e.smtp_code == 535, e
    s.user, s.password = 'anna', 'secret'
    assert s.auth('LOGIN', s.auth_login)[0] == 235
    assert s.has_extn('pipelining') and s.has_extn('chunking') and s.has_extn('smtputf8') and s.esmtp_features['size'] == '33554432'
    s.send_message(m)
    assert s.verify('b')[0] == 252 and s.expn('b')[0] == 502 and s.noop()[0] == 250 and s.help()
    refused = s.sendmail('a@x', ['b@y', 'nobody@y'], b'Subject: two\r\n\r\n8: \xc3\xa4\r\n', mail_options=['BODY=8BITMIME'])
    assert refused == {'nobody@y': (550, b'5.1.1 this recipient is refused')}, refused
    s.sendmail('jürgen@exämple.test', ['b@y'], b'Subject: utf8\r\n\r\n', mail_options=['SMTPUTF8'])
";

#[test]
fn python_smtplib_hands_mail_in() {
    let Some(python) = peer("python3") else { return };
    let extra = ["-p", "user=anna:secret", "-p", "allow-plain-auth=true", "-p", "reject-rcpt=^nobody@", "-v"];
    let (folder, mut server) = server("smtp-smtplib", &extra);
    python.args(&["-c", SMTPLIB, &server.port().to_string()]).run().code(0);
    let kept = messages(&folder);
    assert_eq!(kept.len(), 3, "{kept:?}");
    let [first, second, third] = &kept[..] else { unreachable!() };
    assert!(
        first.starts_with(
            "Return-Path: <a@x>\nDelivered-To: b@y\nReceived: from me.example ([127.0.0.1])\n\tby [127.0.0.1] with ESMTPA\n\tfor <b@y>;\n\t"
        ),
        "{first}"
    );
    assert!(first.ends_with("\n\n.one\n..two\nthree\n") && !first.contains('\r'), "{first}");
    assert!(second.ends_with("Subject: two\n\n8: ä\n"), "{second}");
    assert!(third.starts_with("Return-Path: <jürgen@exämple.test>\n") && third.contains(" with UTF8SMTPA\n"), "{third}");
    let log = server.stop().code(0).stderr.clone();
    assert!(log.contains("AUTH ***") && !log.contains("c2VjcmV0"), "no password in the log\n{log}");
}

#[test]
fn swaks_curl_and_twisted_hand_mail_in() {
    let (folder, server) = server("smtp-mailers", &[]);
    let port = server.port().to_string();
    let mut sent = 0;
    if let Some(swaks) = peer("swaks") {
        let words = [
            "--server",
            "127.0.0.1",
            "--port",
            &port,
            "--from",
            "a@x",
            "--to",
            "b@y,c@y",
            "--body",
            "by swaks\n.dot",
            "--pipeline",
        ];
        swaks.args(&words).run().code(0);
        sent += 1;
        assert!(messages(&folder).last().unwrap().contains("by swaks\n.dot\n"));
    }
    if let Some(curl) = peer("curl") {
        let mail = folder.file("mail.eml", "Subject: curl\r\n\r\nby curl\r\n.dot\r\n");
        let url = format!("smtp://127.0.0.1:{port}");
        curl.args(&["-sS", &url, "--mail-from", "a@x", "--mail-rcpt", "b@y", "-T", &mail]).run().code(0);
        sent += 1;
        assert!(messages(&folder).last().unwrap().ends_with("Subject: curl\n\nby curl\n.dot\n"));
    }
    if let Some(python) = twisted() {
        let script = "
import sys
from twisted.internet import reactor
from twisted.mail.smtp import sendmail
done = sendmail('127.0.0.1', 'a@x', ['b@y'], b'Subject: tx\\n\\nby twisted\\n.dot\\n', port=int(sys.argv[1]))
done.addCallbacks(lambda result: print('sent', result[0]), print).addBoth(lambda _: reactor.stop())
reactor.run()
";
        python.arg(script).arg(&*port).run().code(0).gave("sent 1\n");
        sent += 1;
        assert!(messages(&folder).last().unwrap().ends_with("by twisted\n.dot\n"));
    }
    assert_eq!(messages(&folder).len(), sent);
}

const AIOSMTPD: &str = r"
import asyncio, sys
from aiosmtpd.smtp import SMTP, AuthResult
class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith('bad'):
            return '550 5.1.1 no such user'
        if address.startswith('later'):
            return '451 4.7.1 come again'
        envelope.rcpt_tos.append(address)
        return '250 2.1.5 fine'
    async def handle_DATA(self, server, session, envelope):
        with open(sys.argv[1], 'ab') as out:
            out.write(repr((envelope.mail_from, envelope.rcpt_tos, envelope.mail_options)).encode() + b'\n' + envelope.content)
        return '250 2.0.0 queued'
def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b'anna', b'secret'), handled=False)
def make():
    return SMTP(Handler(), enable_SMTPUTF8=True, authenticator=authenticate, auth_require_tls=False, data_size_limit=20000000)
async def main():
    server = await asyncio.get_running_loop().create_server(make, '127.0.0.1', 0)
    print('port', server.sockets[0].getsockname()[1], file=sys.stderr, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
";

/// Where aiosmtpd listens, and the file that it writes to.
fn aiosmtpd_server(python: Run, folder: &Folder) -> (Process, String) {
    let process = python.arg(AIOSMTPD).arg(folder.join("out")).spawn();
    let line = process.talk("port ");
    (process, format!("127.0.0.1:{}", line.rsplit(' ').next().unwrap().trim()))
}

#[test]
fn aiosmtpd_takes_our_mail() {
    let Some(python) = aiosmtpd() else { return };
    let folder = Folder::new("smtp-aiosmtpd");
    let (_process, at) = aiosmtpd_server(python, &folder);
    let took = || fs::read_to_string(folder.path().join("out")).unwrap();
    let words = ["--from", "Anna <a@x>", "--to", "b@y", "--subject", "Grüße", "--header", "X-Test: yes", ".one\\n..two"];
    send(&at, &words).code(0).gave("b@y: taken, 250 2.1.5 fine\nmessage: taken, 250 2.0.0 queued\n");
    let mail = took();
    assert!(mail.contains("('a@x', ['b@y'], ['SIZE=") && mail.contains("\r\nX-Test: yes\r\n"), "{mail}");
    assert!(
        mail.contains("\r\n\r\n.one\r\n..two\r\n") && mail.contains("Message-ID: <") && mail.contains("Date: "),
        "{mail}"
    );

    // Some are refused: the rest has the message, and each is told of.
    let partly = send(&at, &["--to", "bad@y", "--to", "b@y", "--to", "later@y", "hello"]);
    partly.code(3).said("2 of 3 recipients refused: bad@y: 550 5.1.1 no such user; later@y: 451 4.7.1 come again");
    partly.gave(
        "bad@y: refused, 550 5.1.1 no such user\nb@y: taken, 250 2.1.5 fine\nlater@y: refused, 451 4.7.1 come again\n\
         message: taken, 250 2.0.0 queued\n",
    );
    let nobody = send(&at, &["--to", "bad@y", "hello", "-J"]);
    let json = nobody.code(3).json();
    assert_eq!(json["records"][0]["recipients"][0]["answer"]["code"], 550, "{nobody}");

    // With a password: a warning, and it is shown to nobody.
    let secret = send(&at, &["--user", "anna:secret", "--to", "b@y", "-v", "hello"]);
    secret.code(0).said("warning: --user goes to tcp 127.0.0.1:").said("> AUTH PLAIN ***\n").said("> QUIT\n");
    assert!(!secret.stderr.contains("AGFubmEAc2VjcmV0"), "{secret}");
    assert_eq!(secret.stderr.matches("warning:").count(), 1, "{secret}");
    send(&at, &["--user", "anna:wrong", "--to", "b@y"]).code(3).said("could not log in: 535");
    let utf8 = send(&at, &["--from", "jürgen@exämple.test", "--to", "b@y"]);
    utf8.code(0);
    assert!(took().contains("('jürgen@exämple.test', ['b@y'], ['SIZE="), "{}", took());
}

#[test]
fn files_go_as_they_are_and_attachments_come_back_whole() {
    let Some(python) = aiosmtpd() else { return };
    let folder = Folder::new("smtp-files");
    let (_process, at) = aiosmtpd_server(python, &folder);
    // Longer than what is sent at once, with a line that begins with a full stop in each place that a cut could hit.
    let line = "..dots and more dots\n.\nlast\n";
    let text = format!("Subject: long\n\n{}", line.repeat(20_000));
    let mail = folder.file("mail.eml", &text);
    send(&at, &["--from", "a@x", "--to", "b@y", "-f", &mail]).code(0);
    let took = fs::read(folder.path().join("out")).unwrap();
    let start = took.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    assert!(took[start..] == *text.replace('\n', "\r\n").as_bytes(), "it came as it was");
    fs::remove_file(folder.path().join("out")).unwrap();

    let bytes = support::noise(100_000);
    let attached = folder.file("noise.pdf", &bytes);
    send(&at, &["--to", "b@y", "--subject", "hi", "--body", "hello", "--attach", &attached]).code(0);
    let script = "
import email, sys
raw = open(sys.argv[1], 'rb').read().split(b'\\n', 1)[1]
text, file = email.message_from_bytes(raw).get_payload()
assert text.get_payload(decode=True).strip() == b'hello', text
assert file.get_content_type() == 'application/pdf' and file.get_filename() == 'noise.pdf', file
assert file.get_payload(decode=True) == open(sys.argv[2], 'rb').read()
";
    peer("python3").unwrap().args(&["-c", script, &folder.join("out"), &attached]).run().code(0);
    send(&at, &["--to", "b@y", "-f", &folder.join("none.eml")]).code(1).said("no such file");
    let big = folder.file("big.eml", vec![b'\n'; 10_000_001]);
    send(&at, &["--to", "b@y", "-f", &big]).code(3).said("it has 20,000,002 bytes, and the server takes 20,000,000");
}

#[test]
fn what_could_break_out_of_a_command_is_refused() {
    for (words, said) in [
        (&["--to", "b@y>\r\nRCPT TO:<c@y"][..], "control characters"),
        (&["--to", "b y"], "an address is needed"),
        (&["--to", ""], "an address is needed"),
        (&["--header", "X: y\r\nBcc: z"], "control characters"),
        (&["--header", "nothing"], "a name, a colon and a value are needed"),
        (&["--user", "anna"], "a name, a colon and a password are needed"),
    ] {
        send("127.0.0.1:1", words).code(2).said(said);
    }
    let bad = netproto(&["serve-tcp", "0", "-P", "smtp", "-p", "reject-rcpt=("]).run();
    bad.code(2).said("reject-rcpt can't be \"(\"");
}

#[test]
fn our_own_ends_understand_each_other() {
    let (folder, server) = server("smtp-own", &["-p", "greylist=true", "-p", "reject-from=^spam"]);
    let at = server.at();
    send(&at, &["--to", "b@y", "hi"]).code(3).said("b@y: 451 4.7.1 not seen before").said("try again later");
    send(&at, &["--to", "b@y", "hi"]).code(0);
    send(&at, &["--to", "B@y", "--no-chunking", "hi"]).code(0);
    send(&at, &["--from", "spam@x", "--to", "b@y"]).code(3).said("the sender was refused: 550 5.7.1");
    let text = format!("Subject: eight\n\n\u{e4}\n{}", ".\n".repeat(100_000));
    let mail = folder.file("mail.eml", &text);
    for how in [&["--to", "b@y", "-f", &mail][..], &["--to", "b@y", "--no-chunking", "-f", &mail]] {
        send(&at, how).code(0);
    }
    let kept = messages(&folder);
    assert_eq!(kept.len(), 4);
    assert!(kept[2].ends_with(&text) && kept[3].ends_with(&text), "files come as they are, both ways");
}

#[test]
fn an_mbox_file_is_read_by_python() {
    let folder = Folder::new("smtp-mbox");
    let mbox = format!("mbox={}", folder.join("box"));
    let mut server = Server::start(&["serve-tcp", "0", "-P", "smtp", "-p", &mbox, "-J"]);
    send(&server.at(), &["--from", "a@x", "--to", "b@y", "--subject", "one", "From here\\n>From there"]).code(0);
    send(&server.at(), &["--from", "<>", "--to", "b@y", "--to", "c@y", "--subject", "two", "x"]).code(0);
    let script = "
import mailbox, sys
one, two = mailbox.mbox(sys.argv[1])
assert one.get_from().startswith('a@x ') and two.get_from().startswith('MAILER-DAEMON '), one.get_from()
assert one['Subject'] == 'one' and one['Return-Path'] == '<a@x>', one
assert one.get_payload() == '>From here\\n>>From there\\n', one.get_payload()
assert two['Subject'] == 'two' and two.get_payload() == 'x\\n', two
";
    let Some(python) = peer("python3") else { return };
    python.args(&["-c", script, &folder.join("box")]).run().code(0);
    let log = server.stop();
    let told: Vec<_> = log.json_lines().into_iter().filter(|line| line["event"] == "mail").collect();
    assert_eq!(told.len(), 2, "{log}");
    assert_eq!((&told[0]["from"], &told[0]["subject"]), (&"a@x".into(), &"one".into()), "{log}");
    assert_eq!(told[1]["to"], serde_json::json!(["b@y", "c@y"]), "{log}");
    assert!(count(&told[0], "/size") > 100 && told[0]["where"] == "mbox box", "{log}");
}

/// Says this, and gives all that is answered until the server closes.
fn dialogue(server: &Server, said: &[u8]) -> String {
    String::from_utf8(net::exchange(server.addr(), said)).unwrap()
}

#[test]
fn smuggled_ends_are_no_ends() {
    let (folder, server) = server("smtp-smuggled", &[]);
    let head = "EHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\nSubject: x\r\n\r\nfirst\r\n";
    let evil = "MAIL FROM:<evil@x>\r\nRCPT TO:<b@y>\r\nDATA\r\nevil\r\n.\r\nQUIT\r\n";
    for end in ["\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\r\n\x00.\n", "\n\n.\r\n", "\r\r\n.\r\n"] {
        let answers = dialogue(&server, format!("{head}{end}{evil}").as_bytes());
        assert!(answers.ends_with(" in the message, and only CRLF ends a line; closing\r\n"), "{end:?}: {answers}");
        assert!(answers.contains("\r\n554 5.6.0 a bare "), "{end:?}: {answers}");
    }
    assert_eq!(messages(&folder), [""; 0]);
    // What only looks like an end is a line.
    let answers = dialogue(&server, format!("{head}..\r\n. \r\n.\r\nQUIT\r\n").as_bytes());
    assert!(answers.ends_with("250 2.0.0 taken, and on disk\r\n221 2.0.0 good bye\r\n"), "{answers}");
    assert!(messages(&folder)[0].ends_with("\nfirst\n.\n \n"), "{:?}", messages(&folder));
    server.log("a bare LF stands in a message");
}

#[test]
fn who_waits_too_long_and_a_server_that_stops_hear_421() {
    let mut server = Server::start(&["serve-tcp", "0", "-P", "smtp", "-i", "200ms"]);
    let answers = String::from_utf8(net::to_end(&mut net::connect(server.addr()))).unwrap();
    assert!(answers.ends_with("421 4.3.2 nothing came for too long; closing\r\n"), "{answers}");
    server.stop().code(0);
    let mut server = Server::start(&["serve-tcp", "0", "-P", "smtp"]);
    let mut stream = net::connect(server.addr());
    stream.read_exact(&mut [0; 4]).unwrap();
    server.stop().code(0);
    let answers = String::from_utf8(net::to_end(&mut stream)).unwrap();
    assert!(answers.ends_with("421 4.3.2 the server is stopped; closing\r\n"), "{answers}");
}

#[test]
fn bench_times_each_phase() {
    let server = Server::start(&["serve-tcp", "0", "-P", "smtp", "-p", "reject-rcpt=^bad"]);
    let bench = |more: &[&str]| netproto(&[&["bench", "smtp", &server.at(), "-n", "200", "-c", "2"], more].concat()).run();
    for (more, phases) in [
        (&["-l", "1k"][..], &["greeting", "ehlo", "mail", "rcpt", "message"][..]),
        (&["-l", "1k", "--no-chunking"], &["greeting", "ehlo", "mail", "rcpt", "data", "message"]),
    ] {
        let report = bench(&[more, &["-J"]].concat());
        let json = report.code(0).json();
        let names: Vec<_> = json["phases"].as_array().unwrap().iter().map(|phase| phase["name"].as_str().unwrap()).collect();
        assert_eq!(names, phases, "{report}");
        assert_eq!(count(&json, "/requests"), 200, "{report}");
        assert_eq!(count(&json, "/phases/0/latency_us/count"), 2, "one greeting for each connection\n{report}");
        assert_eq!(count(&json, "/phases/2/latency_us/count"), 200, "{report}");
        // With pipelining RCPT is answered with MAIL, and has no time of its own: it is not shown as one of 0.
        let alone = json["phases"][3]["latency_us"]["count"].as_u64().unwrap_or(0);
        assert_eq!(alone + count(&json, "/phases/3/together"), 200, "{report}");
        assert!(count(&json, "/phases/3/together") > 100, "{report}");
        assert!(count(&json, "/bytes_sent") > 200 * 1024, "{report}");
    }
    let again = bench(&["--reconnect", "-J"]).code(0).json();
    assert_eq!(count(&again, "/phases/0/latency_us/count"), 200, "{again}");
    let text = bench(&[]).code(0).text();
    assert!(text.contains("\n  greeting ") && text.contains("\n  message  "), "{text}");
    assert!(!text.contains("   0 ns"), "{text}");
    let refused = bench(&["--to", "bad@y"]).code(1).text();
    assert!(refused.contains("200  wrong reply") && refused.contains("bad@y: 550 5.1.1"), "{refused}");
}

#[test]
fn a_server_that_closes_early_is_told_of() {
    let (at, served) = net::serve_one(|mut stream| {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"220 x\r\n").unwrap();
        let _ = stream.read(&mut [0; 512]).unwrap();
        stream.write_all(b"250 x\r\n").unwrap();
        let _ = stream.read(&mut [0; 512]).unwrap();
    });
    send(&at.to_string(), &["--to", "b@y", "hi"]).code(1).said("peer closed after 0 of 1 answers");
    served.join().unwrap();
    let (at, served) = net::serve_one(|mut stream| {
        stream.write_all(b"554 go away\r\n").unwrap();
        std::thread::sleep(Duration::from_millis(1));
    });
    send(&at.to_string(), &["--to", "b@y", "hi"]).code(3).said("the server greeted with: 554 go away");
    served.join().unwrap();
}
