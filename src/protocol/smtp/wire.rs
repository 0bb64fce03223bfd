//! A message as it goes over the wire: every line ends in CRLF, and after DATA a line that begins with a full stop has one more
//! (RFC 5321, sections 2.3.8 and 4.5.2).

/// Makes it so, whatever the cuts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wire {
    dots: bool,
    at: At,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    LineStart,
    /// After a CR, which is not said yet.
    Cr,
    Inside,
}

impl Wire {
    /// For DATA.
    pub(super) fn dotted() -> Self {
        Self { dots: true, at: At::LineStart }
    }

    /// For BDAT.
    pub(super) fn plain() -> Self {
        Self { dots: false, at: At::LineStart }
    }

    /// LF alone and CR alone become CRLF: neither may be sent.
    pub(super) fn feed(&mut self, text: &[u8], wire: &mut Vec<u8>) {
        let mut rest = text;
        while let Some((&first, after)) = rest.split_first() {
            match (self.at, first) {
                (At::Cr, b'\n') => {
                    wire.extend_from_slice(b"\r\n");
                    (self.at, rest) = (At::LineStart, after);
                }
                (At::Cr, _) => {
                    wire.extend_from_slice(b"\r\n");
                    self.at = At::LineStart;
                }
                (_, b'\r') => (self.at, rest) = (At::Cr, after),
                (_, b'\n') => {
                    wire.extend_from_slice(b"\r\n");
                    (self.at, rest) = (At::LineStart, after);
                }
                (at, _) => {
                    if at == At::LineStart && first == b'.' && self.dots {
                        wire.push(b'.');
                    }
                    let end = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                    wire.extend_from_slice(&rest[..end]);
                    (self.at, rest) = (At::Inside, &rest[end..]);
                }
            }
        }
    }

    /// Ends the last line.
    pub(super) fn end(&mut self, wire: &mut Vec<u8>) {
        if self.at != At::LineStart {
            wire.extend_from_slice(b"\r\n");
            self.at = At::LineStart;
        }
    }
}

/// All of it at once.
pub(super) fn whole(mut form: Wire, text: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(text.len() + text.len() / 32 + 2);
    form.feed(text, &mut wire);
    form.end(&mut wire);
    wire
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_ended_and_dots_doubled() {
        for (text, plain, dotted) in [
            ("", "", ""),
            ("a", "a\r\n", "a\r\n"),
            (".\n..\n.a.\r\nb.\n", ".\r\n..\r\n.a.\r\nb.\r\n", "..\r\n...\r\n..a.\r\nb.\r\n"),
            ("a\rb\r\r\n\n.", "a\r\nb\r\n\r\n\r\n.\r\n", "a\r\nb\r\n\r\n\r\n..\r\n"),
            ("a\r", "a\r\n", "a\r\n"),
        ] {
            for size in 1..6 {
                for (mut form, wanted) in [(Wire::plain(), plain), (Wire::dotted(), dotted)] {
                    let mut wire = Vec::new();
                    text.as_bytes().chunks(size).for_each(|piece| form.feed(piece, &mut wire));
                    form.end(&mut wire);
                    assert_eq!(String::from_utf8(wire).unwrap(), wanted, "{text:?} by {size}");
                }
            }
            assert_eq!(whole(Wire::plain(), text.as_bytes()), plain.as_bytes());
        }
    }
}
