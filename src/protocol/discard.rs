//! `discard`: throws away what comes, and answers nothing (RFC 863).

use super::{
    Answers, AnswersBy, Protocol,
    exchange::{Client, Rule, Server},
};

pub(super) static ROW: Protocol = Protocol {
    name: "discard",
    about: "throws away what comes, answers nothing",
    spec: "RFC 863",
    port: Some(9),
    rides: Protocol::BOTH,
    answers: AnswersBy { stream: Answers::Never, datagrams: Answers::Never },
    takes_data: true,
    amplifies: false,
    echoes: false,
    cuts_matter: false,
    framed: true,
    params: &[],
    server: Some(|setup| Box::new(Server::new(Rule::Silence, setup))),
    client: |setup| Box::new(Client::new(Rule::Silence, setup)),
    prefix: None,
};
