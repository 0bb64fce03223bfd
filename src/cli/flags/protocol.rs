//! `-P`, `-p`, `--framing`, `--max-frame`: which protocol, and how it is set up.

use std::ffi::OsStr;

use clap::Args;

use super::params;
use crate::{
    cli::values::{self, Named},
    error::Trouble,
    protocol::{DEFAULT, Ends, Framing, Params, Protocol, Setup},
    session::Rides,
    transport::Scheme,
};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Protocol")]
pub struct ProtocolArgs {
    /// One of `netproto protocols`, or ./script.lua
    #[arg(short = 'P', long, value_name = "NAME", value_parser = Named::protocol(), hide_possible_values = true)]
    pub protocol: Option<&'static Protocol>,
    #[command(flatten)]
    pub setup: SetupArgs,
}

/// How a protocol that is named elsewhere is set up.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Protocol")]
pub struct SetupArgs {
    /// A parameter of it, such as delay=1s; repeatable
    #[arg(short = 'p', long = "param", value_name = "KEY=VALUE", value_parser = values::param)]
    pub params: Vec<(String, String)>,
    /// Messages as lines, netstring, int32, ...
    #[arg(long, value_name = "FRAMING", value_parser = Named::framing(), hide_possible_values = true)]
    pub framing: Option<String>,
    /// Longest message of a framing
    #[arg(long, value_name = "SIZE", value_parser = crate::values::read::size)]
    pub max_frame: Option<usize>,
}

impl SetupArgs {
    /// The protocol's set-up, checked against its row. Without a row (`bench` probes later) there can be no parameters.
    ///
    /// # Errors
    /// A framing or a parameter that does not go with the protocol.
    pub fn of(&self, protocol: Option<&'static Protocol>, end: Ends) -> Result<Setup, Trouble> {
        let script = protocol.and_then(|row| row.script);
        Ok(Setup { framing: self.framing(protocol)?, params: self.params(protocol, end)?, script, ..Setup::default() })
    }

    fn framing(&self, protocol: Option<&'static Protocol>) -> Result<Framing, Trouble> {
        let Some(text) = &self.framing else {
            return match self.max_frame {
                Some(_) => Err(Trouble::usage("--max-frame is the limit of a framing, and there is none")
                    .hint("add one, as in: --framing lines --max-frame 64K")),
                None => Ok(Framing::default()),
            };
        };
        let framing = values::framing_of(text, self.max_frame)?;
        match protocol {
            Some(row) if !row.framed && !framing.is_raw() => {
                Err(Trouble::usage(format!("{} takes no framing: it says itself where its messages end", row.name))
                    .hint("leave --framing out"))
            }
            _ => Ok(framing),
        }
    }

    fn params(&self, protocol: Option<&'static Protocol>, end: Ends) -> Result<Params, Trouble> {
        let mut values = Params::default();
        let Some(row) = protocol else {
            return match self.params.first() {
                Some((key, value)) => {
                    Err(Trouble::usage(format!("-p {key}={value} sets a parameter of a protocol, and none is named"))
                        .hint("name it, as in: -P processed -p delay=1s"))
                }
                None => Ok(values),
            };
        };
        for last in [false, true] {
            for (key, value) in &self.params {
                if params::makes(row, end, key)? == last {
                    params::set(&mut values, row, end, key, OsStr::new(value))?;
                }
            }
        }
        params::agree(row, end, &values)?;
        Ok(values)
    }
}

/// The protocol a server speaks.
///
/// # Errors
/// A row without a server end.
pub fn served(chosen: Option<&'static Protocol>) -> Result<&'static Protocol, Trouble> {
    let row = chosen.unwrap_or(DEFAULT);
    if row.server.is_some() {
        return Ok(row);
    }
    let sentence = format!("{} has no server end: it stands for any server", row.name);
    Err(Trouble::usage(sentence).hint("echo sends back what comes in; `netproto protocols` lists the others"))
}

/// May this row be spoken over this scheme? `instead` says what to type for internet sockets.
///
/// # Errors
/// The row rides on something else.
pub fn carried(row: &Protocol, scheme: Scheme, instead: &str) -> Result<(), Trouble> {
    if row.rides_on(scheme.rides()) {
        return Ok(());
    }
    let (on, unix) = match scheme.rides() {
        Rides::Stream => ("streams", "--datagram makes it a datagram socket"),
        Rides::Datagrams => ("datagrams", "a stream socket carries it: leave --datagram out"),
    };
    let sentence = format!("{} does not ride on {on}, and this is {}", row.name, values::shown(scheme));
    let hint = if scheme.is_unix() { unix.to_owned() } else { format!("its name takes what it rides on: {instead}") };
    Err(Trouble::usage(sentence).hint(hint))
}
