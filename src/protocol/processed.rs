//! `processed`, the default: answers `Processed: ` and the data again, byte for byte.
//!
//! Over streams without framing each chunk is answered as it is received, as in Twisted's `dataReceived`; with a framing each
//! message; over datagrams each datagram, except one that is such an answer itself.

use super::{
    AnswersBy, Protocol,
    exchange::{self, Client, Rule, Server},
};

const PREFIX: &[u8] = b"Processed: ";
const RULE: Rule = Rule::Answer { prefix: PREFIX };

pub(super) static ROW: Protocol = Protocol {
    name: "processed",
    about: "answers `Processed: ` and the data, chunk by chunk",
    spec: "netproto's own",
    port: None,
    rides: Protocol::BOTH,
    answers: AnswersBy::EACH,
    takes_data: true,
    amplifies: false,
    echoes: true,
    cuts_matter: true,
    framed: true,
    params: &[exchange::DELAY],
    server: Some(|setup| Box::new(Server::new(RULE, setup))),
    client: |setup| Box::new(Client::new(RULE, setup)),
    prefix: Some(PREFIX),
};
