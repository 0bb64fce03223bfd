//! Values as people type them: durations, counts, sizes, rates, escapes. Errors are one clause, fit to follow a colon.

use std::time::Duration;

/// The longest duration that is taken: added to any time of the clock, it is still a time.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The largest count, size or rate that is taken: up to here `f64` tells whole numbers apart.
const MOST: f64 = 1e15;

/// Splits `20ms` into the number and its unit.
fn split(text: &str) -> Result<(f64, &str), String> {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let value = number.replace('_', "").parse::<f64>();
    match value {
        Ok(value) if value.is_finite() => Ok((value, unit)),
        _ => Err(format!("{text:?} does not begin with a number")),
    }
}

/// A duration: `500us`, `20ms`, `10s`, `2m`, `1h`; a bare number is seconds.
///
/// # Errors
/// One clause saying what is wrong.
pub fn duration(text: &str) -> Result<Duration, String> {
    let (value, unit) = split(text)?;
    let seconds = match unit {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" | "" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("{unit:?} is no unit of time; use ns, us, ms, s, m or h")),
    };
    match Duration::try_from_secs_f64(value * seconds) {
        Ok(duration) if duration <= LONGEST => Ok(duration),
        _ => Err(format!("{text:?} is too long; a hundred years are the most")),
    }
}

/// Decimal multiples, of 1000: `10k`, `2M`, `1G`.
fn decimal(text: &str) -> Result<f64, String> {
    let (value, unit) = split(text)?;
    let times = match unit {
        "" => 1.0,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "m" => return Err(format!("{text:?} could be minutes or millions; write {value}M for millions")),
        _ => return Err(format!("{unit:?} is no multiple; use k, M or G (of 1000)")),
    };
    Ok(value * times)
}

/// Text in which `%41` stands for `A` (RFC 3986, section 2.1). What is no such triple stays as it is; so does what makes no UTF-8.
#[must_use]
pub fn percent_decoded(text: &str) -> String {
    let (bytes, mut decoded, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.into())
}

/// A count: `10k` is 10,000; whole and not negative.
///
/// # Errors
/// One clause saying what is wrong.
pub fn count(text: &str) -> Result<u64, String> {
    let value = decimal(text)?;
    let whole = value.round();
    if whole > MOST {
        return Err(format!("{text:?} is too large"));
    }
    // 8.2 is not exactly 8.2 in binary: 8.2M is whole all the same.
    if (value - whole).abs() > whole * 1e-12 {
        return Err(format!("{text:?} is no whole number"));
    }
    Ok(whole as u64)
}

/// A count of at least 1.
///
/// # Errors
/// One clause saying what is wrong.
pub fn positive(text: &str) -> Result<u64, String> {
    match count(text)? {
        0 => Err("it must be at least 1".into()),
        value => Ok(value),
    }
}

/// A rate in things per second: `20k`, `0.5`, also `20k/s`; more than zero.
///
/// # Errors
/// One clause saying what is wrong.
pub fn rate(text: &str) -> Result<f64, String> {
    let value = decimal(text.strip_suffix("/s").unwrap_or(text))?;
    match value {
        value if value > MOST => Err(format!("{text:?} is too large")),
        value if value > 0.0 => Ok(value),
        _ => Err("it must be more than 0".into()),
    }
}

/// A rate in bits per second: `10M`, `1.5G`, also `10Mbit/s`; multiples of 1000, more than zero.
///
/// # Errors
/// One clause saying what is wrong.
pub fn bit_rate(text: &str) -> Result<f64, String> {
    rate(
        text.strip_suffix("bit/s").or_else(|| text.strip_suffix("bit")).or_else(|| text.strip_suffix("bps")).unwrap_or(text),
    )
}

/// A size in bytes: `64`, `64K`, `1M`, `2G`; multiples of 1024; `KiB` and `B` too.
///
/// # Errors
/// One clause saying what is wrong.
pub fn size(text: &str) -> Result<usize, String> {
    let (value, unit) = split(text)?;
    let times: f64 = match unit {
        "" | "B" => 1.0,
        "k" | "K" | "kB" | "KB" | "KiB" => 1024.0,
        "M" | "MB" | "MiB" => 1024.0 * 1024.0,
        "G" | "GB" | "GiB" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err(format!("{unit:?} is no unit of size; use K, M or G (of 1024)")),
    };
    let bytes = value * times;
    if bytes > MOST {
        return Err(format!("{text:?} is too large"));
    }
    if bytes.fract() != 0.0 {
        return Err(format!("{text:?} is no whole number of bytes"));
    }
    Ok(bytes as usize)
}

/// Resolves the escapes of C: `\n \r \t \0 \a \b \e \f \v \\ \' \" \xHH`.
///
/// # Errors
/// One clause naming the first escape that is none.
pub fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next() {
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'0') => 0,
            Some(b'a') => 7,
            Some(b'b') => 8,
            Some(b'e') => 27,
            Some(b'f') => 12,
            Some(b'v') => 11,
            Some(same @ (b'\\' | b'\'' | b'"')) => same,
            Some(b'x') => {
                let digits = [rest.next(), rest.next()];
                hex_pair(digits).ok_or("\\x needs two hex digits, as in \\x0a")?
            }
            Some(other) => {
                return Err(format!("\\{} is no escape; \\\\ is a backslash", char::from(other).escape_default()));
            }
            None => return Err("it ends in a lone backslash; \\\\ is a backslash".into()),
        });
    }
    Ok(bytes)
}

