//! Messages with places in them that are filled anew for each request: `{seq}`, `{rand:8}`, `{now}`.
//!
//! Nothing else in braces is touched, so JSON goes as it is; `{{seq}}` is `{seq}` itself.
//!
//! May use: bytes, fastrand, humantime, `values`.

use std::{fmt::Write as _, time::SystemTime};

use bytes::{BufMut, Bytes};

use crate::values::read;

/// Letters and digits, all of which a name in the DNS and a path may hold.
const RANDOM: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// The most random letters in one place.
const MOST_RANDOM: u64 = 1 << 20;
/// The digits of the largest number.
const DIGITS: usize = 20;
/// Of a moment: `2026-01-31T12:00:00.000000Z`.
const MOMENT: usize = 27;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(Bytes),
    Seq,
    Random(usize),
    Now,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

/// What places are filled with.
pub struct Filling<'a> {
    /// The number of the request, of all.
    pub seq: u64,
    pub random: &'a mut fastrand::Rng,
    pub now: fn() -> SystemTime,
}

impl From<Bytes> for Template {
    /// One in which nothing changes.
    fn from(message: Bytes) -> Self {
        Self { parts: if message.is_empty() { Vec::new() } else { vec![Part::Text(message)] } }
    }
}

impl Template {
    /// Reads what was typed; `text` reads what stands between places, as with escapes.
    ///
    /// # Errors
    /// One clause saying what is wrong.
    pub fn parse(typed: &[u8], text: impl Fn(&[u8]) -> Result<Bytes, String>) -> Result<Self, String> {
        let (mut parts, mut plain, mut rest) = (Vec::new(), Vec::new(), typed);
        while let Some((first, after)) = rest.split_first() {
            if let Some((literal, length)) = doubled(rest) {
                plain.extend_from_slice(literal);
                rest = &rest[length..];
            } else if let Some((part, length)) = place(rest)? {
                if !plain.is_empty() {
                    parts.push(Part::Text(text(&std::mem::take(&mut plain))?));
                }
                parts.push(part);
                rest = &rest[length..];
            } else {
                plain.push(*first);
                rest = after;
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(text(&plain)?));
        }
        Ok(Self { parts })
    }

    /// The whole of it, if nothing in it changes.
    #[must_use]
    pub fn fixed(&self) -> Option<Bytes> {
        match &self.parts[..] {
            [] => Some(Bytes::new()),
            [Part::Text(text)] => Some(text.clone()),
            _ => None,
        }
    }

    /// The most bytes that it can have.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.parts.iter().map(|part| part.length().unwrap_or(DIGITS)).sum()
    }

    /// How long it always is, where that is known.
    #[must_use]
    pub fn length(&self) -> Option<usize> {
        self.parts.iter().map(Part::length).sum()
    }

    /// Puts the message for one request into `room`.
    pub fn fill(&self, filling: &mut Filling<'_>, room: &mut impl BufMut) {
        for part in &self.parts {
            match part {
                Part::Text(text) => room.put_slice(text),
                Part::Seq => put(room, format_args!("{}", filling.seq)),
                Part::Random(length) => {
                    for _ in 0..*length {
                        room.put_u8(RANDOM[filling.random.usize(..RANDOM.len())]);
                    }
                }
                Part::Now => put(room, format_args!("{}", humantime::format_rfc3339_micros((filling.now)()))),
            }
        }
    }
}

impl Part {
    fn length(&self) -> Option<usize> {
        match self {
            Self::Text(text) => Some(text.len()),
            Self::Seq => None,
            Self::Random(length) => Some(*length),
            Self::Now => Some(MOMENT),
        }
    }
}

/// Writes without a place in between.
fn put(room: &mut impl BufMut, text: std::fmt::Arguments<'_>) {
    struct Room<'a, B>(&'a mut B);
    impl<B: BufMut> std::fmt::Write for Room<'_, B> {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.put_slice(text.as_bytes());
            Ok(())
        }
    }
    let _ = Room(room).write_fmt(text);
}

