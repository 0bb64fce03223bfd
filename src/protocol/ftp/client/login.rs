//! Greeting and login.

use super::{Client, unexpected};
use crate::{
    protocol::ftp::reply::Reply,
    session::{Cx, Event, Violation},
    values::show::escaped,
};

/// How far the login is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Greeting,
    User,
    Password,
    /// TYPE I: all else here goes as it is.
    Representation,
    In,
    /// Why nothing will come of it.
    Refused(String),
}

impl Stage {
    pub(super) fn refusal(&self) -> Option<&str> {
        match self {
            Self::Refused(why) => Some(why),
            _ => None,
        }
    }
}

impl Client {
    pub(super) fn login(&mut self, reply: &Reply, cx: &mut Cx<'_>) -> Result<(), Violation> {
        let stage = match (&self.stage, reply.class()) {
            // "120 Service ready in nnn minutes": the real one comes after it.
            (Stage::Greeting, 1) => return Ok(()),
            (Stage::Greeting, 2) => {
                Self::say(&format!("USER {}", self.wants.login().0), cx);
                Stage::User
            }
            (Stage::User, 3) if reply.code == 331 => {
                Self::say(&format!("PASS {}", self.wants.login().1), cx);
                Stage::Password
            }
            (Stage::User | Stage::Password, 2) => {
                Self::say("TYPE I", cx);
                Stage::Representation
            }
            (Stage::Representation, 2) => {
                if let Some(message) = self.waiting.front() {
                    cx.event(Event::Phase { seq: message.seq, name: "login" });
                }
                Stage::In
            }
            (Stage::In | Stage::Refused(_), _) => return Err(unexpected(reply)),
            _ => Stage::Refused(format!("the login was refused: {}", told(reply))),
        };
        self.stage = stage;
        Ok(())
    }
}

/// A reply as a person is told it.
pub(super) fn told(reply: &Reply) -> String {
    format!("{} {}", reply.code, escaped(reply.text().as_bytes(), false)).trim_end().into()
}
