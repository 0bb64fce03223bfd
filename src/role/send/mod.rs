//! `send`: the client end of a protocol; what a person says, and what comes back.

mod judge;
mod ladder;
mod packets;
mod party;
mod plan;
mod progress;
mod show;
mod source;
mod streams;
mod tell;
mod trace;

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

pub use plan::{Data, Expect, SendPlan, ShowPlan};

use self::{
    party::{Heard, Manner},
    plan::PACKET_SILENCE,
    show::Show,
    source::Script,
    trace::Trace,
};
use super::{Terms, Traffic};
use crate::{
    error::{Exit, Trouble, reason},
    os::TcpInfo,
    protocol::{Answers, Takes},
    session::{Closed, Elsewhere, Endpoint, Facts, Rides, Watch},
    transport::{self, Route},
};

/// All that is known of one exchange when it is over.
struct Exchange {
    heard: Heard,
    how: Closed,
    traffic: Traffic,
    took: Duration,
    route: Route,
    local: Endpoint,
    peer: Endpoint,
    tcp_info: Option<TcpInfo>,
    /// Something of ours was never said, or never taken.
    unsaid: bool,
    /// Something that was typed is to be said yet, to whoever answers.
    left: bool,
}

impl Exchange {
    /// One side closed after an answer, and there is more to be asked; of what was asked, nothing is in doubt. Each connection
    /// brings an answer, so there is an end.
    fn goes_on(&self, answered_before: u64) -> bool {
        let heard = &self.heard;
        let fine = heard.input_error.is_none() && heard.output_error.is_none() && heard.unsayable.is_none();
        let more = self.left && !heard.done && !heard.in_doubt && heard.elsewhere.is_none();
        let closed = matches!(self.how, Closed::ByUs | Closed::ByPeer);
        fine && more && closed && heard.answered > answered_before
    }

    /// Both as one.
    fn after(self, before: &Traffic) -> Self {
        let traffic = Traffic {
            opened: before.opened,
            first_byte: before.first_byte.or(self.traffic.first_byte),
            bytes_in: before.bytes_in + self.traffic.bytes_in,
            bytes_out: before.bytes_out + self.traffic.bytes_out,
            messages: before.messages + self.traffic.messages,
            pauses: before.pauses + self.traffic.pauses,
            paused: before.paused + self.traffic.paused,
        };
        Self { traffic, took: before.opened.elapsed(), ..self }
    }
}

/// Runs `send`.
///
/// # Errors
/// [`Trouble`], with the exit code that says which kind of failure it was.
pub fn run(plan: &SendPlan) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::failed(format!("could not start: {}", reason(&error))))?;
    let done = runtime.block_on(exchanges(plan));
    // A read of standard input may still be blocked: nobody waits for it.
    runtime.shutdown_background();
    Ok(done?)
}

