//! The envelope of one message: sender and recipients, and what stands in the message about its way (RFC 5321, section 4.4).

use std::fmt::Write as _;

use super::{date::Date, settings::Settings, store::Delivery};
use crate::session::{Cx, Endpoint, FileError};

/// Who the client says it is.
#[derive(Debug, Default)]
pub(super) struct Hello {
    pub(super) name: String,
    /// EHLO, and not HELO.
    pub(super) extended: bool,
}

/// One message's, from MAIL on.
#[derive(Default)]
pub(super) struct Envelope {
    /// `None`: no MAIL yet. The empty one is that of bounces.
    pub(super) from: Option<String>,
    pub(super) recipients: Vec<String>,
    /// With SMTPUTF8 (RFC 6531).
    pub(super) utf8: bool,
    pub(super) delivery: Option<Delivery>,
    /// Where it will be, once it is committed.
    pub(super) places: Vec<String>,
    /// MAIL was refused, or a chunk: what was said behind it, before that was known, is refused too, and makes sense all the same
    /// (RFC 2920, section 3.1).
    pub(super) refused: bool,
}

impl Envelope {
    /// Begins the message itself.
    pub(super) fn begin(
        &mut self,
        settings: &Settings,
        hello: &Hello,
        login: bool,
        cx: &Cx<'_>,
    ) -> Result<&mut Delivery, FileError> {
        let delivery = match self.delivery.take() {
            Some(delivery) => delivery,
            None if settings.stores.discards() => settings.stores.begin("", "", cx.facts.watch.records)?,
            None => {
                let trace = self.trace(settings, hello, login, cx);
                settings.stores.begin(&trace, &self.separator(cx), cx.facts.watch.records)?
            }
        };
        Ok(self.delivery.insert(delivery))
    }

    /// What an mbox file has before a message: the sender, and a time as `asctime` writes it.
    fn separator(&self, cx: &Cx<'_>) -> String {
        let from = self.from.as_deref().filter(|from| !from.is_empty()).unwrap_or("MAILER-DAEMON");
        // The sender ends at the first white space, and the line has ASCII only (RFC 4155, appendix A).
        let plain = |c: char| {
            if !c.is_ascii() {
                '?'
            } else if c.is_whitespace() {
                '_'
            } else {
                c
            }
        };
        let from: String = from.chars().map(plain).collect();
        format!("From {from} {}\n", Date::of(cx).asctime())
    }

    /// The fields that a server puts before a message.
    fn trace(&self, settings: &Settings, hello: &Hello, login: bool, cx: &Cx<'_>) -> String {
        let from = self.from.as_deref().unwrap_or_default();
        let mut trace = format!("Return-Path: <{from}>\n");
        // For whom it came is known nowhere else: the fields of a message may name others.
        for recipient in &self.recipients {
            let _ = writeln!(trace, "Delivered-To: {recipient}");
        }
        let _ = writeln!(trace, "Received: from {} ({})", hello.name, literal(&cx.facts.peer));
        let with = match (self.utf8, hello.extended, login) {
            // RFC 3848, and RFC 6531, section 4.3.
            (true, _, true) => "UTF8SMTPA",
            (true, _, false) => "UTF8SMTP",
            (false, true, true) => "ESMTPA",
            (false, true, false) => "ESMTP",
            (false, false, _) => "SMTP",
        };
        let _ = write!(trace, "\tby {} with {with}", our_name(settings, cx));
        if let [only] = &self.recipients[..] {
            let _ = write!(trace, "\n\tfor <{only}>");
        }
        let _ = writeln!(trace, ";\n\t{}", Date::of(cx));
        trace
    }
}

/// An address in place of a name (RFC 5321, section 4.1.3).
pub(super) fn literal(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Ip(address) => match address.ip().to_canonical() {
            std::net::IpAddr::V4(ip) => format!("[{ip}]"),
            std::net::IpAddr::V6(ip) => format!("[IPv6:{ip}]"),
        },
        Endpoint::Unix(_) | Endpoint::Unnamed => "localhost".into(),
    }
}

/// What we call ourselves.
pub(super) fn our_name(settings: &Settings, cx: &Cx<'_>) -> String {
    settings.hostname.clone().unwrap_or_else(|| literal(&cx.facts.local))
}
