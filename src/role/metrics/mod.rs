//! `--metrics`: the figures of a server or of a load while it runs, where Prometheus can ask for them.
//!
//! Our own HTTP server gives them, on a thread of its own that gives way to all others: it only reads what is there for it, so
//! whoever asks, however often and however slowly, takes nothing from what is measured.
//!
//! May use: protocol, transport, `os`, `error`, tokio.

mod exposition;
mod page;

use std::{
    io,
    sync::{Arc, Mutex, OnceLock, PoisonError, mpsc},
    time::{Duration, SystemTime},
};

pub use self::exposition::{Exposition, Kind};
use self::page::Page;
use super::{
    serve::{self, LogForm, LogPlan, ServePlan, Sockets},
    stop::{Phase, Stop},
};
use crate::{
    error::{Trouble, reason},
    os,
    protocol::{self, Setup},
    session::Endpoint,
    transport::{self, SocketFlags, Target},
};

/// Where they are.
const PATH: &str = "/metrics";
/// Who asks at once; more are closed.
const MOST_CONNECTIONS: usize = 16;
/// A request is there by then, and its answer read.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the end waits for an answer on its way.
const GRACE: Duration = Duration::from_millis(200);

/// Writes figures as they are now. Called for each request, and must not wait.
pub type Figures = Arc<dyn Fn(&mut Exposition) + Send + Sync>;

/// The place where figures can be asked for, until it is dropped.
#[derive(Debug)]
pub struct Metrics {
    addresses: Vec<Endpoint>,
    page: Arc<Page>,
    stop: Stop,
    /// Hung up when the thread has ended.
    running: Mutex<mpsc::Receiver<()>>,
}

/// What the thread says when it is ready, or can't be.
type Told = Result<Vec<Endpoint>, Trouble>;

impl Metrics {
    /// Opens it: from here on it answers, with what the process takes alone until there is more to [`Self::show`].
    ///
    /// # Errors
    /// [`Trouble`]: address in use, no permission, ...
    pub fn open(target: &Target) -> Result<Self, Trouble> {
        let page = Arc::new(Page { figures: OnceLock::new(), since: SystemTime::now() });
        let (stop, plan) = (Stop::default(), plan(target, page.clone()));
        let (tell, told) = mpsc::channel();
        let (hold, running) = mpsc::channel();
        let stop_of_server = stop.clone();
        let thread = move || {
            let _hold: mpsc::Sender<()> = hold;
            os::give_way();
            serve_until(plan, stop_of_server, &tell);
        };
        std::thread::Builder::new().name("metrics".into()).spawn(thread).map_err(|error| not_started(&error))?;
        let told = told.recv().unwrap_or_else(|_| Err(Trouble::failed("its thread has ended")));
        let addresses = told.map_err(|trouble| Trouble { sentence: format!("--metrics: {trouble}"), ..trouble })?;
        Ok(Self { addresses, page, stop, running: Mutex::new(running) })
    }

    /// Where to ask, for each address.
    pub fn urls(&self) -> impl Iterator<Item = String> {
        self.addresses.iter().map(|address| format!("http://{address}{PATH}"))
    }

    /// What is told from now on. Only the first counts.
    pub fn show(&self, figures: Figures) {
        let _ = self.page.figures.set(figures);
    }
}

impl Drop for Metrics {
    fn drop(&mut self) {
        self.stop.advance(Phase::Finish);
        let _ = self.running.get_mut().unwrap_or_else(PoisonError::into_inner).recv_timeout(GRACE);
        self.stop.advance(Phase::Now);
    }
}

fn not_started(error: &io::Error) -> Trouble {
    Trouble::failed(format!("--metrics: could not start: {}", reason(error)))
}

fn plan(target: &Target, page: Arc<Page>) -> ServePlan {
    ServePlan {
        protocol: protocol::LIVE,
        setup: Setup { live: Some(page), ..Setup::default() },
        command: String::new(),
        listen: target.clone(),
        family: None,
        flags: SocketFlags::default(),
        threads: Some(1),
        max_connections: Some(MOST_CONNECTIONS),
        max_connections_per_peer: None,
        idle_timeout: Some(PATIENCE),
        handshake_timeout: Some(PATIENCE),
        once: false,
        grace: GRACE,
        max_peers: 1,
        allow_amplification: false,
        loop_guard: true,
        metrics: None,
        log: LogPlan { form: LogForm::Text, verbose: 0, quiet: true, ready: false, hex: false, stats: None },
    }
}

/// The thread: tells its addresses, and serves until it is stopped.
fn serve_until(plan: ServePlan, stop: Stop, tell: &mpsc::Sender<Told>) {
    let runtime = match serve::runtime(&plan) {
        Ok(runtime) => runtime,
        Err(trouble) => return drop(tell.send(Err(trouble))),
    };
    runtime.block_on(async {
        // Not what a service manager handed over: that is for the server itself.
        match transport::listen(&plan.listen, plan.family, &plan.flags).map(Sockets::Streams) {
            Ok(sockets) => {
                let _ = tell.send(Ok(sockets.addresses()));
                // What fails from here on is seen by who asks.
                let _ = serve::serve(vec![(plan, sockets)], stop).await;
            }
            Err(trouble) => drop(tell.send(Err(trouble))),
        }
    });
    runtime.shutdown_background();
}
