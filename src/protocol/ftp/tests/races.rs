//! Several at one name at the same time: nobody's half is taken for a whole, and what was acknowledged is not wiped.

use super::*;

/// A server on the same folder, to which so much of a file was sent by `command`.
fn sending(folder: &Folder, command: &str, bytes: &[u8]) -> (Logged, ChannelId) {
    let mut server = Logged::new(&setup(folder));
    let id = server.passive();
    let said = server.asked(&format!("{command}\r\n"));
    assert!(said.contains("150 "), "{command}: {said}");
    server.news(id, data(bytes));
    (server, id)
}

/// The client has sent all; what it is told.
fn ended(server: &mut Logged, id: ChannelId) -> String {
    server.news(id, ChannelNews::Ended);
    server.0.wake();
    server.settle()
}

#[test]
fn what_is_deleted_while_it_is_stored_is_still_the_writers() {
    let folder = Folder::new("race-delete");
    let (mut one, first) = sending(&folder, "STOR a", &[b'A'; 1000]);
    let mut other = Logged::new(&setup(&folder));
    assert_eq!(other.asked("DELE a\r\n"), "450 somebody is writing it\r\n");
    let (mut two, second) = sending(&folder, "STOR a", b"half");
    assert!(ended(&mut one, first).starts_with("226 "));
    assert_eq!(folder.has("a").unwrap(), [b'A'; 1000]);
    two.news(second, data(b", and the rest"));
    assert_eq!(folder.has("a").unwrap(), [b'A'; 1000]);
    assert!(ended(&mut two, second).starts_with("226 "));
    assert_eq!(folder.has("a").unwrap(), b"half, and the rest");
    // What stands there goes; the upload comes.
    let (mut one, first) = sending(&folder, "STOR a", b"new");
    assert!(other.asked("DELE a\r\n").starts_with("250 "));
    assert_eq!(folder.has("a"), None);
    assert!(ended(&mut one, first).starts_with("226 "));
    assert_eq!((folder.names(), folder.has("a").unwrap()), (vec!["a".into()], b"new".to_vec()));
    assert!(other.asked("DELE a\r\n").starts_with("250 ") && other.asked("DELE a\r\n").starts_with("550 "));
    // What nobody writes any more goes with it.
    let (mut one, _) = sending(&folder, "STOR a", b"cut");
    one.asked("ABOR\r\n");
    assert_eq!(folder.names(), [".a.netproto-part"]);
    assert!(other.asked("DELE a\r\n").starts_with("250 ") && folder.names().is_empty());
}

#[test]
fn a_folder_may_move_while_something_is_stored_in_it() {
    let folder = Folder::new("race-rename");
    let mut other = Logged::new(&setup(&folder));
    other.asked("MKD d\r\n");
    let (mut one, first) = sending(&folder, "STOR d/f", b"all of it");
    let said = other.asked("RNFR d\r\nRNTO e\r\nMKD d\r\n");
    assert!(said.contains("250 ") && said.contains("257 "), "{said}");
    let (mut two, second) = sending(&folder, "STOR d/f", b"half");
    assert!(ended(&mut one, first).starts_with("226 "));
    assert_eq!((folder.has("e/f").unwrap(), folder.has("d/f")), (b"all of it".to_vec(), None));
    assert!(ended(&mut two, second).starts_with("226 "));
    assert_eq!(folder.has("d/f").unwrap(), b"half");
}

#[test]
fn a_folder_in_which_something_is_stored_is_not_empty() {
    let folder = Folder::new("race-remove");
    let mut other = Logged::new(&setup(&folder));
    other.asked("MKD d\r\n");
    let (mut one, first) = sending(&folder, "STOR d/f", b"whole");
    assert_eq!(other.asked("RMD d\r\n"), "550 the folder is not empty\r\n");
    assert!(ended(&mut one, first).starts_with("226 "));
    assert_eq!(folder.has("d/f").unwrap(), b"whole");
    // What nobody writes any more does not keep it.
    assert!(other.asked("DELE d/f\r\n").starts_with("250 "));
    let (mut one, _) = sending(&folder, "STOR d/f", b"cut");
    one.asked("ABOR\r\n");
    assert_eq!(folder.has("d/.f.netproto-part").unwrap(), b"cut");
    assert!(other.asked("RMD d\r\n").starts_with("250 ") && folder.names().is_empty());
}

