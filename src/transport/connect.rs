//! Connecting a stream: resolve, race the addresses, and say in one sentence why it did not work.
//!
//! The race is RFC 8305 (`race.rs`).
//!
//! May use: tokio, socket2, `os`, `session::Endpoint`, `error`, `values`.

use std::{future::Future, io, net::SocketAddr, path::Path, time::Duration};

use socket2::SockRef;
use tokio::{
    net::{TcpSocket, UnixStream},
    time::{Instant, sleep, timeout_at},
};

use super::{
    Dial, Family, Host, Place, Scheme, Stream, Target, flags,
    race::{Attempt, Race},
    resolve::{Resolved, resolve},
};
use crate::{
    error::{Exit, Trouble, reason},
    os,
    session::{Endpoint, Rides},
    values::show,
};

/// How a connection came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub resolve: Duration,
    /// All that the name resolved to, in the order of trying.
    pub addresses: Vec<Endpoint>,
    /// From the first attempt to the connection.
    pub connect: Duration,
    /// In the order in which they began.
    pub attempts: Vec<Attempt>,
}

/// Connects to a target, whichever of its addresses answers first. `dial.timeout` is for all of it, resolving too.
pub async fn connect(target: &Target, dial: &Dial) -> Result<(Stream, Route), Trouble> {
    flags::check(target.scheme, &dial.flags)?;
    let deadline = dial.timeout.map(|timeout| Instant::now() + timeout);
    let resolved = resolved(target, dial, deadline).await?;
    let start = Instant::now();
    let mut race = Race::new(&resolved.addresses);
    let outcome = within(deadline, race.run(|address| open(address, target.scheme, dial), is_trouble)).await;
    let connect = start.elapsed();
    match outcome {
        Some(Ok(stream)) => {
            let attempts = race.into_attempts("given up, another was faster");
            Ok((stream, Route { resolve: resolved.took, addresses: resolved.addresses, connect, attempts }))
        }
        Some(Err(error)) => Err(explained(error, target, dial, &race.into_attempts("given up"))),
        None => Err(with_attempts(timed_out(target, dial), &race.into_attempts("no answer"))),
    }
}

/// The addresses of a target that needs no connection, within `dial.timeout`.
pub async fn addresses(target: &Target, dial: &Dial) -> Result<Resolved, Trouble> {
    resolved(target, dial, dial.timeout.map(|timeout| Instant::now() + timeout)).await
}

async fn resolved(target: &Target, dial: &Dial, deadline: Option<Instant>) -> Result<Resolved, Trouble> {
    match within(deadline, resolve(target, family(dial)?)).await {
        Some(outcome) => outcome,
        None => Err(unresolved(target, dial)),
    }
}

/// Connects to one address, already resolved, within `dial.timeout`. A flag that can't be set, or a source that can't be
/// used, is a [`Trouble`] inside the error.
pub async fn connect_to(address: &Endpoint, scheme: Scheme, dial: &Dial) -> io::Result<Stream> {
    let deadline = dial.timeout.map(|timeout| Instant::now() + timeout);
    match within(deadline, open(address, scheme, dial)).await {
        Some(outcome) => outcome,
        None => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn within<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => timeout_at(deadline, work).await.ok(),
        None => Some(work.await),
    }
}

/// The family that is asked for, or that the source has.
pub(super) fn family(dial: &Dial) -> Result<Option<Family>, Trouble> {
    let of_source = dial.source.map(|source| Family::of(source.ip()));
    match (dial.family, of_source, dial.source) {
        (Some(asked), Some(has), Some(source)) if asked != has => {
            Err(Trouble::usage(format!("the source {} is of the other family", source.ip()))
                .hint("leave out -4 or -6: the source decides"))
        }
        (asked, has, _) => Ok(asked.or(has)),
    }
}

async fn open(address: &Endpoint, scheme: Scheme, dial: &Dial) -> io::Result<Stream> {
    match (address, scheme) {
        (Endpoint::Ip(address), Scheme::Tcp) => open_tcp(*address, dial).await,
        (Endpoint::Unix(path), Scheme::Unix) => open_unix(path, dial).await,
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{scheme} has no stream to {address}"))),
    }
}

async fn open_tcp(address: SocketAddr, dial: &Dial) -> io::Result<Stream> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
    let ours = SockRef::from(&socket);
    flags::prepare(&ours, Scheme::Tcp, address.is_ipv6(), &dial.flags).map_err(trouble_inside)?;
    if let Some(source) = dial.source {
        spare_ports(&ours, source)?;
        bind_source(&ours, source)?;
    }
    let stream = socket.connect(address).await?;
    // With nobody listening on a port that the system hands out, TCP can connect a socket to itself (RFC 9293, section
    // 3.5: simultaneous open). That is no peer.
    if stream.local_addr()? == address {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(Stream::Tcp(stream))
}

/// Lets many connections start from one address.
fn spare_ports(socket: &SockRef<'_>, source: SocketAddr) -> io::Result<()> {
    if source.port() == 0 {
        let _ = os::choose_port_late(socket); // works without, too
        return Ok(());
    }
    socket.set_reuse_address(true) // a port of ours from before, in TIME-WAIT
}

