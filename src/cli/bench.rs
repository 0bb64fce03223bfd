//! `bench`: what was typed, made into a [`BenchPlan`].

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum, ValueHint};

use super::{
    bench_load::{Asked, asked_load},
    data::DataArgs,
    flags::{
        params::{self, ParamFlags},
        protocol::{ProtocolArgs, carried, served},
        socket::DialArgs,
    },
    target::{self, Words},
    values::{self, Named},
};
use crate::{
    bench::{Arrivals, BenchPlan, ReportPlan, Until, limit::Limit, shard::Shard, start::StartAt},
    error::Trouble,
    protocol::{Answers, Ends, Protocol, Setup},
    transport::{Dial, Scheme, Target},
    values::read,
};

/// Connections over streams, unless told otherwise.
const STREAM_CONNECTIONS: usize = 50;
/// How long a run lasts, unless told otherwise.
const DURATION: Duration = Duration::from_secs(10);
/// The longest message: all of it is in memory.
const LONGEST: usize = 1 << 30;

#[derive(Debug, Args)]
#[command(
    override_usage = "netproto bench [OPTIONS] tcp|udp|unix|PROTOCOL [TARGET] [DATA]...",
    mut_arg("protocol", |arg| arg.help("The protocol [default: asks the target once]")),
    after_help = "Examples:
  netproto bench tcp                              against a server of its own
  netproto bench daytime localhost                a protocol, on its usual port
  netproto bench tcp localhost:8080 -c 64         as fast as replies come
  netproto bench udp localhost:8080 -r 20k        20,000 a second, come what may
  netproto bench tcp localhost:8080 -r 1k --fail-if 'p99>2ms'
  netproto bench dns localhost:5353 -f questions.txt --in-flight 100

Limits: p50, p99.9 (any percentile), mean, min, max; errors, loss, rate."
)]
pub struct Bench {
    /// tcp (when left out), udp, unix, or a protocol's name
    #[arg(value_parser = Named::transport(), hide_possible_values = true)]
    transport: Option<String>,
    /// HOST:PORT, a path after unix, or a URL; none: its own server
    #[arg(value_hint = ValueHint::AnyPath)]
    target: Option<OsString>,
    /// Messages to send in turn, in place of --length
    data: Vec<OsString>,
    #[command(flatten)]
    pub(super) protocol: ProtocolArgs,
    #[command(flatten)]
    body: DataArgs,
    #[command(flatten)]
    load: LoadArgs,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    report: ReportArgs,
    /// A Unix datagram socket
    #[arg(long, help_heading = "Socket")]
    datagram: bool,
    #[command(flatten)]
    dial: DialArgs,
    #[command(flatten)]
    flags: ParamFlags,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Load")]
pub(super) struct LoadArgs {
    /// Connections [default: 50; udp: 1]
    #[arg(short = 'c', long, value_name = "N", value_parser = values::at_least_one)]
    pub connections: Option<usize>,
    /// Length of each message [default: 64]
    #[arg(short = 'l', long, value_name = "SIZE", value_parser = length, conflicts_with = "file")]
    pub length: Option<usize>,
    /// Requests per second, come what may (open loop)
    #[arg(short = 'r', long, value_name = "RATE", value_parser = read::rate)]
    pub rate: Option<f64>,
    /// The same, in bits per second of messages
    #[arg(short = 'b', long, value_name = "BITRATE", value_parser = read::bit_rate, conflicts_with = "rate")]
    pub bit_rate: Option<f64>,
    /// Spread of an open loop: constant [default], poisson
    #[arg(long, value_name = "KIND", default_value = "constant", hide_default_value = true, hide_possible_values = true)]
    pub arrivals: ArrivalsArg,
    /// Requests under way on each connection [default: 1]
    #[arg(long, value_name = "N", value_parser = values::at_least_one)]
    pub in_flight: Option<usize>,
    /// A new connection for each request
    #[arg(long)]
    pub reconnect: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ArrivalsArg {
    Constant,
    Poisson,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Run")]
struct RunArgs {
    /// How long to measure [default: 10s]
    #[arg(short = 'd', long, value_name = "TIME", value_parser = values::some_time, conflicts_with = "requests")]
    duration: Option<Duration>,
    /// Stop after so many requests, not after --duration
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = read::positive)]
    requests: Option<u64>,
    /// Rise to the full load in this time, first
    #[arg(long, value_name = "TIME", default_value = "0s", hide_default_value = true, value_parser = read::duration)]
    ramp: Duration,
    /// Warm up for so long, uncounted
    #[arg(long, value_name = "TIME", default_value = "0s", hide_default_value = true, value_parser = read::duration)]
    omit: Duration,
    /// A reply is lost after so long [default: 10s; udp: 1s]
    #[arg(short = 'w', long, value_name = "TIME", value_parser = values::some_time)]
    timeout: Option<Duration>,
    /// Run it so many times, show the spread
    #[arg(long, value_name = "N", default_value = "1", hide_default_value = true, value_parser = repeats)]
    repeat: u32,
    /// Worker threads [default: cores; less one on loopback]
    #[arg(short = 't', long, value_name = "N", value_parser = values::threads)]
    threads: Option<usize>,
    /// Be the I-th of N generators that share the load
    #[arg(long, value_name = "I/N", value_parser = Shard::parse)]
    shard: Option<Shard>,
    /// Begin then: 14:00, 2026-11-28T14:00:00Z, +5s
    #[arg(long, value_name = "TIME", value_parser = StartAt::parse)]
    start_at: Option<StartAt>,
    /// Seed of all random choices [default: 0]
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = read::count)]
    seed: u64,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Report")]
