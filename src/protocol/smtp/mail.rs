//! What a client sends: a message built from what was typed, or a file as it is.

use std::{fmt::Write as _, path::Path, sync::Arc};

use bytes::Bytes;
use mail_builder::{
    MessageBuilder,
    headers::{HeaderType, address::Address, content_type::ContentType, raw::Raw, text::Text},
    mime::MimePart,
};

use super::{
    address::Mailbox,
    date::Date,
    name,
    settings::Login,
    wire::{Wire, whole},
};
use crate::{
    protocol::{Contents, Place, Setup},
    session::{Cx, Endpoint, FileError, FileReader},
};

/// Bytes of a file read at once.
const PIECE: usize = 64 * 1024;

/// Who writes to nobody in particular.
pub(super) const DEFAULT_FROM: &str = "netproto@localhost";
/// The mailbox that every server has (RFC 5321, section 4.5.1).
pub(super) const DEFAULT_TO: &str = "postmaster";

/// A field for the head, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    name: String,
    value: String,
}

impl Field {
    /// `NAME: VALUE`, on one line: more would be another field, or the end of the head.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text.chars().any(|c| c.is_control() && c != '\t') {
            return Err("it has control characters in it".into());
        }
        match text.split_once(':') {
            // What says how the text is written must fit how it is.
            Some((name, _)) if name.eq_ignore_ascii_case("MIME-Version") || begins(name, "Content-") => {
                Err(format!("{name} is netproto's to write here: -f sends a whole message as it is"))
            }
            Some((name, value)) if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Self { name: name.into(), value: value.trim().into() })
            }
            _ => Err("a name, a colon and a value are needed, as in 'X-Test: yes'".into()),
        }
    }
}

fn begins(name: &str, with: &str) -> bool {
    name.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with))
}

/// What was typed.
pub(super) struct Options {
    pub(super) from: Mailbox,
    pub(super) to: Vec<Mailbox>,
    subject: Option<String>,
    body: Option<String>,
    fields: Vec<Arc<Field>>,
    attached: Vec<Contents>,
    pub(super) login: Option<Arc<Login>>,
    pub(super) hostname: Option<String>,
    pub(super) no_chunking: bool,
    upload: Option<Place>,
    /// Data is a whole message, and not a text.
    whole: bool,
    /// The message last built: of this body, but for the fields that differ each time.
    built: Option<(Bytes, Built)>,
}

/// A message but for its first fields.
#[derive(Debug, Clone)]
struct Built {
    plain: Bytes,
    dotted: Bytes,
}

/// One message, ready to go.
#[derive(Debug)]
pub(super) enum Mail {
    Whole {
        /// The fields that are this message's own.
        stamp: String,
        plain: Bytes,
        dotted: Bytes,
    },
    File {
        reader: Arc<dyn FileReader>,
        /// In bytes, with CRLF at the end of each line.
        size: u64,
        eight_bit: bool,
    },
}

impl Options {
    pub(super) fn of(setup: &Setup) -> Self {
        let params = &setup.params;
        let mailbox = |address: &str| Mailbox { name: None, address: address.into() };
        let mut to: Vec<_> = params.all_made::<Mailbox>(name::TO).iter().map(|to| (**to).clone()).collect();
        if to.is_empty() {
            to.push(mailbox(DEFAULT_TO));
        }
        Self {
            from: params.made::<Mailbox>(name::FROM).map_or_else(|| mailbox(DEFAULT_FROM), |from| (*from).clone()),
            to,
            subject: params.text(name::SUBJECT).map(str::to_owned),
            body: params.text(name::BODY).map(str::to_owned),
            fields: params.all_made(name::HEADER),
            attached: params.contents(name::ATTACH).into_iter().cloned().collect(),
            login: params.made(name::USER),
            hostname: params.made::<String>(name::HOSTNAME).map(|name| (*name).clone()),
            no_chunking: params.switch(name::NO_CHUNKING),
            upload: setup.upload.clone(),
            whole: setup.from_file,
            built: None,
        }
    }

    /// Does an address need SMTPUTF8?
    pub(super) fn utf8(&self) -> bool {
        !self.from.address.is_ascii() || self.to.iter().any(|to| !to.address.is_ascii())
    }

    /// The message whose text is `data`, unless that was given otherwise.
    pub(super) fn mail(&mut self, seq: u64, data: &Bytes, cx: &Cx<'_>) -> Result<Mail, FileError> {
        if let Some(place) = &self.upload {
            return file(place);
        }
        let built = match &self.built {
            Some((of, built)) if of == data => built.clone(),
            _ => {
                let built = if self.whole { Built::of(data) } else { self.build(data) };
                self.built = Some((data.clone(), built.clone()));
                built
            }
        };
        let stamp = if self.whole { String::new() } else { self.stamp(seq, cx) };
        Ok(Mail::Whole { stamp, plain: built.plain, dotted: built.dotted })
    }

