//! Where the desks of datagram sockets are served: in the runtime around, or, where sessions stay on their thread, on a thread
//! of theirs. The first one has them all, so that with one thread a script has one state for every kind of socket.
//!
//! May use: tokio, `transport`.

use std::{
    io,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use tokio::task::JoinSet;

use super::{Server, datagrams::Desk, lanes::Lane, log::Entry};
use crate::{error::reason, role::stop::Phase, session::Endpoint, transport::PacketServer};

/// Told to end now, a session that holds its thread is waited for so long.
const OVERDUE: Duration = Duration::from_millis(100);

/// Serves until stopped.
pub(super) async fn serve(server: &Arc<Server>, sockets: Vec<PacketServer>) {
    let mut serving = JoinSet::new();
    for socket in sockets {
        match server.lanes.first().cloned() {
            Some(lane) => serving.spawn(serve_there(server.clone(), socket, lane)),
            None => serving.spawn(Desk::new(server.clone(), socket).serve()),
        };
    }
    let mut overdue = std::pin::pin!(server.overdue());
    loop {
        tokio::select! {
            ended = serving.join_next() => if ended.is_none() { return },
            () = &mut overdue => return,
        }
    }
}

impl Server {
    /// Comes when what holds its thread need not be waited for any longer. Where nothing can hold one: never.
    pub(super) async fn overdue(&self) {
        if self.lanes.is_empty() {
            return std::future::pending().await;
        }
        self.stop.reached(Phase::Now).await;
        tokio::time::sleep(OVERDUE).await;
    }

    /// An answer over datagrams was never sent.
    pub(super) fn unsent(&self, to: &Endpoint, error: &io::Error) {
        self.counts.dropped.fetch_add(1, Relaxed);
        if self.log.connections() {
            self.log.say(&Entry::Warning { what: format!("{to}: could not answer: {}", reason(error)), hint: None });
        }
    }
}

/// Hands the socket to the thread of `lane`.
async fn serve_there(server: Arc<Server>, socket: PacketServer, lane: Lane) {
    let failed = |server: &Server, error| {
        let what = format!("could not hand a socket to its thread: {}", reason(&error));
        server.log.say(&Entry::Warning { what, hint: None });
    };
    let attach = match socket.detach() {
        Ok(attach) => attach,
        Err(error) => return failed(&server, error),
    };
    let desk = lane.spawn(async move {
        match attach() {
            Ok(socket) => Desk::new(server, socket).serve().await,
            Err(error) => failed(&server, error),
        }
    });
    // A panic there has been told.
    let _ = desk.await;
}
