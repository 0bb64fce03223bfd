//! `send`: what was typed, made into a [`SendPlan`].

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use clap::{Args, ValueHint};

use super::{
    data::{self, DataArgs},
    flags::{
        params::{self, ParamFlags},
        protocol::{ProtocolArgs, carried},
        socket::DialArgs,
    },
    target::{self, Words},
    values::{self, Named},
};
use crate::{
    error::Trouble,
    protocol::{ANY, Answers, Ends, Protocol, Setup},
    role::send::{Data, Expect, SendPlan, ShowPlan},
    transport::{Dial, Scheme, Target},
    values::read,
};

#[derive(Debug, Args)]
#[command(
    override_usage = "netproto send [OPTIONS] [tcp|udp|unix|PROTOCOL] TARGET [DATA]...",
    mut_arg("protocol", |arg| arg.help("The protocol [default: raw, which fits any server]")),
    after_help = "Examples:
  netproto send localhost:8080 hello               TCP, unless told otherwise
  netproto send echo localhost hello               the protocol's usual port
  netproto send dns localhost:5353 www.example.test AAAA
  netproto send udp localhost:8080 'a\\n' 'b\\n'     each DATA is one message
  netproto send tcp localhost:8080 < file          standard input, as a stream
  netproto send udp localhost:8080 hi --expect hi  exit code 3 if it differs"
)]
pub struct Send {
    /// tcp (when left out), udp, unix, or a protocol's name
    #[arg(value_parser = Named::transport(), hide_possible_values = true)]
    transport: Option<String>,
    /// HOST:PORT, a path after unix, or a URL
    #[arg(value_hint = ValueHint::AnyPath)]
    target: Option<OsString>,
    /// Messages to send; - or none: standard input
    data: Vec<OsString>,
    #[command(flatten)]
    pub(super) protocol: ProtocolArgs,
    #[command(flatten)]
    body: DataArgs,
    #[command(flatten)]
    talk: TalkArgs,
    #[command(flatten)]
    expect: ExpectArgs,
    #[command(flatten)]
    again: AgainArgs,
    #[command(flatten)]
    show: ShowArgs,
    /// A Unix datagram socket
    #[arg(long, help_heading = "Socket")]
    datagram: bool,
    #[command(flatten)]
    dial: DialArgs,
    #[command(flatten)]
    flags: ParamFlags,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Conversation")]
struct TalkArgs {
    /// LF becomes CRLF
    #[arg(short = 'C', long)]
    crlf: bool,
    /// Give up when nothing arrives for so long [udp: 1s]
    #[arg(short = 'w', long, value_name = "TIME", value_parser = values::some_time)]
    timeout: Option<Duration>,
    /// End after so many answers
    #[arg(long, value_name = "N", value_parser = read::positive)]
    replies: Option<u64>,
    /// Keep our side open at the end of input
    #[arg(long, overrides_with = "shutdown")]
    no_shutdown: bool,
    /// Close our side at the end of input (the default)
    #[arg(short = 'N', long, overrides_with = "no_shutdown")]
    shutdown: bool,
    /// Connect, say nothing, close
    #[arg(short = 'z', long, conflicts_with_all = ["file", "replies", "count", "interval", "json"])]
    connect_only: bool,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Check (exit code 3 if the answer differs)")]
#[group(id = "expected", multiple = false)]
struct ExpectArgs {
    /// The answer must be this; escapes as in DATA
    #[arg(long, value_name = "TEXT", conflicts_with = "connect_only")]
    expect: Option<OsString>,
    /// The answer must match this
    #[arg(long, value_name = "REGEX", conflicts_with = "connect_only", value_parser = values::regex)]
    expect_re: Option<regex::bytes::Regex>,
    /// The answer must be these bytes
    #[arg(long, value_name = "HEX", conflicts_with = "connect_only", value_parser = values::hex)]
    expect_hex: Option<Bytes>,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Repeat")]
struct AgainArgs {
    /// Do it all so many times, with a summary
    #[arg(short = 'n', long, value_name = "N", value_parser = read::positive)]
    count: Option<u64>,
    /// Time from one to the next
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = read::duration, requires = "count")]
    interval: Duration,
    /// Try again so often if it can't connect
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = values::few)]
    retry: u32,
    /// Time between tries
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = read::duration, requires = "retry")]
    retry_delay: Duration,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
