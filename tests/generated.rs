//! `completions/` and `man/` are what the program makes now, shells complete with them, and man(1) renders them.
//!
//! `BLESS=1 cargo test` writes them anew. A shell that is not installed is skipped aloud, except where `CI` is set.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod snapshot;
mod support;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use snapshot::{fresh, stale};
use support::peer::installed;

/// Each shell, and the file where its packages look for completions.
const SHELLS: [(&str, &str); 5] = [
    ("bash", "netproto.bash"),
    ("zsh", "_netproto"),
    ("fish", "netproto.fish"),
    ("powershell", "_netproto.ps1"),
    ("elvish", "netproto.elv"),
];

/// What `netproto se` may go on as.
const BEGIN_WITH_SE: [&str; 5] = ["send", "serve", "serve-tcp", "serve-udp", "serve-unix"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Standard output of a program that went well.
#[track_caller]
fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{command:?}: {}\n{stderr}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

fn netproto(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netproto"));
    command.args(args);
    command
}

fn words(text: &str) -> Vec<&str> {
    let words: BTreeSet<_> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    words.into_iter().collect()
}

#[test]
fn completions_are_fresh() {
    let wrong: Vec<_> = SHELLS
        .iter()
        .filter_map(|(shell, file)| stale(&format!("completions/{file}"), &output(&mut netproto(&["completions", shell]))))
        .collect();
    fresh(&wrong);
    let held: BTreeSet<_> =
        fs::read_dir(root().join("completions")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(held, SHELLS.iter().map(|(_, file)| (*file).into()).collect());
}

/// A folder of this test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn pages(folder: &Path) -> Vec<(String, String)> {
    let read = |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap());
    let mut pages: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap())).collect();
    pages.sort();
    pages
}

#[test]
fn man_pages_are_fresh() {
    let made = folder("man-fresh");
    assert_eq!(output(netproto(&["man", "--dir"]).arg(&made)), "");
    let made = pages(&made);
    assert_eq!(output(&mut netproto(&["man"])), made.iter().find(|(name, _)| name == "netproto.1").unwrap().1);
    let wrong: Vec<_> = made.iter().filter_map(|(name, page)| stale(&format!("man/{name}"), page)).collect();
    fresh(&wrong);
    let names = |pages: &[(String, String)]| pages.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&pages(&root().join("man"))), names(&made), "man/ holds a page of no command");
}

/// The date of the pages is that of this version in the change log, once it has one.
#[test]
fn man_pages_have_the_date_of_this_version() {
    let log = fs::read_to_string(root().join("CHANGELOG.md")).unwrap_or_default();
    let version = env!("CARGO_PKG_VERSION");
    let heading = log.lines().find(|line| line.starts_with("## ") && line.contains(version));
    let date = heading.and_then(|line| line.split_whitespace().find(|word| word.starts_with("20")));
    let page = output(&mut netproto(&["man"]));
    let title = page.lines().find(|line| line.starts_with(".TH")).unwrap();
    assert!(date.is_none_or(|date| title.contains(date)), "{title} has another date than {heading:?}");
}

#[test]
fn man_renders_every_page_without_a_warning() {
    if !installed("man") {
        return;
    }
    let made = folder("man-rendered");
    output(netproto(&["man", "--dir"]).arg(&made));
    for (name, _) in pages(&made) {
        let page = made.join(&name);
        let mut man = Command::new("man");
        man.args(["--warnings=w", "-l"]).arg(&page).env("LC_ALL", "C.UTF-8").env("MANWIDTH", "80").env("MANPAGER", "cat");
        let text = output(&mut man);
        assert!(text.contains("NAME") && text.contains("EXIT STATUS"), "{name}:\n{text}");
    }
}

/// A folder with the completions of this shell, made now: blessing may be writing those in `completions/`.
fn completions(shell: &str) -> PathBuf {
    let folder = folder(&format!("completions-{shell}"));
    let (_, file) = SHELLS.iter().find(|(name, _)| *name == shell).unwrap();
    fs::write(folder.join(file), output(&mut netproto(&["completions", shell]))).unwrap();
    folder
}

