//! Addresses as people type them: `b@y`, `Bea <b@y>`, and `<>`, which is where bounces come from.

/// A name to show, perhaps, and an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mailbox {
    pub(super) name: Option<String>,
    /// Empty: nobody.
    pub(super) address: String,
}

/// The longest path without its angle brackets (RFC 5321, section 4.5.3.1.3).
pub(super) const LONGEST: usize = 254;

impl Mailbox {
    /// Reads one; what could break out of a command line or a header field is none.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let (name, address) = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
            Some((name, address)) => (Some(name.trim().trim_matches('"').to_owned()), address),
            None => (None, text),
        };
        let name = name.filter(|name| !name.is_empty());
        let odd = |c: char| c.is_control() || c.is_whitespace() || "<>,;\"()".contains(c);
        if text.chars().any(char::is_control) {
            return Err("it has control characters in it".into());
        }
        if address.chars().any(odd) || name.as_ref().is_some_and(|name| name.contains(['<', '>'])) {
            return Err("an address is needed, as in anna@example.test or 'Anna <anna@example.test>'".into());
        }
        if address.len() > LONGEST {
            return Err(format!("an address has at most {LONGEST} bytes"));
        }
        if address.is_empty() && text != "<>" {
            return Err("an address is needed, as in anna@example.test; <> is nobody's".into());
        }
        Ok(Self { name, address: address.into() })
    }
}

/// What stands in the angle brackets of MAIL and RCPT, as it was said: `"a b"@y` is another address without its quotes. A source
/// route before it counts for nothing (RFC 5321, section 4.1.1.3). `None`: no brackets, or no UTF-8.
pub(super) fn path(line: &[u8]) -> Option<&str> {
    let from = memchr::memchr(b'<', line)? + 1;
    let (mut quoted, mut escaped) = (false, false);
    let end = line[from..].iter().position(|byte| {
        let plain = !std::mem::take(&mut escaped);
        match byte {
            b'\\' if plain && quoted => escaped = true,
            b'"' if plain => quoted = !quoted,
            _ => {}
        }
        *byte == b'>' && !quoted
    })?;
    let path = std::str::from_utf8(&line[from..from + end]).ok()?.trim();
    if path.starts_with('@') { path.split_once(':').map(|(_, address)| address) } else { Some(path) }
}

/// The same line with a name in place of an address literal (RFC 5321, section 4.1.3): `a@[192.0.2.1]`, `a@[IPv6:2001:db8::1]`.
/// `None`: there is none, or it is no address.
pub(super) fn literal_named(line: &[u8]) -> Option<Vec<u8>> {
    let path = path(line)?;
    let (_, domain) = path.rsplit_once('@').filter(|(local, _)| !local.is_empty())?;
    let literal = domain.strip_prefix('[')?.strip_suffix(']')?;
    let is_address = match literal.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("IPv6:") => literal[5..].parse::<std::net::Ipv6Addr>().is_ok(),
        _ => literal.parse::<std::net::Ipv4Addr>().is_ok(),
    };
    // The path is a piece of the line.
    let end = (path.as_ptr() as usize - line.as_ptr() as usize) + path.len();
    let named = [&line[..end - domain.len()], b"literal.invalid", &line[end..]].concat();
    is_address.then_some(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_as_it_was_said() {
        for (line, wanted) in [
            ("RCPT TO:<b@y> NOTIFY=NEVER", Some("b@y")),
            ("RCPT TO:<>", Some("")),
            ("RCPT TO:<Postmaster>", Some("Postmaster")),
            (r#"MAIL FROM:<"a b"@y>"#, Some(r#""a b"@y"#)),
            (r#"MAIL FROM:<"a>\"b>"@y> SIZE=1"#, Some(r#""a>\"b>"@y"#)),
            ("RCPT TO:<@h1,@h2:c@y>", Some("c@y")),
            ("RCPT TO:<@h1>", None),
            ("RCPT TO:b@y", None),
            (r#"RCPT TO:<"b@y>"#, None),
        ] {
            assert_eq!(path(line.as_bytes()), wanted, "{line}");
        }
        assert_eq!(path(b"RCPT TO:<\xff@y>"), None);
    }

    #[test]
    fn read_as_typed() {
        let read = |text: &str| Mailbox::read(text).map(|mailbox| (mailbox.name, mailbox.address));
        assert_eq!(read("a@b"), Ok((None, "a@b".into())));
        assert_eq!(read("postmaster"), Ok((None, "postmaster".into())));
        assert_eq!(read("Bea B. <b@y>"), Ok((Some("Bea B.".into()), "b@y".into())));
        assert_eq!(read("\"Bea\" <b@y>"), Ok((Some("Bea".into()), "b@y".into())));
        assert_eq!(read("<>"), Ok((None, String::new())));
        assert_eq!(read("jürgen@exämple.test"), Ok((None, "jürgen@exämple.test".into())));
        for odd in ["", "a b", "a@b\r\nRCPT TO:<c@d>", "Bea <b@y> x", "<a@b><c@d>", "x <>", "a@b,c@d", "Be\na <b@y>"] {
            assert!(read(odd).is_err(), "{odd:?}");
        }
        assert!(read(&"a".repeat(255)).is_err());
    }
}
