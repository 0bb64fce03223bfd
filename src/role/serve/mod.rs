//! `serve-tcp`, `serve-udp`, `serve-unix`: the server end of a protocol, for many clients at once.
//!
//! A stop comes in two steps. The first (Ctrl-C, SIGTERM): nothing new is accepted, who is idle is closed at once, who has an
//! answer on its way may finish within the grace period. The second, or the end of that period: everything ends now.

mod counts;
mod datagrams;
mod guard;
pub mod log;
mod outbox;
mod peers;
mod plan;
mod streams;

use std::{
    io::{self, IsTerminal, Write},
    num::NonZero,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use tokio::runtime::{Builder, Runtime};

pub use counts::Counts;
pub use plan::{LogForm, LogPlan, ServePlan};

use self::log::{Entry, Log};
use super::stop::{Phase, Stop};
use crate::{
    error::{Exit, Trouble, reason},
    os,
    protocol::MakeSession,
    session::{Endpoint, Rides},
    transport::{self, Host, Listener, PacketServer, Place, Scheme},
    values::show::duration,
};

/// When people begin to wonder why a stop takes so long.
const NOTICED: Duration = Duration::from_millis(200);

/// What all conversations of one server share.
#[derive(Debug)]
struct Server {
    plan: ServePlan,
    make: MakeSession,
    log: Log,
    counts: Counts,
    stop: Stop,
    /// Ends the accepting alone (`-1`).
    full: Stop,
}

/// Sockets that are ready to serve.
pub enum Sockets {
    Streams(Vec<Listener>),
    Datagrams(Vec<PacketServer>),
}

impl Sockets {
    /// Binds as the plan says, or takes what the service manager passed in. Needs a runtime around it.
    ///
    /// # Errors
    /// [`Trouble`]: address in use, no permission, ...
    pub fn open(plan: &ServePlan) -> Result<Self, Trouble> {
        let (scheme, target) = (plan.listen.scheme, &plan.listen);
        Ok(match scheme.rides() {
            Rides::Stream => {
                let handed = transport::inherited(scheme, &plan.flags)?;
                let open = || transport::listen(target, plan.family, &plan.flags);
                Self::Streams(if handed.is_empty() { open()? } else { handed })
            }
            Rides::Datagrams => {
                let handed = transport::inherited_packets(scheme, &plan.flags)?;
                let open = || transport::bind(target, plan.family, &plan.flags);
                Self::Datagrams(if handed.is_empty() { open()? } else { handed })
            }
        })
    }

    /// Where they listen.
    #[must_use]
    pub fn addresses(&self) -> Vec<Endpoint> {
        match self {
            Self::Streams(listeners) => listeners.iter().map(|listener| listener.local().clone()).collect(),
            Self::Datagrams(sockets) => sockets.iter().map(|socket| socket.local().clone()).collect(),
        }
    }
}

/// Runs a server until it is stopped.
///
/// # Errors
/// [`Trouble`] when it can't start.
pub fn run(plan: ServePlan) -> anyhow::Result<Exit> {
    os::raise_nofile_limit();
    let runtime = runtime(plan.threads)?;
    let stop = Stop::default();
    let done = runtime.block_on(async {
        let signals =
            Signals::catch().map_err(|error| Trouble::failed(format!("could not catch signals: {}", reason(&error))))?;
        let sockets = Sockets::open(&plan)?;
        tokio::spawn(signals.stop(stop.clone(), plan.grace));
        os::give_back_start_up();
        serve(plan, sockets, stop).await
    });
    runtime.shutdown_background();
    done.map(|()| Exit::Done)
}

/// Without a number, one thread for each core but one: that one is left to the kernel and to the other end, which on a small
/// machine is often the same one. (On two cores that both ends share, one thread answers a fifth more than two.)
///
/// # Errors
/// [`Trouble`] when the system gives no threads.
pub fn runtime(threads: Option<usize>) -> Result<Runtime, Trouble> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let threads = threads.unwrap_or(cores - 1).max(1);
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    let made = builder.worker_threads(threads).enable_all().build();
    made.map_err(|error| Trouble::failed(format!("could not start: {}", reason(&error))))
}

/// Ctrl-C and SIGTERM.
struct Signals {
    #[cfg(unix)]
    kinds: [tokio::signal::unix::Signal; 2],
}

