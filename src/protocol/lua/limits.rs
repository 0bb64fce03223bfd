//! What a script may use up: steps in one call, time in one call, memory in all and at once.
//!
//! Steps are instructions of Lua, and what the functions written in Rust count for their own work. The clock is one that
//! the driver lends and that never steps: it catches what steps can't see, such as long strings that are joined again and again.
//!
//! One instruction can take long in two ways: by a long string (converting it, comparing it) and by a large table that grows
//! (keys that were chosen to collide make that the square of its length). So memory is lent piece by piece: at each look at
//! the limits the state may grow by a portion, which no single string or table exceeds by much; and where there is much
//! memory in use, the looks are closer.
//!
//! May use: `session`, mlua.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use mlua::{HookTriggers, Lua, VmState};

use super::fault;

/// Bytes that all sessions of a worker have together, where the script says nothing else.
const MEMORY: usize = 8 * 1024 * 1024;
/// What a script may say, in MiB.
pub(super) const MEMORIES: std::ops::RangeInclusive<usize> = 8..=1024;
/// One string or table may have this part of it.
const PORTION: usize = 8;
/// What may be taken beside that between two looks.
const BESIDE: usize = 128 * 1024;
/// Steps of one call; beside them, [`STEPS_A_BYTE`].
pub const STEPS: u64 = 1_000_000;
/// Steps for each byte that has come: many short messages in one read are much to do.
const STEPS_A_BYTE: u64 = 128;
/// How long one call may take.
const TIME: Duration = Duration::from_secs(1);
/// Instructions between two looks at the limits, while little memory is in use, and when it is [`MUCH`].
const TICK: u32 = 100;
const CLOSE_TICK: u32 = 10;
/// Bytes from which on a single instruction may take long.
const MUCH: usize = 512 * 1024;
/// Steps outside of instructions between two looks at the clock.
pub(super) const LOOK: u64 = 4096;

/// One that never steps, from any moment on: to set the time of day must not end a script.
pub(super) type Clock = fn() -> Duration;

/// What is left in the call that runs now.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// What the script has said, in MiB.
    memory: Cell<Option<usize>>,
    /// Steps at the beginning.
    given: Cell<u64>,
    left: Cell<u64>,
    until: Cell<Duration>,
    clock: Cell<Option<Clock>>,
    spent: Cell<Option<Spent>>,
    /// Steps since the last look at the clock.
    unseen: Cell<u64>,
    /// Bytes of strings that are being made, which Lua does not count: one may be made within another.
    held: Cell<usize>,
    /// Where the script was when memory was running out: what fails for want of it has no place of its own.
    near: RefCell<Option<String>>,
    /// Looks have been closer once: coroutines differ in how close.
    varied: Cell<bool>,
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
    pub(super) fn begin(&self, bytes: usize, clock: Clock) {
        self.given.set(STEPS.saturating_add(STEPS_A_BYTE.saturating_mul(bytes as u64)));
        self.left.set(self.given.get());
        self.until.set(clock() + TIME);
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

    /// Steps that this call has taken.
    pub(super) fn used(&self) -> u64 {
        self.given.get() - self.left.get()
    }

    /// Bytes that all sessions of a worker have together.
    pub(super) fn memory(&self) -> usize {
        self.memory.get().map_or(MEMORY, |mebibytes| mebibytes << 20)
    }

    /// Bytes that one string or table may have.
    pub(super) fn at_once(&self) -> usize {
        self.memory() / PORTION
    }

    /// The script says how much it needs, in MiB.
    pub(super) fn set_memory(&self, mebibytes: usize) {
        self.memory.set(Some(mebibytes));
    }

    /// Lends memory until the next look.
    pub(super) fn lend(&self, lua: &Lua) {
        let most = lua.used_memory().saturating_add(self.at_once() + BESIDE);
        // It fails for a state with an allocator of its own, which ours is not.
        let _ = lua.set_memory_limit(most.min(self.memory()));
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
        match self.clock.get() {
            Some(clock) if clock() > self.until.get() => Err(self.spend(Spent::Time)),
            _ => Ok(()),
        }
    }

    fn tick(&self, steps: u32) -> Result<(), Spent> {
        self.charge(u64::from(steps))?;
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
pub(super) fn install(lua: &Lua, budget: &Rc<Budget>) -> mlua::Result<()> {
    lua.set_memory_limit(budget.memory())?;
    lua.set_app_data(budget.clone());
    watch(lua, budget, TICK)
}

/// Lends memory for what one of our own functions is about to make.
pub(super) fn lend(lua: &Lua) {
    if let Some(budget) = lua.app_data_ref::<Rc<Budget>>() {
        budget.lend(lua);
    }
}

/// Looks at the limits each time so many instructions have run. Each coroutine has a count of its own, which it takes from
/// where it is made; so where they differ, each look sets it anew.
fn watch(lua: &Lua, budget: &Rc<Budget>, tick: u32) -> mlua::Result<()> {
    let budget = budget.clone();
    lua.set_global_hook(HookTriggers::new().every_nth_instruction(tick), move |lua, _| {
        budget.tick(tick).map_err(|spent| fault::at_line(lua, spent.sentence()))?;
        budget.lend(lua);
        let used = lua.used_memory();
        if used > budget.memory() / 4 * 3 {
            *budget.near.borrow_mut() = fault::place(lua);
        }
        let next = if used > MUCH { CLOSE_TICK } else { TICK };
        if next != tick || budget.varied.get() {
            budget.varied.set(true);
            watch(lua, &budget, next)?;
        }
        Ok(VmState::Continue)
    })
}
