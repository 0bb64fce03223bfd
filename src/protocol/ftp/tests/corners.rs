//! What comes at a bad moment: the end of one transfer must not be taken for that of another, nor what was set for one.

use std::os::unix::{ffi::OsStringExt, fs::symlink};

use super::*;

#[test]
fn the_end_of_one_upload_is_not_that_of_the_next() {
    let folder = Folder::new("stale-end");
    let mut server = Logged::new(&setup(&folder));
    let id = server.passive();
    server.asked("STOR a\r\n");
    server.news(id, data(b"a"));
    server.news(id, ChannelNews::Ended);
    // Before that end is looked at.
    let said = server.asked("ABOR\r\nPORT 127,0,0,1,156,64\r\nSTOR b\r\n");
    assert!(said.starts_with("426 ") && said.contains("\r\n150 "), "{said}");
    let (id, _) = server.0.channel_asks.pop_back().unwrap();
    assert!(server.0.wake());
    assert_eq!(server.settle(), "");
    server.news(id, ChannelNews::Connected(([127, 0, 0, 1], 40_000).into()));
    server.news(id, data(b"b"));
    server.news(id, ChannelNews::Ended);
    server.0.wake();
    assert!(server.settle().starts_with("226 "));
    assert_eq!(folder.has("b").unwrap(), b"b");
}

#[test]
fn what_was_set_for_a_transfer_ends_with_it_whatever_comes_of_it() {
    let folder = Folder::new("set");
    fs::write(folder.0.join("a"), "hello").unwrap();
    let mut server = Logged::new(&setup(&folder));
    for refused in ["RETR none", "LIST", "NLST none", "MLSD a", "STOR no/such", "APPE no/such"] {
        server.passive();
        let said = server.asked(&format!("REST 3\r\n{refused}\r\n"));
        assert!(said.starts_with("350 "), "{said}");
        server.asked("ABOR\r\n");
        server.passive();
        let said = server.asked("RETR a\r\n");
        assert!(said.contains("(5 bytes)"), "{refused}: {said}");
        server.asked("ABOR\r\n");
    }
    for refused in ["STOR no/such", "RETR none"] {
        server.passive();
        let said = server.asked(&format!("ALLO 100\r\n{refused}\r\n"));
        assert!(said.contains("\r\n550 "), "{said}");
        let id = server.passive();
        server.asked("STOR b\r\n");
        server.news(id, data(b"b"));
        server.news(id, ChannelNews::Ended);
        server.0.wake();
        assert!(server.settle().starts_with("226 "), "{refused}");
    }
}

#[test]
fn only_what_can_be_gone_on_with_is_kept() {
    let folder = Folder::new("unique-kept");
    let (mut one, mut two) = (Logged::new(&setup(&folder)), Logged::new(&setup(&folder)));
    let (first, second) = (one.passive(), two.passive());
    one.asked("STOR a\r\n");
    two.asked("STOR a\r\n");
    one.news(first, data(b"one"));
    two.news(second, data(b"two"));
    assert!(two.asked("ABOR\r\n").starts_with("426 "));
    assert!(one.asked("ABOR\r\n").starts_with("426 "));
    assert_eq!(folder.names(), [".a.netproto-part"]);
}

#[test]
fn a_long_copy_lets_others_speak() {
    let folder = Folder::new("copy");
    let whole = vec![7; 9_000_000];
    fs::write(folder.0.join("a"), &whole).unwrap();
    let mut server = Logged::new(&setup(&folder));
    server.passive();
    assert_eq!(server.asked("APPE a\r\n"), "", "it still copies");
    let said = server.asked("ABOR\r\nPORT 127,0,0,1,156,64\r\nSTOR b\r\n");
    assert!(said.starts_with("426 "), "{said}");
    assert_eq!(said.matches("\r\n150 ").count(), 1, "{said}");
    assert!(server.0.wake());
    assert_eq!(server.settle(), "", "the copy that was given up says nothing more");
    server.asked("ABOR\r\n");
    let id = server.passive();
    let mut said = server.asked("APPE a\r\n");
    while said.is_empty() {
        assert!(server.0.wake());
        said = server.settle();
    }
    assert!(said.starts_with("150 "), "{said}");
    server.news(id, data(b"!"));
    server.news(id, ChannelNews::Ended);
    while server.0.wake() && said.starts_with("150 ") {
        said = server.settle() + if server.0.said.ends_with(b"disk\r\n") { "" } else { "150 " };
    }
    assert!(folder.has("a").unwrap() == [&whole[..], b"!"].concat());
}

