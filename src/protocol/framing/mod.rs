//! Framings: where one message of a simple protocol ends and the next begins. Values that `processed`, `echo`, `discard` and
//! `raw` combine with.
//!
//! The limits are Twisted's: 16,384 bytes for lines, 99,999 for strings with a length. A length that a peer chose is checked
//! against its limit digit by digit, before it is used, and nothing is ever allocated by it.
//!
//! May use: `session`, `values`, memchr.

mod put;
mod take;

use std::fmt;

pub use put::Wrap;

use crate::values::read;

/// How messages lie in a stream. A datagram holds one frame exactly.
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
    /// The longest message, in bytes, framing not counted.
    pub max: usize,
}

/// A framing as it is listed and completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// What is typed; what stands after the colon of `delimiter:STR` is the user's.
    pub name: &'static str,
    /// One line about it, without a full stop.
    pub about: &'static str,
    /// The default limit of a message, in bytes.
    pub max: Option<usize>,
}

/// The limit for lines (Twisted's `LineReceiver.MAX_LENGTH`).
pub const LINE_MAX: usize = 16_384;
/// The limit for strings with a length (Twisted's `NetstringReceiver` and `IntNStringReceiver`).
pub const STRING_MAX: usize = 99_999;

const DELIMITER: &str = "delimiter:";

/// Every framing, the default first.
pub static ALL: &[Listed] = &[
    Listed { name: "raw", about: "no framing: each piece as it comes", max: None },
    Listed { name: "lines", about: "ends with LF or CRLF; CRLF is sent", max: Some(LINE_MAX) },
    Listed { name: "delimiter:STR", about: "ends with STR, in which escapes like \\0 are known", max: Some(LINE_MAX) },
    Listed { name: "netstring", about: "LENGTH:DATA, with the length in decimal", max: Some(STRING_MAX) },
    Listed { name: "int8", about: "a length of 1 byte, then the data", max: Some(0xff) },
    Listed { name: "int16", about: "a length of 2 bytes, big endian, then the data", max: Some(0xffff) },
    Listed { name: "int32", about: "a length of 4 bytes, big endian, then the data", max: Some(STRING_MAX) },
    Listed { name: "varint", about: "a length in LEB128, then the data", max: Some(STRING_MAX) },
];

/// What was typed is no framing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FramingError {
    Unknown {
        typed: String,
        nearest: Option<&'static str>,
    },
    /// `delimiter` without a string, or with an empty one.
    NoDelimiter,
    /// The delimiter's escapes are wrong; the clause says how.
    Escapes(String),
    /// A limit for `raw`, which has no frames.
    NoFrames,
    /// A limit of 0.
    NoRoom,
}

impl fmt::Display for FramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { typed, .. } => write!(f, "unknown framing {typed:?}"),
            Self::NoDelimiter => f.write_str("the delimiter is missing"),
            Self::Escapes(why) => write!(f, "the delimiter can't be read: {why}"),
            Self::NoFrames => f.write_str("framing raw has no frames that could have a limit"),
            Self::NoRoom => f.write_str("a frame of at most 0 bytes holds nothing"),
        }
    }
}

impl std::error::Error for FramingError {}

impl FramingError {
    /// What to try.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown { nearest: Some(nearest), .. } => format!("did you mean {nearest}?"),
            Self::Unknown { nearest: None, .. } => {
                let names: Vec<_> = ALL.iter().map(|listed| listed.name).collect();
                format!("there are {}", names.join(", "))
            }
            Self::NoDelimiter => "write it after a colon, as in delimiter:\\0".into(),
            Self::Escapes(_) => "escapes are \\n \\r \\t \\0 \\\\ \\xHH".into(),
            Self::NoFrames => "choose a framing too, as in --framing lines".into(),
            Self::NoRoom => "the limit must be at least 1".into(),
        }
    }
}

impl Framing {
    /// The framing that was typed, with its own limit or `max`. A limit beyond what the length field can say is lowered to it.
    ///
    /// # Errors
    /// [`FramingError`]
    pub fn parse(text: &str, max: Option<usize>) -> Result<Self, FramingError> {
        let kind = Kind::parse(text)?;
        if max == Some(0) {
            return Err(FramingError::NoRoom);
        }
        if kind == Kind::Raw && max.is_some() {
            return Err(FramingError::NoFrames);
        }
        let max = max.unwrap_or(match kind {
            Kind::Raw => 0,
            Kind::Lines | Kind::Delimiter(_) => LINE_MAX,
            Kind::Netstring | Kind::Int(_) | Kind::Varint => STRING_MAX,
        });
        Ok(Self { max: max.min(kind.width_max()), kind })
    }

    #[must_use]
    pub fn is_raw(&self) -> bool {
        matches!(self.kind, Kind::Raw)
    }

    /// The same framing for messages that are longer by `extra` bytes, as answers with a prefix are.
    #[must_use]
    pub fn longer(&self, extra: usize) -> Self {
        Self { max: self.max.saturating_add(extra).min(self.kind.width_max()), kind: self.kind.clone() }
    }
}

/// As it is typed, less the limit.
impl fmt::Display for Framing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Raw => f.write_str("raw"),
            Kind::Lines => f.write_str("lines"),
            Kind::Delimiter(delimiter) => write!(f, "{DELIMITER}{}", crate::values::show::escaped(delimiter, false)),
            Kind::Netstring => f.write_str("netstring"),
            Kind::Int(bytes) => write!(f, "int{}", u32::from(*bytes) * 8),
            Kind::Varint => f.write_str("varint"),
        }
    }
}

impl Kind {
    fn parse(text: &str) -> Result<Self, FramingError> {
        if let Some(delimiter) = text.strip_prefix(DELIMITER) {
            return match read::unescape(delimiter) {
                Ok(delimiter) if delimiter.is_empty() => Err(FramingError::NoDelimiter),
                Ok(delimiter) => Ok(Self::Delimiter(delimiter)),
                Err(why) => Err(FramingError::Escapes(why)),
            };
        }
        Ok(match text {
            "raw" => Self::Raw,
            "lines" => Self::Lines,
            "delimiter" => return Err(FramingError::NoDelimiter),
            "netstring" => Self::Netstring,
            "int8" => Self::Int(1),
            "int16" => Self::Int(2),
            "int32" => Self::Int(4),
            "varint" => Self::Varint,
            _ => {
                let nearest = read::nearest(text, ALL.iter().map(|listed| listed.name));
                return Err(FramingError::Unknown { typed: text.into(), nearest });
            }
        })
    }

    /// The largest length that this framing can write down.
    fn width_max(&self) -> usize {
        match self {
            Self::Int(bytes) => usize::try_from((1_u64 << (8 * u32::from(*bytes))) - 1).unwrap_or(usize::MAX),
            _ => usize::MAX,
        }
    }
}
