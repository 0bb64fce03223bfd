//! One Lua state for each script and thread: made when the first session of the script is called on that thread, and never
//! seen by another one.
//!
//! The state is closed: no files, no system, no code from elsewhere; [`super::limits`] hold all that it runs.
//!
//! May use: `session`, `protocol`, mlua.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use mlua::{Function, Lua, LuaOptions, StdLib, Table, Value, chunk::ChunkMode};

use super::{
    super::{ParamKind, Params},
    Script, connection, fault,
    input::{self, Shared},
    limits::{self, Budget, Clock, MEMORIES},
    strings,
    turn::Turn,
};
use crate::session::Violation;

/// The functions that are called, by their names; `submit` is the client's alone.
const HOOKS: [&str; 7] = ["open", "input", "submit", "wake", "drained", "eof", "closed"];

/// The functions that one end defines.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    pub(super) open: Option<Function>,
    pub(super) input: Option<Function>,
    pub(super) submit: Option<Function>,
    pub(super) wake: Option<Function>,
    pub(super) drained: Option<Function>,
    pub(super) eof: Option<Function>,
    pub(super) closed: Option<Function>,
}

/// Where a session's table is. The table never leaves its thread; the session may be dropped on another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seat {
    thread: u64,
    slot: usize,
}

/// The value of a parameter, as a script is given it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Setting {
    Text(String),
    Seconds(f64),
    Number(u64),
    Switch(bool),
}

/// All parameters of a script, by name.
pub(super) type Settings = Vec<(&'static str, Setting)>;

/// They, as they are set.
pub(super) fn settings(script: &Script, params: &Params) -> Settings {
    let Some(declared) = script.declared.get() else { return Vec::new() };
    let all = declared.params.iter().map(|param| {
        let from = if params.has(param.name) { params } else { &declared.defaults };
        let setting = match param.kind {
            ParamKind::Duration => Setting::Seconds(from.duration(param.name).unwrap_or_default().as_secs_f64()),
            ParamKind::Count | ParamKind::Size => Setting::Number(from.number(param.name).unwrap_or_default()),
            ParamKind::Switch => Setting::Switch(from.switch(param.name)),
            _ => Setting::Text(from.text(param.name).unwrap_or_default().into()),
        };
        (param.name, setting)
    });
    all.collect()
}

/// A script at work on one thread.
#[derive(Debug)]
pub(super) struct State {
    pub(super) lua: Lua,
    pub(super) budget: Rc<Budget>,
    pub(super) turn: Shared,
    pub(super) input: Table,
    pub(super) server: Hooks,
    pub(super) client: Hooks,
    /// Gives the key that a wait was asked with.
    pub(super) waited: Function,
    methods: Table,
    /// A metatable of connections for each set of parameters.
    metas: RefCell<Vec<(Settings, Table)>>,
    seats: RefCell<Seats>,
    /// Bytes that wait for peers or for the script, of all sessions that have more than a few.
    pub(super) held: Cell<usize>,
}

#[derive(Debug, Default)]
struct Seats {
    tables: Vec<Option<Table>>,
    free: Vec<usize>,
}

/// A script's state on this thread, by its number; or why there is none.
type Loaded = (u64, Result<Rc<State>, Violation>);

static THREADS: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static THREAD: u64 = THREADS.fetch_add(1, Relaxed);
    static STATES: RefCell<Vec<Loaded>> = const { RefCell::new(Vec::new()) };
}

impl State {
    /// This thread's state of the script.
    pub(super) fn of(script: &'static Script, clock: Clock) -> Result<Rc<Self>, Violation> {
        STATES.with_borrow_mut(|states| {
            if let Some((_, state)) = states.iter().find(|(id, _)| *id == script.id) {
                return state.clone();
            }
            let state = Self::load(script, clock).map(Rc::new);
            states.push((script.id, state.clone()));
            state
        })
    }

    /// Runs the script for the first time: what it says of itself and its hooks are there then.
    pub(super) fn load(script: &Script, clock: Clock) -> Result<Self, Violation> {
        let budget = Rc::new(Budget::default());
        budget.begin(script.source.len(), clock);
        let made = Self::make(script, &budget);
        made.map_err(|error| fault::violation(&error, &budget, &script.file))
    }

