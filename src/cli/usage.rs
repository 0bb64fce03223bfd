//! What clap says about a wrong command line, said in our way: one sentence, one hint, exit code 2.

use std::error::Error as _;

use clap::{
    Command,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::{hints, typed_params};
use crate::{error::Trouble, values::read};

/// Examples of values, by the name that help gives them; some for one flag only, and those come first.
static EXAMPLES: &[(Option<&str>, &str, &str)] = &[
    (Some("--protocol"), "NAME", "echo"),
    (Some("--congestion"), "NAME", "cubic"),
    (Some("--interface"), "NAME", "eth0"),
    (Some("--output"), "FILE", "answer.txt"),
    (Some("--csv"), "FILE", "intervals.csv"),
    (Some("--hdr"), "FILE", "latency.hlog"),
    (None, "FILE", "data.bin"),
    (Some("--start-at"), "TIME", "14:00"),
    (None, "TIME", "10s"),
    (None, "I/N", "1/3"),
    (None, "CHANGE", "'p99 worse 5%'"),
    (None, "SIZE", "64K"),
    (None, "RATE", "20k"),
    (None, "BITRATE", "10M"),
    (None, "COUNT", "10k"),
    (None, "N", "8"),
    (None, "BYTES", "1400"),
    (None, "HOPS", "64"),
    (None, "CLASS", "EF"),
    (None, "HEX", "0a0b"),
    (None, "REGEX", "'^ok'"),
    (None, "TEXT", "hello"),
    (None, "KEY=VALUE", "delay=1s"),
    (None, "NAME:PASS", "anna:secret"),
    (None, "CODE", "404"),
    (None, "METHOD", "PUT"),
    (None, "ADDRESS", "anna@example.test"),
    (None, "HEADER", "'X-Test: 1'"),
    (None, "DIR", "man"),
    (None, "GROUP", "239.1.2.3"),
    (None, "ADDR[:PORT]", "192.0.2.7"),
    (Some("--stages"), "LIST", "10s:1k,30s:5k,10s:0"),
    (Some("--steps"), "LIST", "1k,2k,5k"),
    (None, "M:A:P", "1k:500:30s"),
    (None, "N/TIME", "100/1s"),
    (None, "ADDR", "9100"),
    (None, "PAGE", "run.html"),
    (None, "PID", "1234"),
    (None, "LIMIT", "'p99>2ms'"),
    (None, "FRAMING", "lines"),
];

/// A wrong command line, told.
pub struct Wrong<'a> {
    error: &'a clap::Error,
    /// The whole tool.
    tool: &'a Command,
    /// The subcommand that was typed, if one was.
    command: Option<&'a Command>,
    /// The arguments, without the program's name.
    typed: &'a [String],
}

impl<'a> Wrong<'a> {
    pub fn new(error: &'a clap::Error, tool: &'a Command, typed: &'a [String]) -> Self {
        let command = typed.iter().find(|word| !word.starts_with('-')).and_then(|word| tool.find_subcommand(word));
        Self { error, tool, command, typed }
    }

    pub fn trouble(&self) -> Trouble {
        match self.error.kind() {
            ErrorKind::UnknownArgument => self.unknown_argument(),
            ErrorKind::InvalidSubcommand => self.unknown_command(),
            ErrorKind::ValueValidation => self.wrong_value(),
            ErrorKind::InvalidValue => self.no_such_value(),
            ErrorKind::ArgumentConflict => self.conflict(),
            ErrorKind::TooManyValues => self.no_value_wanted(),
            ErrorKind::MissingRequiredArgument => self.missing(),
            ErrorKind::InvalidUtf8 => {
                Trouble::usage("an argument is not UTF-8").hint("only DATA and paths may be; --file sends any bytes")
            }
            _ => self.otherwise(),
        }
    }

