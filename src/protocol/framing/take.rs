//! Taking one message out of what has come. Every decision is made byte by byte in the order of the stream, so the same
//! bytes get the same verdict however they were cut into pieces.

use super::{Framing, Kind};
use crate::session::{Input, Violation};

/// A 64-bit number in LEB128 has at most this many bytes.
const VARINT_BYTES: usize = 10;

/// What the bytes seen so far say about the frame they begin.
enum Header {
    /// It is not complete.
    Partial,
    /// So many bytes of header, then so many of data.
    Length { header: usize, data: usize },
}

impl Framing {
    /// Takes the next whole message of a stream, without its framing; `None` when it has not all come yet.
    ///
    /// # Errors
    /// `frame_too_long`, `bad_length`, `missing_comma`: the peer broke the framing, and the stream can't be followed any more.
    pub fn take<'a>(&self, input: &mut Input<'a>) -> Result<Option<&'a [u8]>, Violation> {
        match &self.kind {
            Kind::Raw => Ok((!input.is_empty()).then(|| input.everything())),
            Kind::Lines => input.line(self.max),
            Kind::Delimiter(delimiter) => input.until(delimiter, self.max, "message"),
            Kind::Netstring => self.take_netstring(input),
            Kind::Int(width) => {
                let header = self.int_header(usize::from(*width), input.rest())?;
                Ok(take_sized(input, &header, 0))
            }
            Kind::Varint => {
                let header = self.varint_header(input.rest())?;
                Ok(take_sized(input, &header, 0))
            }
        }
    }

    /// Takes the one message that a datagram holds, perhaps an empty one. A last line needs no end.
    ///
    /// # Errors
    /// As [`Framing::take`]; `cut_short` when the datagram ends in mid-frame, `trailing_bytes` when it holds more than one.
    pub fn take_datagram<'a>(&self, input: &mut Input<'a>) -> Result<&'a [u8], Violation> {
        let whole = match &self.kind {
            Kind::Raw => return Ok(input.everything()),
            Kind::Lines | Kind::Delimiter(_) if input.is_empty() => return Ok(input.everything()),
            _ => self.take(input)?,
        };
        let Some(message) = whole else {
            let got = input.rest().len();
            return Err(Violation::new(
                "cut_short",
                format!("datagram ends in the middle of a frame, after {got} bytes of it"),
            ));
        };
        match input.rest().len() {
            0 => Ok(message),
            more => Err(Violation::new("trailing_bytes", format!("datagram holds {more} bytes after its frame"))),
        }
    }

    fn take_netstring<'a>(&self, input: &mut Input<'a>) -> Result<Option<&'a [u8]>, Violation> {
        let header = self.netstring_header(input.rest())?;
        if let Header::Length { header, data } = header
            && let Some(comma) = header.checked_add(data).and_then(|at| input.rest().get(at))
            && *comma != b','
        {
            let sentence = format!("netstring ends in byte 0x{comma:02x} where a comma belongs");
            return Err(Violation::new("missing_comma", sentence));
        }
        Ok(take_sized(input, &header, 1))
    }

    /// `[1-9][0-9]*:` or `0:`, as Twisted's `NetstringReceiver` wants it.
    fn netstring_header(&self, bytes: &[u8]) -> Result<Header, Violation> {
        let mut data = 0;
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                b':' if at > 0 => return Ok(Header::Length { header: at + 1, data }),
                b':' => return Err(Violation::new("bad_length", "netstring has no length")),
                b'0'..=b'9' if at > 0 && bytes[0] == b'0' => {
                    return Err(Violation::new("bad_length", "netstring's length has a leading zero"));
                }
                b'0'..=b'9' => data = self.grow(data, byte - b'0')?,
                other => {
                    let sentence = format!("netstring's length holds byte 0x{other:02x}, not a digit or a colon");
                    return Err(Violation::new("bad_length", sentence));
                }
            }
        }
        Ok(Header::Partial)
    }

    fn int_header(&self, width: usize, bytes: &[u8]) -> Result<Header, Violation> {
        let Some(length) = bytes.get(..width) else { return Ok(Header::Partial) };
        let length = length.iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
        match usize::try_from(length) {
            Ok(data) if data <= self.max => Ok(Header::Length { header: width, data }),
            _ => Err(Violation::too_long("message", length, self.max)),
        }
    }

    /// Groups of seven bits, the lowest first; the high bit is set on all but the last.
    fn varint_header(&self, bytes: &[u8]) -> Result<Header, Violation> {
        let mut data = 0_u64;
        for (at, byte) in bytes.iter().enumerate() {
            let group = u64::from(byte & 0x7f);
            // The tenth byte has room for the one bit that is left of 64, and nothing may follow it.
            if at >= VARINT_BYTES || (at == VARINT_BYTES - 1 && *byte > 1) {
                return Err(Violation::new("bad_length", "varint is longer than 64 bits"));
            }
            data |= group << (7 * at);
            if usize::try_from(data).map_or(true, |data| data > self.max) {
                return Err(Violation::too_long("message", format_args!("at least {data}"), self.max));
            }
            if byte & 0x80 == 0 {
                return Ok(Header::Length { header: at + 1, data: data as usize });
            }
        }
        Ok(Header::Partial)
    }

    /// A netstring's length with one more digit, while it stays within the limit.
    fn grow(&self, length: usize, digit: u8) -> Result<usize, Violation> {
        let grown = (length as u64).saturating_mul(10).saturating_add(u64::from(digit));
        match usize::try_from(grown) {
            Ok(grown) if grown <= self.max => Ok(grown),
            _ => Err(Violation::too_long("netstring", format_args!("at least {grown}"), self.max)),
        }
    }
}

/// Takes header, data and `trailer` bytes when they are all there; gives the data.
fn take_sized<'a>(input: &mut Input<'a>, header: &Header, trailer: usize) -> Option<&'a [u8]> {
    let Header::Length { header, data } = *header else { return None };
    // A limit of our own can be so large that the sum overflows: such a frame never comes.
    let frame = input.exactly(header.checked_add(data)?.checked_add(trailer)?)?;
    Some(&frame[header..header + data])
}
