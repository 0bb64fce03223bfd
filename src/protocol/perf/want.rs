//! What is wanted of a measurement: as words, which a person types and the load generator says, and as bytes.

use std::{fmt, time::Duration};

use crate::{
    session::{EffectId, Swallow, Violation},
    values::read,
};

pub(super) const USAGE: &str = "up|down|both SIZE|TIME [block=SIZE] [rate=BITRATE] [omit=TIME]";

/// The largest block.
pub const MAX_BLOCK: u32 = 1024 * 1024;
/// Bytes handed to the system at once, unless told otherwise: the fewer the calls, the better.
pub const USUAL_BLOCK: u32 = MAX_BLOCK;
/// Bytes that a receiver reads at once. What is copied is best copied to where it was copied before: a larger place does not stay
/// in the cache. What the sender did not copy comes in larger pieces, and a reader that wakes more often falls behind.
const READ: usize = 64 * 1024;
const ZERO_COPY_READ: usize = 256 * 1024;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// Names this measurement; connections of one share it.
    pub session: u64,
    /// From the client to the server.
    pub up: bool,
    pub down: bool,
    /// Each way. Where there is a time as well, whichever is reached first ends it.
    pub bytes: Option<u64>,
    pub time: Option<Duration>,
    /// What goes before is not counted.
    pub omit: Duration,
    pub block: u32,
    /// Bits per second each way, at most.
    pub rate: Option<u64>,
    /// Who sends spares the copy into the kernel, who receives the copy out of it.
    pub zero_copy: bool,
    pub skip_copy: bool,
}

/// Bytes of it in a frame.
pub(super) const BODY: usize = 48;

const UP: u8 = 1;
const DOWN: u8 = 2;
const ZERO_COPY: u8 = 1;
const SKIP_COPY: u8 = 2;

impl Want {
    /// Nothing of it is counted up yet: no length and no time.
    #[must_use]
    pub fn new(up: bool, down: bool) -> Self {
        Self {
            session: 0,
            up,
            down,
            bytes: None,
            time: None,
            omit: Duration::ZERO,
            block: USUAL_BLOCK,
            rate: None,
            zero_copy: false,
            skip_copy: false,
        }
    }

    /// The next bytes of it, thrown away as is wanted.
    pub(super) fn swallow(&self, id: EffectId, bytes: u64) -> Swallow {
        let at_once = if self.zero_copy { ZERO_COPY_READ } else { READ };
        Swallow { id, bytes, blind: self.skip_copy, at_once }
    }

    /// Reads words.
    ///
    /// # Errors
    /// One clause saying what is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut words = text.split_ascii_whitespace();
        let (up, down) = match words.next() {
            Some("up") => (true, false),
            Some("down") => (false, true),
            Some("both") => (true, true),
            _ => return Err("it begins with up, down or both".into()),
        };
        let mut want = Self::new(up, down);
        for word in words {
            match word.split_once('=') {
                None if word == "zero-copy" => want.zero_copy = true,
                None if word == "skip-copy" => want.skip_copy = true,
                None => want.length(word)?,
                Some(("block", value)) => want.block = Self::read_block(value)?,
                Some(("rate", value)) => want.rate = Some((read::bit_rate(value)? as u64).max(1)),
                Some(("omit", value)) => want.omit = read::duration(value)?,
                Some(("session", value)) => want.session = value.parse().map_err(|_| format!("{value:?} is no number"))?,
                Some((name, _)) => return Err(format!("{name:?} is nothing that can be set")),
            }
        }
        if want.bytes.is_none() && want.time.is_none() {
            return Err("how much is missing: a size such as 10M, or a time such as 2s".into());
        }
        Ok(want)
    }

    /// A time has a unit of time; anything else is a size.
    fn length(&mut self, word: &str) -> Result<(), String> {
        let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        if ["ns", "us", "µs", "ms", "s", "m", "min", "h"].contains(&unit) {
            self.time = Some(read::duration(word)?).filter(|time| !time.is_zero());
            return self.time.map(|_| ()).ok_or_else(|| "the time must be more than 0".into());
        }
        match read::size(word)? {
            0 => Err("the size must be more than 0".into()),
            size => {
                self.bytes = Some(size as u64);
                Ok(())
            }
        }
    }

    /// Reads the size of a block.
    ///
    /// # Errors
    /// One clause saying what is wrong.
    pub fn read_block(text: &str) -> Result<u32, String> {
        match u32::try_from(read::size(text)?) {
            Ok(0) => Err("a block has at least 1 byte".into()),
            Ok(block) if block <= MAX_BLOCK => Ok(block),
            _ => Err("a block has at most 1 MiB".into()),
        }
    }

    pub(super) fn to_bytes(self) -> [u8; BODY] {
        let (mut bytes, none) = ([0; BODY], 0);
        bytes[..8].copy_from_slice(&self.session.to_be_bytes());
        bytes[8] = u8::from(self.up) * UP + u8::from(self.down) * DOWN;
        bytes[9] = u8::from(self.zero_copy) * ZERO_COPY + u8::from(self.skip_copy) * SKIP_COPY;
        bytes[12..16].copy_from_slice(&self.block.to_be_bytes());
        let numbers = [
            self.bytes.unwrap_or(none),
            micros(self.time.unwrap_or_default()),
            micros(self.omit),
            self.rate.unwrap_or(none),
        ];
        for (at, number) in numbers.into_iter().enumerate() {
            bytes[16 + at * 8..24 + at * 8].copy_from_slice(&number.to_be_bytes());
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; BODY]) -> Result<Self, Violation> {
        let number = |at: usize| bytes[at..at + 8].iter().fold(0, |number, byte| (number << 8) | u64::from(*byte));
        let some = |number: u64| (number > 0).then_some(number);
        let want = Self {
            session: number(0),
            up: bytes[8] & UP != 0,
            down: bytes[8] & DOWN != 0,
            bytes: some(number(16)),
            time: some(number(24)).map(Duration::from_micros),
            omit: Duration::from_micros(number(32)),
            block: u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]),
            rate: some(number(40)),
            zero_copy: bytes[9] & ZERO_COPY != 0,
            skip_copy: bytes[9] & SKIP_COPY != 0,
        };
        let makes_sense = (want.up || want.down)
            && (want.bytes.is_some() || want.time.is_some())
            && (1..=MAX_BLOCK).contains(&want.block)
            && bytes[8] <= UP + DOWN
            && bytes[9] <= ZERO_COPY + SKIP_COPY;
        if makes_sense { Ok(want) } else { Err(Violation::new("bad_want", "what is wanted makes no sense")) }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// As [`Want::read`] reads it.
impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.up, self.down) {
            (true, true) => "both",
            (true, false) => "up",
            _ => "down",
        })?;
        if let Some(bytes) = self.bytes {
            write!(f, " {bytes}")?;
        }
        if let Some(time) = self.time {
            write!(f, " {}us", micros(time))?;
        }
        write!(f, " block={} omit={}us session={}", self.block, micros(self.omit), self.session)?;
        if let Some(rate) = self.rate {
            write!(f, " rate={rate}")?;
        }
        for (given, word) in [(self.zero_copy, " zero-copy"), (self.skip_copy, " skip-copy")] {
            f.write_str(if given { word } else { "" })?;
        }
        Ok(())
    }
}
