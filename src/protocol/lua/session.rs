//! A session whose words are a script's: it calls the hooks, and gives the script what the contract gives a session.
//!
//! May use: `session`, `protocol`, mlua.

use bytes::Bytes;
use mlua::{Function, Table, Value};

use super::{
    super::Setup,
    Script, connection, fault,
    state::{Hooks, Seat, Settings, State, settings},
    turn::{Kept, SMALL, TOGETHER},
};
use crate::session::{Closed, Cx, EffectId, Event, Facts, Input, NotNow, Out, Outcome, Session, Violation};

/// Bytes that may come without the script taking any message from them.
const MOST_LEFT: usize = 1024 * 1024;
/// A call that takes more steps is long: then others come first.
const LONG: u64 = 20_000;
/// No more input is offered while so many bytes are queued.
const HIGH_WATER: usize = 128 * 1024;
/// Asks to be told when there is room for output again. Scripts count their waits from 1.
const ROOM: EffectId = EffectId(u64::MAX);
/// Asks to be told when what is counted as unsent has been sent.
const SENT: EffectId = EffectId(u64::MAX - 1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Server,
    Client,
}

/// One end of one conversation.
#[derive(Debug)]
pub(super) struct Scripted {
    script: &'static Script,
    end: End,
    /// The parameters.
    given: Settings,
    seat: Option<Seat>,
    kept: Kept,
    /// Input waits until there is room for output, or until others had their turn.
    full: bool,
    /// [`SENT`] was asked for.
    counting: bool,
    /// What was wrong in the call at the end.
    fault: Option<Violation>,
    /// For the call at the end, where there is one.
    known: Option<Box<Facts>>,
}

/// The server end of the script in `setup`.
pub(super) fn server(setup: &Setup) -> Box<dyn Session> {
    made(setup, End::Server)
}

/// The client end.
pub(super) fn client(setup: &Setup) -> Box<dyn Session> {
    made(setup, End::Client)
}

fn made(setup: &Setup, end: End) -> Box<dyn Session> {
    match setup.script {
        Some(script) => {
            let (given, kept) = (settings(script, &setup.params), Kept::default());
            let (seat, known, fault) = (None, None, None);
            Box::new(Scripted { script, end, given, seat, kept, full: false, counting: false, fault, known })
        }
        None => Box::new(Scriptless),
    }
}

/// A call of the script: its state, and the connection's table.
struct Call<'a> {
    state: &'a State,
    hooks: &'a Hooks,
    table: Table,
}

impl Call<'_> {
    /// Calls a hook; what it has written is a datagram, where those are what carries it.
    fn hook(&self, hook: &Function, args: impl mlua::IntoLuaMulti) -> mlua::Result<Value> {
        let value = hook.call((self.table.clone(), args.into_lua_multi(&self.state.lua)?))?;
        let ended = self.state.turn.borrow_mut().end_staged();
        ended.map_err(|why| super::input::told(&self.state.lua, why))?;
        Ok(value)
    }
}

