//! A root: what stands below one folder.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::SystemTime,
};

use cap_std::{
    ambient_authority,
    fs::{Dir, Metadata, OpenOptions, OpenOptionsExt},
};

use super::{
    OpenFile,
    append::{self, Appended, Turn},
    made::Made,
    sweep, told, write,
};
use crate::{
    error::{Trouble, reason},
    session::{Draft, Entry, FileError, FileKind, FileReader, FileWriter, Files, Stat},
    values::show,
};

/// A folder, held open. Clones are the same root.
#[derive(Debug, Clone)]
pub struct Root {
    folder: Arc<Dir>,
    /// One writer at a time appends, for the whole process.
    turn: Turn,
    made: Arc<Made>,
    swept: Arc<AtomicBool>,
}

/// Numbers the names that this process has made up.
static UNIQUE: AtomicU64 = AtomicU64::new(0);

impl Root {
    /// Opens the folder; with `make` it is made if it is missing, for this user alone.
    ///
    /// # Errors
    /// It is no folder, or can't be opened or made.
    pub fn open(path: &Path, make: bool) -> Result<Self, Trouble> {
        let trouble = |what: &str, error: &io::Error| {
            Trouble::failed(format!("could not {what} {}: {}", show::path(path), reason(error)))
        };
        if make && !path.exists() {
            use std::os::unix::fs::DirBuilderExt;
            let mut builder = std::fs::DirBuilder::new();
            let missing: Vec<_> =
                path.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).collect();
            let done = builder.recursive(true).mode(0o700).create(path);
            done.and_then(|()| missing.into_iter().try_for_each(sync_name))
                .map_err(|error| trouble("make the folder", &error))?;
        }
        let folder = Dir::open_ambient_dir(path, ambient_authority()).map_err(|error| trouble("open the folder", &error))?;
        Ok(Self { folder: Arc::new(folder), turn: Turn::default(), made: Arc::default(), swept: Arc::default() })
    }

    /// The folder that holds this file, and the file's name in it.
    ///
    /// # Errors
    /// The path names no file, or its folder can't be opened.
    pub fn beside(path: &Path) -> Result<(Self, PathBuf), Trouble> {
        let shown = show::path(path);
        let Some(name) = path.file_name() else {
            return Err(Trouble::usage(format!("{shown} names no file")));
        };
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok((Self::open(folder, false)?, name.into()))
    }

    /// A regular file that is appended to, or is yet to be made: its folder, and its name in it; and how many bytes of a half were
    /// taken off its end, which a process left that was killed.
    ///
    /// # Errors
    /// It is no regular file, or can't be opened.
    pub fn to_append(path: &Path) -> Result<(Self, PathBuf, Option<u64>), Trouble> {
        let shown = show::path(path);
        if path.metadata().is_ok_and(|there| !there.is_file()) {
            let sentence = format!("{shown} is no regular file: nothing can be appended to it");
            return Err(Trouble::usage(sentence).hint("name a file, which is made if it is missing"));
        }
        let (root, name) = Self::beside(path)?;
        let half = append::mend(&root.folder, &name)
            .map_err(|error| Trouble::failed(format!("could not append to {shown}: {}", reason(&error))))?;
        Ok((root, name, half))
    }
}

/// A name is on disk when its folder is.
fn sync_name(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()
}

/// What is known of it.
fn stat(metadata: &Metadata) -> Stat {
    let kind = match metadata.file_type() {
        kind if kind.is_file() => FileKind::File,
        kind if kind.is_dir() => FileKind::Folder,
        _ => FileKind::Other,
    };
    let modified = metadata.modified().map_or(SystemTime::UNIX_EPOCH, cap_std::time::SystemTime::into_std);
    Stat { kind, size: metadata.len(), modified }
}

impl Files for Root {
    fn stat(&self, name: &Path) -> Result<Stat, FileError> {
        self.folder.metadata(name).map(|metadata| stat(&metadata)).map_err(|error| told(&error))
    }

