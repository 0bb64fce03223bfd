//! `smtp`: a server that takes mail and keeps it in a Maildir or an mbox file, or throws it away; and a client that builds
//! messages, or sends files as they are.
//!
//! RFC 5321, with SIZE (RFC 1870), PIPELINING (RFC 2920), CHUNKING (RFC 3030), 8BITMIME (RFC 6152), SMTPUTF8 (RFC 6531), AUTH PLAIN
//! and LOGIN (RFC 4954) and enhanced status codes (RFC 3463, RFC 2034). Nothing is relayed.
//!
//! May use: `session`, `protocol`'s table, `values`, `smtp-proto` to read commands and answers, `mail-builder` for MIME, `base64`,
//! `regex`.

mod address;
mod auth;
mod client;
mod commands;
mod date;
mod envelope;
mod explained;
mod greylist;
mod hearing;
mod lines;
mod mail;
mod mbox;
mod offers;
mod reply;
mod sending;
mod server;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod transfer;
mod wire;

use self::{
    address::Mailbox,
    client::Client,
    greylist::Greylist,
    mail::{DEFAULT_FROM, DEFAULT_TO, Field},
    server::Server,
    settings::{Login, hostname, regex},
};
use super::{
    AnswersBy, Made, Param, ParamKind, Protocol, Takes,
    param::{BODY_FLAG, HEADER_FLAG, USER_FLAG},
};
use crate::session::Rides;

/// The names of the parameters.
mod name {
    pub(super) const MAILDIR: &str = "maildir";
    pub(super) const MBOX: &str = "mbox";
    pub(super) const DISCARD: &str = "discard";
    pub(super) const HOSTNAME: &str = "hostname";
    pub(super) const MAX_SIZE: &str = "max-size";
    pub(super) const MAX_RECIPIENTS: &str = "max-recipients";
    pub(super) const MAX_ERRORS: &str = "max-errors";
    pub(super) const MAX_LINE: &str = "max-line";
    pub(super) const GREETING_DELAY: &str = "greeting-delay";
    pub(super) const REJECT_FROM: &str = "reject-from";
    pub(super) const REJECT_RCPT: &str = "reject-rcpt";
    pub(super) const GREYLIST: &str = "greylist";
    pub(super) const PLAIN_AUTH: &str = "allow-plain-auth";
    pub(super) const USER: &str = "user";
    pub(super) const FROM: &str = "from";
    pub(super) const TO: &str = "to";
    pub(super) const SUBJECT: &str = "subject";
    pub(super) const BODY: &str = "body";
    pub(super) const HEADER: &str = "header";
    pub(super) const ATTACH: &str = "attach";
    pub(super) const NO_CHUNKING: &str = "no-chunking";
}

const REGEX: ParamKind = ParamKind::Parsed { shape: "REGEX", read: regex };
const ADDRESS: ParamKind = ParamKind::Parsed { shape: "ADDRESS", read: |text| Mailbox::read(text).map(Made::new) };
const LOGIN: ParamKind = ParamKind::Parsed { shape: "NAME:PASS", read: |text| Login::read(text).map(Made::new) };
const FIELD: ParamKind = ParamKind::Parsed { shape: "HEADER", read: |text| Field::read(text).map(Made::new) };
const GREY: ParamKind = ParamKind::Parsed { shape: "true|TIME", read: |text| Greylist::read(text).map(Made::new) };
const HOST: ParamKind = ParamKind::Parsed { shape: "NAME", read: hostname };
/// The longest name of a host (RFC 1035, section 2.3.4).
const LONGEST_NAME: usize = 255;

pub(super) static ROW: Protocol = Protocol {
    name: "smtp",
    about: "takes mail and keeps it, or throws it away; sends mail",
    spec: "RFC 5321, 1870, 2920, 3030, 6152, 6531, 4954, 3463, 2034",
    port: Some(25),
    rides: &[Rides::Stream],
    answers: AnswersBy::EACH,
    takes: Takes::Piped { usage: "the message's text" },
    amplifies: false,
    echoes: false,
    cuts_matter: false,
    framed: false,
    paths: false,
    keeps: false,
    params: &[
        Param::server(name::MAILDIR, ParamKind::Folder { make: true }, "", "keep messages in this Maildir, made if missing"),
        Param::server(name::MBOX, ParamKind::Appended, "", "append messages to this mbox file"),
        Param::server(name::DISCARD, ParamKind::Switch, "false", "throw messages away (so too without maildir and mbox)")
            .excludes(&[name::MAILDIR, name::MBOX]),
        Param::server(name::MAX_SIZE, ParamKind::Size, "32M", "the longest message"),
        Param::server(name::MAX_RECIPIENTS, ParamKind::Count, "100", "recipients of one message, at most"),
        Param::server(name::MAX_ERRORS, ParamKind::Count, "10", "commands that make no sense, at most; then 421"),
        Param::server(name::MAX_LINE, ParamKind::Size, "998", "the longest line of a message sent with DATA"),
        Param::server(name::GREETING_DELAY, ParamKind::Duration, "0", "greet so late, and refuse who speaks before"),
        Param::server(name::REJECT_RCPT, REGEX, "", "refuse such recipients with 550").many(),
        Param::server(name::REJECT_FROM, REGEX, "", "refuse such senders with 550").many(),
        Param::server(name::GREYLIST, GREY, "false", "refuse with 451 who was not seen before (TIME ago)"),
        Param::server(name::PLAIN_AUTH, ParamKind::Switch, "false", "offer AUTH PLAIN and LOGIN over plain text"),
        Param::both(name::USER, LOGIN, "", "log in; a server then takes mail of these only")
            .many()
            .secret()
            .flag_help(USER_FLAG),
        Param::both(name::HOSTNAME, HOST, "", "our own name [its address]").longest(LONGEST_NAME),
        Param::client(name::FROM, ADDRESS, DEFAULT_FROM, "the sender; <> is nobody [netproto@localhost]"),
        Param::client(name::TO, ADDRESS, DEFAULT_TO, "a recipient [postmaster]").many(),
        Param::client(name::SUBJECT, ParamKind::Text, "", "the subject").builds(),
        Param::client(name::BODY, ParamKind::Text, "", "the text; or DATA, or a whole message with -f FILE")
            .is_data()
            .flag_help(BODY_FLAG),
        Param::client(name::ATTACH, ParamKind::Contents, "", "attach this file").many().builds(),
        Param::client(name::HEADER, FIELD, "", "a header field, also in place of ours")
            .many()
            .builds()
            .flag_help(HEADER_FLAG),
        Param::client(name::NO_CHUNKING, ParamKind::Switch, "false", "send with DATA also where BDAT is offered"),
    ],
    server: Some(|setup| Box::new(Server::new(setup))),
    client: |setup| Box::new(Client::new(setup)),
    prefix: None,
    explained: &explained::EXPLAINED,
    script: None,
};
