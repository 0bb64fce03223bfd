//! Ranges of bytes (RFC 9110, section 14).
//!
//! May use: nothing.

/// The most ranges of one request that are honoured: "a server that supports range requests MAY ignore or reject [...] a Range
/// header field that contains [...] a large number of small ranges" (section 14.2).
const MOST_RANGES: usize = 16;

/// A piece of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) from: u64,
    pub(super) length: u64,
}

impl Piece {
    /// As Content-Range has it.
    pub(super) fn told(self, size: u64) -> String {
        format!("bytes {}-{}/{size}", self.from, self.from + self.length - 1)
    }
}

/// What a Range field asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ranges {
    /// Nothing that can be read: all of it, then.
    Ignored,
    /// None of them is in the file.
    Unsatisfiable,
    Pieces(Vec<Piece>),
}

impl Ranges {
    pub(super) fn read(value: &[u8], size: u64) -> Self {
        Self::parse(value, size).unwrap_or(Self::Ignored)
    }

    fn parse(value: &[u8], size: u64) -> Option<Self> {
        let (unit, set) = std::str::from_utf8(value).ok()?.split_once('=')?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        let specs: Vec<_> = set.split(',').map(str::trim).filter(|spec| !spec.is_empty()).collect();
        if specs.is_empty() || specs.len() > MOST_RANGES {
            return None;
        }
        let mut pieces = Vec::with_capacity(specs.len());
        for spec in specs {
            pieces.push(piece(spec, size)?);
        }
        // What lies behind the end has no length.
        pieces.retain(|piece| piece.length > 0);
        if pieces.is_empty() {
            return Some(Self::Unsatisfiable);
        }
        (!overlap(&pieces)).then_some(Self::Pieces(pieces))
    }
}

/// Who asks for the same bytes twice is broken or an attacker (RFC 9110, section 14.2): then the file will do.
fn overlap(pieces: &[Piece]) -> bool {
    let mut sorted = pieces.to_vec();
    sorted.sort_unstable_by_key(|piece| piece.from);
    sorted.windows(2).any(|pair| pair[0].from + pair[0].length > pair[1].from)
}

/// `None`: malformed. A length of 0: not in the file.
fn piece(spec: &str, size: u64) -> Option<Piece> {
    let (first, last) = spec.split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // So many digits lie behind the end of any file.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    if first.is_empty() {
        let length = number(last)?.min(size);
        return Some(Piece { from: size - length, length });
    }
    let from = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < from {
        return None;
    }
    Some(Piece { from, length: last.saturating_add(1).min(size).saturating_sub(from) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_file() {
        let pieces =
            |pieces: &[(u64, u64)]| Ranges::Pieces(pieces.iter().map(|&(from, length)| Piece { from, length }).collect());
        for (value, wanted) in [
            ("bytes=0-0", pieces(&[(0, 1)])),
            ("Bytes=2-", pieces(&[(2, 8)])),
            ("bytes=-3", pieces(&[(7, 3)])),
            ("bytes=-30", pieces(&[(0, 10)])),
            ("bytes=0-99999999999999999999999", pieces(&[(0, 10)])),
            ("bytes=0-1, ,4-5", pieces(&[(0, 2), (4, 2)])),
            ("bytes=0-1,20-30", pieces(&[(0, 2)])),
            ("bytes=10-", Ranges::Unsatisfiable),
            ("bytes=-0", Ranges::Unsatisfiable),
            ("bytes=99999999999999999999-", Ranges::Unsatisfiable),
            ("bytes=0-,0-", Ranges::Ignored),
            ("bytes=0-3,2-5", Ranges::Ignored),
            ("bytes=4-5,0-4", Ranges::Ignored),
            ("bytes=-2,0-1", pieces(&[(8, 2), (0, 2)])),
            ("bytes=3-2", Ranges::Ignored),
            ("bytes=", Ranges::Ignored),
            ("bytes=a-b", Ranges::Ignored),
            ("bytes=+1-2", Ranges::Ignored),
            ("bytes 1-2", Ranges::Ignored),
            ("lines=1-2", Ranges::Ignored),
            ("bytes=0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0", Ranges::Ignored),
        ] {
            assert_eq!(Ranges::read(value.as_bytes(), 10), wanted, "{value}");
        }
        assert_eq!(Ranges::read(b"bytes=0-", 0), Ranges::Unsatisfiable);
        assert_eq!(pieces(&[(7, 3)]), Ranges::read(b"bytes=7-9", 10));
        assert_eq!(Piece { from: 7, length: 3 }.told(10), "bytes 7-9/10");
    }
}
