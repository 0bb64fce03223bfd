//! The parameters of protocols: read as their kinds ask for, and those of clients as flags of their own.

use std::{
    ffi::{OsStr, OsString},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueHint};
use owo_colors::OwoColorize as _;

use crate::{
    error::{Trouble, reason},
    files::Root,
    protocol::{self, ALL, Contents, Ends, Given, Param, ParamError, ParamKind, Params, Place, Protocol, Sheet},
    role::send::Data,
    values::show,
};

/// The most of a file that is taken into memory whole, in bytes.
const LONGEST_FILE: usize = 64 * 1024 * 1024;

/// The flags that the client ends of all protocols add to `send` and `bench`: name and value, in the order typed.
#[derive(Debug, Clone, Default)]
pub struct ParamFlags(Vec<(&'static str, OsString)>);

/// Each flag once, with all the protocols that have it.
fn flags() -> Vec<(&'static Param, Vec<&'static str>)> {
    let mut flags: Vec<(&Param, Vec<&str>)> = Vec::new();
    for row in ALL {
        for param in row.params.iter().filter(|param| param.ends != Ends::Server) {
            match flags.iter_mut().find(|(known, _)| known.name == param.name) {
                Some((_, rows)) => rows.push(row.name),
                None => flags.push((param, vec![row.name])),
            }
        }
    }
    flags
}

/// The name under which clap knows the flag.
fn id(param: &Param) -> String {
    format!("param:{}", param.name)
}

/// Help as all other flags have it: with a capital.
fn sentence(help: &str) -> String {
    let mut letters = help.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn flag(param: &'static Param, rows: &[&str]) -> Arg {
    let mut arg = Arg::new(id(param))
        .long(param.name)
        .help(sentence(param.flag_help.unwrap_or(param.help)))
        .help_heading(format!("For {}", rows.join(", ")));
    if let Some(letter) = param.short {
        arg = arg.short(letter);
    }
    if let ParamKind::Switch = param.kind {
        return arg.action(ArgAction::SetTrue);
    }
    if let ParamKind::File(_) | ParamKind::Contents | ParamKind::Place = param.kind {
        arg = arg.value_hint(ValueHint::FilePath);
    }
    arg.action(ArgAction::Append).value_name(param.kind.placeholder()).value_parser(clap::value_parser!(OsString))
}

impl Args for ParamFlags {
    fn augment_args(command: Command) -> Command {
        let loads = command.get_name() == "bench";
        // Refused with a reason, and not with a guess at what was meant.
        let arg = |param: &'static Param, rows: &[&str]| flag(param, rows).hide(loads && param.not_in_bench.is_some());
        flags().into_iter().fold(command, |command, (param, rows)| command.arg(arg(param, &rows)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ParamFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for (param, _) in flags() {
            let id = id(param);
            if let ParamKind::Switch = param.kind {
                let on = matches.get_flag(&id);
                self.0.extend(on.then(|| (param.name, "true".into())));
                continue;
            }
            let values = matches.get_many::<OsString>(&id).into_iter().flatten();
            self.0.extend(values.map(|value| (param.name, value.clone())));
        }
        Ok(())
    }
}

impl ParamFlags {
    /// Sets what was typed, where `row` has it.
    ///
    /// # Errors
    /// A flag of another protocol, or a value that it can't be.
    pub fn set(&self, row: Option<&'static Protocol>, params: &mut Params) -> Result<(), Trouble> {
        for (name, value) in &self.0 {
            match row.filter(|row| row.params.iter().any(|param| param.name == *name)) {
                Some(row) => set(params, row, Ends::Client, name, value)?,
                None => return Err(not_of(name, row)),
            }
        }
        row.map_or(Ok(()), |row| agree(row, Ends::Client, params))
    }
}

/// What is sent is said once: by a parameter, as DATA, or in a file, which is sent as it is.
///
/// # Errors
/// It is said twice.
pub fn said_once(row: &Protocol, params: &Params, file: bool, data: bool) -> Result<(), Trouble> {
    let twice = |param: &&Param| params.has(param.name) && (file && param.builds || data && param.is_data);
    let Some(param) = row.params.iter().find(twice) else { return Ok(()) };
    let (other, why) = if file { ("--file", "; a file is sent as it is") } else { ("DATA", "") };
    Err(Trouble::usage(format!("--{} and {other} exclude each other{why}", param.name)).hint("leave one of them out"))
}

/// What one parameter leaves without a meaning is not given beside it, nor one without another that it means nothing without.
///
/// # Errors
/// Two of them exclude each other, or one is missing.
pub(super) fn agree(row: &Protocol, end: Ends, params: &Params) -> Result<(), Trouble> {
    let all = || row.params.iter().filter(|param| given(params, param));
    for param in all() {
        if let Some(other) = all().find(|other| param.excludes.contains(&other.name)) {
            return Err(exclusive(row, param, other));
        }
        if let Some(other) = param.needs.filter(|other| !all().any(|param| param.name == *other)) {
            let sentence = format!("{}: {} needs {other}", row.name, param.name);
            return Err(Trouble::usage(sentence).hint(format!("give it with -p {other}=..., or leave {} out", param.name)));
        }
    }
    // Of a client one may be what is said, and the other what is wanted.
    match params.barred().filter(|_| end == Ends::Server) {
        Some((param, other, why)) => {
            let sentence = format!("{}: {param} and {other} exclude each other here: {why}", row.name);
            Err(Trouble::usage(sentence).hint("leave one of them out"))
        }
        None => Ok(()),
    }
}

/// A switch that is off is as good as left out.
fn given(params: &Params, param: &Param) -> bool {
    match param.kind {
        ParamKind::Switch => params.switch(param.name),
        _ => params.has(param.name),
    }
}

fn exclusive(row: &Protocol, param: &Param, other: &Param) -> Trouble {
    let sentence = format!("{}: {} and {} exclude each other", row.name, param.name, other.name);
    Trouble::usage(sentence).hint("leave one of them out")
}

/// Would it be made on disk if it is missing? It is best set last: what excludes it is known by then, and nothing is left behind.
///
/// # Errors
/// The row has no such parameter for this end.
pub(super) fn makes(row: &Protocol, end: Ends, name: &str) -> Result<bool, Trouble> {
    let param = protocol::param(row.params, end, name).map_err(|error| trouble(row, &error))?;
    Ok(is_made(param))
}

fn is_made(param: &Param) -> bool {
    matches!(param.kind, ParamKind::Folder { make: true } | ParamKind::Appended)
}

/// What a list asks for in turn is asked for with one message each.
///
/// # Errors
/// There are several.
pub fn one_for_each(params: &Params, data: &Data) -> Result<(), Trouble> {
    match (params.turns(), data) {
        ((list, turns), Data::Messages(messages)) if turns > 1 && messages.len() > 1 => {
            let sentence = format!("--{list} asks for each line with the same DATA, and there are {}", messages.len());
            Err(Trouble::usage(sentence).hint("give one, or none"))
        }
        _ => Ok(()),
    }
}

/// What means nothing to the load generator is not given to it.
///
/// # Errors
/// Something of that kind.
pub fn load_makes_sense(row: &Protocol, params: &Params) -> Result<(), Trouble> {
    match row.params.iter().filter(|param| given(params, param)).find_map(|param| Some((param, param.not_in_bench?))) {
        Some((param, why)) => Err(Trouble::usage(format!("--{} is for send", param.name)).hint(why)),
        None => Ok(()),
    }
}

/// A flag that the protocol in use does not have.
fn not_of(name: &str, row: Option<&Protocol>) -> Trouble {
    let owners: Vec<_> = flags().into_iter().filter(|(param, _)| param.name == name).flat_map(|(_, rows)| rows).collect();
    let first = owners.first().copied().unwrap_or_default();
    let is = row.map_or_else(|| "no protocol is named".into(), |row| format!("this is {}", row.name));
    Trouble::usage(format!("--{name} is for {}, and {is}", owners.join(" and ")))
        .hint(format!("name the protocol, as in: -P {first}; or leave --{name} out"))
}

/// Sets one parameter to what was typed; files are read, and folders opened.
///
/// # Errors
/// The row has no such parameter for this end, or it can't be this.
pub fn set(params: &mut Params, row: &Protocol, end: Ends, name: &str, value: &OsStr) -> Result<(), Trouble> {
    let param = protocol::param(row.params, end, name).map_err(|error| trouble(row, &error))?;
    let excludes = |other: &&Param| is_made(param) && given(params, other) && other.excludes.contains(&param.name);
    if let Some(other) = row.params.iter().find(excludes) {
        return Err(exclusive(row, other, param));
    }
    let path = Path::new(value);
    if let ParamKind::File(_) = param.kind {
        let bytes = contents(path, param)?;
        let other = |path: &Path| contents(path, param).map_err(|trouble| trouble.sentence);
        let sheet = Sheet { path, bytes: &bytes, other: &other };
        return params.set(param, Given::Sheet(sheet)).map_err(|error| trouble(row, &error));
    }
    let typed = value.to_string_lossy();
    let given = match param.kind {
        ParamKind::Contents => {
            let name = path.file_name().unwrap_or(value).to_string_lossy().into_owned();
            Given::Contents(Contents { name, bytes: contents(path, param)?.into() })
        }
        ParamKind::Folder { make } => Given::Place(Place { files: Arc::new(Root::open(path, make)?), name: ".".into() }),
        ParamKind::Place => {
            readable(path)?;
            Given::Place(place(path)?)
        }
        ParamKind::Appended => Given::Place(to_append(path)?),
        _ => Given::Text(&typed),
    };
    params.set(param, given).map_err(|error| trouble(row, &error))
}

/// Links that are followed from a name that was typed.
const MOST_LINKS: usize = 40;

/// Where the name leads that a person typed. What a root refuses, a link out of its folder, is here what is meant.
fn followed(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(to) = path.read_link() else { break };
        path = path.parent().unwrap_or(Path::new("")).join(to);
    }
    path
}

/// Is there a file or a folder that can be read?
///
/// # Errors
/// There is none.
fn readable(path: &Path) -> Result<(), Trouble> {
    let trouble = |why: &str| Trouble::failed(format!("could not read {}: {why}", show::path(path)));
    let there = path.metadata().map_err(|error| trouble(&reason(&error)))?;
    if !there.is_file() && !there.is_dir() {
        return Err(trouble("it is neither a file nor a folder"));
    }
    let opened = if there.is_dir() { path.read_dir().map(drop) } else { std::fs::File::open(path).map(drop) };
    opened.map_err(|error| trouble(&reason(&error)))
}

/// A file that is appended to, and what was wrong with its end.
fn to_append(path: &Path) -> Result<Place, Trouble> {
    let (root, name, half) = Root::to_append(&followed(path))?;
    if let Some(half) = half {
        let half = show::grouped(half);
        let warning =
            format!("{}: half a piece was taken off its end, {half} bytes of one that broke off", show::path(path));
        // Nobody reads: then nobody is warned.
        let _ = writeln!(anstream::stderr(), "{} {warning}", "warning:".yellow());
    }
    Ok(Place { files: Arc::new(root), name })
}

/// A path as a name below its folder; a folder is its own root.
///
/// # Errors
/// The folder can't be opened.
pub fn place(path: &Path) -> Result<Place, Trouble> {
    let path = &followed(path);
    if path.is_dir() {
        return Ok(Place { files: Arc::new(Root::open(path, false)?), name: ".".into() });
    }
    let (root, name) = Root::beside(path)?;
    Ok(Place { files: Arc::new(root), name })
}

/// What a parameter's file holds.
fn contents(path: &Path, param: &Param) -> Result<Vec<u8>, Trouble> {
    let longest = param.longest.unwrap_or(LONGEST_FILE);
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(longest as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| Trouble::failed(format!("could not read {}: {}", show::path(path), reason(&error))))?;
    if bytes.len() > longest {
        let limit = show::grouped(longest as u64);
        return Err(Trouble::usage(format!("{} has more than {limit} bytes, the limit", show::path(path))));
    }
    Ok(bytes)
}

fn trouble(row: &Protocol, error: &ParamError) -> Trouble {
    let trouble = Trouble::usage(format!("{}: {error}", row.name));
    match error.hint() {
        Some(hint) => trouble.hint(hint),
        // It names the line.
        None if matches!(error, ParamError::BadFile { .. }) => trouble,
        None => trouble.hint(format!("`netproto protocols {}` tells what it takes", row.typed())),
    }
}
