//! `serve NAME`: a protocol on all that its row rides on, made into one [`ServePlan`] for each kind of socket.

use std::ffi::OsString;

use clap::{Args, ValueHint};

use super::{
    flags::{
        log::LogArgs,
        protocol::{SetupArgs, served},
        socket::{BufferArgs, IpArgs, TcpArgs, UdpArgs},
    },
    serve::{RunArgs, TcpLimits, UdpLimits},
    target,
    values::{self, Named},
};
use crate::{
    error::Trouble,
    protocol::{Ends, Protocol},
    role::serve::ServePlan,
    session::Rides,
    transport::{Host, Place, Target},
};

#[derive(Debug, Args)]
#[command(
    override_usage = "netproto serve [OPTIONS] PROTOCOL [ADDRESS]",
    mut_arg("threads", |arg| arg.help("Worker threads [default: cores, less one]")),
    mut_arg("idle_timeout", |arg| arg.help("Close or forget who is silent for so long")),
    after_help = "Examples:
  netproto serve echo 8080        TCP and UDP on 8080; only this machine
  netproto serve echo 0 -v        a port that is free for both
  netproto serve discard          on the port it is known by, which is 9
  netproto serve dns 5353 -p zone=z.txt"
)]
pub struct Serve {
    /// What to serve; `netproto protocols` lists them
    #[arg(value_parser = Named::served(), value_name = "PROTOCOL", hide_possible_values = true)]
    name: Option<&'static Protocol>,
    /// PORT (this machine), :PORT (everyone), HOST:PORT; none: its own
    #[arg(value_hint = ValueHint::Other)]
    address: Option<OsString>,
    #[command(flatten)]
    setup: SetupArgs,
    #[command(flatten)]
    streams: TcpLimits,
    #[command(flatten)]
    datagrams: UdpLimits,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    ip: IpArgs,
    #[command(flatten)]
    tcp: TcpArgs,
    #[command(flatten)]
    udp: UdpArgs,
    #[command(flatten)]
    buffers: BufferArgs,
}

impl Serve {
    /// # Errors
    /// What was typed makes no sense together.
    pub fn plans(&self, activated: bool) -> Result<Vec<ServePlan>, Trouble> {
        let Some(named) = self.name else {
            return Err(Trouble::usage("serve needs a protocol").hint("for example: serve echo 8080"));
        };
        self.plans_of(named, activated)
    }

    /// The same for a row that may not be in the table.
    pub(super) fn plans_of(&self, named: &'static Protocol, activated: bool) -> Result<Vec<ServePlan>, Trouble> {
        let row = served(Some(named))?;
        self.flags_fit(row)?;
        if activated {
            return Err(not_handed_over(row));
        }
        let place = self.place(row)?;
        row.rides.iter().map(|rides| self.plan(row, *rides, place.clone())).collect()
    }

    fn plan(&self, row: &'static Protocol, rides: Rides, place: Place) -> Result<ServePlan, Trouble> {
        let listen = Target { scheme: values::over(rides), place };
        let setup = self.setup.of(Some(row), Ends::Server)?;
        let mut plan = self.run.plan((row, setup), format!("serve {}", row.typed()), listen, &self.log);
        plan.family = self.ip.family();
        match rides {
            Rides::Stream => {
                self.streams.apply(&mut plan);
                self.tcp.apply(&mut plan.flags);
            }
            Rides::Datagrams => {
                self.datagrams.apply(&mut plan);
                self.udp.apply(&mut plan.flags);
            }
        }
        self.ip.apply(&mut plan.flags);
        self.buffers.apply(&mut plan.flags);
        Ok(plan)
    }

    /// Where to listen: what was typed, or the port that the protocol is known by, for this machine only.
    fn place(&self, row: &Protocol) -> Result<Place, Trouble> {
        match (&self.address, row.port) {
            (Some(word), _) => target::listening_on_all(word, row),
            (None, Some(port)) => Ok(Place::Net { host: Host::Loopback, port }),
            (None, None) => Err(Trouble::usage(format!("{} has no port of its own: serve needs an address", row.name))
                .hint(format!("for example: serve {} 8080", row.typed()))),
        }
    }

    /// What is for streams alone, or for datagrams alone, needs a row that rides on them.
    fn flags_fit(&self, row: &Protocol) -> Result<(), Trouble> {
        let streams = (Rides::Stream, self.streams.first().or(self.tcp.first()), "streams");
        let datagrams = (Rides::Datagrams, self.datagrams.first().or(self.udp.first()), "datagrams");
        for (rides, flag, what) in [streams, datagrams] {
            if let Some(flag) = flag.filter(|_| !row.rides_on(rides)) {
                return Err(Trouble::usage(format!("{flag} is for {what}, and {} does not ride on them", row.name))
                    .hint(format!("leave {flag} out")));
            }
        }
        Ok(())
    }
}

/// Sockets from a service manager are of one kind for each unit, and opened by it.
fn not_handed_over(row: &Protocol) -> Trouble {
    let each = row.rides.iter().map(|rides| format!("serve-{} -P {}", values::over(*rides), row.typed()));
    let each: Vec<String> = each.collect();
    Trouble::usage("serve opens its own sockets, and some were handed over (LISTEN_FDS)")
        .hint(format!("a unit for each takes them: {}", each.join(", ")))
}
