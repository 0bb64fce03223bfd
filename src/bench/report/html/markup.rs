//! Elements and text, escaped: nothing that a peer, a file or a command line said becomes markup, or turns the writing direction.
//!
//! What it writes is HTML and well-formed XML as well: every element is closed, every attribute quoted.
//!
//! May use: `values`.

use crate::values::show;

/// A page as it grows.
#[derive(Debug, Default)]
pub struct Markup(String);

impl Markup {
    fn begin(&mut self, tag: &str, attributes: &[(&str, &str)]) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            push_escaped(&mut self.0, value);
            self.0.push('"');
        }
    }

    pub fn open(&mut self, tag: &str, attributes: &[(&str, &str)]) {
        self.begin(tag, attributes);
        self.0.push('>');
    }

    pub fn close(&mut self, tag: &str) {
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push('>');
    }

    /// An element that has nothing in it.
    pub fn empty(&mut self, tag: &str, attributes: &[(&str, &str)]) {
        self.begin(tag, attributes);
        self.0.push_str("/>");
    }

    pub fn text(&mut self, text: &str) {
        push_escaped(&mut self.0, text);
    }

    /// An element with text in it.
    pub fn element(&mut self, tag: &str, attributes: &[(&str, &str)], text: &str) {
        self.open(tag, attributes);
        self.text(text);
        self.close(tag);
    }

    /// What we wrote ourselves, as it is.
    pub fn ours(&mut self, text: &'static str) {
        self.0.push_str(text);
    }

    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

fn push_escaped(to: &mut String, text: &str) {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && !b"&<>\"'\\".contains(&byte);
    if text.bytes().all(plain) {
        to.push_str(text);
        return;
    }
    // Control characters have no place in a page; a backslash is only a backslash here.
    for letter in show::escaped(text.as_bytes(), true).replace(r"\\", r"\").chars() {
        match letter {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '"' => to.push_str("&quot;"),
            '\'' => to.push_str("&#39;"),
            letter => to.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_becomes_markup() {
        let mut markup = Markup::default();
        markup.element("p", &[("title", "\" onclick='x'")], "</p><script>&\u{1b}[2J\u{202e}\0 C:\\x");
        markup.empty("br", &[]);
        assert_eq!(
            markup.into_text(),
            "<p title=\"&quot; onclick=&#39;x&#39;\">&lt;/p&gt;&lt;script&gt;&amp;\\x1b[2J\\u{202e}\\x00 C:\\x</p><br/>"
        );
    }
}
