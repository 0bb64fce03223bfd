//! Who is spoken to: the target, resolved once and reached once; or a server of our own in this process.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Mutex, PoisonError, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use super::{job::Peer, probe};
use crate::{
    bench::BenchPlan,
    error::{Trouble, reason},
    protocol::{self, Protocol, Setup},
    role::{
        serve::{self, LogForm, LogPlan, ServePlan, Sockets},
        stop::{Phase, Stop},
    },
    session::{Endpoint, Rides},
    transport::{self, Detached, Host, Place, Scheme, SocketFlags, Target},
};

/// The server, and what it speaks.
pub(super) struct Found {
    pub(super) peer: Peer,
    pub(super) protocol: &'static Protocol,
    /// Several addresses of ours that connections begin from in turn, if needed.
    pub(super) sources: Vec<SocketAddr>,
    first: Mutex<Option<(Duration, Detached)>>,
    /// Ours ends when this is dropped.
    pub(super) server: Option<OwnServer>,
}

impl Found {
    fn new((peer, protocol): (Peer, &'static Protocol)) -> Self {
        Self { peer, protocol, sources: Vec::new(), first: Mutex::default(), server: None }
    }

    /// Is it a server of our own, in this process?
    pub(super) fn is_ours(&self) -> bool {
        self.server.is_some()
    }

    /// The connection that finding it took, for the first run: the server then sees as many as were asked for.
    pub(super) fn take_first(&self) -> Option<(Duration, Detached)> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Finds the server, and asks it what it speaks where nobody has said.
pub(super) async fn find(plan: &BenchPlan) -> anyhow::Result<Found> {
    let Some(target) = &plan.target else { return own(plan) };
    Ok(match target.scheme.rides() {
        Rides::Stream => over_stream(plan, target).await?,
        Rides::Datagrams => Found::new(over_packets(plan, target).await?),
    })
}

async fn over_stream(plan: &BenchPlan, target: &Target) -> Result<Found, Trouble> {
    let (stream, route) = transport::connect(target, &plan.dial).await?;
    let address = match (&target.place, stream.peer()) {
        (Place::Path(path), _) => Endpoint::Unix(path.clone()),
        (Place::Net { .. }, address) => address,
    };
    let peer = Peer { address, scheme: target.scheme, dial: plan.dial.clone() };
    // Whoever only keeps connections says nothing.
    let Some(protocol) = plan.protocol.or(plan.hold.then_some(protocol::ANY)) else {
        let protocol = probe::stream(stream, &peer, plan).await?;
        return Ok(Found::new((peer, protocol)));
    };
    let first = stream.detach().ok().map(|first| (route.connect, first));
    Ok(Found { first: Mutex::new(first), ..Found::new((peer, protocol)) })
}

/// Nothing tells whether an address is of use but an answer from there: the first that answers is taken.
async fn over_packets(plan: &BenchPlan, target: &Target) -> Result<(Peer, &'static Protocol), Trouble> {
    let resolved = transport::addresses(target, &plan.dial).await?;
    let peer = |address: &Endpoint| Peer { address: address.clone(), scheme: target.scheme, dial: plan.dial.clone() };
    let mut first_trouble = None;
    for address in &resolved.addresses {
        let peer = peer(address);
        if let (Some(protocol), [_]) = (plan.protocol, &resolved.addresses[..]) {
            return Ok((peer, protocol));
        }
        match probe::packets(&peer, plan).await {
            Ok(protocol) => return Ok((peer, protocol)),
            Err(trouble) => _ = first_trouble.get_or_insert(trouble),
        }
    }
    match (plan.protocol, first_trouble) {
        // It may be one that never answers, or that will listen in a moment.
        (Some(protocol), _) => Ok((peer(&resolved.addresses[0]), protocol)),
        (None, Some(trouble)) => Err(trouble),
        (None, None) => Err(Trouble::failed(format!("{target} has no address"))),
    }
}

/// A server of our own, on a thread of its own.
pub(super) struct OwnServer {
    stop: Stop,
    thread: Option<JoinHandle<()>>,
    /// Removed in the end.
    folder: Option<PathBuf>,
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.stop.advance(Phase::Now);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

fn own(plan: &BenchPlan) -> anyhow::Result<Found> {
    let protocol = plan.protocol.unwrap_or(protocol::DEFAULT);
    let (place, folder) = own_place(plan.scheme)?;
    let stop = Stop::default();
    let plan_of_server = server_plan(protocol, plan.setup.clone(), Target { scheme: plan.scheme, place });
    let (tell, told) = mpsc::channel();
    let stop_of_server = stop.clone();
    let thread = std::thread::Builder::new()
        .name("server".into())
        .spawn(move || serve_until(plan_of_server, stop_of_server, &tell))
        .map_err(|error| Trouble::failed(format!("could not start a server: {}", reason(&error))))?;
    let server = OwnServer { stop, thread: Some(thread), folder };
    let address =
        told.recv_timeout(Duration::from_secs(10)).map_err(|_| Trouble::failed("our own server did not start"))??;
    let peer = Peer { address, scheme: plan.scheme, dial: plan.dial.clone() };
    Ok(Found { server: Some(server), ..Found::new((peer, protocol)) })
}

/// Where nobody else is: a port that the system chooses, or a path in a folder of our own.
fn own_place(scheme: Scheme) -> Result<(Place, Option<PathBuf>), Trouble> {
    if !scheme.is_unix() {
        let host = Host::Ip(std::net::Ipv4Addr::LOCALHOST.into());
        return Ok((Place::Net { host, port: 0 }, None));
    }
    let folder = own_folder()?;
    Ok((Place::Path(folder.join("socket")), Some(folder)))
}

/// A new folder that only we can enter, under a name that nobody can take before us.
fn own_folder() -> Result<PathBuf, Trouble> {
    let mut random = fastrand::Rng::new();
    loop {
        let name = format!("netproto-bench-{}-{:08x}", std::process::id(), random.u32(..));
        let folder = std::env::temp_dir().join(name);
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(Trouble::failed(format!("could not make {}: {}", folder.display(), reason(&error))));
            }
        }
    }
}

fn server_plan(protocol: &'static Protocol, setup: Setup, listen: Target) -> ServePlan {
    ServePlan {
        protocol,
        setup,
        command: String::new(),
        listen,
        family: None,
        flags: SocketFlags::default(),
        threads: None,
        max_connections: None,
        max_connections_per_peer: None,
        idle_timeout: None,
        handshake_timeout: None,
        once: false,
        grace: Duration::ZERO,
        max_peers: 65_536,
        allow_amplification: false,
        // Nobody else is heard here, and a load of one message over and over looks like a loop.
        loop_guard: false,
        metrics: None,
        log: LogPlan { form: LogForm::Text, verbose: 0, quiet: true, ready: false, hex: false, stats: None },
    }
}

/// The server's thread: tells its address, serves until it is stopped.
fn serve_until(plan: ServePlan, stop: Stop, tell: &mpsc::Sender<Result<Endpoint, Trouble>>) {
    let runtime = match serve::runtime(&plan) {
        Ok(runtime) => runtime,
        Err(trouble) => {
            let _ = tell.send(Err(trouble));
            return;
        }
    };
    runtime.block_on(async {
        let sockets = match Sockets::open(&plan) {
            Ok(sockets) => sockets,
            Err(trouble) => {
                let _ = tell.send(Err(trouble));
                return;
            }
        };
        let address = sockets.addresses().into_iter().next().unwrap_or(Endpoint::Unnamed);
        let _ = tell.send(Ok(address));
        // What fails from here on is seen at the other end of its connections.
        let _ = serve::serve(vec![(plan, sockets)], stop).await;
    });
    runtime.shutdown_background();
}
