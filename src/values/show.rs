//! Values as people read them: three significant digits, grouped thousands, and nothing that a terminal would obey.

use std::{fmt::Write as _, path::Path, time::Duration};

/// `1234567` as `1,234,567`.
#[must_use]
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three significant digits, no exponent: `1.23`, `12.3`, `123`, `1,234`.
#[must_use]
pub fn three_digits(value: f64) -> String {
    match value.abs() {
        size if size >= 999.5 => grouped(value.round() as u64),
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// `482 us`, `1.77 ms`, `2.50 s`; three significant digits; whole nanoseconds below a microsecond.
#[must_use]
pub fn nanos(nanos: u64) -> String {
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..999_500 => format!("{} us", three_digits(nanos as f64 / 1e3)),
        999_500..999_500_000 => format!("{} ms", three_digits(nanos as f64 / 1e6)),
        _ => format!("{} s", three_digits(nanos as f64 / 1e9)),
    }
}

#[must_use]
pub fn duration(duration: Duration) -> String {
    nanos(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}

/// `5 B`, `6.00 KiB`, `74.1 MiB`.
#[must_use]
pub fn bytes(n: u64) -> String {
    if n < 1024 {
        return format!("{n} B");
    }
    scaled(n as f64, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB"])
}

/// `950 bit/s`, `62.2 Mbit/s`.
#[must_use]
pub fn bits_per_second(rate: f64) -> String {
    scaled(rate, 1000.0, &["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"])
}

fn scaled(mut value: f64, step: f64, units: &[&str]) -> String {
    let mut at = 0;
    while value >= step * 0.9995 && at + 1 < units.len() {
        value /= step;
        at += 1;
    }
    format!("{} {}", three_digits(value), units[at])
}

/// Text that a terminal only shows: everything that it could obey is escaped, in the way of C. Control characters (C0, DEL,
/// C1), what turns the writing direction, line and paragraph separators, and bytes that are no UTF-8; a backslash is doubled
/// so that what is shown can't be mistaken. With `keep_lines`, LF and tab stay as they are, and a CR right before LF is left
/// out.
#[must_use]
pub fn escaped(bytes: &[u8], keep_lines: bool) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let mut letters = chunk.valid().chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '\n' | '\t' if keep_lines => text.push(letter),
                '\r' if keep_lines && letters.peek() == Some(&'\n') => {}
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                '\r' => text.push_str("\\r"),
                '\\' => text.push_str("\\\\"),
                letter if letter.is_ascii_control() => push_hex(&mut text, letter as u8),
                letter if obeyed(letter) => {
                    let _ = write!(text, "\\u{{{:x}}}", letter as u32);
                }
                letter => text.push(letter),
            }
        }
        for byte in chunk.invalid() {
            push_hex(&mut text, *byte);
        }
    }
    text
}

fn push_hex(text: &mut String, byte: u8) {
    let _ = write!(text, "\\x{byte:02x}");
}

/// Beyond ASCII, does a terminal act on this rather than show it? C1 controls, zero-width and bidirectional controls, tags.
fn obeyed(letter: char) -> bool {
    matches!(u32::from(letter),
        0x80..=0x9f | 0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfe00..=0xfe0f | 0xfeff
        | 0xfff9..=0xfffb | 0xe0000..=0xe0fff)
}

/// `escaped` on one line, cut after `max` bytes, in quotes: for log lines and errors.
#[must_use]
pub fn quoted(bytes: &[u8], max: usize) -> String {
    let shown = escaped(&bytes[..bytes.len().min(max)], false).replace('"', "\\\"");
    if bytes.len() > max {
        format!("\"{shown}\"... ({} bytes)", grouped(bytes.len() as u64))
    } else {
        format!("\"{shown}\"")
    }
}

/// A path as it is named in a sentence: as it is, or in quotes when it holds what would not stand out from the sentence.
#[must_use]
pub fn path(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let plain = |text: &str| !text.is_empty() && !text.contains([' ', '"']) && escaped(bytes, false) == text;
    match path.to_str() {
        Some(text) if plain(text) => text.to_owned(),
        _ => quoted(bytes, 200),
    }
}

/// `0a0b`, without gaps.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Sixteen bytes a line: offset, hex, and what of it is printable ASCII.
#[must_use]
pub fn hex_dump(bytes: &[u8], offset: u64) -> String {
    let mut text = String::with_capacity(bytes.len() * 5);
    for (row, chunk) in bytes.chunks(16).enumerate() {
        let _ = write!(text, "  {:08x} ", offset + row as u64 * 16);
        for at in 0..16 {
            let gap = if at == 8 { "  " } else { " " };
            let _ = match chunk.get(at) {
                Some(byte) => write!(text, "{gap}{byte:02x}"),
                None => write!(text, "{gap}  "),
            };
        }
        let shown = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
        let _ = writeln!(text, "  |{}|", chunk.iter().map(shown).collect::<String>());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_significant_digits() {
        for (ns, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 us"),
            (21_040, "21.0 us"),
            (482_300, "482 us"),
            (999_499, "999 us"),
            (999_500, "1.00 ms"),
            (1_770_000, "1.77 ms"),
            (99_100_000, "99.1 ms"),
            (2_500_000_000, "2.50 s"),
        ] {
            assert_eq!(nanos(ns), text);
        }
        assert_eq!(grouped(1_214_388), "1,214,388");
        assert_eq!(grouped(12), "12");
        assert_eq!(bytes(77_700_000), "74.1 MiB");
        assert_eq!(bytes(5), "5 B");
        assert_eq!(bits_per_second(62_170_000.0), "62.2 Mbit/s");
        assert_eq!(bits_per_second(999_990.0), "1.00 Mbit/s");
    }

    #[test]
    fn nothing_a_terminal_obeys_gets_through() {
        let nasty = b"\x1b]0;x\x07\x1b[2J\r\n\x9b31m\xc2\x9b \xe2\x80\xae %n \\ \xff";
        let shown = escaped(nasty, true);
        assert_eq!(shown, "\\x1b]0;x\\x07\\x1b[2J\n\\x9b31m\\u{9b} \\u{202e} %n \\\\ \\xff");
        assert!(!escaped(nasty, false).contains('\n'));
        assert_eq!(escaped("héllo\tü".as_bytes(), true), "héllo\tü");
        assert_eq!(quoted(b"ab\"c", 3), "\"ab\\\"\"... (4 bytes)");
    }

    #[test]
    fn a_path_is_quoted_where_it_needs_it() {
        assert_eq!(path(Path::new("/run/é.sock")), "/run/é.sock");
        assert_eq!(path(Path::new("my file")), "\"my file\"");
        assert_eq!(path(Path::new("a\x1b[2J")), "\"a\\x1b[2J\"");
        assert_eq!(path(Path::new("")), "\"\"");
    }

    #[test]
    fn a_hex_dump_fits_a_terminal() {
        let dump = hex_dump(b"GET / HTTP/1.1\r\nHost", 16);
        let lines: Vec<&str> = dump.lines().collect();
        assert_eq!(lines[0], "  00000010  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  |GET / HTTP/1.1..|");
        assert_eq!(lines[1], "  00000020  48 6f 73 74                                       |Host|");
        assert!(lines.iter().all(|line| line.len() <= 80));
    }
}
