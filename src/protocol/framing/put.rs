//! Putting the framing around a message of ours.

use bytes::Bytes;
use memchr::memmem;

use super::{Framing, Kind};
use crate::session::{Cx, Violation};

/// The longest header: 20 digits of a 64-bit number and a colon.
const HEAD: usize = 21;

/// What stands before and after a message.
#[derive(Debug, Clone, Copy)]
pub struct Wrap<'a> {
    head: [u8; HEAD],
    used: usize,
    tail: &'a [u8],
}

impl Wrap<'_> {
    /// Nothing stands around it.
    const NONE: Self = Self { head: [0; HEAD], used: 0, tail: &[] };

    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head[..self.used]
    }

    /// Says `message` between the two, without copying it when it is long.
    pub fn put(&self, message: &Bytes, cx: &mut Cx<'_>) {
        if self.size() == 0 {
            return cx.write_shared(message);
        }
        cx.write(self.head());
        cx.write_shared(message);
        cx.write(self.tail());
    }

    #[must_use]
    pub fn tail(&self) -> &[u8] {
        self.tail
    }

    /// Bytes of framing around the message.
    #[must_use]
    pub fn size(&self) -> usize {
        self.used + self.tail.len()
    }
}

impl Framing {
    /// What stands before and after `message`, when it can be said in this framing: short enough, and without what would end
    /// it early.
    ///
    /// # Errors
    /// `frame_too_long`, or `holds_delimiter`.
    pub fn fits(&self, message: &[u8]) -> Result<Wrap<'_>, Violation> {
        let wrap = self.wrap(message.len())?;
        self.ends_only_at_end(message)?;
        Ok(wrap)
    }

    /// As [`Framing::fits`], and what carries `message` can carry it.
    ///
    /// # Errors
    /// As [`Framing::fits`]; `frame_too_long` also for a datagram, and `empty_message`.
    pub fn fits_in(&self, message: &[u8], cx: &Cx<'_>) -> Result<Wrap<'_>, Violation> {
        let wrap = if self.is_raw() { Wrap::NONE } else { self.fits(message)? };
        let size = wrap.size() + message.len();
        if cx.datagrams() && size > cx.facts.max_datagram {
            return Err(Violation::too_long("datagram", size, cx.facts.max_datagram));
        }
        if !cx.datagrams() && size == 0 {
            return Err(Violation::new("empty_message", "an empty message says nothing on a stream without framing"));
        }
        Ok(wrap)
    }

    /// What stands before and after a message of `length` bytes.
    ///
    /// # Errors
    /// `frame_too_long` when it is over our own limit.
    pub fn wrap(&self, length: usize) -> Result<Wrap<'_>, Violation> {
        if !self.is_raw() && length > self.max {
            return Err(Violation::too_long("message", length, self.max));
        }
        let mut wrap = Wrap::NONE;
        match &self.kind {
            Kind::Raw => {}
            Kind::Lines => wrap.tail = b"\r\n",
            Kind::Delimiter(delimiter) => wrap.tail = delimiter,
            Kind::Netstring => {
                wrap.decimal(length);
                wrap.tail = b",";
            }
            Kind::Int(width) => {
                let width = usize::from(*width);
                wrap.head[..width].copy_from_slice(&(length as u32).to_be_bytes()[4 - width..]);
                wrap.used = width;
            }
            Kind::Varint => wrap.varint(length),
        }
        Ok(wrap)
    }

    /// Would a reader of this framing find the end of `message` where it is, and not before?
    fn ends_only_at_end(&self, message: &[u8]) -> Result<(), Violation> {
        let early = match &self.kind {
            Kind::Lines => memchr::memchr(b'\n', message).is_some(),
            Kind::Delimiter(delimiter) => ends_early(message, delimiter),
            _ => false,
        };
        if early {
            let what = if self.kind == Kind::Lines { "a line end" } else { "the delimiter" };
            return Err(Violation::new("holds_delimiter", format!("message holds {what}, which would end it early")));
        }
        Ok(())
    }
}

/// Is `delimiter` found in `message` followed by it before the end of `message`? So it is also when `message` ends in what
/// the delimiter both begins and goes on with: `x-` before `--`.
fn ends_early(message: &[u8], delimiter: &[u8]) -> bool {
    if memmem::find(message, delimiter).is_some() {
        return true;
    }
    let n = delimiter.len();
    (1..n).any(|overlap| message.ends_with(&delimiter[..overlap]) && delimiter[overlap..] == delimiter[..n - overlap])
}

impl Wrap<'_> {
    fn decimal(&mut self, length: usize) {
        let mut digits = [0; HEAD];
        let (mut at, mut left) = (HEAD, length);
        loop {
            at -= 1;
            digits[at] = b'0' + (left % 10) as u8;
            left /= 10;
            if left == 0 {
                break;
            }
        }
        self.used = HEAD - at + 1;
        self.head[..self.used - 1].copy_from_slice(&digits[at..]);
        self.head[self.used - 1] = b':';
    }

    fn varint(&mut self, length: usize) {
        let mut left = length;
        while left >= 0x80 {
            self.head[self.used] = left as u8 | 0x80;
            self.used += 1;
            left >>= 7;
        }
        self.head[self.used] = left as u8;
        self.used += 1;
    }
}