/// Binds to the address that we wish to be seen as.
pub(super) fn bind_source(socket: &SockRef<'_>, source: SocketAddr) -> io::Result<()> {
    socket.bind(&source.into()).map_err(|error| {
        let shown = if source.port() == 0 { source.ip().to_string() } else { source.to_string() };
        let trouble = Trouble::failed(format!("could not use the source {shown}: {}", reason(&error)));
        trouble_inside(match error.kind() {
            io::ErrorKind::AddrNotAvailable => {
                trouble.hint("it must be an address of this machine; `ip address` lists them")
            }
            io::ErrorKind::AddrInUse => trouble.hint("leave out its port, and the system takes a free one"),
            io::ErrorKind::PermissionDenied => trouble.hint("ports below 1024 need root"),
            _ => trouble,
        })
    })
}

async fn open_unix(path: &Path, dial: &Dial) -> io::Result<Stream> {
    // Where TCP would queue, a Unix socket with a full backlog says "try again" (unix(7)). So that is what is done, for a
    // second at most.
    let mut tries = 0;
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && tries < 500 => {
                tries += 1;
                sleep(Duration::from_millis(2)).await;
            }
            Err(error) => return Err(error),
            Ok(stream) => {
                let flags = &dial.flags;
                flags::prepare(&SockRef::from(&stream), Scheme::Unix, false, flags).map_err(trouble_inside)?;
                return Ok(Stream::Unix(stream));
            }
        }
    }
}

/// A [`Trouble`] that travels through an I/O error.
pub(super) fn trouble_inside(trouble: Trouble) -> io::Error {
    io::Error::other(trouble)
}

fn is_trouble(error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(inner) if inner.is::<Trouble>())
}

/// The [`Trouble`] inside an I/O error, or what `explain` makes of it.
pub(super) fn trouble_of(error: io::Error, explain: impl FnOnce(io::Error) -> Trouble) -> Trouble {
    error.downcast::<Trouble>().unwrap_or_else(explain)
}

fn timed_out(target: &Target, dial: &Dial) -> Trouble {
    Trouble::new(Exit::TimedOut, format!("could not connect to {target}: no answer within {}", limit(dial)))
        .hint("a firewall may drop what is sent; --connect-timeout waits longer")
}

fn unresolved(target: &Target, dial: &Dial) -> Trouble {
    let name = match &target.place {
        Place::Net { host, .. } => host.to_string(),
        Place::Path(path) => show::path(path),
    };
    Trouble::new(Exit::TimedOut, format!("could not resolve {name}: no answer within {}", limit(dial)))
        .hint("the name server is silent or slow; --connect-timeout waits longer")
}

fn limit(dial: &Dial) -> impl std::fmt::Display {
    humantime::format_duration(dial.timeout.unwrap_or_default())
}

fn explained(error: io::Error, target: &Target, dial: &Dial, attempts: &[Attempt]) -> Trouble {
    trouble_of(error, |error| {
        let exit = if error.kind() == io::ErrorKind::TimedOut { Exit::TimedOut } else { Exit::Failed };
        let sentence = format!("could not connect to {target}: {}", reason(&error));
        with_attempts(Trouble::new(exit, sentence).hint_if(hint(&error, target, dial.speaks)), attempts)
    })
}

/// Adds what each address said, when they did not say the same.
fn with_attempts(trouble: Trouble, attempts: &[Attempt]) -> Trouble {
    if attempts.iter().all(|attempt| attempt.failure == attempts[0].failure) {
        return trouble;
    }
    let width = attempts.iter().map(|attempt| attempt.address.to_string().len()).max().unwrap_or(0);
    let line = |attempt: &Attempt| {
        let failure = attempt.failure.as_deref().unwrap_or("connected");
        format!("  {:<width$}  {failure}", attempt.address.to_string())
    };
    trouble.detail(attempts.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// What to try when a target can't be reached.
pub(super) fn hint(error: &io::Error, target: &Target, speaks: Option<&str>) -> Option<String> {
    let chosen = speaks.map(|name| format!(" -P {name}")).unwrap_or_default();
    let serve = match (&target.place, target.scheme.rides(), speaks) {
        (Place::Net { host: Host::Name(_) | Host::Ip(_), port }, _, Some(name)) => format!("serve {name} {port}"),
        (Place::Net { host: Host::Name(_) | Host::Ip(_), port }, _, None) => format!("serve-{} {port}", target.scheme),
        (place, Rides::Stream, _) => format!("serve-unix {place}{chosen}"),
        (place, Rides::Datagrams, _) => format!("serve-udp {}:{place}{chosen}", target.scheme),
    };
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("nothing listens there; `{serve}` would"),
        io::ErrorKind::NotFound if target.scheme.is_unix() => format!("there is no such socket; `{serve}` makes one"),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            "this machine knows no way there; -4 and -6 choose the family".into()
        }
        io::ErrorKind::TimedOut => "nothing answers there; a firewall may drop what is sent".into(),
        io::ErrorKind::AddrNotAvailable => "no source address or port is free for it; -s chooses another".into(),
        io::ErrorKind::PermissionDenied if target.scheme.is_unix() => "the socket's file belongs to another user".into(),
        io::ErrorKind::PermissionDenied if target.scheme == Scheme::Udp => {
            "--broadcast allows sending to a broadcast address".into()
        }
        _ => return None,
    })
}
