//! Both ends in memory, over real folders: what crosses when, and what is left of what was cut.

mod corners;
mod races;

use std::{fs, path::PathBuf, sync::Arc};

use bytes::Bytes;

use super::{ROW, client::Client, server::Server};
use crate::{
    files::Root,
    protocol::{Given, Place, Setup},
    session::{ChannelAsk, ChannelId, ChannelNews, Closed, End, Event, Pair, Rides, Verdict},
};

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("netproto-ftp-unit-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn place(&self) -> Place {
        Place { files: Arc::new(Root::open(&self.0, false).unwrap()), name: ".".into() }
    }

    fn has(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.0.join(name)).ok()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn set(setup: &mut Setup, name: &str, given: Given<'_>) {
    let param = ROW.params.iter().find(|param| param.name == name).unwrap();
    setup.params.set(param, given).unwrap();
}

fn setup(root: &Folder) -> Setup {
    let mut setup = Setup::default();
    set(&mut setup, "root", Given::Place(root.place()));
    set(&mut setup, "write", Given::Text("true"));
    setup
}

/// A server, logged in to.
struct Logged(End);

impl Logged {
    fn new(setup: &Setup) -> Self {
        let mut logged = Self(End::new(Box::new(Server::new(setup)), Rides::Stream));
        let said = logged.asked("USER ftp\r\nPASS x\r\nTYPE I\r\n");
        assert!(said.ends_with("200 TYPE I\r\n"), "{said}");
        logged
    }

    fn settle(&mut self) -> String {
        let from = self.0.said.len();
        while self.0.leave(usize::MAX).is_some() {}
        String::from_utf8(self.0.said[from..].to_vec()).unwrap()
    }

    /// What is answered, as far as nothing but this connection is needed.
    fn asked(&mut self, line: &str) -> String {
        self.0.offer(line.as_bytes());
        self.settle()
    }

    fn news(&mut self, id: ChannelId, news: ChannelNews) -> String {
        self.0.channel(id, news);
        self.settle()
    }

    /// A passive data connection that is open.
    fn passive(&mut self) -> ChannelId {
        self.asked("EPSV\r\n");
        let Some((id, ChannelAsk::Listen(None))) = self.0.channel_asks.pop_back() else { panic!("nothing is listened on") };
        self.0.channel_asks.clear();
        let at = ([127, 0, 0, 1], 40_000).into();
        assert!(self.news(id, ChannelNews::Listening(at)).starts_with("229 "));
        self.news(id, ChannelNews::Connected(at));
        id
    }
}

fn data(bytes: &[u8]) -> ChannelNews {
    ChannelNews::Data(Bytes::copy_from_slice(bytes))
}

#[test]
fn what_comes_before_its_command_is_not_lost() {
    let folder = Folder::new("early");
    let mut server = Logged::new(&setup(&folder));
    let id = server.passive();
    server.news(id, data(b"early "));
    server.news(id, data(b"bird"));
    server.news(id, ChannelNews::Ended);
    assert!(server.asked("STOR a\r\n").starts_with("150 "));
    assert!(server.0.wake(), "the end of the data is looked at once more");
    assert!(server.settle().starts_with("226 "));
    assert_eq!(folder.has("a").unwrap(), b"early bird");
    // But not without a bound.
    let id = server.passive();
    for _ in 0..17 {
        server.news(id, data(&vec![0; 65_536]));
    }
    assert!(server.asked("STOR b\r\n").starts_with("425 "));
    assert_eq!(folder.names(), ["a"]);
}