/// A client that has logged in and said SIZE or what else comes first; what it has said.
fn said(end: &mut End) -> String {
    while end.leave(usize::MAX).is_some() {}
    String::from_utf8(end.said.clone()).unwrap()
}

fn client(setup: &Setup) -> End {
    let mut end = End::new(Box::new(Client::new(setup)), Rides::Stream);
    end.submit(0, b"").unwrap();
    end.offer(b"220 x\r\n331 x\r\n230 x\r\n200 x\r\n");
    end
}

/// The data connection that was asked for is there.
fn connected(end: &mut End) -> ChannelId {
    end.offer(b"229 x (|||40000|)\r\n");
    said(end);
    let (id, _) = end.channel_asks.pop_back().unwrap();
    end.channel(id, ChannelNews::Connected(([127, 0, 0, 1], 40_000).into()));
    said(end);
    end.channel_asks.clear();
    id
}

#[test]
fn a_file_that_grew_meanwhile_is_whole() {
    let here = Folder::new("grew");
    let mut setup = Setup::default();
    setup.goal.path = "/a".into();
    setup.output = Some(here.place());
    let mut end = client(&setup);
    end.offer(b"213 3\r\n");
    let id = connected(&mut end);
    end.offer(b"150 x\r\n");
    end.channel(id, data(b"hello"));
    end.offer(b"226 x\r\n");
    end.channel(id, ChannelNews::Ended);
    said(&mut end);
    assert!(end.events.iter().any(|event| matches!(event, Event::Answered { verdict: Verdict::Right, .. })));
    assert_eq!(here.has("a").unwrap(), b"hello");
}

#[test]
fn a_file_that_is_replaced_while_it_is_sent_is_not_mixed() {
    let here = Folder::new("replaced");
    fs::write(here.0.join("a"), vec![1; 400_000]).unwrap();
    let mut setup = Setup::default();
    setup.goal.path = "/a".into();
    let mut place = here.place();
    place.name = "a".into();
    set(&mut setup, "put", Given::Place(place));
    let mut end = client(&setup);
    let id = connected(&mut end);
    end.offer(b"200 x\r\n150 x\r\n");
    said(&mut end);
    fs::write(here.0.join("b"), vec![2; 400_000]).unwrap();
    fs::rename(here.0.join("b"), here.0.join("a")).unwrap();
    end.channel(id, ChannelNews::Drained);
    said(&mut end);
    let mut pieces = 0;
    for (_, ask) in &end.channel_asks {
        if let ChannelAsk::Pour(pour) = ask {
            let mut byte = [0];
            pour.file.read_at(pour.from, &mut byte).unwrap();
            assert_eq!(byte, [1], "from {}", pour.from);
            pieces += 1;
        }
    }
    assert_eq!(pieces, 2);
}

#[test]
fn a_client_that_is_dropped_keeps_what_came() {
    let here = Folder::new("dropped");
    let mut setup = Setup::default();
    setup.goal.path = "/a".into();
    setup.output = Some(here.place());
    let mut end = client(&setup);
    end.offer(b"213 10\r\n");
    let id = connected(&mut end);
    end.offer(b"150 x\r\n");
    end.channel(id, data(b"hello"));
    drop(end);
    assert_eq!(here.names(), [".a.netproto-part"]);
}

