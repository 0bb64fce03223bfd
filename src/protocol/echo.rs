//! `echo`: answers the data itself (RFC 862).

use super::{
    AnswersBy, Protocol, Takes,
    exchange::{self, Client, Rule, Server},
    explained::{Course, DATA, DELAYED, Explained, HELD_BACK, LARGEST_DATAGRAM, LONGEST_MESSAGE, Layout, SERVER},
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
        DATA,
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
    limits: &[LARGEST_DATAGRAM, LONGEST_MESSAGE, HELD_BACK, DELAYED],
    sections: &[("RFC 862", "TCP Based Echo Service"), ("RFC 862", "UDP Based Echo Service")],
};
