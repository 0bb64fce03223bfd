//! What a server answers to one message: pure, bytes in, bytes out.

use bytes::Bytes;
use domain::{
    base::{
        Message, MessageBuilder, Name, ParsedName, Question, Rtype, StaticCompressor, ToName, Ttl,
        iana::{Class, Opcode, OptRcode},
        message_builder::PushError,
        opt::{Opt, OptRecord},
    },
    rdata::ZoneRecordData,
};

use super::zone::{Found, Set, Zone, negative_ttl};
use crate::session::Violation;

/// The largest datagram that we say and take: it is not cut into fragments on its way (the "DNS flag day 2020").
pub(super) const OUR_SIZE: u16 = 1232;
/// The largest without EDNS (RFC 1035, section 4.2.1), and the least that EDNS can say (RFC 6891, section 6.2.3).
const PLAIN_SIZE: u16 = 512;
/// CNAMEs that are followed within the zone: two can name each other.
const MOST_ALIASES: usize = 8;

/// Which records stand under which name.
struct Rrs<'a> {
    owner: Name<Bytes>,
    ttl: u32,
    set: &'a Set,
}

/// What is answered, before it is a message.
struct Reply<'a> {
    rcode: OptRcode,
    authoritative: bool,
    answers: Vec<Rrs<'a>>,
    authority: Vec<Rrs<'a>>,
    additional: Vec<Rrs<'a>>,
}

impl Reply<'_> {
    fn refusal(rcode: OptRcode) -> Self {
        Self { rcode, authoritative: false, answers: vec![], authority: vec![], additional: vec![] }
    }
}

/// What the other end said of EDNS.
#[derive(Debug, Clone, Copy)]
struct Edns {
    size: u16,
    version: u8,
}

/// A zone, and what is said of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answerer<'a> {
    pub(super) zone: &'a Zone,
    /// In place of each TTL of the zone.
    pub(super) ttl: Option<u32>,
}

impl<'a> Answerer<'a> {
    /// The answer; `None`: there is none to give. It has at most `most` bytes; over datagrams no more than the client takes.
    ///
    /// # Errors
    /// It is too short to have a number, so nothing can be answered.
    pub(super) fn answer(self, bytes: &[u8], datagram: bool, most: usize) -> Result<Option<Vec<u8>>, Violation> {
        let Ok(message) = Message::from_slice(bytes) else {
            let sentence = format!("a DNS message has at least 12 bytes, and here are {}", bytes.len());
            return Err(Violation::new("message_too_short", sentence));
        };
        // Who answers answers can be sent round for ever.
        if message.header().qr() {
            return Ok(None);
        }
        let question = message.sole_question().ok();
        let edns = edns(message);
        let size = edns.ok().flatten().map_or(PLAIN_SIZE, |edns| edns.size.clamp(PLAIN_SIZE, OUR_SIZE));
        let most = if datagram { most.min(usize::from(size)) } else { most };
        let reply = self.reply(message, question.as_ref(), edns);
        let edns = edns.ok().flatten();
        let composed = compose(message, question.as_ref(), &reply, edns, most)
            .or_else(|_| truncated(message, question.as_ref(), &reply, edns));
        Ok(composed.ok())
    }

