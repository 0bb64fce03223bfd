//! The matcher with a budget, held against the one that comes with Lua.

use std::rc::Rc;

use mlua::{Lua, MultiValue, StdLib, Value};

use super::super::{limits::Budget, strings};

/// Lua as it is, and with our functions.
fn both() -> (Lua, Lua) {
    let libraries = StdLib::STRING | StdLib::TABLE;
    let theirs = Lua::new_with(libraries, mlua::LuaOptions::default()).unwrap();
    let ours = Lua::new_with(libraries, mlua::LuaOptions::default()).unwrap();
    let budget = Rc::new(Budget::default());
    budget.begin(1 << 40, || std::time::Duration::ZERO);
    strings::install(&ours, &budget).unwrap();
    (theirs, ours)
}

/// What an expression gives, or its error without the place.
fn result(lua: &Lua, code: &str, args: &[&[u8]]) -> String {
    let args: MultiValue = args.iter().map(|arg| Value::String(lua.create_string(arg).unwrap())).collect();
    let shown = |value: Value| match value {
        Value::String(text) => format!("{:?}", text.as_bytes().escape_ascii().to_string()),
        other => format!("{other:?}"),
    };
    match lua.load(code).set_name("=t").call::<MultiValue>(args) {
        Ok(values) => values.into_iter().map(shown).collect::<Vec<_>>().join(" "),
        Err(error) => {
            let words = super::super::fault::words(&error, &super::super::limits::Budget::default());
            let words = words.strip_prefix("t:1: ").unwrap_or(&words);
            // Whose function it was is told by Lua in some messages only.
            format!("error {}", words.split(" to 'gsub'").next().unwrap_or(words))
        }
    }
}

const CALLS: [&str; 8] = [
    "local s, p = ... return s:find(p)",
    "local s, p = ... return s:find(p, 3)",
    "local s, p = ... return s:find(p, -2)",
    "local s, p = ... return s:match(p)",
    "local s, p = ... return s:gsub(p, '<%0>')",
    "local s, p = ... return s:gsub(p, '%1%%', 2)",
    "local s, p = ... return s:gsub(p, function(...) return select('#', ...) % 2 == 0 and '!' end)",
    "local s, p = ... local t = {} for a, b in s:gmatch(p) do t[#t + 1] = tostring(a) .. ':' .. tostring(b) end return #t, table.concat(t, ' ')",
];

fn agree(theirs: &Lua, ours: &Lua, subject: &[u8], pattern: &[u8]) {
    for code in CALLS {
        let (expected, got) = (result(theirs, code, &[subject, pattern]), result(ours, code, &[subject, pattern]));
        assert_eq!(got, expected, "{code} of {:?} and {:?}", subject.escape_ascii().to_string(), pattern.escape_ascii());
    }
}

const SUBJECTS: [&[u8]; 9] = [
    b"",
    b"hello world",
    b"THE (quick) fox",
    b"key = value",
    b"a.b-c*d",
    b"[[nested [list]]]",
    b"x\0y\0\0z",
    b"  trim me \t\r\n",
    "\u{e4}\u{f6} 123 abc123".as_bytes(),
];

const PATTERNS: [&str; 64] = [
    "",
    "^",
    "$",
    "^$",
    "l+",
    "l*",
    "l-",
    "l?o",
    ".",
    ".-",
    ".*",
    ".+",
    "^h",
    "d$",
    "a$b",
    "^^h",
    "(l)(o)",
    "()ll()",
    "(h(e)(l+))",
    "%w+",
    "%W",
    "%a*%s",
    "%d+",
    "%D+$",
    "%l%u",
    "%x+",
    "%p",
    "%c",
    "%g+",
    "%s*$",
    "%S-%s",
    "%z",
    "%%",
    "%.",
    "[abc]",
    "[^abc]+",
    "[a-z]+",
    "[]]",
    "[^]]",
    "[%]]",
    "[a-]",
    "[-a]",
    "[%a_][%w_]*",
    "%b()",
    "%b[]",
    "%bxx",
    "%f[%a]%a+",
    "%f[%A]",
    "(%a)%1",
    "(.)%1",
    "(%w+) = (%w+)",
    "^(.-)%s*$",
    "()",
    "(()())",
    "[%z]",
    "[\u{80}-\u{ff}]+",
    "%f[%z]",
    "(a*(.)%w(%s*))",
    "((.)(.))",
    "x-y?z*",
    "[^%s]",
    "[%W%d]",
    "[.]",
    "^%s*(.-)%s*$",
];

