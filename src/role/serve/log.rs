//! What a server tells: a line for each thing that happened, as text on stderr or as JSON objects on stdout.
//!
//! Lines are written by a thread of their own. When who reads them is too slow, lines are lost and counted; the server is
//! never held up by its own log. Whatever a peer sent is escaped, so that no line can be forged.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel},
    },
    time::{Duration, Instant, SystemTime},
};

use serde_json::{Value, json};

use super::plan::{LogForm, LogPlan};
use crate::{
    role::{Traffic, Way},
    session::{Closed, Endpoint, Record, Rides},
    transport::Scheme,
    values::show::{bits_per_second, bytes, duration, grouped, quoted, three_digits},
};

/// Lines, and bytes of them, that may wait for the writer.
const WAITING: usize = 8192;
const WAITING_BYTES: usize = 8 * 1024 * 1024;
/// How long the end waits for a reader who does not read.
const PATIENCE: Duration = Duration::from_secs(1);
/// Bytes of a message that a line shows.
const SHOWN: usize = 512;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    Listening {
        scheme: String,
        address: String,
    },
    /// Where the figures of this process can be asked for.
    Metrics {
        url: String,
    },
    /// Said once at the start, to people only.
    Hint(String),
    Connected {
        peer: String,
    },
    Refused {
        peer: String,
        why: String,
    },
    Message {
        peer: String,
        way: Way,
        bytes: Vec<u8>,
    },
    /// What a protocol tells of what happened.
    Record {
        peer: String,
        record: Box<Record>,
    },
    Dump {
        peer: String,
        way: Way,
        offset: u64,
        bytes: Vec<u8>,
    },
    Closed {
        peer: String,
        how: String,
        name: &'static str,
        took: Duration,
        bytes_in: u64,
        bytes_out: u64,
        messages: u64,
    },
    /// Something that the person who runs the server should know, and what to do.
    Warning {
        what: String,
        hint: Option<String>,
    },
    Stats(Stats),
    Summary {
        stats: Stats,
        /// Connections, peers, or both.
        came: Vec<(Rides, u64)>,
        resets: u64,
        refused: u64,
    },
}

impl Entry {
    /// A conversation ended.
    #[must_use]
    pub fn closed(peer: &Endpoint, how: &Closed, traffic: &Traffic) -> Self {
        Self::Closed {
            peer: peer.to_string(),
            how: how.to_string(),
            name: how.name(),
            took: traffic.opened.elapsed(),
            bytes_in: traffic.bytes_in,
            bytes_out: traffic.bytes_out,
            messages: traffic.messages,
        }
    }
}

/// Counts over an interval, or over all of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stats {
    pub open: usize,
    pub connections: u64,
    pub messages: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub pauses: u64,
    pub paused: Duration,
    /// Datagrams that were thrown away: peers muted, queues full, or against the rules.
    pub dropped: u64,
    pub seconds: f64,
}

/// The writing end. Clones write to the same place.
#[derive(Debug, Clone)]
pub struct Log {
    lines: SyncSender<Option<String>>,
    state: Arc<State>,
    plan: LogPlan,
    /// What carries the conversations that this clone tells of, where there could be a doubt.
    over: Option<Scheme>,
}

/// What the log and its writer share.
#[derive(Debug, Default)]
struct State {
    lost: AtomicU64,
    waiting_bytes: AtomicUsize,
}

/// The writer, to wait for.
#[derive(Debug)]
pub struct Writer(Receiver<()>);

impl Log {
    /// Starts the writer. `broken` is called when what goes to stdout can't be written any more.
    ///
    /// # Errors
    /// When no thread can be made.
    pub fn start(plan: &LogPlan, broken: impl FnOnce(io::Error) + Send + 'static) -> io::Result<(Self, Writer)> {
        let (lines, waiting) = sync_channel::<Option<String>>(WAITING);
        let (done, writer) = channel();
        let state = Arc::new(State::default());
        let (form, shared) = (plan.form, state.clone());
        std::thread::Builder::new().name("log".into()).spawn(move || {
            let _done: Sender<()> = done;
            for line in waiting.iter().map_while(|line| line) {
                shared.waiting_bytes.fetch_sub(line.len(), Relaxed);
                if let Err(error) = write(form, line, shared.lost.swap(0, Relaxed)) {
                    return broken(error);
                }
            }
        })?;
        Ok((Self { lines, state, plan: plan.clone(), over: None }, Writer(writer)))
    }

    /// The same log, whose lines say what carried it.
    #[must_use]
    pub fn over(&self, scheme: Scheme) -> Self {
        Self { over: Some(scheme), ..self.clone() }
    }

    /// Is a line for each connection wanted?
    #[must_use]
    pub fn connections(&self) -> bool {
        self.plan.verbose > 0 || self.plan.form == LogForm::Json
    }

