//! What a request is about: the forms of a target (RFC 9112, section 3.2), and the name below the root that a path stands for.
//!
//! A path is decoded once, and then has no way to lead up: `..` in any spelling is refused, and not resolved. The root itself
//! does not let out either; this is so that the answer says what is wrong.
//!
//! May use: nothing.

use std::borrow::Cow;

use super::status::Bad;

/// A target in one of its forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'a> {
    Path {
        path: &'a str,
        query: Option<&'a str>,
    },
    /// `OPTIONS *`: about the server.
    Asterisk,
    /// Of CONNECT: another server.
    Tunnel,
}

impl<'a> Target<'a> {
    pub(super) fn read(method: &str, target: &'a str) -> Result<Self, Bad> {
        if method == "CONNECT" {
            return Ok(Self::Tunnel);
        }
        if target == "*" && method == "OPTIONS" {
            return Ok(Self::Asterisk);
        }
        if target.starts_with('/') {
            return Ok(Self::path(target));
        }
        // "a server MUST accept the absolute-form in requests" (RFC 9112, section 3.2.2). Any authority is taken for us.
        let rest = target.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("http://")).map(|_| &target[7..]);
        match rest.map(|rest| rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at))) {
            Some((authority, _)) if authority.is_empty() || !is_authority(authority.as_bytes()) => {
                Err(Bad::request("bad_target", "the target names no host, or a user"))
            }
            Some((_, "")) => Ok(Self::path("/")),
            Some((_, path)) if path.starts_with('/') => Ok(Self::path(path)),
            Some((_, query)) => Ok(Self::Path { path: "/", query: Some(&query[1..]) }),
            None => Err(Bad::request("bad_target", "the target is no path: it begins with a slash")),
        }
    }

    fn path(target: &'a str) -> Self {
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        Self::Path { path, query }
    }
}

/// Can it be a host with or without a port (RFC 3986, section 3.2)?
pub(super) fn is_authority(text: &[u8]) -> bool {
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(byte);
    let (host_is_right, port) = if let Some(rest) = text.strip_prefix(b"[") {
        let length = rest.iter().position(|byte| *byte == b']').unwrap_or(0);
        let (literal, port) = rest.split_at(length);
        (length > 0 && literal.iter().all(|byte| name(byte) || *byte == b':'), &port[usize::from(length > 0)..])
    } else {
        let length = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
        (text[..length].iter().all(name), &text[length..])
    };
    host_is_right && (port.is_empty() || port.strip_prefix(b":").is_some_and(|port| port.iter().all(u8::is_ascii_digit)))
}

/// A name below the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name<'a> {
    /// Relative and of plain components; the root itself is empty.
    pub(super) name: Cow<'a, str>,
    /// It ended in a slash: only a folder can be meant.
    pub(super) folder: bool,
}

const UP: Bad = Bad::request("path_up", "the path goes up with '..'");
const BAD_ESCAPE: Bad = Bad::request("bad_path", "a % in the path is not followed by two hexadecimal digits");
const STRAY: Bad = Bad::request("bad_path", "the path holds a NUL or a slash that is percent-encoded");
const NOT_TEXT: Bad = Bad::request("bad_path", "the path is not UTF-8 when it is decoded");

impl<'a> Name<'a> {
    pub(super) fn read(path: &'a str) -> Result<Self, Bad> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let decoded = if path.contains('%') { Cow::Owned(decode(path)?) } else { Cow::Borrowed(path) };
        let folder = decoded.is_empty() || decoded.ends_with('/');
        let plain = |part: &str| !matches!(part, "" | "." | "..");
        let inner = decoded.strip_suffix('/').unwrap_or(&decoded);
        if inner.split('/').all(plain) || inner.is_empty() {
            let length = inner.len();
            let name = match decoded {
                Cow::Borrowed(decoded) => Cow::Borrowed(&decoded[..length]),
                Cow::Owned(mut decoded) => {
                    decoded.truncate(length);
                    Cow::Owned(decoded)
                }
            };
            return Ok(Self { name, folder });
        }
        if decoded.split('/').any(|part| part == "..") {
            return Err(UP);
        }
        let folder = folder || decoded.ends_with("/.") || decoded == ".";
        let parts: Vec<_> = decoded.split('/').filter(|part| plain(part)).collect();
        Ok(Self { name: Cow::Owned(parts.join("/")), folder })
    }
}

