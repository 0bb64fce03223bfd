//! `bench --one-way`: what was typed of it, made into a [`OneWayPlan`].

use std::time::Duration;

use clap::Args;

use super::values;
use crate::{
    bench::{one_way::OneWayPlan, sizes::Sizes},
    error::Trouble,
    session::Facts,
    transport::Scheme,
};

/// Bytes of a datagram, unless told otherwise.
const LENGTH: usize = 64;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Datagrams")]
pub(super) struct OneWayArgs {
    /// Datagrams that nobody answers: the server counts
    #[arg(long, conflicts_with = "bulk")]
    one_way: bool,
    /// One datagram in each call of the system
    #[arg(long)]
    no_gso: bool,
}

/// What other flags say of it.
pub(super) struct Beside<'a> {
    pub scheme: Scheme,
    pub duration: Option<Duration>,
    pub usual_duration: Duration,
    pub count: Option<u64>,
    pub length: Option<&'a Sizes>,
    pub rate: Option<f64>,
    pub bit_rate: Option<f64>,
    /// Flags that are for requests, and whether each was given.
    pub for_requests: &'a [(&'static str, bool)],
}

impl OneWayArgs {
    pub(super) fn asked(&self) -> bool {
        self.one_way
    }

    /// May datagrams that are due together leave in one call?
    ///
    /// # Errors
    /// `--no-gso` was given, and there they never do.
    pub(super) fn joins(&self, scheme: Scheme) -> Result<bool, Trouble> {
        if self.no_gso && scheme != Scheme::Udp {
            return Err(Trouble::usage(format!("--no-gso is for UDP, and {scheme} never sends datagrams joined"))
                .hint("leave it out"));
        }
        Ok(!self.no_gso)
    }

    /// `None`: requests are asked for.
    ///
    /// # Errors
    /// What was typed makes no sense together.
    pub(super) fn plan(&self, beside: &Beside) -> Result<Option<OneWayPlan>, Trouble> {
        if !self.one_way {
            return Ok(None);
        }
        if !values::datagrams(beside.scheme) {
            return Err(Trouble::usage(format!("--one-way is for datagrams, and {} has streams", beside.scheme))
                .hint("bench udp --one-way; --bulk up for streams"));
        }
        if let Some((flag, _)) = beside.for_requests.iter().find(|(_, given)| *given) {
            return Err(
                Trouble::usage(format!("{flag} is for requests, and --one-way has none")).hint("leave one of them out")
            );
        }
        let length = match beside.length {
            None => LENGTH,
            Some(Sizes::One(length)) => *length,
            Some(_) => {
                return Err(Trouble::usage("--one-way sends datagrams of one length").hint("for example: -l 1400"));
            }
        };
        if !(1..=Facts::MAX_UDP_IPV4).contains(&length) {
            return Err(Trouble::usage(format!("--length {length} is no length of a datagram here: 1 to 65,507 bytes"))
                .hint("-l 64, for example; or leave it out"));
        }
        let rate = beside.rate.or(beside.bit_rate.map(|bits| bits / (8.0 * length as f64)));
        let time = beside.duration.or(if beside.count.is_some() { None } else { Some(beside.usual_duration) });
        Ok(Some(OneWayPlan { length, time, count: beside.count, rate, joins: !self.no_gso }))
    }
}
