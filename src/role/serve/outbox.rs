//! Answers on their way out of a datagram socket. Those of one length to one peer leave in one call (UDP GSO, udp(7)); what the
//! socket can't take now waits, in order.

use std::{
    collections::VecDeque,
    io,
    net::IpAddr,
    task::{Context, Poll},
};

use crate::{os, role::joint::Joint, session::Endpoint, transport::PacketServer};

/// Answers to one peer.
struct Waiting {
    to: Endpoint,
    from: Option<IpAddr>,
    joint: Joint,
}

/// Those that have not left.
#[derive(Default)]
pub(super) struct Outbox {
    /// What more may be joined to.
    gathered: Option<Waiting>,
    waiting: VecDeque<Waiting>,
    joins: bool,
}

impl Waiting {
    fn one(to: &Endpoint, from: Option<IpAddr>, datagram: Vec<u8>) -> Self {
        Self { to: to.clone(), from, joint: Joint::one(datagram) }
    }

    /// May one of so many bytes follow those that are here?
    fn takes(&self, to: &Endpoint, from: Option<IpAddr>, length: usize) -> bool {
        self.joint.takes(length) && self.from == from && self.to == *to
    }

    fn try_send(&self, socket: &PacketServer) -> io::Result<()> {
        socket.try_send(&self.to, self.from, self.joint.bytes(), self.joint.segment())
    }

    fn each(&self, mut tell: impl FnMut(&Endpoint)) {
        (0..self.joint.many()).for_each(|_| tell(&self.to));
    }

    /// Each of them for itself.
    fn apart(&self) -> impl Iterator<Item = Self> {
        self.joint.each().map(|one| Self::one(&self.to, self.from, one.to_vec()))
    }
}

impl Outbox {
    pub(super) fn new(socket: &PacketServer) -> Self {
        Self { joins: socket.joins(), ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.gathered.is_none()
    }

    /// Takes an answer, and sends those before it that it can't be joined to. [`Self::deliver`] sends the rest. `failed` hears of
    /// what will never be sent.
    pub(super) fn send(
        &mut self,
        socket: &PacketServer,
        (to, from): (&Endpoint, Option<IpAddr>),
        datagram: Vec<u8>,
        failed: impl Fn(&Endpoint, &io::Error),
    ) {
        match &mut self.gathered {
            Some(gathered) if self.joins && gathered.takes(to, from, datagram.len()) => {
                gathered.joint.push(&datagram);
            }
            _ => {
                self.deliver(socket, failed);
                self.gathered = Some(Waiting::one(to, from, datagram));
            }
        }
    }

    /// Sends what was gathered, or keeps for later what can't be sent now.
    pub(super) fn deliver(&mut self, socket: &PacketServer, failed: impl Fn(&Endpoint, &io::Error)) {
        let Some(gathered) = self.gathered.take() else { return };
        let mut apart = !self.joins;
        if self.waiting.is_empty() {
            match gathered.try_send(socket) {
                Ok(()) => return,
                Err(error) if again(&error) => {}
                Err(error) if self.parted(&gathered, &error) => apart = true,
                Err(error) => return gathered.each(|to| failed(to, &error)),
            }
        }
        if apart {
            self.waiting.extend(gathered.apart());
        } else {
            self.waiting.push_back(gathered);
        }
    }

    /// Was this error about their being joined? Then no more are, but where it may lie in the way to this peer alone.
    fn parted(&mut self, gathered: &Waiting, error: &io::Error) -> bool {
        let parted = gathered.joint.many() > 1 && os::refuses_joined(error);
        self.joins &= !parted || os::concerns_destination(error);
        parted
    }

    /// Sends what waits, as far as the socket takes it; tells whether it took anything. `failed` hears of what it never will.
    pub(super) fn flush(
        &mut self,
        socket: &PacketServer,
        cx: &mut Context<'_>,
        failed: impl Fn(&Endpoint, &io::Error),
    ) -> bool {
        let mut moved = false;
        while let Some(first) = self.waiting.pop_front() {
            match first.try_send(socket) {
                Err(error) if again(&error) => {
                    self.waiting.push_front(first);
                    match socket.poll_send_ready(cx) {
                        Poll::Pending => return moved,
                        Poll::Ready(_) => continue,
                    }
                }
                Err(error) if self.parted(&first, &error) => {
                    for one in first.apart().collect::<Vec<_>>().into_iter().rev() {
                        self.waiting.push_front(one);
                    }
                }
                Err(error) => first.each(|to| failed(to, &error)),
                Ok(()) => {}
            }
            moved = true;
        }
        moved
    }
}

fn again(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