    fn make(script: &Script, budget: &Rc<Budget>) -> mlua::Result<Self> {
        let libraries = StdLib::STRING | StdLib::TABLE | StdLib::MATH | StdLib::UTF8 | StdLib::COROUTINE;
        let lua = Lua::new_with(libraries, LuaOptions::default())?;
        let turn = Shared::new(RefCell::new(Turn::default()));
        limits::install(&lua, budget)?;
        strings::install(&lua, budget)?;
        let (methods, waited) = connection::methods(&lua, &turn)?;
        prelude(&lua, budget)?;
        let input = input::object(&lua, &turn)?;
        for end in ["server", "client"] {
            lua.globals().set(end, lua.create_table()?)?;
        }
        let chunk = lua.load(plain(&script.source)).set_name(format!("@{}", script.file)).set_mode(ChunkMode::Text);
        // Reading it may take all memory there is; running it, what is lent.
        let first = chunk.into_function()?;
        budget.lend(&lua);
        first.call::<()>(())?;
        if let Some(mebibytes) = memory(&lua)? {
            budget.set_memory(mebibytes);
        }
        let hooks = |end: &str| Hooks::of(&lua, end);
        let (server, client) = (hooks("server")?, hooks("client")?);
        let (metas, seats, held) = (RefCell::default(), RefCell::default(), Cell::default());
        Ok(Self { lua, budget: budget.clone(), turn, input, server, client, waited, methods, metas, seats, held })
    }

