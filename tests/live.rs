//! `bench --live` on a terminal: what is seen, what keys do to the run, and that the terminal is given back on every way out.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use rexpect::{
    process::{Signal, WaitStatus},
    session::PtySession,
};
use serde_json::Value;
use support::{PATIENCE, Server, netproto, pty::on_an_echoing_terminal, report::hold_against_the_schema};

/// A terminal of 80 by 24 that does what it is told.
struct Screen {
    session: PtySession,
    rows: Vec<[char; 80]>,
    at: (usize, usize),
    /// Bytes that are not whole yet.
    rest: Vec<u8>,
    /// Is it the other screen, which programs have for themselves? Is the cursor seen?
    alternate: bool,
    cursor: bool,
    /// What came while it was the usual screen.
    usual: Vec<u8>,
}

impl Screen {
    fn start(args: &[&str]) -> Self {
        let session = on_an_echoing_terminal(args);
        let rows = vec![[' '; 80]; 24];
        Self { session, rows, at: (0, 0), rest: Vec::new(), alternate: false, cursor: true, usual: Vec::new() }
    }

    fn text(&self) -> String {
        self.rows.iter().map(|row| String::from_iter(row).trim_end().to_owned() + "\n").collect()
    }

    /// Takes in what has come.
    fn look(&mut self) {
        while let Some(byte) = self.session.try_read() {
            self.rest.push(u8::try_from(u32::from(byte)).unwrap());
            self.obey();
        }
    }

    fn obey(&mut self) {
        if let [0x1b, rest @ ..] = &self.rest[..] {
            let [b'[', rest @ ..] = rest else { return };
            let Some((last, numbers)) = rest.split_last() else { return };
            if (0x40..=0x7e).contains(last) {
                let (last, numbers) = (*last, String::from_utf8(numbers.to_vec()).unwrap());
                self.sequence(last, &numbers);
                self.rest.clear();
            }
        } else if let Ok(text) = std::str::from_utf8(&self.rest) {
            let letters: Vec<_> = text.chars().collect();
            if !self.alternate {
                self.usual.extend(&self.rest);
            }
            self.rest.clear();
            for letter in letters {
                self.put(letter);
            }
        }
    }

    fn put(&mut self, letter: char) {
        let (row, column) = self.at;
        if self.alternate && !letter.is_control() {
            self.rows[row][column] = letter;
            self.at.1 = (column + 1).min(79);
        }
    }

    fn sequence(&mut self, last: u8, numbers: &str) {
        match (last, numbers) {
            (b'h', "?1049") => self.alternate = true,
            (b'l', "?1049") => self.alternate = false,
            (b'h', "?25") => self.cursor = true,
            (b'l', "?25") => self.cursor = false,
            (b'J', _) => self.rows.fill([' '; 80]),
            (b'H', _) => {
                let mut numbers = numbers.split(';').map(|number| number.parse::<usize>().unwrap_or(1) - 1);
                self.at = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
            }
            (b'm', _) => {}
            (other, _) => panic!("{numbers}{} is not known here", char::from(other)),
        }
    }

    /// Until it shows this.
    #[track_caller]
    fn shows(&mut self, wanted: &str) {
        self.until(wanted, |screen| screen.text().contains(wanted));
    }

