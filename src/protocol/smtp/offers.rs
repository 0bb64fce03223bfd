//! What a server offers in its answer to EHLO (RFC 5321, section 4.1.1.1).

/// The extensions that a client makes use of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Offers {
    pub(super) pipelining: bool,
    pub(super) chunking: bool,
    pub(super) eight_bit: bool,
    pub(super) utf8: bool,
    /// SIZE is offered; of how many bytes, if it says so.
    pub(super) size: Option<u64>,
    pub(super) auth_plain: bool,
    pub(super) auth_login: bool,
}

impl Offers {
    /// `lines` are those of the answer, the first of which is a greeting.
    pub(super) fn read(lines: &str) -> Self {
        let mut offers = Self::default();
        for line in lines.lines().skip(1) {
            // Some servers of old say `AUTH=LOGIN`.
            let line = line.to_ascii_uppercase().replacen("AUTH=", "AUTH ", 1);
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("PIPELINING") => offers.pipelining = true,
                Some("CHUNKING") => offers.chunking = true,
                Some("8BITMIME") => offers.eight_bit = true,
                Some("SMTPUTF8") => offers.utf8 = true,
                // No number, or 0, is no limit (RFC 1870, section 4).
                Some("SIZE") => offers.size = Some(words.next().and_then(|word| word.parse().ok()).unwrap_or(0)),
                Some("AUTH") => words.for_each(|word| {
                    offers.auth_plain |= word == "PLAIN";
                    offers.auth_login |= word == "LOGIN";
                }),
                _ => {}
            }
        }
        offers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_from_an_answer() {
        let offers = Offers::read("mail.example.test\nPIPELINING\nsize 1000\nAUTH CRAM-MD5 PLAIN\nAUTH=LOGIN\nX-CHUNKING\n");
        let wanted = Offers { pipelining: true, size: Some(1000), auth_plain: true, auth_login: true, ..Offers::default() };
        assert_eq!(offers, wanted);
        assert_eq!(Offers::read("PIPELINING"), Offers::default());
        assert_eq!(Offers::read("x\nSIZE").size, Some(0));
    }
}
