//! `ftp` against other people's clients and servers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{fs, path::Path};

use support::{
    Folder, Process, Server,
    net::spare_port,
    netproto, noise, peer,
    peer::{python_with_pyftpdlib, skipped, twisted},
};

/// A server of a small tree, which clients may change.
fn server(name: &str) -> (Folder, Server) {
    let folder = tree(name);
    let root = format!("root={}", folder.join("pub"));
    let server = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", "ftp", "-p", &root, "-p", "write=true"]);
    (folder, server)
}

fn tree(name: &str) -> Folder {
    let folder = Folder::new(name);
    fs::create_dir_all(folder.path().join("pub/sub/deep")).unwrap();
    folder.file("pub/a.txt", "hello\nworld\n");
    folder.file("pub/sub/n", noise(700_000));
    folder.file("pub/sub/deep/a b", "x");
    folder
}

#[track_caller]
fn same(a: &str, b: &str) {
    assert!(fs::read(a).unwrap() == fs::read(b).unwrap(), "{a} is not {b}");
}

#[track_caller]
fn same_tree(a: &str, b: &str) {
    let diff = std::process::Command::new("diff").args(["-r", a, b]).output().unwrap();
    assert!(diff.status.success(), "{}", String::from_utf8_lossy(&diff.stdout));
}

#[test]
fn curl_talks_to_us() {
    let (folder, server) = server("ftp-curl");
    let url = |path: &str| format!("ftp://127.0.0.1:{}/{path}", server.port());
    let curl = |args: &[&str]| Some(peer("curl")?.args(&["-sS", "--max-time", "20"]).args(args).run());
    let Some(list) = curl(&[&url("")]) else { return };
    assert!(list.code(0).text().contains(" a.txt\n"), "{list}");
    curl(&["-l", &url("sub/")]).unwrap().code(0).gave("deep\nn\n");
    curl(&["--disable-epsv", &url("a.txt")]).unwrap().code(0).gave("hello\nworld\n");
    curl(&["-P", "127.0.0.1", &url("a.txt")]).unwrap().code(0).gave("hello\nworld\n");
    curl(&["-P", "-", "--disable-eprt", &url("a.txt")]).unwrap().code(0).gave("hello\nworld\n");
    curl(&["-B", &url("a.txt")]).unwrap().code(0).gave("hello\nworld\n");
    curl(&["-I", &url("a.txt")]).unwrap().code(0);
    curl(&["-r", "6-10", &url("a.txt")]).unwrap().code(0).gave("world");
    let (n, part) = (folder.join("pub/sub/n"), folder.file("part", &noise(700_000)[..1000]));
    curl(&["-C", "-", "-o", &part, &url("sub/n")]).unwrap().code(0);
    same(&part, &n);
    folder.file("pub/up", &noise(700_000)[..1000]);
    curl(&["-C", "-", "-T", &n, &url("up")]).unwrap().code(0);
    same(&folder.join("pub/up"), &n);
    curl(&["--ftp-create-dirs", "-T", &n, &url("new/up")]).unwrap().code(0);
    same(&folder.join("pub/new/up"), &n);
    curl(&["-Q", "DELE up", &url("")]).unwrap().code(0);
    assert!(!Path::new(&folder.join("pub/up")).exists());
    curl(&[&url("none")]).unwrap().code(78);
    curl(&["-u", "bob:x", &url("a.txt")]).unwrap().code(67);
}

#[test]
fn wget_and_lftp_mirror_us() {
    let (folder, server) = server("ftp-mirror");
    let port = server.port();
    if let Some(wget) = peer("wget") {
        let (url, to) = (format!("ftp://127.0.0.1:{port}/"), folder.join("wget"));
        wget.args(&["-q", "-t", "1", "-T", "20", "-r", "-nH", "-P", &to, &url]).run().code(0);
        same_tree(&folder.join("wget"), &folder.join("pub"));
    }
    let Some(lftp) = peer("lftp") else { return };
    let (to, n) = (folder.join("lftp"), folder.join("pub/sub/n"));
    let script = format!(
        "set net:max-retries 1; set net:timeout 20; open ftp://127.0.0.1:{port}; mirror / {to}; mirror -R {to} back; put -c {n} -o \
         again; mv again moved; rm a.txt; mkdir d; rmdir d; cls"
    );
    lftp.env("HOME", folder.join("home")).args(&["--norc", "-c", &script]).run().code(0);
    same_tree(&folder.join("pub/back"), &to);
    same(&folder.join("pub/moved"), &n);
    assert!(!Path::new(&folder.join("pub/a.txt")).exists());
}

