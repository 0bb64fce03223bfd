//! Framings: where one message of a simple protocol ends and the next begins.

/// How messages lie in a stream. In datagrams each datagram is one frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Kind {
    /// No framing: each piece as it comes.
    #[default]
    Raw,
    /// Ends with LF or CRLF; CRLF is sent.
    Lines,
    /// Ends with this string.
    Delimiter(Vec<u8>),
    /// `LENGTH:DATA,` in decimal ASCII (D. J. Bernstein, 1997).
    Netstring,
    /// A length of 1, 2 or 4 bytes, big endian, then the data.
    Int(u8),
    /// A length in LEB128, then the data.
    Varint,
}

/// A framing and its limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Framing {
    pub kind: Kind,
    /// The longest message, in bytes.
    pub max: usize,
}
