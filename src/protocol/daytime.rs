//! `daytime`: the date and time as a line of text, then the end (RFC 867).

use bytes::Bytes;

use super::{
    AnswersBy, Protocol,
    calendar::{Moment, unix_seconds},
    once::{Client, Server, Wanted},
};

/// The RFC has no limit; it speaks of one line.
const MAX: usize = 512;

pub(super) static ROW: Protocol = Protocol {
    name: "daytime",
    about: "says the date and time as text",
    spec: "RFC 867",
    port: Some(13),
    rides: Protocol::BOTH,
    answers: AnswersBy::ONCE,
    takes_data: false,
    amplifies: true,
    echoes: true,
    cuts_matter: false,
    framed: false,
    params: &[],
    server: Some(|_| {
        Box::new(Server {
            says: |facts: &crate::session::Facts| format!("{}\r\n", Moment(unix_seconds((facts.wall_clock)()))).into(),
        })
    }),
    client: |_| Box::new(Client::new(WANTED)),
    prefix: None,
};

const WANTED: Wanted = Wanted {
    length: None,
    max: MAX,
    // "The ASCII printing characters, space, carriage return, and line feed"; "no specific syntax".
    is_right: |answer| {
        let printing = |byte: &u8| matches!(byte, b' '..=b'~' | b'\r' | b'\n');
        !answer.is_empty() && answer.len() <= MAX && answer.iter().all(printing)
    },
    described: "1 to 512 ASCII printing characters",
    shown: |answer, _| Bytes::copy_from_slice(answer),
};
