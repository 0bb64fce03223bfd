//! Conditional requests (RFC 9110, section 13), in the order of its section 13.2.2.
//!
//! May use: `session`.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{date::Date, fields::Fields};
use crate::session::Stat;

/// What tells one version of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    /// Strong: made of the time of the last change, in nanoseconds, and the size.
    pub(super) etag: String,
    pub(super) modified: Date,
}

/// Whether to do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Yes; and a part of it, if that was asked?
    Go {
        ranges: bool,
    },
    NotModified,
    Failed,
}

impl Version {
    pub(super) fn of(stat: &Stat, now: SystemTime) -> Self {
        let nanos = stat.modified.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        // "the server MUST replace that value with the message origination date" where it lies in the future (RFC 9110,
        // section 8.8.2.1).
        Self { etag: format!("\"{nanos:x}-{:x}\"", stat.size), modified: stat.modified.min(now).into() }
    }

    /// For GET and HEAD.
    pub(super) fn check(&self, fields: Fields<'_>) -> Verdict {
        let dated = |name: &str| fields.text(name).and_then(Date::read);
        if fields.first("if-match").is_some() {
            if !self.listed(fields, "if-match", false) {
                return Verdict::Failed;
            }
        } else if dated("if-unmodified-since").is_some_and(|date| self.modified > date) {
            return Verdict::Failed;
        }
        if fields.first("if-none-match").is_some() {
            if self.listed(fields, "if-none-match", true) {
                return Verdict::NotModified;
            }
        } else if dated("if-modified-since").is_some_and(|date| self.modified <= date) {
            return Verdict::NotModified;
        }
        Verdict::Go { ranges: fields.text("if-range").is_none_or(|value| self.is(value)) }
    }

    /// If-Range: "exact match" of a strong validator, or of the date (section 13.1.5).
    fn is(&self, value: &str) -> bool {
        let value = value.trim();
        value == self.etag || Date::read(value) == Some(self.modified)
    }

    /// Is our tag in the list? Weak tags count only where weak comparison does.
    fn listed(&self, fields: Fields<'_>, name: &str, weak: bool) -> bool {
        fields.all(name).any(|value| {
            let mut tags = Tags(value);
            value.trim_ascii() == b"*" || tags.any(|(is_weak, tag)| tag == self.etag.as_bytes() && (weak || !is_weak))
        })
    }
}

/// The entity tags of a list: each with its quotes, and whether it is weak. Ends at what is none.
struct Tags<'a>(&'a [u8]);

impl<'a> Iterator for Tags<'a> {
    type Item = (bool, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.0.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b','))?;
        let rest = &self.0[start..];
        let (weak, rest) = rest.strip_prefix(b"W/").map_or((false, rest), |rest| (true, rest));
        // A tag may hold commas: it ends at its quote.
        let length = 1 + rest.strip_prefix(b"\"")?.iter().position(|byte| *byte == b'"')? + 1;
        self.0 = &rest[length..];
        Some((weak, &rest[..length]))
    }
}

#[cfg(test)]
mod tests {
    use httparse::Header;

    use super::*;

    fn check(fields: &[(&str, &str)]) -> Verdict {
        let version = Version { etag: "\"a,b\"".into(), modified: Date(784_111_777) };
        let fields: Vec<_> = fields.iter().map(|&(name, value)| Header { name, value: value.as_bytes() }).collect();
        version.check(Fields(&fields))
    }

    const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const GO: Verdict = Verdict::Go { ranges: true };

    /// A file of tomorrow was changed today, as far as anybody is told.
    #[test]
    fn nothing_was_changed_in_the_future() {
        let now = UNIX_EPOCH + std::time::Duration::from_secs(784_111_777);
        let of = |modified| Version::of(&Stat { kind: crate::session::FileKind::File, size: 1, modified }, now).modified;
        let hour = std::time::Duration::from_secs(3600);
        assert_eq!((of(now + hour), of(now - hour)), (Date(784_111_777), Date(784_108_177)));
    }

    #[test]
    fn conditions_come_in_the_order_of_the_rfc() {
        for (fields, wanted) in [
            (&[][..], GO),
            (&[("If-Match", "*")], GO),
            (&[("If-Match", "\"x\", \"a,b\"")], GO),
            (&[("If-Match", "W/\"a,b\"")], Verdict::Failed),
            (&[("If-Match", "\"x\"")], Verdict::Failed),
            (&[("If-Match", "\"a,b\""), ("If-Unmodified-Since", BEFORE)], GO),
            (&[("If-Unmodified-Since", BEFORE)], Verdict::Failed),
            (&[("If-Unmodified-Since", SAME)], GO),
            (&[("If-None-Match", "\"x\", W/\"a,b\"")], Verdict::NotModified),
            (&[("If-None-Match", "*")], Verdict::NotModified),
            (&[("If-None-Match", "\"x\""), ("If-Modified-Since", SAME)], GO),
            (&[("If-Modified-Since", SAME)], Verdict::NotModified),
            (&[("If-Modified-Since", BEFORE)], GO),
            (&[("If-Modified-Since", "yesterday")], GO),
            (&[("If-Match", "\"x\""), ("If-None-Match", "\"a,b\"")], Verdict::Failed),
            (&[("If-Range", "\"a,b\"")], GO),
            (&[("If-Range", SAME)], GO),
            (&[("If-Range", "W/\"a,b\"")], Verdict::Go { ranges: false }),
            (&[("If-Range", BEFORE)], Verdict::Go { ranges: false }),
            (&[("If-None-Match", "a,b")], GO),
        ] {
            assert_eq!(check(fields), wanted, "{fields:?}");
        }
    }
}
