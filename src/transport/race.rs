//! Happy eyeballs: of several addresses the first that answers wins, and a dead one costs a quarter of a second (RFC 8305,
//! section 5).
//!
//! Knows nothing of sockets: what an attempt is, is given.
//!
//! May use: tokio's clock, `session::Endpoint`, `error::reason`.

use std::{
    future::{Future, pending, poll_fn},
    io,
    pin::Pin,
    task::Poll,
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use crate::{error::reason, session::Endpoint};

/// Connection Attempt Delay, as recommended (RFC 8305, section 8).
pub(super) const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// One address that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub address: Endpoint,
    pub took: Duration,
    /// `None`: this is the connection we have.
    pub failure: Option<String>,
}

type Connecting<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

struct Running<'a, T> {
    /// Of [`Race::attempts`].
    at: usize,
    since: Instant,
    connecting: Connecting<'a, T>,
}

/// The attempts at one target. Outlives a time-out of [`Race::run`], to tell what was tried.
pub(super) struct Race<'a, T> {
    waiting: std::slice::Iter<'a, Endpoint>,
    running: Vec<Running<'a, T>>,
    attempts: Vec<Attempt>,
    errors: Vec<io::Error>,
}

impl<'a, T> Race<'a, T> {
    pub(super) fn new(addresses: &'a [Endpoint]) -> Self {
        Self { waiting: addresses.iter(), running: Vec::new(), attempts: Vec::new(), errors: Vec::new() }
    }

