//! One connection's life: connect, talk, and again when the peer closes; with a pause that grows while nothing works.

use std::{
    io,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc::UnboundedSender, watch};

use super::{
    job::Job,
    party::{After, Party},
    work::{Request, Work},
};
use crate::{
    bench::failure::Failure,
    error::{Trouble, reason},
    role::{drive::Drive, packets::DrivePackets, stop::Phase},
    session::{Closed, Facts, Rides},
    transport::{self, PacketClient, Stream},
};

/// The first and the longest pause before connecting again.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A count of requests does not wait for ever for a server that is gone: after so long without an answer on any connection,
/// when one more was of no use, the rest has failed.
const HOPE: Duration = Duration::from_secs(3);

/// Whoever waits for a turn to connect looks so often whether there is still something to say.
const LOOK: Duration = Duration::from_millis(50);

/// A connection that was made.
pub(super) enum Wire {
    Stream(Stream),
    Packets(PacketClient),
}

/// Why there is none.
pub(super) enum Unmade {
    /// The run is over, or has to end.
    Over,
    /// With the system's reason, where the kind does not say it.
    Failed(Failure, Option<String>),
}

/// What a connection waits for, and tells, at the start of a run.
#[derive(Clone)]
pub(super) struct Gate {
    /// Told when this connection is ready for the start.
    pub(super) ready: UnboundedSender<()>,
    /// The start, when it is known.
    pub(super) start: watch::Receiver<Option<Instant>>,
}

/// Runs connection `place` of a worker until nothing more is to be sent. `number` counts over all workers.
pub(super) async fn run(work: Rc<Work>, place: usize, number: usize, gate: Gate) {
    let job = work.job.clone();
    let opens_at = job.shape.connect_at(number, job.connections);
    let mut wire = None;
    if opens_at.is_zero() && !job.reconnect {
        wire = match first(&work, number) {
            Some(wire) => Some(wire),
            None if turn(&work).await.is_none() => None,
            None => connect(&work, number, true).await.ok(),
        };
    }
    let _ = gate.ready.send(());
    let Some(start) = started(&job, gate.start).await else { return };
    work.begin(start);
    tokio::time::sleep_until((start + opens_at).into()).await;
    talk_on(&work, place, number, wire).await;
    work.leave(place);
}

/// The connection that was there before there were workers is the first one's.
pub(super) fn first(work: &Work, number: usize) -> Option<Wire> {
    let (took, first) = if number == 0 { work.job.take_first()? } else { return None };
    let stream = first.attach().ok()?;
    work.connected(true, took);
    Some(Wire::Stream(stream))
}

pub(super) async fn started(job: &Job, mut start: watch::Receiver<Option<Instant>>) -> Option<Instant> {
    tokio::select! {
        start = start.wait_for(Option::is_some) => start.ok().and_then(|start| *start),
        () = job.stop.reached(Phase::Finish) => None,
    }
}

