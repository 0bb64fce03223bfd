//! The functions of `string` and `table` that would run for long in C, written so that they count their steps: `find`,
//! `match`, `gmatch`, `gsub`, `rep` and `concat`.
//!
//! They do what the manual says (5.4, sections 6.4 and 6.6), but that `concat` looks at the table itself and not at its metatable.
//!
//! May use: mlua.

use std::{cell::RefCell, rc::Rc};

use mlua::{Lua, LuaString, MultiValue, Result, Table, Value};

use super::{
    fault,
    limits::Budget,
    pattern::{self, Capture, Fault, Found, Matcher},
};
use crate::values::show::grouped;

/// Bytes that are moved in one step.
pub(super) const STRIDE: u64 = 32;

/// What these functions share.
#[derive(Debug, Clone)]
struct Shared(Rc<Budget>);

/// Puts them where scripts find them.
pub(super) fn install(lua: &Lua, budget: &Rc<Budget>) -> Result<()> {
    let shared = || Shared(budget.clone());
    let strings: Table = lua.globals().get("string")?;
    let of = shared();
    let rest = |(subject, pattern, from, plain): (LuaString, LuaString, Option<i64>, Option<Value>)| {
        (subject, pattern, from, plain)
    };
    strings.set("find", lua.create_function(move |lua, args| of.find(lua, rest(args)))?)?;
    let of = shared();
    strings.set("match", lua.create_function(move |lua, args| of.only_match(lua, args))?)?;
    let of = shared();
    strings.set("gmatch", lua.create_function(move |lua, args| of.gmatch(lua, args))?)?;
    let of = shared();
    strings.set("gsub", lua.create_function(move |lua, args| of.gsub(lua, args))?)?;
    let of = shared();
    strings.set("rep", lua.create_function(move |lua, args| of.rep(lua, args))?)?;
    let of = shared();
    let tables: Table = lua.globals().get("table")?;
    tables.set("concat", lua.create_function(move |lua, args| of.concat(lua, args))?)
}

type Sought = (LuaString, LuaString, Option<i64>, Option<Value>);

/// Where a search begins, counted from 0; `None`: after the end. Negative places count from the end.
fn begin(from: Option<i64>, length: usize) -> Option<usize> {
    let length = signed(length);
    let from = match from.unwrap_or(1) {
        0 => 1,
        from if from > 0 => from,
        from if from < -length => 1,
        from => length + from + 1,
    };
    usize::try_from(from - 1).ok().filter(|at| signed(*at) <= length)
}

impl Shared {
    /// May a string be so long?
    fn bounded(&self, lua: &Lua, length: u64) -> Result<()> {
        if length <= self.0.at_once() as u64 {
            return Ok(());
        }
        Err(fault::at_line(lua, format_args!("a string of {} bytes {}", grouped(length), fault::memory(&self.0))))
    }

    /// The string itself, in memory that is lent for it.
    fn made(&self, lua: &Lua, bytes: &[u8]) -> Result<LuaString> {
        self.0.lend(lua);
        lua.create_string(bytes)
    }

