//! Replies as a client reads them: three digits and text, over several lines where a dash follows the digits (RFC 959, section
//! 4.2).

use crate::session::{Input, Violation};

/// The longest line, and the most lines of one reply that are kept.
const LONGEST: usize = 8 * 1024;
const MOST_LINES: usize = 512;

/// One whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    /// Without the code in the first and the last of them.
    pub(super) lines: Vec<String>,
}

impl Reply {
    /// What it comes to: 1 begun, 2 done, 3 more is wanted, 4 not now, 5 not so.
    pub(super) fn class(&self) -> u16 {
        self.code / 100
    }

    pub(super) fn text(&self) -> &str {
        self.lines.last().map_or("", String::as_str)
    }
}

/// Puts replies together from lines.
#[derive(Debug, Default)]
pub(super) struct Replies {
    begun: Option<Reply>,
    lines: usize,
}

impl Replies {
    /// The next line, as it came.
    pub(super) fn line<'a>(input: &mut Input<'a>) -> Result<Option<&'a [u8]>, Violation> {
        input.line(LONGEST)
    }

    /// The reply that `line` completes.
    pub(super) fn take(&mut self, line: &[u8]) -> Result<Option<Reply>, Violation> {
        let text = String::from_utf8_lossy(line);
        let Some(begun) = &mut self.begun else {
            let (code, dash) = code(line).ok_or_else(|| bad("what came is no reply: three digits must begin it"))?;
            let reply = Reply { code, lines: vec![after(&text)] };
            if !dash {
                return Ok(Some(reply));
            }
            (self.begun, self.lines) = (Some(reply), 1);
            return Ok(None);
        };
        self.lines += 1;
        if self.lines > MOST_LINES {
            return Err(bad("a reply has too many lines"));
        }
        // The last line begins with the same code and a space.
        if code(line) == Some((begun.code, false)) {
            begun.lines.push(after(&text));
            return Ok(self.begun.take());
        }
        begun.lines.push(text.into_owned());
        Ok(None)
    }
}

/// The code of a line, and does a dash follow it?
fn code(line: &[u8]) -> Option<(u16, bool)> {
    let (digits, rest) = line.split_first_chunk::<3>()?;
    let digits = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    let code = digits.parse().ok().filter(|code| (100..600).contains(code))?;
    match rest.first() {
        None | Some(b' ') => Some((code, false)),
        Some(b'-') => Some((code, true)),
        _ => None,
    }
}

fn after(text: &str) -> String {
    text.get(4..).unwrap_or_default().into()
}

fn bad(sentence: &str) -> Violation {
    Violation::new("bad_reply", sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_have_one_line_or_many() {
        let mut replies = Replies::default();
        assert_eq!(replies.take(b"220 hi").unwrap(), Some(Reply { code: 220, lines: vec!["hi".into()] }));
        assert_eq!(replies.take(b"200").unwrap().unwrap().text(), "");
        for line in ["211-Features:", " SIZE", "211x", "500 no", "211-again"] {
            assert_eq!(replies.take(line.as_bytes()).unwrap(), None, "{line}");
        }
        let whole = replies.take(b"211 End").unwrap().unwrap();
        assert_eq!((whole.lines.len(), whole.text(), whole.class()), (6, "End", 2));
        for bad in [&b""[..], b"22", b"abc x", b"220x", b"999 x", b"\xff\xff\xff x"] {
            assert_eq!(replies.take(bad).unwrap_err().name, "bad_reply", "{bad:?}");
        }
    }
}
