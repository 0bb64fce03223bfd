//! What a server was told with `-p`, in one place and with its types.

use std::sync::Arc;

use regex::Regex;

use super::{greylist::Greylist, name, store::Stores};
use crate::protocol::{Made, Setup};

/// A name and its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) name: String,
    pub(super) password: String,
}

impl Login {
    /// `NAME:PASS`
    pub(super) fn read(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((name, password)) if !name.is_empty() && !text.contains('\0') => {
                Ok(Self { name: name.into(), password: password.into() })
            }
            _ => Err("a name, a colon and a password are needed, as in anna:secret".into()),
        }
    }
}

/// A whole server's, as one of its sessions sees them.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) stores: Stores,
    pub(super) hostname: Option<String>,
    pub(super) most_bytes: u64,
    pub(super) most_recipients: u64,
    pub(super) most_errors: u64,
    /// Of a line of a message, its end not counted.
    pub(super) longest_line: usize,
    pub(super) greeting_delay: std::time::Duration,
    pub(super) reject_from: Vec<Arc<Regex>>,
    pub(super) reject_rcpt: Vec<Arc<Regex>>,
    pub(super) greylist: Option<Arc<Option<Greylist>>>,
    pub(super) plain_auth: bool,
    pub(super) logins: Vec<Arc<Login>>,
}

impl Settings {
    pub(super) fn of(setup: &Setup) -> Self {
        let params = &setup.params;
        let number = |name, default| params.number(name).unwrap_or(default);
        Self {
            stores: Stores::of(params),
            hostname: params.made::<String>(name::HOSTNAME).map(|name| (*name).clone()),
            most_bytes: number(name::MAX_SIZE, 32 * 1024 * 1024),
            most_recipients: number(name::MAX_RECIPIENTS, 100),
            most_errors: number(name::MAX_ERRORS, 10),
            longest_line: number(name::MAX_LINE, 998) as usize,
            greeting_delay: params.duration(name::GREETING_DELAY).unwrap_or_default(),
            reject_from: params.all_made(name::REJECT_FROM),
            reject_rcpt: params.all_made(name::REJECT_RCPT),
            greylist: params.made(name::GREYLIST),
            plain_auth: params.switch(name::PLAIN_AUTH),
            logins: params.all_made(name::USER),
        }
    }

    pub(super) fn greylist(&self) -> Option<&Greylist> {
        self.greylist.as_deref().and_then(Option::as_ref)
    }

    /// Is this one of our users, with the right password? Without users anybody is.
    pub(super) fn knows(&self, name: &str, password: &str) -> bool {
        let known = |login: &Arc<Login>| same(&login.name, name) & same(&login.password, password);
        self.logins.is_empty() || self.logins.iter().any(known)
    }
}

/// Compares in a time that does not tell where the first difference is.
fn same(ours: &str, theirs: &str) -> bool {
    let differing = ours.bytes().zip(theirs.bytes()).fold(0, |differing, (a, b)| differing | (a ^ b));
    ours.len() == theirs.len() && differing == 0
}

/// A name to be known by; it stands in commands, answers and header fields.
pub(super) fn hostname(text: &str) -> Result<Made, String> {
    if text.is_empty() || text.bytes().any(|byte| !byte.is_ascii_graphic() || b"()<>,;\"\\".contains(&byte)) {
        return Err("a name or an address is needed, as in mail.example.test or [192.0.2.1]".into());
    }
    Ok(Made::new(text.to_owned()))
}

/// A regular expression, whatever the case of what it is held against.
pub(super) fn regex(text: &str) -> Result<Made, String> {
    let regex = regex::RegexBuilder::new(text).case_insensitive(true).build();
    regex.map(Made::new).map_err(|error| error.to_string().lines().last().unwrap_or_default().trim().to_owned())
}
