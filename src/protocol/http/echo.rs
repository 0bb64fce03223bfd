//! What was received, as JSON: for whoever wants to see what a client sends.
//!
//! May use: `bytes`, `serde_json`.

use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, JSON},
    head::Request,
    target::Target,
};

/// A request's body and trailers, as far as they were kept.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Received<'a> {
    pub(super) body: &'a [u8],
    /// All that came, kept or not.
    pub(super) length: u64,
    /// Lines, each with its end.
    pub(super) trailers: &'a [u8],
}

/// Answers with what came.
pub(super) fn answer(request: &Request<'_>, target: Target<'_>, received: Received<'_>, peer: &str) -> Answer {
    let (path, query) = match target {
        Target::Path { path, query } => (path, query),
        Target::Asterisk | Target::Tunnel => ("*", None),
    };
    let headers: Vec<_> = request.fields.0.iter().map(|field| json!([field.name, lossy(field.value)])).collect();
    let mut all = Map::new();
    all.insert("method".into(), request.method.into());
    all.insert("path".into(), path.into());
    all.insert("query".into(), query.map_or(Value::Null, Value::from));
    all.insert("version".into(), if request.newer { "1.1" } else { "1.0" }.into());
    all.insert("headers".into(), headers.into());
    all.insert("body_bytes".into(), received.length.into());
    match std::str::from_utf8(received.body) {
        Ok(text) => all.insert("body".into(), text.into()),
        Err(_) => all.insert("body_hex".into(), hex(received.body).into()),
    };
    let trailers: Vec<_> = received.trailers.split(|byte| *byte == b'\n').filter_map(trailer).collect();
    all.insert("trailers".into(), trailers.into());
    all.insert("peer".into(), peer.into());
    let mut text = serde_json::to_vec_pretty(&all).unwrap_or_default();
    text.push(b'\n');
    // It is what the client said: no browser is to take it for a page.
    Answer::new(200).body(JSON, text).field("X-Content-Type-Options", "nosniff")
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn trailer(line: &[u8]) -> Option<Value> {
    let at = line.iter().position(|byte| *byte == b':')?;
    Some(json!([lossy(&line[..at]), lossy(line[at + 1..].trim_ascii())]))
}
