//! `discard`: throws away what comes, and answers nothing (RFC 863).

use super::{
    Answers, AnswersBy, Protocol, Takes,
    exchange::{Client, Rule, Server},
    explained::{Course, DATA, Explained, LARGEST_DATAGRAM, LONGEST_MESSAGE, Layout, SERVER},
};

pub(super) static ROW: Protocol = Protocol {
    name: "discard",
    about: "throws away what comes, answers nothing",
    spec: "RFC 863",
    port: Some(9),
    rides: Protocol::BOTH,
    answers: AnswersBy { stream: Answers::Never, datagrams: Answers::Never },
    takes: Takes::Bytes,
    amplifies: false,
    echoes: false,
    cuts_matter: false,
    framed: true,
    paths: false,
    keeps: false,
    params: &[],
    server: Some(|setup| Box::new(Server::new(Rule::Silence, setup))),
    client: |setup| Box::new(Client::new(Rule::Silence, setup)),
    prefix: None,
    explained: &EXPLAINED,
    script: None,
};

static EXPLAINED: Explained = Explained {
    layout: &[
        DATA,
        Layout {
            way: SERVER,
            picture: "\
+---------------------------+
| nothing, ever             |
+---------------------------+",
        },
    ],
    states: &[("reading", "What comes is thrown away."), ("closed", "The client has closed.")],
    courses: &[
        Course {
            over: "streams",
            begins: "The client connects and speaks first.",
            ends: "The client closes; the server closes too.",
        },
        Course {
            over: "datagrams",
            begins: "With any datagram; there is no connection.",
            ends: "At once: nobody answers, and nobody knows what arrived.",
        },
    ],
    limits: &[LARGEST_DATAGRAM, LONGEST_MESSAGE],
    sections: &[("RFC 863", "TCP Based Discard Service"), ("RFC 863", "UDP Based Discard Service")],
};