/// Undoes percent-encoding, once.
fn decode(path: &str) -> Result<String, Bad> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, more)) = rest.split_first() {
        rest = more;
        if first != b'%' {
            decoded.push(first);
            continue;
        }
        let [high, low, after @ ..] = more else { return Err(BAD_ESCAPE) };
        let digit = |byte: u8| (byte as char).to_digit(16).ok_or(BAD_ESCAPE);
        let byte = (digit(*high)? * 16 + digit(*low)?) as u8;
        // A slash that was encoded is part of a name, and no name has one; nor a NUL.
        if matches!(byte, 0 | b'/') {
            return Err(STRAY);
        }
        decoded.push(byte);
        rest = after;
    }
    String::from_utf8(decoded).map_err(|_| NOT_TEXT)
}

/// A name as part of a path: everything but what is never special is encoded.
pub(super) fn encode(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(byte as char);
        } else {
            let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0').to_ascii_uppercase();
            encoded.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded_once_and_plain() {
        for (path, name, folder) in [
            ("/", "", true),
            ("/a", "a", false),
            ("/a/b/", "a/b", true),
            ("/a%20b/%C3%A4", "a b/ä", false),
            ("/%252e%252e/x", "%2e%2e/x", false),
            ("/./a//b/.", "a/b", true),
            ("//evil.test/x", "evil.test/x", false),
            ("/...", "...", false),
            ("/a+b", "a+b", false),
            ("/%2e/a", "a", false),
            ("/a%0Ab%7f", "a\nb\u{7f}", false),
        ] {
            assert_eq!(Name::read(path), Ok(Name { name: name.into(), folder }), "{path}");
        }
    }

    #[test]
    fn no_spelling_leads_up() {
        for path in ["/..", "/../x", "/a/../../x", "/%2e%2e/x", "/.%2E/x", "/a/%2e%2e", "/..//"] {
            assert_eq!(Name::read(path), Err(UP), "{path}");
        }
        for path in ["/%2e%2e%2fx", "/..%2fx", "/a%00b", "/%c0%ae%c0%ae/x", "/%", "/%2", "/%zz", "/a%2Fb", "/%ff"] {
            assert_eq!(Name::read(path).unwrap_err().status, 400, "{path}");
        }
    }

    #[test]
    fn what_is_encoded_is_decoded_again() {
        let name = "a b/ä%?#&\"<>\\'+;:@";
        let encoded = encode(name);
        assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic()) && !encoded.contains(['?', '#', '"', '<']));
        assert_eq!(Name::read(&format!("/{encoded}")).unwrap().name, name);
    }

    #[test]
    fn each_form_has_its_place() {
        let path = |path, query| Ok(Target::Path { path, query });
        assert_eq!(Target::read("GET", "/a?b?c"), path("/a", Some("b?c")));
        assert_eq!(Target::read("GET", "HTTP://h:1/a"), path("/a", None));
        assert_eq!(Target::read("GET", "http://h"), path("/", None));
        assert_eq!(Target::read("GET", "http://h?q"), path("/", Some("q")));
        assert_eq!(Target::read("OPTIONS", "*"), Ok(Target::Asterisk));
        assert_eq!(Target::read("CONNECT", "h:80"), Ok(Target::Tunnel));
        for (method, target, status) in [
            ("GET", "*", 400),
            ("GET", "h:80", 400),
            ("GET", "a", 400),
            ("GET", "http:///a", 400),
            ("GET", "http://u@h/a", 400),
            ("GET", "https://h/", 400),
            ("GET", "ä", 400),
        ] {
            assert_eq!(Target::read(method, target).unwrap_err().status, status, "{target}");
        }
    }
}
