//! README.md says what is true: its examples are run, top to bottom, and its commands, flags, files and widths are held to.
//!
//! A `console` block is one terminal. `$ netproto serve-...` starts a server on a free port, which stays for the blocks below;
//! every other `$ ` line runs in a shell, and what it prints is compared with the lines under it:
//!
//! - ports of the README stand for the real ones, and a port that nothing in it serves stands for one that refuses;
//! - times of day, durations and the clients' own ports are masked, and spaces count as one;
//! - in a `console varies` block every figure is masked with its unit, histogram bars are skipped, and more lines may come;
//! - a bench runs for 300 ms.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{collections::BTreeMap, env, fs, net::SocketAddr, path::Path, process::Command};

use regex::{Captures, Regex};
use rustix::process::Signal;
use support::{Folder, PATIENCE, Process, Run, net::refusing, peer::installed};

const COMMANDS: [&str; 9] =
    ["serve-tcp", "serve-udp", "serve-unix", "send", "bench", "protocols", "explain", "completions", "man"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The fenced blocks: what stands after the fence, and their lines.
fn blocks(text: &str) -> Vec<(String, Vec<String>)> {
    let mut blocks: Vec<(String, Vec<String>)> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(_) if open => open = false,
            Some(kind) => {
                open = true;
                blocks.push((kind.into(), Vec::new()));
            }
            None if open => blocks.last_mut().unwrap().1.push(line.into()),
            None => {}
        }
    }
    assert!(!open, "a fence is never closed");
    blocks
}

/// A command of the README, with what it is said to print.
struct Example {
    command: String,
    shown: Vec<String>,
    varies: bool,
}

impl Example {
    fn new(command: &str, varies: bool) -> Self {
        Self { command: command.into(), shown: Vec::new(), varies }
    }
}

fn examples(text: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for (kind, lines) in blocks(text) {
        if !kind.starts_with("console") {
            continue;
        }
        assert!(lines.first().is_some_and(|line| line.starts_with("$ ")), "a console block begins with a command");
        for line in lines {
            match line.strip_prefix("$ ") {
                Some(command) => examples.push(Example::new(command, kind.ends_with("varies"))),
                None => examples.last_mut().unwrap().shown.push(line),
            }
        }
    }
    examples
}

/// What is compared of a text: without what differs from run to run.
fn comparable(text: &str, varies: bool) -> Vec<String> {
    let mask = |text: String, pattern: &str, with: &str| Regex::new(pattern).unwrap().replace_all(&text, with).into_owned();
    let mut text = text.replace("[::1]", "127.0.0.1").replace("^C", "");
    text = mask(text, r"\d\d:\d\d:\d\d\.\d+", "TIME");
    text = mask(text, r"(?m)(from |^TIME +)127\.0\.0\.1:\d+", "${1}CLIENT");
    text = mask(text, r"\b\d[\d.,]* (us|ms|s)\b", "DURATION");
    text = mask(text, r"cwnd \d+", "cwnd N");
    if varies {
        text = mask(text, r"(?m)^.*[▏▎▍▌▋▊▉█].*$", "");
        text = mask(text, r"\b\d[\d.,]*( (B|[KMG]iB|[kMG]?bit/s|%)|/s)?", "N");
        text = mask(text, "DURATION", "N");
    }
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect();
    // Both loopback addresses read the same now; a machine without IPv6 has one.
    lines.dedup();
    lines
}

/// Every line of `shown` comes in `real`, in this order; and no other one comes, unless the figures vary.
fn agrees(shown: &[String], real: &[String], varies: bool) -> bool {
    let mut rest = real.iter();
    if varies { shown.iter().all(|line| rest.any(|other| other == line)) } else { shown == real }
}

#[track_caller]
fn compare(example: &Example, real: &str) {
    let wanted = comparable(&example.shown.join("\n"), example.varies);
    let got = comparable(real, example.varies);
    let same = agrees(&wanted, &got, example.varies);
    assert!(same, "README.md is not true of: {}\nit says {wanted:#?}\nbut it is {got:#?}", example.command);
}

/// A server of the README: its example, and itself.
struct Running {
    example: Example,
    process: Process,
}

