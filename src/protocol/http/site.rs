//! What a server answers with: files, an echo, one answer to everything, or a page that says what it is.
//!
//! May use: `session`, `protocol`'s table, `bytes`.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    answer::{Answer, HTML, TEXT},
    echo::{self, Received},
    files::{self, Folder},
    head::Request,
    page, params,
    status::Bad,
    target::{Name, Target},
};
use crate::{
    protocol::{Live, Setup},
    session::Facts,
};

/// What is served.
#[derive(Debug)]
pub(super) enum Site {
    Files(Folder),
    Echo,
    /// The same to everything.
    Canned {
        status: u16,
        body: Bytes,
    },
    /// A page at `/`, an echo of everything else.
    Page,
    /// A text of the program's own.
    Live(Arc<dyn Live>),
}

/// Methods that are known, and not allowed here.
const KNOWN: [&str; 6] = ["POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT"];

impl Site {
    pub(super) fn new(setup: &Setup) -> Self {
        if let Some(live) = &setup.live {
            return Self::Live(live.clone());
        }
        let given = &setup.params;
        let (status, body) = (given.made::<u16>(params::STATUS), given.text(params::BODY));
        if status.is_some() || body.is_some() {
            let status = status.map_or(200, |status| *status);
            return Self::Canned { status, body: Bytes::copy_from_slice(body.unwrap_or_default().as_bytes()) };
        }
        match given.place(params::ROOT) {
            _ if given.switch(params::ECHO) => Self::Echo,
            Some(root) => Self::Files(Folder::new(root.files.clone())),
            None => Self::Page,
        }
    }

    /// Are bodies of requests kept until they are answered?
    pub(super) fn keeps_bodies(&self) -> bool {
        matches!(self, Self::Echo | Self::Page)
    }

    /// Does the answer depend on the body of a request?
    pub(super) fn reads_bodies(&self, method: &str) -> bool {
        match self {
            Self::Canned { .. } | Self::Live(_) => false,
            Self::Files(_) => self.refuses(method).is_none(),
            Self::Echo | Self::Page => true,
        }
    }

    /// What is known to be refused without its body.
    pub(super) fn refuses(&self, method: &str) -> Option<Answer> {
        if let Self::Live(_) = self {
            let reads = matches!(method, "GET" | "HEAD");
            return (!reads).then(|| Answer::told(405, "it can be read, and nothing else").field("Allow", "GET, HEAD"));
        }
        let Self::Files(_) = self else { return None };
        match method {
            "GET" | "HEAD" | "OPTIONS" => None,
            method if KNOWN.contains(&method) => {
                Some(Answer::told(405, "files can be read here, and not changed").field("Allow", files::ALLOWED))
            }
            _ => Some(Answer::bad(Bad::new(501, "unknown_method", "no such method is known"))),
        }
    }

    /// Is there one answer to each connection, and no more? Who does not read it has no place that others need.
    pub(super) fn closes(&self) -> bool {
        matches!(self, Self::Live(_))
    }

    /// Is it an answer to CONNECT, too? A 2xx would begin a tunnel (RFC 9110, section 9.3.6).
    fn declines(&self) -> bool {
        matches!(self, Self::Canned { status, .. } if !(200..300).contains(status))
    }

    /// What is asked from now on came after all that was answered.
    pub(super) fn turn(&mut self) {
        if let Self::Files(folder) = self {
            folder.forget();
        }
    }

    pub(super) fn answer(
        &mut self,
        request: &Request<'_>,
        target: Target<'_>,
        received: Received<'_>,
        facts: &Facts,
    ) -> Result<Answer, Bad> {
        if target == Target::Tunnel && !self.declines() {
            return Err(Bad::new(501, "connect", "this is no proxy: CONNECT leads nowhere"));
        }
        let refused = self.refuses(request.method);
        match self {
            Self::Canned { status, body } if body.is_empty() => Ok(Answer::new(*status)),
            Self::Canned { status, body } => Ok(Answer::new(*status).body(TEXT, body.clone())),
            Self::Files(folder) => file(folder, request, target, refused, facts),
            Self::Live(live) => Ok(refused.unwrap_or_else(|| told(&**live, target))),
            Self::Page if page::asked(request, target) => Ok(Answer::new(200).body(HTML, page::PAGE)),
            Self::Echo | Self::Page => Ok(echo::answer(request, target, received, &facts.peer.to_string())),
        }
    }
}

fn told(live: &dyn Live, target: Target<'_>) -> Answer {
    match target {
        Target::Path { path, .. } if path == live.path() => Answer::new(200).body(live.media_type(), live.text()),
        _ => Answer::told(404, &format!("there is {}, and nothing else", live.path())),
    }
}

fn file(
    folder: &mut Folder,
    request: &Request<'_>,
    target: Target<'_>,
    refused: Option<Answer>,
    facts: &Facts,
) -> Result<Answer, Bad> {
    if let Some(refused) = refused {
        return Ok(refused);
    }
    let Target::Path { path, query } = target else {
        return Ok(Answer::new(204).field("Allow", files::ALLOWED));
    };
    let name = Name::read(path)?;
    if request.method == "OPTIONS" {
        return Ok(Answer::new(204).field("Allow", files::ALLOWED));
    }
    Ok(folder.answer(&name, query, request, facts))
}
