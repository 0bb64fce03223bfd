//! The bytes offered to a session: it takes whole messages, and each length has a named limit before it is used.

use super::Violation;

/// What has come from the peer and was not yet taken.
#[derive(Debug)]
pub struct Input<'a> {
    data: &'a [u8],
    taken: usize,
    scanned: &'a mut usize,
    datagram: bool,
}

impl<'a> Input<'a> {
    /// A piece of a stream. `scanned` is the driver's: how far an earlier call has searched what is offered again now, so
    /// that a long line that comes byte by byte is not searched from its start each time.
    pub fn stream(data: &'a [u8], scanned: &'a mut usize) -> Self {
        Self { data, taken: 0, scanned, datagram: false }
    }

    /// One whole datagram, perhaps empty.
    pub fn datagram(data: &'a [u8], scanned: &'a mut usize) -> Self {
        *scanned = 0;
        Self { data, taken: 0, scanned, datagram: true }
    }

    /// Is this one whole datagram? Then what is not taken is gone.
    #[must_use]
    #[inline]
    pub fn is_datagram(&self) -> bool {
        self.datagram
    }

    /// What was not yet taken, without taking it.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        &self.data[self.taken..]
    }

    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.taken == self.data.len()
    }

    /// How many bytes were taken so far.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// Takes all there is.
    #[inline]
    pub fn everything(&mut self) -> &'a [u8] {
        self.take(self.data.len() - self.taken)
    }

    /// Takes `n` bytes, or nothing when they are not all there. The caller has checked `n` against its limit.
    #[inline]
    pub fn exactly(&mut self, n: usize) -> Option<&'a [u8]> {
        (self.rest().len() >= n).then(|| self.take(n))
    }

    /// Takes a line and its end, LF or CRLF; gives it without the end. In a datagram the last line needs no end.
    ///
    /// # Errors
    /// `frame_too_long` when it has more than `max` bytes, the end not counted.
    pub fn line(&mut self, max: usize) -> Result<Option<&'a [u8]>, Violation> {
        // A CR is the line's own until LF follows it, so one byte more is let in to see.
        let too_long = |length: usize| Violation::too_long("line", format_args!("at least {length}"), max);
        let line = self.until(b"\n", max.saturating_add(1), "line").map_err(|_| too_long(max + 1))?;
        let ended = self.data[..self.taken].ends_with(b"\n");
        let line = line.map(|line| line.strip_suffix(b"\r").filter(|_| ended).unwrap_or(line));
        match line {
            Some(line) if line.len() > max => Err(too_long(line.len())),
            line => Ok(line),
        }
    }

    /// Takes what comes before `delimiter`, and the delimiter. In a datagram the last piece needs none.
    ///
    /// # Errors
    /// `frame_too_long` when `max` bytes hold no delimiter; `what` names the thing in the sentence.
    pub fn until(&mut self, delimiter: &[u8], max: usize, what: &str) -> Result<Option<&'a [u8]>, Violation> {
        let rest = self.rest();
        let from = self.scanned.saturating_sub(delimiter.len() - 1).min(rest.len());
        let found = memchr::memmem::find(&rest[from..], delimiter).map(|at| from + at);
        let length = found.unwrap_or(rest.len());
        // The last of it may be the beginning of a delimiter that has not all come.
        let begun = if found.is_none() && !self.datagram { delimiter.len() - 1 } else { 0 };
        if length > max.saturating_add(begun) {
            return Err(Violation::too_long(what, format_args!("at least {length}"), max));
        }
        match found {
            Some(at) => Ok(Some(&self.take(at + delimiter.len())[..at])),
            None if self.datagram && !rest.is_empty() => Ok(Some(self.everything())),
            None => {
                *self.scanned = rest.len();
                Ok(None)
            }
        }
    }

    #[inline]
    fn take(&mut self, n: usize) -> &'a [u8] {
        let taken = &self.data[self.taken..self.taken + n];
        self.taken += n;
        *self.scanned = 0;
        taken
    }
}
