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
    Draft { temporary: Path::new(temporary), name: Path::new(name), resumed_at: None, replaces: true }
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
    assert_eq!(there, ["box"]);
    assert_eq!(std::fs::metadata(folder.0.join("box")).unwrap().len(), 1_000_000);
}

#[test]
fn made_up_names_differ() {
    let folder = Folder::new("unique");
    let root = Root::open(&folder.0, false).unwrap();
    assert_ne!(root.unique(), root.unique());
}
