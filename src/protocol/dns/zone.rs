//! A zone: what a master file says (RFC 1035, section 5), and how things are looked up in it (RFC 1034, section 4.3.2, RFC 4592).

use std::{collections::HashMap, path::Path};

use bytes::Bytes;
use domain::{
    base::{CharStr, Name, Record, Rtype, ToName, iana::Class, name::FlattenInto},
    rdata::{Hinfo, Soa, ZoneRecordData},
    zonefile::inplace::{Entry, ScannedRecord, Zonefile},
};

use super::master::Master;
use crate::{protocol::Sheet, values::show};

/// The data of one record.
pub(super) type Data = ZoneRecordData<Bytes, Name<Bytes>>;

/// Records of one type at one name: each has 13 bytes in a message at least, and a message has 65,535.
const MOST_IN_SET: usize = 5000;

/// A name in lower case, as on the wire: what nodes are found by.
type Key = Bytes;

/// All records of one type at one name.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) rtype: Rtype,
    pub(super) ttl: u32,
    pub(super) data: Vec<Data>,
}

/// What is at one name. Nothing, when only names below it have records ("empty non-terminal", RFC 4592, section 2.2.2).
#[derive(Debug, Default)]
pub(super) struct Node(Vec<Set>);

impl Node {
    pub(super) fn set(&self, rtype: Rtype) -> Option<&Set> {
        self.0.iter().find(|set| set.rtype == rtype)
    }

    pub(super) fn has_records(&self) -> bool {
        !self.0.is_empty()
    }
}

