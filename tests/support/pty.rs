//! A terminal: what a person would have on the screen.

use std::process::Command;

use rexpect::{
    reader::Options,
    session::{PtySession, spawn_with_options},
};

use super::PATIENCE;

/// `netproto` on a terminal, without colours.
pub fn on_a_terminal(args: &[&str]) -> PtySession {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netproto"));
    command.args(args);
    start(command)
}

/// The same with 80 columns and the usual settings: what is typed is shown, Ctrl-C as `^C`.
pub fn on_an_echoing_terminal(args: &[&str]) -> PtySession {
    let mut command = Command::new("sh");
    command.args(["-c", r#"stty sane cols 80 rows 24; exec "$0" "$@""#, env!("CARGO_BIN_EXE_netproto")]).args(args);
    start(command)
}

fn start(mut command: Command) -> PtySession {
    command.env("NO_COLOR", "1").env("TERM", "xterm-256color");
    let patience = u64::try_from(PATIENCE.as_millis()).unwrap();
    spawn_with_options(command, Options::new().timeout_ms(Some(patience))).unwrap()
}

/// What is to be seen in the end, when a terminal of 80 columns has obeyed all of it.
pub fn seen(screen: &[u8]) -> String {
    let text = std::str::from_utf8(screen).unwrap();
    let (mut rows, mut row, mut column) = (vec![[' '; 80]], 0, 0);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' => column = 0,
            '\n' => row += 1,
            '\x1b' => match sequence(&mut letters) {
                ('A', many) => row -= many.max(1),
                ('B', many) => row += many.max(1),
                ('K', 2) => rows[row] = [' '; 80],
                (other, many) => panic!("{many}{other} is not known here: {}", screen.escape_ascii()),
            },
            _ => {
                // After the last column the next letter goes to the next line, and the cursor waits until then.
                if column == 80 {
                    (row, column) = (row + 1, 0);
                }
                rows.resize(rows.len().max(row + 1), [' '; 80]);
                rows[row][column] = letter;
                column += 1;
            }
        }
        rows.resize(rows.len().max(row + 1), [' '; 80]);
    }
    let lines: Vec<String> = rows.iter().map(|row| String::from_iter(row).trim_end().into()).collect();
    lines.join("\n")
}

/// Of `[2K` the letter and the number.
fn sequence(letters: &mut std::str::Chars) -> (char, usize) {
    let mut number = String::new();
    assert_eq!(letters.next(), Some('['));
    loop {
        match letters.next().unwrap() {
            digit if digit.is_ascii_digit() => number.push(digit),
            letter => return (letter, number.parse().unwrap_or(0)),
        }
    }
}

/// Every byte that came until the program ended.
pub fn screen(session: &mut PtySession) -> Vec<u8> {
    let text = session.exp_eof().unwrap();
    // One character stands for one byte.
    text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect()
}

/// Fails when a terminal would obey any of it: only lines and tabs may pass.
#[track_caller]
pub fn obeys_nothing(screen: &[u8]) {
    let shown = screen.escape_ascii().to_string();
    let control = |&byte: &u8| byte == 0x7f || (byte < 0x20 && !matches!(byte, b'\n' | b'\r' | b'\t'));
    assert!(!screen.iter().any(control), "a control character came through: {shown}");
    let text = std::str::from_utf8(screen).unwrap_or_else(|_| panic!("bytes that are no UTF-8 came through: {shown}"));
    let acts = |letter: char| matches!(u32::from(letter), 0x80..=0x9f | 0x200b..=0x200f | 0x2028..=0x202e | 0x2066..=0x2069 | 0xfeff);
    assert!(!text.chars().any(acts), "C1 or bidi controls came through: {shown}");
}

/// Fails when a peer has made a line of its own.
#[track_caller]
pub fn forges_nothing(screen: &[u8]) {
    let text = String::from_utf8_lossy(screen);
    let shown = screen.escape_ascii();
    assert!(!text.lines().any(|line| line.trim_start().starts_with("2026-01-01 forged")), "a line was forged: {shown}");
}
