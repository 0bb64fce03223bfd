//! Answers on their way out of a datagram socket. What it can't take now waits, in order.

use std::{
    collections::VecDeque,
    io,
    net::IpAddr,
    task::{Context, Poll},
};

use crate::{session::Endpoint, transport::PacketServer};

/// An answer that the socket could not take.
struct Waiting {
    to: Endpoint,
    from: Option<IpAddr>,
    datagram: Vec<u8>,
}

/// Those that wait.
#[derive(Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Waiting>,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Sends, or keeps for later what can't be sent now.
    ///
    /// # Errors
    /// The system's: this datagram will never be sent.
    pub(super) fn send(
        &mut self,
        socket: &PacketServer,
        to: &Endpoint,
        from: Option<IpAddr>,
        datagram: Vec<u8>,
    ) -> io::Result<()> {
        if self.waiting.is_empty() {
            match socket.try_send(to, from, &datagram) {
                Err(error) if again(&error) => {}
                done => return done,
            }
        }
        self.waiting.push_back(Waiting { to: to.clone(), from, datagram });
        Ok(())
    }

    /// Sends what waits, as far as the socket takes it; tells whether it took anything. `failed` hears of what it never will.
    pub(super) fn flush(
        &mut self,
        socket: &PacketServer,
        cx: &mut Context<'_>,
        failed: impl Fn(&Endpoint, &io::Error),
    ) -> bool {
        let mut moved = false;
        while let Some(Waiting { to, from, datagram }) = self.waiting.front() {
            match socket.try_send(to, *from, datagram) {
                Err(error) if again(&error) => match socket.poll_send_ready(cx) {
                    Poll::Pending => return moved,
                    Poll::Ready(_) => continue,
                },
                Err(error) => failed(to, &error),
                Ok(()) => {}
            }
            self.waiting.pop_front();
            moved = true;
        }
        moved
    }
}

fn again(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
