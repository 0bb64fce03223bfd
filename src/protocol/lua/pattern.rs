//! Lua's patterns (reference manual 5.4, section 6.4.1), matched with a budget of steps.
//!
//! The matcher that comes with Lua runs in C, where no instruction limit reaches it, and a pattern of a few bytes can keep it
//! busy for years. This one counts what it does, and gives up.
//!
//! May use: nothing.

/// Captures of one pattern, at most.
const MOST_CAPTURES: usize = 32;
/// How deep the matcher nests.
const MOST_DEPTH: u32 = 200;
/// Bytes of a set that are compared in one step.
const SET_STRIDE: usize = 16;
/// Steps between two looks at the clock.
const LOOK: u64 = 4096;
/// The byte that escapes.
const ESCAPE: u8 = b'%';

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The pattern is none. The words are those of Lua.
    Malformed(String),
    /// All steps are used up, or all time.
    Exhausted,
}

fn malformed<T>(why: &str) -> Result<T, Fault> {
    Err(Fault::Malformed(why.into()))
}

/// What a pair of parentheses has caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capture {
    /// From, to.
    Piece(usize, usize),
    /// `()`: where it is, counted from 0.
    Position(usize),
    /// The pattern ends within it: using it is an error.
    Unfinished,
}

#[derive(Debug, Clone, Copy)]
enum Slot {
    Open(usize),
    Shut(Capture),
}

impl Slot {
    fn caught(self) -> Capture {
        match self {
            Self::Shut(capture) => capture,
            Self::Open(_) => Capture::Unfinished,
        }
    }
}

/// A match: from, to, and the captures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub start: usize,
    pub end: usize,
    pub captures: Vec<Capture>,
}

impl Found {
    /// The captures; without any, the whole match is the one capture.
    #[must_use]
    pub fn values(&self) -> Vec<Capture> {
        if self.captures.is_empty() { vec![Capture::Piece(self.start, self.end)] } else { self.captures.clone() }
    }

    /// One of them, counted from 0.
    #[must_use]
    pub fn value(&self, index: usize) -> Option<Capture> {
        match self.captures.get(index) {
            None if index == 0 => Some(Capture::Piece(self.start, self.end)),
            capture => capture.copied(),
        }
    }
}

/// One subject and one pattern.
pub struct Matcher<'a> {
    subject: &'a [u8],
    pattern: &'a [u8],
    slots: Vec<Slot>,
    depth: u32,
    steps: u64,
    /// Steps since the last look at the clock.
    unseen: u64,
    watch: Option<&'a dyn Fn() -> bool>,
}

/// Could `pattern` be found by comparing bytes?
#[must_use]
pub fn is_plain(pattern: &[u8]) -> bool {
    !pattern.iter().any(|byte| b"^$*+?.([%-".contains(byte))
}

impl<'a> Matcher<'a> {
    /// May take so many `steps` in all.
    #[must_use]
    pub fn new(subject: &'a [u8], pattern: &'a [u8], steps: u64) -> Self {
        Self { subject, pattern, slots: Vec::new(), depth: 0, steps, unseen: 0, watch: None }
    }

    /// Asks from time to time whether to go on.
    #[must_use]
    pub fn watched(self, watch: &'a dyn Fn() -> bool) -> Self {
        Self { watch: Some(watch), ..self }
    }

