//! `perf`: as many bytes as are asked for, either way or both, and what the other end has counted of them. netproto's own protocol:
//! there is no RFC of it, `explained.rs` has its form.
//!
//! Over streams all goes in frames (`wire.rs`), so that the end of the bytes and what the server counted come on the same
//! connection: no second one is needed. The bytes themselves are bulk that no session sees
//! ([`crate::session::Generate`], [`crate::session::Swallow`]). Over datagrams the client counts up and the server answers what
//! asks for it, never with more bytes than were asked with.

mod client;
mod counter;
mod datagrams;
mod delays;
mod explained;
mod packets;
mod plain;
mod receiver;
mod sender;
mod server;
#[cfg(test)]
mod tests;
mod view;
mod want;
mod wire;

pub use datagrams::{Counted, DATAGRAM_HEAD, Numbered, Series};
pub use plain::Plain;
pub use view::View;
pub use want::{MAX_BLOCK, USUAL_BLOCK, Want};
pub use wire::VERSION;

use super::{Answers, AnswersBy, Form, Param, ParamKind, Protocol, Takes};

const MAX_TIME: &str = "max-time";
const MAX_BYTES: &str = "max-bytes";

pub(super) static ROW: Protocol = Protocol {
    name: "perf",
    about: "takes and sends as many bytes as asked, and says what it counted",
    spec: "netproto's own",
    port: None,
    rides: Protocol::BOTH,
    answers: AnswersBy { stream: Answers::Measured, datagrams: Answers::Each },
    takes: Takes::Words(Form { usage: want::USAGE, examples: &["up 1K", "up 300", "up 800 block=900"], comments: b"" }),
    // What asks for an answer over datagrams is no shorter than the answer.
    amplifies: false,
    // Only what asks is answered, and answers do not ask.
    echoes: false,
    cuts_matter: false,
    framed: false,
    paths: false,
    keeps: false,
    params: &[
        Param::server(MAX_TIME, ParamKind::Duration, "1h", "longer measurements are refused"),
        Param::server(MAX_BYTES, ParamKind::Size, "1024G", "more bytes each way are refused"),
    ],
    server: Some(server::make),
    client: client::make,
    prefix: None,
    explained: &explained::EXPLAINED,
    script: None,
};