/// What is found at a name.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// The name does not belong to the zone.
    Outside,
    /// It belongs to another zone, to which these name servers are known.
    Below(Name<Bytes>, &'a Set),
    /// At the name itself, or at the wildcard that stands for it.
    Node(&'a Node),
    /// The name does not exist.
    Nothing,
}

/// A whole zone.
#[derive(Debug)]
pub(super) struct Zone {
    pub(super) apex: Name<Bytes>,
    top: Key,
    /// The SOA record, and its TTL in negative answers.
    pub(super) soa: Set,
    /// What answers ANY (RFC 8482, section 4.2).
    pub(super) any: Set,
    nodes: HashMap<Key, Node>,
    /// Does some name below the apex belong to another zone?
    cut: bool,
}

impl Zone {
    /// Reads a master file.
    ///
    /// # Errors
    /// One clause that names the file and the line.
    pub(super) fn read(sheet: &Sheet<'_>) -> Result<Self, String> {
        let master = Master::read(sheet)?;
        let mut file = Zonefile::from(master.text.as_str());
        file.set_default_class(Class::IN);
        let mut zone: Option<Self> = None;
        loop {
            match file.next_entry().map_err(|error| located(&master, &error.to_string()))? {
                None => break,
                // What was named is in its place already.
                Some(Entry::Include { .. }) => {}
                Some(Entry::Record(record)) => {
                    let record = flat(record);
                    let taken = match &mut zone {
                        None => Self::begun_with(&record).map(|begun| zone = Some(begun)),
                        Some(zone) => zone.add(&record),
                    };
                    taken.map_err(|why| {
                        let line = line_of(&master.text, file.current_offset());
                        format!("{}: {why}", master.place(line))
                    })?;
                }
            }
        }
        zone.ok_or_else(|| format!("{} holds no record", show::path(sheet.path)))
    }

    /// What is served when no zone is given.
    pub(super) fn own() -> Result<Self, String> {
        let other = &|_: &Path| Err(String::new());
        Self::read(&Sheet { path: Path::new("example.test"), bytes: super::OWN_ZONE.as_bytes(), other })
    }

    /// The first record is the SOA, and says what the zone is called.
    fn begun_with(record: &Record<Name<Bytes>, Data>) -> Result<Self, String> {
        let ZoneRecordData::Soa(soa) = record.data() else {
            return Err("the first record of a zone is its SOA".into());
        };
        let ttl = negative_ttl(record.ttl().as_secs(), soa);
        let mut zone = Self {
            apex: record.owner().clone(),
            top: key(record.owner()),
            soa: Set { rtype: Rtype::SOA, ttl, data: vec![record.data().clone()] },
            any: any(),
            nodes: HashMap::new(),
            cut: false,
        };
        zone.insert(record);
        Ok(zone)
    }

    fn add(&mut self, record: &Record<Name<Bytes>, Data>) -> Result<(), String> {
        let (owner, rtype) = (record.owner(), record.rtype());
        if record.class() != Class::IN {
            return Err(format!("class {} is not served, only IN", record.class()));
        }
        if !self.holds(&key(owner)) {
            return Err(format!("{} is outside the zone {}", owner.fmt_with_dot(), self.apex.fmt_with_dot()));
        }
        if rtype == Rtype::SOA {
            return Err("a zone has one SOA".into());
        }
        if rtype == Rtype::DNAME {
            return Err("DNAME is not served: each name below it needs a CNAME of its own".into());
        }
        let node = self.nodes.get(&key(owner));
        let has_cname = node.is_some_and(|node| node.set(Rtype::CNAME).is_some());
        let has_other = node.is_some_and(|node| node.0.iter().any(|set| set.rtype != Rtype::CNAME));
        // "If a CNAME RR is present at a node, no other data should be present" (RFC 1034, section 3.6.2).
        if has_cname || (rtype == Rtype::CNAME && has_other) {
            return Err(format!("{} has a CNAME, and can have nothing else", owner.fmt_with_dot()));
        }
        let full = node.and_then(|node| node.set(rtype)).is_some_and(|set| set.data.len() >= MOST_IN_SET);
        if full {
            return Err(format!(
                "{} has more than {MOST_IN_SET} records of type {rtype}: no message holds them",
                owner.fmt_with_dot()
            ));
        }
        self.cut |= rtype == Rtype::NS && key(owner) != self.top;
        self.insert(record);
        Ok(())
    }

    fn insert(&mut self, record: &Record<Name<Bytes>, Data>) {
        let owner = key(record.owner());
        let mut above = owner.clone();
        while above != self.top {
            let Some(parent) = parent(&above) else { break };
            self.nodes.entry(above.slice_ref(parent)).or_default();
            above = above.slice_ref(parent);
        }
        let sets = &mut self.nodes.entry(owner).or_default().0;
        let ttl = record.ttl().as_secs();
        match sets.iter_mut().find(|set| set.rtype == record.rtype()) {
            Some(set) if set.data.contains(record.data()) => {}
            // All records of a set have one TTL (RFC 2181, section 5.2).
            Some(set) => {
                set.ttl = set.ttl.min(ttl);
                set.data.push(record.data().clone());
            }
            None => sets.push(Set { rtype: record.rtype(), ttl, data: vec![record.data().clone()] }),
        }
    }

    fn holds(&self, name: &[u8]) -> bool {
        suffixes(name).any(|suffix| suffix == self.top)
    }

    /// What is at `name`, for a question about `rtype`.
    pub(super) fn find(&self, name: &Name<Bytes>, rtype: Rtype) -> Found<'_> {
        let key = key(name);
        if !self.holds(&key) {
            return Found::Outside;
        }
        if self.cut
            && let Some((cut, servers)) = self.cut_above(&key, rtype)
        {
            return Found::Below(cut, servers);
        }
        match self.nodes.get(&key) {
            Some(node) => Found::Node(node),
            None => self.wildcard(&key).map_or(Found::Nothing, Found::Node),
        }
    }

    /// The cut nearest to the apex, if this name is not ours. At the cut itself, only DS is (RFC 4035, section 3.1.4.1).
    fn cut_above(&self, key: &Key, rtype: Rtype) -> Option<(Name<Bytes>, &Set)> {
        let below: Vec<_> = suffixes(key).take_while(|suffix| suffix.len() > self.top.len()).collect();
        below.iter().rev().find_map(|suffix| {
            let ours = suffix.len() == key.len() && rtype == Rtype::DS;
            let servers = self.nodes.get(*suffix).and_then(|node| node.set(Rtype::NS)).filter(|_| !ours)?;
            Some((Name::from_octets(key.slice_ref(suffix)).ok()?, servers))
        })
    }

    /// `*` right below the closest name that exists (RFC 4592, section 3.3.1).
    fn wildcard(&self, name: &[u8]) -> Option<&Node> {
        let encloser = suffixes(name).skip(1).find(|suffix| self.nodes.contains_key(*suffix))?;
        self.nodes.get(&[b"\x01*", encloser].concat()[..])
    }

    /// The set of this type at this very name, for glue.
    pub(super) fn set_at(&self, name: &Name<Bytes>, rtype: Rtype) -> Option<&Set> {
        self.nodes.get(&key(name)).and_then(|node| node.set(rtype))
    }
}

