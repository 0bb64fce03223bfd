//! Starting `netproto`, talking to it, and waiting for its end, never for longer than a test may hang.

use std::{
    ffi::OsString,
    fmt,
    io::Write,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::{Capture, PATIENCE, proc, report::hold_against_the_schema};

/// The built program with these arguments, not yet started.
pub fn netproto(args: &[&str]) -> Run {
    Run::program(env!("CARGO_BIN_EXE_netproto")).args(args)
}

enum Input {
    Nothing,
    Bytes(Vec<u8>),
    /// Stays open until [`Process::close_stdin`].
    Open,
    From(Stdio),
    /// File descriptor 0 does not exist.
    Closed,
}

/// A program about to be run.
pub struct Run {
    words: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    input: Input,
    stdout: Option<Stdio>,
    within: Duration,
}

impl Run {
    pub fn program(name: impl Into<OsString>) -> Self {
        Self { words: vec![name.into()], env: vec![], input: Input::Nothing, stdout: None, within: PATIENCE }
    }

    pub fn args(mut self, args: &[&str]) -> Self {
        self.words.extend(args.iter().map(OsString::from));
        self
    }

    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.words.push(arg.into());
        self
    }

    /// Runs it under another program: `prlimit --nofile=64`.
    pub fn under(mut self, words: &[&str]) -> Self {
        self.words.splice(0..0, words.iter().map(OsString::from));
        self
    }

    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Input::Bytes(bytes.into());
        self
    }

    /// Standard input stays open and silent.
    pub fn stdin_open(mut self) -> Self {
        self.input = Input::Open;
        self
    }

    pub fn stdin_from(mut self, from: impl Into<Stdio>) -> Self {
        self.input = Input::From(from.into());
        self
    }

    /// As `<&-` in a shell.
    pub fn stdin_closed(mut self) -> Self {
        self.input = Input::Closed;
        self
    }

    pub fn stdout_to(mut self, to: impl Into<Stdio>) -> Self {
        self.stdout = Some(to.into());
        self
    }

    /// Standard output goes into this file.
    pub fn stdout_file(self, path: impl AsRef<Path>) -> Self {
        let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).open(path).unwrap();
        self.stdout_to(file)
    }

    /// Fails the test unless it ends within this time.
    pub fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    pub fn spawn(mut self) -> Process {
        if matches!(self.input, Input::Closed) {
            self = self.under(&["sh", "-c", "exec \"$@\" <&-", "sh"]);
        }
        let what = self.words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).envs(self.env).env_remove("NETPROTO").stderr(Stdio::piped());
        command.stdout(self.stdout.unwrap_or_else(Stdio::piped));
        let (stdin, bytes) = match self.input {
            Input::Nothing | Input::Closed => (Stdio::null(), None),
            Input::Bytes(bytes) => (Stdio::piped(), Some(bytes)),
            Input::Open => (Stdio::piped(), None),
            Input::From(from) => (from, None),
        };
        let started = Instant::now();
        let child = command.stdin(stdin).spawn().unwrap_or_else(|error| panic!("{what}: {error}"));
        // The command holds our copies of the ends that were given to the child.
        drop(command);
        Process::new(child, what, started, self.within, bytes)
    }

    /// Runs it to its end.
    pub fn run(self) -> Output {
        self.spawn().wait()
    }
}

/// A running program; killed when the test forgets it.
pub struct Process {
    pub pid: Pid,
    pub stdout: Capture,
    pub stderr: Capture,
    stdin: Option<ChildStdin>,
    exit: Receiver<(ExitStatus, Duration)>,
    /// Once it is reaped, its id may be anyone's.
    reaped: Arc<Mutex<bool>>,
    what: String,
    within: Duration,
}

impl Process {
    fn new(mut child: Child, what: String, started: Instant, within: Duration, bytes: Option<Vec<u8>>) -> Self {
        let pid = Pid::from_child(&child);
        let mut stdin = child.stdin.take();
        if let Some(bytes) = bytes
            && let Some(mut pipe) = stdin.take()
        {
            // Like a shell, we do not mind when the program stops reading.
            thread::spawn(move || drop(pipe.write_all(&bytes)));
        }
        let stdout = child.stdout.take().map_or_else(Capture::none, Capture::drain);
        let stderr = child.stderr.take().map_or_else(Capture::none, Capture::drain);
        let reaped = Arc::new(Mutex::new(false));
        let exit = reap(child, pid, started, Arc::clone(&reaped));
        Self { pid, stdout, stderr, stdin, exit, reaped, what, within }
    }

