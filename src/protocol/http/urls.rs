//! A list of what to ask for, a path or a URL a line.
//!
//! May use: `protocol`'s parameters.

use std::{borrow::Cow, fmt::Write as _};

use crate::protocol::Made;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    /// `None`: the one that is connected to.
    pub(super) authority: Option<String>,
    /// With the query; begins with a slash.
    pub(super) path: String,
}

/// Reads a list; lines that are empty or begin with `#` say nothing.
pub(super) fn read(text: &str) -> Result<Made, String> {
    let mut urls = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            urls.push(url(line).map_err(|why| format!("line {number}: {why}"))?);
        }
    }
    if urls.is_empty() {
        return Err("there is no path or URL in it".into());
    }
    let turns = urls.len();
    Ok(Made::new(urls).in_turns(turns))
}

/// A path, or a URL of ours.
pub(super) fn url(text: &str) -> Result<Url, String> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("what is not ASCII, and spaces, must be percent-encoded".into());
    }
    if text.starts_with('/') {
        return Ok(Url { authority: None, path: without_fragment(text).to_owned() });
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err("a path begins with a slash, and a URL with http://".into());
    };
    if !scheme.eq_ignore_ascii_case("http") {
        return Err(format!("only http:// is spoken here, and this is {scheme}://"));
    }
    let rest = without_fragment(rest);
    let (authority, path) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
    if authority.is_empty() || authority.contains('@') {
        return Err("the URL names no host, or a user".into());
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    Ok(Url { authority: Some(authority.to_owned()), path: format!("{slash}{path}") })
}

/// What follows a `#` never leaves the client.
pub(super) fn without_fragment(text: &str) -> &str {
    text.split('#').next().unwrap_or_default()
}

/// What can't stand in a request as it is, such as spaces, is percent-encoded; what is encoded already stays.
pub(super) fn encoded(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return text.into();
    }
    let mut encoded = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte.is_ascii_graphic() {
            encoded.push(byte as char);
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded.into()
}

/// Where a Location leads that was found at `base`: (authority, path); RFC 3986, section 5.2, as far as http needs it.
pub(super) fn joined(base: &str, location: &str) -> Result<Url, String> {
    let location = encoded(without_fragment(location));
    let scheme = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let found = match location.split_once("://") {
        Some((before, _)) if scheme(before) => url(&location)?,
        _ if location.starts_with("//") => url(&format!("http:{location}"))?,
        _ => Url { authority: None, path: resolved(base, &location) },
    };
    let (path, query) = divided(&found.path);
    Ok(Url { path: format!("{}{query}", without_dots(path)), ..found })
}

/// A path, and the query with its question mark.
fn divided(text: &str) -> (&str, &str) {
    text.split_at(text.find('?').unwrap_or(text.len()))
}

/// The path and query that a relative reference means.
fn resolved(base: &str, reference: &str) -> String {
    let (here, _) = divided(base);
    match divided(reference) {
        ("", "") => base.to_owned(),
        ("", query) => format!("{here}{query}"),
        (path, _) if path.starts_with('/') => reference.to_owned(),
        _ => {
            let folder = here.rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{folder}/{reference}")
        }
    }
}

/// RFC 3986, section 5.2.4.
fn without_dots(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').skip(1) {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    // A dot at the end leaves the folder.
    let folder = path.ends_with("/.") || path.ends_with("/..");
    let slash = if folder && !parts.is_empty() { "/" } else { "" };
    format!("/{}{slash}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_a_path_or_url_a_line() {
        let urls = |text| match read(text) {
            Ok(_) => Ok(()),
            Err(why) => Err(why),
        };
        assert_eq!(urls("/a\n\n# b\r\nhttp://h:1/c?d#e\n"), Ok(()));
        assert_eq!(urls("\n").unwrap_err(), "there is no path or URL in it");
        assert_eq!(urls("/a\nb\n").unwrap_err(), "line 2: a path begins with a slash, and a URL with http://");
        assert_eq!(urls("https://h/\n").unwrap_err(), "line 1: only http:// is spoken here, and this is https://");
        assert!(urls("/a b").is_err());
        let url = url("http://h?q#f").unwrap();
        assert_eq!((url.authority.as_deref(), &*url.path), (Some("h"), "/?q"));
    }

    #[test]
    fn locations_are_relative_to_where_they_were_found() {
        for (location, wanted) in [
            ("/x", "/x"),
            ("c", "/a/c"),
            ("./c/", "/a/c/"),
            ("../c?d", "/c?d"),
            ("../../..", "/"),
            ("?d", "/a/b?d"),
            ("", "/a/b?q"),
            ("#top", "/a/b?q"),
            ("/x/../y/./z", "/y/z"),
            ("/x//y", "/x//y"),
            ("/x/..", "/"),
            ("/x/y/..", "/x/"),
            ("in?next=http://h/", "/a/in?next=http://h/"),
            ("/a b/\u{e4}?\u{e4}", "/a%20b/%C3%A4?%C3%A4"),
            ("/a%20b", "/a%20b"),
            ("c:d", "/a/c:d"),
        ] {
            assert_eq!(joined("/a/b?q", location).unwrap(), Url { authority: None, path: wanted.into() }, "{location}");
        }
        let other = joined("/a", "//h:1/x").unwrap();
        assert_eq!((other.authority.as_deref(), &*other.path), (Some("h:1"), "/x"));
        assert!(joined("/a", "https://h/").is_err() && joined("/a", "http:///x").is_err());
    }
}
