//! What goes over the control connection: lines of the Telnet NVT (RFC 959, section 2.3), with commands of Telnet among them.

/// Telnet's escape (RFC 854): what follows is a command.
const IAC: u8 = 255;
/// WILL, WON'T, DO, DON'T: an option follows.
const NEGOTIATION: std::ops::RangeInclusive<u8> = 251..=254;

/// A line without what Telnet puts into it. Options are not talked about (RFC 1123, section 4.1.2.12), and what announces an
/// urgent ABOR says nothing that the command itself doesn't.
pub(super) fn without_telnet(line: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(line.len());
    let mut rest = line.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != IAC {
            plain.push(byte);
            continue;
        }
        match rest.next() {
            Some(IAC) => plain.push(IAC),
            Some(negotiation) if NEGOTIATION.contains(&negotiation) => _ = rest.next(),
            _ => {}
        }
    }
    plain
}

/// A command as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    /// In upper case.
    pub(super) verb: String,
    /// What follows it, without the one space between.
    pub(super) argument: String,
}

impl Command {
    /// Reads a line. `None`: it is not UTF-8 (RFC 2640, section 2.2), or no command begins so.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?;
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        let known = !verb.is_empty() && verb.len() <= 8 && verb.bytes().all(|byte| byte.is_ascii_alphabetic());
        known.then(|| Self { verb: verb.to_ascii_uppercase(), argument: argument.into() })
    }
}

/// A line of commands as it may be shown: a password is not.
pub(super) fn without_secrets(line: &[u8]) -> &[u8] {
    let is_password = line.get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case(b"PASS"));
    if is_password { b"PASS ***" } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telnet_is_taken_out() {
        for (line, plain) in [
            (&b"NOOP"[..], &b"NOOP"[..]),
            (b"\xff\xf4\xff\xf2ABOR", b"ABOR"),
            (b"\xff\xfd\x06ABOR", b"ABOR"),
            (b"CWD a\xff\xffb", b"CWD a\xffb"),
            (b"NOOP\xff", b"NOOP"),
            (b"NOOP\xff\xfb", b"NOOP"),
        ] {
            assert_eq!(without_telnet(line), plain, "{line:?}");
        }
    }

    #[test]
    fn commands_are_a_verb_and_the_rest() {
        let read = |line: &[u8]| Command::read(line).map(|command| (command.verb, command.argument));
        assert_eq!(read(b"retr  a b "), Some(("RETR".into(), " a b ".into())));
        assert_eq!(read(b"NOOP"), Some(("NOOP".into(), String::new())));
        for line in [&b""[..], b" x", b"GET/ HTTP", b"\xffUSER", b"ABCDEFGHI"] {
            assert_eq!(read(line), None, "{line:?}");
        }
        assert_eq!(without_secrets(b"pass x"), b"PASS ***");
        assert_eq!(without_secrets(b"PAS"), b"PAS");
    }
}