const FTPLIB: &str = r#"
import ftplib, io, sys
f = ftplib.FTP()
f.connect('127.0.0.1', int(sys.argv[1]), timeout=20)
f.login()
assert f.nlst() == ['a.txt', 'sub'], f.nlst()
assert [name for name, facts in f.mlsd('sub')] == ['deep', 'n']
lines = []
f.retrlines('RETR a.txt', lines.append)
assert lines == ['hello', 'world']
big = bytes(range(256)) * 40000
f.storbinary('STOR big', io.BytesIO(big))
for passive in (True, False):
    f.set_pasv(passive)
    for rest in (None, 100):
        got = io.BytesIO()
        f.retrbinary('RETR big', got.write, rest=rest)
        assert got.getvalue() == big[rest or 0:]
f.set_pasv(True)
assert f.size('big') == len(big)
f.storlines('STOR lines', io.BytesIO(b'x\r\ny\r\n'))
f.storbinary('APPE lines', io.BytesIO(b'zz'))
f.storbinary('STOR lines', io.BytesIO(b'QQ'), rest=2)
got = io.BytesIO()
f.retrbinary('RETR lines', got.write)
assert got.getvalue() == b'x\nQQ', got.getvalue()
data = f.transfercmd('RETR big')
data.recv(10)
assert f.abort().startswith('426')
assert f.getresp().startswith('226')
data.close()
assert f.mkd('d "q"') == '/d "q"' == (f.cwd('d "q"'), f.pwd())[1]
f.rename('/lines', 'renamed')
assert f.nlst() == ['renamed']
f.delete('renamed')
f.cwd('..')
f.rmd('d "q"')
assert f.sendcmd('MFMT 20200101000000 a.txt') == '213 Modify=20200101000000; /a.txt'
assert f.sendcmd('MDTM a.txt') == '213 20200101000000'
print(f.quit())
"#;

#[test]
fn ftplib_talks_to_us() {
    let (_folder, server) = server("ftp-ftplib");
    let Some(python) = peer("python3") else { return };
    python.args(&["-c", FTPLIB, &server.port().to_string()]).run().code(0).gave("221 goodbye\n");
}

/// Our client against somebody's server of `pub`, which may change it: all that it can do.
fn goes_both_ways(folder: &Folder, url: &str, extra: &[&str]) {
    let send =
        |path: &str, args: &[&str]| netproto(&[&["send", "ftp", &format!("{url}{path}")], args, extra].concat()).run();
    let (n, back, part) = (folder.join("pub/sub/n"), folder.join("back"), folder.file("part", &noise(700_000)[..999]));
    send("sub/n", &["-o", &part, "--continue", "-v"]).code(0).said("REST 999");
    same(&part, &n);
    assert!(send("", &[]).code(0).text().contains("  a.txt\n"));
    send("sub", &["-o", &back]).code(0);
    same_tree(&back, &folder.join("pub/sub"));
    send("none", &[]).code(3).said("none: 550 ");
    send("up", &["--put", &back]).code(0);
    same_tree(&folder.join("pub/up"), &back);
    folder.file("pub/half", &noise(700_000)[..999]);
    send("half", &["--put", &n, "--continue", "-v"]).code(0).said("REST 999");
    same(&folder.join("pub/half"), &n);
    send("a.txt", &["--active"]).code(0).gave("hello\nworld\n");
    send("half", &["--remove"]).code(0);
    assert!(!Path::new(&folder.join("pub/half")).exists());
}

const PYFTPDLIB: &str = r"
import logging, sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer
logging.basicConfig(level=logging.CRITICAL)
FTPHandler.authorizer = DummyAuthorizer()
FTPHandler.authorizer.add_user('bob', 'se:cret', sys.argv[1], perm='elradfmwMT')
server = FTPServer(('127.0.0.1', 0), FTPHandler)
print('port', server.socket.getsockname()[1], file=sys.stderr, flush=True)
server.serve_forever()
";

#[test]
fn pyftpdlib_answers_us() {
    let Some(python) = python_with_pyftpdlib() else { return };
    let folder = tree("ftp-pyftpdlib");
    let process: Process = python.args(&[PYFTPDLIB, &folder.join("pub")]).spawn();
    let port = process.talk("port ").split(' ').nth(1).unwrap().trim().to_owned();
    goes_both_ways(&folder, &format!("ftp://127.0.0.1:{port}/"), &["--user", "bob:se:cret"]);
    let refused = netproto(&["send", "ftp", &format!("ftp://bob:x@127.0.0.1:{port}/")]).run();
    refused.code(3).said("the login was refused: 530 ");
    let url = format!("ftp://bob:se%3acret@127.0.0.1:{port}/sub/n");
    netproto(&["bench", "ftp", &url, "-n", "20", "-c", "2", "-q"]).run().code(0);
}

