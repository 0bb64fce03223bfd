//! `completions`: the completion script of a shell, made from the same definitions as the parser.

mod params;

use std::fmt::Write as _;

use clap::{Args, Command, CommandFactory as _};
use clap_complete::{Shell, aot};

use super::Cli;
use crate::{error::Trouble, protocol::ALL};

#[derive(Debug, Args)]
#[command(
    override_usage = "netproto completions SHELL",
    after_help = "Examples:
  netproto completions bash > /etc/bash_completion.d/netproto
  netproto completions zsh > ~/.zfunc/_netproto
  netproto completions fish > ~/.config/fish/completions/netproto.fish"
)]
pub struct Completions {
    /// bash, elvish, fish, powershell or zsh
    #[arg(hide_possible_values = true)]
    shell: Option<Shell>,
}

impl Completions {
    /// # Errors
    /// No shell was named.
    pub fn script(&self) -> Result<String, Trouble> {
        let shell = self.shell.ok_or_else(|| {
            Trouble::usage("completions needs the name of a shell").hint("bash, elvish, fish, powershell or zsh")
        })?;
        let mut script = Vec::new();
        aot::generate(shell, &mut Cli::command(), "netproto", &mut script);
        let mut script = String::from_utf8_lossy(&script).into_owned();
        match shell {
            Shell::Fish => {
                script = params::fish(&script);
                script.push_str(&first_words(&Cli::command()));
                script.push_str(&script_files(&Cli::command()));
            }
            Shell::Zsh => script = params::zsh(&with_script_files(&with_plain_names(&script))),
            // Bash takes files where no name fits.
            Shell::Bash => script = params::bash(&script),
            // The others complete flags alone.
            _ => {}
        }
        Ok(script)
    }
}

/// For fish: a protocol may be a script.
fn script_files(tool: &Command) -> String {
    let mut lines = String::new();
    for command in tool.get_subcommands() {
        if command.get_arguments().any(|arg| arg.get_long() == Some("protocol")) {
            let using = format!("__fish_netproto_using_subcommand {}", command.get_name());
            let files = "(__fish_complete_suffix .lua)";
            let _ = writeln!(lines, "complete -c netproto -n \"{using}\" -s P -l protocol -r -k -a \"{files}\"");
        }
    }
    lines
}

/// For zsh: a colon in the name of a value would end the name.
fn with_plain_names(script: &str) -> String {
    let tool = Cli::command();
    let args = tool.get_subcommands().flat_map(Command::get_arguments);
    let names = args.filter_map(clap::Arg::get_value_names).flatten().filter(|name| name.contains(':'));
    names.fold(script.to_owned(), |script, name| {
        script.replace(&format!("]:{name}:"), &format!("]:{}:", name.replace(':', "\\:")))
    })
}

/// For zsh: wherever any protocol of the table may stand, a script may, too.
fn with_script_files(script: &str) -> String {
    const FUNCTION: &str = "_netproto_protocol_or_script";
    let begin = ALL.first().map_or_else(String::new, |row| format!(":(({}\\:", row.name));
    let last = ALL.last().map_or_else(String::new, |row| format!("\n{}\\:", row.name));
    let (mut text, mut rest) = (String::new(), script);
    while let Some(at) = rest.find(&begin) {
        let end = rest[at..].find("))'").map_or(rest.len(), |end| at + end + 2);
        let all = rest[at..end].contains(&last) && !rest[at..end].contains("\ntcp\\:");
        text.push_str(&rest[..at]);
        text.push_str(if all { ":" } else { &rest[at..end] });
        text.push_str(if all { FUNCTION } else { "" });
        rest = &rest[end..];
    }
    text.push_str(rest);
    let names = ALL.iter().fold(String::new(), |mut names, row| {
        let _ = write!(names, " '{}:{}'", row.name, row.about.replace('\'', "'\\''"));
        names
    });
    let function = format!(
        "{FUNCTION}() {{\n    local -a protocols\n    protocols=({names} )\n    _describe -t protocols protocol protocols\n    _files -g '*.lua'\n}}\n\n"
    );
    text.replacen("if [ \"$funcstack[1]\"", &format!("{function}if [ \"$funcstack[1]\""), 1)
}

/// What the generated script for fish lacks: the names that an argument may be, where it is a command's first.
fn first_words(tool: &Command) -> String {
    let mut lines = String::new();
    for command in tool.get_subcommands().filter(|command| !command.is_hide_set()) {
        let name = command.get_name();
        let values = command.get_positionals().next().map(clap::Arg::get_possible_values).unwrap_or_default();
        for value in values {
            let about = value.get_help().map(ToString::to_string).unwrap_or_default().replace('\'', "\\'");
            let first = format!("__fish_netproto_using_subcommand {name}; and test (count (commandline -opc)) -eq 2");
            let _ = writeln!(lines, "complete -c netproto -n \"{first}\" -a {} -d '{about}'", value.get_name());
        }
    }
    lines
}
