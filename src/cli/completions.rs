//! `completions`: the completion script of a shell, made from the same definitions as the parser.

use std::fmt::Write as _;

use clap::{Args, Command, CommandFactory as _};
use clap_complete::{Shell, aot};

use super::Cli;
use crate::error::Trouble;

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
        if shell == Shell::Fish {
            script.push_str(&first_words(&Cli::command()));
        }
        Ok(script)
    }
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
