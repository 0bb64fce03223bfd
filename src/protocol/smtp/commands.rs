//! What the server answers to each command. The commands are read by `smtp-proto`.

use smtp_proto::{
    AUTH_LOGIN, AUTH_PLAIN, Error, MAIL_BODY_7BIT, MAIL_BODY_8BITMIME, MAIL_SMTPUTF8, MailFrom, RcptTo, Request,
};

use super::{
    address::{literal_named, path},
    auth::{Awaits, Said},
    envelope::{Envelope, Hello, our_name},
    reply::{say, say_more},
    server::{Server, State, unkept},
};
use crate::session::Cx;

/// The longest path, its angle brackets counted (RFC 5321, section 4.5.3.1.3); and of its parts.
const LONGEST_PATH: usize = 254;

/// Answers one command; `line` has its end.
pub(super) fn command(server: &mut Server, cx: &mut Cx<'_>, line: &[u8]) {
    cx.heard(shown(line));
    answer(server, cx, line);
    if verb(line).eq_ignore_ascii_case(b"MAIL") {
        server.envelope.refused = server.envelope.from.is_none();
    }
}

fn answer(server: &mut Server, cx: &mut Cx<'_>, line: &[u8]) {
    // The parser knows no addresses in place of domains.
    let named = literal_named(line);
    match Request::parse(&mut named.as_deref().unwrap_or(line).iter()) {
        Ok(Request::Ehlo { host }) => ehlo(server, cx, &host),
        Ok(Request::Helo { host }) => helo(server, cx, &host),
        Ok(Request::Mail { from }) => match path(line) {
            Some(address) => mail(server, cx, &from, address),
            None => misread(server, cx, &Error::InvalidSenderAddress),
        },
        // The empty path is where bounces come from; nobody lives there (RFC 5321, section 4.5.5).
        Ok(Request::Rcpt { to }) => match path(line).filter(|path| !path.is_empty()) {
            Some(address) => rcpt(server, cx, &to, address),
            None => misread(server, cx, &Error::InvalidRecipientAddress),
        },
        Ok(Request::Data) => data(server, cx),
        Ok(Request::Bdat { chunk_size, is_last }) => bdat(server, cx, chunk_size as u64, is_last),
        Ok(Request::Auth { mechanism, initial_response }) => auth(server, cx, mechanism, &initial_response),
        Ok(Request::Noop { .. }) => say(cx, 250, "2.0.0", "nothing done"),
        Ok(Request::Rset) => {
            server.envelope = Envelope::default();
            say(cx, 250, "2.0.0", "forgotten");
        }
        // Whether a mailbox exists is nobody's business, and 252 is the answer for that (RFC 5321, section 7.3).
        Ok(Request::Vrfy { .. }) => say(cx, 252, "2.5.0", "send it, and it will be tried"),
        Ok(Request::Help { .. }) => say(cx, 214, "2.0.0", "EHLO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT"),
        Ok(Request::Quit) => server.part(cx, 221, "2.0.0", "good bye"),
        Ok(other) => {
            let text = format!("{} is not offered here", other.name());
            server.wrong(cx, 502, "5.5.1", &text);
        }
        // A browser that was sent here, perhaps with mail in the body of its request.
        Err(_) if is_http(line) => server.part(cx, 554, "5.5.1", "this is SMTP, and that was HTTP; closing"),
        Err(_) if is_chunk(line) => no_size(server, cx),
        Err(error) => misread(server, cx, &error),
    }
}

fn verb(line: &[u8]) -> &[u8] {
    line.trim_ascii().split(u8::is_ascii_whitespace).next().unwrap_or_default()
}

/// Is this BDAT, well formed or not?
pub(super) fn is_chunk(line: &[u8]) -> bool {
    verb(line).get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"BDAT"))
}

