//! What the client asks: its request, written.
//!
//! May use: `session`, `protocol`'s parameters, `bytes`.

use std::{fmt::Write as _, sync::Arc};

use bytes::Bytes;

use super::{
    answer::{Part, chunks},
    params::{self, Line},
    range::Piece,
    urls::{self, Url},
};
use crate::{
    protocol::{Place, Setup},
    session::{Cx, FileError},
};

/// What is asked again and again.
#[derive(Debug)]
pub(super) struct Asking {
    /// For Host.
    authority: String,
    path: String,
    urls: Option<Arc<Vec<Url>>>,
    method: Option<Arc<String>>,
    /// The fields that are always there, as lines.
    lines: String,
    /// They say that the connection closes: nothing may be asked on it after that.
    pub(super) closes: bool,
    names_host: bool,
    body: Bytes,
    upload: Option<Place>,
    chunked: bool,
    /// The request without a body that is said again and again, once it was said.
    same: Vec<u8>,
    /// Sent here by another server, to ask with GET.
    bare: bool,
}

/// What was asked, as far as its answer depends on it.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) seq: u64,
    /// Its answer has no body.
    pub(super) head_only: bool,
    /// It was no GET and no HEAD.
    pub(super) acts: bool,
    /// It was a POST.
    pub(super) posts: bool,
    /// Something of its answer has come.
    pub(super) begun: bool,
    /// Nobody waits for the answer any more.
    pub(super) forgotten: bool,
    /// Of the list.
    url: usize,
}

impl Asking {
    pub(super) fn new(setup: &Setup) -> Self {
        let (given, bare) = (&setup.params, setup.goal.bare);
        let typed = given.all_made::<Line>(params::HEADER);
        // What was meant for one server is not told another that it sends us to.
        let typed: Vec<_> =
            typed.into_iter().filter(|line| !(setup.goal.foreign && OWN.iter().any(|name| line.is(name)))).collect();
        let names = |name: &str| typed.iter().any(|line| line.is(name));
        let mut lines: String = typed.iter().map(|line| line.0.as_str()).collect();
        for (name, value) in [("User-Agent", "netproto"), ("Accept", "*/*")] {
            if !names(name) {
                let _ = write!(lines, "{name}: {value}\r\n");
            }
        }
        let path = urls::encoded(urls::without_fragment(&setup.goal.path));
        let slash = if path.starts_with('/') { "" } else { "/" };
        let authority = &setup.goal.authority;
        Self {
            // "If the port is equal to the default port for a scheme, the normal form is to omit the port".
            authority: authority.strip_suffix(":80").unwrap_or(authority).to_owned(),
            path: format!("{slash}{path}"),
            closes: typed.iter().any(|line| line.closes()),
            urls: given.made(params::URLS).filter(|_| !setup.goal.sent),
            method: given.made(params::METHOD).filter(|_| !bare),
            names_host: names("Host"),
            lines,
            body: Bytes::copy_from_slice(given.text(params::BODY).filter(|_| !bare).unwrap_or_default().as_bytes()),
            upload: setup.upload.clone().filter(|_| !bare),
            bare,
            chunked: given.switch(params::CHUNKED),
            same: Vec::new(),
        }
    }

    /// The path that `asked` was about.
    pub(super) fn path_of(&self, asked: &Asked) -> &str {
        self.urls.as_ref().map_or(&self.path, |urls| &urls[asked.url].path)
    }

    /// Asks; `body` may be empty, and then the one that was set up counts.
    pub(super) fn ask(&mut self, seq: u64, body: &Bytes, cx: &mut Cx<'_>) -> Result<Asked, FileError> {
        let body = self.body_of(body)?;
        let (mut url, mut authority, mut path) = (0, &self.authority, &self.path);
        if let Some(urls) = &self.urls {
            url = (cx.facts.said_before.wrapping_add(seq) % urls.len() as u64) as usize;
            path = &urls[url].path;
            authority = urls[url].authority.as_ref().unwrap_or(authority);
        }
        let usual = if body.is_some() { "POST" } else { "GET" };
        let method = self.method.as_ref().map_or(usual, |method| method.as_str());
        let host = if self.names_host { ["", "", ""] } else { ["Host: ", authority.as_str(), "\r\n"] };
        let mut length = String::new();
        match &body {
            Some(_) if self.chunked => length.push_str("Transfer-Encoding: chunked\r\n"),
            Some(body) => length = format!("Content-Length: {}\r\n", body.length()),
            // "a user agent SHOULD send Content-Length in a request when the method defines a meaning for enclosed content"
            // (RFC 9110, section 8.6).
            None if matches!(method, "POST" | "PUT" | "PATCH") => length.push_str("Content-Length: 0\r\n"),
            None => {}
        }
        let acts = !matches!(method, "GET" | "HEAD");
        let (head_only, posts) = (method == "HEAD", method == "POST");
        let asked = Asked { seq, head_only, acts, posts, begun: false, forgotten: false, url };
        let repeats = body.is_none() && self.urls.is_none() && !cx.facts.watch.talk;
        if repeats && !self.same.is_empty() {
            cx.write(&self.same);
            return Ok(asked);
        }
        let pieces = [method, " ", path, " HTTP/1.1\r\n", host[0], host[1], host[2], &self.lines, &length, "\r\n"];
        for piece in pieces {
            cx.write(piece.as_bytes());
        }
        if cx.facts.watch.talk {
            told(&pieces.concat(), body.as_ref(), cx);
        }
        if repeats {
            self.same = pieces.concat().into_bytes();
        }
        match body {
            Some(body) if self.chunked => {
                chunks(&body, cx);
                cx.write(b"0\r\n\r\n");
            }
            Some(body) => body.write(cx),
            None => {}
        }
        Ok(asked)
    }

    fn body_of(&self, body: &Bytes) -> Result<Option<Part>, FileError> {
        if let Some(place) = &self.upload {
            let (file, stat) = place.files.open(&place.name)?;
            return Ok(Some(Part::File(file, Piece { from: 0, length: stat.size })));
        }
        let body = if body.is_empty() || self.bare { &self.body } else { body };
        Ok((!body.is_empty()).then(|| Part::Bytes(body.clone())))
    }
}

/// Fields for one server alone: they say who we are, and whom we ask.
const OWN: [&str; 4] = ["Authorization", "Cookie", "Proxy-Authorization", "Host"];

/// The head for whoever follows the dialogue, and how much body comes behind it.
fn told(head: &str, body: Option<&Part>, cx: &mut Cx<'_>) {
    for line in head.trim_end().lines() {
        cx.talk("", true, line.as_bytes());
    }
    if let Some(body) = body {
        cx.talk("", true, format!("({} bytes of body)", body.length()).as_bytes());
    }
}
