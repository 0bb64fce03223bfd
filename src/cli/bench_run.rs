//! How long `bench` runs, how often, with whom, and what it looks for.

use std::time::Duration;

use clap::Args;

use super::{bench::LoadArgs, bench_shape::Around, values};
use crate::{
    bench::{Arrivals, find::Goal, limit::Limit, shard::Shard, start::StartAt},
    error::Trouble,
    transport::Scheme,
    values::read,
};

/// Connections over streams, unless told otherwise.
const STREAM_CONNECTIONS: usize = 50;
/// How long a probe of `--find-max` lasts, unless told otherwise, after a time to settle; and the rate that a search begins with.
const PROBE: Duration = Duration::from_secs(2);
const SETTLE: Duration = Duration::from_millis(500);
const FIRST: f64 = 1_000.0;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Run")]
pub(super) struct RunArgs {
    /// How long to measure [default: 10s]
    #[arg(short = 'd', long, value_name = "TIME", value_parser = values::some_time, conflicts_with = "requests")]
    pub duration: Option<Duration>,
    /// Stop after so many requests, not after --duration
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = read::positive)]
    pub requests: Option<u64>,
    /// Rise to the full load in this time, first
    #[arg(long, value_name = "TIME", default_value = "0s", hide_default_value = true, value_parser = read::duration)]
    pub ramp: Duration,
    /// Warm up for so long, uncounted
    #[arg(long, value_name = "TIME", value_parser = read::duration)]
    pub omit: Option<Duration>,
    /// A reply is lost after so long [default: 10s; udp: 1s]
    #[arg(short = 'w', long, value_name = "TIME", value_parser = values::some_time)]
    pub timeout: Option<Duration>,
    /// Run it so many times, show the spread
    #[arg(long, value_name = "N", default_value = "1", hide_default_value = true, value_parser = repeats)]
    pub repeat: u32,
    /// Worker threads [default: cores; other on loopback, with --reconnect]
    #[arg(short = 't', long, value_name = "N", value_parser = values::threads)]
    pub threads: Option<usize>,
    /// Find the highest rate that keeps this, as in 'p99<2ms'
    #[arg(long, value_name = "LIMIT", value_parser = Limit::parse_goal, conflicts_with_all = ["requests", "repeat", "bit_rate", "shard"])]
    pub find_max: Vec<Limit>,
    /// Never sleep: a core for each thread, shorter waits
    #[arg(long)]
    pub spin: bool,
    /// Be the I-th of N generators that share the load
    #[arg(long, value_name = "I/N", value_parser = Shard::parse)]
    pub shard: Option<Shard>,
    /// Begin then: 14:00, 2026-11-28T14:00:00Z, +5s
    #[arg(long, value_name = "TIME", value_parser = StartAt::parse)]
    pub start_at: Option<StartAt>,
    /// Seed of all random choices [default: 0]
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = read::count)]
    pub seed: u64,
}

impl RunArgs {
    /// Of all shards together: each has one at least, and something to do.
    pub(super) fn connections(&self, given: Option<usize>, scheme: Scheme) -> Result<usize, Trouble> {
        let usual = if values::datagrams(scheme) { 1 } else { STREAM_CONNECTIONS };
        let Some(shard) = self.shard else { return Ok(given.unwrap_or(usual)) };
        let connections = given.unwrap_or(usual.max(shard.of as usize));
        if shard.part(connections as u64) == 0 {
            let sentence = format!("--shard {shard}: of -c {connections} there is none left for this one");
            return Err(Trouble::usage(sentence).hint(format!("-c counts those of all shards: -c {} or more", shard.of)));
        }
        match self.requests {
            Some(requests) if shard.part(requests) == 0 => {
                let sentence = format!("--shard {shard}: of -n {requests} there is nothing left for this one");
                Err(Trouble::usage(sentence).hint(format!("-n counts those of all shards: -n {} or more", shard.of)))
            }
            _ => Ok(connections),
        }
    }

    pub(super) fn omit(&self) -> Duration {
        self.omit.unwrap_or(if self.searches() { SETTLE } else { Duration::ZERO })
    }

    pub(super) fn searches(&self) -> bool {
        !self.find_max.is_empty()
    }

    /// A search begins with a rate, too.
    pub(super) fn first_of(&self, load: &LoadArgs) -> LoadArgs {
        let first = self.searches().then_some(FIRST);
        LoadArgs { rate: load.rate.or(first), ..load.clone() }
    }

    /// `rate`: where the search begins.
    pub(super) fn goal(&self, rate: Option<f64>) -> Option<Goal> {
        rate.filter(|_| self.searches()).map(|first| Goal { limits: self.find_max.clone(), first })
    }

    pub(super) fn around(&self, arrivals: Arrivals) -> Around {
        let usual = self.searches().then_some(PROBE);
        let (duration, omit) = (self.duration.or(usual), self.omit());
        let Self { requests, ramp, .. } = *self;
        Around { duration, requests, ramp, omit, arrivals }
    }
}

fn repeats(text: &str) -> Result<u32, String> {
    match values::few(text)? {
        0 => Err("it must be at least 1".into()),
        times => Ok(times),
    }
}