struct ShowArgs {
    /// Write the answer to FILE
    #[arg(short = 'o', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Show the answer as a hex dump
    #[arg(short = 'x', long, conflicts_with = "raw")]
    hex: bool,
    /// A JSON document for each exchange
    #[arg(short = 'J', long)]
    json: bool,
    /// Show no answer, only errors
    #[arg(short, long)]
    quiet: bool,
    /// Show addresses and times; -vv: each piece too
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,
    /// Never escape the answer, also on a terminal
    #[arg(long)]
    raw: bool,
    /// Draw who said what when, as a ladder
    #[arg(long)]
    trace: bool,
}

impl Send {
    /// # Errors
    /// What was typed makes no sense together.
    pub fn plan(&self) -> Result<SendPlan, Trouble> {
        let words = Words::sort("send", self.transport.as_ref(), self.target.as_ref(), &self.data)?;
        let named = words.protocol(self.protocol.protocol)?;
        let target = words.target(self.datagram, named)?.ok_or_else(|| missing(words.transport, named))?;
        let row = named.unwrap_or(ANY);
        carried(row, target.scheme, &format!("send {} HOST:PORT", row.typed()))?;
        let data = self.data(&words, row)?;
        let dial = Dial { speaks: target::speaks(named), ..self.dial.dial(target.scheme)? };
        if let Data::Messages(messages) = &data {
            data::fits(messages, &target, dial.family, Some(row))?;
        }
        self.answers_make_sense(&target, row)?;
        let (setup, output) = self.setup(&words, row, &target)?;
        params::one_for_each(&setup.params, &data)?;
        let data = if self.is_piped(&words, row, &setup) { Data::Stdin } else { data };
        Ok(SendPlan {
            protocol: row,
            setup,
            target,
            dial,
            data,
            crlf: self.talk.crlf,
            timeout: self.talk.timeout,
            replies: self.talk.replies,
            shutdown: !self.talk.no_shutdown,
            expect: self.expect()?,
            connect_only: self.talk.connect_only,
            count: self.again.count.unwrap_or(1),
            interval: self.again.interval,
            retry: self.again.retry,
            retry_delay: self.again.retry_delay,
            show: ShowPlan { output, ..self.show.plan() },
        })
    }

    /// What the protocol is set up with, and where answers are written that it does not keep itself.
    fn setup(&self, words: &Words, row: &'static Protocol, target: &Target) -> Result<(Setup, Option<PathBuf>), Trouble> {
        let mut setup = self.protocol.setup.of(Some(row), Ends::Client)?;
        self.flags.set(Some(row), &mut setup.params)?;
        setup.from_file = self.body.file.is_some();
        params::said_once(row, &setup.params, setup.from_file, !words.data.is_empty())?;
        let user;
        (setup.goal, user) = words.goal(target, row);
        if let Some(user) = user {
            params::set(&mut setup.params, row, Ends::Client, "user", user.as_ref())?;
        }
        if let Some(file) = self.upload(row) {
            data::readable(file)?;
            setup.upload = Some(params::place(file)?);
        }
        let mut output = self.show.output.clone();
        if row.keeps && !output.as_deref().is_some_and(is_device) {
            setup.output = output.take().map(|path| params::place(&path)).transpose()?;
        }
        Ok((setup, output))
    }

    /// The file that the session opens itself, and sends as long as it is. A pipe is read like standard input.
    fn upload(&self, row: &Protocol) -> Option<&PathBuf> {
        let file = self.body.file.as_ref().filter(|file| file.as_os_str() != "-")?;
        (row.data_is_optional() && !is_device(file)).then_some(file)
    }

    /// Is what is piped in all that there is to say?
    fn is_piped(&self, words: &Words, row: &Protocol, setup: &Setup) -> bool {
        let given = row.params.iter().any(|param| param.is_data && setup.params.has(param.name));
        let said = given || self.talk.connect_only || self.body.file.is_some() || !words.data.is_empty();
        row.takes_what_is_piped() && !said && data::is_piped()
    }

