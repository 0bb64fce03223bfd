//! A master file (RFC 1035, section 5) with what it includes, as one text that the parser of the `domain` crate takes: each
//! `$INCLUDE` is replaced by what it names, and times as other servers write them (`1h30m`) by seconds. Lines keep their places.
//!
//! May use: the sheet of a parameter, `values`.

use std::{
    fmt::Write as _,
    ops::Range,
    path::{Path, PathBuf},
};

use crate::{protocol::Sheet, values::show};

/// Bytes of a zone, with all that it includes.
pub(super) const LONGEST: usize = 16 * 1024 * 1024;
/// Files that include each other: more than this deep it goes round.
const DEEPEST: usize = 8;
/// Includes of one zone.
const MOST_INCLUDES: usize = 1000;

/// The text, and where each of its lines stands.
#[derive(Debug, Default)]
pub(super) struct Master {
    pub(super) text: String,
    files: Vec<PathBuf>,
    /// The file and the line in it, for each line of the text.
    lines: Vec<(usize, usize)>,
}

impl Master {
    /// # Errors
    /// One clause that names the file and the line.
    pub(super) fn read(sheet: &Sheet<'_>) -> Result<Self, String> {
        let mut reader = Reader { sheet, master: Self::default(), origin: None, owner: None, resumed: false, included: 0 };
        reader.file(sheet.path, sheet.bytes, 0)?;
        Ok(reader.master)
    }

    /// Where a line of the text, from 1, comes from. A line after the last stands for the last.
    pub(super) fn place(&self, line: usize) -> String {
        match self.lines.get(line.saturating_sub(1)).or(self.lines.last()) {
            Some((file, line)) => place(&self.files[*file], *line),
            None => self.files.first().map_or_else(String::new, |path| show::path(path)),
        }
    }
}

fn place(path: &Path, line: usize) -> String {
    format!("{}, line {line}", show::path(path))
}

/// What a file is known by while it is read.
struct Reader<'a> {
    sheet: &'a Sheet<'a>,
    master: Master,
    /// What relative names end in.
    origin: Option<String>,
    /// The name of the last record.
    owner: Option<String>,
    /// An included file has ended, and the next record may mean the name before it.
    resumed: bool,
    included: usize,
}

impl Reader<'_> {
    fn file(&mut self, path: &Path, bytes: &[u8], depth: usize) -> Result<(), String> {
        let file = self.master.files.len();
        self.master.files.push(path.into());
        let text = plain(bytes);
        let (mut rest, mut line) = (&text[..], 1);
        while !rest.is_empty() {
            let entry = Entry::scan(rest).map_err(|(within, why)| format!("{}: {why}", place(path, line + within)))?;
            let (piece, more) = rest.split_at(entry.end);
            self.entry(&entry, piece, (file, line), depth).map_err(|why| match why {
                Wrong::Here(why) => format!("{}: {why}", place(path, line)),
                Wrong::Within(why) => why,
            })?;
            line += piece.matches('\n').count();
            rest = more;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Entry, piece: &str, at: (usize, usize), depth: usize) -> Result<(), Wrong> {
        let words: Vec<&str> = entry.words.iter().map(|range| &piece[range.clone()]).collect();
        let control = words.first().filter(|word| !entry.indented && word.starts_with('$'));
        match control.map(|word| word.to_ascii_uppercase()).as_deref() {
            Some("$INCLUDE") => return self.include(&words[1..], at, depth),
            Some("$TTL") => return self.push(&rewritten(piece, entry.words.get(1..2).unwrap_or_default())?, at),
            Some("$ORIGIN") => {
                words.get(1).map_or(Ok(()), |word| labels_hold_something(word))?;
                self.origin = words.get(1).map(|word| self.absolute(word));
            }
            Some(_) => {}
            None => return self.record(entry, &words, piece, at),
        }
        self.push(piece, at)
    }

    fn record(&mut self, entry: &Entry, words: &[&str], piece: &str, at: (usize, usize)) -> Result<(), Wrong> {
        let mut before = "";
        let owner;
        if let (false, Some(word)) = (entry.indented, words.first()) {
            labels_hold_something(word)?;
            self.owner = Some(self.absolute(word));
            self.resumed = false;
        } else if self.resumed && !words.is_empty() {
            self.resumed = false;
            owner = self.owner.clone().ok_or_else(|| Wrong::Here("the first record has no name".into()))?;
            before = &owner;
        }
        let text = rewritten(piece, &times(entry, words))?;
        self.push(&format!("{before}{text}"), at)
    }

    /// `$INCLUDE FILE [ORIGIN]`: the file stands beside the one that names it. "$INCLUDE never changes the relative origin of the
    /// parent file" (RFC 1035, section 5.1).
    fn include(&mut self, words: &[&str], at: (usize, usize), depth: usize) -> Result<(), Wrong> {
        let (name, origin) = match words {
            [name] => (name, None),
            [name, origin] => (name, Some(self.absolute(origin))),
            _ => return Err(Wrong::Here("$INCLUDE takes a file, and the origin of names in it".into())),
        };
        self.included += 1;
        if depth == DEEPEST {
            return Err(Wrong::Here(format!("$INCLUDE goes more than {DEEPEST} files deep: does a file include itself?")));
        }
        if self.included > MOST_INCLUDES {
            return Err(Wrong::Here(format!("there are more than {MOST_INCLUDES} $INCLUDE")));
        }
        let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
        let path = self.master.files[at.0].parent().unwrap_or(Path::new("")).join(unescaped(name));
        let bytes = (self.sheet.other)(&path).map_err(|why| Wrong::Here(format!("$INCLUDE: {why}")))?;
        let kept = (self.origin.clone(), self.owner.clone());
        if origin.is_some() {
            self.turn_to(origin, at)?;
        }
        self.file(&path, &bytes, depth + 1).map_err(Wrong::Within)?;
        self.turn_to(kept.0, at)?;
        (self.owner, self.resumed) = (kept.1, true);
        Ok(())
    }

    fn turn_to(&mut self, origin: Option<String>, at: (usize, usize)) -> Result<(), Wrong> {
        self.origin = origin;
        match &self.origin {
            Some(origin) => self.push(&format!("$ORIGIN {origin}\n"), at),
            None => Ok(()),
        }
    }

    /// A name with all that belongs to it. Without an origin it stays as it is, and the parser finds that it lacks one.
    fn absolute(&self, word: &str) -> String {
        match &self.origin {
            Some(origin) if word == "@" => origin.clone(),
            Some(origin) if !ends_in_root(word) => format!("{word}.{}", if origin == "." { "" } else { origin }),
            _ => word.into(),
        }
    }

    /// Adds lines, the first of which comes from `at`.
    fn push(&mut self, text: &str, at: (usize, usize)) -> Result<(), Wrong> {
        let text = if text.ends_with('\n') { text } else { &format!("{text}\n") };
        if self.master.text.len() + text.len() > LONGEST {
            let limit = show::grouped(LONGEST as u64);
            return Err(Wrong::Here(format!("the zone has more than {limit} bytes, the limit")));
        }
        self.master.text.push_str(text);
        self.master.lines.extend((0..text.matches('\n').count()).map(|more| (at.0, at.1 + more)));
        Ok(())
    }
}

