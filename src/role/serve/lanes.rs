//! Threads for sessions that must stay where they began: each has a runtime of its own, and a connection is handed to the
//! thread that has the fewest. The thread that accepts and hears signals is none of them: a session that holds its thread
//! must not keep the server from stopping.
//!
//! May use: tokio, `transport`.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc,
    },
    time::Duration,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
    task::JoinHandle,
};

use crate::transport::Stream;

/// One thread, seen from outside.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    runtime: Handle,
    /// Conversations on it.
    talking: Arc<AtomicUsize>,
}

/// How long a thread may take to end. One whose session does not give it back is left behind.
const ENDS_WITHIN: Duration = Duration::from_millis(50);

/// The threads beside the one that accepts. They end when this is dropped: not on one of them.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: Vec<Lane>,
    threads: Vec<(oneshot::Sender<()>, mpsc::Receiver<()>)>,
}

/// One conversation less, whatever ends it.
struct Talking(Arc<AtomicUsize>);

impl Drop for Talking {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Lanes {
    /// Starts so many.
    pub(super) fn start(threads: usize) -> io::Result<Self> {
        let mut lanes = Self::default();
        for n in 1..=threads {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let lane = Lane { runtime: runtime.handle().clone(), talking: Arc::default() };
            let (quit, told) = oneshot::channel::<()>();
            let (ends, ended) = mpsc::channel();
            std::thread::Builder::new().name(format!("serve {n}")).spawn(move || {
                // Told or forgotten, it is over.
                let _ = runtime.block_on(told);
                drop(runtime);
                drop(ends);
            })?;
            lanes.lanes.push(lane);
            lanes.threads.push((quit, ended));
        }
        Ok(lanes)
    }

    pub(super) fn all(&self) -> Vec<Lane> {
        self.lanes.clone()
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        let threads: Vec<_> = self.threads.drain(..).map(|(_, ended)| ended).collect();
        let mut within = ENDS_WITHIN;
        for ended in threads {
            if ended.recv_timeout(within) == Err(mpsc::RecvTimeoutError::Timeout) {
                within = Duration::ZERO;
            }
        }
    }
}

impl Lane {
    /// The one with the fewest conversations.
    pub(super) fn emptiest(lanes: &[Self]) -> Option<&Self> {
        lanes.iter().min_by_key(|lane| lane.talking.load(Relaxed))
    }

    /// Runs a conversation over `stream` here.
    pub(super) fn run<F: Future<Output = ()> + Send + 'static>(
        &self,
        stream: Stream,
        talk: impl FnOnce(Stream) -> F + Send + 'static,
    ) {
        self.talking.fetch_add(1, Relaxed);
        let talking = Talking(self.talking.clone());
        // A socket that can't be handed over is closed: what it was given to is dropped, and gives its place back.
        let Ok(stream) = stream.detach() else { return };
        self.runtime.spawn(async move {
            let _talking = talking;
            if let Ok(stream) = stream.attach() {
                talk(stream).await;
            }
        });
    }

    /// Runs what is no conversation but holds many.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        self.runtime.spawn(work)
    }
}
