//! The workers of a measurement without requests: they make ready, begin together, and tell at their end what they did.
//!
//! May use: `limit`, role, tokio.

use std::{
    io,
    sync::{Mutex, PoisonError},
    thread::JoinHandle,
};

use tokio::sync::{mpsc, watch};

use crate::{
    bench::limit::Missed,
    error::{Exit, Trouble, reason},
    role::stop::{Phase, Stop},
};

/// What a run of so many streams or sockets comes to.
pub(super) fn exit(interrupted: bool, failed: u64, all: u64, missed: &[Missed]) -> Exit {
    if interrupted {
        Exit::Interrupted
    } else if failed == all {
        Exit::Failed
    } else if !missed.is_empty() {
        Exit::LimitMissed
    } else {
        Exit::Done
    }
}

/// Workers that were started, and the ways between them and us.
pub(super) struct Crew<T> {
    threads: Vec<JoinHandle<()>>,
    ready: mpsc::UnboundedReceiver<()>,
    done: mpsc::UnboundedReceiver<T>,
    start: watch::Sender<bool>,
}

/// A worker's end of these ways.
pub(super) struct Gate<T> {
    pub(super) ready: mpsc::UnboundedSender<()>,
    pub(super) start: watch::Receiver<bool>,
    pub(super) done: mpsc::UnboundedSender<T>,
}

impl<T> Clone for Gate<T> {
    fn clone(&self) -> Self {
        Self { ready: self.ready.clone(), start: self.start.clone(), done: self.done.clone() }
    }
}

impl<T> Crew<T> {
    /// Starts so many.
    pub(super) fn start(
        threads: usize,
        stop: &Stop,
        spawn: impl Fn(usize, Gate<T>) -> io::Result<JoinHandle<()>>,
    ) -> Result<Self, Trouble> {
        let (tell_ready, ready) = mpsc::unbounded_channel();
        let (tell_done, done) = mpsc::unbounded_channel();
        let (start, told_start) = watch::channel(false);
        let gate = Gate { ready: tell_ready, start: told_start, done: tell_done };
        let threads = (0..threads).map(|index| spawn(index, gate.clone())).collect::<Result<_, _>>().map_err(|error| {
            stop.advance(Phase::Now);
            Trouble::failed(format!("could not start a thread: {}", reason(&error))).hint("fewer threads: -t 1")
        })?;
        Ok(Self { threads, ready, done, start })
    }

    /// Until so many are ready.
    pub(super) async fn make_ready(&mut self, many: usize, stop: &Stop) {
        for _ in 0..many {
            tokio::select! {
                ready = self.ready.recv() => if ready.is_none() { break },
                () = stop.reached(Phase::Finish) => break,
            }
        }
    }

    pub(super) fn begin(&self) {
        let _ = self.start.send(true);
    }

    /// What each did, when all are done; meanwhile `look` is called again and again, and what goes wrong in it is the end.
    pub(super) async fn all_done(
        &mut self,
        mut look: impl AsyncFnMut() -> Result<(), Trouble>,
    ) -> (Vec<T>, Result<(), Trouble>) {
        let mut all = Vec::new();
        loop {
            tokio::select! {
                one = self.done.recv() => match one {
                    Some(one) => all.push(one),
                    None => return (all, Ok(())),
                },
                looked = look() => if looked.is_err() { return (all, looked) },
            }
        }
    }

    /// Waits for the last, and says what went wrong in looking or in one of them; gives what was seen.
    pub(super) fn end<S>(
        self,
        looked: Result<S, Trouble>,
        stop: &Stop,
        trouble: &Mutex<Option<Trouble>>,
    ) -> Result<S, Trouble> {
        if looked.is_err() {
            stop.advance(Phase::Now);
        }
        for thread in self.threads {
            if thread.join().is_err() {
                return Err(Trouble::failed("a worker of the load generator panicked, so its figures are not whole")
                    .hint("this is a bug; please report it"));
            }
        }
        let seen = looked?;
        trouble.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(seen), Err)
    }
}