/// ASCII that means the same: a byte that is none, or that no master file may hold, becomes `\DDD` (RFC 1035, section 5.1). What
/// marks a text as UTF-8 is no part of it.
fn plain(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 16);
    // Within a string, and right behind a backslash.
    let (mut quoted, mut escaped, mut comment) = (false, false, false);
    for byte in bytes {
        let kept = matches!(byte, b' '..=b'~' | b'\n' | b'\r') || *byte == b'\t' && !quoted;
        if kept {
            text.push(char::from(*byte));
        } else {
            if escaped {
                text.pop();
            }
            let _ = write!(text, "\\{byte:03}");
        }
        match byte {
            // A string ends with its line at the latest.
            b'\n' => (quoted, comment) = (false, false),
            _ if escaped || comment => {}
            b'"' => quoted = !quoted,
            b';' => comment = !quoted,
            _ => {}
        }
        escaped = *byte == b'\\' && !escaped && !comment;
    }
    text
}

/// A name of a file without the escapes that [`plain`] has put there.
fn unescaped(name: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(name.len()), name.as_bytes());
    while let Some((first, more)) = rest.split_first() {
        let code = more.get(..3).filter(|_| *first == b'\\').and_then(|code| std::str::from_utf8(code).ok()?.parse().ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &more[3..] } else { more };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The root alone is a name with an empty label.
fn labels_hold_something(name: &str) -> Result<(), Wrong> {
    let (mut empty, mut escaped) = (true, false);
    for byte in name.bytes().filter(|_| name != ".") {
        if byte == b'.' && !escaped && std::mem::replace(&mut empty, true) {
            return Err(Wrong::Here(format!("{} has an empty label", show::quoted(name.as_bytes(), 80))));
        }
        empty &= byte == b'.' && !escaped;
        escaped = byte == b'\\' && !escaped;
    }
    Ok(())
}

/// A dot at the end that no backslash makes part of a label.
fn ends_in_root(name: &str) -> bool {
    let before = name.strip_suffix('.').map(|rest| rest.len() - rest.trim_end_matches('\\').len());
    before.is_some_and(|backslashes| backslashes % 2 == 0)
}

/// What is wrong.
enum Wrong {
    /// In this entry.
    Here(String),
    /// In a file that it includes; the clause names the place.
    Within(String),
}

/// Where the times of a record stand: its TTL, and those of a SOA.
fn times(entry: &Entry, words: &[&str]) -> Vec<Range<usize>> {
    let mut times = Vec::new();
    let mut at = usize::from(!entry.indented);
    // "[<TTL>] [<class>] <type> <RDATA>" or the two the other way round (RFC 1035, section 5.1).
    for _ in 0..2 {
        match words.get(at) {
            Some(word) if word.starts_with(|first: char| first.is_ascii_digit()) => times.push(entry.words[at].clone()),
            Some(word) if ["IN", "CH", "HS", "CS"].iter().any(|class| class.eq_ignore_ascii_case(word)) => {}
            _ => break,
        }
        at += 1;
    }
    // MNAME, RNAME and SERIAL come before.
    if words.get(at).is_some_and(|word| word.eq_ignore_ascii_case("SOA")) {
        times.extend(entry.words.iter().skip(at + 4).take(4).cloned());
    }
    times
}

/// The text with seconds in place of these words, where they have units.
fn rewritten(text: &str, times: &[Range<usize>]) -> Result<String, Wrong> {
    let (mut written, mut from) = (String::with_capacity(text.len()), 0);
    for range in times {
        let word = &text[range.clone()];
        if let Some(seconds) = seconds(word) {
            let too_long = |_| Wrong::Here(format!("{} is too long a time", show::quoted(word.as_bytes(), 40)));
            let seconds = u32::try_from(seconds).map_err(too_long)?;
            written.push_str(&text[from..range.start]);
            written.push_str(&seconds.to_string());
            from = range.end;
        }
    }
    written.push_str(&text[from..]);
    Ok(written)
}

/// `1h30m`; `None`: it has no units, or others. At most `u64::MAX`, which is too long as well.
fn seconds(word: &str) -> Option<u64> {
    let (mut sum, mut rest) = (0_u64, word);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|digits| *digits > 0)?;
        let unit = match rest.as_bytes()[digits].to_ascii_lowercase() {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86_400,
            b'w' => 604_800,
            _ => return None,
        };
        let number = rest[..digits].parse::<u64>().unwrap_or(u64::MAX);
        sum = sum.saturating_add(number.saturating_mul(unit));
        rest = &rest[digits + 1..];
    }
    (!word.is_empty()).then_some(sum)
}

