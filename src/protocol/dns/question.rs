//! What a person asks, `NAME [TYPE]`, and the message that it becomes.

use std::net::IpAddr;

use domain::base::{MessageBuilder, Name, Rtype, iana::Class, message_builder::PushError};

use super::answer::OUR_SIZE;
use crate::{session::Violation, values::show::quoted};

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) name: Name<Vec<u8>>,
    pub(super) rtype: Rtype,
}

impl Question {
    /// Reads `NAME [TYPE]`. An address without a type, or with PTR, asks for its name (RFC 1035, section 3.5, RFC 3596,
    /// section 2.5).
    ///
    /// # Errors
    /// It is none.
    pub(super) fn read(typed: &[u8]) -> Result<Self, Violation> {
        let bad = |what: &str, which: &[u8]| Violation::new("not_a_question", format!("{} is no {what}", quoted(which, 80)));
        let text = std::str::from_utf8(typed).map_err(|_| bad("NAME [TYPE]", typed))?;
        let mut words = text.split_ascii_whitespace();
        let (Some(name), rtype, None) = (words.next(), words.next(), words.next()) else {
            return Err(bad("NAME [TYPE]", typed));
        };
        let rtype = match rtype {
            None => None,
            // `*` is what ANY is called in RFC 1035, section 3.2.3.
            Some("*") => Some(Rtype::ANY),
            Some(rtype) => Some(rtype.parse().map_err(|_| bad("type of DNS records", rtype.as_bytes()))?),
        };
        if let Ok(address) = name.parse::<IpAddr>()
            && matches!(rtype, None | Some(Rtype::PTR))
        {
            let name = Name::reverse_from_addr(address).map_err(|_| bad("address", name.as_bytes()))?;
            return Ok(Self { name, rtype: Rtype::PTR });
        }
        let name = Name::vec_from_str(name).map_err(|_| bad("name of the DNS", name.as_bytes()))?;
        Ok(Self { name, rtype: rtype.unwrap_or(Rtype::A) })
    }

    /// As a person would type it, whatever the name holds.
    pub(super) fn typed(&self) -> String {
        // A space within a label stands as `\ `, where words would be cut.
        format!("{} {}", self.name.fmt_with_dot(), self.rtype).replace("\\ ", "\\032")
    }

    /// The message that asks it. Over datagrams it says how long an answer we take (RFC 6891).
    pub(super) fn message(&self, id: u16, datagram: bool) -> Result<Vec<u8>, PushError> {
        let mut builder = MessageBuilder::new_vec();
        builder.header_mut().set_id(id);
        builder.header_mut().set_rd(true);
        let mut builder = builder.question();
        builder.push((&self.name, self.rtype, Class::IN))?;
        let mut builder = builder.additional();
        if datagram {
            builder.opt(|opt| {
                opt.set_udp_payload_size(OUR_SIZE);
                Ok(())
            })?;
        }
        Ok(builder.finish())
    }
}
