//! Reads a page as XML would: every element closed in turn, every attribute quoted, every `&` an entity.

/// Fails unless the text is well-formed; gives the names of all elements, in turn.
#[track_caller]
pub fn elements(page: &str) -> Vec<String> {
    let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("a page of HTML");
    let (mut open, mut names) = (Vec::<String>::new(), Vec::new());
    while let Some((text, after)) = rest.split_once('<') {
        plain(text);
        let (tag, after) = end_of_tag(after);
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closed in turn");
            continue;
        }
        let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{name}");
        quoted(attributes);
        names.push(name.to_owned());
        if !empty {
            open.push(name.to_owned());
        }
    }
    plain(rest);
    assert!(open.is_empty(), "left open: {open:?}");
    names
}

/// Up to the `>` that is not in quotes.
fn end_of_tag(text: &str) -> (&str, &str) {
    let mut within = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => within = !within,
            '>' if !within => return (&text[..at], &text[at + 1..]),
            '<' => panic!("< in a tag: {}", &text[..at]),
            _ => {}
        }
    }
    panic!("a tag that does not end: {text:.60}");
}

fn quoted(mut attributes: &str) {
    let mut names = Vec::new();
    while !attributes.is_empty() {
        let (name, after) = attributes.split_once("=\"").unwrap_or_else(|| panic!("no quoted value: {attributes}"));
        let (value, rest) = after.split_once('"').unwrap_or_else(|| panic!("no end of quotes: {attributes}"));
        plain(value);
        assert!(!names.contains(&name), "{name} twice");
        names.push(name);
        attributes = rest.strip_prefix(' ').unwrap_or(rest);
    }
}

/// Text has no markup in it, nothing that turns its direction, and no control character.
fn plain(text: &str) {
    assert!(!text.contains(|c: char| (c.is_control() && c != '\n') || c == '>'), "{text:?}");
    for (at, _) in text.match_indices('&') {
        let known = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
        assert!(known.iter().any(|entity| text[at..].starts_with(entity)), "{}", &text[at..]);
    }
}
