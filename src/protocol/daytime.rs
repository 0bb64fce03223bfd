//! `daytime`: the date and time as a line of text, then the end (RFC 867).

use bytes::Bytes;

use super::{
    AnswersBy, Protocol, Takes,
    calendar::{Moment, unix_seconds},
    explained::{AMPLIFIES, ANSWERED_ONCE, ANYTHING, Course, Explained, Layout, SAID_ONCE, SERVER},
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
    takes: Takes::Nothing,
    amplifies: true,
    echoes: true,
    cuts_matter: false,
    framed: false,
    paths: false,
    keeps: false,
    params: &[],
    server: Some(|_| {
        Box::new(Server {
            says: |facts: &crate::session::Facts| format!("{}\r\n", Moment(unix_seconds((facts.wall_clock)()))).into(),
        })
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
+-----------------------------------------+----+----+
| Weekday, Month Day, Year HH:MM:SS-UTC   | CR | LF |
+-----------------------------------------+----+----+",
        },
    ],
    states: SAID_ONCE,
    courses: &[
        Course {
            over: "streams",
            begins: "The client connects; the server says the time at once, unasked.",
            ends: "The server closes when that is said.",
        },
        ANSWERED_ONCE,
    ],
    limits: &[
        "The RFC knows no specific syntax: the client takes 1 to 512 ASCII printing characters, spaces, CR and LF from any server.",
        AMPLIFIES,
    ],
    sections: &[
        ("RFC 867", "TCP Based Daytime Service"),
        ("RFC 867", "UDP Based Daytime Service"),
        ("RFC 867", "Daytime Syntax"),
    ],
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