#[test]
fn what_is_not_sent_of_a_folder_is_told() {
    let (there, here) = (Folder::new("told-there"), Folder::new("told-here"));
    fs::write(here.0.join("a"), "a").unwrap();
    symlink("/etc/passwd", here.0.join("out")).unwrap();
    fs::write(here.0.join(std::ffi::OsString::from_vec(b"\xff".to_vec())), "x").unwrap();
    let (verdict, _) = pair(&there, "/d/", |setup| set(setup, "put", Given::Place(here.place())));
    let Verdict::Wrong(why) = verdict else { panic!("two files are missing") };
    let told = why.why.unwrap().sentence;
    assert!(told.contains("2 of 4 steps failed"), "{told}");
    assert_eq!(there.has("d/a").unwrap(), b"a");
}

/// A listing as some servers write it: a link to a file is had, and what can't be had is told.
#[test]
fn what_is_not_fetched_of_a_folder_is_told() {
    let here = Folder::new("told-fetched");
    let mut setup = Setup::default();
    setup.goal.path = "/d/".into();
    setup.output = Some(here.place());
    let mut end = client(&setup);
    end.offer(b"500 no FEAT\r\n257 \"/\" is it\r\n250 in\r\n");
    let id = connected(&mut end);
    end.offer(b"150 x\r\n");
    let listing = "lrwxrwxrwx 1 0 0 4 Jan 1 2020 file -> x\r\nlrwxrwxrwx 1 0 0 4 Jan 1 2020 folder -> y\r\n\
                   prw-r--r-- 1 0 0 0 Jan 1 2020 pipe\r\n-rw-r--r-- 1 0 0 0 Jan 1 2020 .a.netproto-part\r\n";
    end.channel(id, data(listing.as_bytes()));
    end.channel(id, ChannelNews::Ended);
    end.offer(b"226 x\r\n213 5\r\n");
    let id = connected(&mut end);
    end.offer(b"150 x\r\n");
    end.channel(id, data(b"hello"));
    end.channel(id, ChannelNews::Ended);
    end.offer(b"226 x\r\n");
    said(&mut end);
    end.offer(b"550 no file\r\n");
    connected(&mut end);
    end.offer(b"550 not that\r\n");
    said(&mut end);
    assert_eq!((here.names(), here.has("file").unwrap()), (vec!["file".into()], b"hello".to_vec()));
    let told = end.events.iter().find_map(|event| match event {
        Event::Answered { verdict: Verdict::Wrong(why), .. } => why.why.clone(),
        _ => None,
    });
    let told = told.unwrap().sentence;
    assert!(told.starts_with("3 of 5 steps failed") && told.contains("reserved"), "{told}");
}

/// As servers with MLSD say it.
#[test]
fn a_listing_of_a_file_is_its_entry() {
    let mut setup = Setup::default();
    setup.goal.path = "/d/a.txt".into();
    set(&mut setup, "list", Given::Text("true"));
    for (answer, right) in [("250-it\r\n type=file;size=6; /d/a.txt\r\n250 end\r\n", true), ("550 none\r\n", false)] {
        let mut end = client(&setup);
        end.offer(b"211-\r\n MLST type*;\r\n211 end\r\n");
        connected(&mut end);
        end.offer(b"501 not a folder\r\n");
        assert!(said(&mut end).ends_with("MLST d/a.txt\r\n"), "{}", said(&mut end));
        end.offer(answer.as_bytes());
        said(&mut end);
        let shown = end.events.iter().any(|event| match event {
            Event::Body(text) => text.starts_with(b"- ") && text.ends_with(b"  a.txt\n"),
            _ => false,
        });
        let answered = end.events.iter().find_map(|event| match event {
            Event::Answered { verdict, .. } => Some(verdict),
            _ => None,
        });
        match answered.unwrap() {
            Verdict::Right => assert!(right && shown),
            Verdict::Wrong(why) => {
                assert!(!right && why.why.as_ref().unwrap().sentence.ends_with("501 not a folder"), "{why:?}");
            }
        }
    }
}

