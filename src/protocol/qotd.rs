//! `qotd`: one short quote, then the end (RFC 865).

use bytes::Bytes;

use super::{
    AnswersBy, Param, ParamKind, Protocol, Setup,
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
    takes_data: false,
    amplifies: true,
    echoes: true,
    cuts_matter: false,
    framed: false,
    params: &[Param {
        name: "quote",
        kind: ParamKind::Text,
        default: OWN,
        longest: Some(MAX - LINE_END.len()),
        help: "the quote",
    }],
    server: Some(|setup| {
        let quote = quote(setup);
        Box::new(Server { says: move |_: &_| quote.clone() })
    }),
    client: |_| Box::new(Client::new(WANTED)),
    prefix: None,
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
