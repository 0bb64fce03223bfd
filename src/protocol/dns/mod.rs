//! `dns`: a server that answers from one zone, and a client that asks and prints as `dig +short` does.
//!
//! RFC 1034 and 1035, with AAAA (RFC 3596), negative answers (RFC 2308), wildcards (RFC 4592), EDNS (RFC 6891), TCP (RFC 7766)
//! and little for ANY (RFC 8482). No recursion, no transfers, no DNSSEC.
//!
//! May use: `session`, `protocol`'s table, the `domain` crate for messages and master files.

mod answer;
mod client;
mod explained;
mod master;
mod picture;
mod question;
mod server;
#[cfg(test)]
mod tests;
mod zone;

use self::{client::Client, server::Server, zone::Zone};
use super::{AnswersBy, Form, Made, Param, ParamKind, Protocol, Takes};
use crate::{
    session::{Input, Rides},
    values::read,
};

const ZONE: &str = "zone";
const TTL: &str = "ttl";

/// What is served when no zone is given.
const OWN_ZONE: &str = "\
$ORIGIN example.test.
$TTL 300
@      SOA ns hostmaster 1 3600 600 86400 60
       NS  ns
       MX  10 mail
       TXT \"from netproto\"
ns     A 127.0.0.1
mail   A 127.0.0.1
www    A 192.0.2.1
       AAAA 2001:db8::1
alias  CNAME www
*.any  A 192.0.2.2
_dns._udp SRV 0 0 53 ns
";

pub(super) static ROW: Protocol = Protocol {
    name: "dns",
    about: "answers questions about names, from a zone of yours",
    spec: "RFC 1035, 3596, 6891, 7766, 8482",
    port: Some(53),
    rides: &[Rides::Datagrams, Rides::Stream],
    answers: AnswersBy::EACH,
    takes: Takes::Words(Form {
        usage: "NAME [TYPE]",
        examples: &["www.example.test", "www.example.test AAAA", "example.test MX", "alias.example.test"],
        // As in zones, and as in most lists.
        comments: b";#",
    }),
    // At most 1232 bytes, and 512 to a client that does not say that it takes more; but a question has 30.
    amplifies: true,
    // Only questions are answered, and answers are marked as such.
    echoes: false,
    cuts_matter: false,
    framed: false,
    paths: false,
    keeps: false,
    params: &[
        Param::server(
            ZONE,
            ParamKind::File(|sheet| Zone::read(sheet).map(Made::new)),
            "",
            "the zone, a master file (RFC 1035, 5); without it, example.test",
        )
        .longest(master::LONGEST),
        Param::server(
            TTL,
            ParamKind::Parsed { shape: "DURATION", read: |text| ttl(text).map(Made::new) },
            "",
            "the TTL of all records, whatever the zone says",
        ),
    ],
    server: Some(|setup| Box::new(Server::new(setup))),
    client: |_| Box::new(Client::default()),
    prefix: None,
    explained: &explained::EXPLAINED,
    script: None,
};

/// A TTL has 31 bits (RFC 2181, section 8), and counts whole seconds.
fn ttl(text: &str) -> Result<u32, String> {
    let ttl = read::duration(text)?;
    if ttl.subsec_nanos() != 0 {
        return Err("it counts whole seconds".into());
    }
    Ok(ttl.as_secs().min(0x7fff_ffff) as u32)
}

/// A message of a stream: "prefixed with a two byte length field" (RFC 1035, section 4.2.2).
fn take<'a>(input: &mut Input<'a>) -> Option<&'a [u8]> {
    let (length, rest) = input.rest().split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    if rest.len() < length {
        return None;
    }
    input.exactly(2 + length).map(|message| &message[2..])
}
