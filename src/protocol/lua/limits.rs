//! What a script may use up: steps in one call, time in one call, memory in all.
//!
//! Steps are instructions of Lua, and what the functions written in Rust count for their own work. The clock is the one the
//! driver lends: it catches what steps can't see, such as long strings that are joined again and again.
//!
//! May use: `session`, mlua.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, SystemTime},
};

use mlua::{HookTriggers, Lua, VmState};

use super::fault;

/// Bytes that all sessions of a worker have together.
pub const MEMORY: usize = 32 * 1024 * 1024;
/// From here on it is running out.
const SCARCE: usize = MEMORY / 4 * 3;
/// Steps of one call; beside them, [`STEPS_A_BYTE`].
pub const STEPS: u64 = 1_000_000;
/// Steps for each byte that has come: many short messages in one read are much to do.
const STEPS_A_BYTE: u64 = 128;
/// How long one call may take.
const TIME: Duration = Duration::from_secs(1);
/// Instructions between two looks at the limits.
const TICK: u32 = 100;

/// What is left in the call that runs now.
#[derive(Debug, Default)]
pub(super) struct Budget {
    left: Cell<u64>,
    until: Cell<Option<SystemTime>>,
    clock: Cell<Option<fn() -> SystemTime>>,
    spent: Cell<Option<Spent>>,
    /// Where the script was when memory was running out: what fails for want of it has no place of its own.
    near: RefCell<Option<String>>,
}

/// Which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spent {
    Steps,
    Time,
}

impl Spent {
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::Steps => "a call took more than 1,000,000 steps",
            Self::Time => "a call took longer than 1 s",
        }
    }
}

impl Budget {
    /// A call begins, for which so many bytes have come.
    pub(super) fn begin(&self, bytes: usize, clock: fn() -> SystemTime) {
        self.left.set(STEPS.saturating_add(STEPS_A_BYTE.saturating_mul(bytes as u64)));
        self.until.set(clock().checked_add(TIME));
        self.clock.set(Some(clock));
        self.spent.set(None);
        *self.near.borrow_mut() = None;
    }

    /// Where the script was last, when memory was running out.
    pub(super) fn near(&self) -> Option<String> {
        self.near.borrow().clone()
    }

    /// Has this call used up what it had?
    pub(super) fn spent(&self) -> Option<Spent> {
        self.spent.get()
    }

    pub(super) fn left(&self) -> u64 {
        self.left.get()
    }

    /// Uses up steps.
    pub(super) fn charge(&self, steps: u64) -> Result<(), Spent> {
        match self.left.get().checked_sub(steps) {
            Some(left) if self.spent.get().is_none() => {
                self.left.set(left);
                Ok(())
            }
            _ => {
                let spent = self.spent.get().unwrap_or(Spent::Steps);
                self.spent.set(Some(spent));
                Err(spent)
            }
        }
    }

    fn tick(&self) -> Result<(), Spent> {
        self.charge(u64::from(TICK))?;
        if let (Some(clock), Some(until)) = (self.clock.get(), self.until.get())
            && clock() > until
        {
            self.spent.set(Some(Spent::Time));
            return Err(Spent::Time);
        }
        Ok(())
    }
}

/// Holds everything that this state runs to the budget, coroutines included.
pub(super) fn install(lua: &Lua, budget: &std::rc::Rc<Budget>) -> mlua::Result<()> {
    lua.set_memory_limit(MEMORY)?;
    let budget = budget.clone();
    lua.set_global_hook(HookTriggers::new().every_nth_instruction(TICK), move |lua, _| match budget.tick() {
        Ok(()) => {
            if lua.used_memory() > SCARCE {
                *budget.near.borrow_mut() = fault::place(lua);
            }
            Ok(VmState::Continue)
        }
        Err(spent) => Err(fault::at_line(lua, spent.sentence())),
    })
}
