//! `serve-tcp`, `serve-udp`, `serve-unix`: the server end of a protocol, for many clients at once. `serve` is several of
//! them together: each has its plan, its sockets and its counts; the log, the stop and the end are shared.
//!
//! A stop comes in two steps. The first (Ctrl-C, SIGTERM): nothing new is accepted, who is idle is closed at once, who has an
//! answer on its way may finish within the grace period. The second, or the end of that period: everything ends now.

mod counts;
mod datagrams;
mod desks;
mod guard;
mod lanes;
pub mod log;
mod metrics;
mod outbox;
mod peers;
mod plan;
mod signals;
mod streams;

use std::{
    collections::BTreeSet,
    io,
    net::IpAddr,
    num::NonZero,
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};

pub use counts::Counts;
pub use plan::{LogForm, LogPlan, ServePlan};

use self::{
    lanes::{Lane, Lanes},
    log::{Entry, Log},
    signals::Signals,
};
use super::stop::{Phase, Stop};
use crate::{
    error::{Exit, Trouble, reason},
    os,
    protocol::MakeSession,
    role::Way,
    session::{Endpoint, Event, Rides, Violation},
    transport::{self, Host, Listener, PacketServer, Place, Scheme},
    values::show::duration,
};

/// How often another free port is tried when the one that the system chose for streams is taken for datagrams.
const PORTS_TRIED: usize = 16;
/// Different faults of our own end that are told.
const MOST_TOLD: usize = 64;
/// When people begin to wonder why a stop takes so long.
const NOTICED: Duration = Duration::from_millis(200);

/// What all conversations over one kind of socket share.
#[derive(Debug)]
struct Server {
    plan: ServePlan,
    make: MakeSession,
    log: Log,
    counts: Counts,
    stop: Stop,
    /// Ends the accepting alone (`-1`).
    full: Stop,
    /// The one client of `-1`, when it came over datagrams: what did not fit there it asks for over a stream.
    guest: Arc<OnceLock<IpAddr>>,
    /// Faults of our own end that were told.
    told: Mutex<BTreeSet<String>>,
    /// Where conversations run that must stay on their thread; none: anywhere.
    lanes: Vec<Lane>,
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

