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
/// Steps outside of instructions between two looks at the clock.
pub(super) const LOOK: u64 = 4096;

/// What is left in the call that runs now.
#[derive(Debug, Default)]
pub(super) struct Budget {
    left: Cell<u64>,
    until: Cell<Option<SystemTime>>,
    clock: Cell<Option<fn() -> SystemTime>>,
    spent: Cell<Option<Spent>>,
    /// Steps since the last look at the clock.
    unseen: Cell<u64>,
    /// Bytes of strings that are being made, which Lua does not count: one may be made within another.
    held: Cell<usize>,
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
        self.unseen.set(0);
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
        if let Some(spent) = self.spent.get() {
            return Err(spent);
        }
        let Some(left) = self.left.get().checked_sub(steps) else { return Err(self.spend(Spent::Steps)) };
        self.left.set(left);
        let unseen = self.unseen.get().saturating_add(steps);
        self.unseen.set(unseen);
        if unseen >= LOOK { self.look() } else { Ok(()) }
    }

    fn spend(&self, spent: Spent) -> Spent {
        self.spent.set(Some(spent));
        spent
    }

    /// Looks at the clock.
    pub(super) fn look(&self) -> Result<(), Spent> {
        self.unseen.set(0);
        match (self.clock.get(), self.until.get()) {
            (Some(clock), Some(until)) if clock() > until => Err(self.spend(Spent::Time)),
            _ => Ok(()),
        }
    }

    fn tick(&self) -> Result<(), Spent> {
        self.charge(u64::from(TICK))?;
        self.look()
    }

    /// So many bytes more are held; gives how many there are in all.
    pub(super) fn hold(&self, bytes: usize) -> usize {
        self.held.set(self.held.get().saturating_add(bytes));
        self.held.get()
    }

    pub(super) fn release(&self, bytes: usize) {
        self.held.set(self.held.get().saturating_sub(bytes));
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
