//! One worker: a thread with a runtime of its own, its share of the connections, and in open loop a pacer.

use std::{
    io,
    rc::Rc,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, LocalOptions},
    sync::watch,
    task::JoinSet,
};

use super::{
    busy_poll,
    connection::{self, Gate},
    hold::{self, Held},
    job::Job,
    lane::Lane,
    usage::Used,
    work::Work,
};
use crate::{
    bench::{
        load::{Next, tuning::Tuned},
        outage::Outages,
        stats::Recorder,
    },
    error::{Trouble, reason},
    os::Ticker,
    role::stop::Phase,
};

/// Requests that are due closer together than this are sent together: a timer set anew for each costs more than it gains.
const GRAIN: Duration = Duration::from_micros(20);
/// Open loop: how often what waits is looked through while nobody is free for it.
const SWEEP: Duration = Duration::from_millis(20);

/// How often a worker looks whether it still runs, and from when on it has not.
const LOOK: Duration = Duration::from_millis(50);
const STILL: Duration = Duration::from_millis(500);

/// What a worker has to say at the end.
#[derive(Debug, Clone)]
pub(super) struct Report {
    /// While measuring.
    pub(super) used: Used,
    pub(super) last_answer: Instant,
    pub(super) last_end: Instant,
    /// Right answers on each of its connections.
    pub(super) answered: Vec<u64>,
    pub(super) outages: Outages,
}

/// Starts worker `index` of `job.threads`.
pub(super) fn spawn(job: Arc<Job>, index: usize, recorder: Recorder, gate: Gate) -> io::Result<JoinHandle<Option<Report>>> {
    std::thread::Builder::new().name(format!("bench {index}")).spawn(move || {
        let _alarm = Alarm(job.clone());
        match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
            Ok(runtime) => Some(runtime.block_on(run(job, index, recorder, gate))),
            Err(error) => {
                job.give_up(Trouble::failed(format!("could not start a worker: {}", reason(&error))));
                None
            }
        }
    })
}

/// What a worker said at its end. One that panicked has counted nobody knows what: then there is nothing to report.
pub(super) fn report_of(thread: JoinHandle<Option<Report>>, job: &Job) -> Option<Report> {
    thread.join().unwrap_or_else(|_| {
        job.give_up(broken());
        None
    })
}

fn broken() -> Trouble {
    Trouble::failed("a worker of the load generator panicked, so its figures are not whole")
        .hint("this is a bug; please report it")
}

/// Stops the others at once when this one panics.
struct Alarm(Arc<Job>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.give_up(broken());
        }
    }
}

async fn run(job: Arc<Job>, index: usize, recorder: Recorder, gate: Gate) -> Report {
    let share = (index as u64, job.threads as u64);
    let numbers: Vec<_> = (index..job.connections).step_by(job.threads).collect();
    let work = Rc::new(Work::new(job.clone(), share, numbers.len(), recorder, Instant::now()));
    let mut connections = JoinSet::new();
    if job.hold.is_some() {
        let (held, openers) = Held::new(numbers.len());
        for opener in 0..openers {
            let numbers: Vec<_> = numbers[opener..].iter().copied().step_by(openers).collect();
            connections.spawn_local(hold::run(work.clone(), held.clone(), numbers.into_iter(), gate.clone()));
        }
    } else {
        for (place, number) in numbers.into_iter().enumerate() {
            let (work, gate) = (work.clone(), gate.clone());
            connections.spawn_local(async move {
                connection::run(work.clone(), place, number, gate).await;
                work.lane.iter().for_each(|lane| lane.leave());
            });
        }
    }
    let mut start = gate.start.clone();
    drop(gate);
    let started = tokio::select! {
        start = start.wait_for(Option::is_some) => start.ok().and_then(|start| *start),
        () = job.stop.reached(Phase::Finish) => None,
    };
    if let Some(start) = started {
        work.begin(start);
    }
    let used = measure(&work, &mut connections).await;
    if work.open_loop() && work.job.stop.phase() == Phase::Running {
        // Where no connection was left, nobody has waited for the pacer to say so.
        work.drop_rest();
    }
    let (last_answer, last_end, answered) = (work.last_answer(), work.last_end(), work.answered());
    work.finish();
    let outages = work.down.end(Instant::now(), |place| work.number(place));
    Report { used, last_answer, last_end, answered, outages }
}

/// Runs until every connection has ended. Gives what was used until sending stopped.
async fn measure(work: &Rc<Work>, connections: &mut JoinSet<()>) -> Used {
    let mut used = None;
    let mut beside = JoinSet::new();
    beside.spawn_local(ticks(work.clone()));
    beside.spawn_local(look(work.clone()));
    match work.job.tuned.clone() {
        Some(news) => {
            beside.spawn_local(tuned(work.clone(), news));
        }
        None if work.open_loop() => {
            beside.spawn_local(pace(work.clone()));
        }
        None => {}
    }
    if let Some(lane) = work.lane.clone() {
        beside.spawn_local(on_lane(lane, work.clone()));
    }
    if work.job.spin {
        beside.spawn_local(busy_poll::spin());
    }
    {
        let mut all = std::pin::pin!(async { while connections.join_next().await.is_some() {} });
        tokio::select! {
            () = &mut all => {}
            () = work.stops() => {
                used = Some(work.usage.so_far(Instant::now()));
                all.await;
            }
        }
    }
    beside.shutdown().await;
    used.unwrap_or_else(|| work.usage.so_far(Instant::now()))
}