struct ReportArgs {
    /// Exit code 4 if so, as in 'p99>2ms'; repeatable
    #[arg(long, value_name = "LIMIT", value_parser = Limit::parse)]
    fail_if: Vec<Limit>,
    /// A line for each interval
    #[arg(short = 'i', long, value_name = "TIME", value_parser = values::some_time)]
    interval: Option<Duration>,
    /// The report as one JSON document
    #[arg(short = 'J', long)]
    json: bool,
    /// A JSON object for each interval, then the report
    #[arg(long, conflicts_with = "json")]
    json_stream: bool,
    /// Write the intervals as CSV
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    csv: Option<PathBuf>,
    /// Write an HdrHistogram interval log
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    hdr: Option<PathBuf>,
    /// Draw the run as one page with charts
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    html: Option<PathBuf>,
    /// Only the report: no progress, no hints
    #[arg(short, long)]
    quiet: bool,
    /// More detail
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,
}

impl Bench {
    /// `command` is what was typed, for the report.
    ///
    /// # Errors
    /// What was typed makes no sense together.
    pub fn plan(&self, command: String) -> Result<BenchPlan, Trouble> {
        let words = Words::sort("bench", self.transport.as_ref(), self.target.as_ref(), &self.data)?;
        if !words.begun() && words.target.is_none() {
            return Err(missing());
        }
        let named = words.protocol(self.protocol.protocol)?;
        let target = words.target(self.datagram, named)?;
        let scheme = target.as_ref().map_or_else(|| words.scheme(self.datagram, named), |target| Ok(target.scheme))?;
        let row = match target {
            Some(_) => named,
            None => Some(served(named)?),
        };
        if let Some(row) = row {
            carried(row, scheme, &format!("bench {} HOST:PORT", row.typed()))?;
        }
        let dial = Dial { speaks: target::speaks(named), ..self.dial.dial(scheme)? };
        self.report.files_differ()?;
        let setup = self.setup(&words, row, target.as_ref())?;
        let asked = Asked { row, scheme, target: target.as_ref(), family: dial.family, framing: &setup.framing };
        let (load, rate) = asked_load(&asked, &self.load, &self.body, &words.data)?;
        Ok(BenchPlan {
            protocol: row,
            setup,
            scheme,
            target,
            dial,
            connections: self.connections(scheme)?,
            threads: self.run.threads,
            until: self.run.until(),
            load,
            rate,
            arrivals: self.load.arrivals(),
            in_flight: self.load.in_flight,
            ramp: self.run.ramp,
            omit: self.run.omit,
            timeout: self.run.timeout,
            repeat: self.run.repeat,
            reconnect: self.reconnects(scheme, row)?,
            seed: self.run.seed,
            shard: self.run.shard.unwrap_or(Shard::WHOLE),
            start_at: self.run.start_at.clone(),
            limits: self.report.fail_if.clone(),
            report: self.report.plan(),
            command,
        })
    }