/// Somebody outside does what no client may.
#[test]
fn who_has_lost_its_file_is_told_and_touches_no_other() {
    let folder = Folder::new("race-outside");
    let part = folder.0.join(".a.netproto-part");
    let (mut one, first) = sending(&folder, "STOR a", b"mine");
    fs::remove_file(&part).unwrap();
    fs::write(&part, "theirs").unwrap();
    let said = ended(&mut one, first);
    assert_eq!(said, "451 what was written of it is there no more\r\n");
    assert_eq!((folder.names(), fs::read(&part).unwrap()), (vec![".a.netproto-part".into()], b"theirs".to_vec()));
}

#[test]
fn only_one_at_a_time_appends() {
    let folder = Folder::new("race-append");
    fs::write(folder.0.join("a"), "old ").unwrap();
    let (mut one, first) = sending(&folder, "APPE a", b"one");
    let mut other = Logged::new(&setup(&folder));
    for command in ["APPE a", "REST 2\r\nSTOR a"] {
        other.passive();
        let said = other.asked(&format!("{command}\r\n"));
        assert!(said.ends_with("450 somebody else is writing it\r\n"), "{command}: {said}");
    }
    assert!(ended(&mut one, first).starts_with("226 "));
    assert_eq!((folder.names(), folder.has("a").unwrap()), (vec!["a".into()], b"old one".to_vec()));
    // Neither beside one who writes it anew.
    let (mut two, second) = sending(&folder, "STOR a", b"new");
    other.passive();
    assert!(other.asked("APPE a\r\n").starts_with("450 "));
    assert!(ended(&mut two, second).starts_with("226 "));
    assert_eq!(folder.has("a").unwrap(), b"new");
}

#[test]
fn what_was_replaced_meanwhile_is_not_wiped() {
    let folder = Folder::new("race-replaced");
    for (name, before, command) in [
        ("a", Some("old "), "APPE a"),
        ("b", Some("old "), "REST 2\r\nSTOR b"),
        ("c", Some(""), "APPE c"),
        ("d", None, "APPE d"),
    ] {
        if let Some(before) = before {
            fs::write(folder.0.join(name), before).unwrap();
        }
        let (mut one, first) = sending(&folder, command, b"one");
        let (mut two, second) = sending(&folder, &format!("STOR {name}"), b"acknowledged");
        assert!(ended(&mut two, second).starts_with("226 "));
        let said = ended(&mut one, first);
        assert!(said.starts_with("451 "), "{command}: {said}");
        assert_eq!(folder.has(name).unwrap(), b"acknowledged", "{command}");
        // Once more, and it follows what is there now.
        let (mut one, first) = sending(&folder, &format!("APPE {name}"), b", and more");
        assert!(ended(&mut one, first).starts_with("226 "));
        assert_eq!(folder.has(name).unwrap(), b"acknowledged, and more", "{command}");
    }
    assert_eq!(folder.names(), ["a", "b", "c", "d"]);
    // What is gone is not brought back by its end.
    let (mut one, first) = sending(&folder, "APPE a", b"!");
    fs::remove_file(folder.0.join("a")).unwrap();
    assert!(ended(&mut one, first).starts_with("451 ") && folder.has("a").is_none());
}

/// A link is replaced by an APPE, and what it leads to stays as it is.
#[test]
fn what_a_link_leads_to_is_gone_on_with() {
    let folder = Folder::new("race-link");
    fs::create_dir(folder.0.join("d")).unwrap();
    fs::write(folder.0.join("a"), "hello ").unwrap();
    std::os::unix::fs::symlink("../a", folder.0.join("d/l")).unwrap();
    let (mut one, first) = sending(&folder, "APPE d/l", b"world");
    assert!(ended(&mut one, first).starts_with("226 "));
    assert_eq!((folder.has("d/l").unwrap(), folder.has("a").unwrap()), (b"hello world".to_vec(), b"hello ".to_vec()));
}

#[test]
fn allo_tells_the_size_of_the_file() {
    let folder = Folder::new("allo");
    fs::write(folder.0.join("a"), "hello ").unwrap();
    // As lftp says it when it goes on.
    for command in ["ALLO 11\r\nREST 6\r\nSTOR a", "ALLO 16\r\nAPPE a"] {
        let (mut one, first) = sending(&folder, command, b"world");
        let said = ended(&mut one, first);
        assert!(said.starts_with("226 "), "{command}: {said}");
    }
    assert_eq!(folder.has("a").unwrap(), b"hello worldworld");
    let (mut one, first) = sending(&folder, "ALLO 30\r\nREST 6\r\nSTOR a", b"world");
    assert_eq!(ended(&mut one, first), "426 11 of 30 bytes came; REST 11 goes on\r\n");
    assert_eq!(folder.has("a").unwrap(), b"hello worldworld");
}
