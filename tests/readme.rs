//! README.md says what is true: its examples are run, top to bottom, and its commands, flags, files and widths are held to.
//! How its examples are run and compared, `support/terminal.rs` tells.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use regex::Regex;
use support::{
    COMMANDS, Folder,
    net::refusing,
    peer::installed,
    terminal::{Terminal, agrees, blocks, comparable, examples},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// A bar within quotes is no pipe, and a dash no flag.
fn without_quoted(command: &str) -> String {
    Regex::new("'[^']*'").unwrap().replace_all(command, "DATA").into_owned()
}

#[test]
fn its_examples_print_what_it_says() {
    let (_kept, refusing) = refusing();
    let folder = Folder::new("readme");
    let mut terminal = Terminal::new("README.md", folder.path());
    terminal.ports.insert("8089".into(), refusing.port());
    let mut run = 0;
    for example in examples(&readme()) {
        let command = without_quoted(&example.command);
        let programs: Vec<_> = command.split(" | ").filter_map(|part| part.split_whitespace().next()).collect();
        if example.command.starts_with("netproto serve") && programs.len() == 1 {
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
