//! A root against a real folder: what leads out is refused, and what is not committed was never there.

use std::{
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use super::*;
use crate::session::{Draft, FileKind, Files};

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("netproto-files-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn draft<'a>(temporary: &'a str, name: &'a str) -> Draft<'a> {
    Draft { temporary: Path::new(temporary), name: Path::new(name), resumed_at: None, replaces: true, private: false }
}

#[test]
fn nothing_leads_out() {
    let folder = Folder::new("out");
    std::fs::write(folder.0.join("secret"), "s").unwrap();
    let inside = folder.0.join("inside");
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(inside.join("here"), "here").unwrap();
    symlink("../secret", inside.join("up")).unwrap();
    symlink(folder.0.join("secret"), inside.join("absolute")).unwrap();
    symlink("here", inside.join("link")).unwrap();
    let root = Root::open(&inside, false).unwrap();
    for name in ["../secret", "up", "absolute", "/etc/passwd", "./../secret"] {
        assert_eq!(root.open(Path::new(name)).unwrap_err(), FileError::Outside, "{name}");
        assert_eq!(root.stat(Path::new(name)).unwrap_err(), FileError::Outside, "{name}");
    }
    assert_eq!(root.open(Path::new("link")).unwrap().1.size, 4);
    let names: Vec<_> = root.list(Path::new(".")).unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["here", "link"]);
}

#[test]
fn only_regular_files_are_opened() {
    let folder = Folder::new("kinds");
    rustix::fs::mknodat(rustix::fs::CWD, folder.0.join("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let root = Root::open(&folder.0, false).unwrap();
    assert_eq!(root.open(Path::new("pipe")).unwrap_err(), FileError::NotAllowed);
    assert_eq!(root.open(Path::new(".")).unwrap_err(), FileError::IsAFolder);
    assert_eq!(root.open(Path::new("none")).unwrap_err(), FileError::NotFound);
    assert_eq!(root.stat(Path::new("pipe")).unwrap().kind, FileKind::Other);
}

#[test]
fn a_draft_has_its_name_when_it_is_whole() {
    let folder = Folder::new("draft");
    let root = Root::open(&folder.0, false).unwrap();
    let mut file = root.create(&draft(".a.part", "a")).unwrap();
    file.append(b"hel").unwrap();
    assert_eq!(root.stat(Path::new("a")).unwrap_err(), FileError::NotFound);
    file.append(b"lo").unwrap();
    file.commit().unwrap();
    assert_eq!(std::fs::read(folder.0.join("a")).unwrap(), b"hello");
    assert_eq!(root.list(Path::new(".")).unwrap().len(), 1);

    drop(root.create(&draft(".b.part", "b")).unwrap());
    assert_eq!(root.list(Path::new(".")).unwrap().len(), 1, "what was given up was never there");

    let taken = Draft { replaces: false, ..draft(".a.part", "a") };
    assert_eq!(root.create(&taken).unwrap().commit().unwrap_err(), FileError::Exists);
}

#[test]
fn a_kept_draft_is_gone_on_with() {
    let folder = Folder::new("kept");
    let root = Root::open(&folder.0, false).unwrap();
    let mut file = root.create(&draft(".a.part", "a")).unwrap();
    file.append(b"hexxx").unwrap();
    file.keep().unwrap();
    let mut file = root.create(&Draft { resumed_at: Some(2), ..draft(".a.part", "a") }).unwrap();
    assert_eq!(file.length(), 2);
    file.append(b"llo").unwrap();
    file.commit().unwrap();
    assert_eq!(std::fs::read(folder.0.join("a")).unwrap(), b"hello");
}

#[test]
fn what_somebody_writes_is_not_what_was_left() {
    let folder = Folder::new("left");
    let root = Root::open(&folder.0, false).unwrap();
    let mut file = root.create(&draft(".a.part", "a")).unwrap();
    file.append(b"a").unwrap();
    assert_eq!(root.remove_draft(Path::new(".a.part")), Err(FileError::Exists));
    file.keep().unwrap();
    assert_eq!(root.remove_draft(Path::new(".a.part")), Ok(()));
    assert_eq!(root.remove_draft(Path::new(".a.part")), Err(FileError::NotFound));
}

#[test]
fn appending_is_whole_or_nothing() {
    let folder = Folder::new("append");
    let root = Root::open(&folder.0, false).unwrap();
    let (mut first, mut second) = (root.append(Path::new("box"), b"").unwrap(), root.append(Path::new("box"), b"").unwrap());
    first.append(b"1").unwrap();
    second.append(b"22").unwrap();
    first.append(b"1\n").unwrap();
    drop(root.append(Path::new("box"), b"").unwrap());
    second.commit().unwrap();
    first.commit().unwrap();
    assert_eq!(std::fs::read(folder.0.join("box")).unwrap(), b"2211\n");
}

#[test]
fn what_is_appended_stands_apart() {
    let folder = Folder::new("apart");
    let root = Root::open(&folder.0, false).unwrap();
    let path = folder.0.join("box");
    for (there, wanted) in
        [("", "x"), ("\n", "\n\nx"), ("a", "a\n\nx"), ("a\n", "a\n\nx"), ("a\n\n", "a\n\nx"), ("\n\n\n", "\n\n\nx")]
    {
        std::fs::write(&path, there).unwrap();
        let mut file = root.append(Path::new("box"), b"\n\n").unwrap();
        file.append(b"x").unwrap();
        file.commit().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), wanted, "{there:?}");
    }
}

