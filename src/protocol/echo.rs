//! `echo`: answers the data itself (RFC 862).

use super::{
    AnswersBy, Protocol,
    exchange::{self, Client, Rule, Server},
};

const RULE: Rule = Rule::Answer { prefix: b"" };

pub(super) static ROW: Protocol = Protocol {
    name: "echo",
    about: "answers the data itself",
    spec: "RFC 862",
    port: Some(7),
    rides: Protocol::BOTH,
    answers: AnswersBy::EACH,
    takes_data: true,
    amplifies: false,
    echoes: true,
    cuts_matter: false,
    framed: true,
    params: &[exchange::DELAY],
    server: Some(|setup| Box::new(Server::new(RULE, setup))),
    client: |setup| Box::new(Client::new(RULE, setup)),
    prefix: Some(b""),
};
