//! Listings as a client reads them: facts (RFC 3659, section 7.2), or what servers without them write, like `ls -l` or like DOS.

use super::{address::decimal, names::is_plain};

/// One entry of a folder there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// As the server calls it: what can be a file here, [`is_plain`] tells.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) size: Option<u64>,
    /// `YYYYMMDDHHMMSS` in UTC, or as a listing writes it.
    pub(super) modified: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// What it leads to is not known.
    Link,
    /// A device, or what else is not to be fetched.
    Other,
}

impl Found {
    pub(super) fn is_plain(&self) -> bool {
        is_plain(&self.name)
    }
}

/// A line of MLSD. The folder itself and the one above are no entries.
pub(super) fn read_facts(line: &str) -> Option<Found> {
    let (facts, name) = line.split_once(' ')?;
    let mut found = Found { name: name.into(), kind: Kind::Other, size: None, modified: String::new() };
    for (fact, value) in facts.split(';').filter_map(|fact| fact.split_once('=')) {
        match fact.to_ascii_lowercase().as_str() {
            "type" => match value.to_ascii_lowercase().as_str() {
                "file" => found.kind = Kind::File,
                "dir" => found.kind = Kind::Folder,
                "cdir" | "pdir" => return None,
                // Some write `slink`, some `symlink`, and behind that where it leads.
                value if value.starts_with("os.unix=slink") || value.starts_with("os.unix=symlink") => {
                    found.kind = Kind::Link;
                }
                _ => {}
            },
            "size" => found.size = decimal(value),
            "modify" => found.modified = value.into(),
            _ => {}
        }
    }
    (!name.is_empty()).then_some(found)
}

/// A line of LIST; `None`: it is none that is understood, such as `total 12`.
pub(super) fn read_line(line: &str) -> Option<Found> {
    let found = if line.starts_with(|first: char| first.is_ascii_digit()) { dos(line) } else { unix(line) }?;
    (!matches!(found.name.as_str(), "." | ".." | "")).then_some(found)
}

/// `-rw-r--r--   1 ftp  ftp  1234 Nov 22 15:50 the name`
fn unix(line: &str) -> Option<Found> {
    let kind = match line.as_bytes().first()? {
        b'-' => Kind::File,
        b'd' => Kind::Folder,
        b'l' => Kind::Link,
        b'b' | b'c' | b'p' | b's' => Kind::Other,
        _ => return None,
    };
    let (words, name) = words::<8>(line)?;
    let [mode, .., size, month, day, time] = words;
    let name = if line.starts_with('l') { name.split(" -> ").next()? } else { name };
    let dated = month.len() == 3 && decimal(day).is_some() && (time.contains(':') || decimal(time).is_some());
    (mode.len() >= 10 && dated).then(|| Found {
        name: name.into(),
        kind,
        size: decimal(size).filter(|_| kind == Kind::File),
        modified: format!("{month} {day} {time}"),
    })
}

/// `11-22-26  03:50PM       <DIR>          the name`
fn dos(line: &str) -> Option<Found> {
    let ([date, time, size], name) = words::<3>(line)?;
    let folder = size.eq_ignore_ascii_case("<DIR>");
    let known = date.contains('-') && time.contains(':') && (folder || decimal(size).is_some());
    known.then(|| Found {
        name: name.trim_start().into(),
        kind: if folder { Kind::Folder } else { Kind::File },
        size: decimal(size),
        modified: format!("{date} {time}"),
    })
}

/// The first words of a line, and the rest after the one space that ends the last of them.
fn words<const N: usize>(line: &str) -> Option<([&str; N], &str)> {
    let mut words = [""; N];
    let mut rest = line;
    for word in &mut words {
        (*word, rest) = rest.trim_start_matches(' ').split_once(' ')?;
    }
    words.iter().all(|word| !word.is_empty()).then_some((words, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, kind: Kind, size: Option<u64>, modified: &str) -> Found {
        Found { name: name.into(), kind, size, modified: modified.into() }
    }

    #[test]
    fn facts_are_read_in_any_order_and_case() {
        let at = "20261122155050";
        assert_eq!(read_facts(&format!("Type=file;Size=5;Modify={at}; a b")), Some(found("a b", Kind::File, Some(5), at)));
        assert_eq!(read_facts("size=x;type=DIR;  d"), Some(found(" d", Kind::Folder, None, "")));
        assert_eq!(read_facts("type=OS.unix=slink:/etc; l"), Some(found("l", Kind::Link, None, "")));
        assert_eq!(read_facts(" plain"), Some(found("plain", Kind::Other, None, "")));
        for none in ["type=cdir; .", "type=pdir; ..", "", "type=file;", "type=file; "] {
            assert_eq!(read_facts(none), None, "{none:?}");
        }
    }

    #[test]
    fn listings_are_read_as_servers_write_them() {
        for (line, wanted) in [
            (
                "-rw-r--r--   1 ftp      ftp          1234 Nov 22 15:50 a  b",
                Some(found("a  b", Kind::File, Some(1234), "Nov 22 15:50")),
            ),
            (
                "drwxr-xr-x    2 0        0            4096 Jan 01  2020 d",
                Some(found("d", Kind::Folder, None, "Jan 01 2020")),
            ),
            ("lrwxrwxrwx 1 0 0 4 Jan 1 2020 l -> /etc", Some(found("l", Kind::Link, None, "Jan 1 2020"))),
            ("prw-r--r-- 1 0 0 0 Jan 1 2020 p", Some(found("p", Kind::Other, None, "Jan 1 2020"))),
            ("-rw-r--r--+ 1 o g 5 Jan 1 2020  lead", Some(found(" lead", Kind::File, Some(5), "Jan 1 2020"))),
            ("11-22-26  03:50PM       <DIR>          my dir", Some(found("my dir", Kind::Folder, None, "11-22-26 03:50PM"))),
            ("11-22-26  03:50PM                 12 f.txt", Some(found("f.txt", Kind::File, Some(12), "11-22-26 03:50PM"))),
            ("total 12", None),
            ("", None),
            ("drwxr-xr-x 2 0 0 4096 Jan 01 2020 .", None),
            ("-rw-r--r-- 1 ftp ftp 1234 Nov 22 15:50", None),
            ("-x", None),
            ("99", None),
        ] {
            assert_eq!(read_line(line), wanted, "{line:?}");
        }
    }
}