/// How much of what follows is no command can't be told: nothing of it may be read as one.
pub(super) fn no_size(server: &mut Server, cx: &mut Cx<'_>) {
    server.part(cx, 501, "5.5.4", "the form is: BDAT chunk-size [LAST]; closing");
}

/// A command as the log may have it: what follows AUTH is a password, well formed or not.
pub(super) fn shown(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii();
    if line.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"AUTH")) { b"AUTH ***" } else { line }
}

fn is_http(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    [&b" HTTP/1.1"[..], b" HTTP/1.0"].iter().any(|version| line.ends_with(version))
}

fn misread(server: &mut Server, cx: &mut Cx<'_>, error: &Error) {
    match error {
        Error::UnknownCommand => server.wrong(cx, 500, "5.5.1", "no such command"),
        Error::InvalidSenderAddress => server.wrong(cx, 553, "5.1.7", "that is no address to come from"),
        Error::InvalidRecipientAddress => server.wrong(cx, 553, "5.1.3", "that is no address to go to"),
        Error::SyntaxError { syntax } => server.wrong(cx, 501, "5.5.4", &format!("the form is: {syntax}")),
        Error::InvalidParameter { param } => server.wrong(cx, 501, "5.5.4", &format!("{param} can't be that")),
        Error::UnsupportedParameter { .. } => server.wrong(cx, 555, "5.5.4", "that parameter is not known here"),
        _ => server.wrong(cx, 501, "5.5.2", "that makes no sense"),
    }
}

fn ehlo(server: &mut Server, cx: &mut Cx<'_>, host: &str) {
    greeted(server, host, true);
    let name = our_name(&server.settings, cx);
    say_more(cx, 250, &name);
    say_more(cx, 250, "PIPELINING");
    say_more(cx, 250, &format!("SIZE {}", server.settings.most_bytes));
    if server.settings.plain_auth {
        say_more(cx, 250, "AUTH PLAIN LOGIN");
    }
    for extension in ["8BITMIME", "ENHANCEDSTATUSCODES", "CHUNKING"] {
        say_more(cx, 250, extension);
    }
    say(cx, 250, "", "SMTPUTF8");
}

fn helo(server: &mut Server, cx: &mut Cx<'_>, host: &str) {
    greeted(server, host, false);
    say(cx, 250, "", &our_name(&server.settings, cx));
}

/// Either of them begins anew (RFC 5321, section 4.1.4).
fn greeted(server: &mut Server, host: &str, extended: bool) {
    server.envelope = Envelope::default();
    // It stands in a header field: one word, and what is no letter of a name stays out.
    let name = host.split_whitespace().next().unwrap_or("unknown");
    let name = name.chars().map(|c| if "()<>;\"\\".contains(c) { '?' } else { c }).collect();
    server.hello = Some(Hello { name, extended });
}

/// Is this an address that can be one? The form was seen to by the parser.
fn address_fits(address: &str, utf8: bool) -> Result<(), (u16, &'static str, &'static str)> {
    if !utf8 && !address.is_ascii() {
        return Err((553, "5.6.7", "an address in other letters than ASCII needs SMTPUTF8"));
    }
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    if address.len() > LONGEST_PATH || local.len() > 64 && address.contains('@') {
        return Err((501, "5.1.3", "the address is too long"));
    }
    Ok(())
}