    fn open(&self, name: &Path) -> Result<(Arc<dyn FileReader>, Stat), FileError> {
        let mut options = OpenOptions::new();
        // A pipe without a writer would hold the thread for ever: opened without waiting, it is seen to be none of ours.
        options.read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
        let file = self.folder.open_with(name, &options).map_err(|error| told(&error))?;
        let stat = stat(&file.metadata().map_err(|error| told(&error))?);
        match stat.kind {
            FileKind::File => Ok((Arc::new(OpenFile(file.into_std())), stat)),
            FileKind::Folder => Err(FileError::IsAFolder),
            FileKind::Other => Err(FileError::NotAllowed),
        }
    }

    fn list(&self, name: &Path) -> Result<Vec<Entry>, FileError> {
        let folder = self.folder.open_dir(name).map_err(|error| told(&error))?;
        let mut entries = Vec::new();
        for entry in folder.entries().map_err(|error| told(&error))? {
            let entry = entry.map_err(|error| told(&error))?;
            // Through the folder, not the entry: a link counts as what it leads to, if that is inside. A name that is no
            // UTF-8 can't be asked for.
            if let Ok(name) = entry.file_name().into_string()
                && let Ok(metadata) = folder.metadata(&name)
            {
                entries.push(Entry { name, stat: stat(&metadata) });
            }
        }
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn left_out(&self, name: &Path) -> Result<Vec<String>, FileError> {
        let folder = self.folder.open_dir(name).map_err(|error| told(&error))?;
        let mut left = Vec::new();
        for entry in folder.entries().map_err(|error| told(&error))? {
            let name = entry.map_err(|error| told(&error))?.file_name();
            let why = match name.to_str() {
                None => "its name is not UTF-8".into(),
                Some(name) => match folder.metadata(name) {
                    Ok(metadata) if metadata.is_file() || metadata.is_dir() => continue,
                    Ok(_) => "it is no file".into(),
                    Err(error) => told(&error).to_string(),
                },
            };
            left.push(format!("{}: {why}", show::quoted(name.as_encoded_bytes(), 80)));
        }
        Ok(left)
    }

    fn create(&self, draft: &Draft<'_>) -> Result<Box<dyn FileWriter>, FileError> {
        let writer = write::Drafted::begin(self.folder.clone(), draft, self.made.clone()).map_err(|error| told(&error))?;
        Ok(Box::new(writer))
    }

    fn append(&self, name: &Path, apart: &'static [u8]) -> Result<Box<dyn FileWriter>, FileError> {
        let writer = Appended::begin(&self.folder, name, apart, self.turn.clone()).map_err(|error| told(&error))?;
        Ok(Box::new(writer))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        self.folder.rename(from, &self.folder, to).map_err(|error| told(&error))
    }

    fn remove(&self, name: &Path) -> Result<(), FileError> {
        self.folder.remove_file(name).map_err(|error| told(&error))
    }

    fn remove_draft(&self, temporary: &Path) -> Result<(), FileError> {
        write::remove_left(&self.folder, temporary).map_err(|error| told(&error))
    }

    fn make_folder(&self, name: &Path) -> Result<(), FileError> {
        self.folder.create_dir(name).map_err(|error| told(&error))?;
        self.made.add(name);
        Ok(())
    }

    fn remove_folder(&self, name: &Path) -> Result<(), FileError> {
        self.folder.remove_dir(name).map_err(|error| told(&error))
    }

    fn set_modified(&self, name: &Path, to: SystemTime) -> Result<(), FileError> {
        let mut options = OpenOptions::new();
        // As in `open`: a pipe that nobody reads must not hold the thread.
        options.write(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
        let file = self.folder.open_with(name, &options).map_err(|error| told(&error))?;
        file.into_std().set_modified(to).map_err(|error| told(&error))
    }

    fn sweep(&self, folder: &Path) {
        if !self.swept.swap(true, Relaxed) {
            // What can't be removed does no harm.
            let _ = sweep::sweep(&self.folder, folder);
        }
    }

    fn unique(&self) -> String {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let n = UNIQUE.fetch_add(1, Relaxed);
        let (seconds, micros) = (since.as_secs(), since.subsec_micros());
        // As Maildir names go: time, then microseconds, process and count, then randomness in place of the host's name.
        format!("{seconds}.M{micros}P{}Q{n}.{:08x}", std::process::id(), fastrand::u32(..))
    }
}