/// The terminal of the README.
struct Terminal {
    folder: Folder,
    servers: Vec<Running>,
    /// The README's port, and the real one.
    ports: BTreeMap<String, u16>,
}

impl Terminal {
    fn shell(&self, command: &str) -> Run {
        let program = Path::new(env!("CARGO_BIN_EXE_netproto")).parent().unwrap();
        let path = format!("{}:{}", program.display(), env::var("PATH").unwrap_or_default());
        let script = format!("cd '{}' && {{ {command}\n}} 2>&1", self.folder.path().display());
        Run::program("sh").args(&["-c", &script]).env("PATH", path).env("COLUMNS", "80").env("NO_COLOR", "1")
    }

    /// With the README's ports in place of the real ones. Two servers may have one number, over TCP and over UDP.
    fn as_in_readme(&self, example: &Example, text: &str) -> String {
        let readme = |number: &str| {
            let mut same = self.ports.iter().filter(|(_, real)| real.to_string() == number).map(|(readme, _)| readme);
            same.clone().find(|readme| example.command.contains(readme.as_str())).or_else(|| same.next())
        };
        let replaced = |found: &Captures<'_>| readme(&found[0]).map_or(found[0].to_owned(), Clone::clone);
        Regex::new(r"\b\d{4,5}\b").unwrap().replace_all(text, replaced).into_owned()
    }

    fn with_real_ports(&self, text: &str) -> String {
        let replaced = |found: &Captures<'_>| self.ports.get(&found[0]).map_or(found[0].to_owned(), ToString::to_string);
        Regex::new(r"\b\d{4}\b").unwrap().replace_all(text, replaced).into_owned()
    }

    fn serve(&mut self, example: Example) {
        let port = Regex::new(r" (\d{4})\b").unwrap().captures(&example.command).map(|found| found[1].to_owned());
        let command = example.command.trim_end_matches([' ', '&']);
        let command = port.as_ref().map_or(command.to_owned(), |port| command.replace(port.as_str(), "0"));
        let process = self.shell(&format!("exec {command}")).spawn();
        let ready =
            process.stdout.line(PATIENCE, "listening on ").unwrap_or_else(|| panic!("{command}: {}", process.said()));
        if let Some(port) = port {
            let addr: SocketAddr = ready.rsplit(' ').next().unwrap().parse().unwrap();
            self.ports.insert(port, addr.port());
        }
        self.servers.push(Running { example, process });
    }

    fn run(&self, example: &Example) {
        let mut command = self.with_real_ports(&example.command);
        if command.contains(" bench ") {
            command = Regex::new(r" -d \w+").unwrap().replace(&command, "").into_owned();
            command = command.replacen(" bench ", " bench -d 300ms ", 1);
        }
        let output = self.shell(&command).run();
        compare(example, &self.as_in_readme(example, &output.text()));
    }

    /// Ctrl-C for every server; each has said what the README shows of it, and nothing more.
    fn stop(mut self) {
        for mut server in std::mem::take(&mut self.servers) {
            server.process.signal(Signal::INT);
            let output = server.process.wait();
            output.code(0);
            compare(&server.example, &self.as_in_readme(&server.example, &output.text()));
        }
    }
}

/// A bar within quotes is no pipe, and a dash no flag.
fn without_quoted(command: &str) -> String {
    Regex::new("'[^']*'").unwrap().replace_all(command, "DATA").into_owned()
}

#[test]
fn its_examples_print_what_it_says() {
    let (_kept, refusing) = refusing();
    let mut terminal = Terminal { folder: Folder::new("readme"), servers: Vec::new(), ports: BTreeMap::new() };
    terminal.ports.insert("8089".into(), refusing.port());
    let mut run = 0;
    for example in examples(&readme()) {
        let command = without_quoted(&example.command);
        let programs: Vec<_> = command.split(" | ").filter_map(|part| part.split_whitespace().next()).collect();
        if example.command.starts_with("netproto serve-") && programs.len() == 1 {
            terminal.serve(example);
        } else if programs.iter().skip(1).all(|program| installed(program)) {
            terminal.run(&example);
        }
        run += 1;
    }
    terminal.stop();
    assert!(run > 15, "only {run} examples were found");
}

