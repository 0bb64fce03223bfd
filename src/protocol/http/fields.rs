//! The fields of a head, and the lists that some of them hold (RFC 9110, section 5).
//!
//! May use: `httparse`.

use httparse::Header;

/// The fields of one message, in order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [Header<'a>]);

impl<'a> Fields<'a> {
    /// The first of this name.
    pub(super) fn first(self, name: &str) -> Option<&'a [u8]> {
        self.0.iter().find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }

    /// The first of this name, if it is text.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.first(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    pub(super) fn all(self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }

    /// The members of all fields of this name, which make one list.
    pub(super) fn members(self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.all(name).flat_map(members)
    }
}

/// "a recipient MUST parse and ignore a reasonable number of empty list elements" (RFC 9110, section 5.6.1.2).
pub(super) fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|member| !member.is_empty())
}

/// A letter of a token: of methods and of names of fields.
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A field as a person types it: `Name: value`.
pub(super) fn typed(text: &str) -> Result<(&str, &str), &'static str> {
    let (name, value) = text.split_once(':').ok_or("a header is written as 'Name: value'")?;
    let value = value.trim_matches([' ', '\t']);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err("what stands before the colon is no name of a header");
    }
    // What could end the line early would begin a message that nobody meant.
    if value.bytes().any(|byte| byte != b'\t' && byte.is_ascii_control()) {
        return Err("a header's value holds no control characters");
    }
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_over_several_fields() {
        let fields = [
            Header { name: "Connection", value: b"close ,, Keep-Alive" },
            Header { name: "X", value: b"y" },
            Header { name: "connection", value: b"upgrade" },
        ];
        let members: Vec<_> = Fields(&fields).members("CONNECTION").collect();
        assert_eq!(members, [&b"close"[..], b"Keep-Alive", b"upgrade"]);
        assert_eq!(Fields(&fields).text("x"), Some("y"));
    }

    #[test]
    fn a_typed_field_is_one_line() {
        assert_eq!(typed("A-b:  c: d "), Ok(("A-b", "c: d")));
        for text in ["a", ": b", "a b: c", "a: b\r\nc: d", "a : b", "a: \0"] {
            assert!(typed(text).is_err(), "{text:?}");
        }
    }
}