#[test]
fn bash_completes() {
    if !installed("bash") {
        return;
    }
    let folder = completions("bash");
    // What a shell sets that somebody types into.
    let script = "source netproto.bash
        COMP_WORDBREAKS=$' \\t\\n\"\\'><=;|&(:' COMP_LINE=$1 COMP_POINT=${#1}
        COMP_WORDS=($1); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _netproto netproto \"${COMP_WORDS[-1]}\" \"${COMP_WORDS[-2]}\"
        printf '%s\\n' \"${COMPREPLY[@]}\"";
    let complete =
        |line: &str| output(Command::new("bash").args(["--norc", "-c", script, "bash", line]).current_dir(&folder));
    assert_eq!(words(&complete("netproto se")), BEGIN_WITH_SE);
    assert_eq!(words(&complete("netproto serve-tcp -P ec")), ["echo"]);
    assert_eq!(words(&complete("netproto bench --framing net")), ["netstring"]);
    assert_eq!(words(&complete("netproto send --expect-h")), ["--expect-hex"]);
    for command in ["send", "bench", "serve"] {
        assert_eq!(words(&complete(&format!("netproto {command} day"))), ["daytime"], "{command}");
    }
    assert_eq!(words(&complete("netproto send t")), ["tcp", "time"]);
    parameters(&folder, complete, "");
    assert_eq!(words(&complete("netproto serve dns 0 -p zone=zo")), ["zone.txt", "zones"]);
    assert_eq!(words(&complete("netproto serve http 0 --param=root=zo")), ["zones"]);
}

/// What `-p` completes as in bash and fish: `before` stands before each value.
fn parameters(folder: &Path, complete: impl Fn(&str) -> String, before: &str) {
    fs::create_dir_all(folder.join("zones")).unwrap();
    fs::write(folder.join("zone.txt"), "").unwrap();
    let all = |line: &str| words(&complete(line)).into_iter().map(ToOwned::to_owned).collect::<Vec<_>>();
    let http = all("netproto serve-tcp 0 -P http -p ");
    assert!(http.contains(&"root=".into()) && http.contains(&"echo=".into()) && !http.contains(&"zone=".into()), "{http:?}");
    assert_eq!(all("netproto serve-tcp 0 --protocol=http -p st"), ["status="]);
    assert_eq!(all("netproto serve http 0 --param ec"), ["echo="]);
    assert_eq!(all("netproto send http://localhost -p meth"), ["method="]);
    assert_eq!(all("netproto send http localhost -p roo"), [""; 0]);
    assert_eq!(all("netproto serve http 0 -p echo=t"), [format!("{before}true").replace("KEY", "echo")]);
    assert!(all("netproto serve-tcp 0 -p ").contains(&"root=".into()), "of all, where none is named");
}

#[test]
fn fish_completes() {
    if !installed("fish") {
        return;
    }
    let home = completions("fish");
    let complete = |line: &str| {
        let script = format!("source netproto.fish; complete --do-complete {line:?}");
        output(
            Command::new("fish")
                .args(["--no-config", "-c", &script])
                .current_dir(&home)
                .env("HOME", &home)
                .env("XDG_CONFIG_HOME", &home)
                .env("XDG_DATA_HOME", &home),
        )
    };
    assert_eq!(words(&complete("netproto se")), BEGIN_WITH_SE);
    assert_eq!(words(&complete("netproto serve-tcp -P ec")), ["echo"]);
    assert_eq!(words(&complete("netproto bench --framing net")), ["netstring"]);
    assert_eq!(words(&complete("netproto send --expect-h")), ["--expect-hex"]);
    fs::write(home.join("chat.lua"), "").unwrap();
    assert_eq!(words(&complete("netproto send tcp -P ./ch")), ["./chat.lua"]);
    parameters(&home, complete, "KEY=");
    assert_eq!(words(&complete("netproto serve dns 0 -p zone=zo")), ["zone=zone.txt", "zone=zones/"]);
    assert_eq!(words(&complete("netproto serve http 0 -p root=zo")), ["root=zones/"]);
    for command in ["send", "bench", "serve"] {
        assert_eq!(words(&complete(&format!("netproto {command} dayt"))), ["daytime"], "{command}");
        let later = complete(&format!("netproto {command} localhost dayt"));
        assert!(!later.contains("daytime"), "{command}: {later}");
    }
}

/// Zsh completes only in its line editor, so a zsh in a pseudo-terminal is given the line and a tab.
#[test]
fn zsh_completes() {
    if !installed("zsh") {
        return;
    }
    let home = completions("zsh");
    let complete = |line: &str| zsh_list(&home, line);
    for word in BEGIN_WITH_SE {
        assert!(complete("netproto se").contains(word), "{word}: {}", complete("netproto se"));
    }
    assert!(complete("netproto serve-tcp -P ").contains("processed"), "{}", complete("netproto serve-tcp -P "));
    fs::write(home.join("chat.lua"), "").unwrap();
    assert!(complete("netproto serve-tcp -P ").contains("chat.lua"), "{}", complete("netproto serve-tcp -P "));
    for command in ["send", "bench", "serve"] {
        let listed = complete(&format!("netproto {command} d"));
        assert!(listed.contains("daytime") && listed.contains("discard"), "{command}: {listed}");
    }
    fs::create_dir_all(home.join("zones")).unwrap();
    fs::write(home.join("zone.txt"), "").unwrap();
    for (line, wanted, unwanted) in [
        ("netproto serve-tcp 0 -P http -p ", &["root=", "echo="][..], "zone="),
        ("netproto serve dns 0 -p ", &["zone=", "ttl="], "root="),
        ("netproto send http localhost --param=", &["method=", "header="], "root="),
        ("netproto serve http 0 -p echo=", &["true", "false"], "zone.txt"),
        ("netproto serve dns 0 -p zone=zo", &["zone.txt", "zones"], "root"),
        ("netproto serve http 0 -p root=zo", &["zones"], "zone.txt"),
    ] {
        let listed = complete(line);
        assert!(wanted.iter().all(|word| listed.contains(word)) && !listed.contains(unwanted), "{line}: {listed}");
    }
}

/// What zsh lists for this line.
fn zsh_list(home: &Path, line: &str) -> String {
    let script = r#"
        zmodload zsh/zpty
        zpty -b shell zsh -f -i
        zpty -w shell "PS1=; fpath=($2 \$fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=1000; stty cols 200 rows 100"
        zpty -w shell "bindkey '^I' list-choices; print READY''NOW"
        zpty -r shell seen '*READYNOW*' || exit 1
        zpty -n -w shell "$1"$'\t'
        zpty -n -w shell $'\C-u'
        zpty -w shell "print DONE''NOW"
        zpty -r shell listed '*DONENOW*' || exit 1
        print -r -- $listed
        zpty -d shell"#;
    output(
        Command::new("zsh")
            .args(["-f", "-c", script, "zsh", line])
            .arg(home)
            .current_dir(home)
            .env("HOME", home)
            .env("TERM", "dumb"),
    )
}
