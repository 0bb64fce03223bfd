//! `completions`: the completion script of a shell, made from the same definitions as the parser.

use clap::{Args, CommandFactory as _};
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
        Ok(String::from_utf8_lossy(&script).into_owned())
    }
}
