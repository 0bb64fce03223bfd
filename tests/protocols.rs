//! What every row of the table of protocols owes, and what every framing does: no sockets, no time.

// A helper of a test is a test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../fuzz/invariants.rs"]
mod invariants;
#[path = "../fuzz/zones.rs"]
mod zones;

#[path = "protocols/answers.rs"]
mod answers;
#[path = "protocols/framings.rs"]
mod framings;
#[path = "protocols/rows.rs"]
mod rows;
#[path = "protocols/scripts.rs"]
mod scripts;
#[path = "protocols/zones.rs"]
mod zones_at_random;

use netproto::{
    protocol::{Ends, Framing, Given, Params, Protocol, Setup, find, param},
    session::{End, Event, Pair, Rides, Verdict},
};

/// The framings as they are typed, with one delimiter that begins and ends alike.
const FRAMINGS: [&str; 9] =
    ["raw", "lines", "delimiter:\\0", "delimiter:-=-", "netstring", "int8", "int16", "int32", "varint"];

/// A setup with this framing, and parameters of `row`.
fn setup(row: &Protocol, framing: &str, params: &[(&str, &str)]) -> Setup {
    let mut set = Params::default();
    for (name, value) in params {
        set.set(param(row.params, Ends::Both, name).unwrap(), Given::Text(value)).unwrap();
    }
    Setup { framing: Framing::parse(framing, None).unwrap(), params: set, script: row.script, ..Setup::default() }
}

/// A client and a server of `name`; a client that has no server talks to `echo`.
fn pair(name: &str, framing: &str, params: &[(&str, &str)], rides: Rides, chunk: usize) -> Pair {
    let row = find(name).unwrap();
    let server_row = if row.server.is_some() { row } else { find("echo").unwrap() };
    let (client, server) = (setup(row, framing, params), setup(server_row, framing, params));
    Pair::new((row.client)(&client), (server_row.server.unwrap())(&server), rides, chunk)
}

fn server(name: &str, framing: &str, params: &[(&str, &str)], rides: Rides) -> End {
    let row = find(name).unwrap();
    End::new((row.server.unwrap())(&setup(row, framing, params)), rides)
}

fn client(name: &str, framing: &str, rides: Rides) -> End {
    let row = find(name).unwrap();
    End::new((row.client)(&setup(row, framing, &[])), rides)
}

/// The submits that were answered, and whether rightly, in order.
fn answered(end: &End) -> Vec<(u64, bool)> {
    let answered = |event: &Event| match event {
        Event::Answered { seq, verdict } => Some((*seq, *verdict == Verdict::Right)),
        _ => None,
    };
    end.events.iter().filter_map(answered).collect()
}

/// All that a person would be shown.
fn bodies(end: &End) -> Vec<u8> {
    let body = |event: &Event| match event {
        Event::Body(bytes) => Some(bytes.to_vec()),
        _ => None,
    };
    end.events.iter().filter_map(body).flatten().collect()
}

/// What an end says until it has nothing more to say; wakes are waited for.
fn drain(end: &mut End) -> Vec<u8> {
    let from = end.said.len();
    loop {
        while end.leave(usize::MAX).is_some() {}
        if !end.wake() {
            return end.said[from..].to_vec();
        }
    }
}
