//! What must not be shown of what crosses the wire: the passwords of secret parameters, in the forms in which clients say them.
//!
//! May use: `base64`, `memchr`.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use memchr::memmem;

/// In place of a password.
const HIDDEN: &[u8] = b"***";

/// The forms of all of them.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Vec<Vec<u8>>);

impl Secrets {
    /// Adds what a parameter was given: `NAME:PASS`, or a password alone. It may be said as it is, in base64 alone (AUTH LOGIN of
    /// RFC 4954), with its name and zero bytes (AUTH PLAIN, RFC 4616), or with its name and a colon (RFC 7617).
    pub(super) fn add(&mut self, text: &str) {
        let (name, password) = text.split_once(':').unwrap_or(("", text));
        if password.is_empty() {
            return;
        }
        let plain = format!("\0{name}\0{password}");
        let coded = [password, &plain, text].map(|text| STANDARD.encode(text).into_bytes());
        self.0.push(password.into());
        self.0.extend(coded);
    }

    /// The same with stars where a password is, by itself: `PASS a` has one, the name `data` has none.
    #[must_use]
    pub fn hide<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut seen = Cow::Borrowed(bytes);
        for secret in &self.0 {
            let places: Vec<usize> = memmem::find_iter(&seen, secret).filter(|at| alone(&seen, *at, secret.len())).collect();
            for at in places.into_iter().rev() {
                seen.to_mut().splice(at..at + secret.len(), HIDDEN.iter().copied());
            }
        }
        seen
    }
}

fn alone(bytes: &[u8], at: usize, length: usize) -> bool {
    let letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    !letter(at.checked_sub(1).and_then(|before| bytes.get(before))) && !letter(bytes.get(at + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden_in_every_form() {
        let mut secrets = Secrets::default();
        secrets.add("anna:s3:cret!");
        secrets.add("bob:a");
        secrets.add("nobody:");
        for (said, seen) in [
            ("USER anna\r\nPASS s3:cret!\r\n", "USER anna\r\nPASS ***\r\n"),
            ("AUTH PLAIN AGFubmEAczM6Y3JldCE=\r\n", "AUTH PLAIN ***\r\n"),
            ("czM6Y3JldCE=\r\n", "***\r\n"),
            ("Basic YW5uYTpzMzpjcmV0IQ==", "Basic ***"),
            ("PASS a", "PASS ***"),
            ("a data bar a", "*** data bar ***"),
            ("as3:cret!", "as3:cret!"),
            ("", ""),
        ] {
            assert_eq!(String::from_utf8_lossy(&secrets.hide(said.as_bytes())), seen);
        }
        assert!(matches!(secrets.hide(b"nothing"), Cow::Borrowed(_)));
    }
}
