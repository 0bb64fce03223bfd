//! `serve-tcp`, `serve-udp`, `serve-unix`: what was typed, made into a [`ServePlan`].

use std::{ffi::OsString, time::Duration};

use clap::{Args, ValueHint};

use super::{
    flags::{
        log::LogArgs,
        protocol::{ProtocolArgs, carried, served},
        socket::{BufferArgs, IpArgs, TcpArgs, UdpArgs},
    },
    target, values,
};
use crate::{
    error::Trouble,
    protocol::{Ends, Protocol, Setup},
    role::serve::ServePlan,
    transport::{Family, Host, Place, Scheme, SocketFlags, Target},
    values::read,
};

/// Peers a UDP server remembers unless told otherwise.
const MAX_PEERS: usize = 10_000;

#[derive(Debug, Args)]
#[command(
    override_usage = "netproto serve-tcp [OPTIONS] ADDRESS",
    after_help = "Examples:
  netproto serve-tcp 8080                    only this machine can connect
  netproto serve-tcp :8080 -P echo -v        everyone can; clients are logged
  netproto serve-tcp 0 -p delay=1s           a free port; a slow server"
)]
pub struct ServeTcp {
    /// PORT (this machine only), :PORT (everyone), HOST:PORT or a URL
    #[arg(value_hint = ValueHint::Other)]
    address: Option<OsString>,
    #[command(flatten)]
    pub(super) protocol: ProtocolArgs,
    #[command(flatten)]
    limits: TcpLimits,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    ip: IpArgs,
    #[command(flatten)]
    tcp: TcpArgs,
    #[command(flatten)]
    buffers: BufferArgs,
}

#[derive(Debug, Args)]
#[command(
    override_usage = "netproto serve-udp [OPTIONS] ADDRESS",
    mut_arg("idle_timeout", |arg| arg.help("Forget a peer that is silent for so long")),
    after_help = "Examples:
  netproto serve-udp 8080 -P echo            one reply for each datagram
  netproto serve-udp :5000 --join 239.1.2.3  also what is sent to that group"
)]
pub struct ServeUdp {
    /// PORT (this machine only), :PORT (everyone), HOST:PORT or a URL
    #[arg(value_hint = ValueHint::Other)]
    address: Option<OsString>,
    #[command(flatten)]
    pub(super) protocol: ProtocolArgs,
    #[command(flatten)]
    limits: UdpLimits,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    ip: IpArgs,
    #[command(flatten)]
    udp: UdpArgs,
    #[command(flatten)]
    buffers: BufferArgs,
}

