//! Bytes from a terminal as keys.
//!
//! May use: core and std data types.

/// A key that means something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Letter(char),
    Up,
    Down,
    Tab,
    BackTab,
    Enter,
    Escape,
    Backspace,
    Interrupt,
    Suspend,
}

/// The keys of what came at once. What is none is left out: a sequence as a whole.
#[must_use]
pub fn read(bytes: &[u8]) -> Vec<Key> {
    let (mut keys, mut rest) = (Vec::new(), bytes);
    while let [first, after @ ..] = rest {
        rest = after;
        let key = match first {
            0x03 => Some(Key::Interrupt),
            0x1a => Some(Key::Suspend),
            b'\t' => Some(Key::Tab),
            b'\r' | b'\n' => Some(Key::Enter),
            0x08 | 0x7f => Some(Key::Backspace),
            0x1b => {
                let (key, length) = sequence(after);
                rest = &after[length..];
                key
            }
            b' '..=b'~' => Some(Key::Letter(char::from(*first))),
            _ => None,
        };
        keys.extend(key);
    }
    keys
}

/// What stands behind an escape, and how long it is. Alone it is a key, too.
fn sequence(after: &[u8]) -> (Option<Key>, usize) {
    let [b'[' | b'O', rest @ ..] = after else {
        return match after {
            [] | [0x1b, ..] => (Some(Key::Escape), 0),
            // A letter with Alt.
            _ => (None, 1),
        };
    };
    let Some(last) = rest.iter().position(|byte| (0x40..=0x7e).contains(byte)) else { return (None, after.len()) };
    let key = match rest[last] {
        b'A' => Some(Key::Up),
        b'B' => Some(Key::Down),
        b'Z' => Some(Key::BackTab),
        _ => None,
    };
    (key, last + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_sequences() {
        use Key::{Backspace, Down, Enter, Escape, Interrupt, Letter, Suspend, Tab, Up};
        for (bytes, keys) in [
            (&b" q+"[..], vec![Letter(' '), Letter('q'), Letter('+')]),
            (b"\x1b[A\x1bOB", vec![Up, Down]),
            (b"\x1b[1;5A", vec![Up]),
            (b"\x1b", vec![Escape]),
            (b"\x1b\x1b[B", vec![Escape, Down]),
            (b"\x03\x1a\t\r\x7f", vec![Interrupt, Suspend, Tab, Enter, Backspace]),
            (b"\x1b[Z", vec![Key::BackTab]),
            // A key without a meaning, a letter with Alt, a mouse report, half a sequence, UTF-8.
            (b"\x1b[15~\x1bq\x1b[<0;1;1Mx", vec![Letter('x')]),
            (b"\x1b[12", vec![]),
            ("ä1".as_bytes(), vec![Letter('1')]),
        ] {
            assert_eq!(read(bytes), keys, "{}", bytes.escape_ascii());
        }
    }
}
