//! `ftp`: a server of what is below a root, and a client that gets, puts, lists and removes, files and whole folders.
//!
//! RFC 959 as RFC 1123 corrects it, with EPSV and EPRT (RFC 2428), FEAT (RFC 2389), MLSD, MLST, SIZE, MDTM and REST (RFC 3659)
//! and names in UTF-8 (RFC 2640). Stream mode, files without structure, no TLS.
//!
//! May use: `session`, `values`, `protocol`'s table and calendar, `serde_json`'s values.

mod address;
mod ascii;
mod client;
mod entries;
mod explained;
mod line;
mod listing;
mod names;
mod reply;
mod sample;
mod server;
mod store;
#[cfg(test)]
mod tests;
mod time;

use std::ops::RangeInclusive;

use self::{client::Client, server::Server};
use super::{Answers, AnswersBy, Form, Made, Param, ParamKind, Protocol, Takes, param::USER_FLAG};
use crate::session::Rides;

const ROOT: &str = "root";
const WRITE: &str = "write";
const USER: &str = "user";
const PORTS: &str = "ports";
const IDLE: &str = "idle";
const PUT: &str = "put";
const LIST: &str = "list";
const REMOVE: &str = "remove";
const CONTINUE: &str = "continue";
const ACTIVE: &str = "active";

pub(super) static ROW: Protocol = Protocol {
    name: "ftp",
    about: "carries files both ways, over connections of their own",
    spec: "RFC 959, 1123, 2389, 2428, 2640, 3659",
    port: Some(21),
    rides: &[Rides::Stream],
    answers: AnswersBy { stream: Answers::Each, datagrams: Answers::Each },
    takes: Takes::Words(Form { usage: "[PATH]", examples: &["", "hello"], comments: b"" }),
    amplifies: false,
    echoes: false,
    // ABOR and STAT do not wait for their turn: what they meet depends on when they come.
    cuts_matter: true,
    framed: false,
    paths: true,
    keeps: true,
    params: &[
        Param::server(ROOT, ParamKind::Folder { make: false }, "", "the folder that is served; without it, one small file"),
        Param::server(WRITE, ParamKind::Switch, "false", "clients may change what is there").needs(ROOT),
        Param::both(
            USER,
            ParamKind::Parsed { shape: "NAME:PASS", read: Account::read },
            "",
            "who may log in, or logs in; without it, anonymous",
        )
        .secret()
        .many()
        .flag_help(USER_FLAG),
        Param::server(
            PORTS,
            ParamKind::Parsed { shape: "FIRST-LAST", read: Ports::read },
            "",
            "ports to listen on for data; without it, any",
        ),
        Param::server(IDLE, ParamKind::Duration, "5m", "close after so long without a command; 0: never"),
        Param::client(PUT, ParamKind::Place, "", "send this file or folder there"),
        Param::client(LIST, ParamKind::Switch, "", "list the folder"),
        Param::client(REMOVE, ParamKind::Switch, "", "remove the file; or the empty folder, with / at its end"),
        Param::client(CONTINUE, ParamKind::Switch, "", "go on with what was interrupted, either way"),
        Param::client(ACTIVE, ParamKind::Switch, "", "let the server connect for data"),
    ],
    server: Some(|setup| Box::new(Server::new(setup))),
    client: |setup| Box::new(Client::new(setup)),
    prefix: None,
    explained: &explained::EXPLAINED,
    script: None,
};

/// A user and its password.
#[derive(Debug)]
struct Account {
    name: String,
    password: String,
}

impl Account {
    fn read(text: &str) -> Result<Made, String> {
        let (name, password) = text.split_once(':').ok_or("a colon divides name and password")?;
        if name.is_empty() || text.contains(['\r', '\n', '\0']) {
            return Err("it begins with a name, and holds no line ends".into());
        }
        Ok(Made::new(Self { name: name.into(), password: password.into() }))
    }

    /// Takes as long whichever byte is wrong.
    fn is(&self, name: &str, password: &str) -> bool {
        same(&self.name, name) & same(&self.password, password)
    }
}

fn same(a: &str, b: &str) -> bool {
    let differ = a.bytes().zip(b.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b));
    differ == 0 && a.len() == b.len()
}

/// The ports of passive data connections.
#[derive(Debug)]
struct Ports(RangeInclusive<u16>);

impl Ports {
    fn read(text: &str) -> Result<Made, String> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let port = |text: &str| address::decimal(text).and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
        match (port(first), port(last)) {
            (Some(first), Some(last)) if first <= last => Ok(Made::new(Self(first..=last))),
            _ => Err("it is like 50000-50100".into()),
        }
    }
}
