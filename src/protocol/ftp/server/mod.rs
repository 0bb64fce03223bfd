//! The server end: commands are answered one after the other, each when the one before it is done. What a session may touch is
//! below its root; whether it may change anything there is the user's choice.
//!
//! Clients that pipeline are served in order; ABOR alone does not wait (RFC 959, section 4.1.3).

mod commands;
mod connect;
mod lists;
mod login;
mod transfer;
mod tree;

use std::{collections::VecDeque, ops::RangeInclusive, sync::Arc, time::Duration};

use self::{connect::Data, login::Login, transfer::Transfer};
use super::{
    Account, IDLE, PORTS, Ports, ROOT, USER, WRITE,
    line::{Command, without_secrets, without_telnet},
    listing::Told,
    names::Name,
    sample::Sample,
};
use crate::{
    protocol::Setup,
    session::{ChannelId, ChannelNews, Cx, EffectId, Endpoint, Files, Input, Leaving, Outcome, Session, Violation},
};

/// The longest command, in bytes.
const LONGEST_LINE: usize = 4096 + 64;
/// Commands that wait for their turn; beyond, the client is held back.
const MOST_WAITING: usize = 64;
/// Closed after so long without a command (RFC 1123, section 4.1.3.2: five minutes at least).
const IDLE_LIMIT: Duration = Duration::from_secs(300);
/// A fourth of the limit is looked at at a time.
const TICKS: u32 = 4;

const TICK: EffectId = EffectId(0);
const DELAY: EffectId = EffectId(1);
const ENDED: EffectId = EffectId(2);
const COPY: EffectId = EffectId(3);
const COMMIT: EffectId = EffectId(4);
/// Plus the number of the channel that is waited for.
const PATIENCE: u64 = 16;

/// What the user has chosen.
#[derive(Debug)]
struct Chosen {
    files: Arc<dyn Files>,
    write: bool,
    accounts: Vec<Arc<Account>>,
    ports: Option<RangeInclusive<u16>>,
    idle: Option<Duration>,
}

/// What earlier commands have set for the next.
#[derive(Debug)]
struct State {
    here: Name,
    ascii: bool,
    asked: Asked,
    /// RNFR
    renamed: Option<Name>,
    told: Told,
    /// EPSV ALL (RFC 2428, section 4)
    epsv_only: bool,
}

/// What is said before a transfer, for that one alone.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    /// REST
    restart: u64,
    /// ALLO
    announced: Option<u64>,
}

impl State {
    /// Whatever comes of this transfer, it is not for the next: another file would be cut (RFC 3659, section 5.3).
    fn asked_for(&mut self) -> Asked {
        std::mem::take(&mut self.asked)
    }
}

/// The server end.
#[derive(Debug)]
pub(in crate::protocol::ftp) struct Server {
    chosen: Chosen,
    login: Login,
    state: State,
    waiting: VecDeque<Vec<u8>>,
    held_back: bool,
    data: Data,
    transfer: Option<Transfer>,
    /// Ticks since something last came.
    quiet: u32,
    /// The client says no more.
    ended: bool,
    /// We say no more.
    over: bool,
}

impl Server {
    pub(in crate::protocol::ftp) fn new(setup: &Setup) -> Self {
        let params = &setup.params;
        let chosen = Chosen {
            files: params.place(ROOT).map_or_else(|| Arc::new(Sample) as Arc<dyn Files>, |place| place.files.clone()),
            write: params.switch(WRITE),
            accounts: params.all_made::<Account>(USER),
            ports: params.made::<Ports>(PORTS).map(|ports| ports.0.clone()),
            idle: params.duration(IDLE),
        };
        let state = State {
            here: Name::default(),
            ascii: false,
            asked: Asked::default(),
            renamed: None,
            told: Told::ALL,
            epsv_only: false,
        };
        Self {
            chosen,
            login: Login::default(),
            state,
            waiting: VecDeque::new(),
            held_back: false,
            data: Data::default(),
            transfer: None,
            quiet: 0,
            ended: false,
            over: false,
        }
    }

    /// Does the next command have to wait?
    fn is_blocked(&self) -> bool {
        self.over || self.transfer.is_some() || self.data.is_asked() || self.login.is_delayed()
    }

    /// Takes one line; not in its turn only what can't wait.
    fn line(&mut self, line: Vec<u8>, cx: &mut Cx<'_>) {
        if self.transfer.is_some() {
            if line.eq_ignore_ascii_case(b"ABOR") {
                self.interrupt(426, "aborted", cx);
            } else if line.eq_ignore_ascii_case(b"STAT") && self.waiting.is_empty() {
                return self.status(cx);
            }
        }
        self.waiting.push_back(line);
        self.go_on(cx);
    }

