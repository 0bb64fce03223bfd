//! What a script finds in `c`, the connection: what it may know and do.
//!
//! May use: `session`, `protocol`, `values`, mlua.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use mlua::{FromLuaMulti, Function, IntoLuaMulti, Lua, LuaString, MultiValue, Result, Table, Value, Variadic};

use super::{
    fault,
    input::{FRAMINGS, Shared, framing, told},
    turn::Turn,
};
use crate::{
    session::{EffectId, Event, Mismatch, Verdict, Violation},
    values::show::escaped,
};

/// The longest wait: a year.
const LONGEST: f64 = 365.0 * 86_400.0;

/// Makes one method after the other.
struct Maker<'a> {
    lua: &'a Lua,
    turn: &'a Shared,
    methods: Table,
}

impl Maker<'_> {
    /// A method that runs only for the connection that is served now.
    fn method<A: FromLuaMulti, R: IntoLuaMulti>(
        &self,
        name: &'static str,
        method: impl Fn(&Lua, &mut Turn, A) -> Result<R> + 'static,
    ) -> Result<()> {
        let turn = self.turn.clone();
        let function = self.lua.create_function(move |lua, (this, rest): (Value, MultiValue)| {
            let Value::Table(this) = &this else {
                return Err(fault::at_line(
                    lua,
                    format_args!("call it with a colon, as in c:{}()", name.trim_start_matches('_')),
                ));
            };
            let args = A::from_lua_multi(rest, lua)?;
            let mut turn = turn.borrow_mut();
            if turn.current != this.to_pointer().addr() {
                let name = name.trim_start_matches('_');
                let why = format!("c:{name}() is for the connection whose event this is, and for no other");
                return Err(fault::at_line(lua, why));
            }
            method(lua, &mut turn, args)
        })?;
        self.methods.set(name, function)
    }

    fn saying(&self) -> Result<()> {
        self.method("write", |lua, turn, pieces: Variadic<LuaString>| {
            pieces.iter().try_for_each(|piece| turn.write(&piece.as_bytes())).map_err(|why| told(lua, why))
        })?;
        for (name, framed) in FRAMINGS {
            self.method(name, move |lua, turn, (message, max): (LuaString, Option<usize>)| {
                let framing = framing(lua, framed, max)?;
                turn.write_framed(&framing, &message.as_bytes()).map_err(|why| told(lua, why))
            })?;
        }
        self.method("end_datagram", |lua, turn, ()| turn.end_datagram().map_err(|why| told(lua, why)))?;
        self.method("close", |lua, turn, ()| turn.close().map_err(|why| told(lua, why)))?;
        self.method("pause", |lua, turn, ()| turn.pause(true).map_err(|why| told(lua, why)))?;
        self.method("resume", |lua, turn, ()| turn.pause(false).map_err(|why| told(lua, why)))?;
        self.method("busy", |_, turn, busy: bool| {
            turn.kept.busy = busy;
            Ok(())
        })
    }

    /// What a session asks for is numbered by the prelude of the state, which keeps the script's own keys.
    fn waiting(&self) -> Result<()> {
        self.method("_wake", |lua, turn, (id, seconds): (i64, Option<f64>)| {
            let after = match seconds {
                Some(seconds) if (0.0..=LONGEST).contains(&seconds) => Some(Duration::from_secs_f64(seconds)),
                Some(_) => return Err(fault::at_line(lua, "c:wake() takes seconds, from 0 to those of a year")),
                None => None,
            };
            turn.wake(EffectId(id as u64), after).map_err(|why| told(lua, why))
        })
    }

    fn knowing(&self) -> Result<()> {
        self.method("peer", |_, turn, ()| Ok(turn.facts.as_ref().map(|facts| facts.peer.to_string())))?;
        self.method("here", |_, turn, ()| Ok(turn.facts.as_ref().map(|facts| facts.local.to_string())))?;
        self.method("datagrams", |_, turn, ()| Ok(turn.datagrams()))?;
        self.method("max_datagram", |_, turn, ()| Ok(turn.facts.as_ref().map(|facts| facts.max_datagram)))?;
        self.method("unsent", |_, turn, ()| Ok(turn.out.unsent()))?;
        self.method("time", |_, turn, ()| {
            let now = turn.facts.as_ref().and_then(|facts| (facts.wall_clock)().duration_since(UNIX_EPOCH).ok());
            Ok(now.map(|since| since.as_secs_f64()))
        })
    }

    /// What only a client does.
    fn answering(&self) -> Result<()> {
        self.method("right", |lua, turn, seq: Option<u64>| turn.answer(seq, Verdict::Right).map_err(|why| told(lua, why)))?;
        self.method("wrong", |lua, turn, (expected, got, seq): (LuaString, Option<LuaString>, Option<u64>)| {
            let mismatch = match got {
                Some(got) => Mismatch::between(&expected.as_bytes(), &got.as_bytes()),
                None => Mismatch::between(b"", b"").because(escaped(&expected.as_bytes(), false), None),
            };
            turn.answer(seq, Verdict::Wrong(Box::new(mismatch))).map_err(|why| told(lua, why))
        })?;
        self.method("awaited", |lua, turn, seq: Option<u64>| match turn.kept.awaited.get(seq) {
            Some((seq, body)) => Ok((Value::String(lua.create_string(body)?), Some(seq))),
            None => Ok((Value::Nil, None)),
        })?;
        self.method("find", |_, turn, body: LuaString| Ok(turn.kept.awaited.find(&body.as_bytes())))?;
        self.method("body", |lua, turn, body: LuaString| {
            turn.cx(|cx| cx.body(&body.as_bytes())).map_err(|why| told(lua, why))
        })?;
        self.method("unsolicited", |lua, turn, what: LuaString| {
            turn.event(Event::Unsolicited { bytes: what.as_bytes().len() }).map_err(|why| told(lua, why))
        })?;
        self.method("refuse", |lua, turn, why: LuaString| {
            if turn.submits.is_none() {
                return Err(fault::at_line(lua, "c:refuse() is for client.submit"));
            }
            turn.unsayable = Some(Violation::new("unsayable", escaped(&why.as_bytes(), false)));
            Ok(())
        })?;
        self.method("ready", |lua, turn, ()| turn.event(Event::Ready).map_err(|why| told(lua, why)))
    }

    /// What both ends may say of the other.
    fn judging(&self) -> Result<()> {
        self.method("violation", |lua, turn, why: LuaString| -> Result<()> {
            let violation = Violation::new("violation", escaped(&why.as_bytes(), false));
            turn.violated = Some(violation.clone());
            Err(fault::at_line(lua, violation))
        })
    }
}

/// The methods of every connection; and what gives the key of a wait back, by its number.
pub(super) fn methods(lua: &Lua, turn: &Shared) -> Result<(Table, Function)> {
    let maker = Maker { lua, turn, methods: lua.create_table()? };
    maker.saying()?;
    maker.waiting()?;
    maker.knowing()?;
    maker.answering()?;
    maker.judging()?;
    lua.load(include_str!("waiting.lua")).set_name(format!("={}", fault::OWN)).call(maker.methods)
}

/// A body as a script is given it.
pub(super) fn body(lua: &Lua, body: &Bytes) -> Result<Value> {
    lua.create_string(body).map(Value::String)
}
