//! Socket flags, in groups, so that each command has those that apply to it.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use clap::Args;

use crate::{
    cli::values,
    error::Trouble,
    transport::{Dial, Family, Scheme, SocketFlags},
    values::read,
};

/// For every socket.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Socket")]
pub struct BufferArgs {
    /// The kernel's send buffer
    #[arg(long, value_name = "SIZE", value_parser = read::size)]
    pub send_buffer: Option<usize>,
    /// The kernel's receive buffer
    #[arg(long, value_name = "SIZE", value_parser = read::size)]
    pub recv_buffer: Option<usize>,
}

/// For TCP and UDP.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Socket")]
pub struct IpArgs {
    /// IPv4 only
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    pub ipv4: bool,
    /// IPv6 only
    #[arg(short = '6', long)]
    pub ipv6: bool,
    /// Traffic class: 0 to 63, EF, CS1, AF41, ...
    #[arg(long, value_name = "CLASS", value_parser = values::dscp)]
    pub dscp: Option<u8>,
    /// Hops a packet may take
    #[arg(long, value_name = "HOPS", value_parser = values::ttl)]
    pub ttl: Option<u8>,
    /// Use this network interface only
    #[arg(long, value_name = "NAME", value_parser = values::interface)]
    pub interface: Option<String>,
}

/// For TCP.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Socket")]
pub struct TcpArgs {
    /// Send small pieces at once (the default)
    #[arg(long, overrides_with = "no_nodelay")]
    pub nodelay: bool,
    /// Let the kernel gather small pieces (Nagle)
    #[arg(long, overrides_with = "nodelay")]
    pub no_nodelay: bool,
    /// Largest TCP segment, in bytes
    #[arg(long, value_name = "BYTES", value_parser = values::mss)]
    pub mss: Option<u16>,
    /// Congestion control: cubic, bbr, reno, ...
    #[arg(long, value_name = "NAME")]
    pub congestion: Option<String>,
    /// Probe a silent peer after so long
    #[arg(long, value_name = "TIME", value_parser = values::some_time)]
    pub keepalive: Option<Duration>,
}

/// For UDP.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Socket")]
pub struct UdpArgs {
    /// Allow broadcast addresses
    #[arg(long)]
    pub broadcast: bool,
    /// Join this multicast group; repeatable
    #[arg(long, value_name = "GROUP", value_parser = values::group)]
    pub join: Vec<IpAddr>,
}

/// For those who connect.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Socket")]
pub struct DialArgs {
    /// Our own address; bench: A,B take turns
    #[arg(short = 's', long, value_name = "ADDR[:PORT]", value_parser = values::source, value_delimiter = ',')]
    pub source: Vec<SocketAddr>,
    #[command(flatten)]
    pub ip: IpArgs,
    /// Stop trying to connect after so long
    #[arg(long, value_name = "TIME", value_parser = values::some_time)]
    pub connect_timeout: Option<Duration>,
    #[command(flatten)]
    pub tcp: TcpArgs,
    #[command(flatten)]
    pub buffers: BufferArgs,
    #[command(flatten)]
    pub udp: UdpArgs,
}

impl BufferArgs {
    pub fn apply(&self, flags: &mut SocketFlags) {
        flags.send_buffer = self.send_buffer;
        flags.recv_buffer = self.recv_buffer;
    }
}

impl IpArgs {
    pub fn apply(&self, flags: &mut SocketFlags) {
        flags.dscp = self.dscp;
        flags.ttl = self.ttl;
        flags.interface.clone_from(&self.interface);
    }

    pub fn family(&self) -> Option<Family> {
        match (self.ipv4, self.ipv6) {
            (true, _) => Some(Family::V4),
            (_, true) => Some(Family::V6),
            _ => None,
        }
    }

    fn first(&self) -> Option<&'static str> {
        named(self.ipv4, "-4")
            .or(named(self.ipv6, "-6"))
            .or(named(self.dscp.is_some(), "--dscp"))
            .or(named(self.ttl.is_some(), "--ttl"))
            .or(named(self.interface.is_some(), "--interface"))
    }
}