    /// The table of this session, made when it has none.
    pub(super) fn seat(&self, seat: &mut Option<Seat>, given: &[(&'static str, Setting)]) -> mlua::Result<Table> {
        let here = THREAD.with(|thread| *thread);
        let mut seats = self.seats.borrow_mut();
        if let Some(Seat { thread, slot }) = *seat {
            let table = seats.tables.get(slot).filter(|_| thread == here).cloned().flatten();
            return table.ok_or_else(|| mlua::Error::RuntimeError("a scripted session has left its thread".into()));
        }
        let table = self.lua.create_table()?;
        table.set_metatable(Some(self.meta(given)?))?;
        let slot = seats.free.pop().unwrap_or_else(|| {
            seats.tables.push(None);
            seats.tables.len() - 1
        });
        seats.tables[slot] = Some(table.clone());
        *seat = Some(Seat { thread: here, slot });
        Ok(table)
    }

    fn meta(&self, given: &[(&'static str, Setting)]) -> mlua::Result<Table> {
        let mut metas = self.metas.borrow_mut();
        if let Some((_, meta)) = metas.iter().find(|(known, _)| known == given) {
            return Ok(meta.clone());
        }
        let (meta, methods, values) = (self.lua.create_table()?, self.lua.create_table()?, self.lua.create_table()?);
        for pair in self.methods.pairs::<Value, Value>() {
            let (name, method) = pair?;
            methods.set(name, method)?;
        }
        for (name, setting) in given {
            match setting {
                Setting::Text(text) => values.set(*name, &text[..])?,
                Setting::Seconds(seconds) => values.set(*name, *seconds)?,
                Setting::Number(number) => values.set(*name, *number)?,
                Setting::Switch(on) => values.set(*name, *on)?,
            }
        }
        methods.set("params", values)?;
        meta.set("__index", methods)?;
        meta.set("__metatable", "connection")?;
        metas.push((given.to_vec(), meta.clone()));
        Ok(meta)
    }

    /// The session has ended: its table goes, and what is `counted` of it, if this is its thread.
    pub(super) fn leave(script: &Script, seat: Seat, counted: usize) {
        // At the end of a thread its states go first, and the tables with them.
        let _ = STATES.try_with(|states| {
            let Ok(states) = states.try_borrow() else { return };
            if THREAD.try_with(|thread| *thread) != Ok(seat.thread) {
                return;
            }
            if let Some((_, Ok(state))) = states.iter().find(|(id, _)| *id == script.id)
                && let Ok(mut seats) = state.seats.try_borrow_mut()
                && seats.tables.get_mut(seat.slot).and_then(Option::take).is_some()
            {
                seats.free.push(seat.slot);
                state.held.set(state.held.get() - counted);
            }
        });
    }
}

/// The script without what other programs put before it: a mark of UTF-8, and a line for the shell. Lines keep their numbers.
fn plain(source: &[u8]) -> &[u8] {
    let source = source.strip_prefix(b"\xef\xbb\xbf").unwrap_or(source);
    if source.starts_with(b"#") { memchr::memchr(b'\n', source).map_or(&[], |end| &source[end..]) } else { source }
}

/// How much memory the script says that it needs, in MiB.
fn memory(lua: &Lua) -> mlua::Result<Option<usize>> {
    let said = match lua.globals().raw_get("memory")? {
        Value::Nil => return Ok(None),
        Value::Integer(mebibytes) => usize::try_from(mebibytes).ok(),
        _ => None,
    };
    said.filter(|mebibytes| MEMORIES.contains(mebibytes)).map(Some).ok_or_else(|| {
        let (least, most) = (MEMORIES.start(), MEMORIES.end());
        mlua::Error::RuntimeError(format!("memory has to be a number of MiB from {least} to {most}"))
    })
}

/// Lua's own functions, changed where no limit would hold them.
fn prelude(lua: &Lua, budget: &Rc<Budget>) -> mlua::Result<()> {
    let of = budget.clone();
    let check = lua.create_function(move |lua, ()| match of.spent() {
        Some(spent) => Err(fault::at_line(lua, spent.sentence())),
        None => Ok(()),
    })?;
    let of = budget.clone();
    let plain = lua.create_function(move |lua, error: Value| match error {
        Value::Error(error) => lua.create_string(fault::words(&error, &of)).map(Value::String),
        Value::String(text) => match fault::without_own(&text.as_bytes()) {
            Some(rest) => lua.create_string(rest).map(Value::String),
            None => Ok(Value::String(text.clone())),
        },
        other => Ok(other),
    })?;
    let of = budget.clone();
    let charge = lua.create_function(move |lua, bytes: u64| {
        of.charge(bytes / strings::STRIDE).map_err(|spent| fault::at_line(lua, spent.sentence()))
    })?;
    lua.load(include_str!("prelude.lua")).set_name(format!("={}", fault::OWN)).call((check, plain, charge))
}

impl Hooks {
    fn of(lua: &Lua, end: &str) -> mlua::Result<Self> {
        let Value::Table(table) = lua.globals().get(end)? else {
            return Err(mlua::Error::RuntimeError(format!("{end} has to stay a table of functions")));
        };
        let hook = |name: &str| match table.raw_get(name)? {
            Value::Function(function) => Ok(Some(function)),
            Value::Nil => Ok(None),
            other => {
                let what = other.type_name();
                Err(mlua::Error::RuntimeError(format!("{end}.{name} has to be a function, and is a {what}")))
            }
        };
        for pair in table.pairs::<Value, Value>() {
            known(end, &pair?)?;
        }
        Ok(Self {
            open: hook("open")?,
            input: hook("input")?,
            submit: hook("submit")?,
            wake: hook("wake")?,
            drained: hook("drained")?,
            eof: hook("eof")?,
            closed: hook("closed")?,
        })
    }

    pub(super) fn any(&self) -> bool {
        let all = [&self.open, &self.input, &self.submit, &self.wake, &self.drained, &self.eof, &self.closed];
        all.iter().any(|hook| hook.is_some())
    }
}

/// A function that nobody would call is a mistyped one.
fn known(end: &str, (name, value): &(Value, Value)) -> mlua::Result<()> {
    let (Value::String(name), Value::Function(_)) = (name, value) else { return Ok(()) };
    let name = name.to_string_lossy();
    let hooks = HOOKS.iter().filter(|hook| end == "client" || **hook != "submit");
    if hooks.clone().any(|hook| *hook == name) {
        return Ok(());
    }
    let all: Vec<_> = hooks.map(|hook| format!("{end}.{hook}")).collect();
    Err(mlua::Error::RuntimeError(format!("{end}.{name} is called by nobody; there are {}", all.join(", "))))
}
