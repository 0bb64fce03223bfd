//! `bench`: what was typed, made into a [`BenchPlan`].

mod modes;

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum, ValueHint};

use super::{
    bench_bulk::BulkArgs,
    bench_live,
    bench_load::{Asked, asked_load, sizes},
    bench_one_way::OneWayArgs,
    bench_run::RunArgs,
    bench_shape::ShapeArgs,
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
    bench::{Arrivals, BenchPlan, Load, ReportPlan, limit::Limit, load::course::Course, shard::Shard, sizes::Sizes},
    error::Trouble,
    protocol::{Answers, Ends, Protocol, Setup},
    transport::{Dial, Scheme, Target},
    values::read,
};

/// How long a run lasts, unless told otherwise.
const DURATION: Duration = Duration::from_secs(10);

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
  netproto bench tcp localhost:8080 --stages 10s:1k,30s:5k,10s:0
  netproto bench tcp localhost:8080 -c 10k --hold -d 1m
  netproto bench dns localhost:5353 -f questions.txt --in-flight 100
  netproto bench tcp localhost:8080 --bulk up     as many bytes as go
  netproto bench udp localhost:8080 --one-way     as many datagrams as go

In DATA and in lines: {seq} counts, {rand:8} is random, {now} the time; {{seq}}\nis {seq} itself.

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
    bulk: BulkArgs,
    #[command(flatten)]
    one_way: OneWayArgs,
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
    /// Connections [default: 50; udp, bulk: 1]
    #[arg(short = 'c', long, visible_alias = "parallel", value_name = "N", value_parser = values::at_least_one)]
    pub connections: Option<usize>,
    /// Length: 64 [default], 64..1500, 64:9,1400:1
    #[arg(short = 'l', long, value_name = "SIZE", value_parser = sizes, conflicts_with_all = ["file", "data_file"])]
    pub length: Option<Sizes>,
    /// Send the lines of FILE in turn
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "file")]
    pub data_file: Option<PathBuf>,
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
    #[command(flatten)]
    pub shape: ShapeArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ArrivalsArg {
    Constant,
    Poisson,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Report")]
struct ReportArgs {
    /// Exit code 4 if so, as in 'p99>2ms'; repeatable
    #[arg(long, value_name = "LIMIT", value_parser = Limit::parse)]
    fail_if: Vec<Limit>,
    /// Watch the server's process: its CPU and memory
    #[arg(long, value_name = "PID", value_parser = pid)]
    server_pid: Option<u32>,
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
    /// Figures for Prometheus, at ADDR/metrics
    #[arg(long, value_name = "ADDR", value_parser = target::metrics)]
    metrics: Option<Target>,
    /// Draw the run as one page with charts
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    html: Option<PathBuf>,
    /// Watch it on the whole terminal, with keys to change it
    #[arg(long)]
    live: bool,
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
        let named = words.protocol(self.protocol.protocol)?.or(self.measure());
        let target = words.target(self.datagram, named)?;
        let scheme = target.as_ref().map_or_else(|| words.scheme(self.datagram, named), |target| Ok(target.scheme))?;
        let row = if target.is_some() { named } else { Some(served(named)?) };
        if let Some(row) = row {
            carried(row, scheme, &format!("bench {} HOST:PORT", row.typed()))?;
        }
        let dial = Dial { speaks: target::speaks(named), ..self.dial.dial(scheme)? };
        self.report.files_differ()?;
        let setup = self.setup(&words, row, target.as_ref())?;
        self.load.shape.connects(scheme)?;
        let (course, until) = self.load.shape.course(&self.run.around(self.load.arrivals()), DURATION)?;
        let asked = Asked { row, scheme, target: target.as_ref(), family: dial.family, framing: &setup.framing };
        let (bulk, one_way) = self.modes(scheme, &setup, !words.data.is_empty())?;
        let measures = bulk.is_some() || one_way.is_some();
        let (load, rate) = if measures { (Load::Length(0), None) } else { self.requests(&asked, course.as_ref(), &words)? };
        Ok(BenchPlan {
            protocol: row,
            setup,
            scheme,
            target,
            dial,
            connections: self.connections(measures, scheme)?,
            threads: self.run.threads,
            until,
            load,
            rate,
            course,
            arrivals: self.load.arrivals(),
            in_flight: self.load.in_flight,
            ramp: self.run.ramp,
            omit: self.run.omit(),
            timeout: self.run.timeout,
            find: self.run.goal(rate),
            spin: self.run.spin,
            joins: self.one_way.joins(scheme)?,
            server_pid: self.report.watched(words.target.is_some())?,
            repeat: self.run.repeat,
            reconnect: self.reconnects(scheme, row)?,
            connect_rate: self.connect_rate()?,
            hold: self.load.shape.hold,
            sources: self.dial.sources(),
            seed: self.run.seed,
            shard: self.run.shard.unwrap_or(Shard::WHOLE),
            start_at: self.run.start_at.clone(),
            limits: self.report.fail_if.clone(),
            report: self.report.plan(),
            live: self.lives()?,
            bulk,
            one_way,
            command,
        })
    }

    fn requests(&self, asked: &Asked<'_>, course: Option<&Course>, words: &Words) -> Result<(Load, Option<f64>), Trouble> {
        asked_load(asked, &self.run.first_of(&self.load), course, &self.body, &words.data)
    }

    fn connections(&self, measures: bool, scheme: Scheme) -> Result<usize, Trouble> {
        let given = self.load.connections;
        if measures { Ok(given.unwrap_or(1)) } else { self.run.connections(given, scheme) }
    }

    fn lives(&self) -> Result<bool, Trouble> {
        let (report, run) = (&self.report, &self.run);
        let beside = bench_live::Beside {
            bulk: self.bulk.asked(),
            find_max: run.searches(),
            repeat: run.repeat > 1,
            shard: run.shard.is_some(),
            quiet: report.quiet,
            json_stream: report.json_stream,
            interval: report.interval.is_some() && report.csv.is_none() && report.hdr.is_none(),
        };
        if report.live {
            beside.check()?;
        }
        Ok(report.live)
    }

    /// For a server of its own too, where there is no target.
    fn setup(&self, words: &Words, row: Option<&'static Protocol>, target: Option<&Target>) -> Result<Setup, Trouble> {
        let mut setup = self.protocol.setup.of(row, if target.is_some() { Ends::Client } else { Ends::Both })?;
        self.flags.set(row, &mut setup.params)?;
        setup.from_file = self.body.file.is_some() || self.load.data_file.is_some();
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

    /// A ramp of the closed loop opens connections at its own pace.
    fn connect_rate(&self) -> Result<Option<f64>, Trouble> {
        let load = &self.load;
        let closed = load.rate.is_none() && load.bit_rate.is_none() && load.shape.flag().is_none();
        if load.shape.connect_rate.is_some() && closed && !self.run.ramp.is_zero() {
            return Err(
                Trouble::usage("--connect-rate and --ramp both say when connections open").hint("leave one of them out")
            );
        }
        Ok(load.shape.connect_rate)
    }

    /// Over streams, a protocol that answers once and closes needs a connection for each request.
    fn reconnects(&self, scheme: Scheme, row: Option<&'static Protocol>) -> Result<bool, Trouble> {
        let stream = !values::datagrams(scheme);
        let implied = stream && !self.load.shape.hold && row.is_some_and(|row| row.answers.stream == Answers::OnceThenClose);
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

impl ReportArgs {
    fn watched(&self, target: bool) -> Result<Option<u32>, Trouble> {
        match self.server_pid {
            Some(_) if !target => {
                Err(Trouble::usage("--server-pid is for a server that runs already, and there is no target")
                    .hint("start it apart, as in: serve-tcp 8080 & bench tcp localhost:8080 --server-pid $!"))
            }
            pid => Ok(pid),
        }
    }

    fn files_differ(&self) -> Result<(), Trouble> {
        for (flag, path) in [("--csv", &self.csv), ("--hdr", &self.hdr), ("--html", &self.html)] {
            if path.as_ref().is_some_and(|path| path.as_os_str() == "-") {
                return Err(Trouble::usage(format!("{flag} takes a file, and stdout has the report already"))
                    .hint(format!("as in {flag} FILE; -J and --json-stream are for stdout")));
            }
        }
        // `x` and `./x` are one file.
        let place = |path: &Option<PathBuf>| path.as_ref().map(|path| std::path::absolute(path).unwrap_or(path.clone()));
        for (a, first, b, second) in [
            ("--csv", &self.csv, "--hdr", &self.hdr),
            ("--csv", &self.csv, "--html", &self.html),
            ("--hdr", &self.hdr, "--html", &self.html),
        ] {
            if first.is_some() && place(first) == place(second) {
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
            metrics: self.metrics.clone(),
            quiet: self.quiet,
            verbose: self.verbose,
        }
    }
}

fn pid(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(pid) if pid > 0 => Ok(pid),
        _ => Err("it is the number of a process".into()),
    }
}

fn missing() -> Trouble {
    Trouble::usage("bench needs a transport, a protocol or a target")
        .hint("for example: bench tcp (its own server), or bench tcp localhost:8080")
}
