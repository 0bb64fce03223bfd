//! Two networks with a relay between them that loses, doubles, swaps and damages packets, and says afterwards what it did.

use super::{
    Network, PATIENCE, Process, Run,
    peer::{peer, skipped},
};

/// Where the far network's servers listen.
pub const FAR: &str = "10.8.0.2";

/// A bad network from `near` to `far`.
pub struct Relay {
    pub near: Network,
    pub far: Network,
    process: Process,
}

impl Relay {
    /// With these faults, as `fault_relay.py` takes them.
    pub fn new(faults: &[&str]) -> Option<Self> {
        let python = peer("python3")?;
        if std::fs::File::options().read(true).write(true).open("/dev/net/tun").is_err() {
            skipped("tun devices are not permitted");
            return None;
        }
        let (near, far) = (Network::new("true")?, Network::new("true")?);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/fault_relay.py");
        let run = near.inside(python.args(&["-u", script, "t0", "t1"]).args(faults)).stdin_open();
        let process = run.spawn();
        process.talk("ready");
        near.sh(&format!("ip link set t1 netns {}; {}", far.pid(), device("t0", "10.8.0.1", FAR)));
        far.sh(&device("t1", FAR, "10.8.0.1"));
        Some(Self { near, far, process })
    }

    /// Ends it; what it did.
    #[track_caller]
    pub fn did(&mut self) -> serde_json::Value {
        self.process.close_stdin();
        self.process.wait_within(PATIENCE).code(0).json()
    }

    /// Runs it on the near side.
    pub fn here(&self, run: Run) -> Run {
        self.near.inside(run)
    }

    /// Runs it on the far side.
    pub fn there(&self, run: Run) -> Run {
        self.far.inside(run)
    }
}

/// Without IPv6, whose own packets would have faults happen to them too.
fn device(name: &str, ours: &str, theirs: &str) -> String {
    format!(
        "echo 1 >/proc/sys/net/ipv6/conf/{name}/disable_ipv6; ip addr add {ours} peer {theirs} dev {name}; \
         ip link set {name} mtu 1500 txqueuelen 2000 up"
    )
}
