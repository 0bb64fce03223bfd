//! The paths that a file names (`crate::a::b`, `super::c`, `tokio::net`), in `use` trees and in expressions, made absolute.

use crate::tokens::{Kind, Token};

/// One path, from its root: `crate::session::Cx` is `["crate", "session", "Cx"]`, `super::x` is resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    pub line: usize,
    pub segments: Vec<String>,
}

/// Every path of at least two segments, and every one-segment `use`. `module` is where the file sits: `["session", "out"]`.
pub fn named(tokens: &[Token], module: &[String]) -> Vec<Path> {
    let mut walk = Walk { tokens, at: 0, nested: Vec::new(), depth: 0, found: Vec::new() };
    while walk.at < tokens.len() {
        walk.step();
    }
    walk.found.into_iter().filter_map(|(path, inner)| absolute(path, module, &inner)).collect()
}

struct Walk<'a> {
    tokens: &'a [Token],
    at: usize,
    /// Inline modules around this place, each with the depth of braces outside it.
    nested: Vec<(String, usize)>,
    depth: usize,
    found: Vec<(Path, Vec<String>)>,
}

impl Walk<'_> {
    fn step(&mut self) {
        let token = &self.tokens[self.at];
        if token.is_word("use") {
            self.at += 1;
            self.tree(&[], true);
        } else if token.is_word("mod") && self.opens_module() {
            self.nested.push((self.tokens[self.at + 1].text.clone(), self.depth));
            self.at += 2;
        } else if token.kind == Kind::Word {
            self.tree(&[], false);
        } else {
            self.brace();
            self.at += 1;
        }
    }

    fn opens_module(&self) -> bool {
        self.tokens.get(self.at + 2).is_some_and(|token| token.is("{"))
    }

    fn brace(&mut self) {
        let token = &self.tokens[self.at];
        if token.is("{") {
            self.depth += 1;
        } else if token.is("}") {
            self.depth = self.depth.saturating_sub(1);
            if self.nested.last().is_some_and(|(_, outside)| *outside == self.depth) {
                self.nested.pop();
            }
        }
    }

    /// One path from here; in a `use`, a tree of them.
    fn tree(&mut self, before: &[String], in_use: bool) {
        let mut segments = before.to_vec();
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        if in_use && self.here("::") {
            self.at += 1;
        }
        while let Some(token) = self.tokens.get(self.at) {
            if token.kind == Kind::Word || (in_use && token.is("*")) {
                segments.push(token.text.clone());
                self.at += 1;
            } else if in_use && token.is("{") {
                self.group(&segments);
                return;
            } else {
                break;
            }
            if !self.here("::") {
                break;
            }
            self.at += 1;
        }
        if segments.len() > 1 || in_use {
            let inner = self.nested.iter().map(|(name, _)| name.clone()).collect();
            self.found.push((Path { line, segments }, inner));
        }
    }

    fn group(&mut self, before: &[String]) {
        self.at += 1;
        while self.at < self.tokens.len() && !self.here("}") {
            if self.tokens[self.at].kind == Kind::Word || self.here("{") || self.here("*") || self.here("::") {
                self.tree(before, true);
            } else {
                self.at += 1;
            }
            if self.tokens.get(self.at).is_some_and(|token| token.is_word("as")) {
                self.at += 2;
            }
        }
        self.at += 1;
    }

    fn here(&self, mark: &str) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.is(mark))
    }
}

/// `self` and `super` replaced by where they lead; the crate's own name is `crate` too.
fn absolute(mut path: Path, module: &[String], inner: &[String]) -> Option<Path> {
    let mut here: Vec<String> = module.iter().chain(inner).cloned().collect();
    let leading = path.segments.iter().take_while(|segment| *segment == "self" || *segment == "super").count();
    let ups = path.segments.iter().take(leading).filter(|segment| *segment == "super").count();
    if leading > 0 {
        here.truncate(here.len().saturating_sub(ups));
        let rest = path.segments.split_off(leading);
        path.segments = std::iter::once("crate".to_owned()).chain(here).chain(rest).collect();
    } else if path.segments.first()? == "netproto" {
        "crate".clone_into(&mut path.segments[0]);
    }
    Some(path)
}