    fn data(&self, words: &Words, row: &Protocol) -> Result<Data, Trouble> {
        if self.talk.connect_only {
            if let Some(word) = words.data.first() {
                let sentence = format!("-z and DATA ({:?}) exclude each other", word.to_string_lossy());
                return Err(Trouble::usage(sentence).hint("-z says nothing; leave one of them out"));
            }
            return Ok(Data::None);
        }
        if !row.takes_data() {
            self.body.refuse(&words.data, row)?;
            return Ok(Data::None);
        }
        if let Some(file) = &self.body.file {
            data::only_source(&words.data)?;
            return Ok(match file.as_os_str() == "-" {
                true => Data::Stdin,
                false if self.upload(row).is_some() => Data::Messages(vec![Bytes::new()]),
                false => Data::File(file.clone()),
            });
        }
        match words.data.as_slice() {
            [] if row.data_is_optional() || row.form().is_some_and(|form| form.may_be_empty()) => {
                Ok(Data::Messages(vec![Bytes::new()]))
            }
            [] => Ok(Data::Stdin),
            [one] if *one == "-" => Ok(Data::Stdin),
            several if several.iter().any(|word| *word == "-") => {
                Err(Trouble::usage("- is standard input, and stands alone").hint("a dash of its own is written '\\x2d'"))
            }
            several if row.form().is_some() => Ok(Data::Messages(vec![self.body.words(several)?])),
            several => Ok(Data::Messages(self.body.messages(several)?)),
        }
    }

    fn expect(&self) -> Result<Option<Expect>, Trouble> {
        let given = &self.expect;
        if let Some(text) = &given.expect {
            let wanted = self.body.message(text).map_err(|clause| {
                Trouble::usage(format!("--expect: {clause}")).hint("--no-escapes takes backslashes as they are")
            })?;
            return Ok(Some(Expect::Bytes { wanted, text: true }));
        }
        let hex = given.expect_hex.clone().map(|wanted| Expect::Bytes { wanted, text: false });
        Ok(hex.or(given.expect_re.clone().map(Expect::Regex)))
    }

    fn answers_make_sense(&self, target: &Target, row: &Protocol) -> Result<(), Trouble> {
        if self.talk.connect_only && values::datagrams(target.scheme) {
            return Err(Trouble::usage("-z tries a connection, and datagrams have none")
                .hint("to see whether a server answers: send udp localhost:8080 hello"));
        }
        let by = if values::datagrams(target.scheme) { row.answers.datagrams } else { row.answers.stream };
        let given = &self.expect;
        let expects = given.expect.is_some() || given.expect_re.is_some() || given.expect_hex.is_some();
        if by == Answers::Never && (expects || self.talk.replies.is_some()) {
            let flag = if expects { "--expect" } else { "--replies" };
            return Err(Trouble::usage(format!("{flag} waits for an answer, and {} never answers", row.name))
                .hint("another protocol does, such as echo"));
        }
        Ok(())
    }
}

/// What is there and is neither file nor folder, such as /dev/null: written to and never replaced, read and never asked how long
/// it is.
fn is_device(path: &Path) -> bool {
    path.metadata().is_ok_and(|there| !there.is_file() && !there.is_dir())
}

impl ShowArgs {
    fn plan(&self) -> ShowPlan {
        ShowPlan {
            output: self.output.clone(),
            hex: self.hex,
            json: self.json,
            quiet: self.quiet,
            verbose: self.verbose,
            raw: self.raw,
            trace: self.trace,
        }
    }
}

fn missing(transport: Option<Scheme>, row: Option<&'static Protocol>) -> Trouble {
    if let (None, Some(row)) = (transport, row) {
        let place = if row.port.is_some() { "localhost" } else { "localhost:8080" };
        return Trouble::usage("send needs a target").hint(format!("for example: send {} {place}", row.typed()));
    }
    let (what, example) = match transport {
        Some(Scheme::Unix | Scheme::Unixgram) => ("the path of a socket", "send unix /tmp/netproto.sock hello"),
        Some(Scheme::Udp) => ("a target", "send udp localhost:8080 hello"),
        _ => ("a target", "send tcp localhost:8080 hello"),
    };
    Trouble::usage(format!("send needs {what}")).hint(format!("for example: {example}"))
}