    /// Answers what has its turn.
    fn go_on(&mut self, cx: &mut Cx<'_>) {
        while !self.is_blocked()
            && let Some(line) = self.waiting.pop_front()
        {
            match Command::read(&line) {
                Some(command) => self.command(&command, cx),
                None if std::str::from_utf8(&line).is_err() => say(cx, 501, "names and all else here are UTF-8"),
                None => say(cx, 500, "that is no command"),
            }
        }
        if self.held_back && self.waiting.len() < MOST_WAITING / 2 {
            self.held_back = false;
            cx.resume_input();
        }
        if self.ended && !self.is_blocked() {
            self.bye(cx);
        }
    }

    fn bye(&mut self, cx: &mut Cx<'_>) {
        self.over = true;
        cx.close();
    }

    fn tick(&mut self, cx: &mut Cx<'_>) {
        self.quiet += 1;
        if self.quiet <= TICKS {
            return self.wait_for_tick(cx);
        }
        if self.transfer.is_some() {
            self.interrupt(426, "nothing came and nothing was taken for too long", cx);
        }
        say(cx, 421, "idle for too long, closing");
        self.bye(cx);
    }

    fn wait_for_tick(&self, cx: &mut Cx<'_>) {
        // Who has no address is on this machine, and is not hurried unless told so.
        let usual = matches!(cx.facts.peer, Endpoint::Ip(_)).then_some(IDLE_LIMIT);
        if let Some(limit) = self.chosen.idle.or(usual).filter(|limit| !limit.is_zero()) {
            cx.wake(TICK, limit / TICKS);
        }
    }
}

/// ABOR may come as urgent data, whose last byte, here LF, is left behind until more comes: it is not waited for.
fn is_urgent(rest: &[u8]) -> bool {
    rest.len() < 32 && without_telnet(rest).eq_ignore_ascii_case(b"ABOR\r")
}

/// One reply of one line.
fn say(cx: &mut Cx<'_>, code: u16, text: &str) {
    cx.write(format!("{code} {text}\r\n").as_bytes());
}

/// One reply of several lines (RFC 959, section 4.2).
fn say_all(cx: &mut Cx<'_>, code: u16, first: &str, lines: &[String], last: &str) {
    cx.write(format!("{code}-{first}\r\n").as_bytes());
    for line in lines {
        cx.write(format!(" {line}\r\n").as_bytes());
    }
    say(cx, code, last);
}

impl Session for Server {
    fn open(&mut self, cx: &mut Cx<'_>) {
        say(cx, 220, "netproto FTP server");
        self.wait_for_tick(cx);
    }

    fn input(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        self.quiet = 0;
        while !self.over {
            if self.waiting.len() >= MOST_WAITING {
                self.held_back = true;
                cx.pause_input();
                break;
            }
            let line = input.line(LONGEST_LINE).inspect_err(|_| say(cx, 500, "the line is too long, closing"))?;
            let line = match line {
                Some(line) => without_telnet(line),
                None if is_urgent(input.rest()) => {
                    input.everything();
                    b"ABOR".to_vec()
                }
                None => break,
            };
            cx.heard(without_secrets(&line));
            // Nothing between two line ends: the second one of an urgent ABOR.
            if !line.is_empty() {
                self.line(line, cx);
            }
        }
        Ok(())
    }

    fn channel(&mut self, id: ChannelId, news: ChannelNews, cx: &mut Cx<'_>) -> Result<(), Violation> {
        self.quiet = 0;
        if self.data.is(id) && !self.over {
            self.data_news(news, cx);
            self.go_on(cx);
        }
        Ok(())
    }

    fn resume(&mut self, id: EffectId, outcome: Outcome, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if self.over {
            return Ok(());
        }
        match (id, outcome) {
            (TICK, _) => self.tick(cx),
            (DELAY, _) => self.login_refused(cx),
            (ENDED, _) if self.data.ended => self.received(cx),
            (ENDED, _) => {}
            (COPY, _) => self.copy(cx),
            (COMMIT, Outcome::Committed(done)) => self.committed(done, cx),
            (EffectId(id), _) => self.out_of_patience(ChannelId(id.saturating_sub(PATIENCE)), cx),
        }
        self.go_on(cx);
        Ok(())
    }

    fn eof(&mut self, rest: &[u8], cx: &mut Cx<'_>) -> Result<(), Violation> {
        // A client that is gone can't have sent the whole of anything.
        if self.transfer.is_some() {
            self.interrupt(426, "the control connection ended", cx);
        }
        if !rest.is_empty() && !self.over {
            return Err(Violation::cut_short(rest.len()));
        }
        self.ended = true;
        self.go_on(cx);
        Ok(())
    }

    fn leave(&mut self, why: Leaving, cx: &mut Cx<'_>) {
        match why {
            Leaving::Idle => say(cx, 421, "nothing came for too long"),
            Leaving::Stopped => say(cx, 421, "the server is stopping"),
            Leaving::Done => {}
        }
    }

    fn closed(&mut self, _: &crate::session::Closed) {
        if let Some(transfer) = self.transfer.take() {
            transfer.keep();
        }
    }

    fn busy(&self) -> bool {
        !self.over && (self.is_blocked() || !self.waiting.is_empty())
    }
}
