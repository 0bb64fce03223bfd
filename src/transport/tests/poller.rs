//! Streams that a poller looks after.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use tokio::io::ReadBuf;

use crate::transport::{Poller, poller::Polled};

const LONG: Duration = Duration::from_secs(10);

struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A stream under number 7, and its peer.
fn pair(poller: &Poller) -> (Polled, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    ours.set_nonblocking(true).unwrap();
    (poller.take_in(ours, 7).unwrap(), listener.accept().unwrap().0)
}

/// Looks until there is something to read or room to write; tells whether there is room where there was none.
fn look(poller: &Poller, stream: &Polled) -> bool {
    let mut room = false;
    let many = poller.look(LONG, |number, news| {
        assert_eq!(number, 7);
        room |= stream.ready().note(news);
    });
    assert!(many.unwrap() > 0, "nothing came");
    room
}

fn read(stream: &Polled, cx: &mut Context<'_>) -> Poll<Vec<u8>> {
    let mut room = [0; 1000];
    let mut buffer = ReadBuf::new(&mut room);
    stream.poll_read(cx, &mut buffer).map(|read| read.map(|()| buffer.filled().to_vec()).unwrap())
}

#[test]
fn what_comes_is_told_and_read_and_so_is_the_end() {
    let (poller, cx) = (Poller::new().unwrap(), &mut Context::from_waker(Waker::noop()));
    let (stream, mut peer) = pair(&poller);
    assert_eq!(read(&stream, cx), Poll::Pending);
    peer.write_all(b"one").unwrap();
    while !stream.ready().is_readable() {
        look(&poller, &stream);
    }
    assert_eq!(read(&stream, cx), Poll::Ready(b"one".to_vec()));
    assert_eq!((read(&stream, cx), stream.ready().is_readable()), (Poll::Pending, false));
    // The end is told with what came before it, and once.
    peer.write_all(b"two").unwrap();
    peer.shutdown(std::net::Shutdown::Write).unwrap();
    while !stream.ready().is_readable() {
        look(&poller, &stream);
    }
    let mut all = Vec::new();
    loop {
        match read(&stream, cx) {
            Poll::Ready(bytes) if bytes.is_empty() => break,
            Poll::Ready(bytes) => all.extend(bytes),
            Poll::Pending => _ = look(&poller, &stream),
        }
    }
    assert_eq!(all, b"two");
}

#[test]
fn who_finds_no_room_is_told_when_there_is_some() {
    let (poller, cx) = (Poller::new().unwrap(), &mut Context::from_waker(Waker::noop()));
    let (stream, mut peer) = pair(&poller);
    look(&poller, &stream);
    let (much, mut sent) = (vec![b'x'; 1 << 20], 0);
    let mut in_vain = 0;
    // Once for the calls in a row, then for want of room.
    while in_vain < 3 {
        match stream.poll_write(cx, &much) {
            Poll::Ready(n) => (sent, in_vain) = (sent + n.unwrap(), 0),
            Poll::Pending => in_vain += 1,
        }
    }
    let mut came = vec![0; sent];
    peer.read_exact(&mut came).unwrap();
    while !look(&poller, &stream) {}
    assert!(stream.poll_write(cx, b"more").is_ready());
}

#[test]
fn after_many_calls_in_a_row_others_come_first() {
    let woken = Arc::new(Woken(AtomicUsize::new(0)));
    let waker = Waker::from(woken.clone());
    let (poller, cx) = (Poller::new().unwrap(), &mut Context::from_waker(&waker));
    let (stream, _peer) = pair(&poller);
    look(&poller, &stream);
    let calls = (0..1000).take_while(|_| stream.poll_write(cx, b"x").is_ready()).count();
    assert_eq!((calls, woken.0.load(SeqCst)), (64, 1));
    assert!(stream.poll_write(cx, b"x").is_ready(), "it goes on when it is polled again");
}
