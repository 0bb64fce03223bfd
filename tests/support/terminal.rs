//! A document that is true: its `console` blocks are run, top to bottom.
//!
//! A block is one terminal. `$ netproto serve...` starts a server on a free port, which stays for the blocks below;
//! every other `$ ` line runs in a shell, and what it prints is compared with the lines under it:
//!
//! - ports of the document stand for the real ones, and a port that nothing in it serves stands for one that refuses;
//! - times of day, durations and the clients' own ports are masked, and spaces count as one;
//! - in a `console varies` block every figure is masked with its unit, histogram bars are skipped, and more lines may come;
//! - a bench runs for 300 ms.

use std::{
    collections::BTreeMap,
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use regex::{Captures, Regex};
use rustix::process::Signal;

use super::{PATIENCE, Process, Run};

/// The fenced blocks: what stands after the fence, and their lines.
pub fn blocks(text: &str) -> Vec<(String, Vec<String>)> {
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
pub struct Example {
    pub command: String,
    shown: Vec<String>,
    varies: bool,
}

impl Example {
    fn new(command: &str, varies: bool) -> Self {
        Self { command: command.into(), shown: Vec::new(), varies }
    }
}

pub fn examples(text: &str) -> Vec<Example> {
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
pub fn comparable(text: &str, varies: bool) -> Vec<String> {
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
pub fn agrees(shown: &[String], real: &[String], varies: bool) -> bool {
    let mut rest = real.iter();
    if varies { shown.iter().all(|line| rest.any(|other| other == line)) } else { shown == real }
}

#[track_caller]
fn compare(document: &str, example: &Example, real: &str) {
    let wanted = comparable(&example.shown.join("\n"), example.varies);
    let got = comparable(real, example.varies);
    let same = agrees(&wanted, &got, example.varies);
    assert!(same, "{document} is not true of: {}\nit says {wanted:#?}\nbut it is {got:#?}", example.command);
}

/// A server of the document: its example, and itself.
struct Running {
    example: Example,
    process: Process,
}

/// The terminal of a document.
pub struct Terminal {
    document: &'static str,
    folder: PathBuf,
    servers: Vec<Running>,
    /// The document's port, and the real one.
    pub ports: BTreeMap<String, u16>,
}

impl Terminal {
    /// Commands run in `folder`.
    pub fn new(document: &'static str, folder: &Path) -> Self {
        Self { document, folder: folder.to_owned(), servers: Vec::new(), ports: BTreeMap::new() }
    }

    fn shell(&self, command: &str) -> Run {
        let program = Path::new(env!("CARGO_BIN_EXE_netproto")).parent().unwrap();
        let path = format!("{}:{}", program.display(), env::var("PATH").unwrap_or_default());
        let script = format!("cd '{}' && {{ {command}\n}} 2>&1", self.folder.display());
        Run::program("sh").args(&["-c", &script]).env("PATH", path).env("COLUMNS", "80").env("NO_COLOR", "1")
    }

    /// With the document's ports in place of the real ones. Two servers may have one number, over TCP and over UDP.
    fn as_written(&self, example: &Example, text: &str) -> String {
        let written = |number: &str| {
            let mut same = self.ports.iter().filter(|(_, real)| real.to_string() == number).map(|(written, _)| written);
            same.clone().find(|written| example.command.contains(written.as_str())).or_else(|| same.next())
        };
        let replaced = |found: &Captures<'_>| written(&found[0]).map_or(found[0].to_owned(), Clone::clone);
        Regex::new(r"\b\d{4,5}\b").unwrap().replace_all(text, replaced).into_owned()
    }

    fn with_real_ports(&self, text: &str) -> String {
        let replaced = |found: &Captures<'_>| self.ports.get(&found[0]).map_or(found[0].to_owned(), ToString::to_string);
        Regex::new(r"\b\d{4}\b").unwrap().replace_all(text, replaced).into_owned()
    }

    pub fn serve(&mut self, example: Example) {
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

    pub fn run(&self, example: &Example) {
        let mut command = self.with_real_ports(&example.command);
        if command.contains(" bench ") {
            command = Regex::new(r" -d \w+").unwrap().replace(&command, "").into_owned();
            command = command.replacen(" bench ", " bench -d 300ms ", 1);
        }
        let output = self.shell(&command).run();
        compare(self.document, example, &self.as_written(example, &output.text()));
    }

    /// Ctrl-C for every server; each has said what the document shows of it, and nothing more.
    pub fn stop(mut self) {
        for mut server in std::mem::take(&mut self.servers) {
            server.process.signal(Signal::INT);
            let output = server.process.wait();
            output.code(0);
            compare(self.document, &server.example, &self.as_written(&server.example, &output.text()));
        }
    }
}