    /// Gives the first connection, or the most telling error when all have failed. `fatal` errors end it at once.
    pub(super) async fn run<F, C>(&mut self, mut dial: F, fatal: fn(&io::Error) -> bool) -> io::Result<T>
    where
        F: FnMut(&'a Endpoint) -> C,
        C: Future<Output = io::Result<T>> + Send + 'a,
    {
        let mut next_start = self.start(&mut dial);
        if self.running.is_empty() {
            return Err(most_telling(Vec::new()));
        }
        loop {
            let delay = async move {
                match next_start {
                    Some(at) => sleep_until(at).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                ended = first(&mut self.running) => match self.record(ended) {
                    Ok(connection) => return Ok(connection),
                    Err(error) if fatal(&error) => return Err(error),
                    Err(error) => {
                        self.errors.push(error);
                        // A failure starts the next attempt without waiting (RFC 8305, section 5).
                        next_start = self.start(&mut dial);
                        if self.running.is_empty() {
                            return Err(most_telling(std::mem::take(&mut self.errors)));
                        }
                    }
                },
                () = delay => next_start = self.start(&mut dial),
            }
        }
    }

    fn record(&mut self, (running, outcome): (Running<'a, T>, io::Result<T>)) -> io::Result<T> {
        let attempt = &mut self.attempts[running.at];
        attempt.took = running.since.elapsed();
        attempt.failure = outcome.as_ref().err().map(reason);
        outcome
    }

    /// Starts the next attempt, if there is one; gives when the one after it is to start.
    fn start<F, C>(&mut self, dial: &mut F) -> Option<Instant>
    where
        F: FnMut(&'a Endpoint) -> C,
        C: Future<Output = io::Result<T>> + Send + 'a,
    {
        let address = self.waiting.next()?;
        let since = Instant::now();
        self.attempts.push(Attempt { address: address.clone(), took: Duration::ZERO, failure: None });
        self.running.push(Running { at: self.attempts.len() - 1, since, connecting: Box::pin(dial(address)) });
        (self.waiting.len() > 0).then(|| since + ATTEMPT_DELAY)
    }

    /// What was tried; of those that were still running, `unfinished` is said.
    pub(super) fn into_attempts(mut self, unfinished: &str) -> Vec<Attempt> {
        for running in self.running {
            let attempt = &mut self.attempts[running.at];
            attempt.took = running.since.elapsed();
            attempt.failure = Some(unfinished.to_owned());
        }
        self.attempts
    }
}

/// The first of them that ends, taken out.
async fn first<'a, T>(running: &mut Vec<Running<'a, T>>) -> (Running<'a, T>, io::Result<T>) {
    poll_fn(|cx| {
        for n in 0..running.len() {
            if let Poll::Ready(outcome) = running[n].connecting.as_mut().poll(cx) {
                return Poll::Ready((running.remove(n), outcome));
            }
        }
        Poll::Pending
    })
    .await
}

/// Of several errors the one that says most about the target: that it refused, before that it could not be reached.
fn most_telling(errors: Vec<io::Error>) -> io::Error {
    let rank = |error: &io::Error| match error.kind() {
        io::ErrorKind::ConnectionRefused => 0,
        io::ErrorKind::ConnectionReset | io::ErrorKind::PermissionDenied => 1,
        io::ErrorKind::TimedOut => 2,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => 3,
        io::ErrorKind::AddrNotAvailable => 5, // of our own machine: the family is missing
        _ => 4,
    };
    errors.into_iter().min_by_key(rank).unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an address does in these tests: its port says after how many milliseconds, its last byte what happens.
    async fn dial(address: &Endpoint) -> io::Result<u16> {
        let Endpoint::Ip(address) = address else { panic!("not an IP address") };
        tokio::time::sleep(Duration::from_millis(address.port().into())).await;
        match address.ip().to_string().rsplit(['.', ':']).next() {
            Some("1") => Ok(address.port()),
            Some("2") => Err(io::ErrorKind::ConnectionRefused.into()),
            Some("3") => Err(io::ErrorKind::NetworkUnreachable.into()),
            _ => pending().await,
        }
    }

    async fn race(addresses: &str) -> (io::Result<u16>, Duration, Vec<Attempt>) {
        let addresses: Vec<_> = addresses.split(' ').map(|text| Endpoint::Ip(text.parse().unwrap())).collect();
        let mut race = Race::new(&addresses);
        let start = Instant::now();
        let outcome = race.run(dial, |_| false).await;
        (outcome, start.elapsed(), race.into_attempts("given up"))
    }

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_address_costs_a_quarter_of_a_second() {
        let (outcome, took, attempts) = race("[2001:db8::9]:1 192.0.2.1:20").await;
        assert_eq!(outcome.unwrap(), 20);
        // The clock of tokio's timers has a grain of a millisecond.
        assert!(took >= ms(270) && took <= ms(274), "{took:?}");
        assert_eq!(attempts[0].failure.as_deref(), Some("given up"));
        assert_eq!((attempts[1].failure.as_ref(), attempts.len()), (None, 2));
        assert!(attempts[1].took >= ms(20) && attempts[1].took <= ms(22));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_starts_the_next_at_once() {
        let (outcome, took, attempts) = race("[2001:db8::3]:5 192.0.2.2:5 192.0.2.1:5").await;
        assert_eq!(outcome.unwrap(), 5);
        assert!(took <= ms(20), "{took:?}");
        assert_eq!(attempts.len(), 3);
        assert_eq!(attempts[1].failure.as_deref(), Some("connection refused"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_address_may_still_win() {
        let (outcome, took, attempts) = race("[2001:db8::1]:300 192.0.2.9:1 192.0.2.1:900").await;
        assert_eq!(outcome.unwrap(), 300);
        assert!(took >= ms(300) && took <= ms(303), "{took:?}");
        assert_eq!(attempts.len(), 2, "the third was not due before 500 ms");
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_fail_the_most_telling_error_is_given() {
        let (outcome, took, _) = race("[2001:db8::3]:1 192.0.2.2:1 192.0.2.3:1").await;
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert!(took < ms(250));
        let (outcome, took, attempts) = race("[2001:db8::3]:600 192.0.2.3:10").await;
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::NetworkUnreachable);
        assert!(took >= ms(600) && attempts.iter().all(|attempt| attempt.failure.is_some()));
    }

    #[tokio::test]
    async fn without_addresses_it_fails() {
        let mut race: Race<'_, u16> = Race::new(&[]);
        assert!(tokio::time::timeout(ms(1000), race.run(dial, |_| false)).await.unwrap().is_err());
    }
}