#[test]
fn an_upload_that_is_cut_is_kept_and_gone_on_with() {
    let folder = Folder::new("cut");
    let mut server = Logged::new(&setup(&folder));
    let id = server.passive();
    server.asked("STOR a\r\n");
    server.news(id, data(b"hello "));
    assert!(server.news(id, ChannelNews::Reset).starts_with("426 "));
    assert_eq!(folder.names(), [".a.netproto-part"]);
    assert_eq!(server.asked("SIZE a\r\n"), "213 6\r\n");
    assert!(server.asked("SIZE .a.netproto-part\r\n").starts_with("550 "));
    // Without a data connection nothing is touched.
    assert!(server.asked("REST 6\r\nSTOR a\r\n").contains("\r\n425 "));
    assert_eq!(folder.has(".a.netproto-part").unwrap(), b"hello ");
    server.passive();
    assert!(server.asked("REST 7\r\nSTOR a\r\n").contains("\r\n554 "), "there is less of it than that");
    let id = server.passive();
    assert!(server.asked("REST 6\r\nSTOR a\r\n").contains("\r\n150 "));
    server.news(id, data(b"world"));
    server.news(id, ChannelNews::Ended);
    server.0.wake();
    assert!(server.settle().starts_with("226 "));
    assert_eq!((folder.names(), folder.has("a").unwrap()), (vec!["a".into()], b"hello world".to_vec()));
    // A whole file is gone on with by a copy: until that is done, the old one stands.
    let id = server.passive();
    assert!(server.asked("APPE a\r\n").starts_with("150 "));
    server.news(id, data(b"!"));
    assert_eq!(folder.has("a").unwrap(), b"hello world");
    server.news(id, ChannelNews::Ended);
    server.0.wake();
    server.settle();
    assert_eq!((folder.names(), folder.has("a").unwrap()), (vec!["a".into()], b"hello world!".to_vec()));
}

#[test]
fn two_may_store_the_same_name() {
    let folder = Folder::new("two");
    let (mut one, mut two) = (Logged::new(&setup(&folder)), Logged::new(&setup(&folder)));
    let (first, second) = (one.passive(), two.passive());
    one.asked("STOR a\r\n");
    two.asked("STOR a\r\n");
    one.news(first, data(b"one"));
    two.news(second, data(b"two"));
    assert_eq!(folder.names().len(), 2);
    two.news(second, ChannelNews::Ended);
    two.0.wake();
    assert!(two.settle().starts_with("226 "));
    assert_eq!(folder.has("a").unwrap(), b"two");
    // Nobody goes on with what another is at.
    two.passive();
    assert!(two.asked("REST 1\r\nSTOR a\r\n").contains("\r\n450 "));
    one.0.offer_eof();
    one.settle();
    assert!(folder.has("a").unwrap() == b"two" && one.0.closing);
}

#[test]
fn abort_does_not_wait_and_others_do() {
    let folder = Folder::new("abort");
    fs::write(folder.0.join("a"), "a").unwrap();
    let mut server = Logged::new(&setup(&folder));
    let id = server.passive();
    assert!(server.asked("RETR a\r\nNOOP\r\n").ends_with("(1 bytes)\r\n"));
    assert!(server.asked("STAT\r\n").is_empty(), "it stands behind NOOP");
    // Urgent, and its line end stays behind.
    server.0.offer(b"\xff\xf4\xff\xf2ABOR\r");
    let said = server.settle();
    let codes: Vec<_> = said.lines().filter(|line| !line.starts_with(' ')).map(|line| &line[..3]).collect();
    assert_eq!(codes, ["426", "200", "211", "211", "226"], "{said}");
    assert_eq!(server.asked("\nNOOP\r\n"), "200 ok\r\n");
    assert!(server.0.channel_asks.iter().any(|(gone, ask)| *gone == id && matches!(ask, ChannelAsk::Drop)));
}

#[test]
fn active_connections_go_to_the_client_alone() {
    let folder = Folder::new("active");
    let mut server = Logged::new(&setup(&folder));
    let at = "127.0.0.1:40000".parse().unwrap();
    for (command, code) in
        [("PORT 127,0,0,1,156,64", "200"), ("EPRT |1|127.0.0.1|40000|", "200"), ("EPRT |1|127.0.0.2|40000|", "504")]
    {
        assert!(server.asked(&format!("{command}\r\n")).starts_with(code), "{command}");
    }
    assert!(server.asked("PORT 127,0,0,1,156,64\r\nNLST\r\n").contains("\r\n150 "));
    let asked = server.0.channel_asks.pop_back();
    assert!(matches!(asked, Some((_, ChannelAsk::Dial(to))) if to == at), "{asked:?}");
    let said = server.news(asked.unwrap().0, ChannelNews::Failed("connection refused".into()));
    assert_eq!(said, "425 connection refused\r\n");
}

#[test]
fn a_data_connection_is_not_awaited_for_ever() {
    let folder = Folder::new("patience");
    let mut server = Logged::new(&setup(&folder));
    server.asked("PORT 127,0,0,1,156,64\r\nLIST\r\n");
    assert!(server.0.busy() && server.0.wake());
    assert_eq!(server.settle(), "425 no data connection came\r\n");
    assert!(!server.0.busy());
}