    fn building(&self) -> Building<'_> {
        Building { shared: self, bytes: Vec::new() }
    }

    fn charge(&self, lua: &Lua, steps: u64) -> Result<()> {
        self.0.charge(steps).map_err(|spent| fault::at_line(lua, spent.sentence()))
    }

    /// Runs the matcher on what is left of the budget.
    fn matching<T>(
        &self,
        lua: &Lua,
        subject: &[u8],
        pattern: &[u8],
        run: impl FnOnce(&mut Matcher<'_>) -> std::result::Result<T, Fault>,
    ) -> Result<T> {
        let left = self.0.left();
        let on_time = || self.0.look().is_ok();
        let mut matcher = Matcher::new(subject, pattern, left).watched(&on_time);
        let result = run(&mut matcher);
        let used = left - matcher.left();
        match result {
            Ok(found) => self.charge(lua, used).map(|()| found),
            Err(Fault::Malformed(why)) => Err(fault::at_line(lua, why)),
            Err(Fault::Exhausted) => self.charge(lua, left.saturating_add(1)).and(Err(fault::at_line(lua, "no match"))),
        }
    }

    fn find(&self, lua: &Lua, (subject, sought, from, plain): Sought) -> Result<MultiValue> {
        let (bytes, wanted) = (subject.as_bytes(), sought.as_bytes());
        let Some(from) = begin(from, bytes.len()) else { return Ok(nothing()) };
        let plain = plain.is_some_and(|plain| !matches!(plain, Value::Nil | Value::Boolean(false)));
        if plain || pattern::is_plain(&wanted) {
            self.charge(lua, (bytes.len() + wanted.len()) as u64 / STRIDE)?;
            let Some(at) = memchr::memmem::find(&bytes[from..], &wanted) else { return Ok(nothing()) };
            let start = from + at;
            return Ok(MultiValue::from_vec(vec![place(start + 1), place(start + wanted.len())]));
        }
        let Some(found) = self.matching(lua, &bytes, &wanted, |matcher| matcher.find(from))? else { return Ok(nothing()) };
        let mut values = vec![place(found.start + 1), place(found.end)];
        for capture in &found.captures {
            values.push(value(lua, &bytes, *capture)?);
        }
        Ok(MultiValue::from_vec(values))
    }

    fn only_match(&self, lua: &Lua, (subject, sought, from): (LuaString, LuaString, Option<i64>)) -> Result<MultiValue> {
        let (bytes, wanted) = (subject.as_bytes(), sought.as_bytes());
        let Some(from) = begin(from, bytes.len()) else { return Ok(nothing()) };
        match self.matching(lua, &bytes, &wanted, |matcher| matcher.find(from))? {
            Some(found) => values(lua, &bytes, &found),
            None => Ok(nothing()),
        }
    }

    fn gmatch(&self, lua: &Lua, (subject, sought, from): (LuaString, LuaString, Option<i64>)) -> Result<mlua::Function> {
        // After the end nothing is found, not even nothing.
        let at = begin(from, subject.as_bytes().len()).unwrap_or(usize::MAX);
        let (shared, state) = (self.clone(), RefCell::new((at, None)));
        lua.create_function(move |lua, ()| {
            let (bytes, wanted) = (subject.as_bytes(), sought.as_bytes());
            let (from, last) = *state.borrow();
            let next = |matcher: &mut Matcher<'_>| next_after(matcher, from, last, bytes.len());
            let Some(found) = shared.matching(lua, &bytes, &wanted, next)? else {
                *state.borrow_mut() = (usize::MAX, last);
                return Ok(nothing());
            };
            *state.borrow_mut() = (found.end, Some(found.end));
            values(lua, &bytes, &found)
        })
    }

    fn gsub(
        &self,
        lua: &Lua,
        (subject, sought, with, most): (LuaString, LuaString, Value, Option<i64>),
    ) -> Result<(LuaString, i64)> {
        let (bytes, wanted) = (subject.as_bytes(), sought.as_bytes());
        let with = With::of(lua, with)?;
        let anchored = wanted.first() == Some(&b'^');
        let most = most.unwrap_or(i64::MAX);
        let (mut out, mut at, mut last, mut times) = (self.building(), 0, None, 0);
        while times < most {
            let found = self.matching(lua, &bytes, &wanted, |matcher| matcher.at(at, usize::from(anchored)))?;
            match found.filter(|found| Some(found.end) != last) {
                Some(found) => {
                    times += 1;
                    with.put(&bytes, &found, &mut out, lua)?;
                    (at, last) = (found.end, Some(found.end));
                }
                None if at < bytes.len() => {
                    out.add(lua, &bytes[at..=at])?;
                    at += 1;
                }
                None => break,
            }
            if anchored {
                break;
            }
        }
        out.add(lua, &bytes[at.min(bytes.len())..])?;
        Ok((self.made(lua, &out.bytes)?, times))
    }

    fn rep(&self, lua: &Lua, (text, times, between): (LuaString, i64, Option<LuaString>)) -> Result<LuaString> {
        let text = text.as_bytes();
        let between = between.as_ref().map(LuaString::as_bytes);
        let between = between.as_deref().unwrap_or_default();
        let Ok(times) = u64::try_from(times) else { return lua.create_string("") };
        let length = (text.len() as u64).saturating_mul(times);
        let length = length.saturating_add((between.len() as u64).saturating_mul(times.saturating_sub(1)));
        self.bounded(lua, length)?;
        if length == 0 {
            return lua.create_string("");
        }
        if between.is_empty() {
            self.charge(lua, length / STRIDE)?;
            return self.made(lua, &text.repeat(times as usize));
        }
        self.charge(lua, length / STRIDE + times)?;
        let mut out = Vec::with_capacity(length as usize);
        for time in 0..times {
            if time > 0 {
                out.extend_from_slice(between);
            }
            out.extend_from_slice(&text);
        }
        self.made(lua, &out)
    }

    fn concat(
        &self,
        lua: &Lua,
        (list, between, from, to): (Table, Option<LuaString>, Option<i64>, Option<i64>),
    ) -> Result<LuaString> {
        let between = between.as_ref().map(LuaString::as_bytes);
        let between = between.as_deref().unwrap_or_default();
        let (from, to) = (from.unwrap_or(1), to.unwrap_or_else(|| signed(list.raw_len())));
        let mut out = self.building();
        for at in from..=to {
            let piece: Value = list.raw_get(at)?;
            let kind = piece.type_name();
            let Some(piece) = lua.coerce_string(piece)? else {
                return Err(fault::at_line(lua, format_args!("invalid value ({kind}) at index {at} in table for 'concat'")));
            };
            if at > from {
                out.add(lua, between)?;
            }
            out.add(lua, &piece.as_bytes())?;
            self.charge(lua, 4)?;
        }
        self.made(lua, &out.bytes)
    }
}

/// A string that is being made, outside of what Lua counts. All of them together are bounded, for what one asks of the script
/// may make another.
struct Building<'a> {
    shared: &'a Shared,
    bytes: Vec<u8>,
}

