//! What `send` tells on stderr: the timing breakdown, round trips; and its JSON document.

use std::{
    io::{self, Write},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    Exchange, SendPlan, ladder,
    trace::{Trace, us},
};
use crate::{
    error::Trouble,
    session::{Elsewhere, Endpoint, Rides},
    transport::{Host, Place, Route},
    values::show::{self, bytes, grouped, quoted},
};

fn line(text: &str) {
    // Nobody reads: then nobody is told.
    let _ = writeln!(io::stderr(), "{text}");
}

/// A row of the breakdown: what, detail, time.
fn row(what: &str, detail: &str, time: &str) {
    line(format!("{what:<10} {detail:<38} {time:>18}").trim_end());
}

fn ms(duration: Duration) -> String {
    format!("{} ms", show::three_digits(duration.as_secs_f64() * 1e3))
}

pub(super) fn connected(plan: &SendPlan, route: &Route, local: &Endpoint, peer: &Endpoint) {
    if plan.show.verbose == 0 {
        return;
    }
    if !route.resolve.is_zero() {
        let addresses: Vec<String> = route.addresses.iter().map(host).collect();
        let name = match &plan.target.place {
            Place::Net { host: Host::Name(name), .. } => format!("{name}: "),
            _ => String::new(),
        };
        row("resolve", &format!("{name}{}", addresses.join(", ")), &ms(route.resolve));
    }
    for attempt in &route.attempts {
        if let Some(failure) = &attempt.failure {
            row("connect", &format!("{} {failure}", attempt.address), &ms(attempt.took));
        }
    }
    row("connect", &format!("{peer} from {local}"), &ms(route.connect));
}

/// An address without its port.
pub(super) fn host(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Ip(address) => address.ip().to_string(),
        other => other.to_string(),
    }
}

pub(super) fn finished(plan: &SendPlan, exchange: &Exchange) {
    if plan.show.verbose == 0 {
        return;
    }
    let traffic = &exchange.traffic;
    row("sent", &bytes(traffic.bytes_out), "");
    let first = traffic.first_byte.map(|at| format!("first byte {}", ms(at - traffic.opened)));
    row("received", &bytes(traffic.bytes_in), &first.unwrap_or_default());
    let how = match &exchange.how {
        crate::session::Closed::ByUs => "by us".to_owned(),
        crate::session::Closed::ByPeer => "by peer".to_owned(),
        how => how.to_string(),
    };
    let what = if plan.target.scheme.rides() == Rides::Stream { "closed" } else { "done" };
    let how = if what == "done" { String::new() } else { how };
    row(what, &how, &format!("total {}", ms(exchange.took)));
    if let Some(info) = &exchange.tcp_info {
        let rtt = show::duration(info.rtt);
        line(&format!(
            "{:<10} rtt {rtt} · cwnd {} · {} retransmits",
            "tcp",
            info.cwnd,
            grouped(u64::from(info.retransmits))
        ));
    }
}

/// `-z`: it is open.
pub(super) fn open(plan: &SendPlan, peer: &Endpoint, took: Duration) {
    if !plan.show.quiet {
        line(&format!("{} {peer} is open ({})", plan.target.scheme.name(), ms(took)));
    }
}

/// A line of the dialogue: what a peer sent is only shown.
pub(super) fn talk(lane: &str, ours: bool, text: &[u8]) {
    let arrow = if ours { '>' } else { '<' };
    let lane = if lane.is_empty() { String::new() } else { format!("{lane:<8}") };
    line(&format!("{lane}{arrow} {}", show::escaped(text, true)));
}

/// The answer is to be had elsewhere.
pub(super) fn elsewhere(plan: &SendPlan, elsewhere: &Elsewhere) {
    if plan.show.verbose == 0 {
        return;
    }
    let why = quoted_plain(&elsewhere.why);
    if let Some(rides) = elsewhere.rides {
        return row("elsewhere", &format!("{why}; asked again over {}", plan.target.scheme.over(rides).name()), "");
    }
    let (authority, path) =
        (elsewhere.authority.as_deref().unwrap_or_default(), elsewhere.path.as_deref().unwrap_or_default());
    row("elsewhere", &format!("{why} {}", quoted_plain(&format!("{authority}{path}"))), "");
}

/// One of several messages or answers failed.
pub(super) fn wrong(sentence: &str) {
    line(sentence);
}

/// What a peer chose, as it is only shown.
fn quoted_plain(text: &str) -> String {
    show::escaped(text.as_bytes(), false)
}

pub(super) fn retrying(plan: &SendPlan, trouble: &Trouble, left: u32) {
    if !plan.show.quiet {
        line(&format!("{}; trying again in {} ({left} left)", trouble.sentence, show::duration(plan.retry_delay)));
    }
}

