//! What comes after DATA: lines that end in CRLF, dots taken off where they were put on (RFC 5321, section 4.5.2), and the end.
//!
//! Only CRLF, a full stop and CRLF end a message. A bare LF or CR is refused wherever it stands: two servers that read one
//! differently can be made to see two messages where one was sent ("SMTP smuggling"), and RFC 5321, section 2.3.8 forbids both.

/// Takes the lines of one message.
#[derive(Debug, Default)]
pub(super) struct Lines {
    state: State,
    /// Bytes of the line so far, its end not counted.
    line: usize,
    /// Of the longest line that was complete.
    pub(super) longest: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a line.
    #[default]
    Start,
    /// After a full stop that began a line.
    Dot,
    /// After that and a CR.
    DotCr,
    Text,
    Cr,
}

/// How far it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fed {
    /// All was taken; more is to come.
    More,
    /// The message is complete. So many bytes were taken.
    End(usize),
    /// A line end that is none: `CR` or `LF`.
    Bare(&'static str),
}

impl Lines {
    /// Appends to `text` what `bytes` tell, with LF for CRLF.
    pub(super) fn feed(&mut self, bytes: &[u8], text: &mut Vec<u8>) -> Fed {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match (self.state, byte) {
                (State::Start, b'.') => (self.state, at) = (State::Dot, at + 1),
                (State::Dot, b'\r') => (self.state, at) = (State::DotCr, at + 1),
                (State::DotCr, b'\n') => return Fed::End(at + 1),
                (State::Cr, b'\n') => {
                    text.push(b'\n');
                    self.longest = self.longest.max(self.line);
                    (self.state, self.line, at) = (State::Start, 0, at + 1);
                }
                (State::DotCr | State::Cr, _) => return Fed::Bare("CR"),
                (State::Start | State::Dot | State::Text, _) => {
                    let rest = &bytes[at..];
                    let end = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                    text.extend_from_slice(&rest[..end]);
                    self.line += end;
                    at += end;
                    self.state = State::Text;
                    match bytes.get(at) {
                        Some(b'\n') => return Fed::Bare("LF"),
                        Some(_) => (self.state, at) = (State::Cr, at + 1),
                        None => {}
                    }
                }
            }
        }
        // A line that has no end yet may be too long already.
        self.longest = self.longest.max(self.line);
        Fed::More
    }
}

/// CRLF becomes LF, whatever the cuts; everything else stays as it is. For chunks, whose end is known by their length.
#[derive(Debug, Default)]
pub(super) struct Unix {
    cr: bool,
}

impl Unix {
    pub(super) fn feed(&mut self, bytes: &[u8], text: &mut Vec<u8>) {
        let mut rest = bytes;
        while let Some((&first, _)) = rest.split_first() {
            if std::mem::take(&mut self.cr) && first != b'\n' {
                text.push(b'\r');
            }
            let end = memchr::memchr(b'\r', rest).unwrap_or(rest.len());
            text.extend_from_slice(&rest[..end]);
            self.cr = end < rest.len();
            rest = &rest[(end + usize::from(self.cr))..];
        }
    }

    /// Nothing follows.
    pub(super) fn end(&mut self, text: &mut Vec<u8>) {
        if std::mem::take(&mut self.cr) {
            text.push(b'\r');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `wire` tells when it comes in pieces of `size`, and how it ended.
    fn fed(wire: &[u8], size: usize) -> (String, Fed) {
        let (mut lines, mut text, mut taken) = (Lines::default(), Vec::new(), 0);
        for piece in wire.chunks(size) {
            match lines.feed(piece, &mut text) {
                Fed::More => taken += piece.len(),
                Fed::End(n) => return (String::from_utf8(text).unwrap(), Fed::End(taken + n)),
                bare @ Fed::Bare(_) => return (String::from_utf8(text).unwrap(), bare),
            }
        }
        (String::from_utf8(text).unwrap(), Fed::More)
    }

    #[test]
    fn only_one_thing_ends_a_message() {
        for (wire, text, end) in [
            ("a\r\n.\r\nQUIT\r\n", "a\n", Fed::End(6)),
            (".\r\n", "", Fed::End(3)),
            ("..\r\n...a\r\n.b\r\n.\r\n", ".\n..a\nb\n", Fed::End(17)),
            ("a\r\n. \r\n.\r\n", "a\n \n", Fed::End(10)),
            ("a\r\n.\n", "a\n", Fed::Bare("LF")),
            ("a\n.\r\n", "a", Fed::Bare("LF")),
            ("a\n.\n", "a", Fed::Bare("LF")),
            ("\n.\r\n", "", Fed::Bare("LF")),
            ("a\r.\r\n", "a", Fed::Bare("CR")),
            ("a\r\n.\r.\r\n", "a\n", Fed::Bare("CR")),
            ("a\r\r\n.\r\n", "a", Fed::Bare("CR")),
            ("a\r\n\r.\r\n", "a\n", Fed::Bare("CR")),
            ("a\r\n.\r\r\n", "a\n", Fed::Bare("CR")),
            ("a\r\n.", "a\n", Fed::More),
        ] {
            for size in [1, 2, 3, 100] {
                assert_eq!(fed(wire.as_bytes(), size), (text.into(), end), "{wire:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn the_longest_line_is_known() {
        let (mut lines, mut text) = (Lines::default(), Vec::new());
        lines.feed(b"abc\r\nabcdef\r\na", &mut text);
        assert_eq!(lines.longest, 6);
        lines.feed(b"bcdefghi", &mut text);
        assert_eq!(lines.longest, 9);
    }

    #[test]
    fn chunks_keep_what_is_no_line_end() {
        for size in 1..8 {
            let (mut unix, mut text) = (Unix::default(), Vec::new());
            b"a\r\nb\rc\n\r\r\n\r".chunks(size).for_each(|piece| unix.feed(piece, &mut text));
            unix.end(&mut text);
            assert_eq!(text, b"a\nb\rc\n\r\n\r", "{size}");
        }
    }
}
