//! TYPE A: lines end in CRLF on the way (RFC 959, section 3.1.1.1), and in LF here.

/// What was seen last, so that a line end may be cut in two.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lines {
    after_cr: bool,
}

impl Lines {
    /// As it goes over the wire. A CRLF stays one.
    pub(super) fn outward(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 16 + 16);
        for byte in bytes {
            if *byte == b'\n' && !self.after_cr {
                out.push(b'\r');
            }
            out.push(*byte);
            self.after_cr = *byte == b'\r';
        }
        out
    }

    /// As it is kept. A CR that no LF follows stays.
    pub(super) fn inward(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + 1);
        for byte in bytes {
            if std::mem::replace(&mut self.after_cr, *byte == b'\r') && *byte != b'\n' {
                out.push(b'\r');
            }
            if *byte != b'\r' {
                out.push(*byte);
            }
        }
        out
    }

    /// The CR that came last, when it was no part of a line end.
    pub(super) fn rest(self) -> &'static [u8] {
        if self.after_cr { b"\r" } else { b"" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_the_same_however_they_are_cut() {
        let text = b"a\nb\r\nc\r\rd\r\r\n\n\r";
        for size in 1..text.len() {
            let (mut outward, mut inward) = (Lines::default(), Lines::default());
            let out: Vec<u8> = text.chunks(size).flat_map(|piece| outward.outward(piece)).collect();
            assert_eq!(out, b"a\r\nb\r\nc\r\rd\r\r\n\r\n\r", "{size}");
            let mut back: Vec<u8> = out.chunks(size).flat_map(|piece| inward.inward(piece)).collect();
            back.extend_from_slice(inward.rest());
            assert_eq!(back, b"a\nb\nc\r\rd\r\n\n\r", "{size}");
        }
    }
}
