//! A timer for pacing on Linux: a timerfd in the runtime's own poll. Its grain is microseconds, where the runtime's timers
//! round up to a millisecond.
//!
//! May use: rustix, tokio. Nothing of ours.

use std::{
    io,
    os::fd::OwnedFd,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime, timerfd_create,
    timerfd_settime,
};
use tokio::io::{Interest, unix::AsyncFd};

/// A one-shot timer that is set again and again.
pub struct Ticker {
    timer: AsyncFd<OwnedFd>,
    /// The same moment on both clocks: an `Instant` does not tell its value, and the timer wants one.
    origin: (Instant, Duration),
    /// The timer could not be set. Then it ticks at once: early is better than never.
    unset: bool,
}

impl Ticker {
    /// Must be called inside a runtime.
    #[allow(unsafe_code)]
    pub fn new() -> io::Result<Self> {
        let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        // SAFETY: the descriptor is ours alone, owned by the `AsyncFd` from here on, and never given away or closed before
        // it, which is what `register` asks for.
        let timer = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }.map_err(io::Error::from)?;
        let now = Duration::try_from(clock_gettime(ClockId::Monotonic)).map_err(io::Error::other)?;
        Ok(Self { timer, origin: (Instant::now(), now), unset: false })
    }

    /// Ticks once at `at`, or at once when that has passed. Replaces what was set before.
    pub fn set_at(&mut self, at: Instant) {
        let (here, there) = self.origin;
        let value = match at.checked_duration_since(here) {
            Some(later) => there + later,
            None => there.saturating_sub(here - at),
        };
        // All zeros would disarm it.
        let value = value.max(Duration::from_nanos(1));
        let Ok(it_value) = Timespec::try_from(value) else {
            self.unset = true;
            return;
        };
        let spec = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
        self.unset = timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::ABSTIME, &spec).is_err();
    }

    /// Ready once for each [`Self::set_at`], when its time has come.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::take(&mut self.unset) {
            return Poll::Ready(());
        }
        loop {
            // An error means that the runtime is going away, and with it whoever waits here.
            let Ok(mut guard) = ready!(self.timer.poll_read_ready(cx)) else { return Poll::Pending };
            let mut ticks = [0; 8];
            // A count left from before the timer was set again was forgotten by the kernel: then this would block.
            let read = guard.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut ticks)?));
            if matches!(read, Ok(Ok(_))) {
                return Poll::Ready(());
            }
        }
    }
}
