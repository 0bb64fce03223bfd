//! A message in full: as `dig` prints it, for people, and as fields, for machines.
//!
//! May use: the `domain` crate, `serde_json`'s values.

use std::fmt::Write as _;

use domain::{
    base::{
        Message, ParsedRecord, Record, Rtype, ToName,
        iana::OptRcode,
        message::RecordSection,
        name::ParsedName,
        wire::ParseError,
        zonefile_fmt::{DisplayKind, ZonefileFmt as _},
    },
    rdata::AllRecordData,
};
use serde_json::{Map, Value, json};

/// Columns of a line, with what may stand before it.
const WIDTH: usize = 78;
/// Where a line goes on that was too long.
const INDENT: &str = "       ";

type Parsed<'a> = Record<ParsedName<&'a [u8]>, AllRecordData<&'a [u8], ParsedName<&'a [u8]>>>;

/// The bits of the header that are set, as `dig` calls them.
fn flags(message: &Message<[u8]>) -> Vec<&'static str> {
    let header = message.header();
    let all = [
        (header.qr(), "qr"),
        (header.aa(), "aa"),
        (header.tc(), "tc"),
        (header.rd(), "rd"),
        (header.ra(), "ra"),
        (header.ad(), "ad"),
        (header.cd(), "cd"),
    ];
    all.into_iter().filter_map(|(set, name)| set.then_some(name)).collect()
}

/// Its name, or its number where it has none.
fn opcode(message: &Message<[u8]>) -> String {
    let opcode = message.header().opcode();
    let name = opcode.to_mnemonic().map(String::from_utf8_lossy);
    name.map_or_else(|| opcode.to_int().to_string(), Into::into)
}

/// The records of answer, authority and additional, without EDNS. What can't be read ends its section.
fn sections(message: &Message<[u8]>) -> [(&'static str, Vec<Parsed<'_>>); 3] {
    [
        ("ANSWER", section(message.answer())),
        ("AUTHORITY", section(message.authority())),
        ("ADDITIONAL", section(message.additional())),
    ]
}

fn section(section: Result<RecordSection<'_, [u8]>, ParseError>) -> Vec<Parsed<'_>> {
    let records = section.ok().into_iter().flatten().map_while(Result::ok);
    records.filter(|record| record.rtype() != Rtype::OPT).map_while(read).collect()
}

fn read(record: ParsedRecord<'_, [u8]>) -> Option<Parsed<'_>> {
    record.into_record::<AllRecordData<_, _>>().ok().flatten()
}

/// What a record says, as master files have it; of a type that has no form of its own, as `dig` writes RFC 3597, section 5.
pub(super) fn data(data: &AllRecordData<&[u8], ParsedName<&[u8]>>) -> String {
    match data {
        AllRecordData::Unknown(data) => {
            let hex: String = data.data().iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02X}");
                hex
            });
            format!("\\# {} {hex}", data.data().len()).trim_end().into()
        }
        data => data.display_zonefile(DisplayKind::Simple).to_string(),
    }
}

/// The name of a response code, or its number where it has none.
pub(super) fn rcode(rcode: OptRcode) -> String {
    rcode.to_mnemonic_str().map_or_else(|| format!("RCODE {}", rcode.to_int()), str::to_owned)
}

/// The lines of a message.
pub(super) fn lines(message: &Message<[u8]>) -> Vec<String> {
    let (header, counts) = (message.header(), message.header_counts());
    let mut lines = vec![
        format!(";; opcode: {}, status: {}, id: {}", opcode(message), rcode(message.opt_rcode()), header.id()),
        format!(
            ";; flags: {}; QUERY: {}, ANSWER: {}, AUTHORITY: {}, ADDITIONAL: {}",
            flags(message).join(" "),
            counts.qdcount(),
            counts.ancount(),
            counts.nscount(),
            counts.arcount()
        ),
    ];
    if let Some(opt) = message.opt() {
        let dnssec = if opt.dnssec_ok() { " do" } else { "" };
        lines.push(format!("; EDNS: version: {}, flags:{dnssec}; udp: {}", opt.version(), opt.udp_payload_size()));
    }
    let questions: Vec<_> = message.question().map_while(Result::ok).collect();
    if !questions.is_empty() {
        lines.push(";; QUESTION".into());
    }
    for question in questions {
        lines.push(format!(";{} {} {}", question.qname().fmt_with_dot(), question.qclass(), question.qtype()));
    }
    for (name, records) in sections(message) {
        if !records.is_empty() {
            lines.push(format!(";; {name}"));
        }
        for record in &records {
            row(record, &mut lines);
        }
    }
    lines.push(format!(";; {} bytes", message.as_slice().len()));
    lines
}

/// A record in columns, cut at spaces into as many lines as it needs.
fn row(record: &Parsed<'_>, lines: &mut Vec<String>) {
    let owner = record.owner().fmt_with_dot().to_string();
    let mut line = format!("{owner:<23} {:>6} {} {:<5}", record.ttl().as_secs(), record.class(), record.rtype().to_string());
    for word in data(record.data()).split(' ') {
        if line.len() + 1 + word.len() > WIDTH && !line.trim_start().is_empty() {
            lines.push(std::mem::replace(&mut line, INDENT.into()));
        }
        let _ = write!(line, " {word}");
    }
    lines.push(line);
}

/// The same as fields.
pub(super) fn fields(message: &Message<[u8]>) -> Map<String, Value> {
    let header = message.header();
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.into(), value);
    set("id", json!(header.id()));
    set("opcode", json!(opcode(message)));
    set("rcode", json!(rcode(message.opt_rcode())));
    set("flags", json!(flags(message)));
    let edns = |opt: domain::base::opt::OptRecord<&[u8]>| json!({"version": opt.version(), "udp_size": opt.udp_payload_size(), "dnssec_ok": opt.dnssec_ok()});
    set("edns", message.opt().map_or(Value::Null, edns));
    let question = |question: domain::base::Question<ParsedName<&[u8]>>| {
        json!({
            "name": question.qname().fmt_with_dot().to_string(),
            "class": question.qclass().to_string(),
            "type": question.qtype().to_string(),
        })
    };
    set("question", message.question().map_while(Result::ok).map(question).next().unwrap_or_default());
    for ((_, records), name) in sections(message).into_iter().zip(["answers", "authority", "additional"]) {
        set(name, records.iter().map(object).collect());
    }
    set("bytes", json!(message.as_slice().len()));
    fields
}

/// One question and what became of it, for a server's log: all of it is in the answer.
pub(super) fn asked(answer: &[u8]) -> Map<String, Value> {
    let mut fields = Map::new();
    let Ok(message) = Message::from_slice(answer) else { return fields };
    let question = message.first_question();
    let name = question.as_ref().map(|question| question.qname().fmt_with_dot().to_string());
    fields.insert("name".into(), json!(name));
    fields.insert("type".into(), json!(question.as_ref().map(|question| question.qtype().to_string())));
    fields.insert("rcode".into(), json!(rcode(message.opt_rcode())));
    fields.insert("answers".into(), json!(message.header_counts().ancount()));
    fields.insert("truncated".into(), json!(message.header().tc()));
    fields.insert("bytes".into(), json!(answer.len()));
    fields
}

fn object(record: &Parsed<'_>) -> Value {
    json!({
        "name": record.owner().fmt_with_dot().to_string(),
        "ttl_s": record.ttl().as_secs(),
        "class": record.class().to_string(),
        "type": record.rtype().to_string(),
        "data": data(record.data()),
    })
}