/// One of several exchanges failed.
pub(super) fn failed(plan: &SendPlan, n: u64, trouble: &Trouble) {
    if !plan.show.quiet {
        line(&format!("exchange {}: {}", n + 1, trouble.sentence));
        trouble.detail.iter().for_each(|detail| line(detail));
    }
}

/// Round-trip times of several exchanges.
#[derive(Debug, Default)]
pub(super) struct RoundTrips {
    times: Vec<Duration>,
    pub(super) failed: u64,
}

impl RoundTrips {
    pub(super) fn right(&mut self, took: Duration) {
        self.times.push(took);
    }

    pub(super) fn wrong(&mut self) {
        self.failed += 1;
    }

    pub(super) fn all(&self) -> u64 {
        self.times.len() as u64 + self.failed
    }
}

pub(super) fn summary(plan: &SendPlan, mut round: RoundTrips) {
    if plan.show.quiet {
        return;
    }
    let right = round.times.len() as u64;
    line(&format!("{} exchanges · {} answered · {} failed", grouped(round.all()), grouped(right), grouped(round.failed)));
    round.times.sort_unstable();
    let times = &round.times;
    if let (Some(min), Some(max)) = (times.first(), times.last()) {
        let mean = times.iter().sum::<Duration>() / u32::try_from(times.len()).unwrap_or(u32::MAX);
        let median = (times[(times.len() - 1) / 2] + times[times.len() / 2]) / 2;
        let [min, median, mean, max] = [*min, median, mean, *max].map(show::duration);
        line(&format!("round trip   min {min} · median {median} · mean {mean} · max {max}"));
    }
}

/// The JSON document of an exchange that never began.
pub(super) fn unconnected(plan: &SendPlan, trouble: &Trouble, trace: Option<&Trace>) -> String {
    let (target, protocol) = (plan.target.to_string(), plan.protocol.name);
    let mut document = json!({"schema_version": 1, "target": target, "protocol": protocol, "error": trouble.sentence});
    if let Some(trace) = trace {
        document["trace"] = trace.json();
    }
    format!("{document}\n")
}

/// `--trace`: the ladder of the exchange that was the `n`-th.
pub(super) fn traced(plan: &SendPlan, n: u64, trace: &Trace) {
    let all = plan.exchanges();
    let of = if all > 1 { format!("exchange {n} of {} · ", grouped(all)) } else { String::new() };
    let title = format!("{of}{} · {}", plan.target, plan.protocol.name);
    let _ = io::stderr().write_all(ladder::draw(&title, trace).as_bytes());
}

/// The JSON document of one exchange.
pub(super) fn document(plan: &SendPlan, exchange: &Exchange, trouble: Option<&Trouble>, trace: Option<&Trace>) -> String {
    let (traffic, heard) = (&exchange.traffic, &exchange.heard);
    let mut document = json!({
        "schema_version": 1,
        "target": plan.target.to_string(),
        "protocol": plan.protocol.name,
        "local": exchange.local.to_string(),
        "peer": exchange.peer.to_string(),
        "resolve_us": us(exchange.route.resolve),
        "connect_us": us(exchange.route.connect),
        "first_byte_us": traffic.first_byte.map(|at| us(at - traffic.opened)),
        "total_us": us(exchange.took),
        "bytes_sent": traffic.bytes_out,
        "bytes_received": traffic.bytes_in,
        "messages_sent": heard.said,
        "answers": heard.answered,
        "closed": exchange.how.name(),
        "answer_hex": show::hex(&heard.kept),
        "answer_cut": heard.cut,
        "error": trouble.map(|trouble| trouble.sentence.clone()),
        "attempts": exchange.route.attempts.iter().map(|attempt| json!({
            "address": attempt.address.to_string(), "duration_us": us(attempt.took), "error": attempt.failure,
        })).collect::<Vec<Value>>(),
    });
    document["answer"] = match std::str::from_utf8(&heard.kept) {
        Ok(text) => json!(text),
        Err(_) => json!(quoted(&heard.kept, usize::MAX)),
    };
    if !heard.records.is_empty() {
        let records = heard.records.iter().map(|record| {
            let mut fields = record.fields.clone();
            fields.insert("record".into(), record.name.into());
            Value::Object(fields)
        });
        document["records"] = records.collect();
    }
    if let Some(info) = &exchange.tcp_info {
        document["tcp_info"] = json!({"rtt_us": us(info.rtt), "cwnd": info.cwnd, "retransmits": info.retransmits});
    }
    if let Some(trace) = trace {
        document["trace"] = trace.json();
    }
    format!("{document}\n")
}