    /// Are protocols asked to tell what happened, as fields?
    #[must_use]
    pub fn records(&self) -> bool {
        self.connections()
    }

    /// Is every message wanted?
    #[must_use]
    pub fn messages(&self) -> bool {
        self.plan.verbose > 1
    }

    #[must_use]
    pub fn hex(&self) -> bool {
        self.plan.hex
    }

    /// Writes a line, if this plan wants it.
    pub fn say(&self, entry: &Entry) {
        let wanted = match entry {
            Entry::Listening { .. } | Entry::Metrics { .. } | Entry::Refused { .. } => self.plan.ready,
            Entry::Hint(_) => !self.plan.quiet && self.plan.form == LogForm::Text,
            Entry::Connected { .. } | Entry::Closed { .. } | Entry::Record { .. } => self.connections(),
            Entry::Message { .. } => self.messages(),
            Entry::Summary { .. } => !self.plan.quiet,
            _ => true,
        };
        if wanted {
            self.put(said(self.plan.form, self.over, entry));
        }
        // Whoever waits for the ready line reads stderr, in either form.
        if wanted && let (Entry::Listening { .. } | Entry::Metrics { .. }, LogForm::Json) = (entry, self.plan.form) {
            let _ = io::stderr().write_all(text(self.over, entry).as_bytes());
        }
    }

    fn put(&self, line: String) {
        let length = line.len();
        let full = self.state.waiting_bytes.fetch_add(length, Relaxed) > WAITING_BYTES;
        if full || self.lines.try_send(Some(line)).is_err() {
            self.state.waiting_bytes.fetch_sub(length, Relaxed);
            self.state.lost.fetch_add(1, Relaxed);
        }
    }

