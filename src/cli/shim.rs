//! TEMPORARY: the smallest versions of what other branches bring.
use crate::{
    error::Trouble,
    transport::{Host, Place, Scheme, Target},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Connect,
    Listen,
}

pub fn target(text: &str, default: Scheme, use_: Use) -> Result<Target, Trouble> {
    let schemes =
        [("tcp://", Scheme::Tcp), ("udp://", Scheme::Udp), ("unix:", Scheme::Unix), ("unixgram:", Scheme::Unixgram)];
    let (scheme, rest) = schemes
        .into_iter()
        .find_map(|(prefix, scheme)| Some((scheme, text.strip_prefix(prefix)?)))
        .unwrap_or((default, text));
    if matches!(scheme, Scheme::Unix | Scheme::Unixgram) {
        return Ok(Target { scheme, place: Place::Path(rest.into()) });
    }
    let (host, port) = match rest.rsplit_once(':') {
        Some(("" | "*", port)) => (Host::Any, port),
        Some((host, port)) => {
            (host.trim_matches(['[', ']']).parse().map_or_else(|_| Host::Name(host.into()), Host::Ip), port)
        }
        None if use_ == Use::Listen => (Host::Loopback, rest),
        None => return Err(Trouble::usage(format!("{rest:?} has no port")).hint("as in localhost:8080")),
    };
    let port = port.parse().map_err(|_| Trouble::usage(format!("{port:?} is no port")).hint("0 to 65535"))?;
    Ok(Target { scheme, place: Place::Net { host, port } })
}

pub fn limit(text: &str) -> Result<crate::bench::limit::Limit, String> {
    if text.contains(['<', '>']) { Ok(crate::bench::limit::Limit { text: text.into() }) } else { Err("no limit".into()) }
}
