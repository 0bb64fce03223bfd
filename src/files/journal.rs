//! What is being appended to a file, written down beside it before: who is killed half-way leaves a half, and whoever opens the
//! file next takes it off again. Between appends the note is empty, as `.NAME.netproto`: its name is on disk once.
//!
//! May use: cap-std, rustix.

use std::{
    fmt::Write as _,
    fs::File,
    io,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};

use super::append::Identity;

/// Of a piece's beginning, so much is written down at most, in bytes.
const WORD: usize = 16;
/// The longest note.
const LONGEST: usize = 128;
/// Bytes of a half that are looked through at once.
const LOOKED_AT: usize = 64 * 1024;

/// The note beside a file.
#[derive(Debug)]
pub(super) struct Journal(File);

/// One piece: to which file, where that ended before, where the piece begins behind what sets it apart, where it will end, and its
/// first word.
#[derive(Debug, PartialEq, Eq)]
struct Note {
    identity: Identity,
    before: u64,
    from: u64,
    after: u64,
    word: Vec<u8>,
}

impl Journal {
    /// Opens the note, or makes it. `None`: we may make none, or it is somebody else's, who could make us cut off what is whole.
    pub(super) fn open(folder: &Dir, name: &Path) -> io::Result<Option<Self>> {
        let mut options = OpenOptions::new();
        // A link or a pipe that somebody put there is none of ours.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.read(true).write(true).create(true).mode(0o600).custom_flags(flags.bits().cast_signed());
        match folder.open_with(beside(name), &options) {
            Ok(file) => {
                let (file, us) = (file.into_std(), rustix::process::geteuid().as_raw());
                let there = file.metadata()?;
                Ok((there.is_file() && there.uid() == us).then_some(Self(file)))
            }
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Is there one?
    pub(super) fn is_there(folder: &Dir, name: &Path) -> bool {
        folder.symlink_metadata(beside(name)).is_ok()
    }

    /// Writes down, on disk, that a file of `before` bytes is about to grow: by a piece that begins at `piece.0`, and ends at
    /// `piece.1`.
    pub(super) fn note(&self, identity: Identity, before: u64, piece: (u64, u64), begins: &[u8]) -> io::Result<()> {
        let word = begins.split_inclusive(|byte| *byte == b' ').next().unwrap_or_default();
        let word = word[..word.len().min(WORD)].to_vec();
        let note = Note { identity, before, from: piece.0, after: piece.1, word };
        self.0.write_all_at(&note.written(), 0)?;
        self.0.sync_data()
    }

    /// Nothing is being appended any more: whoever makes the file shorter from now on means it.
    pub(super) fn over(&self) {
        // Where that fails, the note tells of a file that is as long as it should be.
        let _ = self.0.set_len(0);
    }

    /// Takes off what is there of a piece that did not get whole; gives how many bytes that were.
    pub(super) fn mend(&self, file: &File, identity: Identity) -> io::Result<Option<u64>> {
        let mut bytes = [0; LONGEST];
        let n = self.0.read_at(&mut bytes, 0)?;
        let length = file.metadata()?.len();
        let half = |note: &Note| note.identity == identity && note.before < length && length < note.after;
        let Some(note) = Note::read(&bytes[..n]).filter(half) else { return Ok(None) };
        if goes_on(file, &note, length)? {
            return Ok(None);
        }
        file.set_len(note.before)?;
        file.sync_data()?;
        self.over();
        Ok(Some(length - note.before))
    }
}

/// Has somebody else appended to the half, who knows of no notes? That is a line that begins with the same word: our own piece has
/// none but its first.
fn goes_on(file: &File, note: &Note, length: u64) -> io::Result<bool> {
    let line: Vec<u8> = [b"\n", &note.word[..]].concat();
    let (mut at, mut piece) = (note.from, vec![0; LOOKED_AT]);
    while at < length {
        let n = file.read_at(&mut piece, at)?;
        if piece[..n].windows(line.len()).any(|window| *window == line) {
            return Ok(true);
        }
        // A line may begin where one look ends.
        at += if n == piece.len() { n - line.len() + 1 } else { n.max(1) } as u64;
    }
    Ok(false)
}

fn beside(name: &Path) -> PathBuf {
    let file = name.file_name().unwrap_or_default().to_string_lossy();
    name.with_file_name(format!(".{file}.netproto"))
}

impl Note {
    /// One line. What a longer one left behind it does not count.
    fn written(&self) -> Vec<u8> {
        let Self { identity: (device, number), before, from, after, word } = self;
        let mut line = format!("appending {device} {number} {before} {from} {after} ");
        for byte in word {
            let _ = write!(line, "{byte:02x}");
        }
        line.push_str(".\n");
        line.into_bytes()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (line, _) = std::str::from_utf8(bytes).ok()?.split_once(".\n")?;
        let mut words = line.strip_prefix("appending ")?.split(' ');
        let mut number = || words.next()?.parse().ok();
        let (identity, before, from, after) = ((number()?, number()?), number()?, number()?, number()?);
        let hex = words.next()?;
        let word = (0..hex.len() / 2).map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok());
        Some(Self { identity, before, from, after, word: word.collect::<Option<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let note = Note { identity: (1, u64::MAX), before: 7, from: 9, after: 900, word: b"From ".to_vec() };
        let written = note.written();
        assert_eq!(Note::read(&[&written[..], b"900 leftover.\n"].concat()), Some(note));
        for odd in [&b""[..], b"appending 1 2 3", b"appending 1 2 3 4 x 46.\n", &written[..written.len() - 2], &[0xff; 40]] {
            assert_eq!(Note::read(odd), None);
        }
    }
}