impl Scripted {
    /// Runs `work` with the queue of `cx` lent to what the script calls.
    fn call<T>(
        &mut self,
        cx: &mut Cx<'_>,
        bytes: usize,
        work: impl FnOnce(&Call<'_>) -> mlua::Result<T>,
    ) -> Result<T, Violation> {
        let state = State::of(self.script, cx.facts.steady_clock)?;
        let ours = |error: &mlua::Error| fault::violation(error, &state.budget, &self.script.file);
        state.budget.begin(bytes, cx.facts.steady_clock);
        state.budget.lend(&state.lua);
        let table = state.seat(&mut self.seat, &self.given).map_err(|error| ours(&error))?;
        let hooks = if self.end == End::Server { &state.server } else { &state.client };
        if hooks.closed.is_some() && self.known.is_none() {
            self.known = Some(Box::new(cx.facts.clone()));
        }
        state.turn.borrow_mut().others = state.held.get() - self.kept.counted;
        state.turn.borrow_mut().begin(table.to_pointer().addr(), &mut self.kept, cx);
        let result = work(&Call { state: &state, hooks, table });
        let mut turn = state.turn.borrow_mut();
        let violated = turn.violated.take();
        turn.end(&mut self.kept, cx);
        drop(turn);
        self.count(&state, cx);
        if state.budget.used() > LONG {
            cx.rest();
        }
        match (violated, result) {
            (Some(violation), _) => Err(violation),
            (None, result) => result.map_err(|error| ours(&error)),
        }
    }

    /// Counts what waits here among what waits on this thread, and asks to be told when there is less of it.
    fn count(&mut self, state: &State, cx: &mut Cx<'_>) {
        let much = |bytes: usize| if bytes > SMALL { bytes } else { 0 };
        let unsent = if cx.datagrams() { 0 } else { much(cx.unsent()) };
        let counted = much(self.kept.left.len()) + unsent;
        state.held.set(state.held.get() - self.kept.counted + counted);
        self.kept.counted = counted;
        if unsent > 0 && !std::mem::replace(&mut self.counting, true) {
            cx.when_drained(SENT);
        }
    }

    /// Calls the input hook as long as it takes messages and there is room for what it answers.
    /// So many bytes `came` since it was last asked.
    fn converse(&mut self, came: usize, cx: &mut Cx<'_>) -> Result<(), Violation> {
        let unsent = cx.unsent();
        let room = move |queued: usize| queued <= HIGH_WATER.max(unsent);
        let left = self.call(cx, came, |call| offer(call, room))?;
        match left {
            Left::Nothing => {}
            Left::NoRoom => cx.when_drained(ROOM),
            Left::Long => cx.again(ROOM),
        }
        if left != Left::Nothing {
            self.full = true;
            cx.pause_input();
        }
        let held = State::of(self.script, cx.facts.steady_clock)?.held.get();
        if self.kept.left.len() > MOST_LEFT || (self.kept.left.len() > SMALL && held > TOGETHER) {
            return Err(Violation::too_long(
                "input that the script takes no message from,",
                self.kept.left.len(),
                MOST_LEFT,
            ));
        }
        Ok(())
    }

    /// What waited is offered again, once nothing keeps it.
    fn go_on(&mut self, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if self.kept.left.is_empty() || self.kept.paused || self.kept.closed || self.full {
            return Ok(());
        }
        self.converse(self.kept.left.len(), cx)
    }

    /// Who was refused may try again after anything has happened.
    fn ready(&mut self, cx: &mut Cx<'_>) {
        if self.end == End::Client && self.kept.awaited.ready() {
            cx.event(Event::Ready);
        }
    }
}

/// Why messages are left that may be taken later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// None are.
    Nothing,
    /// Too much is queued.
    NoRoom,
    /// It has taken long, and others come first.
    Long,
}

fn offer(call: &Call<'_>, room: impl Fn(usize) -> bool) -> mlua::Result<Left> {
    let Some(input) = &call.hooks.input else {
        let mut turn = call.state.turn.borrow_mut();
        // Who wants it all at the end gets it then; otherwise nobody wants it.
        if call.hooks.eof.is_none() {
            turn.taken = turn.kept.left.len();
        }
        return Ok(Left::Nothing);
    };
    loop {
        let from = call.state.turn.borrow_mut().offer();
        call.hook(input, call.state.input.clone())?;
        let mut turn = call.state.turn.borrow_mut();
        turn.offered(from).map_err(|why| super::input::told(&call.state.lua, why))?;
        let over = turn.taken == from || turn.taken == turn.kept.left.len() || turn.kept.closed || turn.kept.paused;
        if over || turn.datagrams() {
            return Ok(Left::Nothing);
        }
        if !room(turn.out.unsent()) {
            return Ok(Left::NoRoom);
        }
        if call.state.budget.used() > LONG {
            return Ok(Left::Long);
        }
    }
}

impl Session for Scripted {
    fn open(&mut self, cx: &mut Cx<'_>) {
        let opened = self.call(cx, 0, |call| match &call.hooks.open {
            Some(open) => call.hook(open, ()).map(drop),
            None => Ok(()),
        });
        if let Err(violation) = opened {
            cx.fail(violation);
        }
    }

    fn input(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if input.is_datagram() {
            self.kept.left.clear();
        }
        let came = input.everything();
        self.kept.left.extend_from_slice(came);
        if !cx.datagrams() && (self.kept.closed || self.kept.paused || self.full) {
            return Ok(());
        }
        let result = self.converse(came.len(), cx);
        if cx.datagrams() {
            self.kept.left.clear();
        }
        self.ready(cx);
        result
    }

