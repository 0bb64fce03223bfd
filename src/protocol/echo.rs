//! `echo`: answers the data itself (RFC 862).

use super::{
    AnswersBy, Protocol, Takes,
    exchange::{self, Client, Rule, Server},
    explained::{CLIENT, Course, Explained, Layout, SERVER},
};

const RULE: Rule = Rule::Answer { prefix: b"" };

pub(super) static ROW: Protocol = Protocol {
    name: "echo",
    about: "answers the data itself",
    spec: "RFC 862",
    port: Some(7),
    rides: Protocol::BOTH,
    answers: AnswersBy::EACH,
    takes: Takes::Bytes,
    amplifies: false,
    echoes: true,
    cuts_matter: false,
    framed: true,
    paths: false,
    keeps: false,
    params: &[exchange::DELAY],
    server: Some(|setup| Box::new(Server::new(RULE, setup))),
    client: |setup| Box::new(Client::new(RULE, setup)),
    prefix: Some(b""),
    explained: &EXPLAINED,
    script: None,
};

static EXPLAINED: Explained = Explained {
    layout: &[
        Layout {
            way: CLIENT,
            picture: "\
+------------------ ~ ------+
| data, any bytes           |
+------------------ ~ ------+",
        },
        Layout {
            way: SERVER,
            picture: "\
+------------------ ~ ------+
| the same data             |
+------------------ ~ ------+",
        },
    ],
    states: &[
        ("conversing", "What comes is sent back; with a framing, each whole message."),
        ("draining", "The client has closed its half: what is owed is still sent back."),
        ("closed", "All is sent back."),
    ],
    courses: &[
        Course {
            over: "streams",
            begins: "The client connects and speaks first.",
            ends: "The client closes its half; the server sends what is left and closes.",
        },
        Course {
            over: "datagrams",
            begins: "With any datagram; there is no connection.",
            ends: "Each datagram has one answer, and nothing is kept. Source ports below 1024 are not answered: another echo could be there.",
        },
    ],
    limits: &[
        "A datagram carries at most 65,507 bytes over UDP on IPv4, all included.",
        "With --framing, a message has the framing's limit (`netproto protocols` lists them) or --max-frame; a longer one ends the conversation.",
        "Reading stops while much of what was answered is unsent: a peer that does not read is held back, and memory stays bounded.",
        "-p delay=TIME keeps each answer for so long; datagrams that come when too much waits are not answered.",
    ],
    sections: &[("RFC 862", "TCP Based Echo Service"), ("RFC 862", "UDP Based Echo Service")],
};
