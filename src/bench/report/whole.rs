//! A file that is written whole or not at all: under another name beside it, which it takes when all of it is on the disk. What was
//! there before stays until then.
//!
//! May use: `std::fs`, error, `values`.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::unwritten;
use crate::{
    error::{Trouble, reason},
    values::show,
};

/// The file while it is not there yet. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Whole {
    name: String,
    file: File,
    /// Both names; `None`: what is there is no file that could be replaced, such as `/dev/stdout`, and is written itself.
    names: Option<(PathBuf, PathBuf)>,
}

impl Whole {
    /// Opens it: what can't be written is known at once. `hint` is what to tell if it can't be.
    ///
    /// # Errors
    /// [`Trouble`] naming the path.
    pub fn create(path: &Path, hint: &str) -> Result<Self, Trouble> {
        let name = show::path(path);
        let (file, names) = open(path).map_err(|error| {
            Trouble::failed(format!("could not open {name} for the results: {}", reason(&error))).hint(hint)
        })?;
        Ok(Self { name, file, names })
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// [`Trouble`] naming the path, as on a full disk; then what was there before still is.
    pub fn put(mut self, text: &str) -> Result<(), Trouble> {
        let written = self.file.write_all(text.as_bytes()).and_then(|()| match &self.names {
            Some((temporary, path)) => self.file.sync_all().and_then(|()| fs::rename(temporary, path)),
            None => self.file.flush(),
        });
        if written.is_ok() {
            self.names = None;
        }
        written.map_err(|error| unwritten(&self.name, &error))
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        if let Some((temporary, _)) = &self.names {
            // What can't be removed either is somebody else's by now.
            let _ = fs::remove_file(temporary);
        }
    }
}

fn open(path: &Path) -> io::Result<(File, Option<(PathBuf, PathBuf)>)> {
    let there = match fs::metadata(path) {
        Ok(there) => Some(there),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        return Ok((OpenOptions::new().write(true).open(path)?, None));
    }
    let path = match &there {
        Some(_) => {
            // One that may not be written is not replaced either.
            OpenOptions::new().write(true).open(path)?;
            // A link goes on to lead there.
            path.canonicalize()?
        }
        None => path.to_owned(),
    };
    let temporary = temporary(&path)?;
    let file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
    if let Some(there) = there {
        file.set_permissions(there.permissions())?;
    }
    Ok((file, Some((temporary, path))))
}

/// Hidden, beside it, ours alone. What a killed process of our number left behind is nobody's.
fn temporary(path: &Path) -> io::Result<PathBuf> {
    let Some(name) = path.file_name() else { return Err(io::ErrorKind::IsADirectory.into()) };
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.part", std::process::id()));
    let temporary = path.with_file_name(hidden);
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(temporary),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("netproto-whole-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        path
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_there_stays_until_all_is_written() {
        let folder = folder("stays");
        let path = folder.join("page.html");
        fs::write(&path, "before").expect("written");
        drop(Whole::create(&path, "").expect("opened"));
        assert_eq!((fs::read_to_string(&path).expect("read").as_str(), names(&folder).len()), ("before", 1));
        let whole = Whole::create(&path, "").expect("opened");
        assert_eq!(fs::read_to_string(&path).expect("read"), "before");
        whole.put("after").expect("put");
        assert_eq!((fs::read_to_string(&path).expect("read").as_str(), names(&folder)), ("after", vec!["page.html".into()]));
        let _ = fs::remove_dir_all(&folder);
    }

    #[test]
    fn links_lead_on_and_devices_stay_devices() {
        let folder = folder("links");
        let (link, path) = (folder.join("link"), folder.join("there.html"));
        fs::write(&path, "before").expect("written");
        std::os::unix::fs::symlink("there.html", &link).expect("a link");
        Whole::create(&link, "").expect("opened").put("after").expect("put");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::read_to_string(&path).expect("read"), "after");
        Whole::create(Path::new("/dev/null"), "").expect("opened").put("nothing").expect("put");
        assert!(!fs::metadata("/dev/null").expect("there").is_file());
        let full = Whole::create(Path::new("/dev/full"), "").expect("opened").put("text").expect_err("it is full");
        assert!(full.sentence.starts_with("could not write the results to /dev/full: no space left"), "{full:?}");
        for (path, why) in [(folder.join("no/such"), "no such file or directory"), (folder.clone(), "is a directory")] {
            let trouble = Whole::create(&path, "nothing was sent").expect_err("it can't be written");
            assert!(trouble.sentence.ends_with(why), "{trouble:?}");
            assert_eq!(trouble.hint.as_deref(), Some("nothing was sent"));
        }
        let _ = fs::remove_dir_all(&folder);
    }
}