    fn unknown_argument(&self) -> Trouble {
        let typed = self.text(ContextKind::InvalidArg).unwrap_or_default();
        let name = self.command.map_or("netproto", Command::get_name);
        if !typed.starts_with('-') {
            return Trouble::usage(format!("{name} takes no further argument, and there is {typed:?}"))
                .hint(format!("netproto {name} --help shows what it takes"));
        }
        if let Some(letter) = self.letter_with_value().filter(|_| typed.starts_with("-=")) {
            return Trouble::usage(format!("{letter} takes no value")).hint(format!("write {letter} alone"));
        }
        if let Some((before, hint)) = self.wants_value_before(&typed) {
            return Trouble::usage(format!("{before} needs a value, and {typed} is a flag")).hint(hint);
        }
        let flag = typed.split('=').next().unwrap_or(&typed);
        let trouble = Trouble::usage(format!("{name} has no {flag}"));
        if let Some(hint) = typed_params::instead_of(name, self.typed, &typed) {
            return trouble.hint(hint);
        }
        if let Some(hint) = hints::stranger_to(name, flag) {
            return trouble.hint(hint);
        }
        if let Some(near) = self.near_flag(flag) {
            return trouble.hint(format!("did you mean {near}?"));
        }
        let takes_data = self.command.is_some_and(|command| command.get_positionals().any(|arg| arg.get_id() == "data"));
        if takes_data {
            return trouble.hint(format!("if it is data: -- {typed}; netproto {name} --help lists the flags"));
        }
        match self.command {
            Some(_) => trouble.hint(format!("netproto {name} --help lists its flags")),
            None => trouble.hint("flags come after the command; netproto --help lists the commands"),
        }
    }

    /// Of `-x=1` the letter: clap complains of `-=`.
    fn letter_with_value(&self) -> Option<&str> {
        let letters = self.typed.iter().filter(|word| word.starts_with('-') && !word.starts_with("--"));
        letters.filter_map(|word| word.split_once('=')).map(|(letter, _)| letter).next()
    }

    /// The flag before this word, if it takes a value: `-w -1`.
    fn wants_value_before(&self, word: &str) -> Option<(&str, String)> {
        let at = self.typed.iter().position(|typed| typed == word)?;
        let before = self.typed.get(at.checked_sub(1)?)?;
        let named = |arg: &&clap::Arg| match before.strip_prefix("--") {
            Some(long) => arg.get_long() == Some(long),
            None => arg.get_short().is_some_and(|letter| *before == format!("-{letter}")),
        };
        let arg = self.command?.get_arguments().find(named).filter(|arg| arg.get_action().takes_values())?;
        let value_name = arg.get_value_names()?.first()?;
        Some((before, self.example(&format!("--{}", arg.get_long()?), value_name)?))
    }

    /// Only long flags: one letter is near to every other.
    fn near_flag(&self, typed: &str) -> Option<String> {
        let typed = typed.strip_prefix("--")?;
        let longs = self.command.unwrap_or(self.tool).get_arguments().filter_map(clap::Arg::get_long);
        let longs: Vec<_> = longs.collect();
        let begun =
            longs.iter().copied().filter(|long| long.starts_with(typed) && typed.len() > 2).min_by_key(|long| long.len());
        begun.or_else(|| read::nearest(typed, longs)).map(|near| format!("--{near}"))
    }

    fn unknown_command(&self) -> Trouble {
        let typed = self.text(ContextKind::InvalidSubcommand).unwrap_or_default();
        let trouble = Trouble::usage(format!("unknown command {typed:?}"));
        if let Some(hint) = hints::command(&typed) {
            return trouble.hint(hint);
        }
        if !typed.is_empty() && typed.trim_start_matches(':').bytes().all(|byte| byte.is_ascii_digit()) {
            return trouble.hint(format!("to listen there: serve-tcp {typed}; to connect: send localhost:{typed}"));
        }
        if typed.contains(':') {
            return trouble.hint(format!("to connect: send {typed}"));
        }
        let names = self.tool.get_subcommands().filter(|command| !command.is_hide_set()).map(Command::get_name);
        match read::nearest(&typed, names) {
            Some(near) => trouble.hint(format!("did you mean {near}? netproto --help lists the commands")),
            None => trouble.hint("netproto --help lists the commands"),
        }
    }