/// The parser's own address has lost its quotes, and the postmaster's name: `address` has not.
fn mail(server: &mut Server, cx: &mut Cx<'_>, from: &MailFrom<std::borrow::Cow<'_, str>>, address: &str) {
    if server.hello.is_none() {
        return server.wrong(cx, 503, "5.5.1", "EHLO comes first");
    }
    if !server.settings.logins.is_empty() && server.login.is_none() {
        let how = if server.settings.plain_auth { "" } else { ", and needs -p allow-plain-auth=true here" };
        return say(cx, 530, "5.7.0", &format!("AUTH comes first{how}"));
    }
    if server.envelope.from.is_some() {
        return server.wrong(cx, 503, "5.5.1", "one message at a time: RSET forgets this one");
    }
    let unknown = from.flags & !(MAIL_BODY_7BIT | MAIL_BODY_8BITMIME | MAIL_SMTPUTF8) != 0
        || from.trans_id.is_some()
        || from.env_id.is_some()
        || from.solicit.is_some()
        || from.mtrk.is_some()
        || (from.by, from.hold_for, from.hold_until, from.mt_priority) != (0, 0, 0, 0);
    if unknown {
        return server.wrong(cx, 555, "5.5.4", "that parameter of MAIL is not offered here");
    }
    let utf8 = from.flags & MAIL_SMTPUTF8 != 0;
    if let Err((code, status, text)) = address_fits(address, utf8) {
        return server.wrong(cx, code, status, text);
    }
    // "If the declared size is too large, 552" (RFC 1870, section 6.1).
    if from.size as u64 > server.settings.most_bytes {
        let text = format!("a message may have {} bytes", server.settings.most_bytes);
        return say(cx, 552, "5.3.4", &text);
    }
    if server.settings.reject_from.iter().any(|pattern| pattern.is_match(address)) {
        return say(cx, 550, "5.7.1", "this sender is refused");
    }
    server.envelope = Envelope { from: Some(address.to_owned()), utf8, ..Envelope::default() };
    say(cx, 250, "2.1.0", "sender taken");
}

fn rcpt(server: &mut Server, cx: &mut Cx<'_>, to: &RcptTo<std::borrow::Cow<'_, str>>, address: &str) {
    let (settings, envelope) = (&server.settings, &mut server.envelope);
    let Some(from) = &envelope.from else {
        return early(server, cx, "MAIL comes first");
    };
    if envelope.delivery.is_some() {
        return server.wrong(cx, 503, "5.5.1", "the message has begun already");
    }
    if to.flags != 0 || to.orcpt.is_some() || to.rrvs != 0 {
        return server.wrong(cx, 555, "5.5.4", "that parameter of RCPT is not offered here");
    }
    if let Err((code, status, text)) = address_fits(address, envelope.utf8) {
        return server.wrong(cx, code, status, text);
    }
    // "The minimum total number of recipients that MUST be buffered is 100"; beyond, 452 (RFC 5321, section 4.5.3.1.10).
    if envelope.recipients.len() as u64 >= settings.most_recipients {
        return say(cx, 452, "4.5.3", "too many recipients for one message");
    }
    if settings.reject_rcpt.iter().any(|pattern| pattern.is_match(address)) {
        return say(cx, 550, "5.1.1", "this recipient is refused");
    }
    if settings.greylist().is_some_and(|list| !list.lets_in(from, address, cx)) {
        return say(cx, 451, "4.7.1", "not seen before (greylisted): come again later");
    }
    envelope.recipients.push(address.to_owned());
    say(cx, 250, "2.1.5", "recipient taken");
}

/// What comes without MAIL makes no sense, unless that was refused.
fn early(server: &mut Server, cx: &mut Cx<'_>, text: &str) {
    if server.envelope.refused {
        say(cx, 503, "5.5.1", "this message was refused already");
    } else {
        server.wrong(cx, 503, "5.5.1", text);
    }
}

/// Is there an envelope for a message?
fn addressed(server: &mut Server, cx: &mut Cx<'_>) -> bool {
    if server.envelope.from.is_none() {
        early(server, cx, "MAIL and RCPT come first");
    } else if server.envelope.recipients.is_empty() {
        // "If there is no valid recipient, 554 or 503" (RFC 5321, section 3.3). With pipelining this is no error of the client's.
        say(cx, 554, "5.5.1", "no valid recipients");
    } else {
        return true;
    }
    false
}