    #[track_caller]
    fn until(&mut self, wanted: &str, is: impl Fn(&Self) -> bool) {
        let since = Instant::now();
        loop {
            self.look();
            if is(self) {
                return;
            }
            let usual = self.usual.escape_ascii();
            assert!(since.elapsed() < PATIENCE, "{wanted} did not come:\n{}\n{usual}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn press(&mut self, keys: &str) {
        self.session.send(keys).unwrap();
        self.session.flush().unwrap();
    }

    /// The program ends; gives what it said on the usual screen, and its exit code.
    fn ends(&mut self) -> (String, i32) {
        let WaitStatus::Exited(_, code) = self.session.process().wait().unwrap() else { panic!("it was killed") };
        let rest = self.session.exp_eof().unwrap();
        for byte in rest.chars() {
            self.rest.push(u8::try_from(u32::from(byte)).unwrap());
            self.obey();
        }
        assert!(!self.alternate && self.cursor, "the terminal was not given back: {:?}", self.text());
        (String::from_utf8(std::mem::take(&mut self.usual)).unwrap(), code)
    }
}

fn report(text: &str) -> Value {
    let line = text.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("no JSON: {text}"));
    let report = serde_json::from_str(line).unwrap();
    hold_against_the_schema(&report);
    report
}

#[test]
fn keys_change_the_run_and_the_report_tells_of_it() {
    let server = Server::start(&["serve-tcp", "0"]);
    let at = server.at();
    let mut screen = Screen::start(&["bench", "tcp", &at, "-r", "200", "-c", "2", "-d", "60s", "--live", "-J"]);
    screen.shows("● running");
    screen.shows("asked 200/s");
    screen.shows("1 throughput");
    screen.press(" ");
    screen.shows("‖ paused");
    screen.press(" ");
    screen.shows("● running");
    screen.press("+");
    screen.shows("asks for 220/s from now on");
    screen.shows("asked 220/s");
    screen.press("r400\r");
    screen.shows("asked 400/s");
    screen.press("?");
    screen.shows("─ keys ─");
    screen.press("x4");
    screen.shows("4 heat map");
    screen.until("no other chart", |screen| !screen.text().contains("1 throughput"));
    screen.press("q");
    let (text, code) = screen.ends();
    assert_eq!(code, 0, "{text}");
    let report = report(&text);
    let changes: Vec<_> = report["changes"].as_array().unwrap().iter().map(|change| &change["change"]).collect();
    assert_eq!(changes, ["pause", "rate", "rate", "end"]);
    let rates: Vec<_> = report["changes"].as_array().unwrap().iter().filter_map(|c| c["rate_asked"].as_f64()).collect();
    assert_eq!(rates, [220.0, 400.0]);
    assert!(report["changes"][0]["lasted_s"].as_f64().unwrap() > 0.0);
    assert_eq!((&report["interrupted"], &report["failures"]["total"]), (&true.into(), &0.into()));
    // What was asked is the mean over the time that the load was not paused, and all of it was sent.
    let (asked, sent) = (report["load"]["rate_asked"].as_f64().unwrap(), report["requests_sent"].as_f64().unwrap());
    let due = asked * report["duration_s"].as_f64().unwrap();
    assert!((200.0..400.0).contains(&asked) && (due - sent).abs() <= 4.0, "{due} were due, {sent} were sent");
}

#[test]
fn a_closed_loop_can_be_paused_but_has_no_rate() {
    let mut screen = Screen::start(&["bench", "tcp", "-c", "2", "-n", "100000000", "--live"]);
    screen.shows("● running");
    screen.press("+");
    screen.shows("a closed loop has no rate");
    screen.press(" ");
    screen.shows("‖ paused");
    screen.press("\x03");
    let (text, code) = screen.ends();
    assert_eq!(code, 130, "{text}");
    assert!(text.contains("closed loop · ") && text.contains("interrupted") && text.contains("paused for"), "{text}");
}

#[test]
fn a_run_that_ends_by_itself_or_by_a_signal_gives_the_terminal_back() {
    let mut screen = Screen::start(&["bench", "tcp", "-c", "2", "-r", "50", "-d", "1s", "--live"]);
    screen.shows("1 throughput");
    let (text, code) = screen.ends();
    assert_eq!((code, text.contains("changed")), (0, false), "{text}");
    let mut screen = Screen::start(&["bench", "tcp", "-c", "2", "-r", "50", "-d", "60s", "--live"]);
    screen.shows("● running");
    screen.session.process_mut().signal(Signal::SIGTERM).unwrap();
    let (text, code) = screen.ends();
    assert!(code == 130 && text.contains("interrupted"), "{code}: {text}");
    let mut screen = Screen::start(&["bench", "tcp", "-c", "2", "-r", "50", "-d", "60s", "--live", "-J"]);
    screen.shows("● running");
    screen.session.process_mut().signal(Signal::SIGHUP).unwrap();
    let (text, code) = screen.ends();
    assert_eq!((code, &report(&text)["interrupted"]), (130, &true.into()), "{text}");
}

#[test]
fn control_z_gives_the_terminal_back_until_it_goes_on() {
    let mut screen = Screen::start(&["bench", "tcp", "-c", "2", "-r", "50", "-d", "60s", "--live", "-J"]);
    for stop in [None, Some(Signal::SIGTSTP)] {
        screen.shows("● running");
        match stop {
            None => screen.press("\x1a"),
            Some(signal) => screen.session.process_mut().signal(signal).unwrap(),
        }
        screen.until("the usual screen", |screen| !screen.alternate && screen.cursor);
        screen.rows.fill([' '; 80]);
        // Longer than a generator may stand still without a word.
        std::thread::sleep(Duration::from_millis(800));
        // It has stopped, or will: until it has, going on means nothing to it.
        while !screen.alternate {
            screen.session.process_mut().signal(Signal::SIGCONT).unwrap();
            std::thread::sleep(Duration::from_millis(50));
            screen.look();
        }
    }
    screen.shows("● running");
    screen.press("q");
    let (text, _) = screen.ends();
    let report = report(&text);
    let changes: Vec<_> = report["changes"].as_array().unwrap().iter().map(|change| &change["change"]).collect();
    assert_eq!(changes, ["pause", "pause", "end"]);
    assert_eq!(report["generator"]["stood_still_s"], 0.0, "{}", report["generator"]);
}

#[test]
fn what_can_not_be_drawn_says_why() {
    let refused = netproto(&["bench", "tcp", "--live"]).run();
    refused.code(2).said("--live draws on the terminal, and standard error is none").said("hint: leave it out");
    for (flags, why) in [
        (&["--bulk", "up"][..], "--bulk sends none"),
        (&["--find-max", "p99<2ms"], "--find-max makes many"),
        (&["--repeat", "2"], "--repeat makes several"),
        (&["--shard", "1/2"], "a shard has only its part"),
        (&["-q"], "--quiet nothing but the report"),
        (&["--json-stream"], "both write while it runs"),
        (&["-i", "1s"], "no room for lines"),
    ] {
        netproto(&[&["bench", "tcp", "localhost:1", "--live"], flags].concat()).run().code(2).said(why);
    }
}