    fn wrong_value(&self) -> Trouble {
        let (flag, value_name) = self.argument();
        let value = self.text(ContextKind::InvalidValue).unwrap_or_default();
        let habit = self.command.and_then(|command| hints::habit(command.get_name(), &flag, &value));
        if let Some(trouble) = self.error.source().and_then(|source| source.downcast_ref::<Trouble>()) {
            let mut trouble = trouble.clone();
            let name = self.command.map_or("", Command::get_name);
            let of_row = || typed_params::example(name, self.typed, &value).filter(|_| flag == "--param");
            let hint = habit.map(str::to_owned).or(trouble.hint).or_else(of_row);
            trouble.hint = hint.or_else(|| self.example(&flag, &value_name));
            return trouble;
        }
        let clause = self.error.source().map_or_else(|| "it is not valid".into(), ToString::to_string);
        // A clause that begins with the value needs it only once.
        let said = if clause.starts_with(&format!("{value:?}")) { String::new() } else { format!(" {}", shown(&value)) };
        let trouble = Trouble::usage(format!("{}{said}: {clause}", self.as_typed(&flag)));
        trouble.hint_if(habit.map(str::to_owned).or_else(|| self.example(&flag, &value_name)))
    }

    /// A value that is none of a few names, or a flag at the end whose value is missing.
    fn no_such_value(&self) -> Trouble {
        let (flag, value_name) = self.argument();
        let value = self.text(ContextKind::InvalidValue).unwrap_or_default();
        let known = self.texts(ContextKind::ValidValue);
        if value.is_empty() {
            let trouble = Trouble::usage(format!("{} needs a value", self.as_typed(&flag)));
            let hint = if known.is_empty() { self.example(&flag, &value_name) } else { Some(one_of(&known)) };
            return trouble.hint_if(hint);
        }
        if !flag.starts_with('-') {
            let sentence = format!("unknown {} {value:?}", flag.to_lowercase());
            return Trouble::usage(sentence).hint(format!("these are known: {}", known.join(", ")));
        }
        let flag = self.as_typed(&flag);
        let trouble = Trouble::usage(format!("{flag} {}: there is no such choice", shown(&value)));
        match read::nearest(&value, known.iter().map(String::as_str)) {
            Some(near) => trouble.hint(format!("did you mean {near}? {}", one_of(&known))),
            None => trouble.hint(one_of(&known)),
        }
    }

    fn conflict(&self) -> Trouble {
        let (flag, _) = self.argument();
        let others: Vec<String> = self.texts(ContextKind::PriorArg).iter().map(|arg| first_word(arg)).collect();
        let Some(other) = others.first() else { return self.otherwise() };
        let (flag, other) = (self.as_typed(&flag), self.as_typed(other));
        Trouble::usage(format!("{flag} and {other} exclude each other")).hint("leave one of them out")
    }

    fn no_value_wanted(&self) -> Trouble {
        let (flag, _) = self.argument();
        Trouble::usage(format!("{flag} takes no value")).hint(format!("write {flag} alone"))
    }

    /// A flag that is nothing without another one, alone.
    fn missing(&self) -> Trouble {
        let found = texts(self.error, ContextKind::InvalidArg).into_iter().find_map(|missing| {
            let (asking, wanted) = (self.asking_for(&missing)?, self.long(&first_word(&missing))?);
            Some((asking, wanted))
        });
        let Some((asking, wanted)) = found else { return self.otherwise() };
        let [asks, wants] = [asking, wanted].map(|arg| alone(arg).join(" "));
        Trouble::usage(format!("{} needs {}", first_word(&asks), first_word(&wants)))
            .hint(format!("for example: {wants} {asks}"))
    }