#[test]
fn every_kind_of_item_is_matched_as_lua_does() {
    let (theirs, ours) = both();
    for subject in SUBJECTS {
        for pattern in PATTERNS {
            agree(&theirs, &ours, subject, pattern.as_bytes());
        }
    }
}

#[test]
fn malformed_patterns_are_told_as_lua_does() {
    let (theirs, ours) = both();
    let patterns = [
        "%", "a%", "[", "[a", "[^", "[]", "[%", "[a-", "(", "(a", ")", "a)", "(()", "%1", "%0", "(%1)", "%b", "%b(", "%f",
        "%fa", "()%1",
    ];
    for pattern in patterns {
        agree(&theirs, &ours, b"a[b]c(d)", pattern.as_bytes());
    }
    let many = "()".repeat(33);
    agree(&theirs, &ours, b"abc", many.as_bytes());
    let deep = "a?".repeat(250);
    agree(&theirs, &ours, &[b'a'; 250], deep.as_bytes());
    agree(&theirs, &ours, &[b'b'; 3], deep.as_bytes());
}

#[test]
fn random_patterns_are_matched_as_lua_does() {
    let (theirs, ours) = both();
    let mut random = fastrand::Rng::with_seed(7);
    let pieces = [
        "a", "b", ".", "%a", "%d", "%s", "%w", "%W", "[ab]", "[^a]", "[a-c%d]", "*", "+", "-", "?", "(", ")", "()", "^",
        "$", "%1", "%2", "%b()", "%f[%w]", "%", "[", "]", "\0", " ", "%%", "é",
    ];
    for _ in 0..4000 {
        let subject: Vec<u8> = (0..random.usize(..14)).map(|_| *random.choice(b"aabbc1 ()-\0\xc3\xa9").unwrap()).collect();
        let pattern: String = (0..random.usize(..7)).map(|_| *random.choice(&pieces).unwrap()).collect();
        agree(&theirs, &ours, &subject, pattern.as_bytes());
    }
}

#[test]
fn replacements_are_what_the_manual_says() {
    let (theirs, ours) = both();
    for code in [
        "return ('hello world'):gsub('o', { o = '0' })",
        "return ('hello world'):gsub('%w+', { hello = false, world = 12 })",
        "return ('abc'):gsub('b', '%')",
        "return ('abc'):gsub('b', '%2')",
        "return ('abc'):gsub('b', '%z')",
        "return ('abc'):gsub('(b', 'x')",
        "return string.gsub('abc', 'b', true)",
        "return ('abc'):gsub('b', function() return {} end)",
        "return ('abc'):gsub('', '-')",
        "return ('abc'):gsub('%w', '%0%0', 0)",
        "return ('abc'):gsub('%w', '%0%0', -1)",
        "return ('abc'):gsub('()', '%1')",
        "return ('abc'):gsub('^%w', 'x')",
        "return ('abc'):find('b', 1, true), ('a.c'):find('.', 1, true), ('abc'):find('', 10), ('abc'):find('', 4)",
        "return ('ab'):rep(3, ','), ('ab'):rep(0), ('ab'):rep(-1), ('ab'):rep(1, 'x'), (''):rep(5), (''):rep(3, 'x')",
        "return table.concat({1, 2.5, 'x'}, ', '), table.concat({}), table.concat({1, 2, 3}, '', 2, 3), table.concat({1}, 'x', 2)",
        "return table.concat({1, {}, 3})",
        "return table.concat({1}, '', 1, 2)",
        "return (12):rep(2)",
    ] {
        assert_eq!(result(&ours, code, &[]), result(&theirs, code, &[]), "{code}");
    }
}
