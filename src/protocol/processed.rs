//! `processed`, the default: answers `Processed: ` and the data again, byte for byte.
//!
//! Over streams without framing each chunk is answered as it is received, as in Twisted's `dataReceived`; with a framing each
//! message; over datagrams each datagram, except one that is such an answer itself.

use super::{
    AnswersBy, Protocol, Takes,
    exchange::{self, Client, Rule, Server},
    explained::{Course, DATA, DELAYED, Explained, HELD_BACK, LONGEST_MESSAGE, Layout, SERVER},
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
    takes: Takes::Bytes,
    amplifies: false,
    echoes: true,
    cuts_matter: true,
    framed: true,
    paths: false,
    keeps: false,
    params: &[exchange::DELAY],
    server: Some(|setup| Box::new(Server::new(RULE, setup))),
    client: |setup| Box::new(Client::new(RULE, setup)),
    prefix: Some(PREFIX),
    explained: &EXPLAINED,
    script: None,
};

static EXPLAINED: Explained = Explained {
    layout: &[
        DATA,
        Layout {
            way: SERVER,
            picture: "\
+-------------+------------- ~ ------+
| Processed:_ | the same data        |     _ is a space
+-------------+------------- ~ ------+
  11 bytes      as many as came",
        },
    ],
    states: &[
        ("conversing", "Each chunk that the system hands over is answered at once; with a framing, each whole message."),
        ("draining", "The client has closed its half: what is owed is still answered."),
        ("closed", "All is answered."),
    ],
    courses: &[
        Course {
            over: "streams",
            begins: "The client connects and speaks first.",
            ends: "The client closes its half; the server answers what is left and closes. The client end closes when its answers are complete.",
        },
        Course {
            over: "datagrams",
            begins: "With any datagram; there is no connection.",
            ends: "Each datagram has one answer, and nothing is kept. One that begins with the prefix itself is not answered, so that two servers never talk for ever.",
        },
    ],
    limits: &[
        "A datagram carries at most 65,507 bytes over UDP on IPv4, all included. The answer needs 11 more than the data.",
        LONGEST_MESSAGE,
        HELD_BACK,
        DELAYED,
    ],
    sections: &[("netproto", "its own: what Twisted's dataReceived does in most first examples")],
};
