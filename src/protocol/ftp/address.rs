//! Addresses of data connections, as commands and replies write them: PORT and PASV (RFC 959, section 4.1.2), EPRT and EPSV
//! (RFC 2428).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// `h1,h2,h3,h4,p1,p2`
pub(super) fn read_port(text: &str) -> Option<SocketAddr> {
    let mut bytes = [0_u8; 6];
    let mut parts = text.trim().split(',');
    for byte in &mut bytes {
        *byte = decimal(parts.next()?)?.try_into().ok()?;
    }
    let [a, b, c, d, high, low] = bytes;
    parts.next().is_none().then(|| (Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low])).into())
}

/// The other way.
pub(super) fn write_port(ip: Ipv4Addr, port: u16) -> String {
    let ([a, b, c, d], [high, low]) = (ip.octets(), port.to_be_bytes());
    format!("{a},{b},{c},{d},{high},{low}")
}

/// Why an EPRT can't be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadEprt {
    Malformed,
    /// It is of neither IPv4 nor IPv6.
    Family,
}

/// `|1|132.235.1.2|6275|` or `|2|1080::8:800:200C:417A|5282|`, with any divider.
pub(super) fn read_eprt(text: &str) -> Result<SocketAddr, BadEprt> {
    let bad = BadEprt::Malformed;
    let divider = text.chars().next().filter(|divider| ('!'..='~').contains(divider)).ok_or(bad)?;
    let parts: Vec<&str> = text.split(divider).collect();
    let ["", family, address, port, ""] = parts[..] else { return Err(bad) };
    let port = decimal(port).and_then(|port| port.try_into().ok()).ok_or(bad)?;
    let ip = match family {
        "1" => address.parse::<Ipv4Addr>().map(IpAddr::V4),
        "2" => address.parse::<Ipv6Addr>().map(IpAddr::V6),
        _ => return Err(BadEprt::Family),
    };
    Ok(SocketAddr::new(ip.map_err(|_| bad)?, port))
}

/// What a PASV is answered with: anywhere in the text, six numbers (RFC 1123, section 4.1.2.6: not only within brackets).
pub(super) fn read_pasv_reply(text: &str) -> Option<SocketAddr> {
    let piece = |text: &'_ str| -> Option<SocketAddr> {
        let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != ',').unwrap_or(text.len());
        read_port(&text[..end])
    };
    let mut before = ' ';
    text.char_indices().find_map(|(at, letter)| {
        let begins = letter.is_ascii_digit() && !before.is_ascii_digit() && before != ',';
        before = letter;
        begins.then(|| piece(&text[at..])).flatten()
    })
}

/// What an EPSV is answered with: `(|||6446|)`.
pub(super) fn read_epsv_reply(text: &str) -> Option<u16> {
    let (_, inside) = text.split_once('(')?;
    let (inside, _) = inside.split_once(')')?;
    let divider = inside.chars().next().filter(char::is_ascii)?;
    let parts: Vec<&str> = inside.split(divider).collect();
    match parts[..] {
        ["", "", "", port, ""] => decimal(port)?.try_into().ok().filter(|port| *port > 0),
        _ => None,
    }
}

/// Digits alone: no signs, no spaces.
pub(super) fn decimal(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_rfcs_write_them() {
        assert_eq!(read_port("132,235,1,2,24,131"), Some("132.235.1.2:6275".parse().unwrap()));
        assert_eq!(write_port(Ipv4Addr::new(132, 235, 1, 2), 6275), "132,235,1,2,24,131");
        for bad in ["", "1,2,3,4,5", "1,2,3,4,5,6,7", "256,2,3,4,5,6", "-1,2,3,4,5,6", "1,2,3,4,5,+6", "a,2,3,4,5,6"] {
            assert_eq!(read_port(bad), None, "{bad}");
        }
        assert_eq!(read_eprt("|1|132.235.1.2|6275|"), Ok("132.235.1.2:6275".parse().unwrap()));
        assert_eq!(read_eprt("|2|1080::8:800:200C:417A|5282|"), Ok("[1080::8:800:200c:417a]:5282".parse().unwrap()));
        assert_eq!(read_eprt("!1!1.2.3.4!7!"), Ok("1.2.3.4:7".parse().unwrap()));
        assert_eq!(read_eprt("|3|x|5282|"), Err(BadEprt::Family));
        for bad in ["", "|1|1.2.3.4|99999|", "|1|1.2.3.4|7", "|1|::1|7|", "|2|1.2.3.4|7|", "1.2.3.4", " 1 1.2.3.4 7 "] {
            assert_eq!(read_eprt(bad), Err(BadEprt::Malformed), "{bad}");
        }
    }

    #[test]
    fn replies_are_read_as_servers_write_them() {
        let at = |text| Some(text).map(|text: &str| text.parse().unwrap());
        assert_eq!(read_pasv_reply("Entering Passive Mode (127,0,0,1,4,1)."), at("127.0.0.1:1025"));
        assert_eq!(read_pasv_reply("Entering Passive Mode. 127,0,0,1,4,1"), at("127.0.0.1:1025"));
        assert_eq!(read_pasv_reply("=127,0,0,1,4,1"), at("127.0.0.1:1025"));
        assert_eq!(read_pasv_reply("in 3 s, 127,0,0,1,4,1"), at("127.0.0.1:1025"));
        assert_eq!(read_pasv_reply("127,0,0,1,4"), None);
        assert_eq!(read_epsv_reply("Entering Extended Passive Mode (|||6446|)"), Some(6446));
        assert_eq!(read_epsv_reply("ok (!!!6446!)"), Some(6446));
        for bad in ["", "(|||0|)", "(|||66446|)", "(|1|1.2.3.4|6446|)", "(", "()", "(|||)"] {
            assert_eq!(read_epsv_reply(bad), None, "{bad}");
        }
    }
}