impl TcpArgs {
    pub fn apply(&self, flags: &mut SocketFlags) {
        flags.nodelay = !self.no_nodelay;
        flags.mss = self.mss;
        flags.congestion.clone_from(&self.congestion);
        flags.keepalive = self.keepalive;
    }

    /// The first that was given.
    pub fn first(&self) -> Option<&'static str> {
        named(self.nodelay, "--nodelay")
            .or(named(self.no_nodelay, "--no-nodelay"))
            .or(named(self.mss.is_some(), "--mss"))
            .or(named(self.congestion.is_some(), "--congestion"))
            .or(named(self.keepalive.is_some(), "--keepalive"))
    }
}

impl UdpArgs {
    pub fn apply(&self, flags: &mut SocketFlags) {
        flags.broadcast = self.broadcast;
        flags.join.clone_from(&self.join);
    }

    /// The first that was given.
    pub fn first(&self) -> Option<&'static str> {
        named(self.broadcast, "--broadcast").or(named(!self.join.is_empty(), "--join"))
    }
}

impl DialArgs {
    /// How to reach a target of this scheme.
    ///
    /// # Errors
    /// A flag that this scheme has no use for.
    pub fn dial(&self, scheme: Scheme) -> Result<Dial, Trouble> {
        let internet = matches!(scheme, Scheme::Tcp | Scheme::Udp);
        refuse(self.tcp.first().filter(|_| scheme != Scheme::Tcp), "TCP", scheme)?;
        refuse(self.udp.first().filter(|_| scheme != Scheme::Udp), "UDP", scheme)?;
        refuse(self.ip.first().filter(|_| !internet), "TCP and UDP", scheme)?;
        if let [first, rest @ ..] = &self.source[..]
            && rest.iter().any(|other| other.is_ipv4() != first.is_ipv4())
        {
            return Err(
                Trouble::usage("the addresses of --source are of different families").hint("IPv4 or IPv6: one of them")
            );
        }
        refuse(named(!self.source.is_empty() && !internet, "--source"), "TCP and UDP", scheme)?;
        let mut flags = SocketFlags::default();
        self.buffers.apply(&mut flags);
        self.ip.apply(&mut flags);
        self.tcp.apply(&mut flags);
        self.udp.apply(&mut flags);
        Ok(Dial {
            source: self.source.first().copied(),
            family: self.family()?,
            timeout: self.connect_timeout,
            flags,
            speaks: None,
        })
    }

    /// Addresses to begin from in turn; none where one or none was given.
    pub fn sources(&self) -> Vec<SocketAddr> {
        if self.source.len() > 1 { self.source.clone() } else { Vec::new() }
    }

    /// For commands that make one connection.
    ///
    /// # Errors
    /// Several addresses of ours.
    pub fn one_source(&self) -> Result<(), Trouble> {
        match &self.source[..] {
            [_, second, ..] => Err(Trouble::usage("one connection begins from one address: --source has several")
                .hint(format!("leave out {}; bench takes several in turn", second.ip()))),
            _ => Ok(()),
        }
    }

    /// The family asked for; a source address has one, too.
    fn family(&self) -> Result<Option<Family>, Trouble> {
        let of_source = self.source.first().map(|source| if source.is_ipv4() { Family::V4 } else { Family::V6 });
        match (self.ip.family(), of_source) {
            (Some(asked), Some(has)) if asked != has => {
                let (flag, other) = if asked == Family::V4 { ("-4", "IPv6") } else { ("-6", "IPv4") };
                Err(Trouble::usage(format!("{flag} and an {other} address as --source exclude each other"))
                    .hint("leave one of them out"))
            }
            (asked, of_source) => Ok(asked.or(of_source)),
        }
    }
}

fn named(given: bool, flag: &'static str) -> Option<&'static str> {
    given.then_some(flag)
}

fn refuse(flag: Option<&str>, sockets: &str, scheme: Scheme) -> Result<(), Trouble> {
    match flag {
        Some(flag) => Err(Trouble::usage(format!("{flag} is for {sockets}, and this is {}", values::shown(scheme)))
            .hint(format!("leave {flag} out"))),
        None => Ok(()),
    }
}
