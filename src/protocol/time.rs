//! `time`: the seconds since the first of January 1900, UTC, as 32 bits, big endian (RFC 868).
//!
//! 32 bits wrap on 7 February 2036 at 06:28:16 UTC. The server sends the number modulo 2^32; the client takes the moment
//! nearest to its own clock among those that the number can mean, and so reads it right on either side of the wrap.

use bytes::Bytes;

use super::{
    AnswersBy, Protocol, Takes,
    calendar::{Moment, unix_seconds},
    explained::{AMPLIFIES, ANSWERED_ONCE, ANYTHING, Course, Explained, Layout, SAID_ONCE, SERVER},
    once::{Client, Server, Wanted},
};
use crate::session::Facts;

/// From 1900 to 1970: 70 years and 17 leap days (RFC 868).
const TO_1970: i64 = 2_208_988_800;
const WRAP: i64 = 1 << 32;
const LENGTH: usize = 4;

pub(super) static ROW: Protocol = Protocol {
    name: "time",
    about: "says the seconds since 1900 as 4 bytes, which wrap in 2036",
    spec: "RFC 868",
    port: Some(37),
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
    server: Some(|_| Box::new(Server { says: |facts: &Facts| Bytes::copy_from_slice(&since_1900(now(facts))) })),
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
+--------+--------+--------+--------+
| seconds since 1900-01-01 00:00    |  UTC, big endian
+--------+--------+--------+--------+
  byte 0   byte 1   byte 2   byte 3",
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
        "Exactly 4 bytes. They wrap on 7 February 2036 at 06:28:16 UTC; the client takes the moment nearest to its own clock.",
        AMPLIFIES,
    ],
    sections: &[
        ("RFC 868", "Time Protocol: used via TCP, used via UDP"),
        ("RFC 868", "The Time: the number, with examples"),
    ],
};

const WANTED: Wanted = Wanted {
    length: Some(LENGTH),
    max: LENGTH,
    is_right: |answer| answer.len() == LENGTH,
    described: "4 bytes",
    shown: |answer, facts| match answer.try_into() {
        Ok(number) => format!("{}\n", Moment(nearest(number, now(facts)))).into(),
        Err(_) => Bytes::copy_from_slice(answer),
    },
};

fn now(facts: &Facts) -> i64 {
    unix_seconds((facts.wall_clock)())
}

/// The number for a moment, modulo 2^32.
fn since_1900(moment: i64) -> [u8; LENGTH] {
    ((moment + TO_1970).rem_euclid(WRAP) as u32).to_be_bytes()
}

/// The moment nearest to `now` that has this number.
fn nearest(number: [u8; LENGTH], now: i64) -> i64 {
    let behind = (now + TO_1970 - i64::from(u32::from_be_bytes(number))).rem_euclid(WRAP);
    if behind <= WRAP / 2 { now - behind } else { now - behind + WRAP }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 7 February 2036, 06:28:16.
    const WRAPS_AT: i64 = WRAP - TO_1970;

    #[test]
    fn the_examples_of_rfc_868() {
        assert_eq!(since_1900(0), 2_208_988_800_u32.to_be_bytes(), "00:00 1 Jan 1970 GMT");
        assert_eq!(since_1900(189_302_400), 2_398_291_200_u32.to_be_bytes(), "00:00 1 Jan 1976 GMT");
        assert_eq!(since_1900(420_595_200), 2_629_584_000_u32.to_be_bytes(), "00:00 1 May 1983 GMT");
        assert_eq!(since_1900(WRAPS_AT - 1), [0xff; 4]);
        assert_eq!(since_1900(WRAPS_AT), [0; 4]);
    }

    #[test]
    fn either_side_of_the_wrap_is_read_right() {
        assert_eq!(Moment(WRAPS_AT).to_string(), "Thursday, February 7, 2036 06:28:16-UTC");
        for moment in [0, 1_795_362_650, WRAPS_AT - 1, WRAPS_AT, WRAPS_AT + 1_000_000] {
            for skew in [-86_400, 0, 86_400] {
                assert_eq!(nearest(since_1900(moment), moment + skew), moment);
            }
        }
    }
}