/// One exchange, or as many as `-n` asks for.
async fn exchanges(plan: &SendPlan) -> Result<Exit, Trouble> {
    let (all, turns) = (plan.exchanges(), plan.turns());
    if all > 1 && plan.data == Data::Stdin && !plan.connect_only {
        let flag = if plan.count > 1 { "-n".into() } else { format!("--{}", plan.setup.params.turns().0) };
        return Err(Trouble::usage(format!("{flag} repeats an exchange, and standard input can be read only once"))
            .hint("give the data as an argument, or as a file with -f"));
    }
    let mut show = Show::open(plan)?;
    if all == 1 {
        return once(plan, &mut show).await;
    }
    let mut round = tell::RoundTrips::default();
    let mut failure = None;
    // No interval: the next follows at once.
    let mut ticks = tokio::time::interval(plan.interval.max(Duration::from_nanos(1)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for n in 0..all {
        let begun = async {
            // The pause is between rounds, and not between the lines of a list.
            if n % turns == 0 {
                ticks.tick().await;
            }
            exchange(plan, n + 1, &mut show).await
        };
        let result = tokio::select! {
            result = begun => result,
            _ = tokio::signal::ctrl_c() => {
                let trouble = Trouble::new(Exit::Interrupted, format!("interrupted after {n} exchanges"));
                failure = Some(interrupted(plan, n + 1, &mut show, trouble));
                break;
            }
        };
        match result {
            Ok(took) => round.right(took),
            Err(trouble) if trouble.exit == Exit::Done => return Ok(Exit::Done),
            Err(trouble) => {
                round.wrong();
                tell::failed(plan, n, &trouble);
                failure.get_or_insert(trouble);
            }
        }
    }
    let (failed, all) = (round.failed, round.all());
    tell::summary(plan, round);
    match failure {
        Some(trouble) if trouble.exit == Exit::Interrupted => Err(trouble),
        Some(trouble) => Err(Trouble::new(trouble.exit, format!("{failed} of {all} exchanges failed"))),
        None => Ok(Exit::Done),
    }
}

/// One exchange alone. Interrupted, it still shows how far it came, where that was asked for, and leaves no bar behind; otherwise
/// the signal ends us.
async fn once(plan: &SendPlan, show: &mut Show) -> Result<Exit, Trouble> {
    if !plan.show.trace && !show.progress.is_wanted() {
        return exchange(plan, 1, show).await.map(|_| Exit::Done);
    }
    tokio::select! {
        done = exchange(plan, 1, show) => done.map(|_| Exit::Done),
        _ = tokio::signal::ctrl_c() => Err(interrupted(plan, 1, show, Trouble::new(Exit::Interrupted, "interrupted"))),
    }
}

/// The trace of an exchange that was under way, if any, ends here.
fn interrupted(plan: &SendPlan, n: u64, show: &mut Show, trouble: Trouble) -> Trouble {
    show.progress.end();
    let Some(trace) = &mut show.trace else { return trouble };
    trace.closed("interrupted".into());
    unfinished(plan, n, show, trouble)
}

/// Shows what there is of an exchange that has no result; gives what the person is told of it.
fn unfinished(plan: &SendPlan, n: u64, show: &mut Show, trouble: Trouble) -> Trouble {
    let trace = show.trace.take();
    let shown = if plan.show.json {
        show.document(&tell::unconnected(plan, &trouble, trace.as_ref()))
    } else {
        let ended = show.end_line();
        if let Some(trace) = &trace {
            tell::traced(plan, n, trace);
        }
        ended
    };
    shown.err().map_or(trouble, |error| judge::output_failed(plan, &error))
}

/// Nothing came of the attempt to begin.
fn unbegun(plan: &SendPlan, n: u64, show: &mut Show, trouble: Trouble) -> Trouble {
    if let Some(trace) = &mut show.trace {
        let target = plan.target.to_string();
        // The target stands in the step before: the reason alone is left.
        let why = trouble.sentence.rsplit(&format!("{target}: ")).next().unwrap_or_default();
        trace.unbegun(&target, plan.target.scheme.rides(), why);
    }
    unfinished(plan, n, show, trouble)
}

/// How often an exchange goes on elsewhere at most: more than that goes round in circles.
const MOST_LEGS: usize = 10;

/// What came of one leg of an exchange.
enum Leg {
    /// The round-trip time: from the start of talking to the end of the answer.
    Done(Duration),
    Elsewhere(Box<Elsewhere>),
    /// This conversation is over, and the exchange is not.
    Onward(Box<Heard>),
}

/// Connects, talks, judges; goes on where the protocol is sent elsewhere. Gives the last leg's round-trip time.
async fn exchange(plan: &SendPlan, n: u64, show: &mut Show) -> Result<Duration, Trouble> {
    let mut plan = Cow::Borrowed(plan);
    for _ in 0..MOST_LEGS {
        match conversation(&plan, n, show).await? {
            Leg::Onward(_) => {}
            Leg::Done(took) => return Ok(took),
            Leg::Elsewhere(elsewhere) => {
                tell::elsewhere(&plan, &elsewhere);
                plan = Cow::Owned(plan.sent(*elsewhere)?);
            }
        }
    }
    Err(Trouble::failed(format!("{}: sent elsewhere {MOST_LEGS} times", plan.target))
        .hint("-v shows where: it may go round in circles"))
}

/// Talks until all is said and answered, or all of it is to be said elsewhere. What did not fit is asked for in conversations
/// beside.
async fn conversation(plan: &SendPlan, n: u64, show: &mut Show) -> Result<Leg, Trouble> {
    let (mut script, mut heard) = (Script::open(plan)?, Box::<Heard>::default());
    loop {
        heard = match leg(plan, n, show, &mut script, heard, false).await? {
            Leg::Onward(heard) => heard,
            over => return Ok(over),
        };
        let there = heard.there.take().unwrap_or_default();
        tell::elsewhere(plan, &there);
        let (beside, mut again) = (plan.sent(*there)?, Script::Messages(std::mem::take(&mut heard.cut_off)));
        heard = match leg(&beside, n, show, &mut again, heard, true).await? {
            Leg::Onward(heard) => heard,
            over => return Ok(over),
        };
    }
}

/// One conversation.
async fn leg(
    plan: &SendPlan,
    n: u64,
    show: &mut Show,
    script: &mut Script,
    heard: Box<Heard>,
    beside: bool,
) -> Result<Leg, Trouble> {
    let started = Instant::now();
    show.trace = plan.show.trace.then(|| Trace::new(started));
    let exchange = match plan.target.scheme.rides() {
        Rides::Stream => {
            let connected = retrying(plan, || transport::connect(&plan.target, &plan.dial)).await;
            let (stream, route) = connected.map_err(|trouble| unbegun(plan, n, show, trouble))?;
            if let Some(trace) = &mut show.trace {
                trace.connected(&plan.target, &route, &stream.local(), &stream.peer());
            }
            tell::connected(plan, &route, &stream.local(), &stream.peer());
            if plan.connect_only {
                let took = started.elapsed();
                tell::open(plan, &stream.peer(), took);
                drop(stream);
                if let Some(mut trace) = show.trace.take() {
                    trace.closed("closed by us".into());
                    tell::traced(plan, n, &trace);
                }
                return Ok(Leg::Done(took));
            }
            streams::talk((plan, n, Manner::of(plan, beside)), (stream, route), script, show, *heard).await
        }
        Rides::Datagrams => {
            let resolved = retrying(plan, || transport::addresses(&plan.target, &plan.dial)).await;
            let talked = match resolved {
                Ok(resolved) => packets::talk(plan, &resolved, script, show, *heard).await,
                Err(trouble) => Err(trouble),
            };
            talked.map_err(|trouble| unbegun(plan, n, show, trouble))?
        }
    };
    over(plan, n, show, exchange)
}

/// A conversation is over: shows what there is of it, and judges it where it is the last.
fn over(plan: &SendPlan, n: u64, show: &mut Show, mut exchange: Exchange) -> Result<Leg, Trouble> {
    show.progress.end();
    let mut trace = show.trace.take();
    if let Some(trace) = &mut trace {
        trace.over(&exchange, plan.target.scheme.rides());
    }
    show.end_line().map_err(|error| judge::output_failed(plan, &error))?;
    tell::finished(plan, &exchange);
    if let Some(elsewhere) = exchange.heard.elsewhere.take() {
        if let Some(trace) = &trace {
            tell::traced(plan, n, trace);
        }
        return Ok(Leg::Elsewhere(elsewhere));
    }
    if exchange.heard.done && exchange.heard.onward {
        if let Some(trace) = &trace {
            tell::traced(plan, n, trace);
        }
        return Ok(Leg::Onward(Box::new(exchange.heard)));
    }
    let verdict = judge::judge(plan, &exchange);
    if plan.show.json {
        let document = tell::document(plan, &exchange, verdict.as_ref().err(), trace.as_ref());
        show.document(&document).map_err(|error| judge::output_failed(plan, &error))?;
    } else if let Some(trace) = &trace {
        tell::traced(plan, n, trace);
    }
    show.end(plan.exchanges() > 1).map_err(|error| judge::output_failed(plan, &error))?;
    verdict.map(|()| Leg::Done(exchange.took))
}

/// Tries again as often as the plan says. Only connecting is tried again: what was said once is not said twice.
async fn retrying<T, F: Future<Output = Result<T, Trouble>>>(
    plan: &SendPlan,
    connect: impl Fn() -> F,
) -> Result<T, Trouble> {
    for left in (0..plan.retry).rev() {
        match connect().await {
            Err(trouble) if trouble.exit != Exit::Usage => {
                tell::retrying(plan, &trouble, left + 1);
                tokio::time::sleep(plan.retry_delay).await;
            }
            done => return done,
        }
    }
    connect().await
}

/// The terms and surroundings of an exchange.
fn terms(plan: &SendPlan) -> Terms {
    let silence = match plan.target.scheme.rides() {
        Rides::Stream => plan.timeout,
        Rides::Datagrams => Some(plan.timeout.unwrap_or(PACKET_SILENCE)),
    };
    // Where the protocol knows its answers' end, our half stays open until they are there: many a server drops its answer when
    // the end of input comes right behind the question.
    // And who only listens says nothing by it, while many a server takes it for the end.
    let row = plan.protocol;
    let listens = row.answers.stream == Answers::Endless && matches!(row.takes, Takes::Nothing);
    let half_close = plan.shutdown && !row.answers.stream.to_each() && !listens;
    Terms { silence, half_close, ..Terms::client() }
}

fn facts(plan: &SendPlan, local: Endpoint, peer: Endpoint) -> Facts {
    let watch = Watch { bodies: true, messages: false, talk: plan.show.verbose > 0, records: plan.show.json };
    super::facts(plan.target.scheme.rides(), local, peer, watch)
}