/// One entry: a line, or several within parentheses.
struct Entry {
    words: Vec<Range<usize>>,
    /// It begins with a space, and so with no name.
    indented: bool,
    /// Where the next begins.
    end: usize,
}

impl Entry {
    /// # Errors
    /// Something is not closed; with the line in which it was opened, from 0.
    fn scan(text: &str) -> Result<Self, (usize, &'static str)> {
        let bytes = text.as_bytes();
        let indented = matches!(bytes.first(), Some(b' ' | b'\t'));
        let (mut words, mut at, mut open) = (Vec::new(), 0, None);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'\n' if open.is_none() => return Ok(Self { words, indented, end: at + 1 }),
                b' ' | b'\t' | b'\r' | b'\n' => at += 1,
                b'(' if open.is_none() => (open, at) = (Some(at), at + 1),
                b'(' => return Err((lines(bytes, at), "a parenthesis within another")),
                b')' if open.is_some() => (open, at) = (None, at + 1),
                b')' => return Err((lines(bytes, at), "a parenthesis is closed that was not opened")),
                b';' => at += bytes[at..].iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len() - at),
                _ => {
                    let end = word_end(bytes, at).ok_or_else(|| (lines(bytes, at), "a quote that is not closed"))?;
                    words.push(at..end);
                    at = end;
                }
            }
        }
        match open {
            Some(open) => Err((lines(bytes, open), "a parenthesis that is not closed")),
            None => Ok(Self { words, indented, end: bytes.len() }),
        }
    }
}

/// Line ends before `at`.
fn lines(bytes: &[u8], at: usize) -> usize {
    memchr::memchr_iter(b'\n', &bytes[..at]).count()
}

/// Where the word ends that begins at `at`; `None`: its quote is not closed.
fn word_end(bytes: &[u8], at: usize) -> Option<usize> {
    let quoted = bytes[at] == b'"';
    let mut end = at + usize::from(quoted);
    loop {
        match bytes.get(end) {
            None | Some(b'\n') if quoted => return None,
            None => return Some(bytes.len()),
            Some(b'\\') if matches!(bytes.get(end + 1), Some(next) if *next != b'\n') => end += 2,
            Some(b'"') => return Some(end + usize::from(quoted)),
            Some(b' ' | b'\t' | b'\r' | b'\n' | b'(' | b')' | b';') if !quoted => return Some(end),
            Some(_) => end += 1,
        }
    }
}