    /// Ends the writer, when all that was said is written; or when nobody reads it, for a stop must not wait for that.
    pub fn end(&self, writer: &Writer) {
        let until = Instant::now() + PATIENCE;
        while matches!(self.lines.try_send(None), Err(TrySendError::Full(_))) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = writer.0.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

/// Writes a line, and after it how many were lost. A stderr that can't be written is no reason to leave the clients alone;
/// objects are somebody's input.
fn write(form: LogForm, mut line: String, lost: u64) -> io::Result<()> {
    if lost > 0 {
        line.push_str(&said(
            form,
            None,
            &Entry::Warning { what: format!("{lost} log lines lost: their reader is too slow"), hint: None },
        ));
    }
    match form {
        LogForm::Text => io::stderr().write_all(line.as_bytes()).or(Ok(())),
        LogForm::Json => io::stdout().write_all(line.as_bytes()),
    }
}

fn said(form: LogForm, over: Option<Scheme>, entry: &Entry) -> String {
    match form {
        LogForm::Text => text(over, entry),
        LogForm::Json => format!("{}\n", object(over, entry)),
    }
}

/// The time of day, as it is here.
fn time_of_day() -> String {
    jiff::Zoned::now().strftime("%H:%M:%S%.3f").to_string()
}

fn arrow(way: Way) -> &'static str {
    match way {
        Way::In => "<",
        Way::Out => ">",
    }
}

fn text(over: Option<Scheme>, entry: &Entry) -> String {
    let at = over.map_or_else(time_of_day, |scheme| format!("{}  {scheme}", time_of_day()));
    match entry {
        Entry::Listening { scheme, address } => format!("listening on {scheme} {address}\n"),
        Entry::Metrics { url } => format!("metrics on {url}\n"),
        Entry::Hint(hint) => format!("{hint}\n"),
        Entry::Connected { peer } => format!("{at}  {peer}  connected\n"),
        Entry::Refused { peer, why } => format!("{at}  {peer}  refused: {why}\n"),
        Entry::Message { peer, way, bytes } => format!("{at}  {peer}  {} {}\n", arrow(*way), quoted(bytes, SHOWN)),
        Entry::Dump { peer, way, offset, bytes } => {
            format!("{at}  {peer}  {} {} B\n{}", arrow(*way), bytes.len(), crate::values::show::hex_dump(bytes, *offset))
        }
        Entry::Record { peer, record } => {
            let fields: Vec<String> = record.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{at}  {peer}  {} {}\n", record.name, fields.join(" "))
        }
        Entry::Closed { peer, how, name, took, bytes_in, bytes_out, .. } => {
            // A sentence about what the peer did has its own `after`.
            let after = if *name == "violation" { " · " } else { " after " };
            let (took, bytes_in, bytes_out) = (duration(*took), bytes(*bytes_in), bytes(*bytes_out));
            format!("{at}  {peer}  {how}{after}{took} · {bytes_in} in · {bytes_out} out\n")
        }
        Entry::Warning { what, hint } => match hint {
            Some(hint) => format!("{at}  {what}\n              hint: {hint}\n"),
            None => format!("{at}  {what}\n"),
        },
        Entry::Stats(stats) => format!("{at}  {}\n", stats_line(stats)),
        Entry::Summary { stats, came, resets, refused } => summary(stats, came, *resets, *refused),
    }
}

fn stats_line(stats: &Stats) -> String {
    let rate = |n: u64| n as f64 / stats.seconds.max(1e-9);
    let mut line = format!(
        "{} open · {} msg/s · {} in · {} out",
        grouped(stats.open as u64),
        three_digits(rate(stats.messages)),
        bits_per_second(rate(stats.bytes_in) * 8.0),
        bits_per_second(rate(stats.bytes_out) * 8.0),
    );
    if stats.pauses > 0 {
        line.extend([" · ", &grouped(stats.pauses), if stats.pauses == 1 { " pause" } else { " pauses" }]);
    }
    line
}

fn summary(stats: &Stats, came: &[(Rides, u64)], resets: u64, refused: u64) -> String {
    if stats.connections == 0 && refused == 0 {
        return "stopped · nobody came\n".into();
    }
    let whom = |(rides, n): &(Rides, u64)| match (rides, n) {
        (Rides::Stream, 1) => "1 connection".into(),
        (Rides::Stream, n) => format!("{} connections", grouped(*n)),
        (Rides::Datagrams, 1) => "1 peer".into(),
        (Rides::Datagrams, n) => format!("{} peers", grouped(*n)),
    };
    let all: Vec<String> = came.iter().map(whom).collect();
    let mut line = format!("stopped · {} · {} in · {} out", all.join(" · "), bytes(stats.bytes_in), bytes(stats.bytes_out));
    let mut also = |n: u64, what: &str| {
        if n > 0 {
            line.extend([" · ", &grouped(n), " ", what]);
        }
    };
    also(resets, "reset");
    also(refused, "refused");
    also(stats.dropped, "dropped");
    also(stats.pauses, if stats.pauses == 1 { "pause" } else { "pauses" });
    if stats.pauses > 0 {
        line.extend([", ", &duration(stats.paused)]);
    }
    line.push('\n');
    line
}

/// One object. The unit is in the name.
fn object(over: Option<Scheme>, entry: &Entry) -> Value {
    let mut object = match entry {
        Entry::Listening { scheme, address } => json!({"event": "listening", "scheme": scheme, "address": address}),
        Entry::Metrics { url } => json!({"event": "metrics", "url": url}),
        Entry::Hint(hint) => json!({"event": "hint", "hint": hint}),
        Entry::Connected { peer } => json!({"event": "connected", "peer": peer}),
        Entry::Refused { peer, why } => json!({"event": "refused", "peer": peer, "why": why}),
        Entry::Message { peer, way, bytes } => {
            let shown = quoted(bytes, SHOWN);
            json!({"event": "message", "peer": peer, "way": word(*way), "bytes": bytes.len(), "text": shown})
        }
        Entry::Dump { peer, way, offset, bytes } => {
            json!({"event": "bytes", "peer": peer, "way": word(*way), "offset": offset, "hex": crate::values::show::hex(bytes)})
        }
        Entry::Record { peer, record } => {
            let mut fields = record.fields.clone();
            fields.insert("event".into(), record.name.into());
            fields.insert("peer".into(), peer.as_str().into());
            Value::Object(fields)
        }
        Entry::Closed { peer, how, name, took, bytes_in, bytes_out, messages } => {
            json!({"event": "closed", "peer": peer, "how": name, "why": how, "duration_s": took.as_secs_f64(),
                "bytes_in": bytes_in, "bytes_out": bytes_out, "messages": messages})
        }
        Entry::Warning { what, hint } => json!({"event": "warning", "what": what, "hint": hint}),
        Entry::Stats(stats) => counts("stats", stats),
        Entry::Summary { stats, resets, refused, .. } => {
            let mut object = counts("summary", stats);
            object["resets"] = json!(resets);
            object["refused"] = json!(refused);
            object
        }
    };
    if let Some(scheme) = over {
        object["scheme"] = json!(scheme.name());
    }
    object["time"] = json!(jiff::Timestamp::try_from(SystemTime::now()).map(|time| time.to_string()).unwrap_or_default());
    object
}

fn counts(event: &str, stats: &Stats) -> Value {
    json!({"event": event, "duration_s": stats.seconds, "open": stats.open, "connections": stats.connections,
        "messages": stats.messages, "bytes_in": stats.bytes_in, "bytes_out": stats.bytes_out, "pauses": stats.pauses,
        "paused_s": stats.paused.as_secs_f64(), "dropped": stats.dropped})
}

fn word(way: Way) -> &'static str {
    match way {
        Way::In => "in",
        Way::Out => "out",
    }
}