const TWISTED: &str = r"
import sys
from twisted.cred.checkers import AllowAnonymousAccess
from twisted.cred.portal import Portal
from twisted.internet import reactor
from twisted.protocols.ftp import FTPFactory, FTPRealm
port = reactor.listenTCP(0, FTPFactory(Portal(FTPRealm(sys.argv[1]), [AllowAnonymousAccess()])), interface='127.0.0.1')
print('port', port.getHost().port, file=sys.stderr, flush=True)
reactor.run()
";

#[test]
fn twisted_answers_us() {
    let Some(python) = twisted() else { return };
    let folder = tree("ftp-twisted");
    let process: Process = python.args(&[TWISTED, &folder.join("pub")]).spawn();
    let port = process.talk("port ").split(' ').nth(1).unwrap().trim().to_owned();
    let url = |path: &str| format!("ftp://127.0.0.1:{port}/{path}");
    netproto(&["send", "ftp", &url("a.txt")]).run().code(0).gave("hello\nworld\n");
    let got = folder.join("got");
    netproto(&["send", "ftp", &url(""), "-o", &got]).run().code(0);
    same_tree(&got, &folder.join("pub"));
}

const TWISTED_CLIENT: &str = r"
import sys
from twisted.internet import defer, protocol, reactor
from twisted.protocols.ftp import FTPClient, FTPFileListProtocol
class Kept(protocol.Protocol):
    data = b''
    def dataReceived(self, data): self.data += data
@defer.inlineCallbacks
def talk(passive):
    creator = protocol.ClientCreator(reactor, FTPClient, 'anonymous', 'x@', passive)
    client = yield creator.connectTCP('127.0.0.1', int(sys.argv[1]))
    listing = FTPFileListProtocol()
    yield client.list('.', listing)
    found = sorted((found['filename'], found['filetype'], found['size']) for found in listing.files)
    assert found[0] == ('a.txt', '-', 12) and found[1][:2] == ('sub', 'd'), found
    for offset, wanted in ((0, b'hello\nworld\n'), (6, b'world\n')):
        kept = Kept()
        yield client.retrieveFile('a.txt', kept, offset)
        assert kept.data == wanted, kept.data
    consumer, done = client.storeFile('up')
    sender = yield consumer
    sender.transport.write(b'twisted' * 100000)
    sender.finish()
    yield done
    yield client.makeDirectory('d')
    yield client.rename('up', 'd/up')
    yield client.cwd('d')
    kept = Kept()
    yield client.retrieveFile('up', kept)
    assert kept.data == b'twisted' * 100000
    yield client.removeFile('up')
    yield client.cdup()
    yield client.removeDirectory('d')
    yield client.quit()
@defer.inlineCallbacks
def main():
    try:
        for passive in (1, 0):
            yield talk(passive)
        print('done')
    except BaseException as error:
        print('failed', repr(error))
    reactor.stop()
reactor.callWhenRunning(main)
reactor.run()
";

#[test]
fn twisted_talks_to_us() {
    let Some(python) = twisted() else { return };
    let (_folder, server) = server("ftp-twisted-client");
    python.args(&[TWISTED_CLIENT, &server.port().to_string()]).run().code(0).gave("done\n");
}

#[test]
fn vsftpd_answers_us() {
    if !support::peer::installed("vsftpd") {
        return;
    }
    if !rustix::process::geteuid().is_root() {
        return skipped("vsftpd runs as root alone");
    }
    let folder = tree("ftp-vsftpd");
    let port = spare_port();
    fs::create_dir(folder.path().join("empty")).unwrap();
    let config = format!(
        "listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nanonymous_enable=YES\nanon_root={}\nbackground=NO\n\
         secure_chroot_dir={}\nseccomp_sandbox=NO\n",
        folder.join("pub"),
        folder.join("empty")
    );
    let _process: Process = peer("vsftpd").unwrap().arg(folder.file("vsftpd.conf", config)).spawn();
    let url = |path: &str| format!("ftp://127.0.0.1:{port}/{path}");
    let retry = ["--retry", "50", "--retry-delay", "100ms", "-q"];
    let first = netproto(&[&["send", "ftp", &url("a.txt")], &retry[..]].concat()).run();
    if first.code != 0 {
        return skipped("vsftpd does not run here");
    }
    netproto(&["send", "ftp", &url("a.txt")]).run().code(0).gave("hello\nworld\n");
    netproto(&["send", "ftp", &url("a.txt"), "--active"]).run().code(0).gave("hello\nworld\n");
    // It has no MLSD.
    let list = netproto(&["send", "ftp", &url("sub"), "-v"]).run();
    assert!(list.code(0).said("control > LIST").text().contains("  deep/\n"), "{list}");
    let got = folder.join("got");
    netproto(&["send", "ftp", &url(""), "-o", &got]).run().code(0);
    same_tree(&got, &folder.join("pub"));
    let put = netproto(&["send", "ftp", &url("up"), "--put", &folder.join("pub/a.txt")]).run();
    put.code(3).said("up: 550 ");
}
