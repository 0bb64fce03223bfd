//! What a server tells through `--metrics`: its counts, read when somebody asks.
//!
//! May use: `role`'s metrics, transport, session.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use super::{ServePlan, Server, Sockets};
use crate::{
    error::Trouble,
    role::metrics::{Exposition, Figures, Kind, Metrics},
    session::Rides,
    transport::{Place, Target},
};

/// Opens the place where they can be asked for, beside the sockets that are served.
///
/// # Errors
/// [`Trouble`]: address in use, no permission, ...
pub(super) fn open(target: &Target, parts: &[(ServePlan, Sockets)]) -> Result<Metrics, Trouble> {
    Metrics::open(target).map_err(|trouble| {
        let Place::Net { port, .. } = target.place else { return trouble };
        let ours =
            |(_, sockets): &(ServePlan, Sockets)| matches!(sockets, Sockets::Streams(_)) && sockets.port() == Some(port);
        if parts.iter().any(ours) {
            return trouble.hint(format!("port {port} is what is served; --metrics needs another, as in --metrics 0"));
        }
        trouble
    })
}

/// A figure of a server; `None`: it has none.
struct Figure {
    kind: Kind,
    name: &'static str,
    help: &'static str,
    of: fn(&Server) -> Option<f64>,
}

const fn figure(kind: Kind, name: &'static str, help: &'static str, of: fn(&Server) -> Option<f64>) -> Figure {
    Figure { kind, name, help, of }
}

use Kind::{Counter, Gauge};

macro_rules! count {
    ($field:ident) => {
        |server| Some(server.counts.$field.load(Relaxed) as f64)
    };
}

/// What only datagrams have.
macro_rules! of_datagrams {
    ($field:ident) => {
        |server| datagrams(server).then(|| server.counts.$field.load(Relaxed) as f64)
    };
}

/// What only streams have.
macro_rules! of_streams {
    ($field:ident) => {
        |server| (!datagrams(server)).then(|| server.counts.$field.load(Relaxed) as f64)
    };
}

static FIGURES: &[Figure] = &[
    figure(
        Gauge,
        "netproto_serve_open_connections",
        "Connections that are open; of datagrams, peers remembered.",
        count!(open),
    ),
    figure(Gauge, "netproto_serve_max_connections", "The limit of connections (-m), or of peers (--max-peers).", |server| {
        let plan = &server.plan;
        if datagrams(server) { Some(plan.max_peers) } else { plan.max_connections }.map(|max| max as f64)
    }),
    figure(
        Gauge,
        "netproto_serve_max_connections_per_peer",
        "The limit of connections from one address (--max-connections-per-peer).",
        |server| server.plan.max_connections_per_peer.map(|max| max as f64),
    ),
    figure(
        Counter,
        "netproto_serve_connections_total",
        "Connections that were taken in; of datagrams, peers that came.",
        count!(connections),
    ),
    figure(
        Counter,
        "netproto_serve_refused_total",
        "Connections that were closed at once, a limit being reached.",
        of_streams!(refused),
    ),
    figure(Counter, "netproto_serve_resets_total", "Connections that the peer reset.", of_streams!(resets)),
    figure(Counter, "netproto_serve_messages_total", "Whole messages that came.", count!(messages)),
    figure(Counter, "netproto_serve_received_bytes_total", "Bytes that came.", count!(bytes_in)),
    figure(Counter, "netproto_serve_sent_bytes_total", "Bytes that went.", count!(bytes_out)),
    figure(
        Counter,
        "netproto_serve_pauses_total",
        "Times that reading was held back, the peer not reading itself.",
        of_streams!(pauses),
    ),
    figure(Counter, "netproto_serve_paused_seconds_total", "How long that was, over all connections.", |server| {
        (!datagrams(server)).then(|| server.counts.paused_ns.load(Relaxed) as f64 / 1e9)
    }),
    figure(Counter, "netproto_serve_received_datagrams_total", "Datagrams that came.", of_datagrams!(datagrams_in)),
    figure(Counter, "netproto_serve_sent_datagrams_total", "Datagrams that were sent.", of_datagrams!(datagrams_out)),
    figure(
        Counter,
        "netproto_serve_dropped_datagrams_total",
        "Datagrams thrown away: from muted peers, against the rules, or answers that did not leave.",
        of_datagrams!(dropped),
    ),
    figure(
        Counter,
        "netproto_serve_loop_mutes_total",
        "Times that the loop guard muted a peer for a second.",
        of_datagrams!(mutes),
    ),
];

fn datagrams(server: &Server) -> bool {
    server.plan.listen.scheme.rides() == Rides::Datagrams
}

/// The counts of these servers.
pub(super) fn figures(servers: Vec<Arc<Server>>) -> Figures {
    Arc::new(move |out| tell(&servers, out))
}

fn tell(servers: &[Arc<Server>], out: &mut Exposition) {
    for figure in FIGURES {
        let mut values = servers.iter().filter_map(|server| Some((server, (figure.of)(server)?))).peekable();
        if values.peek().is_none() {
            continue;
        }
        out.family(figure.kind, figure.name, figure.help);
        for (server, value) in values {
            let (transport, protocol) = (server.plan.listen.scheme.name(), server.plan.protocol.name);
            out.sample(&[("transport", transport), ("protocol", protocol)], value);
        }
    }
}
