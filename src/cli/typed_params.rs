//! Parameters that were typed in another way than `-p KEY=VALUE`: which protocol the line is about, and what it would take.

use crate::protocol::{self, Ends, Param, ParamKind, Protocol};

/// Which end a command is. A load may have a server of its own.
fn end(command: &str) -> Option<Ends> {
    match command {
        "serve" | "serve-tcp" | "serve-udp" | "serve-unix" => Some(Ends::Server),
        "send" => Some(Ends::Client),
        "bench" => Some(Ends::Both),
        _ => None,
    }
}

/// The protocol that a line names, though the line can't be understood: with `-P`, in a word of its own, or in a URL.
fn row(command: &str, typed: &[String]) -> Option<&'static Protocol> {
    let flag = |at: usize| {
        let word = typed.get(at)?;
        let next = || typed.get(at + 1).map(String::as_str);
        match word.strip_prefix("--protocol").or(word.strip_prefix("-P"))? {
            "" => next(),
            value => Some(value.strip_prefix('=').unwrap_or(value)),
        }
    };
    let flagged = (0..typed.len()).find_map(flag);
    let mut words = typed.iter().skip_while(|word| *word != command).skip(1);
    let named = |word: &String| protocol::find(word.split("://").next().unwrap_or(word));
    flagged.map_or_else(|| words.find_map(named), protocol::find)
}

/// Of `--zone z.txt`, what to type instead.
pub(super) fn instead_of(command: &str, typed: &[String], flag: &str) -> Option<String> {
    let (name, value) = match flag.strip_prefix("--")?.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (flag.strip_prefix("--")?, None),
    };
    let row = row(command, typed)?;
    let param = protocol::param(row.params, end(command)?, name).ok()?;
    // What stands behind it, in the same word or in the next.
    let next = || {
        let at = typed.iter().position(|word| word.split('=').next() == Some(flag))?;
        let follows = || typed.get(at + 1).map(String::as_str).filter(|word| !word.starts_with('-'));
        typed[at].split_once('=').map(|(_, value)| value).or_else(follows)
    };
    Some(match (param.kind, value) {
        (ParamKind::Switch, None) => format!("-p {name}=true"),
        (_, value) => format!("-p {name}={}", value.or_else(next).unwrap_or(stands_for(param))),
    })
}

/// Of `-p zone`, how such a parameter is written.
pub(super) fn example(command: &str, typed: &[String], value: &str) -> Option<String> {
    let (row, end) = (row(command, typed)?, end(command)?);
    let all = || row.params.iter().filter(|param| param.is_of(end));
    match all().find(|param| param.name == value).or(all().next()) {
        Some(param) => Some(format!("for example: -p {}={}", param.name, stands_for(param))),
        None => Some(format!("{} has no parameters here", row.name)),
    }
}

fn stands_for(param: &Param) -> &'static str {
    if param.default.is_empty() { param.kind.placeholder() } else { param.default }
}
