//! The scripts in `examples/`, and its tutorial: every line of it is run.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{fs, path::Path};

use support::{
    peer::installed,
    terminal::{Terminal, blocks, examples},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn tutorial() -> String {
    fs::read_to_string(root().join("examples/README.md")).unwrap()
}

fn scripts() -> Vec<String> {
    let names =
        fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut scripts: Vec<_> =
        names.filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "lua")).collect();
    scripts.sort();
    scripts
}

#[test]
fn every_line_of_the_tutorial_is_true() {
    let mut terminal = Terminal::new("examples/README.md", root());
    let mut run = 0;
    for example in examples(&tutorial()) {
        if example.command.starts_with("netproto serve") {
            terminal.serve(example);
        } else {
            assert!(example.command.contains("netproto ") && installed("printf"), "{}", example.command);
            terminal.run(&example);
        }
        run += 1;
    }
    terminal.stop();
    assert!(run > 20, "only {run} lines were found");
}

#[test]
fn each_step_is_served_talked_and_benched() {
    let commands: Vec<_> = examples(&tutorial()).into_iter().map(|example| example.command).collect();
    let steps: Vec<_> = scripts().into_iter().filter(|name| name.starts_with("finger-")).collect();
    assert_eq!(steps.len(), 5);
    for step in steps {
        for command in ["netproto serve", "netproto send", "netproto bench"] {
            let done = |line: &&String| line.contains(command) && line.contains(&format!("examples/{step}"));
            assert!(commands.iter().any(|line| done(&line)), "{command} of {step}");
        }
        assert!(tutorial().contains(&format!("]({step})")) || step.contains("accept"), "{step} is linked");
    }
}

/// What the tutorial shows of a step is in its script, line by line.
#[test]
fn the_code_shown_is_the_code() {
    let all: String = scripts().iter().map(|name| fs::read_to_string(root().join("examples").join(name)).unwrap()).collect();
    let shown: Vec<_> = blocks(&tutorial()).into_iter().filter(|(kind, _)| kind == "lua").collect();
    assert_eq!(shown.len(), 2);
    for line in shown.iter().flat_map(|(_, lines)| lines).filter(|line| !line.contains("finger is not served")) {
        assert!(all.lines().any(|other| other == line), "{line:?} is in no script");
    }
}
