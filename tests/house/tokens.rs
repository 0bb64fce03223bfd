//! A small reader of Rust source: words, marks and string literals with their lines; comments and `#[cfg(test)]` items left out.
//!
//! It knows just enough of the language for the checks in `house.rs`: nothing in a comment or a string is taken for code.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An identifier, a keyword or a number.
    Word,
    /// The inside of a string literal, without its quotes.
    Text,
    /// `::`, `=>`, `==`, `!=` or one other character.
    Mark,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub line: usize,
    pub kind: Kind,
    pub text: String,
}

impl Token {
    pub fn is(&self, mark: &str) -> bool {
        self.kind == Kind::Mark && self.text == mark
    }

    pub fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }
}

/// All tokens of a file.
pub fn read(source: &str) -> Vec<Token> {
    let mut reader = Reader { rest: source, line: 1, tokens: Vec::new() };
    while !reader.rest.is_empty() {
        reader.step();
    }
    reader.tokens
}

/// The same without the items under `#[cfg(test)]`: tests may reach further than the code they test.
pub fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is_test_item(&tokens[at..]) {
            at += item_length(&tokens[at..]);
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

fn is_test_item(tokens: &[Token]) -> bool {
    let wanted = ["#", "[", "cfg", "(", "test", ")", "]"];
    tokens.len() > wanted.len() && tokens.iter().zip(wanted).all(|(token, text)| token.text == text)
}

/// How many tokens until the item's closing brace, or the semicolon of one without a body.
fn item_length(tokens: &[Token]) -> usize {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        if ["{", "(", "["].iter().any(|open| token.is(open)) {
            depth += 1;
        } else if ["}", ")", "]"].iter().any(|close| token.is(close)) {
            depth = depth.saturating_sub(1);
            if depth == 0 && token.is("}") {
                return at + 1;
            }
        } else if token.is(";") && depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
}

impl Reader<'_> {
    fn step(&mut self) {
        let Some(first) = self.rest.chars().next() else { return };
        if self.rest.starts_with("//") {
            self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.skip(block_comment(self.rest));
        } else if let Some((before, hashes)) = raw_string(self.rest) {
            self.raw_text(before, hashes);
        } else if self.rest.starts_with("b\"") || self.rest.starts_with("c\"") {
            self.skip(1);
            self.text();
        } else if first == '"' {
            self.text();
        } else if first == '\'' {
            self.skip(quoted_character(self.rest));
        } else if first.is_alphanumeric() || first == '_' {
            let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
            self.push(Kind::Word, end);
        } else if first.is_whitespace() {
            self.skip(first.len_utf8());
        } else {
            self.mark(first);
        }
    }

    fn mark(&mut self, first: char) {
        let pair = ["::", "=>", "==", "!="].into_iter().find(|pair| self.rest.starts_with(pair));
        self.push(Kind::Mark, pair.map_or(first.len_utf8(), str::len));
    }

    fn push(&mut self, kind: Kind, length: usize) {
        self.tokens.push(Token { line: self.line, kind, text: self.rest[..length].to_owned() });
        self.skip(length);
    }

    fn skip(&mut self, length: usize) {
        let length = length.min(self.rest.len());
        self.line += self.rest[..length].matches('\n').count();
        self.rest = &self.rest[length..];
    }

    fn text(&mut self) {
        self.skip(1);
        let mut escaped = false;
        let end = self.rest.find(|c: char| {
            let closes = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        });
        self.push(Kind::Text, end.unwrap_or(self.rest.len()));
        self.skip(1);
    }

    fn raw_text(&mut self, before: usize, hashes: usize) {
        self.skip(before + hashes + 1);
        let close = format!("\"{}", "#".repeat(hashes));
        self.push(Kind::Text, self.rest.find(&close).unwrap_or(self.rest.len()));
        self.skip(close.len());
    }
}

/// The length of a block comment; they nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// Does a raw string begin here? How many letters come before its hashes, and how many hashes.
fn raw_string(rest: &str) -> Option<(usize, usize)> {
    let before = ["br", "cr", "r"].into_iter().find(|letters| rest.starts_with(letters))?.len();
    let hashes = rest[before..].bytes().take_while(|byte| *byte == b'#').count();
    rest[before + hashes..].starts_with('"').then_some((before, hashes))
}

/// The length of a character literal, or of a lifetime's quote alone.
fn quoted_character(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    match characters.next() {
        Some((_, '\\')) => rest[3..].find('\'').map_or(rest.len(), |end| 3 + end + 1),
        Some(_) => match characters.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}