fn key(name: &Name<Bytes>) -> Key {
    name.to_canonical_name::<Bytes>().into_octets()
}

/// A name as on the wire without its first label.
fn parent(name: &[u8]) -> Option<&[u8]> {
    let first = usize::from(*name.first()?);
    if first == 0 { None } else { name.get(first + 1..) }
}

/// The name, what is above it, and so on to the root.
fn suffixes(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(name), |name| parent(name))
}

/// "The TTL of this record is set from the minimum of the MINIMUM field of the SOA record and the TTL of the SOA itself" (RFC
/// 2308, section 3).
pub(super) fn negative_ttl<N>(ttl: u32, soa: &Soa<N>) -> u32 {
    ttl.min(soa.minimum().as_secs())
}

/// A HINFO record that names the RFC, with a TTL of an hour (RFC 8482, section 4.2).
fn any() -> Set {
    let cpu = CharStr::from_octets(Bytes::from_static(b"RFC8482")).unwrap_or_else(|_| CharStr::empty());
    let hinfo = Hinfo::new(cpu, CharStr::from_octets(Bytes::new()).unwrap_or_else(|_| CharStr::empty()));
    Set { rtype: Rtype::HINFO, ttl: 3600, data: vec![ZoneRecordData::Hinfo(hinfo)] }
}

fn flat(record: ScannedRecord) -> Record<Name<Bytes>, Data> {
    let (owner, class, ttl) = (record.owner().to_bytes(), record.class(), record.ttl());
    Record::new(owner, class, ttl, record.into_data().flatten_into())
}

/// `12:5: what` becomes `zone.txt, line 12: what`.
fn located(master: &Master, error: &str) -> String {
    let [line, column, what] = error.splitn(3, ':').collect::<Vec<_>>()[..] else { return error.into() };
    // The place told is behind what is wrong: in the first column, that is the line before.
    let line = line.parse::<usize>().map_or(0, |line| line.saturating_sub(usize::from(column == "1")));
    let what = match what.trim_start() {
        "missing origin" => "names without a dot at their end need an $ORIGIN before them".into(),
        "expected rtype" => "a type of records was expected, such as A or MX".into(),
        "unexpected end of entry" => "the record ends too early".into(),
        "trailing tokens" => "the record is followed by more words".into(),
        "expected decimal number" => "a number was expected".into(),
        "bad charstr" => "a string has at most 255 bytes: write it as several, \"...\" \"...\"".into(),
        "unknown record type with concrete data" => as_unknown(&master.text, line),
        what => show::escaped(what.as_bytes(), false),
    };
    format!("{}: {what}", master.place(line))
}

/// Of a record of a type that has no words here, what may be written in its place.
fn as_unknown(text: &str, line: usize) -> String {
    let line = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let name = usize::from(!line.starts_with([' ', '\t']));
    let rtype = line.split_ascii_whitespace().skip(name).find_map(|word| word.parse::<Rtype>().ok());
    let (name, number) = rtype.map_or(("it".into(), "n".into()), |rtype| (rtype.to_string(), rtype.to_int().to_string()));
    format!("{name} has no form in words here: write TYPE{number} \\# LENGTH HEX (RFC 3597)")
}

/// The line in which the entry stands that ends at `offset`.
fn line_of(text: &str, offset: usize) -> usize {
    let read = &text.as_bytes()[..offset.saturating_sub(1).min(text.len())];
    1 + memchr::memchr_iter(b'\n', read).count()
}
