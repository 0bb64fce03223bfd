//! What a script finds in `input`: ways to take whole messages, each with a limit.
//!
//! May use: `session`, `protocol::Framing`, mlua.

use std::{cell::RefCell, rc::Rc};

use mlua::{FromLuaMulti, Function, Lua, LuaString, Result, Table, Value};

use super::{
    super::framing::{Framing, LINE_MAX},
    fault, limits,
    turn::{Refusal, Turn},
};

/// The one call that runs in a state.
pub(super) type Shared = Rc<RefCell<Turn>>;

/// The framings that have a function of their own: its name, and theirs.
pub(super) const FRAMINGS: [(&str, &str); 6] = [
    ("line", "lines"),
    ("netstring", "netstring"),
    ("int8", "int8"),
    ("int16", "int16"),
    ("int32", "int32"),
    ("varint", "varint"),
];

/// Memory is lent anew for longer messages.
const LONG: usize = 16 * 1024;

/// What a script reads of a refusal.
pub(super) fn told(lua: &Lua, refusal: Refusal) -> mlua::Error {
    match refusal {
        Refusal::Misused(why) => fault::at_line(lua, why),
        Refusal::Violated(violation) => fault::at_line(lua, violation),
    }
}

/// A framing with its limit.
pub(super) fn framing(lua: &Lua, name: &str, max: Option<usize>) -> Result<Framing> {
    Framing::parse(name, max).map_err(|error| fault::at_line(lua, format_args!("{error}: {}", error.hint())))
}

/// The object `input`, one for all calls.
pub(super) fn object(lua: &Lua, turn: &Shared) -> Result<Table> {
    let methods = lua.create_table()?;
    for (name, framed) in FRAMINGS {
        let take = taking(lua, turn, move |lua, turn, max: Option<usize>| take_framed(lua, turn, framed, max))?;
        methods.set(name, take.clone())?;
        methods.set(format!("{name}s"), repeated(lua, take)?)?;
    }
    methods.set(
        "exactly",
        taking(lua, turn, |lua, turn, n: usize| {
            let taken = turn.borrow_mut().take(true, b"", |input| Ok(input.exactly(n))).map_err(|why| told(lua, why))?;
            text(lua, turn, taken)
        })?,
    )?;
    methods.set(
        "upto",
        taking(lua, turn, |lua, turn, (delimiter, max): (LuaString, Option<usize>)| {
            let (delimiter, max) = (delimiter.as_bytes(), max.unwrap_or(LINE_MAX));
            if delimiter.is_empty() {
                return Err(fault::at_line(lua, "the delimiter is empty"));
            }
            let taken = turn.borrow_mut().take(false, &delimiter, |input| input.until(&delimiter, max, "message"));
            text(lua, turn, taken.map_err(|why| told(lua, why))?)
        })?,
    )?;
    methods.set(
        "everything",
        taking(lua, turn, |lua, turn, ()| {
            let all =
                turn.borrow_mut().take(false, b"", |input| Ok(Some(input.everything()))).map_err(|why| told(lua, why))?;
            text(lua, turn, all)
        })?,
    )?;
    methods.set(
        "rest",
        taking(lua, turn, |lua, turn, ()| {
            let turn = turn.borrow();
            lua.create_string(&turn.kept.left[turn.taken..]).map(Value::String)
        })?,
    )?;
    methods.set(
        "size",
        taking(lua, turn, |_, turn, ()| {
            let turn = turn.borrow();
            Ok(Value::Integer((turn.kept.left.len() - turn.taken).cast_signed() as i64))
        })?,
    )?;
    guarded(lua, methods, "input")
}

/// A table that a script can call methods of, and can't change.
fn guarded(lua: &Lua, methods: Table, name: &'static str) -> Result<Table> {
    let (object, meta) = (lua.create_table()?, lua.create_table()?);
    meta.set("__index", methods)?;
    meta.set("__metatable", name)?;
    meta.set(
        "__newindex",
        lua.create_function(move |lua, _: mlua::MultiValue| -> Result<()> {
            Err(fault::at_line(lua, format_args!("{name} can't be changed: what is to be kept belongs to c")))
        })?,
    )?;
    object.set_metatable(Some(meta))?;
    Ok(object)
}

/// A method of `input`.
fn taking<A: FromLuaMulti>(
    lua: &Lua,
    turn: &Shared,
    take: impl Fn(&Lua, &Shared, A) -> Result<Value> + 'static,
) -> Result<Function> {
    let turn = turn.clone();
    lua.create_function(move |lua, (this, rest): (Value, mlua::MultiValue)| {
        if !matches!(this, Value::Table(_)) {
            return Err(fault::at_line(lua, "call it with a colon, as in input:line()"));
        }
        take(lua, &turn, A::from_lua_multi(rest, lua)?)
    })
}

fn take_framed(lua: &Lua, turn: &Shared, name: &str, max: Option<usize>) -> Result<Value> {
    let framing = framing(lua, name, max)?;
    let taken = turn.borrow_mut().take(false, b"\n", |input| if input.is_empty() { Ok(None) } else { framing.take(input) });
    text(lua, turn, taken.map_err(|why| told(lua, why))?)
}

/// What was taken, as a string; `nil` when nothing was.
fn text(lua: &Lua, turn: &Shared, taken: Option<std::ops::Range<usize>>) -> Result<Value> {
    match taken {
        Some(range) => {
            if range.len() > LONG {
                limits::lend(lua);
            }
            lua.create_string(&turn.borrow().kept.left[range]).map(Value::String)
        }
        None => Ok(Value::Nil),
    }
}

/// `for line in input:lines()`: what calls `take` again and again.
fn repeated(lua: &Lua, take: Function) -> Result<Function> {
    lua.load("local take = ... return function(input, max) return function() return take(input, max) end end")
        .set_name(format!("={}", fault::OWN))
        .call(take)
}
