//! Habits from neighbour tools: letters and words that mean something else here, or nothing, each with what to type.
//!
//! One table for flags that a command does not have ([`STRANGERS`]), one for flags it has, with a value that fits another
//! tool's meaning ([`HABITS`]), one for words where a command is expected ([`COMMANDS`]).

/// The commands a row is about.
type On = &'static [&'static str];

const SERVE: On = &["serve", "serve-tcp", "serve-udp", "serve-unix"];
const ALL: On = &["serve"];
const STREAMS: On = &["serve-tcp", "serve-unix"];
const UDP: On = &["serve-udp"];
const SEND: On = &["send"];
const BENCH: On = &["bench"];

/// A flag that is unknown to these commands.
pub struct Stranger {
    pub flags: &'static [&'static str],
    pub on: On,
    pub hint: &'static str,
}

const fn stranger(on: On, flags: &'static [&'static str], hint: &'static str) -> Stranger {
    Stranger { flags, on, hint }
}

pub static STRANGERS: &[Stranger] = &[
    stranger(SERVE, &["-e", "-c", "--exec", "--sh-exec"], "programs are not run for clients; -P picks what is answered"),
    stranger(SERVE, &["-l", "--listen"], "serve-tcp, serve-udp and serve-unix listen: serve-tcp 8080"),
    stranger(STREAMS, &["-u", "--udp"], "for UDP: serve-udp 8080"),
    stranger(ALL, &["-u", "--udp"], "UDP is opened with the rest; for UDP alone: serve-udp 8080"),
    stranger(ALL, &["-P", "--protocol"], "the protocol is the first argument: serve echo 8080"),
    stranger(UDP, &["-u", "--udp"], "it is UDP already: serve-udp 8080"),
    stranger(&["serve", "serve-tcp", "serve-udp"], &["-U", "--unix"], "for a Unix socket: serve-unix PATH"),
    stranger(
        SERVE,
        &["-s", "-b", "-a", "--source", "--bind", "--host"],
        "the address is the argument: serve-tcp 127.0.0.1:8080",
    ),
    stranger(SERVE, &["--port"], "the port is the argument: serve-tcp 8080"),
    stranger(SERVE, &["-w", "--timeout"], "-i closes a client that is silent for so long: -i 30s"),
    stranger(UDP, &["-m", "--max-connections"], "datagrams have no connections; --max-peers limits who is remembered"),
    stranger(SERVE, &["-d", "-D", "--daemon"], "it stays in the foreground; a service manager, or & in the shell, runs it"),
    stranger(SERVE, &["-n"], "names are never looked up for the log; there is nothing to switch off"),
    stranger(SERVE, &["-o", "--output"], "the log goes to stderr (-J: stdout): 2> FILE keeps it"),
    stranger(SERVE, &["--tls", "--ssl"], "TLS is not in this version"),
    stranger(&["serve-unix"], &["-4", "-6"], "a Unix socket has no IP version"),
    stranger(SEND, &["-u", "--udp"], "for UDP: send udp localhost:8080"),
    stranger(SEND, &["-U", "--unix"], "for a Unix socket: send unix PATH"),
    stranger(SEND, &["-l", "--listen"], "to listen: serve-tcp 8080"),
    stranger(SEND, &["-e", "--exec"], "programs are not run; pipe instead: program | netproto send tcp localhost:8080"),
    stranger(SEND, &["-c"], "-n repeats: -n 5 --interval 1s"),
    stranger(SEND, &["-i"], "-w is how long to wait; --interval is the pause between the rounds of -n"),
    stranger(SEND, &["-d", "--data"], "data is an argument: send tcp localhost:8080 hello"),
    stranger(SEND, &["-t", "--threads"], "send is one conversation; bench has threads"),
    stranger(SEND, &["-T"], "--dscp is the traffic class: --dscp EF"),
    stranger(SEND, &["-b"], "--broadcast allows broadcast addresses"),
    stranger(SEND, &["-I"], "--recv-buffer is the kernel's receive buffer: --recv-buffer 64K"),
    stranger(SEND, &["-O"], "--send-buffer is the kernel's send buffer: --send-buffer 64K"),
    stranger(SEND, &["--recv-only"], "data may be empty: send tcp localhost:8080 ''"),
    stranger(SEND, &["--send-only"], "to hear nothing: send -q tcp localhost:8080 hello"),
    stranger(SEND, &["--port"], "the port goes in HOST:PORT, as in: send tcp localhost:8080"),
    stranger(SEND, &["--follow", "--redirect", "--follow-redirects"], "-L follows redirects: send http URL -L"),
    stranger(SEND, &["--tls", "--ssl"], "TLS is not in this version"),
    stranger(
        BENCH,
        &["-R", "--reverse", "--bulk"],
        "one-way bulk is not in this version; -P echo -l 64K loads both directions",
    ),
    stranger(BENCH, &["-u", "--udp"], "for UDP: bench udp localhost:8080"),
    stranger(BENCH, &["-U", "--unix"], "for a Unix socket: bench unix PATH"),
    stranger(BENCH, &["-k", "--keepalives"], "connections are kept; --reconnect opens one for each request"),
    stranger(BENCH, &["-z"], "-d is how long to measure: -d 30s"),
    stranger(BENCH, &["-o", "--output"], "> FILE keeps the report; --csv and --hdr write the intervals"),
    stranger(BENCH, &["-x", "--hex"], "bench shows no data; send -x does"),
    stranger(BENCH, &["-N"], "small pieces are sent at once by default; --no-nodelay has them gathered"),
    stranger(BENCH, &["-M"], "--mss is the largest segment: --mss 1400"),
    stranger(BENCH, &["-C"], "--congestion picks the congestion control: --congestion cubic"),
    stranger(BENCH, &["-S"], "--dscp is the traffic class: --dscp EF"),
    stranger(BENCH, &["-O"], "--omit is the warm-up that is not counted: --omit 1s"),
    stranger(BENCH, &["-Z"], "there is no zero-copy sending in this version"),
    stranger(BENCH, &["--port"], "the port goes in HOST:PORT, as in: bench tcp localhost:8080"),
    stranger(
        BENCH,
        &["--follow", "--redirect", "--follow-redirects"],
        "bench follows nothing; --status 302 takes a redirect as the right answer",
    ),
    stranger(BENCH, &["--tls", "--ssl"], "TLS is not in this version"),
];

