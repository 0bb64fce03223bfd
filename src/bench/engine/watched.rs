//! The server's process, where it is on this machine: what CPU time and memory it took meanwhile.

use std::time::{Duration, Instant};

use tokio::{sync::oneshot, task::JoinHandle, time::sleep_until};

use crate::{
    bench::results::Server,
    error::Trouble,
    os::{self, ProcessUsage},
};

/// How often its memory is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// # Errors
/// There is no such process, or this system does not tell.
pub(super) fn check(pid: u32) -> Result<(), Trouble> {
    if !os::TELLS_OF_PROCESSES {
        return Err(Trouble::failed("--server-pid: this system does not tell of other processes"));
    }
    match os::usage_of(pid) {
        Some(_) => Ok(()),
        None => {
            Err(Trouble::failed(format!("there is no process {pid} to watch"))
                .hint("--server-pid $(pgrep -n NAME) finds one"))
        }
    }
}

/// A process that is being watched.
pub(super) struct Watched {
    enough: oneshot::Sender<()>,
    task: JoinHandle<Option<Server>>,
}

impl Watched {
    /// From `from` on, until `until` or the end of the run.
    pub(super) fn begin(pid: u32, from: Instant, until: Option<Instant>) -> Self {
        let (enough, told) = oneshot::channel();
        Self { enough, task: tokio::spawn(watch(pid, from, until, told)) }
    }

    /// What was seen. `None`: it had gone before the measured time began.
    pub(super) async fn end(self) -> Option<Server> {
        let _ = self.enough.send(());
        self.task.await.ok().flatten()
    }
}

async fn watch(pid: u32, from: Instant, until: Option<Instant>, mut enough: oneshot::Receiver<()>) -> Option<Server> {
    sleep_until(from.into()).await;
    let (began, first) = (Instant::now(), os::usage_of(pid)?);
    let mut server = Server { pid, cpu: Duration::ZERO, wall: Duration::ZERO, memory_bytes: first.rss_bytes, ended: false };
    loop {
        let next = Instant::now() + LOOK;
        let next = until.map_or(next, |until| next.min(until));
        let over = tokio::select! {
            _ = &mut enough => true,
            () = sleep_until(next.into()) => until.is_some_and(|until| next >= until),
        };
        let Some(now) = os::usage_of(pid) else {
            server.ended = true;
            return Some(server);
        };
        saw(&mut server, &first, &now, began.elapsed());
        if over {
            return Some(server);
        }
    }
}

fn saw(server: &mut Server, first: &ProcessUsage, now: &ProcessUsage, wall: Duration) {
    server.cpu = now.cpu.saturating_sub(first.cpu);
    server.wall = wall;
    server.memory_bytes = server.memory_bytes.max(now.rss_bytes);
}
