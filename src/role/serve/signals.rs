//! Ctrl-C and SIGTERM: the first stops a server in good order, the second at once.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use crate::role::stop::{Phase, Stop};

/// Ctrl-C and SIGTERM.
pub(super) struct Signals {
    #[cfg(unix)]
    kinds: [tokio::signal::unix::Signal; 2],
}

impl Signals {
    /// From here on they are ours to handle.
    pub(super) fn catch() -> io::Result<Self> {
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
    pub(super) async fn stop(mut self, stop: Stop, grace: Duration) {
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
