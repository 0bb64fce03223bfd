//! Names: what a client types becomes a clean name below the root, and what a server sends becomes one file of ours, or none.
//!
//! Pure text. `..` never leads above the root; what is left of links is the business of [`crate::session::Files`].

use std::path::Path;

/// The longest name, in bytes.
const LONGEST: usize = 4096;
/// The longest part of a name whose temporary name still fits the 255 bytes that file systems take.
const LONGEST_PART: usize = 200;
/// What is being written, or was interrupted, is called `.NAME` with this behind it. Nobody sees such names.
const SUFFIX: &str = ".netproto-part";

/// A clean name below the root: parts divided by `/`; empty is the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    /// What `typed` means in the folder `here`. `None`: it can't be a name here, or stands for nothing that is to be seen.
    pub(super) fn resolve(here: &Self, typed: &str) -> Option<Self> {
        let begin = if typed.starts_with('/') { "" } else { &here.0 };
        let mut parts: Vec<&str> = Vec::new();
        for part in begin.split('/').chain(typed.split('/')) {
            match part {
                "" | "." => {}
                ".." => _ = parts.pop(),
                part if is_hidden(part) || part.contains(['\0', '\r', '\n']) => return None,
                part => parts.push(part),
            }
        }
        let name = parts.join("/");
        (name.len() <= LONGEST).then_some(Self(name))
    }

    /// A path of ours that has one part, or is the root.
    pub(super) fn of_path(path: &Path) -> Option<Self> {
        path.to_str().map(|name| Self(if name == "." { String::new() } else { name.into() }))
    }

    pub(super) fn parent(&self) -> Self {
        Self(self.0.rsplit_once('/').map_or_else(String::new, |(parent, _)| parent.into()))
    }

    /// An entry of this folder.
    pub(super) fn entry(&self, name: &str) -> Self {
        Self(if self.0.is_empty() { name.into() } else { format!("{}/{name}", self.0) })
    }

    pub(super) fn last(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// As [`crate::session::Files`] takes it.
    pub(super) fn path(&self) -> &Path {
        Path::new(if self.0.is_empty() { "." } else { &self.0 })
    }

    /// As a client sees it.
    pub(super) fn shown(&self) -> String {
        format!("/{}", self.0)
    }

    /// The same in quotes, which are doubled within (RFC 959, appendix II).
    pub(super) fn quoted(&self) -> String {
        format!("\"/{}\"", self.0.replace('"', "\"\""))
    }

    /// The name under which it is written; `unique` keeps two writers apart.
    pub(super) fn temporary(&self, unique: &str) -> Self {
        let last = self.last();
        let dot = if unique.is_empty() { "" } else { "." };
        self.parent().entry(&if last.len() <= LONGEST_PART - unique.len().min(LONGEST_PART) {
            format!(".{last}{dot}{unique}{SUFFIX}")
        } else {
            format!(".{:016x}{dot}{unique}{SUFFIX}", fnv(last))
        })
    }
}

/// Is this the name of something unfinished?
pub(super) fn is_hidden(part: &str) -> bool {
    part.starts_with('.') && part.ends_with(SUFFIX)
}

/// FNV-1a: a name that is too long to have something added to it is known by this.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// May what a server calls so become a file of ours? One part, no more, and nothing that leads elsewhere.
pub(super) fn is_plain(name: &str) -> bool {
    !matches!(name, "" | "." | "..")
        && name.len() <= 255
        && !name.contains(['/', '\\', '\0', '\r', '\n'])
        && !is_hidden(name)
}

/// Does `name` match `pattern`, in which `*` stands for anything and `?` for one letter?
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last star stood, and where what it stands for ends.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(letter) if *letter == '?' || *letter == name[n] => (p, n) = (p + 1, n + 1),
            _ => match &mut star {
                None => return false,
                Some((at, end)) => {
                    *end += 1;
                    (p, n) = (*at + 1, *end);
                }
            },
        }
    }
    pattern[p..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_below_the_root() {
        let here = Name("a/b".into());
        for (typed, wanted) in [
            ("c", "/a/b/c"),
            ("/c", "/c"),
            ("..", "/a"),
            ("../..", "/"),
            ("../../../../etc/passwd", "/etc/passwd"),
            ("/../../etc", "/etc"),
            ("./c//d/.", "/a/b/c/d"),
            ("", "/a/b"),
            ("/", "/"),
            ("..x/...", "/a/b/..x/..."),
        ] {
            assert_eq!(Name::resolve(&here, typed).unwrap().shown(), wanted, "{typed}");
        }
        for typed in ["a\0b", "a\nb", "a\rb", ".x.netproto-part", "c/.x.netproto-part/..", &"x/".repeat(3000)] {
            assert_eq!(Name::resolve(&here, typed), None, "{typed:?}");
        }
    }

    #[test]
    fn temporary_names_are_beside_and_hidden() {
        let name = Name("a/b".into());
        assert_eq!(name.temporary("").path(), Path::new("a/.b.netproto-part"));
        assert_eq!(Name("b".into()).temporary("7").path(), Path::new(".b.7.netproto-part"));
        let long = Name("x".repeat(255)).temporary("1.M2P3Q4.deadbeef");
        assert!(is_hidden(long.last()) && long.last().len() <= 255, "{}", long.last());
        assert!(!is_hidden("b") && !is_hidden(".b") && is_hidden(".b.netproto-part"));
    }

    #[test]
    fn only_plain_names_become_files() {
        assert!(is_plain("a") && is_plain("..a") && is_plain("ö b") && is_plain(".hidden"));
        for name in ["", ".", "..", "a/b", "/a", "a\\b", "a\0", "a\r\nb", ".a.netproto-part"] {
            assert!(!is_plain(name), "{name:?}");
        }
    }

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, name, does) in [
            ("*", "anything", true),
            ("*.txt", "a.txt", true),
            ("*.txt", "a.txt.gz", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, name), does, "{pattern} {name}");
        }
    }
}