impl Building<'_> {
    fn add(&mut self, lua: &Lua, piece: &[u8]) -> Result<()> {
        self.shared.charge(lua, piece.len() as u64 / STRIDE)?;
        self.shared.bounded(lua, (self.bytes.len() as u64).saturating_add(piece.len() as u64))?;
        if self.shared.0.hold(piece.len()) > self.shared.0.memory() {
            self.shared.0.release(piece.len());
            return Err(fault::at_line(lua, format_args!("a string within others {}", fault::memory(&self.shared.0))));
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }
}

impl Drop for Building<'_> {
    fn drop(&mut self) {
        self.shared.0.release(self.bytes.len());
    }
}

/// Lua counts with a sign.
fn signed(length: usize) -> i64 {
    length.cast_signed() as i64
}

/// The next match from `from` on that does not end where the `last` one did.
fn next_after(
    matcher: &mut Matcher<'_>,
    from: usize,
    last: Option<usize>,
    length: usize,
) -> std::result::Result<Option<Found>, Fault> {
    for at in from..=length {
        // There is no anchor in `gmatch`.
        if let Some(found) = matcher.at(at, 0)?.filter(|found| Some(found.end) != last) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn nothing() -> MultiValue {
    MultiValue::from_vec(vec![Value::Nil])
}

fn place(at: usize) -> Value {
    Value::Integer(signed(at))
}

fn value(lua: &Lua, subject: &[u8], capture: Capture) -> Result<Value> {
    match capture {
        Capture::Piece(from, to) => lua.create_string(&subject[from..to]).map(Value::String),
        Capture::Position(at) => Ok(place(at + 1)),
        Capture::Unfinished => Err(fault::at_line(lua, "unfinished capture")),
    }
}

fn values(lua: &Lua, subject: &[u8], found: &Found) -> Result<MultiValue> {
    found.values().into_iter().map(|capture| value(lua, subject, capture)).collect()
}

/// What `gsub` puts in the place of a match.
enum With {
    Text(LuaString),
    Table(Table),
    Call(mlua::Function),
}

impl With {
    fn of(lua: &Lua, value: Value) -> Result<Self> {
        Ok(match value {
            Value::Table(table) => Self::Table(table),
            Value::Function(function) => Self::Call(function),
            Value::String(text) => Self::Text(text),
            Value::Integer(_) | Value::Number(_) => match lua.coerce_string(value)? {
                Some(text) => Self::Text(text),
                None => return Err(fault::at_line(lua, "a number is no text")),
            },
            other => {
                let what = other.type_name();
                let why = format!("bad argument #3 to 'gsub' (string/function/table expected, got {what})");
                return Err(fault::at_line(lua, why));
            }
        })
    }

    fn put(&self, subject: &[u8], found: &Found, out: &mut Building<'_>, lua: &Lua) -> Result<()> {
        let first = || value(lua, subject, found.value(0).unwrap_or(Capture::Unfinished));
        let instead: Value = match self {
            Self::Text(text) => return put_text(lua, &text.as_bytes(), subject, found, out),
            Self::Table(table) => table.get(first()?)?,
            Self::Call(function) => function.call(values(lua, subject, found)?)?,
        };
        match instead {
            Value::Nil | Value::Boolean(false) => out.add(lua, &subject[found.start..found.end]),
            Value::String(text) => out.add(lua, &text.as_bytes()),
            Value::Integer(_) | Value::Number(_) => {
                let text = lua.coerce_string(instead)?;
                out.add(lua, text.as_ref().map(LuaString::as_bytes).as_deref().unwrap_or_default())
            }
            other => {
                let what = other.type_name();
                Err(fault::at_line(lua, format_args!("invalid replacement value (a {what})")))
            }
        }
    }
}

/// `%0` is the whole match, `%1` the first capture, `%%` a percent sign.
fn put_text(lua: &Lua, text: &[u8], subject: &[u8], found: &Found, out: &mut Building<'_>) -> Result<()> {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'%', rest) {
        out.add(lua, &rest[..at])?;
        out.shared.charge(lua, 1)?;
        let capture = match rest.get(at + 1) {
            Some(b'%') => None,
            Some(b'0') => Some(Capture::Piece(found.start, found.end)),
            Some(digit @ b'1'..=b'9') => {
                let index = usize::from(digit - b'1');
                let Some(capture) = found.value(index) else {
                    return Err(fault::at_line(lua, format_args!("invalid capture index %{}", index + 1)));
                };
                Some(capture)
            }
            _ => return Err(fault::at_line(lua, "invalid use of '%' in replacement string")),
        };
        match capture {
            None => out.add(lua, b"%")?,
            Some(Capture::Piece(from, to)) => out.add(lua, &subject[from..to])?,
            Some(Capture::Position(at)) => out.add(lua, (at + 1).to_string().as_bytes())?,
            Some(Capture::Unfinished) => return Err(fault::at_line(lua, "unfinished capture")),
        }
        rest = &rest[at + 2..];
    }
    out.add(lua, rest)
}
