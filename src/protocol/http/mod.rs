//! `http`: HTTP/1.1 and 1.0 (RFC 9110 and 9112): files, an echo or one answer to everything; and a client that asks.
//!
//! `httparse` reads the heads; everything else is here. One message is read in one way or not at all: what two readers could
//! read differently is refused, and the connection with it.
//!
//! | file | what |
//! |---|---|
//! | `head`, `fields`, `body`, `target` | messages, taken apart |
//! | `server`, `site`, `files`, `echo`, `page`, `listing` | the server, and what it answers with |
//! | `conditions`, `range`, `date`, `mime`, `status` | the vocabulary of RFC 9110 |
//! | `answer`, `request` | messages, written |
//! | `client`, `right`, `urls` | the client |
//!
//! May use: `session`, `protocol`'s table, `values`, `httparse`, `bytes`, `memchr`, `serde_json`.

mod answer;
mod body;
mod client;
mod conditions;
mod date;
mod echo;
mod explained;
mod fields;
mod files;
mod head;
mod listing;
mod mime;
mod page;
mod params;
mod range;
mod request;
mod right;
mod server;
mod site;
mod status;
mod target;
#[cfg(test)]
mod tests;
mod urls;

use self::{client::Client, server::Server};
use super::{AnswersBy, Protocol, Takes};
use crate::session::Rides;

pub(super) static ROW: Protocol = Protocol {
    name: "http",
    about: "serves files or canned answers, and asks for them",
    spec: "RFC 9110, 9112",
    port: Some(80),
    rides: &[Rides::Stream],
    answers: AnswersBy::EACH,
    takes: Takes::Optional { usage: "the body" },
    amplifies: false,
    echoes: false,
    cuts_matter: false,
    framed: false,
    paths: true,
    keeps: false,
    params: params::ALL,
    server: Some(|setup| Box::new(Server::new(setup))),
    client: |setup| Box::new(Client::new(setup)),
    prefix: None,
    explained: &explained::EXPLAINED,
    script: None,
};