/// The place that `text` begins with, and how long it is there.
fn place(text: &[u8]) -> Result<Option<(Part, usize)>, String> {
    let Some(inner) = text.strip_prefix(b"{") else { return Ok(None) };
    let Some(end) = inner.iter().position(|byte| *byte == b'}') else { return Ok(None) };
    let part = match &inner[..end] {
        b"seq" => Part::Seq,
        b"now" => Part::Now,
        b"rand" => return Err("{rand} needs a length, as in {rand:8}".into()),
        inner => match inner.strip_prefix(b"rand:") {
            Some(length) => Part::Random(random(&String::from_utf8_lossy(length))?),
            None => return Ok(None),
        },
    };
    Ok(Some((part, end + 2)))
}

fn random(length: &str) -> Result<usize, String> {
    match read::positive(length).map_err(|why| format!("{{rand:{length}}}: {why}"))? {
        length @ ..=MOST_RANDOM => Ok(length as usize),
        _ => Err(format!("{{rand:{length}}} is longer than 1 MiB")),
    }
}

/// A place in doubled braces stands for itself in single ones; with how long it is as typed.
fn doubled(text: &[u8]) -> Option<(&[u8], usize)> {
    let inner = text.strip_prefix(b"{")?;
    let (_, length) = place(inner).ok().flatten()?;
    (inner.get(length) == Some(&b'}')).then(|| (&inner[..length], length + 2))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn template(typed: &str) -> Result<Template, String> {
        Template::parse(typed.as_bytes(), |text| Ok(Bytes::copy_from_slice(text)))
    }

    fn filled(typed: &str, seq: u64, seed: u64) -> String {
        let mut random = fastrand::Rng::with_seed(seed);
        let now = || SystemTime::UNIX_EPOCH + Duration::from_micros(1_800_000_000_123_456);
        let mut room = Vec::new();
        template(typed).expect(typed).fill(&mut Filling { seq, random: &mut random, now }, &mut room);
        String::from_utf8(room).expect("text")
    }

    #[test]
    fn places_are_filled() {
        assert_eq!(filled("a {seq} b", 12, 0), "a 12 b");
        assert_eq!(filled("{now}", 0, 0), "2027-01-15T08:00:00.123456Z");
        let random = filled("{rand:8}.example", 0, 7);
        assert!(random.len() == 16 && random[..8].bytes().all(|byte| byte.is_ascii_alphanumeric()), "{random}");
        assert_eq!(random, filled("{rand:8}.example", 0, 7));
        assert_ne!(random, filled("{rand:8}.example", 0, 8));
    }

    #[test]
    fn other_braces_are_nobodys_business() {
        for text in ["{\"a\":{\"b\":1}}", "{", "{}", "{seq", "{sequence}", "{{", "}}", "{ seq }", "{{a}}"] {
            assert_eq!(template(text).expect(text).fixed(), Some(Bytes::copy_from_slice(text.as_bytes())), "{text}");
        }
        for (text, literal) in [("{{seq}}", "{seq}"), ("{{rand:8}}{{now}}", "{rand:8}{now}"), ("{{{{seq}}", "{{{seq}")] {
            assert_eq!(template(text).expect(text).fixed().as_deref(), Some(literal.as_bytes()), "{text}");
        }
        assert_eq!(filled("{{seq}} {\"n\":{seq}}", 5, 0), "{seq} {\"n\":5}");
    }

    #[test]
    fn lengths_are_known_before() {
        let known = |typed: &str| template(typed).map(|template| (template.longest(), template.length()));
        assert_eq!(known("ab{rand:3}{now}"), Ok((32, Some(32))));
        assert_eq!(known("ab{seq}"), Ok((22, None)));
        for (typed, what) in
            [("{rand}", "needs a length"), ("{rand:x}", "{rand:x}"), ("{rand:0}", "at least 1"), ("{rand:2M}", "1 MiB")]
        {
            assert!(template(typed).is_err_and(|why| why.contains(what)), "{typed}");
        }
    }
}