    /// Of all shards together: each has one at least, and something to do.
    fn connections(&self, scheme: Scheme) -> Result<usize, Trouble> {
        let usual = if values::datagrams(scheme) { 1 } else { STREAM_CONNECTIONS };
        let Some(shard) = self.run.shard else { return Ok(self.load.connections.unwrap_or(usual)) };
        let connections = self.load.connections.unwrap_or(usual.max(shard.of as usize));
        if shard.part(connections as u64) == 0 {
            let sentence = format!("--shard {shard}: of -c {connections} there is none left for this one");
            return Err(Trouble::usage(sentence).hint(format!("-c counts those of all shards: -c {} or more", shard.of)));
        }
        match self.run.requests {
            Some(requests) if shard.part(requests) == 0 => {
                let sentence = format!("--shard {shard}: of -n {requests} there is nothing left for this one");
                Err(Trouble::usage(sentence).hint(format!("-n counts those of all shards: -n {} or more", shard.of)))
            }
            _ => Ok(connections),
        }
    }

    /// For a server of its own too, where there is no target.
    fn setup(&self, words: &Words, row: Option<&'static Protocol>, target: Option<&Target>) -> Result<Setup, Trouble> {
        let mut setup = self.protocol.setup.of(row, if target.is_some() { Ends::Client } else { Ends::Both })?;
        self.flags.set(row, &mut setup.params)?;
        setup.from_file = self.body.file.is_some();
        if let Some(row) = row {
            params::said_once(row, &setup.params, setup.from_file, !words.data.is_empty())?;
            params::load_makes_sense(row, &setup.params)?;
        }
        if let (Some(row), Some(target)) = (row, target) {
            let user;
            (setup.goal, user) = words.goal(target, row);
            if let Some(user) = user {
                params::set(&mut setup.params, row, Ends::Client, "user", user.as_ref())?;
            }
        }
        Ok(setup)
    }

    /// Over streams, a protocol that answers once and closes needs a connection for each request.
    fn reconnects(&self, scheme: Scheme, row: Option<&'static Protocol>) -> Result<bool, Trouble> {
        let stream = !values::datagrams(scheme);
        let implied = stream && row.is_some_and(|row| row.answers.stream == Answers::OnceThenClose);
        if self.load.reconnect && !stream {
            return Err(Trouble::usage("--reconnect opens connections, and datagrams have none").hint("leave it out"));
        }
        if (self.load.reconnect || implied) && self.load.in_flight.is_some_and(|n| n > 1) {
            let name = row.filter(|_| implied).map_or("--reconnect", |row| row.name);
            return Err(Trouble::usage(format!("{name} has one request on each connection: no --in-flight"))
                .hint("more connections are more requests under way: -c 100"));
        }
        Ok(self.load.reconnect || implied)
    }
}

impl LoadArgs {
    fn arrivals(&self) -> Arrivals {
        match self.arrivals {
            ArrivalsArg::Constant => Arrivals::Constant,
            ArrivalsArg::Poisson => Arrivals::Poisson,
        }
    }
}

impl RunArgs {
    fn until(&self) -> Until {
        self.requests.map_or_else(|| Until::Duration(self.duration.unwrap_or(DURATION)), Until::Requests)
    }
}

impl ReportArgs {
    fn files_differ(&self) -> Result<(), Trouble> {
        for (a, first, b, second) in [
            ("--csv", &self.csv, "--hdr", &self.hdr),
            ("--csv", &self.csv, "--html", &self.html),
            ("--hdr", &self.hdr, "--html", &self.html),
        ] {
            if first.is_some() && first == second {
                return Err(Trouble::usage(format!("{a} and {b} name the same file")).hint("each needs one of its own"));
            }
        }
        Ok(())
    }

    fn plan(&self) -> ReportPlan {
        ReportPlan {
            json: self.json,
            json_stream: self.json_stream,
            csv: self.csv.clone(),
            hdr: self.hdr.clone(),
            html: self.html.clone(),
            interval: self.interval,
            quiet: self.quiet,
            verbose: self.verbose,
        }
    }
}

fn length(text: &str) -> Result<usize, String> {
    match read::size(text)? {
        length if length > LONGEST => Err("a message is at most 1 GiB".into()),
        length => Ok(length),
    }
}

fn repeats(text: &str) -> Result<u32, String> {
    match values::few(text)? {
        0 => Err("it must be at least 1".into()),
        times => Ok(times),
    }
}

fn missing() -> Trouble {
    Trouble::usage("bench needs a transport, a protocol or a target")
        .hint("for example: bench tcp (its own server), or bench tcp localhost:8080")
}