    fn submit(&mut self, seq: u64, body: &Bytes, cx: &mut Cx<'_>) -> Result<(), NotNow> {
        self.kept.awaited.room(body.len(), cx.datagrams())?;
        self.kept.awaited.push(seq, body);
        let mut unsayable = None;
        // There is nothing to say: only the answer is awaited.
        let silent = body.is_empty() && !cx.datagrams();
        let said = self.call(cx, body.len(), |call| {
            call.state.turn.borrow_mut().submits = Some(seq);
            let said = match &call.hooks.submit {
                Some(submit) => {
                    let text = connection::body(&call.state.lua, body)?;
                    call.hook(submit, (seq, text))
                }
                None if silent => Ok(Value::Nil),
                None => {
                    let said = call.state.turn.borrow_mut().say(body);
                    said.map(|()| Value::Nil).map_err(|why| super::input::told(&call.state.lua, why))
                }
            };
            unsayable = call.state.turn.borrow_mut().unsayable.take();
            said
        });
        match (unsayable, said) {
            (Some(why), _) => {
                self.kept.awaited.withdraw(seq);
                cx.event(Event::Refused { seq, why });
            }
            (None, Ok(Value::Boolean(false))) => {
                self.kept.awaited.withdraw(seq);
                self.kept.awaited.refuse();
                return Err(NotNow);
            }
            (None, Ok(_)) => {}
            (None, Err(violation)) => {
                self.kept.awaited.withdraw(seq);
                cx.fail(violation);
            }
        }
        Ok(())
    }

    fn resume(&mut self, id: EffectId, outcome: Outcome, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if id == ROOM {
            self.full = false;
            if !self.kept.paused {
                cx.resume_input();
            }
            return self.go_on(cx);
        }
        if id == SENT {
            self.counting = false;
            let state = State::of(self.script, cx.facts.steady_clock)?;
            self.count(&state, cx);
            return Ok(());
        }
        // Who asks for that again and again is not alone here.
        cx.rest();
        let result = self.call(cx, 0, |call| {
            let key: Value = call.state.waited.call((call.table.clone(), id.0.cast_signed()))?;
            let hook = if outcome == Outcome::Woken { &call.hooks.wake } else { &call.hooks.drained };
            match hook {
                Some(hook) => call.hook(hook, key).map(drop),
                None => Ok(()),
            }
        });
        result?;
        self.ready(cx);
        self.go_on(cx)
    }

    fn eof(&mut self, rest: &[u8], cx: &mut Cx<'_>) -> Result<(), Violation> {
        self.kept.left.extend_from_slice(rest);
        let left = std::mem::take(&mut self.kept.left);
        let stays = self.call(cx, left.len(), |call| match &call.hooks.eof {
            Some(eof) => {
                let rest = call.state.lua.create_string(&left)?;
                Ok(Some(call.hook(eof, rest)?))
            }
            None => Ok(None),
        })?;
        match stays {
            None if !left.is_empty() => Err(Violation::cut_short(left.len())),
            Some(Value::Boolean(true)) => Ok(()),
            _ => {
                cx.close();
                Ok(())
            }
        }
    }

    fn forget(&mut self, seq: u64) {
        self.kept.awaited.forget(seq);
    }

    fn closed(&mut self, how: &Closed) {
        let Some(facts) = self.known.take() else { return };
        // What it says now, nobody hears.
        let mut out = Out::default();
        let told = how.to_string();
        let closed = self.call(&mut Cx::new(&facts, &mut out), 0, |call| match &call.hooks.closed {
            Some(closed) => call.hook(closed, told).map(drop),
            None => Ok(()),
        });
        self.fault = closed.err();
    }

    fn fault(&mut self) -> Option<Violation> {
        self.fault.take()
    }

    fn busy(&self) -> bool {
        self.kept.busy || self.full
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        if let Some(seat) = self.seat.take() {
            State::leave(self.script, seat, self.kept.counted);
        }
    }
}

/// What a row of a script makes when it is given the set-up of another: nothing to say.
#[derive(Debug)]
struct Scriptless;

impl Session for Scriptless {
    fn input(&mut self, _: &mut Input<'_>, _: &mut Cx<'_>) -> Result<(), Violation> {
        Err(Violation::new("no_script", "there is no script to answer with"))
    }
}