    fn reply(
        self,
        message: &Message<[u8]>,
        question: Option<&Question<ParsedName<&[u8]>>>,
        edns: Result<Option<Edns>, OptRcode>,
    ) -> Reply<'a> {
        if message.header().opcode() != Opcode::QUERY {
            return Reply::refusal(OptRcode::NOTIMP);
        }
        // "A DNS message with OPCODE = 0 and QDCOUNT > 1 MUST be treated as an incorrectly formatted message" (RFC 9619, 4).
        let Some(question) = question else { return Reply::refusal(OptRcode::FORMERR) };
        match edns {
            Err(rcode) => Reply::refusal(rcode),
            // RFC 6891, section 6.1.3.
            Ok(Some(Edns { version: 1.., .. })) => Reply::refusal(OptRcode::BADVERS),
            Ok(_) => self.look_up(question),
        }
    }

    fn look_up(self, question: &Question<ParsedName<&[u8]>>) -> Reply<'a> {
        let rtype = question.qtype();
        let known = matches!(question.qclass(), Class::IN | Class::ANY);
        // Transfers of the zone are for its other servers.
        if !known || matches!(rtype, Rtype::AXFR | Rtype::IXFR) {
            return Reply::refusal(OptRcode::REFUSED);
        }
        let mut reply = Reply { authoritative: true, ..Reply::refusal(OptRcode::NOERROR) };
        let mut name: Name<Bytes> = question.qname().to_bytes();
        for _ in 0..=MOST_ALIASES {
            match self.step(&name, rtype, &mut reply) {
                Some(next) => name = next,
                None => break,
            }
        }
        // "The response should never be authoritative unless the server can guarantee that the response covers all classes" (RFC
        // 1035, section 6.2).
        reply.authoritative &= question.qclass() == Class::IN;
        reply
    }

    /// Answers for one name; a name that is to be looked up next, if it is an alias.
    fn step(self, name: &Name<Bytes>, rtype: Rtype, reply: &mut Reply<'a>) -> Option<Name<Bytes>> {
        match self.zone.find(name, rtype) {
            // An alias that leads out of the zone is a whole answer all the same.
            Found::Outside if !reply.answers.is_empty() => {}
            Found::Outside => *reply = Reply::refusal(OptRcode::REFUSED),
            Found::Below(cut, servers) => self.refer(cut, servers, reply),
            Found::Nothing => {
                // Of the last name in a chain of aliases (RFC 6604, section 3).
                reply.rcode = OptRcode::NXDOMAIN;
                self.deny(reply);
            }
            // An alias is all that stands at its name, and a name without records has nothing to show (RFC 8482, section 4).
            Found::Node(node) if rtype == Rtype::ANY && node.has_records() && node.set(Rtype::CNAME).is_none() => {
                reply.answers.push(self.rrs(name.clone(), &self.zone.any));
            }
            Found::Node(node) => {
                if let Some(set) = node.set(rtype) {
                    reply.answers.push(self.rrs(name.clone(), set));
                } else if let Some(alias) = node.set(Rtype::CNAME) {
                    if reply.answers.iter().any(|rrs| rrs.owner == *name) {
                        return None;
                    }
                    reply.answers.push(self.rrs(name.clone(), alias));
                    // Who asks for everything is told of the alias, and not what stands behind it (RFC 1034, section 3.6.2).
                    if let (true, Some(ZoneRecordData::Cname(target))) = (rtype != Rtype::ANY, alias.data.first()) {
                        return Some(target.cname().clone());
                    }
                } else {
                    self.deny(reply);
                }
            }
        }
        None
    }

    fn rrs(self, owner: Name<Bytes>, set: &'a Set) -> Rrs<'a> {
        Rrs { owner, ttl: self.ttl.unwrap_or(set.ttl), set }
    }

    /// The SOA tells for how long a name or a type is known not to be there (RFC 2308, section 3).
    fn deny(self, reply: &mut Reply<'a>) {
        let mut soa = self.rrs(self.zone.apex.clone(), &self.zone.soa);
        if let Some(ZoneRecordData::Soa(data)) = soa.set.data.first() {
            soa.ttl = negative_ttl(soa.ttl, data);
        }
        reply.authority.push(soa);
    }

    /// Another zone's name servers, with the addresses that we know of them.
    fn refer(self, cut: Name<Bytes>, servers: &'a Set, reply: &mut Reply<'a>) {
        reply.authoritative = !reply.answers.is_empty();
        for server in &servers.data {
            let ZoneRecordData::Ns(server) = server else { continue };
            for rtype in [Rtype::A, Rtype::AAAA] {
                if let Some(set) = self.zone.set_at(server.nsdname(), rtype) {
                    reply.additional.push(self.rrs(server.nsdname().clone(), set));
                }
            }
        }
        reply.authority.push(self.rrs(cut, servers));
    }
}