    pub fn signal(&self, signal: Signal) {
        let reaped = self.reaped.lock().unwrap();
        if !*reaped {
            kill_process(self.pid, signal).unwrap();
        }
    }

    pub fn say(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> Output {
        self.wait_within(self.within)
    }

    pub fn wait_within(&mut self, within: Duration) -> Output {
        let Ok((status, took)) = self.exit.recv_timeout(within) else {
            panic!("{} did not end within {within:?}\n{}", self.what, self.said());
        };
        Output {
            code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
            signal: status.signal(),
            stdout: self.stdout.all(PATIENCE),
            stderr: String::from_utf8_lossy(&self.stderr.all(PATIENCE)).into_owned(),
            took,
            what: self.what.clone(),
        }
    }

    /// Waits for a line of standard error that holds `part`.
    pub fn talk(&self, part: &str) -> String {
        self.stderr.line(PATIENCE, part).unwrap_or_else(|| panic!("{}: no {part:?} came\n{}", self.what, self.said()))
    }

    pub fn said(&self) -> String {
        format!("--- stdout\n{}\n--- stderr\n{}", end_of(&self.stdout.text()), end_of(&self.stderr.text()))
    }
}

/// What it has started goes with it: a tracer leaves what it traced, and a server its workers.
impl Drop for Process {
    fn drop(&mut self) {
        let reaped = self.reaped.lock().unwrap();
        if !*reaped {
            for pid in proc::descendants(self.pid) {
                let _ = kill_process(pid, Signal::KILL); // it may have ended meanwhile
            }
            kill_process(self.pid, Signal::KILL).unwrap();
        }
    }
}

/// As much as a person reads.
fn end_of(text: &str) -> &str {
    let from = text.len().saturating_sub(4000);
    &text[(from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())..]
}

fn reap(mut child: Child, pid: Pid, started: Instant, reaped: Arc<Mutex<bool>>) -> Receiver<(ExitStatus, Duration)> {
    let (tell, exit) = channel();
    thread::spawn(move || {
        let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        let took = started.elapsed();
        let mut reaped = reaped.lock().unwrap();
        let status = child.wait().unwrap();
        *reaped = true;
        let _ = tell.send((status, took));
    });
    exit
}

/// What a program left behind.
pub struct Output {
    /// 128 + the signal, as in a shell, when a signal ended it.
    pub code: i32,
    pub signal: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
    pub took: Duration,
    what: String,
}

impl Output {
    /// Fails unless it ended with this code, and never in a panic.
    #[track_caller]
    pub fn code(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{self}");
        assert!(!self.stderr.contains("panicked at"), "{self}");
        self
    }

    #[track_caller]
    pub fn said(&self, part: &str) -> &Self {
        assert!(self.stderr.contains(part), "no {part:?} on stderr\n{self}");
        self
    }

    /// Standard output, byte for byte.
    #[track_caller]
    pub fn gave(&self, bytes: impl AsRef<[u8]>) -> &Self {
        let wanted = bytes.as_ref();
        let same = self.stdout == wanted;
        assert!(same, "wanted on stdout: {:?}\n{self}", String::from_utf8_lossy(&wanted[..wanted.len().min(2000)]));
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// One JSON document, which keeps to its schema when it is a report of `bench`.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        self.parsed(&self.stdout)
    }

    /// One JSON object for each line, as [`Output::json`] has them.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        self.text().lines().map(|line| self.parsed(line.as_bytes())).collect()
    }

    #[track_caller]
    fn parsed(&self, text: &[u8]) -> serde_json::Value {
        let document = serde_json::from_slice(text)
            .unwrap_or_else(|error| panic!("no JSON: {error}: {}\n{self}", String::from_utf8_lossy(text)));
        if self.what.contains("netproto bench ") {
            hold_against_the_schema(&document);
        }
        document
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.stdout[..self.stdout.len().min(4000)];
        write!(
            f,
            "{}\nexit {} after {:?}\n--- stdout, {} bytes\n{}\n--- stderr\n{}",
            self.what,
            self.code,
            self.took,
            self.stdout.len(),
            String::from_utf8_lossy(shown),
            self.stderr
        )
    }
}