/// A flag that these commands have, with a value of another tool's meaning.
pub struct Habit {
    /// The long name.
    pub flag: &'static str,
    pub on: On,
    /// Does the value look like it?
    pub meant: fn(&str) -> bool,
    pub hint: &'static str,
}

pub static HABITS: &[Habit] = &[
    Habit { flag: "--param", on: &["serve-tcp"], meant: number, hint: "the port is the argument, as in: serve-tcp 8080" },
    Habit { flag: "--param", on: ALL, meant: number, hint: "the port is an argument, as in: serve echo 8080" },
    Habit { flag: "--param", on: UDP, meant: number, hint: "the port is the argument, as in: serve-udp 8080" },
    Habit { flag: "--param", on: SEND, meant: number, hint: "the port goes in HOST:PORT, as in: send tcp localhost:8080" },
    Habit { flag: "--param", on: BENCH, meant: number, hint: "the port goes in HOST:PORT, as in: bench tcp localhost:8080" },
    Habit { flag: "--protocol", on: BENCH, meant: number, hint: "-c is the number of connections, as in: -c 8" },
    Habit {
        flag: "--timeout",
        on: BENCH,
        meant: size,
        hint: "-w is a time-out; --send-buffer and --recv-buffer set the window",
    },
    Habit { flag: "--threads", on: BENCH, meant: time, hint: "-t is threads; -d is how long to measure, as in: -d 10s" },
];

fn number(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit())
}

fn size(value: &str) -> bool {
    let digits = value.trim_end_matches(['K', 'M', 'G', 'k', 'i', 'B']);
    digits.len() < value.len() && number(digits)
}

fn time(value: &str) -> bool {
    let digits = value.trim_end_matches(['s', 'm', 'h']);
    digits.len() < value.len() && number(digits)
}

/// Words that are no command, and the command to use.
pub static COMMANDS: &[(&[&str], &str)] = &[
    (&["server", "listen", "tcp-listen"], "to listen: serve-tcp 8080, serve-udp 8080 or serve-unix PATH"),
    (&["client", "connect", "tcp", "udp", "unix", "nc"], "to connect: send tcp localhost:8080 hello"),
    (&["load", "perf", "iperf", "ping"], "to measure: bench tcp localhost:8080"),
    (&["relay", "proxy", "forward"], "relaying is not in this version"),
    (&["list", "protocol"], "netproto protocols lists protocols and framings"),
    (&["completion"], "netproto completions zsh prints them"),
];

/// What to type in place of a flag that `command` does not have.
pub fn stranger_to(command: &str, flag: &str) -> Option<&'static str> {
    STRANGERS.iter().find(|row| row.on.contains(&command) && row.flags.contains(&flag)).map(|row| row.hint)
}

/// What was probably meant by `flag value`, which is not valid here.
pub fn habit(command: &str, flag: &str, value: &str) -> Option<&'static str> {
    let of = |row: &&Habit| row.flag == flag && row.on.contains(&command) && (row.meant)(value);
    HABITS.iter().find(of).map(|row| row.hint)
}

/// What was probably meant by a word that is no command.
pub fn command(word: &str) -> Option<&'static str> {
    COMMANDS.iter().find(|(words, _)| words.contains(&word)).map(|(_, hint)| *hint)
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::*;
    use crate::cli::Cli;

    fn has(command: &Command, flag: &str) -> bool {
        command.get_arguments().any(|arg| match flag.strip_prefix("--") {
            Some(long) => arg.get_long() == Some(long),
            None => flag.strip_prefix('-').is_some_and(|letter| arg.get_short() == letter.chars().next()),
        })
    }

    #[test]
    fn strangers_are_strangers_and_habits_are_flags() {
        let mut cli = Cli::command();
        cli.build();
        let sub = |name: &str| cli.find_subcommand(name).expect("a row names a command that does not exist");
        for row in STRANGERS {
            for (command, flag) in row.on.iter().flat_map(|on| row.flags.iter().map(move |flag| (on, flag))) {
                assert!(!has(sub(command), flag), "{command} has {flag}: the row is never reached");
            }
        }
        for row in HABITS {
            for command in row.on {
                assert!(has(sub(command), row.flag), "{command} has no {}", row.flag);
            }
        }
        for (words, _) in COMMANDS {
            assert!(words.iter().all(|word| cli.find_subcommand(word).is_none()), "{words:?}");
        }
    }

    #[test]
    fn no_row_hides_another() {
        let mut seen = std::collections::BTreeSet::new();
        for row in STRANGERS {
            for key in row.on.iter().flat_map(|on| row.flags.iter().map(move |flag| (*on, *flag))) {
                assert!(seen.insert(key), "{key:?} has two hints");
            }
        }
    }
}
