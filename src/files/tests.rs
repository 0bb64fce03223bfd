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
fn appending_is_whole_or_nothing() {
    let folder = Folder::new("append");
    let root = Root::open(&folder.0, false).unwrap();
    let (mut first, mut second) = (root.append(Path::new("box")).unwrap(), root.append(Path::new("box")).unwrap());
    first.append(b"1").unwrap();
    second.append(b"22").unwrap();
    first.append(b"1\n").unwrap();
    drop(root.append(Path::new("box")).unwrap());
    second.commit().unwrap();
    first.commit().unwrap();
    assert_eq!(std::fs::read(folder.0.join("box")).unwrap(), b"2211\n");
}

#[test]
fn made_up_names_differ() {
    let folder = Folder::new("unique");
    let root = Root::open(&folder.0, false).unwrap();
    assert_ne!(root.unique(), root.unique());
}