#[test]
fn too_many_commands_hold_the_client_back() {
    let folder = Folder::new("many");
    let mut server = Logged::new(&setup(&folder));
    server.asked("PORT 127,0,0,1,156,64\r\nLIST\r\n");
    for _ in 0..200 {
        server.asked("NOOP\r\n");
    }
    assert_eq!(server.0.untaken(), (200 - 64) * 6);
    server.0.wake();
    let said = server.settle();
    assert_eq!(said.matches("200 ok").count(), 200, "{said}");
    let long = format!("CWD {}\r\n", "x".repeat(5000));
    assert!(server.asked(&long).starts_with("500 "));
    assert!(matches!(&server.0.ended, Some(Closed::Violated(why)) if why.name == "frame_too_long"));
}

/// Both ends, each with its folder; the verdict.
fn pair(there: &Folder, path: &str, client: impl FnOnce(&mut Setup)) -> (Verdict, Pair) {
    let mut asks = Setup::default();
    asks.goal.path = path.into();
    client(&mut asks);
    let mut pair = Pair::new(Box::new(Client::new(&asks)), Box::new(Server::new(&setup(there))), Rides::Stream, 7);
    pair.client.submit(0, b"").unwrap();
    assert!(pair.run(10_000));
    let verdict = pair.client.events.iter().find_map(|event| match event {
        Event::Answered { verdict, .. } => Some(verdict.clone()),
        _ => None,
    });
    (verdict.unwrap(), pair)
}

#[test]
fn whole_folders_cross_in_memory() {
    let (there, here) = (Folder::new("there"), Folder::new("here"));
    fs::create_dir_all(there.0.join("d/e")).unwrap();
    fs::write(there.0.join("d/big"), vec![7; 600_000]).unwrap();
    fs::write(there.0.join("d/e/empty"), "").unwrap();
    let (verdict, _) = pair(&there, "/d", |setup| setup.output = Some(here.place()));
    assert_eq!(verdict, Verdict::Right);
    assert_eq!(here.has("big").unwrap(), vec![7; 600_000]);
    assert_eq!(here.has("e/empty").unwrap(), b"");
    let (verdict, _) = pair(&there, "/again/", |setup| set(setup, "put", Given::Place(here.place())));
    assert_eq!(verdict, Verdict::Right);
    assert_eq!(there.has("again/big").unwrap(), vec![7; 600_000]);
    assert_eq!(there.has("again/e/empty").unwrap(), b"");
}

#[test]
fn a_download_that_is_cut_is_kept_and_gone_on_with() {
    let here = Folder::new("download");
    let mut setup = Setup::default();
    setup.goal.path = "/a".into();
    setup.output = Some(here.place());
    set(&mut setup, "continue", Given::Text("true"));
    let cut = |setup: &Setup, at: u64, rest: &[u8], last: &[u8]| {
        let mut end = End::new(Box::new(Client::new(setup)), Rides::Stream);
        end.submit(0, b"").unwrap();
        end.offer(b"220 x\r\n331 x\r\n230 x\r\n200 x\r\n213 10\r\n");
        if at > 0 {
            end.offer(b"500 no MDTM\r\n");
        }
        end.offer(b"229 x (|||40000|)\r\n");
        while end.leave(usize::MAX).is_some() {}
        let (id, _) = end.channel_asks.pop_back().unwrap();
        end.channel(id, ChannelNews::Connected(([127, 0, 0, 1], 40_000).into()));
        if at > 0 {
            end.offer(b"350 x\r\n");
        }
        end.offer(b"150 x\r\n");
        end.channel(id, data(rest));
        end.offer(last);
        end.channel(id, ChannelNews::Ended);
        while end.leave(usize::MAX).is_some() {}
        let said = String::from_utf8(end.said.clone()).unwrap();
        assert_eq!(said.contains(&format!("REST {at}\r\n")), at > 0, "{said}");
        let right = end.events.iter().any(|event| matches!(event, Event::Answered { verdict: Verdict::Right, .. }));
        end.offer_eof();
        right
    };
    assert!(!cut(&setup, 0, b"hello", b"426 broken\r\n"));
    assert!(!cut(&setup, 5, b" w", b"226 the server is wrong\r\n"), "7 of 10 bytes came");
    assert_eq!(here.names(), [".a.netproto-part"]);
    assert!(cut(&setup, 7, b"orl", b"226 x\r\n"));
    assert_eq!((here.names(), here.has("a").unwrap()), (vec!["a".into()], b"hello worl".to_vec()));
}