async fn talk_on(work: &Rc<Work>, place: usize, number: usize, mut wire: Option<Wire>) {
    // Where different things are said in turn, connections do not all begin with the same.
    let mut said = number as u64;
    let mut pause = PAUSE;
    loop {
        let mut taken = None;
        if wire.is_none() && turn(work).await.is_none() {
            return;
        }
        if work.job.reconnect {
            taken = next_request(work, place).await;
            if taken.is_none() {
                return;
            }
        }
        let from = Instant::now();
        let made = match wire.take() {
            Some(wire) => Ok(wire),
            None => connect(work, number, taken.is_none_or(|request| request.measured)).await,
        };
        if made.is_ok() {
            work.down.made(place, Instant::now());
        }
        // How long nothing may have worked.
        let hope = match made {
            Ok(wire) => match talk(work, place, wire, taken, &mut said).await {
                After::Over => return,
                After::Worked => {
                    pause = PAUSE;
                    continue;
                }
                After::TimedOut => HOPE + work.job.timeout,
                After::Failed => HOPE,
            },
            Err(Unmade::Over) => return,
            Err(Unmade::Failed(kind, example)) => {
                work.down.lost(place, from);
                if !work.fail_connect(taken, kind, example, Instant::now()) {
                    return;
                }
                HOPE
            }
        };
        if work.silent_for(Instant::now()) > hope {
            return work.fail_rest();
        }
        // Not all at once, when a server comes back.
        if ends_within(work, tokio::time::sleep(pause.mul_f64(0.5 + 0.5 * fastrand::f64()))).await.is_none() {
            return;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Waits until a connection may be opened. `None`: sending is over.
pub(super) async fn turn(work: &Work) -> Option<()> {
    if work.is_paused() {
        ends_within(work, work.goes_on()).await?;
    }
    let Some(at) = work.connect_turn(Instant::now()) else { return Some(()) };
    loop {
        let now = Instant::now();
        if now >= at {
            return Some(());
        }
        // Others may have said all meanwhile.
        if work.has_said_all(now) {
            return None;
        }
        ends_within(work, tokio::time::sleep_until(at.min(now + LOOK).into())).await?;
    }
}

/// The next request before there is a connection for it.
async fn next_request(work: &Work, place: usize) -> Option<Request> {
    let mut stop = work.job.stop.waiter();
    std::future::poll_fn(|cx| {
        if stop.poll(cx).is_ready() {
            return std::task::Poll::Ready(None);
        }
        work.poll_request(cx, place, 0, None)
    })
    .await
}

/// What `wait` gives, or `None` when sending stops before that.
async fn ends_within<T>(work: &Work, wait: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = wait => Some(done),
        () = work.job.stop.reached(Phase::Finish) => None,
        () = work.stops() => None,
    }
}

/// A connection; is it for a request that is `measured`, or for none in particular?
pub(super) async fn connect(work: &Work, number: usize, measured: bool) -> Result<Wire, Unmade> {
    let job = &work.job;
    if job.stop.phase() != Phase::Running {
        return Err(Unmade::Over);
    }
    let from = Instant::now();
    let made = ends_within(work, open(job, work.turn_of(number))).await.ok_or(Unmade::Over)?;
    match made {
        Ok(wire) => {
            if matches!(wire, Wire::Stream(_)) {
                work.connected(measured, from.elapsed());
            }
            Ok(wire)
        }
        Err(error) => Err(unmade(job, error)),
    }
}

async fn open(job: &Job, number: usize) -> io::Result<Wire> {
    let (peer, dial) = (&job.peer, job.dial(number));
    match peer.rides() {
        Rides::Stream => {
            let limit = dial.timeout.unwrap_or(job.timeout);
            let connected = tokio::time::timeout(limit, transport::connect_to(&peer.address, peer.scheme, &dial)).await;
            connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map(Wire::Stream)
        }
        Rides::Datagrams => {
            transport::packets_to(&peer.address, peer.scheme, &dial).await.map(Wire::Packets).map_err(io::Error::other)
        }
    }
}

/// A connection that failed is one failed request; what can't ever work ends the run.
fn unmade(job: &Job, error: io::Error) -> Unmade {
    let error = match error.downcast::<Trouble>() {
        Ok(trouble) => {
            job.give_up(trouble);
            return Unmade::Over;
        }
        Err(error) => error,
    };
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Unmade::Failed(Failure::Refused, None),
        io::ErrorKind::TimedOut => Unmade::Failed(Failure::ConnectTimedOut, None),
        // The listener went away while the connection waited to be accepted.
        io::ErrorKind::ConnectionReset => Unmade::Failed(Failure::Reset, None),
        _ => Unmade::Failed(Failure::ConnectFailed, Some(reason(&error))),
    }
}

async fn talk(work: &Rc<Work>, place: usize, wire: Wire, taken: Option<Request>, said: &mut u64) -> After {
    let job = &work.job;
    let party = Party::new(work.clone(), place, taken, *said, Instant::now());
    let session = (job.protocol.client)(&job.setup);
    let (how, party) = match wire {
        Wire::Stream(stream) => {
            let facts = Facts { said_before: *said, ..job.peer.facts(stream.local()) };
            let (stream, ready) = match &work.lane {
                Some(lane) => match lane.take_in(stream, place) {
                    Ok(taken) => taken,
                    Err(error) => return party.ended(&Closed::Failed(reason(&error))),
                },
                None => (stream, None),
            };
            let mut drive = Drive::new(stream, session, party, facts, job.terms.clone());
            match (&work.lane, ready) {
                (Some(lane), Some(ready)) => {
                    let (how, drive) = lane.talk(place, ready, drive).await;
                    (how, drive.into_parts().1)
                }
                _ => ((&mut drive).await, drive.into_parts().1),
            }
        }
        Wire::Packets(socket) => {
            let facts = job.peer.facts(socket.local().clone());
            let mut drive = DrivePackets::new(socket, session, party, facts, *job.terms);
            ((&mut drive).await, drive.into_parts().1)
        }
    };
    *said = party.said_so_far();
    party.ended(&how)
}
