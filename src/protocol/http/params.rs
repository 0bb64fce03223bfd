//! The parameters of `http`, for both ends.
//!
//! May use: `protocol`'s table.

use super::{fields, urls};
use crate::protocol::{
    Made, Param, ParamKind,
    param::{BODY_FLAG, HEADER_FLAG},
};

pub(super) const ROOT: &str = "root";
pub(super) const ECHO: &str = "echo";
pub(super) const STATUS: &str = "status";
pub(super) const BODY: &str = "body";
pub(super) const HEADER: &str = "header";
pub(super) const CHUNKED: &str = "chunked";
pub(super) const MAX_BODY: &str = "max-body";
pub(super) const HEAD_TIMEOUT: &str = "head-timeout";
pub(super) const METHOD: &str = "method";
pub(super) const LOCATION: &str = "location";
pub(super) const URLS: &str = "urls";
pub(super) const BODY_IS: &str = "body-is";

/// The longest list of URLs, in bytes.
const LONGEST_LIST: usize = 16 * 1024 * 1024;

/// A field as it was typed, checked, as a line.
#[derive(Debug)]
pub(super) struct Line(pub(super) String);

impl Line {
    /// Is it a field of this name?
    pub(super) fn is(&self, name: &str) -> bool {
        self.0.split(':').next().is_some_and(|typed| typed.eq_ignore_ascii_case(name))
    }

    /// Does it say that the connection closes (RFC 9112, section 9.6)?
    pub(super) fn closes(&self) -> bool {
        let value = self.0.split_once(':').map_or("", |(_, value)| value);
        self.is("Connection") && fields::members(value.as_bytes()).any(|option| option.eq_ignore_ascii_case(b"close"))
    }
}

pub(super) static ALL: &[Param] = &[
    Param::server(
        ROOT,
        ParamKind::Folder { make: false },
        "",
        "serve the files of this folder; without it, a page and an echo",
    )
    .excludes(&[ECHO, STATUS, BODY]),
    Param::server(ECHO, ParamKind::Switch, "false", "answer everything with what was received, as JSON")
        .excludes(&[STATUS, BODY]),
    Param::both(
        STATUS,
        ParamKind::Parsed { shape: "CODE", read: status },
        "",
        "the status that is right [otherwise: below 400]; a server answers everything with it",
    ),
    Param::both(BODY, ParamKind::Text, "", "the body of what is sent; of a server, of every answer")
        .is_data()
        .flag_help(BODY_FLAG),
    Param::both(
        HEADER,
        ParamKind::Parsed { shape: "HEADER", read: header },
        "",
        "a header beside the usual ones, 'Name: value'",
    )
    .many()
    .flag_help(HEADER_FLAG),
    Param::both(CHUNKED, ParamKind::Switch, "false", "send the body in chunks"),
    Param::server(MAX_BODY, ParamKind::Size, "1M", "the longest body of a request; a longer one gets 413"),
    Param::server(
        HEAD_TIMEOUT,
        ParamKind::Duration,
        "30s",
        "how long a head or a pause in a body may take, and at most twice that; 0: for ever",
    ),
    Param::client(METHOD, ParamKind::Parsed { shape: "METHOD", read: method }, "", "the method [GET; POST with a body]"),
    Param::client(LOCATION, ParamKind::Switch, "false", "follow redirects")
        .short('L')
        .not_in_bench("a redirect is an answer there: --status 302 says that it is the right one"),
    Param::client(
        URLS,
        ParamKind::File(|sheet| urls::read(sheet.text()?)),
        "",
        "ask the target for these in turn: a path a line, or a URL, whose host goes into Host",
    )
    .flag_help("Ask for each line: a path, or a URL for its Host")
    .longest(LONGEST_LIST),
    Param::client(BODY_IS, ParamKind::Contents, "", "the body of the answer must be what FILE holds"),
];

fn status(text: &str) -> Result<Made, String> {
    match text.parse::<u16>() {
        Ok(status @ (204 | 205 | 304)) if text.len() == 3 => {
            Ok(Made::new(status).bars(BODY, "an answer of this status has no body"))
        }
        Ok(status @ 200..=599) if text.len() == 3 => Ok(Made::new(status)),
        _ => Err("a status is a number from 200 to 599".into()),
    }
}

/// Fields that say where a message ends are ours alone to write.
const OURS: [&str; 3] = ["Content-Length", "Transfer-Encoding", "Trailer"];

/// Fields that say who we are to whoever reads them.
const SECRET: [(&str, &str); 3] = [
    ("Authorization", "the header Authorization"),
    ("Proxy-Authorization", "the header Proxy-Authorization"),
    ("Cookie", "the header Cookie"),
];

fn header(text: &str) -> Result<Made, String> {
    let (name, value) = fields::typed(text)?;
    if let Some(ours) = OURS.iter().find(|ours| name.eq_ignore_ascii_case(ours)) {
        return Err(format!("{ours} follows from the body"));
    }
    let secret = SECRET.iter().find(|(secret, _)| name.eq_ignore_ascii_case(secret)).map(|(_, told)| *told);
    Ok(Made::new(Line(format!("{name}: {value}\r\n"))).secret(secret))
}

fn method(text: &str) -> Result<Made, String> {
    match !text.is_empty() && text.len() <= 20 && text.bytes().all(fields::is_token) {
        true if text == "CONNECT" => Err("CONNECT makes a tunnel, and there is nothing to go through it".into()),
        true => Ok(Made::new(text.to_owned())),
        false => Err("a method is one word".into()),
    }
}
