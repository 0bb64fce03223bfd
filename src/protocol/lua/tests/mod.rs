//! Scripts, played without sockets.

mod limits;
mod others;
mod patterns;
mod pitfalls;
mod rows;
mod sessions;

use std::time::Duration;

use super::{Unusable, row};
use crate::{
    protocol::{Protocol, Setup},
    session::{Closed, End, Rides},
};

/// The row of a script.
fn made(source: &str) -> Result<&'static Protocol, Unusable> {
    row("./test.lua", source.into(), || Duration::ZERO)
}

fn setup(row: &Protocol) -> Setup {
    Setup { script: row.script, ..Setup::default() }
}

fn server_of(source: &str, rides: Rides) -> End {
    let row = made(source).unwrap();
    End::new((row.server.unwrap())(&setup(row)), rides)
}

fn client_of(source: &str, rides: Rides) -> End {
    let row = made(source).unwrap();
    End::new((row.client)(&setup(row)), rides)
}

/// What it says until it has nothing more to say.
fn said(end: &mut End) -> String {
    let from = end.said.len();
    while end.leave(usize::MAX).is_some() {}
    String::from_utf8_lossy(&end.said[from..]).into_owned()
}

/// Name and sentence of the violation that has ended it.
fn fault(end: &End) -> (&'static str, String) {
    match &end.ended {
        Some(Closed::Violated(violation)) => (violation.name, violation.sentence.clone()),
        other => panic!("{other:?}"),
    }
}
