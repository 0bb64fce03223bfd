//! The short way from the socket to the answer: a worker whose connections all do nothing but ask and answer looks after their
//! sockets itself, and hands what comes to the conversations, without a task being woken and polled for it.
//!
//! Each conversation is a task all the same: it is polled when there is more to do than that (to connect, to end, to wait for a
//! time). While any connection is not on the lane, and while nothing comes, it is the runtime that waits; else it is only asked now
//! and then.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    io,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use super::{
    busy_poll::{MOMENT, Worth, leaves_a_core},
    job::Job,
    party::Party,
    work::Work,
};
use crate::{
    os,
    role::drive::{Drive, Heard},
    session::Closed,
    transport::{News, Poller, Ready, Scheme, Stream},
};

/// How often the runtime is asked while there is news: its timers are no finer.
const OFTEN: Duration = Duration::from_millis(1);
/// How long a worker sleeps on its own; then the runtime waits, which keeps its times. (A sleep that would end before the next tick
/// of the system has a timer set for it, and in a virtual machine that costs more than the sleep.)
const NAP: Duration = Duration::from_millis(5);
/// So many receive before any of them hears, and hear before any answers. To receive, to think and to send are three long ways, each
/// shorter for whoever has just gone it (what the processor keeps of it is still there); and the other end finds several requests at
/// once. With more, they only wait for each other.
const AT_ONCE: usize = 16;
/// The most that is read at once, in bytes; and a little more, so that the beginnings of all do not lie in the same places of a cache.
const ROOM: usize = 64 * 1024 + 192;

/// A conversation, and what its end of the stream may try.
struct Seat {
    drive: RefCell<Drive<Stream, Party>>,
    ready: Arc<Ready>,
    /// Polls the task.
    task: RefCell<Waker>,
}

/// Those who are looked after at once.
struct Round {
    /// Room for what each receives, one after the other.
    rooms: Vec<u8>,
    /// Who received something, and how much.
    received: Vec<(usize, usize)>,
    /// Who has something to say.
    answers: Vec<usize>,
}

impl Round {
    fn new() -> Self {
        Self { rooms: vec![0; AT_ONCE * ROOM], received: Vec::with_capacity(AT_ONCE), answers: Vec::with_capacity(AT_ONCE) }
    }

    fn room(&mut self, at: usize) -> &mut [u8] {
        &mut self.rooms[at * ROOM..][..ROOM]
    }
}

/// The sockets of one worker.
pub(super) struct Lane {
    poller: Poller,
    /// By place.
    seats: RefCell<Vec<Option<Rc<Seat>>>>,
    seated: Cell<usize>,
    round: RefCell<Round>,
    /// Connections that have not come to their end.
    left: Cell<usize>,
    /// A task is to be polled.
    woken: Cell<bool>,
    /// How often one was.
    polls: Cell<u64>,
}

/// Does a load of this kind go on a lane? One that goes by the clock has to be asked for the time; connections of one request each
/// are hardly ever on it.
pub(super) fn is_for(job: &Job) -> bool {
    job.peer.scheme == Scheme::Tcp && !job.shape.open_loop() && !job.reconnect && job.hold.is_none()
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lane").field("seated", &self.seated).field("left", &self.left).finish_non_exhaustive()
    }
}

impl Lane {
    /// For so many connections.
    ///
    /// # Errors
    /// The system has no more descriptors.
    pub(super) fn new(places: usize) -> io::Result<Self> {
        Ok(Self {
            poller: Poller::new()?,
            seats: RefCell::new(vec![None; places]),
            seated: Cell::new(0),
            round: RefCell::new(Round::new()),
            left: Cell::new(places),
            woken: Cell::new(false),
            polls: Cell::new(0),
        })
    }

    /// Takes in a stream, if it is of a kind that can be.
    pub(super) fn take_in(&self, stream: Stream, place: usize) -> io::Result<(Stream, Option<Arc<Ready>>)> {
        stream.polled_by(&self.poller, place)
    }

    /// Has a conversation at `place`, over a stream that was taken in.
    pub(super) async fn talk(
        &self,
        place: usize,
        ready: Arc<Ready>,
        drive: Drive<Stream, Party>,
    ) -> (Closed, Drive<Stream, Party>) {
        let task = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
        let seat = Rc::new(Seat { drive: RefCell::new(drive), ready, task: RefCell::new(task) });
        self.seats.borrow_mut()[place] = Some(seat.clone());
        self.seated.set(self.seated.get() + 1);
        let how = poll_fn(|cx| {
            self.polls.set(self.polls.get() + 1);
            seat.task.borrow_mut().clone_from(cx.waker());
            std::pin::Pin::new(&mut *seat.drive.borrow_mut()).poll(cx)
        })
        .await;
        self.seats.borrow_mut()[place] = None;
        self.seated.set(self.seated.get() - 1);
        let seat = Rc::into_inner(seat).unwrap_or_else(|| unreachable!("whoever hears of news has let go of it"));
        (how, seat.drive.into_inner())
    }

