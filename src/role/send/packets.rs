//! Talking over datagrams. Nothing is connected there: that an address is the wrong one shows only when a datagram to it is
//! refused, and then the next address is tried, as for streams before they connect.

use std::time::{Duration, Instant};

use super::{
    Exchange, facts,
    party::{Correspondent, Heard, Manner},
    plan::SendPlan,
    show::Show,
    source,
    source::Script,
    tell, terms,
};
use crate::{
    error::Trouble,
    role::packets::DrivePackets,
    session::{Closed, Rides},
    transport::{Attempt, PacketClient, Resolved, Route, packets_to},
};

/// One exchange with the first address that does not refuse it.
pub(super) async fn talk(
    plan: &SendPlan,
    resolved: &Resolved,
    script: &mut Script,
    show: &mut Show,
    heard: Heard,
) -> Result<Exchange, Trouble> {
    let mut heard = heard;
    let mut attempts: Vec<Attempt> = Vec::new();
    for (left, address) in
        resolved.addresses.iter().enumerate().map(|(n, address)| (resolved.addresses.len() - n - 1, address))
    {
        let started = Instant::now();
        let socket = match packets_to(address, plan.target.scheme, &plan.dial).await {
            Err(trouble) if left > 0 => {
                attempts.push(Attempt {
                    address: address.clone(),
                    took: started.elapsed(),
                    failure: Some(trouble.sentence),
                });
                continue;
            }
            made => made?,
        };
        let (again, said) = (script.repeatable(), heard.said);
        let mut exchange = over(plan, socket, script, show, heard).await?;
        let refused = matches!(exchange.how, Closed::Failed(_)) && exchange.traffic.bytes_in == 0;
        let failure = match &exchange.how {
            Closed::Failed(why) if refused => Some(why.clone()),
            _ => None,
        };
        attempts.push(Attempt { address: address.clone(), took: started.elapsed(), failure });
        exchange.route = Route {
            resolve: resolved.took,
            addresses: resolved.addresses.clone(),
            connect: Duration::ZERO,
            attempts: attempts.clone(),
        };
        match again {
            Some(again) if refused && left > 0 => {
                if let Some(trace) = &mut show.trace {
                    trace.refused(address, &exchange.how.to_string());
                }
                *script = again;
                // Nothing came from there.
                heard = Heard { said, all_said: false, ..exchange.heard };
            }
            _ => {
                tell::connected(plan, &exchange.route, &exchange.local, &exchange.peer);
                return Ok(exchange);
            }
        }
    }
    Err(Trouble::failed(format!("{} has no address", plan.target)))
}

async fn over(
    plan: &SendPlan,
    socket: PacketClient,
    script: &mut Script,
    show: &mut Show,
    heard: Heard,
) -> Result<Exchange, Trouble> {
    let (local, peer) = (socket.local().clone(), socket.peer().clone());
    if let Script::Messages(messages) = script {
        messages.iter().try_for_each(|message| source::check_fits(plan, &peer, message))?;
    }
    // Nobody types as fast as a server answers: until the end of input, a missing answer ends nothing. -w says otherwise.
    let patient = plan.timeout.is_none() && source::terminal(&plan.data);
    let manner = Manner { patient, ..Manner::of(plan, false) };
    let party = Correspondent::new(script, show, plan, Rides::Datagrams, manner, heard);
    let session = (plan.protocol.client)(&plan.setup);
    let facts = facts(plan, local.clone(), peer.clone());
    let mut drive = DrivePackets::new(socket, session, party, facts, terms(plan));
    let how = (&mut drive).await;
    let took = drive.traffic().opened.elapsed();
    let unsaid = drive.party().has_more();
    let traffic = *drive.traffic();
    let (_, party) = drive.into_parts();
    let heard = party.into_heard();
    let route = Route { resolve: Duration::ZERO, addresses: Vec::new(), connect: Duration::ZERO, attempts: Vec::new() };
    Ok(Exchange { heard, how, traffic, took, route, local, peer, tcp_info: None, unsaid, left: false })
}