#[test]
fn its_set_up_is_two_commands() {
    let set_up: Vec<_> = blocks(&readme()).into_iter().filter(|(kind, _)| kind == "sh").collect();
    let wanted = vec!["cargo run --release -- bench tcp".to_owned(), "cargo test".to_owned()];
    assert_eq!(set_up, [("sh".to_owned(), wanted)]);
}

fn help(command: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_netproto")).args([command, "--help"]).output().unwrap();
    assert!(output.status.success(), "{command} --help");
    String::from_utf8(output.stdout).unwrap()
}

/// A flag stands in a help text as a word of its own.
fn has_flag(help: &str, flag: &str) -> bool {
    let word = |word: &str| word.trim_matches([',', '.', ';']).trim_end_matches("...") == flag;
    help.lines().any(|line| line.trim_start().starts_with('-') && line.split_whitespace().any(word))
}

/// What code the README holds: commands without their output, and what stands between backticks.
fn code(text: &str) -> Vec<String> {
    let inline = Regex::new(r"`([^`\n]+)`").unwrap();
    let prose: String = text.split("```").step_by(2).collect();
    let spans = inline.captures_iter(&prose).map(|found| found[1].to_owned());
    spans.chain(examples(text).into_iter().map(|example| example.command)).collect()
}

/// The flags in a piece of code that no help text knows.
fn unknown_flags(code: &str, helps: &BTreeMap<&str, String>) -> Vec<String> {
    let ours = code.split(" | ").next().unwrap().split(';').next().unwrap();
    let ours = without_quoted(ours);
    let words: Vec<_> = ours.split_whitespace().collect();
    if !(code.starts_with("netproto ") || code.starts_with('-')) {
        return Vec::new();
    }
    let command = words.get(1).filter(|_| words[0] == "netproto");
    let known = |flag: &str| {
        // A repeated letter is the same flag twice.
        let flag = if flag == "-vv" { "-v" } else { flag };
        helps.iter().any(|(name, help)| command.is_none_or(|command| command == name) && has_flag(help, flag))
    };
    words.iter().filter(|word| word.starts_with('-') && !known(word)).map(|word| format!("{word} in: {code}")).collect()
}

#[test]
fn its_commands_and_flags_exist() {
    let helps: BTreeMap<_, _> = COMMANDS.iter().map(|command| (*command, help(command))).collect();
    let text = readme();
    let mut wrong = Vec::new();
    for code in code(&text) {
        wrong.extend(unknown_flags(&code, &helps));
        let command = code.strip_prefix("netproto ").and_then(|rest| rest.split_whitespace().next());
        wrong.extend(command.filter(|command| !COMMANDS.contains(command)).map(|command| format!("no command: {command}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn its_files_exist_and_its_code_fits_80_columns() {
    let text = readme();
    let link = Regex::new(r"\]\(([^)#]+)\)").unwrap();
    for found in link.captures_iter(&text).filter(|found| !found[1].contains("://")) {
        assert!(root().join(&found[1]).exists(), "README.md names {}", &found[1]);
    }
    let wide: Vec<_> =
        blocks(&text).into_iter().flat_map(|(_, lines)| lines).filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    assert!(text.lines().count() <= 300, "a README is read in one go");
}

/// The checks above can fail.
#[test]
fn what_is_not_true_is_seen() {
    let lines = |text: &str, varies| comparable(text, varies);
    let differ = |shown: &str, real: &str, varies| !agrees(&lines(shown, varies), &lines(real, varies), varies);
    assert!(differ("hello", "hallo", false));
    assert!(differ("5 B in", "6 B in", false));
    assert!(differ("hello", "hello\nmore", false));
    assert!(differ("failures 0", "failures 3 0.1 %", true));
    assert!(differ("a\nb", "b\na", true));
    assert!(!differ("p99  1.2 ms\nfirst", "p99 873 us\nextra\nfirst", true));
    assert!(!differ("14:02:11.204  [::1]:51544  connected", "09:00:00.001  127.0.0.1:4  connected", false));
    let helps = BTreeMap::from([("send", help("send"))]);
    assert_eq!(unknown_flags("netproto send --expct x", &helps).len(), 1);
    assert_eq!(unknown_flags("--expect", &helps), Vec::<String>::new());
}
