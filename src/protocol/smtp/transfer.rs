//! How a message goes over the wire, in as few turns as the server's extensions allow.

use std::{fmt::Write as _, sync::Arc};

use super::{
    client::{Client, ROOM, Step},
    mail::Mail,
    sending::{Next, Reply, Sending},
    wire::Wire,
};
use crate::{
    session::{Cx, Event, FileReader},
    values::show::grouped,
};

/// Bytes of a file that are said at once.
const PIECE: usize = 64 * 1024;

/// Says what can be said now. `true`: nothing more can be, and the message has failed.
pub(super) fn go_on(client: &mut Client, cx: &mut Cx<'_>) -> bool {
    loop {
        let Some(mut sending) = client.sending.take() else { return false };
        let went_on = step(client, &mut sending, cx);
        let failed = went_on == Went::Failed;
        client.sending = Some(sending);
        if went_on != Went::On {
            return failed;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Went {
    On,
    Waits,
    Failed,
}

/// Chunks are sent without awaiting the answer to each, or not at all.
fn chunks(client: &Client) -> bool {
    client.offers.chunking && client.offers.pipelining && !client.options.no_chunking
}

fn step(client: &mut Client, sending: &mut Sending, cx: &mut Cx<'_>) -> Went {
    // Without PIPELINING each command awaits the answer to the one before. A file, which may be long, is begun only when it is
    // known that somebody takes it.
    let in_turn = !client.offers.pipelining || (sending.next == Next::Content && matches!(sending.mail, Mail::File { .. }));
    if in_turn && !client.awaited.is_empty() {
        return Went::Waits;
    }
    if in_turn && matches!(sending.next, Next::Rcpt(_) | Next::Content) && sending.hopeless() {
        return Went::Failed;
    }
    match sending.next {
        Next::Reset | Next::Mail if !sending.begun && unsendable(client, &sending.mail).is_some() => {
            sending.last = unsendable(client, &sending.mail);
            return Went::Failed;
        }
        Next::Reset => {
            client.stale = false;
            client.command(cx, Step::Reset, "RSET");
            sending.next = Next::Mail;
        }
        Next::Mail => {
            sending.begun = true;
            let line = mail_command(client, &sending.mail);
            client.command(cx, Step::Mail, &line);
            sending.next = Next::Rcpt(0);
        }
        Next::Rcpt(n) => {
            let line = format!("RCPT TO:<{}>", client.options.to[n].address);
            client.command(cx, Step::Rcpt(n), &line);
            let more = n + 1 < client.options.to.len();
            sending.next = if more { Next::Rcpt(n + 1) } else { Next::Content };
        }
        Next::Content => content(client, sending, cx),
        Next::Stream { at, dotted } if !client.holds_back => return stream(client, sending, at, dotted, cx),
        Next::Stream { .. } | Next::Nothing => return Went::Waits,
    }
    Went::On
}

fn mail_command(client: &Client, mail: &Mail) -> String {
    let mut line = format!("MAIL FROM:<{}>", client.options.from.address);
    if client.offers.size.is_some() {
        let _ = write!(line, " SIZE={}", mail.size());
    }
    if mail.eight_bit() {
        line += " BODY=8BITMIME";
    }
    if client.options.utf8() {
        line += " SMTPUTF8";
    }
    line
}

/// What this server does not take, as if it had said so.
fn unsendable(client: &Client, mail: &Mail) -> Option<Reply> {
    let offers = &client.offers;
    let refused = |code, text: String| Some(Reply { code, text });
    if let Some(most) = offers.size.filter(|most| *most > 0 && mail.size() > *most) {
        return refused(552, format!("it has {} bytes, and the server takes {}", grouped(mail.size()), grouped(most)));
    }
    if client.options.utf8() && !offers.utf8 {
        return refused(553, "an address has other letters than ASCII, and the server does not offer SMTPUTF8".into());
    }
    if mail.eight_bit() && !offers.eight_bit {
        return refused(554, "it has bytes above 127, and the server does not offer 8BITMIME".into());
    }
    None
}

/// Begins the message: with DATA, which is answered first; or with BDAT.
fn content(client: &mut Client, sending: &mut Sending, cx: &mut Cx<'_>) {
    if !chunks(client) {
        sending.next = Next::Nothing;
        return client.command(cx, Step::Data, "DATA");
    }
    match &sending.mail {
        Mail::Whole { stamp, plain, .. } => {
            client.command(cx, Step::Message, &format!("BDAT {} LAST", sending.mail.size()));
            told(cx, sending.mail.size());
            cx.write(stamp.as_bytes());
            cx.write_shared(plain);
            sending.next = Next::Nothing;
        }
        Mail::File { .. } => {
            sending.form = Wire::plain();
            sending.next = Next::Stream { at: 0, dotted: false };
        }
    }
}

/// The server waits for the message.
pub(super) fn after_data(client: &mut Client, cx: &mut Cx<'_>) {
    let Some(sending) = &mut client.sending else { return };
    // "The client SHOULD send a single dot" where no recipient was taken, and DATA was said before that was known (RFC 2920,
    // section 3.1).
    if sending.accepted() == 0 {
        cx.write(b".\r\n");
        return client.awaited.push_back(Step::Message);
    }
    match &sending.mail {
        Mail::Whole { stamp, dotted, .. } => {
            told(cx, sending.mail.size());
            cx.write(stamp.as_bytes());
            cx.write_shared(dotted);
            cx.write(b".\r\n");
            client.awaited.push_back(Step::Message);
        }
        Mail::File { .. } => {
            sending.form = Wire::dotted();
            sending.next = Next::Stream { at: 0, dotted: true };
            client.go_on(cx);
        }
    }
}

fn told(cx: &mut Cx<'_>, size: u64) {
    cx.talk("", true, format!("({} bytes of message)", grouped(size)).as_bytes());
}

/// Says the next piece of a file, and goes on when that has left.
fn stream(client: &mut Client, sending: &mut Sending, at: u64, dotted: bool, cx: &mut Cx<'_>) -> Went {
    let Mail::File { reader, size, .. } = &sending.mail else { return Went::Waits };
    let (mut wire, size) = (Vec::with_capacity(PIECE + PIECE / 32), *size);
    let n = match piece(reader, at, &mut sending.form, &mut wire) {
        Ok(n) => n,
        Err(why) => {
            // Half a message must not look like one: the connection ends here.
            sending.answered(Reply { code: 451, text: format!("the file could not be read on: {why}") });
            return Went::Failed;
        }
    };
    let last = n == 0;
    if !dotted {
        let line = format!("BDAT {}{}", wire.len(), if last { " LAST" } else { "" });
        client.command(cx, if last { Step::Message } else { Step::Chunk }, &line);
    }
    cx.write(&wire);
    if last {
        if dotted {
            told(cx, size);
            cx.write(b".\r\n");
            client.awaited.push_back(Step::Message);
        }
        sending.next = Next::Nothing;
        return Went::Waits;
    }
    sending.next = Next::Stream { at: at + n as u64, dotted };
    cx.event(Event::Progress { done: (at + n as u64).min(size), total: Some(size) });
    client.holds_back = true;
    cx.when_drained(ROOM);
    Went::Waits
}

/// Reads a piece; 0 bytes: the file has ended.
fn piece(reader: &Arc<dyn FileReader>, at: u64, form: &mut Wire, wire: &mut Vec<u8>) -> Result<usize, String> {
    let mut read = vec![0; PIECE];
    let n = reader.read_at(at, &mut read).map_err(|error| error.to_string())?;
    form.feed(&read[..n], wire);
    if n == 0 {
        form.end(wire);
    }
    Ok(n)
}