/// As a process leaves it that was killed while appending: the note, and a half of what it tells of.
#[test]
fn a_half_is_taken_off_and_nothing_else() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = Folder::new("half");
    let path = folder.0.join("box");
    let append = |text: &str| {
        let root = Root::open(&folder.0, false).unwrap();
        let mut file = root.append(Path::new("box"), b"\n\n").unwrap();
        file.append(text.as_bytes()).unwrap();
        file.commit().unwrap();
    };
    let read = || std::fs::read_to_string(&path).unwrap();
    let note = |before: usize, after: usize| {
        let there = std::fs::metadata(&path).unwrap();
        let text = format!("appending {} {} {before} {before} {after} 46726f6d20.\n", there.dev(), there.ino());
        std::fs::write(folder.0.join(".box.netproto"), text).unwrap();
    };
    // The same file: what is replaced is another one, of which the note says nothing.
    let cut = |at: usize, more: &str| std::fs::write(&path, read()[..at].to_owned() + more).unwrap();
    append("From a\n\na\n\n");
    append("From b\n\nlong\n\n");
    note(11, 25);
    assert_eq!(Root::to_append(&path).unwrap().2, None, "what is whole stays");
    cut(20, "");
    assert_eq!(Root::to_append(&path).unwrap().2, Some(9));
    assert_eq!(read(), "From a\n\na\n\n");
    cut(11, "From b\n\nlo");
    note(11, 25);
    append("From c\n\n\n");
    assert_eq!(read(), "From a\n\na\n\nFrom c\n\n\n", "whoever appends next takes it off, too");
    cut(11, "From d\n\nvery long\n\nFrom x\n\n\n");
    note(11, 60);
    let there = read();
    assert_eq!(Root::to_append(&path).unwrap().2, None, "another has appended to it");
    assert_eq!(read(), there);
    // After an append nothing is noted: whoever makes the file shorter then means it.
    append("From e\n\n\n");
    cut(20, "");
    let there = read();
    assert_eq!(Root::to_append(&path).unwrap().2, None);
    append("From f\n\n\n");
    assert_eq!(read(), there + "\n\nFrom f\n\n\n");
}

/// Whoever cleans up moves the file away, or removes it: what is acknowledged after that is not in what nobody can read.
#[test]
fn a_file_that_was_replaced_meanwhile_is_appended_to() {
    let folder = Folder::new("replaced");
    let root = Root::open(&folder.0, false).unwrap();
    std::fs::write(folder.0.join("box"), "old").unwrap();
    let mut file = root.append(Path::new("box"), b"").unwrap();
    file.append(b"new").unwrap();
    std::fs::remove_file(folder.0.join("box")).unwrap();
    file.commit().unwrap();
    assert_eq!(std::fs::read(folder.0.join("box")).unwrap(), b"new");
}

#[test]
fn what_is_long_is_not_held_in_memory_and_leaves_nothing() {
    let folder = Folder::new("long");
    let root = Root::open(&folder.0, false).unwrap();
    let mut file = root.append(Path::new("box"), b"").unwrap();
    let piece = vec![b'x'; 100_000];
    (0..10).for_each(|_| file.append(&piece).unwrap());
    assert_eq!(file.length(), 1_000_000);
    file.commit().unwrap();
    drop(root.append(Path::new("box"), b"").unwrap());
    let there: Vec<_> = std::fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let mut there = there;
    there.sort();
    assert_eq!(there, [".box.netproto", "box"], "and the note of what was appended last");
    assert_eq!(std::fs::metadata(folder.0.join("box")).unwrap().len(), 1_000_000);
}

#[test]
fn made_up_names_differ() {
    let folder = Folder::new("unique");
    let root = Root::open(&folder.0, false).unwrap();
    assert_ne!(root.unique(), root.unique());
}

#[test]
fn what_killed_writers_left_is_swept_away() {
    let folder = Folder::new("sweep");
    std::fs::create_dir(folder.0.join("tmp")).unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    let root = Root::open(&folder.0, false).unwrap();
    let names: Vec<_> = ["left", "young", "written"].into_iter().map(|what| (what, root.unique())).collect();
    let path = |what: &str| {
        let name = names.iter().find(|(known, _)| *known == what).map_or(what, |(_, name)| name);
        folder.0.join("tmp").join(name)
    };
    for what in ["left", "young", "another's", "1.M2P3Q4.x"] {
        std::fs::write(path(what), "").unwrap();
    }
    let written = format!("tmp/{}", path("written").file_name().unwrap().to_str().unwrap());
    let writer = root.create(&draft(&written, "a")).unwrap();
    for what in ["left", "written", "another's", "1.M2P3Q4.x"] {
        std::fs::File::options().write(true).open(path(what)).unwrap().set_modified(old).unwrap();
    }
    root.sweep(Path::new("tmp"));
    let there = |what: &str| path(what).exists();
    assert!(!there("left"));
    assert!(there("young") && there("written") && there("another's") && there("1.M2P3Q4.x"));
    writer.commit().unwrap();
}