/// Begins the message, or says why not.
fn begin(server: &mut Server, cx: &mut Cx<'_>) -> bool {
    let unknown = Hello::default();
    let hello = server.hello.as_ref().unwrap_or(&unknown);
    let began = server.envelope.begin(&server.settings, hello, server.login.is_some(), cx).err();
    if let Some(error) = &began {
        server.envelope = Envelope { refused: true, ..Envelope::default() };
        unkept(cx, error);
    }
    began.is_none()
}

fn data(server: &mut Server, cx: &mut Cx<'_>) {
    if server.envelope.delivery.is_some() {
        // "DATA and BDAT commands cannot be used in the same transaction" (RFC 3030, section 3).
        return server.wrong(cx, 503, "5.5.1", "a message that began with BDAT goes on with it");
    }
    if addressed(server, cx) && begin(server, cx) {
        server.state = State::Data;
        say(cx, 354, "", "go on, and end with a full stop on a line of its own");
    }
}

fn bdat(server: &mut Server, cx: &mut Cx<'_>, size: u64, last: bool) {
    let taken = server.envelope.delivery.as_ref().map_or(0, |delivery| delivery.size);
    if taken.saturating_add(size) > server.settings.most_bytes {
        let text = format!("a message may have {} bytes; closing", server.settings.most_bytes);
        return server.part(cx, 552, "5.3.4", &text);
    }
    if !addressed(server, cx) || !begin(server, cx) {
        // The chunk comes all the same, and is none of the commands (RFC 3030, section 2).
        if !matches!(server.state, State::Over) {
            server.state = State::Refused { left: size };
        }
    } else {
        server.state = State::Chunk { left: size, last };
    }
    if size == 0 {
        match server.state {
            State::Refused { .. } => server.state = State::Commands,
            State::Chunk { .. } => server.chunk_ends(cx, last),
            _ => {}
        }
    }
}

fn auth(server: &mut Server, cx: &mut Cx<'_>, mechanism: u64, initial: &str) {
    if !server.settings.plain_auth {
        return server.wrong(cx, 538, "5.7.11", "passwords over plain text are not taken (-p allow-plain-auth=true)");
    }
    if server.hello.as_ref().is_none_or(|hello| !hello.extended) {
        return server.wrong(cx, 503, "5.5.1", "EHLO comes first");
    }
    // "After an AUTH command has been successfully completed, no more"; nor during a transaction (RFC 4954, section 4).
    if server.login.is_some() || server.envelope.from.is_some() {
        return server.wrong(cx, 503, "5.5.1", "not now");
    }
    if mechanism != AUTH_PLAIN && mechanism != AUTH_LOGIN {
        return server.wrong(cx, 504, "5.5.4", "PLAIN and LOGIN are offered");
    }
    match Awaits::first(mechanism == AUTH_PLAIN) {
        Said::Goes(awaits, _) if !initial.is_empty() => auth_goes_on(server, cx, &awaits, initial.as_bytes()),
        said => auth_said(server, cx, said),
    }
}

/// A line came in the middle of AUTH.
pub(super) fn auth_goes_on(server: &mut Server, cx: &mut Cx<'_>, awaits: &Awaits, line: &[u8]) {
    if line == b"*" {
        return server.wrong(cx, 501, "5.7.0", "given up");
    }
    let said = std::str::from_utf8(line).map_or(Said::Malformed, |line| awaits.hear(line));
    auth_said(server, cx, said);
}

fn auth_said(server: &mut Server, cx: &mut Cx<'_>, said: Said) {
    match said {
        Said::Goes(awaits, question) => {
            server.state = State::Auth(awaits);
            say(cx, 334, "", question);
        }
        Said::Complete(login) if server.settings.knows(&login.name, &login.password) => {
            server.login = Some(login.name);
            say(cx, 235, "2.7.0", "welcome");
        }
        Said::Complete(_) => server.wrong(cx, 535, "5.7.8", "that is not the name and password"),
        Said::Malformed => server.wrong(cx, 501, "5.5.2", "that is no base64, or not of the right form"),
    }
}