#[test]
fn what_has_changed_since_is_not_gone_on_with() {
    let here = Folder::new("changed");
    let mut setup = Setup::default();
    setup.goal.path = "/a".into();
    set(&mut setup, "continue", Given::Text("true"));
    let mut up = setup.clone();
    setup.output = Some(here.place());
    let mut place = here.place();
    place.name = "b".into();
    set(&mut up, "put", Given::Place(place));
    fs::write(here.0.join("a"), "hello").unwrap();
    fs::write(here.0.join("b"), "hello world").unwrap();
    // Theirs is of another year than ours, or of none.
    for (setup, modified, resumes) in [
        (&setup, "213 20300101000000", false),
        (&setup, "213 20200101000000", true),
        (&setup, "500 what?", true),
        (&up, "213 20200101000000", false),
        (&up, "213 20300101000000", true),
        (&up, "550 none", true),
    ] {
        let mut end = client(setup);
        end.offer(if setup.output.is_some() { b"213 11\r\n" } else { b"213 5\r\n" });
        assert!(said(&mut end).ends_with("MDTM a\r\n"));
        end.offer(format!("{modified}\r\n").as_bytes());
        connected(&mut end);
        end.offer(b"200 x\r\n");
        let said = said(&mut end);
        assert_eq!(said.contains("REST 5\r\n"), resumes, "{modified}: {said}");
    }
}

#[test]
fn the_server_may_connect_to_the_client() {
    let (there, here) = (Folder::new("active-there"), Folder::new("active-here"));
    fs::write(there.0.join("big"), vec![7; 600_000]).unwrap();
    fs::write(there.0.join("empty"), "").unwrap();
    let (verdict, pair_) = pair(&there, "/", |setup| {
        setup.output = Some(here.place());
        set(setup, "active", Given::Text("true"));
    });
    assert_eq!(verdict, Verdict::Right);
    assert_eq!((here.has("big").unwrap(), here.has("empty").unwrap()), (vec![7; 600_000], Vec::new()));
    let said = String::from_utf8(pair_.client.said.clone()).unwrap();
    assert!(said.contains("EPRT |1|127.0.0.1|") && !said.contains("EPSV"), "{said}");
    let (verdict, _) = pair(&there, "/again/", |setup| {
        set(setup, "put", Given::Place(here.place()));
        set(setup, "active", Given::Text("true"));
    });
    assert_eq!(verdict, Verdict::Right);
    assert_eq!((there.has("again/big").unwrap(), there.has("again/empty").unwrap()), (vec![7; 600_000], Vec::new()));
}

#[test]
fn port_is_said_where_eprt_is_not_known() {
    let mut setup = Setup::default();
    setup.goal.path = "/a".into();
    set(&mut setup, "active", Given::Text("true"));
    let mut end = client(&setup);
    end.offer(b"213 5\r\n");
    said(&mut end);
    let (id, ask) = end.channel_asks.pop_back().unwrap();
    assert!(matches!(ask, ChannelAsk::Listen(None)), "{ask:?}");
    end.channel(id, ChannelNews::Listening(([127, 0, 0, 1], 40_000).into()));
    assert!(said(&mut end).ends_with("EPRT |1|127.0.0.1|40000|\r\n"));
    end.offer(b"500 what?\r\n");
    assert!(said(&mut end).ends_with("PORT 127,0,0,1,156,64\r\n"));
    end.offer(b"200 x\r\n");
    assert!(said(&mut end).ends_with("RETR a\r\n"));
    // The last reply may be quicker than the data.
    end.offer(b"150 x\r\n226 x\r\n");
    end.channel(id, ChannelNews::Connected(([127, 0, 0, 1], 20).into()));
    end.channel(id, data(b"hello"));
    end.channel(id, ChannelNews::Ended);
    said(&mut end);
    assert!(end.events.iter().any(|event| matches!(event, Event::Answered { verdict: Verdict::Right, .. })));
}
