//! Threads for sessions that must stay where they began: each has a runtime of its own, and a connection is handed to the
//! thread that has the fewest.
//!
//! May use: tokio, `transport`.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread::JoinHandle,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

use crate::transport::Stream;

/// One thread, seen from outside.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    runtime: Handle,
    /// Conversations on it.
    talking: Arc<AtomicUsize>,
    /// It is the thread that accepts.
    here: bool,
}

/// The threads beside the one that accepts, which has a lane too. They end when this is dropped: not on one of them.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: Vec<Lane>,
    threads: Vec<(oneshot::Sender<()>, Option<JoinHandle<()>>)>,
}

/// One conversation less, whatever ends it.
struct Talking(Arc<AtomicUsize>);

impl Drop for Talking {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Lanes {
    /// Starts all but one of `threads`: that one is the runtime around this call, which must have one thread.
    pub(super) fn start(threads: usize) -> io::Result<Self> {
        let mut lanes = Self::default();
        lanes.lanes.push(Lane { runtime: Handle::current(), talking: Arc::default(), here: true });
        for n in 1..threads {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let lane = Lane { runtime: runtime.handle().clone(), talking: Arc::default(), here: false };
            let (quit, told) = oneshot::channel::<()>();
            let thread = std::thread::Builder::new().name(format!("serve {n}")).spawn(move || {
                // Told or forgotten, it is over.
                let _ = runtime.block_on(told);
            })?;
            lanes.lanes.push(lane);
            lanes.threads.push((quit, Some(thread)));
        }
        Ok(lanes)
    }

    pub(super) fn all(&self) -> Vec<Lane> {
        self.lanes.clone()
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        for (quit, thread) in self.threads.drain(..) {
            drop(quit);
            let _ = thread.map(JoinHandle::join);
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
        if self.here {
            self.runtime.spawn(async move {
                let _talking = talking;
                talk(stream).await;
            });
            return;
        }
        // A socket that can't be handed over is closed: what it was given to is dropped, and gives its place back.
        let Ok(stream) = stream.detach() else { return };
        self.runtime.spawn(async move {
            let _talking = talking;
            if let Ok(stream) = stream.attach() {
                talk(stream).await;
            }
        });
    }
}