#[derive(Debug, Args)]
#[command(
    override_usage = "netproto serve-unix [OPTIONS] PATH",
    after_help = "Examples:
  netproto serve-unix /tmp/np.sock -P echo
  netproto serve-unix --datagram /tmp/np.sock"
)]
pub struct ServeUnix {
    /// Path of the socket, or a URL
    #[arg(value_hint = ValueHint::AnyPath)]
    path: Option<OsString>,
    /// A datagram socket
    #[arg(long, help_heading = "Socket")]
    datagram: bool,
    #[command(flatten)]
    pub(super) protocol: ProtocolArgs,
    #[command(flatten)]
    limit: ConnectionLimit,
    #[command(flatten)]
    first: FirstMessage,
    #[command(flatten)]
    peers: PeerLimits,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    buffers: BufferArgs,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct TcpLimits {
    #[command(flatten)]
    all: ConnectionLimit,
    /// The same, from one address
    #[arg(long, value_name = "N", value_parser = values::at_least_one)]
    max_connections_per_peer: Option<usize>,
    #[command(flatten)]
    first: FirstMessage,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
struct ConnectionLimit {
    /// Clients at once; more are closed
    #[arg(short = 'm', long, value_name = "N", value_parser = values::at_least_one)]
    max_connections: Option<usize>,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
struct FirstMessage {
    /// For a client's first whole message
    #[arg(long, value_name = "TIME", value_parser = values::some_time)]
    handshake_timeout: Option<Duration>,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
struct PeerLimits {
    /// Peers remembered [default: 10k]
    #[arg(long, value_name = "N", value_parser = values::at_least_one)]
    max_peers: Option<usize>,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct UdpLimits {
    #[command(flatten)]
    peers: PeerLimits,
    /// Serve others though answers amplify
    #[arg(long)]
    allow_amplification: bool,
    /// Keep answering in an echo loop
    #[arg(long)]
    no_loop_guard: bool,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct RunArgs {
    /// Close a client that is silent for so long
    #[arg(short = 'i', long, value_name = "TIME", value_parser = values::some_time)]
    idle_timeout: Option<Duration>,
    /// Serve one client, then exit
    #[arg(short = '1', long, overrides_with = "keep_open")]
    once: bool,
    /// Serve until stopped (the default)
    #[arg(short = 'k', long, overrides_with = "once")]
    keep_open: bool,
    /// To finish answers, stopped [default: 5s]
    #[arg(long, value_name = "TIME", default_value = "5s", hide_default_value = true, value_parser = read::duration)]
    grace: Duration,
    /// Worker threads [default: one per core, less one]
    #[arg(short = 't', long, value_name = "N", value_parser = values::threads)]
    threads: Option<usize>,
}

impl ServeTcp {
    /// # Errors
    /// What was typed makes no sense together.
    pub fn plan(&self, activated: bool) -> Result<ServePlan, Trouble> {
        let listen = address(self.address.as_ref(), Scheme::Tcp, activated)?;
        let mut plan = plan(listen, self.ip.family(), &self.protocol, &self.run, &self.log)?;
        self.limits.apply(&mut plan);
        self.ip.apply(&mut plan.flags);
        self.tcp.apply(&mut plan.flags);
        self.buffers.apply(&mut plan.flags);
        Ok(plan)
    }
}

impl ServeUdp {
    /// # Errors
    /// What was typed makes no sense together.
    pub fn plan(&self, activated: bool) -> Result<ServePlan, Trouble> {
        let listen = address(self.address.as_ref(), Scheme::Udp, activated)?;
        let mut plan = plan(listen, self.ip.family(), &self.protocol, &self.run, &self.log)?;
        self.limits.apply(&mut plan);
        self.ip.apply(&mut plan.flags);
        self.udp.apply(&mut plan.flags);
        self.buffers.apply(&mut plan.flags);
        Ok(plan)
    }
}

impl ServeUnix {
    /// # Errors
    /// What was typed makes no sense together.
    pub fn plan(&self, activated: bool) -> Result<ServePlan, Trouble> {
        let scheme = if self.datagram { Scheme::Unixgram } else { Scheme::Unix };
        let listen = address(self.path.as_ref(), scheme, activated)?;
        self.limits_fit(listen.scheme)?;
        let mut plan = plan(listen, None, &self.protocol, &self.run, &self.log)?;
        plan.max_connections = self.limit.max_connections;
        plan.handshake_timeout = self.first.handshake_timeout;
        plan.max_peers = self.peers.max_peers.unwrap_or(MAX_PEERS);
        self.buffers.apply(&mut plan.flags);
        Ok(plan)
    }

    /// Streams have connections, datagrams have peers.
    fn limits_fit(&self, scheme: Scheme) -> Result<(), Trouble> {
        if scheme == Scheme::Unix {
            return match self.peers.max_peers {
                Some(_) => Err(Trouble::usage("--max-peers is for datagram sockets").hint("-m limits connections")),
                None => Ok(()),
            };
        }
        let given = match (self.limit.max_connections, self.first.handshake_timeout) {
            (Some(_), _) => "--max-connections",
            (_, Some(_)) => "--handshake-timeout",
            _ => return Ok(()),
        };
        Err(Trouble::usage(format!("{given} is for streams; datagrams have no connections"))
            .hint("--max-peers limits how many senders are remembered"))
    }
}

impl TcpLimits {
    pub(super) fn apply(&self, plan: &mut ServePlan) {
        plan.max_connections = self.all.max_connections;
        plan.handshake_timeout = self.first.handshake_timeout;
        plan.max_connections_per_peer = self.max_connections_per_peer;
    }

    /// The first that was given.
    pub(super) fn first(&self) -> Option<&'static str> {
        let per_peer = self.max_connections_per_peer.map(|_| "--max-connections-per-peer");
        let first = self.first.handshake_timeout.map(|_| "--handshake-timeout");
        self.all.max_connections.map(|_| "--max-connections").or(per_peer).or(first)
    }
}

impl UdpLimits {
    pub(super) fn apply(&self, plan: &mut ServePlan) {
        plan.max_peers = self.peers.max_peers.unwrap_or(MAX_PEERS);
        plan.allow_amplification = self.allow_amplification;
        plan.loop_guard = !self.no_loop_guard;
    }

    /// The first that was given.
    pub(super) fn first(&self) -> Option<&'static str> {
        let amplification = self.allow_amplification.then_some("--allow-amplification");
        let guard = self.no_loop_guard.then_some("--no-loop-guard");
        self.peers.max_peers.map(|_| "--max-peers").or(amplification).or(guard)
    }
}

/// What all three have.
fn plan(
    listen: Target,
    family: Option<Family>,
    protocol: &ProtocolArgs,
    run: &RunArgs,
    log: &LogArgs,
) -> Result<ServePlan, Trouble> {
    let row = served(protocol.protocol)?;
    carried(row, listen.scheme, &format!("serve {}", row.typed()))?;
    let command = command(listen.scheme).into();
    Ok(ServePlan { family, ..run.plan((row, protocol.setup.of(Some(row), Ends::Server)?), command, listen, log) })
}

impl RunArgs {
    /// A plan of what these flags say, and nothing else.
    pub(super) fn plan(
        &self,
        (protocol, setup): (&'static Protocol, Setup),
        command: String,
        listen: Target,
        log: &LogArgs,
    ) -> ServePlan {
        ServePlan {
            protocol,
            setup,
            command,
            listen,
            family: None,
            flags: SocketFlags::default(),
            threads: self.threads,
            max_connections: None,
            max_connections_per_peer: None,
            idle_timeout: self.idle_timeout,
            handshake_timeout: None,
            once: self.once,
            grace: self.grace,
            max_peers: MAX_PEERS,
            allow_amplification: false,
            loop_guard: true,
            metrics: log.metrics.clone(),
            log: log.plan(),
        }
    }
}

fn command(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Tcp => "serve-tcp",
        Scheme::Udp => "serve-udp",
        Scheme::Unix | Scheme::Unixgram => "serve-unix",
    }
}

/// Where to listen. A socket that was handed over (systemd's `LISTEN_FDS`) needs no address.
fn address(typed: Option<&OsString>, scheme: Scheme, activated: bool) -> Result<Target, Trouble> {
    match typed {
        Some(word) => target::listening(word, scheme),
        None if activated => Ok(Target { scheme, place: nowhere(scheme) }),
        None => Err(missing(scheme)),
    }
}

fn nowhere(scheme: Scheme) -> Place {
    match scheme {
        Scheme::Tcp | Scheme::Udp => Place::Net { host: Host::Loopback, port: 0 },
        Scheme::Unix | Scheme::Unixgram => Place::Path("".into()),
    }
}

fn missing(scheme: Scheme) -> Trouble {
    let (what, example) = match scheme {
        Scheme::Tcp => ("an address to listen on", "serve-tcp 8080, or serve-tcp 0 for a free port"),
        Scheme::Udp => ("an address to listen on", "serve-udp 8080, or serve-udp 0 for a free port"),
        Scheme::Unix | Scheme::Unixgram => ("the path of a socket", "serve-unix /tmp/netproto.sock"),
    };
    Trouble::usage(format!("{} needs {what}", command(scheme))).hint(format!("for example: {example}"))
}

/// Were listening sockets handed to this process? (`sd_listen_fds(3)`)
pub fn activated() -> bool {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    let ours = number("LISTEN_PID").is_none_or(|pid| pid == std::process::id());
    ours && number("LISTEN_FDS").is_some_and(|sockets| sockets > 0)
}
