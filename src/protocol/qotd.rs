//! `qotd`: one short quote, then the end (RFC 865).

use bytes::Bytes;

use super::{
    AnswersBy, Param, ParamKind, Protocol, Setup, Takes,
    explained::{AMPLIFIES, ANSWERED_ONCE, ANYTHING, Course, Explained, Layout, SAID_ONCE, SERVER},
    once::{Client, Server, Wanted},
};

/// "It should be less than 512 characters" (RFC 865).
const MAX: usize = 511;
const LINE_END: &[u8] = b"\r\n";
const OWN: &str = "Every message is right until somebody checks it.";

pub(super) static ROW: Protocol = Protocol {
    name: "qotd",
    about: "says one short quote",
    spec: "RFC 865",
    port: Some(17),
    rides: Protocol::BOTH,
    answers: AnswersBy::ONCE,
    takes: Takes::Nothing,
    amplifies: true,
    echoes: true,
    cuts_matter: false,
    framed: false,
    paths: false,
    keeps: false,
    params: &[Param::server("quote", ParamKind::Text, OWN, "the quote").longest(MAX - LINE_END.len())],
    server: Some(|setup| {
        let quote = quote(setup);
        Box::new(Server { says: move |_: &_| quote.clone() })
    }),
    client: |_| Box::new(Client::new(WANTED)),
    prefix: None,
    explained: &EXPLAINED,
    script: None,
};

static EXPLAINED: Explained = Explained {
    layout: &[
        ANYTHING,
        Layout {
            way: SERVER,
            picture: "\
+------------------ ~ ------+----+----+
| the quote, text           | CR | LF |
+------------------ ~ ------+----+----+",
        },
    ],
    states: SAID_ONCE,
    courses: &[
        Course {
            over: "streams",
            begins: "The client connects; the server says a quote at once, unasked.",
            ends: "The server closes when that is said.",
        },
        ANSWERED_ONCE,
    ],
    limits: &[
        "A quote has less than 512 characters, its line end included; -p quote=TEXT is held to that, and the client counts a longer one as wrong.",
        AMPLIFIES,
    ],
    sections: &[
        ("RFC 865", "TCP Based Character Generator Service (so titled by mistake, erratum 6713)"),
        ("RFC 865", "UDP Based Character Generator Service (likewise)"),
        ("RFC 865", "Quote Syntax"),
    ],
};

const WANTED: Wanted = Wanted {
    length: None,
    max: MAX,
    is_right: |answer| !answer.is_empty() && answer.len() <= MAX,
    described: "a quote of 1 to 511 bytes",
    shown: |answer, _| Bytes::copy_from_slice(answer),
};

fn quote(setup: &Setup) -> Bytes {
    let quote = setup.params.text("quote").unwrap_or(OWN);
    [quote.as_bytes(), LINE_END].concat().into()
}