    /// A connection has come to its end, and there will be no other in its place.
    pub(super) fn leave(&self) {
        self.left.set(self.left.get() - 1);
    }

    fn has_all(&self) -> bool {
        self.seated.get() == self.left.get() && self.left.get() > 0
    }

    /// Waits so long at most for news, and has them received, heard and answered. Tells whether there were any.
    fn look(&self, wait: Duration) -> io::Result<bool> {
        let round = &mut *self.round.borrow_mut();
        let many = self.poller.look(wait, |place, news| {
            self.receive(place, news, round);
            if round.received.len() == AT_ONCE {
                self.hear(round);
            }
        })?;
        self.hear(round);
        Ok(many > 0)
    }

    fn receive(&self, place: usize, news: News, round: &mut Round) {
        let seats = self.seats.borrow();
        let Some(seat) = &seats[place] else { return };
        let has_room = seat.ready.note(news);
        if seat.ready.is_readable() {
            let room = round.room(round.received.len());
            let received = seat.drive.borrow_mut().receive(room, &mut Context::from_waker(&seat.task.borrow()));
            match received {
                Ok(n) => round.received.push((place, n)),
                Err(heard) => self.settle(seat, heard),
            }
        }
        if has_room {
            // What waits to be written is the task's.
            self.settle(seat, Heard::More);
        }
    }

    /// Has those who received something hear it, then those answer who have something to say.
    fn hear(&self, round: &mut Round) {
        let seats = self.seats.borrow();
        for (at, (place, n)) in round.received.iter().copied().enumerate() {
            let Some(seat) = &seats[place] else { continue };
            let bytes = &round.rooms[at * ROOM..][..n];
            match seat.drive.borrow_mut().hear(bytes, &mut Context::from_waker(&seat.task.borrow())) {
                Heard::Answers => round.answers.push(place),
                heard => self.settle(seat, heard),
            }
        }
        round.received.clear();
        for place in round.answers.drain(..) {
            let Some(seat) = &seats[place] else { continue };
            let heard = seat.drive.borrow_mut().answer(&mut Context::from_waker(&seat.task.borrow()));
            self.settle(seat, heard);
        }
    }

    /// Has its task polled where there is more to do, or to read.
    #[inline]
    fn settle(&self, seat: &Seat, heard: Heard) {
        if heard == Heard::More || seat.ready.is_readable() {
            seat.task.borrow().wake_by_ref();
            self.woken.set(true);
        }
    }

    /// Looks after all of them, for ever.
    pub(super) async fn run(&self, work: &Work) -> io::Result<()> {
        loop {
            self.share().await?;
            self.own(work).await?;
        }
    }

    /// The runtime says when something has come: until that was heard, and while not all connections are here.
    async fn share(&self) -> io::Result<()> {
        let news = os::watch(&self.poller)?;
        loop {
            poll_fn(|cx| news.poll_read_ready(cx).map_ok(|mut ready| ready.clear_ready())).await?;
            while self.look(Duration::ZERO)? {
                if self.has_all() {
                    return Ok(());
                }
                // Those who are not here have to get on as well.
                tokio::task::yield_now().await;
            }
        }
    }

    /// While all are here and something comes, nothing else is waited for.
    async fn own(&self, work: &Work) -> io::Result<()> {
        let mut worth = leaves_a_core(work.job.threads).then(|| Worth::from(Instant::now()));
        let mut asked = Instant::now();
        while self.has_all() {
            let now = Instant::now();
            if self.woken.take() || now.saturating_duration_since(asked) >= OFTEN {
                let polls = self.polls.get();
                tokio::task::yield_now().await;
                // Whoever was polled may want to be polled again.
                self.woken.set(self.polls.get() != polls);
                asked = now;
                self.look(Duration::ZERO)?;
            } else if !self.wait(work, worth.as_mut(), now)? {
                break;
            }
        }
        Ok(())
    }

    /// Where nothing is there it looks for a moment if that is worth its while, else it sleeps. Tells whether something came.
    fn wait(&self, work: &Work, worth: Option<&mut Worth>, from: Instant) -> io::Result<bool> {
        if work.job.spin {
            return self.look(Duration::ZERO).map(|_| true);
        }
        if let Some(worth) = worth
            && worth.it_is(from)
        {
            let (mut took, mut found) = (Duration::ZERO, false);
            while !found && took < MOMENT {
                found = self.look(Duration::ZERO)?;
                // What was done about what came is work.
                took = if found { took } else { from.elapsed() };
            }
            work.usage.looked(took);
            worth.tried(took, found);
            if found {
                return Ok(true);
            }
        }
        self.look(NAP)
    }
}
