//! What is kept of a run that only measured (`--bulk`, `--one-way`), read back from a document of `bench -J`.
//!
//! May use: node, `os`'s machine, `serde_json`'s values.

use std::time::Duration;

use serde_json::Value;

use super::{
    node::{Node, Wrong},
    read,
};
use crate::os::Machine;

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Of the netproto that wrote it.
    pub version: String,
    pub command: String,
    pub transport: String,
    pub target: String,
    pub protocol: String,
    /// A moment (RFC 3339).
    pub began: String,
    pub duration: Duration,
    pub interrupted: bool,
    /// Streams, or sockets.
    pub connections: usize,
    pub threads: usize,
    /// `None`: it was made of several.
    pub machine: Option<Machine>,
    /// Each machine's run, where it was made of several.
    pub machines: Vec<Measured>,
    /// Of a core; the server's where it told.
    pub cpu_percent: f64,
    pub server_cpu_percent: Option<f64>,
    /// Streams or sockets that failed, and why.
    pub failures: u64,
    pub failed: Vec<String>,
    /// What was asked for per second, bits or datagrams; `None`: as many as go.
    pub asked: Option<f64>,
    pub omit: Duration,
    pub limits_missed: Vec<String>,
    pub what: What,
    pub course: Vec<Moment>,
    /// What it was read from.
    pub document: Value,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Bulk(Bulk),
    OneWay(OneWay),
}

/// Bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Bulk {
    /// `up`, `down` or `both`.
    pub direction: String,
    pub block_bytes: u64,
    /// Both ways together.
    pub bits_per_second: f64,
    pub ways: Vec<Way>,
    pub retransmits: Option<u64>,
    pub rtt: Option<Duration>,
    pub cwnd_bytes: Option<u64>,
}

/// One way of it: as received, where that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// `up` or `down`.
    pub name: &'static str,
    pub bits_per_second: f64,
    /// Both ends told what they counted.
    pub two_views: bool,
}

/// Datagrams.
#[derive(Debug, Clone, PartialEq)]
pub struct OneWay {
    pub length_bytes: u64,
    /// Per second, as received where that is known; and as sent.
    pub rate: f64,
    pub rate_sent: f64,
    pub bits_per_second: f64,
    pub sent: u64,
    /// `None`, as all that follows: the server told nothing.
    pub received: Option<u64>,
    pub lost: Option<u64>,
    pub loss_percent: Option<f64>,
    pub duplicated: Option<u64>,
    pub reordered: Option<u64>,
    pub corrupted: Option<u64>,
    pub jitter: Option<Duration>,
    /// The median, and the 99th percentile.
    pub delay: Option<(Duration, Duration)>,
}

/// One interval, both ends of it from the start of the measured time.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    pub from: Duration,
    pub to: Duration,
    /// Bytes up, or datagrams sent.
    pub out: u64,
    /// Bytes down, or datagrams received; `None`: the server told nothing.
    pub back: Option<u64>,
    /// Segments sent again, or datagrams that were missing; `None`: it is not known.
    pub lost: Option<u64>,
    pub rtt: Option<Duration>,
}

impl Moment {
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.to.saturating_sub(self.from)
    }
}

impl What {
    /// The option of `bench` that measures it.
    #[must_use]
    pub fn option(&self) -> &'static str {
        match self {
            Self::Bulk(_) => "--bulk",
            Self::OneWay(_) => "--one-way",
        }
    }
}

