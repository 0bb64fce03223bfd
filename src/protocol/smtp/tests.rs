//! What needs a clock that can be set, or a disk that fails.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, SystemTime},
};

use super::{name, *};
use crate::{
    protocol::{Ends, Given, Place, Setup, param},
    session::{Draft, End, Entry, FileError, FileReader, FileWriter, Files, Stat},
};

static NOW: AtomicU64 = AtomicU64::new(0);

fn clock() -> Duration {
    Duration::from_secs(NOW.load(SeqCst))
}

fn set(setup: &mut Setup, name: &str, given: Given<'_>) {
    setup.params.set(param(ROW.params, Ends::Both, name).unwrap(), given).unwrap();
}

fn server(setup: &Setup) -> End {
    let mut end = End::new(Box::new(Server::new(setup)), Rides::Stream);
    end.facts.steady_clock = clock;
    end
}

/// Says this to it, and gives what it answers.
fn ask(end: &mut End, said: &[u8]) -> String {
    let from = end.said.len();
    end.offer(said);
    while end.leave(usize::MAX).is_some() {}
    String::from_utf8(end.said[from..].to_vec()).unwrap()
}

const HEAD: &[u8] = b"HELO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\n";

#[test]
fn who_is_greylisted_waits_as_long_as_was_said() {
    let mut setup = Setup::default();
    set(&mut setup, name::GREYLIST, Given::Text("30s"));
    for (now, taken) in [(100, false), (101, false), (129, false), (130, true), (131, true), (90, false)] {
        NOW.store(now, SeqCst);
        let said = ask(&mut server(&setup), HEAD);
        assert_eq!(said.contains("250 2.1.5"), taken, "{now}: {said}");
        assert_eq!(said.contains("451 4.7.1"), !taken, "{now}: {said}");
    }
    for (text, right) in [("true", true), ("false", true), ("5m", true), ("perhaps", false)] {
        assert_eq!(Greylist::read(text).is_ok(), right, "{text}");
    }
}

/// A disk that says this to whoever writes, or when all is to be kept.
#[derive(Debug, Clone)]
struct Broken {
    create: Option<FileError>,
    append: Option<FileError>,
    commit: Option<FileError>,
}

fn or_else<T>(error: Option<&FileError>, value: T) -> Result<T, FileError> {
    error.map_or(Ok(value), |error| Err(error.clone()))
}

impl Files for Broken {
    fn stat(&self, _: &Path) -> Result<Stat, FileError> {
        Err(FileError::NotFound)
    }
    fn open(&self, _: &Path) -> Result<(Arc<dyn FileReader>, Stat), FileError> {
        Err(FileError::NotFound)
    }
    fn list(&self, _: &Path) -> Result<Vec<Entry>, FileError> {
        Ok(Vec::new())
    }
    fn create(&self, _: &Draft<'_>) -> Result<Box<dyn FileWriter>, FileError> {
        or_else(self.create.as_ref(), Box::new(self.clone()) as Box<dyn FileWriter>)
    }
    fn append(&self, _: &Path, _: &'static [u8]) -> Result<Box<dyn FileWriter>, FileError> {
        Ok(Box::new(self.clone()))
    }
    fn rename(&self, _: &Path, _: &Path) -> Result<(), FileError> {
        Ok(())
    }
    fn remove(&self, _: &Path) -> Result<(), FileError> {
        Ok(())
    }
    fn make_folder(&self, _: &Path) -> Result<(), FileError> {
        Ok(())
    }
    fn remove_folder(&self, _: &Path) -> Result<(), FileError> {
        Ok(())
    }
    fn set_modified(&self, _: &Path, _: SystemTime) -> Result<(), FileError> {
        Ok(())
    }
    fn unique(&self) -> String {
        "1".into()
    }
}

impl FileWriter for Broken {
    fn append(&mut self, _: &[u8]) -> Result<(), FileError> {
        or_else(self.append.as_ref(), ())
    }
    fn length(&self) -> u64 {
        0
    }
    fn commit(self: Box<Self>) -> Result<(), FileError> {
        or_else(self.commit.as_ref(), ())
    }
    fn keep(self: Box<Self>) -> Result<(), FileError> {
        Ok(())
    }
}

fn place(create: Option<FileError>, append: Option<FileError>, commit: Option<FileError>) -> Given<'static> {
    Given::Place(Place { files: Arc::new(Broken { create, append, commit }), name: "x".into() })
}

#[test]
fn what_can_not_be_kept_is_not_taken() {
    let (full, odd) = (Some(FileError::Full), Some(FileError::Failed("input/output error".into())));
    for (given, answer) in [
        (place(None, None, None), "250 2.0.0 taken, and on disk\r\n"),
        (place(full.clone(), None, None), "452 4.3.1 "),
        (place(None, full.clone(), None), "452 4.3.1 "),
        (place(None, odd.clone(), None), "451 4.3.0 "),
        (place(None, None, odd.clone()), "451 4.3.0 "),
    ] {
        let mut setup = Setup::default();
        set(&mut setup, name::MAILDIR, given);
        let mut end = server(&setup);
        ask(&mut end, HEAD);
        let mut said = ask(&mut end, b"DATA\r\n");
        if said.starts_with("354") {
            said = ask(&mut end, &[&b"x\r\n".repeat(30_000)[..], b".\r\n"].concat());
        }
        assert!(said.starts_with(answer), "{answer}: {said}");
        assert!(!end.busy());
        let again = ask(&mut end, b"MAIL FROM:<a@x>\r\nQUIT\r\n");
        assert_eq!(again, "250 2.1.0 sender taken\r\n221 2.0.0 good bye\r\n", "it goes on");
    }
}

#[test]
fn two_places_are_one_promise() {
    for (mbox, answer) in [
        (place(None, None, None), "250 2.0.0 taken, and on disk\r\n"),
        (place(None, None, Some(FileError::Full)), "452 4.3.1 no room to keep the message; try again later\r\n"),
    ] {
        let mut setup = Setup::default();
        set(&mut setup, name::MAILDIR, place(None, None, None));
        set(&mut setup, name::MBOX, mbox);
        let mut end = server(&setup);
        ask(&mut end, HEAD);
        assert_eq!(ask(&mut end, b"BDAT 3 LAST\r\nhi\n"), answer);
    }
    let mut setup = Setup::default();
    set(&mut setup, name::MAILDIR, place(Some(FileError::Full), None, None));
    set(&mut setup, name::DISCARD, Given::Text("true"));
    let mut end = server(&setup);
    ask(&mut end, HEAD);
    assert_eq!(ask(&mut end, b"BDAT 3 LAST\r\nhi\n"), "250 2.0.0 taken, and thrown away\r\n");
}