/// Bytes in hex: `0a0b`, `0A 0B`, `0a:0b`, `0x0a0b`.
///
/// # Errors
/// One clause saying what is wrong.
pub fn hex(text: &str) -> Result<Vec<u8>, String> {
    let text = text.strip_prefix("0x").unwrap_or(text);
    let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b' ' | b':' | b'\n')).collect();
    if !digits.len().is_multiple_of(2) {
        return Err(format!("{} hex digits make no whole bytes", digits.len()));
    }
    digits
        .chunks(2)
        .map(|pair| hex_pair([Some(pair[0]), Some(pair[1])]))
        .collect::<Option<_>>()
        .ok_or_else(|| "only hex digits are meant here, as in 0a0b".into())
}

fn hex_pair(digits: [Option<u8>; 2]) -> Option<u8> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    Some((digit(digits[0])? * 16 + digit(digits[1])?) as u8)
}

/// The nearest of `known` to what was typed, if it is near enough to be meant.
#[must_use]
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = typed.chars().count();
    // At least half of it has to be right.
    let far = (length / 2).clamp(1, 3);
    known
        .into_iter()
        // As many letters as one is longer, at least: what is long need not be compared.
        .filter(|name| name.chars().count().abs_diff(length) <= far)
        .map(|name| (edits(typed, name), name))
        .filter(|(n, _)| *n <= far)
        .min_by_key(|(n, _)| *n)
        .map(|(_, name)| name)
}

/// Insertions, deletions, changes and swaps of neighbours between two short texts.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut least = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    least = least.min(rows[i - 2][j - 2] + 1);
                }
                least
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, nanos) in [
            ("500us", 500_000),
            ("20ms", 20_000_000),
            ("1.5s", 1_500_000_000),
            ("10", 10_000_000_000),
            ("2m", 120_000_000_000),
            ("1h", 3_600_000_000_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
        for text in ["", "ms", "10 s", "-1", "1e400", "5x", "99999999999999999999h", "10000000000000000000s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn counts_sizes_and_rates() {
        assert_eq!(count("10k"), Ok(10_000));
        assert_eq!(count("2M"), Ok(2_000_000));
        assert_eq!((count("8.2M"), count("2.01k"), count("16.1k")), (Ok(8_200_000), Ok(2_010), Ok(16_100)));
        assert_eq!(size("64K"), Ok(65_536));
        assert_eq!(size("1MiB"), Ok(1_048_576));
        assert_eq!(rate("20k/s"), Ok(20_000.0));
        assert_eq!(bit_rate("1.5Gbit/s"), Ok(1.5e9));
        assert!(count("2m").is_err_and(|what| what.contains("minutes or millions")));
        for too_large in [count("2000000G").err(), rate("2000000G").err(), size("2000000G").map(drop).err()] {
            assert!(too_large.as_ref().is_some_and(|what| what.ends_with("is too large")), "{too_large:?}");
        }
        assert!(rate(&format!("{}G", "9".repeat(300))).is_err(), "infinity is no rate");
        for text in ["64KBBB", "64Kiii", "64iB", "64i", "64BB"] {
            assert!(size(text).is_err(), "{text}");
        }
        for text in ["64k", "64K", "64kB", "64KB", "64KiB"] {
            assert_eq!(size(text), Ok(65_536), "{text}");
        }
        assert_eq!((size("64B"), size("1G"), size("1GB"), size("1MB")), (Ok(64), size("1GiB"), size("1GiB"), size("1M")));
        assert!(
            count("1.5").is_err()
                && count("1.0005k").is_err()
                && positive("0").is_err()
                && rate("0").is_err()
                && size("1x").is_err()
        );
    }

    #[test]
    fn escapes_and_hex() {
        assert_eq!(unescape(r"a\n\x00\xff\\\t"), Ok(b"a\n\0\xff\\\t".to_vec()));
        assert_eq!(unescape("é"), Ok("é".as_bytes().to_vec()));
        for text in [r"\", r"\q", r"\x1", r"\xzz"] {
            assert!(unescape(text).is_err(), "{text}");
        }
        assert_eq!(hex("0x00 ff:0A"), Ok(vec![0, 255, 10]));
        assert!(hex("0").is_err() && hex("zz").is_err());
    }

    #[test]
    fn the_nearest_name_is_found() {
        let known = ["echo", "discard", "processed"];
        assert_eq!(nearest("ehco", known), Some("echo"));
        assert_eq!(nearest("procesed", known), Some("processed"));
        assert_eq!(nearest("xyz", known), None);
        assert_eq!(nearest("nope", ["qotd", "ftp", "dns"]), None);
    }
}