impl Signals {
    /// From here on they are ours to handle.
    fn catch() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self { kinds: [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?] })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        {
            let [interrupt, terminate] = &mut self.kinds;
            tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () }
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The first finishes, the second ends; and so does the end of the grace period.
    async fn stop(mut self, stop: Stop, grace: Duration) {
        self.next().await;
        if io::stderr().is_terminal() {
            // After the ^C that the terminal shows.
            let _ = io::stderr().write_all(b"\n");
        }
        stop.advance(Phase::Finish);
        tokio::select! { () = self.next() => (), () = tokio::time::sleep(grace) => () }
        stop.advance(Phase::Now);
    }
}

/// Serves on sockets that are there, until `stop`. Says so first: the ready lines are what tests and scripts wait for.
///
/// # Errors
/// [`Trouble`] when the plan can't be served.
pub async fn serve(plan: ServePlan, sockets: Sockets, stop: Stop) -> anyhow::Result<()> {
    let make = check(&plan, &sockets.addresses())?;
    let (broken, unwritten) = (stop.clone(), Arc::new(OnceLock::new()));
    let why = unwritten.clone();
    let break_off = move |error| {
        let _ = why.set(error);
        broken.advance(Phase::Now);
    };
    let (log, writer) = Log::start(&plan.log, break_off)
        .map_err(|error| Trouble::failed(format!("could not start a thread: {}", reason(&error))))?;
    let server = Arc::new(Server { make, log, counts: Counts::default(), stop, full: Stop::default(), plan });
    server.announce(&sockets.addresses());
    let started = Instant::now();
    let stats = server.plan.log.stats.map(|every| tokio::spawn(interval_lines(server.clone(), every)));
    let drain = tokio::spawn(tell_drain(server.clone()));
    match sockets {
        Sockets::Streams(listeners) => streams::serve(&server, listeners).await,
        Sockets::Datagrams(sockets) => datagrams::serve(&server, sockets).await,
    }
    drain.abort();
    if let Some(stats) = stats {
        stats.abort();
    }
    server.log.say(&server.counts.summary(started.elapsed(), server.plan.listen.scheme.rides()));
    server.log.end(&writer);
    match unwritten.get() {
        // Whoever reads a pipe may have had enough.
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let sentence = format!("could not write the log to standard output: {}", reason(error));
            Err(Trouble::failed(sentence).hint("the server has stopped; without -J it would serve on").into())
        }
        _ => Ok(()),
    }
}

/// Refuses what must not be served.
fn check(plan: &ServePlan, addresses: &[Endpoint]) -> Result<MakeSession, Trouble> {
    let name = plan.protocol.name;
    let make = plan.protocol.server.ok_or_else(|| {
        Trouble::usage(format!("{name} has no server end"))
            .hint("echo answers with what it gets, discard takes all and is silent")
    })?;
    let exposed = plan.listen.scheme == Scheme::Udp && !addresses.iter().all(Endpoint::is_local);
    if exposed && plan.protocol.amplifies && !plan.allow_amplification {
        let sentence = format!("{name} over udp amplifies: a forged source address would turn it on others");
        return Err(Trouble::usage(sentence).hint("serve it on loopback (a bare port), or say --allow-amplification"));
    }
    Ok(make)
}

/// Says why it does not end at once, when it does not.
async fn tell_drain(server: Arc<Server>) {
    server.stop.reached(Phase::Finish).await;
    tokio::time::sleep(NOTICED).await;
    let grace = duration(server.plan.grace);
    server.log.say(&Entry::Hint(format!("waiting for answers on their way, {grace} at most; Ctrl-C ends at once")));
}

async fn interval_lines(server: Arc<Server>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    ticks.tick().await;
    let mut before = server.counts.now();
    let mut at = Instant::now();
    loop {
        ticks.tick().await;
        let (after, now) = (server.counts.now(), Instant::now());
        server.log.say(&Entry::Stats(counts::between(&before, &after, now - at)));
        (before, at) = (after, now);
    }
}

impl Server {
    fn announce(&self, addresses: &[Endpoint]) {
        let scheme = self.plan.listen.scheme.name();
        for address in addresses {
            self.log.say(&Entry::Listening { scheme: scheme.to_owned(), address: address.to_string() });
        }
        let protocol = self.plan.protocol;
        self.log.say(&Entry::Hint(format!("{}: {}", protocol.name, protocol.about)));
        let port = addresses.iter().find_map(|address| match address {
            Endpoint::Ip(address) => Some(address.port()),
            _ => None,
        });
        if let (Place::Net { host: Host::Loopback, .. }, Some(port)) = (&self.plan.listen.place, port) {
            self.log.say(&Entry::Hint(format!("only this machine can connect; serve-{scheme} :{port} opens it to others")));
        }
    }
}
