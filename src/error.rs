//! What a person reads when something goes wrong: one clear sentence, what to try, and an exit code.

use std::fmt;

/// The exit codes, for every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Done = 0,
    /// It did not work. `bench`: not one right reply.
    Failed = 1,
    Usage = 2,
    /// The answer was not as expected.
    Unexpected = 3,
    /// A `--fail-if` limit was missed.
    LimitMissed = 4,
    TimedOut = 5,
    Interrupted = 130,
}

/// One sentence, a hint, an exit code. Travels inside `anyhow::Error`; `main` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What failed and why, lower case, without a full stop.
    pub sentence: String,
    /// More lines, already laid out (a diff), printed between the sentence and the hint.
    pub detail: Option<String>,
    /// What to try.
    pub hint: Option<String>,
    pub exit: Exit,
}

impl Trouble {
    #[must_use]
    pub fn new(exit: Exit, sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), detail: None, hint: None, exit }
    }

    /// [`Exit::Failed`]
    #[must_use]
    pub fn failed(sentence: impl Into<String>) -> Self {
        Self::new(Exit::Failed, sentence)
    }

    /// [`Exit::Usage`]
    #[must_use]
    pub fn usage(sentence: impl Into<String>) -> Self {
        Self::new(Exit::Usage, sentence)
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// [`Self::hint`], when there is one.
    #[must_use]
    pub fn hint_if(self, hint: Option<impl Into<String>>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Trouble {}

/// The reason of an I/O error in plain words: `address already in use`, `connection refused`, without `(os error 98)`.
#[must_use]
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => text.to_owned(),
    }
}
