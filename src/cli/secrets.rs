//! Passwords and their like that would go over the wire as they are: said once, in yellow, and done all the same.

use std::io::Write as _;

use owo_colors::OwoColorize as _;

use crate::{
    protocol::{Params, Protocol},
    transport::Target,
};

/// Warns of what is secret, where whoever carries the bytes can read it.
pub(super) fn warn(row: Option<&Protocol>, params: &Params, target: Option<&Target>) {
    let password = row.into_iter().flat_map(|row| row.params).find(|param| param.secret && params.has(param.name));
    let (what, read) = match (password, params.secret()) {
        (Some(param), _) => (format!("--{}", param.name), "the password"),
        (None, Some(what)) => (what.to_owned(), "it"),
        (None, None) => return,
    };
    let Some(target) = target.filter(|target| !target.scheme.is_unix()) else { return };
    let warning = format!("{what} goes to {target} as plain text: whoever carries it can read {read}");
    // Nobody reads: then nobody is warned.
    let _ = writeln!(anstream::stderr(), "{} {warning}", "warning:".yellow());
}