/// What the message says of EDNS.
///
/// # Errors
/// FORMERR: it can't be read, or says it twice (RFC 6891, section 6.1.1), or of a name.
fn edns(message: &Message<[u8]>) -> Result<Option<Edns>, OptRcode> {
    let mut found = None;
    for record in message.additional().map_err(|_| OptRcode::FORMERR)? {
        let record = record.map_err(|_| OptRcode::FORMERR)?;
        if record.rtype() != Rtype::OPT {
            continue;
        }
        // "MUST be 0 (root domain)" (RFC 6891, section 6.1.2).
        if !record.owner().is_root() {
            return Err(OptRcode::FORMERR);
        }
        let Ok(Some(opt)) = record.into_record::<Opt<_>>() else { return Err(OptRcode::FORMERR) };
        let opt = OptRecord::from(opt);
        if found.is_some() {
            return Err(OptRcode::FORMERR);
        }
        found = Some(Edns { size: opt.udp_payload_size(), version: opt.version() });
    }
    Ok(found)
}

/// The message, if it has no more than `most` bytes.
fn compose(
    query: &Message<[u8]>,
    question: Option<&Question<ParsedName<&[u8]>>>,
    reply: &Reply<'_>,
    edns: Option<Edns>,
    most: usize,
) -> Result<Vec<u8>, PushError> {
    let mut builder =
        MessageBuilder::from_target(StaticCompressor::new(Vec::with_capacity(256))).map_err(|_| PushError::LimitExceeded)?;
    // The limit is one that is not reached.
    builder.set_push_limit(most.saturating_add(1));
    let header = builder.header_mut();
    header.set_id(query.header().id());
    header.set_qr(true);
    header.set_opcode(query.header().opcode());
    header.set_rd(query.header().rd());
    header.set_aa(reply.authoritative);
    header.set_rcode(reply.rcode.rcode());
    let mut builder = builder.question();
    if let Some(question) = question {
        builder.push(question)?;
    }
    let mut builder = builder.answer();
    for (rrs, data) in each(&reply.answers) {
        builder.push((&rrs.owner, Class::IN, Ttl::from_secs(rrs.ttl), data))?;
    }
    let mut builder = builder.authority();
    for (rrs, data) in each(&reply.authority) {
        builder.push((&rrs.owner, Class::IN, Ttl::from_secs(rrs.ttl), data))?;
    }
    let mut builder = builder.additional();
    if edns.is_some() {
        builder.opt(|opt| {
            opt.set_udp_payload_size(OUR_SIZE);
            opt.set_rcode(reply.rcode);
            Ok(())
        })?;
    }
    for (rrs, data) in each(&reply.additional) {
        // Glue that does not fit is a truncation: without it, those who know more can't be asked (RFC 9471, section 3.1).
        builder.push((&rrs.owner, Class::IN, Ttl::from_secs(rrs.ttl), data))?;
    }
    Ok(builder.finish().into_target())
}

fn each<'a>(all: &'a [Rrs<'a>]) -> impl Iterator<Item = (&'a Rrs<'a>, &'a super::zone::Data)> {
    all.iter().flat_map(|rrs| rrs.set.data.iter().map(move |data| (rrs, data)))
}

/// The question alone, with the bit that says that there is more (RFC 2181, section 9).
fn truncated(
    query: &Message<[u8]>,
    question: Option<&Question<ParsedName<&[u8]>>>,
    reply: &Reply<'_>,
    edns: Option<Edns>,
) -> Result<Vec<u8>, PushError> {
    let empty = Reply { authoritative: reply.authoritative, ..Reply::refusal(reply.rcode) };
    let mut answer = compose(query, question, &empty, edns, usize::from(PLAIN_SIZE))?;
    if let Ok(message) = Message::from_octets(&mut answer[..]) {
        let mut message = message;
        message.header_mut().set_tc(true);
    }
    Ok(answer)
}