    /// Date and Message-ID. The latter is made of the time, the port and the message's number here: no two are alike.
    fn stamp(&self, seq: u64, cx: &Cx<'_>) -> String {
        let since = (cx.facts.wall_clock)().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let port = match &cx.facts.local {
            Endpoint::Ip(address) => address.port(),
            _ => 0,
        };
        let domain = self.from.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        let mut stamp = String::new();
        if !self.says("Date") {
            let _ = write!(stamp, "Date: {}\r\n", Date::of(cx));
        }
        if !self.says("Message-ID") {
            let _ = write!(stamp, "Message-ID: <{}.{}.{port}.{seq}@{domain}>\r\n", since.as_secs(), since.subsec_nanos());
        }
        stamp
    }

    /// Is there a field of this name among those typed? It takes the place of ours: each of these stands in a message once (RFC
    /// 5322, section 3.6).
    fn says(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name.eq_ignore_ascii_case(name))
    }

    fn build(&self, data: &[u8]) -> Built {
        let mut message = MessageBuilder::new();
        // The builder would make its own, from a clock of its own: these two lines are cut off again.
        message = message.header("Date", Raw::new("-")).header("Message-ID", Raw::new("-"));
        if !self.from.address.is_empty() && !self.says("From") {
            message = message.from(address(&self.from));
        }
        if !self.says("To") {
            message = message.to(Address::new_list(self.to.iter().map(address).collect()));
        }
        if let Some(subject) = &self.subject {
            message = message.subject(subject.as_str());
        }
        for field in &self.fields {
            let value = field.value.as_str();
            let value =
                if value.is_ascii() { HeaderType::from(Raw::new(value)) } else { HeaderType::from(Text::new(value)) };
            message = message.header(field.name.as_str(), value);
        }
        let text = self.body.as_ref().map_or(data, String::as_bytes);
        let attached = self.attached.iter().map(|file| (kind(&file.name), file.name.as_str(), &file.bytes[..]));
        message = if let Ok(text) = std::str::from_utf8(text) {
            attached.fold(message.text_body(text), |message, (kind, name, bytes)| message.attachment(kind, name, bytes))
        } else {
            // Whatever it is, it arrives as it was (RFC 1428, section 3).
            let text = MimePart::new(ContentType::new("text/plain").attribute("charset", "unknown-8bit"), text);
            let attached = attached.map(|(kind, name, bytes)| MimePart::new(kind, bytes).attachment(name));
            message.body(MimePart::new("multipart/mixed", std::iter::once(text).chain(attached).collect::<Vec<_>>()))
        };
        let text = message.write_to_vec().unwrap_or_default();
        let head = memchr::memchr_iter(b'\n', &text).nth(1).map_or(0, |end| end + 1);
        Built::of(&text[head..])
    }
}

impl Built {
    fn of(text: &[u8]) -> Self {
        let plain = whole(Wire::plain(), text);
        let dotted = whole(Wire::dotted(), &plain);
        Self { plain: plain.into(), dotted: dotted.into() }
    }
}

fn address(mailbox: &Mailbox) -> Address<'_> {
    Address::new_address(mailbox.name.as_deref(), mailbox.address.as_str())
}

/// A file, read once to know how long it will be.
fn file(place: &Place) -> Result<Mail, FileError> {
    let (reader, _) = place.files.open(&place.name)?;
    let (mut form, mut wire, mut piece) = (Wire::plain(), Vec::new(), vec![0; PIECE]);
    let (mut at, mut size, mut eight_bit) = (0, 0, false);
    loop {
        let n = reader.read_at(at, &mut piece)?;
        form.feed(&piece[..n], &mut wire);
        if n == 0 {
            form.end(&mut wire);
        }
        eight_bit |= !wire.is_ascii();
        (at, size) = (at + n as u64, size + wire.len() as u64);
        wire.clear();
        if n == 0 {
            return Ok(Mail::File { reader, size, eight_bit });
        }
    }
}

impl Mail {
    /// Bytes of it, as SIZE counts them (RFC 1870, section 5).
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Whole { stamp, plain, .. } => (stamp.len() + plain.len()) as u64,
            Self::File { size, .. } => *size,
        }
    }

    /// Does it need 8BITMIME? What is built does not.
    pub(super) fn eight_bit(&self) -> bool {
        match self {
            Self::Whole { plain, .. } => !plain.is_ascii(),
            Self::File { eight_bit, .. } => *eight_bit,
        }
    }
}

/// What a file is, by the end of its name.
fn kind(name: &str) -> &'static str {
    let end = Path::new(name).extension().and_then(|end| end.to_str()).unwrap_or_default().to_ascii_lowercase();
    match end.as_str() {
        "txt" | "log" | "md" => "text/plain",
        "html" | "htm" => "text/html",
        "csv" => "text/csv",
        "json" => "application/json",
        "xml" => "application/xml",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        _ => "application/octet-stream",
    }
}
