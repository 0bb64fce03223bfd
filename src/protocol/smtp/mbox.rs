//! The mbox form: a line that begins with `From ` before each message, and such lines in a message made harmless by a `>`
//! ("mboxrd": lines that have some already get one more, so that nothing is lost). RFC 4155, and what mailers agree on.

/// Quotes as the text comes, whatever its cuts.
#[derive(Debug)]
pub(super) struct Quoter {
    /// At the beginning of a line, after so many `>` and so much of `From `. `None`: further on in it.
    begun: Option<(usize, usize)>,
    ended_in_line: bool,
}

/// What stands between two messages: a line is a beginning only after an empty one.
pub(super) const APART: &[u8] = b"\n\n";
const FROM: &[u8] = b"From ";

impl Default for Quoter {
    fn default() -> Self {
        Self { begun: Some((0, 0)), ended_in_line: false }
    }
}

impl Quoter {
    pub(super) fn feed(&mut self, text: &[u8], quoted: &mut Vec<u8>) {
        let mut rest = text;
        while let Some((&byte, after)) = rest.split_first() {
            self.ended_in_line = true;
            match self.begun {
                Some((marks, 0)) if byte == b'>' => (self.begun, rest) = (Some((marks + 1, 0)), after),
                Some((marks, from)) if byte == FROM[from] => {
                    rest = after;
                    self.begun = Some((marks, from + 1));
                    if from + 1 == FROM.len() {
                        quoted.push(b'>');
                        self.release(quoted);
                    }
                }
                Some(_) => self.release(quoted),
                None => {
                    let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
                    quoted.extend_from_slice(&rest[..end]);
                    if rest[end - 1] == b'\n' {
                        (self.begun, self.ended_in_line) = (Some((0, 0)), false);
                    }
                    rest = &rest[end..];
                }
            }
        }
    }

    /// What was held back is an ordinary beginning of a line.
    fn release(&mut self, quoted: &mut Vec<u8>) {
        if let Some((marks, from)) = self.begun.take() {
            quoted.extend(std::iter::repeat_n(b'>', marks));
            quoted.extend_from_slice(&FROM[..from]);
        }
    }

    /// The message is complete: its last line is ended, and an empty one follows.
    pub(super) fn end(&mut self, quoted: &mut Vec<u8>) {
        self.release(quoted);
        quoted.extend_from_slice(if self.ended_in_line { b"\n\n" } else { b"\n" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_look_like_a_beginning_are_quoted() {
        let text = "From a\nFro\nFrom\n>From b\n>>From c\n From d\nx From e\n>x\nFFrom f\n\nFrom";
        let wanted = ">From a\nFro\nFrom\n>>From b\n>>>From c\n From d\nx From e\n>x\nFFrom f\n\nFrom\n\n";
        for size in 1..20 {
            let (mut quoter, mut safe) = (Quoter::default(), Vec::new());
            text.as_bytes().chunks(size).for_each(|piece| quoter.feed(piece, &mut safe));
            quoter.end(&mut safe);
            assert_eq!(String::from_utf8(safe).unwrap(), wanted, "{size}");
        }
    }

    #[test]
    fn a_message_ends_in_an_empty_line() {
        for (text, wanted) in [("", "\n"), ("a\n", "a\n\n"), ("a", "a\n\n"), (">", ">\n\n")] {
            let (mut quoter, mut safe) = (Quoter::default(), Vec::new());
            quoter.feed(text.as_bytes(), &mut safe);
            quoter.end(&mut safe);
            assert_eq!(String::from_utf8(safe).unwrap(), wanted);
        }
    }
}
