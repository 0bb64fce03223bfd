//! `daytime`: the date and time as a line of text, then the end (RFC 867).

use bytes::Bytes;

use super::{
    AnswersBy, Protocol, Takes,
    calendar::{Moment, unix_seconds},
    explained::{CLIENT, Course, Explained, Layout, SERVER},
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
        Layout {
            way: CLIENT,
            picture: "\
over streams     nothing (what comes is thrown away)
over datagrams   +---------------------------+
                 | anything, empty will do   |
                 +---------------------------+",
        },
        Layout {
            way: SERVER,
            picture: "\
+-----------------------------------------+----+----+
| Weekday, Month Day, Year HH:MM:SS-UTC   | CR | LF |
+-----------------------------------------+----+----+",
        },
    ],
    states: &[("saying", "The server says its one message."), ("closed", "It is said.")],
    courses: &[
        Course {
            over: "streams",
            begins: "The client connects; the server says the time at once, unasked.",
            ends: "The server closes when that is said.",
        },
        Course {
            over: "datagrams",
            begins: "With any datagram; what it holds is ignored.",
            ends: "Each datagram has one answer, the time. Nothing is kept.",
        },
    ],
    limits: &[
        "The RFC knows no specific syntax: the client takes 1 to 512 ASCII printing characters, spaces, CR and LF from any server.",
        "Answers can be larger than what they answer: a server for other machines needs --allow-amplification over UDP.",
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
