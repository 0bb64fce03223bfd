//! `man`: the manual pages, made from the same definitions as the parser.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::{Args, Command, CommandFactory as _, ValueHint};
use clap_mangen::Man;

use super::Cli;
use crate::{
    error::{Exit, Trouble, reason},
    values::show,
};

/// When this version was made. Fixed, so that the same version always gives the same pages.
const DATE: &str = "2026-11-22";

/// What help has no room for, by command. Each sentence is a line (man-pages(7)).
const PROSE: &[(&str, &str)] = &[
    (
        "netproto",
        "A protocol is defined once, and every command uses that definition: a server, a client and a load generator.
What a program may use goes to standard output, what is told to a person to standard error.
An address is HOST:PORT, or a URL such as udp://localhost:8080 or unix:/run/np.sock.
The port may be left out where a protocol that has one is named.
A protocol may be named with -P, in place of the transport (send echo localhost:8080), or in a URL (echo://localhost/).
A bare port listens on this machine only; :PORT listens on every address.",
    ),
    (
        "serve",
        "The protocol is served on everything that it rides on, TCP and UDP, on one and the same port; port 0 takes one that
is free for both.
Without ADDRESS it is the port that the protocol is known by, on this machine only.
It is one server: one log, one stop, and one summary at the end; each flag counts where it means something.
Sockets that systemd.socket(5) hands over are for serve-tcp and serve-udp.",
    ),
    (
        "serve-tcp",
        "The first lines on standard error are the addresses with their real ports; whoever waits for them needs no sleep.
Ctrl-C and SIGTERM close what is idle and let answers on their way finish; a second one ends at once.
Sockets that systemd.socket(5) hands over are used in place of ADDRESS.",
    ),
    (
        "serve-udp",
        "Each datagram has one reply.
Servers that would answer each other for ever are muted (--no-loop-guard); protocols whose replies are larger than
what they answer serve other machines only with --allow-amplification.",
    ),
    ("serve-unix", "A socket file that nobody listens on any more is replaced; one in use, or any other file, never is."),
    (
        "send",
        "Each DATA is one message, and nothing is added to it; the escapes of C are known (\\en \\et \\ex0a).
It ends when the protocol knows that its answer is whole, after --replies, when the peer closes, or after --timeout.
With a framing, each line of a file or of standard input is one message.
What a peer sent is shown escaped on a terminal, unless --raw is given.
--trace draws the exchange on standard error when it is over: us at the left, the peer at the right, and at the edge when
each step was, and how long after the one before.
Of a long exchange it keeps the first and the last 16 steps.
With --json the steps are the array \"trace\" of the document.",
    ),
    (
        "compare",
        "Each file is a report of bench -J, and all are compared with the first.
A figure has changed when its interval, 99 % sure, does not contain zero; otherwise no difference is shown.
The interval is a bootstrap: both runs are drawn anew, 2,000 times, from the intervals that -J keeps (a quarter of a second
each, in a long run more), in blocks as long as they depend on each other.
Runs of --repeat are drawn as wholes first: they differ by more than their intervals do, and between two single runs
so does the machine. For what shall hold tomorrow, compare repeats: bench --repeat 5 -J.
Of the greatest value there is no interval: it is one value.
A limit fails when its figure is shown to be worse, and by more than its share; where nothing can be told, it fails too.",
    ),
    (
        "merge",
        "Requests, failures and histograms are added, connections and rates too, and rates divide by the longest run: what ran at
the same time on several machines becomes one report.
With -J it is a report that merge, compare and others take again, with each machine's beside it.
What does not belong together (another protocol, another time) is told on standard error, and added all the same.",
    ),
    (
        "explain",
        "A picture of the messages each way, the states, how a conversation begins and ends over each kind of transport,
limits, and where it is all written.",
    ),
    (
        "bench",
        "Every reply is checked; a wrong one is a failure, not a latency.
Without --rate each connection sends when its reply came (closed loop).
With it, requests are due at their times whatever the server does (open loop), and latency counts from when each was due.
Sending stops after --duration; answers are awaited for --timeout, then counted lost.
With --shard I/N it is one of N generators: connections, requests and rates are those of all together, and each takes its part.
--start-at takes a time of day, RFC 3339, seconds since 1970, or +5s; connections are made in the three seconds before.
Both on several machines, whose clocks agree, and `netproto merge` makes one report of theirs.
--html draws the run as one page that holds all it shows: it loads nothing and runs nothing, in light and in dark.
It is written whole or not at all.",
    ),
    (
        "report",
        "FILE is what bench -J wrote, and the text is what bench would have printed.
With --html it is a page with charts: throughput and latency over time, latency by percentile, a heat map, failures, and how
it was measured.
Several files are laid over one another; of one file, the runs of --repeat are.",
    ),
];

/// For every page: `error::Exit` in prose.
const EXIT_STATUS: &str = r#".SH "EXIT STATUS"
.TP
\fB0\fR
Done. A server that was stopped by a signal, too.
.TP
\fB1\fR
It failed. \fBbench\fR: there was not one right reply.
.TP
\fB2\fR
The command line is wrong.
.TP
\fB3\fR
The answer was not as expected.
.TP
\fB4\fR
A limit of \fB\-\-fail\-if\fR was missed.
.TP
\fB5\fR
Timed out.
.TP
\fB130\fR
Interrupted. The report is still printed.
"#;

#[derive(Debug, Args)]
#[command(
    override_usage = "netproto man [OPTIONS]",
    after_help = "Examples:
  netproto man | man -l -                           read the first page
  netproto man --dir ~/.local/share/man/man1        write them all"
)]
pub struct Pages {
    /// Write every page to DIR; none: print the first
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    dir: Option<PathBuf>,
}

