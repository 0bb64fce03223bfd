//! `bench --bulk`: what was typed of it, made into a [`BulkPlan`].

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::values;
use crate::{
    bench::{bulk::BulkPlan, limit::Limit},
    error::Trouble,
    protocol::perf::{MAX_BLOCK, USUAL_BLOCK},
    transport::Scheme,
    values::read,
};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Bulk")]
pub(super) struct BulkArgs {
    /// As many bytes as go: up, down or both
    #[arg(long, value_name = "WAY", hide_possible_values = true)]
    bulk: Option<WayArg>,
    /// Stop after so many bytes, not after --duration
    #[arg(long, value_name = "SIZE", value_parser = bytes, requires = "bulk", conflicts_with = "one_way")]
    bytes: Option<u64>,
    /// Send without copying into the kernel
    #[arg(long, requires = "bulk", conflicts_with = "one_way")]
    zero_copy: bool,
    /// Drop what is received in the kernel, unread
    #[arg(long, requires = "bulk", conflicts_with = "one_way")]
    skip_copy: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WayArg {
    Up,
    Down,
    Both,
}

/// What other flags say of it.
pub(super) struct Beside<'a> {
    pub scheme: Scheme,
    pub duration: Option<Duration>,
    pub usual_duration: Duration,
    pub omit: Duration,
    pub length: Option<usize>,
    pub bit_rate: Option<f64>,
    pub limits: &'a [Limit],
    /// Flags that are for requests, and whether each was given.
    pub for_requests: &'a [(&'static str, bool)],
}

impl BulkArgs {
    pub(super) fn asked(&self) -> bool {
        self.bulk.is_some()
    }

    /// `None`: requests are asked for.
    ///
    /// # Errors
    /// What was typed makes no sense together.
    pub(super) fn plan(&self, beside: &Beside) -> Result<Option<BulkPlan>, Trouble> {
        let Some(way) = self.bulk else { return Ok(None) };
        if values::datagrams(beside.scheme) {
            return Err(Trouble::usage(format!("--bulk is for streams, and {} has datagrams", beside.scheme))
                .hint("a rate loads datagrams, as in -r 100k; bench tcp --bulk up for streams"));
        }
        if let Some((flag, _)) = beside.for_requests.iter().find(|(_, given)| *given) {
            return Err(Trouble::usage(format!("{flag} is for requests, and --bulk has none")).hint("leave one of them out"));
        }
        for limit in beside.limits {
            limit
                .applies_to_bulk()
                .map_err(|why| Trouble::usage(format!("--fail-if {} can't be judged: {why}", limit.text)))?;
        }
        let time = beside.duration.or(if self.bytes.is_some() { None } else { Some(beside.usual_duration) });
        if !beside.omit.is_zero() && self.bytes.is_some() {
            return Err(Trouble::usage("--omit goes before a time, and --bytes counts from the first byte")
                .hint("-d says how long, in place of --bytes"));
        }
        Ok(Some(BulkPlan {
            up: way != WayArg::Down,
            down: way != WayArg::Up,
            bytes: self.bytes,
            time,
            block: Self::block(beside.length)?,
            zero_copy: self.zero_copy,
            skip_copy: self.skip_copy,
            rate: beside.bit_rate,
        }))
    }

    fn block(length: Option<usize>) -> Result<u32, Trouble> {
        let Some(length) = length else { return Ok(USUAL_BLOCK) };
        match u32::try_from(length) {
            Ok(block) if (1..=MAX_BLOCK).contains(&block) => Ok(block),
            _ => Err(Trouble::usage(format!("with --bulk, --length is that of a block: 1 byte to 1 MiB, not {length}"))
                .hint("-l 128K, for example; or leave it out")),
        }
    }
}

fn bytes(text: &str) -> Result<u64, String> {
    match read::size(text)? {
        0 => Err("it must be at least 1".into()),
        bytes => Ok(bytes as u64),
    }
}