pub(super) fn run(node: &Node<'_>) -> Result<Measured, Wrong> {
    let (cpu, load) = (node.get("cpu")?, node.get("load")?);
    let is_bulk = node.text("mode")? == "bulk";
    let what = if is_bulk { What::Bulk(bulk(node)?) } else { What::OneWay(one_way(node)?) };
    let moment = if is_bulk { bulk_moment } else { one_way_moment };
    let machines = node.list("machines")?.iter().map(run).collect::<Result<Vec<_>, _>>()?;
    let machine = if machines.is_empty() { Some(node.get("machine")?) } else { None };
    let course = node.list("intervals")?.iter().map(moment).collect::<Result<Vec<_>, _>>()?;
    read::in_turn(course.iter().map(|moment| (moment.from, moment.to)))?;
    Ok(Measured {
        version: node.shown("netproto_version")?,
        command: node.shown("command")?,
        transport: node.shown("transport")?,
        target: node.shown("target")?,
        protocol: node.shown("protocol")?,
        began: node.shown("started_at")?,
        duration: node.seconds("duration_s")?,
        interrupted: node.flag("interrupted")?,
        connections: node.size("connections")?,
        threads: node.size("threads")?,
        machine: machine.map(|machine| read::machine(&machine)).transpose()?,
        machines,
        cpu_percent: cpu.amount("generator_percent")?,
        server_cpu_percent: cpu.amount_if("server_percent")?,
        failures: node.count("failures")?,
        failed: failed(node)?,
        asked: load.amount_if(if is_bulk { "bits_per_second_asked" } else { "rate_asked" })?,
        omit: load.seconds("omit_s")?,
        limits_missed: node.list("limits_missed")?.iter().map(Node::as_shown).collect::<Result<_, _>>()?,
        what,
        course,
        document: node.value().clone(),
    })
}

/// A sentence for each stream or socket that did not end as it should.
fn failed(node: &Node<'_>) -> Result<Vec<String>, Wrong> {
    let mut sentences = Vec::new();
    for name in ["stream", "socket"] {
        for one in node.list(&format!("{name}s"))? {
            if let Some(why) = one.find("failure") {
                sentences.push(format!("{name} {}: {}", one.count(name)?, why.as_shown()?));
            }
        }
    }
    Ok(sentences)
}

fn bulk(node: &Node<'_>) -> Result<Bulk, Wrong> {
    let load = node.get("load")?;
    let way = |name| node.find(name).map(|way| self::way(name, &way));
    Ok(Bulk {
        direction: load.shown("direction")?,
        block_bytes: load.count("block_bytes")?,
        bits_per_second: node.amount("bits_per_second")?,
        ways: ["up", "down"].into_iter().filter_map(way).collect::<Result<_, _>>()?,
        retransmits: node.known("retransmits")?,
        rtt: node.micros("rtt_us")?,
        cwnd_bytes: node.known("cwnd_bytes")?,
    })
}

fn way(name: &'static str, node: &Node<'_>) -> Result<Way, Wrong> {
    let two_views = node.find("views_equal").is_some();
    Ok(Way { name, bits_per_second: node.amount("bits_per_second")?, two_views })
}

fn one_way(node: &Node<'_>) -> Result<OneWay, Wrong> {
    let datagrams = node.get("datagrams")?;
    let delay = |name: &str| node.find("delay_us").map_or(Ok(None), |delay| delay.micros(name));
    Ok(OneWay {
        length_bytes: node.get("load")?.count("length_bytes")?,
        rate: node.amount("rate")?,
        rate_sent: node.amount("rate_sent")?,
        bits_per_second: node.amount("bits_per_second")?,
        sent: datagrams.count("sent")?,
        received: datagrams.known("received")?,
        lost: datagrams.known("lost")?,
        loss_percent: datagrams.amount_if("loss_percent")?,
        duplicated: datagrams.known("duplicated")?,
        reordered: datagrams.known("reordered")?,
        corrupted: datagrams.known("corrupted")?,
        jitter: node.micros("jitter_us")?,
        delay: delay("p50")?.zip(delay("p99")?),
    })
}

fn bulk_moment(node: &Node<'_>) -> Result<Moment, Wrong> {
    let (from, to) = read::times(node)?;
    let (out, back) = (node.count("bytes_up")?, Some(node.count("bytes_down")?));
    Ok(Moment { from, to, out, back, lost: node.known("retransmits")?, rtt: node.micros("rtt_us")? })
}

fn one_way_moment(node: &Node<'_>) -> Result<Moment, Wrong> {
    let ((from, to), datagrams) = (read::times(node)?, node.get("datagrams")?);
    let (back, lost) = (datagrams.known("received")?, datagrams.known("lost")?);
    Ok(Moment { from, to, out: datagrams.count("sent")?, back, lost, rtt: None })
}