    /// clap says what is missing, and not to whom: of the flags that were typed, the one that lacks it on a line of its own.
    fn asking_for(&self, missing: &str) -> Option<&'a clap::Arg> {
        let command = self.command?;
        let lacks = |arg: &&clap::Arg| {
            let line = [self.tool.get_name(), command.get_name()].map(String::from).into_iter().chain(alone(arg));
            let error = self.tool.clone().try_get_matches_from(line).err();
            error.is_some_and(|error| texts(&error, ContextKind::InvalidArg).iter().any(|lacking| lacking == missing))
        };
        command.get_arguments().filter(|arg| self.was_typed(arg)).find(lacks)
    }

    fn was_typed(&self, arg: &clap::Arg) -> bool {
        let long = |word: &str| word.strip_prefix("--").and_then(|word| word.split('=').next()) == arg.get_long();
        arg.get_long().is_some()
            && self.typed.iter().any(|word| long(word) || arg.get_short().is_some_and(|letter| bundle(word, letter)))
    }

    /// Whatever else clap may find: its own first line.
    fn otherwise(&self) -> Trouble {
        let text = self.error.render().to_string();
        let line = text.lines().next().unwrap_or("the command line can't be understood");
        Trouble::usage(line.strip_prefix("error: ").unwrap_or(line)).hint("netproto --help lists the commands")
    }

    /// The flag that clap complains of, and its value's name: `--duration` and `DURATION`.
    fn argument(&self) -> (String, String) {
        let text = self.text(ContextKind::InvalidArg).unwrap_or_default();
        let (_, value) = text.split_once('<').unwrap_or_default();
        (first_word(&text), value.split('>').next().unwrap_or_default().into())
    }

    /// The flag of this long name.
    fn long(&self, long: &str) -> Option<&'a clap::Arg> {
        let args = self.command.unwrap_or(self.tool).get_arguments();
        args.filter(|arg| arg.get_long().is_some()).find(|arg| arg.get_long() == long.strip_prefix("--"))
    }

    /// The letter of a long flag, if that is what was typed.
    fn as_typed(&self, long: &str) -> String {
        let letter = self.long(long).and_then(clap::Arg::get_short);
        match letter {
            Some(letter) if !self.typed.iter().any(|word| word.starts_with(long)) => {
                let short = self.typed.iter().any(|word| bundle(word, letter));
                if short { format!("-{letter}") } else { long.into() }
            }
            _ => long.into(),
        }
    }

    fn example(&self, long: &str, value_name: &str) -> Option<String> {
        Some(format!("for example: {} {}", self.as_typed(long), value(long, value_name)?))
    }

    fn text(&self, kind: ContextKind) -> Option<String> {
        self.texts(kind).into_iter().next()
    }

    fn texts(&self, kind: ContextKind) -> Vec<String> {
        texts(self.error, kind)
    }
}

fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

/// An example of a value.
fn value(long: &str, value_name: &str) -> Option<&'static str> {
    let row = |(flag, name, _): &&(Option<&str>, &str, &str)| *name == value_name && flag.is_none_or(|flag| flag == long);
    EXAMPLES.iter().find(row).map(|(.., example)| *example)
}

/// A flag as it would be typed, by its letter if it has one, with an example of its value.
pub fn alone(arg: &clap::Arg) -> Vec<String> {
    let long = format!("--{}", arg.get_long().unwrap_or_default());
    let value = arg.get_action().takes_values().then(|| {
        let chosen = arg.get_possible_values().first().map(|value| value.get_name().to_owned());
        let name = arg.get_value_names().and_then(|names| names.first());
        chosen.or_else(|| value(&long, name?).map(|example| example.trim_matches('\'').into()))
    });
    let flag = arg.get_short().map_or(long, |letter| format!("-{letter}"));
    std::iter::once(flag).chain(value.flatten()).collect()
}

/// Is this letter among `-abc`?
fn bundle(word: &str, letter: char) -> bool {
    word.strip_prefix('-').is_some_and(|rest| !rest.starts_with('-') && rest.contains(letter))
}

/// `--duration <DURATION>` is the flag `--duration`; `[TARGET]` and `<SHELL>` are the arguments TARGET and SHELL.
fn first_word(arg: &str) -> String {
    let word = arg.split([' ', '=']).next().unwrap_or(arg);
    word.trim_matches(['[', ']', '<', '>', '.']).into()
}

fn shown(value: &str) -> String {
    let plain = !value.is_empty() && value.chars().all(|c| c.is_ascii_graphic());
    if plain { value.into() } else { format!("{value:?}") }
}

fn one_of(known: &[String]) -> String {
    match known.split_last() {
        Some((last, [])) => format!("there is {last}"),
        Some((last, rest)) => format!("there are {} and {last}", rest.join(", ")),
        None => "there are none".into(),
    }
}

#[cfg(test)]
pub fn has_example(value_name: &str) -> bool {
    EXAMPLES.iter().any(|(_, name, _)| *name == value_name)
}
