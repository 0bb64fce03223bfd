//! Talking over streams: one connection, and more where the peer closes before all was answered.

use super::{
    Exchange, facts,
    party::{Correspondent, Heard, Manner},
    plan::SendPlan,
    retrying,
    show::Show,
    source::Script,
    tell, terms,
};
use crate::{
    protocol::Answers,
    role::drive::Drive,
    session::{Closed, Facts, Rides},
    transport::{self, Route, Stream},
};

/// What was planned, which exchange of it this is, and in what manner.
type How<'a> = (&'a SendPlan, u64, Manner);

/// Over one connection; and over more, where the peer closes before all was answered and says so.
pub(super) async fn talk(
    how: How<'_>,
    connected: (Stream, Route),
    script: &mut Script,
    show: &mut Show,
    heard: Heard,
) -> Exchange {
    let (plan, ..) = how;
    let mut answered = heard.answered;
    let mut exchange = over(how, connected, script, show, heard).await;
    while exchange.goes_on(answered) {
        answered = exchange.heard.answered;
        if let Some(trace) = &mut show.trace {
            trace.over(&exchange, Rides::Stream);
        }
        match retrying(plan, || transport::connect(&plan.target, &plan.dial)).await {
            Ok((stream, route)) => {
                if let Some(trace) = &mut show.trace {
                    trace.connected(&plan.target, &route, &stream.local(), &stream.peer());
                }
                tell::connected(plan, &route, &stream.local(), &stream.peer());
                let heard = std::mem::take(&mut exchange.heard);
                let next = over(how, (stream, route), script, show, heard).await;
                exchange = next.after(&exchange.traffic);
            }
            Err(trouble) => {
                let why = trouble.sentence.rsplit(&format!("{}: ", plan.target)).next().unwrap_or_default().to_owned();
                exchange.how = Closed::Failed(format!("closed after {}, and then: {why}", exchange.heard.so_far()));
            }
        }
    }
    exchange
}

async fn over(
    (plan, n, manner): How<'_>,
    (stream, route): (Stream, Route),
    script: &mut Script,
    show: &mut Show,
    heard: Heard,
) -> Exchange {
    let party = Correspondent::new(script, show, plan, Rides::Stream, manner, heard);
    let (local, peer) = (stream.local(), stream.peer());
    let session = (plan.protocol.client)(&plan.setup);
    // Each exchange has its place in a list.
    let facts = Facts { said_before: n - 1, ..facts(plan, local.clone(), peer.clone()) };
    let mut drive = Drive::new(stream, session, party, facts, terms(plan));
    let how = (&mut drive).await;
    let took = drive.traffic().opened.elapsed();
    let tcp_info = drive.wire().tcp_info();
    let unsaid = drive.unsent() > 0 || drive.party().has_more();
    let traffic = *drive.traffic();
    let (_, party) = drive.into_parts();
    let heard = party.into_heard();
    let left = plan.protocol.answers.stream == Answers::Each && (!heard.returned.is_empty() || script.holds_more());
    Exchange { heard, how, traffic, took, route, local, peer, tcp_info, unsaid, left }
}
