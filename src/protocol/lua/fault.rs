//! What is wrong with a script, told with file and line.
//!
//! May use: `session`, `values`, mlua.

use mlua::{Error, Lua};

use super::limits::Budget;
use crate::{session::Violation, values::show};

/// The chunk of our own that comes before the script: errors are not told of it, but of who called it.
pub(super) const OWN: &str = "[netproto]";
/// Bytes of an error that are told: a script may put anything into it.
const TOLD: usize = 300;
/// How far up the stack a line of the script is looked for.
const DEPTH: usize = 32;

/// An error of ours, at the line of the script that runs now.
pub(super) fn at_line(lua: &Lua, what: impl std::fmt::Display) -> Error {
    Error::RuntimeError(format!("{}{what}", place(lua).unwrap_or_default()))
}

/// `chat.lua:12: ` of the innermost function that is the script's own.
pub(super) fn place(lua: &Lua) -> Option<String> {
    (0..DEPTH)
        .map_while(|level| {
            lua.inspect_stack(level, |frame| {
                let source = frame.source();
                let name = source.short_src.as_deref().unwrap_or_default();
                match frame.current_line() {
                    Some(line) if name != OWN => Some(format!("{name}:{line}: ")),
                    _ => None,
                }
            })
        })
        .flatten()
        .next()
}

/// The words of an error, with the script's own place where there is one.
pub(super) fn words(error: &Error, budget: &Budget) -> String {
    once(match error {
        Error::CallbackError { cause, traceback } => placed(&words(cause, budget), traceback),
        Error::RuntimeError(text) if wordless(text) => "error() was given no text to tell".into(),
        Error::RuntimeError(text) => match text.split_once("\nstack traceback:") {
            Some((words, traceback)) if words.starts_with(OWN) => placed(words, traceback),
            Some((words, _)) => words.to_owned(),
            None => text.clone(),
        },
        Error::SyntaxError { message, .. } => message.clone(),
        Error::MemoryError(_) => memory(budget),
        other => other.to_string(),
    })
}

/// The words with the place before them once: an error that comes up through coroutines is given one by each.
fn once(mut words: String) -> String {
    while let Some(end) = place_of(&words).filter(|end| words[*end..].starts_with(&words[..*end])) {
        words.drain(..end);
    }
    words
}

/// Where `chat.lua:12: ` ends, if the words begin with such a place.
fn place_of(words: &str) -> Option<usize> {
    let end = words.find(": ")?;
    let line = words[..end].rsplit_once(':')?.1;
    (!line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit())).then_some(end + 2)
}

/// What an error says behind a place in our own chunk, if that is where it comes from.
pub(super) fn without_own(words: &[u8]) -> Option<&[u8]> {
    let rest = words.strip_prefix(OWN.as_bytes())?.strip_prefix(b":")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    rest[digits..].strip_prefix(b": ")
}

/// An error that is no text comes as its kind and its address.
fn wordless(text: &str) -> bool {
    ["table: 0x", "function: 0x", "thread: 0x", "userdata: 0x"].iter().any(|kind| text.starts_with(kind))
}

/// The words with the place that the traceback begins with, unless they have one already. Our own chunk is no place.
fn placed(words: &str, traceback: &str) -> String {
    let own = words.strip_prefix(OWN);
    let rest = own.map_or(words, |rest| rest.trim_start_matches(|c: char| c == ':' || c.is_ascii_digit()).trim_start());
    let place = |line: &str| {
        let line = line.trim();
        let at = line.find(": in ")?;
        let ours = line.starts_with('[') || line.starts_with("...");
        (!ours && line[..at].contains(':')).then(|| line[..at].to_owned())
    };
    match traceback.lines().find_map(place) {
        Some(place) if own.is_some() || !words.starts_with(place.split(':').next().unwrap_or_default()) => {
            format!("{place}: {rest}")
        }
        _ => rest.to_owned(),
    }
}

pub(super) fn memory(budget: &Budget) -> String {
    format!("needs more memory than {} MiB, or {} MiB at once", budget.memory() >> 20, budget.at_once() >> 20)
}

/// The end of a session whose script failed. `file` stands before what has no place of its own.
pub(super) fn violation(error: &Error, budget: &Budget, file: &str) -> Violation {
    let (mut words, memory) = (words(error, budget), memory(budget));
    if words == memory {
        words = budget.near().unwrap_or_default() + &words;
    }
    let (name, hint) = match (budget.spent(), is_memory(error, &words, &memory)) {
        (Some(_), _) => ("script_limit", "does it loop for ever? what takes long can be cut into pieces by c:wake(0)"),
        (None, true) => (
            "script_memory",
            "all sessions of a worker share it: what is kept has to be bounded, or the script may say memory = 64 (MiB)",
        ),
        (None, false) => ("script_error", "that session alone has ended; examples/README.md lists what a script may do"),
    };
    let words = if words.starts_with(file) { words } else { format!("{file}: {words}") };
    let mut sentence = show::escaped(words.as_bytes(), false);
    if sentence.len() > TOLD {
        let cut = (0..=TOLD).rev().find(|at| sentence.is_char_boundary(*at)).unwrap_or_default();
        sentence.truncate(cut);
        sentence.push_str("...");
    }
    Violation::ours(name, sentence, hint)
}

fn is_memory(error: &Error, words: &str, memory: &str) -> bool {
    let mut cause = error;
    while let Error::CallbackError { cause: inner, .. } = cause {
        cause = inner;
    }
    matches!(cause, Error::MemoryError(_)) || words.ends_with(memory)
}