/// Hands over what was counted, every tick of the measured time but the last: what comes after that belongs to it.
async fn ticks(work: Rc<Work>) {
    let tick = work.job.tick;
    for n in 0.. {
        let at = || work.measured_from() + tick * (n + 1);
        if work.stops_at().is_some_and(|end| at() >= end) {
            return;
        }
        work.reaches(at).await;
        work.hand_over(n);
    }
}

/// Notes when nothing was done here for long: the process was stopped, or the machine suspended. By the clock of the run, which
/// a pause stops.
async fn look(work: Rc<Work>) {
    let mut from = work.since(Instant::now());
    loop {
        tokio::time::sleep(LOOK).await;
        let at = Instant::now();
        let late = |now: Duration| now.saturating_sub(from).saturating_sub(LOOK);
        if late(work.since(at)) >= STILL
            && let Some(news) = &work.job.tuned
        {
            // It may be a pause that was told in the moment before, and not heard yet.
            work.follow(&news.borrow());
        }
        let now = work.since(at);
        if late(now) >= STILL {
            work.usage.stood_still(late(now));
        }
        from = now;
    }
}

/// Does what is told meanwhile; the pacing begins anew with each change, and rests in a pause.
async fn tuned(work: Rc<Work>, mut news: watch::Receiver<Tuned>) {
    loop {
        work.follow(&news.borrow_and_update());
        let paces = async {
            if work.open_loop() && !work.is_paused() {
                pace(work.clone()).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            changed = news.changed() => if changed.is_err() { return },
            () = paces => {}
        }
    }
}

/// Open loop: wakes who is idle when a request is due. What is due while nobody is idle is looked through now and then.
async fn pace(work: Rc<Work>) {
    let mut ticker = match Ticker::new() {
        Ok(ticker) => ticker,
        Err(error) => return work.job.give_up(Trouble::failed(format!("could not make a timer: {}", reason(&error)))),
    };
    let stops_at = work.stops_at();
    let mut now = Instant::now();
    while stops_at.is_none_or(|at| now < at) {
        work.expire(now);
        match work.next_due(now) {
            Next::At(due) => {
                tick_at(&mut ticker, (work.start() + due).max(now + GRAIN)).await;
                work.wake();
            }
            Next::Now(_) => {
                work.wake();
                let sweep = stops_at.map_or(now + SWEEP, |at| at.min(now + SWEEP));
                let _ = tokio::time::timeout_at(sweep.into(), work.all_taken()).await;
            }
            Next::Wait | Next::Done => match stops_at {
                Some(at) => tick_at(&mut ticker, at).await,
                None => break,
            },
        }
        now = Instant::now();
    }
    if stops_at.is_some() {
        // Whoever is free takes what was due in time; what nobody is free for was not sent.
        work.wake_all();
        tokio::task::yield_now().await;
        return work.drop_rest();
    }
    work.close();
}

async fn on_lane(lane: Rc<Lane>, work: Rc<Work>) {
    if let Err(error) = lane.run(&work).await {
        work.job.give_up(Trouble::failed(format!("could not look after the connections: {}", reason(&error))));
    }
}

async fn tick_at(ticker: &mut Ticker, at: Instant) {
    ticker.set_at(at);
    std::future::poll_fn(|cx| ticker.poll_tick(cx)).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bench::{
            Arrivals, Load, Until,
            engine::job::{Parts, Peer},
            load::Shape,
            shard::Shard,
        },
        protocol::{self, Setup},
        role::stop::Stop,
        session::Endpoint,
        transport::{Dial, Scheme},
    };

    fn job() -> Arc<Job> {
        let (until, zero) = (Until::Requests(1), Duration::ZERO);
        Arc::new(Job::new(Parts {
            peer: Peer { address: Endpoint::Unnamed, scheme: Scheme::Tcp, dial: Dial::default() },
            first: None,
            protocol: protocol::DEFAULT,
            setup: Setup::default(),
            load: Load::Length(1),
            shape: Shape { curve: None, arrivals: Arrivals::Constant, ramp: zero, omit: zero, until, seed: 0 },
            in_flight: None,
            reconnect: false,
            connect_rate: None,
            hold: false,
            sources: Vec::new(),
            timeout: None,
            spin: false,
            joins: false,
            connections: 1,
            threads: 1,
            tick: Duration::from_secs(1),
            shard: Shard::WHOLE,
            tuned: None,
            stop: Stop::default(),
        }))
    }

    #[test]
    fn a_worker_that_panics_ends_the_run_with_trouble() {
        let job = job();
        let alarm = Alarm(job.clone());
        let thread = std::thread::spawn(move || -> Option<Report> {
            let _alarm = alarm;
            panic!("on purpose");
        });
        assert!(report_of(thread, &job).is_none());
        assert_eq!(job.stop.phase(), Phase::Now);
        assert!(job.trouble().is_some_and(|trouble| trouble.to_string().contains("panicked")));
    }
}