    /// Steps that are left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.steps
    }

    /// The first match that begins at `from` or later. A `^` at the beginning of the pattern ties it to `from`.
    ///
    /// # Errors
    /// [`Fault`]
    pub fn find(&mut self, from: usize) -> Result<Option<Found>, Fault> {
        let anchored = self.pattern.first() == Some(&b'^');
        for start in from..=self.subject.len() {
            if let Some(found) = self.at(start, usize::from(anchored))? {
                return Ok(Some(found));
            }
            if anchored {
                break;
            }
        }
        Ok(None)
    }

    /// A match that begins at `start`, of the pattern from its byte `p` on.
    ///
    /// # Errors
    /// [`Fault`]
    pub fn at(&mut self, start: usize, p: usize) -> Result<Option<Found>, Fault> {
        self.slots.clear();
        self.depth = 0;
        let Some(end) = self.go(start, p)? else { return Ok(None) };
        Ok(Some(Found { start, end, captures: self.slots.iter().map(|slot| slot.caught()).collect() }))
    }

    fn spend(&mut self, steps: usize) -> Result<(), Fault> {
        self.steps = self.steps.checked_sub(steps as u64).ok_or(Fault::Exhausted)?;
        self.unseen += steps as u64;
        if self.unseen < LOOK {
            return Ok(());
        }
        self.unseen = 0;
        if self.watch.is_none_or(|go_on| go_on()) { Ok(()) } else { Err(Fault::Exhausted) }
    }

    fn pattern_at(&self, p: usize) -> Option<u8> {
        self.pattern.get(p).copied()
    }

    /// Where the match ends, if the rest of the pattern matches here.
    fn go(&mut self, s: usize, p: usize) -> Result<Option<usize>, Fault> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return malformed("pattern too complex");
        }
        let end = self.items(s, p);
        self.depth -= 1;
        end
    }

    /// One item after the other, as long as there is no choice to make.
    fn items(&mut self, mut s: usize, mut p: usize) -> Result<Option<usize>, Fault> {
        loop {
            self.spend(1)?;
            let next = match (self.pattern_at(p), self.pattern_at(p + 1)) {
                (None, _) => return Ok(Some(s)),
                (Some(b'('), Some(b')')) => return self.open(Slot::Shut(Capture::Position(s)), s, p + 2),
                (Some(b'('), _) => return self.open(Slot::Open(s), s, p + 1),
                (Some(b')'), _) => return self.close(s, p + 1),
                (Some(b'$'), None) => return Ok((s == self.subject.len()).then_some(s)),
                (Some(ESCAPE), Some(b'b')) => self.balance(s, p + 2)?.map(|s| (s, p + 4)),
                (Some(ESCAPE), Some(b'f')) => self.frontier(s, p + 2)?.map(|p| (s, p)),
                (Some(ESCAPE), Some(digit @ b'0'..=b'9')) => self.again(s, digit)?.map(|s| (s, p + 2)),
                _ => {
                    let end = self.class_end(p)?;
                    match self.pattern_at(end) {
                        Some(b'?') => match self.perhaps(s, p, end)? {
                            Some(end) => return Ok(Some(end)),
                            None => Some((s, end + 1)),
                        },
                        Some(b'*') => return self.longest(s, p, end),
                        Some(b'+') => {
                            return if self.one(s, p, end)? { self.longest(s + 1, p, end) } else { Ok(None) };
                        }
                        Some(b'-') => return self.shortest(s, p, end),
                        _ => self.one(s, p, end)?.then_some((s + 1, end)),
                    }
                }
            };
            match next {
                Some(next) => (s, p) = next,
                None => return Ok(None),
            }
        }
    }

    /// `?` with the byte; without it the caller goes on.
    fn perhaps(&mut self, s: usize, p: usize, end: usize) -> Result<Option<usize>, Fault> {
        if self.one(s, p, end)? { self.go(s + 1, end + 1) } else { Ok(None) }
    }

    fn longest(&mut self, s: usize, p: usize, end: usize) -> Result<Option<usize>, Fault> {
        let mut most = s;
        while self.one(most, p, end)? {
            self.spend(1)?;
            most += 1;
        }
        for at in (s..=most).rev() {
            if let Some(found) = self.go(at, end + 1)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn shortest(&mut self, mut s: usize, p: usize, end: usize) -> Result<Option<usize>, Fault> {
        loop {
            if let Some(found) = self.go(s, end + 1)? {
                return Ok(Some(found));
            }
            if !self.one(s, p, end)? {
                return Ok(None);
            }
            s += 1;
        }
    }

    fn open(&mut self, slot: Slot, s: usize, p: usize) -> Result<Option<usize>, Fault> {
        if self.slots.len() >= MOST_CAPTURES {
            return malformed("too many captures");
        }
        self.slots.push(slot);
        let end = self.go(s, p)?;
        if end.is_none() {
            self.slots.pop();
        }
        Ok(end)
    }

    fn close(&mut self, s: usize, p: usize) -> Result<Option<usize>, Fault> {
        let open = |slot: &Slot| if let Slot::Open(from) = slot { Some(*from) } else { None };
        let Some((at, from)) = self.slots.iter().enumerate().rev().find_map(|(at, slot)| Some((at, open(slot)?))) else {
            return malformed("invalid pattern capture");
        };
        self.slots[at] = Slot::Shut(Capture::Piece(from, s));
        let end = self.go(s, p)?;
        if end.is_none() {
            self.slots[at] = Slot::Open(from);
        }
        Ok(end)
    }

    /// `%bxy`; `p` is at the `x`.
    fn balance(&mut self, s: usize, p: usize) -> Result<Option<usize>, Fault> {
        let (Some(begin), Some(end)) = (self.pattern_at(p), self.pattern_at(p + 1)) else {
            return malformed("malformed pattern (missing arguments to '%b')");
        };
        if self.subject.get(s) != Some(&begin) {
            return Ok(None);
        }
        let mut open = 1;
        for at in s + 1..self.subject.len() {
            self.spend(1)?;
            match self.subject[at] {
                byte if byte == end => {
                    open -= 1;
                    if open == 0 {
                        return Ok(Some(at + 1));
                    }
                }
                byte if byte == begin => open += 1,
                _ => {}
            }
        }
        Ok(None)
    }

    /// `%f[set]`; `p` is at the set. Gives where the pattern goes on.
    fn frontier(&mut self, s: usize, p: usize) -> Result<Option<usize>, Fault> {
        if self.pattern_at(p) != Some(b'[') {
            return malformed("missing '[' after '%f' in pattern");
        }
        let end = self.class_end(p)?;
        self.spend(2 * (end - p) / SET_STRIDE)?;
        let before = s.checked_sub(1).map_or(0, |at| self.subject[at]);
        let here = self.subject.get(s).copied().unwrap_or(0);
        Ok((!self.in_set(before, p, end - 1) && self.in_set(here, p, end - 1)).then_some(end))
    }

    /// `%1`: what was caught before, again.
    fn again(&mut self, s: usize, digit: u8) -> Result<Option<usize>, Fault> {
        let slot = digit.checked_sub(b'1').and_then(|at| self.slots.get(usize::from(at)));
        let piece = match slot {
            Some(Slot::Shut(Capture::Piece(from, to))) => &self.subject[*from..*to],
            // Lua compares with nothing that a position could have caught: its length is no length.
            Some(Slot::Shut(Capture::Position(_) | Capture::Unfinished)) => return Ok(None),
            _ => return malformed(&format!("invalid capture index %{}", i32::from(digit) - i32::from(b'0'))),
        };
        let length = piece.len();
        let same = self.subject[s..].starts_with(piece);
        self.spend(length / 16)?;
        Ok(same.then_some(s + length))
    }

    /// Where the class that begins at `p` ends.
    fn class_end(&mut self, p: usize) -> Result<usize, Fault> {
        let mut at = p + 1;
        match self.pattern_at(p) {
            Some(ESCAPE) if at >= self.pattern.len() => malformed("malformed pattern (ends with '%')"),
            Some(ESCAPE) => Ok(at + 1),
            Some(b'[') => {
                at += usize::from(self.pattern_at(at) == Some(b'^'));
                loop {
                    let Some(byte) = self.pattern_at(at) else { return malformed("malformed pattern (missing ']')") };
                    at += 1;
                    // What is escaped does not end the set.
                    at += usize::from(byte == ESCAPE && at < self.pattern.len());
                    if self.pattern_at(at) == Some(b']') {
                        self.spend((at - p) / SET_STRIDE)?;
                        return Ok(at + 1);
                    }
                }
            }
            _ => Ok(at),
        }
    }

    /// Does the class from `p` to `end` hold the byte at `s`?
    fn one(&mut self, s: usize, p: usize, end: usize) -> Result<bool, Fault> {
        let Some(byte) = self.subject.get(s).copied() else { return Ok(false) };
        Ok(match self.pattern[p] {
            b'.' => true,
            ESCAPE => in_class(byte, self.pattern[p + 1]),
            b'[' => {
                self.spend((end - p) / SET_STRIDE)?;
                self.in_set(byte, p, end - 1)
            }
            own => own == byte,
        })
    }

    /// Is it in the set between the `[` at `p` and the `]` at `end`?
    fn in_set(&self, byte: u8, p: usize, end: usize) -> bool {
        let negated = self.pattern[p + 1] == b'^';
        let mut at = p + 1 + usize::from(negated);
        while at < end {
            let own = self.pattern[at];
            let (holds, taken) = if own == ESCAPE {
                (in_class(byte, self.pattern[at + 1]), 2)
            } else if self.pattern[at + 1] == b'-' && at + 2 < end {
                ((own..=self.pattern[at + 2]).contains(&byte), 3)
            } else {
                (own == byte, 1)
            };
            if holds {
                return !negated;
            }
            at += taken;
        }
        negated
    }
}

/// Is it in the class of this letter? A capital is the class of all others; what is no letter of a class stands for itself.
fn in_class(byte: u8, class: u8) -> bool {
    let holds = match class.to_ascii_lowercase() {
        b'a' => byte.is_ascii_alphabetic(),
        b'c' => byte.is_ascii_control(),
        b'd' => byte.is_ascii_digit(),
        b'g' => byte.is_ascii_graphic(),
        b'l' => byte.is_ascii_lowercase(),
        b'p' => byte.is_ascii_punctuation(),
        b's' => byte.is_ascii_whitespace() || byte == 0x0b,
        b'u' => byte.is_ascii_uppercase(),
        b'w' => byte.is_ascii_alphanumeric(),
        b'x' => byte.is_ascii_hexdigit(),
        b'z' => byte == 0,
        _ => return byte == class,
    };
    holds != class.is_ascii_uppercase()
}
