//! A run that only measured, in words: from its document, so that one just made and one that is read again say the same.
//!
//! May use: record's measured runs, shown, `values`.

use std::fmt::Write as _;

use super::{machines, text};
use crate::{
    bench::{
        record::measured::{Bulk, Measured, OneWay, What},
        shown,
    },
    values::show,
};

/// A figure that one looks at first: name, figure, what stands beside it.
pub type Card = (&'static str, String, String);

/// The report for people.
#[must_use]
pub fn words(run: &Measured) -> String {
    let mut text = text::wrapped(&of(run), &parts(run));
    text.push('\n');
    for (name, value, beside) in cards(run) {
        let _ = writeln!(text, "  {name:<12}{value:>16}  {beside}");
    }
    if !run.machines.is_empty() {
        text.push_str(&machines::measured(&run.machines));
    }
    text.push_str(&text::warned(&[&run.failed[..], &run.limits_missed[..]].concat()));
    text
}

/// `bench tcp 127.0.0.1:8080`
#[must_use]
pub fn of(run: &Measured) -> String {
    format!("bench {} {}", run.transport, run.target)
}

/// What it was, in few words.
#[must_use]
pub fn parts(run: &Measured) -> Vec<String> {
    let mut parts = vec![run.protocol.clone()];
    match &run.what {
        What::Bulk(bulk) => {
            parts.push(format!("bulk {}", bulk.direction));
            parts.push(shown::counted(run.connections as u64, "stream"));
        }
        What::OneWay(one_way) => {
            parts.push("one way".into());
            parts.push(shown::counted(one_way.length_bytes, "byte"));
            parts.push(shown::counted(run.connections as u64, "socket"));
        }
    }
    if let Some(rate) = run.asked {
        let bits = matches!(run.what, What::Bulk(_));
        parts.push(format!("{} asked", if bits { show::bits_per_second(rate) } else { shown::per_second(rate) }));
    }
    parts.push(shown::seconds(run.duration));
    if run.interrupted {
        parts.push("interrupted".into());
    }
    parts
}

/// The figures that one looks at first.
#[must_use]
pub fn cards(run: &Measured) -> Vec<Card> {
    let mut cards = match &run.what {
        What::Bulk(bulk) => bulk_cards(bulk),
        What::OneWay(one_way) => one_way_cards(one_way),
    };
    let server = run.server_cpu_percent.map_or("the server told nothing".into(), |percent| format!("server {percent:.0} %"));
    cards.push(("cpu", format!("{:.0} %", run.cpu_percent), server));
    cards.push(("failures", show::grouped(run.failures), if run.failures == 0 { "none" } else { "told below" }.into()));
    cards
}

fn bulk_cards(bulk: &Bulk) -> Vec<Card> {
    let mut cards: Vec<Card> = Vec::new();
    for way in &bulk.ways {
        let view = if way.two_views { "as received" } else { "one view only" };
        cards.push((way.name, show::bits_per_second(way.bits_per_second), view.into()));
    }
    if let Some(rtt) = bulk.rtt {
        let window = bulk.cwnd_bytes.map_or(String::new(), |bytes| format!("cwnd {}", show::bytes(bytes)));
        cards.push(("round trip", show::duration(rtt), window));
    }
    if let Some(many) = bulk.retransmits {
        cards.push(("retransmits", show::grouped(many), "segments".into()));
    }
    cards
}

fn one_way_cards(one_way: &OneWay) -> Vec<Card> {
    let sent = format!("sent {}", shown::rate(one_way.rate_sent));
    let name = if one_way.received.is_some() { "received" } else { "sent" };
    let mut cards: Vec<Card> = vec![
        (name, shown::rate(one_way.rate), sent),
        ("payload", show::bits_per_second(one_way.bits_per_second), format!("{} in all", show::grouped(one_way.sent))),
    ];
    if let (Some(lost), Some(share)) = (one_way.lost, one_way.loss_percent) {
        cards.push(("lost", show::grouped(lost), shown::share(share)));
    }
    let counted = |many: Option<u64>| many.map_or("-".into(), show::grouped);
    if one_way.received.is_some() {
        let beside = format!("{} again, {} out of order", counted(one_way.duplicated), counted(one_way.reordered));
        cards.push(("damaged", counted(one_way.corrupted), beside));
    }
    if let Some(jitter) = one_way.jitter {
        let delay = one_way
            .delay
            .map_or(String::new(), |(p50, p99)| format!("delay p50 {}, p99 {}", show::duration(p50), show::duration(p99)));
        cards.push(("jitter", show::duration(jitter), delay));
    }
    cards
}