impl Pages {
    /// # Errors
    /// The folder or a file can't be written.
    pub fn write(&self) -> anyhow::Result<Exit> {
        let mut tool = Cli::command();
        tool.build();
        match &self.dir {
            None => return super::print(&String::from_utf8_lossy(&page(&tool)?)),
            Some(dir) => {
                fs::create_dir_all(dir).map_err(|error| unwritable(dir, &error))?;
                let commands = tool.get_subcommands().filter(|command| !command.is_hide_set());
                for command in std::iter::once(&tool).chain(commands) {
                    let path = dir.join(format!("{}.1", name(command)));
                    fs::write(&path, page(command)?).map_err(|error| unwritable(&path, &error))?;
                }
            }
        }
        Ok(Exit::Done)
    }
}

/// `netproto`, `netproto-send`
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let title = name(command).to_uppercase();
    let source = concat!("netproto ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).title(title).date(DATE).source(source).manual("netproto manual");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if let Some((_, prose)) = PROSE.iter().find(|(name, _)| *name == command.get_name()) {
        writeln!(page, ".PP\n{}", prose.replace('-', "\\-"))?;
    }
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(examples) = command.get_after_help() {
        write_examples(&mut page, &examples.to_string())?;
    }
    page.write_all(EXIT_STATUS.as_bytes())?;
    Ok(page)
}

/// The lines after "Examples:", as they are.
fn write_examples(page: &mut Vec<u8>, text: &str) -> io::Result<()> {
    page.write_all(b".SH EXAMPLES\n.nf\n")?;
    for line in text.lines().filter(|line| *line != "Examples:") {
        let line = line.trim_start().replace('\\', "\\e").replace('-', "\\-");
        // A line may not begin like a request (groff(7)).
        writeln!(page, "{}{line}", if line.starts_with(['.', '\'']) { "\\&" } else { "" })?;
    }
    page.write_all(b".fi\n")
}

fn unwritable(path: &Path, error: &io::Error) -> Trouble {
    Trouble::failed(format!("could not write {}: {}", show::path(path), reason(error)))
}