    /// Opens each of several plans, all on one port: where the system chooses it, it is free for all of them.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_all(plans: Vec<ServePlan>) -> Result<Vec<(ServePlan, Self)>, Trouble> {
        let chosen = plans.iter().any(|plan| matches!(plan.listen.place, Place::Net { port: 0, .. }));
        let mut tries = if chosen && plans.len() > 1 { PORTS_TRIED } else { 1 };
        // Kept until the end, so that the system does not choose the same port again.
        let mut in_vain = Vec::new();
        loop {
            tries -= 1;
            let mut opened = Vec::with_capacity(plans.len());
            match Self::open_each(&plans, &mut opened) {
                Ok(()) => return Ok(plans.into_iter().zip(opened).collect()),
                // That port was free for the first kind only. Whatever else it is will be so again, and is told then.
                Err(_) if tries > 0 => in_vain.push(opened),
                Err(trouble) => return Err(trouble),
            }
        }
    }

    fn open_each(plans: &[ServePlan], opened: &mut Vec<Self>) -> Result<(), Trouble> {
        for plan in plans {
            let real = opened.first().and_then(Self::port);
            let mut plan = plan.clone();
            if let (Place::Net { port, .. }, Some(real)) = (&mut plan.listen.place, real) {
                *port = real;
            }
            opened.push(Self::open(&plan)?);
        }
        Ok(())
    }

    fn port(&self) -> Option<u16> {
        self.addresses().iter().find_map(|address| match address {
            Endpoint::Ip(address) => Some(address.port()),
            _ => None,
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

/// Runs a server until it is stopped: one plan for each kind of socket, alike in all that is not about sockets.
///
/// # Errors
/// [`Trouble`] when it can't start.
pub fn run(plans: Vec<ServePlan>) -> anyhow::Result<Exit> {
    let Some(first) = plans.first() else { return Ok(Exit::Done) };
    let grace = first.grace;
    os::raise_nofile_limit();
    let runtime = runtime(first)?;
    let stop = Stop::default();
    let done = runtime.block_on(async {
        let signals =
            Signals::catch().map_err(|error| Trouble::failed(format!("could not catch signals: {}", reason(&error))))?;
        let parts = Sockets::open_all(plans)?;
        tokio::spawn(signals.stop(stop.clone(), grace));
        os::give_back_start_up();
        serve(parts, stop).await
    });
    runtime.shutdown_background();
    done.map(|()| Exit::Done)
}

fn threads(plan: &ServePlan) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    plan.threads.unwrap_or(cores - 1).max(1)
}

/// Without a number, one thread for each core but one: that one is left to the kernel and to the other end, which on a small
/// machine is often the same one. (On two cores that both ends share, one thread answers a fifth more than two.)
///
/// # Errors
/// [`Trouble`] when the system gives no threads.
pub fn runtime(plan: &ServePlan) -> Result<Runtime, Trouble> {
    let threads = threads(plan);
    // Sessions that stay on their thread have threads of their own beside this one.
    let mut builder =
        if threads == 1 || plan.protocol.stays() { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    let made = builder.worker_threads(threads).enable_all().build();
    made.map_err(|error| Trouble::failed(format!("could not start: {}", reason(&error))))
}

/// Serves on sockets that are there, until `stop`. Says so first: the ready lines are what tests and scripts wait for.
///
/// # Errors
/// [`Trouble`] when a plan can't be served.
pub async fn serve(parts: Vec<(ServePlan, Sockets)>, stop: Stop) -> anyhow::Result<()> {
    let Some((first, _)) = parts.first() else { return Ok(()) };
    let (broken, unwritten) = (stop.clone(), Arc::new(OnceLock::new()));
    let why = unwritten.clone();
    let break_off = move |error| {
        let _ = why.set(error);
        broken.advance(Phase::Now);
    };
    let makes: Vec<_> = parts.iter().map(|(plan, sockets)| check(plan, &sockets.addresses())).collect::<Result<_, _>>()?;
    let metrics = first.metrics.as_ref().map(|target| metrics::open(target, &parts)).transpose()?;
    let (log, writer) = Log::start(&first.log, break_off)
        .map_err(|error| Trouble::failed(format!("could not start a thread: {}", reason(&error))))?;
    // They outlive the conversations on them.
    let lanes = start_lanes(first, &log);
    let servers = made(parts.into_iter().zip(makes), &lanes, &log, &stop);
    if let Some(metrics) = &metrics {
        // Before anybody knows where to ask.
        metrics.show(metrics::figures(servers.iter().map(|(server, _)| server.clone()).collect()));
        for url in metrics.urls() {
            log.say(&Entry::Metrics { url });
        }
    }
    announce(&log, &servers);
    serve_each(servers, &log, &stop).await;
    drop(lanes);
    log.end(&writer);
    match unwritten.get() {
        // Whoever reads a pipe may have had enough.
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let sentence = format!("could not write the log to standard output: {}", reason(error));
            Err(Trouble::failed(sentence).hint("the server has stopped; without -J it would serve on").into())
        }
        _ => Ok(()),
    }
}

/// One for each kind of socket, before anybody is let in.
fn made(
    parts: impl ExactSizeIterator<Item = ((ServePlan, Sockets), MakeSession)>,
    lanes: &Lanes,
    log: &Log,
    stop: &Stop,
) -> Vec<(Arc<Server>, Sockets)> {
    let (several, full) = (parts.len() > 1, Stop::default());
    let guest = Arc::<OnceLock<IpAddr>>::default();
    let make = |((plan, sockets), make): ((ServePlan, Sockets), MakeSession)| {
        let log = if several { log.over(plan.listen.scheme) } else { log.clone() };
        let (stop, full, guest) = (stop.clone(), full.clone(), guest.clone());
        let (counts, told, lanes) = (Counts::default(), Mutex::default(), lanes.all());
        (Arc::new(Server { plan, make, log, counts, stop, full, guest, told, lanes }), sockets)
    };
    parts.map(make).collect()
}

/// From the first client to the summary.
async fn serve_each(parts: Vec<(Arc<Server>, Sockets)>, log: &Log, stop: &Stop) {
    let mut serving = JoinSet::new();
    let mut servers = Vec::with_capacity(parts.len());
    for (server, sockets) in parts {
        servers.push(server.clone());
        serving.spawn(server.serve(sockets));
    }
    let started = Instant::now();
    let Some(plan) = servers.first().map(|server| &server.plan) else { return };
    let stats = plan.log.stats.map(|every| tokio::spawn(interval_lines(log.clone(), servers.clone(), every)));
    let drain = tokio::spawn(tell_drain(log.clone(), stop.clone(), plan.grace));
    while serving.join_next().await.is_some() {}
    drain.abort();
    if let Some(stats) = stats {
        stats.abort();
    }
    let all: Vec<_> = servers.iter().map(|server| (server.plan.listen.scheme.rides(), &server.counts)).collect();
    log.say(&counts::summary(&all, started.elapsed()));
}

/// The threads of sessions that stay on theirs.
fn start_lanes(plan: &ServePlan, log: &Log) -> Lanes {
    let lanes = if plan.protocol.stays() { Lanes::start(threads(plan)) } else { Ok(Lanes::default()) };
    lanes.unwrap_or_else(|error| {
        let what = format!("could not start all threads, so one serves alone: {}", reason(&error));
        log.say(&Entry::Warning { what, hint: Some("-t sets their number, as in -t 2".into()) });
        Lanes::default()
    })
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
async fn tell_drain(log: Log, stop: Stop, grace: Duration) {
    stop.reached(Phase::Finish).await;
    tokio::time::sleep(NOTICED).await;
    let grace = duration(grace);
    log.say(&Entry::Hint(format!("waiting for answers on their way, {grace} at most; Ctrl-C ends at once")));
}

async fn interval_lines(log: Log, servers: Vec<Arc<Server>>, every: Duration) {
    let counted = || counts::together(servers.iter().map(|server| &server.counts));
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    ticks.tick().await;
    let mut before = counted();
    let mut at = Instant::now();
    loop {
        ticks.tick().await;
        let (after, now) = (counted(), Instant::now());
        log.say(&Entry::Stats(counts::between(&before, &after, now - at)));
        (before, at) = (after, now);
    }
}

impl Server {
    /// Tells of what a session reports, as far as the log wants it.
    fn tell(&self, peer: &Endpoint, event: Event) {
        let peer_name = || peer.to_string();
        self.log.say(&match event {
            Event::Message(bytes) => Entry::Message { peer: peer_name(), way: Way::In, bytes: bytes.into() },
            Event::Record(record) => Entry::Record { peer: peer_name(), record },
            Event::Fault(fault) => return self.tell_fault(peer, &fault),
            _ => return,
        });
    }

    /// Tells of what our own end could not do: each fault once, with what to do about it.
    fn tell_fault(&self, peer: &Endpoint, violation: &Violation) {
        let Some(hint) = violation.hint else { return };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < MOST_TOLD && told.insert(violation.sentence.clone()) {
            let what = format!("{peer}: {violation}");
            self.log.say(&Entry::Warning { what, hint: Some(hint.into()) });
        }
    }

    /// Is this the one client of `-1`, over datagrams? Nobody came before it.
    fn is_first(&self, peer: &Endpoint) -> bool {
        match peer {
            Endpoint::Ip(address) => self.full.phase() == Phase::Running && self.guest.set(address.ip()).is_ok(),
            _ => self.full.advance(Phase::Finish),
        }
    }

    /// The same over a stream: the first, or who came over datagrams before.
    fn lets_in(&self, peer: &Endpoint) -> bool {
        match (self.guest.get(), peer) {
            (Some(guest), Endpoint::Ip(address)) => *guest == address.ip(),
            _ => self.full.advance(Phase::Finish),
        }
    }

    async fn serve(self: Arc<Self>, sockets: Sockets) {
        match sockets {
            Sockets::Streams(listeners) => {
                streams::serve(&self, listeners).await;
                // The one client of `-1` came here and has gone: nothing is left to do for the other kind of socket.
                if self.plan.once && self.counts.connections.load(Ordering::Relaxed) > 0 {
                    self.stop.advance(Phase::Finish);
                }
            }
            Sockets::Datagrams(sockets) => desks::serve(&self, sockets).await,
        }
    }
}

fn announce(log: &Log, parts: &[(Arc<Server>, Sockets)]) {
    for (server, sockets) in parts {
        for address in sockets.addresses() {
            log.say(&Entry::Listening { scheme: server.plan.listen.scheme.name().into(), address: address.to_string() });
        }
    }
    let Some((server, sockets)) = parts.first() else { return };
    let plan = &server.plan;
    let protocol = plan.protocol;
    log.say(&Entry::Hint(format!("{}: {}", protocol.name, protocol.about)));
    if let (Place::Net { host: Host::Loopback, .. }, Some(port)) = (&plan.listen.place, sockets.port()) {
        let command = &plan.command;
        let refused =
            |plan: &ServePlan| plan.listen.scheme == Scheme::Udp && protocol.amplifies && !plan.allow_amplification;
        let condition =
            if parts.iter().any(|(server, _)| refused(&server.plan)) { ", over udp with --allow-amplification" } else { "" };
        log.say(&Entry::Hint(format!("only this machine can connect; {command} :{port} opens it to others{condition}")));
    }
}
